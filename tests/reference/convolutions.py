"""Convolutions by their definition: every output a sum over the kernel's taps. Images (n, channels, height, width); strides, dilations,
padding ((top, bottom), (left, right)) by axis. A series (n, channels, length) is an image of height 1 (`series`)."""

import numpy as np


def same_padding(size, kernel, stride, dilation):
    """(before, after) that give ceil(size / stride) outputs, the odd zero behind: ONNX's SAME_UPPER."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def conv2d(x, weight, bias=None, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """y[n, f, p, q] = bias[f] + sum over c, u, v of weight[f, c, u, v] x[n, g + c, p stride + u dilation - top, ...]; weight (filters,
    channels / groups, kernel height, kernel width)."""
    filters, inner, tall, wide = weight.shape
    padded = np.pad(np.asarray(x, np.float64), ((0, 0), (0, 0), *padding))
    height, width = (
        (padded.shape[2 + i] - (k - 1) * dilation[i] - 1) // stride[i] + 1 for i, k in enumerate((tall, wide))
    )
    y = np.zeros((len(x), filters, height, width))
    for f in range(filters):
        first = f // (filters // groups) * inner
        for c in range(inner):
            for u in range(tall):
                for v in range(wide):
                    rows = slice(u * dilation[0], u * dilation[0] + (height - 1) * stride[0] + 1, stride[0])
                    columns = slice(v * dilation[1], v * dilation[1] + (width - 1) * stride[1] + 1, stride[1])
                    y[:, f] += weight[f, c, u, v] * padded[:, first + c, rows, columns]
    return y if bias is None else y + bias[:, None, None]


def conv2d_backward(x, weight, dy, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """(dx, dweight, dbias)."""
    filters, inner, tall, wide = weight.shape
    height, width = dy.shape[2:]
    padded = np.pad(np.asarray(x, np.float64), ((0, 0), (0, 0), *padding))
    dpadded, dweight = np.zeros_like(padded), np.zeros(weight.shape)
    for f in range(filters):
        first = f // (filters // groups) * inner
        for c in range(inner):
            for u in range(tall):
                for v in range(wide):
                    rows = slice(u * dilation[0], u * dilation[0] + (height - 1) * stride[0] + 1, stride[0])
                    columns = slice(v * dilation[1], v * dilation[1] + (width - 1) * stride[1] + 1, stride[1])
                    dweight[f, c, u, v] = (dy[:, f] * padded[:, first + c, rows, columns]).sum()
                    dpadded[:, first + c, rows, columns] += weight[f, c, u, v] * dy[:, f]
    (top, _), (left, _) = padding
    return dpadded[:, :, top : top + x.shape[2], left : left + x.shape[3]], dweight, dy.sum(axis=(0, 2, 3))


def conv_transpose2d(
    x, weight, bias=None, stride=(1, 1), padding=((0, 0), (0, 0)), output_padding=(0, 0), dilation=(1, 1), groups=1
):
    """Every x[n, c, p, q] adds weight[c, f, u, v] x to y[n, g + f, p stride + u dilation - top, ...]; weight (channels, filters / groups,
    kernel height, kernel width)."""
    channels, inner, tall, wide = weight.shape
    height, width = x.shape[2:]
    whole = [
        (n - 1) * stride[i] + (k - 1) * dilation[i] + 1 + output_padding[i]
        for i, (n, k) in enumerate(((height, tall), (width, wide)))
    ]
    y = np.zeros((len(x), inner * groups, *whole))
    for c in range(channels):
        first = c // (channels // groups) * inner
        for f in range(inner):
            for u in range(tall):
                for v in range(wide):
                    rows = slice(u * dilation[0], u * dilation[0] + (height - 1) * stride[0] + 1, stride[0])
                    columns = slice(v * dilation[1], v * dilation[1] + (width - 1) * stride[1] + 1, stride[1])
                    y[:, first + f, rows, columns] += weight[c, f, u, v] * x[:, c]
    (top, bottom), (left, right) = padding
    y = y[:, :, top : whole[0] - bottom, left : whole[1] - right]
    return y if bias is None else y + bias[:, None, None]


def conv_transpose2d_backward(x, weight, dy, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """(dx, dweight, dbias), by the same loops; what output_padding added meets no weight."""
    channels, inner, tall, wide = weight.shape
    height, width = x.shape[2:]
    dx, dweight = np.zeros(x.shape), np.zeros(weight.shape)
    (top, _), (left, _) = padding
    for p in range(height):
        for q in range(width):
            for u in range(tall):
                for v in range(wide):
                    i, j = p * stride[0] + u * dilation[0] - top, q * stride[1] + v * dilation[1] - left
                    if not (0 <= i < dy.shape[2] and 0 <= j < dy.shape[3]):
                        continue
                    for c in range(channels):
                        first = c // (channels // groups) * inner
                        here = dy[:, first : first + inner, i, j]
                        dx[:, c, p, q] += here @ weight[c, :, u, v]
                        dweight[c, :, u, v] += x[:, c, p, q] @ here
    return dx, dweight, dy.sum(axis=(0, 2, 3))


def series(function, x, weight, *arguments, **options):
    """A function of images, of series: height 1."""
    lifted = {
        "stride": lambda v: (1, *v),
        "dilation": lambda v: (1, *v),
        "padding": lambda v: ((0, 0), *v),
    }
    options = {k: lifted[k](v) if k in lifted else v for k, v in options.items()}
    arguments = [a[:, :, None] if np.ndim(a) == 3 else a for a in arguments]
    made = function(x[:, :, None], weight[:, :, None], *arguments, **options)
    if isinstance(made, tuple):
        return made[0][:, :, 0], made[1][:, :, 0], made[2]
    return made[:, :, 0]
