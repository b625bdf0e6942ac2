"""The promises about bits: the same seed, data, build and instruction set give the same bits, whatever the threads, the alignment, the
batches of a prediction, or the door through which the engine is reached."""

import copy
import pickle

import numpy as np
import pytest

import cnn

pytestmark = pytest.mark.usefixtures("divided")

X = np.random.default_rng(0).normal(size=(300, 24))
Y = np.random.default_rng(1).integers(0, 5, 300)


def network(dtype="float32", **options):
    return cnn.Network(
        [
            cnn.Input((24,)),
            cnn.Dense(33, activation="relu"),
            cnn.Dropout(0.3),
            cnn.Dense(17, activation="tanh"),
            cnn.Dense(5, activation="softmax"),
        ],
        dtype=dtype,
        seed=11,
        **options,
    )


def trained(dtype="float32", batch_size=64, epochs=3, x=X, **fit):
    net = network(dtype)
    net.fit(x.astype(dtype), Y, epochs=epochs, batch_size=batch_size, verbose=0, **fit)
    return net


def bits(net):
    return b"".join(np.ascontiguousarray(value).tobytes() for value in net.parameters.values())


@pytest.mark.parametrize("batch_size", [1, 7, 64, 300])
def test_same_seed_same_bits(batch_size, dtype, isa):
    assert bits(trained(dtype, batch_size)) == bits(trained(dtype, batch_size))


@pytest.mark.parametrize("batch_size", [32, 300])
@pytest.mark.parametrize("threads", [2, 3, 4, 7])
def test_threads_do_not_show(threads, batch_size, dtype, isa):
    wide = np.random.default_rng(2).normal(size=(300, 400)).astype(dtype)

    def run(n):
        with cnn.threads(n):
            net = cnn.Network([400, 300, 5], output="softmax", dtype=dtype, seed=1)
            net.fit(wide, Y, epochs=2, batch_size=batch_size, verbose=0)
            return bits(net), net.predict(wide).tobytes()

    assert run(1) == run(threads)


@pytest.mark.parametrize("sizes", [[900, 40, 3], [3000, 12, 700], [700, 131, 9], [1100, 30]], ids=str)
def test_threads_do_not_show_in_layers_of_few_columns(sizes, dtype, isa):
    """Products are divided along their other axis where they have few columns, and in narrow slices where they have not many."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(300, sizes[0])).astype(dtype), rng.integers(0, 3, 300)

    def run(n):
        with cnn.threads(n):
            net = cnn.Network(sizes, output="softmax", dtype=dtype, seed=1)
            net.fit(x, y, epochs=2, batch_size=160, verbose=0)
            return bits(net), net.predict(x).tobytes()

    assert run(1) == run(2) == run(3) == run(5)


@pytest.mark.parametrize("sizes", [[600, 300, 10], [300, 130, 12], [90, 1000, 1100]], ids=str)
def test_threads_do_not_show_in_predictions_of_few_rows(sizes, dtype, isa):
    """Of too few rows for tiles of their own, threads divide the products."""
    x = np.random.default_rng(7).normal(size=(200, sizes[0])).astype(dtype)
    net = cnn.Network(sizes, activation="tanh", output="softmax", dtype=dtype, seed=1)

    def run(n):
        with cnn.threads(n):
            return [net.predict(x[:rows]).tobytes() for rows in (2, 3, 7, 16, 33, 63, 64, 97, 200)]

    whole = net.predict(x)
    assert run(1) == [whole[:rows].tobytes() for rows in (2, 3, 7, 16, 33, 63, 64, 97, 200)]
    assert run(1) == run(2) == run(3) == run(5)


@pytest.mark.parametrize("axis", [None, 1])
@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "binary_cross_entropy"])
def test_threads_do_not_show_in_slices_of_rows(axis, loss, dtype, isa):
    """Wide layers, whose ops are divided: PReLU's gradient, and losses with work for several threads."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(200, 40)).astype(dtype)
    y = rng.integers(0, 300, 200) if loss == "cross_entropy" else rng.integers(0, 2, (200, 300))

    def run(n):
        with cnn.threads(n):
            layers = [cnn.Dense(300), cnn.PReLU(axis), cnn.Dense(300)]
            net = cnn.Network([cnn.Input(40), *layers], dtype=dtype, seed=1)
            net.fit(x, y, epochs=2, batch_size=90, loss=loss, verbose=0)
            return bits(net), net.history.history["loss"]

    assert run(1) == run(2) == run(3)


def test_alignment_and_layout_do_not_show(dtype, isa):
    x = X.astype(dtype)
    net = network(dtype)
    expected = net.predict(x)
    item = x.itemsize
    for shift in (0, 1, 3, item, 5 * item):
        raw = np.empty(x.nbytes + 64, dtype=np.uint8)
        moved = np.frombuffer(raw.data, dtype=dtype, count=x.size, offset=shift).reshape(x.shape)
        moved[:] = x
        np.testing.assert_array_equal(net.predict(moved), expected)
    np.testing.assert_array_equal(net.predict(np.asfortranarray(x)), expected)
    np.testing.assert_array_equal(net.predict(x.astype(x.dtype.newbyteorder())), expected)
    np.testing.assert_array_equal(net.predict(np.repeat(x, 2, axis=0)[::2]), expected)


def test_batches_of_a_prediction_do_not_show(dtype, isa):
    """Of two rows or more: one row has an order of its own."""
    x = X.astype(dtype)
    net = network(dtype)
    expected = net.predict(x)
    for size in (2, 10, 64, 150):
        np.testing.assert_array_equal(net.predict(x, batch_size=size), expected)
    np.testing.assert_array_equal(net.predict(x[100:230]), expected[100:230])


def test_a_dtype_never_changes_a_value(isa):
    codes = np.random.default_rng(3).integers(0, 256, (50, 24))
    net = network()
    expected = net.predict(codes.astype(np.float32))
    for kind in (np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint32, np.uint64, np.float64):
        np.testing.assert_array_equal(net.predict(codes.astype(kind)), expected)
    half = (codes / 16).astype(np.float16)
    np.testing.assert_array_equal(net.predict(half), net.predict(half.astype(np.float32)))
    np.testing.assert_array_equal(net.predict(codes > 100), net.predict((codes > 100).astype(np.float32)))


def test_save_load_pickle_copy_keep_every_bit(tmp_path, dtype, isa):
    net = trained(dtype)
    net.save(tmp_path / "net.cnn")
    expected = net.predict(X.astype(dtype))
    for other in (cnn.load(tmp_path / "net.cnn"), pickle.loads(pickle.dumps(net)), copy.deepcopy(net), copy.copy(net)):
        assert bits(other) == bits(net)
        np.testing.assert_array_equal(other.predict(X.astype(dtype)), expected)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop", "Adagrad", "AdamW", "Rprop"])
def test_resume_goes_on_bit_for_bit(tmp_path, optimizer, isa):
    whole = trained(epochs=6, optimizer=getattr(cnn.optimizers, optimizer)())
    path = tmp_path / "half.cnn"
    trained(epochs=3, optimizer=getattr(cnn.optimizers, optimizer)(), callbacks=[cnn.Checkpoint(path)])
    resumed = network()
    resumed.fit(
        X.astype("float32"),
        Y,
        epochs=6,
        batch_size=64,
        verbose=0,
        optimizer=getattr(cnn.optimizers, optimizer)(),
        resume=path,
    )
    assert bits(resumed) == bits(whole)
    assert resumed.history.history["loss"] == whole.history.history["loss"]


def test_partial_fit_in_order_is_fit_in_order(isa):
    x = X.astype(np.float32)
    one = network()
    one.fit(x, Y, epochs=1, batch_size=50, shuffle=False, verbose=0, optimizer="adam")
    two = network()
    for i in range(0, 300, 50):
        two.partial_fit(x[i : i + 50], Y[i : i + 50], optimizer="adam" if i == 0 else None)
    assert bits(one) == bits(two)


def test_batches_from_an_iterable_are_the_arrays(isa):
    x = X.astype(np.float32)

    class Batches:
        def __iter__(self):
            return ((x[i : i + 50], Y[i : i + 50]) for i in range(0, 300, 50))

    one = network()
    one.fit(x, Y, epochs=2, batch_size=50, shuffle=False, verbose=0)
    two = network()
    two.fit(Batches(), epochs=2, verbose=0)
    assert bits(one) == bits(two)


def test_float32_and_float64_start_from_the_same_numbers():
    for a, b in zip(network("float32").parameters.values(), network("float64").parameters.values(), strict=True):
        np.testing.assert_array_equal(a, b.astype(np.float32))


def test_instruction_sets_agree_to_rounding(dtype):
    results = []
    for name in cnn.cpu.available():
        cnn.cpu.use(name)
        results.append(network(dtype).predict(X.astype(dtype)))
    cnn.cpu.use(None)
    for r in results[1:]:
        np.testing.assert_allclose(
            r, results[0], rtol=2e-5 if dtype == "float32" else 1e-12, atol=1e-7 if dtype == "float32" else 1e-14
        )


def test_a_warm_cache_does_not_show(isa):
    net = network()
    x = X.astype(np.float32)
    first = net.predict(x)
    for _ in range(3):
        net.predict(x[:7])
        np.testing.assert_array_equal(net.predict(x), first)
    view = net.parameters["dense_1.weight"]
    view[0, 0] += 1
    changed = net.predict(x)
    assert (changed != first).any()
    view[0, 0] -= 1
