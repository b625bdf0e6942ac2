"""What a command says, and where: figures to stdout, progress and errors to stderr, or one JSON object."""

import json
import math
import os
import sys
from typing import Any, TextIO

__all__ = ["Console", "Failed", "Usage", "encodes"]


class Failed(Exception):
    """The sentence for something that went wrong; exit code 1."""


class Usage(Exception):
    """The sentence for a call that makes no sense; exit code 2."""


class Console:
    """The two streams of a command.

    Parameters
    ----------
    as_json : bool
        Nothing but one JSON object goes to stdout: see `finish`.
    quiet : bool
        No progress, and only results.
    """

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a name that the terminal cannot show is no reason to fail
                stream.reconfigure(errors="backslashreplace")

    def say(self, text: str = "", *, result: bool = False) -> None:
        """A line for people; with --quiet only a `result`."""
        if not self.as_json and (result or not self.quiet):
            print(text, flush=True)

    def progress(self, text: str) -> None:
        """A line to stderr."""
        if not self.quiet and sys.stderr is not None:
            print(text, file=sys.stderr, flush=True)

    def finish(self, result: dict[str, Any]) -> None:
        """With --json: the object; else nothing."""
        if self.as_json:
            print(json.dumps(plain(result), ensure_ascii=not encodes(sys.stdout, "é")), flush=True)

    @property
    def verbose(self) -> int | str:
        """Of `fit`: a bar where there is a terminal."""
        return 0 if self.quiet else "auto"


def plain(value: Any) -> Any:
    """What JSON can say: NaN and infinities become null, NumPy's numbers Python's."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value


def encodes(stream: TextIO | None, text: str) -> bool:
    """Whether a stream can show these characters."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
