"""Every optimizer against the NumPy reference (which agrees with PyTorch), step by step, on a loss that is not quadratic."""

import numpy as np
import pytest
from conftest import close
from reference import network as reference_network
from reference import optimizers as reference

import cnn
from cnn import _core

CASES = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "momentum": 0.5, "weight_decay": 0.01}),
    ("RMSprop", {"centered": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.02, "initial_accumulator_value": 0.1}),
    ("Adam", {}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.2}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.02, "etas": (0.4, 1.5), "step_sizes": (1e-4, 0.5)}),
    ("Adam", {"clip_norm": 0.05}),
    ("SGD", {"lr": 0.5, "clip_value": 0.01}),
    ("SGD", {"lr": 0.5, "clip_value": 0.02, "clip_norm": 0.03}),
]
LBFGS_CASES = [
    {"max_iter": 5, "line_search_fn": "strong_wolfe"},
    {"max_iter": 4, "history_size": 3, "line_search_fn": "strong_wolfe"},
    {"max_iter": 6, "lr": 0.3},
]


def both(dtype, l2=0.0, max_norm=None):
    """The same network here and in the reference."""
    options = {"l2": l2, "max_norm": max_norm}
    net = cnn.Network(
        [cnn.Input((5,)), cnn.Dense(6, activation="tanh", **options), cnn.Dense(3, activation="softmax")],
        dtype=dtype,
        seed=3,
    )
    w = {name: np.array(value, dtype=np.float64) for name, value in net.parameters.items()}
    specs = [
        {"kind": "dense", "weight": w["dense_1.weight"], "bias": w["dense_1.bias"], "activation": "tanh", **options},
        {"kind": "dense", "weight": w["dense_2.weight"], "bias": w["dense_2.bias"], "activation": "softmax"},
    ]
    random = np.random.default_rng(0)
    return net, reference_network.Network(specs), random.normal(size=(40, 5)), random.integers(0, 3, 40)


def ours(name, options):
    return getattr(cnn.optimizers, name)(**options)


def test_every_optimizer_is_tested():
    names = {name.lower() for name, _ in CASES} | {"lbfgs"}
    assert names == set(_core.OPTIMIZERS) == {name.lower() for name in reference.OPTIMIZERS}


@pytest.mark.parametrize(("name", "options"), CASES)
def test_steps(name, options, dtype, isa):
    net, expected, x, y = both(dtype)
    xd = x.astype(dtype)
    optimizer = ours(name, options)
    their = reference.OPTIMIZERS[name.lower() if name.lower() in reference.OPTIMIZERS else name](**options)
    for i in range(12):
        rows = slice(8 * (i % 5), 8 * (i % 5) + 8)
        loss = net.partial_fit(xd[rows], y[rows], optimizer=optimizer, loss="cross_entropy")
        close(loss, expected.step(their, x[rows], y[rows], loss="cross_entropy"), dtype, factor=20)
    for key, value in expected.parameters.items():
        # Adam-like steps divide by the gradient's own size: a gradient near 0 keeps few digits in float32
        close(net.parameters[key], value, dtype, factor=1 if dtype == "float64" else 300)


@pytest.mark.parametrize("options", LBFGS_CASES)
def test_lbfgs(options, isa):
    net, expected, x, y = both("float64")
    their = reference.LBFGS(**options)
    net.fit(x, y, epochs=3, optimizer=cnn.optimizers.LBFGS(**options), verbose=0)
    for _ in range(3):
        expected.step(their, x, y, loss="cross_entropy")
    for key, value in expected.parameters.items():
        np.testing.assert_allclose(net.parameters[key], value, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_penalty_and_max_norm(name, dtype, isa):
    net, expected, x, y = both(dtype, l2=0.05, max_norm=0.7)
    their = reference.OPTIMIZERS[name.lower() if name.lower() in reference.OPTIMIZERS else name](lr=0.05)
    optimizer = ours(name, {"lr": 0.05})
    for _ in range(8):
        net.partial_fit(x.astype(dtype), y, optimizer=optimizer, loss="cross_entropy")
        expected.step(their, x, y, loss="cross_entropy")
    for key, value in expected.parameters.items():
        close(net.parameters[key], value, dtype, factor=1 if dtype == "float64" else 300)
    assert np.linalg.norm(net.parameters["dense_1.weight"], axis=1).max() <= 0.7 * (1 + 1e-5)


def test_frozen_blocks_do_not_move(isa):
    net, _, x, y = both("float64")
    net.freeze(upto="dense_1")
    before = {k: v.copy() for k, v in net.parameters.items()}
    net.fit(x, y, epochs=2, verbose=0)
    np.testing.assert_array_equal(before["dense_1.weight"], net.parameters["dense_1.weight"])
    assert (before["dense_2.weight"] != net.parameters["dense_2.weight"]).any()
