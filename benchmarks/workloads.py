"""What is measured: networks, data, initial weights, optimizers. Every library gets the same; nothing here knows a library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


@dataclass(frozen=True)
class Layer:
    """One layer of a network of images.

    Attributes
    ----------
    kind : {"conv", "pool", "average", "flatten", "dense"}
        Stride 1; the largest of 2 x 2; the mean of each channel.
    units, kernel, padding : int
    activation : str
    """

    kind: str
    units: int = 0
    kernel: int = 0
    padding: int = 0
    activation: str = "linear"


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes
    ----------
    name, title : str
    kind : {"train", "predict"}
    sizes : tuple of int
        Units of each layer, the inputs first; of a network of images the first and the last.
    hidden, output : str
        Activations.
    dtype : {"float32", "float64"}
    batch : int
        Rows of a training step, or of one call of predict.
    rows : int
        Of the whole training set; the number of different rows of a prediction.
    period : int
        After so many rows the training data repeat (0: never): a library may go round them instead.
    loss, optimizer : str
        For training.
    lr : float
    check_epochs, check_rows : int
        What is trained before the agreement is judged.
    tolerance : float
        Largest relative difference of the loss after that (training), or largest difference of an output (prediction).
    bars : dict of str to float
        What time of a library / time of ours must at least be; "best": of the best peer.
    image : tuple of int
        (channels, height, width), and then `layers` are the network.
    layers : tuple of Layer
    """

    name: str
    title: str
    kind: str
    sizes: tuple[int, ...]
    hidden: str
    output: str
    dtype: str
    batch: int
    rows: int
    tolerance: float
    bars: dict[str, float] = field(default_factory=dict)
    period: int = 0
    loss: str = ""
    optimizer: str = ""
    lr: float = 1e-3
    check_rows: int = 0
    check_epochs: int = 1
    image: tuple[int, ...] = ()
    layers: tuple[Layer, ...] = ()

    def walk(self) -> Iterator[tuple[Layer, tuple[int, ...], tuple[int, ...]]]:
        """Each layer of a network of images, with the shape that it gets and the one that it gives, rows left out."""
        shape = self.image
        for layer in self.layers:
            before = shape
            if layer.kind == "conv":
                shape = (layer.units, *(n + 2 * layer.padding - layer.kernel + 1 for n in before[1:]))
            elif layer.kind == "pool":
                shape = (before[0], before[1] // 2, before[2] // 2)
            elif layer.kind == "average":
                shape = before[:1]
            else:
                shape = (layer.units or int(np.prod(before)),)
            yield layer, before, shape

    def shapes(self) -> list[tuple[tuple[int, ...], int]]:
        """Of each layer with weights: the weight's shape, (out, in) or (out, in, height, width), and its uses for one row."""
        if not self.image:
            return [((b, a), 1) for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        found: list[tuple[tuple[int, ...], int]] = []
        for layer, before, after in self.walk():
            if layer.kind == "conv":
                found.append(((layer.units, before[0], layer.kernel, layer.kernel), after[1] * after[2]))
            elif layer.kind == "dense":
                found.append(((layer.units, before[0]), 1))
        return found

    @property
    def unit(self) -> str:
        """What a figure is the time of."""
        return "step" if self.kind == "train" else "call"

    @property
    def multiply_adds(self) -> int:
        """Of one step or call: the forward products; for training also both backward ones, the first layer without its input's gradient.

        Of convolutions by their definition, zeros around the image counted: Winograd's way needs fewer.
        """
        products = [int(np.prod(shape)) * uses for shape, uses in self.shapes()]
        total = sum(products)
        if self.kind == "train":
            total += sum(products) + sum(products[1:])
        return total * self.batch

    @property
    def parameters(self) -> int:
        """How many numbers the weights and biases are."""
        return sum(int(np.prod(shape)) + shape[0] for shape, _ in self.shapes())

    @property
    def item(self) -> int:
        """Bytes of a number."""
        return np.dtype(self.dtype).itemsize

    @property
    def small(self) -> bool:
        """Whether a second thread could not pay: a step is too short to hand it over."""
        return self.multiply_adds < 20_000

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Initial (weight (out, in) or (out, in, height, width), bias (out,)) of each layer."""
        rng = np.random.default_rng(1234)
        layers = []
        for shape, _ in self.shapes():
            b, a = shape[0], int(np.prod(shape[1:]))
            if self.image:
                w, bias = rng.normal(size=shape) * np.sqrt(2 / a), 0.1 * rng.normal(size=b)
            elif self.hidden == "sigmoid":  # small enough that no unit comes where FANN clips its slope
                scale = 1.0 if self.name == "xor" else 0.7
                w, bias = (scale * rng.normal(size=shape) for shape in ((b, a), b))
            else:
                w, bias = rng.normal(size=(b, a)) / np.sqrt(a), 0.1 * rng.normal(size=b)
            layers.append((w.astype(self.dtype), bias.astype(self.dtype)))
        return layers

    def data(self, rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (rows, in), or (rows, channels, height, width), and targets.

        Those are class indices (int64) for cross_entropy, else (rows, out) numbers.

        Targets are a random network's with noise, so that the loss stays away from 0 and gradients from denormal numbers.
        """
        rows = self.rows if rows is None else rows
        rng = np.random.default_rng(99)
        made = self.period or self.rows
        if self.name == "xor":
            x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=self.dtype)
            y = np.array([[0], [1], [1], [0]], dtype=self.dtype)
        else:
            inputs = (made, self.sizes[0])
            x = (
                rng.uniform(-1, 1, inputs)
                if self.hidden == "sigmoid"
                else rng.standard_normal(inputs, dtype=self.dtype)
            )
            z = np.tanh(x @ rng.normal(size=(self.sizes[0], self.sizes[-1])).astype(self.dtype) / 2)
            z += 0.5 * rng.normal(size=z.shape).astype(self.dtype)
            if self.loss == "cross_entropy":
                y = z.argmax(axis=1).astype(np.int64)
            elif self.output == "sigmoid":
                y = (z > 0).astype(self.dtype)
            else:
                y = z
        if rows > len(x):
            x, y = (np.tile(a, (-(-rows // len(a)),) + (1,) * (a.ndim - 1)) for a in (x, y))
        return np.ascontiguousarray(x[:rows]).reshape(rows, *(self.image or x.shape[1:])), np.ascontiguousarray(
            y[:rows]
        )


def _train(name: str, title: str, sizes: tuple[int, ...], **more: object) -> Workload:
    base = {"hidden": "relu", "output": "softmax", "dtype": "float32", "loss": "cross_entropy", "optimizer": "adam"}
    return Workload(name=name, title=title, kind="train", sizes=sizes, **{**base, "tolerance": 1e-3, **more})


def _tutorial(name: str, title: str, sizes: tuple[int, ...], period: int, **more: object) -> Workload:
    kind = {"hidden": "sigmoid", "output": "sigmoid", "dtype": "float64", "loss": "mse", "optimizer": "sgd", "lr": 0.1}
    return _train(
        name, title, sizes, **kind, batch=1, rows=12_800, period=period, check_rows=1024, tolerance=1e-9, **more
    )


def _predict(name: str, sizes: tuple[int, ...], batch: int, at_least: float = 0) -> Workload:
    rows = 64 if batch == 1 else 2 * batch
    text = "one row" if batch == 1 else f"{batch:,} rows"
    title = f"{'-'.join(map(str, sizes))} predict, {text}, from Python"
    kind = {"hidden": "relu", "output": "softmax", "dtype": "float32", "loss": "cross_entropy"}
    return Workload(
        name,
        title,
        "predict",
        sizes,
        batch=batch,
        rows=rows,
        tolerance=2e-5,
        bars={"best": at_least} if at_least else {},
        **kind,
    )


_LENET = (  # LeNet-5 as it is built today: ReLU, the largest of 2 x 2, softmax
    (1, 28, 28),
    (
        Layer("conv", 6, 5, 2, "relu"),
        Layer("pool"),
        Layer("conv", 16, 5, 0, "relu"),
        Layer("pool"),
        Layer("flatten"),
        Layer("dense", 120, activation="relu"),
        Layer("dense", 84, activation="relu"),
        Layer("dense", 10, activation="softmax"),
    ),
)
_STACK = (
    (3, 32, 32),
    (
        Layer("conv", 32, 3, 1, "relu"),
        Layer("conv", 32, 3, 1, "relu"),
        Layer("pool"),
        Layer("conv", 64, 3, 1, "relu"),
        Layer("conv", 64, 3, 1, "relu"),
        Layer("pool"),
        Layer("conv", 128, 3, 1, "relu"),
        Layer("average"),
        Layer("dense", 10, activation="softmax"),
    ),
)


def _images(
    name: str, title: str, network: tuple[tuple[int, ...], tuple[Layer, ...]], batch: int, at_least: float, **more: int
) -> Workload:
    image, layers = network
    sizes = (int(np.prod(image)), layers[-1].units)
    kind = {"image": image, "layers": layers, "batch": batch, "bars": {"best": at_least}}
    if more:
        return _train(name, f"{title} training, batch {batch}, Adam", sizes, **kind, **more)
    text = "one image" if batch == 1 else f"{batch:,} images"
    return Workload(
        name,
        f"{title} predict, {text}, from Python",
        "predict",
        sizes,
        hidden="relu",
        output="softmax",
        dtype="float32",
        rows=64 if batch == 1 else 2 * batch,
        tolerance=2e-5,
        loss="cross_entropy",
        **kind,
    )


_STACKED = "3x32x32, 3x3: 32, 32, pool, 64, 64, pool, 128, mean, 10:"
_ALL = (
    _tutorial(
        "xor",
        "XOR 2-2-1 step, float64, batch 1",
        (2, 2, 1),
        4,
        bars={"jax": 1.1, "seed": 150, "fann": 50, "c-loop": 1 / 1.6},
    ),
    _tutorial("net-3-5-2", "3-5-2 step, float64, batch 1", (3, 5, 2), 64),
    _tutorial("net-2-8-8-1", "2-8-8-1 step, float64, batch 1", (2, 8, 8, 1), 64),
    _train(
        "small-adam",
        "4-16-3 training, batch 16, Adam",
        (4, 16, 3),
        batch=16,
        rows=16_000,
        check_rows=800,
        bars={"best": 25},
    ),
    _train(
        "full-batch",
        "4-32-16-4 tanh, full batch of 10,000, Adam",
        (4, 32, 16, 4),
        hidden="tanh",
        output="linear",
        loss="mse",
        batch=10_000,
        rows=10_000,
        check_rows=10_000,
        check_epochs=20,
        bars={"jax": 4, "torch": 10},
    ),
    _train(
        "full-batch-relu",
        "4-32-16-4 ReLU, full batch of 10,000, Adam",
        (4, 32, 16, 4),
        output="linear",
        loss="mse",
        batch=10_000,
        rows=10_000,
        check_rows=10_000,
        check_epochs=20,
    ),
    _train(
        "mnist-step",
        "784-128-10 training, batch 32, Adam",
        (784, 128, 10),
        batch=32,
        rows=12_800,
        check_rows=960,
        bars={"best": 2},
    ),
    _train(
        "wide-step",
        "784-1024-1024-10 training, batch 256, Adam",
        (784, 1024, 1024, 10),
        batch=256,
        rows=2560,
        check_rows=1280,
        lr=1e-4,
        bars={"best": 1.3},
    ),
    _train(
        "wider-step",
        "2048-2048-2048-10 training, batch 512, Adam",
        (2048, 2048, 2048, 10),
        batch=512,
        rows=2048,
        check_rows=1024,
        lr=1e-4,
        bars={"best": 1.2},
    ),
    _predict("row-small", (4, 16, 3), 1, 15),
    _predict("row-mnist", (784, 128, 10), 1, 3),
    _predict("row-wide", (784, 1024, 1024, 10), 1, 1.5),
    _predict("few-mnist", (784, 128, 10), 8),
    _predict("few-wide", (784, 1024, 1024, 10), 8),
    _predict("some-mnist", (784, 300, 100, 10), 100),
    _predict("rows-mnist", (784, 128, 10), 2000, 1.0),
    _predict("rows-wide", (784, 1024, 1024, 10), 2000, 1.3),
    _predict("rows-wider", (2048, 2048, 2048, 10), 2000, 1.1),
    _images("lenet-step", "LeNet-5", _LENET, 32, 6, rows=1920, check_rows=640),
    _images("lenet-image", "LeNet-5", _LENET, 1, 2.5),
    _images("lenet-images", "LeNet-5", _LENET, 1000, 1.5),
    _images("stack-step", _STACKED, _STACK, 32, 1.4, rows=640, check_rows=256),
    _images("stack-image", _STACKED, _STACK, 1, 1.1),
    _images("stack-images", _STACKED, _STACK, 1000, 1.0),
)
WORKLOADS = {w.name: w for w in _ALL}
