"""Images and signals with more pixels: `Pad`, `Upsample2D`."""

from typing import Any, ClassVar

from .attributes import Settings
from .checks import number, whole
from .layer import Layer
from .names import lookup
from .pooling import pairs_of, per_axis, plainly

__all__ = ["Pad", "Upsample2D"]

_PAD_MODES = ("constant", "reflect", "replicate")
_UPSAMPLE_MODES = ("nearest", "bilinear")


def _sides(value: Any) -> int | tuple[tuple[int, int], ...]:
    if not hasattr(value, "__iter__"):
        return whole("padding", value, 0)
    items = tuple(value)
    if len(items) not in (1, 2):
        raise ValueError(
            f"padding is {value!r}; expected a number, or for each axis behind the channels a number or (before, behind), as in"
            " ((top, bottom), (left, right))"
        )
    return pairs_of(value, items, len(items))


class Pad(Layer):
    """More pixels around images (n, channels, height, width) or signals (n, channels, length).

    Parameters
    ----------
    padding : int or sequence
        How many: one number for every side; or for each axis behind the channels one, or (before, behind), as in
        ``((top, bottom), (left, right))``.
    mode : {"constant", "reflect", "replicate"}, default "constant"
        What they are: `value`; the pixels inside, mirrored at the outermost (fewer than there are); the outermost.
    value : float, default 0
    name : str, optional
    trainable : bool, default True
    """

    op = "pad"
    padding: int | tuple[tuple[int, int], ...]
    _settings: ClassVar[Settings] = {
        "padding": _sides,
        "mode": lambda v: lookup("mode", v, _PAD_MODES, {"edge": "replicate"}),
        "value": lambda v: number("value", v),
    }

    def __init__(
        self,
        padding: Any,
        mode: str = "constant",
        value: float = 0.0,
        *,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.padding, self.mode, self.value = padding, mode, value
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        flat = [self.padding] if isinstance(self.padding, int) else [side for pair in self.padding for side in pair]
        out: dict[str, Any] = {"padding": flat}
        if self.mode != "constant":
            out["mode"] = _PAD_MODES.index(self.mode)
        if self.value:
            out["value"] = self.value
        return out

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Pad":
        flat = attributes["padding"]
        padding = flat[0] if len(flat) == 1 else tuple((flat[i], flat[i + 1]) for i in range(0, len(flat), 2))
        return cls(padding, _PAD_MODES[attributes.get("mode", 0)], attributes.get("value", 0.0))

    def _config(self) -> dict[str, Any]:
        out: dict[str, Any] = {"padding": self.padding}
        if self.mode != "constant":
            out["mode"] = self.mode
        if self.value:
            out["value"] = self.value
        return out


class Upsample2D(Layer):
    """Larger images: (n, channels, height, width) to (n, channels, scale height, scale width).

    Parameters
    ----------
    scale : int or (int, int), default 2
        How many times as high and as wide.
    mode : {"nearest", "bilinear"}, default "nearest"
        Each pixel as a block of its likes, or interpolation between four. PyTorch's definitions.
    align_corners : bool, default False
        Of "bilinear": whether the corner pixels of input and output coincide; else their outer edges do.
    name : str, optional
    trainable : bool, default True
    """

    op = "upsample"
    scale: tuple[int, ...]
    _settings: ClassVar[Settings] = {
        "scale": lambda v: per_axis("scale", v, 2),
        "mode": lambda v: lookup("mode", v, _UPSAMPLE_MODES),
        "align_corners": bool,
    }

    def __init__(
        self,
        scale: Any = 2,
        mode: str = "nearest",
        align_corners: bool = False,
        *,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.scale, self.mode, self.align_corners = scale, mode, align_corners
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        if self.align_corners and self.mode != "bilinear":
            raise ValueError(f'align_corners is for mode="bilinear", and the mode is {self.mode!r}')
        mode = _UPSAMPLE_MODES.index(self.mode) + self.align_corners
        return {"stride": list(self.scale), **({"mode": mode} if mode else {})}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Upsample2D":
        mode = attributes.get("mode", 0)
        return cls(tuple(attributes["stride"]), _UPSAMPLE_MODES[min(mode, 1)], mode == 2)

    def _config(self) -> dict[str, Any]:
        out: dict[str, Any] = {"scale": plainly(self.scale)}
        if self.mode != "nearest":
            out["mode"] = self.mode
        if self.align_corners:
            out["align_corners"] = True
        return out
