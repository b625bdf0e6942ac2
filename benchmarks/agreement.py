"""Whether a library computed what the float64 reference in tests/reference does. What disagrees is not timed."""

from __future__ import annotations

import sys
from typing import Any

import common
import images
import numpy as np
from workloads import ADAM, Workload

sys.path.insert(0, str(common.ROOT / "tests"))
from reference.network import Network, in_order
from reference.optimizers import SGD, Adam


class Reference:
    """The expected results of one workload; a loss or rate that a library cannot have otherwise is asked for by name."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        if workload.image:
            images.trust()
        self._trained: dict[tuple[str, float], tuple[Network, float, float]] = {}
        self._outputs: np.ndarray | None = None

    def _network(self, weights: list[tuple[np.ndarray, np.ndarray]]) -> Network:
        w = self.workload
        if w.image:
            return images.ImageNetwork(w, weights)
        kinds = [w.hidden] * (len(weights) - 1) + [w.output]
        return Network(
            [
                {"kind": "dense", "weight": weight, "bias": bias, "activation": kind}
                for (weight, bias), kind in zip(weights, kinds, strict=True)
            ]
        )

    def _expected(self, loss: str, lr_scale: float) -> tuple[float, float]:
        """The loss over the check's rows before and after training."""
        key = (loss, lr_scale)
        if key not in self._trained:
            w = self.workload
            x, y = w.data(w.check_rows)
            net = self._network(w.weights())
            before = net.loss(x, y, loss)
            lr = w.lr * lr_scale
            betas = (ADAM["beta1"], ADAM["beta2"])
            optimizer = SGD(lr) if w.optimizer == "sgd" else Adam(lr, betas=betas, eps=ADAM["eps"])
            net.fit(x, y, optimizer, in_order(len(x), w.batch, w.check_epochs), loss)
            self._trained[key] = (net, before, net.loss(x, y, loss))
        return self._trained[key][1:]

    def trained(
        self, weights: list[tuple[np.ndarray, np.ndarray]], loss: str, lr_scale: float, tolerance: float
    ) -> dict[str, Any]:
        """Judge weights after the check's training.

        Parameters
        ----------
        weights : list of (weight (out, in), bias (out,))
            The library's; of a convolution (out, in, height, width).
        loss : str
            The one that it trained.
        lr_scale : float
            Times the workload's rate: a library whose loss has another factor takes another rate.
        tolerance : float

        Returns
        -------
        dict
            "agrees", the losses, the relative difference.
        """
        w = self.workload
        before, after = self._expected(loss, lr_scale)
        x, y = w.data(w.check_rows)
        net = self._network([(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in weights])
        found = net.loss(x, y, loss)
        difference = abs(found - after) / abs(after)
        moved = abs(before - after) / abs(after)
        return {
            "agrees": bool(difference <= tolerance and moved > 3 * tolerance),
            "steps": w.check_epochs * (w.check_rows // w.batch),
            "loss_before": before,
            "loss_expected": after,
            "loss_found": found,
            "relative_difference": difference,
            "tolerance": tolerance,
            **({} if loss == w.loss else {"loss": loss}),
        }

    def predicted(self, outputs: np.ndarray, tolerance: float) -> dict[str, Any]:
        """Judge the outputs of all the workload's rows."""
        w = self.workload
        if self._outputs is None:
            self._outputs = self._network(w.weights()).forward(w.data()[0])
        difference = float(np.abs(np.asarray(outputs, np.float64) - self._outputs).max())
        return {"agrees": difference <= tolerance, "largest_difference": difference, "tolerance": tolerance}
