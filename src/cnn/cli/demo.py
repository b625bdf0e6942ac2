"""``cnn demo``: real handwritten digits, read by a network of 64-64-10."""

import argparse
import time

import numpy as np

import cnn

from . import text
from .console import Console
from .files import writable
from .progress import fit_options

EPOCHS = 300


def run(options: argparse.Namespace, console: Console) -> int:
    """Train on four fifths of the packaged digits, tell how many of the rest are read rightly, save."""
    out = writable("--out", options.out, model=True)
    X, y = cnn.datasets.digits()
    order = np.random.default_rng(options.seed).permutation(len(X))
    train, test = order[: len(X) * 4 // 5], order[len(X) * 4 // 5 :]
    net = cnn.Network(
        [
            cnn.Input(64),
            cnn.Rescale(1 / 16),
            cnn.GaussianNoise(0.25),
            cnn.Dense(64, activation="relu"),
            cnn.Dropout(0.2),
            cnn.Dense(10, activation="softmax"),
        ],
        seed=options.seed,
    )
    net.classes = list(range(10))
    console.say(f"{len(X):,} handwritten digits of 8x8 pixels (UCI optdigits): {len(train):,} to learn from,")
    console.say(
        f"{len(test)} held back. The network: 64 pixels - 64 neurons - 10 digits, {net.count_parameters():,} parameters.\n"
    )
    start = time.perf_counter()
    net.fit(X[train], y[train], optimizer=cnn.Adam(2e-3), metrics=["accuracy"], **fit_options(console, EPOCHS))
    seconds = time.perf_counter() - start

    read = net.classify(X[test])
    accuracy = float(np.mean(read == y[test]))
    matrix = text.counts(y[test], read, 10)
    console.say(
        f"{EPOCHS} epochs in {seconds:.2f} s; {accuracy:.1%} of {len(test)} digits that it has not seen are read rightly",
        result=True,
    )
    console.say("\n" + text.confusion(matrix, list(range(10))))
    wrong = np.flatnonzero(read != y[test])
    if len(wrong):
        shown = wrong[:4]
        captions = [f"{y[test][i]} read as {read[i]}" for i in shown]
        console.say(
            f"\nmisread, {len(shown)} of {len(wrong)}:\n{text.images(X[test][shown].reshape(-1, 8, 8), captions)}"
        )
    net.metadata["trained_with"] = "cnn demo"
    net.save(out)
    console.say(f"\nsaved {options.out}", result=True)
    console.say(
        f"next:  cnn info {options.out}                         what is in it\n"
        f'       python: cnn.load("{options.out}").classify(X)  X: rows of 64 pixels, 0 to 16\n'
        f'       C:      cnn_network_open("{options.out}", ...)  compile with cnn config --cflags --libs\n'
        "       cnn train your.csv --target column           a network of your own data"
    )
    console.finish(
        {
            "accuracy": accuracy,
            "seconds": seconds,
            "train_rows": len(train),
            "test_rows": len(test),
            "epochs": EPOCHS,
            "seed": options.seed,
            "confusion_matrix": matrix,
            "model": options.out,
        }
    )
    return 0
