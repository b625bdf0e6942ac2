"""Pictures in characters: learning curves, confusion matrices, images, tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["confusion", "count", "counts", "curve", "images", "table"]

_SHADES = " .:oO@"
_UNICODE = {"marks": "●○", "both": "◉", "side": "│", "corner": "└", "floor": "─", "tick": "┤"}
_ASCII = {"marks": "*o", "both": "#", "side": "|", "corner": "+", "floor": "-", "tick": "+"}


def count(n: int, what: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{n:,} {what}{'' if n == 1 else 'es' if what.endswith('s') else 's'}"


def table(header: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[int] = ()) -> str:
    """Columns two blanks apart, a rule below the header; those in `right` are set to the right."""
    cells = [[str(c) for c in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(line.rstrip() for line in lines)


def curve(
    series: Mapping[str, Sequence[float]], *, width: int = 60, height: int = 12, unicode: bool = False, first: int = 1
) -> str:
    """One or two figures over the epochs.

    Parameters
    ----------
    series : dict of str to sequence of float
        What is not finite is left out.
    width, height : int, default 60, 12
        Of the field, in characters.
    unicode : bool, default False
        Characters beyond ASCII.
    first : int, default 1
        The number of the first epoch.

    Returns
    -------
    str
        The y axis is logarithmic where the largest value is more than 10 times the smallest. "" without a finite value.
    """
    signs = _UNICODE if unicode else _ASCII
    values = {name: np.asarray(v, np.float64) for name, v in series.items() if len(v)}
    finite = np.concatenate([v[np.isfinite(v)] for v in values.values()]) if values else np.empty(0)
    if not finite.size:
        return ""
    low, high = float(finite.min()), float(finite.max())
    logarithmic = low > 0 and high > 10 * low

    def place(y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        a, b = (math.log(low), math.log(high)) if logarithmic else (low, high)
        y = np.log(y) if logarithmic else y
        return np.asarray((y - a) / (b - a) if b > a else np.full_like(y, 0.5))

    field = [[" "] * width for _ in range(height)]
    epochs = max(map(len, values.values()))
    for mark, v in zip(signs["marks"], values.values(), strict=False):
        at = np.linspace(0, epochs - 1, width) if epochs > 1 else np.zeros(1)
        known = np.isfinite(v)
        y = np.interp(at, np.flatnonzero(known), v[known]) if known.any() else np.empty(0)
        for column, h in enumerate(place(y) if y.size else ()):
            row = height - 1 - round(float(h) * (height - 1))
            field[row][column] = mark if field[row][column] == " " else signs["both"]
    labels = {0: _short(high), height - 1: _short(low)}
    if low < high:
        middle = math.sqrt(low * high) if logarithmic else (low + high) / 2
        labels[round((height - 1) / 2)] = _short(middle)
    margin = max(map(len, labels.values()))
    lines = [
        f"{labels.get(i, ''):>{margin}} {signs['tick'] if i in labels else signs['side']}{''.join(row)}".rstrip()
        for i, row in enumerate(field)
    ]
    lines.append(" " * (margin + 1) + signs["corner"] + signs["floor"] * width)
    ends = f"epoch {first}".ljust(width - len(str(first + epochs - 1))) + str(first + epochs - 1)
    lines.append(" " * (margin + 2) + ends)
    legend = "   ".join(f"{mark} {name}" for mark, name in zip(signs["marks"], values, strict=False))
    return "\n".join([" " * (margin + 2) + legend + ("   (logarithmic)" if logarithmic else ""), *lines])


def _short(x: float) -> str:
    return f"{x:.3g}"


def counts(true: npt.ArrayLike, called: npt.ArrayLike, k: int) -> npt.NDArray[np.int64]:
    """How often class i (row) was called class j (column), of indices 0 to k - 1."""
    flat = np.asarray(true, np.int64) * k + np.asarray(called, np.int64)
    return np.bincount(flat, minlength=k * k).reshape(k, k).astype(np.int64)


def confusion(matrix: npt.NDArray[np.int64], classes: Sequence[Any], largest: int = 20) -> str:
    """A confusion matrix; of more than `largest` classes the pairs that are most often confused."""
    names = [_clipped(str(c), 16) for c in classes]
    if len(names) > largest:
        off = matrix - np.diag(np.diag(matrix))
        order = np.argsort(off, axis=None, kind="stable")[::-1][:10]
        pairs = [(i // len(names), i % len(names)) for i in order.tolist()]
        rows = [(names[i], names[j], matrix[i, j], matrix[i].sum()) for i, j in pairs if off[i, j]]
        return table(["is", "called", "times", "of"], rows, right=(2, 3)) if rows else "nothing was confused"
    heads = [_clipped(n, 8) for n in names]
    side = max(map(len, names))
    widths = [max(len(h), len(str(c.max()))) for h, c in zip(heads, matrix.T, strict=True)]
    lines = ["rows: what it is; columns: what was called"]
    lines.append(" " * side + "".join(f"  {h:>{w}}" for h, w in zip(heads, widths, strict=True)))
    for name, row in zip(names, matrix, strict=True):
        lines.append(
            f"{name:>{side}}" + "".join(f"  {n or '.':>{w}}" for n, w in zip(row.tolist(), widths, strict=True))
        )
    return "\n".join(lines)


def _clipped(text: str, n: int) -> str:
    return text if len(text) <= n else text[: n - 2] + ".."


def images(pictures: npt.ArrayLike, captions: Sequence[str], top: float = 16.0) -> str:
    """Pictures (n, height, width) of 0 to `top` beside each other, two characters a pixel."""
    columns = []
    for picture, caption in zip(np.asarray(pictures, np.float64), captions, strict=True):
        shades = np.clip(picture * (len(_SHADES) - 1) / top, 0, len(_SHADES) - 1).astype(int)
        lines = ["".join(_SHADES[s] * 2 for s in row) for row in shades.tolist()]
        width = max(len(caption), len(lines[0])) + 2
        columns.append([line.ljust(width) for line in [caption, *lines]])
    return "\n".join("".join(line).rstrip() for line in zip(*columns, strict=True))
