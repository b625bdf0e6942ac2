"""Writes engine/activation_loops.pxi: the loops over arrays of every activation of cnn.h, and the table of them.

The formulas are engine/activations.pxi, one inline function a value and one a slope; the loops are the same text for each.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vocabulary import ENGINE, HEADER, read_lists, write

READS_OUTPUT = {
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "softmax",
}  # backward reads y; linear reads neither; the others z
NO_ROW = {"linear"}  # no row in kernels.def
ROWWISE = {"softmax"}  # its functions are written by hand

HEAD = """\
# Made by tools/activation_loops.py from cnn.h.

ctypedef void (*activation_forward_f32)(const cnn_kernels *k, size_t n, const float *z, float *y, const float *c) noexcept nogil
ctypedef void (*activation_forward_f64)(const cnn_kernels *k, size_t n, const double *z, double *y, const double *c) noexcept nogil
ctypedef void (*activation_backward_f32)(const cnn_kernels *k, size_t n, const float *dy, const float *z, const float *y, float *dz, const float *c, int accumulate) noexcept nogil
ctypedef void (*activation_backward_f64)(const cnn_kernels *k, size_t n, const double *dy, const double *z, const double *y, double *dz, const double *c, int accumulate) noexcept nogil

cdef struct ActivationTable:
    activation_forward_f32 forward_f32     # y may be z; NULL where rowwise
    activation_forward_f64 forward_f64
    activation_backward_f32 backward_f32   # dz may be dy when accumulate is 0
    activation_backward_f64 backward_f64
    int32_t keeps_input    # backward reads z
    int32_t keeps_output   # backward reads y
    int32_t rowwise        # softmax: softmax_forward and softmax_backward, over rows
"""

LOOPS = """
cdef void {name}_forward(const cnn_kernels *k, size_t n, const real *z, real *y, const real *c) noexcept nogil:
    cdef size_t i
{row_forward}    for i in range(n):
        y[i] = {name}_value(z[i], c)

cdef void {name}_backward(const cnn_kernels *k, size_t n, const real *dy, const real *z, const real *y, real *dz, const real *c, int accumulate) noexcept nogil:
    cdef size_t i
{row_backward}    if accumulate:
        for i in range(n):
            dz[i] += dy[i] * {name}_slope({slope}, c)
    else:
        for i in range(n):
            dz[i] = dy[i] * {name}_slope({slope}, c)
"""
ROW_FORWARD = "    if r_{name}_forward(k, n, z, y, c):\n        return\n"
ROW_BACKWARD = "    if r_{name}_backward(k, n, dy, z, y, dz, c, accumulate):\n        return\n"


def reads(name: str) -> tuple[bool, bool]:
    """Whether backward reads (z, y)."""
    return name not in READS_OUTPUT and name != "linear", name in READS_OUTPUT


def loops(name: str) -> str:
    z, y = reads(name)
    row = name not in NO_ROW
    return LOOPS.format(
        name=name,
        slope=f"{'z[i]' if z else '<real>0'}, {'y[i]' if y else '<real>0'}",
        row_forward=ROW_FORWARD.format(name=name) if row else "",
        row_backward=ROW_BACKWARD.format(name=name) if row else "",
    )


def table(rows: list[tuple[str, ...]]) -> str:
    lines = [
        "",
        "cdef int activation_table(int32_t kind, ActivationTable *t) noexcept nogil:",
        '    """0: there is no such activation."""',
    ]
    lines += ["    memset(t, 0, sizeof(ActivationTable))"]
    for n, (key, _, name) in enumerate(rows):
        z, y = reads(name)
        lines.append(f"    {'el' if n else ''}if kind == CNN_{key}:")
        for part in ("forward", "backward") if name not in ROWWISE else ():
            lines += [f"        t.{part}_f32 = {name}_{part}[float]", f"        t.{part}_f64 = {name}_{part}[double]"]
        lines += ["        t.rowwise = 1"] if name in ROWWISE else []
        lines += ["        t.keeps_input = 1"] if z else []
        lines += ["        t.keeps_output = 1"] if y else []
    return "\n".join([*lines, "    else:", "        return 0", "    return 1", ""])


def main(out_path: Path | str = ENGINE / "activation_loops.pxi") -> None:
    rows = read_lists(HEADER.read_text())["ACTIVATION"]
    unknown = (READS_OUTPUT | NO_ROW | ROWWISE) - {row[2] for row in rows}
    if unknown:
        raise SystemExit(f"cnn.h lists no activation {', '.join(sorted(unknown))}")
    write(Path(out_path), HEAD + "".join(loops(row[2]) for row in rows if row[2] not in ROWWISE) + table(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
