"""Augmentation: against the reference, its statistics, that bits depend on no thread, and where it is not applied."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import augment as reference
from reference.augment import augment as expected

import cnn
from cnn.data import Augment

R = np.random.default_rng(0)
BYTES = R.integers(0, 256, (40, 3, 9, 7)).astype(np.uint8)
LABELS = R.integers(0, 4, 40)


def network(shape=(3, 9, 7), dtype="float32", seed=3):
    layers = [cnn.Input(shape), cnn.Rescale(1 / 255), cnn.Flatten(), cnn.Dense(4, activation="softmax")]
    return cnn.Network(layers, dtype=dtype, seed=seed)


def bits(net):
    return b"".join(np.ascontiguousarray(value).tobytes() for value in net.parameters.values())


# ---- Against the reference

WHOLE = [
    {},
    {"shift": 2},
    {"shift": (0, 3)},
    {"flip": "horizontal"},
    {"flip": "vertical"},
    {"flip": "both", "shift": 2, "crop": (4, 1)},
    {"crop": 3, "fill": 17.0},
    {"crop": 3, "flip": "both", "fill": "edge"},
    {"crop": 4, "flip": "both", "fill": "reflect"},
]
BETWEEN = [
    {"shift": 1.7},
    {"rotate": 30},
    {"rotate": 180, "fill": "reflect"},
    {"scale": 0.4, "fill": "edge"},
    {"scale": (2.0, 3.0), "flip": "both"},
    {"rotate": 15, "scale": 0.2, "shift": (1.5, 0), "crop": 1, "flip": "both", "fill": 100.0},
]


@pytest.mark.parametrize("options", WHOLE, ids=repr)
@pytest.mark.parametrize("source", ["uint8", "float32", "float64", ">f4", "strided"])
def test_whole_pixels_are_exact(options, source, dtype):
    X = BYTES[:, :, ::-1] if source == "strided" else BYTES.astype(source)
    augment = Augment(**options)
    found = augment(X, seed=5, epoch=2, step=3, dtype=dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected(X, augment._spec(), seed=5, epoch=2, step=3))


@pytest.mark.parametrize("options", BETWEEN, ids=repr)
def test_between_pixels(options, dtype):
    augment = Augment(**options)
    wanted = expected(BYTES, augment._spec(), seed=9, epoch=1, step=7)
    found = augment(BYTES, seed=9, epoch=1, step=7, dtype=dtype)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=255 * (1e-12 if dtype == "float64" else 3e-7))
    assert np.abs(found - BYTES).max() > 10


def test_noise(dtype):
    augment = Augment(noise=4, shift=1)
    wanted = expected(BYTES, augment._spec(), seed=1)
    found = augment(BYTES, seed=1, dtype=dtype)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * 255 if dtype == "float64" else 3e-5)
    noise = Augment(noise=4)(np.zeros((64, 3, 9, 7)), dtype="float64")
    assert abs(noise.mean()) < 4 * 4 / noise.size**0.5
    assert noise.std() == pytest.approx(4, rel=0.03)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_options_and_sizes(data):
    c, h, w = (data.draw(st.integers(1, most), label) for most, label in ((4, "c"), (9, "h"), (9, "w")))
    pixels = st.integers(0, 8) | st.floats(0, 8)
    options = {
        "shift": (data.draw(pixels, "shift down"), data.draw(pixels, "shift across")),
        "crop": (data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))),
        "flip": data.draw(st.sampled_from([None, "horizontal", "vertical", "both"])),
        "rotate": data.draw(st.sampled_from([0, 0, 10, 90, 180])),
        "scale": data.draw(st.sampled_from([0, 0, 0.3, (0.1, 4.0)])),
        "noise": data.draw(st.sampled_from([0, 0, 2.0])),
        "fill": data.draw(st.sampled_from([0, -3.5, "edge", "reflect"])),
    }
    augment = Augment(**options)
    X = R.normal(size=(3, c, h, w)) * 50
    seed, epoch, step = (data.draw(st.integers(0, 2**32)) for _ in range(3))
    if any(s + p >= size for s, p, size in zip(augment.shift, augment.crop, (h, w), strict=True)):
        with pytest.raises(ValueError, match="shift and crop move images"):
            augment(X)
        return
    wanted = expected(X, augment._spec(), seed, epoch, step)
    scale = np.abs(wanted).max() + 200
    found = augment(X, seed=seed, epoch=epoch, step=step, dtype="float64")
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11 * scale)
    single = augment(X, seed=seed, epoch=epoch, step=step)
    np.testing.assert_allclose(single, wanted, rtol=0, atol=1e-6 * scale)


# ---- Statistics


def test_shifts_are_even_and_flips_are_half():
    n = 4000
    X = np.zeros((n, 1, 9, 9), np.uint8)
    X[:, 0, 4, 4] = 1
    place = np.argwhere(Augment(shift=(2, 3))(X, seed=1)[:, 0])[:, 1:] - 4
    assert len(place) == n
    assert abs(place.mean(axis=0)).max() < 0.1
    for axis, most in ((0, 2), (1, 3)):
        values, counts = np.unique(place[:, axis], return_counts=True)
        np.testing.assert_array_equal(values, np.arange(-most, most + 1))
        assert abs(counts / n - 1 / (2 * most + 1)).max() < 0.03
    marked = np.arange(81, dtype=np.uint8).reshape(1, 1, 9, 9).repeat(n, axis=0)
    both = Augment(flip="both")(marked, seed=1)
    across, down = both[:, 0, 0, 0] % 9 == 8, both[:, 0, 0, 0] // 9 == 8
    for share in (across.mean(), down.mean(), (across == down).mean()):
        assert 0.46 < share < 0.54
    only = Augment(flip="horizontal")(marked, seed=1)
    np.testing.assert_array_equal(only[:, 0, 0, 0] == 8, across)


def test_turning_is_about_the_centre_both_ways():
    X = np.zeros((1000, 1, 21, 21), np.float32)
    X[:, 0, 10, 17] = 1
    found = Augment(rotate=40)(X, seed=2)[:, 0]
    weight = found.sum(axis=(1, 2))
    down = (found.sum(axis=2) * np.arange(21)).sum(axis=1) / weight - 10
    across = (found.sum(axis=1) * np.arange(21)).sum(axis=1) / weight - 10
    angles = np.degrees(np.arctan2(-down, across))
    assert np.abs(angles).max() < 43
    assert abs(angles.mean()) < 2.5
    assert np.abs(np.hypot(down, across) - 7).max() < 0.4


def test_an_option_more_leaves_the_other_draws():
    spec = Augment(shift=2, flip="both")._spec()
    more = Augment(shift=2, flip="both", crop=3, rotate=10, scale=0.1)._spec()
    for row in range(20):
        a, b = (reference.draws(s, 1, 0, 0, row) for s in (spec, more))
        assert (a["flip_across"], a["flip_down"]) == (b["flip_across"], b["flip_down"])


def test_rows_epochs_steps_and_seeds_differ():
    X = np.arange(81.0).reshape(1, 1, 9, 9).repeat(30, axis=0)
    augment = Augment(shift=4.0)
    found = augment(X, seed=1)
    assert len(np.unique(found.reshape(30, -1), axis=0)) == 30
    for other in ({"seed": 2}, {"seed": 1, "epoch": 1}, {"seed": 1, "step": 1}):
        assert not np.array_equal(augment(X, **other)[0], found[0])
    np.testing.assert_array_equal(augment(X, seed=1), found)


# ---- In a fit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
def test_a_fit_trains_on_what_augment_shows(dtype, kind):
    """The steps of a fit are those of a fit on batches changed beforehand, bit for bit; small batches, and a short last one."""
    augment = Augment(shift=1.5, rotate=20, flip="horizontal", crop=1, noise=3, fill="edge")
    X = BYTES.astype(kind)
    one, other = network(dtype=dtype), network(dtype=dtype)
    one.fit(X, LABELS, epochs=3, batch_size=16, shuffle=False, verbose=0, augment=augment)
    for epoch in range(3):
        batches = [
            (augment(X[at : at + 16], seed=3, epoch=epoch, step=step, dtype=dtype), LABELS[at : at + 16])
            for step, at in enumerate(range(0, 40, 16))
        ]
        other.fit(batches, epochs=1, verbose=0)
    assert bits(one) == bits(other)
    assert bits(one) != bits(network(dtype=dtype))


def test_batches_are_augmented_too():
    augment = Augment(shift=1, flip="both")
    one, other = network(), network()
    one.fit(BYTES, LABELS, epochs=2, batch_size=10, shuffle=False, verbose=0, augment=augment)
    batches = [(BYTES[i : i + 10], LABELS[i : i + 10]) for i in range(0, 40, 10)]
    other.fit(batches, epochs=2, verbose=0, augment=augment)
    assert bits(one) == bits(other)


@pytest.mark.parametrize("units", [4, 900])  # parts of the batch, and ops that are divided
def test_threads_and_layouts_do_not_show(units, dtype, isa):
    X = R.integers(0, 256, (300, 2, 12, 10)).astype(np.uint8)
    y = R.integers(0, 4, 300)
    augment = Augment(shift=1.5, rotate=20, scale=0.2, flip="both", crop=2, noise=3, fill="reflect")

    def run(threads, data):
        with cnn.threads(threads):
            layers = [cnn.Input((2, 12, 10)), cnn.Rescale(1 / 255), cnn.Flatten(), cnn.Dense(units), cnn.Dense(4)]
            net = cnn.Network([*layers, cnn.Activation("softmax")], dtype=dtype, seed=1)
            net.fit(data, y, epochs=2, batch_size=150, verbose=0, augment=augment)
            return bits(net)

    alone = run(1, X)
    assert run(3, X) == run(7, X) == alone
    assert run(2, np.asfortranarray(X)) == run(2, X.astype(">i2")) == alone


def test_only_training_is_augmented():
    augment = Augment(shift=4, noise=50, flip="both")
    net = network()
    history = net.fit(
        BYTES, LABELS, epochs=2, batch_size=8, verbose=0, augment=augment, validation_data=(BYTES, LABELS), metrics=[]
    )
    told = net.evaluate(BYTES, LABELS, metrics=[])["loss"]
    assert history.history["val_loss"][-1] == pytest.approx(told, rel=1e-5)
    assert history.history["loss"][-1] != pytest.approx(told, rel=1e-3)
    value, _ = net.gradients(BYTES, LABELS, training=True)
    plain = network()
    plain.set_parameters(dict(net.parameters))
    assert value == plain.gradients(BYTES, LABELS)[0]
    assert net.partial_fit(BYTES, LABELS) == value  # one step on just this batch


def test_a_row_a_step_and_lbfgs():
    """The path for small networks takes rows as they lie; L-BFGS sees one batch, changed the same at each look."""
    X = R.integers(0, 9, (30, 1, 2, 2)).astype(np.float32)
    y = R.normal(size=(30, 1)).astype(np.float32)

    def made():
        return cnn.Network([cnn.Input((1, 2, 2)), cnn.Flatten(), cnn.Dense(3, activation="tanh"), cnn.Dense(1)], seed=4)

    augment = Augment(flip="both")
    one, other = made(), made()
    options = {"shuffle": False, "verbose": 0, "batch_size": 1, "epochs": 1}
    one.fit(X, y, optimizer=cnn.SGD(0.01), augment=augment, **options)
    changed = np.concatenate([augment(X[i : i + 1], seed=4, step=i) for i in range(30)])
    other.fit(changed, y, optimizer=cnn.SGD(0.01), **options)
    assert bits(one) == bits(other)
    one.fit(X, y, optimizer=cnn.SGD(0.01), **options)  # small again
    one, other = made(), made()
    one.fit(X, y, optimizer="lbfgs", epochs=3, verbose=0, augment=Augment(flip="both"))
    for epoch in range(3):
        other.fit(augment(X, seed=4, epoch=epoch), y, optimizer=None if epoch else "lbfgs", epochs=1, verbose=0)
    assert bits(one) == bits(other)


def test_two_inputs_by_the_same_draws():
    a, b, c = cnn.Input((1, 6, 6), name="a"), cnn.Input((2, 5, 6), name="b"), cnn.Input(3, name="c")
    out = cnn.Dense(2)(cnn.Concat()([cnn.Flatten()(a), cnn.Flatten()(b), c]))
    A, B, C = (R.normal(size=(20, *shape)).astype(np.float32) for shape in ((1, 6, 6), (2, 5, 6), (3,)))
    y = R.normal(size=(20, 2)).astype(np.float32)
    augment = Augment(flip="both", noise=0.1)
    spec = augment._spec()
    nets = [cnn.Network(inputs=[a, b, c], outputs=out, dtype="float64", seed=2) for _ in range(2)]
    options = {"epochs": 1, "batch_size": 20, "shuffle": False, "verbose": 0, "loss": "mse"}
    nets[0].fit([A, B, C], y, augment=augment, **options)
    changed = [expected(x, spec, seed=2, input=i) for i, x in enumerate((A, B))]
    nets[1].fit([*changed, C], y, **options)
    for name, value in nets[0].parameters.items():
        np.testing.assert_allclose(value, nets[1].parameters[name], rtol=0, atol=1e-9)


def test_a_resumed_fit_goes_on_bit_for_bit(tmp_path):
    augment = Augment(shift=2, flip="horizontal")
    options = {"batch_size": 8, "verbose": 0, "augment": augment}
    whole = network()
    whole.fit(BYTES, LABELS, epochs=4, **options)
    cut = network()
    cut.fit(BYTES, LABELS, epochs=2, callbacks=[cnn.Checkpoint(tmp_path / "c.cnn")], **options)
    again = network()
    again.fit(BYTES, LABELS, epochs=4, resume=tmp_path / "c.cnn", **options)
    assert bits(again) == bits(whole)


# ---- Bytes stay bytes


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("first", ["Rescale(1 / 255)", "Normalize(128.0, 64.0)"])
def test_bytes_are_not_copied_as_floats(first):
    """64 MB of bytes would be 256 MB of floats."""
    code = f"""
import numpy as np, resource, cnn
X = np.random.default_rng(0).integers(0, 256, (20480, 1, 64, 50), np.uint8)
y = np.arange(len(X)) % 4
net = cnn.Network([cnn.Input((1, 64, 50)), cnn.{first}, cnn.Flatten(), cnn.Dense(4, activation="softmax")], seed=0)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
net.fit(X[:64], y[:64], epochs=1, verbose=0)
before = peak()
net.fit(X, y, epochs=1, batch_size=64, verbose=0, augment=cnn.data.Augment(shift=2, flip="horizontal"), validation_data=(X, y))
net.evaluate(X, y)
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert int(done.stdout) < 24


# ---- What is refused


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"shift": -1}, "shift is -1; it must be at least 0"),
        ({"shift": float("nan")}, "shift is nan; it must be at least 0"),
        ({"shift": (1, 2, 3)}, r"shift is \(1, 2, 3\); expected one number, or two: \(down, across\)"),
        ({"crop": 1.5}, "crop is 1.5; it must be an integer"),
        ({"flip": "up"}, "flip 'up' is not known"),
        ({"flip": True}, "flip is True; expected 'horizontal', 'vertical' or 'both'"),
        ({"rotate": 200}, "rotate is 200 degrees; it must be 0 to 180"),
        ({"scale": 1}, "scale is 1; a share must be at most 0.99"),
        ({"scale": (1e-9, 1)}, "its factors must be 1e-6 to 1e6"),
        ({"scale": (2, 1)}, "its first factor must not be above its second"),
        ({"scale": (0, 1)}, "scale is 0; it must be above 0"),
        ({"noise": -1}, "noise is -1; it must be at least 0"),
        ({"fill": "wrap"}, "fill 'wrap' is not known; known: constant, edge, reflect"),
        ({"fill": float("inf")}, "fill is inf; it must be finite"),
        ({"zoom_range": 0.1}, r"Augment has no argument 'zoom_range': write scale=0.1, or scale=\(0.9, 1.1\)"),
        ({"rotation": 3}, "rotate=degrees"),
    ],
)
def test_wrong_options(options, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        Augment(**options)


def test_wrong_use():
    net = network()
    before = bits(net)
    for augment, X, sentence in (
        (Augment(shift=6, crop=1), BYTES, r"by up to 6 \+ 1 pixels across, and those of input_1 are 7 wide"),
        (Augment(crop=9), BYTES, r"by up to 0 \+ 9 pixels down, and those of input_1 are 9 high"),
        (lambda x: x, BYTES, "expected a cnn.data.Augment: a function of your own goes into an iterable of batches"),
        ("flip", BYTES, "augment is 'flip'; expected a cnn.data.Augment"),
    ):
        with pytest.raises((ValueError, TypeError), match=sentence):
            net.fit(X, LABELS, verbose=0, augment=augment)
    assert bits(net) == before
    flat = cnn.Network([4, 2], seed=0)
    with pytest.raises(
        ValueError, match=r"input_1 has rows of the shape \(4,\); images are \(channels, height, width\)"
    ):
        flat.fit(np.zeros((3, 4)), np.zeros((3, 2)), verbose=0, augment=Augment(shift=1))
    with pytest.raises(ValueError, match=r"images are \(n, channels, height, width\): pass X\[:, None\]"):
        Augment()(np.zeros((3, 8, 8)))
    with pytest.raises(TypeError, match="cannot be subclassed"):
        type("Mine", (Augment,), {})


def test_how_it_is_shown():
    assert repr(Augment()) == "cnn.data.Augment()"
    augment = Augment(shift=(1, 2.5), flip="both", crop=4, scale=0.1, fill="edge")
    assert repr(augment) == "cnn.data.Augment(shift=(1, 2.5), flip='both', crop=4, scale=(0.9, 1.1), fill='edge')"
    assert eval(repr(augment)) == augment != Augment()
    assert hash(Augment(shift=1)) == hash(Augment(shift=(1, 1)))
