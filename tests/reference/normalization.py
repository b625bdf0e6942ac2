"""Normalizations: by channel over the batch, and within each row. Channels are axis 1; `dy` is dL/dy."""

import numpy as np


def normalize(x, weight, bias, mean, var, eps):
    """(x - mean) / sqrt(var + eps) weight + bias of one array with numbers."""
    return (x - mean) / np.sqrt(var + eps) * weight + bias


def normalize_backward(x, weight, dy, eps):
    """dx of numbers that are normalized by their own mean and biased variance: through x itself, the mean and the variance."""
    n, mean, var = x.size, x.mean(), x.var()
    dh = dy * weight
    dvar = np.sum(dh * (x - mean)) * -0.5 * (var + eps) ** -1.5
    dmean = -np.sum(dh) / np.sqrt(var + eps) - 2 * dvar * np.mean(x - mean)
    return dh / np.sqrt(var + eps) + dvar * 2 * (x - mean) / n + dmean / n


def batch_norm(x, weight, bias, eps=1e-5, mean=None, var=None):
    """Over rows and positions of each channel, by the batch's statistics, or by those given."""
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        part = x[:, c]
        m, v = (part.mean(), part.var()) if mean is None else (mean[c], var[c])
        y[:, c] = normalize(part, weight[c], bias[c], m, v, eps)
    return y


def batch_norm_backward(x, weight, dy, eps=1e-5, mean=None, var=None):
    """(dx, dweight, dbias)."""
    dx, dweight, dbias = np.empty_like(x), np.empty(x.shape[1]), np.empty(x.shape[1])
    for c in range(x.shape[1]):
        part, g = x[:, c], dy[:, c]
        m, v = (part.mean(), part.var()) if mean is None else (mean[c], var[c])
        own = mean is None
        dx[:, c] = normalize_backward(part, weight[c], g, eps) if own else g * weight[c] / np.sqrt(v + eps)
        dweight[c] = np.sum(g * normalize(part, 1.0, 0.0, m, v, eps))
        dbias[c] = np.sum(g)
    return dx, dweight, dbias


def running(x, mean, var, momentum=0.1):
    """(mean, var) after a training step on x: the batch's variance unbiased."""
    axes = (0, *range(2, x.ndim))
    new_mean, new_var = x.mean(axes), x.var(axes, ddof=1)
    return (1 - momentum) * mean + momentum * new_mean, (1 - momentum) * var + momentum * new_var


def _layer_parts(x):
    """One row of numbers for each set that is normalized together: images whole, else the last axis."""
    return x.reshape(len(x), -1) if x.ndim == 4 else x.reshape(-1, x.shape[-1])


def layer_norm(x, weight, bias, eps=1e-5):
    parts = _layer_parts(x)
    y = [normalize(row, weight.ravel(), bias.ravel(), row.mean(), row.var(), eps) for row in parts]
    return np.array(y).reshape(x.shape)


def layer_norm_backward(x, weight, dy, eps=1e-5):
    """(dx, dweight, dbias)."""
    parts, gs = _layer_parts(x), _layer_parts(dy)
    dx = np.array([normalize_backward(row, weight.ravel(), g, eps) for row, g in zip(parts, gs, strict=True)])
    h = np.array([normalize(row, 1.0, 0.0, row.mean(), row.var(), eps) for row in parts])
    return dx.reshape(x.shape), (gs * h).sum(0).reshape(weight.shape), gs.sum(0).reshape(weight.shape)


def _columns(values, like):
    return values.reshape(-1, *[1] * (like.ndim - 1))


def group_norm(x, groups, weight, bias, eps=1e-5):
    y = np.empty_like(x)
    size = x.shape[1] // groups
    for i in range(len(x)):
        for g in range(groups):
            at = slice(g * size, (g + 1) * size)
            part = x[i, at]
            y[i, at] = normalize(
                part, _columns(weight[at], part), _columns(bias[at], part), part.mean(), part.var(), eps
            )
    return y


def group_norm_backward(x, groups, weight, dy, eps=1e-5):
    """(dx, dweight, dbias)."""
    dx, dweight, dbias = np.empty_like(x), np.zeros(x.shape[1]), np.zeros(x.shape[1])
    size = x.shape[1] // groups
    for i in range(len(x)):
        for g in range(groups):
            at = slice(g * size, (g + 1) * size)
            part, d = x[i, at], dy[i, at]
            dx[i, at] = normalize_backward(part, _columns(weight[at], part), d, eps)
            h = normalize(part, 1.0, 0.0, part.mean(), part.var(), eps)
            dweight[at] += (d * h).reshape(size, -1).sum(1)
            dbias[at] += d.reshape(size, -1).sum(1)
    return dx, dweight, dbias
