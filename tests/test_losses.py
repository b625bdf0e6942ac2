"""Every loss and its gradient against the NumPy reference and central differences."""

import numpy as np
import pytest
from conftest import close
from reference import losses as reference

import cnn
from cnn import _core

CONSTANTS = {
    "huber": [{}, {"delta": 0.3}],
    "quantile": [{}, {"q": 0.9}],
    "cross_entropy": [{}, {"label_smoothing": 0.1}],
}
CASES = [(name, constants) for name in sorted(_core.LOSSES) for constants in CONSTANTS.get(name, [{}])]


def loss_object(name, constants):
    made = {"huber": cnn.losses.Huber, "quantile": cnn.losses.Quantile, "cross_entropy": cnn.losses.CrossEntropy}
    return made[name](**constants) if constants else name


def data(name, n, k, dtype, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, k))
    if name == "poisson":
        x = np.abs(x) + 0.2
        y = random.poisson(2.0, (n, k)).astype(float)
    elif name == "binary_cross_entropy":
        y = random.integers(0, 2, (n, k)).astype(float)
    elif name == "hinge":
        y = random.choice([-1.0, 1.0], (n, k))
    elif name == "cross_entropy":
        y = random.dirichlet(np.ones(k), n)
    else:
        y = random.normal(size=(n, k))
    return x.astype(dtype), y.astype(dtype)


def passing(k, dtype):
    """A network that is the identity: its output is its input, its weight's gradient tells the loss's."""
    net = cnn.Network([cnn.Input((k,)), cnn.Dense(k, bias=True)], dtype=dtype, seed=0)
    net.set_parameters({"dense_1.weight": np.eye(k), "dense_1.bias": np.zeros(k)})
    return net


def test_the_reference_has_every_loss():
    assert set(_core.LOSSES) == set(reference.LOSSES)


@pytest.mark.parametrize(("name", "constants"), CASES)
@pytest.mark.parametrize(("n", "k"), [(1, 2), (5, 3), (32, 10), (40, 17)])
def test_loss_and_gradient(name, constants, n, k, dtype, isa):
    x, y = data(name, n, k, dtype)
    net = passing(k, dtype)
    loss, gradients = net.gradients(x, y, loss=loss_object(name, constants))
    losses, slopes = reference.LOSSES[name](y.astype(float), x.astype(float), **constants)
    close(loss, losses.mean(), dtype)
    close(gradients["dense_1.bias"], slopes.sum(0) / n, dtype, factor=3)
    close(gradients["dense_1.weight"], slopes.T @ x / n, dtype, factor=3)


@pytest.mark.parametrize("name", sorted(set(_core.LOSSES) - {"cross_entropy"}))
def test_one_output(name, dtype, isa):
    x, y = data(name, 6, 1, dtype)
    net = passing(1, dtype)
    for target in (y, y[:, 0]):
        loss, gradients = net.gradients(x, target, loss=name)
        losses, slopes = reference.LOSSES[name](y.astype(float), x.astype(float))
        close(loss, losses.mean(), dtype)
        close(gradients["dense_1.bias"], slopes.sum(0) / 6, dtype, factor=3)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_labels_are_one_hot_rows(smoothing, kind, dtype, isa):
    random = np.random.default_rng(0)
    x = random.normal(size=(9, 4)).astype(dtype)
    labels = random.integers(0, 4, 9)
    net = passing(4, dtype)
    loss = cnn.losses.CrossEntropy(label_smoothing=smoothing)
    a = net.gradients(x, labels.astype(kind), loss=loss)
    b = net.gradients(x, np.eye(4, dtype=dtype)[labels], loss=loss)
    close(a[0], b[0], dtype)
    close(a[1]["dense_1.weight"], b[1]["dense_1.weight"], dtype)


@pytest.mark.parametrize(("name", "constants"), CASES)
def test_weights(name, constants, isa):
    """A batch's loss is sum(w l) / n, the weights brought to mean 1."""
    x, y = data(name, 8, 3, "float64")
    w = np.random.default_rng(4).uniform(0, 2, 8)
    net = passing(3, "float64")
    result = net.evaluate(x, y, loss=loss_object(name, constants), sample_weight=w)
    losses, _ = reference.LOSSES[name](y, x, **constants)
    close(result["loss"], (losses * w).sum() / w.sum(), "float64")


@pytest.mark.parametrize("name", sorted(_core.LOSSES))
def test_check_gradients(name, isa):
    random = np.random.default_rng(0)
    x = random.normal(size=(6, 5))
    _, y = data(name, 6, 3, "float64")
    output = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "softplus"}.get(name, "linear")
    net = cnn.Network([5, 7, 3], activation="tanh", output=output, dtype="float32", seed=1)
    report = net.check_gradients(x, y, loss=name)
    assert report.max_relative_error <= 1e-6, str(report)


def test_confident_logits_stay_finite(dtype, isa):
    """Cross-entropy is computed from the logits: no log(0) however sure and wrong the network is."""
    x = np.array([[300.0, -300.0], [-300.0, 300.0]], dtype=dtype)
    loss, gradients = passing(2, dtype).gradients(x, np.array([1, 0]), loss="cross_entropy")
    assert loss == pytest.approx(600)
    assert np.isfinite(gradients["dense_1.weight"]).all()
    loss, _ = passing(2, dtype).gradients(x, np.array([[0.0, 1], [1, 0]], dtype=dtype), loss="binary_cross_entropy")
    assert loss == pytest.approx(300)
