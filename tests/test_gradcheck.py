"""`check_gradients`: every way to put a network together has the gradients of its loss; and a wrong one is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnn
from cnn import _core

RNG = np.random.default_rng(7)
X = RNG.normal(size=(6, 4))
NUMBERS = RNG.normal(size=(6, 3))
LABELS = np.array([0, 2, 1, 1, 0, 2])
BITS = (RNG.random((6, 3)) > 0.5).astype(float)
SIGNS = np.where(BITS > 0, 1.0, -1.0)
COUNTS = RNG.poisson(2, (6, 3)).astype(float)


def right(net, x, y, **options):
    report = net.check_gradients(x, y, **options)
    assert report and report.ok, report
    assert report.max_relative_error <= 1e-6, report
    assert report.checked > 0 and not report.zero, report
    assert len(report.kinks) <= report.checked / 10, report
    return report


# ---- Activations and losses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", sorted(_core.ACTIVATIONS))
def test_every_activation_inside(activation, isa):
    layers = [cnn.Input((4,)), cnn.Dense(5, activation=activation), cnn.Dense(3)]
    right(cnn.Network(layers, seed=1), X, NUMBERS, loss="mse")


# Which outputs a loss takes, and targets for it.
LOSSES = {
    "mse": (sorted(set(_core.ACTIVATIONS)), NUMBERS),
    "quadratic": (["linear", "sigmoid", "tanh", "softmax"], NUMBERS),
    "mae": (["linear", "tanh", "gelu"], NUMBERS),
    "huber": (["linear", "tanh", "softplus"], 3 * NUMBERS),
    "quantile": (["linear", "elu"], NUMBERS),
    "poisson": (["softplus", "sigmoid", "softmax"], COUNTS),
    "cross_entropy": (["linear", "softmax"], LABELS),
    "binary_cross_entropy": (["linear", "sigmoid"], BITS),
    "hinge": (["linear", "tanh"], SIGNS),
}


def test_every_loss_is_tested():
    assert set(LOSSES) == set(_core.LOSSES)


@pytest.mark.parametrize(
    ("loss", "output"), [(loss, output) for loss, (outputs, _) in LOSSES.items() for output in outputs]
)
def test_every_loss_with_the_outputs_that_suit_it(loss, output, isa):
    net = cnn.Network([4, 5, 3], activation="tanh", output=output, seed=2)
    right(net, X, LOSSES[loss][1], loss=loss)


@pytest.mark.parametrize(
    ("loss", "output", "y"),
    [
        (cnn.losses.CrossEntropy(0.2), "softmax", LABELS),
        (cnn.losses.CrossEntropy(0.2), "linear", np.eye(3)[LABELS]),
        (cnn.losses.CrossEntropy(), "softmax", np.full((6, 3), 1 / 3)),
        (cnn.losses.Huber(0.1), "linear", NUMBERS),
        (cnn.losses.Quantile(0.9), "tanh", NUMBERS),
    ],
)
def test_losses_with_constants(loss, output, y, isa):
    right(cnn.Network([4, 5, 3], activation="silu", output=output, seed=3), X, y, loss=loss)


def cube(y, p):
    e = p - y
    return (np.abs(e) ** 3).sum(axis=1), 3 * e * np.abs(e)


def test_a_loss_of_ones_own():
    right(cnn.Network([4, 5, 3], activation="tanh", seed=3), X, NUMBERS, loss=cube)


# ---- Architectures --------------------------------------------------------------------------------------------------


def chain(*layers, **options):
    return cnn.Network([cnn.Input((4,)), *layers, cnn.Dense(3)], seed=4, **options)


def shared():
    x = cnn.Input((4,))
    layer = cnn.Dense(4, activation="tanh")
    return cnn.Network(inputs=x, outputs=cnn.Dense(3)(layer(layer(layer(x)))), seed=4)


def residual():
    x = cnn.Input((4,))
    y = x
    for _ in range(3):
        y = cnn.Add()([y, cnn.Dense(4)(cnn.Dense(6, activation="gelu")(y))])
    return cnn.Network(inputs=x, outputs=cnn.Dense(3)(y), seed=4)


def gated():
    x = cnn.Input((4,))
    y = cnn.Multiply()([cnn.Dense(5, activation="sigmoid")(x), cnn.Dense(5)(x), cnn.Dense(5, activation="tanh")(x)])
    return cnn.Network(inputs=x, outputs=cnn.Dense(3)(y), seed=4)


def one_value_thrice():
    x = cnn.Input((4,))
    h = cnn.Dense(3, activation="silu")(x)
    return cnn.Network(inputs=x, outputs=cnn.Dense(3)(cnn.Multiply()([h, cnn.Add()([h, h])])), seed=4)


def side_by_side():
    x = cnn.Input((4,))
    parts = [cnn.Dense(n, activation=a)(x) for n, a in ((2, "tanh"), (3, "softplus"), (1, "sigmoid"))]
    return cnn.Network(inputs=x, outputs=cnn.Dense(3)(cnn.Concat()([*parts, x])), seed=4)


def reshaped():
    x = cnn.Input((4,))
    y = cnn.Dense(3, activation="softmax")(cnn.Reshape((2, 2))(x))
    return cnn.Network(
        inputs=x, outputs=cnn.Dense(3)(cnn.Flatten()(cnn.Concat(axis=1)([y, cnn.Activation("tanh")(y)]))), seed=4
    )


def prepared():
    layers = [
        cnn.Rescale(0.5, offset=0.1),
        cnn.Normalize(mean=[0, 1, 0, 1], std=[1, 2, 3, 4]),
        cnn.Dense(5, activation="elu"),
    ]
    return chain(*layers)


def penalised():
    return chain(cnn.Dense(5, activation="tanh", l2=0.3), cnn.Dense(4, activation="tanh", l1=0.05, l2=0.1, bias=False))


ARCHITECTURES = {
    "one layer": chain,
    "deep": lambda: chain(*(cnn.Dense(4, activation="tanh") for _ in range(8))),
    "without biases": lambda: chain(cnn.Dense(5, activation="tanh", bias=False)),
    "wide": lambda: chain(cnn.Dense(130, activation="tanh")),
    "dropout": lambda: chain(
        cnn.Dense(20, activation="tanh"), cnn.Dropout(0.5), cnn.Dense(7, activation="tanh"), cnn.Dropout(0.2)
    ),
    "noise": lambda: chain(cnn.GaussianNoise(0.3), cnn.Dense(5, activation="tanh"), cnn.GaussianNoise(0.1)),
    "penalties": penalised,
    "shared layers": shared,
    "residual": residual,
    "gated": gated,
    "one value thrice": one_value_thrice,
    "side by side": side_by_side,
    "reshaped": reshaped,
    "prepared": prepared,
    "softmax inside": lambda: chain(cnn.Dense(6, activation="softmax"), cnn.Dense(5, activation="tanh")),
    "constants": lambda: chain(
        cnn.Dense(6), cnn.Activation("leaky_relu", negative_slope=0.3), cnn.Activation("softplus", beta=3.0)
    ),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures(name, isa):
    right(ARCHITECTURES[name](), X, NUMBERS)


@pytest.mark.parametrize("rows", [1, 2, 33, 100])
def test_any_number_of_rows(rows, isa):
    x, y = RNG.normal(size=(rows, 4)), RNG.normal(size=(rows, 3))
    right(side_by_side(), x, y)


def test_threads_do_not_matter():
    x, y = RNG.normal(size=(64, 40)), RNG.integers(0, 10, 64)
    net = cnn.Network([40, 80, 10], activation="tanh", output="softmax", seed=0)
    with cnn.threads(3):
        three = right(net, x, y, max_per_block=10)
    with cnn.threads(1):
        assert repr(right(net, x, y, max_per_block=10)) == repr(three)


def several():
    a, b = cnn.Input((4,), name="a"), cnn.Input((2, 3), name="b")
    h = cnn.Dense(5, activation="tanh", name="h")(cnn.Concat()([a, cnn.Flatten()(b)]))
    classes = cnn.Dense(3, activation="softmax", name="classes")(h)
    number = cnn.Dense(1, name="number")(cnn.Concat()([h, classes]))
    bits = cnn.Dense(3, activation="sigmoid", name="bits")(h)
    return cnn.Network(inputs=[a, b], outputs=[classes, number, bits], seed=5)


def test_several_inputs_and_outputs(isa):
    x, y = [X, RNG.normal(size=(6, 2, 3))], [LABELS, NUMBERS[:, 0], BITS]
    right(several(), x, y)
    right(several(), dict(zip("ab", x, strict=True)), dict(zip(("classes", "number", "bits"), y, strict=True)))
    losses = {"classes": cnn.losses.CrossEntropy(0.1), "number": "huber", "bits": "mse"}
    right(several(), x, y, loss=losses)


def test_an_output_inside_the_network(isa):
    """An output that other outputs are computed from."""
    x = cnn.Input((4,))
    h = cnn.Dense(3, activation="tanh")(x)
    net = cnn.Network(inputs=x, outputs=[h, cnn.Dense(3)(h)], seed=6)
    right(net, X, [NUMBERS, NUMBERS])


def test_codes(isa):
    """Inputs that are integers have no gradient, and do not disturb that of the rest."""
    x, codes = cnn.Input((4,)), cnn.Input((2,), dtype="int32")
    y = cnn.Dense(3)(cnn.Concat()([cnn.OneHot([3, 2])(codes), cnn.Dense(4, activation="tanh")(x)]))
    right(cnn.Network(inputs=[x, codes], outputs=y, seed=6), [X, RNG.integers(0, 2, (6, 2)).astype("int32")], NUMBERS)


def test_frozen_layers_are_left_out():
    net = chain(cnn.Dense(5, activation="tanh", name="frozen", trainable=False), cnn.Dense(4, activation="tanh"))
    report = right(net, X, NUMBERS)
    assert not any(name.startswith("frozen") for name in report.errors)
    assert len(report.errors) == 4


LAYERS = st.sampled_from(
    [
        lambda: cnn.Dense(5, activation="tanh"),
        lambda: cnn.Dense(4, activation="softplus", l2=0.1),
        lambda: cnn.Dense(6, activation="gelu", bias=False),
        lambda: cnn.Activation("silu"),
        lambda: cnn.Dropout(0.3),
        lambda: cnn.GaussianNoise(0.1),
        lambda: cnn.Rescale(1.5, 0.2),
        lambda: cnn.Dense(3, activation="softmax"),
    ]
)


@settings(max_examples=100, deadline=None)
@given(
    layers=st.lists(LAYERS, max_size=5), skips=st.integers(0, 31), rows=st.integers(1, 9), seed=st.integers(0, 2**32)
)
def test_any_graph(layers, skips, rows, seed):
    """Layers in a row, some with a way around them."""
    x = cnn.Input((4,))
    y = x
    for i, make in enumerate(layers):
        y = cnn.Concat()([y, make()(y)]) if skips >> i & 1 else make()(y)
    net = cnn.Network(inputs=x, outputs=cnn.Dense(2)(y), seed=seed)
    random = np.random.default_rng(seed)
    report = net.check_gradients(random.normal(size=(rows, 4)), random.normal(size=(rows, 2)), max_per_block=20)
    # Dropout may drop everything that a parameter acts on.
    assert report.max_relative_error <= 1e-6, report
    assert not report.zero or any(isinstance(layer, cnn.Dropout) for layer in net.layers), report


# ---- Function layers, and wrong ones --------------------------------------------------------------------------------


def with_function(function):
    x = cnn.Input((4,))
    return cnn.Network(inputs=x, outputs=cnn.Dense(3)(function(cnn.Dense(4, activation="tanh")(x))), seed=8)


def sine():
    return cnn.Function(np.sin, lambda x, y, dy: np.cos(x) * dy, name="f")


def scale(factor=1.0):
    def backward(x, y, dy, p):
        return dy * p["gain"], {"gain": factor * (dy * x).sum(axis=0), "shift": dy.sum(axis=0)}

    def forward(x, p):
        return x * p["gain"] + p["shift"]

    return cnn.Function(forward, backward, parameters={"gain": np.array([1.0, 2, 3, 4]), "shift": (4,)}, name="f")


def product():
    return cnn.Function(lambda x: x[0] * x[1], lambda x, y, dy: [dy * x[1], dy * x[0]])


def test_functions():
    right(with_function(sine()), X, NUMBERS)
    report = right(with_function(scale()), X, NUMBERS)
    assert {"f.gain", "f.shift"} <= set(report.errors)
    x = cnn.Input((4,))
    y = product()([cnn.Dense(5, activation="tanh")(x), cnn.Dense(5)(x)])
    right(cnn.Network(inputs=x, outputs=cnn.Dense(3)(y), seed=8), X, NUMBERS)


def wrong(backward, forward=np.sin):
    return with_function(cnn.Function(forward, backward, name="f"))


@pytest.mark.parametrize(
    "backward",
    [
        lambda x, y, dy: np.cos(x) * dy * (1 + 1e-4),
        lambda x, y, dy: -np.cos(x) * dy,
        lambda x, y, dy: dy,
        lambda x, y, dy: np.cos(x) * dy + 1e-3,
        lambda x, y, dy: np.where(np.arange(x.size).reshape(x.shape) == 5, 0, np.cos(x) * dy),
        lambda x, y, dy: np.cos(x) * dy * np.nan,
        lambda x, y, dy: np.cos(x) * dy * np.inf,
        lambda x, y, dy: np.cos(x)[::-1] * dy,
    ],
)
def test_a_wrong_backward_is_found(backward):
    report = wrong(backward).check_gradients(X, NUMBERS)
    assert not report and not report.ok
    assert report.max_relative_error > 1e-6
    assert report.worst.startswith("dense_1.")
    assert max(report.errors["dense_2.weight"], report.errors["dense_2.bias"]) <= 1e-6
    assert report.worst in repr(report)


def test_a_wrong_gradient_of_a_parameter_is_found():
    report = with_function(scale(1.01)).check_gradients(X, NUMBERS)
    assert not report and report.worst.startswith("f.gain")
    assert report.errors["f.shift"] <= 1e-6 and report.errors["dense_1.weight"] <= 1e-6


def test_a_wrong_loss_is_found():
    def loss(y, p):
        return ((p - y) ** 2).sum(axis=1), p - y

    report = cnn.Network([4, 3], seed=0).check_gradients(X, NUMBERS, loss=loss)
    assert not report and report.max_relative_error == pytest.approx(0.5, rel=1e-3)


def test_a_wrong_gradient_where_the_right_one_is_zero():
    """At the bottom of the loss: no corner, however much the slopes to both sides differ for their size."""
    x = cnn.Input((4,))
    y = cnn.Function(lambda x: 1.0 * x, lambda x, y, dy: dy + 1)(cnn.Dense(1)(x))
    net = cnn.Network(inputs=x, outputs=y, dtype="float64", seed=0)
    report = net.check_gradients(X, net.predict(X), loss="mse")
    assert not report and not report.kinks and report.max_relative_error == pytest.approx(1)


def test_a_missing_backward_says_so():
    with pytest.raises((RuntimeError, ValueError), match="backward") as caught:
        with_function(cnn.Function(np.sin, name="f")).check_gradients(X, NUMBERS)
    assert "Function" in str(caught.value) and "\n" not in str(caught.value)


# ---- Kinks, zeros, the report ---------------------------------------------------------------------------------------


def one_relu(weight):
    net = cnn.Network(
        [cnn.Input((1,)), cnn.Dense(1, activation="relu", bias=False), cnn.Dense(1)], dtype="float64", seed=1
    )
    net.parameters["dense_1.weight"][:] = weight
    net.parameters["dense_2.weight"][:] = 1
    return net


@pytest.mark.parametrize("distance", [1e-8, 5e-7, 2e-6, 5e-6, 1e-5, 3e-5])
def test_a_kink_is_listed_and_not_failed(distance):
    """However near the corner is, on either side of it."""
    report = one_relu(distance).check_gradients([[1.0], [2.0]], [[3.0], [0.0]])
    assert report.kinks == ["dense_1.weight[0, 0]"] and "dense_1.weight[0, 0]" in repr(report)
    assert report.errors["dense_1.weight"] == 0
    assert report.max_relative_error < 1e-3


@pytest.mark.parametrize("distance", [1e-4, 1e-3, 0.1, 0.9])
def test_far_from_a_kink_there_is_none(distance):
    report = right(one_relu(distance), [[1.0], [2.0]], [[3.0], [0.0]])
    assert not report.kinks


def test_at_zero():
    """Of relu's corner itself; the weight after it has no gradient, which is said."""
    report = one_relu(0.0).check_gradients([[1.0], [2.0]], [[3.0], [0.0]])
    assert report.kinks == ["dense_1.weight[0, 0]"]
    assert report.zero == ["dense_1.weight", "dense_2.weight"]
    assert not report and report.max_relative_error <= 1e-6
    assert "no gradient at all: dense_1.weight, dense_2.weight" in repr(report)


def test_a_kink_does_not_hide_the_rest():
    """A corner in one place, a wrong gradient in others."""
    net = wrong(lambda x, y, dy: dy * (x > 0) * 1.5, forward=lambda x: np.maximum(x, 0))
    net.parameters["dense_1.weight"][0] = 0
    report = net.check_gradients(X, NUMBERS)
    assert not report and report.max_relative_error > 0.1 and report.kinks


def test_dead_blocks_are_reported():
    x = cnn.Input((4,))
    y = cnn.Function(lambda x: 1.0 * x, lambda x, y, dy: 0 * dy)(cnn.Dense(4)(x))
    report = cnn.Network(inputs=x, outputs=cnn.Dense(3)(y), seed=0).check_gradients(X, NUMBERS)
    assert report.zero == ["dense_1.weight", "dense_1.bias"]
    assert not report


def test_a_dead_block_whose_gradient_is_rightly_zero():
    """Errors are none, and yet nothing was shown of it."""
    net = cnn.Network([cnn.Input((4,)), cnn.Dense(3), cnn.Rescale(0.0), cnn.Dense(2)], seed=0)
    report = net.check_gradients(X, NUMBERS[:, :2])
    assert report.max_relative_error <= 1e-6 and not report.kinks
    assert report.zero == ["dense_1.weight", "dense_1.bias", "dense_2.weight"] and not report


def test_the_report(capsys):
    net = cnn.Network([4, 5, 3], activation="tanh", output="softmax", seed=0)
    report = right(net, X, LABELS)
    text = repr(report)
    assert str(report) == text and capsys.readouterr().out == ""
    assert text.splitlines()[0].startswith("43 gradients compared: maximal relative error ")
    assert report.checked == 43 and report.worst in text
    assert list(report.errors) == list(net.parameters) and all(name in text for name in net.parameters)
    assert max(report.errors.values()) == report.max_relative_error
    name, _, place = report.worst.partition("[")
    assert name in net.parameters and place.endswith("]")


def test_nothing_is_changed(dtype):
    """It works in a float64 copy: no value, choice or optimizer state of the network moves."""

    def trained():
        net = chain(cnn.Dense(5, activation="tanh"), cnn.Dropout(0.3), dtype=dtype)
        net.partial_fit(X, NUMBERS, optimizer="adam")
        return net

    net, other = trained(), trained()
    right(net, X, NUMBERS, loss="huber")
    assert net._arena() == other._arena() and net.dtype == dtype
    assert (net.loss, repr(net.optimizer)) == (other.loss, repr(other.optimizer))
    for n in (net, other):
        n.partial_fit(X, NUMBERS)
    assert net._arena() == other._arena()


def test_large_blocks_are_sampled():
    net = cnn.Network([cnn.Input((100,)), cnn.Dense(50, activation="tanh"), cnn.Dense(2)], seed=0)
    x, y = RNG.normal(size=(4, 100)), RNG.normal(size=(4, 2))
    report = right(net, x, y, max_per_block=30)
    assert report.checked == 30 + 30 + 30 + 2
    assert repr(right(net, x, y, max_per_block=30)) == repr(report)


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        (X[:, :3], NUMBERS, "X"),
        (X, NUMBERS[:5], "y"),
        (X[:0], NUMBERS[:0], "X"),
        (X * np.nan, NUMBERS, "X"),
        (X, NUMBERS * np.inf, "y"),
    ],
)
def test_wrong_arguments(x, y, word):
    with pytest.raises(ValueError, match=word) as caught:
        chain().check_gradients(x, y)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
