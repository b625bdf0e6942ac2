"""Convolutions: images are (channels, height, width) and series (channels, length), behind the batch."""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

from .attributes import Settings
from .checks import whole
from .layer import Tensor
from .names import shown
from .weighted import Weighted

__all__ = ["Conv1D", "Conv2D", "ConvTranspose2D"]

Pairs = tuple[tuple[int, int], ...]


def per_axis(name: str, axes: int, least: int = 1) -> Callable[[Any], tuple[int, ...]]:
    """What checks an integer for all axes, or one for each."""

    def check(value: Any) -> tuple[int, ...]:
        if not hasattr(value, "__iter__") or isinstance(value, str):
            return (whole(name, value, least),) * axes
        items = tuple(whole(name, item, least) for item in value)
        if len(items) != axes:
            expected = "1 number" if axes == 1 else "1 or 2 numbers, of height and width"
            raise ValueError(f"{name} is {shown(value)}, {len(items)} numbers; expected {expected}")
        return items

    return check


def padding_of(axes: int, *, same: bool = True) -> Callable[[Any], str | Pairs]:
    """What checks padding: "same", or (before, after) of each axis."""
    named = '"same", "valid"' if same else '"valid"'
    pairs = "(before, after)" if axes == 1 else "(height, width) or ((top, bottom), (left, right))"

    def check(value: Any) -> str | Pairs:
        if isinstance(value, str):
            word = value.lower()
            if word == "same" and same:
                return "same"
            if word == "valid":
                return ((0, 0),) * axes
            hint = ""
            if word == "causal" and axes == 1:
                hint = ": for a causal convolution write padding=((kernel_size - 1) * dilation, 0)"
            elif word == "same":
                hint = ": for an output of input x stride write padding=(kernel_size - stride) // 2"
            raise ValueError(f"padding is {value!r}; expected a number, {pairs}, or {named}{hint}")
        if not hasattr(value, "__iter__"):
            return ((whole("padding", value, 0),) * 2,) * axes
        items = tuple(value)
        if any(hasattr(item, "__iter__") for item in items):
            found = tuple(tuple(whole("padding", n, 0) for n in _listed(item)) for item in items)
            if len(found) == axes and all(len(pair) == 2 for pair in found):
                return tuple((pair[0], pair[1]) for pair in found)
        elif axes == 1 and len(items) == 2:
            return ((whole("padding", items[0], 0), whole("padding", items[1], 0)),)
        elif len(items) == axes:
            return tuple((whole("padding", n, 0),) * 2 for n in items)
        raise ValueError(f"padding is {shown(value)}; expected a number, {pairs}, or {named}")

    return check


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if hasattr(value, "__iter__") else (value, value)


def _short(value: Any) -> Any:
    """As it may have been written: one number where all are the same."""
    flat = {n for item in value for n in _listed(item)} if isinstance(value, tuple) else set()
    if len(flat) == 1:
        return flat.pop()
    if value and all(isinstance(item, tuple) and item[0] == item[1] for item in value) and len(value) > 1:
        return tuple(item[0] for item in value)
    return value


class Convolution(Weighted):
    """What the convolutions have in common."""

    _axes: ClassVar[int]

    def __call__(self, inputs: Any) -> Tensor:
        made = super().__call__(inputs)
        shape: tuple[Any, ...] = getattr(made.inputs[0], "shape", ())  # of an Input
        if len(shape) == 3 and shape[2] in (1, 3) and all(n is not None and n >= 8 for n in shape[:2]):
            warnings.warn(
                f"an Input of shape {shape} before {type(self).__name__} has {shape[0]} channels and images of {shape[1]} x {shape[2]};"
                f" that looks like channels last, and here they come first: cnn.Input({(shape[2], *shape[:2])}) and"
                " X.transpose(0, 3, 1, 2)",
                stacklevel=2,
            )
        return made

    def _window(self, filters: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> None:
        self.filters: int = filters
        self.kernel_size: tuple[int, ...] = kernel_size
        self.stride: tuple[int, ...] = stride
        self.padding: str | Pairs = padding
        self.dilation: tuple[int, ...] = dilation
        self.groups: int = groups

    def _attributes(self) -> dict[str, Any]:
        out: dict[str, Any] = {"filters": self.filters, "kernel_size": list(self.kernel_size)}
        if any(n != 1 for n in self.stride):
            out["stride"] = list(self.stride)
        if self.padding == "same":
            out["same"] = 1
        elif any(n for pair in self.padding for n in pair):
            out["padding"] = [int(n) for pair in self.padding for n in pair]
        if any(n != 1 for n in self.dilation):
            out["dilation"] = list(self.dilation)
        if self.groups != 1:
            out["groups"] = self.groups
        return {**out, **super()._attributes()}

    @classmethod
    def _of_window(cls, attributes: dict[str, Any]) -> dict[str, Any]:
        """The arguments that `_attributes` came from."""
        a = attributes
        axes = len(a["kernel_size"])
        padding = a.get("padding", [0] * (2 * axes))
        return {
            "filters": a["filters"],
            "kernel_size": tuple(a["kernel_size"]),
            "stride": tuple(a.get("stride", (1,) * axes)),
            "padding": "same" if a.get("same") else tuple(zip(padding[::2], padding[1::2], strict=True)),
            "dilation": tuple(a.get("dilation", (1,) * axes)),
            "groups": a.get("groups", 1),
            **cls._of_weights(a),
        }

    def _config(self) -> dict[str, Any]:
        defaults = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
        config = {k: _short(v) if isinstance(v, tuple) else v for k, v in super()._config().items()}
        return {k: v for k, v in config.items() if k not in defaults or defaults[k] != v}


def _settings_of(axes: int, *, same: bool = True) -> Settings:
    return {
        "filters": lambda v: whole("filters", v),
        "kernel_size": per_axis("kernel_size", axes),
        "stride": per_axis("stride", axes),
        "padding": padding_of(axes, same=same),
        "dilation": per_axis("dilation", axes),
        "groups": lambda v: whole("groups", v),
        **Weighted._settings,
    }


class Conv1D(Convolution):
    """``y = f(weight * windows of x + bias)`` along a series: (n, channels, length) to (n, filters, length').

    PyTorch's Conv1d: a cross-correlation. length' = (before + length + after - (kernel_size - 1) dilation - 1) // stride + 1.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int
    stride : int, default 1
    padding : int, (before, after), "same" or "valid", default 0
        Zeros on both sides. "same" gives length' = ceil(length / stride), the odd zero behind (ONNX's SAME_UPPER); "valid" is 0.
    dilation : int, default 1
        The distance of a kernel's taps.
    groups : int, default 1
        Each group of channels has filters of its own; as many groups as channels are a depthwise convolution.
    activation : str or Activation, optional
    bias : bool, default True
    init, bias_init : str, optional
        Initial weights, by default what suits the activation, and zeros; a weight's fan-in is channels / groups x kernel_size.
    l1, l2 : float, default 0
        ``l1 sum|w| + l2/2 sum w^2`` of the weight (not of the bias) is added to the loss.
    max_norm : float, optional
        The largest Euclidean norm of a filter.
    name : str, optional
    trainable : bool, default True

    Attributes
    ----------
    weight : ndarray (filters, channels / groups, kernel_size)
    bias : ndarray (filters,)

    Raises
    ------
    ValueError
        When the network is made: a kernel longer than the padded series, groups that do not divide the channels and the filters.
    """

    op = "conv"
    _prefix = "conv1d"
    _axes = 1
    _settings: ClassVar[Settings] = _settings_of(1)

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
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
        self._window(filters, kernel_size, stride, padding, dilation, groups)
        self._weights(activation, bias, init, bias_init, l1, l2, max_norm)
        self._common(name, trainable)


class Conv2D(Convolution):
    """``y = f(weight * windows of x + bias)`` over images: (n, channels, height, width) to (n, filters, height', width').

    PyTorch's Conv2d: a cross-correlation. Along each axis size' = (before + size + after - (kernel - 1) dilation - 1) // stride + 1.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or (height, width)
    stride : int or (height, width), default 1
    padding : int, (height, width), ((top, bottom), (left, right)), "same" or "valid", default 0
        Zeros around the image. "same" gives size' = ceil(size / stride), the odd zero behind (ONNX's SAME_UPPER); "valid" is 0.
    dilation : int or (height, width), default 1
        The distance of a kernel's taps.
    groups : int, default 1
        Each group of channels has filters of its own; as many groups as channels are a depthwise convolution.
    activation : str or Activation, optional
    bias : bool, default True
    init, bias_init : str, optional
        Initial weights, by default what suits the activation, and zeros; a weight's fan-in is channels / groups x kernel height x width.
    l1, l2 : float, default 0
        ``l1 sum|w| + l2/2 sum w^2`` of the weight (not of the bias) is added to the loss.
    max_norm : float, optional
        The largest Euclidean norm of a filter.
    name : str, optional
    trainable : bool, default True

    Attributes
    ----------
    weight : ndarray (filters, channels / groups, height, width)
    bias : ndarray (filters,)

    Raises
    ------
    ValueError
        When the network is made: a kernel larger than the padded image, groups that do not divide the channels and the filters.
    """

    op = "conv"
    _prefix = "conv2d"
    _axes = 2
    _settings: ClassVar[Settings] = _settings_of(2)

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
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
        self._window(filters, kernel_size, stride, padding, dilation, groups)
        self._weights(activation, bias, init, bias_init, l1, l2, max_norm)
        self._common(name, trainable)

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> Convolution:
        kind = Conv1D if len(attributes["kernel_size"]) == 1 else Conv2D
        return kind(**cls._of_window(attributes))


class ConvTranspose2D(Convolution):
    """The transpose of a convolution, which makes images larger: (n, channels, height, width) to (n, filters, height', width').

    PyTorch's ConvTranspose2d. Along each axis size' = (size - 1) stride + (kernel - 1) dilation + 1 + output_padding - before - after.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or (height, width)
    stride : int or (height, width), default 1
    padding : int, (height, width), ((top, bottom), (left, right)) or "valid", default 0
        What is cut from the output's sides.
    output_padding : int or (height, width), default 0
        What the output has more at its bottom and right; less than the stride or the dilation.
    dilation : int or (height, width), default 1
        The distance of a kernel's taps.
    groups : int, default 1
        Each group of channels has filters of its own.
    activation : str or Activation, optional
    bias : bool, default True
    init, bias_init : str, optional
        Initial weights, by default what suits the activation, and zeros; a weight's fan-in is counted as PyTorch and Keras do:
        filters / groups x kernel height x width.
    l1, l2 : float, default 0
        ``l1 sum|w| + l2/2 sum w^2`` of the weight (not of the bias) is added to the loss.
    max_norm : float, optional
        The largest Euclidean norm of the weights of one input channel.
    name : str, optional
    trainable : bool, default True

    Attributes
    ----------
    weight : ndarray (channels, filters / groups, height, width)
    bias : ndarray (filters,)

    Raises
    ------
    ValueError
        When the network is made: an output without pixels, groups that do not divide the channels and the filters.
    """

    op = "conv_transpose"
    _prefix = "conv_transpose2d"
    _axes = 2
    _settings: ClassVar[Settings] = {
        **_settings_of(2, same=False),
        "output_padding": per_axis("output_padding", 2, 0),
    }

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
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
        self._window(filters, kernel_size, stride, padding, dilation, groups)
        self.output_padding: tuple[int, ...] = output_padding
        self._weights(activation, bias, init, bias_init, l1, l2, max_norm)
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {
            **({"output_padding": list(self.output_padding)} if any(self.output_padding) else {}),
            **super()._attributes(),
        }

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "ConvTranspose2D":
        return cls(**cls._of_window(attributes), output_padding=tuple(attributes.get("output_padding", (0, 0))))
