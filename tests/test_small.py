"""The small-network path: whole steps as one function, with the bits of the plan's own steps, which a metric makes the fit take."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import cnn

ELEMENTWISE = [name for name in cnn._core.ACTIVATIONS if name != "softmax"]
LOSSES = ["mse", "quadratic", "mae", "huber", "quantile", "hinge", "binary_cross_entropy", "cross_entropy"]


def values(net):
    return {name: value.copy() for name, value in net.parameters.items()}


def chain(sizes, activations, output, dtype, bias):
    layers = [cnn.Input(sizes[0])]
    layers += [cnn.Dense(n, activation=a, bias=b) for n, a, b in zip(sizes[1:-1], activations, bias, strict=False)]
    return cnn.Network([*layers, cnn.Dense(sizes[-1], activation=output)], dtype=dtype, seed=3)


@settings(max_examples=150, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=6).filter(
        lambda s: all(a * b <= 64 for a, b in itertools.pairwise(s))
    ),
    activations=st.lists(st.sampled_from(ELEMENTWISE), min_size=5, max_size=5),
    bias=st.lists(st.booleans(), min_size=5, max_size=5),
    loss=st.sampled_from(LOSSES),
    dtype=st.sampled_from(["float32", "float64"]),
    shuffle=st.booleans(),
    weighted=st.booleans(),
    stored=st.sampled_from(["float32", "float64", "uint8", ">f8", "strided"]),
)
@example([7, 3, 1], ["linear"] * 5, [False] * 5, "mse", "float32", False, False, "float32")
def test_the_bits_are_those_of_the_plan(sizes, activations, bias, loss, dtype, shuffle, weighted, stored):
    output = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}.get(loss, activations[-1])
    sizes = [*sizes[:-1], max(sizes[-1], 2)] if loss == "cross_entropy" else sizes
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, (23, sizes[0])).astype("f8" if stored == "strided" else stored)
    if stored == "strided":
        x = np.repeat(x, 2, axis=1)[:, ::2]
    y = rng.integers(0, 2 if loss != "cross_entropy" else sizes[-1], (23, sizes[-1] if loss != "cross_entropy" else 1))
    options = {
        "epochs": 3,
        "batch_size": 1,
        "loss": loss,
        "shuffle": shuffle,
        "verbose": 0,
        "sample_weight": rng.uniform(0.1, 1, 23) if weighted else None,
    }
    found = []
    for metrics in ([], [lambda y_true, y_pred: 0.0]):
        net = chain(sizes, activations, output, dtype, bias)
        try:
            told = net.fit(x, y, optimizer=cnn.SGD(0.05), metrics=metrics, **options).history["loss"]
        except FloatingPointError as error:  # a network that learns too fast: after the same step
            told = str(error)
        found.append((values(net), told))
    assert found[0][1] == found[1][1]
    for name, value in found[0][0].items():
        assert value.tobytes() == found[1][0][name].tobytes(), name


@pytest.mark.parametrize("sizes", [[2, 2, 1], [3, 5, 2], [2, 8, 8, 1]])
def test_steps_one_by_one_have_the_same_bits(sizes, dtype, isa):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, sizes[0])).astype(dtype), rng.normal(size=(40, sizes[-1])).astype(dtype)
    nets = [cnn.Network(sizes, activation="tanh", output="sigmoid", dtype=dtype, seed=0) for _ in range(3)]
    nets[0].fit(x, y, epochs=1, batch_size=1, optimizer=cnn.SGD(0.1), loss="mse", shuffle=False, verbose=0)
    for row in range(40):
        nets[1].partial_fit(x[row : row + 1], y[row : row + 1], optimizer=None if row else cnn.SGD(0.1), loss="mse")
    nets[2].optimizer = cnn.SGD(0.1)
    for row in range(40):
        p = nets[2].forward(x[row : row + 1], training=True)
        nets[2].backward(2 * (p - y[row : row + 1]) / sizes[-1])
        nets[2].step()
    for name, value in values(nets[0]).items():
        assert value.tobytes() == nets[1].parameters[name].tobytes()
        np.testing.assert_allclose(value, nets[2].parameters[name], rtol=1e-5 if dtype == "float32" else 1e-13)


def test_a_loss_that_is_no_number_stops_before_its_step():
    net = cnn.Network([1, 2, 1], activation="linear", seed=0, dtype="float64")
    x = np.array([[1.0], [1e200], [1.0]])
    before = None

    def keep(epoch, logs):
        nonlocal before
        before = values(net)

    net.fit(x[:1], [1.0], epochs=1, batch_size=1, optimizer=cnn.SGD(0.1), callbacks=[keep], shuffle=False, verbose=0)
    with pytest.raises(FloatingPointError, match="epoch 1, step 0"):
        net.fit(x[1:], [1.0, 1.0], epochs=1, batch_size=1, shuffle=False, verbose=0)
    for name, value in values(net).items():
        assert value.tobytes() == before[name].tobytes()
    history = net.fit(x, [1.0, 1.0, 1.0], epochs=2, batch_size=1, shuffle=False, verbose=0, on_nan="stop")
    assert len(history) == 0


def test_steps_per_epoch_and_a_stop():
    x, y = np.ones((10, 2)), np.zeros((10, 1))
    a, b = (cnn.Network([2, 3, 1], activation="tanh", seed=0) for _ in range(2))
    a.fit(x, y, epochs=2, batch_size=1, steps_per_epoch=4, optimizer="sgd", shuffle=False, verbose=0)
    b.fit(x[:4], y[:4], epochs=2, batch_size=1, optimizer="sgd", shuffle=False, verbose=0)
    assert all((a.parameters[k] == b.parameters[k]).all() for k in a.parameters)
