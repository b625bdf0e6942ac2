"""Networks of which it is known what they reach: each trained from some seeds, its accuracy held to a bar."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import common
import numpy as np

import cnn

Data = dict[str, np.ndarray]


class Run(NamedTuple):
    title: str
    epochs: int
    seeds: int  # so many runs, from --seed on
    train: Callable[[Data, int, int], dict[str, Any]]  # of data, epochs, seed
    figure: Callable[[dict[str, Any]], float]  # of a run; the median over the runs is held to the bar
    holds: Callable[[float], bool]
    bar: str


class _Watch(cnn.Callback):
    """Accuracy on the test images (and on others) after each epoch; seconds of the epochs alone."""

    def __init__(self, sets: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
        self.sets = sets
        self.accuracies: dict[str, list[float]] = {name: [] for name in sets}
        self.seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds += time.perf_counter() - self.start
        for name, (x, y) in self.sets.items():
            found = self.network.predict(x).argmax(axis=1)
            self.accuracies[name].append(float((found == y).mean()))
        figures = ", ".join(f"{name} {values[-1]:.4f}" for name, values in self.accuracies.items())
        print(f"  epoch {len(self.accuracies['accuracy'])}: {figures} ({self.seconds:.0f} s)", flush=True)


def train(
    net: cnn.Network, x: np.ndarray, y: np.ndarray, data: Data, epochs: int, held: Any = None, **fit: Any
) -> dict[str, Any]:
    """Accuracy on the test images, and on `held` = (x, y) where given, after each epoch; seconds of the training alone."""
    sets = {"accuracy": (data["test_x"], data["test_y"])}
    watch = _Watch(sets if held is None else {**sets, "validation": held})
    history = net.fit(x, y, epochs=epochs, verbose=0, callbacks=[watch], **fit)
    return {
        "parameters": net.count_parameters(),
        **watch.accuracies,
        "loss": [float(f"{v:.6g}") for v in history.history["loss"]],
        "seconds": round(watch.seconds, 3),
    }


def best(run: dict[str, Any]) -> float:
    return max(run["accuracy"])


def last(run: dict[str, Any]) -> float:
    return run["accuracy"][-1]


def chosen(run: dict[str, Any]) -> float:
    """Of the epoch that is best on the held-out images."""
    return run["accuracy"][int(np.argmax(run["validation"]))]


def main(text: str, name: str, runs: dict[str, Run], load: Callable[[], Data]) -> int:
    """The command line; writes benchmarks/results/<name>.json. 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument(
        "--only", choices=runs, help="one of them: of a result that is there, only this part is replaced"
    )
    parser.add_argument("--epochs", type=int, help="another number of epochs; writes no result")
    parser.add_argument("--seed", type=int, default=0, help="the first; default 0")
    args = parser.parse_args()
    data = load()
    machine = common.machine()
    results: dict[str, Any] = {}
    rows = []
    for key, run in runs.items():
        if args.only not in (None, key):
            continue
        done = []
        for seed in range(args.seed, args.seed + run.seeds):
            print(f"{run.title}, seed {seed}", flush=True)
            done.append({"seed": seed, **run.train(data, args.epochs or run.epochs, seed)})
        figures = [run.figure(r) for r in done]
        figure = statistics.median(figures)
        reached = sum(map(run.holds, figures))
        results[key] = {
            "machine": machine,
            "title": run.title,
            "bar": run.bar,
            "figure": figure,
            "holds": run.holds(figure),
            "runs_that_hold": reached,
            "runs": done,
        }
        seconds = statistics.median(r["seconds"] for r in done)
        of_runs = f"{reached} of {run.seeds}"
        rows.append(
            [run.title, f"{figure:.4f}", of_runs, f"{seconds:.1f}", run.bar + ("" if run.holds(figure) else ": MISSED")]
        )
    common.table(["network", "accuracy on test (median)", "runs that hold", "seconds a run", "must be"], rows)
    if args.epochs is None:
        path = common.RESULTS / f"{name}.json"
        former = json.loads(path.read_text(encoding="utf-8"))["results"] if args.only and path.exists() else {}
        common.write(name, {"machine": machine, "results": {**former, **results}})
    return 0 if all(r["holds"] for r in results.values()) else 1
