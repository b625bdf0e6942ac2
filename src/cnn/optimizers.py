"""Optimizers: PyTorch's definitions and defaults.

`lr` is a number or a schedule (`cnn.schedules`, or any ``f(epoch) -> lr``), and may be set while a fit runs.
`clip_norm` limits the Euclidean norm of the gradients of all parameters together, `clip_value` each element.
"""

from typing import TYPE_CHECKING, Any

from . import _core, schedules
from .checks import number, whole
from .names import Spelled, keyword_sentence, lookup

__all__ = ["LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "Rprop"]


class Optimizer(Spelled):
    """What all optimizers have. Not made itself."""

    kind = ""
    lr: Any
    clip_norm: float | None
    clip_value: float | None

    def _common(self, lr: Any, clip_norm: float | None, clip_value: float | None) -> None:
        self.lr = lr
        self.clip_norm = None if clip_norm is None else number("clip_norm", clip_norm, 0, above=True)
        self.clip_value = None if clip_value is None else number("clip_value", clip_value, 0, above=True)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "lr" and (isinstance(value, dict | list | tuple) or hasattr(value, "__next__")):
            kind = "dict" if isinstance(value, dict) else type(value).__name__
            raise TypeError(
                f"lr is a {kind}; it must be a number or a schedule: parameters are not passed, and the optimizer goes to fit,"
                " as in net.fit(X, y, optimizer=cnn.Adam(lr=0.001))"
            )
        if name == "lr":
            if not callable(value):
                value = number("lr", value, 0)
        elif name[0] != "_" and type(self).__module__.partition(".")[0] == "cnn":
            made = getattr(type(self).__init__, "__wrapped__", type(self).__init__).__code__
            names = made.co_varnames[1 : made.co_argcount + made.co_kwonlyargcount]
            if name not in (*names, "clip_norm", "clip_value"):
                sentence = keyword_sentence(type(self).__name__, name, names).replace("has no argument", "has no", 1)
                raise AttributeError(sentence, name=name)
        object.__setattr__(self, name, value)

    @property
    def rate(self) -> float:
        """The learning rate as a number: of a schedule, that of epoch 0."""
        return float(self.lr(0.0)) if callable(self.lr) else self.lr

    def _options(self) -> dict[str, float]:
        """What the engine takes, but lr."""
        out: dict[str, float] = {}
        for name, value in vars(self).items():
            if name in ("lr", "clip_norm", "clip_value"):
                continue
            if name == "betas":
                out["beta1"], out["beta2"] = value
            else:
                out[_ENGINE_NAMES.get(name, name)] = float(value)
        out["clip_norm"] = self.clip_norm or 0.0
        out["clip_value"] = self.clip_value or 0.0
        return out

    def _to_json(self) -> dict[str, Any]:
        return {"name": self.kind, **vars(self), "lr": schedules.to_json(self.lr)}

    def __repr__(self) -> str:
        shown = {k: v for k, v in vars(self).items() if v is not None}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


_ENGINE_NAMES = {"lr_decay": "alpha", "initial_accumulator_value": "initial"}


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (torch.optim.SGD)."""

    kind = "sgd"

    def __init__(
        self,
        lr: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        self._common(lr, clip_norm, clip_value)
        self.momentum = number("momentum", momentum, 0)
        self.nesterov = bool(nesterov)
        self.weight_decay = number("weight_decay", weight_decay, 0)
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov=True needs a momentum above 0")


class RMSprop(Optimizer):
    """torch.optim.RMSprop (Tieleman & Hinton 2012; centered: Graves 2013)."""

    kind = "rmsprop"

    def __init__(
        self,
        lr: Any = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        self._common(lr, clip_norm, clip_value)
        self.alpha = number("alpha", alpha, 0, 1)
        self.eps = number("eps", eps, 0, above=True)
        self.weight_decay = number("weight_decay", weight_decay, 0)
        self.momentum = number("momentum", momentum, 0)
        self.centered = bool(centered)


class Adagrad(Optimizer):
    """torch.optim.Adagrad (Duchi, Hazan & Singer 2011)."""

    kind = "adagrad"

    def __init__(
        self,
        lr: Any = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        self._common(lr, clip_norm, clip_value)
        self.lr_decay = number("lr_decay", lr_decay, 0)
        self.weight_decay = number("weight_decay", weight_decay, 0)
        self.initial_accumulator_value = number("initial_accumulator_value", initial_accumulator_value, 0)
        self.eps = number("eps", eps, 0, above=True)


class Adam(Optimizer):
    """torch.optim.Adam (Kingma & Ba 2015)."""

    kind = "adam"

    def __init__(
        self,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        self._common(lr, clip_norm, clip_value)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"betas is {betas!r}; it must be two numbers, as in (0.9, 0.999)")
        self.betas = (number("betas[0]", betas[0], 0, 1), number("betas[1]", betas[1], 0, 1))
        self.eps = number("eps", eps, 0, above=True)
        self.weight_decay = number("weight_decay", weight_decay, 0)


class AdamW(Adam):
    """torch.optim.AdamW: Adam with the weight decay apart from the gradient (Loshchilov & Hutter 2019)."""

    kind = "adamw"

    def __init__(
        self,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay, clip_norm=clip_norm, clip_value=clip_value)


class Rprop(Optimizer):
    """torch.optim.Rprop, for whole-batch training (Riedmiller & Braun 1993)."""

    kind = "rprop"

    def __init__(
        self,
        lr: Any = 0.01,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        self._common(lr, clip_norm, clip_value)
        for name, pair, hint in (("etas", etas, "(0.5, 1.2)"), ("step_sizes", step_sizes, "(1e-6, 50.0)")):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise TypeError(f"{name} is {pair!r}; it must be two numbers, as in {hint}")
        self.etas = (number("etas[0]", etas[0], 0, 1, above=True), number("etas[1]", etas[1], 1, above=True))
        least = number("step_sizes[0]", step_sizes[0], 0, above=True)
        self.step_sizes = (least, number("step_sizes[1]", step_sizes[1], least))

    def _options(self) -> dict[str, float]:
        (eta_minus, eta_plus), (step_min, step_max) = self.etas, self.step_sizes
        clip = {"clip_norm": self.clip_norm or 0.0, "clip_value": self.clip_value or 0.0}
        return {"eta_minus": eta_minus, "eta_plus": eta_plus, "step_min": step_min, "step_max": step_max, **clip}


class LBFGS(Optimizer):
    """torch.optim.LBFGS: each step takes the whole training set (Nocedal & Wright, 7.2).

    Parameters
    ----------
    line_search_fn : {None, "strong_wolfe"}, default None
        None takes steps of length `lr`, as PyTorch's default does; "strong_wolfe" searches along each direction and rarely fails.
    """

    kind = "lbfgs"

    def __init__(
        self,
        lr: Any = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        self._common(lr, None, None)
        self.max_iter = whole("max_iter", max_iter)
        self.max_eval = None if max_eval is None else whole("max_eval", max_eval)
        self.tolerance_grad = number("tolerance_grad", tolerance_grad, 0)
        self.tolerance_change = number("tolerance_change", tolerance_change, 0)
        self.history_size = whole("history_size", history_size)
        if line_search_fn not in (None, "strong_wolfe"):
            raise ValueError(f'line_search_fn is {line_search_fn!r}; it must be None or "strong_wolfe"')
        self.line_search_fn = line_search_fn

    def _options(self) -> dict[str, float]:
        return {
            "max_iter": float(self.max_iter),
            "max_eval": float(self.max_eval or 0),
            "tolerance_grad": self.tolerance_grad,
            "tolerance_change": self.tolerance_change,
            "history": float(self.history_size),
            "strong_wolfe": 1.0 if self.line_search_fn else 0.0,
        }


CLASSES: dict[str, type[Optimizer]] = {c.kind: c for c in (SGD, RMSprop, Adagrad, Adam, AdamW, Rprop, LBFGS)}
assert set(CLASSES) == set(_core.OPTIMIZERS), "an optimizer of cnn.h has no class here"


def resolve(optimizer: Any) -> Optimizer:
    """An `Optimizer` from a name or an object.

    Raises
    ------
    ValueError, TypeError
        For an unknown name, a class, or an object of another library.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        raise TypeError(f"optimizer is the class {optimizer.__name__}; write optimizer=cnn.{optimizer.__name__}()")
    if not isinstance(optimizer, str):
        kind = optimizer if isinstance(optimizer, type) else type(optimizer)
        place = "" if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}."
        near = next((c.__name__ for c in CLASSES.values() if c.__name__.lower() == kind.__name__.lower()), "Adam")
        raise TypeError(
            f"optimizer is {'the class' if kind is optimizer else 'of the type'} {place}{kind.__name__}; expected a name or an object"
            f" of cnn.optimizers, as in cnn.{near}(lr=0.001)"
        )
    return CLASSES[lookup("optimizer", optimizer, CLASSES)]()


def from_json(data: dict[str, Any]) -> Optimizer:
    """Made as a user makes it, so that what a file says is checked."""
    kind = CLASSES[data["name"]]
    given = {name: value for name, value in data.items() if name != "name" and value is not None}
    return kind(**{**given, "lr": schedules.from_json(data["lr"])})


if not TYPE_CHECKING:  # a type checker would take any name for one of the module

    def __getattr__(name: str) -> Any:
        from .names import missing

        raise AttributeError(missing(name, __all__, "cnn.optimizers"), name=name)
