"""Which instruction set the compiled code uses."""

from . import _core

__all__ = ["available", "current", "use"]


def available() -> list[str]:
    """Names of the instruction sets that this machine can run, the slowest ("scalar") first."""
    return list(_core.isa_available())


def current() -> str:
    """The one in use: the best of this machine, unless `use` or the environment variable ``CNN_ISA`` lowered it."""
    return str(_core.isa_current())


def use(name: str | None) -> None:
    """Lower the instruction set, for comparisons and tests; None goes back to the best.

    Raises
    ------
    ValueError
        When the machine has no such instruction set.
    """
    if name is not None and name not in _core.isa_available():
        from .names import unknown

        raise ValueError(unknown("instruction set", str(name), _core.isa_available()))
    _core.isa_use(name)
