"""What every part of `Network` stands on: its state, its layers, data for its inputs."""

import os
from _thread import allocate_lock
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import _core
from .arrays import Shape, inputs_of
from .attributes import GuardedNetwork, Layers
from .history import History
from .layers import Input, Layer
from .names import shown
from .optimizers import Optimizer


class NetworkBase(GuardedNetwork, _core.Network):
    """The state of a network beside its compiled part.

    Attributes
    ----------
    loss, optimizer, metrics
        The last choice of `fit`; used by `evaluate`, `partial_fit`, `gradients`, and saved.
    history : History or None
        Of the last fit, an interrupted one too.
    classes : list or None
        Names of the classes, which `classify` gives; set by the user.
    metadata : dict of str to str
        Saved with the network; C reads it.
    preprocessing : Preprocessing, ImagePreprocessing, JSON or None
        How tables become X, saved with the network. With a `cnn.data.Preprocessing`, X may be a frame, a dict of columns, a list of
        dicts or the path of a CSV file; with a `cnn.data.ImagePreprocessing`, pictures: a path, a list of paths, a folder.
    stop_training : bool
        Set by a callback to end the fit.
    """

    def _begin(self) -> None:
        self.loss: Any = None
        self.metrics: list[Any] | None = None
        self.history: History | None = None
        self.classes: list[Any] | None = None
        self.metadata: dict[str, str] = {}
        self.preprocessing: Any = None
        self.stop_training = False
        self._optimizer: Optimizer | None = None
        self._optimizer_epoch = 0  # when it began
        self._epochs = 0  # trained so far
        self._training = allocate_lock()  # held by the fit that runs
        self._functions: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None]] = {}
        self._trainer: _core.Trainer | None = None
        self._trainer_key: Any = None
        self._evaluator: tuple[Any, _core.Trainer] | None = None
        self._pending: dict[str, np.ndarray] | None = None  # optimizer state, for the next trainer
        self._input_gradients = False
        self._forgotten()

    def _forgotten(self) -> None:
        self._cached_layers: tuple[list[Layer], list[Input]] | None = None
        self._cached_blocks: list[dict[str, Any]] | None = None
        self._cached_ends: tuple[list[str], list[Shape], list[str], list[Shape]] | None = None

    def _layout_changed(self) -> None:
        """trainable or lr_scale of a block were set."""
        self._cached_blocks = None

    @property
    def _fitting(self) -> bool:
        return self._training.locked()

    # ---- Structure

    @property
    def _block_table(self) -> list[dict[str, Any]]:
        if self._cached_blocks is None:
            self._cached_blocks = self._blocks()
        return self._cached_blocks

    def _read_layers(self) -> tuple[list[Layer], list[Input]]:
        if self._cached_layers is None:
            from .graph import read

            layers, inputs = read(self)
            for layer in [*layers, *inputs]:
                layer._sealed = True
                if isinstance(layer.activation, Layer):
                    layer.activation._sealed = True
            self._cached_layers = layers, inputs
        return self._cached_layers

    @property
    def layers(self) -> list[Layer]:
        """The layers in the order of the graph, without the inputs. They may go into another network, with copies of their values."""
        return Layers(self._read_layers()[0])

    @property
    def inputs(self) -> list[Input]:
        """The input layers."""
        return Layers(self._read_layers()[1])

    def layer(self, name: str | int) -> Layer:
        """A layer by name, or by its place.

        Raises
        ------
        ValueError
            For an unknown name: it lists the nearest.
        """
        from .graph import find

        if isinstance(name, bool) or not isinstance(name, str | int | np.integer | Layer):
            raise TypeError(f"name is {shown(name)}; expected a layer's name or its place, as in net.layer('dense_1')")
        layers, inputs = self._read_layers()
        everything = [*layers, *inputs] if isinstance(name, str | Layer) else layers
        return everything[find(everything, name)]

    @property
    def _ends(self) -> tuple[list[str], list[Shape], list[str], list[Shape]]:
        """(names of the inputs, their shapes, names of the outputs, their shapes), shapes of one sample."""
        if self._cached_ends is None:
            nodes, values = self._nodes(), self._values()
            name_of = {node["output"]: node["name"].removesuffix(".activation") for node in nodes}
            ins, outs = self._inputs, self._outputs
            shapes = [tuple(shape[1:]) for _, shape in values]
            self._cached_ends = (
                [name_of[v] for v in ins],
                [shapes[v] for v in ins],
                [name_of[v] for v in outs],
                [shapes[v] for v in outs],
            )
        return self._cached_ends

    @property
    def input_shape(self) -> Any:
        """Of one sample; a list for several inputs."""
        shapes = self._ends[1]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self) -> Any:
        """Of one sample; a list for several outputs."""
        shapes = self._ends[3]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def dtype(self) -> str:
        return self._dtype

    @property
    def seed(self) -> int:
        """What all random numbers of the network come from; drawn from the system when none was given."""
        return self._seed

    @property
    def optimizer(self) -> Optimizer | None:
        """The current one; its `lr` may be set, in a fit too."""
        return self._optimizer

    @optimizer.setter
    def optimizer(self, value: Any) -> None:
        from .optimizers import resolve

        made = resolve(value)
        if made is not self._optimizer:
            self._start_optimizer(made)

    def _start_optimizer(self, optimizer: Optimizer) -> None:
        """Afresh: without the state of the one before."""
        self._optimizer, self._optimizer_epoch = optimizer, self._epochs
        self._trainer = self._pending = None

    def _set_functions(self, functions: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None]]) -> None:
        """The code of Function layers by name, at every use of the layer."""
        self._functions = functions
        for i, node in enumerate(self._nodes()):
            if node["op"] == "function":
                name = node["name"].partition("@")[0]
                if name in functions:
                    self._set_function(i, _Code(*functions[name]))
        self._cached_layers = None

    # ---- Data

    def _input_arrays(self, X: Any, name: str = "X") -> list[np.ndarray]:
        names, shapes = self._ends[:2]
        if type(X) is not np.ndarray:
            if self._is_table(X):
                X = self.preprocessing.transform(X)
            elif isinstance(X, str | os.PathLike):
                raise TypeError(
                    f"{name} is the path {os.fspath(X)!r}; to read it, a network needs its columns' meanings:"
                    " net.preprocessing = cnn.data.Preprocessing(target).fit(path)"
                )
        return inputs_of(X, names, shapes, name=name)

    def _is_table(self, X: Any) -> bool:
        """Whether X is what `preprocessing` makes numbers of."""
        if type(X) is np.ndarray or not hasattr(self.preprocessing, "transform"):
            return False
        if hasattr(self.preprocessing, "_takes"):
            return len(self._ends[0]) == 1 and bool(self.preprocessing._takes(X))
        from .data.tables import is_table

        names = self._ends[0]
        by_name = isinstance(X, dict) and list(X) == names and names != self.preprocessing.columns
        return len(names) == 1 and not by_name and is_table(X)

    def _from_table(self, X: Any, y: Any) -> tuple[Any, Any]:
        """X and y; of a table, without y, both as arrays."""
        if isinstance(y, str):
            raise TypeError(
                f"y is the text {y!r}; pass the targets themselves; where it names a column of a table, set net.preprocessing ="
                f" cnn.data.Preprocessing(target={y!r}).fit(table) and leave y out"
            )
        if y is None and self._is_table(X) and self.preprocessing.target is not None:
            X, y = self.preprocessing._both(X)
        return X, y

    def _class_names(self) -> list[Any] | None:
        """`classes`, or those of the preprocessing where the outputs are as many."""
        names = getattr(self.preprocessing, "classes", None) if self.classes is None else self.classes
        if self.classes is None and names is not None:
            shapes = self._ends[3]
            if len(shapes) != 1 or (shapes[0][-1:] != (len(names),) and not (len(names) == 2 and shapes[0] == (1,))):
                return None
        return None if names is None else list(names)

    def _one_or_list(self, arrays: Sequence[np.ndarray]) -> Any:
        return arrays[0] if len(arrays) == 1 else list(arrays)


class _Code:
    """The code of a Function layer."""

    def __init__(self, forward: Callable[..., Any], backward: Callable[..., Any] | None) -> None:
        self.forward = forward
        self.backward = backward if backward is not None else _no_backward


def _no_backward(*arguments: Any) -> Any:
    raise ValueError("a Function layer without backward cannot be trained: give it backward=")
