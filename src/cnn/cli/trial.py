"""One network, trained with given settings."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import metrics, optimizers
from ..callbacks import EarlyStopping
from ..layers import Dense, Dropout, Layer
from ..network import Network
from ..schedules import OneCycle
from .console import Console, Failed, Usage
from .images import augment_of, convolutional
from .progress import fit_options
from .verdict import lost

if TYPE_CHECKING:
    import argparse

    from ..history import History

__all__ = ["Problem", "Settings", "Trained", "called_of", "settings_of", "train"]

CLASS_LOSSES = ("cross_entropy", "binary_cross_entropy")
NUMBER_LOSSES = ("mse", "mae", "huber", "quantile", "poisson")
_ADAPTIVE = ("adam", "adamw", "rmsprop")


@dataclass(frozen=True)
class Settings:
    """What can be chosen; `cnn train --search` varies the first six."""

    hidden: tuple[int, ...]
    activation: str
    dropout: float
    l2: float
    lr: float | None
    batch_size: int
    optimizer: str
    loss: str
    epochs: int
    patience: int
    dtype: str
    seed: int
    network: str = "dense"
    augment: str = ""
    schedule: str = ""

    def told(self) -> dict[str, Any]:
        found = {**asdict(self), "hidden": list(self.hidden)}
        if self.network == "dense":
            del found["network"]
        else:
            del found["hidden"]
        for name in ("augment", "schedule"):
            if not found[name]:
                del found[name]
        return found


@dataclass
class Problem:
    """The rows to train on and those held out.

    Attributes
    ----------
    X, y, held_X, held_y : ndarray
        As `Source` has them; the last two None when nothing is held out.
    front : callable
        Gives the first layers.
    task, classes, class_weight
    """

    X: np.ndarray
    y: np.ndarray
    held_X: np.ndarray | None
    held_y: np.ndarray | None
    front: Callable[[], list[Layer]]
    task: str
    classes: list[Any] | None
    class_weight: Any = None


@dataclass
class Trained:
    """What came out.

    Attributes
    ----------
    network : Network
        With the weights of its best epoch; a regression's speaks in the target's own units.
    figures : dict of str to float
        On the rows held out, or on those it was trained on where there are none.
    best, epochs : int
        The best epoch (from 1), and how many there were.
    stopped : {"early", "interrupted", None}
    seconds : float
    score : float
        The loss by which it was judged.
    """

    network: Network
    figures: dict[str, float]
    best: int
    epochs: int
    stopped: str | None
    seconds: float
    score: float


def settings_of(options: "argparse.Namespace", task: str, classes: int, rows: int, *, images: bool = False) -> Settings:
    """What was asked for, and for the rest what suits so many rows, of `images` for a convolutional network."""
    loss = options.loss or ("cross_entropy" if task == "classification" else "mse")
    fit = CLASS_LOSSES if task == "classification" else NUMBER_LOSSES
    if loss not in fit:
        raise Usage(f"--loss: {loss} is not for {task}; choose {', '.join(fit)}")
    if loss == "binary_cross_entropy" and classes != 2:
        raise Usage(f"--loss: binary_cross_entropy is for two classes, and there are {classes}; leave --loss out")
    if options.optimizer == "lbfgs" and options.batch_size is not None:
        raise Usage("--batch-size: lbfgs takes all rows in each step; leave it out")
    lr = options.lr
    if lr is None and options.optimizer in _ADAPTIVE:
        lr = 3e-3 if rows < 10_000 else 1e-3
    batch = 16 if rows < 500 else 32 if rows < 5000 else 64 if rows < 20_000 else 256
    epochs, patience, dropout, penalty = 200, 20, 0.0, 0.02
    if images:
        batch, lr = min(batch, 64), 3e-3 if options.lr is None and options.optimizer in _ADAPTIVE else lr
        dropout, penalty = 0.2, 1e-3
        # A rate that falls to nothing at a known epoch: not to be stopped before.
        epochs = patience = options.epochs or (10 if rows >= 20_000 else 20)
    if options.augment is not None:
        try:
            augment_of(options.augment)
        except (ValueError, TypeError) as error:
            raise Usage(f"--augment: {error}") from None
    return Settings(
        hidden=() if images else (64, 32) if options.hidden is None else options.hidden,
        activation=options.activation or "relu",
        dropout=dropout if options.dropout is None else options.dropout,
        l2=float(f"{min(penalty, 10 / rows):.2g}") if options.l2 is None else options.l2,
        lr=lr,
        batch_size=min(options.batch_size or batch, rows),
        optimizer=options.optimizer,
        loss=loss,
        epochs=options.epochs or epochs,
        patience=options.patience or patience,
        dtype=options.dtype,
        seed=options.seed,
        network="convolutional" if images else "dense",
        augment=options.augment or "",
        schedule="one_cycle" if images and lr is not None else "",
    )


def train(problem: Problem, settings: Settings, console: Console, *, show: bool = True) -> Trained:
    """Train one network.

    Raises
    ------
    KeyboardInterrupt
        When it was interrupted before an epoch was done.
    Failed
        When the loss became NaN.
    """
    scale = _Scale(problem, settings)
    net = _build(problem, settings)
    validation = None if problem.held_X is None else (problem.held_X, scale.scaled(problem.held_y))
    monitor = "loss" if validation is None else "val_loss"
    best = EarlyStopping(monitor, patience=settings.patience, restore_best_weights=True)
    optimizer = optimizers.resolve(settings.optimizer)
    rate = optimizer.rate if settings.lr is None else settings.lr
    optimizer.lr = OneCycle(rate, settings.epochs) if settings.schedule else rate
    more: dict[str, Any] = {} if settings.optimizer == "lbfgs" else {"batch_size": settings.batch_size}
    if show:
        more |= fit_options(console, settings.epochs, [best])
    else:
        more |= {"epochs": settings.epochs, "verbose": 0, "callbacks": [best]}
    stopped: str | None = None
    start = time.perf_counter()
    try:
        net.fit(
            problem.X,
            scale.scaled(problem.y),
            optimizer=optimizer,
            loss=settings.loss,
            metrics=["accuracy"] if problem.task == "classification" else ["mae", "r2"],
            validation_data=validation,
            class_weight=problem.class_weight,
            augment=augment_of(settings.augment),
            **more,
        )
    except KeyboardInterrupt:
        if net.history is None or best.best_epoch is None:
            raise
        stopped = "interrupted"
        _forget_unjudged(net.history, monitor, best)
    except FloatingPointError as error:
        raise Failed(f"{error}; try a smaller --lr than {rate:g}") from None
    seconds = time.perf_counter() - start
    optimizer.lr = rate  # whoever goes on with this network is not at the end of a schedule
    assert net.history is not None
    if best.best_epoch is None:
        raise Failed(
            f"the {monitor.replace('val_', 'validation ')} was never a number; try a smaller --lr than {rate:g}"
        )
    if stopped is None and best.stopped_epoch is not None:
        stopped = "early"
    scale.fold_into(net)
    X, y = (problem.X, problem.y) if problem.held_X is None else (problem.held_X, problem.held_y)
    found = figures(net, X, y, problem.task)
    if (sentence := lost(problem, found)) is not None:
        raise Failed(f"{sentence}; try a smaller --lr than {rate:g}")
    assert best.best is not None
    return Trained(net, found, best.best_epoch + 1, len(net.history), stopped, seconds, float(best.best))


def _forget_unjudged(history: "History", monitor: str, best: EarlyStopping) -> None:
    """An interrupt may fall between the record of an epoch and its judgement: its weights were not kept."""
    assert best.best is not None
    if history.history[monitor][-1] < best.best:
        history.epoch.pop()
        for column in history.history.values():
            column.pop()


def figures(net: Network, X: np.ndarray, y: Any, task: str) -> dict[str, float]:
    """How well it does: loss, accuracy and f1; or loss, mae, rmse and r2."""
    found = {"loss": net.evaluate(X, y, metrics=[])["loss"]}
    p = net.predict(X)
    if task == "classification":
        return found | {"accuracy": metrics.accuracy(y, p), "f1": metrics.f1(y, p)}
    return found | {"mae": metrics.mae(y, p), "rmse": metrics.mse(y, p) ** 0.5, "r2": metrics.r2(y, p)}


def called_of(said: np.ndarray) -> np.ndarray:
    """Which class each row of probabilities is, as a place in the list of classes."""
    return np.asarray(said.argmax(axis=1) if said.shape[1] > 1 else (said[:, 0] > 0.5).astype(np.int64))


def _build(problem: Problem, s: Settings) -> Network:
    layers: list[Layer] = list(problem.front())
    if s.network == "convolutional":
        layers += convolutional(
            problem.X.shape[1:], len(problem.X), activation=s.activation, dropout=s.dropout, l2=s.l2
        )
    for size in s.hidden:
        layers.append(Dense(size, activation=s.activation, l2=s.l2))
        if s.dropout:
            layers.append(Dropout(s.dropout))
    if problem.task == "classification":
        assert problem.classes is not None
        binary = s.loss == "binary_cross_entropy"
        layers.append(
            Dense(1 if binary else len(problem.classes), activation="sigmoid" if binary else "softmax", l2=s.l2)
        )
    else:
        width = problem.y.shape[1] if problem.y.ndim == 2 else 1
        layers.append(Dense(width, activation="softplus" if s.loss == "poisson" else "linear", l2=s.l2))
    net = Network(layers, dtype=s.dtype, seed=s.seed)
    net.classes = problem.classes
    return net


class _Scale:
    """Targets of a regression have mean 0 and spread 1 while it is trained; after it the last layer gives their own units."""

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.active = problem.task == "regression" and settings.loss != "poisson"
        if self.active:
            std = problem.y.std(axis=0)
            self.mean, self.std = problem.y.mean(axis=0), np.where(std > 0, std, 1.0)

    def scaled(self, y: Any) -> Any:
        return (y - self.mean) / self.std if self.active else y

    def fold_into(self, net: Network) -> None:
        if self.active:
            last = net.layers[-1]
            last.weight[...] = np.asarray(last.weight, np.float64) * np.reshape(self.std, (-1, 1))
            last.bias[...] = np.asarray(last.bias, np.float64) * self.std + self.mean


def varied(settings: Settings, **changes: Any) -> Settings:
    return replace(settings, **changes)
