"""scikit-learn's MLPClassifier and MLPRegressor."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from workloads import ADAM, Workload

from .base import CannotTakePart, Peer, Weights, fresh


class Library(Peer):
    """One call of `fit` over many steps, going on from given weights (`warm_start`); `predict_proba` without the check for NaN."""

    title = "scikit-learn"
    packages = ("scikit-learn", "scipy")

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        if workload.image:
            raise CannotTakePart("has no convolutions")
        return {"threads": (1, 2)}

    def trained_loss(self) -> tuple[str, float]:
        """A logistic output goes with the log loss there, summed over outputs where ours is their mean."""
        if self.workload.output == "sigmoid":
            return "binary_cross_entropy", float(self.workload.sizes[-1])
        return super().trained_loss()

    def prepare(self) -> None:
        import sklearn
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        sklearn.set_config(assume_finite=True)
        warnings.filterwarnings("ignore")  # of convergence: it is stopped on purpose
        w = self.workload
        self.initial = [(np.ascontiguousarray(a.T), b) for a, b in w.weights()]
        kind = MLPRegressor if w.output == "linear" else MLPClassifier
        self.net = kind(
            hidden_layer_sizes=w.sizes[1:-1],
            activation="logistic" if w.hidden == "sigmoid" else w.hidden,
            solver=w.optimizer or "adam",
            alpha=0.0,
            batch_size=w.batch,
            learning_rate_init=w.lr,
            max_iter=1,
            shuffle=False,
            tol=0.0,
            n_iter_no_change=10**9,
            warm_start=True,
            momentum=0.0,
            nesterovs_momentum=False,
            beta_1=ADAM["beta1"],
            beta_2=ADAM["beta2"],
            epsilon=ADAM["eps"],
        )
        if w.kind == "predict":
            self.net.set_params(batch_size=min(w.batch, 64))
            self._shape(*w.data(max(64, 3 * w.sizes[-1])))
            self.reset()

    def _shape(self, x: np.ndarray, y: np.ndarray) -> None:
        """A first fit makes the arrays that `reset` fills."""
        y = y.copy()
        if self.workload.loss == "cross_entropy":
            y[: self.workload.sizes[-1]] = np.arange(self.workload.sizes[-1])  # every class must be there
        self.net.set_params(max_iter=1).fit(x, y)

    def load(self, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        self._shape(x[: max(self.workload.batch, 64)], y[: max(self.workload.batch, 64)])
        self.data = (x, y)
        self.net.set_params(max_iter=epochs)

    def reset(self) -> None:
        pairs = fresh(self.initial)
        self.net.coefs_ = [w for w, _ in pairs]
        self.net.intercepts_ = [b for _, b in pairs]
        self.net.__dict__.pop("_optimizer", None)

    def train(self) -> None:
        self.net.fit(*self.data)

    def weights(self) -> Weights:
        return [(w.T, b) for w, b in zip(self.net.coefs_, self.net.intercepts_, strict=True)]

    def predictor(self, x: list[np.ndarray]) -> tuple[Callable[[Any], Any], list[Any]]:
        return self.net.predict_proba, x
