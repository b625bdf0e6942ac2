"""One neuron: where everything begins."""

from typing import Any

import numpy as np

__all__ = ["Neuron"]


class Neuron:
    """``f(w . x + b)``.

    Parameters
    ----------
    weights : array-like (n,)
    bias : float, default 0
    activation : str or Activation, default "sigmoid"
        Any of `cnn`'s but softmax, which needs more than one neuron.

    Examples
    --------
    >>> import cnn
    >>> n = cnn.Neuron([0, 1], 4, activation="sigmoid")
    >>> n.feedforward([2, 3])
    0.9990889488055994
    """

    def __init__(self, weights: Any, bias: float = 0.0, activation: Any = "sigmoid") -> None:
        from .arrays import as_array
        from .checks import number
        from .weighted import Activation, activation_name

        w = np.array(as_array(weights, "weights"), dtype=np.float64)
        if w.ndim != 1 or not w.size:
            raise ValueError(f"weights has the shape {w.shape}; expected (n,), one weight an input")
        self._take(
            w,
            np.array([number("bias", bias)]),
            activation if isinstance(activation, Activation) else activation_name(activation),
        )

    def _take(self, weights: np.ndarray, bias: np.ndarray, activation: Any) -> None:
        if getattr(activation, "activation", activation) == "softmax":
            activation = "linear"  # the softmax of a layer lies over all its neurons: one alone has a sum
        self._weights, self._bias, self.activation = weights, bias, activation
        self._network: Any = None

    @classmethod
    def _view(cls, weights: np.ndarray, bias: np.ndarray, activation: Any) -> "Neuron":
        """A neuron of a layer: its numbers are the layer's."""
        neuron = cls.__new__(cls)
        neuron._take(weights, bias, activation)
        return neuron

    @property
    def weights(self) -> np.ndarray:
        """(n,), writable; of a layer's neuron a view."""
        return self._weights

    @weights.setter
    def weights(self, value: Any) -> None:
        value = np.asarray(value)
        if value.shape != self._weights.shape:
            raise ValueError(f"weights has the shape {value.shape}; expected {self._weights.shape}")
        self._weights[...] = value

    @property
    def bias(self) -> float:
        return float(self._bias[0])

    @bias.setter
    def bias(self, value: float) -> None:
        self._bias[0] = value

    def feedforward(self, inputs: Any) -> float:
        """The neuron's output for one sample.

        Parameters
        ----------
        inputs : array-like (n,)

        Raises
        ------
        ValueError
            For another number of inputs.
        """
        from .layers import Dense
        from .network import Network

        n = self._weights.size
        if np.shape(inputs) != (n,):
            raise ValueError(f"inputs has the shape {np.shape(inputs)}; the neuron has {n} weights and takes ({n},)")
        if self._network is None:  # the formula is the engine's: a network of one neuron
            dense = Dense(1, activation=self.activation)
            self._network = Network([dense], input_shape=n, dtype=str(self._weights.dtype), seed=0)
            self._layer = self._network.layers[0]
        self._layer.weight = self._weights[None]
        self._layer.bias = self._bias
        return float(self._network.feedforward(inputs))

    def __repr__(self) -> str:
        name = self.activation if isinstance(self.activation, str) else self.activation.activation
        return f"Neuron({self._weights.tolist()}, {self.bias!r}, activation={name!r})"
