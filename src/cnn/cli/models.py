"""A saved network and data for it."""

import json
import os
from typing import Any

import numpy as np

from .. import data as readers
from .._core import ModelFileError
from ..data.rows import Rows
from ..data.tables import open_table
from ..data.values import Fault
from ..io.native import load
from ..network import Network
from . import arrays
from .console import Failed, Usage
from .images import as_images
from .kinds import kind_of
from .sources import arrays_of

__all__ = ["Model"]

PICTURES = ("folder", "picture")
_ROWS = 16384  # predicted at a time


class Model:
    """A network as the command line uses it.

    Parameters
    ----------
    path : str

    Attributes
    ----------
    net : Network
    prep : Preprocessing or None
    pictures : ImagePreprocessing or None
    told : dict
        What `cnn train` has written of it; empty for other networks.
    classes : list or None
        Names of the classes; None for a regression.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        os.stat(path)  # a file that is not there is told alike everywhere
        try:
            self.net: Network = load(path)
        except ModelFileError:
            with open(path, "rb") as file:
                if file.read(9)[8:] == b"{":
                    raise
            raise Failed(
                f"{path!r} is no model file; MODEL is what cnn train has written, and DATA comes after it"
            ) from None
        prep = self.net.preprocessing
        self.prep = prep if isinstance(prep, readers.Preprocessing) else None
        self.pictures = prep if isinstance(prep, readers.ImagePreprocessing) else None
        self.told = told_of(self.net)
        self.recipe: dict[str, Any] = self.told.get("read", {})

    def check_one(self) -> None:
        """The command line feeds one array to one output."""
        names, _, outs, shapes = self.net._ends
        if len(names) > 1 or len(outs) > 1 or len(shapes[0]) != 1:
            raise Failed(
                f"{self.path!r} has {len(names)} inputs and outputs of the shapes {shapes}; use cnn.load in Python"
            )

    @property
    def classes(self) -> list[Any] | None:
        if self.task != "classification":
            return None
        if self.net.classes is not None:
            return list(self.net.classes)
        return list(range(max(self.width, 2)))

    @property
    def width(self) -> int:
        return int(self.net.output_shape[-1])

    @property
    def task(self) -> str:
        if self.prep is not None and self.prep.task is not None:
            return self.prep.task
        if "task" in self.told:
            return str(self.told["task"])
        classes = self.net.classes is not None or self.net._loss_names()[0] in ("cross_entropy", "binary_cross_entropy")
        return "classification" if classes else "regression"

    @property
    def targets(self) -> list[str]:
        told = self.told.get("target")
        if isinstance(told, list) and len(told) == self.width:
            return [str(name) for name in told]
        return ["prediction"] if self.width == 1 else [f"prediction_{i}" for i in range(self.width)]

    def inputs(self, path: str, key: Any = None, drop: str | None = None) -> np.ndarray:
        """X of a file, or of pictures."""
        kind = self.kind_of(path)
        if self.pictures is not None and kind in PICTURES:
            return self.pictures.transform(path)
        if self.prep is not None:
            if kind != "csv":
                raise Failed(
                    f"{os.path.basename(path)!r}: the network takes a table (CSV) with the columns {', '.join(self.prep.columns)}"
                )
            return self.prep.transform(path)
        if kind == "csv":
            return self._plain_table(path, drop)
        X, _, _ = arrays_of(path, kind, key or self.recipe.get("inputs"), answers=False)
        return self._shaped(X, path)

    def kind_of(self, path: str) -> str:
        return kind_of(path, pictures=self.pictures is not None)

    def files(self, path: str) -> list[str] | None:
        """The pictures at a path, one a row of `inputs`; None for other data."""
        if self.pictures is None or self.kind_of(path) not in PICTURES:
            return None
        return self.pictures.files(path)

    def _shaped(self, X: np.ndarray, path: str) -> np.ndarray:
        """Images with an axis of channels where the network takes one."""
        return as_images(X, path) if len(self.net.input_shape) == 3 else X

    def _plain_table(self, path: str, drop: str | None) -> np.ndarray:
        """All columns, in order, for a network that knows no names."""
        columns = {name: x for name, x in readers.read_csv(path).items() if name != drop}
        wanted = self.net.input_shape
        label = repr(os.path.basename(path))
        if len(wanted) != 1 or len(columns) != wanted[0]:
            raise Failed(
                f"{label} has {len(columns)} columns, and the network, which knows no names of columns, takes {wanted}"
            )
        for name, x in columns.items():
            if x.dtype == object:
                raise Failed(f"{label}: the column {name!r} holds text, and the network takes numbers")
        return np.column_stack(list(columns.values()))

    def said(self, X: np.ndarray, path: str, skipped: bool = False) -> np.ndarray:
        """What the network says of each row, (n, k); many rows are a memory map.

        Parameters
        ----------
        X : ndarray
        path : str
            The file it is of.
        skipped : bool, default False
            Rows of the file are missing in X, so that their numbers differ.

        Raises
        ------
        Failed
            When an answer is not a number, with the place of the first.
        """
        found = Rows((self.width,), self.net.dtype)
        for first in range(0, len(X), _ROWS):
            p = self.net.predict(X[first : first + _ROWS])
            unsaid = ~np.isfinite(p).all(axis=1)
            if unsaid.any():
                row = first + int(unsaid.argmax())
                raise self._unsaid(path, row, np.asarray(X[row]), skipped)
            found.add(p)
        return found.array()

    def _unsaid(self, path: str, row: int, x: np.ndarray, skipped: bool) -> Failed:
        blank = np.isnan(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool)
        why = "blank, and nothing in the network fills it in: its answer is not a number; fill it in, or leave the row out"
        if self.kind_of(path) == "csv" and blank.any() and not skipped:
            table = open_table(path)
            if self.prep is not None:  # OneHot takes a blank text; a number is to blame, if there is one
                numbers = blank & np.array([kind == "number" for kind in self.prep.kinds])
                blank = numbers if numbers.any() else blank
            names = table.names if self.prep is None else self.prep.columns
            for chunk in table.chunks():
                if row < chunk.first + chunk.rows:
                    fault = Fault(row - chunk.first, why)
                    return Failed(str(table.error(chunk, fault, table.names.index(names[int(blank.argmax())]))))
        label = f"{os.path.basename(path)!r}, row {row}{' of those with a target' if skipped else ''}"
        return Failed(f"{label}: NaN, {why}" if blank.any() else f"{label}: the network's answer is not a number")

    def pairs(self, path: str, target: Any = None, key: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """X and y of a file; y places of classes, or numbers."""
        if self.prep is not None and self.kind_of(path) == "csv":
            X, y = self._prep_for(target)._both(path)
            assert y is not None
            return X, y
        if self.pictures is not None and self.kind_of(path) in PICTURES:
            return self._pictures_and_classes(path)
        found = self.answers(path, target, key)
        return self.inputs(path, key, target[0] if target else None), found

    def _pictures_and_classes(self, path: str) -> tuple[np.ndarray, np.ndarray]:
        assert self.pictures is not None
        if self.pictures.classes is None:
            raise Failed(f"{self.path!r} knows no classes, so the folders of {path!r} tell nothing of its answers")
        if not os.path.isdir(path):
            raise Failed(f"{path!r} is one picture; give a folder with a folder of pictures for each class")
        return self.pictures._both(path)

    def answers(self, path: str, target: Any = None, key: Any = None) -> np.ndarray:
        """y of a file: places of classes, or numbers."""
        kind = self.kind_of(path)
        if kind == "csv":
            if not target:
                raise Usage("--target: say which column has the answers")
            columns = readers.read_csv(path, columns=target)
            y = np.column_stack(list(columns.values())) if len(columns) > 1 else columns[target[0]]
            y = y.astype(str) if y.dtype == object else y
        else:
            found = arrays_of(path, kind, key or self.recipe.get("inputs"), target or self.recipe.get("target"))[1]
            assert found is not None
            y = found
        return arrays.codes(y, self.classes, path) if self.classes is not None else arrays.numbers(y, path)

    def _prep_for(self, target: Any) -> readers.Preprocessing:
        """With the answers in another column than in training."""
        assert self.prep is not None
        if not target:
            return self.prep
        told = self.prep.to_json()
        told["target"] = target if isinstance(self.prep.target, list) else ",".join(target)
        return readers.Preprocessing.from_json(told)


def told_of(net: Network) -> dict[str, Any]:
    """The note of `cnn train` in a network's metadata."""
    try:
        told = json.loads(net.metadata["trained_with"])
    except (LookupError, ValueError):
        return {}
    ours = isinstance(told, dict) and str(told.get("command")).startswith("cnn train")
    return told if ours else {}
