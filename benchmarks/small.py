"""Small networks: what a training step, a prediction, an import and a wheel cost. What is timed is checked first.

    python benchmarks/small.py [--rounds N] [--quick]

Writes benchmarks/results/small.json and prints Markdown tables. One thread; best and median of rounds in which all take turns.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import timeit
from functools import partial
from typing import Any

import common
import numpy as np

import cnn

sys.path.insert(0, str(common.ROOT / "tests"))
from reference.seed import XOR_DATA, XOR_TARGETS, NeuralNetwork  # the seed's tutorial, in plain Python

IMPORT = "import time, numpy; start = time.perf_counter(); {}; print((time.perf_counter() - start) * 1e3)"
IMPORT_NUMPY = "import time; start = time.perf_counter(); import numpy; print((time.perf_counter() - start) * 1e3)"


def xor_pair() -> tuple[cnn.Network, NeuralNetwork]:
    """A 2-2-1 network of ours and the seed's, with the same weights."""
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=6), rng.normal(size=3)
    net = cnn.Network([2, 2, 1], activation="sigmoid", output="sigmoid", dtype="float64", seed=0)
    values = [w[:4].reshape(2, 2), b[:2], w[4:].reshape(1, 2), b[2:]]
    net.set_parameters(dict(zip(net.parameters, values, strict=True)))
    return net, NeuralNetwork(w, b)


def xor(args: argparse.Namespace) -> dict[str, Any]:
    x, y = np.array(XOR_DATA, dtype=np.float64), np.array(XOR_TARGETS, dtype=np.float64)
    fit = {"batch_size": 1, "shuffle": False, "optimizer": cnn.SGD(0.1), "loss": "mse", "verbose": 0}

    net, seed = xor_pair()
    net.fit(x, y, epochs=1000, **fit)
    seed.train(XOR_DATA, XOR_TARGETS, learn_rate=0.1, epochs=1000)
    ours = np.concatenate([v.ravel() for v in net.parameters.values()])
    theirs = np.array([*seed.weights[:4], *seed.biases[:2], *seed.weights[4:], *seed.biases[2:]])
    difference = float(np.abs(ours - theirs).max())
    if not difference <= 1e-12:
        raise SystemExit(
            f"XOR: after 1000 epochs a weight differs from the seed's by {difference:g}; expected at most 1e-12"
        )

    epochs, copies = (5_000, 5_000) if args.quick else (50_000, 50_000)
    many_x, many_y = np.tile(x, (copies, 1)), np.tile(y, copies)

    def by_epochs() -> float:
        return common.timed(lambda: net.fit(x, y, epochs=epochs, **fit)) / (4 * epochs) * 1e9

    def one_epoch() -> float:
        return common.timed(lambda: net.fit(many_x, many_y, epochs=1, **fit)) / (4 * copies) * 1e9

    def tutorial() -> float:
        return common.timed(lambda: seed.train(XOR_DATA, XOR_TARGETS, learn_rate=0.1, epochs=500)) / 2000 * 1e9

    results = common.rounds(
        {
            f"cnn, fit of {epochs:,} epochs of 4 rows": by_epochs,
            f"cnn, fit of one epoch of {4 * copies:,} rows": one_epoch,
            "the seed's Python": tutorial,
        },
        args.rounds,
    )
    common.comparison("XOR 2-2-1, float64, a sample a step", "ns a step", results, next(iter(results)))
    return {"unit": "ns a step", "largest_difference_after_4000_steps": difference, "results": results}


def predict(args: argparse.Namespace) -> dict[str, Any]:
    net = cnn.Network([4, 32, 16, 4], seed=0)
    x = np.random.default_rng(1).normal(size=(1, 4)).astype(np.float32)
    weights = [np.array(v) for v in net.parameters.values()]
    (w1, b1, w2, b2, w3, b3) = weights

    def by_numpy(x: np.ndarray) -> np.ndarray:
        return np.maximum(np.maximum(x @ w1.T + b1, 0) @ w2.T + b2, 0) @ w3.T + b3

    session = net.session()
    out = np.empty((1, 4), dtype=np.float32)
    for y in (net.predict(x), session.run(x), net.predict(x, out=out)):
        np.testing.assert_allclose(y, by_numpy(x), rtol=1e-5, atol=1e-6)

    n = 2_000 if args.quick else 50_000

    def loop(statement: str) -> float:
        names = {"predict": net.predict, "run": session.run, "by_numpy": by_numpy, "x": x, "out": out}
        return timeit.Timer(statement, globals=names).timeit(n) / n * 1e9

    with cnn.threads(1):
        results = common.rounds(
            {
                "Network.predict(x)": partial(loop, "predict(x)"),
                "Network.predict(x, out=out)": partial(loop, "predict(x, out=out)"),
                "session().run(x)": partial(loop, "run(x)"),
                "session().run(x, out)": partial(loop, "run(x, out)"),
                "the same by NumPy": partial(loop, "by_numpy(x)"),
            },
            args.rounds,
        )
    common.comparison("one row, 4-32-16-4, float32", "ns a call", results, "Network.predict(x)")
    return {"unit": "ns a call", "results": results}


def imports(args: argparse.Namespace) -> dict[str, Any]:
    def process(code: str) -> float:
        return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)

    results = common.rounds(
        {
            "import cnn, after numpy": partial(process, IMPORT.format("import cnn")),
            "the same, and what cnn.Network loads": partial(process, IMPORT.format("import cnn; cnn.Network")),
            "import numpy": partial(process, IMPORT_NUMPY),
        },
        max(args.rounds, 9),
    )
    common.comparison("import, each in a new process", "ms", results, "import cnn, after numpy")
    return {"unit": "ms", "results": results}


def wheels() -> dict[str, int]:
    sizes = {path.name: path.stat().st_size for path in sorted((common.ROOT / "dist").glob("*.whl"))}
    if sizes:
        common.table(["wheel", "bytes"], [[name, f"{size:,}"] for name, size in sizes.items()])
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description="Small networks: a step, a prediction, an import, a wheel.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="see that it works; writes no result")
    args = parser.parse_args()
    before = common.machine()
    print(f"{before['cpu']}, {before['isa']}, load {before['load_average']}")
    result = {
        "machine": before,
        "xor_step": xor(args),
        "predict_one_row": predict(args),
        "import": imports(args),
        "wheel_bytes": wheels(),
        "load_average_after": common.machine()["load_average"],
    }
    if not args.quick:
        common.write("small", result)


if __name__ == "__main__":
    main()
