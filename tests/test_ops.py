"""Every op of the engine's list: forward against the NumPy reference, gradients against central differences, on every instruction set.

An op that is added to cnn.h without a case here fails `test_every_op_has_a_case`.
"""

import numpy as np
import pytest
from conftest import close
from reference import convolutions, pooling
from reference import layers as reference
from reference import normalization as norms

import cnn
from cnn import _core


def twice(x, p):
    return 2.0 * x * p["scale"]


def twice_backward(x, y, dy, p):
    return 2.0 * dy * p["scale"], {"scale": (2.0 * dy * x).sum(0)}


def dense(p, x, name="dense_1"):
    return reference.dense(x, p[f"{name}.weight"], p[f"{name}.bias"])


def graph(make, shapes, dtype):
    inputs = [cnn.Input(shape) for shape in shapes]
    return cnn.Network(inputs=inputs if len(inputs) > 1 else inputs[0], outputs=make(*inputs), dtype=dtype, seed=5)


def normalize(x):
    layer = cnn.Normalize()
    layer.adapt(np.random.default_rng(8).normal(3, 2, (50, 6)))
    return layer(x)


def normalized(p, x):
    return reference.normalize(x, p["normalize_1.mean"], p["normalize_1.std"])


def evaluated(p, x):
    """By the running statistics as they are at first."""
    eps = 1e-3 if x.ndim > 2 else 1e-5
    weight, bias, mean, var = p.values()
    return norms.batch_norm(x, weight, bias, eps, mean, var)


# op -> (input shapes, what makes the output from symbolic inputs, the same in NumPy from parameters and arrays)
CASES = {
    "dense": ([(7,)], lambda x: cnn.Dense(5)(x), lambda p, x: dense(p, x)),
    "dense-steps": ([(4, 7)], lambda x: cnn.Dense(5)(x), lambda p, x: x @ p["dense_1.weight"].T + p["dense_1.bias"]),
    "dense-no-bias": ([(9,)], lambda x: cnn.Dense(3, bias=False)(x), lambda p, x: x @ p["dense_1.weight"].T),
    "dense-wide": ([(130,)], lambda x: cnn.Dense(67)(x), lambda p, x: dense(p, x)),
    "activation": ([(6,)], lambda x: cnn.Activation("tanh")(x), lambda p, x: np.tanh(x)),
    "dropout": ([(6,)], lambda x: cnn.Dropout(0.5)(x), lambda p, x: x),
    "gaussian_noise": ([(6,)], lambda x: cnn.GaussianNoise(0.5)(x), lambda p, x: x),
    "rescale": ([(2, 3)], lambda x: cnn.Rescale(0.5, offset=-1.0)(x), lambda p, x: x * 0.5 - 1.0),
    "normalize": ([(6,)], normalize, normalized),
    "one_hot": (None, None, None),
    "flatten": ([(2, 3, 2)], lambda x: cnn.Flatten()(x), lambda p, x: x.reshape(len(x), -1)),
    "reshape": ([(12,)], lambda x: cnn.Reshape((3, 4))(x), lambda p, x: x.reshape(len(x), 3, 4)),
    "add": ([(6,), (6,)], lambda a, b: cnn.Add()([a, b, a]), lambda p, a, b: a + b + a),
    "multiply": ([(6,), (6,)], lambda a, b: cnn.Multiply()([a, b, a]), lambda p, a, b: a * b * a),
    "multiply-channels": (
        [(5, 3, 4), (5,), (5, 1, 1)],
        lambda a, b, c: cnn.Multiply()([b, a, c]),
        lambda p, *xs: pooling.multiply(xs),
    ),
    "max_pool": (
        [(5, 6, 7)],
        lambda x: cnn.MaxPool2D(3, 2, 1, ceil_mode=True)(x),
        lambda p, x: pooling.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)), True),
    ),
    "max_pool-1d": (
        [(3, 9)],
        lambda x: cnn.MaxPool1D(2)(x),
        lambda p, x: pooling.max_pool(x, (2,), (2,), ((0, 0),)),
    ),
    "avg_pool": (
        [(5, 6, 7)],
        lambda x: cnn.AvgPool2D(3, 2, ((1, 0), (0, 2)), count_include_pad=False)(x),
        lambda p, x: pooling.avg_pool(x, (3, 3), (2, 2), ((1, 0), (0, 2)), False, False),
    ),
    "global_avg_pool": ([(5, 6, 7)], lambda x: cnn.GlobalAvgPool2D()(x), lambda p, x: x.mean(axis=(2, 3))),
    "global_max_pool": ([(5, 9)], lambda x: cnn.GlobalMaxPool1D()(x), lambda p, x: x.max(axis=2)),
    "pad": (
        [(3, 4, 5)],
        lambda x: cnn.Pad(((1, 2), (3, 1)), "reflect")(x),
        lambda p, x: pooling.pad(x, ((1, 2), (3, 1)), "reflect"),
    ),
    "upsample": (
        [(3, 4, 5)],
        lambda x: cnn.Upsample2D((2, 3), "bilinear")(x),
        lambda p, x: pooling.upsample(x, (2, 3), "bilinear"),
    ),
    "prelu": ([(6,)], lambda x: cnn.PReLU()(x), lambda p, x: pooling.prelu(x, p["prelu_1.weight"])),
    "prelu-channels": (
        [(3, 4, 4)],
        lambda x: cnn.PReLU(axis=1)(x),
        lambda p, x: pooling.prelu(x, p["prelu_1.weight"], 1),
    ),
    "pools-between": (
        [(6, 8, 8)],
        lambda x: cnn.Flatten()(
            cnn.MaxPool2D(2)(cnn.Activation("tanh")(cnn.AvgPool2D(3, 1, "same")(cnn.PReLU(1)(cnn.MaxPool2D(1)(x)))))
        ),
        lambda p, x: pooling.max_pool(
            np.tanh(pooling.avg_pool(pooling.prelu(x, p["prelu_1.weight"], 1), (3, 3), (1, 1), ((1, 1), (1, 1)))),
            (2, 2),
            (2, 2),
            ((0, 0), (0, 0)),
        ).reshape(len(x), -1),
    ),
    "concat": (
        [(2, 3), (2, 4)],
        lambda a, b: cnn.Concat()([a, b, a]),
        lambda p, a, b: np.concatenate([a, b, a], axis=-1),
    ),
    "concat-axis": (
        [(2, 3), (4, 3)],
        lambda a, b: cnn.Concat(axis=1)([a, b]),
        lambda p, a, b: np.concatenate([a, b], axis=1),
    ),
    "conv": (
        [(3, 7, 6)],
        lambda x: cnn.Conv2D(4, 3, stride=2, padding=((1, 0), (0, 2)))(x),
        lambda p, x: convolutions.conv2d(x, p["conv2d_1.weight"], p["conv2d_1.bias"], (2, 2), ((1, 0), (0, 2))),
    ),
    "conv-pointwise": (
        [(5, 3, 4)],
        lambda x: cnn.Conv2D(6, 1)(cnn.Conv2D(5, 1, bias=False)(x)),
        lambda p, x: convolutions.conv2d(
            convolutions.conv2d(x, p["conv2d_1.weight"]), p["conv2d_2.weight"], p["conv2d_2.bias"]
        ),
    ),
    "conv-depthwise": (
        [(5, 6, 5)],
        lambda x: cnn.Conv2D(5, 3, padding="same", groups=5)(x),
        lambda p, x: convolutions.conv2d(
            x, p["conv2d_1.weight"], p["conv2d_1.bias"], padding=((1, 1), (1, 1)), groups=5
        ),
    ),
    "conv-series": (
        [(4, 9)],
        lambda x: cnn.Conv1D(6, 3, dilation=2, groups=2)(x),
        lambda p, x: convolutions.series(
            convolutions.conv2d, x, p["conv1d_1.weight"], p["conv1d_1.bias"], dilation=(2,), groups=2
        ),
    ),
    "conv_transpose": (
        [(4, 3, 4)],
        lambda x: cnn.ConvTranspose2D(6, (3, 2), stride=(2, 3), padding=1, output_padding=(1, 0), groups=2)(x),
        lambda p, x: convolutions.conv_transpose2d(
            x, p["conv_transpose2d_1.weight"], p["conv_transpose2d_1.bias"], (2, 3), ((1, 1), (1, 1)), (1, 0), groups=2
        ),
    ),
    "function": (
        [(6,)],
        lambda x: cnn.Function(twice, twice_backward, parameters={"scale": np.full(6, 1.5)})(x),
        lambda p, x: 2.0 * x * p["function_1.scale"],
    ),
    "batch_norm": ([(6,)], lambda x: cnn.BatchNorm()(x), evaluated),
    "batch_norm-images": ([(3, 4, 2)], lambda x: cnn.BatchNorm(0.5, 1e-3)(x), evaluated),
    "layer_norm": ([(6,)], lambda x: cnn.LayerNorm()(x), lambda p, x: norms.layer_norm(x, *p.values())),
    "layer_norm-steps": ([(2, 70)], lambda x: cnn.LayerNorm()(x), lambda p, x: norms.layer_norm(x, *p.values())),
    "layer_norm-images": ([(2, 3, 4)], lambda x: cnn.LayerNorm()(x), lambda p, x: norms.layer_norm(x, *p.values())),
    "group_norm": ([(6, 2, 3)], lambda x: cnn.GroupNorm(3)(x), lambda p, x: norms.group_norm(x, 3, *p.values())),
    "shared": (
        [(5,), (5,)],
        lambda a, b: (lambda d: cnn.Multiply()([d(a), d(b)]))(cnn.Dense(4)),
        lambda p, a, b: dense(p, a) * dense(p, b),
    ),
    "residual": (
        [(6,)],
        lambda x: cnn.Add()([x, cnn.Dense(6, activation="tanh")(x)]),
        lambda p, x: x + np.tanh(dense(p, x)),
    ),
    "views": (
        [(2, 6)],
        lambda x: cnn.Add()([cnn.Flatten()(cnn.Activation("sigmoid")(x)), cnn.Dense(12)(cnn.Flatten()(x))]),
        lambda p, x: 1 / (1 + np.exp(-x.reshape(len(x), -1))) + dense(p, x.reshape(len(x), -1)),
    ),
}
NAMES = [name for name, case in CASES.items() if case[0] is not None]


def arrays(shapes, rows, dtype, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=(rows, *shape)).astype(dtype) for shape in shapes]


def single(xs):
    return xs if len(xs) > 1 else xs[0]


def test_every_op_has_a_case():
    assert {name.split("-")[0] for name in CASES} >= set(_core.OPS) - {"input"}


@pytest.mark.parametrize("rows", [1, 2, 33, 700])
@pytest.mark.parametrize("name", NAMES)
def test_forward(name, rows, dtype, isa):
    shapes, make, expected = CASES[name]
    net = graph(make, shapes, dtype)
    xs = arrays(shapes, rows, dtype)
    p = {key: np.asarray(value, dtype=float) for key, value in {**net.parameters, **net.buffers}.items()}
    wanted = expected(p, *[x.astype(float) for x in xs])
    close(net.predict(single(xs)), wanted, dtype, factor=3)
    close(net.forward(single([x[:60] for x in xs]), training=False), wanted[:60], dtype, factor=3)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_gradients(name, training, isa):
    """dL/d(every parameter) and dL/d(every input) of L = sum(y * dy), in float64, against central differences; then float32 beside them."""
    shapes, make, _ = CASES[name]
    net = graph(make, shapes, "float64")
    xs = arrays(shapes, 5, "float64")
    dy = np.random.default_rng(1).normal(size=net.forward(single(xs)).shape)

    def value():
        return (net.forward(single(xs), training=training) * dy).sum()

    value()
    dxs = net.backward(dy)
    dxs = [a.copy() for a in (dxs if isinstance(dxs, list | tuple) else [dxs])]
    gradients = {key: np.array(g) for key, g in net.grads.items()}
    assert set(gradients) == set(net.parameters)
    for array, gradient in [*zip(xs, dxs, strict=True), *((net.parameters[k], g) for k, g in gradients.items())]:
        assert np.abs(gradient).max() > 0
        check_against_differences(value, array, gradient)
    small = graph(make, shapes, "float32")
    small.forward(single([x.astype(np.float32) for x in xs]), training=training)
    small.backward(dy.astype(np.float32))
    for key, gradient in gradients.items():
        close(small.grads[key], gradient, "float32", factor=20)


def check_against_differences(value, array, gradient, h=1e-6):
    scale = np.abs(gradient).max()
    for i in list(np.ndindex(array.shape))[:: max(1, array.size // 40)]:
        kept = array[i]
        array[i] = kept + h
        up = value()
        array[i] = kept - h
        down = value()
        array[i] = kept
        numerical = (up - down) / (2 * h)
        assert abs(numerical - gradient[i]) <= 1e-6 * max(abs(numerical), abs(gradient[i]), 0.1 * scale), (
            i,
            numerical,
            gradient[i],
        )


def test_accumulated_gradients_add(isa):
    net = cnn.Network([4, 5, 2], dtype="float64", seed=0)
    x, dy = np.random.default_rng(0).normal(size=(6, 4)), np.ones((6, 2))
    net.forward(x, training=True)
    net.backward(dy)
    once = {k: np.array(g) for k, g in net.grads.items()}
    net.forward(x, training=True)
    net.backward(dy, accumulate=True)
    for key, g in net.grads.items():
        np.testing.assert_allclose(g, 2 * once[key], rtol=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.int64, np.uint8])
def test_one_hot(kind, dtype, isa):
    net = cnn.Network([cnn.Input((2,)), cnn.OneHot([3, 4])], dtype=dtype, seed=0)
    y = net.predict(np.array([[0, 3], [2, 1]], dtype=kind))
    np.testing.assert_array_equal(y, [[1, 0, 0, 0, 0, 0, 1], [0, 0, 1, 0, 1, 0, 0]])
    with pytest.raises(ValueError, match=r"4.*row 1|row 1.*4"):
        net.predict(np.array([[0, 3], [2, 4]], dtype=kind))


def test_one_hot_passes_numbers_and_blanks(isa):
    net = cnn.Network([cnn.Input((2,)), cnn.OneHot([0, 2])], dtype="float64", seed=0)
    y = net.predict(np.array([[1.5, 1], [2.5, np.nan]]))
    np.testing.assert_array_equal(y, [[1.5, 0, 1], [2.5, 0, 0]])


def test_normalize_fills_nan(dtype, isa):
    net = cnn.Network(
        [cnn.Input((2,)), cnn.Normalize(mean=[1.0, 2.0], std=[2.0, 4.0], fill=[3.0, 6.0])], dtype=dtype, seed=0
    )
    close(net.predict(np.array([[3.0, np.nan], [np.nan, 2.0]], dtype=dtype)), [[1, 1], [1, 0]], dtype)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_its_share(rate, dtype, isa):
    net = cnn.Network([cnn.Input((400,)), cnn.Dropout(rate)], dtype=dtype, seed=3)
    y = net.forward(np.ones((100, 400), dtype=dtype), training=True)
    kept = y != 0
    assert abs(kept.mean() - (1 - rate)) < 0.01
    close(y[kept], np.full(kept.sum(), 1 / (1 - rate)), dtype)
    np.testing.assert_array_equal(net.backward(np.ones_like(y)), y)


def test_gaussian_noise_has_its_spread(dtype, isa):
    net = cnn.Network([cnn.Input((400,)), cnn.GaussianNoise(0.3)], dtype=dtype, seed=3)
    y = net.forward(np.zeros((200, 400), dtype=dtype), training=True)
    assert abs(y.std() - 0.3) < 0.005
    assert abs(y.mean()) < 0.005
