"""In prediction, what follows a convolution element by element is done by whoever has made the pixels: the same bits as one by one."""

import numpy as np
import pytest

import cnn

RNG = np.random.default_rng(11)


def randomized(net):
    """Running statistics and weights that are not those of a fresh network."""
    for name, values in {**net.parameters, **net.buffers}.items():
        values += RNG.uniform(0.1, 0.6, values.shape).astype(values.dtype) if "running" in name else 0
        values *= RNG.uniform(0.5, 1.5, values.shape).astype(values.dtype)
    return net


def chain(*layers):
    def make(dtype, size):
        return cnn.Network([cnn.Input((3, size, size)), *(layer() for layer in layers)], dtype=dtype, seed=1)

    return make


def residual(order, tail=True, normalized=True):
    """A block whose shortcut is the block's own input, added before or behind the branch."""

    def make(dtype, size):
        x = cnn.Input((3, size, size))
        a = cnn.Conv2D(16, 3, padding=1, activation="relu")(x)
        b = cnn.Conv2D(16, 3, padding=1)(a)
        b = cnn.BatchNorm()(b) if normalized else b
        y = cnn.Add()([a, b] if order else [b, a])
        y = cnn.Activation("relu")(y)
        z = cnn.Conv2D(4, 3, padding=1)(y) if tail else y
        return cnn.Network(inputs=x, outputs=z, dtype=dtype, seed=1)

    return make


def projected(first):
    """Both sides of the sum are convolutions, and the sum is used twice."""

    def make(dtype, size):
        x = cnn.Input((3, size, size))
        sides = [
            lambda: cnn.BatchNorm()(cnn.Conv2D(8, 1)(x)),
            lambda: cnn.Conv2D(8, 3, padding=1, activation="tanh")(x),
        ]
        made = [sides[first](), sides[1 - first]()]
        y = cnn.Add()(made)
        z = cnn.Add()([cnn.Activation("sigmoid")(y), y])
        return cnn.Network(inputs=x, outputs=[z, y], dtype=dtype, seed=1)

    return make


def three(order):
    """A sum of three, of which one is there twice."""

    def make(dtype, size):
        x = cnn.Input((3, size, size))
        a = cnn.Conv2D(5, 3, padding=1)(x)
        b = cnn.Conv2D(5, 1)(x)
        y = cnn.Activation("elu")(cnn.Add()([(a, b)[i] for i in order]))
        return cnn.Network(inputs=x, outputs=cnn.Conv2D(2, 1)(y), dtype=dtype, seed=1)

    return make


NETWORKS = {
    "activation": chain(lambda: cnn.Conv2D(6, 5, padding=2, activation="gelu"), lambda: cnn.Conv2D(5, 3)),
    "winograd": chain(
        lambda: cnn.Conv2D(16, 3, padding=1, activation="relu"),
        lambda: cnn.Conv2D(33, 3, activation="silu"),
        cnn.GlobalAvgPool2D,
    ),
    "normalized": chain(
        lambda: cnn.Conv2D(20, 3, padding=1, stride=2),
        cnn.BatchNorm,
        lambda: cnn.Activation("relu"),
        lambda: cnn.MaxPool2D(2),
        lambda: cnn.Conv2D(7, 1),
        cnn.BatchNorm,
        cnn.Flatten,
        lambda: cnn.Dense(3, activation="softmax"),
    ),
    "depthwise": chain(
        lambda: cnn.Conv2D(8, 1, activation="relu"),
        lambda: cnn.Conv2D(8, 3, groups=8),
        cnn.BatchNorm,
        lambda: cnn.Conv2D(4, 1),
    ),
    "depthwise divided": chain(
        lambda: cnn.Conv2D(48, 1, activation="relu"),
        lambda: cnn.Conv2D(48, 5, groups=48, padding=2),
        cnn.BatchNorm,
        lambda: cnn.Activation("silu"),
        lambda: cnn.Conv2D(3, 1),
        lambda: cnn.Dropout(0.5),
        lambda: cnn.Activation("tanh"),
    ),
    "transposed": chain(
        lambda: cnn.Conv2D(4, 3),
        lambda: cnn.ConvTranspose2D(6, 3, stride=2, activation="tanh"),
        cnn.BatchNorm,
        lambda: cnn.Conv2D(2, 3),
    ),
    "at the end": chain(lambda: cnn.Conv2D(4, 3, activation="relu")),
    "sums": chain(lambda: cnn.Conv2D(4, 3), lambda: cnn.Activation("softmax"), lambda: cnn.Conv2D(4, 3)),
    **{
        f"residual {order} {tail} {norm}": residual(order, tail, norm)
        for order in (0, 1)
        for tail in (0, 1)
        for norm in (0, 1)
    },
    "projected first": projected(0),
    "projected last": projected(1),
    **{f"three {order}": three(order) for order in ((0, 1, 0), (1, 0, 1), (1, 1, 0), (0, 0, 1))},
}


def arrays(y):
    return list(y) if isinstance(y, list | tuple) else [y]


@pytest.fixture(params=NETWORKS)
def make(request):
    return NETWORKS[request.param]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [9, 40])
def test_prediction_has_the_bits_of_one_by_one(make, dtype, size):
    net = randomized(make(dtype, size))
    x = RNG.standard_normal((5, 3, size, size)).astype(dtype)
    nodes = [node["output"] for node in net._nodes()]
    for rows in (x, x[:1]):
        together = arrays(net.predict(rows))
        kept = net._run([rows], nodes)  # every value is kept, so none is written over another
        for y, value in zip(together, net._outputs, strict=True):
            np.testing.assert_array_equal(y, kept[nodes.index(value)])
    for a, b in zip(arrays(net.forward(x)), arrays(net.predict(x)), strict=True):  # a plan that trains has no followers
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_threads_do_not_show(make, rows, dtype):
    x = RNG.standard_normal((rows, 3, 70, 70)).astype(dtype)
    net = randomized(make(dtype, 70))
    seen = []
    for threads in (1, 2, 3, 7):
        with cnn.threads(threads):
            seen.append([y.tobytes() for y in arrays(net.predict(x))])
    assert all(s == seen[0] for s in seen)


def test_followers_against_their_definition():
    """A block of a residual network by hand, in float64."""
    net = randomized(residual(0, tail=False)("float64", 12))
    x = RNG.standard_normal((3, 3, 12, 12))
    p = {**net.parameters, **net.buffers}

    def convolution(x, name):
        w, b = p[f"{name}.weight"], p[f"{name}.bias"]
        x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
        return np.einsum("nchwij,fcij->nfhw", windows, w) + b[:, None, None]

    names = [name[: -len(".weight")] for name in p if name.endswith(".weight") and p[name].ndim == 4]
    norm = next(name[: -len(".running_mean")] for name in p if name.endswith("running_mean"))
    a = np.maximum(convolution(x, names[0]), 0)
    b = convolution(a, names[1])
    scale = p[f"{norm}.weight"] / np.sqrt(p[f"{norm}.running_var"] + 1e-5)
    b = (b - p[f"{norm}.running_mean"][:, None, None]) * scale[:, None, None] + p[f"{norm}.bias"][:, None, None]
    np.testing.assert_allclose(net.predict(x), np.maximum(a + b, 0), rtol=1e-12, atol=1e-12)
