"""The bar of ``fit(verbose=...)``, on stderr: tqdm's where tqdm is installed, else one of our own; lines where nobody looks on."""

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from .callbacks import Callback, Logs

__all__ = ["Progress"]

_WIDTH = 24
_INTERVAL = 0.1  # seconds between updates
_LONG = 1.0  # an epoch that takes longer shows its steps


def shown(logs: Logs) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in logs.items() if name not in ("lr", "penalty"))


def _joined(*parts: str) -> str:
    return "  ".join(part for part in parts if part)


def in_jupyter() -> bool:
    """Known without importing IPython: it is there already, or it is not."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class Progress(Callback):
    """A bar over the epochs (``verbose=1``) or a line an epoch (``verbose=2``), at most 10 updates a second.

    On a terminal or in Jupyter the bar is tqdm's, if that is installed, else one of our own. In a file or a pipe there is a line whenever
    another tenth of the epochs is done.

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
        self._epochs: int | None = None  # in all; None: not known
        self._named: Callable[[list[float]], Logs] = lambda record: {}  # the fit's
        self._begin()

    def _begin(self) -> None:
        self._done = 0
        self._logs: Logs = {}
        self._unnamed: list[float] | None = None
        self._lines: list[str] = []
        self._length = 0  # of the text on the screen
        self._told = 0  # epochs done when the last line was written
        self._began = self._last = self._ended = time.monotonic()
        self._tqdm: Any = None
        self._live = False

    @property
    def file(self) -> TextIO | None:
        return self._given if self._given is not None else sys.stderr

    def _plan(self, epochs: int) -> None:
        self._epochs = epochs

    def on_train_begin(self, logs: Logs) -> None:
        self._begin()
        file = self.file
        if self.verbose == 1 and file is not None and self._epochs != 0:
            notebook = self._given is None and in_jupyter()
            self._live = notebook or file.isatty()
            if self._live:
                self._tqdm = _tqdm(notebook, self._epochs, file)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        # Called after every epoch, which may have taken a microsecond: nothing is formatted here but what is shown.
        self._done += 1
        self._logs = logs
        if self.verbose == 2:
            of = "" if self._epochs is None else f"/{self._epochs}"
            self._lines.append(f"epoch {self._done}{of}  {shown(logs)}\n")
        now = self._ended = time.monotonic()
        if now - self._last >= _INTERVAL:
            self._update(now)

    def _record(self, epoch: int, record: list[float]) -> None:
        """`on_epoch_end` where nobody else listens, for a bar: the figures get their names when they are shown."""
        self._done += 1
        self._unnamed = record
        now = self._ended = time.monotonic()
        if now - self._last >= _INTERVAL:
            self._update(now)

    def _tick(self, epoch: int, batch: int, loss: float) -> None:
        now = time.monotonic()
        if now - self._last >= _INTERVAL:
            self._update(now, f"step {batch + 1}  loss {loss:.4g}" if now - self._ended > _LONG else "")

    def on_train_end(self, logs: Logs) -> None:
        self._update(time.monotonic(), last=True)
        if self._tqdm is not None:
            self._tqdm.close()
            self._tqdm = None

    def _update(self, now: float, step: str = "", *, last: bool = False) -> None:
        self._last = now
        if self._unnamed is not None:
            self._logs, self._unnamed = self._named(self._unnamed), None
        if self.verbose == 2:
            self._write("".join(self._lines))
            self._lines.clear()
        elif self._tqdm is not None:
            self._tqdm.n = self._done
            self._tqdm.set_postfix_str(_joined(shown(self._logs), step), refresh=False)
            if not last:  # close draws it
                self._tqdm.refresh()
        elif self._live:
            text = self._bar(now, step)[: self._columns()]
            self._write("\r" + text.ljust(self._length) + ("\n" if last else ""))
            self._length = len(text)
        elif self._epochs != 0 and (last or self._is_due()):
            self._told = self._done
            self._write(self._bar(now, "") + "\n")

    def _is_due(self) -> bool:
        """Whether a line is: another tenth of the epochs, or of those so far where nobody knows how many there will be."""
        return self._done > self._told and (self._done - self._told) * 10 >= (self._epochs or self._done)

    def _bar(self, now: float, step: str) -> str:
        total = self._epochs or max(self._done, 1)
        full = min(_WIDTH * self._done // total, _WIDTH)
        of = "" if self._epochs is None else f"/{self._epochs}"
        done = f"[{'#' * full}{'.' * (_WIDTH - full)}] {self._done}{of}"
        return _joined(done, f"{now - self._began:.1f} s", shown(self._logs), step)

    def _columns(self) -> int | None:
        """A longer text would not be written over by the next."""
        import os

        try:
            return (os.get_terminal_size(self.file.fileno()).columns or 81) - 1  # type: ignore[union-attr]
        except (OSError, ValueError, AttributeError):
            return None

    def _write(self, text: str) -> None:
        file = self.file
        if file is not None and text:  # pythonw has no stderr
            file.write(text)
            file.flush()


def _tqdm(notebook: bool, epochs: int | None, file: TextIO) -> Any:
    """A bar of tqdm's, or None without tqdm."""
    import warnings

    try:
        if notebook:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # without ipywidgets it falls back to a bar of text, which is as good
                from tqdm.auto import tqdm
        else:
            from tqdm import tqdm
    except ImportError:
        return None
    # tqdm would watch its bars from a thread of its own; the engine's ticks come often enough.
    quiet = type("Bar", (tqdm,), {"monitor_interval": 0})
    where = {} if notebook else {"file": file}
    return quiet(total=epochs, unit="epoch", mininterval=0, dynamic_ncols=True, **where)


def automatic() -> int:
    """What verbose="auto" means here: a bar on a terminal or in Jupyter, else silence."""
    file = sys.stderr
    return 1 if file is not None and (file.isatty() or in_jupyter()) else 0
