"""Processes that fork, and how many threads one has: what it is told, and what the environment says."""

import os

import numpy as np
import pytest
from test_threads import python

import cnn
from cnn import _core

# ---- Fork


FORK = """
import os, sys
import numpy as np
import cnn
cnn.set_num_threads({threads})
x = np.random.default_rng(0).normal(size=(600, 200)).astype("float32")
y = np.arange(600) % 4
def train(net):
    net.fit(x, y, epochs=2, batch_size=200, verbose=0)
    return b"".join(v.tobytes() for v in net.parameters.values()) + net.predict(x).tobytes()
net = cnn.Network([200, 300, 4], output="softmax", seed=0)
train(net)                       # the pool is there, idle
expected = train(net.copy())
for generation in range(3):
    child = os.fork()
    if child:
        break
    if train(net.copy()) != expected or cnn.get_num_threads() != {threads}:
        os._exit(3)
    train(net)
    net = cnn.Network([200, 300, 4], output="softmax", seed=0)
    train(net)
else:
    os._exit(0)
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
if train(net.copy()) != expected:
    code = 4
os._exit(code) if generation else sys.exit(code)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_child_predicts_and_trains(threads):
    """Children of children too, with the pool's threads left behind; and the parent goes on."""
    python(FORK.format(threads=threads))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_of_a_fit():
    """Forked in a callback, in the middle of a fit: the child may predict with a copy, and end."""
    python(
        """
        import os
        import numpy as np
        import cnn
        cnn.set_num_threads(2)
        x, y = np.random.default_rng(0).normal(size=(600, 200)).astype("float32"), np.arange(600) % 4
        codes = []
        def callback(epoch, logs):
            child = os.fork()
            if not child:
                try:
                    other = net.copy()
                    ok = other.predict(x).tobytes() == net.predict(x).tobytes()
                    other.fit(x, y, epochs=1, verbose=0)
                    os._exit(0 if ok else 5)
                finally:
                    os._exit(6)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        net = cnn.Network([200, 300, 4], output="softmax", seed=0)
        net.fit(x, y, epochs=3, callbacks=[callback], verbose=0)
        assert codes == [0, 0, 0], codes
        """
    )


def test_multiprocessing_workers():
    python(
        """
        import multiprocessing, sys
        import numpy as np
        import cnn
        x = np.random.default_rng(0).normal(size=(300, 100)).astype("float32")
        net = cnn.Network([100, 200, 4], seed=0)
        net.predict(x)
        def work(i):
            return net.predict(x[i * 100 : i * 100 + 100]).tobytes()
        if "fork" in multiprocessing.get_all_start_methods():
            with multiprocessing.get_context("fork").Pool(3) as pool:
                assert b"".join(pool.map(work, range(3))) == net.predict(x).tobytes()
        """
    )


# ---- How many


def test_set_get_and_with():
    before = cnn.get_num_threads()
    try:
        for n in (1, 3, np.int64(2), 256):
            cnn.set_num_threads(n)
            assert cnn.get_num_threads() == n
        cnn.set_num_threads(2)
        with cnn.threads(5):
            assert cnn.get_num_threads() == 5
            with cnn.threads(1):
                assert cnn.get_num_threads() == 1
            assert cnn.get_num_threads() == 5
        assert cnn.get_num_threads() == 2
        with pytest.raises(LookupError), cnn.threads(3):
            raise LookupError
        assert cnn.get_num_threads() == 2
        for bad in (0, -1, 257, 2**40, 1.5, "2", None, True):
            with pytest.raises((ValueError, TypeError)):
                cnn.set_num_threads(bad)
            with pytest.raises((ValueError, TypeError)), cnn.threads(bad):
                pass
            assert cnn.get_num_threads() == 2
    finally:
        cnn.set_num_threads(before)


SHOW = """
import cnn
print(cnn.get_num_threads(), cnn.cpu.current(), cnn.Network([2, 3, 1], seed=0).predict([[1, 2]]).shape)
"""


@pytest.mark.parametrize("n", [1, 3, 256])
def test_the_environment_sets_the_threads(n):
    out, complaint = python(SHOW, CNN_NUM_THREADS=str(n))
    assert out.split()[0] == str(n)
    assert not complaint


@pytest.mark.parametrize("isa", cnn.cpu.available())
def test_the_environment_lowers_the_instruction_set(isa):
    out, complaint = python(SHOW, CNN_ISA=isa)
    assert out.split()[1] == isa
    assert not complaint


BAD = {
    "CNN_NUM_THREADS": ["abc", "0", "-1", "10000", "2x", "9" * 300],
    "CNN_ISA": ["foo", "AVX 9", "x" * 300],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_an_environment_that_makes_no_sense_is_told_and_passed_over(name, value):
    """A warning, as the program that is started may not be the user's own; and the machine's own number or set."""
    default = python(SHOW, **{name: ""})[0]
    out, complaint = python(SHOW, **{name: value})
    assert out == default
    assert f"{name}='{value[:40]}" in complaint
    python("import warnings; warnings.simplefilter('ignore'); import cnn", **{name: value})
    assert any(
        name in sentence
        for sentence in eval(python("from cnn import _core; print(_core.environment_errors())", **{name: value})[0])
    )


def test_nothing_is_wrong_with_this_environment():
    if not {"CNN_ISA", "CNN_NUM_THREADS"} & set(os.environ):
        assert _core.environment_errors() == []
        assert cnn.cpu.current() == cnn.cpu.available()[-1]
