"""Initial weights: the distribution that each name promises, the same from the same seed, in both dtypes."""

import numpy as np
import pytest
from conftest import close
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import initializers as reference

import cnn
from cnn import _core

SHAPES = [(300, 400), (400, 300), (1000, 90)]


def dense(shape, init=None, dtype="float64", seed=1, activation=None, **options):
    out, inputs = shape
    return cnn.Network(
        [cnn.Input((inputs,)), cnn.Dense(out, activation=activation, init=init, **options)], dtype=dtype, seed=seed
    )


def weight(*arguments, **options):
    return dense(*arguments, **options).parameters["dense_1.weight"].copy()


def test_the_reference_has_every_scheme():
    assert set(_core.INITS) >= set(reference.INITIALIZERS)


def random_ones():
    return [name for name in reference.INITIALIZERS if name not in ("zeros", "orthogonal")]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", reference.INITIALIZERS)
def test_mean_deviation_and_bounds(name, shape, dtype):
    w = weight(shape, name, dtype).astype(float)
    std = reference.expected_std(name, shape)
    n = w.size
    assert abs(w.mean()) <= 5 * std / np.sqrt(n)
    if name == "orthogonal":
        assert reference.is_orthogonal(w, 1e-12 if dtype == "float64" else 1e-6)
    assert w.std() == pytest.approx(std, rel=0.01)
    bound = reference.uniform_bound(name, shape)
    if bound is not None:
        assert np.abs(w).max() <= bound * (1 + 1e-7)
        assert np.abs(w).max() > 0.99 * bound
        # The same share in each tenth.
        counts = np.histogram(w, 10, (-bound, bound))[0]
        assert np.abs(counts - n / 10).max() < 5 * np.sqrt(n / 10)
    if reference.normal_std(name, shape) is not None:
        inside = [(np.abs(w) < k * std).mean() for k in (1, 2, 3)]
        np.testing.assert_allclose(inside, [0.682689, 0.954500, 0.997300], atol=5 * 0.5 / np.sqrt(n))
        assert np.abs(w).max() > 3.5 * std  # not truncated


@pytest.mark.parametrize("name", random_ones())
def test_elements_do_not_depend_on_each_other(name):
    w = weight((400, 300), name)
    w = w / w.std()
    limit = 5 / np.sqrt(w.size)
    for a, b in (
        (w[1:], w[:-1]),
        (w[:, 1:], w[:, :-1]),
        (w[:, 2:], w[:, :-2]),
        (w[:200], w[200:]),
        (w[:300].T, w[:300]),
    ):
        assert abs((a * b).mean()) < limit * 1.2
    assert len(np.unique(w)) == w.size


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 5), (3, 20), (20, 3), (33, 64)])
def test_orthogonal(shape, dtype):
    assert reference.is_orthogonal(weight(shape, "orthogonal", dtype), 1e-12 if dtype == "float64" else 1e-6)


def test_orthogonal_ones_are_spread_over_all():
    """Haar: the signs and places of a square one's elements are even, and its determinant is as often 1 as -1."""
    several = np.array([weight((4, 4), "orthogonal", seed=s) for s in range(400)])
    assert np.abs(several.mean(axis=0)).max() < 5 * 0.5 / 20
    np.testing.assert_allclose((several**2).mean(axis=0), 0.25, atol=5 * 0.25 / 20)
    assert 140 < (np.linalg.det(several) > 0).sum() < 260


def test_zeros(dtype):
    assert not weight((30, 40), "zeros", dtype).any()


@pytest.mark.parametrize("name", reference.INITIALIZERS)
def test_the_same_seed_gives_the_same_bits_on_every_instruction_set(name, dtype):
    results = set()
    for isa in cnn.cpu.available():
        cnn.cpu.use(isa)
        results.add(weight((37, 53), name, dtype, seed=12).tobytes())
        results.add(weight((37, 53), name, dtype, seed=12).tobytes())
    cnn.cpu.use(None)
    if name in ("orthogonal", "zeros"):  # products of an orthogonal one may differ by a rounding
        assert len(results) <= len(cnn.cpu.available())
    else:
        assert len(results) == 1
    assert name == "zeros" or weight((37, 53), name, dtype, seed=13).tobytes() not in results


@pytest.mark.parametrize("name", reference.INITIALIZERS)
@settings(max_examples=20, deadline=None)
@given(out=st.integers(1, 40), inputs=st.integers(1, 40), seed=st.integers(0, 2**64 - 1))
def test_float32_is_float64_rounded(name, out, inputs, seed):
    a, b = (weight((out, inputs), name, dtype, seed=seed, bias_init="normal") for dtype in ("float32", "float64"))
    np.testing.assert_array_equal(a, b.astype(np.float32))


def test_blocks_differ(isa):
    """Layers of one shape, and both halves of one layer, draw their own numbers."""
    net = cnn.Network([cnn.Input((30,)), *(cnn.Dense(30, init="normal", bias_init="normal") for _ in range(3))], seed=0)
    values = [v.ravel() for v in net.parameters.values()]
    firsts = [v[:30].tobytes() for v in values]
    assert len(set(firsts)) == len(firsts)
    for i, a in enumerate(values[::2]):
        for b in values[::2][i + 1 :]:
            assert abs((a * b).mean()) < 5 / 30


@pytest.mark.parametrize("activation", [None, *sorted(_core.ACTIVATIONS)])
def test_the_default_suits_the_activation(activation, dtype):
    """He for those that cut off half, LeCun for selu, Glorot for the rest."""
    w = weight((300, 400), None, dtype, activation=activation)
    names = [name for name in reference.INITIALIZERS if (w == weight((300, 400), name, dtype)).all()]
    family = {
        "relu": "he",
        "leaky_relu": "he",
        "elu": "he",
        "gelu": "he",
        "gelu_tanh": "he",
        "silu": "he",
        "hard_swish": "he",
        "selu": "lecun",
    }
    wanted = family.get(activation)
    if wanted is None:
        wanted = "glorot" if activation in (None, "linear", "tanh", "sigmoid", "softmax", "hard_sigmoid") else ""
    assert names
    assert names[0].startswith(wanted)


def test_sizes_take_one_scheme_for_all():
    net = cnn.Network([200, 300, 100], init="orthogonal", bias_init="normal", dtype="float64", seed=0)
    for name, value in net.parameters.items():
        if name.endswith("weight"):
            assert reference.is_orthogonal(value, 1e-12)
        else:
            assert 0.7 < value.std() < 1.3
    relu = cnn.Network([200, 300, 100], dtype="float64", seed=0)
    assert relu.parameters["dense_1.weight"].std() == pytest.approx(np.sqrt(2 / 200), rel=0.02)


@pytest.mark.parametrize("activation", sorted(_core.ACTIVATIONS))
def test_biases_are_zero_or_normal(activation, dtype):
    assert not dense((300, 4), None, dtype, activation=activation).parameters["dense_1.bias"].any()
    b = dense((9000, 4), None, dtype, activation=activation, bias_init="normal").parameters["dense_1.bias"]
    assert abs(b.mean()) < 5 / np.sqrt(9000)
    assert b.std() == pytest.approx(1, abs=0.05)


def test_seeds(dtype):
    """An int, a SeedSequence and a Generator; None draws one, and keeps it."""
    shape = (6, 7)

    def bits(seed):
        return dense(shape, dtype=dtype, seed=seed).parameters["dense_1.weight"].tobytes()

    assert bits(5) == bits(np.int32(5)) == bits(np.uint64(5))
    assert bits(np.random.SeedSequence(5)) == bits(np.random.SeedSequence(5)) != bits(np.random.SeedSequence(6))
    generator = np.random.default_rng(5)
    first, second = bits(generator), bits(generator)
    assert first != second
    assert first == bits(np.random.default_rng(5))
    for start in (0, 2**64 - 1, 2**63, np.random.SeedSequence(5), np.random.default_rng(5)):
        net = dense(shape, dtype=dtype, seed=start)
        assert net.parameters["dense_1.weight"].tobytes() == bits(net.seed)
    drawn = [dense(shape, dtype=dtype, seed=None) for _ in range(3)]
    assert len({net.seed for net in drawn}) == 3
    for net in drawn:
        assert isinstance(net.seed, int)
        assert net.parameters["dense_1.weight"].tobytes() == bits(net.seed)
        net.parameters["dense_1.weight"][...] = 0
        net.reset()
        assert net.parameters["dense_1.weight"].tobytes() == bits(net.seed)
    net.reset(8)
    assert net.seed == 8
    assert net.parameters["dense_1.weight"].tobytes() == bits(8)


@pytest.mark.parametrize("bad", [-1, 2**64, 1.5, "0", True, [1]])
def test_what_is_no_seed_is_refused(bad):
    with pytest.raises((ValueError, TypeError), match="seed"):
        cnn.Network([2, 1], seed=bad)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("he_norml", "he_normal"),
        ("kaiming_normal", "he_normal"),
        ("xavier_uniform", "glorot_uniform"),
        (3, "init"),
        ("", "init"),
    ],
)
def test_what_is_no_scheme_is_refused(bad, words):
    for make in (
        lambda: cnn.Network([2, 1], init=bad),
        lambda: cnn.Dense(3, init=bad),
        lambda: cnn.Dense(3, bias_init=bad),
    ):
        with pytest.raises((ValueError, TypeError), match=words):
            make()


def test_signals_keep_their_size():
    """What the schemes are for: ten layers deep, a relu network with He's and a tanh one with Glorot's neither dies nor grows."""
    x = np.random.default_rng(0).normal(size=(500, 256))
    for activation in ("relu", "tanh", "selu"):
        net = cnn.Network([256] * 11, activation=activation, seed=0)
        spread = net.predict(x).std()
        assert 0.05 < spread < 5
    turned = cnn.Network([256] * 3, init="orthogonal", activation="linear", dtype="float64", seed=0).predict(x)
    close((turned**2).sum(1), (x**2).sum(1), "float64")
