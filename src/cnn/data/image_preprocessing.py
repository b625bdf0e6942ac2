"""`ImagePreprocessing`: from pictures to the arrays that a network takes, and back to names of classes."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import read_json
from ..names import Spelled, shown
from . import images
from .decoding import decoded

FORMAT = "cnn.data.ImagePreprocessing"


class ImagePreprocessing(Spelled):
    """How pictures become X: their size, gray or colours, and the names of the classes.

    As ``net.preprocessing`` it is saved in the model file, and the network takes pictures: ``net.classify("cat.png")``, a list of paths
    or of Pillow's images, a folder; and with folders for classes ``net.fit(folder)`` and ``net.evaluate(folder)``.

    Parameters
    ----------
    size : int or (height, width)
        Pictures of other sizes are brought to it (bilinear).
    mode : {"L", "RGB"}, default "RGB"
        Gray, or colours.
    classes : sequence of str, optional
        Their names, in the order of the network's outputs.

    Examples
    --------
    >>> import cnn
    >>> prep = cnn.data.ImagePreprocessing((28, 28), "L", ["cat", "dog"])
    >>> prep.shape
    (1, 28, 28)
    >>> prep.decode([[0.2, 0.8]]).tolist()
    ['dog']
    """

    def __init__(self, size: Any, mode: str = "RGB", classes: Sequence[Any] | None = None) -> None:
        found, kind = images.size_of(size), images.mode_of(mode)
        if found is None or kind is None:
            raise TypeError(
                "size and mode cannot be None: say what the network takes, as in ImagePreprocessing((32, 32), 'RGB')"
            )
        self.size, self.mode = found, kind
        self.classes = None if classes is None else list(classes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)"""
        return (1 if self.mode == "L" else 3, *self.size)

    @property
    def target(self) -> str | None:
        """What `fit` and `evaluate` find by themselves: the folder of a picture, where classes are known."""
        return None if self.classes is None else "folder"

    def _takes(self, X: Any) -> bool:
        """Whether X is pictures: a path, paths, Pillow's images."""
        one = X[0] if isinstance(X, list | tuple) and X else X
        return isinstance(one, str | os.PathLike) or hasattr(one, "getbands")

    def files(self, X: Any) -> list[str]:
        """The paths of pictures: a path of one, a folder (with all in it), or a list of paths, as it is.

        Raises
        ------
        OSError
            When there is no such file or folder.
        ValueError
            For a folder without pictures.
        """
        if not isinstance(X, str | os.PathLike):
            return [os.fspath(path) for path in X]
        path = os.fspath(X)
        if not os.path.isdir(path):
            return [path]
        found = images.pictures_in(path)
        if not found:
            raise ValueError(
                f"{path!r} has no pictures: none of its files ends in {', '.join(images.ENDINGS[:3])}, ..."
            )
        return found

    def transform(self, X: Any) -> np.ndarray:
        """Pictures as the network takes them.

        Parameters
        ----------
        X : path, list of paths, or list of PIL.Image.Image
            Or one of the last; of a folder all pictures in it, by name.

        Returns
        -------
        ndarray of shape (n, channels, height, width), uint8

        Raises
        ------
        OSError, ValueError
            When one cannot be read.
        ImportError
            Without Pillow.
        """
        if hasattr(X, "getbands"):
            X = [X]
        if isinstance(X, list | tuple) and X and hasattr(X[0], "getbands"):
            return np.stack([images.as_bytes(x, self.size, self.mode, f"picture {i}") for i, x in enumerate(X)])
        if not self._takes(X):
            raise TypeError(
                f"X is {shown(X)}; expected the path of a picture or a folder, or a list of paths or of Pillow's images"
            )
        return images.read(self.files(X), self.size, self.mode)

    def _both(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """X and y of a folder with folders for classes."""
        assert self.classes is not None
        if not isinstance(X, str | os.PathLike):
            raise ValueError(
                "y is missing: of pictures in a list no class is known; pass y, or a folder with a folder for each class"
            )
        files, places, names = images.listed(os.fspath(X))
        known = {str(c): i for i, c in enumerate(self.classes)}
        for name in names:
            if name not in known:
                listed = ", ".join(map(repr, self.classes[:10])) + (", ..." if len(self.classes) > 10 else "")
                place = os.path.join(os.fspath(X), name)
                raise ValueError(f"{place!r}: {name!r} is a class that the network does not know; known: {listed}")
        return images.read(files, self.size, self.mode), np.array([known[name] for name in names], np.int64)[places]

    def decode(self, prediction: Any) -> np.ndarray:
        """The name of each row's class, of probabilities (n, k), or (n, 1) of the second of two; without classes the numbers as they are.

        Raises
        ------
        ValueError
            For another shape.
        """
        return np.asarray(prediction) if self.classes is None else decoded(prediction, self.classes)

    def __repr__(self) -> str:
        return f"cnn.data.ImagePreprocessing({self.size}, {self.mode!r}, {self.classes!r})"

    def __eq__(self, other: object) -> bool:
        return self.to_json() == other.to_json() if isinstance(other, ImagePreprocessing) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def to_json(self) -> dict[str, Any]:
        """All of it, as values that JSON has."""
        return {"format": FORMAT, "version": 1, "size": list(self.size), "mode": self.mode, "classes": self.classes}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ImagePreprocessing":
        """From what `to_json` has given.

        Raises
        ------
        ValueError
            For anything else.
        """
        with read_json(data, FORMAT):
            return cls(tuple(data["size"]), data["mode"], data["classes"])
