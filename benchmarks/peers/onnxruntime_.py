"""ONNX Runtime: prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from workloads import Workload

from .base import CannotTakePart, Peer


class Library(Peer):
    """All graph optimizations, sequential execution; `run` or bound inputs and outputs, whichever is faster."""

    title = "ONNX Runtime"
    packages = ("onnxruntime", "onnx")

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        if workload.kind == "train":
            raise CannotTakePart("the package for Python predicts only")
        return {"threads": (2, 1) if workload.image else (1, 2), "binding": (False, True)}

    def prepare(self) -> None:
        import onnxruntime as ort
        from onnx import TensorProto, helper, numpy_helper

        w = self.workload
        nodes, values = self._images(helper) if w.image else self._dense(helper)
        values = [numpy_helper.from_array(a, name) for name, a in values]
        ends = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, [w.batch, *shape])
            for n, shape in (("x", w.image or w.sizes[:1]), ("y", w.sizes[-1:]))
        ]
        graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], values)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.ort = ort
        self.session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def _dense(self, helper: Any) -> tuple[list[Any], list[tuple[str, np.ndarray]]]:
        nodes, values, name = [], [], "x"
        for i, (a, b) in enumerate(self.workload.weights(), 1):
            values += [(f"w{i}", a), (f"b{i}", b)]
            nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"z{i}"], transB=1))
            last = i == len(self.workload.sizes) - 1
            name = "y" if last else f"h{i}"
            nodes.append(
                helper.make_node("Softmax" if last else "Relu", [f"z{i}"], [name], **({"axis": 1} if last else {}))
            )
        return nodes, values

    def _images(self, helper: Any) -> tuple[list[Any], list[tuple[str, np.ndarray]]]:
        nodes: list[Any] = []
        values: list[tuple[str, np.ndarray]] = []
        left = iter(self.workload.weights())
        name = "x"

        def add(op: str, *more: str, to: str = "", **attributes: Any) -> None:
            nonlocal name
            made = to or f"v{len(nodes)}"
            nodes.append(helper.make_node(op, [name, *more], [made], **attributes))
            name = made

        for i, layer in enumerate(self.workload.layers):
            own = (f"w{i}", f"b{i}")
            if layer.units:
                values += zip(own, next(left), strict=True)
            if layer.kind == "conv":
                add("Conv", *own, kernel_shape=[layer.kernel] * 2, pads=[layer.padding] * 4)
            elif layer.kind == "pool":
                add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
            elif layer.kind == "dense":
                add("Gemm", *own, transB=1)
            else:
                if layer.kind == "average":
                    add("GlobalAveragePool")
                add("Flatten")
            if layer.activation == "relu":
                add("Relu")
        add("Softmax", to="y", axis=1)
        return nodes, values

    def predictor(self, x: list[np.ndarray]) -> tuple[Callable[[Any], Any], list[Any]]:
        run = self.session.run
        if not self.variant.get("binding"):
            names = ["y"]

            def plain(a: np.ndarray) -> np.ndarray:
                result: np.ndarray = run(names, {"x": a})[0]
                return result

            return plain, x
        binding = self.session.io_binding()
        out = np.empty((self.workload.batch, self.workload.sizes[-1]), np.float32)
        binding.bind_output("y", "cpu", 0, np.float32, out.shape, out.ctypes.data)
        bind, bound = binding.bind_cpu_input, self.session.run_with_iobinding

        def with_binding(a: np.ndarray) -> np.ndarray:
            bind("x", a)
            bound(binding)
            return out

        return with_binding, x
