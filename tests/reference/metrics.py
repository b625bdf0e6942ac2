"""Metrics `f(y_true, y_pred, sample_weight=None) -> float`: scikit-learn's definitions.

Predictions for classification: one output is the probability of class 1 (predicted where > 0.5); k > 1 outputs are
scores of k classes (the largest wins, the first of equals). Targets: class indices, or one-hot as wide as the outputs.
"""

import numpy as np


def _weights(n, sample_weight):
    return np.ones(n) if sample_weight is None else np.asarray(sample_weight, np.float64)


def _columns(y):
    """(n,) as (n, 1)."""
    y = np.asarray(y)
    return y.reshape(len(y), -1)


def labels(y_true, y_pred):
    """(true, predicted) class indices."""
    y_true, y_pred = _columns(y_true), _columns(y_pred)
    true = y_true.argmax(axis=1) if y_true.shape[1] > 1 else y_true[:, 0].astype(np.int64)
    predicted = y_pred.argmax(axis=1) if y_pred.shape[1] > 1 else (y_pred[:, 0] > 0.5).astype(np.int64)
    return true, predicted


def accuracy(y_true, y_pred, sample_weight=None) -> float:
    true, predicted = labels(y_true, y_pred)
    return float(np.average(true == predicted, weights=_weights(len(true), sample_weight)))


def multilabel_accuracy(y_true, y_pred, sample_weight=None) -> float:
    """Accuracy of k independent yes/no outputs (sigmoid): the share of right outputs, not of wholly right rows."""
    right = ((_columns(y_pred) > 0.5) == (_columns(y_true) > 0.5)).mean(axis=1)
    return float(np.average(right, weights=_weights(len(right), sample_weight)))


def top_k_accuracy(y_true, y_pred, sample_weight=None, k=5) -> float:
    """The share whose class is among the k largest scores; of equal scores the earlier class counts as larger."""
    true, scores = labels(y_true, y_pred)[0], _columns(y_pred)
    top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(np.average((top == true[:, None]).any(axis=1), weights=_weights(len(true), sample_weight)))


def _ratio(a, b) -> float:
    return float(a / b) if b > 0 else 0.0  # zero_division=0


def _by_class(y_true, y_pred, sample_weight):
    """Weighted [(true positives, predicted, actual)]: class 1 for up to two outputs, else each class that occurs."""
    true, predicted = labels(y_true, y_pred)
    w = _weights(len(true), sample_weight)
    binary = _columns(y_pred).shape[1] <= 2
    classes = [1] if binary else np.union1d(true, predicted)
    return [(w[(true == c) & (predicted == c)].sum(), w[predicted == c].sum(), w[true == c].sum()) for c in classes]


def precision(y_true, y_pred, sample_weight=None) -> float:
    """tp / (tp + fp): of class 1 for one or two outputs, else the mean over classes (macro); 0 for 0 / 0."""
    return float(np.mean([_ratio(tp, called) for tp, called, _ in _by_class(y_true, y_pred, sample_weight)]))


def recall(y_true, y_pred, sample_weight=None) -> float:
    """tp / (tp + fn), as `precision`."""
    return float(np.mean([_ratio(tp, actual) for tp, _, actual in _by_class(y_true, y_pred, sample_weight)]))


def f1(y_true, y_pred, sample_weight=None) -> float:
    """2 tp / (2 tp + fp + fn), as `precision`."""
    counts = _by_class(y_true, y_pred, sample_weight)
    return float(np.mean([_ratio(2 * tp, called + actual) for tp, called, actual in counts]))


def _binary_auc(positive, score, w) -> float:
    """P(score of a positive > of a negative) + P(equal) / 2, over weighted pairs; NaN without both."""
    s1, w1, s0, w0 = score[positive], w[positive], score[~positive], w[~positive]
    if w1.sum() == 0 or w0.sum() == 0:
        return float("nan")
    wins = (s1[:, None] > s0) + 0.5 * (s1[:, None] == s0)
    return float(w1 @ wins @ w0 / (w1.sum() * w0.sum()))


def auc(y_true, y_pred, sample_weight=None) -> float:
    """Area under the ROC curve: of class 1 for one or two outputs, else one class against the rest, mean (macro)."""
    scores = _columns(np.asarray(y_pred, np.float64))
    true = labels(y_true, y_pred)[0]
    w = _weights(len(true), sample_weight)
    if scores.shape[1] <= 2:
        return _binary_auc(true == 1, scores[:, -1], w)
    return float(np.mean([_binary_auc(true == c, scores[:, c], w) for c in range(scores.shape[1])]))


def mae(y_true, y_pred, sample_weight=None) -> float:
    e = np.abs(_columns(y_pred) - _columns(y_true)).mean(axis=1)
    return float(np.average(e, weights=_weights(len(e), sample_weight)))


def mse(y_true, y_pred, sample_weight=None) -> float:
    e = ((_columns(y_pred) - _columns(y_true)) ** 2).mean(axis=1)
    return float(np.average(e, weights=_weights(len(e), sample_weight)))


def r2(y_true, y_pred, sample_weight=None) -> float:
    """1 - residual / total sum of squares, mean over outputs; a constant output gives 1 if exact, else 0."""
    y, p = _columns(y_true), _columns(y_pred)
    w = _weights(len(y), sample_weight)[:, None]
    residual = (w * (y - p) ** 2).sum(axis=0)
    total = (w * (y - (w * y).sum(axis=0) / w.sum()) ** 2).sum(axis=0)
    constant = np.where(residual == 0, 1.0, 0.0)
    return float(np.mean(np.where(total > 0, 1 - residual / np.where(total > 0, total, 1.0), constant)))


METRICS = {
    "accuracy": accuracy,
    "top_k_accuracy": top_k_accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "auc": auc,
    "mae": mae,
    "mse": mse,
    "r2": r2,
}
