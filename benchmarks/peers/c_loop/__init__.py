"""The hand-written loop in C for XOR: the limit, not a peer."""

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
    """xor.c"""

    title = "hand-written C loop"

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        if workload.name != "xor":
            raise CannotTakePart("written for XOR 2-2-1 only")
        return {"threads": (1,), "cycle": (True,)}

    def prepare(self) -> None:
        library = ctypes.CDLL(
            str(machine.compiled(Path(__file__).with_name("xor.c"), "-ffp-contract=fast", shared=True))
        )
        self.function = library.xor_train
        self.function.restype = None
        self.w = np.zeros(9)

    def load(self, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
        self.data = (x, y)
        pointers = (ctypes.c_void_p(a.ctypes.data) for a in (self.w, x, y))
        numbers = (ctypes.c_size_t(len(x)), ctypes.c_size_t(epochs), ctypes.c_double(self.workload.lr))
        self.arguments = (*pointers, *numbers)

    def reset(self) -> None:
        self.w[:] = np.concatenate([a.ravel() for pair in self.workload.weights() for a in pair])

    def train(self) -> None:
        self.function(*self.arguments)

    def weights(self) -> Weights:
        w = self.w
        return [(w[:4].reshape(2, 2), w[4:6]), (w[6:8].reshape(1, 2), w[8:9])]
