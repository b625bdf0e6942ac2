"""What is known of one fitted column, and how its values become numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import values
from .tables import Chunk
from .values import Fault, is_blank


class Codes:
    """Texts to places in a list.

    Parameters
    ----------
    texts : sequence of str
    what : str
        What such a text is, for messages: "category" or "class".
    """

    def __init__(self, texts: Sequence[str], what: str) -> None:
        self.texts, self.what = list(texts), what
        self._places = {text: float(i) for i, text in enumerate(self.texts)}
        self._spare: dict[Any, float] | None = None

    def of(self, chunk: Chunk, column: int) -> np.ndarray:
        """The codes of a column as float64, NaN for blanks; raises a `Fault` for a text that is not in the list."""
        texts, places = chunk.coded(column)
        codes = [self._code(text) for text in texts]
        if None in codes:
            unseen = [i for i, code in enumerate(codes) if code is None]
            row = int(np.isin(places, unseen).argmax())
            text = texts[places[row]].strip()
            raise Fault(row, f"{text!r} is a {self.what} that fit has not seen; known: {self._known()}")
        return np.array(codes, np.float64)[places] if codes else np.empty(0)

    def _code(self, raw: str) -> float | None:
        text = raw.strip()
        if text in self._places:
            return self._places[text]
        return float("nan") if is_blank(text) else self._other(text)

    def _other(self, text: str) -> float | None:
        """Another spelling of a number (1 for 1.0, 7 for 007), or of true and false."""
        if self._spare is None:
            self._spare = {}
            for i, known in enumerate(self.texts):
                value = values.number(known)
                key: Any = known.lower() if value is None else value
                if value is not None or key in ("true", "false"):
                    self._spare.setdefault(key, float(i))
        value = values.number(text)
        return self._spare.get(text.lower() if value is None else value)

    def _known(self) -> str:
        shown = ", ".join(map(repr, self.texts[:10]))
        return shown + (f", and {len(self.texts) - 10} more" if len(self.texts) > 10 else "")


class Column:
    """An input column.

    Parameters
    ----------
    name : str
    mean, std : float
        Of a column of numbers.
    categories : list of str, optional
        Of a column of text.
    """

    def __init__(self, name: str, mean: float = 0.0, std: float = 1.0, categories: Sequence[str] | None = None) -> None:
        self.name, self.mean, self.std = name, mean, std
        self.codes = None if categories is None else Codes(categories, "category")

    @property
    def kind(self) -> str:
        return "number" if self.codes is None else "text"

    def of(self, chunk: Chunk, place: int, comma: bool) -> np.ndarray:
        """The column of the chunk as numbers; raises a `Fault`."""
        if self.codes is not None:
            return self.codes.of(chunk, place)
        return finite_numbers(chunk, place, comma)

    def to_json(self) -> dict[str, Any]:
        if self.codes is not None:
            return {"name": self.name, "kind": "text", "categories": self.codes.texts}
        return {"name": self.name, "kind": "number", "mean": self.mean, "std": self.std}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Column":
        if data["kind"] == "text":
            return cls(str(data["name"]), categories=[str(text) for text in data["categories"]])
        return cls(str(data["name"]), float(data["mean"]), float(data["std"]))


def finite_numbers(chunk: Chunk, place: int, comma: bool) -> np.ndarray:
    """A column of numbers; raises a `Fault` for text and for infinities."""
    found = chunk.numbers(place)
    if found is None:
        texts = chunk.texts(place)
        row = values.first_text(texts, comma)
        raise Fault(row, f"{texts[row].strip()!r} is no number")
    values.check_finite(found)
    return found
