"""Conv1D, Conv2D, ConvTranspose2D: against their definition for every option, against central differences, on every instruction set; the
bits of every layout, tile and thread."""

import copy
import pickle

import numpy as np
import pytest
from conftest import ISAS, close
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import convolutions as reference
from test_ops import check_against_differences

import cnn

pytestmark = [
    pytest.mark.usefixtures("divided"),
    pytest.mark.filterwarnings("ignore:an Input of shape"),  # those of hypothesis may look like channels last
]
SETTINGS = settings(max_examples=150, deadline=None)
PAIR = st.tuples(st.integers(1, 4), st.integers(1, 4))
SIDES = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def convolutions(draw, transposed=False):
    """(arguments of the layer, shape of a sample); some do not fit."""
    kind = draw(st.sampled_from(["one", "groups", "depthwise", "pointwise"]))
    groups = 1 if kind in ("one", "pointwise") else draw(st.integers(2, 4))
    inner, outer = (1, 1) if kind == "depthwise" else (draw(st.integers(1, 5)), draw(st.integers(1, 18)))
    if kind == "depthwise":
        groups = draw(st.integers(2, 20))
    options = {
        "filters": groups * outer,
        "kernel_size": (1, 1) if kind == "pointwise" else draw(PAIR),
        "stride": (1, 1) if kind == "pointwise" else draw(PAIR),
        "dilation": draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    padding = ((0, 0), (0, 0)) if kind == "pointwise" else draw(st.tuples(SIDES, SIDES))
    options["padding"] = "same" if not transposed and draw(st.integers(0, 3)) == 0 else padding
    if transposed:
        options["output_padding"] = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    return options, (groups * inner, draw(st.integers(1, 9)), draw(st.integers(1, 9)))


def padding_of(options, shape):
    if options["padding"] != "same":
        return options["padding"]
    axes = zip(shape[1:], options["kernel_size"], options["stride"], options["dilation"], strict=True)
    return tuple(reference.same_padding(*axis) for axis in axes)


def output_shape(options, shape):
    """By the formula; not above 0 where the kernel does not fit."""
    padding = padding_of(options, shape)
    spans = [(k - 1) * d + 1 for k, d in zip(options["kernel_size"], options["dilation"], strict=True)]
    if "output_padding" in options:
        return [
            (shape[1 + i] - 1) * options["stride"][i] + spans[i] + options["output_padding"][i] - sum(padding[i])
            for i in range(2)
        ]
    return [(shape[1 + i] + sum(padding[i]) - spans[i]) // options["stride"][i] + 1 for i in range(2)]


def random(shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def single(layer, shape, dtype, seed=3):
    net = cnn.Network([cnn.Input(shape), layer], dtype=dtype, seed=seed)
    for i, value in enumerate(net.parameters.values()):
        value[...] = random(value.shape, dtype, seed=10 + i)
    return net


def values(net):
    weight, *bias = (np.asarray(v, np.float64) for v in net.parameters.values())
    return weight, bias[0] if bias else None


def geometry(options, shape):
    return {k: options[k] for k in ("stride", "dilation", "groups")} | {"padding": padding_of(options, shape)}


def compare(net, layer, x, wanted, gradients, dtype):
    """Prediction, forward, and all gradients, of one dy."""
    close(net.predict(x), wanted, dtype, factor=3)
    y = net.forward(x, training=True)
    close(y, wanted, dtype, factor=3)
    dy = random(y.shape, dtype, seed=1)
    dx, dweight, dbias = gradients(dy.astype(np.float64))
    close(net.backward(dy), dx, dtype, factor=3)
    close(net.grads[f"{layer}.weight"], dweight, dtype, factor=10)
    if f"{layer}.bias" in net.grads:
        close(net.grads[f"{layer}.bias"], dbias, dtype, factor=10)
    before = {k: np.array(g) for k, g in net.grads.items()}
    net.forward(x, training=True)
    net.backward(dy, accumulate=True)
    for key, g in net.grads.items():
        close(g, 2 * before[key].astype(np.float64), dtype, factor=10)


def compare_conv2d(net, x, how, dtype):
    """With the reference, of a network of one Conv2D."""
    weight, bias = values(net)
    compare(
        net,
        "conv2d_1",
        x,
        reference.conv2d(x, weight, bias, **how),
        lambda dy: reference.conv2d_backward(x, weight, dy, **how),
        dtype,
    )


@pytest.mark.parametrize("name", ISAS)
@SETTINGS
@given(case=convolutions(), rows=st.integers(1, 3), dtype=st.sampled_from(["float32", "float64"]))
def test_every_option(name, case, rows, dtype):
    options, shape = case
    before = cnn.cpu.current()
    cnn.cpu.use(name)
    try:
        if min(output_shape(options, shape)) < 1:
            with pytest.raises(
                ValueError, match=r"^conv2d_1: along the (height|width) the kernel spans .* and the padded image has"
            ):
                single(cnn.Conv2D(**options), shape, dtype)
            return
        net = single(cnn.Conv2D(**options), shape, dtype)
        assert net.output_shape == (options["filters"], *output_shape(options, shape))
        compare_conv2d(net, random((rows, *shape), dtype), geometry(options, shape), dtype)
    finally:
        cnn.cpu.use(before)


PLANES = [  # one channel and few filters: lanes are pixels
    ({"filters": 6, "kernel_size": 5, "padding": 2}, (1, 28, 28)),
    ({"filters": 1, "kernel_size": (3, 2), "stride": (2, 1), "padding": ((1, 0), (2, 3))}, (1, 9, 17)),
    ({"filters": 10, "kernel_size": 3, "dilation": (1, 2), "bias": False}, (1, 7, 40)),
    ({"filters": 11, "kernel_size": 1}, (1, 3, 13)),
    ({"filters": 3, "kernel_size": (1, 30)}, (1, 1, 100)),
    ({"filters": 2, "kernel_size": 28}, (1, 30, 60)),
]
SPREAD = [  # few channels, many filters: the gradient of an image is added window by window
    ({"filters": 16, "kernel_size": 5}, (6, 14, 14)),
    ({"filters": 24, "kernel_size": 4, "stride": 2, "padding": 1}, (3, 11, 13)),
    ({"filters": 33, "kernel_size": (5, 4), "dilation": (2, 1), "padding": ((2, 1), (0, 3))}, (2, 12, 9)),
    ({"filters": 40, "kernel_size": (1, 7)}, (5, 1, 30)),
    ({"filters": 800, "kernel_size": (3, 5)}, (2, 4, 8)),
    ({"filters": 32, "kernel_size": 5}, (1, 12, 9)),
]


@pytest.mark.parametrize(("options", "shape"), PLANES + SPREAD)
@pytest.mark.parametrize("inside", [False, True])
def test_few_channels(options, shape, inside, dtype, isa):
    """The first layer, and one whose input was made by another and is taken twice, so that its gradient is added to."""
    channels, filters = shape[0], options["filters"]
    options = {"stride": 1, "dilation": 1, "groups": 1, "padding": 0, **options}
    if inside:
        x = cnn.Input(shape)
        hidden = cnn.Conv2D(channels, 1)(x)
        net = cnn.Network(
            inputs=x, outputs=[cnn.Conv2D(**options)(hidden), cnn.Conv2D(channels, 1)(hidden)], dtype=dtype
        )
    else:
        net = single(cnn.Conv2D(**options), shape, dtype)
    pair = {
        k: (v, v) if isinstance(v, int) else v for k, v in options.items() if k in ("stride", "dilation", "kernel_size")
    }
    padding = options["padding"]
    how = {"stride": pair["stride"], "dilation": pair["dilation"], "groups": 1}
    how["padding"] = ((padding, padding), (padding, padding)) if isinstance(padding, int) else padding
    X = random((3, *shape), dtype)
    if not inside:
        compare_conv2d(net, X, how, dtype)
        return
    p = {k: np.asarray(v, np.float64) for k, v in net.parameters.items()}
    hidden = reference.conv2d(X, p["conv2d_1.weight"], p["conv2d_1.bias"])
    y, other = net.forward(X, training=True)
    close(y, reference.conv2d(hidden, p["conv2d_2.weight"], p.get("conv2d_2.bias"), **how), dtype, factor=3)
    dy, dother = random(y.shape, dtype, seed=1), random(other.shape, dtype, seed=2)
    assert y.shape[1] == filters
    dhidden = reference.conv2d_backward(hidden, p["conv2d_2.weight"], dy, **how)[0]
    dhidden = dhidden + reference.conv2d_backward(hidden, p["conv2d_3.weight"], dother)[0]
    close(net.backward([dy, dother]), reference.conv2d_backward(X, p["conv2d_1.weight"], dhidden)[0], dtype, factor=5)


@pytest.mark.parametrize(
    "pool", [cnn.MaxPool2D(2), cnn.AvgPool2D(2), cnn.MaxPool2D(2, ceil_mode=True), cnn.AvgPool2D(3)]
)
@pytest.mark.parametrize("batch_size", [8, 16, 33])
def test_planes_and_their_pools_on_any_threads(pool, batch_size, dtype, isa):
    x, y = random((40, 1, 19, 21), dtype), np.arange(40) % 3

    def run(n):
        with cnn.threads(n):
            layers = [cnn.Conv2D(5, 4, activation="tanh"), copy.copy(pool), cnn.Conv2D(12, 3, activation="relu")]
            net = cnn.Network(
                [cnn.Input((1, 19, 21)), *layers, cnn.Flatten(), cnn.Dense(3, activation="softmax")],
                dtype=dtype,
                seed=1,
            )
            net.fit(x, y, epochs=2, batch_size=batch_size, verbose=0)
            return bits(net), net.predict(x).tobytes(), net.predict(x[:1]).tobytes()

    assert run(1) == run(2) == run(3)


@pytest.mark.parametrize("name", ISAS)
@SETTINGS
@given(case=convolutions(transposed=True), rows=st.integers(1, 2), dtype=st.sampled_from(["float32", "float64"]))
def test_every_option_of_the_transpose(name, case, rows, dtype):
    options, shape = case
    before = cnn.cpu.current()
    cnn.cpu.use(name)
    try:
        if any(
            o and o >= max(s, d)
            for o, s, d in zip(options["output_padding"], options["stride"], options["dilation"], strict=True)
        ):
            with pytest.raises(
                ValueError,
                match=r"^conv_transpose2d_1: output_padding is \d; it must be less than the stride, \d, or the",
            ):
                single(cnn.ConvTranspose2D(**options), shape, dtype)
            return
        if min(output_shape(options, shape)) < 1:
            with pytest.raises(
                ValueError, match=r"^conv_transpose2d_1: the (height|width) of its output would be .* not above 0"
            ):
                single(cnn.ConvTranspose2D(**options), shape, dtype)
            return
        net = single(cnn.ConvTranspose2D(**options), shape, dtype)
        assert net.output_shape == (options["filters"], *output_shape(options, shape))
        x = random((rows, *shape), dtype)
        weight, bias = values(net)
        how = geometry(options, shape)
        wanted = reference.conv_transpose2d(x, weight, bias, output_padding=options["output_padding"], **how)
        compare(
            net,
            "conv_transpose2d_1",
            x,
            wanted,
            lambda dy: reference.conv_transpose2d_backward(x, weight, dy, **how),
            dtype,
        )
    finally:
        cnn.cpu.use(before)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 20),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(1, 3),
    SIDES,
    st.integers(1, 3),
    st.booleans(),
    st.integers(1, 5),
)
def test_series(length, kernel, stride, dilation, padding, groups, same, filters):
    options = {"stride": stride, "dilation": dilation, "groups": groups, "padding": "same" if same else padding}
    make = lambda: single(cnn.Conv1D(groups * filters, kernel, **options), (2 * groups, length), "float64")  # noqa: E731
    sides = reference.same_padding(length, kernel, stride, dilation) if same else padding
    if length + sum(sides) < (kernel - 1) * dilation + 1:
        with pytest.raises(ValueError, match=r"^conv1d_1: along the length the kernel spans"):
            make()
        return
    net, x = make(), random((3, 2 * groups, length))
    weight, bias = values(net)
    assert weight.shape == (groups * filters, 2, kernel)
    how = {"stride": (stride,), "dilation": (dilation,), "groups": groups, "padding": (sides,)}
    wanted = reference.series(reference.conv2d, x, weight, bias, **how)
    compare(
        net,
        "conv1d_1",
        x,
        wanted,
        lambda dy: reference.series(reference.conv2d_backward, x, weight, dy, **how),
        "float64",
    )


# ---- Chains, whose images lie channels last

CHAIN = [
    (cnn.Conv2D, (8, 3), {"padding": 1}),
    (cnn.Conv2D, (8, 3), {"padding": ((0, 1), (2, 0)), "groups": 4}),
    (cnn.Conv2D, (8, 3), {"padding": "same", "stride": 2, "groups": 8}),
    (cnn.Conv2D, (5, 1), {}),
    (cnn.ConvTranspose2D, (6, 3), {"stride": 2, "output_padding": 1}),
    (cnn.Conv2D, (4, (2, 3)), {"dilation": (1, 2), "bias": False}),
]
SAMPLE = (3, 9, 10)


def chain(dtype="float32", seed=4, tail=(), activation="relu"):
    layers = [kind(*arguments, activation=activation, **options) for kind, arguments, options in CHAIN]
    return cnn.Network([cnn.Input(SAMPLE), *layers, *tail], dtype=dtype, seed=seed)


def test_a_chain_is_its_layers(dtype, isa):
    check_chain(chain(dtype), random((5, *SAMPLE), dtype), dtype)


def check_chain(net, x, dtype):
    """The same bits whether images lie channels last between layers or, each layer being a network of its own, channels first."""
    nets = []
    for layer in net.layers:
        shape = nets[-1].output_shape if nets else x.shape[1:]
        nets.append(cnn.Network([cnn.Input(shape), layer], dtype=dtype))
    one, y = x, net.forward(x, training=True)
    for alone in nets:
        one = alone.forward(one, training=True)
    assert one.tobytes() == y.tobytes()
    assert net.predict(x).tobytes() == y.tobytes()
    dy = random(y.shape, dtype, seed=1)
    dx = net.backward(dy)
    for alone in reversed(nets):
        dy = alone.backward(dy)
    assert dy.tobytes() == dx.tobytes()
    for alone, layer in zip(nets, net.layers, strict=True):
        for name, gradient in alone.grads.items():
            assert gradient.tobytes() == net.grads[f"{layer.name}.{name.partition('.')[2]}"].tobytes(), layer.name


def test_gradients_of_a_chain(isa):
    net = chain("float64", activation="tanh")
    x = random((2, *SAMPLE))
    dy = random(net.forward(x).shape, seed=1)

    def value():
        return (net.forward(x) * dy).sum()

    value()
    dx = net.backward(dy).copy()
    gradients = {k: np.array(g) for k, g in net.grads.items()}
    check_against_differences(value, x, dx)
    for key, gradient in gradients.items():
        check_against_differences(value, net.parameters[key], gradient)


def test_an_input_that_several_take(dtype, isa):
    """The gradient is added to, in every layout."""
    x = cnn.Input(SAMPLE)
    a = cnn.Conv2D(4, 3, padding=1)(x)
    b = cnn.Add()([cnn.Conv2D(4, 3, padding=1)(a), cnn.Conv2D(4, 1)(a), a, cnn.Conv2D(4, 3, padding=1)(x)])
    net = cnn.Network(inputs=x, outputs=b, dtype=dtype, seed=2)
    p = {k: np.asarray(v, np.float64) for k, v in net.parameters.items()}
    weights = [p[f"conv2d_{i}.weight"] for i in range(1, 5)]
    paddings = [((1, 1), (1, 1)), ((1, 1), (1, 1)), ((0, 0), (0, 0)), ((1, 1), (1, 1))]
    X = random((3, *SAMPLE), dtype)
    y = net.forward(X, training=True)
    dy = random(y.shape, dtype, seed=1)
    names = [layer.name for layer in net.layers]
    assert names[0] == "conv2d_1"
    hidden = reference.conv2d(X, weights[0], padding=paddings[0])
    da = dy.astype(np.float64)
    for i in (1, 2):
        da = da + reference.conv2d_backward(hidden, weights[i], dy, padding=paddings[i])[0]
    dx = reference.conv2d_backward(X, weights[0], da, padding=paddings[0])[0]
    dx += reference.conv2d_backward(X, weights[3], dy, padding=paddings[3])[0]
    close(net.backward(dy), dx, dtype, factor=3)


# ---- Bits


def bits(net):
    return b"".join(np.ascontiguousarray(value).tobytes() for value in net.parameters.values())


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_show(threads, wide, dtype, isa):
    """Parts of the batch, and where many dense weights follow, ops that are divided."""
    tail = [cnn.Flatten(), *([cnn.Dense(150)] if wide else []), cnn.Dense(3, activation="softmax")]
    x, y = random((40, *SAMPLE), dtype), np.arange(40) % 3

    def run(n):
        with cnn.threads(n):
            net = chain(dtype, tail=tail)
            net.fit(x, y, epochs=2, batch_size=32, verbose=0)
            one = net._trainer.memory[0] < 1.5 * sum(v.nbytes for v in net.parameters.values())
            assert one == wide  # gradient: the ops are divided
            return bits(net), net.predict(x).tobytes(), net.predict(x[:1]).tobytes()

    assert run(1) == run(threads)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_threads_do_not_show_in_large_convolutions(batch_size, dtype, isa):
    """Ops that are divided, with fewer images than threads, and with more."""
    x, y = random((5, 16, 20, 20), dtype), np.arange(5) % 3

    def run(n):
        with cnn.threads(n):
            layers = [
                cnn.Conv2D(64, 1),
                cnn.Conv2D(64, 3, groups=64),
                cnn.Conv2D(32, 5, stride=2, activation="relu"),
                cnn.Flatten(),
            ]
            net = cnn.Network(
                [cnn.Input((16, 20, 20)), *layers, cnn.Dense(900), cnn.Dense(3, activation="softmax")],
                dtype=dtype,
                seed=1,
            )
            net.fit(x, y, epochs=2, batch_size=batch_size, verbose=0)
            assert net._trainer.memory[0] < 1.1 * sum(
                v.nbytes for v in net.parameters.values()
            )  # one gradient: ops are divided
            return bits(net), net.predict(x).tobytes()

    assert run(1) == run(2) == run(3)


@pytest.mark.parametrize("shape, layer", [
    ((16, 40, 40), cnn.Conv2D(48, 3, padding=1)),
    ((300, 6, 6), cnn.Conv2D(90, 3)),
    ((40, 40, 40), cnn.Conv2D(40, 5, padding=2, groups=40)),
    ((256, 12, 12), cnn.Conv2D(256, 3, padding=1, groups=256)),
    ((64, 20, 20), cnn.Conv2D(64, 1)),
    ((64, 20, 20), cnn.Conv2D(64, 3, stride=2)),
    ((32, 20, 20), cnn.ConvTranspose2D(32, 3, stride=2)),
])  # fmt: skip
def test_one_image_is_divided(shape, layer, dtype, isa):
    """Pixels, or columns where there are few pixels, of the only image."""
    net = cnn.Network([cnn.Input(shape), layer, cnn.Conv2D(64, 3)], dtype=dtype, seed=0)
    x = random((3, *shape), dtype)
    with cnn.threads(1):
        one, many = net.predict(x[:1]).tobytes(), net.predict(x)
    with cnn.threads(2):
        assert net.predict(x[:1]).tobytes() == one
    assert many[:1].tobytes() == one


def test_tiles_do_not_show(dtype, isa):
    """Many rows in a prediction, and in a batch of one part, are the rows themselves."""
    net = chain(dtype)
    x = random((300, *SAMPLE), dtype)
    whole = net.predict(x)
    for rows in (1, 2, 7, 128):
        assert net.predict(x[:rows]).tobytes() == whole[:rows].tobytes()
    assert net.predict(x, batch_size=33).tobytes() == whole.tobytes()


# ---- Layers


def test_layers_are_saved_and_copied(tmp_path, dtype):
    net = chain(dtype)
    net.save(tmp_path / "a.cnn")
    x = random((2, *SAMPLE), dtype)
    wanted = net.predict(x).tobytes()
    for other in (cnn.load(tmp_path / "a.cnn"), pickle.loads(pickle.dumps(net)), copy.deepcopy(net), net.copy()):
        assert other.predict(x).tobytes() == wanted
        assert [repr(a) for a in other.layers] == [repr(a) for a in net.layers]
        assert [type(a) for a in other.layers] == [type(a) for a in net.layers]
    again = cnn.Network([cnn.Input(SAMPLE), *net.layers], dtype=dtype)
    assert again.predict(x).tobytes() == wanted


def test_names_and_repr():
    assert [layer.name for layer in chain().layers][:5] == [
        "conv2d_1",
        "conv2d_2",
        "conv2d_3",
        "conv2d_4",
        "conv_transpose2d_1",
    ]
    series = cnn.Network([cnn.Input((1, 9)), cnn.Conv1D(2, 3), cnn.Conv1D(2, 3)])
    assert [layer.name for layer in series.layers] == ["conv1d_1", "conv1d_2"]
    assert (
        repr(cnn.Conv2D(8, 5, padding=2, activation="relu"))
        == "Conv2D(filters=8, kernel_size=5, padding=2, activation='relu')"
    )
    assert (
        repr(cnn.Conv2D(8, (3, 5), padding=(1, 2), stride=(1, 2)))
        == "Conv2D(filters=8, kernel_size=(3, 5), stride=(1, 2), padding=(1, 2))"
    )
    assert (
        repr(cnn.Conv2D(8, 3, padding=((0, 1), (2, 2)))) == "Conv2D(filters=8, kernel_size=3, padding=((0, 1), (2, 2)))"
    )
    assert (
        repr(cnn.Conv1D(8, 3, padding=(2, 0), dilation=2))
        == "Conv1D(filters=8, kernel_size=3, padding=((2, 0),), dilation=2)"
    )
    assert (
        repr(cnn.ConvTranspose2D(8, 2, 2, bias=False))
        == "ConvTranspose2D(filters=8, kernel_size=2, stride=2, bias=False)"
    )
    for layer in chain().layers:
        assert repr(eval(repr(layer), vars(cnn))) == repr(layer)


def test_a_file_of_one_axis_is_a_conv1d(tmp_path):
    net = cnn.Network([cnn.Input((2, 9)), cnn.Conv1D(3, 4, padding=(1, 2), activation="tanh", l2=0.1, max_norm=2.0)])
    net.save(tmp_path / "a.cnn")
    assert repr(cnn.load(tmp_path / "a.cnn").layers) == repr(net.layers)


def test_initial_weights(dtype):
    """Fans as PyTorch and Keras count them; what Network(init=) says, unless the layer says more."""
    net = cnn.Network([cnn.Input((6, 30, 30)), cnn.Conv2D(40, 5, groups=2, activation="relu")], dtype=dtype, seed=0)
    assert abs(net.layers[0].weight.std() - (2 / (3 * 25)) ** 0.5) < 0.01
    assert not net.layers[0].bias.any()
    net = cnn.Network([cnn.Input((6, 9, 9)), cnn.ConvTranspose2D(40, 5)], dtype=dtype, seed=0)
    bound = (6 / (40 * 25 + 6 * 25)) ** 0.5
    assert 0.98 * bound < np.abs(net.layers[0].weight).max() <= bound
    net = cnn.Network(
        [cnn.Input((1, 9, 9)), cnn.Conv2D(4, 3), cnn.Conv2D(4, 3, init="normal")], init="zeros", dtype=dtype
    )
    assert not net.layers[0].weight.any() and net.layers[1].weight.any()


def test_penalties_and_max_norm(dtype):
    x, y = random((16, 2, 6, 6), dtype), np.zeros(16)
    net = cnn.Network(
        [cnn.Input((2, 6, 6)), cnn.Conv2D(3, 3, max_norm=0.1), cnn.Flatten(), cnn.Dense(1)], dtype=dtype, seed=0
    )
    net.fit(x, y, epochs=1, verbose=0)
    assert np.sqrt((net.layers[0].weight ** 2).sum(axis=(1, 2, 3))).max() <= 0.1 * (1 + 1e-6)


def test_frozen_convolutions(dtype):
    """No gradient for them, and none through those at the bottom."""
    net = chain(dtype, tail=[cnn.Flatten(), cnn.Dense(3, activation="softmax")])
    net.freeze(upto="conv2d_2")
    before = {k: np.array(v) for k, v in net.parameters.items()}
    net.fit(random((8, *SAMPLE), dtype), np.arange(8) % 3, epochs=2, verbose=0)
    moved = {k for k, v in net.parameters.items() if (v != before[k]).any()}
    assert moved and not any(k.startswith(("conv2d_1.", "conv2d_2.")) for k in moved)
    assert {"conv2d_3.weight", "conv_transpose2d_1.bias", "conv2d_5.weight"} <= moved


def test_open_sizes(dtype):
    """Images of any size, each call's own."""
    net = cnn.Network([cnn.Input((2, None, None)), cnn.Conv2D(3, 3, stride=2, padding="same")], dtype=dtype, seed=0)
    assert net.output_shape == (3, None, None)
    weight, bias = values(net)
    for shape in ((2, 5, 8), (2, 9, 4)):
        x = random((2, *shape), dtype)
        padding = tuple(reference.same_padding(n, 3, 2, 1) for n in shape[1:])
        close(net.predict(x), reference.conv2d(x, weight, bias, (2, 2), padding), dtype, factor=3)
    net = cnn.Network([cnn.Input((2, None, None)), cnn.ConvTranspose2D(3, 3, 2), cnn.Flatten()], dtype=dtype, seed=0)
    weight, _ = values(net)
    x = random((2, 2, 4, 5), dtype)
    y = reference.conv_transpose2d(x, weight, None, (2, 2)).reshape(2, -1)
    assert y.shape == (2, 3 * 9 * 11)
    close(net.predict(x), y, dtype, factor=3)
    close(net.activations(x)["flatten_1"], y, dtype, factor=3)
    net = cnn.Network([cnn.Input((2, None, None)), cnn.Conv2D(3, 5)], dtype=dtype, seed=0)
    with pytest.raises(
        ValueError,
        match=r"conv2d_1: along the width the kernel spans 5 pixels, and the padded image has 0 \+ 4 \+ 0 = 4",
    ):
        net.predict(random((1, 2, 6, 4), dtype))


def test_learning(dtype):
    """Bars that lie or stand."""
    g = np.random.default_rng(0)
    x, y = np.zeros((200, 1, 8, 8)), np.arange(200) % 2
    for i, label in enumerate(y):
        at = g.integers(0, 8)
        x[(i, 0, at, slice(None)) if label else (i, 0, slice(None), at)] = 1
    net = cnn.Network(
        [cnn.Input((1, 8, 8)), cnn.Conv2D(4, 3, activation="relu"), cnn.Conv2D(4, 3, stride=2, padding="same", activation="relu"),
         cnn.Flatten(), cnn.Dense(2, activation="softmax")], dtype=dtype, seed=0,
    )  # fmt: skip
    net.fit(x, y, epochs=40, verbose=0)
    assert net.evaluate(x, y, metrics=["accuracy"])["accuracy"] == 1
