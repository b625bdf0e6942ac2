"""MNIST by convolutional networks of which it is known what they reach. `make mnist-cnn`.

    python benchmarks/mnist_cnn.py [--only NAME] [--epochs N] [--seed N]

The images are fetched once (fetch.py). Writes benchmarks/results/mnist_cnn.json; exit status 1 when a bar is missed.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import bars
import fetch
from bars import Data, Run

import cnn


def lenet(data: Data, epochs: int, seed: int) -> dict[str, Any]:
    """LeNet-5's sizes (LeCun et al. 1998) with what has become usual: ReLU, largest of four, softmax, Adam. No augmentation."""
    net = cnn.Network(
        [
            cnn.Input((1, 28, 28)),
            cnn.Rescale(1 / 255),
            cnn.Conv2D(6, 5, padding=2, activation="relu"),
            cnn.MaxPool2D(2),
            cnn.Conv2D(16, 5, activation="relu"),
            cnn.MaxPool2D(2),
            cnn.Flatten(),
            cnn.Dense(120, activation="relu"),
            cnn.Dense(84, activation="relu"),
            cnn.Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    optimizer = cnn.Adam(cnn.schedules.OneCycle(3e-3, epochs))
    return bars.train(net, data["train_x"], data["train_y"], data, epochs, optimizer=optimizer, batch_size=32)


def nielsen(filters: tuple[int, ...], data: Data, epochs: int, seed: int) -> dict[str, Any]:
    """Of his sixth chapter: 50,000 images, sigmoids, softmax, SGD 0.1, batches of 10; 10,000 images choose the epoch."""
    net = cnn.Network(
        [
            cnn.Input((1, 28, 28)),
            cnn.Rescale(1 / 255),
            *(layer for n in filters for layer in (cnn.Conv2D(n, 5, activation="sigmoid"), cnn.MaxPool2D(2))),
            cnn.Flatten(),
            cnn.Dense(100, activation="sigmoid"),
            cnn.Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    held = data["train_x"][50_000:], data["train_y"][50_000:]
    x, y = data["train_x"][:50_000], data["train_y"][:50_000]
    return bars.train(net, x, y, data, epochs, held, optimizer=cnn.SGD(0.1), batch_size=10)


RUNS = {
    "lenet": Run(
        "LeNet-5, ReLU, Adam, one cycle, batch 32", 10, 3, lenet, bars.last, lambda a: a >= 0.99, "at least 99.0 %"
    ),
    "nielsen-1": Run(
        "Nielsen: 20@5x5, pool, 100, softmax",
        60,
        1,
        partial(nielsen, (20,)),
        bars.chosen,
        lambda a: a >= 0.9858,
        "at least 98.58 % (he has 98.78)",
    ),
    "nielsen-2": Run(
        "Nielsen: 20@5x5, pool, 40@5x5, pool, 100, softmax",
        60,
        1,
        partial(nielsen, (20, 40)),
        bars.chosen,
        lambda a: a >= 0.9886,
        "at least 98.86 % (he has 99.06)",
    ),
}

if __name__ == "__main__":
    text = "MNIST by convolutional networks of which it is known what they reach."
    sys.exit(bars.main(text, "mnist_cnn", RUNS, lambda: fetch.images("mnist")))
