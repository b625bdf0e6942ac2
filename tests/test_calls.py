"""The calls of `predict` and of a session's `run`: every way to write one gives the same; a result is its caller's alone for as long as
anybody has it, though the memory of small ones is used again."""

import inspect
import threading

import numpy as np
import pytest

import cnn

DTYPES = ["float32", "float64"]
CALLS = ["predict", "run"]


def network(dtype="float32", sizes=(4, 16, 3)):
    return cnn.Network(list(sizes), output="softmax", dtype=dtype, seed=1)


def rows(n, net, seed=0):
    return np.random.default_rng(seed).normal(size=(n, *net.input_shape)).astype(net.dtype)


def caller(net, which):
    return net.predict if which == "predict" else net.session(max_batch=8).run


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", CALLS)
def test_every_way_to_write_a_call(which, dtype):
    net = network(dtype)
    call, x = caller(net, which), rows(1, net)
    word = "X" if which == "predict" else "x"
    wanted = net.forward(x)
    out = np.empty((1, 3), dtype)
    made = "".join(["o", "ut"])  # not interned
    results = [
        call(x),
        call(**{word: x}),
        call(x, out=None),
        call(x, out=out),
        call(x, **{made: out}),
        call(**{word: x, "out": out}),
        call(x.tolist()),
    ]
    if which == "run":
        results += [call(x, None), call(x, out)]
    else:
        results += [
            call(x, batch_size=1),
            call(x, check=False, out=out),
            call(X=x, batch_size=None, lengths=None, out=out),
        ]
    for y in results:
        np.testing.assert_array_equal(y, np.asarray(wanted) if y is not out else out)
        assert y.dtype == dtype and y.shape == (1, 3)
    np.testing.assert_array_equal(out, call(x))


@pytest.mark.parametrize("which", CALLS)
def test_signatures_and_mistakes(which):
    net = network()
    call, owner = caller(net, which), cnn.Network if which == "predict" else type(net.session())
    assert list(inspect.signature(getattr(owner, which)).parameters)[:2] == ["self", "X" if which == "predict" else "x"]
    assert getattr(owner, which).__doc__
    with pytest.raises(TypeError, match=rf"^{which}\(\) takes"):
        call()
    with pytest.raises(TypeError, match=rf"^{which}\(\) got an unexpected keyword argument 'nothing'"):
        call(rows(1, net), nothing=1)
    with pytest.raises(TypeError, match=which):
        getattr(owner, which)(object(), rows(1, net))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", CALLS)
def test_results_stay_as_they_are(which, dtype):
    net = network(dtype)
    call = caller(net, which)
    x = rows(200, net)
    wanted = [np.array(net.forward(x[i : i + 1])) for i in range(200)]
    kept = [call(x[i : i + 1]) for i in range(200)]
    assert len({y.ctypes.data for y in kept}) == 200
    for i, y in enumerate(kept):
        np.testing.assert_array_equal(y, wanted[i])
    views = [call(x[i : i + 1])[0, 1:] for i in range(200)]  # a view keeps its array
    buffers = [memoryview(call(x[i : i + 1])) for i in range(200)]
    for i in range(200):
        np.testing.assert_array_equal(views[i], wanted[i][0, 1:])
        np.testing.assert_array_equal(np.asarray(buffers[i]), wanted[i])
    for i in range(200):
        y = call(x[i : i + 1])
        np.testing.assert_array_equal(y, wanted[i])


@pytest.mark.parametrize("which", CALLS)
def test_memory_is_used_again_only_when_nobody_has_it(which):
    net = network()
    call, x = caller(net, which), rows(1, net)
    y = call(x)
    for _ in range(5):
        y = call(x)  # the one before is still y's while this is made
    places = {call(x).ctypes.data for _ in range(50)}
    assert len(places) <= 2 and y.ctypes.data not in places


@pytest.mark.parametrize("which", CALLS)
def test_a_result_that_its_caller_has_changed(which):
    net = network()
    call, x = caller(net, which), rows(1, net)
    wanted = np.array(call(x))

    def reshape(y):
        y.shape = (3, 1)

    def cast(y):
        y.dtype = np.int32

    for change in (reshape, cast, lambda y: y.setflags(write=False), lambda y: y.fill(np.nan)):
        for _ in range(3):
            y = call(x)
            change(y)
            del y
            z = call(x)
            assert z.shape == (1, 3) and z.dtype == np.float32 and z.flags.writeable
            np.testing.assert_array_equal(z, wanted)
            del z


def test_a_result_as_the_next_input():
    net = network(sizes=(4, 8, 4))
    x = rows(1, net)
    wanted = x
    for _ in range(10):
        wanted = np.array(net.forward(wanted))
        x = net.predict(x)
    np.testing.assert_array_equal(x, wanted)


def test_results_of_threads_are_apart():
    net = network()
    x = rows(64, net)
    wanted = [np.array(net.forward(x[i : i + 1])) for i in range(64)]
    wrong = []

    def work(i):
        for _ in range(500):
            y = net.predict(x[i : i + 1])
            if not np.array_equal(y, wanted[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
