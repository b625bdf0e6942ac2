"""Normalizations against ONNX Runtime on single nodes made by hand, and against PyTorch (make interop)."""

import numpy as np
import pytest
from conftest import close
from test_normalization import draw, made, values

import cnn

# the layer, the shape of a sample, and ONNX's node
CASES = {
    "features": (cnn.BatchNorm(), (9,), "BatchNormalization", {}),
    "sequences": (cnn.BatchNorm(eps=1e-3), (9, 5), "BatchNormalization", {}),
    "images": (cnn.BatchNorm(), (33, 4, 5), "BatchNormalization", {}),
    "layer": (cnn.LayerNorm(), (70,), "LayerNormalization", {"axis": -1}),
    "layer-steps": (cnn.LayerNorm(eps=1e-3), (4, 9), "LayerNormalization", {"axis": -1}),
    "layer-images": (cnn.LayerNorm(), (3, 4, 5), "LayerNormalization", {"axis": 1}),
    "group": (cnn.GroupNorm(3), (12, 4, 5), "GroupNormalization", {"num_groups": 3}),
    "group-sequences": (cnn.GroupNorm(2, eps=1e-3), (12, 5), "GroupNormalization", {"num_groups": 2}),
    "instance": (cnn.GroupNorm(6), (6, 4, 5), "InstanceNormalization", {}),
}


@pytest.mark.parametrize("name", CASES)
def test_onnxruntime(name, isa):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    layer, shape, op, attributes = CASES[name]
    net = made(layer, shape, "float32")
    if layer.op == "batch_norm":
        net.buffers["batch_norm_1.running_mean"][...] = np.linspace(-1, 1, shape[0])
        net.buffers["batch_norm_1.running_var"][...] = np.linspace(0.5, 3, shape[0])
    x = draw(shape, 6, "float32", offset=1)
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    given = {k: v.astype(np.float32) for k, v in values(net).items()}
    graph = make.make_graph(
        [make.make_node(op, ["x", *given], ["y"], epsilon=layer.eps, **attributes)],
        "one",
        [make.make_tensor_value_info("x", kind, x.shape)],
        [make.make_tensor_value_info("y", kind, x.shape)],
        [onnx.numpy_helper.from_array(v, k) for k, v in given.items()],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    close(net.predict(x), session.run(None, {"x": x})[0], "float32", factor=3)


def peer(torch, layer, shape):
    """PyTorch's module, with nothing of ours in it yet."""
    nn, eps = torch.nn, layer.eps
    if layer.op == "batch_norm":
        kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
        return kind(shape[0], eps=eps, momentum=layer.momentum)
    if layer.op == "group_norm":
        return nn.GroupNorm(layer.groups, shape[0], eps=eps)
    return nn.LayerNorm(shape if len(shape) == 3 else shape[-1], eps=eps)


@pytest.mark.parametrize("name", CASES)
def test_pytorch(name, dtype, isa):
    """Some training steps by hand: outputs, all gradients, running statistics; then evaluation."""
    torch = pytest.importorskip("torch")
    layer, shape, _, _ = CASES[name]
    net = made(layer, shape, dtype)
    kind = getattr(torch, dtype)
    module = peer(torch, layer, shape).to(kind)
    with torch.no_grad():
        for key in ("weight", "bias"):
            getattr(module, key).copy_(torch.tensor(np.array(net.parameters[f"{layer.op}_1.{key}"])))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    for step in range(4):
        x, dy = draw(shape, 7, dtype, step, offset=step), draw(shape, 7, dtype, 10 + step)
        tx = torch.tensor(x, requires_grad=True)
        optimizer.zero_grad()
        ty = module(tx)
        ty.backward(torch.tensor(dy))
        close(net.forward(x, training=True), ty.detach().numpy(), dtype, 10)
        close(net.backward(dy), tx.grad.numpy(), dtype, 10)
        for key, gradient in net.grads.items():
            close(gradient, getattr(module, key.partition(".")[2]).grad.numpy(), dtype, 10)
        optimizer.step()
        net.step(cnn.SGD(0.01) if step == 0 else None)
    for key, value in {**net.parameters, **net.buffers}.items():
        close(value, getattr(module, key.partition(".")[2]).detach().numpy(), dtype, 10)
    module.eval()
    x = draw(shape, 5, dtype, 20)
    close(net.predict(x), module(torch.tensor(x)).detach().numpy(), dtype, 10)
