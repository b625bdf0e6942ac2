"""One library at work on one workload: started by run.py, in a process of its own; a line of JSON in, a line of JSON out.

    python benchmarks/worker.py LIBRARY WORKLOAD VARIANT RESULTS

It trains (or predicts) what the check asks for, leaves weights (or outputs) in the file RESULTS, and then measures as often as it is told.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import json
import os
import resource
import signal
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import peers
from workloads import WORKLOADS

# Between two resets: the moments of a unit that died shrink to denormal numbers, which are slow.
MOST_ADAM_STEPS = 20_000


def resident() -> int:
    """Bytes of memory that this process holds now."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def highest_resident() -> int:
    """Bytes of memory that this process held at most. Linux's ru_maxrss would count what its parent held when it started it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Bench:
    """A prepared library: `check` first, then `measure`."""

    def __init__(self, library: str, workload: str, variant: dict[str, Any]) -> None:
        self.workload = WORKLOADS[workload]
        self.memory = {"before_import": resident()}
        self.peer = peers.load(library)(self.workload, variant)
        self.peer.prepare()
        self.memory["prepared"] = resident()
        self.cycle = bool(variant.get("cycle"))
        self.seconds_a_unit = 0.0

    # ---- Agreement

    def check(self, results: str) -> dict[str, Any]:
        """Do what the reference did; the file gets what came out."""
        arrays = self._check_training() if self.workload.kind == "train" else self._check_prediction()
        np.savez(results, **arrays)
        loss, lr_scale = self.peer.trained_loss()
        return {
            "loss": loss,
            "lr_scale": lr_scale,
            "tolerance": self.peer.tolerance(),
            "versions": {name: version(name) for name in self.peer.packages if name != "cnn"},
            "information": self.peer.information(),
            "seconds_a_unit": self.seconds_a_unit,
        }

    def _check_training(self) -> dict[str, np.ndarray]:
        w, peer = self.workload, self.peer
        if self.cycle:
            peer.load(*w.data(w.period), w.check_rows // w.period * w.check_epochs)
        else:
            peer.load(*w.data(w.check_rows), w.check_epochs)
        steps = w.check_rows // w.batch * w.check_epochs
        peer.reset()
        peer.train()
        arrays = {}
        for i, (w_i, b_i) in enumerate(peer.weights()):
            arrays |= {f"w{i}": np.array(w_i), f"b{i}": np.array(b_i)}
        peer.reset()
        start = time.perf_counter()
        peer.train()
        self.seconds_a_unit = (time.perf_counter() - start) / steps
        return arrays

    def _check_prediction(self) -> dict[str, np.ndarray]:
        w = self.workload
        x = w.data()[0]
        batches = [np.ascontiguousarray(x[i : i + w.batch]) for i in range(0, len(x), w.batch)]
        self.function, self.arguments = self.peer.predictor(batches)
        outputs = np.concatenate([np.array(self.function(a)) for a in self.arguments])
        start = time.perf_counter()
        for a in self.arguments:
            self.function(a)
        self.seconds_a_unit = (time.perf_counter() - start) / len(self.arguments)
        return {"outputs": outputs}

    # ---- Time

    def ready(self, seconds: float) -> None:
        """Choose how much one repeat does: about `seconds` of it, and never less than the check did."""
        w = self.workload
        wanted = max(1, int(seconds / max(self.seconds_a_unit, 1e-8)))
        if w.kind == "predict":
            self.passes = max(1, wanted // len(self.arguments))
            return
        if w.optimizer == "adam":
            wanted = min(wanted, MOST_ADAM_STEPS)
        if self.cycle:
            rows = w.period
        else:
            least = min(max(8, w.check_rows // w.batch), w.rows // w.batch)
            rows = min(max(wanted, least), w.rows // w.batch) * w.batch
        epochs = max(1, round(wanted / (rows // w.batch)))
        self.steps = rows // w.batch * epochs
        self.peer.load(*w.data(rows), epochs)
        self.peer.reset()
        self.peer.train()

    def _once(self) -> float:
        """Seconds of one step or call, from one repeat."""
        if self.workload.kind == "train":
            self.peer.reset()
            start = time.perf_counter()
            self.peer.train()
            return (time.perf_counter() - start) / self.steps
        function, arguments = self.function, self.arguments
        start = time.perf_counter()
        for _ in itertools.repeat(None, self.passes):
            for a in arguments:
                function(a)
        return (time.perf_counter() - start) / (self.passes * len(arguments))

    def measure(self, seconds: float, least: int) -> dict[str, Any]:
        """Repeats for so many seconds, at least `least`."""
        figures: list[float] = []
        gc.collect()
        gc.disable()
        self._once()
        end = time.perf_counter() + seconds
        while len(figures) < least or time.perf_counter() < end:
            figures.append(self._once())
        gc.enable()
        return {"best": min(figures), "median": statistics.median(figures), "repeats": len(figures)}

    def footprint(self) -> dict[str, int]:
        """Memory in bytes: before the import, with the network made, at most."""
        return {**self.memory, "peak": highest_resident()}


def end_with_parent() -> None:
    """Linux: this process ends when run.py does, even while it is stopped."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


def main() -> None:
    end_with_parent()
    library, workload, variant, results = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints does not mix with the answers

    def answer(value: dict[str, Any]) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        bench = Bench(library, workload, json.loads(variant))
        answer(bench.check(results))
        for line in sys.stdin:
            order = json.loads(line)
            if order["do"] == "ready":
                bench.ready(order["seconds"])
                answer({})
            elif order["do"] == "measure":
                answer(bench.measure(order["seconds"], order["least"]))
            elif order["do"] == "footprint":
                answer(bench.footprint())
    except Exception as error:  # whatever a library raises: the table says it
        answer({"error": f"{type(error).__name__}: {error}".strip().partition("\n")[0][:300]})
        raise


if __name__ == "__main__":
    main()
