"""From what a network gives to the names of classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def decoded(prediction: Any, classes: Sequence[Any]) -> np.ndarray:
    """The name of each row's class.

    Parameters
    ----------
    prediction : array-like
        Probabilities (n, k), or (n, 1) or (n,) of the second of two classes; or names, which stay as they are.
    classes : sequence of str, int, float or bool

    Raises
    ------
    ValueError
        For another shape, for a name that is no class, for whole numbers that may be names or places.
    """
    p, k = np.asarray(prediction), len(classes)
    if p.dtype.kind != "f" and p.ndim <= 1:
        return _named(p, classes)
    if p.ndim == 1 or (p.ndim == 2 and p.shape[1] == 1):
        if k != 2:
            raise ValueError(f"prediction has the shape {p.shape}; {k} classes need {k} columns")
        places = (p.reshape(len(p)) > 0.5).astype(np.int64)
    elif p.ndim == 2 and p.shape[1] == k:
        places = p.argmax(axis=1)
    else:
        raise ValueError(f"prediction has the shape {p.shape}; expected (n, {k}), a column for each class")
    return np.asarray(classes)[places]


def _named(given: np.ndarray, classes: Sequence[Any]) -> np.ndarray:
    """Of what `classify` gives: names, or places where it knew no names."""
    values = given.ravel().tolist()
    are_names = all(value in classes for value in values)
    places = list(range(len(classes)))
    are_places = given.dtype.kind in "iu" and all(value in places for value in values)
    if given.dtype.kind in "iu" and list(classes) != places and set(classes) & set(places):
        raise ValueError(
            "prediction holds whole numbers that may be classes or their places; decode takes probabilities, as"
            " net.predict gives them"
        )
    if are_names:
        return np.asarray(classes)[[list(classes).index(value) for value in values]]
    if are_places:
        return np.asarray(classes)[given]
    known = {*classes, *(places if given.dtype.kind in "iu" else ())}
    wrong = next((value for value in values if value not in known), values[0])
    shown = ", ".join(map(repr, classes[:10])) + (", ..." if len(classes) > 10 else "")
    raise ValueError(
        f"prediction has {wrong!r}, which is no class; decode takes probabilities, as net.predict gives them, and the"
        f" classes are {shown}"
    )
