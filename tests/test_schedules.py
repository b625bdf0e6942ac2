"""Learning-rate schedules: against the reference, in `history["lr"]`, and in what each step does."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import schedules as reference

import cnn
from cnn import schedules

CASES = [
    ("Step", {"lr": 0.5, "every": 2}),
    ("Step", {"lr": 0.5, "every": 1.5, "factor": 0.7}),
    ("Exponential", {"lr": 0.3, "decay": 0.9}),
    ("Exponential", {"lr": 0.3, "decay": 1.05}),
    ("Cosine", {"lr": 0.2, "epochs": 5}),
    ("Cosine", {"lr": 0.2, "epochs": 3.5, "final": 0.01}),
    ("OneCycle", {"peak": 0.4, "epochs": 6}),
    ("OneCycle", {"peak": 0.4, "epochs": 4, "warmup": 0.5, "start_factor": 10.0, "final_factor": 100.0}),
]
WARM = [("number", 0.3, 2.0), ("Step", CASES[0], 1.0), ("Cosine", CASES[4], 2.5), ("OneCycle", CASES[6], 0.5)]


def ours(name, options):
    return getattr(schedules, name)(**options)


def theirs(name, options):
    return getattr(reference, name)(**options)


def warm_pair(case):
    _, inner, epochs = case
    if isinstance(inner, float):
        return schedules.Warmup(inner, epochs), reference.Warmup(inner, epochs)
    return schedules.Warmup(ours(*inner), epochs), reference.Warmup(theirs(*inner), epochs)


PAIRS = [(ours(*case), theirs(*case)) for case in CASES] + [warm_pair(case) for case in WARM]
LABELS = [f"{name}-{i}" for i, (name, _) in enumerate(CASES)] + [f"Warmup-{name}" for name, *_ in WARM]
pairs = pytest.mark.parametrize(("schedule", "expected"), PAIRS, ids=LABELS)


def test_every_schedule_is_tested():
    known = {name for name in schedules.__all__ if name != "Schedule"}
    assert {label.split("-")[0] for label in LABELS} == known == set(reference.SCHEDULES)


@pairs
def test_values(schedule, expected):
    for epoch in [0, 1e-9, 0.25, 0.999999, 1, 1.5, 1.7999999, 1.8, 2, 2.5, 3, 4.999, 5, 6, 7.5, 100, 1e6]:
        if "decay=1.05" in repr(schedule) and epoch > 100:
            continue
        value = schedule(epoch)
        assert type(value) is float and value >= 0
        assert value == pytest.approx(expected(epoch), rel=1e-12, abs=1e-300)
    assert schedule(3) == schedule(np.float32(3)) == schedule(3.0)


NUMBER = st.floats(1e-6, 10)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_constants(data):
    name = data.draw(st.sampled_from(sorted(set(reference.SCHEDULES) - {"Warmup"})))
    options = {
        "Step": {"lr": NUMBER, "every": st.floats(0.1, 20), "factor": st.floats(0.01, 1.5)},
        "Exponential": {"lr": NUMBER, "decay": st.floats(0.1, 1.2)},
        "Cosine": {"lr": NUMBER, "epochs": st.floats(0.1, 50), "final": st.floats(0, 1)},
        "OneCycle": {
            "peak": NUMBER,
            "epochs": st.floats(0.1, 50),
            "warmup": st.floats(0.01, 0.99),
            "start_factor": st.floats(1, 100),
            "final_factor": st.floats(1, 1e5),
        },
    }[name]
    given_ = {key: data.draw(value) for key, value in options.items()}
    schedule, expected = ours(name, given_), theirs(name, given_)
    if data.draw(st.booleans()):
        warm = data.draw(st.floats(0.1, 9))
        schedule, expected = schedules.Warmup(schedule, warm), reference.Warmup(expected, warm)
    epoch = data.draw(st.one_of(st.floats(0, 60), st.integers(0, 60)))
    # at a jump of Step rounding decides; elsewhere the two agree
    if name == "Step" and abs(epoch / given_["every"] - round(epoch / given_["every"])) < 1e-9:
        return
    scale = given_.get("peak", given_.get("lr"))
    assert schedule(epoch) == pytest.approx(expected(epoch), rel=1e-9, abs=1e-12 * scale)


def test_known_figures():
    """torch.optim.lr_scheduler's: StepLR(2, 0.1), ExponentialLR(0.9), CosineAnnealingLR(4), OneCycleLR's ends and peak."""
    assert [schedules.Step(1, 2)(e) for e in range(5)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    assert schedules.Exponential(2, 0.9)(3) == pytest.approx(1.458)
    assert [schedules.Cosine(1, 4)(e) for e in range(6)] == pytest.approx(
        [1, 0.85355339059, 0.5, 0.14644660941, 0, 0], abs=1e-10
    )
    one = schedules.OneCycle(1, 10)
    assert [one(0), one(1.5), one(3), one(10), one(11)] == pytest.approx([0.04, 0.52, 1, 0.04 / 1e4, 0.04 / 1e4])
    assert [schedules.Warmup(0.5, 4)(e) for e in (0, 1, 3.999999, 4, 9)] == pytest.approx(
        [0, 0.125, 0.499999875, 0.5, 0.5]
    )


@pairs
def test_copies(schedule, expected, tmp_path):
    """They are values: equal, printable, in pickles and files."""
    assert copy.deepcopy(schedule) == pickle.loads(pickle.dumps(schedule)) == schedule != "lr"
    assert eval(repr(schedule), vars(schedules)) == schedule
    net = cnn.Network([2, 1], seed=0)
    net.fit([[0.0, 1.0]], [1.0], epochs=1, optimizer=cnn.SGD(schedule), verbose=0)
    net.save(tmp_path / "a.cnn")
    assert cnn.load(tmp_path / "a.cnn").optimizer.lr == schedule


# ---- In training ----------------------------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(24, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.3


def model(dtype="float64"):
    return cnn.Network([cnn.Input((3,)), cnn.Dense(1)], dtype=dtype, seed=1)


def descend(rate, steps, rows=8):
    """Plain gradient descent in NumPy, in order: rate(step) -> lr."""
    net = model()
    w, b = net.parameters["dense_1.weight"].copy(), net.parameters["dense_1.bias"].copy()
    for step in range(steps):
        at = step * rows % len(X)
        x, y = X[at : at + rows], Y[at : at + rows, None]
        e = 2 * (x @ w.T + b - y) / rows
        w, b = w - rate(step) * e.T @ x, b - rate(step) * e.sum(axis=0)
    return w, b


@pairs
def test_each_step_has_its_rate(schedule, expected):
    """Three steps an epoch: at epochs 0, 1/3, 2/3, 1, ..."""
    net = model()
    net.fit(X, Y, epochs=5, batch_size=8, shuffle=False, optimizer=cnn.SGD(schedule), verbose=0)
    w, b = descend(lambda step: expected(step / 3), 15)
    np.testing.assert_allclose(net.parameters["dense_1.weight"], w, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(net.parameters["dense_1.bias"], b, rtol=1e-9, atol=1e-12)


@pairs
def test_history_has_the_rates(schedule, expected, dtype):
    """Of each epoch that of its last step."""
    net = model(dtype)
    history = net.fit(X, Y, epochs=5, batch_size=8, optimizer=cnn.SGD(schedule), verbose=0).history
    assert history["lr"] == pytest.approx([expected(e + 2 / 3) for e in range(5)])


@pairs
@pytest.mark.parametrize("heard", ["a callback", "no callback"])
def test_a_schedule_and_the_same_function_are_one(schedule, expected, heard):
    """A schedule computed by the engine, and the same called back in Python: the same rates, so the same steps."""
    callbacks = [lambda epoch, logs: None] if heard == "a callback" else None
    one, two = model(), model()
    a = one.fit(X, Y, epochs=4, batch_size=7, optimizer=cnn.SGD(schedule), callbacks=callbacks, verbose=0)
    b = two.fit(X, Y, epochs=4, batch_size=7, optimizer=cnn.SGD(lambda epoch: schedule(epoch)), verbose=0)
    assert a.history["lr"] == b.history["lr"] and a.history["loss"] == b.history["loss"]
    assert one._arena() == two._arena()


def test_a_function_sees_the_epochs():
    seen = []

    def rate(epoch):
        seen.append(epoch)
        return 0.1 / (1 + epoch)

    net = model()
    net.fit(X, Y, epochs=2, batch_size=8, shuffle=False, optimizer=cnn.SGD(rate), verbose=0)
    assert all(isinstance(epoch, float) for epoch in seen)
    assert {round(3 * epoch) for epoch in seen} == set(range(6))
    w, _ = descend(lambda step: 0.1 / (1 + step / 3), 6)
    np.testing.assert_allclose(net.parameters["dense_1.weight"], w, rtol=1e-9)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_every_optimizer_takes_one(optimizer, dtype):
    """A rate of 0 in the first epoch: no step is taken; then they are."""
    net = model(dtype)
    before = net._arena()
    net.fit(X, Y, epochs=1, optimizer=getattr(cnn, optimizer)(lambda epoch: 0.0 if epoch < 1 else 0.1), verbose=0)
    assert net._arena() == before
    net.fit(X, Y, epochs=1, verbose=0)
    assert net._arena() != before and net.history.history["lr"] == [0.1]


@pairs
def test_two_fits_are_one(schedule, expected):
    """The schedule goes on with the optimizer; a new optimizer begins it afresh."""
    one, two = model(), model()
    whole = one.fit(X, Y, epochs=4, batch_size=8, optimizer=cnn.SGD(schedule), verbose=0).history
    first = two.fit(X, Y, epochs=2, batch_size=8, optimizer=cnn.SGD(schedule), verbose=0).history
    second = two.fit(X, Y, epochs=2, batch_size=8, verbose=0).history
    assert first["lr"] + second["lr"] == pytest.approx(whole["lr"], rel=1e-12)
    np.testing.assert_allclose(
        np.frombuffer(one._arena(), "float64"), np.frombuffer(two._arena(), "float64"), rtol=1e-12, atol=1e-15
    )
    afresh = two.fit(X, Y, epochs=2, batch_size=8, optimizer=cnn.SGD(schedule), verbose=0).history
    assert afresh["lr"] == pytest.approx(first["lr"], rel=1e-12)


def test_it_goes_on_after_a_file(tmp_path):
    schedule = schedules.Warmup(schedules.Cosine(0.1, epochs=6), 2)
    whole, half = model(), model()
    expected = whole.fit(X, Y, epochs=6, batch_size=8, optimizer=cnn.Adam(schedule), verbose=0).history["lr"]
    first = half.fit(X, Y, epochs=3, batch_size=8, optimizer=cnn.Adam(schedule), verbose=0).history["lr"]
    half.save(tmp_path / "half.cnn", training_state=True)
    again = cnn.load(tmp_path / "half.cnn")
    second = again.fit(X, Y, epochs=3, batch_size=8, verbose=0).history["lr"]
    assert first + second == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(np.frombuffer(again._arena()), np.frombuffer(whole._arena()), rtol=1e-12)


def test_partial_fit_takes_the_rate_of_the_beginning():
    one, two = model(), model()
    one.partial_fit(X, Y, optimizer=cnn.SGD(schedules.Exponential(0.1, 0.5)))
    two.partial_fit(X, Y, optimizer=cnn.SGD(0.1))
    assert one._arena() == two._arena()


def test_a_callback_may_put_a_number_in_its_place():
    def change(epoch, logs):
        if epoch == 1:
            net.optimizer.lr = 0.5

    net = model()
    history = net.fit(
        X, Y, epochs=4, optimizer=cnn.SGD(schedules.Step(0.1, every=1)), callbacks=[change], verbose=0
    ).history
    assert history["lr"] == pytest.approx([0.1, 0.01, 0.5, 0.5])


def test_lr_scale_multiplies():
    net, half = model(), model()
    half.layers[0].lr_scale = 0.5
    schedule = schedules.Cosine(0.1, epochs=3)
    net.fit(X, Y, epochs=3, shuffle=False, optimizer=cnn.SGD(lambda epoch: schedule(epoch) / 2), verbose=0)
    half.fit(X, Y, epochs=3, shuffle=False, optimizer=cnn.SGD(schedule), verbose=0)
    np.testing.assert_allclose(np.frombuffer(half._arena()), np.frombuffer(net._arena()), rtol=1e-12)


# ---- Wrong ones -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "word"),
    [
        (lambda: schedules.Step(-0.1, 2), ValueError, "lr"),
        (lambda: schedules.Step(0.1, 0), ValueError, "every"),
        (lambda: schedules.Step(0.1, 2, factor=0), ValueError, "factor"),
        (lambda: schedules.Exponential(0.1, -1), ValueError, "decay"),
        (lambda: schedules.Exponential(math.nan, 0.5), ValueError, "lr"),
        (lambda: schedules.Cosine(0.1, epochs=0), ValueError, "epochs"),
        (lambda: schedules.Cosine("fast", epochs=1), TypeError, "lr"),
        (lambda: schedules.Cosine(0.1, epochs=1, final=-1), ValueError, "final"),
        (lambda: schedules.OneCycle(0.1, 10, warmup=1), ValueError, "warmup"),
        (lambda: schedules.OneCycle(0.1, 10, warmup=0), ValueError, "warmup"),
        (lambda: schedules.OneCycle(0.1, math.inf), ValueError, "epochs"),
        (lambda: schedules.Warmup(schedules.Warmup(0.1, 2), 2), ValueError, "Warmup"),
        (lambda: schedules.Warmup(0.1, 0), ValueError, "epochs"),
        (lambda: schedules.Warmup("adam", 1), TypeError, "schedule"),
        (lambda: schedules.Cosine(0.1, T_max=3), TypeError, "T_max"),
        (lambda: schedules.Step(0.1, step_size=3), TypeError, "step_size"),
        (lambda: cnn.SGD("fast"), TypeError, "lr"),
        (lambda: cnn.SGD(-1), ValueError, "lr"),
    ],
)
def test_wrong_arguments(make, error, word):
    with pytest.raises(error, match=word) as caught:
        make()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("value", ["fast", None, math.nan, -1.0, math.inf, [0.1, 0.2]])
def test_functions_that_give_no_rate(value):
    """At the start: nothing is done. Later: the weights are those of the last whole step."""
    net = model()
    before = net._arena()
    with pytest.raises((TypeError, ValueError)) as caught:
        net.fit(X, Y, epochs=2, optimizer=cnn.SGD(lambda epoch: value), verbose=0)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert net._arena() == before
    reached = []

    def later(epoch):
        reached.append(epoch)
        return 0.1 if epoch < 1 else value

    with pytest.raises((TypeError, ValueError)):
        net.fit(X, Y, epochs=3, batch_size=24, shuffle=False, optimizer=cnn.SGD(later), verbose=0)
    assert max(reached) >= 1
    w, _ = descend(lambda step: 0.1, 1, rows=24)
    np.testing.assert_allclose(net.parameters["dense_1.weight"], w, rtol=1e-9)
    assert len(net.history.history["loss"]) == 1


def test_what_a_function_raises_comes_out():
    def fail(epoch):
        if epoch > 0:
            raise KeyError("mine")
        return 0.1

    net = model()
    with pytest.raises(KeyError, match="mine"):
        net.fit(X, Y, epochs=3, optimizer=cnn.SGD(fail), verbose=0)
    net.fit(X, Y, epochs=1, optimizer="sgd", verbose=0)
