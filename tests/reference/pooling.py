"""Pools, padding, resampling and PReLU of images (n, channels, height, width) and signals (n, channels, length), in loops over pixels.

Definitions are PyTorch's (torch.nn.MaxPool2d, AvgPool2d, ConstantPad2d, ReflectionPad2d, ReplicationPad2d, Upsample, PReLU). `padding` is
((before, behind), ...), an entry for each axis behind the channels, and so are `size` and `stride`.
"""

import itertools

import numpy as np


def same_padding(shape, size, stride):
    """Of "same": ceil(n / stride) windows, an odd pixel behind (ONNX's SAME_UPPER)."""
    pairs = []
    for n, k, s in zip(shape, size, stride, strict=True):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        pairs.append((total // 2, total - total // 2))
    return tuple(pairs)


def window_count(n, k, s, before, behind, ceil_mode):
    """How many windows along an axis of n pixels; with ceil_mode the last one must begin inside the image or the padding before it."""
    room = n + before + behind - k
    if room < 0:
        return 0
    count = (-(-room // s) if ceil_mode else room // s) + 1
    return count - 1 if ceil_mode and (count - 1) * s >= n + before else count


def windows(shape, size, stride, padding, ceil_mode=False):
    """(place in the output, the window's first pixel and the one behind its last, padding counted) for each window."""
    counts = [window_count(n, k, s, *p, ceil_mode) for n, k, s, p in zip(shape, size, stride, padding, strict=True)]
    for place in itertools.product(*map(range, counts)):
        begin = [i * s - p[0] for i, s, p in zip(place, stride, padding, strict=True)]
        yield counts, place, begin, [b + k for b, k in zip(begin, size, strict=True)]


def inside(shape, begin, end):
    return tuple(slice(max(b, 0), min(e, n)) for n, b, e in zip(shape, begin, end, strict=True))


def max_pool(x, size, stride, padding, ceil_mode=False):
    """The maximum over the window's pixels of the image; NaN if one is."""
    y = None
    for counts, place, begin, end in windows(x.shape[2:], size, stride, padding, ceil_mode):
        y = np.empty((*x.shape[:2], *counts)) if y is None else y
        part = x[(..., *inside(x.shape[2:], begin, end))].reshape(*x.shape[:2], -1)
        y[(..., *place)] = part.max(axis=-1)
    return y


def max_pool_backward(x, dy, size, stride, padding, ceil_mode=False):
    """To the first of a window's largest pixels, row by row."""
    dx = np.zeros(x.shape)
    for _, place, begin, end in windows(x.shape[2:], size, stride, padding, ceil_mode):
        where = inside(x.shape[2:], begin, end)
        part = x[(..., *where)]
        first = part.reshape(*x.shape[:2], -1).argmax(axis=-1)
        for n, c in np.ndindex(x.shape[:2]):
            at = np.unravel_index(first[n, c], part.shape[2:])
            dx[(n, c, *(s.start + i for s, i in zip(where, at, strict=True)))] += dy[(n, c, *place)]
    return dx


def divisor(shape, begin, end, padding, count_include_pad):
    """Of an average: the window's pixels as far as the padding goes, or those of the image."""
    product = 1
    for n, b, e, p in zip(shape, begin, end, padding, strict=True):
        product *= min(e, n + p[1]) - b if count_include_pad else min(e, n) - max(b, 0)
    return product


def avg_pool(x, size, stride, padding, ceil_mode=False, count_include_pad=True):
    y = None
    shape = x.shape[2:]
    for counts, place, begin, end in windows(shape, size, stride, padding, ceil_mode):
        y = np.empty((*x.shape[:2], *counts)) if y is None else y
        part = x[(..., *inside(shape, begin, end))].reshape(*x.shape[:2], -1)
        y[(..., *place)] = part.sum(axis=-1) / divisor(shape, begin, end, padding, count_include_pad)
    return y


def avg_pool_backward(x, dy, size, stride, padding, ceil_mode=False, count_include_pad=True):
    dx = np.zeros(x.shape)
    shape = x.shape[2:]
    for _, place, begin, end in windows(shape, size, stride, padding, ceil_mode):
        share = dy[(..., *place)] / divisor(shape, begin, end, padding, count_include_pad)
        dx[(..., *inside(shape, begin, end))] += share.reshape(*x.shape[:2], *(1 for _ in shape))
    return dx


def global_pool(x, kind, keepdims=False):
    """kind: "avg" or "max" of each channel."""
    axes = tuple(range(2, x.ndim))
    return (x.mean if kind == "avg" else x.max)(axis=axes, keepdims=keepdims)


def global_pool_backward(x, dy, kind):
    size = x.shape[2:]
    none = ((0, 0),) * len(size)
    dy = dy.reshape(*x.shape[:2], *(1 for _ in size))
    return (avg_pool_backward if kind == "avg" else max_pool_backward)(x, dy, size, size, none)


def pad_source(i, n, mode):
    """Where pixel i, counted from the image's first, comes from; None: from nowhere."""
    if 0 <= i < n:
        return i
    if mode == "constant":
        return None
    if mode == "reflect":
        return -i if i < 0 else 2 * (n - 1) - i
    return 0 if i < 0 else n - 1


def pad_pixels(shape, padding, mode):
    """(place in the padded image, place in the image or None) for each padded pixel."""
    ranges = [range(-before, n + behind) for n, (before, behind) in zip(shape, padding, strict=True)]
    for place in itertools.product(*ranges):
        source = tuple(pad_source(i, n, mode) for i, n in zip(place, shape, strict=True))
        out = tuple(i + p[0] for i, p in zip(place, padding, strict=True))
        yield out, None if None in source else source


def pad(x, padding, mode="constant", value=0.0):
    y = np.full((*x.shape[:2], *(n + sum(p) for n, p in zip(x.shape[2:], padding, strict=True))), float(value))
    for place, source in pad_pixels(x.shape[2:], padding, mode):
        if source is not None:
            y[(..., *place)] = x[(..., *source)]
    return y


def pad_backward(x, dy, padding, mode="constant"):
    dx = np.zeros(x.shape)
    for place, source in pad_pixels(x.shape[2:], padding, mode):
        if source is not None:
            dx[(..., *source)] += dy[(..., *place)]
    return dx


def interpolation(n, times, mode, align_corners):
    """(n times, n): the weight of each pixel in each new one, along one axis."""
    weights = np.zeros((n * times, n))
    for i in range(n * times):
        if mode == "nearest":
            weights[i, i // times] = 1
            continue
        at = i * (n - 1) / max(n * times - 1, 1) if align_corners else max((i + 0.5) / times - 0.5, 0)
        low = int(at)
        weights[i, low] += 1 - (at - low)
        weights[i, min(low + 1, n - 1)] += at - low
    return weights


def upsample(x, scale, mode="nearest", align_corners=False):
    """mode "nearest" or "bilinear"; scale: how many times as high and as wide."""
    high, wide = (interpolation(n, s, mode, align_corners) for n, s in zip(x.shape[2:], scale, strict=True))
    return np.einsum("ia,jb,ncab->ncij", high, wide, x)


def upsample_backward(x, dy, scale, mode="nearest", align_corners=False):
    high, wide = (interpolation(n, s, mode, align_corners) for n, s in zip(x.shape[2:], scale, strict=True))
    return np.einsum("ia,jb,ncij->ncab", high, wide, dy)


def slopes_of(weight, x, axis):
    """One slope, or one for each index of an axis, so that it goes with x."""
    return weight if axis is None else weight.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


def prelu(x, weight, axis=None):
    """x above 0, else weight x."""
    return np.where(x > 0, x, slopes_of(weight, x, axis) * x)


def prelu_backward(x, weight, dy, axis=None):
    """(dx, dweight)."""
    dx = np.where(x > 0, dy, slopes_of(weight, x, axis) * dy)
    share = np.where(x > 0, 0.0, x * dy)
    others = tuple(i for i in range(x.ndim) if axis is None or i != axis % x.ndim)
    return dx, share.sum(axis=others).reshape(weight.shape)


def multiply(xs):
    """The product of images, and of (n, channels) or (n, channels, 1, 1), which go with all of a channel's pixels."""
    most = max(x.ndim for x in xs)
    product = 1.0
    for x in xs:
        product = product * x.reshape(*x.shape, *(1 for _ in range(most - x.ndim)))
    return product


def multiply_backward(xs, dy):
    grads = []
    for i, x in enumerate(xs):
        whole = dy * multiply([*(other for j, other in enumerate(xs) if j != i), np.ones(dy.shape)])
        same = x.shape == dy.shape
        grads.append(whole if same else whole.sum(axis=tuple(range(2, dy.ndim))).reshape(x.shape))
    return grads
