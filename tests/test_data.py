"""What people pass as X and y: every form of it means the numbers that NumPy sees in it, and none of it is changed."""

import numpy as np
import pytest
from conftest import close
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import cnn

KINDS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]
INTEGERS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
NETWORKS = {}


def net_of(k, dtype, activation="tanh", outputs=2):
    """Kept: a network for each width."""
    key = (k, dtype, activation, outputs)
    if key not in NETWORKS:
        NETWORKS[key] = cnn.Network([k, 3, outputs], activation=activation, dtype=dtype, seed=3)
    return NETWORKS[key]


def plain(x, dtype):
    return np.ascontiguousarray(x).astype(dtype)


def bits(net):
    return b"".join(np.ascontiguousarray(value).tobytes() for value in net.parameters.values())


def numbers(kind, shape):
    """Small numbers, which no dtype of a network rounds."""
    if kind == "?":
        return hnp.arrays(np.dtype("?"), shape)
    low, high = (0, 100) if kind[0] == "u" else (-100, 100)
    return hnp.arrays(np.dtype("i2"), shape, elements=st.integers(low, high)).map(
        lambda a: (a / 4 if kind[0] == "f" else a).astype(kind)
    )


LAYOUTS = {
    "C": lambda a: np.ascontiguousarray(a),
    "Fortran": lambda a: np.asfortranarray(a),
    "rows backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "columns backwards": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "every third column": lambda a: np.repeat(a, 3, axis=1)[:, ::3],
    "columns of a wider one": lambda a: np.hstack([a, a])[:, : a.shape[1]],
    "a transposed copy": lambda a: a.T.copy().T,
    "unaligned": lambda a: unaligned(a),
    "swapped bytes": lambda a: a.astype(a.dtype.newbyteorder()),
    "swapped bytes, backwards": lambda a: a[::-1].astype(a.dtype.newbyteorder())[::-1],
    "a field of records": lambda a: field(a),
}


def unaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    moved = raw[1:].view(a.dtype).reshape(a.shape)
    moved[...] = a
    return moved


def field(a):
    table = np.zeros(len(a), np.dtype([("pad", "u1"), ("x", a.dtype, a.shape[1:])]))
    table["x"] = a
    return table["x"]


@st.composite
def arrays(draw, least=0):
    kind = draw(st.sampled_from(KINDS))
    shape = draw(st.tuples(st.integers(least, 9), st.integers(1, 7)))
    return LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](draw(numbers(kind, shape)))


# ---- predict


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=300, deadline=None)
@given(x=arrays(), locked=st.booleans())
def test_predict_sees_what_numpy_sees(dtype, x, locked):
    net = net_of(x.shape[1], dtype)
    expected = net.predict(plain(x, dtype))
    assert expected.shape == (len(x), 2)
    assert expected.dtype == dtype
    before = x.tobytes()
    x.flags.writeable = not locked
    np.testing.assert_array_equal(net.predict(x), expected)
    assert x.tobytes() == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=100, deadline=None)
@given(x=arrays(), out=st.booleans(), size=st.integers(1, 12))
def test_predict_in_batches_and_into_out(dtype, x, out, size):
    net = net_of(x.shape[1], dtype)
    y = np.empty((len(x), 2), dtype) if out else None
    got = net.predict(x, batch_size=size, out=y)
    assert y is None or got is y
    close(got, net.predict(plain(x, dtype)), dtype)


@settings(max_examples=100, deadline=None)
@given(length=st.integers(1, 30), width=st.integers(1, 7), step=st.integers(0, 3), kind=st.sampled_from(KINDS))
def test_overlapping_windows(length, width, step, kind):
    base = (np.arange(length + width) % 100).astype(kind)
    rows = 1 + (length - 1) // max(step, 1)
    item = base.itemsize
    x = np.lib.stride_tricks.as_strided(base, (rows, width), (step * item, item))
    net = net_of(width, "float32")
    before = base.copy()
    np.testing.assert_array_equal(net.predict(x), net.predict(plain(x, "float32")))
    np.testing.assert_array_equal(base, before)


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_a_small_dtype(kind, dtype, isa):
    """An identity shows the numbers themselves: uint8 200 is 200.0, in both dtypes."""
    dt = np.dtype(kind)
    if dt.itemsize <= 2:
        raw = np.arange(2 if kind == "?" else 256**dt.itemsize, dtype=f"u{dt.itemsize}").view(dt)
        values = raw[np.isfinite(raw)] if dt.kind == "f" else raw
    else:
        info = np.finfo(dt) if dt.kind == "f" else np.iinfo(dt)
        near = np.array([info.min, info.max, 0, 1, 2, 3], dt)
        random = np.random.default_rng(0)
        values = np.r_[near, random.integers(0, 256, 1600, np.uint8).view(dt)]
        values = values[np.isfinite(values)]
        if kind == "f8":
            values = values[np.abs(values) < 1e38]
    net = cnn.Network([cnn.Input((1,)), cnn.Dense(1, init="zeros")], dtype=dtype, seed=0)
    net.parameters["dense_1.weight"][...] = 1
    x = values[:, None]
    np.testing.assert_array_equal(net.predict(x), x.astype(dtype))
    np.testing.assert_array_equal(net.predict(x.astype(dt.newbyteorder())), x.astype(dtype))


class HasArray:
    def __init__(self, a):
        self.a = a

    def __array__(self, dtype=None, copy=None):
        return self.a if dtype is None else self.a.astype(dtype)


class HasDLPack:
    """Nothing but the protocol."""

    def __init__(self, a):
        self.a = a

    def __dlpack__(self, **options):
        return self.a.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.a.__dlpack_device__()


def memory_map(a, folder):
    np.save(folder / "x.npy", a)
    return np.load(folder / "x.npy", mmap_mode="r")


A = np.random.default_rng(0).integers(-9, 9, (12, 4)) / 4
FORMS = {
    "list of lists": lambda a, f: a.tolist(),
    "tuple of tuples": lambda a, f: tuple(map(tuple, a.tolist())),
    "list of arrays": lambda a, f: list(a),
    "integers and floats": lambda a, f: [[int(v) if v == int(v) else v for v in row] for row in a.tolist()],
    "objects": lambda a, f: a.astype(object),
    "__array__": lambda a, f: HasArray(a),
    "DLPack": lambda a, f: HasDLPack(a),
    "memoryview": lambda a, f: memoryview(a),
    "memory map": memory_map,
    "a subclass": lambda a, f: np.asmatrix(a),
    "long double": lambda a, f: a.astype(np.longdouble),
    "pandas": lambda a, f: pytest.importorskip("pandas").DataFrame(a, columns=list("abcd")),
    "pandas of mixed columns": lambda a, f: pytest.importorskip("pandas").DataFrame(
        {"a": a[:, 0].astype("f4"), "b": a[:, 1], "c": a[:, 2], "d": a[:, 3]}, index=list("mnopqrstuvwx")
    ),
    "polars": lambda a, f: pytest.importorskip("polars").DataFrame(a),
    "torch": lambda a, f: pytest.importorskip("torch").tensor(a, requires_grad=True),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_other_forms(form, dtype, tmp_path):
    net = net_of(4, dtype)
    x = FORMS[form](A, tmp_path)
    copy = A.copy()
    np.testing.assert_array_equal(net.predict(x), net.predict(plain(A, dtype)))
    trained = [net.copy().fit(data, [[0, 1]] * 12, epochs=2, batch_size=5, verbose=0) for data in (x, A)]
    assert trained[0].history == trained[1].history
    np.testing.assert_array_equal(A, copy)


def test_pandas_targets_and_integer_columns():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1, 2, 3, 4], "b": [True, False, True, True], "y": [0, 1, 0, 1]}, index=[9, 7, 5, 3])
    net = cnn.Network([2, 3, 2], output="softmax", seed=0)
    other = net.copy()
    net.fit(table[["a", "b"]], table["y"], epochs=2, verbose=0)
    other.fit([[1, 1], [2, 0], [3, 1], [4, 1]], [0, 1, 0, 1], epochs=2, verbose=0)
    assert bits(net) == bits(other)


@pytest.mark.parametrize(
    "bad",
    [
        [["a", "b"]],
        np.array([[1 + 2j, 0]]),
        np.array([["2020-01-01", "2020-01-02"]], "M8[D]"),
        np.zeros(1, "i4,i4"),
        [[1, 2], [1]],
        "text",
        b"ab",
        object(),
        3.0,
        [1.0, 2.0],
        np.zeros((2, 3)),
        np.zeros((2, 2, 2)),
        None,
    ],
)
def test_what_is_no_data_is_refused_in_a_sentence(bad):
    net = net_of(2, "float32")
    before = bits(net)
    for call in (net.predict, lambda x: net.fit(x, [[0, 0]], verbose=0), lambda x: net.evaluate(x, [[0, 0]])):
        with pytest.raises((TypeError, ValueError), match=r"X|dense") as raised:
            call(bad)
        assert "\n" not in str(raised.value)
    assert bits(net) == before


# ---- fit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=120, deadline=None)
@given(x=arrays(least=1), data=st.data())
def test_fit_sees_what_numpy_sees(dtype, x, data):
    """Inputs, targets and weights of any form train the same bits as plain arrays."""
    n, k = x.shape
    y = LAYOUTS[data.draw(st.sampled_from(sorted(LAYOUTS)))](
        data.draw(numbers(data.draw(st.sampled_from(KINDS)), (n, 2)))
    )
    if y.dtype.kind in "iu" and n == 2:
        y = y.astype(float)
    w = data.draw(st.none() | hnp.arrays(np.dtype("u1"), n, elements=st.integers(1, 5)))
    size = data.draw(st.integers(1, 10))
    kept = x.tobytes(), y.tobytes()
    x.flags.writeable = y.flags.writeable = False
    options = {"epochs": 2, "batch_size": size, "optimizer": cnn.SGD(1e-3), "verbose": 0}
    results = []
    for a, b, c in ((x, y, w), (plain(x, dtype), plain(y, dtype), None if w is None else w.tolist())):
        net = cnn.Network([k, 3, 2], activation="tanh", dtype=dtype, seed=5)
        history = net.fit(a, b, sample_weight=c, **options).history
        results.append((bits(net), history, net.evaluate(a, b, sample_weight=c), net.predict(a).tobytes()))
    assert results[0] == results[1]
    assert (x.tobytes(), y.tobytes()) == kept


@pytest.mark.parametrize("kind", ["u1", "i2", ">f4", "f8"])
def test_a_memory_map_larger_than_a_chunk(kind, tmp_path, isa):
    """Read batch by batch: the same bits as from memory."""
    random = np.random.default_rng(0)
    x = random.integers(0, 100, (60_000, 12)).astype(kind)
    y = random.integers(0, 3, 60_000).astype("u1")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    mapped = [np.load(tmp_path / name, mmap_mode="r") for name in ("x.npy", "y.npy")]
    results = []
    for a, b in ((x, y), mapped):
        net = cnn.Network([cnn.Input((12,)), cnn.Rescale(0.01), cnn.Dense(3, activation="softmax")], seed=1)
        net.fit(a, b, epochs=1, batch_size=2000, verbose=0)
        results.append((bits(net), net.predict(a).tobytes(), net.evaluate(a, b)))
    assert results[0] == results[1]
    assert isinstance(mapped[0], np.memmap)


def test_fit_finds_nan_before_anything_changes(dtype):
    x, y = np.zeros((20, 3), dtype), np.zeros((20, 2), dtype)
    for bad, place in ((np.nan, (17, 2)), (np.inf, (4, 0))):
        for wrong in ("X", "y"):
            a, b = x.copy(), y.copy()
            (a if wrong == "X" else b)[place[0], min(place[1], 1)] = bad
            net = net_of(3, dtype)
            before, history = bits(net), net.history
            with pytest.raises(ValueError, match=rf"{wrong}.*{place[0]}"):
                net.fit(a, b, epochs=1, verbose=0)
            assert bits(net) == before
            assert net.history is history
    assert np.isnan(net_of(3, dtype).predict(np.full((2, 3), np.nan, dtype))).all()
