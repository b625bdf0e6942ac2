"""Convolutions behind which there is a pool of maxima: their gradients are made from the pool's, and relu goes behind the pool. The same
numbers as where the convolution's own output is seen, for there every layer stays by itself."""

import numpy as np
import pytest
from conftest import close

import cnn

pytestmark = pytest.mark.usefixtures("divided")

RNG = np.random.default_rng(5)
# the convolution before, the convolution, the pool, the input's shape
CASES = {
    "planes": (None, {"filters": 6, "kernel_size": 5, "padding": 2}, {"size": 2}, (1, 12, 12)),
    "planes, many": (None, {"filters": 21, "kernel_size": 3}, {"size": 2}, (1, 19, 18)),
    "few channels": ({"filters": 6, "kernel_size": 3}, {"filters": 16, "kernel_size": 5}, {"size": 2}, (1, 16, 16)),
    "a long run": ({"filters": 7, "kernel_size": 1}, {"filters": 18, "kernel_size": (2, 7)}, {"size": 2}, (2, 8, 15)),
    "large windows": ({"filters": 5, "kernel_size": 3}, {"filters": 9, "kernel_size": 4}, {"size": (3, 4)}, (2, 15, 17)),
    "gaps": ({"filters": 5, "kernel_size": 3}, {"filters": 9, "kernel_size": 4, "padding": 1}, {"size": 2, "stride": 3}, (2, 13, 14)),
    "overlapping": ({"filters": 5, "kernel_size": 3}, {"filters": 9, "kernel_size": 4}, {"size": 3, "stride": 2}, (2, 13, 14)),
    "beyond the edge": ({"filters": 5, "kernel_size": 3}, {"filters": 9, "kernel_size": 4}, {"size": 2, "ceil_mode": True}, (2, 12, 12)),
    "a step": ({"filters": 5, "kernel_size": 3}, {"filters": 9, "kernel_size": 4, "stride": (2, 1)}, {"size": 2}, (2, 21, 13)),
    "many filters": ({"filters": 4, "kernel_size": 1}, {"filters": 150, "kernel_size": 5}, {"size": 2}, (1, 9, 9)),
    "one channel again": ({"filters": 1, "kernel_size": 3}, {"filters": 6, "kernel_size": 5}, {"size": 2}, (1, 15, 15)),
}  # fmt: skip


def networks(case, activation, dtype):
    """The network, and one with the same weights in which the convolution's output is an output, too."""
    before, options, pool, shape = CASES[case]
    x = cnn.Input(shape)
    h = cnn.Conv2D(**before)(x) if before else x
    z = cnn.Conv2D(**options)(h)
    a = cnn.Activation(activation)(z) if activation else z
    y = cnn.Dense(3)(cnn.Flatten()(cnn.MaxPool2D(**pool)(a)))
    together = cnn.Network(inputs=x, outputs=y, dtype=dtype, seed=2)
    apart = cnn.Network(inputs=x, outputs=[y, z, a] if activation else [y, z], dtype=dtype, seed=2)
    return together, apart


@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
@pytest.mark.parametrize("case", CASES)
def test_gradients(case, activation, dtype, isa):
    together, apart = networks(case, activation, dtype)
    x = RNG.normal(size=(3, *CASES[case][3])).astype(dtype)
    dy = RNG.normal(size=(3, 3)).astype(dtype)
    y, *seen = apart.forward(x, training=True)
    close(together.forward(x, training=True), y, dtype)
    close(together.predict(x), y, dtype)
    close(together.backward(dy), apart.backward([dy, *map(np.zeros_like, seen)]), dtype, factor=3)
    for key, gradient in apart.grads.items():
        close(together.grads[key], gradient, dtype, factor=3)


@pytest.mark.parametrize("rows", [1, 5, 40])
@pytest.mark.parametrize("case", CASES)
def test_a_step(case, rows, dtype, isa):
    """Of a fit, where nobody asks for the input's gradient: as by hand."""
    together, apart = networks(case, "relu", dtype)
    x = RNG.normal(size=(rows, *CASES[case][3])).astype(dtype)
    t = RNG.normal(size=(rows, 3)).astype(dtype)
    y, *seen = apart.forward(x, training=True)
    apart.backward([((y - t) * 2 / t.size).astype(dtype), *map(np.zeros_like, seen)])
    wanted = {key: p - apart.grads[key] for key, p in together.parameters.items()}
    together.fit(x, t, epochs=1, batch_size=rows, loss="mse", optimizer=cnn.SGD(1.0), verbose=0)
    for key, p in together.parameters.items():
        close(p, wanted[key], dtype, factor=5)


@pytest.mark.parametrize("batch_size", [8, 33])
@pytest.mark.parametrize("case", ["planes", "few channels"])
def test_threads_do_not_show(case, batch_size, dtype, isa):
    x = RNG.normal(size=(40, *CASES[case][3])).astype(dtype)
    t = RNG.normal(size=(40, 3)).astype(dtype)

    def run(n):
        with cnn.threads(n):
            net = networks(case, "relu", dtype)[0]
            net.fit(x, t, epochs=2, batch_size=batch_size, loss="mse", verbose=0)
            return [p.tobytes() for p in net.parameters.values()]

    assert run(1) == run(2) == run(3)


def test_a_nan_goes_through(dtype, isa):
    """A window with a NaN gives NaN, with relu behind the pool as before it."""
    net = cnn.Network([cnn.Input((1, 8, 8)), cnn.Activation("relu"), cnn.MaxPool2D(2)], dtype=dtype)
    x = RNG.normal(size=(1, 1, 8, 8)).astype(dtype)
    x[0, 0, 2, 3] = np.nan
    wanted = np.maximum(x, 0).reshape(1, 1, 4, 2, 4, 2).max(axis=(3, 5))
    np.testing.assert_array_equal(net.predict(x), wanted)


@pytest.mark.parametrize("padding", [0, 2])
@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
@pytest.mark.parametrize("pool", [cnn.MaxPool2D, cnn.AvgPool2D])
def test_plain_or_last(pool, activation, padding, dtype, isa):
    """A prediction leaves planes plain from the pool to the next convolution; training turns them. The bits are the same."""
    x = cnn.Input((1, 20, 22))
    h = pool(2)(cnn.Conv2D(6, 5, padding=2)(x))
    h = cnn.Activation(activation)(h) if activation else h
    y = cnn.Conv2D(8, 3, padding=padding, groups=2)(h)
    net = cnn.Network(inputs=x, outputs=y, dtype=dtype, seed=1)
    x = RNG.normal(size=(3, 1, 20, 22)).astype(dtype)
    trained = net.forward(x, training=True)
    np.testing.assert_array_equal(net.predict(x), trained)
    np.testing.assert_array_equal(net.predict(x[:1]), trained[:1])
