"""What people pass as targets, weights, validation and batches: one meaning for every form of it."""

import numpy as np
import pytest
from conftest import close
from hypothesis import given, settings
from hypothesis import strategies as st
from test_data import INTEGERS, bits, net_of

import cnn


@pytest.mark.parametrize("kind", INTEGERS)
@pytest.mark.parametrize("layout", ["plain", "column", "backwards", "swapped", "list"])
def test_labels_in_each_integer_dtype(kind, layout, dtype):
    labels = np.array([0, 2, 1, 1, 0, 2, 2], kind)
    forms = {
        "plain": labels,
        "column": labels[:, None],
        "backwards": labels[::-1].copy()[::-1],
        "swapped": labels.astype(labels.dtype.newbyteorder()),
        "list": labels.tolist(),
    }
    x = np.random.default_rng(0).normal(size=(7, 4))
    results = []
    for y in (forms[layout], np.array([0, 2, 1, 1, 0, 2, 2])):
        net = cnn.Network([4, 5, 3], output="softmax", dtype=dtype, seed=2)
        history = net.fit(x, y, epochs=3, batch_size=3, metrics=["accuracy", "f1"], verbose=0).history
        results.append((bits(net), history, net.evaluate(x, y)))
    assert results[0] == results[1]


@pytest.mark.parametrize("form", [np.float32, np.float64, bool, np.uint8, np.int64, list])
def test_one_hot_rows_are_labels(form, dtype):
    labels = np.array([0, 2, 1, 1, 0, 2, 2])
    hot = np.eye(3)[labels]
    hot = hot.tolist() if form is list else hot.astype(form)
    x = np.random.default_rng(0).normal(size=(7, 4))
    net = cnn.Network([4, 5, 3], output="softmax", dtype=dtype, seed=2)
    a, b = net.evaluate(x, hot), net.evaluate(x, labels)
    assert a["accuracy"] == b["accuracy"]
    close(a["loss"], b["loss"], dtype)
    one, two = net.copy(), net.copy()
    one.fit(x, hot, epochs=3, verbose=0)
    two.fit(x, labels, epochs=3, verbose=0)
    for p, q in zip(one.parameters.values(), two.parameters.values(), strict=True):
        close(p, q, dtype, factor=10)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "quadratic", "binary_cross_entropy", "hinge"])
@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 9))
def test_a_vector_and_a_column_are_the_same_targets(loss, n):
    """Of one output; and never broadcast to (n, n)."""
    random = np.random.default_rng(n)
    x, y = random.normal(size=(n, 3)), random.integers(0, 2, n).astype(float)
    results = []
    for target in (y, y[:, None], y.tolist(), y.astype(int), y.astype(bool), np.broadcast_to(y[:, None], (n, 1))):
        net = cnn.Network([3, 4, 1], output="sigmoid", dtype="float64", seed=0)
        history = net.fit(x, target, epochs=2, batch_size=4, loss=loss, metrics=["accuracy", "mae"], verbose=0).history
        results.append((bits(net), history, net.evaluate(x, target)))
    assert all(r == results[0] for r in results)
    if loss == "mse":
        net = cnn.Network([3, 4, 1], output="sigmoid", dtype="float64", seed=0)
        loss = net.evaluate(x, y, loss="mse", metrics=[])["loss"]
        close(loss, ((net.predict(x)[:, 0] - y) ** 2).mean(), "float64")


@pytest.mark.parametrize("shape", [(4, 4), (1, 4), (4, 2), (3,), (4, 1, 1, 2), ()])
def test_targets_of_other_shapes_are_refused(shape):
    net = net_of(3, "float32", outputs=1)
    before = bits(net)
    for call in (net.fit, net.evaluate, net.partial_fit, net.gradients):
        with pytest.raises(ValueError, match="y"):
            call(np.ones((4, 3)), np.ones(shape))
    assert bits(net) == before


def test_functions_see_targets_in_the_shape_of_predictions():
    seen = []

    def metric(y_true, y_pred):
        seen.append((y_true.shape, y_pred.shape))
        return float(((y_true - y_pred) ** 2).mean())

    net = net_of(3, "float64", outputs=1)
    x, y = np.random.default_rng(0).normal(size=(9, 3)), np.arange(9.0)
    for target in (y, y[:, None]):
        figures = net.evaluate(x, target, loss="mse", metrics=[metric])
        assert figures["metric"] == pytest.approx(figures["loss"], rel=1e-12)
    assert set(seen) == {((9, 1), (9, 1))}


# ---- Validation


class Held:
    """A metric that keeps the targets it sees: the training rows, then the validation rows."""

    __name__ = "held"

    def __init__(self):
        self.seen = []

    def __call__(self, y_true, y_pred):
        self.seen.append(np.sort(y_true.ravel()))
        return 0.0


@settings(max_examples=100, deadline=None)
@given(n=st.integers(2, 60), share=st.floats(0.01, 0.95), seed=st.integers(0, 2**64 - 1))
def test_validation_split_is_a_seeded_share(n, share, seed):
    x, y = np.arange(n)[:, None] / n, np.arange(n) / 7

    def split(seed, **options):
        held = Held()
        net = cnn.Network([1, 1], dtype="float64", seed=seed)
        history = net.fit(x, y, validation_split=share, metrics=[held], epochs=1, verbose=0, **options).history
        assert {"val_loss", "val_held"} <= set(history)
        return held.seen

    train, held = split(seed)
    np.testing.assert_array_equal(np.sort(np.r_[train, held]), y)
    assert len(held) == min(max(round(share * n), 1), n - 1)
    again = split(seed, batch_size=3)
    np.testing.assert_array_equal(held, again[1])
    if n == 60 and 10 <= len(held) <= 50:
        assert any((split(s)[1] != held).any() for s in range(3))


@settings(max_examples=100, deadline=None)
@given(counts=st.lists(st.integers(1, 20), min_size=2, max_size=4), share=st.floats(0.1, 0.6), hot=st.booleans())
def test_validation_split_is_stratified(counts, share, hot):
    """One share for all classes, of which each gives what is next to it in whole rows; and as many rows as were asked for. (That share is
    not quite the one asked for where several classes are of a row or two: [1, 1, 1, 16] at 0.4 gives [0, 0, 0, 8].)"""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    held = Held()
    net = cnn.Network([1, len(counts)], output="softmax", seed=4)
    y = np.eye(len(counts))[labels] if hot else labels

    def metric(y_true, y_pred):
        true = y_true.argmax(-1) if y_true.ndim == 2 and y_true.shape[1] > 1 else y_true
        return held(np.asarray(true), y_pred)

    net.fit(np.zeros((len(y), 1)), y, validation_split=share, metrics=[metric], epochs=1, verbose=0)
    found = np.bincount(held.seen[1].astype(int), minlength=len(counts))
    assert found.sum() == min(max(round(share * len(y)), 1), len(y) - 1)
    assert ((found - 0.5) / counts).max() <= ((found + 0.5) / counts).min()


def test_validation_split_holds_rows_together():
    """X, y and weights of a row stay together, and validation's loss is that of evaluate on those rows."""
    n = 50
    x, w = np.arange(n)[:, None] / n, np.arange(n) + 1.0
    y = 3 * x + 1
    held = Held()
    net = cnn.Network([1, 1], dtype="float64", seed=9)
    history = net.fit(x, y, validation_split=0.3, sample_weight=w, metrics=[held], epochs=2, verbose=0).history
    rows = np.rint((held.seen[1] - 1) / 3 * n).astype(int)
    assert len(rows) == 15
    figures = net.evaluate(x[rows], y[rows], sample_weight=w[rows], metrics=[])
    close(history["val_loss"][-1], figures["loss"], "float64")
    with pytest.raises(ValueError, match="validation"):
        net.fit(x, y, validation_split=0.3, validation_data=(x, y))
    for bad in (-0.1, 1.0, 2, np.nan):
        with pytest.raises(ValueError, match="validation_split"):
            net.fit(x, y, validation_split=bad)


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_data_are_evaluated(weighted, dtype, isa):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 3)), random.integers(0, 3, 40)
    vx, vy, vw = random.normal(size=(23, 3)), random.integers(0, 3, 23), random.uniform(0.1, 2, 23)
    given = (vx, vy, vw) if weighted else (vx, vy)
    net = cnn.Network([3, 8, 3], output="softmax", dtype=dtype, seed=0)
    history = net.fit(x, y, validation_data=given, metrics=["accuracy", "auc"], epochs=2, verbose=0).history
    figures = net.evaluate(vx, vy, sample_weight=vw if weighted else None)
    for name, value in figures.items():
        assert history[f"val_{name}"][-1] == pytest.approx(value, rel=1e-6 if dtype == "float32" else 1e-12)


# ---- Weights


def linear_steps(x, y, w, lr, size):
    """SGD on a linear model with mse, in order: a batch's loss is sum(w l) / n, w of mean 1 over all rows."""
    n = len(x)
    w = w / w.max()
    w = w * n / w.sum()
    weight, bias = np.zeros(x.shape[1]), 0.0
    losses = 0.0
    for first in range(0, n, size):
        rows = slice(first, first + size)
        e = x[rows] @ weight + bias - y[rows]
        losses += (w[rows] * e**2).sum()
        slope = 2 * w[rows] * e / len(e)
        weight, bias = weight - lr * slope @ x[rows], bias - lr * slope.sum()
    return weight, bias, losses / n


@settings(max_examples=100, deadline=None)
@given(
    n=st.integers(1, 12), size=st.integers(1, 13), seed=st.integers(0, 99), factor=st.sampled_from([1, 1e-300, 1e307])
)
def test_sample_weight_is_scaled_to_mean_1_over_the_call(n, size, seed, factor):
    random = np.random.default_rng(seed)
    x, y, w = random.normal(size=(n, 3)), random.normal(size=n), random.uniform(0, 2, n) * factor
    w[random.uniform(size=n) < 0.2] = 0
    w[0] = factor
    net = cnn.Network([3, 1], init="zeros", dtype="float64", seed=0)
    history = net.fit(
        x, y, sample_weight=w, epochs=1, batch_size=size, shuffle=False, optimizer=cnn.SGD(0.1), verbose=0
    ).history
    weight, bias, loss = linear_steps(x, y, w, 0.1, size)
    close(net.parameters["dense_1.weight"][0], weight, "float64")
    close(net.parameters["dense_1.bias"][0], bias, "float64", factor=10)
    close(history["loss"][0], loss, "float64")
    losses = (net.predict(x)[:, 0] - y) ** 2
    close(net.evaluate(x, y, sample_weight=w)["loss"], np.average(losses, weights=w / w.max()), "float64")


@pytest.mark.parametrize("weights", ["balanced", {0: 2.0, 2: 0.25}, {0: 1, 1: 1, 2: 1}])
@pytest.mark.parametrize("with_samples", [False, True])
@pytest.mark.parametrize("hot", [False, True])
def test_class_weight_times_sample_weight(weights, with_samples, hot, dtype):
    random = np.random.default_rng(0)
    x, labels = random.normal(size=(30, 4)), random.choice(3, 30, p=[0.6, 0.3, 0.1])
    sample = random.uniform(0.5, 2, 30) if with_samples else None
    if weights == "balanced":
        by_class = (30 / (3 * np.bincount(labels)))[labels]  # scikit-learn's
    else:
        by_class = np.array([weights.get(label, 1.0) for label in labels])
    y = np.eye(3)[labels] if hot else labels
    options = {"epochs": 2, "batch_size": 7, "verbose": 0}
    one = cnn.Network([4, 5, 3], output="softmax", dtype=dtype, seed=0)
    two = one.copy()
    one.fit(x, y, class_weight=weights, sample_weight=sample, **options)
    two.fit(x, y, sample_weight=by_class * (1 if sample is None else sample), **options)
    for p, q in zip(one.parameters.values(), two.parameters.values(), strict=True):
        close(p, q, dtype, factor=10)


def test_class_weight_of_one_output_and_of_named_classes():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(20, 2)), (np.arange(20) % 4 == 0).astype(int)
    results = []
    for classes, weights in ((None, {0: 1.0, 1: 3.0}), (["no", "yes"], {"yes": 3.0})):
        net = cnn.Network([2, 3, 1], output="sigmoid", seed=0)
        net.classes = classes
        net.fit(x, y, class_weight=weights, epochs=2, verbose=0)
        results.append(bits(net))
    net = cnn.Network([2, 3, 1], output="sigmoid", seed=0)
    net.fit(x, y, sample_weight=np.where(y, 3.0, 1.0), epochs=2, verbose=0)
    assert results == [bits(net)] * 2


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("sample_weight", np.r_[-1.0, np.ones(19)]),
        ("sample_weight", np.r_[np.nan, np.ones(19)]),
        ("sample_weight", np.r_[np.inf, np.ones(19)]),
        ("sample_weight", np.zeros(20)),
        ("sample_weight", np.ones(19)),
        ("sample_weight", np.ones((20, 2))),
        ("sample_weight", ["a"] * 20),
        ("class_weight", {3: 1.0}),
        ("class_weight", {-1: 1.0}),
        ("class_weight", {"cat": 1.0}),
        ("class_weight", {0: -1.0}),
        ("class_weight", {0: np.nan}),
        ("class_weight", {0: 0.0, 1: 0.0, 2: 0.0}),
        ("class_weight", "equal"),
        ("class_weight", [1, 2, 3]),
    ],
)
def test_weights_that_make_no_sense_are_refused(name, bad):
    net = cnn.Network([2, 3], output="softmax", seed=0)
    before = bits(net)
    x, y = np.zeros((20, 2)), np.arange(20) % 3
    for call in (net.fit, net.partial_fit):
        with pytest.raises((ValueError, TypeError), match=r"weight"):
            call(x, y, **{name: bad})
    assert bits(net) == before
    with pytest.raises(ValueError, match=r"class_weight.*sample_weight"):
        cnn.Network([2, 1]).fit(x, y.astype(float), class_weight="balanced")


# ---- Batches


BX, BY = np.random.default_rng(0).normal(size=(50, 3)), np.random.default_rng(1).normal(size=(50, 1))
BW = np.random.default_rng(2).uniform(0.5, 2, 50)
CUTS = [(0, 23), (23, 24), (24, 40), (40, 50)]


class Again:
    def __init__(self, weighted=False, fail_at=None):
        self.weighted, self.fail_at, self.begun = weighted, fail_at, 0

    def __iter__(self):
        self.begun += 1
        for i, (a, b) in enumerate(CUTS):
            if i == self.fail_at:
                raise KeyError("no such file")
            yield (BX[a:b], BY[a:b], BW[a:b]) if self.weighted else [BX[a:b], BY[a:b]]


def linear(dtype="float64"):
    return cnn.Network([3, 4, 1], activation="tanh", dtype=dtype, seed=0)


@pytest.mark.parametrize("weighted", [False, True])
def test_batches_of_any_iterable(weighted, dtype, isa):
    """Steps on batches are partial_fits, one after the other; weights are used as they are."""
    batches = Again(weighted)
    forms = [batches, list(map(tuple, Again(weighted))), tuple(map(tuple, Again(weighted)))]
    results = []
    for form in forms:
        net = linear(dtype)
        history = net.fit(form, epochs=3, optimizer=cnn.SGD(0.1), verbose=0).history
        results.append((bits(net), history["loss"]))
        assert len(history["loss"]) == 3
        losses = (net.predict(BX) - BY)[:, 0] ** 2
        close(net.evaluate(form)["loss"], ((BW if weighted else 1) * losses).mean(), dtype)
    assert results[0] == results[1] == results[2]
    assert batches.begun <= 5  # three epochs, an evaluation, and no more than one look ahead
    if not weighted:
        net = linear(dtype)
        for _ in range(3):
            for a, b in CUTS:
                net.partial_fit(BX[a:b], BY[a:b], optimizer=cnn.SGD(0.1) if net.optimizer is None else None)
        assert bits(net) == results[0][0]


def test_weights_of_batches_are_used_as_they_are():
    net = linear()
    net.parameters["dense_2.weight"][...] = 0
    before = net.parameters["dense_2.bias"].copy()
    net.fit([(BX, BY, 10 * BW)], epochs=1, optimizer=cnn.SGD(0.01), verbose=0)
    close(net.parameters["dense_2.bias"] - before, 0.01 * 2 * (10 * BW * BY[:, 0]).mean(), "float64")


def test_a_generator_is_read_once():
    net = linear()
    net.fit(iter(Again()), epochs=1, verbose=0)
    with pytest.raises(ValueError, match=r"read only once|begins anew"):
        net.fit(iter(Again()), epochs=2, verbose=0)
    assert len(net.history) == 1
    with pytest.raises(ValueError, match="no batch"):
        net.fit(iter(()), verbose=0)


def test_an_error_in_a_batch_comes_out_as_it_is():
    for at in range(4):
        net, other = linear(), linear()
        net.optimizer = other.optimizer = "sgd"
        with pytest.raises(KeyError, match="no such file"):
            net.fit(Again(fail_at=at), epochs=1, verbose=0)
        for a, b in CUTS[:at]:
            other.partial_fit(BX[a:b], BY[a:b])
        assert bits(net) == bits(other)
        net.fit(Again(), epochs=1, verbose=0)


@pytest.mark.parametrize(
    "bad",
    [
        (np.zeros((4, 2)), np.zeros((4, 1))),
        (np.zeros((4, 3)), np.zeros((5, 1))),
        (np.full((4, 3), np.nan), np.zeros((4, 1))),
        (np.zeros((4, 3)), np.zeros((4, 1)), np.zeros(3)),
        (np.zeros((4, 3)), np.zeros((4, 1)), -np.ones(4)),
        (np.zeros((0, 3)), np.zeros((0, 1))),
        np.zeros((4, 3)),
        (1, 2, 3, 4),
        None,
        "batch",
    ],
)
def test_a_bad_batch_changes_nothing(bad):
    good = (BX[:16], BY[:16])  # a list's batches are looked at before the first step, an iterable's as they come
    net, other = linear(), linear()
    net.optimizer = other.optimizer = "sgd"
    with pytest.raises((ValueError, TypeError)):
        net.fit([good, bad], epochs=1, verbose=0)
    other.partial_fit(*good)
    assert bits(net) in (bits(linear()), bits(other))


@pytest.mark.parametrize("weighted", [False, True])
def test_batches_that_grow(weighted, dtype):
    """A list's largest is found; an iterable's is told by batch_size=; evaluation takes any."""
    cuts = [(0, 3), (3, 40), (40, 41), (41, 50)]
    batches = [(BX[a:b], BY[a:b], BW[a:b])[: 2 + weighted] for a, b in cuts]

    class Stream:
        def __iter__(self):
            return iter(batches)

    one, two = linear(dtype), linear(dtype)
    one.fit(batches, epochs=2, verbose=0)
    two.fit(Stream(), epochs=2, batch_size=37, verbose=0)
    assert bits(one) == bits(two)
    with pytest.raises(ValueError, match="batch_size=37"):
        linear(dtype).fit(Stream(), epochs=2, verbose=0)

    def bias(y_true, y_pred):
        return float((y_pred - y_true).mean())

    wanted = ((BW if weighted else 1) * (one.predict(BX) - BY)[:, 0] ** 2).mean()
    for form in (batches, Stream()):
        figures = one.evaluate(form, metrics=["mae", bias])
        close(figures["loss"], wanted, dtype)
        close(figures["bias"], (one.predict(BX) - BY).mean(), dtype, factor=10)
    net = one.copy()
    history = net.fit(
        BX, BY, batch_size=2, optimizer=cnn.SGD(0.0), epochs=2, validation_data=Stream(), verbose=0
    ).history
    close(history["val_loss"], [wanted, wanted], dtype)


def test_weights_go_with_arrays():
    for name in ("sample_weight", "class_weight"):
        with pytest.raises(ValueError, match=name):
            linear().fit(Again(), **{name: BW}, verbose=0)
    with pytest.raises(ValueError, match="sample_weight"):
        linear().evaluate(Again(), sample_weight=BW)


def test_validation_from_batches():
    net = linear()
    history = net.fit(BX, BY, epochs=3, validation_data=Again(), verbose=0).history
    close(history["val_loss"][-1], net.evaluate(BX, BY)["loss"], "float64")


# ---- Several inputs and outputs


def two_by_two(dtype="float64"):
    a, b = cnn.Input((2,), name="left"), cnn.Input((3,), name="right")
    hidden = cnn.Dense(5, activation="tanh")(cnn.Concat()([a, b]))
    return cnn.Network(
        inputs=[a, b],
        outputs=[cnn.Dense(3, activation="softmax", name="kind")(hidden), cnn.Dense(1, name="size")(hidden)],
        dtype=dtype,
        seed=0,
    )


def test_several_inputs_and_outputs_as_lists_and_dicts(dtype, isa):
    random = np.random.default_rng(0)
    left, right = random.integers(0, 9, (20, 2)).astype("u1"), np.asfortranarray(random.normal(size=(20, 3)))
    kind, size = random.integers(0, 3, 20), random.normal(size=20)
    results = []
    for X, y, loss, metrics in (
        ([left, right], [kind, size], ["cross_entropy", "mae"], [["accuracy"], ["r2"]]),
        ({"right": right, "left": left}, {"size": size, "kind": kind}, {"size": "mae", "kind": "cross_entropy"}, {"kind": ["accuracy"], "size": "r2"}),
        ((left.tolist(), right.astype(">f8")), (kind.astype("i2"), size[:, None]), ("cross_entropy", "mae"), [["accuracy"], ["r2"]]),
    ):  # fmt: skip
        net = two_by_two(dtype)
        history = net.fit(
            X, y, loss=loss, metrics=metrics, epochs=3, batch_size=8, validation_data=(X, y), verbose=0
        ).history
        predicted = net.predict(X)
        assert [p.shape for p in predicted] == [(20, 3), (20, 1)]
        figures = net.evaluate(X, y)
        assert {"loss", "kind_accuracy", "size_r2"} <= set(figures)
        results.append((bits(net), history, figures, *(p.tobytes() for p in predicted)))
    assert results[0] == results[1] == results[2]
    ce = -np.log(predicted[0][np.arange(20), kind].astype(float)).mean()
    close(figures["loss"], ce + np.abs(predicted[1][:, 0] - size).mean(), dtype, factor=3)
    batches = [
        ([left[:12], right[:12]], [kind[:12], size[:12]]),
        ({"left": left[12:], "right": right[12:]}, {"kind": kind[12:], "size": size[12:]}),
    ]
    net.fit(batches, epochs=2, verbose=0)
    for bad in ([left], {"left": left}, {"left": left, "rihgt": right}, left, [left, right[:5]], [right, left]):
        with pytest.raises((ValueError, TypeError)):
            net.predict(bad)
        with pytest.raises((ValueError, TypeError)):
            net.fit(bad, [kind, size], verbose=0)
    for bad in ([kind], {"kind": kind}, {"kind": kind, "sise": size}, kind, [kind, size[:5]]):
        with pytest.raises((ValueError, TypeError)):
            net.fit([left, right], bad, verbose=0)
