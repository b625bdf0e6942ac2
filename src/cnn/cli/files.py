"""Files of a command: where it may write, how it writes, and what comes through a pipe."""

import argparse
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from .console import Failed, Usage

__all__ = ["is_model", "replacing", "run_to_file", "spooled", "writable"]


def writable(option: str, path: str, others: Mapping[str, str | None] | None = None, *, model: bool = False) -> Path:
    """A path that can be written without harm, known before any work.

    Parameters
    ----------
    option, path : str
    others : dict of str to str or None, optional
        The call's other files by their names: `path` must be none of them, through links neither.
    model : bool, default False
        A model file is written: what is there may only be another one. Else it must not be a model.

    Raises
    ------
    Usage
        For a folder, a folder that does not exist, one that nobody may write into, or a file that would be lost.
    """
    place = Path(path)
    if place.is_dir():
        raise Usage(f"{option}: {path!r} is a folder; give the name of a file")
    folder = place.parent
    if not folder.is_dir():
        raise Usage(f"{option}: the folder {str(folder)!r} does not exist; make it first (mkdir {folder})")
    if not os.access(folder, os.W_OK) or (place.exists() and not os.access(place, os.W_OK)):
        raise Usage(f"{option}: {path!r} cannot be written: no permission")
    for name, other in (others or {}).items():
        if other is not None and _same(path, other):
            raise Usage(f"{option}: {path!r} is the file of {name}, which would be lost; give another name")
    if not place.exists():
        return place
    if not place.is_file():
        raise Usage(f"{option}: {path!r} is not an ordinary file; give the name of a file")
    if model and place.stat().st_size and not is_model(path):
        raise Usage(f"{option}: {path!r} is there and is no model file; delete it, or give another name")
    if not model and is_model(path):
        raise Usage(f"{option}: {path!r} is a model file, which would be lost; delete it, or give another name")
    return place


def _same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:  # one of them is not there
        return os.path.realpath(path) == os.path.realpath(other)


def is_model(path: str) -> bool:
    """Whether this library has written the file."""
    with open(path, "rb") as file:
        start = file.read(4096)
    return start[8:9] == b"{" and start[4:8] == bytes(4) and b'"format":"cnn"' in start


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of the old one when all of it is written; after an error the old one is as it was."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def run_to_file(path: Path, write: Callable[[Path], Any]) -> None:
    """The same for what writes to a path by itself; the name keeps its ending, which may choose the format."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def spooled(options: argparse.Namespace) -> Iterator[argparse.Namespace]:
    """The options with a temporary file for each input that is "-" or a pipe: files are read more than once.

    Raises
    ------
    Usage
        When two of them are "-".
    """
    given = {name: getattr(options, name, None) for name in ("model", "data", "validation_data")}
    if list(given.values()).count("-") > 1:
        raise Usage("- is stdin, which can be read once; give a file for the other")
    piped = {name: path for name, path in given.items() if path is not None and _is_pipe(path)}
    if not piped:
        yield options
        return
    with tempfile.TemporaryDirectory(prefix="cnn-") as folder:
        changed = argparse.Namespace(**vars(options))
        for name, path in piped.items():
            os.mkdir(os.path.join(folder, name))
            place = os.path.join(folder, name, "stdin" if path == "-" else os.path.basename(path))
            _copy(path, place)
            setattr(changed, name, place)
        yield changed


def _is_pipe(path: str) -> bool:
    if path == "-" or path.startswith("/dev/"):  # some systems go on in /dev/stdin where the last reader was
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _copy(path: str, place: str) -> None:
    import shutil

    if path == "-" and sys.stdin is None:
        raise Failed("-: there is no stdin")
    with open(place, "wb") as file:
        if path == "-":
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        else:
            with open(path, "rb") as pipe:
                shutil.copyfileobj(pipe, file, 1 << 20)
