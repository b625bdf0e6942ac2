"""Opening a file to read, with the sentence that `cnn.load` has for one that is not there."""

import os
from typing import IO

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
