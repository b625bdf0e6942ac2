"""Data that come in batches: any iterable of ``(X, y)`` or ``(X, y, weights)``, read again each epoch; a torch DataLoader is one."""

import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

from .arrays import is_array

Batch = tuple[list[Any], list[Any], Any]
_END: Any = object()


def is_batches(X: Any, y: Any) -> bool:
    """Whether X is an iterable of batches rather than data held whole."""
    if y is not None or is_array(X) or isinstance(X, dict | str | bytes) or not hasattr(X, "__iter__"):
        return False
    return not isinstance(X, list | tuple) or (bool(X) and isinstance(X[0], tuple))


class Batches:
    """An iterable of batches as the engine asks for it: ``source(epoch, batch)`` gives the next one, None at the end of an epoch.

    Parameters
    ----------
    data : iterable of (X, y) or (X, y, weights)
    prepare : callable
        ``prepare(X, y, weights) -> Batch``: checks one batch, which raises before anything is changed.
    name : str
        The argument, for messages.

    Attributes
    ----------
    most : int
        Rows that the engine takes at once.
    divisible : bool
        Whether a larger batch may be given in pieces, as no step is made of it.
    """

    def __init__(self, data: Any, prepare: Callable[[Any, Any, Any], Batch] | None, name: str) -> None:
        self.data, self.prepare, self.name = data, prepare, name
        self.most, self.divisible = sys.maxsize, False
        self._pieces: list[Batch] = []
        self.once = iter(data) is data  # a generator: what is taken is gone
        self._iterator: Iterator[Any] = iter(data)
        first = next(self._iterator, _END)
        if first is _END:
            raise ValueError(f"{name} gave no batch; expected an iterable of (X, y) that can be read again each epoch")
        self.first = self._split(first)
        self._iterator = itertools.chain([first], self._iterator)  # that first batch is the first epoch's
        self._fresh = True

    def _split(self, batch: Any) -> tuple[Any, Any, Any]:
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            raise TypeError(f"{self.name} gave a {type(batch).__name__}; each batch must be (X, y) or (X, y, weights)")
        return batch[0], batch[1], batch[2] if len(batch) == 3 else None

    def __call__(self, epoch: int, batch: int) -> Batch | None:
        if batch == 0:
            self._pieces = []
            if not self._fresh and not self.once:
                self._iterator = iter(self.data)
        elif self._pieces:
            return self._pieces.pop()
        self._fresh = False
        item = next(self._iterator, _END)
        if item is _END:
            if batch == 0:
                raise ValueError(
                    f"{self.name} can be read only once: pass a list of batches, or an object whose __iter__ begins anew"
                )
            return None
        assert self.prepare is not None
        inputs, targets, weights = prepared = self.prepare(*self._split(item))
        rows = len(inputs[0])
        if rows <= self.most:
            return prepared
        if not self.divisible:
            raise ValueError(
                f"{self.name} gave a batch of {rows} rows and there is room for {self.most}: pass batch_size={rows},"
                " the most that a batch may have"
            )
        cuts = [slice(i, i + self.most) for i in range(0, rows, self.most)]
        self._pieces = [
            ([a[c] for a in inputs], [a[c] for a in targets], None if weights is None else weights[c])
            for c in reversed(cuts)
        ]
        return self._pieces.pop()
