"""Writes src/cnn/_core/engine/kernels.pxi from csrc/kernels/kernels.def, which C reads with its preprocessor and Cython cannot.

Each K row becomes `k_name(kernels, ...)`, fused in `real`; each R row becomes `r_name(kernels, ...)`, which returns False, with nothing
done, where the instruction set has no such row, so that a caller reads

    if not r_relu_forward(k, n, z, y, c):
        relu_forward(n, z, y, c)

A row without an argument in `real` takes one more, `const real *tag`, that only names the dtype (never read; any pointer will do).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = ROOT / "csrc" / "kernels" / "kernels.def"
OUTPUT = ROOT / "src" / "cnn" / "_core" / "engine" / "kernels.pxi"

PYTHON_WORDS = {
    "in",
    "is",
    "not",
    "and",
    "or",
    "lambda",
    "from",
    "with",
    "as",
    "pass",
    "del",
    "def",
    "real",
    "None",
    "yield",
}


def split_arguments(text: str) -> list[str]:
    """Splits at the commas outside brackets and strings: `void, axpy, (size_t n, real a)` has three parts."""
    parts, depth, quoted, start = [], 0, False, 0
    for i, character in enumerate(text):
        if character == '"' and text[i - 1 : i] != "\\":
            quoted = not quoted
        elif quoted:
            continue
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()]


def calls(text: str):
    """Yields (name, arguments) of each top-level `NAME(...)` in the text."""
    position = 0
    while match := re.compile(r"\b([A-Za-z_]\w*)\s*\(").search(text, position):
        depth, end, quoted = 1, match.end(), False
        while depth:
            character = text[end]
            quoted ^= character == '"' and text[end - 1] != "\\"
            depth += 0 if quoted else (character == "(") - (character == ")")
            end += 1
        yield match[1], split_arguments(text[match.end() : end - 1])
        position = end


def rows(path: Path, *names: str) -> list[tuple[str, list[str]]]:
    """The rows of a .def list, in order, as (macro, arguments); helper macros that the file itself defines are expanded."""
    text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S).replace("\\\n", " ")
    helpers: dict[str, tuple[list[str], str]] = {}
    found: list[tuple[str, list[str]]] = []

    def expand(source: str) -> None:
        for name, arguments in calls(source):
            if name in helpers:
                parameters, body = helpers[name]
                for parameter, argument in zip(parameters, arguments, strict=True):
                    body = re.sub(rf"\b{parameter}\b(?=##)|(?<=##){parameter}\b|\b{parameter}\b", argument, body)
                expand(body.replace("##", ""))
            elif name in names:
                found.append((name, arguments))
            else:
                raise SystemExit(f"{path}: a row {name}(...), where {', '.join(names)} are known")

    for line in text.splitlines():
        if match := re.match(r"\s*#\s*define\s+(\w+)\(([^)]*)\)\s*(.*)", line):
            helpers[match[1]] = ([p.strip() for p in match[2].split(",")], match[3])
        elif not re.match(r"\s*#", line):
            expand(line)
    return found


def kernels_pxi() -> str:
    table, wrappers = [], []
    for macro, (result, name, arguments) in rows(KERNELS, "K", "R", "L"):
        inner = arguments.strip()[1:-1].strip()
        parts = [] if inner == "void" else split_arguments(inner)
        split = [re.match(r"(.*?[\s*])(\w+)$", part).groups() for part in parts]
        split = [(kind.strip(), word + "_" if word in PYTHON_WORDS else word) for kind, word in split]
        formal = [f"{kind}{'' if kind.endswith('*') else ' '}{word}" for kind, word in split]
        table.append((result, name, list(formal)))
        actual = ", ".join(word for _, word in split)
        if not any(re.search(r"\breal\b", part) for part in parts):
            formal.append("const real *tag")
        formal.insert(0, "const cnn_kernels *kernels")
        kind, returns = ("bint", "") if macro == "R" else (result, "" if result == "void" else "return ")
        lines = [f"cdef inline {kind} {macro.lower()}_{name}({', '.join(formal)}) noexcept nogil:"]
        for test, dtype in (("if real is float", "f32"), ("else", "f64")):
            lines.append(f"    {test}:")
            if macro == "R":
                lines += [f"        if kernels.{dtype}.{name} == NULL:", "            return False"]
            lines.append(f"        {returns}kernels.{dtype}.{name}({actual})")
        if macro == "R":
            lines.append("    return True")
        wrappers.append("\n".join(lines))

    def struct(dtype: str, real: str) -> str:
        fields = (f"        {result} (*{name})({', '.join(parts)}) noexcept nogil" for result, name, parts in table)
        return f"    ctypedef struct cnn_kernels_{dtype}:\n" + re.sub(r"\breal\b", real, "\n".join(fields))

    return "\n\n".join(
        [
            "# Written by tools/lists.py from csrc/kernels/kernels.def: edit that.",
            'cdef extern from "kernels/kernels.h" nogil:\n' + struct("f32", "float"),
            struct("f64", "double"),
            "    ctypedef struct cnn_kernels:\n        const char *isa\n        cnn_kernels_f32 f32\n        cnn_kernels_f64 f64",
            "    const cnn_kernels *cnn_kernels_of(int isa)\n    const cnn_kernels *cnn_kernels_current()\n",
            "\n\n\n".join(wrappers),
        ]
    )


def write(path: Path, text: str) -> bool:
    """Writes only what has changed, so that nothing is rebuilt for nothing."""
    text = text.rstrip("\n") + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def main() -> None:
    write(OUTPUT, kernels_pxi())


if __name__ == "__main__":
    sys.exit(main())
