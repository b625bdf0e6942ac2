"""Losses. A name (``loss="huber"``), an object with a constant (``Huber(0.5)``), or a function of one's own.

All are means over the batch and over the outputs, but `quadratic`: half the sum over outputs, mean over the batch (Nielsen's and
Mazur's cost). A function ``f(y_true, y_pred) -> (losses (n,), gradients like y_pred)`` gives each sample's own loss and its gradient
by the prediction; weighing and averaging are done by the engine.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .checks import number
from .names import Spelled, foreign, lookup, shown, swapped, theirs

__all__ = ["CrossEntropy", "Huber", "Loss", "Quantile"]


class Loss(Spelled):
    """A loss with a constant."""

    kind = ""
    _constant = 0.0

    def _to_json(self) -> dict[str, Any]:
        return {"name": self.kind, "constant": self._constant}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items() if k[0] != '_')})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.kind, self._constant))


class Huber(Loss):
    """``e^2 / 2`` for ``|e| <= delta``, else ``delta (|e| - delta / 2)`` (torch.nn.HuberLoss)."""

    kind = "huber"

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = self._constant = number("delta", delta, 0, above=True)


class Quantile(Loss):
    """Pinball loss: ``q (y - p)`` where y > p, ``(1 - q) (p - y)`` where y < p; its best prediction is the q-quantile."""

    kind = "quantile"

    def __init__(self, q: float = 0.5) -> None:
        self.q = self._constant = number("q", q, 0, 1, above=True)


class CrossEntropy(Loss):
    """``-sum t log softmax(z)``, t smoothed to ``(1 - s) t + s / k`` (torch.nn.CrossEntropyLoss)."""

    kind = "cross_entropy"

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = self._constant = number("label_smoothing", label_smoothing, 0, 1)


WITH_CONSTANT: dict[str, Callable[[float], Loss]] = {
    "huber": Huber,
    "quantile": Quantile,
    "cross_entropy": CrossEntropy,
}
LossLike = str | Loss | Callable[..., Any] | None


def resolve(loss: Any) -> LossLike:
    """Our name, a `Loss`, or the function; None stays None.

    Raises
    ------
    ValueError, TypeError
        For an unknown name, a class, or an object of another library.
    """
    if loss is None or isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        return lookup("loss", loss, _core.LOSSES)
    if isinstance(loss, type) and issubclass(loss, Loss):
        raise TypeError(f"loss is the class {loss.__name__}; write losses.{loss.__name__}()")
    other = foreign(loss)
    if other is not None:
        raise TypeError(f"loss is {shown(loss)}; {theirs('loss', other, _core.LOSSES)}")
    if isinstance(loss, type):
        raise TypeError(f"loss is the class {loss.__name__}; expected a name such as 'cross_entropy', or a function")
    if callable(loss):
        if swapped(loss):
            raise ValueError(
                f"loss is {shown(loss)}, which takes {', '.join(loss.__code__.co_varnames[:2])}; it is called as f(y_true, y_pred):"
                " change their order"
            )
        return loss
    raise TypeError(
        f"loss is {shown(loss)}; expected a name, an object of cnn.losses, or f(y_true, y_pred) -> (losses, gradients)"
    )


def spec(loss: LossLike) -> tuple[Any, ...] | None:
    """What the engine takes: (name or function, constant, weight)."""
    if loss is None:
        return None
    if isinstance(loss, Loss):
        return (loss.kind, loss._constant, 1.0)
    return (loss if isinstance(loss, str) else Own(loss), 0.0, 1.0)


class Own:
    """A loss of one's own, whose results are looked at before the engine takes them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own) and self.function == other.function

    def __hash__(self) -> int:
        return hash(self.function)

    def __call__(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        result = self.function(y_true, y_pred)
        name, n = shown(self.function), len(y_pred)
        wanted = f"expected (losses ({n},), gradients {y_pred.shape})"
        if not isinstance(result, tuple) or len(result) != 2:
            what = f"a tuple of {len(result)}" if isinstance(result, tuple) else returned(result)
            hint = ""
            if not isinstance(result, tuple):
                hint = ": a loss gives the gradient by y_pred, too"
                hint += ", and a number for each sample, not their mean" if np.ndim(result) == 0 else ""
            raise TypeError(f"loss={name} returned {what}; {wanted}{hint}")
        for label, value, shape in zip(("losses", "gradients"), result, ((n,), y_pred.shape), strict=True):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub":
                raise TypeError(f"loss={name} returned {returned(value)} for the {label}; {wanted}")
            if array.shape != shape:
                mean = label == "losses" and array.size == 1
                hint = ": a number for each sample, not their mean" if mean else ""
                if label == "losses" and array.shape == y_pred.shape and array.ndim > 1:
                    hint = ": the mean or the sum over each sample's outputs, as in losses.mean(axis=1)"
                raise ValueError(f"loss={name} returned {label} of the shape {array.shape}; {wanted}{hint}")
        return result


def returned(value: Any) -> str:
    """What came back from a function of the user's."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"an array of the shape {shape}"
    return "None (is there a return?)" if value is None else f"{shown(value, 40)}, of the type {type(value).__name__}"


def to_json(loss: Any) -> Any:
    """A function of one's own is not saved."""
    if isinstance(loss, Loss):
        return loss._to_json()
    if isinstance(loss, list):
        return [to_json(one) for one in loss]
    return loss if isinstance(loss, str) else None


def from_json(data: Any) -> Any:
    if isinstance(data, list):
        return [from_json(one) for one in data]
    if isinstance(data, dict):
        return WITH_CONSTANT[data["name"]](data["constant"])
    return data


if not TYPE_CHECKING:  # a type checker would take any name for one of the module

    def __getattr__(name: str) -> Any:
        from .names import missing

        raise AttributeError(missing(name, __all__, "cnn.losses"), name=name)
