"""Figures from outside: the tutorial's neuron and training loop, Mazur's worked example, CS231n's affine layer."""

import numpy as np
import pytest
from reference import cs231n, mazur, seed

import cnn


def test_the_neuron():
    neuron = cnn.Neuron([0, 1], 4, activation="sigmoid")
    assert neuron.feedforward([2, 3]) == 0.9990889488055994
    assert seed.Neuron([0, 1], 4).feedforward([2, 3]) == 0.9990889488055994


@pytest.mark.parametrize("start", range(5))
def test_train_is_the_tutorials_loop(start, isa):
    """1000 epochs of per-sample SGD from the same weights: the same numbers to 1e-12."""
    random = np.random.default_rng(start)
    w, b = random.normal(size=6), random.normal(size=3)
    net = cnn.Network([2, 2, 1], activation="sigmoid", output="sigmoid", dtype="float64", seed=0)
    net.set_parameters(
        {
            "dense_1.weight": w[:4].reshape(2, 2),
            "dense_1.bias": b[:2],
            "dense_2.weight": w[4:].reshape(1, 2),
            "dense_2.bias": b[2:],
        }
    )
    tutorial = seed.NeuralNetwork(list(w), list(b))
    data, targets = np.array(seed.XOR_DATA), np.array(seed.XOR_TARGETS)
    net.train(data, targets, learn_rate=0.1, epochs=1000)
    tutorial.train(data, targets, 0.1, 1000)
    p = net.parameters
    ours = np.concatenate([p["dense_1.weight"].ravel(), p["dense_2.weight"].ravel()])
    np.testing.assert_allclose(ours, tutorial.weights, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        np.concatenate([p["dense_1.bias"], p["dense_2.bias"]]), tutorial.biases, rtol=0, atol=1e-12
    )
    for x in data:
        assert abs(net.feedforward(x) - tutorial.feedforward(x)) < 1e-12


def test_mazur(isa):
    """One step of his 2-2-2 network (biases fixed), to the digits he prints."""
    net = cnn.Network([2, 2, 2], activation="sigmoid", output="sigmoid", dtype="float64", seed=0)
    net.set_parameters(
        {
            "dense_1.weight": [[0.15, 0.20], [0.25, 0.30]],
            "dense_1.bias": [0.35, 0.35],
            "dense_2.weight": [[0.40, 0.45], [0.50, 0.55]],
            "dense_2.bias": [0.60, 0.60],
        }
    )
    x, t = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
    assert net.evaluate(x, t, loss="quadratic")["loss"] == pytest.approx(0.298371109, abs=5e-10)
    biases = {name: value.copy() for name, value in net.parameters.items() if name.endswith("bias")}
    net.partial_fit(x, t, loss="quadratic", optimizer=cnn.optimizers.SGD(lr=0.5))
    np.testing.assert_allclose(
        net.parameters["dense_2.weight"], [[0.35891648, 0.40866619], [0.51130127, 0.56137012]], atol=5e-9
    )
    np.testing.assert_allclose(
        net.parameters["dense_1.weight"], [[0.14978072, 0.19956143], [0.24975114, 0.29950229]], atol=5e-9
    )
    net.set_parameters(biases, strict=False)
    assert net.evaluate(x, t, loss="quadratic")["loss"] == pytest.approx(0.291027774, abs=5e-10)
    assert mazur is not None


def test_cs231n_affine(isa):
    net = cnn.Network([cnn.Input((120,)), cnn.Dense(3)], dtype="float64", seed=0)
    net.set_parameters(
        {"dense_1.weight": np.linspace(-0.2, 0.3, 360).reshape(120, 3).T, "dense_1.bias": np.linspace(-0.3, 0.1, 3)}
    )
    y = net.predict(np.linspace(-0.1, 0.5, 240).reshape(2, 120))
    expected = [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
    np.testing.assert_allclose(y, expected, atol=5e-9)
    assert cs231n is not None
