"""Rows of a CSV file, column by column: by NumPy where the lines are plain, else as the csv module has read them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from . import distinct, values
from .digits import parse

_NEWLINE = 10


class Source(Protocol):
    """What chunks know of their file."""

    label: str
    names: list[str]
    delimiter: str
    comma: bool
    trailing: bool


class RowsChunk:
    """Rows as lists of text."""

    def __init__(self, rows: list[list[str]], table: Source, first: int, line: int) -> None:
        width = len(table.names)
        if width == 1:  # a blank line is a blank value
            rows = [row or [""] for row in rows]
        self._all, self._line, self._table, self.first = rows, line, table, first
        if set(map(len, rows)) != {width}:
            rows = [row for row in rows if not _is_blank_line(row, width)]
            for i, row in enumerate(rows):
                if len(row) != width:
                    self._kept = rows
                    raise ValueError(
                        f"{table.label}, {self.place(i)}: {len(row)} value{'s' * (len(row) != 1)}, and"
                        + (
                            f" the first row has {width}"
                            if table.trailing
                            else f" the header has {width} column{'s' * (width != 1)}"
                        )
                    )
        self._kept, self.rows = rows, len(rows)
        self._columns = list(zip(*rows, strict=True))

    def texts(self, column: int) -> Sequence[str]:
        return self._columns[column]

    def coded(self, column: int) -> tuple[list[str], np.ndarray]:
        return distinct.of_texts(self._columns[column])

    def text(self, column: int, row: int) -> str:
        return self._columns[column][row]

    def numbers(self, column: int) -> np.ndarray | None:
        return values.numbers(self._columns[column], self._table.comma)

    def place(self, row: int) -> str:
        """Values may hold line ends, and blank lines are no rows: counted only now."""
        line, wanted = self._line, self._kept[row]
        for item in self._all:
            if item is wanted:
                break
            line += row_lines(item)
        return f"line {line}"


class BlockChunk:
    """Lines without quotes, all with the right number of values.

    Parameters
    ----------
    block : bytes
        Lines that end in a line feed.
    table : CsvTable
    first, line : int
        Of its first row.
    marks, ends : ndarray of int
        Where separators, line ends and decimal points are; and which of them are the first two.
    """

    def __init__(self, block: bytes, table: Source, first: int, line: int, marks: np.ndarray, ends: np.ndarray) -> None:
        self._block, self._table, self._line, self.first = block, table, line, first
        self._width = len(table.names)
        self.rows = len(ends) // self._width
        self._marks, self._end_marks, self._ends = marks, ends, marks[ends]
        self._parsed: tuple[np.ndarray, np.ndarray] | None = None
        self._words: np.ndarray | None = None
        self._flat: list[str] | None = None
        self._sliced: dict[int, list[str]] = {}
        self._coded: dict[int, tuple[list[str], np.ndarray]] = {}

    @classmethod
    def of(cls, block: bytes, table: Source, first: int, line: int) -> "BlockChunk | None":
        """None when the lines differ in length, or some are blank and have no value."""
        width = len(table.names)
        data = np.frombuffer(block, np.uint8)
        marked = (data == ord(table.delimiter)) | (data == _NEWLINE) | (data == ord("."))
        if table.comma:
            marked |= data == ord(",")
        marks = np.flatnonzero(marked)
        kinds = data[marks]
        ends = np.flatnonzero((kinds == ord(table.delimiter)) | (kinds == _NEWLINE))
        if len(ends) % width:
            return None
        is_line_end = (kinds[ends] == _NEWLINE).reshape(-1, width)
        if np.count_nonzero(is_line_end) != len(is_line_end) or not is_line_end[:, -1].all():
            return None
        return cls(block, table, first, line, marks, ends)

    def _starts(self) -> np.ndarray:
        starts = np.empty_like(self._ends)
        starts[:1] = 0
        np.add(self._ends[:-1], 1, out=starts[1:])
        return starts

    def numbers(self, column: int) -> np.ndarray | None:
        if self._parsed is None:
            points = np.diff(self._end_marks, prepend=-1) - 1  # how many each field has
            many = points > 1
            points = np.where(points == 0, self._ends, self._marks[np.maximum(self._end_marks - 1, 0)])
            points[many] = -1
            found, known = parse(self._block, self._starts(), self._ends, points)
            self._parsed = found.reshape(-1, self._width), known.reshape(-1, self._width)
        x, known = (part[:, column] for part in self._parsed)
        if known.all():
            return x.copy()
        odd = np.flatnonzero(~known)
        if 4 * len(odd) > self.rows:
            return values.numbers(self.texts(column), self._table.comma)
        read = values.numbers([self.text(column, int(row)) for row in odd], self._table.comma)
        if read is None:
            return None
        x = x.copy()
        x[odd] = read
        return x

    def texts(self, column: int) -> Sequence[str]:
        if self._flat is None and 4 * len(self._sliced) < self._width and self._block.isascii():
            if column not in self._sliced:  # the few columns of text in a wide table
                text = self._block.decode()
                ends = self._ends[column :: self._width].tolist()
                starts = self._starts()[column :: self._width].tolist()
                self._sliced[column] = [text[a:b] for a, b in zip(starts, ends, strict=True)]
            return self._sliced[column]
        if self._flat is None:
            delimiter = self._table.delimiter
            self._flat = self._block[:-1].decode().replace("\n", delimiter).split(delimiter)
        return self._flat[column :: self._width]

    def coded(self, column: int) -> tuple[list[str], np.ndarray]:
        if column not in self._coded:
            self._coded[column] = self._code(column)
        return self._coded[column]

    def _code(self, column: int) -> tuple[list[str], np.ndarray]:
        if self._words is None:
            self._words = distinct.words_of(self._block)
        starts, ends = self._starts()[column :: self._width], self._ends[column :: self._width]
        found = distinct.of_fields(self._words, starts, ends)
        if found is None:
            return distinct.of_texts(self.texts(column))
        return [self.text(column, int(row)) for row in found[0]], found[1]

    def text(self, column: int, row: int) -> str:
        i = row * self._width + column
        start = int(self._ends[i - 1]) + 1 if i else 0
        return self._block[start : int(self._ends[i])].decode()

    def place(self, row: int) -> str:
        return f"line {self._line + row}"


def row_lines(row: list[str]) -> int:
    return 1 + sum(line_count(value.encode()) for value in row if "\n" in value or "\r" in value)


def _is_blank_line(row: list[str], width: int) -> bool:
    return not row or (len(row) == 1 and width > 1 and not row[0].strip())


def line_count(block: bytes) -> int:
    """Line ends in it: \\n, \\r\\n or \\r."""
    returns = block.count(b"\r")
    return block.count(b"\n") + (returns - block.count(b"\r\n") if returns else 0)
