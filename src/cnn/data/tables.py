"""Tables in memory: pandas and polars frames, dicts of columns, lists of dicts. `open_table` takes files, too."""

import os
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from . import distinct, values
from .values import Fault


class Chunk(Protocol):
    """Some rows of a table, column by column.

    Attributes
    ----------
    first, rows : int
        The index of the first row, and how many there are.
    """

    first: int
    rows: int

    def numbers(self, column: int) -> np.ndarray | None:
        """The column as float64 with NaN for blanks, a new array; None when it holds other text."""

    def texts(self, column: int) -> Sequence[str]:
        """The column as it is written."""

    def coded(self, column: int) -> tuple[list[str], np.ndarray]:
        """(the different texts of the column, the place of each row's among them)."""

    def text(self, column: int, row: int) -> str:
        """One value as it is written; `row` counts from the chunk's first."""

    def place(self, row: int) -> str:
        """``line 17`` or ``row 16``."""


class Table(Protocol):
    """A table that is read in chunks, as often as needed.

    Attributes
    ----------
    label : str
        What it is, for messages: the file's name, or "the table".
    names : list of str
        Of the columns.
    comma : bool
        Whether a comma is a decimal point.
    """

    label: str
    names: list[str]
    comma: bool

    def chunks(self) -> Iterator[Chunk]:
        """From the first row on."""

    def is_text(self, column: int) -> bool:
        """Whether the column's type says that it is text, whatever its values look like."""

    def original(self, column: int, text: str) -> Any:
        """A class as it is in the table: True rather than "true"."""

    def error(self, chunk: Chunk, fault: Fault, column: int | None = None) -> ValueError:
        """The fault with its place."""


def is_table(x: Any) -> bool:
    """Whether `x` is a table: a path, a frame, a dict of columns, a list of dicts."""
    if isinstance(x, str | os.PathLike | dict):
        return True
    if isinstance(x, list | tuple):
        return bool(x) and all(isinstance(row, dict) for row in x)
    return not isinstance(x, np.ndarray) and hasattr(x, "__getitem__") and _frame_names(x) is not None


def _frame_names(x: Any) -> list[Any] | None:
    names = getattr(x, "column_names", None)
    if names is None:
        names = getattr(x, "columns", None)
    return None if names is None or callable(names) else list(names)


def nearest(name: str, names: Sequence[str]) -> str:
    """What to say when there is no column of that name."""
    from difflib import get_close_matches

    plain = {known.lower(): known for known in names if known}
    close = get_close_matches(name.strip().lower(), plain, 3, 0.6)
    if close:
        return f"did you mean {' or '.join(repr(plain[match]) for match in close)}?"
    listed = ", ".join(plain.values())
    return (
        f"the columns are {listed if len(listed) < 200 else listed[:160] + ', ...'}"
        if plain
        else "there are no columns"
    )


def open_table(table: Any) -> Table:
    """The table, ready to be read.

    Raises
    ------
    TypeError
        When it is none.
    ValueError
        For a file or a frame without usable column names.
    OSError
        When a file cannot be read.
    """
    if isinstance(table, str | os.PathLike):
        from .csv_file import CsvTable

        return CsvTable(table)
    if type(table).__name__ == "LazyFrame":
        raise TypeError("the table is a LazyFrame; pass table.collect()")
    if not is_table(table):
        shape = f" of the shape {np.shape(table)}" if isinstance(table, np.ndarray) else ""
        raise TypeError(
            f"the table is a {type(table).__name__}{shape}; expected a path, a frame with column names, a dict of columns"
            " or a list of dicts"
        )
    if isinstance(table, dict):
        return FrameTable(list(table), table)
    if isinstance(table, list | tuple):
        names = list(dict.fromkeys(name for row in table for name in row))
        return FrameTable(names, {name: [row.get(name) for row in table] for name in names})
    return FrameTable(_frame_names(table) or [], table)


class FrameTable:
    """A table in memory; one chunk."""

    label, comma = "the table", False

    def __init__(self, keys: list[Any], frame: Any) -> None:
        self.names = [str(key).strip() for key in keys]
        for i, name in enumerate(self.names):
            if name in self.names[:i]:
                raise ValueError(f"the table has two columns named {name!r}; each name must be there once")
        self._keys, self._frame, self.first = keys, frame, 0
        self._columns: dict[int, tuple[np.ndarray, bool]] = {}
        self.rows = len(self._column(0)[0]) if keys else 0
        for j, name in enumerate(self.names if isinstance(frame, dict) else []):
            rows = len(self._column(j)[0])
            if rows != self.rows:
                raise ValueError(f"column {name!r} has {rows} rows and column {self.names[0]!r} has {self.rows}")

    def _column(self, j: int) -> tuple[np.ndarray, bool]:
        """(its values, whether its type says that it is text)."""
        if j not in self._columns:
            series = self._frame[self._keys[j]]
            self._columns[j] = _as_column(series, self.names[j])
        return self._columns[j]

    def chunks(self) -> Iterator["FrameTable"]:
        yield self

    def is_text(self, column: int) -> bool:
        return self._column(column)[1]

    def original(self, column: int, text: str) -> Any:
        array = self._column(column)[0]
        if array.dtype.kind == "O" and text in ("true", "false"):
            kinds = {type(item) for item in array.tolist() if text_is_known(item)}
            return text == "true" if kinds <= {bool, np.bool_} else text
        return text == "true" if array.dtype.kind == "b" else text

    def numbers(self, column: int) -> np.ndarray | None:
        array = self._column(column)[0]
        if array.dtype.kind in "fiub":
            return array.astype(np.float64)
        if array.dtype.kind in "Mm":
            return None
        return values.numbers(["1" if t == "true" else "0" if t == "false" else t for t in values.texts_of(array)])

    def texts(self, column: int) -> Sequence[str]:
        return values.texts_of(self._column(column)[0])

    def coded(self, column: int) -> tuple[list[str], np.ndarray]:
        return distinct.of_texts(self.texts(column))

    def text(self, column: int, row: int) -> str:
        return values.texts_of(self._column(column)[0][row : row + 1])[0]

    def place(self, row: int) -> str:
        return f"row {row}"

    def error(self, chunk: Chunk, fault: Fault, column: int | None = None) -> ValueError:
        where = "" if column is None else f", column {self.names[column]!r}"
        return ValueError(f"{chunk.place(fault.index)}{where}: {fault.sentence}")


def text_is_known(item: Any) -> bool:
    return values.text_of(item) != ""


def _as_column(series: Any, name: str) -> tuple[np.ndarray, bool]:
    dtype = getattr(series, "dtype", None)
    kind = str(dtype).lower()
    text = kind.startswith(("category", "categorical", "enum", "bool"))
    if isinstance(series, list | tuple):
        array = _from_sequence(list(series))
        text = array.dtype.kind == "b"
    else:
        array = _from_series(series)
    if array.ndim != 1:
        raise ValueError(f"column {name!r} has the shape {array.shape}; a column has one value a row")
    if array.dtype.kind in "cV":
        raise TypeError(f"column {name!r} holds {array.dtype}; expected numbers or text")
    if array.dtype.kind == "S":
        raise TypeError(f"column {name!r} holds bytes; decode them first")
    text = text or array.dtype.kind in "Mm"
    if array.dtype.kind == "O" and not text:  # True, False and None
        text = {type(item) for item in array.tolist()[:1000] if text_is_known(item)} in ({bool}, {np.bool_})
    return array, text


def _from_series(series: Any) -> np.ndarray:
    dtype = getattr(series, "dtype", None)
    if getattr(dtype, "kind", "") in tuple("iuf") and hasattr(series, "to_numpy") and not isinstance(dtype, np.dtype):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))  # pandas' own integers with NA
    return np.asarray(series.to_numpy() if hasattr(series, "to_numpy") else series)


def _from_sequence(items: list[Any]) -> np.ndarray:
    kinds = set(map(type, items))
    if kinds and kinds <= {int, float} and not any(isinstance(i, int) and abs(i) > 2**1000 for i in items):
        return np.array(items, np.float64)
    if kinds == {bool}:
        return np.array(items)
    array = np.empty(len(items), object)
    for i, item in enumerate(items):
        if isinstance(item, list | tuple | dict | np.ndarray | complex | bytes):
            raise TypeError(f"row {i} holds a value of the type {type(item).__name__}; expected a number, text or None")
        array[i] = item
    return array
