"""Wrong arguments: one clear sentence before any work, and the network as it was."""

import numpy as np
import pytest

import cnn

X = np.random.default_rng(0).normal(size=(12, 4))
LABELS = np.arange(12) % 3
NUMBERS = X[:, 0]


def classifier():
    return cnn.Network([4, 5, 3], output="softmax", seed=0)


def regressor(outputs=1):
    return cnn.Network([4, 5, outputs], seed=0)


def binary():
    return cnn.Network([4, 5, 1], output="sigmoid", seed=0)


def with_nan(column=2):
    bad = X.copy()
    bad[3, column] = np.nan
    return bad


FITS = {
    "width": (classifier, (X[:, :3], LABELS), {}, ValueError, r"\(12, 3\).*\(n, 4\)"),
    "one sample": (classifier, (X[0], 1), {}, ValueError, r"X\[None\].*feedforward"),
    "too many axes": (classifier, (X[None], LABELS), {}, ValueError, r"\(1, 12, 4\)"),
    "NaN": (classifier, (with_nan(), LABELS), {}, ValueError, r"row 3, column 2"),
    "NaN in y": (regressor, (X, with_nan(0)[:, 0]), {}, ValueError, r"y.*row 3"),
    "empty": (classifier, (X[:0], LABELS[:0]), {}, ValueError, r"no rows"),
    "text": (classifier, ([["a"] * 4], [0]), {}, TypeError, r"X holds text"),
    "ragged": (classifier, ([[1, 2], [1]], [0, 1]), {}, ValueError, r"ragged"),
    "complex": (classifier, (X + 1j, LABELS), {}, TypeError, r"complex"),
    "no y": (classifier, (X,), {}, ValueError, r"y is missing"),
    "rows differ": (classifier, (X, LABELS[:5]), {}, ValueError, r"y has 5 rows and X has 12"),
    "label too large": (classifier, (X, LABELS + 1), {}, ValueError, r"label 3 in row 2.*0 to 2.*count from 0"),
    "label negative": (classifier, (X, LABELS - 1), {}, ValueError, r"label -1 in row 0"),
    "float labels": (classifier, (X, LABELS.astype(float)), {}, TypeError, r"astype\(int\)"),
    "text labels": (classifier, (X, ["cat"] * 12), {}, TypeError, r"Preprocessing"),
    "labels for mse": (lambda: regressor(3), (X, LABELS), {}, ValueError, r"softmax"),
    "labels for mse (n, 1)": (lambda: regressor(3), (X, LABELS[:, None]), {"loss": "mse"}, ValueError, r"softmax"),
    "y too wide": (regressor, (X, X), {}, ValueError, r"\(12, 4\).*\(n, 1\)"),
    "y of (n, n)": (regressor, (X, np.zeros((12, 12))), {}, ValueError, r"\(12, 12\)"),
    "bce range": (binary, (X, LABELS), {}, ValueError, r"2 in row 2.*Dense\(3, activation='softmax'\)"),
    "bce signs": (binary, (X, np.where(LABELS > 0, 1, -1)), {}, ValueError, r"hinge"),
    "poisson": (regressor, (X, -np.ones(12)), {"loss": "poisson"}, ValueError, r"not negative"),
    "cross_entropy after tanh": (
        lambda: cnn.Network([4, 3], output="tanh"),
        (X, LABELS),
        {"loss": "cross_entropy"},
        ValueError,
        "softmax",
    ),
    "unknown loss": (classifier, (X, LABELS), {"loss": "cross_entrpy"}, ValueError, r"did you mean 'cross_entropy'"),
    "Keras's loss": (
        classifier,
        (X, LABELS),
        {"loss": "sparse_categorical_crossentropy"},
        ValueError,
        r'"cross_entropy"',
    ),
    "Keras's mse": (regressor, (X, NUMBERS), {"loss": "mean_squared_error"}, ValueError, r'"mse"'),
    "torch's loss": (classifier, (X, LABELS), {"loss": "CrossEntropyLoss"}, ValueError, r'"cross_entropy"'),
    "loss class": (regressor, (X, NUMBERS), {"loss": cnn.losses.Huber}, TypeError, r"losses.Huber\(\)"),
    "unknown optimizer": (classifier, (X, LABELS), {"optimizer": "adma"}, ValueError, r"did you mean"),
    "optimizer class": (classifier, (X, LABELS), {"optimizer": cnn.Adam}, TypeError, r"cnn.Adam\(\)"),
    "unknown metric": (classifier, (X, LABELS), {"metrics": ["acuracy"]}, ValueError, r"accuracy"),
    "learning_rate": (classifier, (X, LABELS), {"learning_rate": 0.1}, TypeError, r"lr=0\.001"),
    "device": (classifier, (X, LABELS), {"device": "cuda"}, TypeError, r"CPU"),
    "misspelt": (classifier, (X, LABELS), {"epoch": 3}, TypeError, r"'epochs'"),
    "epochs": (classifier, (X, LABELS), {"epochs": 1.5}, TypeError, r"epochs is 1.5"),
    "batch_size": (classifier, (X, LABELS), {"batch_size": 0}, ValueError, r"batch_size is 0"),
    "verbose": (classifier, (X, LABELS), {"verbose": 3}, ValueError, r"verbose is 3"),
    "on_nan": (classifier, (X, LABELS), {"on_nan": "rise"}, ValueError, r"'raise'"),
    "both validations": (
        classifier,
        (X, LABELS),
        {"validation_split": 0.2, "validation_data": (X, LABELS)},
        ValueError,
        r"one of them",
    ),
    "split": (classifier, (X, LABELS), {"validation_split": 1.0}, ValueError, r"below 1"),
    "validation width": (
        classifier,
        (X, LABELS),
        {"validation_data": (X[:, 1:], LABELS)},
        ValueError,
        r"validation_data.*\(n, 4\)",
    ),
    "validation labels": (
        classifier,
        (X, LABELS),
        {"validation_data": (X, LABELS + 9)},
        ValueError,
        r"validation_data.*label",
    ),
    "weights negative": (classifier, (X, LABELS), {"sample_weight": -np.ones(12)}, ValueError, r"row 0"),
    "weights zero": (classifier, (X, LABELS), {"sample_weight": np.zeros(12)}, ValueError, r"zero everywhere"),
    "weights NaN": (classifier, (X, LABELS), {"sample_weight": np.full(12, np.nan)}, ValueError, r"finite"),
    "weights shape": (classifier, (X, LABELS), {"sample_weight": np.ones(3)}, ValueError, r"\(12,\)"),
    "weights wide": (classifier, (X, LABELS), {"sample_weight": np.ones((12, 3))}, ValueError, r"\(12, 3\)"),
    "class weight label": (classifier, (X, LABELS), {"class_weight": {7: 1.0}}, ValueError, r"label 7"),
    "class weight name": (classifier, (X, LABELS), {"class_weight": "balance"}, ValueError, r"balanced"),
    "class weight of numbers": (regressor, (X, NUMBERS), {"class_weight": "balanced"}, ValueError, r"sample_weight"),
    "LBFGS batch": (regressor, (X, NUMBERS), {"optimizer": "lbfgs", "batch_size": 32}, ValueError, r"whole set"),
    "callback class": (classifier, (X, LABELS), {"callbacks": [cnn.EarlyStopping]}, TypeError, r"EarlyStopping\(\)"),
    "callback": (classifier, (X, LABELS), {"callbacks": [3]}, TypeError, r"f\(epoch, logs\)"),
    "lengths": (classifier, (X, LABELS), {"lengths": [1] * 12}, ValueError, r"recurrent"),
    "no batches": (classifier, (iter([]),), {}, ValueError, r"no batch"),
    "bad batch": (classifier, ([(X, LABELS, None, 3)],), {}, TypeError, r"\(X, y\)"),
}


@pytest.mark.parametrize("case", FITS)
def test_fit(case):
    make, args, kwargs, error, match = FITS[case]
    net = make()
    before = net._arena()
    with pytest.raises(error, match=match) as caught:
        net.fit(*args, **kwargs)
    assert "\n" not in str(caught.value)
    assert net._arena() == before and net.history is None and net.optimizer is None and net.loss is None


def test_a_failed_fit_leaves_the_optimizer():
    net, other = classifier(), classifier()
    for n in (net, other):
        n.fit(X, LABELS, epochs=1, optimizer=cnn.Adam(0.01), verbose=0)
    history = net.history
    with pytest.raises(ValueError):
        net.fit(with_nan(), LABELS, optimizer=cnn.SGD(1.0), loss=cnn.losses.CrossEntropy(0.1), metrics=["f1"])
    assert net.history is history and isinstance(net.optimizer, cnn.Adam) and net.loss is None and net.metrics is None
    for n in (net, other):
        n.fit(X, LABELS, epochs=1, verbose=0)
    assert net._arena() == other._arena()


MAKING = {
    "one size": (lambda: cnn.Network([3]), ValueError, "at least two"),
    "zero": (lambda: cnn.Network([3, 0, 1]), ValueError, r"sizes\[1\] is 0"),
    "float": (lambda: cnn.Network([3, 2.5]), TypeError, "layers"),
    "string": (lambda: cnn.Network("abc"), TypeError, "sizes"),
    "nothing": (lambda: cnn.Network(), TypeError, "needs"),
    "activation": (lambda: cnn.Network([2, 1], activation="rleu"), ValueError, "relu"),
    "dtype": (lambda: cnn.Network([2, 1], dtype="float16"), ValueError, "float32"),
    "seed": (lambda: cnn.Network([2, 1], seed=-1), ValueError, "seed"),
    "seed text": (lambda: cnn.Network([2, 1], seed="a"), TypeError, "seed"),
    "init": (lambda: cnn.Network([2, 1], init="xavier_uniform"), ValueError, "glorot_uniform"),
    "device": (lambda: cnn.Network([2, 1], device="cuda"), TypeError, "CPU"),
    "sklearn": (lambda: cnn.Network(hidden_layer_sizes=[3]), TypeError, "sizes"),
    "units": (lambda: cnn.Network([2, 1], units=3), TypeError, "Dense"),
    "no Input": (lambda: cnn.Network([cnn.Dense(3)]), ValueError, "input_shape="),
    "class": (lambda: cnn.Network([cnn.Input(2), cnn.Dense]), TypeError, "expected layers"),
    "names": (lambda: cnn.Network([cnn.Input(2), cnn.Dense(3, name="a"), cnn.Dense(1, name="a")]), ValueError, "'a'"),
    "activation with layers": (
        lambda: cnn.Network([cnn.Input(2), cnn.Dense(1)], activation="tanh"),
        ValueError,
        "sizes",
    ),
    "reshape": (lambda: cnn.Network([cnn.Input(6), cnn.Reshape((4, 2))]), ValueError, "reshape_1"),
    "huge": (lambda: cnn.Network([2**40, 2**40]), (ValueError, MemoryError), "memory|held"),
    "dense units": (lambda: cnn.Dense("x"), TypeError, "units"),
    "dense arg": (lambda: cnn.Dense(3, use_bias=False), TypeError, "write bias"),
    "rate": (lambda: cnn.Dropout(1.0), ValueError, "rate"),
    "l2": (lambda: cnn.Dense(3, l2=-1), ValueError, "l2"),
    "leaky": (lambda: cnn.Activation("relu", alpha=0.1), TypeError, "alpha"),
    "name": (lambda: cnn.Dense(3, name="a.b"), ValueError, "name"),
    "layer call": (lambda: cnn.Dense(3)(cnn.Dense(2)), TypeError, "output"),
    "layer call on data": (lambda: cnn.Dense(3)(X), TypeError, "Input"),
    "Adam": (lambda: cnn.Adam(learning_rate=0.1), TypeError, "write lr"),
    "Adam betas": (lambda: cnn.Adam(betas=(0.9, 1.0)), ValueError, r"betas\[1\]"),
    "SGD lr": (lambda: cnn.SGD(-1), ValueError, "lr is -1"),
    "nesterov": (lambda: cnn.SGD(0.1, nesterov=True), ValueError, "momentum"),
    "Huber": (lambda: cnn.losses.Huber(0), ValueError, "delta"),
    "Quantile": (lambda: cnn.losses.Quantile(1), ValueError, "q is 1"),
    "Step": (lambda: cnn.schedules.Step(0.1, 0), ValueError, "every"),
    "EarlyStopping": (lambda: cnn.EarlyStopping(mode="mix"), ValueError, "min"),
    "Neuron": (lambda: cnn.Neuron([[1, 2]], 0), ValueError, "shape"),
    "Neuron inputs": (lambda: cnn.Neuron([1, 2], 0).feedforward([1]), ValueError, "2 weights"),
    "threads": (lambda: cnn.set_num_threads(0), ValueError, "at least 1"),
    "isa": (lambda: cnn.cpu.use("avx1024"), ValueError, "instruction set"),
}


@pytest.mark.parametrize("case", MAKING)
def test_making(case):
    make, error, match = MAKING[case]
    with pytest.raises(error, match=match):
        make()


def test_inputs_and_outputs():
    x, other = cnn.Input(2), cnn.Input(3)
    y = cnn.Dense(1)(x)
    with pytest.raises(ValueError, match="not among inputs"):
        cnn.Network(inputs=other, outputs=cnn.Concat()([y, cnn.Dense(1)(other)]))
    with pytest.raises(ValueError, match="no output depends"):
        cnn.Network(inputs=[x, other], outputs=y)
    with pytest.raises(ValueError, match="one input"):
        cnn.Dense(3)([x, other])
    net = cnn.Network(inputs=[x, other], outputs=cnn.Concat()([y, other]))
    with pytest.raises(TypeError, match="list, or a dict"):
        net.predict(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="input_3"):
        net.predict({"input_1": np.zeros((2, 2)), "input_3": np.zeros((2, 3))})


CALLS = {
    "predict": (lambda net: net.predict(X[0]), ValueError, r"X\[None\]"),
    "predict width": (lambda net: net.predict(X[:, :2]), ValueError, r"\(12, 2\)"),
    "predict batch_size": (lambda net: net.predict(X, batch_size=0), ValueError, "batch_size"),
    "predict out": (lambda net: net.predict(X, out=np.empty((3, 3), "float32")), ValueError, "out"),
    "feedforward": (lambda net: net.feedforward(X), ValueError, "one sample"),
    "evaluate": (lambda net: net.evaluate(X, LABELS + 5), ValueError, "label"),
    "partial_fit": (lambda net: net.partial_fit(X, LABELS[:3]), ValueError, "rows"),
    "gradients": (lambda net: net.gradients(X, LABELS, losss="mse"), TypeError, "'loss'"),
    "layer": (lambda net: net.layer("dense_3"), ValueError, "did you mean"),
    "layer number": (lambda net: net.layer(7), IndexError, "7"),
    "backward": (lambda net: net.backward(np.zeros((1, 3))), RuntimeError, "forward"),
    "tau": (lambda net: net.copy_from(net.copy(), tau=2), ValueError, "tau"),
    "session": (lambda net: net.session(0), ValueError, "max_batch"),
    "freeze": (lambda net: net.freeze(upto="dense_9"), ValueError, "did you mean"),
    "weight": (lambda net: setattr(net.layers[0], "weight", np.zeros((2, 2))), ValueError, "shape"),
}


@pytest.mark.parametrize("case", CALLS)
def test_calls(case):
    call, error, match = CALLS[case]
    net = classifier()
    before = net._arena()
    with pytest.raises(error, match=match):
        call(net)
    assert net._arena() == before


def test_training_inside_training():
    net = classifier()
    with pytest.raises(cnn.BusyError):
        net.fit(X, LABELS, callbacks=[lambda epoch, logs: net.fit(X, LABELS)])
    assert not net._fitting
    net.fit(X, LABELS, epochs=1, verbose=0)
