"""BatchNorm over time: its running statistics, frozen layers, batches that have no variance."""

import numpy as np
import pytest
from conftest import close
from reference import normalization as reference
from test_normalization import bits, draw, made, values

import cnn

# ---- Running statistics


def followed(steps, momentum=0.1, dtype="float64"):
    """A network after some steps of SGD and what the reference says of its statistics."""
    shape = (3, 2, 2)
    net = made(cnn.BatchNorm(momentum), shape, dtype)
    mean, var = np.zeros(3), np.ones(3)
    for i in range(steps):
        x = draw(shape, 8, dtype, seed=i, offset=i)
        net.partial_fit(x, x, loss="mse", optimizer=cnn.SGD(0.1) if i == 0 else None)
        mean, var = reference.running(x.astype(float), mean, var, momentum)
    return net, mean, var


@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_after_some_steps(momentum, dtype, isa):
    net, mean, var = followed(5, momentum, dtype)
    close(net.layers[0].running_mean, mean, dtype)
    close(net.layers[0].running_var, var, dtype)
    assert set(net.buffers) == {"batch_norm_1.running_mean", "batch_norm_1.running_var"}
    x = draw((3, 2, 2), 7, dtype, 9)
    p = values(net)
    close(net.predict(x), reference.batch_norm(x.astype(float), p["weight"], p["bias"], 1e-5, mean, var), dtype, 3)
    assert net.evaluate(x, x, loss="mse")["loss"] == pytest.approx(np.mean((net.predict(x) - x) ** 2), rel=1e-5)


def test_looking_moves_nothing(dtype):
    net, _, _ = followed(2, dtype=dtype)
    before, x = bits(net), draw((3, 2, 2), 8, dtype, 4)
    net.predict(x)
    net.evaluate(x, x)
    net.gradients(x, x, training=True)
    net.activations(x)
    net.check_gradients(x, x)
    net.forward(x, training=True)
    net.forward(x, training=True)
    assert bits(net) == before


def test_by_hand_the_step_moves_them(dtype, isa):
    net = made(cnn.BatchNorm(), (4,), dtype)
    a, b = draw((4,), 6, dtype), draw((4,), 5, dtype, 1, offset=3)
    net.forward(a, training=True)
    net.backward(np.ones_like(a))
    assert not net.layers[0].running_mean.any()
    net.forward(b, training=True)
    net.backward(np.ones_like(b), accumulate=True)
    net.step(cnn.SGD(0.0))
    mean, var = reference.running(b.astype(float), *reference.running(a.astype(float), np.zeros(4), np.ones(4)))
    close(net.layers[0].running_mean, mean, dtype)
    close(net.layers[0].running_var, var, dtype)
    moved = bits(net)
    net.step()  # the same gradients, and no new statistics
    net.forward(a, training=False)
    net.backward(np.ones_like(a))
    net.step()
    assert bits(net) == moved


def test_accumulating_from_the_beginning(dtype):
    net = made(cnn.BatchNorm(), (4,), dtype)
    x = draw((4,), 6, dtype)
    net.forward(x, training=True)
    net.backward(np.ones_like(x), accumulate=True)
    net.step(cnn.SGD(0.0))
    mean, var = reference.running(x.astype(float), np.zeros(4), np.ones(4))
    close(net.layers[0].running_mean, mean, dtype)
    close(net.layers[0].running_var, var, dtype)


def test_a_layer_used_twice_moves_twice(dtype, isa):
    a, b = cnn.Input(4), cnn.Input(4)
    norm = cnn.BatchNorm()
    net = cnn.Network(inputs=[a, b], outputs=cnn.Add()([norm(a), norm(b)]), dtype=dtype, seed=0)
    x, z = draw((4,), 6, dtype), draw((4,), 6, dtype, 1, offset=3)
    net.partial_fit([x, z], np.zeros((6, 4)), optimizer="sgd", loss="mse")
    mean, var = reference.running(x.astype(float), *reference.running(z.astype(float), np.zeros(4), np.ones(4)))
    close(net.layers[0].running_mean, mean, dtype)
    close(net.layers[0].running_var, var, dtype)


class Stops:
    """A loss that goes wrong in its k-th call."""

    def __init__(self, k, how):
        self.left, self.how = k, how

    def __call__(self, y_true, y_pred):
        self.left -= 1
        if self.left == 0 and self.how == "raise":
            raise KeyError("enough")
        losses = ((y_pred - y_true) ** 2).mean(1)
        return (losses * np.nan if self.left == 0 else losses), (y_pred - y_true) / 2


@pytest.mark.parametrize("how", ["nan", "stop", "raise"])
def test_a_dropped_step_leaves_no_trace(how, dtype):
    x, y = draw((5,), 24, dtype), draw((3,), 24, dtype, 1)

    def trained(steps, loss, **options):
        layers = [cnn.Dense(7), cnn.BatchNorm(), cnn.Activation("relu"), cnn.Dense(3)]
        net = cnn.Network([cnn.Input(5), *layers], dtype=dtype, seed=0)
        fit = {"epochs": 1, "batch_size": 6, "shuffle": False, "verbose": 0, "optimizer": "sgd", "loss": loss}
        error = {"nan": FloatingPointError, "raise": KeyError}.get(how)
        if loss.left < 5 and error:
            with pytest.raises(error):
                net.fit(x, y, **fit, **options)
        else:
            net.fit(x[: 6 * steps], y[: 6 * steps], **fit, **options)
        return bits(net)

    cut = trained(4, Stops(3, how), **({"on_nan": "stop"} if how == "stop" else {}))
    assert cut == trained(2, Stops(99, how))


def test_lbfgs_moves_them_once_a_step(dtype, isa):
    x, y = draw((5,), 40, dtype, offset=2), draw((2,), 40, dtype, 1)
    net = cnn.Network([cnn.Input(5), cnn.BatchNorm(), cnn.Dense(2)], dtype=dtype, seed=0)
    history = net.fit(x, y, epochs=3, optimizer=cnn.LBFGS(max_iter=6), verbose=0)
    mean, var = np.zeros(5), np.ones(5)
    for _ in range(3):
        mean, var = reference.running(x.astype(float), mean, var)
    close(net.layers[0].running_mean, mean, dtype)
    close(net.layers[0].running_var, var, dtype)
    losses = history.history["loss"]
    assert losses[-1] < losses[0]
    least = np.linalg.lstsq(np.c_[x, np.ones(40)], y, rcond=None)[1].sum() / 80
    assert losses[-1] < least * 1.05


def test_a_reduce_hook_sees_them(isa):
    """What a sum over ranks makes of them is what the buffers become."""
    x, y = draw((4,), 6, offset=1), draw((4,), 6, seed=1)

    def run(others):
        seen, net = [], made(cnn.BatchNorm(), (4,))
        trainer = cnn._core.Trainer(net, [("mse", 0.0, 1.0)], "sgd", {}, 6)

        def reduce(values):
            seen.append(np.array(values))
            return values + others[len(seen) - 1]

        trainer.fit(([x], [y], None), epochs=1, batch_rows=6, shuffle=False, reduce=reduce)
        return seen, net

    seen, net = run([0.0, 2.0, 5.0, 0.0])
    mean, var = reference.running(x, np.zeros(4), np.ones(4))
    assert len(seen) == 4 and seen[0].size >= 8 and seen[3].size == 1  # gradients, both statistics, the loss
    close(seen[1], mean, "float64")
    close(seen[2], var, "float64")
    close(net.layers[0].running_mean, mean + 2, "float64")
    close(net.layers[0].running_var, var + 5, "float64")


# ---- Frozen


def test_frozen_layers_use_and_keep_their_statistics(dtype, isa):
    net, mean, var = followed(3, dtype=dtype)
    net.layers[0].trainable = False
    x = draw((3, 2, 2), 1, dtype, 4)
    p = values(net)
    wanted = reference.batch_norm(x.astype(float), p["weight"], p["bias"], 1e-5, mean, var)
    close(net.forward(x, training=True), wanted, dtype, 3)  # one row is enough
    net.layers[0].trainable = True
    rows = draw((3, 2, 2), 8, dtype, 4)
    assert np.abs(net.forward(rows, training=True) - net.predict(rows)).max() > 0.1


@pytest.mark.parametrize("upto", [None, "batch_norm_1"])
def test_transfer_learning_leaves_everything_in_a_frozen_layer(upto, dtype):
    layers = [cnn.Dense(6), cnn.BatchNorm(), cnn.LayerNorm(), cnn.GroupNorm(2), cnn.Dense(3)]
    base = cnn.Network([cnn.Input(5), *layers], dtype=dtype, seed=0)
    x, y = draw((5,), 64, dtype, offset=2), draw((3,), 64, dtype, 1)
    base.fit(x, y, epochs=2, verbose=0)
    net = cnn.Network([*base.layers[:-1], cnn.Dense(3)], dtype=dtype, seed=1)
    assert net.buffers["batch_norm_1.running_mean"].any()
    net.freeze("group_norm_1" if upto is None else upto)
    before = {k: np.array(v) for k, v in {**net.parameters, **net.buffers}.items()}
    net.fit(x, y, epochs=2, verbose=0)
    fixed = ["dense_1", "batch_norm_1"] + ([] if upto else ["layer_norm_1", "group_norm_1"])
    for name, value in {**net.parameters, **net.buffers}.items():
        assert np.array_equal(before[name], value) == (name.partition(".")[0] in fixed), name
    net.unfreeze()
    net.fit(x, y, epochs=1, verbose=0)
    for name, value in {**net.parameters, **net.buffers}.items():
        assert not np.array_equal(before[name], value), name


# ---- Batches that have no variance


def test_one_row_with_one_position_cannot_train(dtype):
    net = cnn.Network([cnn.Input(4), cnn.Dense(3), cnn.BatchNorm(name="norm"), cnn.Dense(2)], dtype=dtype, seed=0)
    x, y = draw((4,), 33, dtype), draw((2,), 33, dtype, 1)
    before = bits(net)
    with pytest.raises(ValueError, match=r"norm: the last training batch, of 33 rows in batches of 32, would be 1 row"):
        net.fit(x, y, epochs=1, verbose=0)
    for call in (
        lambda: net.fit(x, y, batch_size=1, epochs=1, verbose=0),
        lambda: net.partial_fit(x[:1], y[:1]),
        lambda: net.forward(x[:1], training=True),
        lambda: net.gradients(x[:1], y[:1], training=True),
        lambda: net.train(x, y, epochs=1),
    ):
        with pytest.raises(ValueError, match=r"norm: a training batch of 1 row has no variance by channel"):
            call()
    assert bits(net) == before
    net.gradients(x[:1], y[:1])
    net.fit(x, y, epochs=1, steps_per_epoch=1, verbose=0)
    net.fit(x, y, epochs=1, batch_size=11, verbose=0)
    net.layer("norm").trainable = False
    net.fit(x, y, epochs=1, verbose=0)


def test_one_row_of_several_positions_can(dtype, isa):
    net = made(cnn.BatchNorm(), (3, 2, 2), dtype)
    x = draw((3, 2, 2), 1, dtype)
    net.partial_fit(x, x, loss="mse", optimizer="sgd")
    mean, var = reference.running(x.astype(float), np.zeros(3), np.ones(3))
    close(net.layers[0].running_mean, mean, dtype)
    close(net.layers[0].running_var, var, dtype)
