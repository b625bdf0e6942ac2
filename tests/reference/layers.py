"""Layers: a forward and a backward function each. Samples first; `dy` is dL/dy; backward gives dL/dx, dL/dweight..."""

import math

import numpy as np


def dense(x, weight, bias=None):
    """y = x W^T + b over the last axis, weight (out, in)."""
    y = x @ weight.T
    return y if bias is None else y + bias


def dense_backward(x, weight, dy):
    """(dx, dweight, dbias)."""
    rows_x, rows_dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ weight, rows_dy.T @ rows_x, rows_dy.sum(axis=0)


def rescale(x, scale, offset=0.0):
    """scale x + offset."""
    return np.asarray(x, np.float64) * scale + offset


def rescale_backward(scale, dy):
    return dy * scale


def normalize(x, mean, std, fill=None):
    """(x - mean) / std, by feature; NaN first becomes `fill`."""
    x = np.asarray(x, np.float64)
    if fill is not None:
        x = np.where(np.isnan(x), fill, x)
    return (x - mean) / std


def normalize_backward(x, std, dy, fill=None):
    """dy / std; 0 where a NaN was filled."""
    dx = dy / std
    return dx if fill is None else np.where(np.isnan(x), 0.0, dx)


def adapt(x):
    """Normalize.adapt: (mean, std) of each feature without NaN, std with divisor n and 1 for a constant feature."""
    std = np.nanstd(x, axis=0)
    return np.nanmean(x, axis=0), np.where(std > 0, std, 1.0)


def one_hot(x, classes):
    """Integers (n, ...) -> (n, ..., classes). It has no gradient for x."""
    return np.eye(classes)[np.asarray(x).astype(np.int64)]


def dropout(x, mask, rate):
    """Inverted dropout: x mask / (1 - rate), mask 1 where kept."""
    return x * mask / (1 - rate)


def dropout_backward(mask, rate, dy):
    return dy * mask / (1 - rate)


def flatten(x):
    """(n, everything else), in C order."""
    return x.reshape(len(x), -1)


def flatten_backward(x, dy):
    return dy.reshape(x.shape)


def reshape(x, shape):
    """(n, *shape), in C order."""
    return x.reshape((len(x), *shape))


def reshape_backward(x, dy):
    return dy.reshape(x.shape)


def add(xs):
    """The sum of inputs of one shape."""
    return sum(xs[1:], xs[0].copy())


def add_backward(xs, dy):
    return [dy.copy() for _ in xs]


def multiply(xs):
    """The product, element by element, of inputs of one shape."""
    return math.prod(xs)


def multiply_backward(xs, dy):
    """dy times the product of all the others."""
    return [math.prod((x for j, x in enumerate(xs) if j != i), start=dy) for i in range(len(xs))]


def concat_axis(x) -> int:
    """Features: axis 1 of images, else the last."""
    return 1 if x.ndim == 4 else -1


def concat(xs, axis=None):
    return np.concatenate(xs, axis=concat_axis(xs[0]) if axis is None else axis)


def concat_backward(xs, dy, axis=None):
    axis = concat_axis(xs[0]) if axis is None else axis
    return np.split(dy, np.cumsum([x.shape[axis] for x in xs])[:-1], axis=axis)
