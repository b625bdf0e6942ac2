"""Small data sets that work offline."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

__all__ = ["digits", "moons", "spirals", "xor"]


def xor(dtype: str = "float32") -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """The four points of exclusive or.

    Returns
    -------
    X : ndarray of shape (4, 2)
    y : ndarray of shape (4, 1)
    """
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=dtype)
    return X, np.array([[0], [1], [1], [0]], dtype=dtype)


def digits(flat: bool = True) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """1797 handwritten digits of 8x8 pixels, 0 (white) to 16 (black).

    The test part of the UCI data set "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, 1998; CC BY 4.0).

    Parameters
    ----------
    flat : bool, default True
        Rows of 64 pixels; False: images of shape (8, 8).

    Returns
    -------
    X : ndarray of shape (1797, 64) or (1797, 8, 8), uint8
    y : ndarray of shape (1797,), int64
        The digit, 0 to 9.
    """
    with as_file(files("cnn") / "assets" / "digits.npz") as path, np.load(path) as stored:
        images, labels = stored["images"], stored["labels"].astype(np.int64)
    return (images.reshape(len(images), -1) if flat else images), labels


def moons(n: int = 400, noise: float = 0.1, seed: int = 0) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Two half circles that reach into each other.

    Parameters
    ----------
    n : int, default 400
        Points in all.
    noise : float, default 0.1
        Standard deviation of the normal noise added to both coordinates.
    seed : int, default 0

    Returns
    -------
    X : ndarray of shape (n, 2), float32
    y : ndarray of shape (n,), int64
        The moon: 0 or 1.
    """
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    angle = random.uniform(0, np.pi, n)
    X = np.where(y[:, None] == 0, np.c_[np.cos(angle), np.sin(angle)], np.c_[1 - np.cos(angle), 0.5 - np.sin(angle)])
    return (X + random.normal(0, noise, (n, 2))).astype(np.float32), y.astype(np.int64)


def spirals(
    n: int = 600, classes: int = 3, noise: float = 0.15, seed: int = 0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Arms that wind around the origin, one a class: a set that no straight line divides.

    Parameters
    ----------
    n : int, default 600
        Points in all.
    classes : int, default 3
    noise : float, default 0.15
        Standard deviation of the angle, radians.
    seed : int, default 0

    Returns
    -------
    X : ndarray of shape (n, 2), float32
    y : ndarray of shape (n,), int64
    """
    random = np.random.default_rng(seed)
    y = np.arange(n) % classes
    radius = random.uniform(0.05, 1, n)
    angle = radius * 5 + y * (2 * np.pi / classes) + random.normal(0, noise, n)
    return np.c_[radius * np.sin(angle), radius * np.cos(angle)].astype(np.float32), y.astype(np.int64)


if not TYPE_CHECKING:  # a type checker would take any name for one of the module

    def __getattr__(name: str) -> object:
        from .names import missing

        raise AttributeError(missing(name, __all__, "cnn.datasets"), name=name)
