"""Any safetensors file, whoever wrote it. The engine reads its own without this; here are those that a tool rewrote.

https://github.com/huggingface/safetensors: the length of the header (8 bytes, little-endian), the header as JSON, the
tensors back to back.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from .._core import ModelFileError

DTYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "BF16": "<u2",  # NumPy has none: widened to float32
    "F32": "<f4",
    "F64": "<f8",
}
LARGEST_HEADER = 100_000_000
MOST_DIMENSIONS = 32


def read(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The tensors by name, in the order of the file's header, and its metadata."""
    return parse(Path(path).read_bytes())


def parse(file: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The same of a file's bytes. The arrays are read-only views of them; nothing in them is trusted."""
    header, data = _split(file)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ModelFileError("the metadata of the file are not text")
    places = {name: _place(name, entry) for name, entry in header.items()}
    _check_order(places, len(data))
    return {name: _array(name, data, *place) for name, place in places.items()}, metadata


def _split(file: bytes) -> tuple[dict[str, Any], memoryview]:
    length = int.from_bytes(file[:8], "little")
    if len(file) < 10 or file[8:9] != b"{" or length > LARGEST_HEADER:
        raise ModelFileError("not a safetensors file: it does not begin with the header of one")
    left = len(file) - 8
    if length > left:
        raise ModelFileError(f"the file is cut short: its header should have {length} bytes, and {left} are left")
    try:
        header = json.loads(file[8 : 8 + length].decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"the header of the file is damaged: {error}") from None
    return header, memoryview(file)[8 + length :]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_size(x: object) -> bool:
    return type(x) is int and 0 <= x < 1 << 63


def _place(name: str, entry: Any) -> tuple[str, list[int], int, int]:
    """(dtype, shape, begin, end) of a tensor, whose bytes are as many as its shape takes."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ModelFileError(f"tensor {name!r}: its entry in the header is damaged")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ModelFileError(f"tensor {name!r} has the dtype {dtype!r}; readable are {', '.join(DTYPES)}")
    if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS or not all(map(_is_size, shape)):
        raise ModelFileError(f"tensor {name!r}: its shape is damaged")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_size, offsets)):
        raise ModelFileError(f"tensor {name!r}: its place in the file is damaged")
    begin, end = offsets
    needed = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
    if end - begin != needed:
        raise ModelFileError(f"tensor {name!r} of shape {tuple(shape)} takes {needed} bytes and has {end - begin}")
    return dtype, shape, begin, end


def _check_order(places: dict[str, tuple[str, list[int], int, int]], size: int) -> None:
    """Back to back, as the format wants it: bytes that no tensor or two tensors own are where files hide things."""
    at = 0
    for name, (_, _, begin, end) in sorted(places.items(), key=lambda item: item[1][2:]):
        if begin != at:
            raise ModelFileError(f"tensor {name!r} begins at {begin}, where the one before it ends at {at}")
        at = end
    if at != size:
        raise ModelFileError(f"the file is cut short or damaged: its tensors take {at} bytes, and {size} are there")


def _array(name: str, data: memoryview, dtype: str, shape: list[int], begin: int, end: int) -> np.ndarray:
    try:
        array = np.frombuffer(data[begin:end], DTYPES[dtype]).reshape(shape)
    except (ValueError, OverflowError):  # NumPy's own limits, which an empty tensor can exceed
        raise ModelFileError(f"tensor {name!r} has a shape that cannot be held: {tuple(shape)}") from None
    if dtype == "BF16":
        return (array.astype("<u4") << np.uint32(16)).view("<f4")
    return array
