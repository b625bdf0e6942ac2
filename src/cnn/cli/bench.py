"""``cnn bench``: a few figures of this machine. Nothing is compared; `benchmarks/` does that."""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import cnn

from . import text
from .console import Console


def run(options: argparse.Namespace, console: Console) -> int:
    """Each figure is the best of as many rounds as fit into its share of the time."""
    share = options.seconds / 4
    found: dict[str, dict[str, Any]] = {}
    for key, (title, unit, higher, make) in _FIGURES.items():
        console.progress(f"{title} ...")
        value = _best(make(), share, higher)
        found[key] = {"title": title, "value": value, "unit": unit}
    machine = {"isa": cnn.cpu.current(), "threads": cnn.get_num_threads(), "version": cnn.__version__}
    console.say(f"cnn {machine['version']}, {machine['isa']}, {machine['threads']} threads")
    rows = [
        (f["title"], f"{f['value']:,.3g}" if f["value"] < 1000 else f"{f['value']:,.0f}", f["unit"])
        for f in found.values()
    ]
    console.say(text.table(["what", "best", ""], rows, right=(1,)), result=True)
    console.finish(
        {"machine": machine, "results": {k: {"value": f["value"], "unit": f["unit"]} for k, f in found.items()}}
    )
    return 0


def _best(measure: Callable[[], float], seconds: float, higher: bool) -> float:
    end = time.perf_counter() + seconds
    measure()  # memory and caches as they will be
    values = [measure()]
    while time.perf_counter() < end:
        values.append(measure())
    return max(values) if higher else min(values)


def _timed(work: Callable[[], Any], times: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) / times


def _xor() -> Callable[[], float]:
    X, y = cnn.datasets.xor("float64")
    net = cnn.Network([2, 2, 1], activation="sigmoid", output="sigmoid", dtype="float64", seed=0)
    epochs = 2000
    fit: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": 1,
        "shuffle": False,
        "optimizer": cnn.SGD(0.1),
        "loss": "mse",
        "verbose": 0,
    }
    return lambda: _timed(lambda: net.fit(X, y, **fit)) / (4 * epochs) * 1e9


def _one_row() -> Callable[[], float]:
    net = cnn.Network([4, 32, 16, 4], seed=0)
    x = np.ones((1, 4), np.float32)
    return lambda: _timed(lambda: net.predict(x), 2000) * 1e9


def _digits() -> Callable[[], float]:
    X, y = cnn.datasets.digits()
    net = cnn.Network([64, 64, 10], output="softmax", seed=0)
    return lambda: _timed(lambda: net.fit(X, y, epochs=5, batch_size=32, verbose=0)) / 5 * 1e3


def _product() -> Callable[[], float]:
    """One wide linear layer is a matrix product, and little else."""
    n = 1024
    net = cnn.Network([n, n], seed=0)
    x, out = np.ones((n, n), np.float32), np.empty((n, n), np.float32)
    return lambda: 2 * n**3 / _timed(lambda: net.predict(x, out=out)) / 1e9


_FIGURES: dict[str, tuple[str, str, bool, Callable[[], Callable[[], float]]]] = {
    "xor_step": ("XOR, 2-2-1, one sample a step, float64", "ns a step", False, _xor),
    "predict_one_row": ("predict one row, 4-32-16-4, from Python", "ns a call", False, _one_row),
    "digits_epoch": ("digits, 64-64-10, 1797 rows, batches of 32", "ms an epoch", False, _digits),
    "matrix_product": ("a layer of 1024x1024 on 1024 rows, float32", "GFLOP/s", True, _product),
}
