"""Pictures for the examples: MNIST and Fashion-MNIST, or the small digits that come with cnn."""

import sys
from pathlib import Path

import numpy as np

from cnn.datasets import digits

DIGITS = tuple("0123456789")


def images(name, real=True):
    """(train_x, train_y), (test_x, test_y), names of the classes; pictures are bytes (n, 1, 28, 28)."""
    if not real:
        print("8x8 digits, three times as large, in place of the real pictures: the figures say nothing")
        X, y = digits(flat=False)
        X = np.pad(np.kron(X * np.uint8(15), np.ones((3, 3), np.uint8)), ((0, 0), (2, 2), (2, 2)))[:, None]
        return (X[:1500], y[:1500]), (X[1500:], y[1500:]), DIGITS
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
    try:
        import fetch
    except ImportError:
        raise SystemExit(
            "benchmarks/fetch.py, which fetches the pictures, is not here; --real 0 does without them"
        ) from None
    data = fetch.images(name)
    classes = DIGITS if name == "mnist" else fetch.FASHION
    return (data["train_x"], data["train_y"]), (data["test_x"], data["test_y"]), classes


def show(ax, picture, title="", around=None):
    """A picture in gray; with `around`, so that -around is black and +around white."""
    bounds = {} if around is None else {"vmin": -around, "vmax": around}
    ax.imshow(picture, cmap="gray", **bounds)
    ax.set_title(title, fontsize="small")
    ax.axis("off")
