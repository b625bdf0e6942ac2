"""Opening a file to read, with the sentence that `cnn.load` has for one that is not there."""

import gzip
import os
import zlib
from typing import IO

from ..signatures import GZIP, START

_REASONS = {
    FileNotFoundError: "no such file or directory",
    IsADirectoryError: "it is a directory",
    PermissionError: "permission denied",
}


def opened(path: str | bytes | os.PathLike[str]) -> IO[bytes]:
    """The file, to be read as bytes.

    Raises
    ------
    OSError
        When it cannot be opened, in one sentence.
    """
    try:
        return open(path, "rb")
    except OSError as error:
        if type(error) not in _REASONS:
            raise
        told = type(error)(f"cannot read {os.fsdecode(path)!r}: {_REASONS[type(error)]}")
        told.errno = error.errno
        raise told from None


def first_bytes(file: IO[bytes]) -> tuple[bytes, bool]:
    """The first `START` bytes of a file, unpacked where gzip has packed it, and whether it has; a ValueError where that is damaged."""
    start = file.read(START)
    if not start.startswith(GZIP):
        return start, False
    file.seek(0)
    try:
        return gzip.GzipFile(fileobj=file).read(START), True
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{os.path.basename(os.fsdecode(file.name))!r} is a damaged gzip file: {error}") from None
