"""Every accelerated row of kernels.def against its definition in Cython, which runs under "scalar"; random numbers; cpu."""

import functools
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ISAS
from hypothesis import given, settings
from hypothesis import strategies as st

import cnn
from cnn import _core

ROOT = Path(__file__).resolve().parent.parent
FAST = [isa for isa in ISAS if isa != "scalar"]
WIDTHS = [*range(1, 68), 1000]
ACTIVATIONS = sorted(set(_core.ACTIVATIONS) - {"linear", "softmax"})
# Constants as the engine gives them to a row.
CONSTANTS = {"leaky_relu": (0.01, 0), "elu": (1, 0), "softplus": (1, 20)}
UPDATES = {
    "sgd_update": [cnn.SGD(0.1), cnn.SGD(0.1, weight_decay=0.05)],
    "momentum_update": [cnn.SGD(0.1, momentum=0.9), cnn.SGD(0.1, momentum=0.8, nesterov=True, weight_decay=0.05)],
    "rmsprop_update": [cnn.RMSprop(0.01), cnn.RMSprop(0.01, alpha=0.9, eps=1e-3, weight_decay=0.05)],
    "adagrad_update": [cnn.Adagrad(0.1), cnn.Adagrad(0.1, eps=1e-3, weight_decay=0.05)],
    "adam_update": [
        cnn.Adam(0.01),
        cnn.Adam(0.01, (0.8, 0.95), 1e-3, weight_decay=0.05),
        cnn.AdamW(0.01, weight_decay=0.2),
    ],
}
COVERED = {f"{name}_{way}" for name in [*ACTIVATIONS, "softmax"] for way in ("forward", "backward")}
COVERED |= {"cross_entropy", *UPDATES}


@pytest.mark.skipif(
    not (ROOT / "csrc" / "kernels" / "kernels.def").exists(), reason="an installed package, without its sources"
)
def test_every_accelerated_row_is_tested():
    spec = importlib.util.spec_from_file_location("lists", ROOT / "tools" / "lists.py")
    lists = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lists)
    rows = lists.rows(ROOT / "csrc" / "kernels" / "kernels.def", "K", "R", "L")
    assert {arguments[1] for macro, arguments in rows if macro == "R"} == COVERED


def agree(actual, expected, dtype, scale=0.0):
    """Two roundings of one definition: within 64 units in the last place of the largest (or of `scale`: dy is up to 100)."""
    assert actual.dtype == expected.dtype == dtype
    unit = 64 * np.finfo(dtype).eps
    np.testing.assert_allclose(actual, expected, rtol=unit, atol=unit * max(np.abs(expected).max(initial=0), scale))


def values(shape, dtype, seed=0):
    z = np.random.default_rng(seed).normal(0, 3, shape)
    z.flat[::13] *= 10
    z.flat[5::29] = 0
    return z.astype(dtype)


def on(isa, compute, *arguments):
    before = cnn.cpu.current()
    cnn.cpu.use(isa)
    try:
        return compute(*arguments)
    finally:
        cnn.cpu.use(before)


# ---- Activations ----------------------------------------------------------------------------------------------------


def forward_and_backward(name, width, dtype, rows):
    """(y, dx) of the activation alone, and dx where two activations add theirs to one input."""
    x = cnn.Input((width,))
    z, dy = values((rows, width), dtype), values((rows, width), dtype, 1)
    alone = cnn.Network(inputs=x, outputs=cnn.Activation(name)(x), dtype=dtype, seed=0)
    two = cnn.Add()([cnn.Activation(name)(x), cnn.Activation(name)(x)])
    both = cnn.Network(inputs=x, outputs=two, dtype=dtype, seed=0)
    found = [alone.predict(z), alone.forward(z, training=True), alone.backward(dy), both.forward(z), both.backward(dy)]
    return [np.array(f) for f in found]


@pytest.mark.parametrize("isa", FAST)
@pytest.mark.parametrize("name", [*ACTIVATIONS, "softmax"])
def test_activations(name, isa, dtype):
    for width in WIDTHS if name != "softmax" else WIDTHS[1:]:
        arguments = name, width, dtype, 3 if width < 1000 else 2
        expected, actual = on("scalar", forward_and_backward, *arguments), on(isa, forward_and_backward, *arguments)
        for a, e in zip(actual, expected, strict=True):
            agree(a, e, dtype, scale=30)


def by_hand(net, z, dy):
    return np.array(net.forward(z)), np.array(net.backward(dy))


@pytest.mark.parametrize("isa", FAST)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_rows_of_activations(name, isa, dtype):
    """The rows themselves, at every length, against the engine on scalar: so that it is them which are compared."""
    c = np.array(CONSTANTS.get(name, (0, 0)), dtype)
    for n in WIDTHS:
        z, dy = values(n, dtype), values(n, dtype, 1)
        y, dz = np.empty_like(z), np.empty_like(z)
        net = cnn.Network([cnn.Input((n,)), cnn.Activation(name)], dtype=dtype, seed=0)
        expected = on("scalar", by_hand, net, z[None], dy[None])
        if _core.kernel(isa, f"{name}_forward", z, c, y) is not False:
            agree(y, expected[0][0], dtype)
        if _core.kernel(isa, f"{name}_backward", dy, z, expected[0][0].copy(), c, dz) is not False:
            agree(dz, expected[1][0], dtype, scale=30)


def test_the_scalar_set_has_no_rows_and_the_others_do(dtype):
    z, c = np.ones(8, dtype), np.ones(2, dtype)
    for name in ACTIVATIONS:
        assert _core.kernel("scalar", f"{name}_forward", z, c, z.copy()) is False
        assert _core.kernel("scalar", f"{name}_backward", z, z, z, c, z.copy()) is False
    assert _core.kernel("scalar", "softmax_forward", z, z.copy()) is False
    for isa in FAST:
        assert _core.kernel(isa, "sigmoid_forward", z, c, z.copy()) is not False
        assert _core.kernel(isa, "softmax_forward", z, z.copy()) is not False


@pytest.mark.parametrize("name", [*ACTIVATIONS, "softmax"])
def test_special_values_have_one_meaning(name, dtype):
    """NaN, infinities, zeros, subnormals and the largest numbers, at every place of a vector."""
    tiny, huge = np.finfo(dtype).tiny, np.finfo(dtype).max
    special = [
        np.nan,
        np.inf,
        -np.inf,
        0.0,
        -0.0,
        tiny,
        -tiny,
        tiny / 8,
        huge,
        -huge,
        88.8,
        -103.9,
        709.8,
        -745.2,
        3.0,
        -3.0,
    ]
    width = 19
    z = np.full((len(special) * width, width), 0.5, dtype)
    for i, value in enumerate(special):
        for j in range(width):
            z[i * width + j, j] = value
    if name == "softmax":
        z = z[~np.isinf(z).any(axis=1)]

    def compute():
        net = cnn.Network([cnn.Input((width,)), cnn.Activation(name)], dtype=dtype, seed=0)
        return by_hand(net, z, np.ones_like(z))

    with np.errstate(all="ignore"):
        expected = on("scalar", compute)
        for isa in FAST:
            for actual, wanted in zip(on(isa, compute), expected, strict=True):
                np.testing.assert_array_equal(np.isnan(actual), np.isnan(wanted))
                np.testing.assert_array_equal(np.isinf(actual), np.isinf(wanted))
                finite = np.isfinite(wanted)
                unit = 64 * np.finfo(dtype).eps
                np.testing.assert_allclose(actual[finite], wanted[finite], rtol=unit, atol=unit)


@settings(max_examples=120, deadline=None)
@given(
    name=st.sampled_from([*ACTIVATIONS, "softmax"]),
    dtype=st.sampled_from(["float32", "float64"]),
    rows=st.integers(1, 40),
    width=st.integers(2, 130),
    seed=st.integers(0, 2**32),
)
def test_any_shape(name, dtype, rows, width, seed):
    z, dy = values((rows, width), dtype, seed), values((rows, width), dtype, seed + 1)

    def compute():
        net = cnn.Network([cnn.Input((width,)), cnn.Activation(name)], dtype=dtype, seed=0)
        return by_hand(net, z, dy)

    expected = on("scalar", compute)
    for isa in FAST:
        for actual, wanted in zip(on(isa, compute), expected, strict=True):
            agree(actual, wanted, dtype, scale=30)


# ---- Losses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("isa", FAST)
def test_cross_entropy_of_labels(isa, dtype):
    """Every number of classes, groups of rows and a rest; what is learnt by heart, what is ruled out, and what is even."""
    for classes in WIDTHS[1:]:
        rows = 150 if classes < 20 else 5
        z, labels = values((rows, classes), dtype), np.random.default_rng(2).integers(0, classes, rows)
        z[1, labels[1]] = 90
        z[2, (labels[2] + 1) % classes] = -300
        z[3, labels[3]] = -300
        z[4] = 0.25
        net = cnn.Network([cnn.Input((classes,)), cnn.Dense(classes)], dtype=dtype, seed=0)
        net.parameters["dense_1.weight"][:] = np.eye(classes)

        def compute(net=net, z=z, labels=labels):
            loss, gradients = net.gradients(z, labels, loss="cross_entropy")
            return loss, np.array(gradients["dense_1.bias"])

        (loss, gradient), (wanted, right) = on(isa, compute), on("scalar", compute)
        assert abs(loss - wanted) <= 64 * np.finfo(dtype).eps * abs(wanted)
        agree(gradient, right, dtype, scale=0.1)


@pytest.mark.parametrize("isa", FAST)
def test_cross_entropy_of_infinities(isa, dtype):
    """Logits that overflow: a class ruled out costs nothing; all else has no loss."""
    for classes in (2, 3, 16, 17, 70):
        net = cnn.Network(
            [cnn.Input((classes,)), cnn.Rescale(1e30 if dtype == "float32" else 1e300)], dtype=dtype, seed=0
        )
        for place in (0, 1, classes - 1):
            for value in (1e20, -1e20):
                z = np.zeros((1, classes), dtype)
                z[0, place] = value
                for label in (0, classes - 1):
                    compute = functools.partial(net.evaluate, z, np.array([label]), loss="cross_entropy")
                    np.testing.assert_allclose(on(isa, compute)["loss"], on("scalar", compute)["loss"], rtol=1e-7)


# ---- Optimizers -----------------------------------------------------------------------------------------------------


def updated(optimizer, width, dtype, steps=3):
    """Weights and slots after steps whose gradients are the inputs themselves: one row, dL/dy = 1."""
    net = cnn.Network([cnn.Input((width,)), cnn.Dense(1, bias=False, init="normal")], dtype=dtype, seed=3)
    for step in range(steps):
        gradient = values((1, width), dtype, step)
        net.forward(gradient, training=True)
        net.backward(np.ones((1, 1), dtype))
        np.testing.assert_array_equal(net.grads["dense_1.weight"], gradient)
        net.step(optimizer)
    return net.parameters["dense_1.weight"].copy(), {k: v for k, v in net._trainer.state().items() if v.dtype == dtype}


@pytest.mark.parametrize("isa", FAST)
@pytest.mark.parametrize("row", sorted(UPDATES))
def test_updates(row, isa, dtype):
    for optimizer in UPDATES[row]:
        for width in WIDTHS:
            expected, slots = on("scalar", updated, optimizer, width, dtype)
            actual, found = on(isa, updated, optimizer, width, dtype)
            agree(actual, expected, dtype)
            assert found.keys() == slots.keys()
            for name in slots:
                agree(found[name], slots[name], dtype)


@pytest.mark.parametrize("isa", FAST)
@pytest.mark.parametrize("row", sorted(UPDATES))
def test_updates_in_training(row, isa, dtype):
    x, y = values((32, 7), "float64") / 10, np.arange(32) % 3

    def train():
        net = cnn.Network([7, 11, 3], activation="tanh", output="softmax", dtype=dtype, seed=5)
        for _ in range(4):
            net.partial_fit(x, y, optimizer=UPDATES[row][-1])
        return net.parameters

    expected, actual = on("scalar", train), on(isa, train)
    for name, value in expected.items():
        tolerance = 1e-4 if dtype == "float32" else 1e-11
        np.testing.assert_allclose(actual[name], value, rtol=tolerance, atol=tolerance)


# ---- Random numbers -------------------------------------------------------------------------------------------------

WORDS = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1]))


@settings(max_examples=200, deadline=None)
@given(
    counter=st.tuples(st.integers(1, 2**64 - 10), WORDS, WORDS, WORDS),
    key=st.tuples(WORDS, WORDS),
    blocks=st.integers(0, 9),
)
def test_philox_is_numpys(counter, key, blocks):
    """NumPy counts one up before each block."""
    number = sum(word << 64 * i for i, word in enumerate(counter))
    expected = (
        np.random.Philox(counter=number - 1, key=np.array(key, np.uint64)).random_raw(4 * blocks).reshape(blocks, 4)
    )
    np.testing.assert_array_equal(_core.philox(counter, key, blocks), expected)


def test_philox_known_answers():
    """Of the Random123 distribution's kat_vectors, philox4x64 with 10 rounds."""
    zeros = _core.philox([0] * 4, [0] * 2, 1)[0]
    ones = _core.philox([2**64 - 1] * 4, [2**64 - 1] * 2, 1)[0]
    assert [f"{w:016x}" for w in zeros] == [
        "16554d9eca36314c",
        "db20fe9d672d0fdc",
        "d7e772cee186176b",
        "7e68b68aec7ba23b",
    ]
    assert [f"{w:016x}" for w in ones] == [
        "87b092c3013fe90b",
        "438c3c67be8d0224",
        "9cc7d7c69cd777b6",
        "a09caebf594f0ba0",
    ]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1), purpose=st.sampled_from([2, 6]), epoch=st.integers(0, 2**40), n=st.integers(0, 3000)
)
def test_permutations(seed, purpose, epoch, n):
    found = _core.random_permutation(seed, purpose, epoch, n)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(np.sort(found), np.arange(n))
    np.testing.assert_array_equal(found, _core.random_permutation(seed, purpose, epoch, n))
    if n > 30:
        for other in ((seed ^ 1, purpose, epoch), (seed, 8 - purpose, epoch), (seed, purpose, epoch + 1)):
            assert (_core.random_permutation(*other, n) != found).any()


def test_permutations_are_uniform():
    """All orders of 4, over 24,000 epochs: chi-square with 23 degrees of freedom is above 60 once in 40,000 times."""
    counts = {}
    for epoch in range(24_000):
        order = tuple(_core.random_permutation(11, 2, epoch, 4))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert sum((c - 1000) ** 2 / 1000 for c in counts.values()) < 60


def test_random_numbers_do_not_depend_on_the_instruction_set(dtype):
    def numbers():
        net = cnn.Network([cnn.Input((50,)), cnn.Dense(33, init="normal"), cnn.Dropout(0.4)], dtype=dtype, seed=8)
        mask = np.array(net.forward(np.ones((20, 50)), training=True)) != 0
        return [*(p.copy() for p in net.parameters.values()), mask]

    expected = on("scalar", numbers)
    for isa in FAST:
        for a, e in zip(on(isa, numbers), expected, strict=True):
            np.testing.assert_array_equal(a, e)


# ---- cnn.cpu ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def restored():
    before = cnn.cpu.current()
    yield
    cnn.cpu.use(before)


def test_use_and_current(restored):
    assert ISAS[0] == "scalar" and len(set(ISAS)) == len(ISAS)
    assert cnn.cpu.current() in ISAS
    for name in [*ISAS, *reversed(ISAS)]:
        assert cnn.cpu.use(name) is None
        assert cnn.cpu.current() == name
    cnn.cpu.use(None)
    if not os.environ.get("CNN_ISA"):
        assert cnn.cpu.current() == ISAS[-1]
    ours = cnn.cpu.available()
    ours.append("nonsense")
    assert cnn.cpu.available() == ISAS


@pytest.mark.parametrize(
    "name", ["avx3", "AVX9", "", " ", "sse", "neon2", "scalar\n", "é", 3, 1.5, b"scalar", ["scalar"], object()]
)
def test_unknown_names(name, restored):
    cnn.cpu.use("scalar")
    with pytest.raises((ValueError, TypeError)) as caught:
        cnn.cpu.use(name)
    assert "instruction set" in str(caught.value) and "\n" not in str(caught.value)
    assert cnn.cpu.current() == "scalar"


def test_a_change_reaches_networks_that_exist(restored, dtype):
    """What was prepared for one instruction set is made anew; a session is a snapshot, and goes on."""
    x = values((5, 9), dtype)
    net = cnn.Network([9, 20, 3], activation="tanh", output="softmax", dtype=dtype, seed=2)
    session = net.session(max_batch=5)
    first = {}
    for isa in [*ISAS, *reversed(ISAS)]:
        cnn.cpu.use(isa)
        found = net.predict(x).tobytes()
        assert first.setdefault(isa, found) == found
        fresh = cnn.Network([9, 20, 3], activation="tanh", output="softmax", dtype=dtype, seed=2)
        assert fresh.predict(x).tobytes() == found
        agree(session.run(x), net.predict(x), dtype)


def child(code, **environment):
    paths = os.pathsep.join([str(Path(cnn.__file__).parent.parent)])
    environment = {**os.environ, "PYTHONPATH": paths, **environment}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("isa", ISAS)
def test_the_environment_lowers_it(isa):
    code = """
import cnn
print(cnn.cpu.current())
cnn.cpu.use("scalar")
print(cnn.cpu.current())
cnn.cpu.use(None)
print(cnn.cpu.current())
"""
    assert child(code, CNN_ISA=isa).stdout.split() == [isa, "scalar", isa]
