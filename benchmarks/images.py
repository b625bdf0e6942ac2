"""The float64 reference of a network of images: the definitions of tests/reference, as products that do not take hours for a batch."""

from __future__ import annotations

import sys
from typing import Any

import common
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from workloads import Workload

sys.path.insert(0, str(common.ROOT / "tests"))
from reference import activations, convolutions, layers, pooling
from reference.network import Network

ROWS = 64  # at a time, so that the windows of a thousand images need not be in memory


def conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, padding: int) -> np.ndarray:
    """(n, filters, height, width)"""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(x, weight.shape[2:], (2, 3))
    y = np.tensordot(windows, weight, ((1, 4, 5), (1, 2, 3))) + bias
    return np.ascontiguousarray(y.transpose(0, 3, 1, 2))


def conv_backward(x: np.ndarray, weight: np.ndarray, dy: np.ndarray, padding: int) -> tuple[np.ndarray, ...]:
    """(dx, dweight, dbias)"""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(padded, weight.shape[2:], (2, 3))
    dweight = np.tensordot(dy, windows, ((0, 2, 3), (0, 2, 3)))
    turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    dx = conv(dy, turned, np.zeros(len(turned)), weight.shape[2] - 1 - padding)
    return dx, dweight, dy.sum(axis=(0, 2, 3))


def _taps(x: np.ndarray) -> np.ndarray:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)


def pool(x: np.ndarray) -> np.ndarray:
    """The largest of 2 x 2."""
    return _taps(x).max(axis=-1)


def pool_backward(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """To the first of the largest."""
    n, c, h, w = x.shape
    d = (np.arange(4) == _taps(x).argmax(axis=-1)[..., None]) * dy[..., None]
    return d.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(x.shape)


class ImageNetwork(Network):
    """The workload's network with these weights."""

    def __init__(self, workload: Workload, weights: list[tuple[np.ndarray, np.ndarray]]) -> None:
        left = iter(weights)
        specs: list[dict[str, Any]] = []
        for layer in workload.layers:
            spec: dict[str, Any] = {"kind": layer.kind, "activation": layer.activation, "padding": layer.padding}
            if layer.units:
                spec["weight"], spec["bias"] = next(left)
            specs.append(spec)
        super().__init__(specs)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        parts = [np.asarray(x[i : i + ROWS], np.float64) for i in range(0, len(x), ROWS)]
        return np.concatenate([self._run(part, training)[0] for part in parts])

    def _run(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        tape = []
        for spec in self.specs:
            kind = spec["kind"]
            if kind == "conv":
                z = conv(x, spec["weight"], spec["bias"], spec["padding"])
            elif kind == "pool":
                z = pool(x)
            elif kind == "average":
                z = x.mean(axis=(2, 3))
            elif kind == "flatten":
                z = x.reshape(len(x), -1)
            else:
                z = layers.dense(x, spec["weight"], spec["bias"])
            tape.append((x, z))
            x = activations.forward(spec["activation"], z)
        return x, tape

    def _back(
        self, tape: list[tuple[np.ndarray, np.ndarray]], gradient: np.ndarray, training: bool, from_sum: bool
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        grads = {}
        for spec, (x, z) in zip(reversed(self.specs), reversed(tape), strict=True):
            if not from_sum:
                gradient = activations.backward(spec["activation"], z, gradient)
            from_sum = False
            kind, name = spec["kind"], spec["name"]
            if kind == "pool":
                gradient = pool_backward(x, gradient)
            elif kind == "average":
                gradient = np.broadcast_to(gradient[:, :, None, None] / (x.shape[2] * x.shape[3]), x.shape)
            elif kind == "flatten":
                gradient = gradient.reshape(x.shape)
            else:
                if kind == "conv":
                    found = conv_backward(x, spec["weight"], gradient, spec["padding"])
                else:
                    found = layers.dense_backward(x, spec["weight"], gradient)
                gradient, grads[f"{name}.weight"], grads[f"{name}.bias"] = found
        return gradient, {name: grads[name] for name in self.parameters}


def trust() -> None:
    """Compare what is fast here with the definitions in tests/reference.

    Raises
    ------
    RuntimeError
        When they differ.
    """
    rng = np.random.default_rng(5)
    x, weight, bias = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)
    for padding in (0, 1):
        around = ((padding, padding),) * 2
        y, right = conv(x, weight, bias, padding), convolutions.conv2d(x, weight, bias, padding=around)
        dy = rng.normal(size=y.shape)
        pairs = [(y, right)]
        found = conv_backward(x, weight, dy, padding)
        pairs += zip(found, convolutions.conv2d_backward(x, weight, dy, padding=around), strict=True)
        two = ((2, 2), (2, 2), ((0, 0), (0, 0)))
        half = rng.normal(size=(2, 3, 4, 4))
        pairs += [
            (pool(x), pooling.max_pool(x, *two)),
            (pool_backward(x, half), pooling.max_pool_backward(x, half, *two)),
        ]
        if not all(a.shape == b.shape and np.allclose(a, b, 1e-12, 1e-12) for a, b in pairs):
            raise RuntimeError("images.py and tests/reference disagree")
