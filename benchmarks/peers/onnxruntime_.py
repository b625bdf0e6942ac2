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
        return {"threads": (1, 2), "binding": (False, True)}

    def prepare(self) -> None:
        import onnxruntime as ort
        from onnx import TensorProto, helper, numpy_helper

        w = self.workload
        nodes, values, name = [], [], "x"
        for i, (a, b) in enumerate(w.weights(), 1):
            values += [numpy_helper.from_array(a, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
            nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"z{i}"], transB=1))
            last = i == len(w.sizes) - 1
            name = "y" if last else f"h{i}"
            nodes.append(
                helper.make_node("Softmax" if last else "Relu", [f"z{i}"], [name], **({"axis": 1} if last else {}))
            )
        ends = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, [w.batch, k])
            for n, k in (("x", w.sizes[0]), ("y", w.sizes[-1]))
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
