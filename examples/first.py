"""A first network: real handwritten digits, read by a network of 64-64-10.

Trains on four fifths of the packaged UCI digits, tells how many of the rest it reads rightly, shows some that it does
not, and saves itself.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

import cnn
from cnn.datasets import digits


def picture(image: np.ndarray) -> list[str]:
    """Pixels of 0 to 16 as text, two characters each."""
    return ["".join(" .:oO@"[int(p) * 5 // 16] * 2 for p in row) for row in image.reshape(8, 8)]


def side_by_side(images: np.ndarray, captions: list[str]) -> str:
    columns = [
        [caption.ljust(18), *(line.ljust(18) for line in picture(image))]
        for image, caption in zip(images, captions, strict=True)
    ]
    return "\n".join("".join(lines) for lines in zip(*columns, strict=True))


def main() -> None:
    X, y = digits()
    order = np.random.default_rng(0).permutation(len(X))
    train, test = order[:1437], order[1437:]
    net = cnn.Network(
        [
            cnn.Input((64,)),
            cnn.Rescale(1 / 16),
            cnn.Dense(64, activation="relu"),
            cnn.Dropout(0.2),
            cnn.Dense(10, activation="softmax"),
        ],
        seed=0,
    )
    net.summary()
    start = time.perf_counter()
    net.fit(X[train], y[train], epochs=60, optimizer=cnn.Adam(2e-3), metrics=["accuracy"])
    seconds = time.perf_counter() - start
    accuracy = net.evaluate(X[test], y[test], metrics=["accuracy"])["accuracy"]
    print(
        f"\n{len(train)} digits, 60 epochs, {seconds:.2f} s; {accuracy:.1%} of {len(test)} digits that it has not seen are read rightly\n"
    )

    read = net.classify(X[test])
    table = np.zeros((10, 10), dtype=int)
    np.add.at(table, (y[test], read), 1)
    print("rows: the digit; columns: what was read\n   " + "".join(f"{d:4}" for d in range(10)))
    for digit, row in enumerate(table):
        print(f"{digit:3}" + "".join(f"{n or '.':>4}" for n in row))

    wrong = np.flatnonzero(read != y[test])[:4]
    if len(wrong):
        print("\nmisread:\n" + side_by_side(X[test][wrong], [f"{y[test][i]} read as {read[i]}" for i in wrong]))

    path = Path(tempfile.gettempdir()) / "digits.cnn"
    net.save(path)
    assert (cnn.load(path).predict(X[test]) == net.predict(X[test])).all()
    print(f"\nsaved as {path}; cnn.load reads it back, and so does cnn_network_open in C (examples/embed_c)")


if __name__ == "__main__":
    main()
