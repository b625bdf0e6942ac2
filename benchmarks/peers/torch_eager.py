"""PyTorch, eager."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from workloads import ADAM, Workload

from .base import Peer, Weights


class Library(Peer):
    """`nn.Sequential`, batches as views made once (no DataLoader), the fused optimizer where it is faster, `inference_mode`."""

    title = "PyTorch, eager"
    packages = ("torch",)

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        axes: dict[str, Sequence[Any]] = {"threads": (1, 2)}
        if workload.kind == "train":
            axes["fused"] = (True, False)
        return cls.layouts(workload, axes)

    @classmethod
    def layouts(cls, workload: Workload, axes: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
        """Images as they are, or with neighbouring channels; as many threads as there are first."""
        return {"layout": ("NHWC", "NCHW"), **axes, "threads": (2, 1)} if workload.image else axes

    def prepare(self) -> None:
        import torch
        from torch import nn

        self.torch = torch
        torch.set_num_threads(self.threads)
        torch.set_num_interop_threads(1)
        w = self.workload
        self.dtype = getattr(torch, w.dtype)
        modules = self._images(nn) if w.image else self._dense(nn)
        if w.output == "softmax" and w.kind == "predict":  # the loss takes logits
            modules.append(nn.Softmax(dim=1))
        self.model = nn.Sequential(*modules)
        if self.variant.get("layout") == "NHWC":
            self.model = self.model.to(memory_format=torch.channels_last)
        self.initial = [torch.from_numpy(a.copy()) for pair in w.weights() for a in pair]
        self._set_weights()
        if w.kind == "train":
            self._optimizer()
            self.loss = nn.functional.cross_entropy if w.loss == "cross_entropy" else nn.functional.mse_loss
        else:
            self.model.eval()

    def _dense(self, nn: Any) -> list[Any]:
        w = self.workload
        kinds = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
        modules: list[Any] = []
        for i, (a, b) in enumerate(zip(w.sizes, w.sizes[1:], strict=False)):
            modules.append(nn.Linear(a, b, dtype=self.dtype))
            kind = w.output if i == len(w.sizes) - 2 else w.hidden
            if kind in kinds:
                modules.append(kinds[kind]())
        return modules

    def _images(self, nn: Any) -> list[Any]:
        modules: list[Any] = []
        for layer, before, _ in self.workload.walk():
            if layer.kind == "conv":
                modules.append(nn.Conv2d(before[0], layer.units, layer.kernel, padding=layer.padding))
            elif layer.kind == "pool":
                modules.append(nn.MaxPool2d(2))
            elif layer.kind == "average":
                modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            elif layer.kind == "flatten":
                modules.append(nn.Flatten())
            else:
                modules.append(nn.Linear(before[0], layer.units))
            if layer.activation == "relu":
                modules.append(nn.ReLU())
        return modules

    def laid(self, x: np.ndarray) -> np.ndarray:
        """Images in memory as the setting has it, once, before anything is timed."""
        if self.variant.get("layout") != "NHWC":
            return x
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)

    def _set_weights(self) -> None:
        with self.torch.no_grad():
            for p, value in zip(self.model.parameters(), self.initial, strict=True):
                p.copy_(value)

    def _optimizer(self) -> None:
        w, optim = self.workload, self.torch.optim
        fused = {"fused": True} if self.variant.get("fused") else {"foreach": True}
        if w.optimizer == "sgd":
            self.optimizer = optim.SGD(self.model.parameters(), lr=w.lr, **fused)
        else:
            betas = (ADAM["beta1"], ADAM["beta2"])
            self.optimizer = optim.Adam(self.model.parameters(), lr=w.lr, betas=betas, eps=ADAM["eps"], **fused)

    def load(self, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
        b = self.workload.batch
        pairs = zip(self.torch.from_numpy(self.laid(x)).split(b), self.torch.from_numpy(y).split(b), strict=True)
        self.batches = list(pairs)
        self.epochs = epochs

    def reset(self) -> None:
        self._set_weights()
        for state in self.optimizer.state.values():  # in place: a compiled step keeps its tensors
            for value in state.values():
                if self.torch.is_tensor(value):
                    value.zero_()

    def step(self, x: Any, y: Any) -> None:
        """One batch."""
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.model(x), y).backward()
        self.optimizer.step()

    def train(self) -> None:
        step = self.step
        for _ in range(self.epochs):
            for x, y in self.batches:
                step(x, y)

    def weights(self) -> Weights:
        flat = [p.detach().numpy() for p in self.model.parameters()]
        return list(zip(flat[::2], flat[1::2], strict=True))

    def predictor(self, x: list[np.ndarray]) -> tuple[Callable[[Any], Any], list[Any]]:
        from_numpy, model = self.torch.from_numpy, self.model

        @self.torch.inference_mode()
        def predict(a: np.ndarray) -> np.ndarray:
            result: np.ndarray = model(from_numpy(a)).numpy()
            return result

        return predict, [self.laid(a) for a in x]
