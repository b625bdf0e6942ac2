"""The table of a network, for terminals and notebooks, and the memory of training and prediction against what is really taken."""

import ctypes
import gc
import html.parser
import io
import itertools
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnn
from cnn import summary

WITHIN = 1.25
TABLES = 16_000  # bytes: Python's objects, the graph's tables and the allocator's rounding are not stated


def text(net):
    out = io.StringIO()
    net.summary(file=out)
    return out.getvalue()


def graph_network():
    x, z = cnn.Input((3, 5), name="left"), cnn.Input((3, 5), name="right")
    shared = cnn.Dense(4, activation="tanh", name="shared")
    both = cnn.Add()([shared(x), shared(z)])
    y = cnn.Dense(3, activation="softmax", name="<b>&")(cnn.Flatten()(both))
    net = cnn.Network(inputs=[x, z], outputs=y, seed=0)
    net.layer("shared").trainable = False
    return net


def test_the_table(capsys):
    net = cnn.Network([784, 128, 10], output="softmax", seed=0)
    net.summary()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[2:5]] == [
        ["input_1", "(Input)", "(n,", "784)", "0"],
        ["dense_1", "(Dense)", "(n,", "128)", f"{784 * 128 + 128:,}", "relu"],
        ["dense_2", "(Dense)", "(n,", "10)", "1,290", "softmax"],
    ]
    assert lines[6] == "101,770 parameters (all trainable), float32, 407 kB"
    assert lines[7].startswith("a training step of 32 rows takes ")
    assert lines[8].startswith("a prediction takes ") and "packed weights 401 kB" in lines[8] and len(lines) == 9
    assert len({line.index("(n,") for line in lines[2:5]}) == 1


def test_a_graph_says_where_layers_take_their_inputs():
    lines = {line.split(" ")[0]: line for line in text(graph_network()).splitlines()}
    assert lines["shared"].endswith("tanh, used 2 times, frozen, after left, right")
    assert lines["add_1"].endswith("after shared, shared")
    assert "after" not in lines["flatten_1"]
    assert "63 parameters (39 trainable, 24 frozen), float32, 252 bytes" in text(graph_network())


@given(sizes=st.lists(st.integers(1, 40), min_size=2, max_size=6), dtype=st.sampled_from(["float32", "float64"]))
@settings(max_examples=30, deadline=None)
def test_the_figures_add_up(sizes, dtype):
    net = cnn.Network(sizes, dtype=dtype, seed=0)
    rows = summary.rows(net)
    expected = [0] + [a * b + b for a, b in itertools.pairwise(sizes)]
    assert [row.parameters for row in rows] == expected
    assert [row.shape for row in rows] == [(n,) for n in sizes]
    assert f"{sum(expected):,} parameters" in text(net)
    step = summary.memory(net)
    assert step.total == step.parameters + step.gradients + step.optimizer + step.workspace
    assert step.parameters == sum(p.nbytes for p in net.parameters.values())


class Reader(html.parser.HTMLParser):
    """Checks that tags are closed in order, and keeps the text of each cell."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.cells, self.tags = [], [], []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def test_html():
    net = graph_network()
    markup = net._repr_html_()
    found = Reader(markup)
    rows = [found.cells[i : i + 5] for i in range(5, len(found.cells), 5)]
    assert rows == [
        [r.name, r.kind, f"(n, {', '.join(map(str, r.shape))})", f"{r.parameters:,}", ", ".join(r.notes)]
        for r in summary.rows(net)
    ]
    assert "<b>" not in markup and "&lt;b&gt;&amp;" in markup
    assert "63 parameters (39 trainable, 24 frozen)" in markup
    assert "color" not in markup  # the notebook's own, light or dark


# ---- Memory


def held():
    """Bytes that the C library has given out, in large blocks of their own too."""

    class Info(ctypes.Structure):
        _fields_ = [
            (name, ctypes.c_size_t)
            for name in [
                "arena",
                "ordblks",
                "smblks",
                "hblks",
                "hblkhd",
                "usmblks",
                "fsmblks",
                "uordblks",
                "fordblks",
                "keepcost",
            ]
        ]

    if not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallinfo2"):
        pytest.skip("needs glibc's mallinfo2")
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = Info
    gc.collect()
    info = mallinfo()
    return info.uordblks + info.hblkhd


GELU = [cnn.Input(300), cnn.Dense(300, activation="gelu"), cnn.Dropout(0.5), cnn.Dense(30)]
STEPS = [cnn.Input((50, 30)), cnn.Dense(100, activation="relu"), cnn.Dense(100), cnn.Flatten(), cnn.Dense(30)]
NORMS = [cnn.Input(300), cnn.Dense(300), cnn.BatchNorm(), cnn.Activation("relu"), cnn.LayerNorm(), cnn.Dense(30)]
IMAGES = [
    cnn.Input((6, 16, 16)),
    cnn.BatchNorm(),
    cnn.GroupNorm(3),
    cnn.Activation("relu"),
    cnn.Flatten(),
    cnn.Dense(10),
]
CASES = {
    "xor": ([2, 2, 1], 4, "adam"),
    "small": ([4, 8, 3], 32, "rmsprop"),
    "digits": ([784, 128, 10], 32, "adam"),
    "four parts": ([784, 128, 10], 512, "adam"),
    "many tiles": ([784, 128, 10], 10_000, "sgd"),
    "wide": ([784, 1024, 1024, 10], 64, "adam"),
    "wide output": ([20, 2000], 64, "adagrad"),
    "deep": ([100] * 21 + [10], 256, cnn.SGD(0.01, momentum=0.9)),
    "gelu and dropout": (GELU, 1000, cnn.RMSprop(momentum=0.5, centered=True)),
    "steps": (STEPS, 300, "adam"),
    "norms": (NORMS, 1000, "adam"),
    "norms of images": (IMAGES, 400, "adam"),
    "norms and lbfgs": (NORMS, 100, cnn.LBFGS(history_size=2)),
    "lbfgs": ([784, 32, 10], 200, cnn.LBFGS(history_size=10)),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_memory_against_what_is_taken(case, threads, dtype):
    layers, batch, optimizer = CASES[case]
    with cnn.threads(threads):
        warm = cnn.Network([2, 2], seed=0)
        warm.fit(np.zeros((4, 2)), np.zeros((4, 2)), epochs=1, optimizer=optimizer, verbose=0)
        shape = (layers[0],) if isinstance(layers[0], int) else layers[0].shape
        X = np.zeros((batch, *shape), dtype)
        before = held()
        net = cnn.Network(layers, dtype=dtype, seed=0)
        y = np.zeros((batch, *net.output_shape), dtype)
        net.partial_fit(X, y, optimizer=optimizer, loss="mse")
        net.partial_fit(X, y)
        del y
        net._forgotten()  # Python's own tables
        taken = held() - before
        stated = summary.memory(net)
    assert stated.rows == batch
    assert (taken - TABLES) / WITHIN < stated.total < taken * WITHIN


CONVOLUTIONS = [
    cnn.Input((3, 32, 32)),
    cnn.Conv2D(32, 3, padding="same", activation="relu"),
    cnn.Conv2D(96, 3, padding="same", activation="relu"),
    cnn.MaxPool2D(2),
    cnn.Conv2D(96, 5, stride=2),
    cnn.GlobalAvgPool2D(),
    cnn.Dense(10),
]
DEPTHWISE = [cnn.Input((64, 40, 40)), cnn.Conv2D(64, 3, groups=64), cnn.Conv2D(200, 1), cnn.GlobalMaxPool2D()]
PREDICTED = {
    "digits": [784, 128, 10],
    "wide": [784, 1024, 1024, 10],
    "deep": [100] * 21 + [10],
    "steps": STEPS,
    "images": IMAGES,
    "convolutions": CONVOLUTIONS,
    "depthwise": DEPTHWISE,
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", PREDICTED)
def test_memory_of_a_prediction_against_what_is_taken(case, threads, dtype):
    layers = PREDICTED[case]
    with cnn.threads(threads):
        cnn.Network([2, 2], seed=0).predict(np.zeros((4, 2)))
        X = np.zeros((1, *((layers[0],) if isinstance(layers[0], int) else layers[0].shape)), dtype)
        before = held()
        net = cnn.Network(layers, dtype=dtype, seed=0)
        net.predict(X)
        net._forgotten()
        taken = held() - before
        stated = summary.prediction_memory(net)
    assert (taken - TABLES) / WITHIN < stated.total < taken * WITHIN


def test_the_weights_that_are_kept_are_stated():
    """By Winograd's algorithm, which the second convolution takes, 4 x 4 numbers of a window of 3 x 3; else as many as there are."""
    stated = summary.prediction_memory(cnn.Network(CONVOLUTIONS, seed=0))
    assert stated.packed == pytest.approx(4 * (32 * 3 * 9 + 96 * 32 * 16 + 96 * 96 * 25), abs=3 * 64)
    assert f"packed weights {summary._bytes(stated.packed)}" in text(cnn.Network(CONVOLUTIONS, seed=0))


def test_a_prediction_whose_size_each_call_decides_is_not_stated():
    double = cnn.Function(lambda x: 2 * x, lambda x, y, dy: 2 * dy)
    for layers in ([cnn.Input((None, 3)), cnn.Dense(2)], [cnn.Input(3), double]):
        assert "a prediction takes" not in text(cnn.Network(layers, seed=0))


def test_memory_is_that_of_the_last_fit():
    net = cnn.Network([20, 30, 3], seed=0)
    X, y = np.zeros((500, 20), "float32"), np.zeros((500, 3), "float32")
    assert summary.memory(net).rows == 32
    before = summary.memory(net)
    net.fit(X, y, epochs=1, batch_size=100, optimizer="sgd", verbose=0)
    after = summary.memory(net)
    assert after.rows == 100 and after.optimizer == 0 and before.optimizer == 2 * before.gradients
    assert "a training step of 100 rows" in text(net) and "optimizer" not in text(net)
    one = cnn.Network([2, 1], seed=0)
    one.fit([[0, 1]], [1.0], epochs=1, verbose=0)
    assert "a training step of 1 row takes" in text(one)


def test_it_is_stated_in_bytes_that_people_read():
    assert [summary._bytes(n) for n in (0, 999, 1000, 99_949, 99_951, 999_600, 12_345_678, 5e12)] == [
        "0 bytes", "999 bytes", "1.0 kB", "99.9 kB", "100 kB", "1.0 MB", "12.3 MB", "5000.0 GB",
    ]  # fmt: skip
    assert re.search(r"takes [\d.]+ kB: parameters", text(cnn.Network([4, 8, 3], seed=0)))
