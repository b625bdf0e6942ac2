"""One fit at work: callbacks, progress and history around the engine's loop."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _core, schedules
from .callbacks import overrides
from .history import History

if TYPE_CHECKING:
    from .choices import MetricPlan
    from .training import Training


class Loop:
    """Runs the epochs. What nobody asked for costs nothing: a hook is given to the engine only where something listens.

    Parameters
    ----------
    network, trainer, plan
    history : History
        Goes on with what it holds.
    callbacks : list
    verbose : {"auto", 0, 1, 2}
    validated : bool
        Whether there are validation data.
    """

    def __init__(
        self,
        network: "Training",
        trainer: _core.Trainer,
        plan: "MetricPlan",
        history: History,
        callbacks: list[Any],
        verbose: Any,
        validated: bool,
    ) -> None:
        self.network, self.trainer, self.history = network, trainer, history
        self.names = ["loss", "penalty", "lr", *plan.names]
        if validated:
            self.names += ["val_loss", *(f"val_{name}" for name in plan.names)]
        self.plan = plan
        self.penalised = any(b["l1"] or b["l2"] for b in network._block_table)
        self.progress = _progress(verbose)
        self.callbacks = callbacks + ([self.progress] if self.progress is not None else [])
        for callback in self.callbacks:
            callback.network = network
            if not validated and getattr(callback, "_needs_validation", bool)():
                callback._value({})  # says what to pass
        self.logs: dict[str, float] = {}

    def run(
        self,
        data: Any,
        validation: Any,
        *,
        epochs: int,
        batch_rows: int,
        steps_per_epoch: int,
        shuffle: bool,
        on_nan: str,
        augment: Any = None,
    ) -> History:
        network, trainer = self.network, self.trainer
        first = network._epochs
        for callback in self.callbacks:
            if hasattr(callback, "_plan"):  # a Progress, ours or the user's
                callback._plan(epochs)
        network.stop_training = False
        before, network.history = network.history, self.history
        started = False
        try:
            self._tell("on_train_begin", {})
            self._push_rate()
            started = True
            trainer.fit(
                data,
                validation,
                epochs=epochs,
                batch_rows=batch_rows,
                steps_per_epoch=steps_per_epoch,
                first_epoch=first,
                shuffle=shuffle,
                on_nan=on_nan,
                metrics=self.plan.specs,
                functions=self.plan.functions,
                schedule=self._schedule(),
                augment=augment,
                **self._hooks(),
            )
        finally:
            if started:
                self._record(trainer.columns, first)
            if not self.history.epoch and before is not None and epochs:
                network.history = before
            self._tell("on_train_end", self.logs)
        return self.history

    # ---- Hooks

    def _listeners(self, name: str) -> list[Any]:
        return [getattr(c, name) for c in self.callbacks if overrides(c, name)]

    def _hooks(self) -> dict[str, Callable[..., Any]]:
        network = self.network
        hooks: dict[str, Callable[..., Any]] = {}

        def hook(
            name: str, logs: Callable[..., dict[str, float]], place: Callable[..., int]
        ) -> Callable[..., bool] | None:
            listeners = self._listeners(name)
            if not listeners:
                return None

            def call(*arguments: Any) -> bool:
                given = logs(*arguments)
                for listener in listeners:
                    listener(place(*arguments), given)
                self._push_rate()
                return bool(network.stop_training)

            return call

        found = {
            "epoch_begin": hook("on_epoch_begin", lambda epoch: {}, lambda epoch: int(epoch)),
            "epoch_end": hook("on_epoch_end", self._epoch_logs, lambda epoch, record: int(epoch)),
            "batch_begin": hook("on_train_batch_begin", lambda epoch, batch: {}, lambda epoch, batch: int(batch)),
            "batch_end": hook(
                "on_train_batch_end", lambda epoch, batch, loss: {"loss": loss}, lambda epoch, batch, loss: int(batch)
            ),
        }
        hooks = {name: call for name, call in found.items() if call is not None}
        if self.progress is not None:
            hooks["tick"] = self.progress._tick
            if self.progress.verbose == 1 and self._listeners("on_epoch_end") == [self.progress.on_epoch_end]:
                # A bar reads few of the records: what an epoch's end costs besides is for callbacks.
                self.progress._named = self._named
                hooks["epoch_end"] = self.progress._record
        return hooks

    def _tell(self, name: str, logs: dict[str, float]) -> None:
        """Every callback is told, also when one of them fails."""
        failure: BaseException | None = None
        for listener in self._listeners(name):
            try:
                listener(logs)
            except BaseException as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _named(self, record: list[float]) -> dict[str, float]:
        logs = dict(zip(self.names, record, strict=True))
        if not self.penalised:
            del logs["penalty"]
        return logs

    def _epoch_logs(self, epoch: int, record: list[float]) -> dict[str, float]:
        self.logs = self._named(record)
        self.history._append(int(epoch), self.logs)
        self.network._epochs = int(epoch) + 1
        return dict(self.logs)

    def _record(self, columns: list[list[float]], first: int) -> None:
        """What no epoch_end has written."""
        done = sum(epoch >= first for epoch in self.history.epoch)
        epochs = len(columns[0]) if columns else 0
        if done < epochs:
            self.logs = self._named([column[-1] for column in columns])
            fresh = {name: column[done:] for name, column in zip(self.names, columns, strict=True) if name in self.logs}
            self.history._extend(range(first + done, first + epochs), fresh)
        self.network._epochs = max(self.network._epochs, first + epochs)

    # ---- The learning rate

    def _push_rate(self) -> None:
        optimizer = self.network.optimizer
        if optimizer is not None and not callable(optimizer.lr) and self.trainer.lr != optimizer.lr:
            self.trainer.lr = optimizer.lr

    def _schedule(self) -> tuple[Any, ...] | None:
        """The optimizer's; its epochs count from when it began, and a callback may put a number in its place."""
        network = self.network
        optimizer = network.optimizer
        assert optimizer is not None
        spec = schedules.spec_of(optimizer.lr)
        if spec is None:
            return None
        begin = network._optimizer_epoch
        heard = any(
            overrides(c, h)
            for c in self.callbacks
            if c is not self.progress
            for h in ("on_epoch_begin", "on_epoch_end", "on_train_batch_end")
        )
        if not begin and not heard:
            return spec

        def rate(epoch: float) -> float:
            lr = optimizer.lr
            return float(lr(epoch - begin)) if callable(lr) else float(lr)

        return (rate, rate(float(network._epochs)))


def _progress(verbose: Any) -> Any:
    if (
        (isinstance(verbose, str) and verbose != "auto")
        or not isinstance(verbose, str | int)
        or verbose not in ("auto", 0, 1, 2)
    ):
        raise ValueError(f"verbose is {verbose!r}; expected 'auto', 0 (silent), 1 (a bar) or 2 (a line an epoch)")
    if verbose == 0:
        return None
    from .progress import Progress, automatic

    level = automatic() if verbose == "auto" else int(verbose)
    return Progress(level) if level else None
