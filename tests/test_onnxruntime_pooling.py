"""Pools, padding, resampling and PReLU against ONNX Runtime, a node at a time, and with their gradients against PyTorch."""

import itertools

import numpy as np
import pytest
from conftest import close

import cnn

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
F = torch.nn.functional


def drawn(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def onnx_node(op, x, constants=(), opset=22, **attributes):
    """What ONNX Runtime makes of x by one node. constants: further inputs, arrays, "" for none."""
    names = ["x", *(f"c{i}" if not isinstance(c, str) else "" for i, c in enumerate(constants))]
    node = onnx.helper.make_node(op, names, ["y"], **attributes)
    fixed = [onnx.numpy_helper.from_array(c, f"c{i}") for i, c in enumerate(constants) if not isinstance(c, str)]
    kind = onnx.TensorProto.FLOAT
    given = onnx.helper.make_tensor_value_info("x", kind, x.shape)
    made = onnx.helper.make_tensor_value_info("y", kind, None)
    graph = onnx.helper.make_graph([node], "one", [given], [made], fixed)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def ours(layer, x):
    return cnn.Network([cnn.Input(x.shape[1:]), layer], seed=0).predict(x)


def ours_and_gradients(layer, x, dy):
    net = cnn.Network([cnn.Input(x.shape[1:]), layer], dtype="float64", seed=0)
    y = net.forward(x.astype(float), training=True)
    return y, net.backward(dy.astype(float)), {k: np.array(g) for k, g in net.grads.items()}


WINDOWS = [
    {"size": 2},
    {"size": 3, "stride": 2, "padding": 1},
    {"size": (2, 3), "stride": (3, 1)},
    {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"size": 3, "stride": 3, "padding": 1, "ceil_mode": True},
    {"size": (3, 2), "padding": ((1, 0), (0, 1))},
    {"size": 3, "stride": 2, "padding": "same"},
    {"size": 2, "stride": 3, "ceil_mode": True},
]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("shape", [(2, 3, 7, 9), (1, 6, 10, 8)])
def test_pools_against_onnx_runtime(window, shape):
    x = drawn(shape)
    layer = cnn.MaxPool2D(**window)
    attributes = {"kernel_shape": layer.size, "strides": layer.stride, "ceil_mode": int(layer.ceil_mode)}
    if layer.padding == "same":
        attributes["auto_pad"] = "SAME_UPPER"
    else:
        attributes["pads"] = [p[0] for p in layer.padding] + [p[1] for p in layer.padding]
    close(ours(layer, x), onnx_node("MaxPool", x, **attributes), "float32")
    for include in (0, 1):
        theirs = onnx_node("AveragePool", x, count_include_pad=include, **attributes)
        close(ours(cnn.AvgPool2D(**window, count_include_pad=bool(include)), x), theirs, "float32")


@pytest.mark.parametrize("op", ["Average", "Max"])
def test_global_pools_against_onnx_runtime(op):
    x = drawn((3, 5, 6, 4))
    layer = {"Average": cnn.GlobalAvgPool2D, "Max": cnn.GlobalMaxPool2D}[op](keepdims=True)
    close(ours(layer, x), onnx_node(f"Global{op}Pool", x), "float32")


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate"])
def test_pad_against_onnx_runtime(mode):
    x = drawn((2, 3, 5, 6))
    theirs = "edge" if mode == "replicate" else mode
    value = [np.float32(1.5)] if mode == "constant" else []
    y = onnx_node("Pad", x, [np.array([0, 0, 1, 3, 0, 0, 2, 0]), *value], mode=theirs)
    close(ours(cnn.Pad(((1, 2), (3, 0)), mode, 1.5 if value else 0), x), y, "float32")


@pytest.mark.parametrize("scale", [(2, 2), (3, 1), (2, 5)])
@pytest.mark.parametrize("mode", [("nearest", False), ("bilinear", False), ("bilinear", True)])
def test_upsample_against_onnx_runtime(mode, scale):
    x = drawn((2, 3, 4, 5))
    where = "asymmetric" if mode[0] == "nearest" else "align_corners" if mode[1] else "half_pixel"
    more = {"nearest_mode": "floor"} if mode[0] == "nearest" else {}
    sizes = np.array([2, 3, 4 * scale[0], 5 * scale[1]])
    kind = "nearest" if mode[0] == "nearest" else "linear"
    y = onnx_node("Resize", x, ["", "", sizes], opset=19, mode=kind, coordinate_transformation_mode=where, **more)
    close(ours(cnn.Upsample2D(scale, *mode), x), y, "float32")


@pytest.mark.parametrize("axis", [None, 1])
def test_prelu_against_onnx_runtime(axis):
    x = drawn((2, 3, 4, 5))
    slopes = np.full((1, 1, 1) if axis is None else (3, 1, 1), 0.25, "float32")
    close(ours(cnn.PReLU(axis), x), onnx_node("PRelu", x, [slopes], opset=16), "float32")


# ---- PyTorch: gradients, and what ONNX has no node for


def against_torch(layer, x, function, *more, weight=None, **options):
    """function(tensor, *more, **options) is PyTorch's."""
    tensor = torch.tensor(x.astype(float), requires_grad=True)
    theirs = function(tensor, *more, **options)
    dy = drawn(theirs.shape, 7)
    theirs.backward(torch.tensor(dy.astype(float)))
    y, dx, grads = ours_and_gradients(layer, x, dy)
    close(y, theirs.detach().numpy(), "float64")
    close(dx, tensor.grad.numpy(), "float64")
    if weight is not None:
        close(grads["prelu_1.weight"], weight.grad.numpy(), "float64")


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (5, 4, 2), (4, 3, 2)]
)
def test_pools_against_torch(size, stride, padding, ceil_mode):
    for shape in itertools.product((1, 2), (3,), (5, 6, 7, 9), (8, 11)):
        x = np.round(drawn(shape))  # with equal numbers
        for axes, y in ((2, x), (1, x[:, :, 0])):
            largest, mean = ([F.max_pool1d, F.avg_pool1d], [F.max_pool2d, F.avg_pool2d])[axes - 1]
            if y.shape[2] + 2 * padding < size:
                continue
            layers = [cnn.MaxPool1D, cnn.AvgPool1D] if axes == 1 else [cnn.MaxPool2D, cnn.AvgPool2D]
            window = size, stride, padding
            against_torch(layers[0](*window, ceil_mode), y, largest, *window, ceil_mode=ceil_mode)
            for include in (False, True):
                against_torch(layers[1](*window, ceil_mode, include), y, mean, *window, ceil_mode, include)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate"])
def test_pad_against_torch(mode):
    against_torch(cnn.Pad(((1, 2), (3, 0)), mode), drawn((2, 3, 5, 6)), F.pad, (3, 0, 1, 2), mode)
    against_torch(cnn.Pad([(2, 1)], mode), drawn((2, 3, 5)), F.pad, (2, 1), mode)


@pytest.mark.parametrize("mode", [("nearest", None), ("bilinear", False), ("bilinear", True)])
def test_upsample_against_torch(mode):
    for scale in ((2, 2), (3, 4)):
        against_torch(
            cnn.Upsample2D(scale, mode[0], bool(mode[1])),
            drawn((2, 3, 4, 5)),
            F.interpolate,
            scale_factor=scale,
            mode=mode[0],
            align_corners=mode[1],
        )


@pytest.mark.parametrize("axis", [None, 1])
def test_prelu_against_torch(axis):
    for shape in ((4, 3), (2, 3, 5), (2, 3, 4, 5)):
        weight = torch.full((1 if axis is None else 3,), 0.25, dtype=torch.float64, requires_grad=True)
        against_torch(cnn.PReLU(axis), drawn(shape), F.prelu, weight, weight=weight)


def test_a_nan_in_a_window_against_torch():
    x = drawn((1, 2, 6, 6))
    x[0, 0, 1, 1] = x[0, 1, 4, 5] = np.nan
    np.testing.assert_array_equal(ours(cnn.MaxPool2D(3, 2, 1), x), F.max_pool2d(torch.tensor(x), 3, 2, 1).numpy())
