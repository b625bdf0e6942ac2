"""cnn, through its public Python surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from workloads import ADAM, Layer, Workload

from .base import CannotTakePart, Peer, Variant, Weights


class Library(Peer):
    """`Network.fit` and `Network.predict`."""

    title = "cnn"
    packages = ("cnn", "numpy")

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        axes = dict(super().axes(workload))
        if workload.kind == "train" and workload.period:
            axes["cycle"] = (False, True)
        return axes

    @classmethod
    def environment(cls, variant: Variant) -> dict[str, str]:
        return {**super().environment(variant), "CNN_NUM_THREADS": str(variant.get("threads", 1))}

    def prepare(self) -> None:
        import cnn

        w = self.workload
        self.cnn = cnn
        if w.image:
            self.net = cnn.Network([cnn.Input(w.image), *map(self._layer, w.layers)], dtype=w.dtype, seed=0)
        else:
            self.net = cnn.Network(list(w.sizes), activation=w.hidden, output=w.output, dtype=w.dtype, seed=0)
        flat = [a for pair in w.weights() for a in pair]
        self.initial = dict(zip(self.net.parameters, flat, strict=True))
        self.net.set_parameters(self.initial)

    def _layer(self, layer: Layer) -> Any:
        cnn = self.cnn
        if layer.kind == "conv":
            return cnn.Conv2D(layer.units, layer.kernel, padding=layer.padding, activation=layer.activation)
        if layer.kind == "dense":
            return cnn.Dense(layer.units, activation=layer.activation)
        return {"pool": lambda: cnn.MaxPool2D(2), "average": cnn.GlobalAvgPool2D, "flatten": cnn.Flatten}[layer.kind]()

    def load(self, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
        self.data = (x, y)
        self.fit = {
            "epochs": epochs,
            "batch_size": self.workload.batch,
            "shuffle": False,
            "loss": self.workload.loss,
            "verbose": 0,
        }

    def reset(self) -> None:
        w = self.workload
        self.net.set_parameters(self.initial)
        if w.optimizer == "sgd":
            self.optimizer = self.cnn.SGD(w.lr)
        else:
            self.optimizer = self.cnn.Adam(w.lr, betas=(ADAM["beta1"], ADAM["beta2"]), eps=ADAM["eps"])

    def train(self) -> None:
        self.net.fit(*self.data, optimizer=self.optimizer, **self.fit)

    def weights(self) -> Weights:
        flat = list(self.net.parameters.values())
        return list(zip(flat[::2], flat[1::2], strict=True))

    def predictor(self, x: list[np.ndarray]) -> tuple[Callable[[Any], Any], list[Any]]:
        return self.net.predict, x

    def information(self) -> dict[str, Any]:
        return {"version": self.cnn.__version__, "isa": self.cnn.cpu.current(), "threads": self.cnn.get_num_threads()}


class WithOut(Library):
    """`predict(x, out=)`: into an array of the caller's."""

    title = "cnn, predict(x, out=)"

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        if workload.kind != "predict":
            raise CannotTakePart("another way to predict")
        return super().axes(workload)

    def predictor(self, x: list[np.ndarray]) -> tuple[Callable[[Any], Any], list[Any]]:
        out = np.empty((self.workload.batch, self.workload.sizes[-1]), np.float32)
        predict = self.net.predict
        return lambda a: predict(a, out=out), x


class WithSession(WithOut):
    """`net.session(max_batch).run(x)`: a prepared snapshot."""

    title = "cnn, session.run(x)"

    def predictor(self, x: list[np.ndarray]) -> tuple[Callable[[Any], Any], list[Any]]:
        return self.net.session(max_batch=self.workload.batch).run, x
