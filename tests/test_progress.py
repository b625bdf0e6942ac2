"""The bar of a fit: tqdm on a real pseudo-terminal, our own without it, lines in files; and what it costs."""

import io
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest

import cnn

X, Y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), np.array([0, 1, 1, 0])

FIT = """
import sys
{before}
import cnn
net = cnn.Network([2, 2, 1], output="sigmoid", seed=0)
history = net.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], {arguments}, metrics=["accuracy"])
print(f"{{history.history['loss'][-1]:.4g}}", file=sys.stdout)
"""


def on_terminal(code, columns=100):
    """(stdout, what a terminal of so many columns was sent as stderr, the times at which it came)."""
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, np.array([24, columns, 0, 0], "uint16").tobytes())
    process = subprocess.Popen([sys.executable, "-W", "error", "-c", code], stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    seen, times = b"", []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        seen += part
        times.append(time.monotonic())
    os.close(ours)
    out = process.communicate()[0].decode()
    assert process.returncode == 0, seen.decode()
    return out, seen.decode(), times


class Terminal(io.StringIO):
    """A text file that says that it is a terminal, and keeps when it was written to."""

    def __init__(self):
        super().__init__()
        self.times = []

    def isatty(self):
        return True

    def write(self, text):
        if text.strip():
            self.times.append(time.monotonic())
        return super().write(text)


def network():
    return cnn.Network([2, 2, 1], output="sigmoid", seed=0)


WITHOUT = "sys.modules['tqdm'] = None"


@pytest.mark.parametrize("verbose", ["1", "'auto'"])
def test_tqdm_on_a_terminal(verbose):
    pytest.importorskip("tqdm")
    out, seen, _ = on_terminal(FIT.format(before="", arguments=f"epochs=60000, batch_size=4, verbose={verbose}"))
    last = seen.split("\r")[-2] if seen.endswith("\r\n") else seen
    assert "60000/60000" in last and "100%" in last and "epoch/s" in last
    assert f"loss {out.strip()}" in last and "accuracy 1" in last
    assert "[#" not in seen and seen.endswith("\n")
    counts = [int(n) for n in re.findall(r"(\d+)/60000", seen)]
    assert counts == sorted(counts) and counts[0] == 0


@pytest.mark.parametrize("columns", [100, 50])
def test_our_own_bar_on_a_terminal(columns):
    arguments = "epochs=100000, batch_size=4, verbose='auto'"
    out, seen, _ = on_terminal(FIT.format(before=WITHOUT, arguments=arguments), columns)
    texts = [text for text in seen.replace("\r\n", "\r").split("\r") if text]
    assert all(len(text) < columns for text in texts)
    assert texts[-1].startswith("[########################] 100000/100000")
    if columns == 100:
        assert f"loss {out.strip()}  accuracy 1" in texts[-1]
    done = [int(text.split("] ")[1].split("/")[0]) for text in texts]
    assert done == sorted(done)
    assert all(text.count("#") == 24 * n // 100000 for text, n in zip(texts, done, strict=True))


def test_nothing_where_nobody_looks():
    assert on_terminal(FIT.format(before="", arguments="epochs=50, verbose=0"))[1] == ""
    code = FIT.format(before="", arguments="epochs=50")
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert piped.stderr == ""
    assert piped.stdout.count("\n") == 1


def test_no_terminal_and_no_stderr_at_all():
    code = FIT.format(before="sys.stderr = None", arguments="epochs=50, verbose=1")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stderr == b""


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_ten_updates_a_second(with_tqdm, monkeypatch):
    if with_tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    file = Terminal()
    monkeypatch.setattr(sys, "stderr", file)
    began = time.monotonic()
    network().fit(X, Y, epochs=250_000, batch_size=4, verbose=1)
    seconds = time.monotonic() - began
    assert "250000/250000" in file.getvalue()
    assert len(file.times) <= 10 * seconds + 4  # the first, the last, and tqdm's end of line


def test_tqdm_to_a_file_that_is_a_terminal():
    tqdm = pytest.importorskip("tqdm")
    before = tqdm.tqdm.monitor
    file = Terminal()
    net = network()
    net.fit(X, Y, epochs=3, verbose=0, callbacks=[cnn.Progress(file=file)])
    last = file.getvalue().strip().split("\r")[-1]
    assert re.search(r"\b3(/3|epoch)", last) and f"loss {net.history.history['loss'][-1]:.4g}" in last
    assert tqdm.tqdm.monitor is before  # no thread of tqdm's was begun
    assert not tqdm.tqdm._instances


def test_a_file_gets_a_line_for_each_tenth():
    code = FIT.format(before="", arguments="epochs=150000, batch_size=4, verbose=1")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = run.stderr.splitlines()
    assert "\r" not in run.stderr
    assert 2 <= len(lines) <= 11
    assert lines[-1].startswith("[########################] 150000/150000") and run.stdout.strip() in lines[-1]


def test_lines(capsys):
    net = network()
    history = net.fit(X, Y, epochs=500, verbose=2, metrics=["accuracy"])
    captured = capsys.readouterr()
    assert captured.out == ""
    figures = history.history
    expected = [
        f"epoch {i + 1}/500  loss {figures['loss'][i]:.4g}  accuracy {figures['accuracy'][i]:.4g}" for i in range(500)
    ]
    assert captured.err.splitlines() == expected


def test_lines_come_ten_times_a_second(monkeypatch):
    file = Terminal()
    monkeypatch.setattr(sys, "stderr", file)
    began = time.monotonic()
    network().fit(X, Y, epochs=50_000, batch_size=4, verbose=2)
    assert file.getvalue().count("\n") == 50_000
    assert len(file.times) <= 10 * (time.monotonic() - began) + 2


def test_a_long_epoch_shows_its_steps(monkeypatch):
    file = Terminal()

    def batches():
        for _ in range(5):
            time.sleep(0.3)
            yield X, Y

    class Data:
        def __iter__(self):
            return batches()

    monkeypatch.setattr(sys, "stderr", file)
    network().fit(Data(), epochs=2, verbose=1)
    assert "step 4  loss" in file.getvalue()


class Fourth(cnn.Callback):
    def on_epoch_end(self, epoch, logs):
        self.network.stop_training = epoch == 3


def test_the_bar_closes_however_the_fit_ends(monkeypatch):
    for missing in (False, True):
        if missing:
            monkeypatch.setitem(sys.modules, "tqdm", None)
        file = Terminal()
        monkeypatch.setattr(sys, "stderr", file)

        def stop(epoch, logs):
            raise RuntimeError("enough")

        with pytest.raises(RuntimeError, match="enough"):
            network().fit(X, Y, epochs=5, verbose=1, callbacks=[stop])
        assert file.getvalue().endswith("\n")
        file.truncate(0)
        network().fit(X, Y, epochs=9, verbose=1, callbacks=[Fourth()])
        assert "4/9" in file.getvalue() and file.getvalue().endswith("\n")
        file.truncate(0)
        file.seek(0)
        assert len(network().fit(X, Y, epochs=0, verbose=1)) == 0
        assert file.getvalue() == ""


def test_history_is_the_same_with_a_bar(monkeypatch):
    silent = network().fit(X, Y, epochs=300, metrics=["accuracy"], validation_data=(X, Y), verbose=0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    for verbose in (1, 2):
        net = network()
        shown = net.fit(X, Y, epochs=300, metrics=["accuracy"], validation_data=(X, Y), verbose=verbose)
        assert shown.history == silent.history and shown.epoch == silent.epoch
        assert net.fit(X, Y, epochs=1, verbose=verbose).epoch == [300]


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_a_bar_does_not_slow_short_epochs(with_tqdm, monkeypatch):
    """20 000 epochs of XOR, half a microsecond each: a few microseconds an epoch at most, the best of several."""
    if not with_tqdm:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Terminal())

    def seconds(verbose):
        net = network()
        began = time.perf_counter()
        net.fit(X, Y, epochs=20_000, batch_size=4, optimizer="sgd", verbose=verbose)
        return time.perf_counter() - began

    seconds(1)  # imports
    silent, shown = (min(seconds(verbose) for _ in range(5)) for verbose in (0, 1))
    assert shown - silent < 20_000 * 30e-6  # about 0.5 to 3 on an idle machine


def test_what_verbose_takes():
    for wrong in (3, "loud", None, 1.5):
        with pytest.raises(ValueError, match="verbose"):
            network().fit(X, Y, verbose=wrong)
    with pytest.raises(ValueError, match="Progress takes 1"):
        cnn.Progress(verbose=0)


def test_a_bar_costs_no_import_when_silent():
    code = "import sys, cnn; net = cnn.Network([2, 1]); net.fit([[0, 1]], [1.0], epochs=2); print([m for m in ('tqdm', 'matplotlib', 'cnn.plots', 'cnn.summary') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
