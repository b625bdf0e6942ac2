"""Convolutions against ONNX Runtime on single nodes made by hand, and against PyTorch (make interop)."""

import numpy as np
import pytest
from conftest import close

import cnn

RANDOM = np.random.default_rng(0)

# what the layer is given, and the same in ONNX's attributes
CASES = {
    "plain": (cnn.Conv2D(7, 3), (3, 9, 11), {}),
    "pads": (cnn.Conv2D(7, (3, 2), padding=((1, 0), (2, 3))), (3, 9, 11), {"pads": [1, 2, 0, 3]}),
    "same": (cnn.Conv2D(7, (4, 3), stride=(2, 3), padding="same"), (3, 9, 11), {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    "dilation": (cnn.Conv2D(7, 3, dilation=(1, 3), stride=(2, 1)), (3, 9, 11), {"dilations": [1, 3], "strides": [2, 1]}),
    "groups": (cnn.Conv2D(8, 3, groups=4, padding=1), (12, 9, 11), {"group": 4, "pads": [1, 1, 1, 1]}),
    "depthwise": (cnn.Conv2D(40, 3, groups=40, stride=2), (40, 9, 11), {"group": 40, "strides": [2, 2]}),
    "multiplier": (cnn.Conv2D(12, 5, groups=4), (4, 9, 11), {"group": 4}),
    "pointwise": (cnn.Conv2D(33, 1), (65, 4, 5), {}),
    "series": (cnn.Conv1D(7, 5, stride=2, padding=(4, 1), dilation=2), (3, 30), {"pads": [4, 1], "strides": [2], "dilations": [2]}),
    "transposed": (cnn.ConvTranspose2D(5, 3), (4, 6, 7), {}),
    "transposed, all": (
        cnn.ConvTranspose2D(6, (3, 4), stride=(2, 3), padding=((1, 2), (0, 1)), output_padding=(1, 2), dilation=(1, 2), groups=2),
        (4, 6, 7),
        {"strides": [2, 3], "pads": [1, 0, 2, 1], "output_padding": [1, 2], "dilations": [1, 2], "group": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_onnxruntime(name, isa):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    layer, shape, attributes = CASES[name]
    net = cnn.Network([cnn.Input(shape), layer], seed=1)
    layer = net.layers[0]
    layer.bias[...] = RANDOM.normal(size=layer.bias.shape)
    x = RANDOM.normal(size=(3, *shape)).astype(np.float32)
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    op = "ConvTranspose" if layer.op == "conv_transpose" else "Conv"
    graph = make.make_graph(
        [make.make_node(op, ["x", "w", "b"], ["y"], kernel_shape=list(layer.kernel_size), **attributes)],
        "one",
        [make.make_tensor_value_info("x", kind, x.shape)],
        [make.make_tensor_value_info("y", kind, (3, *net.output_shape))],
        [
            onnx.numpy_helper.from_array(np.array(layer.weight), "w"),
            onnx.numpy_helper.from_array(np.array(layer.bias), "b"),
        ],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    (wanted,) = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(
        None, {"x": x}
    )
    close(net.predict(x), wanted, "float32", factor=3)


TORCH = {
    "Conv2d": ("Conv2D", (6, 10, 9), (8, (3, 2)), {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}),
    "Conv2d, same": ("Conv2D", (6, 10, 9), (8, 4), {"padding": "same", "dilation": 2}),
    "Conv1d": ("Conv1D", (6, 20), (8, 5), {"stride": 2, "padding": 3, "groups": 2}),
    "ConvTranspose2d": (
        "ConvTranspose2D", (6, 5, 4), (8, (3, 2)),
        {"stride": (3, 2), "padding": (1, 2), "output_padding": (2, 1), "dilation": (2, 3), "groups": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TORCH)
def test_torch(name, dtype, isa):
    """Outputs and all gradients."""
    torch = pytest.importorskip("torch")
    ours, shape, arguments, options = TORCH[name]
    theirs = getattr(torch.nn, name.partition(",")[0])(shape[0], *arguments, **options, dtype=getattr(torch, dtype))
    net = cnn.Network([cnn.Input(shape), getattr(cnn, ours)(*arguments, **options)], dtype=dtype, seed=1)
    with torch.no_grad():
        for key in ("weight", "bias"):
            getattr(theirs, key)[...] = torch.from_numpy(np.array(getattr(net.layers[0], key)))
    x = RANDOM.normal(size=(4, *shape)).astype(dtype)
    given = torch.from_numpy(x.copy()).requires_grad_()
    wanted = theirs(given)
    y = net.forward(x, training=True)
    close(y, wanted.detach().numpy(), dtype, factor=3)
    dy = RANDOM.normal(size=y.shape).astype(dtype)
    wanted.backward(torch.from_numpy(dy))
    close(net.backward(dy), given.grad.numpy(), dtype, factor=3)
    close(net.grads[f"{net.layers[0].name}.weight"], theirs.weight.grad.numpy(), dtype, factor=10)
    close(net.grads[f"{net.layers[0].name}.bias"], theirs.bias.grad.numpy(), dtype, factor=10)


@pytest.mark.parametrize("name", ["Conv2d", "ConvTranspose2d"])
def test_fans_are_those_of_torch(name):
    torch = pytest.importorskip("torch")
    weight = getattr(torch.nn, name)(6, 8, (3, 5), groups=2).weight
    fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(weight)
    kind = cnn.Conv2D if name == "Conv2d" else cnn.ConvTranspose2D
    net = cnn.Network([cnn.Input((6, 9, 9)), kind(8, (3, 5), groups=2, init="glorot_uniform")], seed=0)
    bound = (6 / (fan_in + fan_out)) ** 0.5
    assert net.layers[0].weight.shape == tuple(weight.shape)
    assert 0.97 * bound < np.abs(net.layers[0].weight).max() <= bound
