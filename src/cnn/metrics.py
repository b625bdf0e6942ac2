"""Metrics by name, as functions ``f(y_true, y_pred, sample_weight=None) -> float``; scikit-learn's definitions, zero_division 0.

One output is the probability of class 1 (predicted where above 0.5); k outputs are scores of k classes, the largest wins, the first of
equals. Targets are class indices, or one-hot rows as wide as the outputs. `fit` and `evaluate` compute the same in C.

`confusion_matrix` is no metric: it counts labels.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from . import _core
from .checks import whole
from .names import Spelled, foreign, lookup, shown, swapped, theirs

__all__ = [
    "TopKAccuracy",
    "accuracy",
    "auc",
    "confusion_matrix",
    "f1",
    "mae",
    "mse",
    "precision",
    "r2",
    "recall",
    "top_k_accuracy",
]

ALIASES = {"acc": "accuracy"}
MetricFunction = Callable[..., float]


def _columns(y: Any) -> np.ndarray:
    """(n,) as (n, 1), as floats."""
    a = np.asarray(y)
    return a.reshape(len(a), -1) if a.size else a.reshape(len(a), 0)


def _checked(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    y, p = _columns(y_true), _columns(y_pred)
    if len(y) != len(p):
        raise ValueError(f"y_true has {len(y)} rows and y_pred {len(p)}")
    if len(y) == 0:
        raise ValueError("y_true is empty; a metric needs at least one row")
    return y, p


def _labels(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    y, p = _checked(y_true, y_pred)
    true = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0].astype(np.int64)
    return true, p.argmax(axis=1) if p.shape[1] > 1 else (p[:, 0] > 0.5).astype(np.int64)


def _weights(n: int, sample_weight: Any) -> np.ndarray:
    return np.ones(n) if sample_weight is None else np.asarray(sample_weight, np.float64).reshape(n)


def _numbers(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    y, p = _checked(y_true, y_pred)
    if y.shape != p.shape:
        raise ValueError(
            f"y_true has the shape {np.shape(y_true)} and y_pred {np.shape(y_pred)}; they must be the same"
        )
    return y.astype(np.float64), p.astype(np.float64)


def accuracy(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """The share of rows whose class is predicted."""
    true, called = _labels(y_true, y_pred)
    return float(np.average(true == called, weights=_weights(len(true), sample_weight)))


def top_k_accuracy(y_true: Any, y_pred: Any, sample_weight: Any = None, k: int = 5) -> float:
    """The share of rows whose class is among the k largest scores; of equal scores the earlier class counts as larger."""
    true, scores = _labels(y_true, y_pred)[0], _columns(y_pred)
    top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(np.average((top == true[:, None]).any(axis=1), weights=_weights(len(true), sample_weight)))


def _counts(y_true: Any, y_pred: Any, sample_weight: Any) -> list[tuple[float, float, float]]:
    """(hit, called, actual), weighted: of class 1 for up to two outputs, else of each class that occurs."""
    true, called = _labels(y_true, y_pred)
    w = _weights(len(true), sample_weight)
    classes = np.array([1]) if _columns(y_pred).shape[1] <= 2 else np.union1d(true, called)
    return [(w[(true == c) & (called == c)].sum(), w[called == c].sum(), w[true == c].sum()) for c in classes]


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else 0.0


def precision(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Hits among those called: of class 1 for one or two outputs, else the mean over classes (macro)."""
    return float(np.mean([_ratio(hit, called) for hit, called, _ in _counts(y_true, y_pred, sample_weight)]))


def recall(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Hits among those that are, as `precision`."""
    return float(np.mean([_ratio(hit, actual) for hit, _, actual in _counts(y_true, y_pred, sample_weight)]))


def f1(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """``2 hits / (called + actual)``, as `precision`."""
    counts = _counts(y_true, y_pred, sample_weight)
    return float(np.mean([_ratio(2 * hit, called + actual) for hit, called, actual in counts]))


def _auc_of(positive: np.ndarray, score: np.ndarray, w: np.ndarray) -> float:
    """The share of pairs (one of the class, one not) in which the first scores more, half of equals; NaN without both."""
    order = np.argsort(score, kind="stable")
    score, inside, outside = score[order], np.where(positive, w, 0.0)[order], np.where(positive, 0.0, w)[order]
    starts = np.flatnonzero(np.r_[True, score[1:] != score[:-1]])
    inside, outside = np.add.reduceat(inside, starts), np.add.reduceat(outside, starts)
    below = np.cumsum(outside) - outside
    pairs = inside.sum() * outside.sum()
    return float((inside * (below + 0.5 * outside)).sum() / pairs) if pairs > 0 else float("nan")


def auc(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Area under the ROC curve: of class 1 for one or two outputs, else one class against the rest, the mean (macro)."""
    true = _labels(y_true, y_pred)[0]
    scores = _columns(y_pred).astype(np.float64)
    w = _weights(len(true), sample_weight)
    if scores.shape[1] <= 2:
        return _auc_of(true == 1, scores[:, -1], w)
    return float(np.mean([_auc_of(true == c, scores[:, c], w) for c in range(scores.shape[1])]))


def mae(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """The mean of ``|p - y|``."""
    y, p = _numbers(y_true, y_pred)
    return float(np.average(np.abs(p - y).mean(axis=1), weights=_weights(len(y), sample_weight)))


def mse(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """The mean of ``(p - y)^2``."""
    y, p = _numbers(y_true, y_pred)
    return float(np.average(((p - y) ** 2).mean(axis=1), weights=_weights(len(y), sample_weight)))


def r2(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """1 - residual / total sum of squares, the mean over outputs; a constant target gives 1 if it is met, else 0."""
    y, p = _numbers(y_true, y_pred)
    w = _weights(len(y), sample_weight)[:, None]
    residual = (w * (y - p) ** 2).sum(axis=0)
    total = (w * (y - (w * y).sum(axis=0) / w.sum()) ** 2).sum(axis=0)
    constant = np.where(residual == 0, 1.0, 0.0)
    return float(np.mean(np.where(total > 0, 1 - residual / np.where(total > 0, total, 1.0), constant)))


def confusion_matrix(y_true: Any, y_pred: Any, classes: Any = None) -> np.ndarray:
    """How often each class was taken for which.

    Parameters
    ----------
    y_true, y_pred : array-like (n,) or (n, 1)
        Labels, not probabilities: integers, bools or strings, as ``net.classify(X)`` gives them.
    classes : sequence, optional
        The labels in the order wanted; by default all that occur, in ascending order. For integer labels also the names of the classes:
        label i is the i-th of them.

    Returns
    -------
    ndarray (k, k), int64
        ``[i, j]``: rows of class i that were predicted as class j.

    Raises
    ------
    ValueError, TypeError
        For shapes that differ, probabilities, a label that `classes` has not: each names the argument.
    """
    return _confusion(y_true, y_pred, classes)[0]


def _confusion(y_true: Any, y_pred: Any, classes: Any) -> tuple[np.ndarray, list[Any]]:
    """(counts, the classes in their order)."""
    true, predicted = _label_column(y_true, "y_true"), _label_column(y_pred, "y_pred")
    if len(true) != len(predicted):
        raise ValueError(f"y_true has {len(true)} rows and y_pred {len(predicted)}")
    text = [
        name for name, labels in (("y_true", true), ("y_pred", predicted)) if any(isinstance(v, str) for v in labels)
    ]
    if len(text) == 1 and true and predicted:
        other = "y_pred" if text[0] == "y_true" else "y_true"
        raise TypeError(f"{text[0]} holds text and {other} numbers; both must hold the same kind of labels")
    if classes is None:
        if not true:
            raise ValueError("y_true is empty; without classes= it needs at least one row")
        names = keys = sorted({*true, *predicted}, key=lambda v: (isinstance(v, str), v))
    else:
        names = keys = np.asarray(classes).tolist()
        if not isinstance(names, list) or any(isinstance(v, list) for v in names):
            raise ValueError(f"classes has the shape {np.shape(classes)}; expected a list of labels")
        if not text and any(isinstance(v, str) for v in names):
            keys = list(range(len(names)))
        if len(set(keys)) != len(keys):
            raise ValueError(f"classes has {next(v for v in keys if keys.count(v) > 1)!r} twice")
    place = {key: i for i, key in enumerate(keys)}
    counts = np.zeros((len(keys), len(keys)), np.int64)
    for name, labels in (("y_true", true), ("y_pred", predicted)):
        odd = next((v for v in labels if v not in place), None)
        if odd is not None:
            known = ", ".join(map(repr, keys[:10])) + (", ..." if len(keys) > 10 else "")
            raise ValueError(f"{name} has the label {odd!r}, and classes are {known}")
    np.add.at(counts, ([place[v] for v in true], [place[v] for v in predicted]), 1)
    return counts, names


def _label_column(y: Any, name: str) -> list[Any]:
    """As Python's ints and strings."""
    a = np.asarray(y)
    if a.ndim == 2 and a.shape[1] > 1:
        hint = "net.classify(X) gives labels" if name == "y_pred" else f"of one-hot rows pass {name}.argmax(axis=1)"
        raise ValueError(f"{name} has the shape {a.shape}; confusion_matrix takes a label a row: {hint}")
    if a.ndim not in (1, 2):
        raise ValueError(f"{name} has the shape {a.shape}; confusion_matrix takes labels of the shape (n,)")
    labels = a.ravel().tolist()
    for i, label in enumerate(labels):
        if isinstance(label, float):
            if not label.is_integer():
                hint = "; net.classify(X) gives labels" if name == "y_pred" else ""
                raise ValueError(f"{name} has {label!r} in row {i}, which is no label{hint}")
            labels[i] = int(label)
        elif isinstance(label, bytes):
            labels[i] = label.decode("utf-8", "replace")
        elif not isinstance(label, int | str):
            raise TypeError(f"{name} has {label!r} in row {i}; labels are integers or strings")
    return labels


class TopKAccuracy(Spelled):
    """`top_k_accuracy` with another k than 5."""

    def __init__(self, k: int = 5) -> None:
        self.k = whole("k", k)
        self.__name__ = f"top_{self.k}_accuracy"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        return top_k_accuracy(y_true, y_pred, sample_weight, self.k)

    def __repr__(self) -> str:
        return f"TopKAccuracy(k={self.k})"


FUNCTIONS: dict[str, MetricFunction] = {
    f.__name__: f for f in (accuracy, top_k_accuracy, precision, recall, f1, auc, mae, mse, r2)
}
assert set(FUNCTIONS) == set(_core.METRICS), "a metric of cnn.h has no function here"


def resolve(metric: Any) -> Any:
    """Our name, a `TopKAccuracy`, or a function of one's own.

    Raises
    ------
    ValueError, TypeError
        For an unknown name, or anything else.
    """
    if isinstance(metric, str):
        return lookup("metric", metric, FUNCTIONS, ALIASES)
    if isinstance(metric, TopKAccuracy):
        return metric
    other = foreign(metric)
    if other is not None:
        raise TypeError(f"metric is {shown(metric)}; {theirs('metric', other, FUNCTIONS)}")
    if callable(metric) and not isinstance(metric, type):
        if swapped(metric):
            raise ValueError(
                f"metric is {shown(metric)}, which takes {', '.join(metric.__code__.co_varnames[:2])}; it is called as"
                " f(y_true, y_pred): change their order"
            )
        name = getattr(metric, "__name__", "")
        return name if FUNCTIONS.get(name) is metric else metric
    raise TypeError(f"metric is {metric!r}; expected a name such as 'accuracy', or f(y_true, y_pred) -> float")


class Own:
    """A metric of one's own, whose result is looked at."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        result = self.function(y_true, y_pred)
        try:
            if isinstance(result, str | bytes) or getattr(result, "shape", ()) not in ((), (1,)):
                raise TypeError
            return float(result)
        except (TypeError, ValueError):
            from .losses import returned

            hint = ": their mean, perhaps" if getattr(result, "shape", ()) else ""
            raise TypeError(
                f"metrics has {shown(self.function)}, which returned {returned(result)}; expected one number{hint}"
            ) from None


def name_of(metric: Any) -> str:
    return metric if isinstance(metric, str) else str(getattr(metric, "__name__", type(metric).__name__))


def spec(metric: Any, output: int) -> tuple[str, float, int] | None:
    """What the engine takes: (name, constant, output); None for a function of one's own."""
    if isinstance(metric, TopKAccuracy):
        return ("top_k_accuracy", float(metric.k), output)
    return (metric, 0.0, output) if isinstance(metric, str) else None


def to_json(metrics: Any) -> Any:
    if isinstance(metrics, list):
        return [item for item in map(to_json, metrics) if item is not None]
    if isinstance(metrics, TopKAccuracy):
        return {"top_k": metrics.k}
    return metrics if isinstance(metrics, str) else None


def from_json(data: Any) -> Any:
    if isinstance(data, list):
        return [from_json(item) for item in data]
    return TopKAccuracy(data["top_k"]) if isinstance(data, dict) else data
