"""3x3 convolutions with channels and pixels enough for Winograd's algorithm, and a little fewer: against their definition, on every
instruction set; the bits of tiles, threads and layouts."""

import numpy as np
import pytest
from conftest import ISAS
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import convolutions as reference
from test_convolutions import SIDES, compare, output_shape, padding_of, random, single, values

import cnn

pytestmark = pytest.mark.filterwarnings("ignore:an Input of shape")
SHAPES = st.tuples(st.integers(15, 24), st.integers(7, 12), st.integers(6, 12))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("name", ISAS)
@settings(max_examples=100, deadline=None)
@given(
    shape=SHAPES, filters=st.integers(15, 24), padding=st.tuples(SIDES, SIDES), rows=st.integers(1, 2), data=st.data()
)
def test_every_shape(name, transposed, shape, filters, padding, rows, data):
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    options = {"filters": filters, "kernel_size": (3, 3), "stride": (1, 1), "dilation": (1, 1), "padding": padding}
    kind = "conv_transpose2d" if transposed else "conv2d"
    if transposed:
        options["output_padding"] = (0, 0)
    if min(output_shape(options, shape)) < 1:
        return
    before = cnn.cpu.current()
    cnn.cpu.use(name)
    try:
        net = single((cnn.ConvTranspose2D if transposed else cnn.Conv2D)(**options), shape, dtype)
        x = random((rows, *shape), dtype)
        weight, bias = values(net)
        how = {"padding": padding_of(options, shape)}
        compare(
            net,
            kind + "_1",
            x,
            getattr(reference, kind)(x, weight, bias, **how),
            lambda dy: getattr(reference, kind + "_backward")(x, weight, dy, **how),
            dtype,
        )
    finally:
        cnn.cpu.use(before)


@pytest.mark.parametrize("size", [8, 9, 23])
def test_bits(size, dtype, isa):
    """Threads, tiles, the number of rows, and whether a value is seen (and so lies plain) do not show."""
    net = cnn.Network(
        [
            cnn.Input((17, size, size)),
            *(cnn.Conv2D(f, 3, padding=1, activation="relu") for f in (32, 19)),
            cnn.Flatten(),
            cnn.Dense(3),
        ],
        dtype=dtype,
        seed=0,
    )
    x = random((40, 17, size, size), dtype)
    y = random((40, 3), dtype)
    outcomes = []
    for threads in (1, 2, 3):
        with cnn.threads(threads):
            copy = net.copy()
            copy.fit(x, y, epochs=1, batch_size=20, loss="mse", verbose=0)
            weights = [np.array(v).tobytes() for v in copy.parameters.values()]
            outcomes.append(
                [*weights, copy.predict(x).tobytes(), *(copy.predict(x[i : i + 1]).tobytes() for i in (0, 7))]
            )
            inner = copy.activations(x)
            assert np.asarray(list(inner.values())[-1]).tobytes() == outcomes[-1][-3]
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_precision():
    """Digits of float32: no worse than a long chain's."""
    net = single(cnn.Conv2D(64, 3, padding=1, bias=False), (64, 16, 16), "float32")
    x = random((1, 64, 16, 16), "float32")
    wanted = reference.conv2d(x, values(net)[0], None, padding=((1, 1), (1, 1)))
    assert np.abs(net.predict(x) - wanted).max() <= 1e-6 * np.abs(wanted).max()
