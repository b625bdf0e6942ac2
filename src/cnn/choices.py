"""What is chosen: loss, optimizer, metrics; and the trainers that they ask for."""

from collections.abc import Sequence
from typing import Any

from . import _core, losses
from . import metrics as metrics_module
from . import optimizers as optimizers_module
from .arrays import by_output
from .base import NetworkBase
from .names import shown
from .optimizers import Adam


class MetricPlan:
    """Metrics as the engine takes them, and their names in the order of its records."""

    def __init__(self, by_output_list: Sequence[Sequence[Any]], outputs: Sequence[str]) -> None:
        self.specs: list[tuple[str, float, int]] = []
        self.functions: list[Any] = []
        function_names: list[str] = []
        self.names: list[str] = []
        for k, metrics in enumerate(by_output_list):
            for metric in metrics:
                name = metrics_module.name_of(metric)
                name = f"{outputs[k]}_{name}" if len(outputs) > 1 else name
                spec = metrics_module.spec(metric, k)
                if spec is not None:
                    self.specs.append(spec)
                    self.names.append(name)
                elif k:
                    raise ValueError(
                        f"the metric {name} is a function, and functions see the first output only, {outputs[0]!r}"
                    )
                else:
                    self.functions.append(metrics_module.Own(metric))
                    function_names.append(name)
        self.names += function_names


class Choices(NetworkBase):
    """The last choice, and how it changes."""

    # ---- Choices: loss, optimizer, metrics

    def _checked(self, name: str, value: Any) -> Any:
        if name == "classes":
            return _class_list(value, self._ends[3])
        if name == "loss":
            chosen = self._resolve_losses(value)
            return chosen[0] if len(chosen) == 1 else chosen
        by_output_list = self._resolve_metrics(value)
        MetricPlan(by_output_list, self._ends[2])
        return self._by_output(by_output_list)

    def _choices(self) -> tuple[Any, ...]:
        return (
            self.loss, self.metrics, self.history, self._optimizer, self._optimizer_epoch, self._trainer, self._trainer_key, self._pending
        )  # fmt: skip

    def _restore(self, choices: tuple[Any, ...]) -> None:
        (
            self.loss, self.metrics, self.history, self._optimizer, self._optimizer_epoch, self._trainer, self._trainer_key, self._pending
        ) = choices  # fmt: skip

    def _choose(self, optimizer: Any, loss: Any, metrics: Any, keep_state: bool = False) -> MetricPlan:
        """Takes what was given as the current choice; None keeps it."""
        chosen = self._resolve_losses(loss)
        by_output_list = self._resolve_metrics(metrics)
        plan = MetricPlan(by_output_list, self._ends[2])
        made = None if optimizer is None else optimizers_module.resolve(optimizer)
        if made is None and self._optimizer is None:
            made = Adam(1e-3)
        if made is not None and made is not self._optimizer:
            if keep_state and self._optimizer is not None and made.kind == self._optimizer.kind:
                self._optimizer = made
            else:
                self._start_optimizer(made)
        if loss is not None:
            self.loss = chosen[0] if len(chosen) == 1 else chosen
        if metrics is not None:
            self.metrics = self._by_output(by_output_list)
        return plan

    def _by_output(self, values: list[Any]) -> Any:
        return values[0] if len(values) == 1 else values

    def _resolve_losses(self, loss: Any) -> list[losses.LossLike]:
        """One an output."""
        names = self._ends[2]
        if loss is None:
            loss = self.loss
        if isinstance(loss, dict) or (isinstance(loss, list | tuple) and (len(names) > 1 or len(loss) != 1)):
            return [losses.resolve(one) for one in by_output(loss, names, "loss")]
        if isinstance(loss, list | tuple):
            loss = loss[0]
        return [losses.resolve(loss)] * len(names)

    def _resolve_metrics(self, metrics: Any) -> list[list[Any]]:
        """A list for each output."""
        names = self._ends[2]
        if metrics is None:
            metrics = self.metrics
        if metrics is None:
            return [[] for _ in names]
        if len(names) == 1 and not isinstance(metrics, dict):
            return [[metrics_module.resolve(m) for m in listed(metrics)]]
        if isinstance(metrics, dict):
            metrics = {**dict.fromkeys(names), **metrics}
        elif isinstance(metrics, str) or callable(metrics):
            metrics = [metrics] * len(names)
        return [[metrics_module.resolve(m) for m in listed(one)] for one in by_output(metrics, names, "metrics")]

    def _loss_names(self) -> list[str]:
        """Of each output the loss that would be taken now."""
        chosen = self._resolve_losses(None)
        trainer = self._ready_evaluator(1, chosen)
        self._spare_evaluator(trainer, chosen)
        return trainer.losses

    # ---- Trainers: made when something they depend on has changed, else kept

    def _ready_trainer(self, rows: int) -> _core.Trainer:
        """The network's trainer for batches of up to `rows`, with the optimizer's state as it is."""
        optimizer = self._optimizer
        assert optimizer is not None
        specs = [losses.spec(loss) for loss in self._resolve_losses(None)]
        options = optimizer._options()
        key = (specs, self._input_gradients)
        trainer = self._trainer
        fresh = trainer is None or self._trainer_key != (key, options)
        if trainer is None or self._trainer_key[0] != key or trainer.max_batch < rows:
            state = self._pending if trainer is None else trainer.state()
            room = max(rows, trainer.max_batch if trainer is not None and trainer.max_batch <= 4 * rows else 0)
            trainer = _core.Trainer(
                self, specs, optimizer.kind, {"lr": optimizer.rate, **options}, room, self._input_gradients
            )
            if state is not None:
                trainer.set_state(state)
        elif self._trainer_key[1] != options:
            trainer.set_optimizer(optimizer.kind, {"lr": optimizer.rate, **options})
        if not callable(optimizer.lr):
            trainer.lr = optimizer.lr
        if fresh or trainer is not self._trainer:
            self._trainer, self._trainer_key, self._pending = trainer, (key, options), None
        return trainer

    def _ready_evaluator(self, rows: int, chosen: list[losses.LossLike]) -> _core.Trainer:
        """A trainer that never steps: losses and gradients, in a callback of a fit too. It is the caller's own, as other threads may
        evaluate at the same time, until `_spare_evaluator` keeps it for the next."""
        specs = [losses.spec(loss) for loss in chosen]
        spare, self._evaluator = self._evaluator, None
        if spare is not None and spare[0] == specs and spare[1].max_batch >= rows:
            return spare[1]
        return _core.Trainer(self, specs, "sgd", {}, rows)

    def _spare_evaluator(self, trainer: _core.Trainer, chosen: list[losses.LossLike]) -> None:
        self._evaluator = [losses.spec(loss) for loss in chosen], trainer


def _class_list(classes: Any, shapes: Sequence[Any]) -> list[Any]:
    """The names of the classes, one for each that the outputs tell apart."""
    if isinstance(classes, str | bytes | dict | set) or not hasattr(classes, "__iter__"):
        raise TypeError(f"classes is {shown(classes)}; expected a list of names, as in net.classes = ['cat', 'dog']")
    names = classes.tolist() if hasattr(classes, "tolist") else list(classes)
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise ValueError(f"classes has {twice!r} twice")
    outputs = shapes[0][-1] if len(shapes) == 1 and shapes[0] else None
    wanted = 2 if outputs == 1 else outputs
    if wanted is not None and len(names) != wanted:
        tells = "one output, which tells two classes apart" if outputs == 1 else f"{outputs} outputs, one a class"
        raise ValueError(f"classes has {len(names)} names, and the network has {tells}")
    return names


def listed(values: Any) -> list[Any]:
    if values is None:
        return []
    return list(values) if isinstance(values, list | tuple) else [values]
