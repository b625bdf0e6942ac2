"""`Augment`: images of training batches, changed at random."""

from typing import Any, final

import numpy as np

from .. import _core
from ..arrays import as_array
from ..checks import number, whole
from ..names import Spelled, lookup, shown

_FLIPS = {"horizontal": (1, 0), "vertical": (0, 1), "both": (1, 1)}
_FLIP_ALIASES = {"horizontal_and_vertical": "both"}
_FILLS = ("constant", "edge", "reflect")
_FILL_ALIASES = {"nearest": "edge"}


@final
class Augment(Spelled):
    """Images of training batches changed at random: ``net.fit(X, y, augment=cnn.data.Augment(flip="horizontal", crop=4))``.

    Every input of the shape (channels, height, width) is changed while a batch is gathered, a row's inputs by the same draws; the data
    stay as they are, and validation, `evaluate` and `predict` see them so. In this order: flips, turning and scaling about the centre,
    shift and crop, noise. What happens to a row depends on (``net.seed``, epoch, step, its place in the batch) alone, so not on threads.

    Parameters
    ----------
    shift : int, float or (down, across), default 0
        Up to so many pixels either way, all equally likely: whole pixels where the numbers are ints, any part of a pixel where one is a
        float.
    flip : {"horizontal", "vertical", "both"}, optional
        Left and right, top and bottom exchanged, each with probability 1/2.
    rotate : float, default 0
        Up to so many degrees either way, at most 180.
    crop : int or (down, across), default 0
        So many pixels are added on each side, and a window of the image's own size is cut out at random, as is usual for CIFAR.
    scale : float or (low, high), default 0
        Larger or smaller by a factor from ``1 - scale`` to ``1 + scale``, or from `low` to `high`.
    noise : float, default 0
        Standard deviation of normal noise added to every number, in the units of X (bytes: 0 to 255).
    fill : float, "edge" or "reflect", default 0
        What is seen beyond the border: a number in the units of X, the nearest pixel, or the image mirrored without repeating its edge.

    Notes
    -----
    Between pixels values are bilinear. Shifts, flips and crops by whole pixels only move numbers and cost little.

    Examples
    --------
    >>> import numpy as np, cnn
    >>> augment = cnn.data.Augment(shift=1)
    >>> augment
    cnn.data.Augment(shift=1)
    >>> augment(np.ones((2, 1, 3, 3), np.uint8), seed=4).shape
    (2, 1, 3, 3)
    """

    def __init__(
        self,
        *,
        shift: Any = 0,
        flip: str | None = None,
        rotate: float = 0.0,
        crop: Any = 0,
        scale: Any = 0.0,
        noise: float = 0.0,
        fill: Any = 0.0,
    ) -> None:
        self.shift = _pair("shift", shift, lambda v: _pixels("shift", v))
        self.flip = None if flip is None else _flip(flip)
        self.rotate = number("rotate", rotate, 0)
        if self.rotate > 180:
            raise ValueError(f"rotate is {rotate!r} degrees; it must be 0 to 180")
        self.crop = _pair("crop", crop, lambda v: whole("crop", v, 0))
        self.scale = _scale(scale)
        self.noise = number("noise", noise, 0)
        self.fill = _fill(fill)

    def __init_subclass__(cls) -> None:
        raise TypeError(
            "Augment works in C and cannot be subclassed; a function of your own goes into an iterable of batches"
        )

    def _spec(self) -> dict[str, Any]:
        """As the engine takes it."""
        across, down = (0, 0) if self.flip is None else _FLIPS[self.flip]
        named = isinstance(self.fill, str)
        return {
            "flip_horizontal": across,
            "flip_vertical": down,
            "shift": self.shift,
            "fractional": any(isinstance(v, float) for v in self.shift),
            "crop": self.crop,
            "rotate": self.rotate,
            "scale": self.scale or (0.0, 0.0),
            "noise": self.noise,
            "fill": self.fill if named else "constant",
            "fill_value": 0.0 if named else self.fill,
        }

    def __call__(self, X: Any, *, seed: int = 0, epoch: int = 0, step: int = 0, dtype: str = "float32") -> np.ndarray:
        """Images as training sees them.

        Parameters
        ----------
        X : array-like (n, channels, height, width)
            The rows of one batch, in its order.
        seed : int, default 0
            The network's.
        epoch, step : int, default 0
            Which epoch, and which batch of it.
        dtype : {"float32", "float64"}

        Returns
        -------
        ndarray of shape (n, channels, height, width)

        Raises
        ------
        ValueError
            For another shape, and for images that shift and crop may move out of sight.
        """
        x = as_array(X, "X")
        if x.ndim != 4:
            hint = ": pass X[:, None]" if x.ndim == 3 else ""
            raise ValueError(f"X has the shape {x.shape}; images are (n, channels, height, width){hint}")
        return _core.augment_images(
            self._spec(), x, seed, whole("epoch", epoch, 0), whole("step", step, 0), str(np.dtype(dtype))
        )

    def _given(self) -> dict[str, Any]:
        plain = {"shift": (0, 0), "flip": None, "rotate": 0.0, "crop": (0, 0), "scale": None, "noise": 0.0, "fill": 0.0}
        return {name: value for name in plain if (value := getattr(self, name)) != plain[name]}

    def __repr__(self) -> str:
        def told(value: Any) -> str:
            same = isinstance(value, tuple) and value[0] == value[1] and len(set(map(type, value))) == 1
            return repr(value[0] if same else value)

        given = ", ".join(
            f"{name}={value!r}" if name == "scale" else f"{name}={told(value)}" for name, value in self._given().items()
        )
        return f"cnn.data.Augment({given})"

    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other) if isinstance(other, Augment) else NotImplemented

    def __hash__(self) -> int:
        return hash(repr(self))


def _pair(name: str, value: Any, read: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list):
        one = read(value)
        return one, one
    if len(value) != 2:
        raise ValueError(f"{name} is {shown(value)}; expected one number, or two: (down, across)")
    return read(value[0]), read(value[1])


def _pixels(name: str, value: Any) -> int | float:
    if isinstance(value, int | np.integer):
        return whole(name, value, 0)
    return number(name, value, 0)


def _flip(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"flip is {shown(value)}; expected 'horizontal', 'vertical' or 'both'")
    return lookup("flip", value, tuple(_FLIPS), _FLIP_ALIASES)


def _scale(value: Any) -> tuple[float, float] | None:
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise ValueError(f"scale is {shown(value)}; expected a share as in 0.1, or two factors (low, high)")
        low, high = (number("scale", v, 0, above=True) for v in value)
        if low < 1e-6 or high > 1e6:
            raise ValueError(f"scale is {shown(value)}; its factors must be 1e-6 to 1e6")
        if low > high:
            raise ValueError(f"scale is {shown(value)}; its first factor must not be above its second")
        return low, high
    share = number("scale", value, 0)
    if share > 0.99:
        raise ValueError(f"scale is {shown(value)}; a share must be at most 0.99, and factors are two: (low, high)")
    return (1 - share, 1 + share) if share else None


def _fill(value: Any) -> str | float:
    if not isinstance(value, str):
        return number("fill", value)
    found = lookup("fill", value, _FILLS, _FILL_ALIASES)
    return 0.0 if found == "constant" else found
