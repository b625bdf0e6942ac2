"""NPZ files: arrays by name."""

import os

import numpy as np

from ..signatures import ZIP
from .opening import opened


def read_npz(path: str | os.PathLike[str], *, channels: bool = False) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file, as `numpy.savez` writes it. Code in it is never run: arrays of objects are refused.

    Parameters
    ----------
    path : path
    channels : bool, default False
        Give each array of images (n, height, width) an axis of channels, (n, 1, height, width), as convolutions take them.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        When it is no NPZ file, is damaged, or holds objects.
    """
    import zipfile
    import zlib

    place = os.fspath(path)
    label = repr(os.path.basename(os.fsdecode(place)))
    with opened(place) as file:
        start = file.read(6)
        if start == b"\x93NUMPY":
            raise ValueError(f"{label} is a single array (.npy), no NPZ file; use np.load")
        if not start.startswith(ZIP):
            raise ValueError(f"{label} is no NPZ file: it begins with {start[:4].hex(' ') or 'nothing'}")
        file.seek(0)
        name = ""
        found: dict[str, np.ndarray] = {}
        try:
            with np.load(file, allow_pickle=False) as stored:
                for name in stored.files:
                    array = stored[name]
                    if not isinstance(array, np.ndarray):
                        raise ValueError(f"{label}: {name!r} is no array")
                    found[name] = array
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"{label} is a damaged NPZ file: {error}") from None
        except ValueError as error:
            if "allow_pickle" in str(error):
                raise ValueError(
                    f"{label}: {name!r} holds Python objects, which are not read; save it as numbers or as str"
                ) from None
            if str(error).startswith(label):
                raise
            raise ValueError(f"{label}: {name!r} cannot be read: {error}") from None
    return {name: a[:, None] if channels and a.ndim == 3 else a for name, a in found.items()}
