"""IDX files, as MNIST comes in."""

import os

import numpy as np

from ..signatures import GZIP
from .opening import opened

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str], *, channels: bool = False) -> np.ndarray:
    """The array of an IDX file.

    Parameters
    ----------
    path : path
        Gzipped or not; a file that is not is mapped into memory, read-only, not read.
    channels : bool, default False
        Give images (n, height, width) an axis of channels, (n, 1, height, width), as convolutions take them.

    Returns
    -------
    ndarray
        Of the file's shape and dtype (big-endian where it has more than one byte; networks take it as it is).

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        When it is no IDX file, or is cut off; with `channels`, when it holds no images.
    """
    array = _read(os.fspath(path))
    if not channels:
        return array
    if array.ndim != 3:
        raise ValueError(
            f"{os.path.basename(os.fsdecode(path))!r} has the shape {array.shape}; images are (n, height, width)"
        )
    return array[:, None]


def _read(place: str) -> np.ndarray:
    label = repr(os.path.basename(os.fsdecode(place)))
    with opened(place) as file:
        start = file.read(4)
        if start.startswith(GZIP):
            return _parsed(_unzipped(place, label), label)
        header = start + file.read(4 * 255)
        size = os.fstat(file.fileno()).st_size
    dtype, shape, offset = _header(header, label)
    _check_size(size, offset, dtype, shape, label)
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.memmap(place, dtype, mode="r", offset=offset, shape=shape)


def _unzipped(path: str | os.PathLike[str], label: str) -> bytes:
    import gzip
    import zlib

    try:
        with gzip.open(path, "rb") as file:
            return file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{label} is a damaged gzip file: {error}") from None


def _parsed(data: bytes, label: str) -> np.ndarray:
    dtype, shape, offset = _header(data[: 4 + 4 * 255], label)
    _check_size(len(data), offset, dtype, shape, label)
    return np.frombuffer(data, dtype, offset=offset).reshape(shape)


def _header(data: bytes, label: str) -> tuple[np.dtype, tuple[int, ...], int]:
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES:
        raise ValueError(
            f"{label} is no IDX file: it begins with {data[:4].hex(' ') or 'nothing'}, expected 00 00, a type from 08 to 0e"
            " and the number of dimensions"
        )
    rank = data[3]
    if rank > 32:
        raise ValueError(f"{label} says that it has {rank} dimensions; at most 32 can be read")
    if len(data) < 4 + 4 * rank:
        raise ValueError(
            f"{label} ends within its header: {len(data)} bytes, and {rank} dimensions need {4 + 4 * rank}"
        )
    shape = tuple(int(size) for size in np.frombuffer(data, ">u4", rank, 4))
    return np.dtype(_TYPES[data[2]]), shape, 4 + 4 * rank


def _check_size(size: int, offset: int, dtype: np.dtype, shape: tuple[int, ...], label: str) -> None:
    needed = offset + dtype.itemsize
    for length in shape:
        needed = offset + (needed - offset) * length
    if size != needed:
        raise ValueError(f"{label} has {size} bytes, and its header, the shape {shape} of {dtype}, asks for {needed}")
