"""What all layers have, and the values of a graph in the making."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .attributes import GuardedLayer, Views
from .bound import BoundLayer
from .names import LayerWords

if TYPE_CHECKING:
    from .weighted import Activation


class Tensor:
    """A value of a graph in the making: what a layer gives for its inputs."""

    def __init__(self, layer: "Layer", inputs: "tuple[Tensor, ...]") -> None:
        self.layer = layer
        self.inputs = inputs

    def __repr__(self) -> str:
        return f"Tensor({self.layer!r})"


class Layer(GuardedLayer, BoundLayer, LayerWords):
    """What all layers have.

    Parameters
    ----------
    name : str, optional
        Unique in a network; by default the kind and a number: "dense_1".
    trainable : bool, default True
        Whether training changes its parameters.
    """

    op = ""
    _prefix = ""  # of its default name; the op where it is empty
    many = False  # takes a list of inputs

    def __init__(self, *, name: str | None = None, trainable: bool = True) -> None:
        self._common(name, trainable)

    def _common(self, name: str | None, trainable: bool) -> None:
        self.name = name
        self._check_name()
        self._trainable = bool(trainable)

    def _check_name(self) -> None:
        name = self.name
        if name is not None and (
            not isinstance(name, str) or not name or "." in name or "@" in name or name.startswith("__")
        ):
            raise ValueError(
                f"name is {name!r}; a layer's name is a string without '.' and '@', and does not begin with '__'"
            )

    def __call__(self, inputs: Any) -> Tensor:
        """Apply the layer to one tensor, or to a list of them."""
        given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        for one in given:
            if isinstance(one, Layer) and not isinstance(one, Tensor):
                raise TypeError(
                    f"{type(self).__name__} was called on a layer; call it on its output, as in {type(self).__name__}(...)(x)"
                )
            if not isinstance(one, Tensor):
                raise TypeError(
                    f"{type(self).__name__} was called on {type(one).__name__}; layers are called on cnn.Input(...) and what"
                    " follows from it, and numbers go to net.predict(X)"
                )
        if not given:
            raise ValueError(f"{type(self).__name__} was called on an empty list; it takes at least one input")
        if len(given) > 1 and not self.many:
            raise ValueError(f"{type(self).__name__} takes one input, not {len(given)}")
        return Tensor(self, tuple(given))

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Name ("weight", "bias") to a writable view: what is written there is the network's at once."""
        return Views(super().parameters)

    # What the engine takes: attributes by the names of cnn.h; defaults are left out.
    def _attributes(self) -> dict[str, Any]:
        return {}

    def _common_attributes(self) -> dict[str, Any]:
        if self._network is None:  # it may have been set since; a file's names may be others
            self._check_name()
        out: dict[str, Any] = {} if self._trainable else {"trainable": 0}
        if self._lr_scale != 1.0:
            out["lr_scale"] = self._lr_scale
        return out

    @property
    def _activation(self) -> "Activation | None":
        """The node that follows, of a layer with activation=."""
        return None

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "Layer":
        """A layer as it stands in a graph."""
        return cls()

    def _config(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if not k.startswith("_") and v is not None and k != "name"}

    def __repr__(self) -> str:
        shown = [f"{k}={v!r}" for k, v in self._config().items()]
        return f"{type(self).__name__}({', '.join(shown + ([f'name={self.name!r}'] if self.name else []))})"
