"""Convolutions by their definition: every output a sum over the kernel's taps. Images (n, channels, height, width); strides, dilations,
padding ((top, bottom), (left, right)) by axis. A series (n, channels, length) is an image of height 1 (`series`)."""

import numpy as np


def same_padding(size, kernel, stride, dilation):
    """(before, after) that give ceil(size / stride) outputs, the odd zero behind: ONNX's SAME_UPPER."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def padded(x, padding):
    return np.pad(np.asarray(x, np.float64), ((0, 0), (0, 0), *padding))


def inside(padded, padding):
    """Without the padding."""
    (top, bottom), (left, right) = padding
    return padded[:, :, top : padded.shape[2] - bottom, left : padded.shape[3] - right]


def grouped(array, groups, axis):
    """A view whose channels, on that axis, are (groups, channels of a group)."""
    return array.reshape(*array.shape[:axis], groups, -1, *array.shape[axis + 1 :])


def taps(kernel, size, stride, dilation):
    """For each tap of the kernel (..., height, width): where it is there, and the pixels that it meets in `size` steps."""
    for u, v in np.ndindex(kernel.shape[-2:]):
        rows = slice(u * dilation[0], u * dilation[0] + (size[0] - 1) * stride[0] + 1, stride[0])
        columns = slice(v * dilation[1], v * dilation[1] + (size[1] - 1) * stride[1] + 1, stride[1])
        yield (..., u, v), (..., rows, columns)


def conv2d(x, weight, bias=None, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """y[n, f, p, q] = bias[f] + sum over c, u, v of weight[f, c, u, v] x[n, g + c, p stride + u dilation - top, ...]; weight (filters,
    channels / groups, kernel height, kernel width)."""
    image, kernel = grouped(padded(x, padding), groups, 1), grouped(weight, groups, 0)
    size = [(image.shape[i] - (kernel.shape[i] - 1) * dilation[i] - 1) // stride[i] + 1 for i in (-2, -1)]
    y = np.zeros((len(x), len(weight), *size))
    for tap, pixels in taps(kernel, size, stride, dilation):
        grouped(y, groups, 1)[:] += np.einsum("gfc,ngcpq->ngfpq", kernel[tap], image[pixels])
    return y if bias is None else y + bias[:, None, None]


def conv2d_backward(x, weight, dy, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """(dx, dweight, dbias)."""
    image, kernel, d = grouped(padded(x, padding), groups, 1), grouped(weight, groups, 0), grouped(dy, groups, 1)
    dimage, dkernel = np.zeros(image.shape), np.zeros(kernel.shape)
    for tap, pixels in taps(kernel, dy.shape[2:], stride, dilation):
        dimage[pixels] += np.einsum("gfc,ngfpq->ngcpq", kernel[tap], d)
        dkernel[tap] = np.einsum("ngfpq,ngcpq->gfc", d, image[pixels])
    dx = inside(dimage.reshape(len(x), -1, *image.shape[3:]), padding)
    return dx, dkernel.reshape(weight.shape), dy.sum(axis=(0, 2, 3))


def conv_transpose2d(
    x, weight, bias=None, stride=(1, 1), padding=((0, 0), (0, 0)), output_padding=(0, 0), dilation=(1, 1), groups=1
):
    """Every x[n, c, p, q] adds weight[c, f, u, v] x to y[n, g + f, p stride + u dilation - top, ...]; weight (channels, filters / groups,
    kernel height, kernel width)."""
    image, kernel = grouped(np.asarray(x, np.float64), groups, 1), grouped(weight, groups, 0)
    size = x.shape[2:]
    whole = [
        (size[i] - 1) * stride[i] + (weight.shape[2 + i] - 1) * dilation[i] + 1 + output_padding[i] for i in (0, 1)
    ]
    y = np.zeros((len(x), weight.shape[1] * groups, *whole))
    for tap, pixels in taps(kernel, size, stride, dilation):
        grouped(y, groups, 1)[pixels] += np.einsum("gcf,ngcpq->ngfpq", kernel[tap], image)
    y = inside(y, padding)
    return y if bias is None else y + bias[:, None, None]


def conv_transpose2d_backward(x, weight, dy, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """(dx, dweight, dbias); what output_padding added meets no weight."""
    image, kernel = grouped(np.asarray(x, np.float64), groups, 1), grouped(weight, groups, 0)
    d = grouped(padded(dy, padding), groups, 1)
    dx, dkernel = np.zeros(image.shape), np.zeros(kernel.shape)
    for tap, pixels in taps(kernel, x.shape[2:], stride, dilation):
        dx += np.einsum("gcf,ngfpq->ngcpq", kernel[tap], d[pixels])
        dkernel[tap] = np.einsum("ngcpq,ngfpq->gcf", image, d[pixels])
    return dx.reshape(x.shape), dkernel.reshape(weight.shape), dy.sum(axis=(0, 2, 3))


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
