"""Losses: `LOSSES[name](y_true, y_pred, **params)` -> (losses (n,), d(each sample's own loss)/dy_pred).

Each is the mean over a sample's outputs, except `quadratic`, half their sum. `cross_entropy` and `binary_cross_entropy`
take logits. The batch's loss is `batch_loss`: sum(w l) / n.
"""

import numpy as np

from .activations import class_axis, log_softmax, sigmoid, softmax


def _arrays(y_true, y_pred):
    """Both as float64 of y_pred's shape: (n,) and (n, 1) are the same, nothing else is broadcast."""
    y_pred = np.asarray(y_pred, np.float64)
    y_true = np.asarray(y_true, np.float64)
    if y_pred.shape not in (y_true.shape, y_true.shape + (1,)) and y_pred.shape + (1,) != y_true.shape:
        raise ValueError(f"targets {y_true.shape} do not fit outputs {y_pred.shape}")
    return y_true.reshape(y_pred.shape), y_pred


def _per_sample(element_losses, element_gradients):
    """The mean over all outputs of each sample, and its gradient."""
    n = len(element_losses)
    outputs = element_losses[0].size
    return element_losses.reshape(n, -1).sum(axis=1) / outputs, element_gradients / outputs


def mse(y_true, y_pred):
    """mean (p - y)^2."""
    y, p = _arrays(y_true, y_pred)
    return _per_sample((p - y) ** 2, 2 * (p - y))


def quadratic(y_true, y_pred):
    """sum (p - y)^2 / 2 over the outputs: Nielsen's and Mazur's cost."""
    y, p = _arrays(y_true, y_pred)
    return 0.5 * ((p - y) ** 2).reshape(len(p), -1).sum(axis=1), p - y


def mae(y_true, y_pred):
    """mean |p - y|; the gradient at 0 is 0."""
    y, p = _arrays(y_true, y_pred)
    return _per_sample(np.abs(p - y), np.sign(p - y))


def huber(y_true, y_pred, delta=1.0):
    """torch.nn.HuberLoss: e^2/2 for |e| <= delta, else delta (|e| - delta/2)."""
    y, p = _arrays(y_true, y_pred)
    e = p - y
    losses = np.where(np.abs(e) <= delta, 0.5 * e * e, delta * (np.abs(e) - 0.5 * delta))
    return _per_sample(losses, np.clip(e, -delta, delta))


def quantile(y_true, y_pred, q=0.5):
    """Pinball loss: q (y - p) where y > p, (1 - q) (p - y) where y < p; the gradient at y = p is 0."""
    y, p = _arrays(y_true, y_pred)
    losses = np.where(y > p, q * (y - p), (1 - q) * (p - y))
    return _per_sample(losses, np.where(y > p, -q, np.where(y < p, 1 - q, 0.0)))


def poisson(y_true, y_pred, eps=1e-8):
    """p - y log(p + eps), the prediction being the rate: torch.nn.PoissonNLLLoss(log_input=False), without log y!."""
    y, p = _arrays(y_true, y_pred)
    return _per_sample(p - y * np.log(p + eps), 1 - y / (p + eps))


def distributions(y_true, logits):
    """Class indices (int, without the class axis) as one-hot; one-hot or distributions (logits' shape) as they are."""
    y_true = np.asarray(y_true)
    axis = class_axis(logits)
    if y_true.shape == logits.shape:
        return y_true.astype(np.float64)
    index_shape = np.delete(logits.shape, axis)
    index = y_true.reshape(index_shape).astype(np.int64)
    if (index < 0).any() or (index >= logits.shape[axis]).any():
        raise ValueError("a class index is out of range")
    return np.moveaxis(np.eye(logits.shape[axis])[index], -1, axis)


def cross_entropy_steps(y_true, y_pred, label_smoothing=0.0):
    """-sum t log softmax(z) at each step or pixel, t = (1 - s) t + s/k (torch.nn.CrossEntropyLoss); and d/dz."""
    z = np.asarray(y_pred, np.float64)
    axis = class_axis(z)
    t = (1 - label_smoothing) * distributions(y_true, z) + label_smoothing / z.shape[axis]
    losses = -(t * log_softmax(z)).sum(axis=axis)
    return losses, softmax(z) * t.sum(axis=axis, keepdims=True) - t


def cross_entropy(y_true, y_pred, label_smoothing=0.0):
    """`cross_entropy_steps`, averaged over a sample's steps (or pixels), if it has more than one."""
    losses, gradients = cross_entropy_steps(y_true, y_pred, label_smoothing)
    steps = losses[0].size
    return losses.reshape(len(losses), -1).sum(axis=1) / steps, gradients / steps


def binary_cross_entropy(y_true, y_pred):
    """mean over outputs of log(1 + e^z) - y z = max(z, 0) - y z + log(1 + e^-|z|) (torch.nn.BCEWithLogitsLoss)."""
    y, z = _arrays(y_true, y_pred)
    return _per_sample(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))), sigmoid(z) - y)


def hinge(y_true, y_pred):
    """mean over outputs of max(0, 1 - t p), t = 1 where the label is positive, else -1 (so 0/1 and -1/1 both serve).

    The gradient at t p = 1 is 0.
    """
    y, p = _arrays(y_true, y_pred)
    t = np.where(y > 0, 1.0, -1.0)
    return _per_sample(np.maximum(0, 1 - t * p), np.where(t * p < 1, -t, 0.0))


LOSSES = {
    "mse": mse,
    "quadratic": quadratic,
    "mae": mae,
    "huber": huber,
    "quantile": quantile,
    "poisson": poisson,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "hinge": hinge,
}
FROM_LOGITS = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}  # the output activation that each undoes


def batch_loss(losses, gradients, sample_weight=None):
    """(sum(w l) / n, its gradient w dl / n); w (n,) or, for losses (n, time), (n, time) with n time as the divisor.

    The weights are used as given: `normalized_weights` first, over the whole training set.
    """
    w = np.ones(losses.shape) if sample_weight is None else np.asarray(sample_weight, np.float64)
    per_gradient = w.reshape(w.shape + (1,) * (gradients.ndim - w.ndim))
    return (w * losses).sum() / losses.size, per_gradient * gradients / losses.size


def step_losses(name, y_true, y_pred, **params):
    """Losses (n, time) for weights by step, and each one's gradient: every step is a sample of its own.

    Scaled so that their mean is that of `LOSSES[name]`, which matters for `quadratic` alone, a sum over steps too.
    """
    z = np.asarray(y_pred, np.float64)
    y = np.asarray(y_true)
    n, time = z.shape[:2]
    losses, gradients = LOSSES[name](y.reshape(n * time, *y.shape[2:]), z.reshape(n * time, -1), **params)
    scale = time if name == "quadratic" else 1
    return scale * losses.reshape(n, time), scale * gradients.reshape(z.shape)


def normalized_weights(sample_weight):
    """Scaled to mean 1."""
    w = np.asarray(sample_weight, np.float64)
    return w * (w.size / w.sum())


def balanced_weights(labels):
    """`class_weight="balanced"`, each sample's: n / (classes x count of its class) (scikit-learn)."""
    classes, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return len(labels) / (len(classes) * counts[index])
