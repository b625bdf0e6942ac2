"""FANN, from C: Debian's libfann-dev (`apt-get install libfann-dev`)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import machine
import numpy as np
from workloads import Workload

from ..base import CannotTakePart, Peer, Weights


class Library(Peer):
    """Its double version, `fann_train` a sample. The loop over samples is C."""

    title = "FANN (C)"

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        if workload.kind == "predict":
            raise CannotTakePart("2.2 has neither ReLU nor softmax; called from C")
        if workload.optimizer != "sgd":
            raise CannotTakePart("2.2 has no Adam and no mini-batches")
        return {"threads": (1,), "cycle": (True,)}

    def tolerance(self) -> float:
        """Its rate is a float: 0.2f is 1.5e-8 from 0.2."""
        return max(self.workload.tolerance, 1e-6)

    def prepare(self) -> None:
        source = Path(__file__).with_name("fann.c")
        self.library = ctypes.CDLL(str(machine.compiled(source, libraries=("-ldoublefann", "-lm"), shared=True)))
        self.library.bench_create.restype = ctypes.c_void_p
        sizes = self.workload.sizes
        # It trains half the square of the error of each output: the mean over outputs has 2 / outputs times that gradient.
        rate = self.workload.lr * 2 / sizes[-1]
        array = (ctypes.c_uint * len(sizes))(*sizes)
        self.net = ctypes.c_void_p(self.library.bench_create(array, len(sizes), ctypes.c_double(rate)))
        self.shape = (array, ctypes.c_uint(len(sizes)))
        self.initial = np.concatenate([a.ravel() for pair in self.workload.weights() for a in pair])

    def load(self, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
        self.data = (x, y)
        pointers = (ctypes.c_void_p(a.ctypes.data) for a in (x, y))
        self.arguments = (self.net, *pointers, ctypes.c_size_t(len(x)), ctypes.c_size_t(epochs))

    def reset(self) -> None:
        self.library.bench_set(self.net, *self.shape, ctypes.c_void_p(self.initial.ctypes.data))

    def train(self) -> None:
        self.library.bench_train(*self.arguments)

    def weights(self) -> Weights:
        flat = np.empty_like(self.initial)
        self.library.bench_get(self.net, *self.shape, ctypes.c_void_p(flat.ctypes.data))
        layers, at = [], 0
        for w, b in self.workload.weights():
            layers.append((flat[at : at + w.size].reshape(w.shape), flat[at + w.size : at + w.size + b.size]))
            at += w.size + b.size
        return layers
