"""Predictions of dense layers and of pointwise convolutions by panels, which a session makes of the weights: no bit differs from products
that put them in order as they go, whatever the rows and the threads, and every change of the weights is seen."""

import numpy as np
import pytest

import cnn

pytestmark = pytest.mark.usefixtures("divided")

ROWS = (2, 3, 4, 7, 15, 16, 17, 40, 97, 255, 256, 300)
SIZES = [[70, 150, 33, 20], [300, 64, 17], [33, 16, 130, 3], [1500, 65, 80]]


def network(sizes, dtype="float32", seed=1):
    return cnn.Network(sizes, activation="tanh", output="softmax", dtype=dtype, seed=seed)


def random(shape, dtype="float32"):
    return np.random.default_rng(8).normal(size=shape).astype(dtype)


def without_panels(net, x):
    """While somebody may write into the weights, a session keeps none."""
    net = net.copy()
    view = next(iter(net.parameters.values()))
    p = net.predict(x)
    assert view.base is not None
    return p


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_panels_do_not_show(sizes, threads, dtype, isa):
    net, x = network(sizes, dtype), random((300, sizes[0]), dtype)
    expected = without_panels(net, x)
    with cnn.threads(threads):
        for rows in (*ROWS, *ROWS[::-1]):
            fresh = net.copy()
            for _ in range(3):  # panels are made at the second or the first time
                np.testing.assert_array_equal(fresh.predict(x[:rows]), expected[:rows])
            np.testing.assert_array_equal(net.predict(x[:rows]), expected[:rows])


def test_sequences_of_rows(dtype, isa):
    """Every leading position of a row is a row of the product."""
    net = cnn.Network([cnn.Input((5, 40)), cnn.Dense(70, activation="relu"), cnn.Dense(33)], dtype=dtype, seed=2)
    x = random((60, 5, 40), dtype)
    expected = without_panels(net, x)
    for rows in (1, 2, 30, 60):
        for _ in range(3):
            np.testing.assert_allclose(net.predict(x[:rows]), expected[:rows], rtol=1e-5, atol=1e-6)
            if rows > 1:
                np.testing.assert_array_equal(net.predict(x[:rows]), expected[:rows])


@pytest.mark.parametrize("filters", [(70, 9), (16, 64), (5, 130)], ids=str)
def test_pointwise_convolutions(filters, dtype, isa):
    layers = [cnn.Conv2D(filters[0], 1, activation="relu"), cnn.BatchNorm(), cnn.Conv2D(filters[1], 1), cnn.Flatten()]
    net = cnn.Network([cnn.Input((24, 9, 8)), *layers], dtype=dtype, seed=3)
    x = random((7, 24, 9, 8), dtype)
    weights = [net.parameters[name].astype(float) for name in list(net.parameters)]
    y = np.einsum("nchw,fc->nfhw", x.astype(float), weights[0][:, :, 0, 0]) + weights[1][:, None, None]
    y = np.maximum(y, 0) / np.sqrt(1 + 1e-5)
    y = np.einsum("nchw,fc->nfhw", y, weights[4][:, :, 0, 0]) + weights[5][:, None, None]
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for threads in (1, 2, 3):
        with cnn.threads(threads):
            for rows in (1, 2, 7):
                p = net.predict(x[:rows])
                np.testing.assert_allclose(p, y[:rows].reshape(rows, -1), rtol=tolerance, atol=tolerance)
                np.testing.assert_array_equal(p, net.copy().predict(x)[:rows])


def labels(n):
    return np.random.default_rng(9).integers(0, 20, n)


CHANGES = {
    "set_parameters": lambda net, x: net.set_parameters(network(SIZES[0], net.dtype, 5).parameters),
    "copy_from": lambda net, x: net.copy_from(network(SIZES[0], net.dtype, 6), 0.25),
    "reset": lambda net, x: net.reset(7),
    "fit": lambda net, x: net.fit(x, labels(len(x)), epochs=1, verbose=0),
    "partial_fit": lambda net, x: net.partial_fit(x, labels(len(x))),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("rows", [2, 20, 300])
def test_every_change_is_seen(rows, change, dtype):
    net, x = network(SIZES[0], dtype), random((300, 70), dtype)
    for _ in range(3):
        before = net.predict(x[:rows])
        net.predict(x[:rows])
        CHANGES[change](net, x)
        expected = without_panels(net, x[:rows])
        for _ in range(3):
            np.testing.assert_array_equal(net.predict(x[:rows]), expected)
        assert change in ("set_parameters", "reset") or (expected != before).any()


@pytest.mark.parametrize("rows", [2, 20, 300])
def test_views_are_seen_while_they_live(rows):
    net, x = network(SIZES[0]), random((300, 70))
    for _ in range(2):
        net.predict(x[:rows])
    view = net.parameters["dense_2.weight"]
    for k in range(3):
        view *= 1.5
        if k == 2:
            del view
        for _ in range(3):
            np.testing.assert_array_equal(net.predict(x[:rows]), without_panels(net, x[:rows]))


def test_a_snapshot_has_its_own():
    net, x = network(SIZES[0]), random((300, 70))
    session = net.session(max_batch=300)
    before = without_panels(net, x)
    net.reset(4)
    for rows in (2, 20, 300):
        np.testing.assert_array_equal(session.run(x[:rows]), before[:rows])
    session.refresh()
    for rows in (2, 20, 300):
        np.testing.assert_array_equal(session.run(x[:rows]), net.predict(x[:rows]))


def test_panels_are_part_of_the_stated_memory():
    kept, _ = network([70, 150, 33, 20])._prediction_memory()
    assert kept >= 4 * (70 * 150 + 150 * 33 + 33 * 20)
    assert network([70, 15, 3])._prediction_memory()[0] == 0  # of few units none are made
