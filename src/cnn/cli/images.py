"""``cnn train --image``: pictures as X and y, the network that suits them, and how they are changed in training."""

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Augment, ImagePreprocessing
from ..data import images as pictures
from .console import Failed, Usage
from .text import count

if TYPE_CHECKING:
    from ..layers import Layer

__all__ = ["as_images", "augment_of", "convolutional", "pictures_of", "read_folder"]

_FEW = 5000  # below so many pictures the network begins with 16 filters, else with 32
_LARGE = 64  # pixels: larger pictures are made smaller first
_SMALL = 8  # pixels: smaller ones are not pooled
_FILTERS = 128  # at most


def convolutional(
    shape: Sequence[int], rows: int, *, activation: str = "relu", dropout: float = 0.0, l2: float = 0.0
) -> "list[Layer]":
    """The hidden layers of the default network: blocks of two 3x3 convolutions, half the size and twice the filters from one to the next.

    Parameters
    ----------
    shape : (channels, height, width)
    rows : int
        Pictures to train on.
    activation, dropout, l2
        Of the convolutions; dropout before the last layer.
    """
    import cnn

    found: list[Layer] = []

    def block(filters: int, kernel: int = 3, stride: int = 1) -> None:
        # Half the kernel on each side keeps the size, or halves it with a stride of 2.
        found.append(cnn.Conv2D(filters, kernel, stride=stride, padding=kernel // 2, bias=False, l2=l2))
        found.append(cnn.BatchNorm())
        found.append(cnn.Activation(activation))

    size = min(shape[1:])
    filters = 16 if rows < _FEW else 32
    while size > _LARGE:
        block(filters, 5, stride=2)
        size = (size + 1) // 2
    while True:
        block(filters)
        block(filters)
        if size < _SMALL:
            break
        found.append(cnn.MaxPool2D(2))
        size //= 2
        filters = min(2 * filters, _FILTERS)
    found.append(cnn.GlobalAvgPool2D())
    if dropout:
        found.append(cnn.Dropout(dropout))
    return found


def augment_of(text: str) -> Augment | None:
    """What ``--augment flip=horizontal,crop=4`` asks for; "none" and "" are nothing.

    Raises
    ------
    ValueError, TypeError
        For what `cnn.data.Augment` does not take.
    """
    if text.strip().lower() in ("", "none"):
        return None
    options: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or not value.strip():
            raise ValueError(
                f"{part.strip()!r} is no option and its value; write them as in flip=horizontal,crop=4,rotate=10"
            )
        if name.strip() in options:
            raise ValueError(f"{name.strip()} is given twice")
        options[name.strip()] = _value(value.strip())
    return Augment(**options)


def _value(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            pass
    low, colon, high = text.partition(":")
    return (_value(low), _value(high)) if colon else text


# ---- Data


def read_folder(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, ImagePreprocessing]:
    """The pictures of a folder with a folder for each class."""
    files, y, classes = pictures.listed(options.data)
    for option in ("target", "inputs", "drop", "task"):
        if getattr(options, option):
            name = {"task": "--regress" if options.task == "regression" else "--classify"}.get(option, f"--{option}")
            raise Usage(
                f"{name}: {options.data!r} is a folder of pictures, whose folders are the classes; leave it out"
            )
    if len(classes) < 2:
        raise Failed(f"{options.data!r} has pictures of one class, {classes[0]!r}; there is nothing to learn")
    size, mode = pictures.settled(files, options.size, options.mode)
    return pictures.read(files, size, mode), y, ImagePreprocessing(size, mode, classes)


def as_images(X: np.ndarray, path: str, notes: list[str] | None = None) -> np.ndarray:
    """Images of a file as (n, channels, height, width); what was done to them is told in `notes`."""
    if X.ndim == 3:
        return X[:, None]
    label = repr(os.path.basename(path))
    if X.ndim != 4:
        side = round(X[0].size ** 0.5)
        hint = (
            f"; where they are {side} x {side} pixels, save X.reshape(-1, {side}, {side})"
            if side * side == X[0].size
            else ""
        )
        raise Failed(
            f"{label} has inputs of the shape {X.shape}; images are (n, height, width) or (n, channels, height, width){hint}"
        )
    if X.shape[1] not in (1, 3, 4) and X.shape[3] in (1, 3, 4):
        if notes is not None:
            notes.append(f"{label}: the shape {X.shape} is taken as (n, height, width, channels)")
        return np.ascontiguousarray(np.moveaxis(X, -1, 1))
    return X


def pictures_of(X: np.ndarray, front: dict[str, Any], classes: list[Any] | None) -> ImagePreprocessing | None:
    """How a picture in a file becomes what a network of these images takes; None where that is not known."""
    if X.shape[1] not in (1, 3) or front.get("scale") != 1 / 255:
        return None
    return ImagePreprocessing(X.shape[2:], "L" if X.shape[1] == 1 else "RGB", classes)


def told(n: int, prep: ImagePreprocessing) -> str:
    height, width = prep.size
    return f"{count(n, 'picture')} of {width} x {height} pixels, {'gray' if prep.mode == 'L' else 'colours'}"
