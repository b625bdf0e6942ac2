"""One-sentence checks of single arguments."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def _shown(value: object) -> str:
    from .names import shown

    return shown(value)


def whole(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int of at least `least`; numpy's integers too, no bools."""
    import operator

    if isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; it must be an integer")
    try:
        number = operator.index(value)
    except TypeError:
        whole_float = isinstance(value, float) and value.is_integer()
        hint = f": write {int(value)}" if whole_float else ""
        raise TypeError(f"{name} is {_shown(value)}; it must be an integer{hint}") from None
    if number < least:
        raise ValueError(f"{name} is {number}; it must be at least {least}")
    return number


def number(name: str, value: Any, least: float = -math.inf, below: float = math.inf, *, above: bool = False) -> float:
    """`value` as a finite float in [least, below), or in (least, below) with `above`."""
    try:
        x = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {_shown(value)}; it must be a number") from None
    if not math.isfinite(x) or x < least or x >= below or (above and x == least):
        parts = []
        if least > -math.inf:
            parts.append(f"{'above' if above else 'at least'} {least:g}")
        if below < math.inf:
            parts.append(f"below {below:g}")
        raise ValueError(f"{name} is {value!r}; it must be {' and '.join(parts) or 'finite'}")
    return x


def sizes(name: str, value: Any, *, openly: bool = False) -> tuple[int, ...]:
    """A shape: an int or a sequence of ints >= 1 (None or -1 for an open one where `openly`)."""
    items = (value,) if not hasattr(value, "__iter__") else tuple(value)
    out = []
    for item in items:
        if openly and (item is None or item == -1):
            out.append(-1)
        else:
            out.append(whole(f"{name} {value!r}: a size", item))
    return tuple(out)


@contextmanager
def read_json(data: Any, form: str) -> Iterator[None]:
    """Around what reads `data`, which `to_json` of the class called `form` has given: else it is one error, whatever is missing."""
    try:
        if data["format"] != form or data["version"] != 1:
            raise ValueError("format")
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"this is not what {form.rpartition('.')[2]}.to_json gives: {error}") from None
