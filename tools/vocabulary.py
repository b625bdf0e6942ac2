"""Writes what Cython can't read of the lists in cnn.h: the constants (vocabulary.pxi) and the tables of ops (registry.pxi)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "src/cnn/include/cnn/cnn.h"
ENGINE = ROOT / "src/cnn/_core/engine"
ENUMS = {  # list -> (C type, prefix of its constants, constants that are not in the list)
    "OP": ("cnn_op", "CNN_OP_", []),
    "ATTRIBUTE": ("cnn_attribute_key", "CNN_ATTRIBUTE_", []),
    "ACTIVATION": ("cnn_activation", "CNN_", []),
    "LOSS": ("cnn_loss", "CNN_LOSS_", ["INFER"]),
    "OPTIMIZER": ("cnn_optimizer", "CNN_OPTIMIZER_", ["DEFAULT"]),
    "INIT": ("cnn_init", "CNN_INIT_", []),
    "METRIC": ("cnn_metric", "CNN_METRIC_", []),
}
TYPES = ["integer", "number", "text", "list"]
OP_PARTS = {  # name -> must be there
    "shape": True,
    "blocks": False,
    "layout": False,
    "plan": False,
    "prepare": False,
    "keep": False,
    "part": False,
    "forward": True,
    "backward": True,
}


def read_lists(header: str) -> dict[str, list[tuple[str, ...]]]:
    """{"OP": [("INPUT", "0", "input"), ...], ...} from the CNN_*_LIST macros."""
    lists = {}
    for name in ENUMS:
        body = re.search(rf"#define CNN_{name}_LIST\(X\)((?:.*\\\n)*.*)", header)
        if body is None:
            raise SystemExit(f"cnn.h has no CNN_{name}_LIST")
        rows = re.findall(r"X\(([^)]*)\)", body[1])
        lists[name] = [tuple(field.strip() for field in row.split(",")) for row in rows]
    return lists


def vocabulary(lists: dict[str, list[tuple[str, ...]]]) -> str:
    lines = ["# Made by tools/vocabulary.py from cnn.h.", 'cdef extern from "cnn/cnn.h" nogil:']
    for name, (ctype, prefix, more) in ENUMS.items():
        lines.append(f"    ctypedef enum {ctype}:")
        lines += [
            f"        {prefix}{key}"
            for key in more + [row[0] for row in lists[name]] + ["END"]
            if not (key == "END" and prefix == "CNN_")
        ]
        if prefix == "CNN_":
            lines.append("        CNN_ACTIVATION_END")
    return "\n".join(lines) + "\n"


def op_functions(name: str) -> set[str]:
    path = ENGINE / "ops" / f"{name}.pxi"
    if not path.exists():
        raise SystemExit(f"cnn.h lists the op {name}, but there is no {path.relative_to(ROOT)}")
    text = path.read_text()
    found = {part for part in OP_PARTS if re.search(rf"^cdef\b.*\b{name}_{part}\(", text, re.M)}
    for part, needed in OP_PARTS.items():
        if needed and part not in found:
            raise SystemExit(f"{path.relative_to(ROOT)} lacks {name}_{part}")
    return found


def registry(lists: dict[str, list[tuple[str, ...]]]) -> str:
    lines = ["# Made by tools/vocabulary.py from cnn.h and engine/ops/."]
    lines += [f'include "ops/{row[2]}.pxi"' for row in lists["OP"]]
    lines += ["", "cdef int op_table(int32_t op, OpTable *t) noexcept nogil:", "    memset(t, 0, sizeof(OpTable))"]
    for n, (key, _, name) in enumerate(lists["OP"]):
        found = op_functions(name)
        lines.append(f"    {'el' if n else ''}if op == CNN_OP_{key}:")
        lines.append(f'        t.name = "{name}"')
        for part in OP_PARTS:
            if part in ("keep", "part", "forward", "backward") and part in found:
                lines.append(f"        t.{part}_f32 = {name}_{part}[float]")
                lines.append(f"        t.{part}_f64 = {name}_{part}[double]")
            elif part in found:
                lines.append(f"        t.{part} = {name}_{part}")
    lines += ["    else:", "        return 0", "    return 1", ""]
    lines += names(lists, "OP", "op_name")
    lines += names(lists, "ATTRIBUTE", "attribute_name")
    lines += ["cdef int attribute_type(int32_t key) noexcept nogil:"]
    lines += [f"    if key == {row[1]}: return {TYPES.index(row[3])}" for row in lists["ATTRIBUTE"]]
    lines += ["    return -1", "", "cdef int32_t attribute_key(const char *name) noexcept nogil:"]
    lines += [f'    if strcmp(name, "{row[2]}") == 0: return {row[1]}' for row in lists["ATTRIBUTE"]]
    lines += ["    return -1", ""]
    for kind in ("ACTIVATION", "LOSS", "OPTIMIZER", "INIT", "METRIC"):
        lines += names(lists, kind, f"{kind.lower()}_name")
    return "\n".join(lines).rstrip("\n") + "\n"


def names(lists: dict[str, list[tuple[str, ...]]], kind: str, function: str) -> list[str]:
    rows = [f'    if code == {row[1]}: return "{row[2]}"' for row in lists[kind]]
    return [f"cdef const char *{function}(int32_t code) noexcept nogil:", *rows, "    return NULL", ""]


def core_lists(lists: dict[str, list[tuple[str, ...]]]) -> str:
    """The lists as Python dicts, for the bindings."""
    lines = ["# Made by tools/vocabulary.py from cnn.h."]
    for kind in ENUMS:
        pairs = ", ".join(f'"{row[2]}": {row[1]}' for row in lists[kind])
        plural = "LOSSES" if kind == "LOSS" else f"{kind}S"
        lines.append(f"{plural} = {{{pairs}}}")
    types = ", ".join(f'"{row[2]}": "{row[3]}"' for row in lists["ATTRIBUTE"])
    lines.append(f"ATTRIBUTE_TYPES = {{{types}}}")
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main() -> None:
    lists = read_lists(HEADER.read_text())
    write(ENGINE / "vocabulary.pxi", vocabulary(lists))
    write(ENGINE.parent / "vocabulary_python.pxi", core_lists(lists))
    if "--vocabulary" not in sys.argv:
        write(ENGINE / "registry.pxi", registry(lists))


if __name__ == "__main__":
    main()
