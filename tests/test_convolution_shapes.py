"""Convolutions that do not fit, and what is said about them."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_convolutions import SETTINGS

import cnn

pytestmark = pytest.mark.filterwarnings("ignore:an Input of shape")  # those of hypothesis may look like channels last


def made(layer, shape):
    return lambda: cnn.Network([cnn.Input(shape), layer()])


WRONG = {
    "kernel too large": (
        made(lambda: cnn.Conv2D(4, 5), (1, 4, 4)),
        "conv2d_1: along the height the kernel spans 5 pixels, and the padded image has 0 + 4 + 0 = 4 (input shape (?, 1, 4, 4))",
    ),
    "kernel too wide": (
        made(lambda: cnn.Conv2D(4, 3, padding=(0, 1), dilation=4), (1, 9, 4)),
        "conv2d_1: along the width the kernel spans (3 - 1) x dilation 4 + 1 = 9 pixels, and the padded image has 1 + 4 + 1 = 6",
    ),
    "kernel too long": (
        made(lambda: cnn.Conv1D(4, 5, name="ear"), (1, 4)),
        "ear: along the length the kernel spans 5 pixels",
    ),
    "nothing left": (
        made(lambda: cnn.ConvTranspose2D(1, 2, padding=3), (1, 4, 4)),
        "conv_transpose2d_1: the height of its output would be (4 - 1) x stride 1 + 2 of the kernel + output_padding 0 - padding 3 - 3,"
        " which is not above 0",
    ),
    "output padding": (
        made(lambda: cnn.ConvTranspose2D(1, 2, 2, output_padding=2), (1, 4, 4)),
        "output_padding is 2; it must be less than the",
    ),
    "groups and channels": (
        made(lambda: cnn.Conv2D(4, 3, groups=2), (3, 8, 8)),
        "conv2d_1: groups is 2; it must divide the 3 channels of the input and the 4 filters",
    ),
    "groups and filters": (
        made(lambda: cnn.Conv2D(3, 3, groups=2), (2, 8, 8)),
        "groups is 2; it must divide the 2 channels of the input and the 3 filters",
    ),
    "a vector": (
        made(lambda: cnn.Conv2D(4, 3), (16,)),
        "conv2d_1: Conv2D takes a fixed number of channels, then height and width",
    ),
    "images without channels": (
        made(lambda: cnn.Conv2D(4, 3), (28, 28)),
        "as in cnn.Input((3, 32, 32)); its input has the shape (?, 28, 28)",
    ),
    "images for a series": (
        made(lambda: cnn.Conv1D(4, 3), (3, 28, 28)),
        "conv1d_1: Conv1D takes a fixed number of channels, then the length",
    ),
    "channels open": (made(lambda: cnn.Conv2D(4, 3), (None, 28, 28)), "takes a fixed number of channels"),
    "too large": (made(lambda: cnn.Conv2D(4, 3, padding=2**20), (1, 28, 28)), "padding counted"),
    "filters": (lambda: cnn.Conv2D(0, 3), "filters is 0; it must be at least 1"),
    "kernel_size": (
        lambda: cnn.Conv2D(4, (3, 3, 3)),
        "kernel_size is (3, 3, 3), 3 numbers; expected 1 or 2 numbers, of height and width",
    ),
    "kernel_size of a series": (lambda: cnn.Conv1D(4, (3, 3)), "kernel_size is (3, 3), 2 numbers; expected 1 number"),
    "kernel 0": (lambda: cnn.Conv2D(4, (3, 0)), "kernel_size is 0; it must be at least 1"),
    "stride": (lambda: cnn.Conv2D(4, 3, stride=0), "stride is 0; it must be at least 1"),
    "padding negative": (lambda: cnn.Conv2D(4, 3, padding=-1), "padding is -1; it must be at least 0"),
    "padding of four": (
        lambda: cnn.Conv2D(4, 3, padding=(1, 1, 2, 2)),
        "expected a number, (height, width) or ((top, bottom), (left, right))",
    ),
    "padding of thrice": (
        lambda: cnn.Conv2D(4, 3, padding=((1, 1, 1), (2, 2, 2))),
        "expected a number, (height, width) or",
    ),
    "causal": (lambda: cnn.Conv1D(4, 3, padding="causal"), "write padding=((kernel_size - 1) * dilation, 0)"),
    "full": (lambda: cnn.Conv2D(4, 3, padding="full"), "padding is 'full'; expected a number"),
    "same, transposed": (
        lambda: cnn.ConvTranspose2D(4, 3, padding="same"),
        "write padding=(kernel_size - stride) // 2",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    make, sentence = WRONG[name]
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make()


def test_integers_are_refused():
    with pytest.raises(TypeError, match=r"^conv2d_1: Conv2D takes floats"):
        cnn.Network([cnn.Input((3, 8, 8), dtype="int32"), cnn.Conv2D(4, 3)])


@pytest.mark.parametrize("word, said", {
    "strides": "write stride", "dilation_rate": "write dilation", "in_channels": "nothing is needed: the layer before it says",
    "out_channels": "write filters", "use_bias": "write bias", "data_format": "channels come first", "kernel_initializer": "write init",
}.items())  # fmt: skip
@pytest.mark.parametrize("kind", [cnn.Conv1D, cnn.Conv2D, cnn.ConvTranspose2D])
def test_words_of_other_libraries(kind, word, said):
    with pytest.raises(TypeError, match=re.escape(said)):
        kind(8, 3, **{word: 1})


def test_channels_last_are_pointed_out():
    with pytest.warns(
        UserWarning, match=r"looks like channels last, and here they come first: cnn.Input\(\(1, 28, 28\)\)"
    ):
        cnn.Network([cnn.Input((28, 28, 1)), cnn.Conv2D(4, 3, padding=1)])
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=r"that looks like channels last"):
        cnn.Network([cnn.Input((28, 28, 1)), cnn.Conv2D(4, 5)])


@SETTINGS
@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))
def test_same_padding_is_the_formula(size, kernel, stride, dilation):
    assume(kernel * dilation < 15)
    net = cnn.Network(
        [cnn.Input((1, size)), cnn.Conv1D(1, kernel, stride, "same", dilation, bias=False)], dtype="float64"
    )
    assert net.output_shape == (1, -(-size // stride))
