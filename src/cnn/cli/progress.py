"""How a fit shows that it goes on: the bar on a terminal, else now and then a line."""

import sys
import time
from typing import Any

from ..callbacks import Callback, Logs
from ..progress import automatic, shown
from .console import Console

__all__ = ["fit_options"]


class _Lines(Callback):
    """A line for the first epoch, then one every second: a log file stays short."""

    def __init__(self, console: Console, epochs: int) -> None:
        self.console, self.epochs = console, epochs
        self._said = -1.0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        now = time.monotonic()
        if now - self._said >= 1.0 or epoch + 1 == self.epochs:
            self._said = now
            self.console.progress(f"epoch {epoch + 1}/{self.epochs}  {shown(logs)}")


def fit_options(console: Console, epochs: int, callbacks: list[Any] | None = None) -> dict[str, Any]:
    """`epochs`, `verbose` and `callbacks` of a fit."""
    callbacks = list(callbacks or [])
    if console.quiet or sys.stderr is None:
        return {"epochs": epochs, "verbose": 0, "callbacks": callbacks}
    if automatic():
        return {"epochs": epochs, "verbose": 1, "callbacks": callbacks}
    return {"epochs": epochs, "verbose": 0, "callbacks": [*callbacks, _Lines(console, epochs)]}
