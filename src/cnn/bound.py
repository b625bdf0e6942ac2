"""What a layer is once it belongs to a network: names, views of its parameters, neurons."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .checks import number
from .names import Spelled

if TYPE_CHECKING:
    from .base import NetworkBase
    from .neuron import Neuron


class BoundLayer(Spelled):
    """The part of `Layer` that speaks to the network it is bound to; before that, only `name` and `trainable` mean anything."""

    name: str | None = None
    activation: Any = "linear"
    _trainable = True
    _lr_scale = 1.0
    _network: "NetworkBase | None" = None
    _nodes: tuple[int, ...] = ()  # of the graph: one a use of the layer
    _output = -1  # the value that the layer gives at its first use
    _blocks: tuple[int, ...] = ()

    def _bound(self, what: str) -> "NetworkBase":
        if self._network is None:
            raise AttributeError(f"{type(self).__name__}.{what} exists once the layer is in a network: see net.layers")
        return self._network

    def _named_blocks(self) -> dict[str, int]:
        """Of every block, constants too: "weight" to its number."""
        if self._network is None:
            return {}
        table = self._network._block_table
        return {table[i]["name"].rpartition(".")[2]: i for i in self._blocks}

    def _write(self, name: str, value: Any) -> None:
        """Into a block; one number serves all its elements."""
        block = self._bound(name)._block(self._named_blocks()[name])
        value = np.asarray(value)
        if value.shape != block.shape and value.size != 1:
            raise ValueError(f"{name} of {self.name!r} has the shape {value.shape}; expected {block.shape}")
        block[...] = value if value.shape == block.shape else value.ravel()[0]

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Name ("weight", "bias") to a writable view."""
        network = self._bound("parameters")
        kinds = network._block_table
        return {name: network._block(i) for name, i in self._named_blocks().items() if kinds[i]["kind"] == "weight"}

    def _parameter(self, name: str) -> np.ndarray:
        network = self._bound(name)
        blocks = self._named_blocks()
        if name not in blocks:
            raise AttributeError(f"layer {self.name!r} ({type(self).__name__}) has no {name}")
        return network._block(blocks[name])

    @property
    def weight(self) -> np.ndarray:
        """A writable view: Dense (units, features)."""
        return self._parameter("weight")

    @weight.setter
    def weight(self, value: Any) -> None:
        self._parameter("weight")
        self._write("weight", value)

    @property
    def bias(self) -> np.ndarray:
        """A writable view: Dense (units,)."""
        return self._parameter("bias")

    @bias.setter
    def bias(self, value: Any) -> None:
        self._parameter("bias")
        self._write("bias", value)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Of one sample."""
        return tuple(self._bound("output_shape")._values()[self._output][1][1:])

    @property
    def trainable(self) -> bool:
        """Whether training changes the layer's parameters."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._set(bool(value), self._lr_scale)

    @property
    def lr_scale(self) -> float:
        """What the learning rate is multiplied by for this layer."""
        return self._lr_scale

    @lr_scale.setter
    def lr_scale(self, value: float) -> None:
        self._set(self._trainable, number("lr_scale", value, 0))

    def _set(self, trainable: bool, lr_scale: float) -> None:
        if self._network is not None:
            for i in self._blocks:
                if self._network._block_table[i]["kind"] == "weight":
                    self._network._set_block(i, trainable, lr_scale)
            self._network._layout_changed()
        self._trainable, self._lr_scale = trainable, lr_scale

    @property
    def neurons(self) -> "list[Neuron]":
        """One a unit of a Dense layer: views, so that what is written there is the network's."""
        from .neuron import Neuron

        if "weight" not in self._named_blocks() or self.weight.ndim != 2:
            raise AttributeError(f"layer {self.name!r} ({type(self).__name__}) has no neurons; a Dense layer has")
        bias = self.bias if "bias" in self._named_blocks() else np.zeros(len(self.weight))
        return [Neuron._view(row, bias[j : j + 1], self.activation) for j, row in enumerate(self.weight)]
