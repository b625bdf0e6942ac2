"""Pictures in files as arrays: folders with a class each. Reading them needs Pillow."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import sizes
from ..names import lookup
from .rows import Rows

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
MODES = ("L", "RGB")
_MODE_ALIASES = {"l": "L", "rgb": "RGB", "gray": "L", "grey": "L", "grayscale": "L", "color": "RGB", "colour": "RGB"}
_GRAY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_PARTS = ("train", "training", "test", "testing", "val", "valid", "validation")
_CHUNK = 1 << 22  # bytes of pictures read before they are put away


def pillow() -> Any:
    """The module PIL.Image."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("pictures need Pillow: pip install cnn[images]") from None
    return Image


def size_of(size: Any) -> tuple[int, int] | None:
    """(height, width) of what a person says: a number, or both."""
    if size is None:
        return None
    found = sizes("size", size)
    if len(found) > 2:
        raise ValueError(f"size is {size!r}; expected one number, or (height, width)")
    return found[0], found[-1]


def mode_of(mode: Any) -> str | None:
    return None if mode is None else lookup("mode", mode, MODES, _MODE_ALIASES)


def is_picture(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def pictures_in(folder: str) -> list[str]:
    """The pictures in a folder and the folders in it, in the order of their names; what is hidden does not count."""
    found: list[str] = []
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if os.path.isdir(path):
            if not _hidden(entry):
                found += pictures_in(path)
        elif is_picture(entry):
            found.append(path)
    return found


def _hidden(name: str) -> bool:
    return name.startswith((".", "__"))


def read_images(
    folder: str | os.PathLike[str], *, size: Any = None, mode: str | None = None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pictures of a folder that has a folder of them for each class, as in ``root/cat/1.png``.

    Parameters
    ----------
    folder : path
        Its folders are the classes, and what they hold, in folders of their own, too, are its pictures: PNG, JPEG, BMP, GIF (the first
        picture), WebP, TIFF, PNM. Other files, and what begins with a dot, are left alone.
    size : int or (height, width), optional
        Pictures are brought to this size (bilinear). By default all must have one size.
    mode : {"L", "RGB"}, optional
        Gray, or colours; by default gray where all pictures are. What is transparent is taken as if it were not.

    Returns
    -------
    X : ndarray of shape (n, channels, height, width), uint8
        Class after class, in each by name. More than 256 MB are a memory map of a temporary file.
    y : ndarray of shape (n,), int64
        The place of each picture's class in `classes`.
    classes : list of str
        The names of the folders, sorted.

    Raises
    ------
    OSError
        When the folder cannot be read.
    ValueError
        With the path: for a folder without pictures, a picture that cannot be read, sizes that differ.
    ImportError
        Without Pillow.
    """
    wanted, mode = size_of(size), mode_of(mode)
    files, y, classes = listed(os.fspath(folder))
    wanted, mode = settled(files, wanted, mode)
    return read(files, wanted, mode), y, classes


def listed(root: str) -> tuple[list[str], np.ndarray, list[str]]:
    """(paths, places of their classes, classes)"""
    if not os.path.isdir(root):
        missing = not os.path.exists(root)
        reason = (
            "no such file or directory" if missing else "it is a file; expected a folder with a folder for each class"
        )
        raise (FileNotFoundError if missing else NotADirectoryError)(f"cannot read {root!r}: {reason}")
    entries = sorted(os.listdir(root))
    classes = [name for name in entries if os.path.isdir(os.path.join(root, name)) and not _hidden(name)]
    expected = "expected a folder for each class, as in " + repr(os.path.join(root, "cat", "1.png"))
    if not classes:
        loose = sum(map(is_picture, entries))
        what = f"{loose} pictures, but no folders" if loose else "no folders of pictures"
        raise ValueError(f"{root!r} has {what}: {expected}")
    if all(name.lower() in _PARTS for name in classes):
        raise ValueError(
            f"{root!r} has the folders {', '.join(classes)}, which are no classes: give one of them, as in"
            f" {os.path.join(root, classes[0])!r}"
        )
    files: list[str] = []
    counts = []
    for name in classes:
        inside = pictures_in(os.path.join(root, name))
        if not inside:
            others = len(os.listdir(os.path.join(root, name)))
            left = f" (of its {others} files none ends in {', '.join(ENDINGS[:3])}, ...)" if others else ""
            raise ValueError(f"{os.path.join(root, name)!r} has no pictures{left}: each class needs some")
        files += inside
        counts.append(len(inside))
    return files, np.repeat(np.arange(len(classes), dtype=np.int64), counts), classes


def settled(files: Sequence[str], size: tuple[int, int] | None, mode: str | None) -> tuple[tuple[int, int], str]:
    """The size and mode of all, from their headers where they are not given."""
    if size is not None and mode is not None:
        return size, mode
    Image = pillow()
    first: tuple[int, int] | None = None
    gray = True
    for path in files:
        with _opened(Image, path) as picture:
            found = picture.height, picture.width
            gray = gray and _is_gray(picture)
        if size is None and first is not None and found != first:
            raise ValueError(
                f"{path!r} is {found[1]} x {found[0]} pixels and {files[0]!r} {first[1]} x {first[0]}: give size=(height, width),"
                " to which all are brought"
            )
        first = first or found
        if size is not None and not gray:
            break
    assert first is not None
    return size or first, mode or ("L" if gray else "RGB")


def _is_gray(picture: Any) -> bool:
    if picture.mode == "P":  # colours by number: gray where all of them are
        palette = np.reshape(picture.getpalette("RGB"), (-1, 3))
        return bool((palette == palette[:, :1]).all())
    return picture.mode in _GRAY


def read(files: Sequence[str], size: tuple[int, int], mode: str) -> np.ndarray:
    """The pictures of these files, (n, channels, height, width)."""
    Image = pillow()
    shape = (1 if mode == "L" else 3, *size)
    found = Rows(shape, np.uint8)
    step = max(1, _CHUNK // int(np.prod(shape)))
    for at in range(0, len(files), step):
        block = np.empty((len(files[at : at + step]), *shape), np.uint8)
        for i, path in enumerate(files[at : at + step]):
            with _opened(Image, path) as picture:
                block[i] = as_bytes(picture, size, mode, path)
        found.add(block)
    return found.array()


def _opened(Image: Any, path: str) -> Any:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{path!r} says that it has more pixels than can be sensible") from None
    except Image.UnidentifiedImageError:
        raise ValueError(f"{path!r} is no picture, or a damaged one") from None
    except OSError as error:
        if error.errno is None:
            raise ValueError(f"{path!r} is no picture, or a damaged one: {error}") from None
        raise type(error)(f"cannot read {path!r}: {error.strerror}") from None


def as_bytes(picture: Any, size: tuple[int, int], mode: str, label: str) -> np.ndarray:
    """One picture of Pillow's, (channels, height, width), uint8."""
    Image = pillow()
    try:
        if picture.mode == "F":
            raise ValueError(
                f"{label!r} holds fractions, of which the largest is not known: save it with 8 or 16 bits a number"
            )
        if picture.mode.startswith("I"):  # 16 bits
            deep = np.asarray(picture)
            if deep.size and (deep.min() < 0 or deep.max() > 65535):
                raise ValueError(f"{label!r} holds numbers beyond 16 bits: save it with 8 or 16 bits a number")
            picture = Image.fromarray((deep >> 8).astype(np.uint8))
        if picture.mode != mode:
            picture = picture.convert(
                "RGBA" if picture.mode == "P" and "transparency" in picture.info else mode
            ).convert(mode)
        if (picture.height, picture.width) != size:
            picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        pixels = np.asarray(picture)
    except (OSError, SyntaxError, EOFError, IndexError) as error:  # Pillow's for files that are cut off or broken
        raise ValueError(f"{label!r} is a damaged picture: {error}") from None
    return pixels[None] if mode == "L" else np.moveaxis(pixels, -1, 0)
