"""Layers from Python: names, sharing, surgery, attributes, views."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import activations

import cnn


def rng(seed=0):
    return np.random.default_rng(seed)


X = rng().normal(size=(6, 4))


def run(layers, x=X, **more):
    return cnn.Network([cnn.Input(x.shape[1:]), *layers], dtype="float64", seed=0, **more).predict(x)


def test_names_count_by_kind():
    net = cnn.Network(
        [
            cnn.Input(4),
            cnn.Dense(3, activation="relu"),
            cnn.Dropout(0.1),
            cnn.Dense(3, name="mine"),
            cnn.Activation("tanh"),
            cnn.Dense(1),
        ]
    )
    assert [layer.name for layer in net.layers] == ["dense_1", "dropout_1", "mine", "activation_1", "dense_2"]
    assert list(net.parameters) == [f"{n}.{p}" for n in ("dense_1", "mine", "dense_2") for p in ("weight", "bias")]
    assert [node["name"] for node in net._nodes()][:3] == ["input_1", "dense_1", "dense_1.activation"]
    assert net.layer("mine").output_shape == (3,)
    taken = cnn.Network([cnn.Input(2), cnn.Dense(2, name="dense_1"), cnn.Dense(1)])
    assert [layer.name for layer in taken.layers] == ["dense_1", "dense_2"]


def test_each_layer_against_numpy():
    np.testing.assert_allclose(run([cnn.Rescale(2.0, -1.0)]), 2 * X - 1)
    np.testing.assert_allclose(run([cnn.Normalize(1.0, 2.0)]), (X - 1) / 2)
    np.testing.assert_allclose(run([cnn.Normalize([1, 2, 3, 4], [1, 2, 1, 2])]), (X - [1, 2, 3, 4]) / [1, 2, 1, 2])
    np.testing.assert_allclose(run([cnn.Dropout(0.5)]), X)
    np.testing.assert_allclose(run([cnn.GaussianNoise(0.5)]), X)
    np.testing.assert_allclose(run([cnn.Reshape((2, -1)), cnn.Flatten()]), X)
    assert run([cnn.Reshape((2, 2))]).shape == (6, 2, 2)
    codes = rng().integers(0, 3, (6, 1))
    np.testing.assert_allclose(run([cnn.OneHot(3)], codes), np.eye(3)[codes[:, 0]])
    mixed = np.c_[codes[:, 0], X[:, 0]]
    np.testing.assert_allclose(run([cnn.OneHot([3, 0])], mixed), np.c_[np.eye(3)[codes[:, 0]], X[:, 0]])


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_activations(name):
    np.testing.assert_allclose(run([cnn.Activation(name)]), activations.forward(name, X), rtol=1e-10, atol=1e-12)


def test_activation_constants_and_aliases():
    leaky = np.where(X > 0, X, 0.3 * X)
    np.testing.assert_allclose(run([cnn.Activation("leaky_relu", negative_slope=0.3)]), leaky)
    net = cnn.Network([cnn.Input(4), cnn.Dense(2, activation=cnn.Activation("elu", alpha=0.5))], seed=0)
    assert repr(net.copy().layers[0].activation) == "Activation(activation='elu', alpha=0.5)"
    assert cnn.Dense(2, activation="swish").activation == "silu" and cnn.Activation("identity").activation == "linear"


def test_merges():
    a, b = cnn.Input(4), cnn.Input(4)
    for layer, expected in ((cnn.Add(), X + 2 * X), (cnn.Multiply(), 2 * X * X), (cnn.Concat(), np.c_[X, 2 * X])):
        net = cnn.Network(inputs=[a, b], outputs=layer([a, b]), dtype="float64")
        np.testing.assert_allclose(net.predict([X, 2 * X]), expected)


def test_normalize_adapts():
    data = X.copy()
    data[1, 1] = np.nan
    data[:, 3] = 5
    layer = cnn.Normalize(fill=0.0).adapt(data)
    net = cnn.Network([cnn.Input(4), layer], dtype="float64")
    std = np.nanstd(data, axis=0)
    std[3] = 1
    expected = (np.nan_to_num(data, nan=0.0) - np.nanmean(data, axis=0)) / std
    np.testing.assert_allclose(net.predict(data), expected)
    assert set(net.buffers) == {"normalize_1.mean", "normalize_1.std", "normalize_1.fill"} and not net.parameters
    net.layers[0].adapt(2 * X)
    np.testing.assert_allclose(net.predict(2 * X).std(axis=0), 1)
    trained = cnn.Network([cnn.Input(4), cnn.Normalize(fill=0.0).adapt(data), cnn.Dense(1)], seed=0)
    trained.fit(data, X[:, 0], epochs=1, verbose=0)  # a NaN that is filled is no error


def test_shared_layers():
    x, y = cnn.Input(4), cnn.Input(4)
    shared = cnn.Dense(3, activation="tanh")
    net = cnn.Network(
        inputs=[x, y], outputs=cnn.Dense(1)(cnn.Concat()([shared(x), shared(y)])), dtype="float64", seed=0
    )
    assert [layer.name for layer in net.layers] == ["dense_1", "concat_1", "dense_2"]
    assert net.count_parameters() == 4 * 3 + 3 + 6 + 1
    w, b = net.layers[0].weight, net.layers[0].bias
    h = np.tanh(np.c_[X @ w.T + b, 2 * X @ w.T + b])
    np.testing.assert_allclose(net.predict([X, 2 * X]), h @ net.layers[2].weight.T + net.layers[2].bias)
    assert net.check_gradients([X, 2 * X], X[:, 0]).ok
    again = net.copy()
    assert [layer.name for layer in again.layers] == ["dense_1", "concat_1", "dense_2"]
    twice = cnn.Dense(4, activation="tanh")
    assert cnn.Network([cnn.Input(4), twice, twice], seed=0).count_parameters() == 20


def test_transfer():
    base = cnn.Network([4, 6, 5, 2], dtype="float64", seed=0)
    base.layers[0].trainable = False
    net = cnn.Network(base.layers[:2] + [cnn.Dense(3)], dtype="float64", seed=1)
    assert [layer.name for layer in net.layers] == ["dense_1", "dense_2", "dense_3"]
    assert [layer.trainable for layer in net.layers] == [False, True, True]
    assert np.array_equal(net.layers[1].weight, base.layers[1].weight)
    np.testing.assert_allclose(net.activations(X)["dense_2"], base.activations(X)["dense_2"])
    net.layers[1].weight[...] = 0
    assert base.layers[1].weight.any()  # copies
    tail = cnn.Network(base.layers[1:], dtype="float32")
    assert tail.input_shape == (6,)
    np.testing.assert_allclose(tail.predict(base.activations(X)["dense_1"]), base.predict(X), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="dense_2"):
        cnn.Network([cnn.Input(3), base.layers[1]])
    x = cnn.Input(4)
    again = cnn.Network(inputs=x, outputs=base.layers[1](base.layers[0](x)), dtype="float64")
    np.testing.assert_allclose(again.predict(X), base.activations(X)["dense_2"])


def test_same_blocks_as_the_c_library():
    """dense_1, activation, dense_2, ...: numbers are drawn by the place of the block alone."""
    listed = cnn.Network([cnn.Input(3), cnn.Dense(4, activation="relu"), cnn.Dense(2)], seed=5)
    sized = cnn.Network([3, 4, 2], seed=5)
    assert all(np.array_equal(a, b) for a, b in zip(listed.parameters.values(), sized.parameters.values(), strict=True))


def test_penalties_and_limits():
    net = cnn.Network(
        [cnn.Input(4), cnn.Dense(3, l1=0.01, l2=0.1, activation="tanh"), cnn.Dense(1)], dtype="float64", seed=0
    )
    w = net.layers[0].weight
    plain = cnn.Network([4, 3, 1], activation="tanh", dtype="float64", seed=0)
    g, p = net.gradients(X, X[:, 0])[1], plain.gradients(X, X[:, 0])[1]
    np.testing.assert_allclose(g["dense_1.weight"], p["dense_1.weight"] + 0.1 * w + 0.01 * np.sign(w), rtol=1e-10)
    assert net.check_gradients(X, X[:, 0]).ok
    limited = cnn.Network([cnn.Input(4), cnn.Dense(3, max_norm=0.5)], seed=0)
    limited.fit(X, X[:, :3], epochs=1, verbose=0)
    assert (np.linalg.norm(limited.layers[0].weight, axis=1) <= 0.5 + 1e-6).all()


def test_function_layers():
    scale = cnn.Function(
        lambda x, p: x * p["scale"],
        lambda x, y, dy, p: (dy * p["scale"], {"scale": (dy * x).sum(axis=0)}),
        parameters={"scale": np.array([1.0, 2.0, 3.0, 4.0])},
    )
    net = cnn.Network([cnn.Input(4), scale, cnn.Dense(2, activation="tanh")], dtype="float64", seed=0)
    assert net.parameters["function_1.scale"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(net.activations(X)["function_1"], X * [1, 2, 3, 4])
    assert net.check_gradients(X, X[:, :2]).ok
    net.fit(X, X[:, :2], epochs=2, verbose=0)
    assert np.array_equal(net.copy().predict(X), net.predict(X))
    halves = cnn.Function(lambda x: x[:, :2], output_shape=2)
    predicts = cnn.Network([cnn.Input(4), halves])
    np.testing.assert_allclose(predicts.predict(X), X[:, :2], rtol=1e-6)
    a, b = cnn.Input(4), cnn.Input(4)
    both = cnn.Function(lambda xs: xs[0] - xs[1], lambda xs, y, dy: [dy, -dy])
    two = cnn.Network(inputs=[a, b], outputs=both([a, b]), dtype="float64")
    np.testing.assert_allclose(two.predict([X, X / 2]), X / 2)


def test_unbound_layers_have_no_parameters():
    layer = cnn.Dense(3, trainable=False)
    assert layer.trainable is False and layer.name is None
    with pytest.raises(AttributeError, match=r"net\.layers"):
        layer.weight  # noqa: B018
    assert not cnn.Network([cnn.Input(2), layer]).layers[0].trainable
    with pytest.raises(AttributeError, match="no weight"):
        cnn.Network([cnn.Input(2), cnn.Flatten()]).layers[0].weight  # noqa: B018


def test_repr():
    assert repr(cnn.Dense(3, "relu", l2=0.1)) == "Dense(units=3, activation='relu', l2=0.1)"
    assert repr(cnn.Input((2, None))) == "Input(shape=(2, None))"
    assert repr(cnn.Adam(0.1)).startswith("Adam(lr=0.1, ") and repr(cnn.losses.Huber(2)) == "Huber(delta=2.0)"
    assert repr(cnn.schedules.Cosine(0.1, 5)) == "Cosine(lr=0.1, epochs=5.0, final=0.0)"


@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=6),
    st.integers(0, 2**64 - 1),
    st.sampled_from(["relu", "tanh", "linear"]),
)
@settings(deadline=None, max_examples=40)
def test_graph_there_and_back(sizes, seed, activation):
    net = cnn.Network(sizes, activation=activation, seed=seed)
    again = cnn.Network(net.layers, seed=0)
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in net.layers]
    assert net.seed == seed and again._arena() == net._arena()
