"""What there is in one column: numbers or text, mean and spread, the different values."""

import math

import numpy as np

from . import values
from .tables import Chunk, Table
from .values import is_blank

_SAMPLE = 50


class Survey:
    """One column, seen chunk by chunk.

    Parameters
    ----------
    column : int
    limit : int
        Different values are kept up to so many.

    Attributes
    ----------
    kind : "number" or "text"
    n : int
        Values that are not blank.
    mean, std : float
        Of numbers, over the population; a constant column has std 1.
    distinct : dict of str to None, or None
        Texts as they are written, without spaces around them, in the order of the table; None: more than `limit`.
    levels : dict of float to str, or None
        Different numbers and how they are written; None: more than `limit`.
    odd : tuple (str, str) or None
        Of a column with numbers and text: the first text and its place.
    sample : dict of str to None
        Of text the first few.
    counts : bool
        Whether the numbers are whole and each is one more than the one before, without a blank.
    """

    def __init__(self, column: int, limit: int) -> None:
        self.column, self.limit = column, limit
        self.kind, self.n, self.whole = "number", 0, True
        self.mean, self._m2, self._low, self._high = 0.0, 0.0, math.inf, -math.inf
        # The first number, and the mean from there: with the digits that a small spread needs.
        self._origin, self._middle = 0.0, 0.0
        self.levels: dict[float, str] | None = {}
        self.distinct: dict[str, None] | None = {}
        self.odd: tuple[str, str] | None = None
        self.sample: dict[str, None] = {}
        self.counts = True

    @property
    def std(self) -> float:
        if self.n == 0 or self._low == self._high:
            return 1.0
        std = math.sqrt(self._m2 / self.n)
        return std if std > 0 else 1.0

    @property
    def spilled(self) -> bool:
        """Text with more different values than are kept: nothing more is learnt of it."""
        return self.kind == "text" and self.distinct is None

    def take(self, table: Table, chunk: Chunk) -> np.ndarray | None:
        """See some rows.

        Returns
        -------
        ndarray or None
            Numbers with NaN for blanks; of text the places in the order of `distinct`, -1 for blanks; None once it is left out.
        """
        if self.spilled:
            return None
        if self.kind == "number":
            found = None if table.is_text(self.column) else chunk.numbers(self.column)
            if found is not None:
                self._take_numbers(chunk, found)
                return found
            self._become_text(table, chunk)
        return self._take_texts(chunk)

    def _take_numbers(self, chunk: Chunk, x: np.ndarray) -> None:
        values.check_finite(x)
        blank = np.isnan(x)
        if blank.any():
            self.counts = False
            x = x[~blank]
        if not x.size:
            return
        if self.counts:
            begin = x[0] if self.n == 0 else self._high + 1
            self.counts = bool(begin == np.floor(begin) and (x == begin + np.arange(x.size)).all())
        if self.n == 0:
            self._origin = x[0]
        n, apart = self.n + x.size, x - self._origin
        middle = float(apart.mean())
        step = middle - self._middle
        self._m2 += float(np.square(apart - middle).sum()) + step * step * self.n * x.size / n
        self._middle += step * x.size / n
        self.mean += (float(x.mean()) - self.mean) * x.size / n
        self.n = n
        self._low, self._high = min(self._low, float(x.min())), max(self._high, float(x.max()))
        if self._low == self._high:
            self.mean = self._low
        self.whole = self.whole and bool((x == np.floor(x)).all())
        if self.levels is not None:
            rows = np.flatnonzero(~blank)
            for value, at in zip(*np.unique(x, return_index=True), strict=True):
                if value not in self.levels:
                    if len(self.levels) == self.limit:
                        self.levels = None
                        return
                    self.levels[float(value)] = chunk.text(self.column, int(rows[at])).strip()

    def _become_text(self, table: Table, chunk: Chunk) -> None:
        self.kind = "text"
        if not table.is_text(self.column):
            texts = chunk.texts(self.column)
            i = values.first_text(texts, table.comma)
            if self.n or any(values.number(t, table.comma) is not None and not is_blank(t) for t in set(texts)):
                self.odd = (texts[i].strip(), chunk.place(i))
                self.sample[self.odd[0]] = None
        if self.levels is None:
            self.distinct = None
        else:
            self.distinct = dict.fromkeys(self.levels.values())

    def _take_texts(self, chunk: Chunk) -> np.ndarray | None:
        texts, places = chunk.coded(self.column)
        blanks = [i for i, text in enumerate(texts) if is_blank(text)]
        if len(self.sample) < _SAMPLE:
            first = [texts[place].strip() for place in places[:_SAMPLE].tolist()]
            self.sample.update(dict.fromkeys(text for text in first if not is_blank(text)))
        if self.distinct is None:
            return None
        self.n += chunk.rows - (int(np.isin(places, blanks).sum()) if blanks else 0)
        self.distinct.update(dict.fromkeys(text.strip() for text in texts if not is_blank(text)))
        if len(self.distinct) > self.limit:
            self.distinct = None
            return None
        order = {text: i for i, text in enumerate(self.distinct)}
        return np.array([order.get(text.strip(), -1) for text in texts], np.float64)[places]
