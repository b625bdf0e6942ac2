"""What a person tries in the first hour: each sentence is a small task on real or generated data, with a result that is checked."""

import copy
import pickle

import numpy as np
import pytest

import cnn


def digits(rows=None, flat=True):
    """Real digits as numbers from 0 to 1: (X, y) to train on, (X, y) held out."""
    X, y = cnn.datasets.digits(flat=flat)
    X = (X / 16).astype("float32")
    cut = 1300 if rows is None else rows
    return (X[:cut], y[:cut]), (X[1300:], y[1300:])


def test_binary_with_one_sigmoid():
    X, y = cnn.datasets.moons(400, seed=1)
    net = cnn.Network([2, 16, 1], activation="tanh", output="sigmoid", seed=0)
    net.fit(X[:300], y[:300], epochs=100, optimizer=cnn.Adam(0.03), metrics=["accuracy"], verbose=0)
    assert net.evaluate(X[300:], y[300:])["accuracy"] >= 0.95
    probability = net.predict(X[300:])
    assert probability.shape == (100, 1) and ((probability > 0) & (probability < 1)).all()
    assert net.classify(X[300:]).tolist() == (probability[:, 0] > 0.5).astype(int).tolist()


def test_the_same_with_y_of_shape_n_1():
    X, y = cnn.datasets.moons(100, seed=1)
    nets = [cnn.Network([2, 8, 1], output="sigmoid", seed=0) for _ in range(3)]
    for net, target in zip(nets, (y, y[:, None], y.astype(bool)), strict=True):
        net.fit(X, target, epochs=5, verbose=0)
    assert nets[0]._arena() == nets[1]._arena() == nets[2]._arena()


def test_string_labels_through_preprocessing(tmp_path):
    X, y = cnn.datasets.spirals(300, classes=3, seed=2)
    table = {"x": X[:, 0], "y": X[:, 1], "arm": np.array(["red", "green", "blue"])[y]}
    prep = cnn.data.Preprocessing("arm").fit(table)
    net = cnn.Network([*prep.layers(), cnn.Dense(64, activation="relu"), cnn.Dense(3, activation="softmax")], seed=0)
    net.preprocessing = prep
    net.fit(table, epochs=150, optimizer=cnn.Adam(0.02), verbose=0)
    rows = [{"x": a, "y": b} for a, b in X[:90].tolist()]
    named = prep.decode(net.predict(rows))
    assert np.mean(np.asarray(named) == table["arm"][:90]) >= 0.85
    net.save(tmp_path / "arms.cnn")
    again = cnn.load(tmp_path / "arms.cnn")
    assert again.predict(rows).tobytes() == net.predict(rows).tobytes()
    assert list(again.preprocessing.decode(again.predict(rows))) == list(named)


def test_string_labels_with_numpy_and_net_classes():
    (X, codes), (Xt, t) = digits()
    names = np.array([["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]])[0]
    y = names[codes]
    net = cnn.Network([64, 32, 10], output="softmax", seed=0)
    with pytest.raises(TypeError, match=r"np\.unique\(y, return_inverse=True\).*cnn\.data\.Preprocessing") as caught:
        net.fit(X, y)
    assert "NetworkClassifier" not in str(caught.value) or hasattr(cnn, "NetworkClassifier")
    net.classes, y = np.unique(y, return_inverse=True)  # as the message says
    net.fit(X, y, epochs=15, optimizer=cnn.Adam(0.005), verbose=0)
    assert np.mean(net.classify(Xt) == names[t]) >= 0.9


def test_regression_in_one_dimension():
    x = np.linspace(-3, 3, 200)
    net = cnn.Network([1, 32, 1], activation="tanh", seed=0)
    net.fit(x[:, None], np.sin(x), epochs=400, optimizer=cnn.Adam(0.01), metrics=["r2"], verbose=0)
    assert net.evaluate(x[:, None], np.sin(x))["r2"] > 0.99
    assert abs(net.feedforward(1.0 * np.ones(1)) - np.sin(1)) < 0.1
    with pytest.raises(ValueError, match=r"pass X\[:, None\]"):
        net.fit(x, np.sin(x))


def test_k_targets():
    x = np.random.default_rng(0).uniform(-1, 1, (300, 3))
    y = np.c_[x.sum(1), x[:, 0] - x[:, 1], x[:, 2] ** 2]
    net = cnn.Network([3, 32, 3], activation="tanh", seed=0)
    net.fit(x, y, epochs=150, optimizer=cnn.Adam(0.01), verbose=0)
    error = ((net.predict(x) - y) ** 2).mean(0)
    assert error.shape == (3,) and (error < 0.01).all()
    assert net.evaluate(x, y)["loss"] == pytest.approx(error.mean(), rel=1e-4)


def test_imbalance():
    """A class of one row in twenty, that overlaps: weights find more of it."""
    random = np.random.default_rng(3)
    y = (random.uniform(size=1000) < 0.05).astype(int)
    X = random.normal(size=(1000, 2)) + 1.2 * y[:, None]
    recall = {}
    for weight in (None, "balanced", {0: 1.0, 1: 19.0}):
        net = cnn.Network([2, 8, 1], output="sigmoid", seed=0)
        net.fit(X, y, epochs=30, optimizer=cnn.Adam(0.02), class_weight=weight, metrics=["recall"], verbose=0)
        recall[str(weight)] = net.evaluate(X, y)["recall"]
    plain, *weighted = recall.values()
    assert min(weighted) > max(plain + 0.3, 0.6)


class Weights(cnn.Callback):
    def on_train_begin(self, logs):
        self.predictions = []

    def on_epoch_end(self, epoch, logs):
        self.predictions.append(self.network.predict(self.X))


def test_early_stopping_then_predict():
    """After the fit, the network predicts as it did in its best epoch."""
    (X, y), (Xt, t) = digits(200)
    net = cnn.Network([64, 64, 10], output="softmax", seed=0)
    seen = Weights()
    seen.X = Xt
    stop = cnn.EarlyStopping(patience=3)
    history = net.fit(
        X,
        y,
        epochs=200,
        optimizer=cnn.Adam(0.02),
        validation_data=(Xt, t),
        callbacks=[stop, seen],
        verbose=0,
    ).history
    assert len(history["val_loss"]) < 200
    best = int(np.argmin(history["val_loss"]))
    assert stop.best_epoch == best == len(history["val_loss"]) - 1 - 3
    assert net.predict(Xt).tobytes() == seen.predictions[best].tobytes()
    assert net.predict(Xt).tobytes() != seen.predictions[-1].tobytes()


def test_a_loss_of_ones_own():
    """Mean fourth power: the engine weighs and averages what the function gives for each sample."""

    def fourth(y_true, y_pred):
        e = y_pred - y_true.reshape(y_pred.shape)
        return (e**4).mean(axis=1), 4 * e**3 / e.shape[1]

    x = np.random.default_rng(0).normal(size=(64, 2))
    y = x[:, 0] * x[:, 1]
    net = cnn.Network([2, 16, 1], activation="tanh", dtype="float64", seed=0)
    assert net.check_gradients(x[:8], y[:8], loss=fourth).max_relative_error < 1e-5
    first = net.evaluate(x, y, loss=fourth)["loss"]
    assert first == pytest.approx(((net.predict(x)[:, 0] - y) ** 4).mean())
    history = net.fit(x, y, loss=fourth, epochs=60, optimizer=cnn.Adam(0.02), verbose=0).history["loss"]
    assert history[-1] < first / 10


def test_a_metric_of_ones_own():
    def within(y_true, y_pred):
        return float((abs(y_pred - y_true.reshape(y_pred.shape)) < 0.1).mean())

    x = np.linspace(-1, 1, 100)[:, None]
    net = cnn.Network([1, 16, 1], activation="tanh", seed=0)
    history = net.fit(
        x, x**2, epochs=80, optimizer=cnn.Adam(0.02), metrics=[within], validation_split=0.2, verbose=0
    ).history
    assert len(history["within"]) == len(history["val_within"]) == 80
    assert net.evaluate(x, x**2)["within"] == np.mean(abs(net.predict(x) - x**2) < 0.1) > 0.9


def test_a_layer_of_ones_own():
    """Sine with a frequency for each unit, which is learnt."""

    def forward(x, p):
        return np.sin(x * p["frequency"])

    def backward(x, y, dy, p):
        slope = np.cos(x * p["frequency"]) * dy
        return slope * p["frequency"], {"frequency": (slope * x).sum(0)}

    layer = cnn.Function(forward, backward, parameters={"frequency": np.linspace(1, 4, 12)}, name="waves")
    x = np.linspace(-2, 2, 256)[:, None]
    net = cnn.Network([cnn.Input(1), cnn.Dense(12), layer, cnn.Dense(1)], dtype="float64", seed=0)
    assert net.check_gradients(x[::40], x[::40]).max_relative_error < 1e-5
    before = net.layer("waves").parameters["frequency"].copy()
    history = net.fit(x, np.sin(3 * x), epochs=150, optimizer=cnn.Adam(0.02), verbose=0).history["loss"]
    assert history[-1] < 0.01 < 0.1 < history[0]
    assert not np.array_equal(net.layer("waves").parameters["frequency"], before)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_data_frame(library):
    frames = pytest.importorskip(library)
    random = np.random.default_rng(5)
    age, town = random.uniform(18, 80, 300), random.choice(["Bern", "Rome", "Oslo"], 300)
    price = 0.02 * age + np.select([town == "Bern", town == "Rome"], [1.0, -1.0], 0.0)
    frame = frames.DataFrame({"age": age, "town": town, "price": price})

    numbers = cnn.Network([1, 4, 1], seed=0)
    numbers.fit(frame[["age"]], frame["price"], epochs=1, verbose=0)  # numbers alone need nothing
    assert numbers.predict(frame[["age"]]).tobytes() == numbers.predict(age[:, None]).tobytes()
    with pytest.raises(TypeError, match=r"column 'town'.*cnn\.data\.Preprocessing"):
        cnn.Network([2, 4, 1]).fit(frame[["age", "town"]], price)

    prep = cnn.data.Preprocessing("price").fit(frame)
    net = cnn.Network([*prep.layers(), cnn.Dense(8, activation="tanh"), cnn.Dense(1)], seed=0)
    net.preprocessing = prep
    net.fit(frame, epochs=60, optimizer=cnn.Adam(0.02), verbose=0)
    assert np.mean((net.predict(frame)[:, 0] - price) ** 2) < 0.02
    shuffled = frame[["town", "price", "age"]]  # by name, not by place
    assert net.predict(shuffled).tobytes() == net.predict(frame).tobytes()


def test_one_row():
    net = cnn.Network([4, 5, 3], output="softmax", seed=0)
    x = np.array([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(ValueError, match="one sample without its axis") as caught:
        net.predict(x)
    assert "pass X[None], or call net.feedforward(X)" in str(caught.value)
    np.testing.assert_allclose(net.predict(x[None])[0], net.feedforward(x), rtol=1e-6)
    assert net.feedforward([1, 2, 3, 4]).shape == (3,)
    assert isinstance(cnn.Network([4, 1]).feedforward(x), float)


def test_resume_bit_for_bit(tmp_path):
    (X, y), _ = digits(300)
    path = tmp_path / "run-{epoch}.cnn"

    def make():
        return cnn.Network([cnn.Input(64), cnn.Dense(16, "relu"), cnn.Dropout(0.2), cnn.Dense(10, "softmax")], seed=7)

    whole = make()
    whole.fit(X, y, epochs=6, optimizer=cnn.Adam(0.01), callbacks=[cnn.Checkpoint(path)], verbose=0)
    other = make()
    history = other.fit(X, y, epochs=6, resume=str(path).format(epoch=2), verbose=0)
    assert other._arena() == whole._arena()
    assert history.history == whole.history.history and len(history) == 6


def test_read_the_learning_rate():
    (X, y), _ = digits(200)
    seen = []

    class Watch(cnn.Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append((self.network.optimizer.rate, logs["lr"]))
            self.network.optimizer.lr = self.network.optimizer.lr / 2

    net = cnn.Network([64, 10], output="softmax", seed=0)
    history = net.fit(X, y, epochs=4, optimizer=cnn.SGD(0.8), callbacks=[Watch()], verbose=0).history
    assert history["lr"] == [0.8, 0.4, 0.2, 0.1] and net.optimizer.lr == 0.05
    assert seen == [(lr, lr) for lr in history["lr"]]
    history = net.fit(X, y, epochs=3, optimizer=cnn.SGD(cnn.schedules.Step(0.1, every=1, factor=0.5)), verbose=0)
    np.testing.assert_allclose(history.history["lr"], [0.1, 0.05, 0.025])


@pytest.mark.parametrize("how", [lambda n: n.copy(), copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_copy_a_network(how):
    X, y = cnn.datasets.moons(100)
    net = cnn.Network([2, 8, 1], output="sigmoid", seed=0)
    net.fit(X, y, epochs=3, verbose=0)
    twin, before = how(net), net.predict(X)
    assert twin.predict(X).tobytes() == before.tobytes()
    twin.fit(X, y, epochs=3, verbose=0)
    assert net.predict(X).tobytes() == before.tobytes() != twin.predict(X).tobytes()
    net.fit(X, y, epochs=3, verbose=0)  # the optimizer's state was copied, too
    assert net._arena() == twin._arena()


def test_predict_in_a_callback():
    X, y = cnn.datasets.moons(100)
    net, accuracy = cnn.Network([2, 8, 1], output="sigmoid", seed=0), []

    def watch(epoch, logs):
        accuracy.append(np.mean((net.predict(X)[:, 0] > 0.5) == y))
        if accuracy[-1] >= 0.9:
            net.stop_training = True

    history = net.fit(X, y, epochs=500, optimizer=cnn.Adam(0.05), callbacks=[watch], verbose=0)
    assert len(history) == len(accuracy) < 500 and accuracy[-1] >= 0.9 > max(accuracy[:-1])
    assert accuracy[-1] == np.mean(net.classify(X) == y)


def test_transfer_of_layers():
    """What was learnt on the digits below 5 serves the rest: frozen layers stay, and a new last layer learns."""
    (X, y), (Xt, t) = digits()
    base = cnn.Network([64, 32, 5], output="softmax", seed=0)
    base.fit(X[y < 5], y[y < 5], epochs=15, optimizer=cnn.Adam(0.01), verbose=0)
    net = cnn.Network([cnn.Input(64), *base.layers[:-1], cnn.Dense(5, activation="softmax")], seed=1)
    net.freeze(upto="dense_1")
    net.fit(X[y > 4], y[y > 4] - 5, epochs=15, optimizer=cnn.Adam(0.01), verbose=0)
    assert net.layers[0].weight.tobytes() == base.layers[0].weight.tobytes()
    assert net.evaluate(Xt[t > 4], t[t > 4] - 5)["accuracy"] > 0.85
    net.unfreeze()
    net.fit(X[y > 4], y[y > 4] - 5, epochs=1, verbose=0)
    assert net.layers[0].weight.tobytes() != base.layers[0].weight.tobytes()


def test_features_of_a_layer():
    (X, y), _ = digits(300)
    net = cnn.Network([64, 16, 10], output="softmax", seed=0)
    net.fit(X, y, epochs=3, verbose=0)
    hidden, out = net.layers
    found = net.activations(X)
    expected = np.maximum(X @ hidden.weight.T + hidden.bias, 0)
    np.testing.assert_allclose(found["dense_1"], expected, rtol=1e-4, atol=1e-5)
    assert found["dense_2"].tobytes() == net.predict(X).tobytes()
    features = cnn.Network([cnn.Input(64), *net.layers[:1]])
    np.testing.assert_allclose(features.predict(X), expected, rtol=1e-4, atol=1e-5)
    x = cnn.Input(64, name="pixels")
    h = cnn.Dense(16, activation="relu", name="features")(x)
    both = cnn.Network(inputs=x, outputs=[h, cnn.Dense(10, activation="softmax")(h)])
    both.layers[0].weight, both.layers[0].bias = hidden.weight, hidden.bias
    np.testing.assert_allclose(both.predict(X)[0], expected, rtol=1e-4, atol=1e-5)
    assert out.output_shape == (10,)
