"""Ctrl-C: KeyboardInterrupt soon, the weights of the last whole step, the history so far, and a network that trains on."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import cnn

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
AFTER = 0.12  # seconds of work before the interrupt
SOON = 2.0  # the promise is 0.2; machines that are busy with other things must not fail here


def network(dtype="float32", seed=0, sizes=(40, 64, 5)):
    return cnn.Network(list(sizes), output="softmax", dtype=dtype, seed=seed)


def data(n=2000, k=40):
    random = np.random.default_rng(0)
    return random.normal(size=(n, k)).astype("float32"), random.integers(0, 5, n)


X, Y = data()


def bits(net):
    return b"".join(np.ascontiguousarray(value).tobytes() for value in net.parameters.values())


class Interrupted:
    """with Interrupted(): something long. Ends in the exception of the handler, and tells how long it took to come out."""

    def __init__(self, what=KeyboardInterrupt, after=AFTER):
        self.what, self.after = what, after

    def __enter__(self):
        self.at = None

        def handler(number, frame):
            if self.at is None:
                self.at = self.due
                raise self.what

        self.before = signal.signal(signal.SIGALRM, handler)
        self.due = time.monotonic() + self.after
        signal.setitimer(signal.ITIMER_REAL, self.after)
        return self

    def __exit__(self, kind, error, trace):
        now = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)
        assert kind is self.what, f"it ended by itself after {now - self.due + self.after:.2f} s, or otherwise: {error}"
        self.took = now - self.due
        print(f"{1000 * self.took:.0f} ms after the signal")
        assert self.took < SOON
        return True


class Stop(cnn.Callback):
    """Ends a fit after so many steps of the optimizer."""

    def __init__(self, steps):
        self.left = steps

    def on_train_batch_end(self, batch, logs):
        self.left -= 1
        if self.left <= 0:
            self.network.stop_training = True


def whole_steps(net, start, x=X, y=Y, **options):
    """The weights are those of a fit that is stopped after as many steps."""
    steps = net._trainer.step_count
    assert steps > 0
    assert all(np.isfinite(v).all() for v in net.parameters.values())
    start.fit(x, y, epochs=10**6, callbacks=[Stop(steps)], verbose=0, **options)
    assert start._trainer.step_count == steps
    assert bits(net) == bits(start)
    return steps


@pytest.mark.parametrize("size", [1, 32, 500])
@pytest.mark.parametrize("threads", [1, 2])
def test_fit(size, threads, dtype):
    with cnn.threads(threads):
        net, start = network(dtype), network(dtype)
        options = {"batch_size": size, "optimizer": "adam" if size > 1 else "sgd"}
        with Interrupted():
            net.fit(X, Y, epochs=10**6, verbose=0, **options)
        steps = whole_steps(net, start, **options)
        per_epoch = -(-len(X) // size)
        assert len(net.history) == steps // per_epoch
        assert len(net.history.history.get("loss", [])) == len(net.history)
        # Both go on alike: nothing is left behind but what the steps left.
        before = bits(net)
        start._epochs = net._epochs
        for one in (net, start):
            one.fit(X, Y, epochs=1, batch_size=100, verbose=0)
        assert bits(net) == bits(start) != before
        assert len(net.history) == 1


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adagrad", "adamw", "rprop"])
def test_every_optimizer(optimizer):
    net, start = network(), network()
    with Interrupted():
        net.fit(X, Y, epochs=10**6, optimizer=optimizer, verbose=0)
    whole_steps(net, start, optimizer=optimizer)


def test_lbfgs():
    """Between its evaluations of the whole set: the weights of its last iteration, which are no worse than those before."""
    x, y = data(20_000)
    net = network(sizes=(40, 200, 5))
    first = net.evaluate(x, y)["loss"]
    with Interrupted(after=0.5):
        net.fit(x, y, epochs=10**6, optimizer=cnn.LBFGS(), verbose=0)
    assert all(np.isfinite(v).all() for v in net.parameters.values())
    assert net.evaluate(x, y)["loss"] <= first * (1 + 1e-6)
    net.fit(x[:500], y[:500], epochs=1, verbose=0)


def test_with_metrics_validation_and_callbacks():
    seen = []
    net, start = network(), network()
    with Interrupted():
        net.fit(
            X, Y, epochs=10**6, metrics=["accuracy", "auc"], validation_data=(X, Y), optimizer="adam",
            callbacks=[lambda epoch, logs: seen.append(logs)], verbose=0
        )  # fmt: skip
    told = zip(*net.history.history.values(), strict=True)
    told = [dict(zip(net.history.history, figures, strict=True)) for figures in told]
    assert told[: len(seen)] == seen
    assert len(told) - len(seen) in (0, 1)  # the interrupt may have come between the record and the callback
    assert {"loss", "accuracy", "auc", "lr", "val_loss", "val_accuracy", "val_auc"} == set(seen[-1])
    whole_steps(net, start, optimizer="adam")


def test_in_a_long_validation():
    x, y = np.tile(X, (100, 1)), np.tile(Y, 100)
    net = network(sizes=(40, 512, 512, 5))
    other = network(sizes=(40, 512, 512, 5))
    with Interrupted(after=0.3):
        net.fit(X[:10], Y[:10], epochs=10**6, validation_data=(x, y), verbose=0)
    whole_steps(net, other, X[:10], Y[:10])


def test_batches_of_an_iterable():
    class Batches:
        begun = given = 0

        def __iter__(self):
            type(self).begun += 1
            for i in range(0, 2000, 50):
                self.given += 1
                yield X[i : i + 50], Y[i : i + 50]

    batches, net, start = Batches(), network(), network()
    with Interrupted():
        net.fit(batches, epochs=10**6, optimizer="sgd", verbose=0)
    steps = whole_steps(net, start, batch_size=50, shuffle=False, optimizer="sgd")
    assert batches.given - 1 <= steps <= batches.given
    net.fit(batches, epochs=1, verbose=0)


def test_in_the_user_s_own_code():
    """In an iterable, a callback, a metric, a loss, a layer: the exception passes through the engine."""

    def slow(*arguments):
        time.sleep(0.01)

    def metric(y_true, y_pred):
        slow()
        return 0.0

    def loss(y_true, y_pred):
        slow()
        return ((y_pred - y_true) ** 2).mean(1), 2 * (y_pred - y_true) / y_pred.shape[1]

    def batches():
        while True:
            slow()
            yield X[:50], Y[:50]

    hot = np.eye(5)[Y]
    fits = [
        lambda net: net.fit(batches(), epochs=1, verbose=0),
        lambda net: net.fit(X, Y, epochs=10**6, callbacks=[slow], verbose=0),
        lambda net: net.fit(X, Y, epochs=10**6, metrics=[metric], verbose=0),
        lambda net: net.fit(X, hot, epochs=10**6, loss=loss, verbose=0),
    ]
    for fit in fits:
        net = network()
        start = bits(net)
        with Interrupted():
            fit(net)
        assert bits(net) != start
        assert all(np.isfinite(v).all() for v in net.parameters.values())
        net.fit(X, Y, epochs=1, loss="cross_entropy", metrics=[], verbose=0)
    layer = cnn.Function(lambda x: (slow(), x)[1], lambda x, y, dy: dy)
    net = cnn.Network([cnn.Input((40,)), layer, cnn.Dense(5, activation="softmax")], seed=0)
    with Interrupted():
        net.fit(X, Y, epochs=10**6, verbose=0)
    with Interrupted():
        while True:
            net.predict(X)


def test_before_the_first_epoch_s_end_there_is_no_history():
    x, y = data(400_000)
    net, start = network(sizes=(40, 256, 5)), network(sizes=(40, 256, 5))
    kept = net.fit(X, Y, epochs=2, optimizer="sgd", verbose=0)
    start.fit(X, Y, epochs=2, optimizer="sgd", verbose=0)
    before = net._trainer.step_count
    with Interrupted(after=0.4):
        net.fit(x, y, epochs=10**6, batch_size=20, verbose=0)
    assert len(kept) == 2
    steps = net._trainer.step_count - before
    if 0 < steps < 20_000:
        start.fit(x, y, epochs=1, batch_size=20, callbacks=[Stop(steps)], verbose=0)
        assert bits(net) == bits(start)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_long_prediction(threads):
    net = network(sizes=(40, 1024, 1024, 5))
    x = np.broadcast_to(X[0], (400_000, 40))
    with cnn.threads(threads):
        for call in (
            lambda: net.predict(x),
            lambda: net.predict(np.ascontiguousarray(x)),
            lambda: net.predict(x, batch_size=1000),
        ):
            with Interrupted(after=0.3):
                while True:
                    call()
    assert np.isfinite(net.predict(X)).all()
    net.fit(X[:50], Y[:50], epochs=1, verbose=0)


def test_a_long_evaluation():
    net = network(sizes=(40, 1024, 1024, 5))
    x, y = np.broadcast_to(X[0], (400_000, 40)), np.zeros(400_000, int)
    before = bits(net)
    with Interrupted(after=0.3):
        net.evaluate(x, y)
    assert bits(net) == before
    assert np.isfinite(net.evaluate(X, Y)["loss"])


def test_a_long_step():
    """One batch of many rows is looked into: the unfinished step is dropped before its update."""
    net = network(sizes=(40, 1024, 1024, 5))
    x, y = np.broadcast_to(X[0], (20_000, 40)), np.zeros(20_000, int)
    before = bits(net)
    with Interrupted(after=0.3):
        net.fit(x, y, epochs=10**6, batch_size=20_000, verbose=0)
    assert (bits(net) != before) == (net._trainer is not None and net._trainer.step_count > 0)
    net.fit(X[:50], Y[:50], epochs=1, verbose=0)


def test_another_exception_of_a_handler():
    """Whatever a handler raises comes out; a handler that raises nothing is called, and the fit goes on."""
    net, start = network(), network()
    with Interrupted(TimeoutError):
        net.fit(X, Y, epochs=10**6, optimizer="sgd", verbose=0)
    whole_steps(net, start, optimizer="sgd")
    called = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: called.append(time.monotonic()))
    try:
        alone, net = network(), network()
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        epochs = 0
        while len(called) < 4:
            net.fit(X, Y, epochs=20, verbose=0)
            epochs += 20
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    for _ in range(epochs // 20):
        alone.fit(X, Y, epochs=20, verbose=0)
    assert bits(net) == bits(alone)


def test_early_stopping_restores_the_best_weights():
    net = network()
    best = {}

    class Watch(cnn.Callback):
        def on_epoch_end(self, epoch, logs):
            if not best or logs["val_loss"] < best["loss"]:
                best.update(loss=logs["val_loss"], bits=bits(self.network))

    stopping = cnn.EarlyStopping(patience=10**6)
    with Interrupted():
        net.fit(X, Y, epochs=10**6, validation_split=0.5, callbacks=[Watch(), stopping], verbose=0)
    assert bits(net) == best["bits"]


def test_ctrl_c_from_another_thread():
    """SIGINT itself, with Python's own handler, sent to this process."""
    net, start = network(), network()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(AFTER, lambda: os.kill(os.getpid(), signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            net.fit(X, Y, epochs=10**6, optimizer="sgd", verbose=0)
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    whole_steps(net, start, optimizer="sgd")


def test_a_fit_in_a_thread_is_not_interrupted_but_the_main_one_is():
    net = network()
    stop = Stop(10**9)
    worker = threading.Thread(target=lambda: net.fit(X, Y, epochs=10**6, callbacks=[stop], verbose=0), daemon=True)
    worker.start()
    with Interrupted():
        while True:
            time.sleep(0.01)
    assert worker.is_alive()
    stop.left = 0
    worker.join(30)
    assert not worker.is_alive()


PROGRAM = """
import os, sys, time
import numpy as np
import cnn
random = np.random.default_rng(0)
x, y = random.normal(size=(2000, 40)).astype("float32"), random.integers(0, 5, 2000)
net = cnn.Network([40, 64, 5], output="softmax", seed=0)
print("ready", flush=True)
try:
    net.fit(x, y, epochs=10**7, verbose={verbose})
except KeyboardInterrupt:
    done = len(net.history.history["loss"])
    ok = all(np.isfinite(v).all() for v in net.parameters.values()) and done == len(net.history) == net._epochs
    net.fit(x, y, epochs=1, verbose=0)
    print("done" if ok and np.isfinite(net.predict(x)).all() else "wrong", flush=True)
"""


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_program(verbose):
    """As at a terminal: SIGINT to a process."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM.format(verbose=verbose))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.4)
        child.send_signal(signal.SIGINT)
        start = time.monotonic()
        out, complaint = child.communicate(timeout=30)
        print(f"{1000 * (time.monotonic() - start):.0f} ms until its end")
    finally:
        child.kill()
        child.wait()
    assert out == "done\n", complaint
    assert child.returncode == 0
