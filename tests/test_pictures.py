"""Pictures, read back from what matplotlib was given to draw; confusion matrices as numbers; histories in notebooks."""

import html.parser
import io
import math
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnn
from cnn import datasets, metrics
from cnn.history import History

LABELS = st.one_of(
    st.lists(st.integers(-3, 5), min_size=1, max_size=40), st.lists(st.sampled_from("abcd"), min_size=1, max_size=40)
)

# ---- Confusion matrix, as numbers


@given(LABELS, st.randoms(use_true_random=False))
def test_confusion_matrix_counts(true, random):
    predicted = random.sample(true, len(true))
    found = metrics.confusion_matrix(true, predicted)
    labels = sorted(set(true))
    expected = [[sum(t == a and p == b for t, p in zip(true, predicted, strict=True)) for b in labels] for a in labels]
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, np.array(expected).reshape(len(labels), len(labels)))
    turned = labels[::-1]
    np.testing.assert_array_equal(metrics.confusion_matrix(true, predicted, turned), found[::-1, ::-1])


def test_confusion_matrix_of_every_kind_of_labels():
    expected = [[1, 1], [0, 2]]
    y, p = [0, 0, 1, 1], [0, 1, 1, 1]
    for kind in (
        list,
        np.array,
        lambda v: np.array(v)[:, None],
        lambda v: np.array(v, bool),
        lambda v: np.array(v, float),
    ):
        assert metrics.confusion_matrix(kind(y), kind(p)).tolist() == expected
    names = np.array(["no", "yes"])
    for kind in (lambda v: names[v], lambda v: names[v].astype(object), lambda v: names[v].astype("S")):
        assert metrics.confusion_matrix(kind(y), kind(p)).tolist() == expected
    assert metrics.confusion_matrix(y, p, ["no", "yes"]).tolist() == expected
    assert metrics.confusion_matrix(names[y], names[p], ["yes", "no", "maybe"]).tolist() == [
        [2, 0, 0],
        [1, 1, 0],
        [0] * 3,
    ]
    assert metrics.confusion_matrix([], [], [0, 1]).tolist() == [[0, 0], [0, 0]]
    pandas = pytest.importorskip("pandas")
    assert (
        metrics.confusion_matrix(pandas.Series(names[y], dtype="category"), pandas.Series(names[p])).tolist()
        == expected
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0, 1], [0]), ValueError, "y_true has 2 rows and y_pred 1"),
        (([0, 1], [[0.2, 0.8], [0.1, 0.9]]), ValueError, r"y_pred has the shape \(2, 2\).*net.classify"),
        (([[0, 1], [1, 0]], [0, 1]), ValueError, r"y_true has the shape \(2, 2\).*y_true.argmax\(axis=1\)"),
        (([0, 1], [0.2, 0.8]), ValueError, "y_pred has 0.2 in row 0.*net.classify"),
        (([0, 1], 3), ValueError, r"y_pred has the shape \(\)"),
        (([], []), ValueError, "y_true is empty"),
        ((["a", "b"], [0, 1]), TypeError, "y_true holds text and y_pred numbers"),
        (([0, 1], ["a", "b"]), TypeError, "y_pred holds text and y_true numbers"),
        (([0, 7], [0, 1], [0, 1]), ValueError, "y_true has the label 7, and classes are 0, 1"),
        (([0, 1], [0, 2], ["a", "b"]), ValueError, "y_pred has the label 2, and classes are 0, 1"),
        ((["a"], ["b"], ["a", "a"]), ValueError, "classes has 'a' twice"),
        (([0], [0], [[0, 1]]), ValueError, r"classes has the shape \(1, 2\)"),
        (([0, math.nan], [0, 1]), ValueError, "y_true has nan in row 1"),
        (([0, None], [0, 1]), TypeError, "y_true has None in row 1"),
    ],
)
def test_confusion_matrix_refuses(arguments, error, message):
    with pytest.raises(error, match=message) as raised:
        metrics.confusion_matrix(*arguments)
    assert "\n" not in str(raised.value)


# ---- matplotlib


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def drawn(ax):
    """The picture, as it would be written."""
    out = io.BytesIO()
    ax.figure.savefig(out, format="png", dpi=40)
    assert out.getvalue().startswith(b"\x89PNG") and len(out.getvalue()) > 2000


def fitted(sizes, X, y, epochs=60, **options):
    net = cnn.Network(sizes, activation="tanh", seed=0, output=options.pop("output", "linear"))
    net.fit(X, y, epochs=epochs, optimizer=cnn.Adam(0.01), verbose=0, **options)
    return net


def test_curves(plt):
    X, y = datasets.moons()
    net = fitted([2, 8, 2], X, y, 12, output="softmax", validation_split=0.2, metrics=["accuracy", "f1"])
    history = net.history
    axes = history.plot()
    assert [ax.get_title() for ax in axes] == ["loss", "metrics"]
    assert len({ax.figure for ax in axes}) == 1
    drawn(axes[0])
    found = {line.get_label(): line for ax in axes for line in ax.get_lines()}
    assert set(found) == set(history.history) - {"lr"}
    for name, line in found.items():
        np.testing.assert_array_equal(line.get_xdata(), history.epoch)
        np.testing.assert_array_equal(line.get_ydata(), history.history[name])
        assert line.get_linestyle() == ("--" if name.startswith("val_") else "-")
        assert line.get_color() == found[name.removeprefix("val_")].get_color()
    assert found["accuracy"].get_color() != found["f1"].get_color()
    for ax in axes:
        assert ax.get_xlabel() == "epoch"
        assert all(float(tick).is_integer() for tick in ax.get_xticks())
        assert [text.get_text() for text in ax.get_legend().get_texts()] == [
            line.get_label() for line in ax.get_lines()
        ]


def test_curves_where_one_says(plt):
    history = History({"loss": [3.0, 2.0], "mae": [1.0, 0.5], "r2": [0.1, 0.2], "lr": [0.1, 0.1]}, [4, 5])
    ax = plt.figure().add_subplot()
    assert history.plot(ax=ax) is ax
    assert [line.get_label() for line in ax.get_lines()] == ["loss", "mae", "r2"]
    alone = history.plot("loss")
    assert alone.get_lines()[0].get_ydata().tolist() == [3.0, 2.0]
    assert [a.get_title() for a in history.plot()] == ["loss", "mae", "r2"]
    assert [a.get_title() for a in history.plot(["lr", "loss"])] == ["learning rate", "loss"]
    with pytest.raises(ValueError, match=r"los'.*loss"):
        history.plot(["los"])
    with pytest.raises(ValueError, match="no epochs"):
        History().plot()


def test_curves_of_odd_histories(plt):
    one = History({"loss": [1.0]}, [0]).plot()
    assert one.get_lines()[0].get_marker() == "o"  # a line of one point could not be seen
    gaps = History(
        {"loss": [1.0, math.nan, 2.0, math.inf], "accuracy": [0.5, 0.6]}, [0, 1, 2, 3]
    )  # a figure that came later
    axes = gaps.plot()
    assert axes[1].get_lines()[0].get_xdata().tolist() == [2, 3]
    for ax in (one, *axes):
        drawn(ax)
    many = History({name: [1.0, 2.0] for name in ("loss", "a", "b", "c", "d")}, [0, 1]).plot()
    assert len(many) == 5 and len(many[0].figure.axes) == 5
    drawn(many[0])


@given(LABELS, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_picture_of_a_confusion_matrix(true, random):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    predicted = random.sample(true, len(true))
    try:
        ax = cnn.plots.confusion_matrix(true, predicted)
        counts = metrics.confusion_matrix(true, predicted)
        labels = [str(v) for v in sorted(set(true))]
        shown = {text.get_position(): int(text.get_text()) for text in ax.texts}
        assert shown == {(j, i): counts[i, j] for i, j in np.ndindex(counts.shape)}
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        np.testing.assert_array_equal(ax.images[0].get_array(), shares)
        assert [t.get_text() for t in ax.get_xticklabels()] == labels == [t.get_text() for t in ax.get_yticklabels()]
        assert ax.get_xlabel() == "predicted" and ax.get_ylabel() == "true"
        assert ax.get_title().startswith(f"{np.trace(counts)} of {len(true)} right")
    finally:
        pyplot.close("all")


def test_a_large_confusion_matrix_and_names(plt):
    y = np.arange(40).repeat(2)
    ax = cnn.plots.confusion_matrix(y, y)
    assert not ax.texts
    drawn(ax)
    given_ax = plt.figure().add_subplot()
    ax = cnn.plots.confusion_matrix([0, 1, 1], [0, 1, 0], classes=["setosa", "versicolor"], ax=given_ax)
    assert ax is given_ax and [t.get_text() for t in ax.get_yticklabels()] == ["setosa", "versicolor"]
    drawn(ax)
    with pytest.raises(ValueError, match=r"y_pred has the shape \(2, 2\).*net.classify"):
        cnn.plots.confusion_matrix([0, 1], np.eye(2))


def grid_of(ax, resolution):
    """The points whose values the picture holds, from its extent: the middles of its cells."""
    left, right, bottom, top = ax.images[0].get_extent()
    across = left + (np.arange(resolution) + 0.5) * (right - left) / resolution
    up = bottom + (np.arange(resolution) + 0.5) * (top - bottom) / resolution
    assert ax.images[0].origin == "lower"
    return np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)


def points_of(ax):
    return np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections if len(c.get_offsets()) > 1])


def test_regions_of_classes(plt):
    X, y = datasets.spirals(120)
    net = fitted([2, 32, 3], X, y, output="softmax")
    ax = cnn.plots.decision_boundary(net, X, y, resolution=60)
    drawn(ax)
    scores = net.predict(grid_of(ax, 60))
    second, first = np.sort(scores, axis=1)[:, -2:].T
    clear = first - second > 1e-4  # the grid is that of the picture but for rounding
    shown = np.asarray(ax.images[0].get_array()).ravel()
    np.testing.assert_array_equal(shown[clear], scores.argmax(axis=1)[clear])
    assert clear.mean() > 0.95 and set(shown) == {0, 1, 2}
    assert sorted(map(tuple, np.round(points_of(ax), 5))) == sorted(map(tuple, np.round(X.astype(float), 5)))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["0", "1", "2"]
    regions, seen = ax.images[0].cmap(ax.images[0].norm([0, 1, 2])), []
    for c in ax.collections:
        if len(c.get_offsets()) > 1:
            seen.append(c.get_facecolor()[0])
    for i in range(3):  # a point's colour is its region's, stronger
        np.testing.assert_allclose(regions[i][:3], 0.65 + 0.35 * seen[i][:3], atol=0.01)
    hot = cnn.plots.decision_boundary(net, X, np.eye(3)[y], resolution=5)
    assert sorted(map(tuple, points_of(hot))) == sorted(map(tuple, points_of(ax)))


def test_shading_of_a_probability(plt):
    X, y = datasets.moons(100)
    net = fitted([2, 16, 1], X, y, 150, output="sigmoid")
    net.classes = ["upper", "lower"]
    for labels in (y, y.astype(bool), y[:, None], np.array(["upper", "lower"])[y]):
        ax = cnn.plots.decision_boundary(net, X, labels, resolution=41)
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["upper", "lower"]
    drawn(ax)
    shown = np.asarray(ax.images[0].get_array()).ravel()
    np.testing.assert_allclose(shown, net.predict(grid_of(ax, 41)).ravel(), atol=1e-4)
    assert ax.images[0].get_clim() == (0, 1)
    assert ax.figure.axes[-1].get_ylabel() == "probability of lower"
    # The line is where the probability is one half.
    line = np.concatenate([p.vertices for c in ax.collections if len(c.get_offsets()) <= 1 for p in c.get_paths()])
    assert np.abs(net.predict(line) - 0.5).max() < 0.1


def test_shading_of_a_number(plt):
    X = np.random.default_rng(0).normal(size=(50, 2))
    y = X[:, 0] - 2 * X[:, 1]
    net = fitted([2, 16, 1], X, y)
    own = plt.figure().add_subplot()
    ax = cnn.plots.decision_boundary(net, X, y, ax=own)
    assert ax is own
    drawn(ax)
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (200, 200)
    np.testing.assert_allclose(shown.ravel(), net.predict(grid_of(ax, 200)).ravel(), atol=1e-3)
    points = next(c for c in ax.collections if len(c.get_offsets()) == 50)
    np.testing.assert_allclose(points.get_array(), y)
    assert points.get_clim() == ax.images[0].get_clim()
    bare = cnn.plots.decision_boundary(net, X[:1], None, resolution=3)  # one point has no extent
    assert bare.images[0].get_extent()[1] > bare.images[0].get_extent()[0]


def test_decision_boundary_refuses(plt):
    X, y = datasets.moons(20)
    classes = cnn.Network([2, 3], output="softmax", seed=0)
    one = cnn.Network([2, 1], output="sigmoid", seed=0)
    number = cnn.Network([2, 1], seed=0)
    named = cnn.Network([2, 2], output="softmax", seed=0)
    named.classes = ["a", "b"]
    shared = cnn.Input(2)
    two = cnn.Network(inputs=shared, outputs=[cnn.Dense(1)(shared), cnn.Dense(1)(shared)], seed=0)
    draw = cnn.plots.decision_boundary
    for call, error, message in [
        (
            lambda: draw(cnn.Network([3, 1], seed=0), X, y),
            ValueError,
            r"net takes inputs of the shape \(3,\).*two inputs",
        ),
        (lambda: draw(two, X, y), ValueError, "net gives outputs.*one output layer"),
        (lambda: draw(cnn.Network([2, 2], seed=0), X, y), ValueError, "net gives 2 numbers of their own"),
        (lambda: draw(cnn.Network([2, 2], output="sigmoid", seed=0), X, y), ValueError, "net gives 2 numbers"),
        (lambda: draw("net", X, y), TypeError, "net is a str"),
        (lambda: draw(one, X[:, :1], y), ValueError, r"X has the shape \(20, 1\)"),
        (lambda: draw(one, X, y[:5]), ValueError, r"y has the shape \(5,\); X has 20 rows"),
        (lambda: draw(one, X, np.eye(2)[y]), ValueError, r"y has the shape \(20, 2\); expected \(20,\)"),
        (lambda: draw(classes, X, np.eye(2)[y]), ValueError, r"expected \(20,\) or one-hot \(20, 3\)"),
        (lambda: draw(classes, X, y + 2), ValueError, "y has 3; the network has 3 classes, labelled 0 to 2"),
        (lambda: draw(classes, X, y - 0.5), ValueError, "y has -0.5; the network has 3 classes"),
        (lambda: draw(classes, X, np.array(["a", "b"])[y]), TypeError, "y holds text, and net.classes is not set"),
        (lambda: draw(named, X, np.array(["a", "c"])[y]), ValueError, "y has 'c'; net.classes are 'a', 'b'"),
        (
            lambda: draw(number, X, np.array(["a", "b"])[y]),
            TypeError,
            "y holds text; this network's output is a number",
        ),
        (lambda: draw(one, X * np.nan, y), ValueError, "X has no rows of two finite numbers"),
        (lambda: draw(one, X, y, resolution=1), ValueError, "resolution is 1"),
    ]:
        with pytest.raises(error, match=message) as raised:
            call()
        assert "\n" not in str(raised.value)
    assert not plt.get_fignums()  # no empty figure is left behind


def test_predictions(plt):
    rng = np.random.default_rng(0)
    y = rng.normal(size=30)
    p = y + rng.normal(size=30) / 10
    ax = cnn.plots.predictions(y, p[:, None])
    drawn(ax)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), np.c_[y, p])
    assert ax.get_title() == f"r2 = {metrics.r2(y, p):.4g}"
    two = cnn.plots.predictions(np.c_[y, p], np.c_[p, y])
    assert [t.get_text() for t in two.get_legend().get_texts()] == ["output 0", "output 1"]
    with pytest.raises(ValueError, match=r"y_true has the shape \(30,\) and y_pred \(30, 2\)"):
        cnn.plots.predictions(y, np.c_[p, p])


def test_without_a_screen_and_without_matplotlib():
    code = """
import os, sys
os.environ.pop("DISPLAY", None); os.environ.pop("MPLBACKEND", None)
import cnn
net = cnn.Network([2, 1], output="sigmoid", seed=0)
history = net.fit([[0, 1], [1, 0]], [0, 1], epochs=2, verbose=0)
{}
"""
    headless = 'ax = history.plot(); ax.figure.savefig(sys.stdout.buffer); assert "cnn.plots" in sys.modules'
    pytest.importorskip("matplotlib")
    done = subprocess.run([sys.executable, "-c", code.format(headless)], capture_output=True, check=True)
    assert done.stdout.startswith(b"\x89PNG")
    missing = """
sys.modules["matplotlib"] = None
from cnn import plots
for name, call in {"History.plot": history.plot, "plots.confusion_matrix": lambda: plots.confusion_matrix([0], [0]),
                   "plots.decision_boundary": lambda: plots.decision_boundary(net, [[0, 1]], [0]),
                   "plots.predictions": lambda: plots.predictions([0.0], [0.0])}.items():
    try:
        call()
    except ImportError as error:
        assert str(error) == f"{name} needs matplotlib: pip install cnn[plot]", error
    else:
        raise AssertionError(name)
assert "<svg" in history._repr_html_() and "<table" in net._repr_html_()
"""
    subprocess.run([sys.executable, "-c", code.format(missing)], check=True)


# ---- Histories in notebooks


class Svg(html.parser.HTMLParser):
    """Curves and texts of a page, with the check that its tags are closed in order."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.curves, self.dots, self.cells, self.titles = [], [], 0, [], []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")
        if tag == "svg":
            self.titles.append(dict(attributes)["aria-label"])

    def handle_startendtag(self, tag, attributes):
        values = dict(attributes)
        if tag == "polyline":
            points = np.array([[float(v) for v in p.split(",")] for p in values["points"].split()])
            self.curves.append((points, values["stroke"], "stroke-dasharray" in values))
        self.dots += tag == "circle"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def test_history_in_a_notebook():
    loss, val = [2.0, 1.0, 1.5, 0.5], [2.5, 1.0, 0.75, 3.0]
    history = History(
        {"loss": loss, "lr": [0.1] * 4, "accuracy": [0.1, 0.9, 0.9, 0.8], "val_loss": val, "<i>": [1.0, 2.0, 3.0, 4.0]},
        [10, 11, 12, 13],
    )
    markup = history._repr_html_()
    found = Svg(markup)
    rows = [found.cells[i : i + 4] for i in range(0, len(found.cells), 4)]
    assert rows == [
        ["4 epochs", "last", "best", "in epoch"],
        ["loss", "0.5", "0.5", "13"],
        ["accuracy", "0.8", "0.9", "11"],
        ["val_loss", "3", "0.75", "12"],
        ["<i>", "4", "1", "10"],
        ["lr", "0.1", "", ""],
    ]
    assert "<i>" not in markup and found.titles == ["loss", "accuracy", "<i>"]
    (points, colour, dashed), (other, same, also) = found.curves[:2]
    assert colour == same and (dashed, also) == (False, True)
    for curve, values in ((points, loss), (other, val)):  # heights go with the values, one scale for both
        scale = np.ptp(points[:, 1]) / np.ptp(loss)
        np.testing.assert_allclose(points[0, 1] - curve[:, 1], (np.array(values) - loss[0]) * scale, atol=0.3)
        np.testing.assert_allclose(np.diff(curve[:, 0]), np.diff(curve[:, 0])[0], atol=0.2)
    assert not re.search(r'(fill|stroke)="(black|white|#000|#fff)', markup)


@given(
    st.dictionaries(
        st.sampled_from(["loss", "val_loss", "accuracy", "mae", "own <&>", "lr"]),
        st.lists(st.floats(width=64), min_size=1, max_size=400),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=40, deadline=None)
def test_any_history_becomes_a_page(figures):
    longest = max(map(len, figures.values()))
    history = History(figures, range(longest))
    found = Svg(history._repr_html_())
    for points, _, _ in found.curves:
        assert np.isfinite(points).all()
        assert (points[:, 0] >= 0).all() and (points[:, 0] <= 316).all()
        assert (points[:, 1] >= 0).all() and (points[:, 1] <= 150).all()


def test_pages_of_small_and_large_histories():
    assert History()._repr_html_() == "<div>History: no epochs</div>"
    assert Svg(History({"loss": [1.0]}, [0])._repr_html_()).dots == 1
    values = np.sin(np.arange(100_000) / 9000)
    values[51_234] = 7  # a spike is kept
    markup = History({"loss": values.tolist()}, range(len(values)))._repr_html_()
    assert len(markup) < 8000
    (points, _, _) = Svg(markup).curves[0]
    assert points[:, 1].min() == 22 and (np.diff(points[:, 0]) >= 0).all()
