"""Activations, and what all layers with a weight and a bias have."""

from typing import Any, ClassVar

from . import _core
from .attributes import Settings
from .checks import number
from .layer import Layer
from .names import lookup

ACTIVATION_ALIASES = {"swish": "silu", "logistic": "sigmoid", "identity": "linear"}
# PyTorch's names of an activation's constants, in the order of the engine's alpha and beta.
_ACTIVATION_CONSTANTS = {"leaky_relu": ("negative_slope",), "elu": ("alpha",), "softplus": ("beta", "threshold")}
_CODE_NAMES = {
    "activation": {code: name for name, code in _core.ACTIVATIONS.items()},
    "init": {code: name for name, code in _core.INITS.items()},
}


def activation_name(activation: Any, what: str = "activation") -> str:
    """Our name of an activation; None is linear."""
    return "linear" if activation is None else lookup(what, activation, _core.ACTIVATIONS, ACTIVATION_ALIASES)


def init_name(init: Any, what: str = "init") -> str | None:
    """Our name of an initializer; None stays None, which suits the activation."""
    return None if init is None else lookup(what, init, [n for n in _core.INITS if n != "default"])


class Activation(Layer):
    """``y = f(x)``: linear sigmoid tanh relu leaky_relu elu selu gelu gelu_tanh silu softplus softmax hard_sigmoid hard_swish.

    PyTorch's definitions. Softmax is over features: the last axis, axis 1 for images.

    Parameters
    ----------
    activation : str
        Which; `swish`, `logistic`, `identity` are other words for silu, sigmoid, linear.
    **constants : float
        By PyTorch's names: `negative_slope` of leaky_relu (0.01), `alpha` of elu (1), `beta` (1) and `threshold` (20) of softplus.
    """

    op = "activation"
    _settings: ClassVar[Settings] = {"activation": activation_name, "constants": None}

    def __init__(self, activation: str, *, name: str | None = None, trainable: bool = True, **constants: float) -> None:
        self.activation = activation
        self.constants = constants
        self.constants = self._checked_constants()
        self._common(name, trainable)

    def _checked_constants(self) -> dict[str, float]:
        known = _ACTIVATION_CONSTANTS.get(self.activation, ())
        for constant in self.constants:
            if constant not in known:
                raise TypeError(f"{self.activation} has no constant {constant}; it has {', '.join(known) or 'none'}")
        return {constant: number(constant, value) for constant, value in self.constants.items()}

    def _attributes(self) -> dict[str, Any]:
        engine = dict(zip(_ACTIVATION_CONSTANTS.get(self.activation, ()), ("alpha", "beta"), strict=False))
        constants = {engine[name]: value for name, value in self._checked_constants().items()}
        return {"activation": _core.ACTIVATIONS[self.activation], **constants}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Activation":
        kind = _CODE_NAMES["activation"][attributes["activation"]]
        names = zip(("alpha", "beta"), _ACTIVATION_CONSTANTS.get(kind, ()), strict=False)
        return cls(kind, **{name: attributes[engine] for engine, name in names if engine in attributes})

    def _config(self) -> dict[str, Any]:
        return {"activation": self.activation, **self.constants}


class Weighted(Layer):
    """A layer with ``weight`` and ``bias``, and ``activation=``."""

    _settings: ClassVar[Settings] = {
        "activation": lambda v: v if isinstance(v, Activation) else activation_name(v),
        "init": init_name,
        "bias_init": lambda v: init_name(v, "bias_init") or "zeros",
        "l1": lambda v: number("l1", v, 0),
        "l2": lambda v: number("l2", v, 0),
        "max_norm": lambda v: None if v is None else number("max_norm", v, 0, above=True),
    }

    def _weights(
        self,
        activation: Any,
        bias: bool,
        init: str | None,
        bias_init: str,
        l1: float,
        l2: float,
        max_norm: float | None,
    ) -> None:
        self.activation = activation
        self._has_bias = bool(bias)
        self.init, self.bias_init = init, bias_init
        self.l1, self.l2, self.max_norm = l1, l2, max_norm

    def _attributes(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if not self._has_bias:
            out["bias"] = 0
        if self.init is not None:
            out["init"] = _core.INITS[self.init]
        if self.bias_init != "zeros":
            out["bias_init"] = _core.INITS[self.bias_init]
        for name in ("l1", "l2", "max_norm"):
            if getattr(self, name):
                out[name] = getattr(self, name)
        return out

    @property
    def _activation(self) -> Activation | None:
        if isinstance(self.activation, Activation):
            return self.activation
        return None if self.activation == "linear" else Activation(self.activation)

    @staticmethod
    def _of_weights(attributes: dict[str, Any]) -> dict[str, Any]:
        """The arguments that `_attributes` came from."""
        a = attributes
        return {
            "bias": bool(a.get("bias", 1)),
            "init": _CODE_NAMES["init"].get(a.get("init", 0), "default") if a.get("init", 0) else None,
            "bias_init": _CODE_NAMES["init"][a.get("bias_init", 1) or 1],
            "l1": a.get("l1", 0.0),
            "l2": a.get("l2", 0.0),
            "max_norm": a.get("max_norm", 0.0) or None,
        }

    def _config(self) -> dict[str, Any]:
        defaults = {"activation": "linear", "bias": True, "bias_init": "zeros", "l1": 0.0, "l2": 0.0}
        config = {**super()._config(), "bias": self._has_bias}
        return {k: v for k, v in config.items() if k not in defaults or defaults[k] != v}
