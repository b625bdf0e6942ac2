"""What may happen while a fit runs.

A callback is an object with any of ``on_train_begin(logs)``, ``on_epoch_begin(epoch, logs)``, ``on_train_batch_begin(batch, logs)``,
``on_train_batch_end(batch, logs)``, ``on_epoch_end(epoch, logs)``, ``on_train_end(logs)``; ``self.network`` is the network. A plain
function ``f(epoch, logs)`` is an ``on_epoch_end``. Only methods that are overridden are called, so an unused one costs nothing. They may
predict, evaluate, save, set ``network.optimizer.lr``, and end the fit with ``self.network.stop_training = True``.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ._core import METRICS
from .checks import number, whole
from .names import Spelled, foreign, instead, missing, shown, unknown

if TYPE_CHECKING:
    from .network import Network

__all__ = ["CSVLogger", "Callback", "Checkpoint", "EarlyStopping", "ReduceLROnPlateau"]  # and, imported late, Progress

Logs = dict[str, float]


class Callback(Spelled):
    """The base class; override what is needed."""

    network: "Network"

    def __repr__(self) -> str:
        code = getattr(type(self).__init__, "__wrapped__", type(self).__init__)
        code = getattr(code, "__code__", None)  # a class without __init__ has none
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] if code is not None else ()
        values = {name: vars(self)[name] for name in names if vars(self).get(name) not in (None, "")}
        return f"{type(self).__name__}({', '.join(f'{name}={shown(value)}' for name, value in values.items())})"

    def on_train_begin(self, logs: Logs) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs) -> None:
        """After the last epoch, however the fit ended; logs are the last epoch's."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Before each epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After each epoch and its validation; logs hold what `History` will."""

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Before each step."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """After each step; logs hold its ``loss``."""


class _Function(Callback):
    def __init__(self, function: Callable[[int, Logs], Any]) -> None:
        self.function = function

    def __repr__(self) -> str:
        return f"<callback {shown(self.function)}>"

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.function(epoch, logs)


def wrap(callback: Any) -> Any:
    """A callback object from what was given."""
    if isinstance(callback, type):
        raise TypeError(f"callbacks has the class {callback.__name__}; write {callback.__name__}()")
    other = foreign(callback)
    if other is not None:
        from . import __all__ as ours

        raise TypeError(f"callbacks has {other} of another library: {instead(other, ours)}")
    if isinstance(callback, Callback) or any(hasattr(callback, name) for name in HOOKS):
        _check_hooks(callback)
        return callback
    if callable(callback):
        _check_takes(callback, ("epoch", "logs"), shown(callback))
        return _Function(callback)
    raise TypeError(
        f"callbacks has {shown(callback)}; expected callbacks, as in callbacks=[cnn.EarlyStopping()], or functions f(epoch, logs)"
    )


def _check_hooks(callback: Any) -> None:
    """That each of its hooks can be called, and that none is misspelt, which would never be called."""
    from difflib import get_close_matches

    kind = type(callback)
    if kind.__module__.partition(".")[0] == "cnn":
        return
    for hook in HOOKS:
        if overrides(callback, hook):
            theirs = getattr(Callback, hook).__code__.co_varnames[1 : getattr(Callback, hook).__code__.co_argcount]
            _check_takes(getattr(callback, hook), theirs, f"{kind.__name__}.{hook}")
    if isinstance(callback, Callback):
        for name in (n for k in kind.__mro__ for n in vars(k) if n.startswith("on_") and n not in HOOKS):
            near = {"on_batch_begin": "on_train_batch_begin", "on_batch_end": "on_train_batch_end"}.get(name)
            near = near or next(iter(get_close_matches(name, HOOKS, 1, 0.85)), None)
            if near is not None and name not in _KERAS_HOOKS:
                raise ValueError(
                    f"callbacks has a {kind.__name__} with {name}, which is never called; did you mean {near}?"
                )


def _check_takes(function: Any, names: tuple[str, ...], label: str) -> None:
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # compiled
        return
    try:
        signature.bind(*names)
    except TypeError:
        takes = ", ".join(signature.parameters)
        raise TypeError(
            f"callbacks has {label}, which takes ({takes}); it is called with ({', '.join(names)})"
        ) from None


# Keras calls these in evaluate and predict: one object may serve both libraries.
_KERAS_HOOKS = frozenset(
    f"on_{a}_{b}" for a in ("test", "predict", "test_batch", "predict_batch") for b in ("begin", "end")
)
HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


def overrides(callback: Any, hook: str) -> bool:
    """Whether calling the hook would do anything."""
    method = getattr(callback, hook, None)
    return method is not None and getattr(method, "__func__", method) is not getattr(Callback, hook)


class _Monitor(Callback):
    """Follows one figure of the logs."""

    def _watch(self, monitor: str, mode: str, min_delta: float) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(unknown("mode", str(mode), ("auto", "min", "max")))
        self.monitor, self.mode = monitor, mode
        self.min_delta = number("min_delta", min_delta, 0)
        self.best: float | None = None

    def _value(self, logs: Logs) -> float:
        if self.monitor in logs:
            return logs[self.monitor]
        name = type(self).__name__
        if self.monitor.startswith("val_") and not any(key.startswith("val_") for key in logs):
            message = f"{name} follows {self.monitor!r}, but there are no validation data: pass validation_data= or validation_split="
            raise ValueError(f"{message}, or {name}(monitor='loss')")
        stem = self.monitor.removeprefix("val_")
        metric = {"acc": "accuracy"}.get(stem, stem)
        wanted = self.monitor.removesuffix(stem) + metric
        if metric in METRICS and wanted not in logs:
            raise ValueError(f'{name} follows {self.monitor!r}, but fit has no such metric: pass metrics=["{metric}"]')
        near = f"monitor {self.monitor!r} is not known; write {wanted!r}" if wanted in logs else None
        raise ValueError(f"{name}: {near or unknown('monitor', self.monitor, logs)}")

    def _is_better(self, value: float) -> bool:
        if value != value:
            return False
        if self.best is None:
            return True
        higher = self.mode == "max" or (
            self.mode == "auto"
            and any(m in self.monitor for m in ("accuracy", "precision", "recall", "f1", "auc", "r2"))
        )
        return value > self.best + self.min_delta if higher else value < self.best - self.min_delta


class EarlyStopping(_Monitor):
    """Ends the fit when a figure has not become better for `patience` epochs.

    Parameters
    ----------
    monitor : str, default "val_loss"
        A name of the logs. For one of validation the fit must have validation data.
    patience : int, default 10
    min_delta : float, default 0
        What counts as better.
    mode : {"auto", "min", "max"}
        Whether less or more is better; "auto" knows by the name.
    restore_best_weights : bool, default True
        Go back to the parameters of the best epoch, however the fit ended (an interrupt or an error, too).
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best_weights: bool = True,
    ) -> None:
        self._watch(monitor, mode, min_delta)
        self.patience = whole("patience", patience, 0)
        self.restore_best_weights = bool(restore_best_weights)
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._wait = 0
        self._weights: bytes | None = None

    def _needs_validation(self) -> bool:
        return self.monitor.startswith("val_")

    def on_train_begin(self, logs: Logs) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        value = self._value(logs)
        if self._is_better(value):
            self.best, self.best_epoch, self._wait = value, epoch, 0
            if self.restore_best_weights:
                self._weights = self.network._arena()
            return
        self._wait += 1
        if self._wait >= self.patience:
            self.stopped_epoch = epoch
            self.network.stop_training = True

    def on_train_end(self, logs: Logs) -> None:
        if self._weights is not None:
            self.network._set_arena(self._weights)
            self._weights = None


class Checkpoint(_Monitor):
    """Saves the network as the fit goes.

    Parameters
    ----------
    path : path
        ``{epoch}`` and the names of the logs may stand in it: ``"model-{epoch:03d}-{val_loss:.3f}.cnn"``.
    monitor : str, optional
        Save only when this figure has become better; by default always.
    every : int, default 1
        Epochs between saves.
    training_state : bool, default True
        Save the optimizer too, so that ``fit(..., resume=path)`` goes on bit for bit.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str | None = None,
        every: int = 1,
        training_state: bool = True,
        *,
        mode: str = "auto",
    ) -> None:
        self._watch(monitor or "", mode, 0.0)
        self.path = os.fspath(path)
        self.every = whole("every", every)
        self.training_state = bool(training_state)
        self._count = 0

    def _needs_validation(self) -> bool:
        return self.monitor.startswith("val_")

    def on_train_begin(self, logs: Logs) -> None:
        folder = Path(self.path).parent
        if not folder.is_dir():
            raise FileNotFoundError(f"Checkpoint: the folder {str(folder)!r} does not exist")
        self._count = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.monitor:
            value = self._value(logs)
            if not self._is_better(value):
                return
            self.best = value
        self._count += 1
        if self._count % self.every == 0:
            self.network.save(self.path.format(epoch=epoch, **logs), training_state=self.training_state)


class CSVLogger(Callback):
    """Writes the logs of each epoch as a line of a CSV file.

    Parameters
    ----------
    path : path
    append : bool, default False
        Go on at the end of an existing file.
    """

    def __init__(self, path: str | os.PathLike[str], append: bool = False) -> None:
        self.path = os.fspath(path)
        self.append = bool(append)
        self._file: TextIO | None = None
        self._names: list[str] | None = None

    def on_train_begin(self, logs: Logs) -> None:
        old = self.append and os.path.exists(self.path) and os.path.getsize(self.path) > 0
        if old:
            with open(self.path, encoding="utf-8") as file:
                self._names = file.readline().rstrip("\n").split(",")[1:]
        else:
            self._names = None
        self._file = open(self.path, "a" if old else "w", encoding="utf-8")  # noqa: SIM115 closed at the end

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        assert self._file is not None
        if self._names is None:
            self._names = list(logs)
            self._file.write(",".join(["epoch", *self._names]) + "\n")
        self._file.write(",".join([str(epoch), *(repr(logs[n]) if n in logs else "" for n in self._names)]) + "\n")
        self._file.flush()

    def on_train_end(self, logs: Logs) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class ReduceLROnPlateau(_Monitor):
    """Multiplies the learning rate by `factor` when a figure has not become better for `patience` epochs (torch, Keras)."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 1e-4,
        cooldown: int = 0,
        lowest: float = 0.0,
        mode: str = "auto",
    ) -> None:
        self._watch(monitor, mode, min_delta)
        self.factor = number("factor", factor, 0, 1, above=True)
        self.patience = whole("patience", patience, 0)
        self.cooldown = whole("cooldown", cooldown, 0)
        self.lowest = number("lowest", lowest, 0)
        self._wait = self._cool = 0

    def _needs_validation(self) -> bool:
        return self.monitor.startswith("val_")

    def on_train_begin(self, logs: Logs) -> None:
        self.best, self._wait, self._cool = None, 0, 0
        optimizer = self.network.optimizer
        if optimizer is not None and callable(optimizer.lr):
            raise ValueError(f"ReduceLROnPlateau needs a plain learning rate, and the optimizer's is {optimizer.lr!r}")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        value = self._value(logs)
        if self._cool:
            self._cool -= 1
            self._wait = 0
        if self._is_better(value):
            self.best, self._wait = value, 0
        elif not self._cool:
            self._wait += 1
            optimizer = self.network.optimizer
            if self._wait >= self.patience and optimizer is not None and optimizer.lr > self.lowest:
                optimizer.lr = max(optimizer.lr * self.factor, self.lowest)
                self._wait, self._cool = 0, self.cooldown


def __getattr__(name: str) -> Any:
    if name == "Progress":
        from .progress import Progress

        return Progress
    raise AttributeError(missing(name, [*__all__, "Progress"], "cnn.callbacks"), name=name)
