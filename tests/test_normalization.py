"""BatchNorm, LayerNorm, GroupNorm: values, gradients, digits, bits."""

import copy
import pickle

import numpy as np
import pytest
from conftest import DTYPES, ISAS, close
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import normalization as reference
from test_ops import check_against_differences

import cnn

KINDS = ["batch", "layer", "group"]


def made(layer, shape, dtype="float64", *, before=(), after=()):
    """A network with the layer in it, its weight and bias away from ones and zeros."""
    net = cnn.Network([cnn.Input(shape), *before, layer, *after], dtype=dtype, seed=3)
    random = np.random.default_rng(7)
    for name, value in net.parameters.items():
        if "norm" in name:
            value[...] = random.normal(1 if name.endswith("weight") else 0, 0.5, value.shape)
    return net


def layer_of(kind, groups=1, **options):
    return (
        {"batch": cnn.BatchNorm, "layer": cnn.LayerNorm}[kind](**options)
        if kind != "group"
        else cnn.GroupNorm(groups, **options)
    )


def values(net):
    return {
        k.partition(".")[2]: np.asarray(v, float) for k, v in {**net.parameters, **net.buffers}.items() if "norm" in k
    }


def right(kind, groups, x, dy, p, eps, running=False):
    """(y, dx, dweight, dbias) of the reference."""
    if kind == "layer":
        return (
            reference.layer_norm(x, p["weight"], p["bias"], eps),
            *reference.layer_norm_backward(x, p["weight"], dy, eps),
        )
    if kind == "group":
        return (
            reference.group_norm(x, groups, p["weight"], p["bias"], eps),
            *reference.group_norm_backward(x, groups, p["weight"], dy, eps),
        )
    at = (p["running_mean"], p["running_var"]) if running else (None, None)
    return (
        reference.batch_norm(x, p["weight"], p["bias"], eps, *at),
        *reference.batch_norm_backward(x, p["weight"], dy, eps, *at),
    )


def steepest(kind, groups, x, eps, p, running):
    """The largest 1 / sqrt(var + eps)."""
    if kind == "batch":
        var = p["running_var"] if running else x.var((0, *range(2, x.ndim)))
    elif kind == "group":
        var = x.reshape(len(x), groups, -1).var(2)
    else:
        var = (x.reshape(len(x), -1) if x.ndim == 4 else x).var(-1)
    return 1 / np.sqrt(var.min() + eps)


def bits(net):
    return b"".join(v.tobytes() for v in [*net.parameters.values(), *net.buffers.values()])


def draw(shape, rows, dtype="float64", seed=0, offset=0.0):
    random = np.random.default_rng(seed)
    return (random.normal(size=(rows, *shape)) * random.uniform(0.5, 2, shape) + offset).astype(dtype)


# ---- Values and gradients


@given(
    kind=st.sampled_from(KINDS),
    channels=st.integers(1, 70),
    positions=st.lists(st.integers(1, 6), max_size=2),
    rows=st.integers(1, 9),
    groups=st.integers(1, 9),
    eps=st.sampled_from([1e-5, 1e-3, 1.0]),
    momentum=st.floats(0, 1),
    mode=st.sampled_from(["training", "evaluation", "frozen"]),
    dtype=st.sampled_from(DTYPES),
    isa=st.sampled_from(ISAS),
    accumulate=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_any_options(kind, channels, positions, rows, groups, eps, momentum, mode, dtype, isa, accumulate):
    """Against the reference; what cannot be normalized raises and says why."""
    shape = (channels, *positions)
    numbers = int(np.prod(shape))
    options = {"eps": eps, "trainable": mode != "frozen", **({"momentum": momentum} if kind == "batch" else {})}
    cnn.cpu.use(isa)
    try:
        layer = layer_of(kind, groups, **options)
        wrong = None
        if kind == "group" and channels % groups:
            wrong = rf"group_norm_1: groups is {groups}, which does not divide the {channels} channels"
        elif kind == "group" and numbers == groups:
            wrong = rf"group_norm_1: {groups} groups of one number each"
        elif kind == "layer" and (numbers if len(shape) == 3 else shape[-1]) == 1:
            wrong = r"layer_norm_1: LayerNorm over one number"
        if wrong:
            with pytest.raises(ValueError, match=wrong):
                made(layer, shape, dtype)
            return
        net = made(layer, shape, dtype)
        if kind == "batch":
            net.buffers["batch_norm_1.running_mean"][...] = np.linspace(-1, 1, channels)
            net.buffers["batch_norm_1.running_var"][...] = np.linspace(0.5, 3, channels)
        x, dy = draw(shape, rows, dtype, offset=2), draw(shape, rows, dtype, 1)
        if kind == "batch" and mode == "training" and rows == 1 and numbers == channels:
            with pytest.raises(ValueError, match=r"batch_norm_1: a training batch of 1 row has no variance"):
                net.forward(x, training=True)
            return
        p = values(net)
        y, dx, dweight, dbias = right(kind, groups, x.astype(float), dy.astype(float), p, eps, mode != "training")
        # what dx is the difference of: dy weight / std
        steep = steepest(kind, groups, x.astype(float), eps, p, mode != "training") * np.abs(p["weight"]).max()
        close(net.forward(x, training=mode != "evaluation"), y, dtype)
        close(net.backward(dy), dx, dtype, scale=steep * np.abs(dy).max())
        if mode == "frozen":
            assert not net.grads
        else:
            times = 1
            if accumulate:
                net.forward(x, training=mode != "evaluation")
                net.backward(dy, accumulate=True)
                times = 2
            weight, bias = net.grads.values()
            close(weight, times * dweight, dtype, scale=x.size / weight.size)
            close(bias, times * dbias, dtype, scale=x.size / weight.size)
        if mode == "evaluation" or kind != "batch":
            close(net.predict(x), y, dtype)
    finally:
        cnn.cpu.use(None)


CASES = {
    "features": ("batch", (9,), 1),
    "sequences": ("batch", (4, 5), 1),
    "images": ("batch", (3, 4, 5), 1),
    "layer": ("layer", (9,), 1),
    "layer-steps": ("layer", (4, 5), 1),
    "layer-images": ("layer", (3, 2, 4), 1),
    "group": ("group", (6,), 2),
    "group-sequences": ("group", (6, 3), 3),
    "group-images": ("group", (6, 2, 3), 2),
    "instance": ("group", (5, 3, 3), 5),
}


@pytest.mark.parametrize("mode", ["training", "evaluation", "frozen"])
@pytest.mark.parametrize("name", CASES)
def test_gradients_against_differences(name, mode, isa):
    kind, shape, groups = CASES[name]
    net = made(layer_of(kind, groups, trainable=mode != "frozen"), shape)
    x, dy = draw(shape, 6, offset=1), draw(shape, 6, seed=1)

    def value():
        return float((net.forward(x, training=mode != "evaluation") * dy).sum())

    value()
    dx = net.backward(dy)
    gradients = {k: np.array(g) for k, g in net.grads.items()}
    assert len(gradients) == (0 if mode == "frozen" else 2)
    for array, gradient in [(x, dx), *((net.parameters[k], g) for k, g in gradients.items())]:
        check_against_differences(value, array, gradient, h=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_add_where_a_value_has_two_uses(kind, dtype, isa):
    shape = (6, 3, 2)
    x = cnn.Input(shape)
    net = cnn.Network(inputs=x, outputs=cnn.Add()([layer_of(kind, 3)(x), x]), dtype=dtype, seed=0)
    a, dy = draw(shape, 5, dtype), draw(shape, 5, dtype, 1)
    net.forward(a, training=True)
    got = net.backward(dy)
    wanted = right(kind, 3, a.astype(float), dy.astype(float), values(net), 1e-5)[1] + dy
    close(got, wanted, dtype, 5)


def test_check_gradients(isa):
    layers = [
        cnn.Dense(12, bias=False),
        cnn.BatchNorm(),
        cnn.Activation("tanh"),
        cnn.Reshape((3, 2, 2)),
        cnn.GroupNorm(3),
        cnn.LayerNorm(),
        cnn.Flatten(),
        cnn.Dense(2),
    ]
    net = cnn.Network([cnn.Input(5), *layers], dtype="float64", seed=1)
    report = net.check_gradients(draw((5,), 12), draw((2,), 12, seed=1))
    assert report.ok, report
    assert {name.partition(".")[0] for name in report.errors} >= {"batch_norm_1", "layer_norm_1", "group_norm_1"}


def test_a_bias_before_a_batch_norm_has_no_gradient():
    net = cnn.Network([cnn.Input(5), cnn.Dense(12), cnn.BatchNorm(), cnn.Dense(2)], dtype="float64", seed=1)
    report = net.check_gradients(draw((5,), 12), draw((2,), 12, seed=1))
    assert report.zero == ["dense_1.bias"] and report.max_relative_error < 1e-6, report


# ---- Digits


@pytest.mark.parametrize("shape", [(4,), (4, 9), (4, 6, 7), (130, 2, 2)])
def test_a_mean_far_above_the_deviation_keeps_its_digits(shape, isa):
    """float32 numbers around 1000 that differ by 1e-3: the variance of these very numbers, not of rounded sums."""
    net = made(cnn.BatchNorm(momentum=1.0), shape, "float32")
    random = np.random.default_rng(5)
    x = (1000 + 1e-3 * random.normal(size=(64, *shape))).astype(np.float32)
    exact = x.astype(float)
    axes = (0, *range(2, x.ndim))
    y = net.forward(x, training=True)
    wanted = reference.batch_norm(exact, *(values(net)[k] for k in ("weight", "bias")), 1e-5)
    close(y, wanted, "float32", 1)
    net.backward(np.ones_like(y))
    net.step("sgd")
    np.testing.assert_allclose(net.buffers["batch_norm_1.running_var"], exact.var(axes, ddof=1), rtol=1e-6)
    np.testing.assert_allclose(net.buffers["batch_norm_1.running_mean"], exact.mean(axes), rtol=6e-8)


@pytest.mark.parametrize("kind", ["layer", "group"])
def test_rows_with_a_mean_far_above_their_deviation(kind, isa):
    shape = (8, 5, 5) if kind == "group" else (300,)
    net = made(layer_of(kind, 2, eps=1e-12), shape, "float32")
    x = (1000 + 1e-3 * np.random.default_rng(5).normal(size=(6, *shape))).astype(np.float32)
    wanted = right(kind, 2, x.astype(float), np.zeros(x.shape), values(net), 1e-12)[0]
    close(net.predict(x), wanted, "float32", 1)


def test_a_constant_channel_becomes_the_bias(dtype, isa):
    net = made(cnn.BatchNorm(), (3,), dtype)
    x = np.full((40, 3), [0.1, -7.3, 1e6], dtype)
    np.testing.assert_array_equal(net.forward(x, training=True), np.broadcast_to(net.layers[0].bias, (40, 3)))


# ---- Bits


def networks(dtype):
    flat = [cnn.Dense(33), cnn.BatchNorm(), cnn.Activation("relu"), cnn.LayerNorm(), cnn.Dense(5)]
    wide = [cnn.Dense(300), cnn.BatchNorm(), cnn.LayerNorm(), cnn.GroupNorm(6), cnn.Activation("relu"), cnn.Dense(5)]
    images = [
        cnn.Reshape((6, 8, 5)),
        cnn.BatchNorm(),
        cnn.GroupNorm(3),
        cnn.Activation("tanh"),
        cnn.LayerNorm(),
        cnn.Flatten(),
        cnn.Dense(5),
    ]
    without = [cnn.Dense(240), cnn.LayerNorm(), cnn.Reshape((6, 8, 5)), cnn.GroupNorm(2), cnn.Flatten(), cnn.Dense(5)]
    for layers in (flat, wide, images, without):
        yield cnn.Network([cnn.Input(240), *layers], dtype=dtype, seed=2)


@pytest.mark.parametrize("batch_size", [32, 300])
@pytest.mark.parametrize("threads", [2, 3, 4, 7])
def test_threads_do_not_show(threads, batch_size, dtype, isa):
    x, y = draw((240,), 300, dtype), draw((5,), 300, dtype, 1)

    def run(n):
        out = []
        with cnn.threads(n):
            for net in networks(dtype):
                net.fit(x, y, epochs=2, batch_size=batch_size, verbose=0)
                out.append((bits(net), net.predict(x).tobytes()))
        return out

    assert run(1) == run(threads)


@pytest.mark.parametrize("kind", ["layer", "group"])
@pytest.mark.parametrize("shape", [(300,), (30, 10), (6, 10, 5)])
def test_tiles_do_not_show(kind, shape, dtype, isa):
    """Gradients of a batch of many tiles, against the same in one."""
    net = made(layer_of(kind, 3), shape, dtype)
    x, dy = draw(shape, 512, dtype), draw(shape, 512, dtype, 1)
    _, tiles = net.gradients(
        x, dy.reshape(512, -1), loss=lambda y_true, y_pred: (np.zeros(len(y_pred)), y_true.reshape(y_pred.shape))
    )
    net.forward(x, training=True)
    net.backward(dy / np.array(512, dtype))
    for name, gradient in net.grads.items():
        np.testing.assert_array_equal(gradient, tiles[name])


def test_batches_of_a_prediction_do_not_show(dtype, isa):
    x = draw((240,), 300, dtype)
    for net in networks(dtype):
        expected = net.predict(x)
        for size in (2, 10, 64, 150):
            np.testing.assert_array_equal(net.predict(x, batch_size=size), expected)


# ---- Networks with them


def test_files_and_copies_keep_everything(tmp_path, dtype):
    layers = [
        cnn.BatchNorm(0.3, 1e-3, name="first"),
        cnn.GroupNorm(2, 1e-4),
        cnn.LayerNorm(1e-6),
        cnn.Flatten(),
        cnn.Dense(2),
    ]
    net = cnn.Network([cnn.Input((4, 3, 3)), *layers], dtype=dtype, seed=0)
    x = draw((4, 3, 3), 16, dtype, offset=1)
    net.fit(x, draw((2,), 16, dtype, 1), epochs=2, verbose=0)
    net.save(tmp_path / "net.cnn")
    for other in (cnn.load(tmp_path / "net.cnn"), pickle.loads(pickle.dumps(net)), copy.deepcopy(net), net.copy()):
        assert bits(other) == bits(net) and list(other.buffers) == list(net.buffers)
        assert repr(other.layers) == repr(net.layers)
        np.testing.assert_array_equal(other.predict(x), net.predict(x))
    first, second, third = net.layers[:3]
    assert repr(first) == "BatchNorm(momentum=0.3, eps=0.001, name='first')"
    assert repr(second) == "GroupNorm(groups=2, eps=0.0001, name='group_norm_1')"
    assert repr(third) == "LayerNorm(eps=1e-06, name='layer_norm_1')"
    assert third.weight.shape == (4, 3, 3) and second.weight.shape == first.running_var.shape == (4,)
    kept = np.array(first.running_mean)
    net.fit(x, draw((2,), 16, dtype, 1), epochs=1, verbose=0)
    net.copy_from(cnn.load(tmp_path / "net.cnn"))
    np.testing.assert_array_equal(net.layers[0].running_mean, kept)


def test_resume_goes_on_bit_for_bit(tmp_path):
    x, y = draw((6,), 60, "float32"), draw((2,), 60, "float32", 1)

    def network():
        return cnn.Network([cnn.Input(6), cnn.Dense(8), cnn.BatchNorm(), cnn.Dense(2)], seed=0)

    whole, half, resumed = network(), network(), network()
    whole.fit(x, y, epochs=4, batch_size=20, verbose=0)
    half.fit(x, y, epochs=2, batch_size=20, verbose=0, callbacks=[cnn.Checkpoint(tmp_path / "half.cnn")])
    resumed.fit(x, y, epochs=4, batch_size=20, verbose=0, resume=tmp_path / "half.cnn")
    assert bits(resumed) == bits(whole)


def test_best_weights_come_back_with_their_statistics():
    x, y = draw((6,), 60, "float32"), draw((2,), 60, "float32", 1)
    net = cnn.Network([cnn.Input(6), cnn.BatchNorm(), cnn.Dense(2)], seed=0)
    seen = []
    keep = lambda epoch, logs: seen.append((logs["val_loss"], bits(net)))  # noqa: E731
    stopping = cnn.EarlyStopping(patience=2)
    net.fit(x, y, epochs=30, optimizer=cnn.SGD(1.5), validation_data=(x + 1, y), callbacks=[keep, stopping], verbose=0)
    assert bits(net) == min(seen)[1] and bits(net) != seen[-1][1]


def test_open_sizes(dtype):
    net = made(cnn.BatchNorm(), (3, None, None), dtype, after=[cnn.GroupNorm(3)])
    for size in (2, 5):
        assert net.predict(draw((3, size, size), 4, dtype)).shape == (4, 3, size, size)
    for layer, shape in ((cnn.BatchNorm(), (None, 4)), (cnn.GroupNorm(1), (None, 4))):
        with pytest.raises(ValueError, match=r"norm_1: \w+ needs a fixed number of channels on axis 1"):
            made(layer, shape)
    with pytest.raises(ValueError, match=r"layer_norm_1: LayerNorm needs fixed sizes"):
        made(cnn.LayerNorm(), (3, None, None))
    with pytest.raises(ValueError, match=r"one number each"):
        made(cnn.GroupNorm(3), (3, None, None)).predict(np.zeros((1, 3, 1, 1), dtype))


@pytest.mark.parametrize(
    "make, error, said",
    [
        (lambda: cnn.BatchNorm(momentum=1.5), ValueError, "momentum is 1.5; it must be 0 to 1"),
        (lambda: cnn.BatchNorm(momentum=-0.1), ValueError, "momentum is -0.1; it must be at least 0"),
        (lambda: cnn.BatchNorm(eps=0), ValueError, "eps is 0; it must be above 0"),
        (lambda: cnn.LayerNorm(eps=float("nan")), ValueError, "eps is nan"),
        (lambda: cnn.LayerNorm("a"), TypeError, "eps is 'a'; it must be a number"),
        (lambda: cnn.GroupNorm(0), ValueError, "groups is 0; it must be at least 1"),
        (lambda: cnn.GroupNorm(2.5), TypeError, "groups is 2.5; it must be an integer"),
        (lambda: cnn.GroupNorm(), TypeError, r"GroupNorm needs groups: write cnn.GroupNorm\(8\)"),
        (
            lambda: cnn.BatchNorm(num_features=4),
            TypeError,
            "nothing is needed: the channels are those of the layer before",
        ),
        (
            lambda: cnn.GroupNorm(num_groups=4, num_channels=8),
            TypeError,
            "'num_groups'; write groups|'num_groups': write groups",
        ),
        (lambda: cnn.LayerNorm(epsilon=1e-3), TypeError, "write eps"),
        (
            lambda: cnn.Network([cnn.Input(4, "int32"), cnn.BatchNorm()]),
            ValueError,
            "batch_norm_1: BatchNorm takes floats",
        ),
    ],
)
def test_what_cannot_be(make, error, said):
    with pytest.raises((error, TypeError) if "floats" in said else error, match=said):
        make()
