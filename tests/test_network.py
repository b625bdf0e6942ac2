"""Making a network, its values, predictions, gradients; against the NumPy reference."""

import copy
import io
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import activations, losses
from reference import seed as tutorial

import cnn


def dense(net, X):
    """The reference's forward pass of a chain of Dense layers."""
    x = np.asarray(X, np.float64)
    for layer in net.layers:
        z = x @ np.asarray(layer.weight, np.float64).T + np.asarray(layer.bias, np.float64)
        x = activations.forward(layer.activation, z)
    return x


def rng(seed=0):
    return np.random.default_rng(seed)


def test_neuron():
    n = cnn.Neuron([0, 1], 4, activation="sigmoid")
    assert repr(n.feedforward([2, 3])) == "0.9990889488055994"
    assert n.weights.tolist() == [0, 1] and n.bias == 4 and n.activation == "sigmoid"
    n.bias = -3
    assert n.feedforward([2, 3]) == 0.5
    assert cnn.Neuron([2.0], 1.0, activation="linear").feedforward([3]) == 7


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("output", ["linear", "softmax", "sigmoid", "tanh"])
def test_sizes_predict(dtype, tolerance, output):
    net = cnn.Network([3, 5, 4, 2], activation="gelu", output=output, dtype=dtype, seed=1, bias_init="normal")
    X = rng().normal(size=(7, 3))
    np.testing.assert_allclose(net.predict(X), dense(net, X), rtol=tolerance, atol=tolerance)
    assert net.predict(X).dtype == dtype and net.predict(X).shape == (7, 2)
    assert [layer.name for layer in net.layers] == ["dense_1", "dense_2", "dense_3"]
    assert net.output_shape == (2,) and net.input_shape == (3,)
    assert net.count_parameters() == 3 * 5 + 5 + 5 * 4 + 4 + 4 * 2 + 2


def test_seed():
    a, b, c = (cnn.Network([4, 3, 2], seed=s) for s in (5, 5, 6))
    assert all(np.array_equal(a.parameters[k], b.parameters[k]) for k in a.parameters)
    assert not np.array_equal(a.layers[0].weight, c.layers[0].weight)
    drawn = cnn.Network([4, 3, 2])
    again = cnn.Network([4, 3, 2], seed=drawn.seed)
    assert np.array_equal(drawn.layers[0].weight, again.layers[0].weight)
    for source in (np.random.SeedSequence(1), np.random.default_rng(1)):
        assert 0 <= cnn.Network([2, 1], seed=source).seed < 2**64
    wide = cnn.Network([4, 3, 2], seed=5, dtype="float64")
    assert np.array_equal(wide.layers[0].weight.astype("float32"), a.layers[0].weight)


@given(
    st.integers(0, 9),
    st.sampled_from(["f4", "f8", ">f4", "i4", "u1", "?", "f2"]),
    st.sampled_from(["C", "F"]),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_any_array_goes_in(n, dtype, order, strided):
    net = cnn.Network([3, 4, 2], seed=2)
    X = np.asarray(rng(n).integers(0, 2, (n, 3)), dtype=dtype, order=order)
    given = np.repeat(X, 2, axis=0)[::2] if strided else X
    np.testing.assert_allclose(net.predict(given), dense(net, X).reshape(n, 2), rtol=1e-5, atol=1e-5)


def test_lists_batches_and_out():
    net = cnn.Network([2, 3, 1], seed=0)
    X = rng().normal(size=(10, 2)).astype("float32")
    y = net.predict(X)
    np.testing.assert_allclose(net.predict(X.tolist()), y, rtol=1e-6)
    np.testing.assert_allclose(net.predict(X, batch_size=3), y, rtol=1e-6)
    out = np.empty((10, 1), "float32")
    assert net.predict(X, out=out) is out or np.array_equal(out, y)
    assert np.isnan(net.predict(np.full((1, 2), np.nan))).all()


def test_feedforward_and_classify():
    net = cnn.Network([2, 3, 1], seed=0)
    assert isinstance(net.feedforward([1, 2]), float)
    assert net.feedforward([1, 2]) == pytest.approx(float(net.predict([[1, 2]])[0, 0]), rel=1e-6)
    many = cnn.Network([2, 3, 3], output="softmax", seed=0)
    X = rng().normal(size=(6, 2))
    assert np.array_equal(many.classify(X), many.predict(X).argmax(axis=1))
    many.classes = ["a", "b", "c"]
    assert set(many.classify(X)) <= {"a", "b", "c"}
    one = cnn.Network([2, 1], output="sigmoid", seed=0)
    assert np.array_equal(one.classify(X), (one.predict(X)[:, 0] > 0.5).astype(int))
    with pytest.raises(ValueError, match="classifier"):
        net.classify(X)


def test_parameters_are_views():
    net = cnn.Network([2, 2, 1], dtype="float64", seed=0)
    X = rng().normal(size=(3, 2))
    net.parameters["dense_1.weight"][...] = 0
    net.layer("dense_1").bias = [1.0, -1.0]
    net.layers[1].neurons[0].weights = [2.0, 5.0]
    net.layers[1].neurons[0].bias = 0.5
    assert net.predict(X).ravel().tolist() == [2.5] * 3
    assert net.layers[1].neurons[0].feedforward([1, 1]) == 7.5
    view = net.parameters["dense_2.bias"]
    del net
    view[...] = 3  # the arena lives as long as a view of it


def test_set_parameters_all_or_none():
    net = cnn.Network([2, 2, 1], seed=0)
    before = {k: v.copy() for k, v in net.parameters.items()}
    with pytest.raises(ValueError, match=r"dense_2\.bias"):
        net.set_parameters({k: v + 1 for k, v in before.items() if k != "dense_2.bias"})
    with pytest.raises(ValueError, match="shape"):
        net.set_parameters({**before, "dense_2.bias": [1.0, 2.0]})
    with pytest.raises(ValueError, match="did you mean"):
        net.set_parameters({**before, "dense_2.wieght": 1})
    assert all(np.array_equal(net.parameters[k], before[k]) for k in before)
    net.set_parameters({"dense_2.bias": [9.0]}, strict=False)
    assert net.layers[1].bias.tolist() == [9.0]


def test_copies():
    net = cnn.Network([2, 4, 1], seed=0)
    X = rng().normal(size=(20, 2))
    y = X[:, 0]
    net.fit(X, y, epochs=3, verbose=0)
    others = [net.copy(), copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    for other in others:
        assert np.array_equal(other.predict(X), net.predict(X)) and other.history.history == net.history.history
    net.fit(X, y, epochs=2, verbose=0)
    for other in others:  # with the optimizer's state: the same bits
        other.fit(X, y, epochs=2, verbose=0)
        assert all(np.array_equal(other.parameters[k], net.parameters[k]) for k in net.parameters)


def test_copy_from():
    a, b = cnn.Network([2, 3, 1], seed=0, dtype="float64"), cnn.Network([2, 3, 1], seed=1, dtype="float64")
    wanted = 0.75 * a.layers[0].weight + 0.25 * b.layers[0].weight
    a.copy_from(b, tau=0.25)
    np.testing.assert_allclose(a.layers[0].weight, wanted, rtol=1e-15)
    a.copy_from(b)
    assert np.array_equal(a.layers[0].weight, b.layers[0].weight)
    with pytest.raises(ValueError):
        a.copy_from(cnn.Network([2, 4, 1]))


LOSSES = {
    "mse": "linear",
    "quadratic": "sigmoid",
    "mae": "linear",
    "huber": "linear",
    "poisson": "softplus",
    "cross_entropy": "softmax",
}
LOSSES |= {"quantile": "linear", "binary_cross_entropy": "sigmoid", "hinge": "tanh"}


def target(loss, n, k):
    if loss == "cross_entropy":
        return rng(4).integers(0, k, n)
    y = rng(4).normal(size=(n, k))
    return (
        (y > 0).astype(int)
        if loss in ("binary_cross_entropy", "hinge")
        else np.abs(np.round(y * 2))
        if loss == "poisson"
        else y
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients(loss):
    net = cnn.Network([3, 4, 2], activation="tanh", output=LOSSES[loss], dtype="float64", seed=3, bias_init="normal")
    X, y = rng().normal(size=(5, 3)), target(loss, 5, 2)
    value, gradients = net.gradients(X, y, loss=loss)
    z = dense(net, X)
    if loss in losses.FROM_LOGITS:
        hidden = np.tanh(X @ net.layers[0].weight.T + net.layers[0].bias)
        z = hidden @ net.layers[1].weight.T + net.layers[1].bias
    each, slope = losses.LOSSES[loss](y, z)
    assert value == pytest.approx(each.mean(), rel=1e-10)
    if loss in losses.FROM_LOGITS:
        np.testing.assert_allclose(gradients["dense_2.bias"], (slope / 5).sum(axis=0), rtol=1e-9, atol=1e-12)
    report = net.check_gradients(X, y, loss=loss)
    assert report.ok and report.max_relative_error <= 1e-6, report
    assert report.checked + len(report.kinks) == net.count_parameters() and "relative error" in repr(report)


def test_check_gradients_sees_a_wrong_one():
    wrong = cnn.Function(lambda x: x**2, lambda x, y, dy: 2.1 * x * dy)
    net = cnn.Network([cnn.Input(2), cnn.Dense(3), wrong, cnn.Dense(1)], seed=0)
    report = net.check_gradients(rng().normal(size=(4, 2)), rng().normal(size=4))
    assert not report.ok and report.worst.startswith("dense_1")
    kinked = cnn.Network([1, 1, 1], seed=0, dtype="float64")
    kinked.layers[0].weight = 1.0
    assert "dense_1.bias[0]" in kinked.check_gradients([[0.0]], [1.0]).kinks


def test_forward_backward_step():
    """A loss of one's own, by hand, is the same training as fit's."""
    X, y = rng().normal(size=(8, 3)), rng(1).normal(size=(8, 2))
    by_hand = cnn.Network([3, 4, 2], activation="tanh", dtype="float64", seed=1)
    fitted = by_hand.copy()
    optimizer = cnn.Adam(0.01)
    for _ in range(5):
        p = by_hand.forward(X, training=True)
        dx = by_hand.backward(2 * (p - y) / y.size)
        by_hand.step(optimizer)
    assert dx.shape == X.shape and set(by_hand.grads) == set(by_hand.parameters)
    fitted.fit(X, y, epochs=5, batch_size=8, shuffle=False, optimizer=cnn.Adam(0.01), loss="mse", verbose=0)
    for name, value in by_hand.parameters.items():
        np.testing.assert_allclose(value, fitted.parameters[name], rtol=1e-10)


def test_backward_by_the_input():
    net = cnn.Network([2, 3, 1], activation="tanh", dtype="float64", seed=0)
    x = rng().normal(size=(1, 2))
    net.forward(x)
    dx = net.backward([[1.0]])
    h = 1e-6
    numeric = [(net.feedforward(x[0] + h * e) - net.feedforward(x[0] - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(dx[0], numeric, rtol=1e-6)
    first = {k: v.copy() for k, v in net.grads.items()}
    net.forward(x)
    net.backward([[1.0]], accumulate=True)
    np.testing.assert_allclose(net.grads["dense_1.weight"], 2 * first["dense_1.weight"])


def test_session():
    net = cnn.Network([2, 3, 1], seed=0)
    s = net.session(max_batch=2)
    x = np.ones((1, 2), "float32")
    before = s.run(x).copy()
    net.layers[1].bias = 5.0
    assert np.array_equal(s.run(x), before)
    s.refresh()
    assert np.array_equal(s.run(x), net.predict(x))


def test_activations_and_freeze():
    net = cnn.Network([2, 3, 1], activation="relu", seed=0)
    X = rng().normal(size=(4, 2)).astype("float32")
    found = net.activations(X)
    assert list(found) == ["dense_1", "dense_2"] and (found["dense_1"] >= 0).all()
    np.testing.assert_allclose(found["dense_2"], net.predict(X), rtol=1e-6)
    net.freeze(upto="dense_1")
    assert [layer.trainable for layer in net.layers] == [False, True]
    kept = {k: v.copy() for k, v in net.parameters.items()}
    net.fit(X, np.arange(4), epochs=2, verbose=0)
    assert np.array_equal(net.parameters["dense_1.weight"], kept["dense_1.weight"])
    assert not np.array_equal(net.parameters["dense_2.weight"], kept["dense_2.weight"])
    assert set(net.gradients(X, np.arange(4.0))[1]) == {"dense_2.weight", "dense_2.bias"}
    net.unfreeze()
    net.layers[0].lr_scale = 0.0
    net.fit(X, np.arange(4), epochs=2, verbose=0)
    assert np.array_equal(net.parameters["dense_1.weight"], kept["dense_1.weight"])


def test_trace_is_mazurs_example():
    """https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/ (its first step; biases move here, too)."""
    net = cnn.Network([2, 2, 2], activation="sigmoid", output="sigmoid", dtype="float64", seed=0)
    net.set_parameters(
        {
            "dense_1.weight": [[0.15, 0.20], [0.25, 0.30]],
            "dense_1.bias": [0.35, 0.35],
            "dense_2.weight": [[0.40, 0.45], [0.50, 0.55]],
            "dense_2.bias": [0.60, 0.60],
        }
    )
    out = io.StringIO()
    found = net.trace([0.05, 0.10], [0.01, 0.99], loss="quadratic", lr=0.5, file=out)
    assert found.loss == pytest.approx(0.298371109, abs=1e-9)
    np.testing.assert_allclose(
        found.new_parameters["dense_2.weight"], [[0.35891648, 0.40866619], [0.51130127, 0.56137012]], atol=1e-8
    )
    np.testing.assert_allclose(
        found.new_parameters["dense_1.weight"], [[0.14978072, 0.19956143], [0.24975114, 0.29950229]], atol=1e-8
    )
    for layer in found.layers:
        np.testing.assert_allclose(layer["dL_dsum"], layer["dL_dout"] * layer["dout_dsum"], rtol=1e-12)
        np.testing.assert_allclose(layer["dL_dweight"], np.outer(layer["dL_dsum"], layer["inputs"]), rtol=1e-12)
    assert "0.358916" in out.getvalue() and net.layers[0].weight[0, 0] == 0.15
    classes = cnn.Network([2, 3, 2], output="softmax", seed=0)
    assert "p - t" in repr(classes.trace([0.1, 0.2], 1, file=io.StringIO()))


def test_summary():
    out = io.StringIO()
    cnn.Network([784, 128, 10], output="softmax", seed=0).summary(file=out)
    assert "101,770 parameters" in out.getvalue() and "softmax" in out.getvalue()


def test_the_tutorials_loop():
    net = cnn.Network(
        [2, 2, 1], activation="sigmoid", output="sigmoid", dtype="float64", init="normal", bias_init="normal", seed=7
    )
    p = net.parameters
    weights = [*p["dense_1.weight"].ravel(), *p["dense_2.weight"].ravel()]
    reference = tutorial.NeuralNetwork(weights, [*p["dense_1.bias"], *p["dense_2.bias"]])
    reference.train(tutorial.XOR_DATA, tutorial.XOR_TARGETS)
    net.train(tutorial.XOR_DATA, tutorial.XOR_TARGETS)
    ours = [*p["dense_1.weight"].ravel(), *p["dense_2.weight"].ravel(), *p["dense_1.bias"], *p["dense_2.bias"]]
    np.testing.assert_allclose(ours, [*reference.weights, *reference.biases], rtol=0, atol=1e-12)


def test_threads_do_not_matter():
    results = []
    for n in (1, 2):
        with cnn.threads(n):
            assert cnn.get_num_threads() == n
            net = cnn.Network([10, 64, 3], output="softmax", seed=0)
            net.fit(rng().normal(size=(300, 10)), rng(1).integers(0, 3, 300), epochs=2, batch_size=128, verbose=0)
            results.append(net.parameters["dense_1.weight"].copy())
    assert np.array_equal(*results)


def test_package():
    import pathlib

    assert (pathlib.Path(cnn.get_include()) / "cnn" / "cnn.h").exists()
    assert cnn.__version__.count(".") == 2 and set(cnn.__all__) <= set(dir(cnn))
    for name in cnn.__all__:
        assert getattr(cnn, name) is not None
    assert cnn.cpu.current() in cnn.cpu.available()
    with pytest.raises(AttributeError, match="Dense"):
        cnn.Dnese  # noqa: B018
