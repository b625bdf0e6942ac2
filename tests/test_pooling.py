"""Pools, Pad, Upsample2D, PReLU and Multiply by channel, against the NumPy reference: plain and channels last, alone and where gradients add."""

import itertools

import numpy as np
import pytest
from conftest import DTYPES, ISAS, close
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import pooling as reference

import cnn

MAX = {1: cnn.MaxPool1D, 2: cnn.MaxPool2D}
AVG = {1: cnn.AvgPool1D, 2: cnn.AvgPool2D}


def turned(x, axes):
    """The same image; between two of these, a layer that can finds it channels last in memory."""
    return MAX[axes](1)(x)


def network(layer, shape, dtype, how):
    """how: "plain", the layer alone; "last", channels last; "added", channels last, and its input's gradient is added to another's;
    "plain-added"."""
    axes = len(shape) - 1
    x = cnn.Input(shape)
    h = x if how.startswith("plain") else turned(x, axes)
    y = layer(h)
    if not how.startswith("plain") and len(cnn.Network(inputs=x, outputs=y).output_shape) == len(shape):
        y = turned(y, axes)
    if how.endswith("added"):  # the layer's gradient comes second: the network goes backward
        y = cnn.Concat()([cnn.Flatten()(y), cnn.Flatten()(h)])
    return cnn.Network(inputs=x, outputs=y, dtype=dtype, seed=3)


HOWS = ["plain", "last", "added", "plain-added"]


def run(layer, x, dy, dtype, how):
    """(y, dx, gradients of parameters) of a training pass; y as prediction makes it must be the same numbers."""
    net = network(layer, x.shape[1:], dtype, how)
    x = x.astype(dtype)
    predicted = net.predict(x)
    y = net.forward(x, training=True)
    np.testing.assert_array_equal(predicted, y)
    flat = dy.reshape(len(x), -1)
    d = np.concatenate([flat, np.zeros((len(x), x[0].size))], axis=1) if how.endswith("added") else dy
    dx = net.backward(d.astype(dtype)).copy()
    return y[:, : flat.shape[1]].reshape(dy.shape), dx, {k: np.array(g) for k, g in net.grads.items()}


def agree(layer, x, y, dx, dy, dtype, hows=HOWS, factor=3.0, weight=None):
    """Every way gives the reference's numbers, and all ways the same bits."""
    found = [run(layer, x, dy, dtype, how) for how in hows]
    for actual, actual_dx, grads in found:
        assert actual.shape == y.shape
        close(actual, y, dtype, factor)
        close(actual_dx, dx, dtype, factor)
        if weight is not None:
            close(grads["prelu_1.weight"], weight, dtype, factor * 4)
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0][:2], other[:2], strict=True))
        assert all(np.array_equal(found[0][2][k], other[2][k]) for k in found[0][2])


def drawn(shape, seed=0, ties=False):
    """Numbers as float32 holds them, many of them equal where `ties`."""
    random = np.random.default_rng(seed)
    x = random.integers(-2, 3, shape) if ties else random.normal(size=shape).astype("float32")
    return x.astype(float)


def using(isa):
    """A context of one instruction set, for hypothesis, which does not take fixtures of a function."""

    class Context:
        def __enter__(self):
            self.before = cnn.cpu.current()
            cnn.cpu.use(isa)

        def __exit__(self, *error):
            cnn.cpu.use(self.before)

    return Context()


# ---- pools


@st.composite
def pools(draw):
    axes = draw(st.sampled_from([1, 2]))
    size = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    side = st.tuples(st.integers(0, 4), st.integers(0, 4))
    return {
        "axes": axes,
        "shape": (draw(st.integers(1, 40)), *(draw(st.integers(1, 9)) for _ in range(axes))),
        "size": size,
        "stride": draw(st.one_of(st.none(), st.tuples(*[st.integers(1, 5)] * axes))),
        "padding": draw(st.one_of(st.just("same"), st.just(((0, 0),) * axes), st.tuples(*[side] * axes))),
        "ceil_mode": draw(st.booleans()),
        "count_include_pad": draw(st.booleans()),
        "rows": draw(st.integers(1, 3)),
        "dtype": draw(st.sampled_from(DTYPES)),
        "isa": draw(st.sampled_from(ISAS)),
        "ties": draw(st.booleans()),
    }


@settings(max_examples=300, deadline=None)
@given(pools())
def test_pools_of_every_kind(p):
    shape, size, stride = p["shape"], p["size"], p["stride"] or p["size"]
    padding = reference.same_padding(shape[1:], size, stride) if p["padding"] == "same" else p["padding"]
    for kinds, name, more in ((MAX, "max", {}), (AVG, "avg", {"count_include_pad": p["count_include_pad"]})):
        make = kinds[p["axes"]]

        def layer():
            return make(size, p["stride"], p["padding"], p["ceil_mode"], **more)  # noqa: B023

        if p["padding"] != "same" and any(b >= k or e >= k for k, (b, e) in zip(size, padding, strict=True)):
            with pytest.raises(ValueError, match=f"{name}_pool_1: padding is .* smaller than the window"):
                network(layer(), shape, "float32", "plain")
            continue
        if any(sum(q) + n < k for k, n, q in zip(size, shape[1:], padding, strict=True)):
            with pytest.raises(ValueError, match=rf"{name}_pool_1: the window spans .* padded image has .*\+"):
                network(layer(), shape, "float32", "plain")
            continue
        x = drawn((p["rows"], *shape), ties=p["ties"])
        forward, backward = getattr(reference, f"{name}_pool"), getattr(reference, f"{name}_pool_backward")
        y = forward(x, size, stride, padding, p["ceil_mode"], **more)
        dy = drawn(y.shape, 1)
        dx = backward(x, dy, size, stride, padding, p["ceil_mode"], **more)
        with using(p["isa"]):
            agree(layer(), x, y, dx, dy, p["dtype"])


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6, 7, 8, 12, 15, 16, 17, 33, 64, 70, 130])
@pytest.mark.parametrize("kind", [MAX, AVG])
def test_pools_of_all_widths(kind, channels, dtype, isa):
    """2 x 2, where the kernels go their shortest way."""
    x = drawn((2, channels, 6, 28))
    forward, backward = (
        (reference.max_pool, reference.max_pool_backward)
        if kind is MAX
        else (reference.avg_pool, reference.avg_pool_backward)
    )
    window = (2, 2), (2, 2), ((0, 0), (0, 0))
    y = forward(x, *window)
    dy = drawn(y.shape, 1)
    agree(kind[2](2), x, y, backward(x, dy, *window), dy, dtype)


@pytest.mark.parametrize("shape", [(3, 7), (6, 5, 4), (20, 9, 1), (1, 6, 6), (70, 3, 3), (2, 40, 30)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("kind", ["avg", "max"])
def test_global_pools(kind, keepdims, shape, dtype, isa):
    layer = getattr(cnn, f"Global{kind.title()}Pool{len(shape) - 1}D")
    x = drawn((3, *shape))
    y = reference.global_pool(x, kind, keepdims)
    dy = drawn(y.shape, 1)
    hows = [how for how in HOWS if not keepdims or how.startswith("plain")] if len(shape) == 2 else HOWS
    agree(layer(keepdims=keepdims), x, y, reference.global_pool_backward(x, dy, kind), dy, dtype, hows)


@pytest.mark.parametrize("make", [lambda: cnn.MaxPool2D(3, 2, 1), lambda: cnn.MaxPool2D(2), cnn.GlobalMaxPool2D])
def test_a_nan_wins_and_padding_does_not(make, dtype, isa):
    x = np.full((1, 5, 6, 6), -np.inf, dtype)
    x[0, 1] = -1e30
    x[0, 2, 2, 3] = np.nan
    x[0, 3] = np.nan
    x[0, 4] = np.inf
    net = cnn.Network([cnn.Input((5, 6, 6)), make()], dtype=dtype)
    y = net.predict(x)
    np.testing.assert_array_equal(y, net.forward(x, training=True))
    y = y.reshape(5, -1)
    assert (y[0] == -np.inf).all() and (y[1] == np.dtype(dtype).type(-1e30)).all()
    assert np.isnan(y[2]).any() and (y.shape[1] == 1 or (y[2] == -np.inf).any())
    assert np.isnan(y[3]).all() and (y[4] == np.inf).all()


def test_the_gradient_goes_to_the_first_of_equals(dtype, isa):
    x = np.zeros((1, 20, 4, 4), dtype)
    net = cnn.Network([cnn.Input((20, 4, 4)), cnn.MaxPool2D(2)], dtype=dtype)
    net.forward(x, training=True)
    dx = net.backward(np.ones((1, 20, 2, 2), dtype))
    np.testing.assert_array_equal(dx[0, 7], [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(("size", "length"), [(300, 700), (16, 40)])
def test_windows_of_many_taps(size, length, dtype, isa):
    x = drawn((2, 3, length))
    y = reference.max_pool(x, (size,), (7,), ((0, 0),))
    dy = drawn(y.shape, 1)
    agree(cnn.MaxPool1D(size, 7), x, y, reference.max_pool_backward(x, dy, (size,), (7,), ((0, 0),)), dy, dtype)


# ---- Pad


@settings(max_examples=200, deadline=None)
@given(
    data=st.data(),
    axes=st.sampled_from([1, 2]),
    mode=st.sampled_from(["constant", "reflect", "replicate"]),
    dtype=st.sampled_from(DTYPES),
    isa=st.sampled_from(ISAS),
)
def test_pads_of_every_kind(data, axes, mode, dtype, isa):
    shape = (data.draw(st.integers(1, 20)), *(data.draw(st.integers(1, 6)) for _ in range(axes)))
    padding = tuple(data.draw(st.tuples(st.integers(0, 6), st.integers(0, 6))) for _ in range(axes))
    value = data.draw(st.sampled_from([0.0, -1.5])) if mode == "constant" else 0.0
    layer = cnn.Pad(padding, mode, value)
    if mode == "reflect" and any(max(p) >= n for n, p in zip(shape[1:], padding, strict=True)):
        with pytest.raises(ValueError, match=r"pad_1: padding by \d+ reflected pixels needs more"):
            network(layer, shape, "float32", "plain")
        return
    x = drawn((2, *shape))
    y = reference.pad(x, padding, mode, value)
    dy = drawn(y.shape, 1)
    with using(isa):
        agree(layer, x, y, reference.pad_backward(x, dy, padding, mode), dy, dtype)


def test_pads_as_numpy_does():
    x = drawn((2, 3, 5, 6))
    for mode, theirs in (("constant", "constant"), ("reflect", "reflect"), ("replicate", "edge")):
        net = cnn.Network([cnn.Input((3, 5, 6)), cnn.Pad(((1, 2), (3, 0)), mode)], dtype="float64")
        np.testing.assert_array_equal(net.predict(x), np.pad(x, ((0, 0), (0, 0), (1, 2), (3, 0)), mode=theirs))


# ---- Upsample2D


@settings(max_examples=200, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 6), st.integers(1, 6)),
    scale=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    mode=st.sampled_from([("nearest", False), ("bilinear", False), ("bilinear", True)]),
    dtype=st.sampled_from(DTYPES),
    isa=st.sampled_from(ISAS),
)
def test_upsamples_of_every_kind(shape, scale, mode, dtype, isa):
    x = drawn((2, *shape))
    y = reference.upsample(x, scale, *mode)
    dy = drawn(y.shape, 1)
    with using(isa):
        agree(cnn.Upsample2D(scale, *mode), x, y, reference.upsample_backward(x, dy, scale, *mode), dy, dtype)


# ---- PReLU


@settings(max_examples=200, deadline=None)
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
    axis=st.sampled_from([None, 1, -1, 2]),
    slope=st.sampled_from([0.25, -0.5, 1.5, 0.0]),
    rows=st.integers(1, 4),
    dtype=st.sampled_from(DTYPES),
    isa=st.sampled_from(ISAS),
)
def test_prelu_of_every_kind(shape, axis, slope, rows, dtype, isa):
    layer = cnn.PReLU(axis, slope)
    if axis == 2 and len(shape) != 2:
        with pytest.raises(
            ValueError, match="prelu_1: axis is 2; PReLU has a slope for each index of axis 1, or of the last"
        ):
            cnn.Network([cnn.Input(shape), layer])
        return
    x = drawn((rows, *shape), ties=True) / 2  # zeros, too
    dy = drawn(x.shape, 1)
    weight = np.full(1 if axis is None else x.shape[axis], slope)
    dx, dw = reference.prelu_backward(x, weight, dy, axis)
    hows = HOWS if len(shape) > 1 else ["plain", "plain-added"]
    with using(isa):
        agree(layer, x, reference.prelu(x, weight, axis), dx, dy, dtype, hows, weight=dw)


def test_prelu_starts_at_its_slope_and_learns():
    x = np.random.default_rng(0).normal(size=(300, 4)).astype("float32")
    net = cnn.Network([cnn.Input(4), cnn.PReLU(1, slope=0.1)], seed=0)
    np.testing.assert_allclose(net.parameters["prelu_1.weight"], 0.1)
    net.fit(x, np.where(x > 0, x, np.array([0.5, -0.3, 0.0, 1.2]) * x), epochs=60, optimizer=cnn.Adam(0.02), verbose=0)
    np.testing.assert_allclose(net.parameters["prelu_1.weight"], [0.5, -0.3, 0.0, 1.2], atol=0.02)


# ---- Multiply by channel


@settings(max_examples=200, deadline=None)
@given(
    shape=st.one_of(
        st.tuples(st.integers(1, 20), st.integers(1, 5)),
        st.tuples(st.integers(1, 20), st.integers(1, 5), st.integers(1, 5)),
    ),
    kinds=st.lists(st.sampled_from(["image", "channel", "ones"]), min_size=2, max_size=4),
    last=st.booleans(),
    dtype=st.sampled_from(DTYPES),
    isa=st.sampled_from(ISAS),
)
def test_multiply_by_channel(shape, kinds, last, dtype, isa):
    axes = len(shape) - 1
    shapes = [{"image": shape, "channel": shape[:1], "ones": (shape[0], *[1] * axes)}[kind] for kind in kinds]
    inputs = [cnn.Input(s) for s in shapes]
    hs = [turned(i, axes) if last and kind == "image" else i for i, kind in zip(inputs, kinds, strict=True)]
    y = cnn.Multiply()(hs)
    net = cnn.Network(inputs=inputs, outputs=turned(y, axes) if last and "image" in kinds else y, dtype=dtype)
    xs = [drawn((3, *s), i) for i, s in enumerate(shapes)]
    expected = reference.multiply(xs)
    dy = drawn(expected.shape, 9)
    with using(isa):
        given_ = [x.astype(dtype) for x in xs]
        close(net.predict(given_), expected, dtype, 3)
        close(net.forward(given_, training=True), expected, dtype, 3)
        for actual, wanted in zip(net.backward(dy.astype(dtype)), reference.multiply_backward(xs, dy), strict=True):
            close(actual, wanted, dtype, 10, scale=3)


def test_multiply_refuses_what_is_neither():
    def make(*shapes):
        inputs = [cnn.Input(s) for s in shapes]
        return cnn.Network(inputs=inputs, outputs=cnn.Multiply()(inputs))

    for shapes in [
        ((3, 4, 4), (4,)),
        ((3, 4, 4), (1, 4, 4)),
        ((3, 4, 4), (3, 4, 1)),
        ((3, 4, 4), (3, 1)),
        ((3,), (1,)),
    ]:
        with pytest.raises(ValueError, match="multiply_1: Multiply needs inputs of one shape"):
            make(*shapes)
    with pytest.raises(ValueError, match="one number a channel"):
        make((3, 4, 4), (4,))


# ---- blocks of layers


def squeeze_and_excite(dtype):
    x = cnn.Input((6, 8, 8))
    h = cnn.PReLU(1)(cnn.Pad(1, "reflect")(x))
    s = cnn.Dense(6, activation="sigmoid")(cnn.Dense(3, activation="tanh")(cnn.GlobalAvgPool2D()(h)))
    y = cnn.AvgPool2D(2)(cnn.Multiply()([h, s]))
    return cnn.Network(inputs=x, outputs=cnn.Dense(2)(cnn.Flatten()(y)), dtype=dtype, seed=1)


def residual(dtype):
    x = cnn.Input((6, 8, 8))
    h = cnn.MaxPool2D(3, 1, "same")(x)
    h = cnn.Add()([h, cnn.Activation("tanh")(cnn.PReLU()(h))])
    h = cnn.Concat(axis=1)([cnn.MaxPool2D(2)(h), cnn.AvgPool2D(3, 2, 1)(h)])
    h = cnn.Upsample2D(2, "bilinear")(h)
    y = cnn.Multiply()([h, cnn.GlobalMaxPool2D(keepdims=True)(h)])
    return cnn.Network(inputs=x, outputs=cnn.Dense(2)(cnn.GlobalAvgPool2D()(y)), dtype=dtype, seed=1)


@pytest.mark.parametrize("make", [squeeze_and_excite, residual])
def test_blocks_have_their_gradients(make, isa):
    random = np.random.default_rng(4)
    report = make("float64").check_gradients(random.normal(size=(4, 6, 8, 8)), random.normal(size=(4, 2)))
    assert report.max_relative_error < 1e-5, report


@pytest.mark.parametrize("make", [squeeze_and_excite, residual])
def test_blocks_give_the_same_bits_on_any_threads_and_in_any_tile(make, dtype, isa):
    random = np.random.default_rng(4)
    x, y = random.normal(size=(70, 6, 8, 8)).astype(dtype), random.normal(size=(70, 2)).astype(dtype)
    found = []
    for threads in (1, 2, 3):
        with cnn.threads(threads):
            net = make(dtype)
            net.fit(x, y, epochs=2, batch_size=40, verbose=0, optimizer=cnn.SGD(0.01))
            found.append((net.predict(x), net._arena()))
            for batch_size in (2, 7, 33):
                np.testing.assert_array_equal(net.predict(x, batch_size=batch_size), found[-1][0])
    for other in found[1:]:
        np.testing.assert_array_equal(found[0][0], other[0])
        assert found[0][1] == other[1]


@pytest.mark.parametrize("make", [squeeze_and_excite, residual])
def test_blocks_survive_a_file_and_a_copy(make, dtype, tmp_path):
    net = make(dtype)
    x = np.random.default_rng(0).normal(size=(5, 6, 8, 8))
    net.save(tmp_path / "net.cnn")
    for other in (cnn.load(tmp_path / "net.cnn"), net.copy()):
        assert repr(other.layers) == repr(net.layers)
        np.testing.assert_array_equal(other.predict(x), net.predict(x))


# ---- threads that divide ops: networks of many parameters


def test_divided_ops_give_the_same_bits(dtype):
    random = np.random.default_rng(4)
    x, y = random.normal(size=(64, 6, 16, 16)).astype(dtype), random.normal(size=(64, 200)).astype(dtype)
    found = []
    for threads in (1, 2, 4):
        i = cnn.Input((6, 16, 16))
        h = cnn.Multiply()([cnn.PReLU(1)(cnn.Pad(1)(i)), cnn.GlobalMaxPool2D()(i)])
        h = cnn.Upsample2D(2, "bilinear")(cnn.MaxPool2D(3, 2)(cnn.AvgPool2D(2)(cnn.Upsample2D(2)(h))))
        net = cnn.Network(inputs=i, outputs=cnn.Dense(200)(cnn.Flatten()(h)), dtype=dtype, seed=0)
        assert net.count_parameters() > 40_000
        with cnn.threads(threads):
            net.fit(x, y, epochs=1, batch_size=32, verbose=0, optimizer=cnn.Adam(1e-4))
            found.append((net.predict(x), net._arena()))
    for other in found[1:]:
        np.testing.assert_array_equal(found[0][0], other[0])
        assert found[0][1] == other[1]


# ---- the layers as descriptions

LAYERS = {
    "MaxPool2D(size=2)": lambda: cnn.MaxPool2D(2),
    "MaxPool2D(size=(2, 3), stride=1, padding=((0, 1), (2, 0)), ceil_mode=True)": lambda: cnn.MaxPool2D(
        (2, 3), 1, [(0, 1), (2, 0)], True
    ),
    "MaxPool2D(size=3, stride=2, padding='same')": lambda: cnn.MaxPool2D(3, stride=2, padding="same"),
    "MaxPool2D(size=3, padding=1)": lambda: cnn.MaxPool2D((3, 3), padding=(1, 1)),
    "MaxPool2D(size=3, padding=((1, 1), (2, 2)))": lambda: cnn.MaxPool2D(3, padding=(1, 2)),
    "MaxPool2D(size=4, stride=2)": lambda: cnn.MaxPool2D(4, 2, padding="valid"),
    "MaxPool1D(size=3, padding=((1, 2),))": lambda: cnn.MaxPool1D(3, padding=(1, 2)),
    "AvgPool1D(size=3, padding=1)": lambda: cnn.AvgPool1D(3, padding=1),
    "AvgPool2D(size=3, stride=1, padding=1, count_include_pad=False)": lambda: cnn.AvgPool2D(
        3, 1, 1, count_include_pad=False
    ),
    "GlobalAvgPool2D()": lambda: cnn.GlobalAvgPool2D(),
    "GlobalMaxPool1D(keepdims=True)": lambda: cnn.GlobalMaxPool1D(True),
    "Pad(padding=((1, 2), (3, 4)), mode='reflect')": lambda: cnn.Pad(((1, 2), (3, 4)), "reflect"),
    "Pad(padding=1, value=-2.0)": lambda: cnn.Pad(1, value=-2),
    "Pad(padding=((1, 1), (2, 2)), mode='replicate')": lambda: cnn.Pad((1, 2), "edge"),
    "Upsample2D(scale=(2, 3), mode='bilinear', align_corners=True)": lambda: cnn.Upsample2D((2, 3), "bilinear", True),
    "PReLU(axis=1, slope=0.1)": lambda: cnn.PReLU(1, 0.1),
}


@pytest.mark.parametrize("shown", LAYERS)
def test_layers_show_themselves_and_come_back_from_a_network(shown):
    layer = LAYERS[shown]()
    assert repr(layer) == shown
    net = cnn.Network([cnn.Input((4, 12) if "1D" in shown else (4, 12, 12)), layer])
    assert repr(net.layers[0]) == f"{shown[:-1]}{'' if shown.endswith('()') else ', '}name={net.layers[0].name!r})"
    net.freeze()
    net.unfreeze()
    again = cnn.Network(net.layers)
    assert repr(again.layers) == repr(net.layers) and again._nodes() == net._nodes()


WRONG = {
    "a window of nothing": (lambda: cnn.MaxPool2D(0), "at least 1"),
    "three sizes": (lambda: cnn.MaxPool2D((1, 2, 3)), "size is .* expected one number or 2"),
    "half a pixel": (lambda: cnn.MaxPool2D(1.5), "must be an integer"),
    "a word": (lambda: cnn.AvgPool1D(2, padding="full"), "'full' is not known; expected 'same', 'valid'"),
    "three sides": (lambda: cnn.AvgPool2D(2, padding=((1, 1, 1), 0)), r"padding is .* \(before, behind\)"),
    "negative padding": (lambda: cnn.MaxPool2D(2, padding=-1), "padding is -1; it must be at least 0"),
    "a mode": (lambda: cnn.Pad(1, "mirror"), "mode 'mirror' is not known"),
    "three axes": (lambda: cnn.Pad((1, 1, 1)), "padding is .* for each axis behind the channels"),
    "corners": (
        lambda: cnn.Network([cnn.Input((1, 2, 2)), cnn.Upsample2D(2, align_corners=True)]),
        'align_corners is for mode="bilinear"',
    ),
    "no image": (
        lambda: cnn.Network([cnn.Input(4), cnn.MaxPool2D(2)]),
        r"max_pool_1: MaxPool2D needs \(n, channels, height, width\)",
    ),
    "a signal": (
        lambda: cnn.Network([cnn.Input((3, 4)), cnn.GlobalAvgPool2D()]),
        r"global_avg_pool_1: GlobalAvgPool2D needs \(n, channels, height, width\)",
    ),
    "an image": (
        lambda: cnn.Network([cnn.Input((3, 4, 4)), cnn.AvgPool1D(2)]),
        r"AvgPool1D needs \(n, channels, length\)",
    ),
    "integers": (
        lambda: cnn.Network([cnn.Input((3, 4, 4), dtype="int32"), cnn.MaxPool2D(2)]),
        "MaxPool2D takes floats",
    ),
    "one axis of two": (
        lambda: cnn.Network([cnn.Input((3, 4, 4)), cnn.Pad([(1, 1)])]),
        "pad_1: padding has 2 numbers; an input of shape .* takes 4",
    ),
    "channels last": (
        lambda: cnn.Network([cnn.Input((28, 28, 1)), cnn.MaxPool2D(2)]),
        r"the window spans 2 pixels of the width, and the padded image has 1 .*X.transpose\(0, 3, 1, 2\)",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said(what):
    make, message = WRONG[what]
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_sizes_may_stay_open():
    net = cnn.Network([cnn.Input((3, None, None)), cnn.MaxPool2D(2, padding="same"), cnn.Pad(1), cnn.GlobalAvgPool2D()])
    for height, width in itertools.product((1, 2, 5), repeat=2):
        x = drawn((2, 3, height, width))
        padding = reference.same_padding((height, width), (2, 2), (2, 2))
        wanted = reference.pad(reference.max_pool(x, (2, 2), (2, 2), padding), ((1, 1), (1, 1)))
        close(net.predict(x.astype("float32")), wanted.mean(axis=(2, 3)), "float32")
