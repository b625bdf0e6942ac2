"""What a library must do to take part. One module a library; none is imported before its own process runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from workloads import Workload

Weights = list[tuple[np.ndarray, np.ndarray]]
Variant = dict[str, Any]


class CannotTakePart(Exception):
    """The reason, as the table says it."""


class Peer:
    """One library at work on one workload, in a process of its own.

    A training peer is given its data by `load`, goes back to the initial weights and a fresh optimizer by `reset`, and trains by `train`.
    A predicting peer returns from `predictor` what is called once a prediction.
    """

    title = ""
    packages: tuple[str, ...] = ()

    def __init__(self, workload: Workload, variant: Variant) -> None:
        self.workload = workload
        self.variant = variant
        self.threads = int(variant.get("threads", 1))

    # ---- Asked before anything is imported

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        """Settings to try, one after the other; of each the best is kept, the first value being where it begins.

        A value that is a dict stands for several settings that belong together.

        Raises
        ------
        CannotTakePart
            When the library cannot do this workload.
        """
        return {"threads": (1,) if workload.small else (2, 1) if workload.image else (1, 2)}

    @classmethod
    def environment(cls, variant: Variant) -> dict[str, str]:
        """Environment variables of the process."""
        n = str(variant.get("threads", 1))
        return dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), n)

    def trained_loss(self) -> tuple[str, float]:
        """The loss that is trained, and the factor of the rate: another than the workload's only where the library has no choice."""
        return self.workload.loss, 1.0

    def tolerance(self) -> float:
        """How closely it must agree with the reference."""
        return self.workload.tolerance

    # ---- The work

    def prepare(self) -> None:
        """Import the library, make the network with the workload's initial weights."""
        raise NotImplementedError

    def load(self, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
        """Take the training data; `train` will go `epochs` times over them, in order."""
        raise NotImplementedError

    def reset(self) -> None:
        """Initial weights, fresh optimizer."""
        raise NotImplementedError

    def train(self) -> None:
        """Go over the data; return when all is done. This is what is timed."""
        raise NotImplementedError

    def weights(self) -> Weights:
        """The weights now, as (out, in), of a convolution (out, in, height, width), and (out,)."""
        raise NotImplementedError

    def predictor(self, x: list[np.ndarray]) -> tuple[Any, list[Any]]:
        """A function and its arguments, one for each of the arrays x: f(argument) gives the prediction as an array.

        Each x is (batch, in), or (batch, channels, height, width).

        What turns a NumPy array into the library's own is part of the function where a caller would have to do it each time.
        """
        raise NotImplementedError

    def information(self) -> dict[str, Any]:
        """What else the result should say."""
        return {}


def one_cpu() -> None:
    """Leave this process one CPU: for libraries that size their threads by it and have no better switch."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def fresh(weights: Weights) -> Weights:
    """Copies."""
    return [(w.copy(), b.copy()) for w, b in weights]


def channels_last(workload: Workload, weights: Weights) -> Weights:
    """As libraries want them whose images are (n, height, width, channels): (height, width, in, out), and (in, out)."""
    turned = []
    for w, b, conv, flat in _layers(workload, weights):
        if flat:
            w = w.reshape(-1, *flat).transpose(0, 2, 3, 1).reshape(len(w), -1)
        turned.append((np.ascontiguousarray(w.transpose(2, 3, 1, 0) if conv else w.T), b))
    return turned


def channels_first(workload: Workload, weights: Weights) -> Weights:
    """Back again."""
    turned = []
    for w, b, conv, flat in _layers(workload, weights):
        w = w.transpose(3, 2, 0, 1) if conv else w.T
        if flat:
            w = w.reshape(-1, *flat[1:], flat[0]).transpose(0, 3, 1, 2).reshape(len(w), -1)
        turned.append((w, b))
    return turned


def _layers(workload: Workload, weights: Weights) -> Iterator[tuple[np.ndarray, np.ndarray, bool, tuple[int, ...]]]:
    """Weights and biases, whether a convolution's, and, of a layer that takes an image in one row, the shape of that."""
    left, flat = iter(weights), ()
    for layer, before, _ in workload.walk():
        if layer.kind == "flatten":
            flat = before
        elif layer.units:
            yield *next(left), layer.kind == "conv", flat
            flat = ()
