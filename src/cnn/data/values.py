"""What a single value of a table means: blank, a number, or text."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

BLANKS = frozenset(["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"])
_LARGEST = float(np.finfo(np.float32).max)


class Fault(Exception):
    """A value that cannot be used, at a row of the chunk at hand; who knows the file says where that is."""

    def __init__(self, index: int, sentence: str) -> None:
        super().__init__(sentence)
        self.index, self.sentence = index, sentence


def is_blank(text: str) -> bool:
    """Whether `text` stands for nothing; spaces around it do not count."""
    text = text.strip()
    return text in BLANKS or text.lower().lstrip("+-") == "nan"


def number(text: str, comma: bool = False) -> float | None:
    """The number that `text` is; NaN for a blank, None for other text.

    Parameters
    ----------
    text : str
    comma : bool, default False
        Whether a comma is a decimal point.
    """
    text = text.strip()  # more than float() takes for spaces
    if is_blank(text):
        return float("nan")
    if "_" in text:  # float() would read 1_000
        return None
    try:
        return float(text.replace(",", ".") if comma else text)
    except ValueError:
        return None


def numbers(texts: Sequence[str], comma: bool = False) -> np.ndarray | None:
    """All of them as float64, blanks as NaN; None when one is other text."""
    joined = "\n".join(texts)
    if "_" not in joined:
        if comma:
            joined = joined.replace(",", ".")
        framed = f"\n{joined}\n"
        if "\n\n" in framed:
            framed = framed.replace("\n\n", "\nnan\n").replace("\n\n", "\nnan\n")
        plain = framed[1:-1].split("\n")
        try:
            if len(plain) == len(texts):
                return np.fromiter(map(float, plain), np.float64, len(texts))
        except ValueError:
            pass
    table = {}
    for text in set(texts):
        value = number(text, comma)
        if value is None:
            return None
        table[text] = value
    return np.fromiter(map(table.__getitem__, texts), np.float64, len(texts))


def first_text(texts: Iterable[str], comma: bool = False) -> int:
    """Where the first is that is neither a number nor blank."""
    return next(i for i, text in enumerate(texts) if number(text, comma) is None)


def check_finite(values: np.ndarray) -> None:
    """Raises a `Fault` for a number that float32 has no room for."""
    with np.errstate(invalid="ignore"):
        wrong = np.abs(values) > _LARGEST
    if wrong.any():
        i = int(wrong.argmax())
        kind = "an infinity" if np.isinf(values[i]) else "too large for float32"
        raise Fault(i, f"{values[i]:g} is {kind}; expected a finite number, or nothing")


def text_of(value: Any) -> str:
    """A value of a frame as the text that a CSV file would have; "" for a blank."""
    if isinstance(value, str):
        return value
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        if number != number:
            return ""
        return str(int(number)) if number.is_integer() else repr(number)
    if isinstance(value, np.datetime64 | np.timedelta64) and np.isnat(value):
        return ""
    return str(value)


def texts_of(values: np.ndarray) -> list[str]:
    """Numbers, or objects, as text."""
    if values.dtype.kind == "M":
        return ["" if text == "NaT" else text for text in np.datetime_as_string(values).tolist()]
    items = values.tolist()
    if set(map(type, items)) <= {str}:
        return items
    return [text_of(item) for item in items]
