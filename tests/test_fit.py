"""fit and its kin: data, targets, weights, validation, optimizers that go on or begin afresh."""

import numpy as np
import pytest
from reference import losses, metrics, schedules

import cnn
from cnn import _core


def rng(seed=0):
    return np.random.default_rng(seed)


X = rng().normal(size=(60, 4))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0]


def classifier(seed=0, **more):
    return cnn.Network([4, 8, 3], output="softmax", seed=seed, **more)


def same(a, b):
    return all(np.array_equal(a.parameters[k], b.parameters[k]) for k in a.parameters)


def test_learns_and_evaluates():
    net = classifier()
    history = net.fit(X, LABELS, epochs=60, optimizer=cnn.Adam(0.02), metrics=["accuracy"], verbose=0)
    assert history is net.history and len(history) == 60 and history.epoch == list(range(60))
    assert set(history.history) == {"loss", "lr", "accuracy"}
    assert history.history["loss"][-1] < 0.3 * history.history["loss"][0]
    figures = net.evaluate(X, LABELS)
    p = net.predict(X).astype(float)
    assert figures["loss"] == pytest.approx(
        losses.batch_loss(*losses.cross_entropy(LABELS, np.log(p))[:2])[0], rel=1e-4
    )
    assert figures["accuracy"] == metrics.accuracy(LABELS, p) > 0.9
    assert net.evaluate(X, LABELS, metrics=["f1", cnn.metrics.recall, "auc"]).keys() == {"loss", "f1", "recall", "auc"}


def test_evaluate_before_a_fit():
    assert set(classifier().evaluate(X, LABELS)) == {"loss", "accuracy"}
    assert set(cnn.Network([4, 1], seed=0).evaluate(X, NUMBERS)) == {"loss"}


@pytest.mark.parametrize("n_by", [(), (1,)])
def test_one_output_never_broadcasts(n_by):
    net = cnn.Network([4, 1], seed=0, dtype="float64")
    y = NUMBERS.reshape(60, *n_by)
    p = net.predict(X)[:, 0]
    assert net.evaluate(X, y)["loss"] == pytest.approx(((p - NUMBERS) ** 2).mean(), rel=1e-12)


def test_targets_of_cross_entropy_agree():
    one_hot = np.eye(3)[LABELS]
    nets = [classifier() for _ in range(4)]
    for net, y in zip(nets, [LABELS, LABELS[:, None], one_hot, LABELS.astype("uint8")], strict=True):
        net.fit(X, y, epochs=2, verbose=0)
    assert same(nets[0], nets[1]) and same(nets[0], nets[3])
    np.testing.assert_allclose(nets[0].predict(X), nets[2].predict(X), atol=1e-5)
    logits = cnn.Network([4, 8, 3], seed=0)
    assert logits.evaluate(X, LABELS, loss="cross_entropy")["loss"] == pytest.approx(
        classifier().evaluate(X, LABELS)["loss"], rel=1e-5
    )


def test_seed_reproduces():
    a, b = classifier(3), classifier(3)
    for net in (a, b):
        net.fit(X, LABELS, epochs=3, validation_split=0.2, verbose=0)
    assert same(a, b) and a.history.history == b.history.history
    c = classifier(4)
    c.copy_from(classifier(3))
    c.fit(X, LABELS, epochs=3, validation_split=0.2, verbose=0)
    assert not same(a, c)  # another shuffle


def test_optimizer_goes_on_or_begins_afresh():
    one, two = classifier(), classifier()
    one.fit(X, LABELS, epochs=4, optimizer=cnn.Adam(0.01), verbose=0)
    adam = cnn.Adam(0.01)
    two.fit(X, LABELS, epochs=2, optimizer=adam, verbose=0)
    two.fit(X, LABELS, epochs=1, verbose=0)  # None goes on
    middle = two.copy()
    two.fit(X, LABELS, epochs=1, optimizer=adam, verbose=0)  # so does the same object
    assert same(one, two) and two.history.epoch == [3] and two.optimizer is adam
    middle.fit(X, LABELS, epochs=1, optimizer=cnn.Adam(0.01), verbose=0)
    assert not same(one, middle)


def test_optimizer_state_survives_a_new_trainer():
    """Another batch size needs another trainer; the moments of Adam are carried over."""
    a, b = classifier(), classifier()
    for net in (a, b):
        net.fit(X, LABELS, epochs=3, batch_size=10, optimizer=cnn.Adam(0.01), verbose=0)
    b._ready_trainer(1000)
    for net in (a, b):
        net.fit(X, LABELS, epochs=1, batch_size=10, verbose=0)
    assert same(a, b)


def test_partial_fit_is_a_step():
    a, b = classifier(dtype="float64"), classifier(dtype="float64")
    a.fit(X, LABELS, epochs=3, batch_size=60, shuffle=False, verbose=0)
    values = [b.partial_fit(X, LABELS) for _ in range(3)]
    assert same(a, b) and a.history.history["loss"] == pytest.approx(values, rel=1e-12)
    b.partial_fit(X[:7], LABELS[:7])


def test_sample_weights_are_scaled_once():
    w = rng(1).uniform(0.1, 3, 60)
    a, b = classifier(dtype="float64"), classifier(dtype="float64")
    ha = a.fit(X, LABELS, epochs=2, sample_weight=w, verbose=0)
    hb = b.fit(X, LABELS, epochs=2, sample_weight=10 * w, verbose=0)
    np.testing.assert_allclose(ha.history["loss"], hb.history["loss"], rtol=1e-9)
    each = losses.cross_entropy(LABELS, np.log(a.predict(X)))[0]
    assert a.evaluate(X, LABELS, sample_weight=w)["loss"] == pytest.approx(np.average(each, weights=w), rel=1e-9)
    # a weight of 0 is as if the row were not there
    zero = np.r_[np.ones(30), np.zeros(30)]
    assert a.evaluate(X, LABELS, sample_weight=zero)["loss"] == pytest.approx(each[:30].mean(), rel=1e-9)


def test_class_weight():
    balanced = losses.balanced_weights(LABELS)
    nets = [classifier(dtype="float64") for _ in range(3)]
    nets[0].fit(X, LABELS, epochs=2, class_weight="balanced", verbose=0)
    nets[1].fit(X, LABELS, epochs=2, sample_weight=balanced, verbose=0)
    counts = np.bincount(LABELS)
    nets[2].fit(X, LABELS, epochs=2, class_weight={i: 60 / (3 * counts[i]) for i in range(3)}, verbose=0)
    np.testing.assert_allclose(nets[0].predict(X), nets[1].predict(X), rtol=1e-9)
    np.testing.assert_allclose(nets[0].predict(X), nets[2].predict(X), rtol=1e-9)


def test_validation():
    net = classifier()
    h = net.fit(X, LABELS, epochs=2, metrics=["accuracy"], validation_data=(X[:20], LABELS[:20]), verbose=0).history
    assert {"val_loss", "val_accuracy"} <= set(h)
    figures = net.evaluate(X[:20], LABELS[:20])
    assert (
        h["val_loss"][-1] == pytest.approx(figures["loss"], rel=1e-6) and h["val_accuracy"][-1] == figures["accuracy"]
    )


def test_validation_split_is_stratified():
    net = classifier()
    y = np.r_[np.zeros(40, int), np.ones(16, int), np.full(4, 2)]
    trainer = net._ready_evaluator(1, [None])
    kept, held = net._split(trainer, [y], 0.25)
    assert np.bincount(y[held]).tolist() == [10, 4, 1] and len(np.union1d(kept, held)) == 60
    again = net._split(trainer, [y], 0.25)[1]
    assert np.array_equal(held, again)
    assert not np.array_equal(classifier(9)._split(trainer, [y], 0.25)[1], held)


def test_batches():
    batches = [(X[i : i + 16], LABELS[i : i + 16]) for i in range(0, 60, 16)]

    class Loader:
        def __iter__(self):
            return iter(batches)

    nets = [classifier() for _ in range(3)]
    nets[0].fit(X, LABELS, epochs=3, batch_size=16, shuffle=False, verbose=0)
    nets[1].fit(batches, epochs=3, verbose=0)
    nets[2].fit(Loader(), epochs=3, verbose=0, validation_data=Loader())
    assert same(nets[0], nets[1]) and same(nets[0], nets[2])
    assert nets[0].evaluate(batches)["loss"] == pytest.approx(nets[0].evaluate(X, LABELS)["loss"], rel=1e-5)
    assert "val_loss" in nets[2].history.history
    endless = classifier()
    endless.fit((b for _ in range(100) for b in batches), epochs=3, steps_per_epoch=4, verbose=0)
    assert same(nets[0], endless)
    with pytest.raises(ValueError, match="only once"):
        classifier().fit(iter(batches), epochs=2, verbose=0)


def test_steps_per_epoch():
    net = classifier()
    net.fit(X, LABELS, epochs=2, batch_size=10, steps_per_epoch=2, verbose=0)
    assert len(net.history) == 2
    with pytest.raises(ValueError):
        net.fit(X, LABELS, steps_per_epoch=0)


def test_metric_functions():
    seen = []

    def share(y_true, y_pred):
        seen.append((y_true.shape, y_pred.shape))
        return float((y_pred.argmax(axis=1) == y_true).mean())

    net = classifier()
    h = net.fit(X, LABELS, epochs=2, metrics=[share, "accuracy"], validation_data=(X, LABELS), verbose=0).history
    assert h["val_share"] == pytest.approx(h["val_accuracy"]) and h["share"] == pytest.approx(h["accuracy"])
    assert seen[0] == ((60,), (60, 3))


def test_a_loss_of_ones_own():
    def squared(y_true, y_pred):
        e = y_pred - y_true
        return (e**2).mean(axis=1), 2 * e / e.shape[1]

    a, b = cnn.Network([4, 5, 1], seed=0, dtype="float64"), cnn.Network([4, 5, 1], seed=0, dtype="float64")
    a.fit(X, NUMBERS, epochs=3, loss=squared, verbose=0)
    b.fit(X, NUMBERS, epochs=3, loss="mse", verbose=0)
    np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-10)


def test_penalty_in_history():
    net = cnn.Network([cnn.Input(4), cnn.Dense(1, l2=0.1)], seed=0)
    assert net.fit(X, NUMBERS, epochs=1, verbose=0).history["penalty"][0] > 0


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adagrad", "adam", "adamw", "rprop", "lbfgs"])
def test_every_optimizer_learns(name):
    net = cnn.Network([4, 1], seed=0, dtype="float64")
    before = net.evaluate(X, NUMBERS)["loss"]
    net.fit(X, NUMBERS, epochs=20, optimizer=name, verbose=0)
    assert net.evaluate(X, NUMBERS)["loss"] < (1e-8 if name == "lbfgs" else before)
    assert net.optimizer.kind == name


def test_optimizer_defaults_are_the_engines():
    for kind, made in cnn.optimizers.CLASSES.items():
        defaults = _core.optimizer_defaults(kind)
        if kind == "lbfgs":
            defaults["strong_wolfe"] = 0.0  # the engine's is to search; PyTorch's, and ours here, is not to
        assert {**made()._options(), "lr": made().lr} == {k: defaults[k] for k in [*made()._options(), "lr"]}


SCHEDULES = [
    (cnn.schedules.Step(0.1, 2, 0.5), schedules.Step(0.1, 2, 0.5)),
    (cnn.schedules.Exponential(0.1, 0.9), schedules.Exponential(0.1, 0.9)),
    (cnn.schedules.Cosine(0.1, 5, 0.01), schedules.Cosine(0.1, 5, 0.01)),
    (cnn.schedules.OneCycle(0.1, 6), schedules.OneCycle(0.1, 6)),
    (cnn.schedules.Warmup(cnn.schedules.Cosine(0.1, 5), 2), schedules.Warmup(schedules.Cosine(0.1, 5), 2)),
    (cnn.schedules.Warmup(0.1, 3), schedules.Warmup(0.1, 3)),
    (cnn.schedules.Warmup(lambda e: 0.1 + e, 3), schedules.Warmup(lambda e: 0.1 + e, 3)),
]


@pytest.mark.parametrize("ours, reference", SCHEDULES, ids=lambda s: type(s).__name__)
def test_schedules(ours, reference):
    for epoch in np.linspace(0, 8, 33):
        assert ours(epoch) == pytest.approx(reference(epoch), rel=1e-12, abs=1e-15)
    net = classifier()
    rates = net.fit(X, LABELS, epochs=3, batch_size=30, optimizer=cnn.SGD(ours), verbose=0).history["lr"]
    assert rates == pytest.approx([reference(e + 0.5) for e in range(3)], rel=1e-12)  # of the last step
    again = net.fit(X, LABELS, epochs=1, batch_size=30, optimizer=cnn.SGD(ours), verbose=0).history["lr"]
    assert again == pytest.approx([reference(0.5)], rel=1e-12)  # a new object's epochs begin at 0


def test_several_inputs_and_outputs():
    a, b = cnn.Input(2, name="left"), cnn.Input(2, name="right")
    h = cnn.Dense(6, activation="tanh")(cnn.Concat()([a, b]))
    kind = cnn.Dense(3, activation="softmax", name="kind")(h)
    size = cnn.Dense(1, name="size")(h)
    net = cnn.Network(inputs=[a, b], outputs=[kind, size], seed=0)
    other = net.copy()
    parts, targets = [X[:, :2], X[:, 2:]], [LABELS, NUMBERS]
    history = net.fit(parts, targets, epochs=3, metrics={"kind": ["accuracy"], "size": "mae"}, verbose=0)
    assert set(history.history) == {"loss", "lr", "kind_accuracy", "size_mae"}
    other.fit(
        {"right": parts[1], "left": parts[0]},
        {"size": NUMBERS, "kind": LABELS},
        epochs=3,
        loss={"kind": None, "size": "mse"},
        verbose=0,
    )
    assert same(net, other)
    p = net.predict(parts)
    assert p[0].shape == (60, 3) and p[1].shape == (60, 1)
    one = net.feedforward([X[0, :2], X[0, 2:]])
    assert one[0].shape == (3,) and isinstance(one[1], float)
    each = losses.cross_entropy(LABELS, np.log(p[0].astype(float)))[0].mean() + ((p[1][:, 0] - NUMBERS) ** 2).mean()
    assert net.evaluate(parts, targets)["loss"] == pytest.approx(each, rel=1e-4)


def test_time_steps():
    """Class labels a step, (n, time), and weights that mask steps."""
    net = cnn.Network([cnn.Input((5, 4)), cnn.Dense(3, activation="softmax")], seed=0, dtype="float64")
    x, y = rng().normal(size=(8, 5, 4)), rng(1).integers(0, 3, (8, 5))
    mask = (rng(2).random((8, 5)) < 0.7).astype(float)
    each = losses.cross_entropy_steps(y, np.log(net.predict(x)))[0]
    assert net.evaluate(x, y)["loss"] == pytest.approx(each.mean(), rel=1e-10)
    assert net.evaluate(x, y, sample_weight=mask)["loss"] == pytest.approx(np.average(each, weights=mask), rel=1e-10)
    net.fit(x, y, epochs=2, sample_weight=mask, verbose=0)


def test_other_containers(tmp_path):
    nets = [classifier() for _ in range(3)]
    np.save(tmp_path / "x.npy", X)

    class Exchange:  # DLPack alone
        def __init__(self, a):
            self.a = a

        def __dlpack__(self, **k):
            return self.a.__dlpack__(**k)

        def __dlpack_device__(self):
            return self.a.__dlpack_device__()

    for net, x, y in zip(
        nets,
        [X, np.load(tmp_path / "x.npy", mmap_mode="r"), Exchange(X.copy())],
        [LABELS, LABELS.tolist(), LABELS],
        strict=True,
    ):
        net.fit(x, y, epochs=1, verbose=0)
    assert same(nets[0], nets[1]) and same(nets[0], nets[2])


def test_a_nan_in_training():
    net = cnn.Network([4, 1], seed=0)
    with pytest.raises(FloatingPointError, match="learning rate"):
        net.fit(X, NUMBERS, epochs=300, optimizer=cnn.SGD(1e6), verbose=0)
    other = cnn.Network([4, 1], seed=0)
    history = other.fit(X, NUMBERS, epochs=300, optimizer=cnn.SGD(1e6), on_nan="stop", verbose=0)
    assert len(history) < 300


@pytest.mark.parametrize("name", list(cnn.metrics.FUNCTIONS))
def test_metric_functions_are_the_references(name):
    g = rng(5)
    w = g.random(40)
    if name in ("mae", "mse", "r2"):
        y, p = g.normal(size=(40, 2)), g.normal(size=(40, 2))
        cases = [(y, p)]
    else:
        p = g.random((40, 6)).round(1)
        cases = [(g.integers(0, 6, 40), p), (g.integers(0, 2, 40), p[:, 0])][: 1 if name == "top_k_accuracy" else 2]
    for y, p in cases:
        for weight in (None, w):
            assert cnn.metrics.FUNCTIONS[name](y, p, weight) == pytest.approx(
                metrics.METRICS[name](y, p, weight), rel=1e-12
            )


def test_resuming_with_wrong_data_changes_nothing(tmp_path):
    first = cnn.Network([3, 4, 2], output="softmax", seed=1)
    x, y = np.random.default_rng(0).normal(size=(20, 3)).astype("float32"), np.arange(20) % 2
    first.fit(x, y, epochs=2, callbacks=[cnn.Checkpoint(tmp_path / "a.cnn")], verbose=0)
    net = cnn.Network([3, 4, 2], output="softmax", seed=5)
    net.fit(x, y, epochs=1, optimizer="sgd", verbose=0)
    before, optimizer = net._arena(), net.optimizer
    with pytest.raises(ValueError, match="label 6"):
        net.fit(x, y + 6, epochs=4, resume=tmp_path / "a.cnn", verbose=0)
    assert net._arena() == before
    assert net.seed == 5
    assert net.optimizer is optimizer
    with pytest.raises(OSError):
        net.fit(x, y, resume=tmp_path / "b.cnn", verbose=0)
    assert net._arena() == before
    resumed = cnn.Network([3, 4, 2], output="softmax", seed=9)
    resumed.fit(x, y, epochs=4, resume=tmp_path / "a.cnn", verbose=0)
    first.fit(x, y, epochs=2, verbose=0)
    assert resumed._arena() == first._arena()
