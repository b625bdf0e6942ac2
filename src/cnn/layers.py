"""Layers, as people write them.

A layer is a description: ``Dense(8)``. In a list it is applied to what stands before it; called on symbolic tensors it makes any acyclic
graph: ``y = cnn.Dense(8)(x)``. A layer object that is used twice shares its parameters. The layers of a network (``net.layers``) are
copies of the descriptions, bound to it: they have a name, parameters, and may go into another network, into which they bring copies of
their parameters and `trainable`.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from . import _core
from .attributes import Settings
from .checks import number, sizes, whole
from .convolutions import Conv1D, Conv2D, ConvTranspose2D
from .layer import Layer, Tensor
from .names import lookup
from .normalization import BatchNorm, GroupNorm, LayerNorm
from .pooling import (
    AvgPool1D,
    AvgPool2D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    MaxPool1D,
    MaxPool2D,
)
from .prelu import PReLU
from .resampling import Pad, Upsample2D
from .weighted import Activation, Weighted, init_name

__all__ = [
    "Activation",
    "Add",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNorm",
    "Concat",
    "Conv1D",
    "Conv2D",
    "ConvTranspose2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Function",
    "GaussianNoise",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GroupNorm",
    "Input",
    "Layer",
    "LayerNorm",
    "MaxPool1D",
    "MaxPool2D",
    "Multiply",
    "Normalize",
    "OneHot",
    "PReLU",
    "Pad",
    "Rescale",
    "Reshape",
    "Tensor",
    "Upsample2D",
]


class Input(Layer, Tensor):
    """Where data enter.

    Parameters
    ----------
    shape : int or tuple of int
        Of one sample; None for a size that is bound when the network runs.
    dtype : {"float", "int32", "int64"}, default "float"
        "float" is the network's own dtype. Data of any dtype are converted to it.
    name : str, optional
    """

    op = "input"
    _settings: ClassVar[Settings] = {
        "shape": lambda v: tuple(None if s == -1 else s for s in sizes("shape", v, openly=True)),
        "dtype": lambda v: lookup("dtype", v, ("float", "int32", "int64"), {"float32": "float", "float64": "float"}),
        "layer": None,
        "inputs": None,
    }

    def __init__(self, shape: Any, dtype: str = "float", *, name: str | None = None) -> None:
        self._common(name, True)
        Tensor.__init__(self, self, ())
        self.shape: tuple[int | None, ...] = shape
        self.dtype = dtype

    def __call__(self, inputs: Any) -> Tensor:
        raise TypeError("an Input is not called; the layers after it are, as in cnn.Dense(8)(x)")

    def _attributes(self) -> dict[str, Any]:
        out: dict[str, Any] = {"shape": [-1 if s is None else s for s in self.shape]}
        if self.dtype != "float":
            out["dtype"] = {"int32": 2, "int64": 3}[self.dtype]
        return out

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Input":
        return cls(tuple(attributes["shape"]), {2: "int32", 3: "int64"}.get(attributes.get("dtype", 0), "float"))

    def _config(self) -> dict[str, Any]:
        return {"shape": self.shape, **({"dtype": self.dtype} if self.dtype != "float" else {})}

    __repr__ = Layer.__repr__


class Dense(Weighted):
    """``y = f(x W' + b)`` on the last axis; W (units, features), b (units,).

    Parameters
    ----------
    units : int
    activation : str or Activation, optional
    bias : bool, default True
    init, bias_init : str, optional
        Initial weights: "normal", "glorot_uniform", ...; by default what suits the activation, and zeros.
    l1, l2 : float, default 0
        ``l1 sum|w| + l2/2 sum w^2`` of the weight (not of the bias) is added to the loss.
    max_norm : float, optional
        The largest Euclidean norm of the weights into one unit.
    name : str, optional
    trainable : bool, default True
    """

    op = "dense"
    _settings: ClassVar[Settings] = {"units": lambda v: whole("units", v), **Weighted._settings}

    def __init__(
        self,
        units: int,
        activation: Any = None,
        bias: bool = True,
        init: str | None = None,
        bias_init: str = "zeros",
        l1: float = 0.0,
        l2: float = 0.0,
        max_norm: float | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.units = units
        self._weights(activation, bias, init, bias_init, l1, l2, max_norm)
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {"units": self.units, **super()._attributes()}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Dense":
        return cls(attributes["units"], **cls._of_weights(attributes))


class Dropout(Layer):
    """In training each number is 0 with probability `rate`, else divided by 1 - rate (Srivastava et al. 2014)."""

    op = "dropout"
    _settings: ClassVar[Settings] = {"rate": lambda v: number("rate", v, 0, 1)}

    def __init__(self, rate: float = 0.5, *, name: str | None = None, trainable: bool = True) -> None:
        self.rate = rate
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {"rate": self.rate}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Dropout":
        return cls(attributes.get("rate", 0.5))


class GaussianNoise(Layer):
    """In training ``y = x + std e``, e from N(0, 1)."""

    op = "gaussian_noise"
    _settings: ClassVar[Settings] = {"std": lambda v: number("std", v, 0)}

    def __init__(self, std: float = 1.0, *, name: str | None = None, trainable: bool = True) -> None:
        self.std = std
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {"std": self.std}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "GaussianNoise":
        return cls(attributes.get("std", 1.0))


class Rescale(Layer):
    """``y = scale x + offset``, as in ``Rescale(1 / 255)`` for bytes."""

    op = "rescale"
    _settings: ClassVar[Settings] = {"scale": lambda v: number("scale", v), "offset": lambda v: number("offset", v)}

    def __init__(self, scale: float, offset: float = 0.0, *, name: str | None = None, trainable: bool = True) -> None:
        self.scale, self.offset = scale, offset
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {"scale": self.scale, "offset": self.offset}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Rescale":
        return cls(attributes.get("scale", 1.0), attributes.get("offset", 0.0))


class Normalize(Layer):
    """``y = (x - mean) / std`` by feature; a NaN first becomes `fill`.

    Parameters
    ----------
    mean, std : float or array (m,), optional
        Given here, or learnt from data by `adapt`; without either 0 and 1.
    fill : float or array (m,), optional
        What takes the place of a NaN; by default a NaN stays one.
    axis : int, default -1
        Of the features, the batch counted.
    """

    op = "normalize"
    _settings: ClassVar[Settings] = {"axis": lambda v: whole("axis", v, -8)}

    def __init__(
        self,
        mean: Any = None,
        std: Any = None,
        fill: Any = None,
        *,
        axis: int = -1,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.axis = axis
        self._values: dict[str, np.ndarray] = {}
        for key, value in (("mean", mean), ("std", std), ("fill", fill)):
            if value is not None:
                self._values[key] = np.atleast_1d(np.asarray(value, np.float64)).ravel()
        for key in ("mean", "std"):
            if key in self._values and not np.isfinite(self._values[key]).all():
                raise ValueError(f"{key} has a value that is not finite")
        if "std" in self._values and not (self._values["std"] > 0).all():
            raise ValueError("std has a value that is not above 0")
        self._common(name, trainable)

    def adapt(self, X: Any) -> "Normalize":
        """Take mean and std of each feature from data; NaNs do not count, a constant feature has std 1.

        Parameters
        ----------
        X : array-like (n, ..., m)
            The layer's own input.
        """
        from .arrays import as_array

        x = np.asarray(as_array(X, "X"), np.float64)
        if x.ndim < 2 or not len(x):
            raise ValueError(f"X has the shape {x.shape}; Normalize.adapt needs rows of features, (n, m)")
        x = np.moveaxis(x, self.axis, -1).reshape(-1, x.shape[self.axis])
        if np.isnan(x).all(axis=0).any():
            raise ValueError(f"X has nothing but NaN in column {int(np.argmax(np.isnan(x).all(axis=0)))}")
        std = np.nanstd(x, axis=0)
        found = {"mean": np.nanmean(x, axis=0), "std": np.where(std > 0, std, 1.0)}
        if self._network is not None:
            for key, value in found.items():
                self._write(key, value)
        self._values.update(found)
        return self

    @property
    def _features(self) -> int | None:
        """m where it is known before the input is; 1 is one mean for all."""
        counts = {v.size for v in self._values.values()}
        if len(counts - {1}) > 1:
            raise ValueError(f"mean, std and fill have {sorted(counts)} features; they must be the same number")
        return max(counts) if counts - {1} else None

    def _attributes(self) -> dict[str, Any]:
        out: dict[str, Any] = {} if self.axis == -1 else {"axis": self.axis}
        if self._features is not None:
            out["shape"] = [self._features]
        return out

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Normalize":
        return cls(axis=attributes.get("axis", -1))

    def _config(self) -> dict[str, Any]:
        return {} if self.axis == -1 else {"axis": self.axis}

    def _start(self) -> None:
        for key, value in self._values.items():
            self._write(key, value)


class OneHot(Layer):
    """Codes to indicator columns: column j with K classes becomes K columns, 1 at the code's place; a NaN is all zeros.

    Parameters
    ----------
    classes : int or sequence of int
        One number for all columns, or one a column: 0 for a column that goes through as it is.
    """

    op = "one_hot"
    _settings: ClassVar[Settings] = {"classes": lambda v: _class_counts(v)}

    def __init__(self, classes: Any, *, name: str | None = None, trainable: bool = True) -> None:
        self.classes: int | tuple[int, ...] = classes
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {"classes": [self.classes] if isinstance(self.classes, int) else list(self.classes)}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "OneHot":
        classes = tuple(attributes["classes"])
        return cls(classes[0] if len(classes) == 1 else classes)


def _class_counts(classes: Any) -> int | tuple[int, ...]:
    if not hasattr(classes, "__iter__"):
        return whole("classes", classes)
    return tuple(whole("classes", c, 0) for c in classes)


class Flatten(Layer):
    """``(n, ...)`` to ``(n, everything else)``, in C order."""

    op = "flatten"


class Reshape(Layer):
    """Another shape of a sample; one size may be -1."""

    op = "reshape"
    _settings: ClassVar[Settings] = {"shape": lambda v: sizes("shape", v, openly=True)}

    def __init__(self, shape: Any, *, name: str | None = None, trainable: bool = True) -> None:
        self.shape: tuple[int, ...] = shape
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {"shape": list(self.shape)}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Reshape":
        return cls(tuple(attributes["shape"]))


class Add(Layer):
    """The sum of two or more inputs of one shape: ``cnn.Add()([a, b])``."""

    op = "add"
    many = True


class Multiply(Layer):
    """The product, element by element, of two or more inputs of one shape.

    Beside images (n, channels, height, width) or signals an input may have one number a channel, (n, channels) or (n, channels, 1, 1),
    which goes with all pixels of its channel: with ``s = cnn.Dense(16, activation="sigmoid")(cnn.GlobalAvgPool2D()(x))`` as in
    ``cnn.Multiply()([x, s])``.
    """

    op = "multiply"
    many = True


class Concat(Layer):
    """Two or more inputs side by side along `axis` (the last by default; the batch counts as axis 0)."""

    op = "concat"
    many = True
    _settings: ClassVar[Settings] = {"axis": lambda v: whole("axis", v, -8)}

    def __init__(self, axis: int = -1, *, name: str | None = None, trainable: bool = True) -> None:
        self.axis = axis
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {"axis": self.axis}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Concat":
        return cls(attributes.get("axis", -1))


class Function(Layer):
    """A layer in NumPy, called once a batch with the interpreter lock.

    Parameters
    ----------
    forward : callable
        ``forward(x) -> y``, or ``forward(x, parameters) -> y`` with a dict of arrays where it has parameters. x has the batch first; it
        is a list of arrays where the layer is called on several tensors.
    backward : callable, optional
        ``backward(x, y, dy) -> dx``, or ``backward(x, y, dy, parameters) -> (dx, {name: gradient})``. Without it the network predicts only.
    output_shape : tuple of int, optional
        Of one sample; by default like the (first) input.
    parameters : dict, optional
        Name to initial values: an array, or a shape (zeros).
    """

    op = "function"
    many = True
    _settings: ClassVar[Settings] = {
        "forward": lambda v: _code(v),
        "backward": lambda v: None if v is None else _code(v),
        "init": init_name,
    }

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None = None,
        output_shape: Any = None,
        parameters: dict[str, Any] | None = None,
        *,
        init: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.forward, self.backward = forward, backward
        self._output_shape = None if output_shape is None else sizes("output_shape", output_shape, openly=True)
        self.init = init
        self._given: dict[str, np.ndarray | None] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        if not isinstance(parameters, dict | None):
            raise TypeError(f"parameters is a {type(parameters).__name__}; expected a dict of names and initial values")
        for key, value in (parameters or {}).items():
            shape = isinstance(value, tuple) and all(isinstance(s, int) for s in value)
            self._given[key] = None if shape else np.asarray(value, np.float64)
            self._shapes[key] = tuple(value) if shape else np.shape(value)
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if self._output_shape is not None:
            out["shape"] = list(self._output_shape)
        if self._shapes:
            out["block_names"] = ",".join(self._shapes)
            out["block_shapes"] = [size for shape in self._shapes.values() for size in (len(shape), *shape)]
        if self.init is not None:
            out["init"] = _core.INITS[self.init]
        return out

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Function":
        made = cls(_missing, _missing, attributes.get("shape"))
        names: Sequence[str] = attributes["block_names"].split(",") if attributes.get("block_names") else []
        rest = list(attributes.get("block_shapes", ()))
        for name in names:
            rank = rest.pop(0)
            made._shapes[name] = tuple(rest[:rank])
            del rest[:rank]
        return made

    def _config(self) -> dict[str, Any]:
        return {"forward": self.forward}

    def _start(self) -> None:
        for key, value in self._given.items():
            if value is not None:
                self._write(key, value)


def _code(function: Any) -> Callable[..., Any]:
    if not callable(function):
        raise TypeError("forward and backward must be functions")
    return function


def _missing(*arguments: Any) -> Any:
    raise RuntimeError(
        "this Function layer came from a file without its code: pass functions={name: layer} to cnn.load"
    )


KINDS: dict[str, type[Layer]] = {
    c.op: c
    for c in (
        Input, Dense, Activation, Dropout, GaussianNoise, Rescale, Normalize, OneHot, Flatten, Reshape, Add, Multiply, Concat, Function,
        Conv2D, ConvTranspose2D,
        MaxPool2D, AvgPool2D, GlobalAvgPool2D, GlobalMaxPool2D, Pad, Upsample2D, PReLU,
        BatchNorm, LayerNorm, GroupNorm,
    )
}  # fmt: skip
assert set(KINDS) == set(_core.OPS), "an op of cnn.h has no layer here"
