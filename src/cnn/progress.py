"""The bar of ``fit(verbose=...)``, on stderr."""

import sys
import time
from typing import TextIO

from .callbacks import Callback, Logs

__all__ = ["Progress"]

_WIDTH = 24


def shown(logs: Logs) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in logs.items() if name not in ("lr", "penalty"))


def in_jupyter() -> bool:
    """Known without importing IPython: it is there already, or it is not."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class Progress(Callback):
    """A bar over the epochs (``verbose=1``) or a line an epoch (``verbose=2``), at most 10 updates a second.

    Parameters
    ----------
    verbose : {1, 2}, default 1
    file : text file, default sys.stderr
    """

    def __init__(self, verbose: int = 1, file: TextIO | None = None) -> None:
        if verbose not in (1, 2):
            raise ValueError(f"verbose is {verbose!r}; Progress takes 1 (a bar) or 2 (a line an epoch)")
        self.verbose = verbose
        self._given = file
        self._epochs = self._done = 0
        self._last = 0.0
        self._length = 0
        self._logs: Logs = {}

    @property
    def file(self) -> TextIO | None:
        return self._given if self._given is not None else sys.stderr

    def _plan(self, epochs: int) -> None:
        self._epochs, self._done, self._logs = epochs, 0, {}

    def on_train_begin(self, logs: Logs) -> None:
        self._began = self._last = time.monotonic()
        self._length = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._done += 1
        self._logs = dict(logs)
        if self.verbose == 2:
            self._write(f"epoch {self._done}/{self._epochs}  {shown(logs)}\n")
        else:
            self._bar()

    def _tick(self, epoch: int, batch: int, loss: float) -> None:
        if self.verbose == 1:
            self._bar(f"  step {batch + 1}  loss {loss:.4g}" if not self._logs else "")

    def _bar(self, more: str = "", *, last: bool = False) -> None:
        now = time.monotonic()
        if not last and now - self._last < 0.1:
            return
        self._last = now
        full = _WIDTH * self._done // max(self._epochs, 1)
        seconds = now - self._began
        text = f"[{'#' * full}{'.' * (_WIDTH - full)}] {self._done}/{self._epochs}  {seconds:.1f} s  {shown(self._logs)}{more}"
        self._write("\r" + text.ljust(self._length) + ("\n" if last else ""))
        self._length = len(text)

    def _write(self, text: str) -> None:
        file = self.file
        if file is not None:  # pythonw has no stderr
            file.write(text)
            file.flush()

    def on_train_end(self, logs: Logs) -> None:
        if self.verbose == 1:
            self._bar(last=True)


def automatic() -> int:
    """What verbose="auto" means here: a bar on a terminal or in Jupyter, else silence."""
    file = sys.stderr
    return 1 if file is not None and (file.isatty() or in_jupyter()) else 0
