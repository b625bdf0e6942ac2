"""What is set takes effect, or is refused in a sentence; answers of one's own functions are looked at."""

import copy
import json
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnn
from cnn.names import missing

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = np.arange(24) % 3


def network(**given):
    return cnn.Network([4, 8, 3], output="softmax", seed=0, **given)


def refused(error, words, call, *arguments):
    with pytest.raises(error) as caught:
        call(*arguments)
    message = str(caught.value)
    assert words in message and "\n" not in message and "object at 0x" not in message and len(message) < 400, message
    return message


# ---- Layers of a network

KINDS = [
    cnn.Input(4),
    cnn.Normalize(),
    cnn.Dense(6, activation="relu", l2=0.1, max_norm=2.0),
    cnn.Dropout(0.2),
    cnn.GaussianNoise(0.1),
    cnn.Rescale(2.0),
    cnn.Activation("tanh"),
    cnn.Reshape((2, 3)),
    cnn.Flatten(),
    cnn.Function(np.abs),
    cnn.Dense(2, activation=cnn.Activation("leaky_relu", negative_slope=0.3)),
]


def settings():
    net = cnn.Network(KINDS)
    return [
        (i, n)
        for i, x in enumerate([*net.layers, *net.inputs])
        for n in [*x._settings, "name"]
        if n not in ("layer", "inputs")
    ]


@pytest.mark.parametrize("place, name", settings())
def test_a_setting_of_a_built_layer(place, name):
    """Refused, and nothing is changed."""
    net = cnn.Network(KINDS, seed=0)
    layer = [*net.layers, *net.inputs][place]
    before, answer = getattr(layer, name), net.predict(X)
    message = refused(AttributeError, "belongs to a network", setattr, layer, name, 0.5)
    assert f"which fixes its {name}" in message and repr(layer.name) in message and "make a new network" in message
    assert getattr(layer, name) is before and net.predict(X).tobytes() == answer.tobytes()


def test_the_activation_object_of_a_built_layer():
    layer = cnn.Network(KINDS).layers[-1]
    refused(AttributeError, "which fixes its activation", setattr, layer.activation, "activation", "tanh")


def test_the_advice_as_it_stands():
    """A new network with the layer changed, and the weights by name."""
    net = network()
    refused(
        AttributeError, "new.set_parameters(net.parameters, strict=False)", setattr, net.layers[0], "activation", "tanh"
    )
    new = cnn.Network([cnn.Input(4), cnn.Dense(8, activation="tanh"), cnn.Dense(3, activation="softmax")])
    new.set_parameters(net.parameters, strict=False)
    z = np.tanh(X @ net.layers[0].weight.T + net.layers[0].bias) @ net.layers[1].weight.T + net.layers[1].bias
    e = np.exp(z - z.max(1, keepdims=True))
    assert new.predict(X) == pytest.approx(e / e.sum(1, keepdims=True), rel=1e-4)


def test_what_may_be_set_of_a_built_layer():
    net = network()
    layer = net.layers[0]
    layer.trainable, layer.lr_scale = False, 0.5
    layer.weight, layer.bias = 2.0, np.arange(8)
    layer.weight[0, 0] = 7
    kept = net.parameters["dense_1.weight"].copy()
    net.fit(X, Y, epochs=1, verbose=0)
    assert kept[0, 0] == 7 and (net.parameters["dense_1.weight"] == kept).all() and not layer.trainable


@pytest.mark.parametrize("name, hint", [
    ("wieght", "did you mean 'weight'"), ("aktivation", "did you mean 'activation'"), ("kernel", "write layer.weight"), ("zzz", "it has units"),
])  # fmt: skip
@pytest.mark.parametrize("built", [False, True])
def test_an_unknown_name_of_a_layer(name, hint, built):
    layer = network().layers[0] if built else cnn.Dense(3)
    refused(AttributeError, f"Dense has no {name!r}", setattr, layer, name, 0)
    assert hint in refused(AttributeError, name, setattr, layer, name, 0)


def test_read_only_attributes_of_a_layer():
    layer = network().layers[0]
    refused(AttributeError, "[...] = values", setattr, layer, "parameters", {})
    refused(AttributeError, "cannot be set", setattr, layer, "output_shape", (3,))
    refused(AttributeError, "write cnn.Dense(8, bias=False)", setattr, cnn.Dense(3), "bias", False)
    net = cnn.Network([cnn.Input(4), cnn.Normalize(), cnn.Dense(1)])
    message = refused(
        AttributeError, "net.buffers['normalize_1.mean'][...] = values", setattr, net.layers[0], "mean", 3
    )
    assert message
    net.buffers["normalize_1.mean"][...] = 3
    assert net.activations(X)["normalize_1"] == pytest.approx(X - 3)


@pytest.mark.parametrize("made, changes, wanted", [
    (lambda: cnn.Dense(3), {"units": 5, "activation": "TANH", "init": "ones", "bias_init": "ones"},
     lambda: cnn.Dense(5, activation="tanh", init="ones", bias_init="ones")),
    (lambda: cnn.Dense(3), {"l1": 0.1, "l2": 0.2, "max_norm": 3, "name": "last", "trainable": False},
     lambda: cnn.Dense(3, l1=0.1, l2=0.2, max_norm=3, name="last", trainable=False)),
    (lambda: cnn.Dropout(0.5), {"rate": 0.25}, lambda: cnn.Dropout(0.25)),
    (lambda: cnn.GaussianNoise(1), {"std": 0.25}, lambda: cnn.GaussianNoise(0.25)),
    (lambda: cnn.Rescale(1), {"scale": 3, "offset": 2}, lambda: cnn.Rescale(3, 2)),
    (lambda: cnn.Activation("relu"), {"activation": "elu", "constants": {"alpha": 2}}, lambda: cnn.Activation("elu", alpha=2)),
    (lambda: cnn.Reshape((4,)), {"shape": (2, 2)}, lambda: cnn.Reshape((2, 2))),
    (lambda: cnn.OneHot(2), {"classes": [0, 2, 0, 3]}, lambda: cnn.OneHot([0, 2, 0, 3])),
    (lambda: cnn.Function(np.abs), {"forward": np.square}, lambda: cnn.Function(np.square)),
])  # fmt: skip
def test_a_description_may_be_changed(made, changes, wanted):
    """Before it is built: the network is as if the layer had been made so."""
    layer = made()
    for name, value in changes.items():
        setattr(layer, name, value)
    nets = [cnn.Network([cnn.Input(4), one], seed=1) for one in (layer, wanted())]
    x = np.abs(X).round().clip(0, 1)
    assert nets[0].predict(x).tobytes() == nets[1].predict(x).tobytes()
    tables = [net._block_table for net in nets]
    assert repr(tables[0]) == repr(tables[1]) and repr(nets[0].layers) == repr(nets[1].layers)
    assert [n["attributes"] for n in nets[0]._nodes()] == [n["attributes"] for n in nets[1]._nodes()]


@pytest.mark.parametrize("layer, name, value", [
    (cnn.Dense(3), "units", 0), (cnn.Dense(3), "units", "x"), (cnn.Dense(3), "activation", "rleu"), (cnn.Dense(3), "l2", -1),
    (cnn.Dropout(), "rate", 1.0), (cnn.Input(3), "shape", 0), (cnn.OneHot(3), "classes", -2), (cnn.Function(np.abs), "forward", 3),
])  # fmt: skip
def test_a_wrong_change_of_a_description(layer, name, value):
    before = getattr(layer, name)
    refused((ValueError, TypeError), name, setattr, layer, name, value)
    assert getattr(layer, name) == before


@pytest.mark.parametrize("name", ["a.b", "a@2", "", "__x", 3])
def test_a_wrong_name_of_a_description(name):
    layer = cnn.Dense(3)
    layer.name = name
    refused((ValueError, TypeError), "a layer's name is a string without", cnn.Network, [cnn.Input(4), layer])


def test_constants_that_do_not_go_with_the_activation():
    layer = cnn.Activation("leaky_relu", negative_slope=0.2)
    layer.activation = "relu"
    refused(TypeError, "relu has no constant negative_slope", cnn.Network, [cnn.Input(4), layer])


# ---- A network


@pytest.mark.parametrize("name, hint", [
    ("layres", "did you mean 'layers'"), ("epochs", "write net.fit(X, y, epochs=...)"), ("batch_size", "net.fit(X, y, batch_size=...)"),
    ("weights", "write net.parameters"), ("lr", "net.optimizer = cnn.Adam(lr=0.001)"), ("qqq", "net.metadata"), ("clases", "'classes'"),
])  # fmt: skip
def test_an_unknown_name_of_a_network(name, hint):
    net = network()
    assert hint in refused(AttributeError, f"Network has no {name!r}", setattr, net, name, 3)
    assert name not in vars(net)


def test_the_rate_where_no_optimizer_is_yet():
    net = network()
    assert "net.optimizer = cnn.Adam(lr=0.001)" in refused(AttributeError, "lr", getattr, net, "lr")
    net.optimizer = cnn.Adam(lr=0.001)  # as the message says
    net.optimizer.lr = 0.5
    net.fit(X, Y, epochs=1, verbose=0)
    assert net.history.history["lr"] == [0.5]


@pytest.mark.parametrize(
    "name", ["layers", "inputs", "parameters", "buffers", "dtype", "seed", "grads", "input_shape", "output_shape"]
)
def test_what_follows_from_the_layers(name):
    refused(AttributeError, f"net.{name} cannot be set: ", setattr, network(), name, 3)


def test_a_method_is_not_set_to_a_value():
    net = network()
    refused(AttributeError, "net.freeze is a method", setattr, net, "freeze", True)
    net.save = print  # but another function may take its place, as in tests of the user's
    assert net.save is print


class Own(cnn.Network):
    def __init__(self, *arguments, **keywords):
        self.before = 1
        super().__init__(*arguments, **keywords)
        self.note = "mine"

    def count(self):
        self.seen = getattr(self, "seen", 0) + 1


class OwnLayer(cnn.Dense):
    def __init__(self, units):
        super().__init__(units)
        self.tag = "mine"


class OwnCallback(cnn.Callback):
    def on_epoch_end(self, epoch, logs):
        self.last = epoch


def test_classes_of_the_users_own(tmp_path):
    net = Own([4, 3], seed=0)
    net.count()
    net.count()
    net._private = 3
    assert (net.before, net.note, net.seen, net._private) == (1, "mine", 2, 3)
    for other in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        other.count()
        assert type(other) is Own and other.predict(X).tobytes() == net.predict(X).tobytes()
    layer = OwnLayer(3)
    layer.more = [1]
    for other in (layer, copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert (other.tag, other.more, other.units) == ("mine", [1], 3)
        assert cnn.Network([cnn.Input(4), other]).output_shape == (3,)
    callback = OwnCallback()
    net.fit(X, np.eye(3)[Y], epochs=2, callbacks=[callback], verbose=0)
    assert callback.last == 1


def test_copies_of_what_is_ours():
    net = network()
    net.fit(X, Y, epochs=1, metrics=["accuracy"], verbose=0)
    for other in (net.copy(), copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        other.loss, other.metrics = "mse", ["mae"]
        assert other.predict(X).tobytes() == net.predict(X).tobytes() and net.metrics == ["accuracy"]
        refused(AttributeError, "belongs to a network", setattr, other.layers[0], "units", 3)
    for layer in KINDS[:-1]:
        if not isinstance(layer, cnn.Function):
            assert repr(pickle.loads(pickle.dumps(layer))) == repr(copy.deepcopy(layer)) == repr(layer)


def test_choices_are_checked_when_they_are_set():
    net = network()
    refused(ValueError, "did you mean 'mse'", setattr, net, "loss", "msee")
    refused(ValueError, "did you mean 'accuracy'", setattr, net, "metrics", ["acuracy"])
    refused(ValueError, "write 'top_k_accuracy'", setattr, net, "metrics", ["Top K Accuracy"])
    refused(TypeError, "loss is 3", setattr, net, "loss", 3)
    assert net.loss is None and net.metrics is None
    net.loss, net.metrics = "mse", "mae"
    assert set(net.evaluate(X, np.eye(3)[Y])) == {"loss", "mae"}
    net.loss = net.metrics = None
    assert set(net.evaluate(X, Y)) == {"loss", "accuracy"}


@pytest.mark.parametrize("classes, words", [
    (["a", "b"], "classes has 2 names, and the network has 3 outputs"), (["a", "b", "a"], "'a' twice"), ("abc", "expected a list"), (3, "expected a list"),
])  # fmt: skip
def test_classes_that_do_not_fit(classes, words):
    net = network()
    refused((ValueError, TypeError), words, setattr, net, "classes", classes)
    assert net.classes is None


def test_classes_that_fit():
    net = network()
    for classes in (["a", "b", "c"], ("a", "b", "c"), np.array(["a", "b", "c"])):
        net.classes = classes
        assert net.classify(X).tolist() == [["a", "b", "c"][k] for k in net.predict(X).argmax(1)]
    one = cnn.Network([4, 1], output="sigmoid")
    refused(ValueError, "one output, which tells two classes apart", setattr, one, "classes", ["a"])
    one.classes = ["no", "yes"]
    assert set(one.classify(X)) <= {"no", "yes"}


def test_the_choices_of_an_optimizer():
    optimizer = cnn.Adam()
    refused(AttributeError, "Adam has no 'learning_rate': write lr", setattr, optimizer, "learning_rate", 0.1)
    refused(AttributeError, "did you mean 'weight_decay'", setattr, optimizer, "wieght_decay", 0.1)
    optimizer.eps, optimizer.lr = 1e-6, 0.2
    assert pickle.loads(pickle.dumps(optimizer)).eps == 1e-6 and "eps=1e-06" in repr(copy.copy(optimizer))


# ---- The parameters, and the list of layers


@given(st.sampled_from(["dense_1.weight", "dense_1.bias", "dense_2.weight"]), st.floats(-9, 9, width=32), st.booleans())
def test_a_parameter_that_is_set_is_written(name, number, of_layer):
    net = network()
    shape = net.parameters[name].shape
    values = np.full(shape, number, "float32")
    if of_layer:
        layer, _, key = name.partition(".")
        net.layer(layer).parameters[key] = values.tolist()
    else:
        net.parameters[name] = values
    assert net.parameters[name].tobytes() == values.tobytes()
    net.parameters[name] += 1
    assert net.parameters[name] == pytest.approx(values + 1)
    net.parameters[name] = 0
    assert not net.parameters[name].any()


def test_a_parameter_that_does_not_fit():
    net = network()
    before = net._arena()
    message = refused(ValueError, "[...] = ", net.parameters.__setitem__, "dense_1.weight", np.zeros((2, 2)))
    assert "(8, 4)" in message and "net.set_parameters" in message
    refused(ValueError, "did you mean 'dense_1.weight'", net.parameters.__setitem__, "dense_1.wieght", 0)
    refused(ValueError, "is not known", net.parameters.setdefault, "new", 0)
    refused(ValueError, "is not known", net.parameters.update, {"dense_1.bias": np.ones(8), "new": 0})
    refused(TypeError, "numbers", net.parameters.update, {"dense_1.bias": "text"})
    assert net._arena() == before
    net.parameters.update({"dense_1.bias": np.ones(8)})
    assert (net.layers[0].bias == 1).all()


def test_copies_of_the_parameters_are_plain():
    net = network()
    for other in (copy.deepcopy(net.parameters), pickle.loads(pickle.dumps(net.parameters)), dict(net.parameters)):
        assert type(other) is dict
        other["new"] = 1
    taken = net.parameters
    taken.pop("dense_2.bias")  # of this dict, which may go into another network
    network().set_parameters(taken, strict=False)
    assert len(net.parameters) == 4


@pytest.mark.parametrize("change", [
    lambda x: x.append(cnn.Dense(2)), lambda x: x.extend([]), lambda x: x.insert(0, 1), lambda x: x.pop(), lambda x: x.remove(x[0]),
    lambda x: x.clear(), lambda x: x.reverse(), lambda x: x.sort(key=id), lambda x: x.__setitem__(0, 1), lambda x: x.__delitem__(0),
    lambda x: x.__iadd__([1]), lambda x: x.__imul__(2),
])  # fmt: skip
def test_the_list_of_layers_is_not_changed(change):
    net = network()
    refused(TypeError, "cnn.Network(net.layers[:-1] + [cnn.Dense(5)])", change, net.layers)
    assert len(net.layers) == 2


def test_the_list_of_layers_is_a_list():
    net = network()
    assert isinstance(net.layers, list) and len(net.layers[:1] + [3]) == 2 and [*net.layers, 3][-1] == 3
    new = cnn.Network(net.layers[:-1] + [cnn.Dense(5)])
    assert new.output_shape == (5,) and (new.layers[0].weight == net.layers[0].weight).all()
    mine = list(net.layers)
    mine.append(cnn.Dense(2))
    assert cnn.Network(mine).output_shape == (2,) and type(copy.copy(net.layers)) is list


@pytest.mark.parametrize("key", [None, 1.5, True, [1]])
def test_what_is_no_layers_name(key):
    refused(TypeError, "expected a layer's name or its place", network().layer, key)
    if key is not None:
        refused(TypeError, "expected a layer's name or its place", network().freeze, key)
    net = network()
    assert net.layer(net.layers[0]) is net.layer("dense_1") is net.layer(np.int64(0))


# ---- Answers that are no class


@given(st.integers(0, 23), st.integers(0, 3), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_classify_of_a_nan(row, column, odd):
    """predict gives it on, as its contract says; classify names the place."""
    net = cnn.Network([4, 3], output="softmax", seed=0)
    x = X.copy()
    x[row, column] = odd
    assert np.isnan(net.predict(x)[row]).all()
    kind = "a NaN" if np.isnan(odd) else "an infinity"
    words = f"the network's answer for row {row} is NaN: X has {kind} in row {row}, column {column}"
    refused(ValueError, words, net.classify, x)
    refused(ValueError, words, net.classify, x.tolist())
    assert len(net.classify(X)) == 24 and net.classify(X[:0]).shape == (0,)


def test_classify_where_the_network_itself_is_nan():
    net = network()
    net.parameters["dense_2.bias"][1] = np.nan
    refused(ValueError, "row 0 is NaN: dense_2.bias has a number that is not finite", net.classify, X)
    net = cnn.Network([4, 3], output="sigmoid", seed=0)
    x = X.copy()
    x[5, 0] = np.nan
    refused(ValueError, "row 5", net.classify, x)
    net.loss = "binary_cross_entropy"
    refused(ValueError, "row 5", net.classify, x)


def test_what_evaluate_returns_is_a_dict():
    net = network()
    found = net.evaluate(X, Y)
    assert json.loads(json.dumps(found)) == found and list(found) == ["loss", "accuracy"]


# ---- Functions of one's own


def squares(y_true, y_pred):
    e = y_pred - y_true
    return (e * e).mean(axis=1), 2 * e / e.shape[1]


def fit(loss=None, metrics=None, callbacks=None):
    net = cnn.Network([4, 2], seed=0)
    net.fit(X, X[:, :2], epochs=1, loss=loss, metrics=metrics, callbacks=callbacks, verbose=0)
    return net


def test_a_right_loss_of_ones_own():
    assert fit(squares).predict(X) == pytest.approx(fit("mse").predict(X), rel=1e-4)
    net = fit(squares)
    net.fit(X, X[:, :2], epochs=1, loss=squares, verbose=0)
    assert net.evaluate(X, X[:, :2])["loss"] == pytest.approx(((net.predict(X) - X[:, :2]) ** 2).mean(), rel=1e-4)


def swapped_loss(y_pred, y_true):
    return squares(y_true, y_pred)


WRONG = {
    "a mean": (lambda t, p: ((p - t) ** 2).mean(), "a number for each sample, not their mean"),
    "no gradient": (lambda t, p: ((p - t) ** 2).mean(1), "the gradient by y_pred, too"),
    "nothing": (lambda t, p: None, "None (is there a return?); expected (losses (24,), gradients (24, 2))"),
    "three": (lambda t, p: (1, 2, 3), "a tuple of 3"),
    "a mean and a gradient": (lambda t, p: (((p - t) ** 2).mean(), p - t), "not their mean"),
    "losses by output": (lambda t, p: ((p - t) ** 2, p - t), "losses.mean(axis=1)"),
    "a gradient of another shape": (
        lambda t, p: (((p - t) ** 2).mean(1), (p - t)[:, :1]),
        "gradients of the shape (24, 1)",
    ),
    "text": (lambda t, p: ("a", p), "for the losses"),
    "swapped": (swapped_loss, "y_pred, y_true; it is called as f(y_true, y_pred)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_loss_of_ones_own(case):
    loss, words = WRONG[case]
    assert "loss" in refused((TypeError, ValueError), words, fit, loss)


@pytest.mark.parametrize("metric, words", [
    (lambda t, p: None, "returned None (is there a return?); expected one number"),
    (lambda t, p: (t == p).mean(1), "an array of the shape (24,); expected one number: their mean"),
    (lambda t, p: "0.5", "expected one number"),
    (lambda t, p: (1.0, 2.0), "of the type tuple; expected one number"),
    (lambda y_pred, y_true: 1.0, "it is called as f(y_true, y_pred)"),
])  # fmt: skip
def test_a_wrong_metric_of_ones_own(metric, words):
    assert "metric" in refused((TypeError, ValueError), words, fit, "mse", [metric])


def test_a_right_metric_of_ones_own():
    def largest(y_true, y_pred):
        return np.abs(y_true - y_pred).max()

    net = fit("mse", [largest])
    found = net.evaluate(X, X[:, :2])
    assert found["largest"] == pytest.approx(np.abs(net.predict(X) - X[:, :2]).max(), rel=1e-5)
    with pytest.raises(ZeroDivisionError):  # of the function's own
        fit("mse", [lambda t, p: 1 / 0])


class OneArgument(cnn.Callback):
    def on_epoch_end(self, epoch):
        pass


class Misspelt(cnn.Callback):
    def on_epoch_ends(self, epoch, logs):
        pass


@pytest.mark.parametrize("callback, words", [
    (lambda: None, "takes (); it is called with (epoch, logs)"),
    (lambda epoch: None, "takes (epoch); it is called with (epoch, logs)"),
    (OneArgument(), "OneArgument.on_epoch_end, which takes (epoch); it is called with (epoch, logs)"),
    (Misspelt(), "on_epoch_ends, which is never called; did you mean on_epoch_end"),
])  # fmt: skip
def test_a_wrong_callback(callback, words):
    refused((TypeError, ValueError), words, fit, "mse", None, [callback])


@pytest.mark.parametrize("callback, text", [
    (cnn.EarlyStopping(patience=3), "EarlyStopping(monitor='val_loss', patience=3, min_delta=0.0, mode='auto', restore_best_weights=True)"),
    (cnn.Checkpoint("a.cnn"), "Checkpoint(path='a.cnn', every=1, training_state=True, mode='auto')"),
    (cnn.CSVLogger("a.csv"), "CSVLogger(path='a.csv', append=False)"),
    (cnn.Progress(2), "Progress(verbose=2)"),
    (cnn.Callback(), "Callback()"),
    (OwnCallback(), "OwnCallback()"),
])  # fmt: skip
def test_how_a_callback_shows_itself(callback, text):
    assert repr(callback) == text
    assert "object at" not in repr(cnn.ReduceLROnPlateau())


# ---- Names that are not there


def test_a_history_says_where_its_figures_are():
    history = fit("mse").history
    for call in (lambda: history["loss"], lambda: history.losses, lambda: history.loss):
        refused((TypeError, AttributeError), 'write history.history["loss"]', call)
    refused(AttributeError, "history.epoch", lambda: history.epochs)
    assert "it has loss" in refused(AttributeError, "val_mae", lambda: history.val_mae)
    for other in (copy.copy(history), copy.deepcopy(history), pickle.loads(pickle.dumps(history))):
        assert other.history == history.history and len(other) == 1
    assert not hasattr(history, "__array__") and not hasattr(history, "nothing")


def test_a_name_of_a_module_of_ours():
    for module in ("data", "datasets", "schedules", "plots"):
        for name in getattr(cnn, module).__all__:
            if not hasattr(cnn, name):
                message = missing(name, cnn.__all__)
                assert "cnn." in message and "did you mean" not in message, message
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refused(AttributeError, "write cnn.data.read_csv", getattr, cnn, "read_csv")
