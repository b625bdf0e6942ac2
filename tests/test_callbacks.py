"""Callbacks, progress, history, interrupts, resuming."""

import _thread
import io
import threading
import time

import numpy as np
import pytest

import cnn

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X @ [1.0, 2.0, 3.0]


def make(seed=0):
    return cnn.Network([3, 4, 1], seed=seed)


def test_protocol():
    calls = []

    class Recorder(cnn.Callback):
        def on_train_begin(self, logs):
            calls.append("begin")

        def on_epoch_begin(self, epoch, logs):
            calls.append(("epoch", epoch))

        def on_train_batch_begin(self, batch, logs):
            calls.append(("batch", batch))

        def on_train_batch_end(self, batch, logs):
            assert set(logs) == {"loss"}
            calls.append(("batch end", batch))

        def on_epoch_end(self, epoch, logs):
            assert {"loss", "val_loss", "lr"} <= set(logs)
            self.network.predict(X)  # they may predict and evaluate
            assert self.network.evaluate(X, Y)["loss"] == pytest.approx(logs["val_loss"], rel=1e-5)
            calls.append(("epoch end", epoch))

        def on_train_end(self, logs):
            calls.append("end")

    plain = []
    net = make()
    net.fit(
        X,
        Y,
        epochs=1,
        batch_size=20,
        validation_data=(X, Y),
        callbacks=[Recorder(), lambda epoch, logs: plain.append((epoch, logs["loss"]))],
    )
    one = [("batch", 0), ("batch end", 0), ("batch", 1), ("batch end", 1)]
    assert calls == ["begin", ("epoch", 0), *one, ("epoch end", 0), "end"]
    assert plain == [(0, net.history.history["loss"][0])]
    net.fit(X, Y, epochs=1, callbacks=[lambda epoch, logs: plain.append((epoch, 0))])
    assert plain[-1][0] == 1  # epochs count on


def test_stop_and_lr():
    def stop(epoch, logs):
        net.optimizer.lr = 0.5 / (epoch + 2)
        net.stop_training = epoch == 2

    net = make()
    history = net.fit(X, Y, epochs=10, optimizer=cnn.SGD(0.01), callbacks=stop)
    assert history.epoch == [0, 1, 2] and history.history["lr"] == pytest.approx([0.01, 0.25, 0.5 / 3])
    scheduled = make()

    def fix(epoch, logs):
        scheduled.optimizer.lr = 0.125

    history = scheduled.fit(X, Y, epochs=3, optimizer=cnn.SGD(cnn.schedules.Exponential(0.01, 0.5)), callbacks=[fix])
    assert history.history["lr"][1:] == [0.125, 0.125]


def test_early_stopping_restores():
    values = iter([5.0, 3.0, 4.0, 3.5, 3.1, 9.0, 9.0])
    weights = []

    class Fake(cnn.Callback):
        def on_epoch_end(self, epoch, logs):
            weights.append(self.network.layers[0].weight.copy())

    stopping = cnn.EarlyStopping("figure", patience=3)
    net = make()
    figure = lambda y_true, y_pred: next(values)  # noqa: E731
    figure.__name__ = "figure"
    history = net.fit(X, Y, epochs=7, metrics=[figure], callbacks=[Fake(), stopping])
    assert len(history) == 5 and stopping.best_epoch == 1 and stopping.best == 3.0 and stopping.stopped_epoch == 4
    assert np.array_equal(net.layers[0].weight, weights[1])
    with pytest.raises(ValueError, match="validation_data="):
        net.fit(X, Y, callbacks=[cnn.EarlyStopping()])
    net.fit(X, Y, epochs=1, validation_split=0.2, callbacks=[cnn.EarlyStopping()])


def test_early_stopping_restores_after_a_failure():
    kept = []

    def fail(epoch, logs):
        kept.append(net.layers[0].weight.copy())
        if epoch == 2:
            raise RuntimeError("enough")

    net = make()
    with pytest.raises(RuntimeError, match="enough"):
        net.fit(X, Y, epochs=9, optimizer=cnn.SGD(0.02), loss="mse", callbacks=[cnn.EarlyStopping("loss"), fail])
    best = int(np.argmin(net.history.history["loss"]))
    assert len(net.history) == 3 and np.array_equal(net.layers[0].weight, kept[best])


def test_reduce_lr_on_plateau():
    net = make()
    figure = lambda y_true, y_pred: 1.0  # noqa: E731
    figure.__name__ = "flat"
    reduce = cnn.ReduceLROnPlateau("flat", factor=0.1, patience=2, lowest=1e-3)
    rates = net.fit(X, Y, epochs=8, optimizer=cnn.SGD(0.1), metrics=[figure], callbacks=[reduce]).history["lr"]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.001])


def test_csv_logger(tmp_path):
    net = make()
    path = tmp_path / "log.csv"
    net.fit(X, Y, epochs=2, callbacks=[cnn.CSVLogger(path)])
    net.fit(X, Y, epochs=1, callbacks=[cnn.CSVLogger(path, append=True)])
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,loss,lr" and [line.split(",")[0] for line in lines[1:]] == ["0", "1", "2"]
    assert float(lines[3].split(",")[1]) == net.history.history["loss"][0]


def test_checkpoint_and_resume(tmp_path):
    """A fit that was cut off goes on bit for bit, dropout and shuffling included."""

    def build(seed):
        return cnn.Network([cnn.Input(3), cnn.Dense(8, activation="tanh"), cnn.Dropout(0.3), cnn.Dense(1)], seed=seed)

    whole = build(1)
    expected = whole.fit(X, Y, epochs=6, batch_size=8, optimizer=cnn.Adam(0.01), metrics=["mae"], validation_split=0.25)
    cut = build(1)
    path = tmp_path / "net-{epoch}.cnn"

    def stop(epoch, logs):
        cut.stop_training = epoch == 2

    kwargs = {"batch_size": 8, "metrics": ["mae"], "validation_split": 0.25}
    cut.fit(X, Y, epochs=6, optimizer=cnn.Adam(0.01), callbacks=[cnn.Checkpoint(path), stop], **kwargs)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net-0.cnn", "net-1.cnn", "net-2.cnn"]
    resumed = build(99)
    history = resumed.fit(X, Y, epochs=6, optimizer=cnn.Adam(0.01), resume=tmp_path / "net-2.cnn", **kwargs)
    assert history.history == expected.history and history.epoch == expected.epoch
    assert all(np.array_equal(resumed.parameters[k], whole.parameters[k]) for k in whole.parameters)


def test_checkpoint_of_the_best(tmp_path):
    net = make()
    net.fit(X, Y, epochs=5, optimizer=cnn.SGD(0.02), callbacks=[cnn.Checkpoint(tmp_path / "best.cnn", monitor="loss")])
    assert len(cnn.load(tmp_path / "best.cnn").history) == 1 + int(np.argmin(net.history.history["loss"]))
    with pytest.raises(FileNotFoundError):
        net.fit(X, Y, callbacks=[cnn.Checkpoint(tmp_path / "none" / "x.cnn")])


def test_interrupt_keeps_the_history():
    net = make()
    net.fit(X, Y, epochs=1)
    threading.Thread(target=lambda: (time.sleep(0.3), _thread.interrupt_main()), daemon=True).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y, epochs=10**7)
    assert time.monotonic() - began < 5
    assert net.history.epoch[0] == 1 and len(net.history) > 1
    assert np.isfinite(net.predict(X)).all()
    done = net.history.epoch[-1]
    assert net.fit(X, Y, epochs=1).epoch == [done + 1]


def test_progress(capsys):
    net = make()
    net.fit(X, Y, epochs=3, verbose=2)
    captured = capsys.readouterr()
    assert (
        captured.out == "" and captured.err.count("\n") == 3 and "epoch 3/3" in captured.err and "loss" in captured.err
    )
    net.fit(X, Y, epochs=3, verbose=1)
    assert "3/3" in capsys.readouterr().err
    net.fit(X, Y, epochs=3)
    assert capsys.readouterr().err == ""
    out = io.StringIO()
    net.fit(X, Y, epochs=2, callbacks=[cnn.Progress(file=out)])
    assert "[#" in out.getvalue()


def test_plot_names_its_extra(monkeypatch):
    import sys

    history = make().fit(X, Y, epochs=2)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"cnn\[plot\]"):
        history.plot()
