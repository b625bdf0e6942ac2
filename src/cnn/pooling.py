"""Pools: the largest or the mean number of each window of an image (n, channels, height, width) or a signal (n, channels, length)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from .attributes import Settings
from .checks import whole
from .layer import Layer

__all__ = [
    "AvgPool1D",
    "AvgPool2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "MaxPool1D",
    "MaxPool2D",
]

Padding = str | tuple[tuple[int, int], ...]


def per_axis(name: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """A number for each axis, from one for all or a sequence."""
    items = tuple(value) if hasattr(value, "__iter__") and not isinstance(value, str) else (value,) * axes
    if len(items) != axes:
        raise ValueError(f"{name} is {value!r}; expected one number{f' or {axes}' if axes > 1 else ''}")
    return tuple(whole(name, item, least) for item in items)


def padding_of(value: Any, axes: int) -> Padding:
    """ "same", or (before, behind) for each axis, from a number for all, or a number or a pair for each."""
    if isinstance(value, str):
        if value.lower() not in ("same", "valid"):
            raise ValueError(
                f"padding {value!r} is not known; expected 'same', 'valid', a number, or (before, behind) for each axis"
            )
        return "same" if value.lower() == "same" else ((0, 0),) * axes
    if not hasattr(value, "__iter__"):
        return ((whole("padding", value, 0),) * 2,) * axes
    items = tuple(value)
    if axes == 1 and len(items) == 2 and not any(hasattr(item, "__iter__") for item in items):
        items = (items,)
    return pairs_of(value, items, axes)


def pairs_of(value: Any, items: tuple[Any, ...], axes: int) -> tuple[tuple[int, int], ...]:
    if len(items) != axes:
        raise ValueError(f"padding is {value!r}; expected a number, or (before, behind) for each of {axes} axes")
    pairs = []
    for item in items:
        pair = tuple(item) if hasattr(item, "__iter__") else (item, item)
        if len(pair) != 2:
            raise ValueError(f"padding is {value!r}; expected a number, or (before, behind) for each axis")
        pairs.append((whole("padding", pair[0], 0), whole("padding", pair[1], 0)))
    return tuple(pairs)


def padding_attributes(padding: Padding) -> dict[str, Any]:
    """As the engine takes it; none is left out."""
    if isinstance(padding, str):
        return {"same": 1}
    flat = [number for pair in padding for number in pair]
    return {"padding": flat} if any(flat) else {}


def padding_from(attributes: Mapping[str, Any], axes: int) -> Padding:
    flat = attributes.get("padding") or [0] * (2 * axes)
    return "same" if attributes.get("same") else tuple((flat[i], flat[i + 1]) for i in range(0, len(flat), 2))


def plainly(value: tuple[Any, ...]) -> Any:
    """One number or pair where all are the same, as people write it."""
    first = value[0][0] if isinstance(value[0], tuple) else value[0]
    return first if all(item in (first, (first, first)) for item in value) else value


class _Pool(Layer):
    """What pools with windows share."""

    axes = 2
    size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Padding
    ceil_mode: bool

    def _describe(
        self, size: Any, stride: Any, padding: Any, ceil_mode: bool, name: str | None, trainable: bool
    ) -> None:
        self.size = size
        self.stride = self.size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        out = {"kernel_size": list(self.size), **padding_attributes(self.padding)}
        if self.stride != self.size:
            out["stride"] = list(self.stride)
        if self.ceil_mode:
            out["ceil_mode"] = 1
        return out

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "_Pool":
        axes = len(attributes["kernel_size"])
        kind: Any = next(k for k in (cls, *cls.__subclasses__()) if k.axes == axes)
        made: _Pool = kind(
            tuple(attributes["kernel_size"]),
            tuple(attributes.get("stride") or attributes["kernel_size"]),
            padding_from(attributes, axes),
            bool(attributes.get("ceil_mode", 0)),
        )
        return made

    def _config(self) -> dict[str, Any]:
        out: dict[str, Any] = {"size": plainly(self.size)}
        if self.stride != self.size:
            out["stride"] = plainly(self.stride)
        if isinstance(self.padding, str) or any(map(any, self.padding)):
            out["padding"] = self.padding if isinstance(self.padding, str) else plainly(self.padding)
        if self.ceil_mode:
            out["ceil_mode"] = True
        return out


_BOOLS: Settings = {"ceil_mode": bool, "count_include_pad": bool, "keepdims": bool}


def _settings_of(axes: int, *bools: str) -> Settings:
    return {
        "size": lambda v: per_axis("size", v, axes),
        "stride": lambda v: per_axis("stride", v, axes),
        "padding": lambda v: padding_of(v, axes),
        **{name: _BOOLS[name] for name in ("ceil_mode", *bools)},
    }


class MaxPool2D(_Pool):
    """The largest number of each window, by channel: (n, channels, height, width) to (n, channels, rows, columns).

    PyTorch's definition: padding has no part in it, a NaN wins, and the gradient goes to the first of equal numbers.

    Parameters
    ----------
    size : int or (int, int)
        Of a window: height and width.
    stride : int or (int, int), optional
        From one window to the next; by default the size.
    padding : int, pairs or "same", default 0
        Pixels around the image, fewer than a window has: one number, or for each axis one or (before, behind). "same" gives
        ceil(height / stride) rows, an odd pixel behind.
    ceil_mode : bool, default False
        Whether windows that reach out of the padded image count; they must begin inside the image or the padding before it.
    name : str, optional
    trainable : bool, default True
    """

    op = "max_pool"
    _settings: ClassVar[Settings] = _settings_of(2)

    def __init__(
        self,
        size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        *,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._describe(size, stride, padding, ceil_mode, name, trainable)


class MaxPool1D(MaxPool2D):
    """The largest number of each window, by channel: (n, channels, length) to (n, channels, windows). See `MaxPool2D`."""

    axes = 1
    _settings: ClassVar[Settings] = _settings_of(1)


class AvgPool2D(_Pool):
    """The mean of each window, by channel: (n, channels, height, width) to (n, channels, rows, columns).

    PyTorch's definition: a window that reaches out of the padded image is divided by its pixels inside that.

    Parameters
    ----------
    size, stride, padding, ceil_mode
        As those of `MaxPool2D`.
    count_include_pad : bool, default True
        Whether pixels of the padding count as zeros; else the mean is of the image's own.
    name : str, optional
    trainable : bool, default True
    """

    op = "avg_pool"
    count_include_pad: bool
    _settings: ClassVar[Settings] = _settings_of(2, "count_include_pad")

    def __init__(
        self,
        size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        *,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.count_include_pad = count_include_pad
        self._describe(size, stride, padding, ceil_mode, name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {**super()._attributes(), **({} if self.count_include_pad else {"count_include_pad": 0})}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "_Pool":
        made = super()._from_attributes(attributes)
        assert isinstance(made, AvgPool2D)
        made.count_include_pad = bool(attributes.get("count_include_pad", 1))
        return made

    def _config(self) -> dict[str, Any]:
        return {**super()._config(), **({} if self.count_include_pad else {"count_include_pad": False})}


class AvgPool1D(AvgPool2D):
    """The mean of each window, by channel: (n, channels, length) to (n, channels, windows). See `AvgPool2D`."""

    axes = 1
    _settings: ClassVar[Settings] = _settings_of(1, "count_include_pad")


class _GlobalPool(Layer):
    """What pools of the whole image share."""

    axes = 2
    keepdims: bool
    _settings: ClassVar[Settings] = {"keepdims": bool}

    def __init__(self, keepdims: bool = False, *, name: str | None = None, trainable: bool = True) -> None:
        self.keepdims = keepdims
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {"axis": -self.axes, **({"keep_dims": 1} if self.keepdims else {})}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "_GlobalPool":
        axes = -attributes.get("axis", -2)  # a C program's may leave it open
        return next(k for k in (cls, *cls.__subclasses__()) if k.axes == axes)(bool(attributes.get("keep_dims", 0)))

    def _config(self) -> dict[str, Any]:
        return {"keepdims": True} if self.keepdims else {}


class GlobalAvgPool2D(_GlobalPool):
    """The mean of each channel: (n, channels, height, width) to (n, channels).

    Parameters
    ----------
    keepdims : bool, default False
        Gives (n, channels, 1, 1), which a convolution takes.
    name : str, optional
    trainable : bool, default True
    """

    op = "global_avg_pool"


class GlobalAvgPool1D(GlobalAvgPool2D):
    """The mean of each channel: (n, channels, length) to (n, channels), or with `keepdims` to (n, channels, 1)."""

    axes = 1


class GlobalMaxPool2D(_GlobalPool):
    """The largest number of each channel: (n, channels, height, width) to (n, channels); a NaN wins.

    Parameters
    ----------
    keepdims : bool, default False
        Gives (n, channels, 1, 1), which a convolution takes.
    name : str, optional
    trainable : bool, default True
    """

    op = "global_max_pool"


class GlobalMaxPool1D(GlobalMaxPool2D):
    """The largest number of each channel: (n, channels, length) to (n, channels), or with `keepdims` to (n, channels, 1)."""

    axes = 1
