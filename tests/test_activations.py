"""Every activation, forward and backward, in both dtypes, on every instruction set, against the NumPy reference."""

import numpy as np
import pytest
from conftest import close
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import activations as reference

import cnn
from cnn import _core


def numbers(shape, seed=0):
    random = np.random.default_rng(seed)
    z = random.normal(0, 3, shape)
    z.flat[:4] = [0.5, -0.5, 8, -8]
    return z


def network(name, width, dtype, **constants):
    return cnn.Network([cnn.Input((width,)), cnn.Activation(name, **constants)], dtype=dtype, seed=0)


def test_the_reference_has_every_activation():
    assert set(_core.ACTIVATIONS) == set(reference.ACTIVATIONS)


@pytest.mark.parametrize("name", sorted(_core.ACTIVATIONS))
@pytest.mark.parametrize("shape", [(1, 4), (3, 5), (7, 17), (2, 64), (33, 131)])
def test_forward_and_backward(name, shape, dtype, isa):
    z = numbers(shape).astype(dtype)
    dy = np.random.default_rng(1).normal(size=shape).astype(dtype)
    net = network(name, shape[1], dtype)
    close(net.predict(z), reference.forward(name, z.astype(float)), dtype)
    y = net.forward(z, training=True)
    close(y, reference.forward(name, z.astype(float)), dtype)
    # softmax takes the difference of numbers of dy's size
    close(net.backward(dy), reference.backward(name, z.astype(float), dy.astype(float)), dtype, scale=np.abs(dy).max())


@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("leaky_relu", {"negative_slope": 0.2}),
        ("elu", {"alpha": 0.5}),
        ("softplus", {"beta": 2.0, "threshold": 10.0}),
    ],
)
def test_constants(name, constants, dtype, isa):
    z = numbers((5, 9)).astype(dtype)
    net = network(name, 9, dtype, **constants)
    close(net.predict(z), reference.forward(name, z.astype(float), **constants), dtype)
    net.forward(z, training=True)
    close(
        net.backward(np.ones_like(z)), reference.backward(name, z.astype(float), np.ones(z.shape), **constants), dtype
    )


@pytest.mark.parametrize("name", sorted(_core.ACTIVATIONS))
def test_central_differences(name, isa):
    z = numbers((3, 6), seed=2)
    dy = np.random.default_rng(3).normal(size=z.shape)
    net = network(name, 6, "float64")
    net.forward(z, training=True)
    dz = net.backward(dy)
    assert np.abs(dz).max() > 0
    h = 1e-6
    for i in np.ndindex(z.shape):
        up, down = z.copy(), z.copy()
        up[i] += h
        down[i] -= h
        numerical = ((net.predict(up) - net.predict(down)) * dy).sum() / (2 * h)
        assert abs(numerical - dz[i]) <= 1e-6 * max(abs(numerical), abs(dz[i]), 1e-2)


@pytest.mark.parametrize("name", sorted(_core.ACTIVATIONS))
def test_extremes(name, dtype, isa):
    """Large arguments saturate without a NaN; NaN stays NaN."""
    big = 80.0 if dtype == "float32" else 600.0
    z = np.array([[big, -big, 0.0, 1.0]], dtype=dtype)
    assert np.isfinite(network(name, 4, dtype).predict(z)).all()
    z[0, 1] = np.nan
    y = network(name, 4, dtype).predict(z)
    assert np.isnan(y[0, 1])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 40),
    width=st.integers(1, 70),
    name=st.sampled_from(sorted(_core.ACTIVATIONS)),
    seed=st.integers(0, 99),
)
def test_shapes(rows, width, name, seed):
    z = np.random.default_rng(seed).normal(size=(rows, width))
    close(network(name, width, "float64").predict(z), reference.forward(name, z) if rows else z, "float64")
