"""Arrays of NPZ and IDX files: what they are, their spread, their labels."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..data import rows as spill
from .console import Failed

__all__ = ["answered", "checked_inputs", "codes", "front_of", "numbers", "rows_of", "settle", "split", "statistics"]

_CHUNK = 1 << 20  # numbers looked at at a time


def checked_inputs(X: np.ndarray, path: str) -> np.ndarray:
    """Rows of numbers, (n, ...) with at least two axes."""
    label = repr(os.path.basename(path))
    if X.dtype.kind not in "fiub":
        raise Failed(f"{label}: the inputs hold {X.dtype}; they must be numbers")
    if X.ndim == 0 or not len(X):
        raise Failed(f"{label}: the inputs have no rows")
    X = X[:, None] if X.ndim == 1 else X
    if X.dtype.kind == "f":
        for first, block in _blocks(X, None):
            if np.isinf(block).any():
                row = first + int(np.isinf(block).reshape(len(block), -1).any(axis=1).argmax())
                raise Failed(f"{label}: the inputs have an infinity in row {row}")
    return X


def _blocks(X: np.ndarray, rows: np.ndarray | None) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, some rows), so that a memory map is never whole in memory."""
    step = max(1, _CHUNK // max(1, X[0].size))
    n = len(X) if rows is None else len(rows)
    for first in range(0, n, step):
        yield first, X[first : first + step] if rows is None else X[rows[first : first + step]]


def statistics(X: np.ndarray, rows: np.ndarray, *, together: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each feature over these rows, or of all numbers `together`; NaN does not count.

    Returns
    -------
    (ndarray (m,), ndarray (m,))
        A feature with nothing but NaN has the mean NaN; a constant one has std 1.
    """
    shape = (-1, 1) if together else (-1, X.shape[-1])
    n, total = np.zeros(shape[1]), np.zeros(shape[1])
    for _, block in _blocks(X, rows):
        values = block.reshape(shape).astype(np.float64)
        n += np.count_nonzero(~np.isnan(values), axis=0)
        total += np.nansum(values, axis=0)
    mean = np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
    square = np.zeros_like(mean)
    for _, block in _blocks(X, rows):
        square += np.nansum((block.reshape(shape).astype(np.float64) - mean) ** 2, axis=0)
    std = np.sqrt(np.divide(square, n, out=np.ones_like(square), where=n > 0))
    constant = std <= 1e-12 * np.maximum(np.abs(np.nan_to_num(mean)), 1e-300)
    return mean, np.where(constant, 1.0, std)


def front_of(X: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    """How X is scaled: bytes by their largest value, other numbers by mean and spread of the training rows."""
    if X.dtype == np.uint8:
        top = max((int(block.max()) for _, block in _blocks(X, rows)), default=0)
        return {"scale": 1 / 255 if top > 127 or not top else 1 / top}
    mean, std = statistics(X, rows, together=X.ndim > 2)
    if np.isnan(mean).any():
        raise Failed(
            f"the inputs have nothing but NaN in column {int(np.isnan(mean).argmax())} of the rows to train on"
        )
    return {"mean": mean, "std": std, "fill": mean}


def settle(
    y: np.ndarray, task: str | None, name: str, few: int, many: int
) -> tuple[str, list[Any] | None, np.ndarray, list[str]]:
    """(task, classes or None, codes or numbers, notes) of targets."""
    notes: list[str] = []
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and task != "regression" and y.dtype.kind in "fiub" and _is_one_hot(y):
        y = y.argmax(axis=1)
        notes.append(f"{name}: one-hot rows are taken as classes 0 to {int(y.max())}")
    if y.ndim > 2 or (y.ndim == 2 and (task == "classification" or y.dtype.kind not in "fiub")):
        raise Failed(f"the target {name!r} has the shape {y.shape}; expected a value a row")
    if y.dtype.kind not in "fiubUST":
        raise Failed(f"the target {name!r} holds {y.dtype}; expected numbers or text")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row = int(np.argwhere(~np.isfinite(y))[0][0])
        raise Failed(f"the target {name!r} is {y[row]} in row {row}; it must be there in every row")
    if y.ndim == 2 or (task == "regression"):
        if y.dtype.kind in "UST":
            raise Failed(f"the target {name!r} holds text; --regress needs numbers")
        return "regression", None, y, notes
    known, index = np.unique(y, return_inverse=True)
    whole = y.dtype.kind in "iubUST" or bool((known == np.floor(known)).all())
    limit = few if y.dtype.kind == "f" else many if y.dtype.kind in "iu" else len(y)
    if task is None and not (whole and len(known) <= limit):
        notes.append(
            f"the target {name!r} holds {len(known)} different numbers: taken as regression; else say --classify"
        )
        return "regression", None, y, notes
    if task is None and y.dtype.kind in "fiu":
        notes.append(
            f"the target {name!r} holds {len(known)} different whole numbers: taken as classes; else say --regress"
        )
    if len(known) < 2:
        raise Failed(f"the target {name!r} has the same value in all rows; there is nothing to learn")
    if y.dtype.kind == "f" and whole:
        known = known.astype(np.int64)
    if y.dtype.kind == "S":
        known = np.char.decode(known, "utf-8", "replace")
    return "classification", known.tolist(), index.reshape(len(y)).astype(np.int64), notes


def _is_one_hot(y: np.ndarray) -> bool:
    return bool(y.shape[1] > 1 and ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def codes(y: np.ndarray, classes: Sequence[Any], path: str) -> np.ndarray:
    """Labels as places in `classes`."""
    if y.ndim == 2 and y.shape[1] == len(classes) > 1 and _is_one_hot(y):
        return y.argmax(axis=1)
    y = y.reshape(len(y)) if y[0:1].size == 1 else y
    if y.ndim != 1:
        raise Failed(f"{os.path.basename(path)!r}: the labels have the shape {y.shape}; expected one a row")
    values = np.char.decode(y, "utf-8", "replace") if y.dtype.kind == "S" else y
    places = {c: i for i, c in enumerate(classes)} | {str(c): i for i, c in enumerate(classes)}
    known, index = np.unique(values, return_inverse=True)
    found = [places.get(v, places.get(str(v))) for v in known.tolist()]
    for value, place in zip(known.tolist(), found, strict=True):
        if place is None:
            row = int((values == value).argmax())
            listed = ", ".join(repr(c) for c in classes[:10]) + (", ..." if len(classes) > 10 else "")
            raise Failed(
                f"{os.path.basename(path)!r}, row {row}: {value!r} is a class that the network does not know; known: {listed}"
            )
    return np.asarray(found, np.int64)[index.reshape(len(y))]


def numbers(y: np.ndarray, path: str) -> np.ndarray:
    """Targets of a regression as float64."""
    if y.dtype.kind not in "fiub":
        raise Failed(f"{os.path.basename(path)!r}: the targets hold {y.dtype}; they must be numbers")
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    y = y.astype(np.float64)
    if not np.isfinite(y).all():
        row = int(np.argwhere(~np.isfinite(y))[0][0])
        raise Failed(f"{os.path.basename(path)!r}: the target is {y[row]} in row {row}; it must be there in every row")
    return y


# ---- Rows


def split(y: np.ndarray, share: float, seed: int, *, stratify: bool) -> tuple[np.ndarray, np.ndarray]:
    """(rows to train on, rows to hold out), each ascending; of every class its share where there are classes."""
    n = len(y)
    if n < 2:
        raise Failed(f"there is {n} row; to hold some out there must be at least 2 (or say --validation 0)")
    rows = np.arange(n, dtype=np.int32 if n < 1 << 31 else np.int64)  # there may be many
    shuffled = np.random.default_rng(seed).permutation(rows)
    wanted = min(max(round(share * n), 1), n - 1)
    if stratify:
        place = np.empty(n)
        index = y[shuffled]
        for c in np.flatnonzero(np.bincount(y)):
            of_class = np.flatnonzero(index == c)
            place[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
        del index
        shuffled = shuffled[np.argsort(place, kind="stable")[:wanted]]
    train = np.ones(n, bool)
    train[shuffled[:wanted]] = False
    return np.flatnonzero(train), np.flatnonzero(~train)


def rows_of(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """These rows, ascending; more than 256 MB of them in a memory map, whose file goes when it is released."""
    if len(rows) == len(X):
        return X
    shape = (len(rows), *X.shape[1:])
    if len(rows) * X[0].nbytes <= spill.SPILL:
        part = np.empty(shape, X.dtype)
    else:
        with tempfile.TemporaryFile(prefix="cnn-", suffix=".rows") as file:
            part = np.memmap(file, X.dtype, mode="w+", shape=shape)
    for first, block in _blocks(X, rows):
        part[first : first + len(block)] = block
    return part


def answered(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """(X, y) without the rows whose target is NaN, and how many these are."""
    if y.dtype.kind != "f":
        return X, y, 0
    there = np.flatnonzero(~np.isnan(y).reshape(len(y), -1).any(axis=1))
    return rows_of(X, there), y[there], len(y) - len(there)
