"""`read_csv`: a CSV file as arrays."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import values
from .csv_file import CsvTable
from .tables import nearest


def read_csv(
    path: str | os.PathLike[str], columns: Sequence[str] | None = None, encoding: str = "utf-8"
) -> dict[str, np.ndarray]:
    """The columns of a CSV file, all in memory.

    Parameters
    ----------
    path : path
        Gzipped or not. The separator is found from the first line, which names the columns.
    columns : sequence of str, optional
        Only these, in this order.
    encoding : str, default "utf-8"

    Returns
    -------
    dict of str to ndarray of shape (n,)
        A column of numbers is float64, with NaN for blanks; any other holds str, and None for blanks, as objects.

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        For a file that is no CSV, with the line; for a column that is not there.
    """
    table = CsvTable(path, encoding)
    named = table.names[:-1] if table.trailing else table.names
    wanted = list(named if columns is None else columns)
    for name in wanted:
        if name not in table.names:
            raise ValueError(f"{table.label}: column {name!r} is not there; {nearest(str(name), table.names)}")
    places = [table.names.index(name) for name in wanted]
    parts: list[list[Any]] = [[] for _ in wanted]
    for chunk in table.chunks():
        for part, place in zip(parts, places, strict=True):
            found = None if part and isinstance(part[-1], list) else chunk.numbers(place)
            part.append(list(chunk.texts(place)) if found is None else found)
    kinds = [any(isinstance(item, list) for item in part) for part in parts]
    if any(
        mixed and not all(isinstance(item, list) for item in part) for mixed, part in zip(kinds, parts, strict=True)
    ):
        # A column that began with numbers and goes on with text is text from its first row on: how the numbers were written is read again.
        for part, mixed in zip(parts, kinds, strict=True):
            if mixed:
                part.clear()
        for chunk in table.chunks():
            for part, place, mixed in zip(parts, places, kinds, strict=True):
                if mixed:
                    part.append(list(chunk.texts(place)))
    return {name: _joined(part, mixed) for name, part, mixed in zip(wanted, parts, kinds, strict=True)}


def _joined(parts: list[Any], text: bool) -> np.ndarray:
    if not text:
        return np.concatenate(parts) if parts else np.empty(0)
    stripped = [None if (t := item.strip()) in values.BLANKS else t for part in parts for item in part]
    array = np.empty(len(stripped), object)
    array[:] = stripped
    return array
