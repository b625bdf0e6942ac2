"""What every test may ask for: an instruction set of this machine, a dtype, and how close a result must be to the float64 reference."""

import gc
import signal
from pathlib import Path

import numpy as np
import pytest

import cnn
from cnn import _core
from cnn.cli import main

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job, in which nobody could test Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

ISAS = cnn.cpu.available()
DTYPES = ["float32", "float64"]


def pytest_report_header():
    return f"instruction sets tested: {', '.join(ISAS)}"


@pytest.fixture(scope="module", autouse=True)
def quick_collections():
    """What a file finds there, the thousands of tests themselves, need not be looked at again in every collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=ISAS)
def isa(request):
    """Each instruction set in turn; what was in use comes back."""
    before = cnn.cpu.current()
    cnn.cpu.use(request.param)
    yield request.param
    cnn.cpu.use(before)


@pytest.fixture
def divided():
    """Threads share the work of small predictions, too, though they have to be woken."""
    _core.threads_always_ready(True)
    yield
    _core.threads_always_ready(False)


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


PRICES = "size,town,price\n" + "".join(f"{50 + 7 * i},{['Ulm', 'Bonn'][i % 2]},{100 + 20 * i}\n" for i in range(40))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a table in it: good.csv."""
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_text(PRICES)
    return tmp_path


@pytest.fixture
def model(folder, capsys):
    """That folder, and what the command line makes of the table: model.cnn."""
    assert main(["train", "good.csv", "--target", "price", "--epochs", "2", "--quiet"]) == 0
    capsys.readouterr()
    return folder


def close(actual, expected, dtype, factor=1.0, scale=0.0):
    """Agreement of a single operation: 1e-10 in float64, 1e-5 in float32, relative to the largest expected value (or to `scale`, the size
    of what was subtracted)."""
    expected = np.asarray(expected, dtype=np.float64)
    scale = max(np.abs(expected).max(initial=0), scale, 1e-30)
    tolerance = factor * (1e-10 if dtype == "float64" else 1e-5)
    np.testing.assert_allclose(np.asarray(actual, dtype=np.float64), expected, rtol=tolerance, atol=tolerance * scale)
