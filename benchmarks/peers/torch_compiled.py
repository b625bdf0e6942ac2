"""PyTorch with torch.compile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workloads import Workload

from . import torch_eager
from .base import Variant


class Library(torch_eager.Library):
    """Forward and loss compiled (the backward with them), and the optimizer's step too where that is faster."""

    title = "PyTorch, torch.compile"

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        modes = ("default", "max-autotune-no-cudagraphs")
        if workload.kind == "predict":
            switches = {"mode": modes, "freezing": (False, True), "cpp_wrapper": (False, True), "threads": (1, 2)}
            return cls.layouts(workload, switches)
        axes: dict[str, Sequence[Any]] = {"mode": modes, "optimizer": ("eager", "compiled"), "threads": (1, 2)}
        if not workload.small:
            axes["fused"] = (True, False)
        else:
            axes["cpp_wrapper"] = (False, True)
        return cls.layouts(workload, axes)

    @classmethod
    def environment(cls, variant: Variant) -> dict[str, str]:
        extra = {"TORCHINDUCTOR_COMPILE_THREADS": "1"}  # in its own process, no pool beside it
        if variant.get("freezing"):
            extra["TORCHINDUCTOR_FREEZING"] = "1"
        if variant.get("cpp_wrapper"):
            extra["TORCHINDUCTOR_CPP_WRAPPER"] = "1"
        return {**super().environment(variant), **extra}

    def prepare(self) -> None:
        self.variant.setdefault("fused", self.variant.get("optimizer") != "compiled")
        super().prepare()
        mode = {} if self.variant["mode"] == "default" else {"mode": self.variant["mode"]}
        compiled = self.torch.compile
        if self.workload.kind == "predict":
            self.model = compiled(self.model, **mode)
            return
        model, loss = self.model, self.loss
        self.forward = compiled(lambda x, y: loss(model(x), y), **mode)
        if self.variant["optimizer"] == "compiled":
            self.update = compiled(lambda: self.optimizer.step(), **mode)
        else:
            self.update = self.optimizer.step

    def step(self, x: Any, y: Any) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.forward(x, y).backward()
        self.update()
