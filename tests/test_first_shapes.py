"""The first hour with data of other shapes and sources: images in another layout, batches, memory maps, single steps."""

import copy
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnn


def flat(shape, width):
    return cnn.Network([cnn.Input(shape), cnn.Flatten(), cnn.Dense(width, activation="softmax")], seed=0)


RANDOM = np.random.default_rng(0)
# (shape of the data, of the network's samples, the call that the message shows, the array it must give)
LAYOUTS = {
    "no channel": ((5, 28, 28), (1, 28, 28), "X[:, None]", lambda x: x.reshape(5, 1, 28, 28)),
    "one channel last": ((5, 28, 28, 1), (1, 28, 28), "X.transpose(0, 3, 1, 2)", lambda x: x[..., 0][:, None]),
    "colours last": ((4, 32, 32, 3), (3, 32, 32), "X.transpose(0, 3, 1, 2)", lambda x: np.moveaxis(x, 3, 1)),
    "colours last, not square": ((4, 5, 7, 3), (3, 5, 7), "X.transpose(0, 3, 1, 2)", lambda x: np.moveaxis(x, 3, 1)),
    "steps of a signal last": ((6, 50, 2), (2, 50), "X.transpose(0, 2, 1)", lambda x: np.swapaxes(x, 1, 2)),
    "flat pixels": ((5, 784), (1, 28, 28), "X.reshape(-1, 1, 28, 28)", lambda x: x.reshape(5, 1, 28, 28)),
    "images for a flat input": ((5, 28, 28), (784,), "X.reshape(-1, 784)", lambda x: x.reshape(5, 784)),
    "colour images for a flat input": ((2, 4, 4, 3), (48,), "X.reshape(-1, 48)", lambda x: x.reshape(2, 48)),
    "one feature without its axis": ((9,), (1,), "X[:, None]", lambda x: x.reshape(9, 1)),
    "samples in columns": ((4, 20), (4,), "X.T", lambda x: x.T),
    "one sample": ((4,), (4,), "X[None]", lambda x: x.reshape(1, 4)),
    "one image without a channel": ((28, 28), (1, 28, 28), "X[None, None]", lambda x: x.reshape(1, 1, 28, 28)),
    "one image, colours last": (
        (8, 9, 3),
        (3, 8, 9),
        "X.transpose(2, 0, 1)[None]",
        lambda x: np.moveaxis(x, 2, 0)[None],
    ),
    "one flat image": ((784,), (1, 28, 28), "X.reshape(1, 1, 28, 28)", lambda x: x.reshape(1, 1, 28, 28)),
    "one image for a flat input": ((28, 28), (784,), "X.reshape(1, 784)", lambda x: x.reshape(1, 784)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist], ids=["array", "lists"])
def test_the_error_shows_the_call_and_the_call_works(layout, kind):
    """The exact call stands in the message; what it gives is accepted, and holds the same samples."""
    given, wanted, call, expected = LAYOUTS[layout]
    X = kind(RANDOM.normal(size=given))
    net = flat(wanted, 3) if len(wanted) > 1 else cnn.Network([*wanted, 3], output="softmax", seed=0)
    call = call if kind is np.asarray else call.replace("X", "np.asarray(X)", 1)
    for attempt in (net.predict, net.classify, net.activations, lambda X: net.fit(X, np.zeros(len(X), int))):
        with pytest.raises(ValueError) as caught:
            attempt(X)
        shown = re.search(r"pass (\S.*?)(, or call .*)?$", str(caught.value))
        assert shown is not None and shown[1] == call, str(caught.value)
        assert str(np.shape(X)) in str(caught.value) and "(n, " in str(caught.value)
    mended = eval(shown[1], {"X": X, "np": np})
    np.testing.assert_array_equal(mended, expected(np.asarray(X)))
    assert net.predict(mended).tobytes() == net.predict(expected(np.asarray(X))).tobytes()
    assert net.fit(mended, np.zeros(len(mended), int), epochs=1, verbose=0).history["loss"][0] > 0


@pytest.mark.parametrize("given", [(5, 27, 28), (5, 64, 64, 3), (5, 3), (5, 2, 392), (5, 28, 28, 1, 1), (0,)])
def test_no_call_is_shown_where_none_would_keep_the_meaning(given):
    with pytest.raises(ValueError) as caught:
        flat((1, 28, 28), 3).predict(np.zeros(given))
    assert "pass" not in str(caught.value) and str(given) in str(caught.value)


@settings(deadline=None, max_examples=300)
@given(
    given=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    wanted=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
)
def test_whatever_call_is_shown_keeps_every_sample_whole(given, wanted):
    """For any shape: either no call, or one whose result fits, and whose rows are the given rows, none mixed with another."""
    X = np.arange(np.prod(given)).reshape(given)
    net = cnn.Network([cnn.Input(wanted), cnn.Flatten()], seed=0)
    if given[1:] == wanted:
        assert net.predict(X).shape == (len(X), np.prod(wanted))
        return
    with pytest.raises(ValueError) as caught:
        net.predict(X)
    shown = re.search(r"pass (\S.*?)(, or call .*)?$", str(caught.value))
    if shown is None:
        return
    mended = eval(shown[1], {"X": X, "np": np})
    assert mended.shape[1:] == wanted and mended.size == X.size
    rows = [set(row.ravel().tolist()) for row in mended]
    if shown[1] == "X.T":
        assert rows == [set(column.tolist()) for column in X.T]
    elif len(mended) == len(X):
        assert rows == [set(np.ravel(row).tolist()) for row in X]
    else:
        assert len(mended) == 1
        assert "one sample" in str(caught.value)


def test_several_inputs_name_the_one_to_mend():
    a, b = cnn.Input((1, 4, 4), name="image"), cnn.Input(2, name="place")
    net = cnn.Network(inputs=[a, b], outputs=cnn.Dense(1)(cnn.Concat()([cnn.Flatten()(a), b])))
    images, places = np.zeros((5, 4, 4)), np.zeros((5, 2))
    for X, name in (([images, places], "X[0]"), ({"image": images, "place": places}, "X['image']")):
        with pytest.raises(ValueError) as caught:
            net.predict(X)
        assert str(caught.value).endswith(f"pass {name}[:, None]")
    assert net.predict([images[:, None], places]).shape == (5, 1)


def test_the_digits_as_images():
    """(n, 8, 8) images, as they come, after the call in the message."""
    X, y = cnn.datasets.digits(flat=False)
    net = cnn.Network(
        [cnn.Input((1, 8, 8)), cnn.Rescale(1 / 16), cnn.Flatten(), cnn.Dense(32, "relu"), cnn.Dense(10, "softmax")],
        seed=0,
    )
    with pytest.raises(ValueError, match=re.escape("pass X[:, None]")):
        net.fit(X, y)
    net.fit(X[:1300, None], y[:1300], epochs=15, optimizer=cnn.Adam(0.005), verbose=0)
    assert net.evaluate(X[1300:, None], y[1300:])["accuracy"] >= 0.9


# ---- Where data come from


def task(rows=256):
    X = np.random.default_rng(1).normal(size=(rows, 3)).astype("float32")
    return X, (X[:, 0] > X[:, 1]).astype(np.int64)


class Batches:
    """Made anew each epoch."""

    def __init__(self, X, y, size):
        self.X, self.y, self.size = X, y, size

    def __iter__(self):
        for i in range(0, len(self.X), self.size):
            yield self.X[i : i + self.size], self.y[i : i + self.size]


def test_batches_of_an_iterator_are_the_batches_of_arrays():
    X, y = task(250)
    nets = [cnn.Network([3, 8, 2], output="softmax", seed=0) for _ in range(3)]
    nets[0].fit(X, y, batch_size=32, epochs=4, shuffle=False, verbose=0)
    nets[1].fit(Batches(X, y, 32), epochs=4, verbose=0)
    nets[2].fit(list(Batches(X, y, 32)), epochs=4, verbose=0)
    assert nets[0]._arena() == nets[1]._arena() == nets[2]._arena()
    assert nets[0].evaluate(Batches(X, y, 50))["accuracy"] == np.mean(nets[0].classify(X) == y)
    with pytest.raises(ValueError, match="only once"):
        nets[1].fit(iter(Batches(X, y, 32)), epochs=2, verbose=0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_a_memory_map(tmp_path, dtype):
    """Larger than memory: read where it lies, and not copied; the same bits as from memory."""
    X, y = task()
    X = (X * 20 + 128).astype(dtype)
    stored = np.memmap(tmp_path / "X.bin", dtype=dtype, mode="w+", shape=X.shape)
    stored[:] = X
    stored.flush()
    stored = np.memmap(tmp_path / "X.bin", dtype=dtype, mode="r", shape=X.shape)
    nets = [cnn.Network([cnn.Input(3), cnn.Rescale(0.05, -6.4), cnn.Dense(2, "softmax")], seed=0) for _ in range(2)]
    for net, data in zip(nets, (X, stored), strict=True):
        net.fit(data, y, epochs=20, optimizer=cnn.Adam(0.05), validation_split=0.25, verbose=0)
    assert nets[0]._arena() == nets[1]._arena()
    assert nets[1].predict(stored).tobytes() == nets[0].predict(X).tobytes()
    assert nets[1].evaluate(stored, y)["accuracy"] > 0.9
    out = np.memmap(tmp_path / "p.bin", dtype="float32", mode="w+", shape=(len(X), 2))
    nets[1].predict(stored, batch_size=50, out=out)
    np.testing.assert_allclose(out, nets[0].predict(X), rtol=1e-5)


def test_a_file_of_numpy_mapped(tmp_path):
    X = task(64)[0]
    np.save(tmp_path / "X.npy", X)
    net = cnn.Network([3, 2], output="softmax", seed=0)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap) and net.predict(mapped).tobytes() == net.predict(X).tobytes()


def test_a_torch_data_loader():
    torch = pytest.importorskip("torch")
    X, y = task(250)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(y)), batch_size=32
    )
    nets = [cnn.Network([3, 8, 2], output="softmax", seed=0) for _ in range(2)]
    nets[0].fit(X, y, batch_size=32, epochs=3, shuffle=False, verbose=0)
    nets[1].fit(loader, epochs=3, verbose=0)
    assert nets[0]._arena() == nets[1]._arena()
    assert nets[1].predict(torch.from_numpy(X)).tobytes() == nets[1].predict(X).tobytes()


# ---- Single steps, as reinforcement learning takes them


def test_one_sample_at_a_time():
    """partial_fit of each sample as it comes: a stream."""
    X, y = task(1500)
    net = cnn.Network([3, 8, 1], output="sigmoid", seed=0)
    losses = [
        net.partial_fit(x[None], [label], optimizer=cnn.Adam(0.02) if i == 0 else None)
        for i, (x, label) in enumerate(zip(X, y, strict=True))
    ]
    assert np.mean(losses[-300:]) < 0.25 < np.mean(losses[:100])
    assert np.mean(net.classify(X) == y) > 0.95


def test_a_bandit():
    """REINFORCE by hand: the gradient of -log p(action) x advantage goes through backward, and step."""
    random = np.random.default_rng(0)
    pays = np.array([0.2, 0.5, 0.8])
    net = cnn.Network([1, 3], output="softmax", dtype="float64", seed=0)
    x, baseline, earned = np.ones((1, 1)), 0.0, []
    net.forward(x)
    for step in range(800):
        p = net.forward(x)
        action = random.choice(3, p=p[0] / p[0].sum())
        reward = float(random.uniform() < pays[action])
        gradient = np.zeros((1, 3))
        gradient[0, action] = -(reward - baseline) / p[0, action]
        net.backward(gradient)
        net.step(cnn.SGD(0.2) if step == 0 else None)
        baseline += 0.05 * (reward - baseline)
        earned.append(reward)
    assert np.mean(earned[-200:]) > 0.7 > np.mean(earned[:50])
    assert net.feedforward([1.0]).argmax() == 2


def test_a_world_of_cells():
    """Deep Q-learning with a target network that follows by copy_from(tau): from any cell of a corridor the way to its end is learnt."""
    random = np.random.default_rng(0)
    cells = np.eye(6)
    q = cnn.Network([6, 16, 2], seed=0)
    target = q.copy()
    memory = []
    state, steps = 0, 0
    for move in range(1200):
        action = int(random.integers(2)) if random.uniform() < 0.5 else int(q.feedforward(cells[state]).argmax())
        following = max(state - 1, 0) if action == 0 else state + 1
        done, steps = following == 5, steps + 1
        memory.append((state, action, float(done), following, done))
        state, steps = (0, 0) if done or steps > 40 else (following, steps)
        if len(memory) < 32:
            continue
        s, a, r, n, d = (
            np.array(v) for v in zip(*[memory[i] for i in random.integers(0, len(memory), 32)], strict=True)
        )
        wanted = r + 0.9 * target.predict(cells[n]).max(1) * ~d.astype(bool)
        estimate = q.forward(cells[s], training=True)
        gradient = np.zeros_like(estimate)
        rows = np.arange(32)
        gradient[rows, a] = 2 * (estimate[rows, a] - wanted) / 32
        q.backward(gradient)
        q.step(cnn.Adam(0.01) if q.optimizer is None or move == 31 else None)
        before = copy.deepcopy(target.layers[0].weight)
        target.copy_from(q, tau=0.1)
        np.testing.assert_allclose(
            target.layers[0].weight, 0.9 * before + 0.1 * q.layers[0].weight, rtol=1e-5, atol=1e-7
        )
    assert q.predict(cells[:5]).argmax(1).tolist() == [1, 1, 1, 1, 1]
    np.testing.assert_allclose(q.predict(cells[:5])[:, 1], 0.9 ** np.arange(4, -1, -1), atol=0.08)
