"""The seed's tutorial in plain Python, with the repairs that tests/reference/seed.py lists."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import common
import numpy as np
from workloads import Workload

from .base import CannotTakePart, Peer, Weights


class Library(Peer):
    """Its network is 2-2-1 and nothing else."""

    title = "the seed's Python"

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        if workload.sizes != (2, 2, 1):
            raise CannotTakePart("is 2-2-1 only")
        return {"threads": (1,), "cycle": (True,)}

    def prepare(self) -> None:
        sys.path.insert(0, str(common.ROOT / "tests"))
        from reference.seed import NeuralNetwork

        self.kind = NeuralNetwork

    def load(self, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
        self.data = (x.tolist(), y.ravel().tolist())
        self.epochs = epochs

    def reset(self) -> None:
        (w1, b1), (w2, b2) = self.workload.weights()
        self.net = self.kind([*w1.ravel(), *w2.ravel()], [*b1, *b2])

    def train(self) -> None:
        self.net.train(*self.data, learn_rate=self.workload.lr, epochs=self.epochs)

    def weights(self) -> Weights:
        w, b = np.array(self.net.weights), np.array(self.net.biases)
        return [(w[:4].reshape(2, 2), b[:2]), (w[4:].reshape(1, 2), b[2:])]
