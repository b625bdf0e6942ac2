"""Every metric as `evaluate` and `fit` compute it, against scikit-learn's definitions in NumPy."""

import numpy as np
import pytest
from conftest import DTYPES, close
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import metrics as reference

import cnn
from cnn import _core

OF_CLASSES = ["accuracy", "precision", "recall", "f1", "auc"]
OF_NUMBERS = ["mae", "mse", "r2"]
KEPT = {}


def passing(k, activation, dtype):
    """A network whose outputs are an activation of its inputs, exactly. Kept."""
    key = (k, activation, dtype)
    if key not in KEPT:
        net = cnn.Network([cnn.Input((k,)), cnn.Dense(k), cnn.Activation(activation)], dtype=dtype, seed=0)
        net.set_parameters({"dense_1.weight": np.eye(k), "dense_1.bias": np.zeros(k)})
        KEPT[key] = net
    return KEPT[key]


def scores(random, n, k, ties, dtype):
    """Logits; with ties, of a few values only."""
    x = random.integers(-2, 3, (n, k)) / 2 if ties else random.normal(size=(n, k))
    return x.astype(dtype)


def expected(name, y, p, w):
    return reference.METRICS[name](y, p, None if w is None else np.asarray(w))


def same(actual, wanted, dtype):
    if np.isnan(wanted):
        assert np.isnan(actual)
    else:
        close(actual, wanted, dtype)


def test_the_reference_and_python_have_every_metric():
    assert set(_core.METRICS) == set(reference.METRICS) == set(cnn.metrics.FUNCTIONS)
    assert set(OF_CLASSES + OF_NUMBERS) | {"top_k_accuracy"} == set(_core.METRICS)


CASES = st.fixed_dictionaries(
    {"n": st.integers(1, 70), "seed": st.integers(0, 2**32), "ties": st.booleans(), "weighted": st.booleans()}
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("k", "loss"), [(2, "cross_entropy"), (3, "cross_entropy"), (7, "cross_entropy"), (3, "mse")])
@settings(max_examples=100, deadline=None)
@given(case=CASES, hot=st.booleans())
def test_of_several_classes(k, loss, dtype, case, hot):
    """Two outputs are class 0 and class 1; more are the mean over classes."""
    random = np.random.default_rng(case["seed"])
    net = passing(k, "softmax" if loss == "cross_entropy" else "linear", dtype)
    x = scores(random, case["n"], k, case["ties"], dtype)
    labels = random.integers(0, k, case["n"])
    y = np.eye(k)[labels] if hot or loss == "mse" else labels
    w = random.uniform(0.1, 2, case["n"]) if case["weighted"] else None
    names = [*OF_CLASSES, "top_k_accuracy", cnn.metrics.TopKAccuracy(2)]
    figures = net.evaluate(x, y, loss=loss, metrics=names, sample_weight=w)
    p = net.predict(x)
    for name in OF_CLASSES:
        same(figures[name], expected(name, labels, p, w), dtype)
        same(cnn.metrics.FUNCTIONS[name](y, p, w), expected(name, labels, p, w), dtype)
    same(figures["top_k_accuracy"], expected("top_k_accuracy", labels, p, w), dtype)
    same(figures["top_2_accuracy"], reference.top_k_accuracy(labels, p, w, k=2), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("column", [False, True])
@settings(max_examples=100, deadline=None)
@given(case=CASES)
def test_of_one_yes_or_no(column, dtype, case):
    random = np.random.default_rng(case["seed"])
    net = passing(1, "sigmoid", dtype)
    x = scores(random, case["n"], 1, case["ties"], dtype)
    y = random.integers(0, 2, case["n"])
    w = random.uniform(0.1, 2, case["n"]) if case["weighted"] else None
    figures = net.evaluate(x, y[:, None] if column else y, metrics=OF_CLASSES, sample_weight=w)
    p = net.predict(x)
    for name in OF_CLASSES:
        same(figures[name], expected(name, y, p, w), dtype)
        same(cnn.metrics.FUNCTIONS[name](y, p, w), expected(name, y, p, w), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=100, deadline=None)
@given(case=CASES, k=st.integers(2, 5))
def test_of_several_yes_or_no(dtype, case, k):
    """binary_cross_entropy of k outputs: accuracy is the share of right outputs, the others are means over the outputs."""
    random = np.random.default_rng(case["seed"])
    net = passing(k, "sigmoid", dtype)
    x = scores(random, case["n"], k, case["ties"], dtype)
    y = random.integers(0, 2, (case["n"], k))
    w = random.uniform(0.1, 2, case["n"]) if case["weighted"] else None
    figures = net.evaluate(x, y, metrics=OF_CLASSES, sample_weight=w)
    p = net.predict(x)
    same(figures["accuracy"], reference.multilabel_accuracy(y, p, w), dtype)
    for name in ("precision", "recall", "f1", "auc"):
        same(figures[name], np.mean([expected(name, y[:, j], p[:, j], w) for j in range(k)]), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=100, deadline=None)
@given(case=CASES, k=st.integers(1, 4), constant=st.booleans(), offset=st.sampled_from([0, 1000]))
def test_of_numbers(dtype, case, k, constant, offset):
    random = np.random.default_rng(case["seed"])
    net = passing(k, "linear", dtype)
    x = scores(random, case["n"], k, case["ties"], dtype)
    y = (np.ones((case["n"], k)) if constant else scores(random, case["n"], k, case["ties"], dtype) + offset).astype(
        dtype
    )
    w = random.uniform(0.1, 2, case["n"]) if case["weighted"] else None
    figures = net.evaluate(x, y[:, 0] if k == 1 else y, loss="mae", metrics=OF_NUMBERS, sample_weight=w)
    for name in OF_NUMBERS:
        wanted = expected(name, y.astype(float), net.predict(x).astype(float), w)
        if name == "r2" and not np.abs(wanted) < 1e9:  # one row, but for rounding
            continue
        close(figures[name], wanted, dtype, factor=30 if name == "r2" else 1)
        close(cnn.metrics.FUNCTIONS[name](y, net.predict(x).astype(float), w), wanted, dtype, factor=30)


@pytest.mark.parametrize(
    ("loss", "k"),
    [("cross_entropy", 2), ("cross_entropy", 3), *(("binary_cross_entropy", k) for k in (1, 2, 3)), ("hinge", 1)],
)
def test_logits_are_classes_as_their_probabilities_are(loss, k, dtype, isa):
    """A linear output under a loss of classes: yes is above 0, which is a probability above 0.5."""
    random = np.random.default_rng(k)
    x = random.normal(size=(60, k)).astype(dtype)
    y = random.integers(0, k, 60) if loss == "cross_entropy" else random.integers(0, 2, (60, k))
    target = 2 * y - 1 if loss == "hinge" else y
    figures = passing(k, "linear", dtype).evaluate(x, target, loss=loss, metrics=OF_CLASSES)
    other = passing(k, "softmax" if loss == "cross_entropy" else "sigmoid", dtype)
    wanted = other.evaluate(x, y, metrics=OF_CLASSES)
    for name in OF_CLASSES:
        close(figures[name], wanted[name], dtype)


def test_known_figures(dtype, isa):
    """scikit-learn's own examples."""
    net = passing(1, "linear", dtype)

    def binary(y, p, name):
        return net.evaluate(np.array(p, dtype)[:, None], y, loss="mse", metrics=[name])[name]

    assert binary([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], "auc") == pytest.approx(0.75)
    assert binary([0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1], "precision") == 0.5
    assert binary([0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 0], "recall") == 0.5
    assert binary([3, -0.5, 2, 7], [2.5, 0.0, 2, 8], "r2") == pytest.approx(0.948608, abs=1e-6)
    assert binary([3, -0.5, 2, 7], [2.5, 0.0, 2, 8], "mae") == 0.5
    assert binary([3, -0.5, 2, 7], [2.5, 0.0, 2, 8], "mse") == 0.375
    hot = np.eye(3, dtype=dtype)
    figures = passing(3, "softmax", dtype).evaluate(hot[[0, 2, 1, 0, 0, 1]], [0, 1, 2, 0, 1, 2], metrics=OF_CLASSES)
    assert figures["precision"] == pytest.approx(2 / 9)
    assert figures["recall"] == pytest.approx(1 / 3)
    assert figures["f1"] == pytest.approx(0.26666667)


def test_auc_of_equals_and_of_one_kind(dtype, isa):
    net = passing(1, "sigmoid", dtype)
    x = np.zeros((6, 1), dtype)
    assert net.evaluate(x, [0, 1, 0, 1, 1, 0], metrics=["auc"])["auc"] == 0.5
    assert np.isnan(net.evaluate(x, np.ones(6), metrics=["auc"])["auc"])
    ordered = np.linspace(-1, 1, 6, dtype=dtype)[:, None]
    assert net.evaluate(ordered, [0, 0, 0, 1, 1, 1], metrics=["auc"])["auc"] == 1
    assert net.evaluate(ordered, [1, 1, 1, 0, 0, 0], metrics=["auc"])["auc"] == 0


def test_a_row_of_no_weight_is_not_there(dtype, isa):
    random = np.random.default_rng(0)
    x, y, w = random.normal(size=(40, 3)).astype(dtype), random.integers(0, 3, 40), random.integers(0, 3, 40)
    net = passing(3, "softmax", dtype)
    figures = net.evaluate(x, y, metrics=OF_CLASSES, sample_weight=w)
    twice = np.repeat(np.arange(40), w)
    for name, value in net.evaluate(x[twice], y[twice], metrics=OF_CLASSES).items():
        close(figures[name], value, dtype, factor=3)


def test_functions(dtype, isa):
    """Called once with all rows, in the predictions' dtype's numbers and the targets' shape; more than one, named or not."""
    seen = []

    def share(y_true, y_pred):
        seen.append((y_true, y_pred))
        return float((y_pred.argmax(1) == y_true).mean())

    class Worst:
        def __call__(self, y_true, y_pred):
            return np.float32(y_pred.min())

    random = np.random.default_rng(0)
    x, y = random.normal(size=(700, 3)).astype(dtype), random.integers(0, 3, 700)
    net = passing(3, "softmax", dtype)
    figures = net.evaluate(x, y, metrics=["accuracy", share, Worst()])
    assert list(figures) == ["loss", "accuracy", "share", "Worst"]
    assert figures["share"] == pytest.approx(figures["accuracy"])
    assert figures["Worst"] == np.float32(net.predict(x).min())
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0][0], y)
    np.testing.assert_array_equal(seen[0][1], net.predict(x))
    assert figures == net.evaluate(x, y, metrics=["accuracy", share, Worst()])

    def failing(y_true, y_pred):
        raise LookupError("not here")

    with pytest.raises(LookupError, match="not here"):
        net.evaluate(x, y, metrics=[failing])
    with pytest.raises(TypeError):
        net.evaluate(x, y, metrics=[lambda y_true, y_pred: None])


@pytest.mark.parametrize("form", ["arrays", "batches"])
@pytest.mark.parametrize(
    ("output", "loss", "names"),
    [
        ("softmax", "cross_entropy", [*OF_CLASSES, "top_k_accuracy"]),
        ("sigmoid", "binary_cross_entropy", OF_CLASSES),
        ("linear", "mse", OF_NUMBERS),
    ],
)
def test_the_last_epoch_s_validation_is_evaluate(output, loss, names, form, dtype, isa):
    random = np.random.default_rng(0)
    k = 3 if output == "softmax" else 1

    def some(n):
        x = random.normal(size=(n, 4))
        y = (x[:, 0] + x[:, 1] > 0).astype(int) + (x[:, 2] > 0 if k == 3 else 0)
        return x, y if loss != "mse" else x[:, 0] * 2 + 1

    (x, y), (vx, vy) = some(90), some(333)
    given = (vx, vy) if form == "arrays" else [(vx[i : i + 100], vy[i : i + 100]) for i in range(0, 333, 100)]

    def bias(y_true, y_pred):
        return float(y_pred.mean() - y_true.mean())

    net = cnn.Network([4, 6, k], activation="tanh", output=output, dtype=dtype, seed=1)
    history = net.fit(
        x,
        y,
        metrics=[*names, bias],
        validation_data=given,
        epochs=3,
        batch_size=25,
        optimizer=cnn.Adam(0.01),
        verbose=0,
    ).history
    figures = net.evaluate(vx, vy)
    assert set(figures) == {"loss", "bias", *names}
    for name, value in figures.items():
        close(history[f"val_{name}"][-1], value, dtype)
        assert len(history[name]) == len(history[f"val_{name}"]) == 3
    p = net.predict(vx)
    for name in names:
        close(figures[name], expected(name, vy, p.astype(float), None), dtype, factor=10)


def test_training_figures_are_of_the_rows_as_trained(dtype):
    """Before each row's step, in its batch: with a rate of 0 that is evaluate."""
    random = np.random.default_rng(0)
    x, y, w = random.normal(size=(50, 4)), random.integers(0, 3, 50), random.uniform(0.5, 2, 50)
    net = cnn.Network([4, 6, 3], output="softmax", dtype=dtype, seed=1)
    names = [*OF_CLASSES, "top_k_accuracy"]
    history = net.fit(
        x, y, sample_weight=w, metrics=names, epochs=1, batch_size=7, optimizer=cnn.SGD(0.0), verbose=0
    ).history
    for name, value in net.evaluate(x, y, sample_weight=w).items():
        close(history[name][0], value, dtype)


def test_what_is_no_metric_is_refused():
    net = cnn.Network([4, 3], output="softmax", seed=0)
    x, y = np.zeros((5, 4)), np.zeros(5, int)
    for bad, words in (
        ("acuracy", "accuracy"),
        ("roc_auc", "auc"),
        (3, "metric"),
        ([None], "metric"),
        (np.mean.__class__, "metric"),
    ):
        for call in (net.evaluate, net.fit):
            with pytest.raises((ValueError, TypeError), match=words):
                call(x, y, metrics=bad)
    assert net.metrics is None
    with pytest.raises(ValueError, match="k"):
        cnn.metrics.TopKAccuracy(0)
    with pytest.raises(ValueError, match="top_k_accuracy"):
        cnn.Network([4, 1], output="sigmoid").evaluate(x, y, metrics="top_k_accuracy")
