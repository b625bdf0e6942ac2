"""`Network`: what a person makes, trains and asks."""

import os
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from . import _core, graph
from .arrays import as_array, fits, shape_text
from .attributes import Named, Views
from .checks import number, whole
from .inspection import Inspection
from .layers import Dense, Input, Layer, Tensor
from .manual import Manual
from .names import NetworkWords, Spelled, shown, unknown
from .persistence import Persistence
from .weighted import init_name

__all__ = ["Network"]


class Network(Manual, Inspection, Persistence, Spelled, NetworkWords):
    """A neural network.

    Parameters
    ----------
    layers : sequence of int, or of layers
        ``[784, 128, 10]``: dense layers of these sizes, the first being the inputs; or ``[cnn.Input(2), cnn.Dense(3), ...]``.
    inputs, outputs : Tensor or list of them
        Instead of `layers`, any acyclic graph: ``x = cnn.Input(3); y = cnn.Dense(1)(x); cnn.Network(inputs=x, outputs=y)``.
    activation, output : str, default "relu", "linear"
        With sizes: of the hidden layers, and of the last.
    init : str, optional
        Initial weights of layers that do not name their own; by default what suits the activation.
    bias_init : str, default "zeros"
    dtype : {"float32", "float64"}
    seed : int, SeedSequence or Generator, optional
        What all random numbers come from; by default drawn from the system, and kept in ``net.seed``.
    input_shape : int or tuple of int, optional
        Of a list without an `Input`.

    Raises
    ------
    ValueError, TypeError
        In one sentence, for anything that does not fit.

    Examples
    --------
    >>> import cnn
    >>> net = cnn.Network([2, 8, 1], activation="tanh", output="sigmoid", seed=0)
    >>> history = net.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=400, optimizer=cnn.Adam(0.05), verbose=0)
    >>> net.classify([[0, 1], [1, 1]]).tolist()
    [1, 0]
    """

    def __init__(
        self,
        layers: Sequence[Any] | None = None,
        *,
        inputs: Any = None,
        outputs: Any = None,
        activation: Any = "relu",
        output: Any = "linear",
        init: str | None = None,
        bias_init: str = "zeros",
        dtype: Any = "float32",
        seed: Any = None,
        input_shape: Any = None,
    ) -> None:
        self._begin()
        dtype = _dtype(dtype)
        init, bias_init = init_name(init), init_name(bias_init, "bias_init") or "zeros"
        if layers is None:
            if inputs is None or outputs is None:
                raise TypeError("Network needs sizes or layers, as in Network([2, 8, 1]), or both inputs= and outputs=")
            ins = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
            outs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
            sized = False
        else:
            if inputs is not None or outputs is not None:
                raise TypeError("Network takes layers, or inputs= and outputs=, not both")
            if isinstance(layers, str | bytes) or not hasattr(layers, "__iter__"):
                raise TypeError(f"layers is {layers!r}; expected sizes, as in Network([2, 8, 1]), or a list of layers")
            layers = list(layers)
            sized = bool(layers) and all(isinstance(x, int | np.integer) for x in layers)
            if sized:
                layers = _dense_layers(layers, activation, output)
            ins, outs = graph.sequence(layers, None if sized else input_shape)
        if not sized:
            for name, value, default in (("activation", activation, "relu"), ("output", output, "linear")):
                if value != default:
                    raise ValueError(
                        f"{name}={value!r} goes with sizes, as in Network([2, 8, 1]); here each layer has its own activation"
                    )
        if input_shape is not None and (sized or layers is None):
            raise ValueError("input_shape= goes with a list of layers without an Input")
        graph.build(self, ins, outs, dtype, _seed(seed), init, bias_init)

    def __repr__(self) -> str:
        _, ins, _, outs = self._ends
        shapes = f"{', '.join(map(shape_text, ins))} -> {', '.join(map(shape_text, outs))}"
        return (
            f"<cnn.Network {shapes}, {len(self.layers)} layers, {self.count_parameters():,} parameters, {self.dtype}>"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "a network is not called: write net.predict(X) for its outputs, or cnn.Network(net.layers + [...]) to build on it"
        )

    # ---- Values

    def count_parameters(self, trainable: bool | None = None) -> int:
        """How many numbers the parameters are; with `trainable`, only those that are, or are not."""
        blocks = [b for b in self._block_table if b["kind"] == "weight"]
        return sum(b["count"] for b in blocks if trainable is None or bool(b["trainable"]) == trainable)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Name ("dense_1.weight") to a writable view: what is written there is the network's at once."""
        return Named((b["name"], self._block(i)) for i, b in enumerate(self._block_table) if b["kind"] == "weight")

    @property
    def buffers(self) -> dict[str, np.ndarray]:
        """What belongs to the network and is not trained: running statistics, and the means of `Normalize`."""
        return Views((b["name"], self._block(i)) for i, b in enumerate(self._block_table) if b["kind"] != "weight")

    def set_parameters(self, parameters: dict[str, Any], strict: bool = True) -> None:
        """Set values by name: all or none.

        Parameters
        ----------
        parameters : dict
            As `parameters` and `buffers` give them.
        strict : bool, default True
            Whether every parameter must be there and every name be known.

        Raises
        ------
        ValueError
            For an unknown or missing name, or another shape.
        """
        if not isinstance(parameters, dict):
            raise TypeError(
                f"parameters is a {type(parameters).__name__}; expected a dict of arrays by name, as net.parameters is"
            )
        blocks = {b["name"]: (i, tuple(b["shape"]), b["kind"]) for i, b in enumerate(self._block_table)}
        values = {}
        for name, value in parameters.items():
            if name not in blocks:
                if strict:
                    raise ValueError(unknown("parameter", str(name), blocks))
                continue
            array = as_array(value, name).astype(self.dtype)
            if array.shape != blocks[name][1]:
                raise ValueError(f"{name} has the shape {array.shape}; expected {blocks[name][1]}")
            values[name] = array
        missing = [name for name, (_, _, kind) in blocks.items() if kind == "weight" and name not in values]
        if strict and missing:
            raise ValueError(
                f"parameters has no {', '.join(missing)}; with strict=False what is missing stays as it is"
            )
        for name, array in values.items():
            self._block(blocks[name][0])[...] = array

    def copy_from(self, other: "Network", tau: float = 1.0) -> None:
        """``values = (1 - tau) values + tau other's``, of a network with the same parameters; tau 1 copies."""
        if not isinstance(other, _core.Network):
            raise TypeError(f"other is a {type(other).__name__}; expected a Network")
        self._mix_from(other, number("tau", tau, 0, float(np.nextafter(1, 2))))

    def reset(self, seed: Any = None) -> None:
        """Fresh initial values, from this network's seed or another; the optimizer begins afresh, too."""
        self._initialize(self.seed if seed is None else _seed(seed))
        self._optimizer = None
        self._trainer = self._evaluator = self._pending = None
        self._epochs = self._optimizer_epoch = 0

    def freeze(self, upto: Any = None) -> None:
        """Keep layers as they are while the network is trained.

        Parameters
        ----------
        upto : str, int or layer, optional
            The last of them; by default all.
        """
        if upto is not None and (isinstance(upto, bool) or not isinstance(upto, str | int | np.integer | Layer)):
            raise TypeError(f"upto is {shown(upto)}; expected a layer's name or its place, as in net.freeze('dense_1')")
        layers = self.layers
        last = len(layers) - 1 if upto is None else graph.find(layers, upto)
        for layer in layers[: last + 1]:
            layer.trainable = False

    def unfreeze(self) -> None:
        """Train all layers."""
        for layer in self.layers:
            layer.trainable = True

    # ---- Prediction; `predict` itself is compiled and tries the exact case first

    def _predict_any(
        self, X: Any, batch_size: Any = None, lengths: Any = None, out: Any = None, check: bool = True
    ) -> Any:
        if lengths is not None:
            raise ValueError("lengths= goes with recurrent layers; this network has none")
        arrays = self._input_arrays(X)
        outputs = None if out is None else self._places(out)
        if batch_size is None or len(arrays[0]) <= whole("batch_size", batch_size):
            return self._one_or_list(self._run(arrays, None, False, outputs))
        step, n = whole("batch_size", batch_size), len(arrays[0])
        if outputs is None:
            outputs = [np.empty((n, *(s or 0 for s in shape)), self.dtype) for shape in self._ends[3]]
        for first in range(0, n, step):
            self._run(
                [a[first : first + step] for a in arrays], None, False, [o[first : first + step] for o in outputs]
            )
        return self._one_or_list(outputs)

    def _places(self, out: Any) -> list[Any]:
        """out= as a list with an array an output."""
        names = self._ends[2]
        if len(names) == 1 and isinstance(out, np.ndarray):
            return [out]
        if len(names) == 1 or not isinstance(out, list | tuple):
            wanted = "an array" if len(names) == 1 else f"a list of {len(names)} arrays"
            raise TypeError(f"out is a {type(out).__name__}; expected {wanted} to write into")
        return list(out)

    def feedforward(self, x: Any) -> Any:
        """The output for one sample, without a sample axis.

        Parameters
        ----------
        x : array-like of the input's shape; a list of them for several inputs

        Returns
        -------
        A float for one output, else an array of the output's shape (a list of them for several outputs).
        """
        names, shapes = self._ends[:2]
        if len(names) > 1:
            from .arrays import by_output

            arrays = [as_array(a, f"x[{i}]") for i, a in enumerate(by_output(x, names, "x"))]
        else:
            arrays = [as_array(x, "x")]
        for array, name, shape in zip(arrays, names, shapes, strict=True):
            if not fits(array.shape, shape):
                wanted = shape_text(shape, batch=False)
                raise ValueError(
                    f"x has the shape {array.shape}; feedforward takes one sample, and {name} takes {wanted} (predict takes many)"
                )
        results = [r[0] for r in self._run(self._input_arrays([a[None] for a in arrays]), None, False, None)]
        plain = [float(r.ravel()[0]) if r.size == 1 else r for r in results]
        return plain[0] if len(plain) == 1 else plain

    def classify(self, X: Any, *, batch_size: int | None = None) -> Any:
        """The class of each row: its index, or its name where ``net.classes`` has been set.

        One output is the probability of class 1; of k outputs the largest wins; k outputs trained with binary_cross_entropy are k
        yes/no labels, and give 0 and 1.

        Raises
        ------
        ValueError
            Where an answer of the network is NaN, which is no class: it names the row, and where X has a NaN or an infinity there.
        """
        if len(self._outputs) != 1:
            raise ValueError(f"classify needs one output, and the network has {len(self._outputs)}; use predict")
        loss = self._loss_names()[0]
        y = self.predict(X, batch_size=batch_size)
        if np.isnan(y).any():
            raise ValueError(self._why_nan(X, y))
        logits = self._output_activation() == "linear"
        if y[0:1].size == 1 or y.shape[-1] == 1 or loss == "binary_cross_entropy":
            if logits and loss not in ("binary_cross_entropy", "hinge"):
                raise ValueError(
                    f"classify needs a classifier, and this network's output is linear and its loss {loss}; use predict"
                )
            labels = (y > (0.0 if logits else 0.5)).astype(np.int64)
            if y.shape[-1] == 1 or y.ndim == 1:
                labels = labels.reshape(len(y), *y.shape[1:-1])
            elif loss == "binary_cross_entropy":
                return labels
        else:
            labels = y.argmax(axis=-1)
        return labels if self.classes is None else np.asarray(self.classes)[labels]

    def _why_nan(self, X: Any, y: np.ndarray) -> str:
        """The sentence for outputs that are no class."""
        row = int(np.argwhere(np.isnan(y))[0, 0])
        begin = f"the network's answer for row {row} is NaN"
        arrays = self._input_arrays(X)
        for name, array in zip(self._ends[0], arrays, strict=True):
            odd = np.argwhere(~np.isfinite(np.asarray(array[row], np.float64)))
            if len(odd):
                at = tuple(map(int, odd[0]))
                kind = "a NaN" if np.isnan(float(array[(row, *at)])) else "an infinity"
                place = f"row {row}, column {at[0]}" if len(at) == 1 else f"row {row}, at {at}"
                label = "X" if len(arrays) == 1 else f"X for {name!r}"
                return f"{begin}: {label} has {kind} in {place}"
        bad = next((n for n, p in self.parameters.items() if not np.isfinite(p).all()), None)
        if bad is not None:
            return f"{begin}: {bad} has a number that is not finite; net.reset() begins afresh"
        return f"{begin}, though X and the parameters are finite: its numbers are too large for {self.dtype}"

    def _output_activation(self) -> str:
        node = next(n for n in self._nodes() if n["output"] == self._outputs[0])
        from .layers import Activation

        return Activation._from_attributes(node["attributes"]).activation if node["op"] == "activation" else "linear"

    def session(self, max_batch: int = 1) -> _core.Session:
        """A prepared snapshot: ``s.run(x)`` for up to `max_batch` rows; ``s.refresh()`` takes the network's values of then."""
        return self._session(whole("max_batch", max_batch))

    def save(self, path: str | os.PathLike[str], training_state: bool = False) -> None:
        """Write the network to a file that `cnn.load` and the C library read.

        Parameters
        ----------
        path : path
        training_state : bool, default False
            The optimizer's state too, so that training can go on bit for bit.

        Raises
        ------
        OSError
            When it cannot be written; the old file, if there was one, is as it was.
        """
        from .io.native import save

        save(self, path, training_state)


def _dense_layers(sizes: Sequence[Any], activation: Any, output: Any) -> list[Tensor | Dense]:
    if len(sizes) < 2:
        raise ValueError(f"sizes is {list(sizes)}; a network needs at least two: inputs and outputs")
    numbers = [whole(f"sizes[{i}]", size) for i, size in enumerate(sizes)]
    Dense(1, activation=activation)  # a wrong name is one without hidden layers, too
    hidden = [Dense(n, activation=activation) for n in numbers[1:-1]]
    return [Input(numbers[0]), *hidden, Dense(numbers[-1], activation=output)]


def _dtype(dtype: Any) -> str:
    try:
        name: str = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype is {name!r}; a network computes in 'float32' or 'float64'")
    return name


def _seed(seed: Any) -> int:
    """As an integer of 64 bits."""
    if seed is None:
        return int.from_bytes(os.urandom(8), "little") >> 16  # short enough to be written down
    if isinstance(seed, np.random.SeedSequence):
        return int(seed.generate_state(1, np.uint64)[0])
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 2**64, dtype=np.uint64))
    value = whole("seed", seed, 0)
    if value >= 2**64:
        raise ValueError(f"seed is {value}; it must be below 2**64")
    return value
