"""Files of data as X and y: CSV through `Preprocessing`, NPZ and IDX as arrays, folders of pictures."""

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import data as readers
from ..data.tables import open_table
from ..names import unknown
from . import arrays, images
from .console import Failed, Usage
from .kinds import check_kind, kind_of
from .text import count

if TYPE_CHECKING:
    from ..data import ImagePreprocessing, Preprocessing
    from ..layers import Layer

__all__ = ["Source", "arrays_of", "open_source", "option_words"]

_INPUT_KEYS = ("x", "images", "data", "features", "inputs", "x_train", "train_images")
_TARGET_KEYS = ("y", "labels", "label", "target", "targets", "y_train", "train_labels")
_OPTIONS = {
    "task='regression'": "--regress",
    "task='classification'": "--classify",
    "skip_blank_targets=True": "--skip-blank-targets",
    "give size=(height, width)": "say --size HEIGHTxWIDTH",
}
_NAMES = {"columns": "--inputs", "drop": "--drop"}
_FEW = 20  # whole numbers in a float array with at most so many different values are classes
_MANY = 100  # the same for integers


@dataclass
class Source:
    """What there is to learn from.

    Attributes
    ----------
    X : ndarray (n, ...)
    y : ndarray
        Codes (n,) int64 of classes, or numbers (n,) or (n, k).
    task : {"classification", "regression"}
    classes : list or None
    targets : list of str
        What is predicted.
    prep : Preprocessing or None
        Of a table.
    recipe : dict
        How to read such data again.
    notes : list of str
    skip_blanks : bool
        Whether rows without a target are left out.
    pictures : ImagePreprocessing or None
        Of a folder of pictures, and of arrays of images that are like them.
    convolutional : bool
        Whether the network takes images as they are, not their pixels in a row.
    """

    X: np.ndarray
    y: np.ndarray
    task: str
    classes: list[Any] | None
    targets: list[str]
    recipe: dict[str, Any]
    prep: "Preprocessing | None" = None
    notes: list[str] = field(default_factory=list)
    skip_blanks: bool = False
    pictures: "ImagePreprocessing | None" = None
    convolutional: bool = False

    @property
    def image(self) -> bool:
        return bool(self.recipe.get("image"))

    def learn_from(self, rows: np.ndarray) -> None:
        """Means and spreads of these rows only: what is held out shall not be known."""
        if self.prep is None:
            self._front = arrays.front_of(self.X, rows)
            if self.image and self.pictures is None:
                self.pictures = images.pictures_of(self.X, self._front, self.classes)
            return
        told = self.prep.to_json()
        mean, std = arrays.statistics(self.X, rows)
        for j, column in enumerate(told["columns"]):
            if column["kind"] == "number" and np.isfinite(mean[j]):
                column.update(mean=float(mean[j]), std=float(std[j]))
        self.prep = type(self.prep).from_json(told)

    def let_go(self) -> None:
        """X and y are no longer needed; what is asked of X is its shape."""
        self.X, self.y = (np.empty((0, *one.shape[1:]), one.dtype) for one in (self.X, self.y))

    def front(self) -> "list[Layer]":
        """The layers that take X as it is."""
        from ..layers import Flatten, Input, Normalize, Rescale

        if self.prep is not None:
            return self.prep.layers()
        scaling = Rescale(self._front["scale"]) if "scale" in self._front else Normalize(**self._front)
        flat = [Flatten()] if self.X.ndim > 2 else []
        if self.image:  # scaled first, so that it is the same for both kinds of network
            return [Input(self.X.shape[1:]), scaling, *([] if self.convolutional else flat)]
        return [Input(self.X.shape[1:]), *flat, scaling]

    def like(self, path: str, targets: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """X and y of another file of the same kind."""
        if self.prep is not None:
            check_kind(path, "csv")
            X, y = self.prep._both(path)
            assert y is not None
            return X, y
        check_kind(path, self.recipe["kind"])
        if self.recipe["kind"] == "folder":
            assert self.pictures is not None
            return self.pictures._both(path)
        X, y, _ = arrays_of(path, self.recipe["kind"], self.recipe.get("inputs"), targets or self.recipe.get("target"))
        assert y is not None
        if self.image:
            X = images.as_images(X, path)
        if self.skip_blanks:
            X, y, _ = arrays.answered(X, y)
        return X, arrays.codes(y, self.classes, path) if self.classes is not None else arrays.numbers(y, path)


def open_source(options: argparse.Namespace) -> Source:
    """The DATA of `cnn train`.

    Raises
    ------
    Usage
        When the target is not said.
    Failed, ValueError, OSError
        For what cannot be read.
    """
    if os.path.isdir(options.data):
        return _open_folder(options)
    if options.size is not None or options.mode is not None:
        raise Usage(f"{'--size' if options.size else '--mode'} goes with a folder of pictures")
    kind = kind_of(options.data)
    if options.augment is not None and not options.image:
        raise Usage("--augment goes with images; say --image")
    if options.image and kind == "csv":
        raise Usage(
            f"--image goes with a folder of pictures, an NPZ or IDX file, and {os.path.basename(options.data)!r} is a CSV file"
        )
    if kind == "idx" and options.inputs:
        raise Usage("--inputs goes with CSV and NPZ files; DATA itself is the file of images")
    if kind == "csv":
        return _open_table(options)
    if options.drop:
        raise Usage("--drop goes with a CSV file; of an NPZ file say --inputs KEY")
    X, y, recipe = arrays_of(options.data, kind, options.inputs, options.target)
    assert y is not None
    image_notes: list[str] = []
    if options.image:
        X, recipe["image"] = images.as_images(X, options.data, image_notes), True
    left_out = 0
    if options.skip_blank_targets:
        X, y, left_out = arrays.answered(X, y)
    if not len(X):
        raise Failed(f"{os.path.basename(options.data)!r}: the target is blank in every row")
    task, classes, found, notes = arrays.settle(y, options.task, recipe.get("target", "the labels"), _FEW, _MANY)
    if task == "regression":
        found = arrays.numbers(found, options.data)
    name = str(recipe.get("target") or "target")
    width = found.shape[1] if found.ndim == 2 else 1
    targets = [name] if width == 1 else [f"{name}_{i}" for i in range(width)]
    if left_out:
        notes.insert(0, _left_out(left_out))
    return Source(
        X,
        found,
        task,
        classes,
        targets,
        {"kind": kind, **recipe},
        notes=image_notes + notes,
        skip_blanks=options.skip_blank_targets,
        convolutional=options.image and options.hidden is None,
    )


def _open_folder(options: argparse.Namespace) -> Source:
    X, y, pictures = images.read_folder(options)
    return Source(
        X,
        y,
        "classification",
        pictures.classes,
        ["folder"],
        {"kind": "folder", "image": True},
        notes=[images.told(len(X), pictures)],
        pictures=pictures,
        convolutional=options.hidden is None,
    )


def _left_out(rows: int) -> str:
    return f"{count(rows, 'row')} without a target {'is' if rows == 1 else 'are'} left out"


def _open_table(options: argparse.Namespace) -> Source:
    if not options.target:
        names = open_table(options.data).names
        listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise Usage(f"--target: say which column to predict; {os.path.basename(options.data)!r} has {listed}")
    target = options.target[0] if len(options.target) == 1 else options.target
    if options.task == "classification" and len(options.target) > 1:
        raise Usage(f"--target names {len(options.target)} columns; --classify takes one")
    skip: dict[str, Any] = {"skip_blank_targets": True} if options.skip_blank_targets else {}
    prep = readers.Preprocessing(target, task=options.task, columns=options.inputs, drop=options.drop, **skip)
    X, y = prep.fit_transform(options.data)
    assert y is not None and prep.task is not None
    notes = [option_words(note) for note in prep.notes]
    if options.skip_blank_targets:
        left_out = sum(chunk.rows for chunk in open_table(options.data).chunks()) - len(X)
        notes[:0] = [_left_out(left_out)] if left_out else []
    return Source(X, y, prep.task, prep.classes, list(options.target), {"kind": "csv"}, prep, notes)


def option_words(sentence: str) -> str:
    """A sentence of `cnn.data` with the words of the command line."""
    for python, ours in _OPTIONS.items():
        sentence = sentence.replace(python, ours)
    sentence = re.sub(r", or\s+(pass|read it with) (cnn\.data\.)?read_csv\([^)]*\)", "", sentence)
    sentence = re.sub(r"\bdrop='([^']*)'", r"--drop \1", sentence)
    return re.sub(r"\b(columns|drop)( has |: column\b)", lambda m: f"{_NAMES[m[1]]}{m[2]}", sentence)


# ---- Files


def arrays_of(
    path: str, kind: str, inputs: Any = None, target: Any = None, *, answers: bool = True
) -> tuple[np.ndarray, np.ndarray | None, dict[str, Any]]:
    """X and y of an NPZ or IDX file, and what says where they were; without `answers` y is None.

    Parameters
    ----------
    path : str
    kind : {"npz", "idx"}
    inputs, target : str or list of one str, optional
        Keys of an NPZ file; `target` is the file of labels of an IDX file. By default the usual names.
    """
    wanted = {"--inputs": inputs, "--target": target}
    chosen = {option: one if isinstance(one, str) or one is None else ",".join(one) for option, one in wanted.items()}
    y: np.ndarray | None = None
    if kind == "idx":
        recipe: dict[str, Any]
        X, recipe = readers.read_idx(path), {}
        if X.ndim < 2:
            raise Failed(
                f"{os.path.basename(path)!r} has the shape {X.shape}: it holds labels; DATA is the file of images"
            )
        if answers:
            y = readers.read_idx(chosen["--target"] or _labels_beside(path))
    else:
        stored = readers.read_npz(path)
        x_key = _key(stored, chosen["--inputs"], _INPUT_KEYS, "--inputs", path)
        X, recipe = stored[x_key], {"inputs": x_key}
        if answers:
            y_key = _key(stored, chosen["--target"], _TARGET_KEYS, "--target", path)
            y, recipe["target"] = stored[y_key], y_key
    X = arrays.checked_inputs(X, path)
    if y is not None and (y.ndim == 0 or len(y) != len(X)):
        raise Failed(f"{os.path.basename(path)!r} has {len(X)} rows of inputs and {len(y) if y.ndim else 1} of targets")
    return X, y, recipe


def _key(stored: dict[str, np.ndarray], asked: str | None, usual: Sequence[str], option: str, path: str) -> str:
    listed = ", ".join(f"{name} {array.shape}" for name, array in stored.items()) or "nothing"
    label = repr(os.path.basename(path))
    if asked is not None:
        if asked not in stored:
            raise Failed(f"{label}: {unknown(option, asked, stored).replace('is not known', 'is not there')}")
        return asked
    lower = {name.lower(): name for name in stored}
    for name in usual:
        if name in lower:
            return lower[name]
    raise Failed(
        f"{label} has no array of a usual name ({', '.join(usual[:4])}, ...); say {option} KEY; it holds {listed}"
    )


def _labels_beside(path: str) -> str:
    place = Path(path)
    name = place.name
    for word, labels in (("images-idx3", "labels-idx1"), ("images.idx3", "labels.idx1"), ("images", "labels")):
        if word in name:
            beside = name.replace(word, labels)
            other = beside.removesuffix(".gz") if beside.endswith(".gz") else beside + ".gz"
            for one in (beside, other):
                if place.with_name(one).exists():
                    return str(place.with_name(one))
            raise Usage(f"--target: say where the labels of {name!r} are; {beside!r} is not beside it")
    raise Usage(f"--target: say which file has the labels of {name!r}")
