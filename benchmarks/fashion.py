"""Fashion-MNIST by a small residual network. `make fashion`.

    python benchmarks/fashion.py [--epochs N] [--seed N]

The images are fetched once (fetch.py). Writes benchmarks/results/fashion.json; exit status 1 when the bar is missed.
"""

from __future__ import annotations

import sys
from typing import Any

import bars
import fetch
from bars import Data, Run

import cnn


def convolution(x: cnn.Tensor, filters: int, kernel: int = 3, stride: int = 1) -> cnn.Tensor:
    return cnn.BatchNorm()(cnn.Conv2D(filters, kernel, stride=stride, padding=kernel // 2, bias=False)(x))


def resnet() -> tuple[cnn.Tensor, cnn.Tensor]:
    """Input and output: a convolution, three blocks of two with a shortcut (He et al. 2016), 16, 32 and 64 filters."""
    relu = cnn.Activation("relu")
    inputs = cnn.Input((1, 28, 28))
    x = relu(convolution(cnn.Rescale(1 / 255)(inputs), 16))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        y = relu(convolution(x, filters, stride=stride))
        y = convolution(y, filters)
        short = x if stride == 1 else convolution(x, filters, 1, stride)
        x = relu(cnn.Add()([y, short]))
    return inputs, cnn.Dense(10, activation="softmax")(cnn.GlobalAvgPool2D()(x))


def train(data: Data, epochs: int, seed: int) -> dict[str, Any]:
    inputs, outputs = resnet()
    net = cnn.Network(inputs=inputs, outputs=outputs, seed=seed)
    return bars.train(
        net,
        data["train_x"],
        data["train_y"],
        data,
        epochs,
        optimizer=cnn.AdamW(cnn.schedules.OneCycle(0.01, epochs), weight_decay=0.01),
        batch_size=64,
        augment=cnn.data.Augment(flip="horizontal", crop=2),
    )


RUNS = {
    "resnet": Run(
        "three residual blocks of 16, 32, 64 filters, flips and crops, AdamW, one cycle, batch 64",
        10,
        1,
        train,
        bars.last,
        lambda a: a >= 0.92,
        "at least 92 %",
    )
}

if __name__ == "__main__":
    text = "Fashion-MNIST by a small residual network."
    sys.exit(bars.main(text, "fashion", RUNS, lambda: fetch.images("fashion")))
