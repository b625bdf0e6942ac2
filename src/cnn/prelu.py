"""A rectifier with a learnt slope."""

from typing import Any, ClassVar

from .attributes import Settings
from .checks import number, whole
from .layer import Layer

__all__ = ["PReLU"]


class PReLU(Layer):
    """``y = x`` above 0, else ``a x`` with a learnt slope a, the parameter `weight` (He et al. 2015).

    Parameters
    ----------
    axis : int, optional
        One slope for each index of this axis, the batch counted: 1 (the channels of images, the features of rows) or the last. By default
        one slope for all.
    slope : float, default 0.25
        Where training starts.
    name : str, optional
    trainable : bool, default True
    """

    op = "prelu"
    axis: int | None
    _settings: ClassVar[Settings] = {
        "axis": lambda v: None if v is None else whole("axis", v, -8),
        "slope": lambda v: number("slope", v),
    }

    def __init__(
        self, axis: int | None = None, slope: float = 0.25, *, name: str | None = None, trainable: bool = True
    ) -> None:
        self.axis, self.slope = axis, slope
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        out: dict[str, Any] = {} if self.axis is None else {"axis": self.axis}
        if self.slope != 0.25:
            out["alpha"] = self.slope
        return out

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "PReLU":
        return cls(attributes.get("axis"), attributes.get("alpha", 0.25))

    def _config(self) -> dict[str, Any]:
        out: dict[str, Any] = {} if self.axis is None else {"axis": self.axis}
        if self.slope != 0.25:
            out["slope"] = self.slope
        return out
