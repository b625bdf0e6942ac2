"""The command line: ``cnn demo | train | predict | evaluate | info | bench | config``, and ``python -m cnn`` the same.

Exit codes: 0 good, 1 failed, 2 a call that makes no sense, 130 interrupted with nothing to keep. Errors are one sentence on stderr.
"""

import contextlib
import os
import sys
from collections.abc import Sequence

from .console import Console, Failed, Usage

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Without the program's name; by default the process's own.

    Returns
    -------
    int
        The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader has seen enough, as in `cnn predict ... | head`
        _drop_stdout()
        return 0
    except SystemExit as exit:  # of --help and --version
        return exit.code if isinstance(exit.code, int) else 0
    except KeyboardInterrupt:
        print("cnn: stopped", file=sys.stderr)
        return 130


def _run(arguments: list[str]) -> int:
    from importlib import import_module

    from .parser import parse

    try:
        options = parse(arguments)
        console = Console(getattr(options, "json", False), getattr(options, "quiet", False))
        return int(import_module(f"cnn.cli.{options.command}").run(options, console))
    except Usage as error:
        command = f"cnn {arguments[0]}" if arguments and not arguments[0].startswith("-") else "cnn"
        return _fail(
            arguments, str(error), 2, f"see {error.__notes__[0] if hasattr(error, '__notes__') else command} --help"
        )
    except BrokenPipeError:
        raise
    except (Failed, OSError, ValueError, TypeError, ArithmeticError, ImportError, MemoryError) as error:
        return _fail(arguments, _sentence(error), 1)


def _fail(arguments: list[str], sentence: str, code: int, more: str = "") -> int:
    if "--json" in arguments:
        Console(True).finish({"error": sentence})
    print(f"cnn: error: {sentence}" + (f"\n{more}" if more else ""), file=sys.stderr)
    return code


def _sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return f"there is not enough memory ({error})" if str(error) else "there is not enough memory"
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        reasons = {
            FileNotFoundError: "there is no such file",
            PermissionError: "no permission",
            IsADirectoryError: "it is a folder",
        }
        return f"{os.fsdecode(error.filename)!r}: {reasons.get(type(error), error.strerror)}"
    return " ".join(str(error).split()) or type(error).__name__


def _drop_stdout() -> None:
    """What is still in its buffer would fail again when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
