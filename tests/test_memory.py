"""Memory: none grows, none is taken in a warm step or prediction, a view keeps what it shows, and too little of it is an error that
leaves everything as it was."""

import copy
import gc
import pickle
import sys
import tracemalloc
import weakref

import numpy as np
import pytest

import cnn
from cnn import _core

X = np.random.default_rng(0).normal(size=(24, 5)).astype("float32")
Y = np.arange(24) % 3


def made():
    return _core.allocations()[0]


def alive():
    gc.collect()
    return _core.allocations()[1]


def network(dtype="float32", **options):
    return cnn.Network([5, 8, 3], output="softmax", dtype=dtype, seed=0, **options)


def bits(net):
    return b"".join(np.ascontiguousarray(value).tobytes() for value in net.parameters.values())


def resident():
    """Bytes, of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


# ---- No growth


def test_nothing_grows_over_ten_thousand_calls():
    net = network()
    out = np.empty((24, 3), "float32")

    def once():
        net.fit(X, Y, epochs=1, batch_size=24, verbose=0)
        net.predict(X)
        net.predict(X[0:1], out=out[0:1])

    for _ in range(300):
        once()
    before, start = alive(), resident() if sys.platform == "linux" else 0
    tracemalloc.start()
    try:
        for _ in range(500):
            once()
        gc.collect()
        traced = tracemalloc.get_traced_memory()[0]
        for _ in range(1500):
            once()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - traced < 20_000
    finally:
        tracemalloc.stop()
    for _ in range(8000):
        once()
    assert alive() == before
    if sys.platform == "linux":
        assert resident() - start < 8_000_000


def refused(call, *arguments, **options):
    with pytest.raises((ValueError, MemoryError)):
        call(*arguments, **options)


OTHERS = {
    "evaluate": lambda net: net.evaluate(X, Y, metrics=["auc", "f1", "r2", lambda t, p: 0.0]),
    "gradients": lambda net: net.gradients(X, Y),
    "partial_fit": lambda net: net.partial_fit(X, Y),
    "predict of lists": lambda net: net.predict(X.tolist()),
    "forward and backward": lambda net: (net.forward(X), net.backward(np.ones((24, 3), "float32")), net.step()),
    "copy": lambda net: net.copy().predict(X),
    "pickle": lambda net: pickle.loads(pickle.dumps(net)).predict(X),
    "views": lambda net: [v.sum() for v in net.parameters.values()],
    "session": lambda net: net.session(24).run(X),
    "activations": lambda net: net.activations(X),
    "a new network": lambda net: network("float64").predict(X),
    "an error": lambda net: refused(net.fit, X, Y + 1, verbose=0),
    "another error": lambda net: refused(net.predict, X[:, :2]),
    "a build that fails": lambda net: refused(cnn.Network, [5, 2**40, 3]),
    "validation and metrics": lambda net: net.fit(
        X, Y, epochs=1, validation_split=0.3, metrics=["auc", "recall"], verbose=0
    ),
    "another optimizer": lambda net: net.fit(X, Y, epochs=1, optimizer=cnn.LBFGS(), verbose=0),
    "batches": lambda net: net.fit([(X[:9], Y[:9]), (X[9:], Y[9:])], epochs=2, verbose=0),
    "instruction sets": lambda net: [(cnn.cpu.use(i), net.predict(X)) for i in [*cnn.cpu.available(), None]],
}


@pytest.mark.parametrize("name", OTHERS)
def test_no_other_call_leaves_anything(name):
    net = network()
    for _ in range(3):
        OTHERS[name](net)
    before = alive()
    for _ in range(20):
        OTHERS[name](net)
    assert alive() == before


def test_everything_goes_with_the_network(tmp_path):
    before = alive()
    for dtype in ("float32", "float64"):
        net = network(dtype)
        net.fit(X, Y, epochs=2, metrics=["auc"], validation_split=0.2, verbose=0)
        session = net.session(4)
        net.save(tmp_path / "x.cnn", training_state=True)
        other = cnn.load(tmp_path / "x.cnn")
        other.fit(X, Y, epochs=1, verbose=0)
        refs = [weakref.ref(net), weakref.ref(other)]
        del net, other, session
        gc.collect()
        assert [r() for r in refs] == [None, None]
    assert alive() == before


# ---- Nothing taken in a warm call


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop", "adagrad", "rprop"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_warm_step_takes_nothing(optimizer, threads, dtype, isa):
    with cnn.threads(threads):
        net = cnn.Network(
            [cnn.Input((5,)), cnn.Dense(64, activation="relu"), cnn.Dropout(0.2), cnn.Dense(3, activation="softmax")],
            dtype=dtype,
            seed=0,
        )
        x, y = np.tile(X, (20, 1)), np.tile(Y, 20)
        counts = []

        class Count(cnn.Callback):
            def on_train_batch_end(self, batch, logs):
                counts.append(made())

        net.fit(
            x,
            y,
            epochs=3,
            optimizer=optimizer,
            callbacks=[Count()],
            metrics=["accuracy", "auc"],
            validation_split=0.2,
            verbose=0,
        )
        assert len(set(counts)) == 1
        counts.clear()
        net.fit(
            x[:, ::-1].astype("int8"), y.astype("u1"), epochs=3, callbacks=[Count()], verbose=0
        )  # converted as they are gathered
        assert len(set(counts[1:])) == 1
        net.partial_fit(x, y)
        before = made()
        for rows in (480, 1, 7, 480):
            net.partial_fit(x[:rows], y[:rows])
        assert made() == before


def test_a_warm_prediction_takes_nothing(dtype, isa):
    net = network(dtype)
    x = np.tile(X, (100, 1)).astype(dtype)
    out = np.empty((len(x), 3), dtype)
    net.predict(x)
    net.predict(x[:1])
    session = net.session(64)
    before = made()
    for _ in range(3):
        net.predict(x)
        net.predict(x, out=out)
        net.predict(x[:1])
        net.predict(x[7:13], out=out[7:13])
        net.predict(x[::-1])
        net.predict(x.tolist()[:3])
        net.predict(x.astype("float16"), batch_size=100)
        session.run(x[:64])
        session.refresh()
        net.parameters["dense_1.weight"][0, 0] += 1
    assert made() == before


# ---- Views


def test_a_view_keeps_the_memory_it_shows(dtype):
    before = alive()
    net = network(dtype)
    net.fit(X, Y, epochs=1, verbose=0)
    views = net.parameters
    values = {name: view.copy() for name, view in views.items()}
    part = views["dense_1.weight"][1:3, ::2]
    gone = weakref.ref(net)
    del net
    gc.collect()
    junk = [network(dtype) for _ in range(20)]
    for name, view in views.items():
        np.testing.assert_array_equal(view, values[name])
        view += 1
        np.testing.assert_array_equal(view, values[name] + 1)
    del view, views, junk
    gc.collect()
    part[...] = 7
    assert (part == 7).all()
    del part
    gc.collect()
    assert gone() is None
    assert alive() == before


def test_views_of_one_block_are_one_memory(dtype):
    net = network(dtype)
    a, b = net.parameters["dense_2.weight"], net.layer("dense_2").weight
    before = net.predict(X)
    a[...] = 0
    assert not b.any()
    assert np.shares_memory(a, b)
    assert a.flags.writeable
    assert a.flags.c_contiguous
    assert a.ctypes.data % a.itemsize == 0
    after = net.predict(X)
    assert (before != after).any()
    np.testing.assert_allclose(after, np.full((24, 3), 1 / 3), rtol=1e-6)
    net.fit(X, Y, epochs=1, verbose=0)  # a step is seen in the view
    assert b.any()
    assert net.layer("dense_2").neurons[1].weights.base is not None
    net.layer("dense_2").neurons[1].weights[0] = 5
    assert a[1, 0] == 5


def test_versions_count_changes_and_released_views():
    net = network()
    seen = [net._version]

    def grew():
        gc.collect()
        seen.append(net._version)
        return seen[-1] > seen[-2]

    net.predict(X)
    net.evaluate(X, Y)
    assert not grew()
    view = net.parameters["dense_1.weight"]
    view[0, 0] = 1
    del view
    assert grew()
    for change in (
        lambda: net.fit(X, Y, epochs=1, verbose=0),
        lambda: net.partial_fit(X, Y),
        lambda: net.set_parameters(network().parameters),
        lambda: net.copy_from(network(), 0.5),
        net.reset,
    ):
        change()
        assert grew()
    net.predict(X)
    copy.copy(net)
    net.evaluate(X, Y)
    assert not grew()


# ---- Not enough


def every_failure(prepare, act, check, limit=400):
    """Lets the first allocation of act(prepare()) fail, then the second, ...; after each the state must be as before. How many failed."""
    act(prepare())  # what is made once a process is there
    gc.collect()
    failures = 0
    for k in range(limit):
        state = prepare()
        before, count = alive(), made()
        _core.fail_allocation_after(k)
        try:
            result = act(state)
        except MemoryError as error:
            _core.fail_allocation_after(-1)
            assert str(error)
            assert "\n" not in str(error)
            failures += 1
            del error
            check(state)
        else:
            _core.fail_allocation_after(-1)
            if made() - count < k:
                return failures
            del result
        finally:
            _core.fail_allocation_after(-1)
        del state
        gc.collect()
        assert alive() <= before, k
    raise AssertionError(f"still failing after {limit} allocations")


def graph_network():
    x = cnn.Input((5,))
    shared = cnn.Dense(4, activation="tanh", init="orthogonal")
    a, b = shared(x), cnn.Dense(4)(cnn.Dropout(0.3)(x))
    y = cnn.Dense(3, activation="softmax")(cnn.Concat()([a, cnn.Multiply()([a, b])]))
    return cnn.Network(inputs=x, outputs=y, seed=0)


BUILDS = {
    "sizes": lambda _: network(),
    "orthogonal": lambda _: network("float64", init="orthogonal"),
    "graph": lambda _: graph_network(),
    "surgery": lambda _: cnn.Network([cnn.Input((5,)), cnn.Dense(4), cnn.Rescale(2.0), cnn.Dense(2)], seed=0),
}


@pytest.mark.parametrize("what", BUILDS)
def test_a_build_without_memory(what):
    assert every_failure(lambda: None, BUILDS[what], lambda _: None) > 3


def fitted(kind=network):
    net = kind()
    net.fit(X, Y, epochs=1, batch_size=10, verbose=0)
    return net


class State:
    """A network, its bits, and what it predicts."""

    def __init__(self, net):
        self.net, self.bits, self.y = net, bits(net), net.copy().predict(X)
        self.history, self.optimizer = net.history, net.optimizer

    def check(self):
        net = self.net
        assert bits(net) == self.bits
        assert net.history is self.history
        assert net.optimizer is self.optimizer
        np.testing.assert_array_equal(net.predict(X), self.y)
        net.fit(X, Y, epochs=1, verbose=0)
        assert bits(net) != self.bits


ACTS = {
    "fit": lambda net: net.fit(X, Y, epochs=2, batch_size=7, metrics=["accuracy"], verbose=0),
    "fit with everything": lambda net: net.fit(
        X.astype("f8")[:, ::-1],
        Y,
        epochs=1,
        batch_size=24,
        metrics=["auc", "f1", "r2"],
        validation_split=0.25,
        sample_weight=np.arange(1, 25),
        optimizer=cnn.Adam(clip_norm=1.0),
        loss=cnn.losses.CrossEntropy(label_smoothing=0.1),
        verbose=0,
    ),
    "lbfgs": lambda net: net.fit(X, Y, epochs=1, optimizer=cnn.LBFGS(), verbose=0),
    "partial_fit": lambda net: net.partial_fit(X, Y, optimizer="rmsprop"),
    "predict": lambda net: net.predict(X),
    "predict one": lambda net: net.predict(X[:1]),
    "predict lists": lambda net: net.predict(X.tolist()),
    "evaluate": lambda net: net.evaluate(X, Y, metrics=["auc", "accuracy", "precision", lambda t, p: 0.0]),
    "gradients": lambda net: net.gradients(X, Y),
    "forward": lambda net: (net.forward(X), net.backward(np.ones((24, 3)))),
    "copy": lambda net: net.copy(),
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
    "session": lambda net: net.session(8).run(X[:8]),
    "activations": lambda net: net.activations(X),
    "surgery": lambda net: cnn.Network([cnn.Input((5,)), *net.layers[:1], cnn.Dense(2)]),
    "freeze": lambda net: (net.freeze("dense_1"), net.unfreeze()),
    "copy_from": lambda net: net.copy_from(net.copy(), 0.5),
}


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("what", ACTS)
def test_a_call_without_memory_changes_nothing(what, warm):
    def prepare():
        return State(fitted(graph_network) if warm else graph_network())

    every_failure(prepare, lambda state: ACTS[what](state.net), State.check)


def test_saving_and_loading_without_memory(tmp_path):
    path = tmp_path / "net.cnn"
    fitted().save(path, training_state=True)
    whole = path.read_bytes()

    def prepare():
        path.write_bytes(whole)
        return State(fitted())

    def check(state):
        assert path.read_bytes() == whole
        assert [p.name for p in tmp_path.iterdir()] == ["net.cnn"]
        state.check()

    assert every_failure(prepare, lambda state: state.net.save(path, training_state=True), check) > 0
    path.write_bytes(whole)
    assert every_failure(prepare, lambda state: cnn.load(path), check) > 3
    assert (
        every_failure(
            prepare,
            lambda state: state.net.fit(X, Y, epochs=3, batch_size=10, resume=path, verbose=0),
            lambda state: path.stat(),
            500,
        )
        > 3
    )


@pytest.mark.parametrize(
    "sizes",
    [
        [2, 2**40, 1],
        [2**40, 2**40, 1],
        [2, 2**62, 4],
        [2, 2**64, 4],
        [2**31, 2**31],
        [2, 2**63 - 1],
        [2**32, 2**32, 2**32],
    ],
)
def test_absurd_sizes_are_refused_at_once(sizes, dtype):
    before = alive()
    with pytest.raises((MemoryError, ValueError)) as raised:
        cnn.Network(sizes, dtype=dtype)
    assert "\n" not in str(raised.value)
    del raised
    assert alive() == before


def test_absurd_numbers_of_rows_and_epochs_are_refused_at_once():
    net = network()
    before = bits(net)
    with pytest.raises((MemoryError, ValueError)):
        net.fit(X, Y, epochs=2**60, verbose=0)
    with pytest.raises((MemoryError, ValueError)):
        net.predict(np.broadcast_to(np.float32(0), (2**45, 5)))
    with pytest.raises((MemoryError, ValueError)):
        net.fit([(X, Y)], batch_size=2**50, verbose=0)
    assert bits(net) == before
    net.fit(X, Y, epochs=1, batch_size=2**50, verbose=0)  # more than there are rows: all of them
