"""What `fit` has read, kept for `fit_transform`, so that a small file is read once."""

from collections.abc import Sequence

import numpy as np

from . import rows
from .columns import Column
from .survey import Survey


class Record:
    """The columns of each chunk as `Survey.take` gives them, as long as they are small.

    Parameters
    ----------
    goals : sequence of int
        Columns that are targets, which stay float64.
    """

    def __init__(self, goals: Sequence[int]) -> None:
        self._goals = goals
        self._blocks: list[dict[int, np.ndarray]] | None = []
        self._kinds: dict[int, str] = {}
        self._bytes = self._rows = 0

    def add(self, surveys: dict[int, Survey], found: dict[int, np.ndarray | None], count: int) -> None:
        """Some rows more; all is let go when they are many, or when a column of numbers has turned out to be text."""
        if self._blocks is None:
            return
        kept = {
            j: values if j in self._goals else values.astype(np.float32)
            for j, values in found.items()
            if values is not None
        }
        kinds = {j: surveys[j].kind for j in kept}
        self._rows += count
        self._bytes += sum(values.nbytes for values in kept.values())
        if self._bytes > rows.SPILL or any(self._kinds.get(j, kind) != kind for j, kind in kinds.items()):
            self._blocks = None
            return
        self._kinds.update(kinds)
        self._blocks.append(kept)

    def arrays(
        self, surveys: dict[int, Survey], columns: dict[int, Column], classes: bool, single: bool
    ) -> tuple[np.ndarray, np.ndarray | None] | None:
        """(X, y) of all rows, y None without targets; None when they were let go.

        Parameters
        ----------
        surveys : dict
        columns : dict of int to Column
            Those of X, in order.
        classes : bool
            Whether the target is classes.
        single : bool
            Whether y is a vector.
        """
        if self._blocks is None:
            return None
        luts = {j: _sorted_places(surveys[j]) for j in [*columns, *self._goals] if surveys[j].kind == "text"}
        levels = [np.array(sorted(surveys[j].levels or ())) for j in self._goals]
        X = np.empty((self._rows, len(columns)), np.float32)
        y = np.empty((self._rows, len(self._goals)), np.int64 if classes else np.float64)
        at = self._rows
        while self._blocks:  # from behind, so that each can be let go
            block = self._blocks.pop()
            at, end = at - len(next(iter(block.values()))), at
            for k, j in enumerate(columns):
                X[at:end, k] = luts[j][block[j].astype(np.int64)] if j in luts else block[j]
            for k, j in enumerate(self._goals):
                if j in luts:
                    y[at:end, k] = luts[j][block[j].astype(np.int64)]
                else:
                    y[at:end, k] = np.searchsorted(levels[k], block[j]) if classes else block[j]
        if not self._goals:
            return X, None
        return X, y[:, 0].copy() if single else y


def _sorted_places(survey: Survey) -> np.ndarray:
    """From the order of appearance to the alphabet's; the last, which -1 finds, is for blanks."""
    texts = list(survey.distinct or ())
    place = {text: i for i, text in enumerate(sorted(texts))}
    return np.array([*(place[text] for text in texts), np.nan])
