"""Rows whose target is blank: told together, or left out."""

from collections.abc import Iterator, Sequence

import numpy as np

from . import values
from .tables import Chunk, Table
from .values import is_blank


class Kept:
    """Some rows of a chunk.

    Parameters
    ----------
    chunk : Chunk
    kept : ndarray of int
        Which, ascending.
    comma : bool
        Whether a comma is a decimal point.
    """

    def __init__(self, chunk: Chunk, kept: np.ndarray, comma: bool) -> None:
        self._chunk, self._kept, self._comma = chunk, kept, comma
        self.first, self.rows = chunk.first, len(kept)

    def numbers(self, column: int) -> np.ndarray | None:
        found = self._chunk.numbers(column)
        if found is None:  # the text may be in a row that is left out
            return values.numbers(self.texts(column), self._comma)
        return found[self._kept]

    def texts(self, column: int) -> Sequence[str]:
        texts = self._chunk.texts(column)
        return [texts[row] for row in self._kept.tolist()]

    def coded(self, column: int) -> tuple[list[str], np.ndarray]:
        texts, places = self._chunk.coded(column)
        used, places = np.unique(places[self._kept], return_inverse=True)
        return [texts[i] for i in used.tolist()], places

    def text(self, column: int, row: int) -> str:
        return self._chunk.text(column, int(self._kept[row]))

    def place(self, row: int) -> str:
        return self._chunk.place(int(self._kept[row]))


def chunks(table: Table, goals: Sequence[int], skip: bool) -> Iterator[Chunk]:
    """The chunks of a table, every target in them being there.

    Parameters
    ----------
    table : Table
    goals : sequence of int
        The columns of targets; without any all rows are given.
    skip : bool
        Whether rows with a blank target are left out.

    Raises
    ------
    ValueError
        Unless `skip`, for blank targets: how many in all, and where the first is.
    """
    found = table.chunks()
    for chunk in found:
        if not goals:
            yield chunk
            continue
        blank = _blank(table, chunk, goals)
        if not blank.any():
            yield chunk
        elif not skip:
            more = sum(int(_blank(table, other, goals).any(axis=0).sum()) for other in found)
            raise _told(table, chunk, goals, blank, more)
        elif not blank.any(axis=0).all():
            yield Kept(chunk, np.flatnonzero(~blank.any(axis=0)), table.comma)


def _blank(table: Table, chunk: Chunk, goals: Sequence[int]) -> np.ndarray:
    """(targets, rows): where there is none."""
    return np.array([_blank_in(table, chunk, j) for j in goals])


def _blank_in(table: Table, chunk: Chunk, column: int) -> np.ndarray:
    x = None if table.is_text(column) else chunk.numbers(column)
    if x is not None:
        return np.isnan(x)
    texts, places = chunk.coded(column)
    return np.array([is_blank(text) for text in texts], bool)[places]


def _told(table: Table, chunk: Chunk, goals: Sequence[int], blank: np.ndarray, more: int) -> ValueError:
    rows = blank.any(axis=0)
    first, count = int(rows.argmax()), int(rows.sum()) + more
    name = table.names[goals[int(blank[:, first].argmax())]]
    where = f"{count} rows, first in {chunk.place(first)}" if count > 1 else chunk.place(first)
    them = ("them", "them") if count > 1 else ("the row", "it")
    return ValueError(
        f"{table.label}, column {name!r}: the target is blank in {where}:"
        f" leave {them[0]} out (skip_blank_targets=True), or fill {them[1]} in"
    )
