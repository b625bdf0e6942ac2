"""The compiled bindings. Private: `cnn`'s own modules use them, people use `cnn`.

Arrays: "array" means anything with a buffer or `__array__` (already made an ndarray by the caller of these functions where it was a list).
Names of ops, attributes, activations, losses, optimizers, metrics and initial weights are those of cnn.h.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

OPS: dict[str, int]
ATTRIBUTES: dict[str, int]
ATTRIBUTE_TYPES: dict[str, str]
ACTIVATIONS: dict[str, int]
LOSSES: dict[str, int]
OPTIMIZERS: dict[str, int]
INITS: dict[str, int]
METRICS: dict[str, int]

class BusyError(RuntimeError): ...

class ModelFileError(ValueError):
    foreign: bool
    """It may be a safetensors file that another tool has rewritten."""

def isa_available() -> list[str]: ...
def isa_current() -> str: ...
def isa_use(name: str | None) -> None: ...
def environment_errors() -> list[str]:
    """What is wrong with CNN_ISA and CNN_NUM_THREADS, as sentences."""

def pool_threads() -> int: ...
def pool_set_threads(n: int) -> None: ...
def cpu_count() -> int: ...
def version() -> tuple[int, int, int]: ...
def optimizer_defaults(kind: str) -> dict[str, float]: ...
def schedule_at(schedule: tuple[Any, ...], epoch: float) -> float: ...
def allocations() -> tuple[int, int]:
    """(made so far, alive now) in the engine's allocator."""

def fail_allocation_after(n: int) -> None: ...
def threads_always_ready(always: bool) -> None: ...
def philox(counter: Sequence[int], key: Sequence[int], blocks: int) -> np.ndarray: ...
def random_permutation(seed: int, purpose: int, epoch: int, n: int) -> np.ndarray:
    """uint32; purpose 2 is shuffling, 6 is splitting."""

def augment_images(spec: dict[str, Any], X: Any, seed: Any, epoch: int, step: int, dtype: str) -> np.ndarray:
    """Images (n, channels, height, width) as training changes them in this epoch and step, in dtype. spec: the fields of cnn_augment."""

def kernel(isa: str, name: str, *arrays: Any) -> bool:
    """For tests: one elementwise row of the kernel table on C-contiguous arrays of one dtype and shape, the last written: ("exp", x, y),
    ("softmax_forward", z, y), ("softmax_backward", dy, y, dz), ("relu_forward", z, constants, y), ("relu_backward", dy, z, y, constants, dz).
    False when the instruction set has no such row."""

class Builder:
    def add(self, op: str, inputs: Sequence[int], /, **attributes: Any) -> int:
        """The first output value's number. Attributes by the names of cnn.h: ints, floats, str, or sequences of ints."""

class Network:
    """The compiled part of `cnn.Network`, which subclasses it. Holds the cnn_network and the gate of readers and one writer."""

    def _build(self, builder: Builder, outputs: Sequence[int], dtype: str, seed: int) -> None: ...
    def _open(self, path: str) -> dict[str, Any]:
        """What was saved with the network beside its values: arrays by name."""
    def _open_bytes(self, data: Any) -> dict[str, Any]: ...
    def _open_parts(self, record: Any, data_bytes: int) -> None:
        """From the bytes of a `__cnn__` tensor alone; values are 0."""
    @staticmethod
    def _extras(path: str) -> dict[str, Any]:
        """What was saved with the network in a file: arrays by name."""
    def _save(self, path: str, extras: dict[str, Any] | None = None) -> None: ...
    def _save_bytes(self, extras: dict[str, Any] | None = None) -> bytes: ...
    def _save_state(self, path: str, extras: dict[str, Any]) -> None:
        """A file of extras alone, which only this network (its graph and dtype) reads."""
    def _open_state(self, path: str) -> dict[str, Any]: ...
    def _clone_from(self, other: Network, dtype: str | None = None) -> None:
        """Graph, values, metadata and the code of Function layers."""
    def _initialize(self, seed: int) -> None: ...
    _built: bool
    _dtype: str
    _seed: int
    _version: int
    _views: int
    """Buffer exports of the parameters that are alive."""
    def _nodes(self) -> list[dict[str, Any]]:
        """Of each node: op, name, inputs, output, n_outputs, attributes (dict), blocks (numbers), shares."""
    def _blocks(self) -> list[dict[str, Any]]:
        """Of each block: name, node, kind ("weight", "buffer", "constant"), shape, trainable, lr_scale, l1, l2, max_norm, count."""
    def _values(self) -> list[tuple[str, tuple[int | None, ...]]]:
        """Of each value: dtype ("float32", "float64", "int32", "int64"), shape (None: open)."""
    _inputs: list[int]
    _outputs: list[int]
    def _block(self, index: int) -> np.ndarray:
        """A writable view of a block's values (counted: the arena lives as long as any view; versions count when one is released).
        An ndarray hides it from the garbage collector: a network that keeps a view of itself is never freed."""
    def _set_block(self, index: int, trainable: bool, lr_scale: float) -> None: ...
    def _arena(self) -> bytes: ...
    def _set_arena(self, data: bytes) -> None: ...
    def _mix_from(self, other: Network, tau: float) -> None: ...
    def _metadata(self) -> dict[str, str]: ...
    def _set_metadata(self, key: str, value: str | None) -> None: ...
    def _set_function(self, node: int, function: Any) -> None:
        """The code of a Function layer; None takes it away. forward(x) -> y, backward(x, y, dy) -> dx; with parameters forward(x, parameters) and
        backward(x, y, dy, parameters) -> (dx, {name: gradient}). x and dx are lists where the layer has several inputs; dx None is zero."""
    def predict(
        self, X: Any, *, batch_size: int | None = None, lengths: Any = None, out: Any = None, check: bool = True
    ) -> Any:
        """The exact case at once (one input and output, C-contiguous, native, the network's dtype, the right width); else self._predict_any(X, ...)."""
    def _predict_any(self, X: Any, batch_size: Any, lengths: Any, out: Any, check: Any) -> Any: ...
    def _run(
        self,
        inputs: Sequence[np.ndarray],
        values: Sequence[int] | None = None,
        training: bool = False,
        outputs: Sequence[np.ndarray] | None = None,
        lengths: np.ndarray | None = None,
    ) -> list[np.ndarray]: ...
    def _session(self, max_batch: int = 1) -> Session: ...
    def _prediction_memory(self) -> tuple[int, int]: ...

class Session:
    max_batch: int
    def run(self, x: Any, out: Any = None) -> Any:
        """Rows (n, ...), or one row without its axis; a list of arrays where the network has several inputs."""
    def refresh(self) -> None: ...

class Trainer:
    """One trainer of one network. losses: one a network output, None to infer, (name, constant, weight), or (callable, 0.0, weight); None
    altogether for a trainer whose gradients come from outside (forward and backward). metrics: (name, constant, output)."""

    def __init__(
        self,
        network: Network,
        losses: Sequence[tuple[Any, ...] | None] | None,
        optimizer: str,
        options: dict[str, float],
        max_batch: int,
        input_gradients: bool = False,
    ) -> None: ...
    network: Network
    max_batch: int
    optimizer: str
    lr: float
    losses: list[str]
    """Resolved names ("custom" for a callable)."""
    @property
    def memory(self) -> tuple[int, int, int]: ...
    @property
    def pace(self) -> tuple[bool, float, float]:
        """Whether the next step is one thread's alone, and what a row cost at last: milliseconds with the team and alone, 0: not known."""

    @pace.setter
    def pace(self, alone: bool) -> None: ...
    classes: list[int]
    """Of each output, classes that labels may name; 0: targets are numbers."""
    def fit(
        self,
        train: Any,
        validation: Any = None,
        *,
        epochs: int,
        batch_rows: int,
        steps_per_epoch: int = 0,
        first_epoch: int = 0,
        shuffle: bool = True,
        on_nan: str = "raise",
        metrics: Sequence[tuple[Any, ...]] = (),
        schedule: tuple[Any, ...] | None = None,
        epoch_begin: Callable[..., Any] | None = None,
        epoch_end: Callable[..., Any] | None = None,
        batch_begin: Callable[..., Any] | None = None,
        batch_end: Callable[..., Any] | None = None,
        tick: Callable[..., Any] | None = None,
        reduce: Callable[..., Any] | None = None,
        functions: Sequence[Callable[..., Any]] = (),
        augment: dict[str, Any] | None = None,
    ) -> tuple[list[list[float]], str]:
        """All epochs. train, validation: (inputs, targets, weights) with lists of arrays (weights float64 (n,) or (n, steps), or None), or a
        callable(epoch, batch) -> such a triple or None at the end of the epoch; lengths may be a fourth part. schedule: (kind, lr, constants, warmup) with kind "constant",
        "step", "exponential", "cosine", "one_cycle", or (callable, lr). Hooks: epoch_begin(epoch), epoch_end(epoch, record),
        batch_begin(epoch, batch), batch_end(epoch, batch, loss), tick(epoch, batch, loss); a true result stops. Ctrl-C raises KeyboardInterrupt.
        functions: metrics in Python, f(y_true, y_pred) of the first output: each is appended to the record's metrics.
        augment: of the training batches' images, as augment_images takes it.
        Returns the figures of the epochs done, a list each (loss, penalty, lr, *metrics, *functions, then val_loss, *val_metrics, *val_functions),
        and "done" or "stopped". When an
        exception ends the fit, the figures so far are in self.columns."""
    columns: list[list[float]]
    def evaluate(
        self,
        data: Any,
        *,
        batch_rows: int,
        metrics: Sequence[tuple[Any, ...]] = (),
        functions: Sequence[Callable[..., Any]] = (),
    ) -> list[float]: ...
    def step(self, data: Any, *, training: bool = True, apply: bool = True) -> tuple[float, float]:
        """(loss, penalty) of one batch; the gradient, and with apply the update."""
    def forward(
        self, inputs: Sequence[np.ndarray], training: bool, lengths: np.ndarray | None = None
    ) -> list[np.ndarray]: ...
    def backward(self, gradients: Sequence[Any], accumulate: bool) -> list[Any]:
        """dL/d(inputs), an array each: zeros without input_gradients, None for an integer input."""
    def apply(self) -> None: ...
    def gradient(self, block: int) -> np.ndarray | None:
        """A copy."""
    def set_optimizer(self, kind: str, options: dict[str, float]) -> None: ...
    epoch: int
    step_count: int
    def state(self) -> dict[str, np.ndarray]:
        """Slots and counters, to be saved beside the network ("counters", "slot0", ...), as cnn_trainer_save_state writes them."""
    def set_state(self, state: dict[str, np.ndarray]) -> None: ...
