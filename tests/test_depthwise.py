"""Depthwise convolutions: blocks of channels, borders, and every width, against the NumPy reference."""

import pytest
from reference import convolutions as reference
from test_convolutions import check_chain, compare, compare_conv2d, random, single, values

import cnn

pytestmark = pytest.mark.usefixtures("divided")


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("channels", [70, 128, 256])
def test_depthwise_in_blocks_of_channels(channels, kernel, stride, dtype, isa):
    """More channels than a block has; pixels 1024 bytes apart, which 5x5 kernels read by way of blocks in any layout."""
    layer = cnn.Conv2D(channels, kernel, groups=channels, stride=stride, padding=kernel // 2)
    net = cnn.Network([cnn.Input((3, 7, 6)), cnn.Conv2D(channels, 1), layer, cnn.Conv2D(4, 1)], dtype=dtype, seed=1)
    check_chain(net, random((3, 3, 7, 6), dtype), dtype)
    alone = single(
        cnn.Conv2D(channels, kernel, groups=channels, stride=stride, padding=kernel // 2), (channels, 7, 6), dtype
    )
    compare_conv2d(
        alone,
        random((2, channels, 7, 6), dtype),
        {"stride": (stride, stride), "padding": ((kernel // 2,) * 2,) * 2, "groups": channels},
        dtype,
    )


@pytest.mark.parametrize("padding", [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1)], ids=str)
@pytest.mark.parametrize("size", [(3, 3), (4, 5), (5, 16), (17, 8), (33, 4)], ids=str)
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 2), (2, 1), (4, 2)])
def test_borders_of_depthwise_windows(stride, dilation, size, padding, dtype, isa):
    """Windows of 3 x 3, one or two taps apart: every border, in one strip of columns and in several; whole vectors and a rest."""
    channels, shape = 23, (23, stride * size[0], stride * size[1] + stride - dilation)
    sides = tuple((dilation * before, dilation * after) for before, after in (padding, padding[::-1]))
    net = single(
        cnn.Conv2D(channels, 3, groups=channels, stride=stride, dilation=dilation, padding=sides), shape, dtype
    )
    compare_conv2d(
        net,
        random((2, *shape), dtype),
        {"stride": (stride, stride), "dilation": (dilation, dilation), "padding": sides, "groups": channels},
        dtype,
    )


@pytest.mark.parametrize("sides", [(0, 0), (1, 0), (0, 1), (1, 1)], ids=str)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 7), (3, 17)], ids=str)
def test_transposed_depthwise_windows(size, sides, dtype, isa):
    """Two pixels of the output to one of the image: every border, in one strip of columns and in several; whole vectors and a rest."""
    channels, padding = 35, (sides, sides[::-1])
    options = {"stride": (2, 2), "padding": padding, "groups": channels}
    net = single(cnn.ConvTranspose2D(channels, 3, **options), (channels, *size), dtype)
    x, (weight, bias) = random((2, channels, *size), dtype), values(net)
    compare(
        net,
        "conv_transpose2d_1",
        x,
        reference.conv_transpose2d(x, weight, bias, **options),
        lambda dy: reference.conv_transpose2d_backward(x, weight, dy, **options),
        dtype,
    )


@pytest.mark.parametrize("columns", range(1, 17))
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1)])
def test_every_width_of_a_row(kernel, stride, columns, dtype, isa):
    """Tiles and strips come in a few sizes only: rows of outputs that none of them divides; whole vectors of channels and a rest."""
    channels, shape = 19, (19, kernel + 2 * stride, (columns - 1) * stride + kernel)
    net = single(cnn.Conv2D(channels, kernel, groups=channels, stride=stride), shape, dtype)
    compare_conv2d(net, random((2, *shape), dtype), {"stride": (stride, stride), "groups": channels}, dtype)


OPTIONS = {
    "near": {"kernel_size": 3, "padding": 1},
    "inside": {"kernel_size": 3},
    "stride": {"kernel_size": 3, "stride": 2, "padding": 1},
    "uneven": {"kernel_size": (3, 5), "stride": (1, 2), "padding": ((2, 0), (1, 3))},
    "dilation": {"kernel_size": 3, "dilation": 3, "padding": 3},
    "steps as far as taps": {"kernel_size": 3, "stride": 2, "dilation": 2, "padding": 2},
    "large": {"kernel_size": 7, "padding": 3},
    "larger than the image": {"kernel_size": (21, 3), "padding": ((20, 20), (1, 1))},
}


TRANSPOSED = {
    "transposed": {"kernel_size": 3, "stride": 2, "padding": 1, "activation": "tanh"},
    "transposed, one side": {"kernel_size": 3, "stride": 2, "padding": ((0, 1), (1, 0)), "activation": "tanh"},
    "transposed, more outputs": {
        "kernel_size": 3,
        "stride": 2,
        "padding": 1,
        "output_padding": 1,
        "activation": "tanh",
    },
}


@pytest.mark.parametrize("option", [*OPTIONS, *TRANSPOSED])
def test_rows_of_an_image_for_threads(option, dtype, isa):
    """One image, and a batch of fewer images than threads: its rows are divided, forward and backward."""
    if option in TRANSPOSED:
        layer = cnn.ConvTranspose2D(64, groups=64, **TRANSPOSED[option])
    else:
        layer = cnn.Conv2D(64, groups=64, **OPTIONS[option])
    layers = [cnn.Conv2D(64, 1), layer, cnn.BatchNorm(), cnn.Conv2D(520, 1)]
    net = cnn.Network([cnn.Input((16, 23, 21)), *layers], dtype=dtype, seed=1)
    x = random((2, 16, 23, 21), dtype)
    y = random((2, *net.output_shape), dtype)

    def run(threads):
        with cnn.threads(threads):
            loss, gradients = net.gradients(x, y, training=True)
            return [net.predict(x[:1]).tobytes(), net.predict(x).tobytes(), loss, *map(bytes, gradients.values())]

    one = run(1)
    for threads in (2, 3, 5):
        assert run(threads) == one
