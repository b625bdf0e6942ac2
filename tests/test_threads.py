"""Threads: many may predict, one may train, whoever comes in between is told."""

import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import cnn

X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
Y = np.arange(64) % 4
SECONDS = 60  # nothing here takes one; what does hangs


def network(dtype="float32", seed=0, **options):
    return cnn.Network([6, 16, 4], output="softmax", dtype=dtype, seed=seed, **options)


def bits(net):
    return b"".join(np.ascontiguousarray(value).tobytes() for value in net.parameters.values())


def run(*functions):
    """Each in a thread of its own, all begun at once; their results, or the first error."""
    barrier, results, errors = threading.Barrier(len(functions)), [None] * len(functions), []

    def body(i):
        try:
            barrier.wait(SECONDS)
            results[i] = functions[i]()
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=body, args=(i,), daemon=True) for i in range(len(functions))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(SECONDS)
        assert not worker.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]
    return results


def in_thread(function):
    return run(function)[0]


def python(code, expect=0, **environment):
    """A process of its own; (what it wrote, what it complained of)."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, **environment},
    )
    assert done.returncode == expect, done.stderr
    return done.stdout.strip(), done.stderr


class Paused(cnn.Callback):
    """Stops a fit in the middle of its second epoch, until told to go on."""

    def __init__(self):
        self.reached, self.go = threading.Event(), threading.Event()
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs):
        if batch == 1 and self.epoch == 1:
            self.reached.set()
            assert self.go.wait(SECONDS)


# ---- Readers


@pytest.mark.parametrize("pool", [1, 2, 3])
def test_many_threads_predict_on_one_network(pool, dtype, isa):
    net = network(dtype)
    x = np.tile(X, (10, 1)).astype(dtype)
    wide = cnn.Network([6, 200, 200, 4], dtype=dtype, seed=1)
    jobs = [(net, x), (net, x[:1]), (net, x[5:9]), (wide, x), (net, x[::-3]), (wide, x[:64])]
    with cnn.threads(pool):
        expected = [a.predict(b) for a, b in jobs]

        def work(first):
            for i in range(12):
                a, b = jobs[(i + first) % len(jobs)]
                np.testing.assert_array_equal(a.predict(b), expected[(i + first) % len(jobs)])

        run(*(lambda i=i: work(i) for i in range(6)))


def test_many_threads_read_in_every_way(tmp_path):
    net = network()
    net.fit(X, Y, epochs=1, verbose=0)
    before, figures, gradient = bits(net), net.evaluate(X, Y), net.gradients(X, Y)[0]
    net.save(tmp_path / "0.cnn")  # what a file says beside the values is written into the network once

    def work(i):
        for _ in range(10):
            assert bits(net.copy()) == before
            net.save(tmp_path / f"{i}.cnn")
            assert bits(cnn.load(tmp_path / f"{i}.cnn")) == before
            assert net.session(64).run(X).tobytes() == net.predict(X).tobytes()
            net.activations(X)
            str(net)
            assert net.evaluate(X, Y) == figures
            assert net.gradients(X, Y)[0] == gradient

    run(*(lambda i=i: work(i) for i in range(6)))
    assert bits(net) == before


def test_one_session_a_thread():
    net = network()
    expected = net.predict(X)

    def work():
        session, out = net.session(64), np.empty((64, 4), "float32")
        for _ in range(200):
            session.run(X, out=out)
            np.testing.assert_array_equal(out, expected)

    run(*[work] * 6)


# ---- A writer


def test_whoever_finds_a_writer_is_told(tmp_path):
    net, other = network(), network(seed=1)
    paused = Paused()
    alone = network()
    alone.fit(X, Y, epochs=3, batch_size=8, verbose=0)
    worker = threading.Thread(
        target=lambda: net.fit(X, Y, epochs=3, batch_size=8, callbacks=[paused], verbose=0), daemon=True
    )
    before = net.copy()
    worker.start()
    assert paused.reached.wait(SECONDS)
    try:
        calls = {
            "predict": lambda: net.predict(X),
            "predict one": lambda: net.predict(X[:1]),
            "predict any": lambda: net.predict(X.tolist()),
            "feedforward": lambda: net.feedforward(X[0]),
            "classify": lambda: net.classify(X),
            "fit": lambda: net.fit(X, Y, epochs=1, verbose=0),
            "train": lambda: net.train(X, np.eye(4)[Y], epochs=1),
            "fit otherwise": lambda: net.fit(X, np.eye(4)[Y], optimizer="sgd", loss="mse", metrics=["mae"], verbose=0),
            "partial_fit": lambda: net.partial_fit(X, Y),
            "partial_fit otherwise": lambda: net.partial_fit(X, np.eye(4)[Y], optimizer="sgd", loss="mse"),
            "evaluate": lambda: net.evaluate(X, Y),
            "gradients": lambda: net.gradients(X, Y),
            "forward": lambda: net.forward(X),
            "activations": lambda: net.activations(X),
            "copy": lambda: net.copy(),
            "save": lambda: net.save(tmp_path / "x.cnn"),
            "copy_from": lambda: net.copy_from(other),
            "copied from": lambda: other.copy_from(net),
            "session": lambda: net.session(),
            "reset": lambda: net.reset(),
            "freeze": lambda: net.freeze(),
        }
        for name, call in calls.items():
            with pytest.raises(cnn.BusyError) as raised:
                call()
            assert "net.copy()" in str(raised.value), name
            assert "\n" not in str(raised.value)
        before.predict(X)  # the copy made before
        other.fit(X, Y, epochs=1, verbose=0)
    finally:
        paused.go.set()
        worker.join(SECONDS)
    assert not worker.is_alive()
    assert len(net.history) == 3
    assert bits(net) == bits(alone)  # the others did no harm
    assert (net.loss, net.metrics, net.optimizer.kind) == (alone.loss, alone.metrics, "adam")
    np.testing.assert_array_equal(net.predict(X), alone.predict(X))
    net.fit(X, Y, epochs=1, verbose=0)


def test_callbacks_of_a_fit_may_read(tmp_path):
    seen = []

    class Reader(cnn.Callback):
        def on_epoch_end(self, epoch, logs):
            net = self.network
            copy = net.copy()
            np.testing.assert_array_equal(net.predict(X), copy.predict(X))
            figures = net.evaluate(X, Y)
            assert figures["loss"] == pytest.approx(logs["val_loss"], rel=1e-6)
            net.gradients(X, Y)
            net.feedforward(X[0])
            net.activations(X)
            net.session(2).run(X[:2])
            net.save(tmp_path / "x.cnn", training_state=True)
            assert bits(cnn.load(tmp_path / "x.cnn")) == bits(net)
            seen.append(figures)

        def on_train_batch_end(self, batch, logs):
            self.network.predict(X[:3])

        def on_train_batch_begin(self, batch, logs):
            self.network.predict(X)

        def on_train_begin(self, logs):
            self.network.evaluate(X, Y)

    options = {"epochs": 4, "batch_size": 16, "validation_data": (X, Y), "verbose": 0}
    net, alone = network(), network()
    net.fit(X, Y, callbacks=[Reader()], **options)
    alone.fit(X, Y, **options)
    assert len(seen) == 4
    assert bits(net) == bits(alone)


@pytest.mark.parametrize("name", ["fit", "partial_fit", "reset", "freeze"])
def test_a_callback_cannot_train_the_network_that_trains(name):
    net = network()

    def callback(epoch, logs):
        call = {"fit": net.fit, "partial_fit": net.partial_fit}.get(name)
        call(X, Y) if call else getattr(net, name)()

    with pytest.raises(cnn.BusyError):
        net.fit(X, Y, epochs=3, callbacks=[callback], verbose=0)
    assert len(net.history) == 1
    net.fit(X, Y, epochs=1, verbose=0)


def test_a_callback_may_train_another_network():
    net, other, alone = network(), network(seed=1), network(seed=1)
    net.fit(X, Y, epochs=3, callbacks=[lambda epoch, logs: other.partial_fit(X, Y)], verbose=0)
    for _ in range(3):
        alone.partial_fit(X, Y)
    assert bits(other) == bits(alone)


class Held:
    """The code of a Function layer: a prediction that lasts until it is told to go on."""

    def __init__(self):
        self.inside, self.go, self.hold = threading.Event(), threading.Event(), True

    def forward(self, x):
        if self.hold:
            self.inside.set()
            assert self.go.wait(SECONDS)
        return x

    def backward(self, x, y, dy):
        return dy


def test_a_writer_waits_for_readers():
    held = Held()
    net = cnn.Network(
        [cnn.Input((6,)), cnn.Function(held.forward, held.backward), cnn.Dense(4, activation="softmax")], seed=0
    )
    before = bits(net)
    order, ticks = [], []

    def reading():
        result = net.predict(X)
        order.append("read")
        return result

    def writing():
        assert held.inside.wait(SECONDS)
        held.hold = False
        net.fit(X, Y, epochs=1, verbose=0)
        order.append("written")

    def watching():
        """The writer waits without the interpreter lock: others run, and find it; then the reader may go on."""
        assert held.inside.wait(SECONDS)
        for _ in range(20):
            ticks.append(threading.Event().wait(0.005))
        assert bits(net) == before
        assert order == []
        held.go.set()

    result = run(reading, writing, watching)[0]
    assert order == ["read", "written"]
    assert len(ticks) == 20
    fresh = cnn.Network([cnn.Input((6,)), cnn.Dense(4, activation="softmax")], seed=0)
    numbers = np.frombuffer(before, "f4")
    fresh.set_parameters({"dense_1.weight": numbers[:24].reshape(4, 6), "dense_1.bias": numbers[24:]})
    np.testing.assert_array_equal(result, fresh.predict(X))
    assert bits(net) != before


def test_a_layer_that_trains_its_own_network_is_told():
    net = None

    def forward(x):
        net.fit(X, Y, epochs=1, verbose=0)
        return x

    net = cnn.Network([cnn.Input((6,)), cnn.Function(forward, lambda x, y, dy: dy), cnn.Dense(4, activation="softmax")])
    with pytest.raises(cnn.BusyError):
        net.predict(X)
    with pytest.raises(cnn.BusyError):
        net.fit(X, Y, epochs=1, verbose=0)


def test_readers_and_writers_that_come_as_they_like():
    """Nobody hangs or crashes; each call works or says that the network is busy; the steps are all there."""
    net = network()
    net.fit(X, Y, epochs=1, verbose=0)
    done, busy = [0] * 6, [0] * 6

    def work(i):
        for _ in range(60):
            try:
                if i % 2:
                    assert np.isfinite(net.predict(X)).all()
                else:
                    net.partial_fit(X, Y)
                done[i] += 1
            except cnn.BusyError:
                busy[i] += 1

    start = net._trainer.step_count
    run(*(lambda i=i: work(i) for i in range(6)))
    assert [a + b for a, b in zip(done, busy, strict=True)] == [60] * 6
    assert net._trainer.step_count - start == sum(done[::2])
    net.partial_fit(X, Y)


def test_two_fits_at_once_are_one():
    for _ in range(20):
        net = network()

        def fit(net=net):
            try:
                return net.fit(X, Y, epochs=3, batch_size=8, optimizer="sgd", verbose=0)
            except cnn.BusyError:
                return None

        done = [h for h in run(fit, fit, fit) if h is not None]
        alone = network()
        alone.optimizer = "sgd"
        for _ in done:
            alone.optimizer = "sgd"
            alone.fit(X, Y, epochs=3, batch_size=8, verbose=0)
        assert done
        assert net.history in done
        assert bits(net) == bits(alone)


@pytest.mark.parametrize("pool", [1, 2, 4])
def test_networks_train_side_by_side(pool, dtype, isa):
    x, y = np.tile(X, (4, 1)).astype(dtype), np.tile(Y, 4)

    def train(seed):
        net = cnn.Network([6, 128, 128, 4], output="softmax", dtype=dtype, seed=seed)
        net.fit(x, y, epochs=3, batch_size=64, verbose=0)
        return bits(net), net.predict(x).tobytes()

    with cnn.threads(pool):
        alone = [train(seed) for seed in range(4)]
        assert run(*(lambda s=s: train(s) for s in range(4))) == alone


def test_threads_are_set_while_others_work():
    """A fit takes the number that there is when it begins; none of it shows."""
    before = cnn.get_num_threads()
    x = np.random.default_rng(1).normal(size=(600, 100)).astype("float32")

    def train():
        net = cnn.Network([100, 200, 4], output="softmax", seed=0)
        for _ in range(6):
            net.fit(x, np.arange(600) % 4, epochs=1, batch_size=200, verbose=0)
        return bits(net)

    def change():
        for i in range(200):
            cnn.set_num_threads(1 + i % 5)
            assert cnn.get_num_threads() == 1 + i % 5

    try:
        assert run(train, change, train)[0] == train()
    finally:
        cnn.set_num_threads(before)


def test_a_view_is_used_in_another_thread_while_the_network_goes():
    def make():
        net = network()
        view = net.parameters["dense_1.weight"]
        return net, view

    for _ in range(20):
        net, view = make()
        total = float(view.sum())
        start, net_box = threading.Event(), [net]
        del net

        def use(view=view, total=total, start=start):
            start.set()
            for _ in range(100):
                assert float(view.sum()) == total
            view += 1

        def drop(start=start, box=net_box):
            assert start.wait(SECONDS)
            box.clear()

        run(use, drop)
        np.testing.assert_allclose(float(view.sum()), total + view.size, rtol=1e-4)


def test_an_error_in_a_callback_of_a_thread_comes_out_there():
    def fail(epoch, logs):
        raise LookupError("gone")

    def bad():
        net = network()
        with pytest.raises(LookupError, match="gone"):
            net.fit(X, Y, epochs=2, callbacks=[fail], verbose=0)
        assert len(net.history) == 1
        return True

    def good():
        net = network()
        net.fit(X, Y, epochs=20, callbacks=[lambda epoch, logs: None], verbose=0)
        return len(net.history)

    assert run(bad, good, bad, good) == [True, 20, True, 20]
