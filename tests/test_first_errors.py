"""The first mistakes that people make with a network: each raises one sentence that names what is wrong, before any work; nothing has moved."""

import datetime
import math
import os
import warnings

import numpy as np
import pytest

import cnn

N = 12
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4)).astype("float32")
LABELS = np.arange(N) % 3
ONE_HOT = np.eye(3)[LABELS]
NUMBERS = RNG.normal(size=N)
BITS = (LABELS > 0).astype(int)


def trained(output="softmax", width=3, y=LABELS, **options):
    net = cnn.Network([4, 5, width], output=output, seed=0, **options)
    net.fit(
        X,
        y,
        epochs=1,
        batch_size=5,
        optimizer=cnn.Adam(0.01),
        metrics=["mae"] if output == "linear" else ["accuracy"],
        verbose=0,
    )
    return net


def classifier():
    return trained()


def regressor():
    return trained("linear", 1, NUMBERS)


def binary():
    return trained("sigmoid", 1, BITS)


def twins():
    """Several inputs and outputs."""
    a, b = cnn.Input((4,), name="a"), cnn.Input((2,), name="b")
    h = cnn.Dense(5, activation="tanh")(cnn.Concat()([a, b]))
    outputs = [cnn.Dense(3, activation="softmax", name="kind")(h), cnn.Dense(1, name="size")(h)]
    net = cnn.Network(inputs=[a, b], outputs=outputs, seed=0)
    net.fit([X, X[:, :2]], [LABELS, NUMBERS], epochs=1, verbose=0)
    return net


def state(net):
    """All that a failed call must leave as it was, bit for bit."""
    optimizer = {name: value.tobytes() for name, value in net._trainer.state().items()}
    history = None if net.history is None else {name: list(values) for name, values in net.history.history.items()}
    choices = repr((net.loss, net.optimizer, net.metrics, net.metadata, net.classes, net.seed, net._epochs))
    flags = [(b["name"], b["trainable"], b["lr_scale"]) for b in net._blocks()]
    return net._arena(), optimizer, history, choices, flags


def one_sentence(text, word):
    assert "\n" not in text and "Traceback" not in text and "object at 0x" not in text, text
    assert 10 < len(text) < 300, text
    assert word.lower() in text.lower(), text
    assert not text.endswith("."), text


def with_value(value, row=2, column=1, of=X):
    bad = np.array(of, dtype=float)
    bad.reshape(len(bad), -1)[row, column] = value
    return bad


class Fails:
    def on_epoch_end(self):
        pass


class Sparse:
    nnz, shape = 3, (N, 4)

    def toarray(self):
        return X


class FakeTorchLoss:
    def __call__(self, a, b):
        return 0.0


FakeTorchLoss.__module__, FakeTorchLoss.__name__ = "torch.nn.modules.loss", "MSELoss"


class FakeTorchAdam:
    pass


FakeTorchAdam.__module__ = "torch.optim.adam"


# (net, call, exception, a word of its sentence)
V, T = ValueError, TypeError
CALLS = {
    # ---- X
    "X: one column less": (classifier, lambda n: n.fit(X[:, 1:], LABELS), V, "(12, 3)"),
    "X: one column more": (classifier, lambda n: n.fit(np.c_[X, X[:, :1]], LABELS), V, "(12, 5)"),
    "X: transposed": (classifier, lambda n: n.fit(X.T, LABELS), V, "(4, 12)"),
    "X: three axes": (classifier, lambda n: n.fit(X[:, None], LABELS), V, "(12, 1, 4)"),
    "X: one row": (classifier, lambda n: n.fit(X[0], LABELS[:1]), V, "X[None]"),
    "X: a number": (classifier, lambda n: n.fit(3.0, LABELS), (V, T), "X"),
    "X: None": (classifier, lambda n: n.fit(None, LABELS), (V, T), "X"),
    "X: a string": (classifier, lambda n: n.fit("data.csv", LABELS), (V, T), "X"),
    "X: empty": (classifier, lambda n: n.fit([], []), V, "X"),
    "X: no rows": (classifier, lambda n: n.fit(X[:0], LABELS[:0]), V, "no rows"),
    "X: NaN": (classifier, lambda n: n.fit(with_value(np.nan), LABELS), V, "row 2, column 1"),
    "X: infinity": (classifier, lambda n: n.fit(with_value(np.inf), LABELS), V, "row 2, column 1"),
    "X: minus infinity, last": (
        classifier,
        lambda n: n.fit(with_value(-np.inf, N - 1, 3), LABELS),
        V,
        "row 11, column 3",
    ),
    # finite, but not in the network's float32: found in the first loss, before a step
    "X: too large for float32": (classifier, lambda n: n.fit(with_value(1e300), LABELS), (V, FloatingPointError), ""),
    "X: a half that is NaN": (
        classifier,
        lambda n: n.fit(with_value(np.nan).astype("float16"), LABELS),
        V,
        "row 2, column 1",
    ),
    "X: text": (classifier, lambda n: n.fit([["1", "2", "3", "4"]] * N, LABELS), T, "X"),
    "X: text in objects": (classifier, lambda n: n.fit(np.array([[1, 2, "red", 4]] * N, object), LABELS), T, "'red'"),
    "X: None in objects": (classifier, lambda n: n.fit([[1, 2, None, 4]] * N, LABELS), (V, T), "X"),
    "X: complex": (classifier, lambda n: n.fit(X + 1j, LABELS), T, "complex"),
    "X: dates": (classifier, lambda n: n.fit(np.zeros((N, 4), "datetime64[s]"), LABELS), T, "dates"),
    "X: date objects": (classifier, lambda n: n.fit([[datetime.date(2020, 1, 1)] * 4] * N, LABELS), T, "X"),
    "X: records": (classifier, lambda n: n.fit(np.zeros(N, [("a", "f4"), ("b", "f4")]), LABELS), T, "X"),
    "X: ragged": (classifier, lambda n: n.fit([[1, 2, 3, 4], [1, 2, 3]] * 6, LABELS), V, "ragged"),
    "X: sparse": (classifier, lambda n: n.fit(Sparse(), LABELS), T, "toarray()"),
    "X: a dict": (classifier, lambda n: n.fit({"x": X}, LABELS), V, "'x'"),
    "X: a set": (classifier, lambda n: n.fit({1, 2}, LABELS), (V, T), "X"),
    "X and y swapped": (classifier, lambda n: n.fit(LABELS, X), V, "X"),
    # ---- y
    "y: missing": (classifier, lambda n: n.fit(X), V, "y is missing"),
    "y: shorter": (classifier, lambda n: n.fit(X, LABELS[:-1]), V, "y has 11 rows and X has 12"),
    "y: longer": (classifier, lambda n: n.fit(X, np.r_[LABELS, 0]), V, "13"),
    "y: a number": (classifier, lambda n: n.fit(X, 1), V, "y"),
    "y: negative label": (classifier, lambda n: n.fit(X, LABELS - 1), V, "label -1"),
    "y: label too large": (classifier, lambda n: n.fit(X, LABELS * 5), V, "label 5"),
    "y: counted from 1": (classifier, lambda n: n.fit(X, LABELS + 1), V, "count from 0"),
    "y: huge label": (classifier, lambda n: n.fit(X, np.full(N, 2**62)), V, "label"),
    "y: uint64 label": (
        classifier,
        lambda n: n.fit(X, np.full(N, 2**64 - 1, np.uint64)),
        V,
        "label 18446744073709551615",
    ),
    "y: whole floats": (classifier, lambda n: n.fit(X, LABELS.astype(float)), T, "astype(int)"),
    "y: fractions": (classifier, lambda n: n.fit(X, LABELS + 0.5), T, "mse"),
    "y: NaN": (classifier, lambda n: n.fit(X, np.where(LABELS, LABELS, np.nan)), (V, T), "y"),
    "y: strings": (classifier, lambda n: n.fit(X, ["cat", "dog", "cow"] * 4), T, "Preprocessing"),
    "y: strings in objects": (classifier, lambda n: n.fit(X, np.array(["cat"] * N, object)), T, "Preprocessing"),
    "y: bytes": (classifier, lambda n: n.fit(X, [b"cat"] * N), T, "y"),
    "y: None": (classifier, lambda n: n.fit(X, [None] * N), (V, T), "y"),
    "y: two one-hot columns": (classifier, lambda n: n.fit(X, ONE_HOT[:, :2]), V, "(12, 2)"),
    "y: one-hot with NaN": (classifier, lambda n: n.fit(X, with_value(np.nan, of=ONE_HOT)), V, "row 2"),
    "y: one-hot with infinity": (classifier, lambda n: n.fit(X, with_value(np.inf, of=ONE_HOT)), V, "row 2"),
    "y: one-hot with a negative": (classifier, lambda n: n.fit(X, with_value(-1, of=ONE_HOT)), V, "row 2"),
    "y: too many axes": (classifier, lambda n: n.fit(X, ONE_HOT[:, None]), V, "(12, 1, 3)"),
    "y: numbers NaN": (regressor, lambda n: n.fit(X, with_value(np.nan, 5, 0, NUMBERS)), V, "row 5"),
    "y: numbers infinite": (regressor, lambda n: n.fit(X, with_value(np.inf, 5, 0, NUMBERS)), V, "row 5"),
    "y: numbers too large": (
        regressor,
        lambda n: n.fit(X, with_value(1e300, 5, 0, NUMBERS)),
        (V, FloatingPointError),
        "",
    ),
    "y: (n, n)": (regressor, lambda n: n.fit(X, np.zeros((N, N))), V, "(12, 12)"),
    "y: (1, n)": (regressor, lambda n: n.fit(X, NUMBERS[None]), V, "y has 1 row"),
    "y: complex": (regressor, lambda n: n.fit(X, NUMBERS * 1j), T, "y"),
    "y: -1 and 1 for bits": (binary, lambda n: n.fit(X, 2 * BITS - 1), V, "hinge"),
    "y: three classes for bits": (binary, lambda n: n.fit(X, LABELS), V, "softmax"),
    "y: above 1 for bits": (binary, lambda n: n.fit(X, BITS * 1.01), V, "1.01"),
    "y: yes and no": (binary, lambda n: n.fit(X, ["yes", "no"] * 6), T, "y holds text"),
    "y: negative counts": (regressor, lambda n: n.fit(X, -np.ones(N), loss="poisson"), V, "poisson"),
    "y: a list too short": (twins, lambda n: n.fit([X, X[:, :2]], [LABELS]), V, "2"),
    "y: a dict with another name": (
        twins,
        lambda n: n.fit([X, X[:, :2]], {"kind": LABELS, "sise": NUMBERS}),
        V,
        "'size'",
    ),
    "y: a dict with one missing": (twins, lambda n: n.fit([X, X[:, :2]], {"kind": LABELS}), V, "size"),
    "y: wrong in the second": (twins, lambda n: n.fit([X, X[:, :2]], [LABELS, NUMBERS[:3]]), V, "y[1]"),
    "X: a list too short": (twins, lambda n: n.fit([X], [LABELS, NUMBERS]), V, "a, b"),
    "X: an array for two inputs": (twins, lambda n: n.fit(X, [LABELS, NUMBERS]), (V, T), "X"),
    "X: rows differ": (twins, lambda n: n.fit([X, X[:3, :2]], [LABELS, NUMBERS]), V, "'b'"),
    "X: wrong width in the second": (twins, lambda n: n.fit([X, X], [LABELS, NUMBERS]), V, "'b'"),
    "X: a dict with another name": (twins, lambda n: n.fit({"a": X, "c": X}, [LABELS, NUMBERS]), V, "'c'"),
    # ---- fit's numbers
    "epochs=-1": (classifier, lambda n: n.fit(X, LABELS, epochs=-1), V, "epochs"),
    "epochs=1.5": (classifier, lambda n: n.fit(X, LABELS, epochs=1.5), T, "epochs"),
    "epochs='3'": (classifier, lambda n: n.fit(X, LABELS, epochs="3"), T, "epochs"),
    "epochs=None": (classifier, lambda n: n.fit(X, LABELS, epochs=None), T, "epochs"),
    "epochs=True": (classifier, lambda n: n.fit(X, LABELS, epochs=True), T, "epochs"),
    "epochs=nan": (classifier, lambda n: n.fit(X, LABELS, epochs=math.nan), T, "epochs"),
    "batch_size=0": (classifier, lambda n: n.fit(X, LABELS, batch_size=0), V, "batch_size"),
    "batch_size=-1": (classifier, lambda n: n.fit(X, LABELS, batch_size=-1), V, "batch_size"),
    "batch_size=2.0": (classifier, lambda n: n.fit(X, LABELS, batch_size=2.0), T, "batch_size"),
    "batch_size='auto'": (classifier, lambda n: n.fit(X, LABELS, batch_size="auto"), T, "batch_size"),
    "steps_per_epoch=0": (classifier, lambda n: n.fit(X, LABELS, steps_per_epoch=0), V, "steps_per_epoch"),
    "steps_per_epoch=1.5": (classifier, lambda n: n.fit(X, LABELS, steps_per_epoch=1.5), T, "steps_per_epoch"),
    "validation_split=1.5": (classifier, lambda n: n.fit(X, LABELS, validation_split=1.5), V, "validation_split"),
    "validation_split=1": (classifier, lambda n: n.fit(X, LABELS, validation_split=1), V, "validation_split"),
    "validation_split=-0.1": (classifier, lambda n: n.fit(X, LABELS, validation_split=-0.1), V, "validation_split"),
    "validation_split=nan": (classifier, lambda n: n.fit(X, LABELS, validation_split=math.nan), V, "validation_split"),
    "validation_split='10%'": (
        classifier,
        lambda n: n.fit(X, LABELS, validation_split="10%"),
        (V, T),
        "validation_split",
    ),
    "validation_split of one row": (
        classifier,
        lambda n: n.fit(X[:1], LABELS[:1], validation_split=0.5),
        V,
        "validation_split",
    ),
    "both validations": (
        classifier,
        lambda n: n.fit(X, LABELS, validation_split=0.2, validation_data=(X, LABELS)),
        V,
        "one of them",
    ),
    "validation_data: X alone": (classifier, lambda n: n.fit(X, LABELS, validation_data=X), (V, T), "validation_data"),
    "validation_data: width": (
        classifier,
        lambda n: n.fit(X, LABELS, validation_data=(X[:, :2], LABELS)),
        V,
        "validation_data",
    ),
    "validation_data: labels": (
        classifier,
        lambda n: n.fit(X, LABELS, validation_data=(X, LABELS + 1)),
        V,
        "validation_data",
    ),
    "validation_data: NaN": (
        classifier,
        lambda n: n.fit(X, LABELS, validation_data=(with_value(np.nan), LABELS)),
        V,
        "row 2",
    ),
    "validation_data: empty": (
        classifier,
        lambda n: n.fit(X, LABELS, validation_data=(X[:0], LABELS[:0])),
        V,
        "validation_data",
    ),
    "validation_data: 4 things": (
        classifier,
        lambda n: n.fit(X, LABELS, validation_data=(X, LABELS, None, 1)),
        (V, T),
        "validation_data",
    ),
    "validation_data: 3": (classifier, lambda n: n.fit(X, LABELS, validation_data=3), T, "validation_data"),
    "verbose='yes'": (classifier, lambda n: n.fit(X, LABELS, verbose="yes"), V, "verbose"),
    "verbose=7": (classifier, lambda n: n.fit(X, LABELS, verbose=7), V, "verbose"),
    "on_nan='skip'": (classifier, lambda n: n.fit(X, LABELS, on_nan="skip"), V, "on_nan"),
    "lengths": (classifier, lambda n: n.fit(X, LABELS, lengths=[3] * N), V, "lengths"),
    "resume: nothing there": (classifier, lambda n: n.fit(X, LABELS, resume="not there.cnn"), OSError, "not there.cnn"),
    "resume: a folder": (classifier, lambda n: n.fit(X, LABELS, resume=os.curdir), OSError, "."),
    # ---- losses, metrics, optimizers
    "loss: Keras's": (
        classifier,
        lambda n: n.fit(X, LABELS, loss="sparse_categorical_crossentropy"),
        V,
        '"cross_entropy"',
    ),
    "loss: sklearn's": (classifier, lambda n: n.fit(X, LABELS, loss="log_loss"), V, "cross_entropy"),
    "loss: PyTorch's": (regressor, lambda n: n.fit(X, NUMBERS, loss="MSELoss"), V, '"mse"'),
    "loss: PyTorch's object": (regressor, lambda n: n.fit(X, NUMBERS, loss=FakeTorchLoss()), (V, T), '"mse"'),
    "loss: misspelt": (regressor, lambda n: n.fit(X, NUMBERS, loss="mea"), V, "'mae'"),
    "loss: empty": (regressor, lambda n: n.fit(X, NUMBERS, loss=""), V, "loss"),
    "loss: a number": (regressor, lambda n: n.fit(X, NUMBERS, loss=2), T, "loss"),
    "loss: a class": (regressor, lambda n: n.fit(X, NUMBERS, loss=cnn.losses.Quantile), T, "Quantile()"),
    "loss: a list too long": (regressor, lambda n: n.fit(X, NUMBERS, loss=["mse", "mae"]), V, "loss"),
    "loss: for a layer that is no output": (
        regressor,
        lambda n: n.fit(X, NUMBERS, loss={"dense_1": "mse"}),
        V,
        "dense_1",
    ),
    "loss: cross_entropy of one output": (
        regressor,
        lambda n: n.fit(X, BITS, loss="cross_entropy"),
        V,
        "cross_entropy",
    ),
    "loss: mse with labels": (lambda: trained("linear", 3, ONE_HOT), lambda n: n.fit(X, LABELS), V, "softmax"),
    "loss: bce after softmax": (
        classifier,
        lambda n: n.fit(X, ONE_HOT, loss="binary_cross_entropy"),
        V,
        "binary_cross_entropy",
    ),
    "metric: Keras's": (
        classifier,
        lambda n: n.fit(X, LABELS, metrics=["sparse_categorical_accuracy"]),
        V,
        '"accuracy"',
    ),
    "metric: misspelt": (classifier, lambda n: n.fit(X, LABELS, metrics=["acuracy"]), V, "'accuracy'"),
    "metric: a number": (classifier, lambda n: n.fit(X, LABELS, metrics=[1]), T, "metric"),
    "metric: a class": (classifier, lambda n: n.fit(X, LABELS, metrics=[cnn.metrics.TopKAccuracy]), T, "metric"),
    "optimizer: misspelt": (classifier, lambda n: n.fit(X, LABELS, optimizer="adamm"), V, "'adam'"),
    "optimizer: Keras's": (classifier, lambda n: n.fit(X, LABELS, optimizer="nadam"), V, '"adam"'),
    "optimizer: a class": (classifier, lambda n: n.fit(X, LABELS, optimizer=cnn.SGD), T, "cnn.SGD()"),
    "optimizer: a number": (classifier, lambda n: n.fit(X, LABELS, optimizer=0.01), T, "optimizer"),
    "optimizer: PyTorch's": (classifier, lambda n: n.fit(X, LABELS, optimizer=FakeTorchAdam()), T, "torch"),
    "LBFGS with batch_size": (
        regressor,
        lambda n: n.fit(X, NUMBERS, optimizer=cnn.LBFGS(), batch_size=4),
        V,
        "batch_size",
    ),
    "LBFGS with batches": (regressor, lambda n: n.fit([(X, NUMBERS)], optimizer="lbfgs"), V, "LBFGS"),
    "learning_rate=": (classifier, lambda n: n.fit(X, LABELS, learning_rate=0.1), T, "lr"),
    "n_epochs=": (classifier, lambda n: n.fit(X, LABELS, n_epochs=3), T, "epochs"),
    "batchsize=": (classifier, lambda n: n.fit(X, LABELS, batchsize=3), T, "batch_size"),
    "criterion=": (classifier, lambda n: n.fit(X, LABELS, criterion="mse"), T, "loss"),
    "eval_set=": (classifier, lambda n: n.fit(X, LABELS, eval_set=(X, LABELS)), T, "validation_data"),
    "device=": (classifier, lambda n: n.fit(X, LABELS, device="cuda"), T, "CPU"),
    "workers=": (classifier, lambda n: n.fit(X, LABELS, workers=4), T, "workers"),
    "epochs as the third": (classifier, lambda n: n.fit(X, LABELS, 10), T, "argument"),
    # ---- weights
    "sample_weight: short": (classifier, lambda n: n.fit(X, LABELS, sample_weight=np.ones(N - 1)), V, "sample_weight"),
    "sample_weight: a number": (classifier, lambda n: n.fit(X, LABELS, sample_weight=1.0), V, "sample_weight"),
    "sample_weight: negative": (
        classifier,
        lambda n: n.fit(X, LABELS, sample_weight=with_value(-1, 3, 0, np.ones(N))),
        V,
        "row 3",
    ),
    "sample_weight: NaN": (
        classifier,
        lambda n: n.fit(X, LABELS, sample_weight=with_value(np.nan, 3, 0, np.ones(N))),
        V,
        "row 3",
    ),
    "sample_weight: infinite": (
        classifier,
        lambda n: n.fit(X, LABELS, sample_weight=with_value(np.inf, 3, 0, np.ones(N))),
        V,
        "row 3",
    ),
    "sample_weight: zero": (classifier, lambda n: n.fit(X, LABELS, sample_weight=np.zeros(N)), V, "zero"),
    "sample_weight: text": (classifier, lambda n: n.fit(X, LABELS, sample_weight=["a"] * N), T, "sample_weight"),
    "class_weight: another label": (classifier, lambda n: n.fit(X, LABELS, class_weight={0: 1, 9: 2}), V, "9"),
    "class_weight: negative": (classifier, lambda n: n.fit(X, LABELS, class_weight={0: -1.0}), V, "-1"),
    "class_weight: NaN": (classifier, lambda n: n.fit(X, LABELS, class_weight={0: math.nan}), V, "nan"),
    "class_weight: a list": (classifier, lambda n: n.fit(X, LABELS, class_weight=[1, 2, 3]), T, "class_weight"),
    "class_weight: text": (classifier, lambda n: n.fit(X, LABELS, class_weight={0: "much"}), (V, T), "class_weight"),
    "class_weight: misspelt": (classifier, lambda n: n.fit(X, LABELS, class_weight="balance"), V, "balanced"),
    "class_weight: of numbers": (regressor, lambda n: n.fit(X, NUMBERS, class_weight={0: 1.0}), V, "class_weight"),
    "class_weight: two outputs": (
        twins,
        lambda n: n.fit([X, X[:, :2]], [LABELS, NUMBERS], class_weight="balanced"),
        V,
        "class_weight",
    ),
    # ---- callbacks
    "callbacks: a class": (classifier, lambda n: n.fit(X, LABELS, callbacks=[cnn.EarlyStopping]), T, "EarlyStopping()"),
    "callbacks: a number": (classifier, lambda n: n.fit(X, LABELS, callbacks=[3]), T, "callbacks"),
    "callbacks: a name": (classifier, lambda n: n.fit(X, LABELS, callbacks="early_stopping"), T, "callbacks"),
    "callbacks: without validation": (
        classifier,
        lambda n: n.fit(X, LABELS, callbacks=[cnn.EarlyStopping()]),
        V,
        "validation_data=",
    ),
    "callbacks: no folder": (
        classifier,
        lambda n: n.fit(X, LABELS, callbacks=[cnn.Checkpoint("no/folder/a.cnn")]),
        OSError,
        "no/folder",
    ),
    "callbacks: no folder for CSV": (
        classifier,
        lambda n: n.fit(X, LABELS, callbacks=[cnn.CSVLogger("no/folder/a.csv")]),
        OSError,
        "a.csv",
    ),
    "callbacks: LR of a schedule": (
        classifier,
        lambda n: n.fit(X, LABELS, optimizer=cnn.SGD(lambda e: 0.1), callbacks=[cnn.ReduceLROnPlateau("loss")]),
        V,
        "ReduceLROnPlateau",
    ),
    # ---- batches
    "batches: none": (classifier, lambda n: n.fit(iter([])), V, "no batch"),
    "batches: of X alone": (classifier, lambda n: n.fit([(X,)]), (V, T), "(X, y)"),
    "batches: of four": (classifier, lambda n: n.fit([(X, LABELS, None, None)]), (V, T), "(X, y)"),
    "batches: width": (classifier, lambda n: n.fit([(X[:, 1:], LABELS)]), V, "(12, 3)"),
    "batches: NaN": (classifier, lambda n: n.fit([(with_value(np.nan), LABELS)]), V, "row 2, column 1"),
    "batches: label": (classifier, lambda n: n.fit([(X, LABELS + 1)]), V, "label 3"),
    "batches: weights apart": (
        classifier,
        lambda n: n.fit([(X, LABELS)], sample_weight=np.ones(N)),
        V,
        "sample_weight",
    ),
    "batches: a split": (classifier, lambda n: n.fit([(X, LABELS)], validation_split=0.2), V, "validation_split"),
    "batches: numbers": (classifier, lambda n: n.fit(iter([1, 2])), (V, T), "(X, y)"),
    # ---- other calls
    "partial_fit: empty": (classifier, lambda n: n.partial_fit(X[:0], LABELS[:0]), V, "X"),
    "partial_fit: NaN": (classifier, lambda n: n.partial_fit(with_value(np.nan), LABELS), V, "row 2, column 1"),
    "partial_fit: label": (classifier, lambda n: n.partial_fit(X, LABELS + 1), V, "label 3"),
    "partial_fit: loss": (classifier, lambda n: n.partial_fit(X, LABELS, loss="crossentropy"), V, "cross_entropy"),
    "partial_fit: epochs": (classifier, lambda n: n.partial_fit(X, LABELS, epochs=3), T, "epochs"),
    "train: learn_rate": (regressor, lambda n: n.train(X, NUMBERS, learn_rate=-1), V, "lr"),
    "train: width": (regressor, lambda n: n.train(X[:, 1:], NUMBERS), V, "(12, 3)"),
    "evaluate: label": (classifier, lambda n: n.evaluate(X, LABELS + 1), V, "label 3"),
    "evaluate: nothing": (classifier, lambda n: n.evaluate(X[:0], LABELS[:0]), V, "no rows"),
    "evaluate: no y": (classifier, lambda n: n.evaluate(X), (V, T), "y"),
    "evaluate: metric": (classifier, lambda n: n.evaluate(X, LABELS, metrics=["acc", "rocauc"]), V, "rocauc"),
    "evaluate: weights": (classifier, lambda n: n.evaluate(X, LABELS, sample_weight=-np.ones(N)), V, "sample_weight"),
    "predict: width": (classifier, lambda n: n.predict(X[:, :3]), V, "(12, 3)"),
    "predict: text": (classifier, lambda n: n.predict([["a"] * 4]), T, "X"),
    "predict: batch_size": (classifier, lambda n: n.predict(X, batch_size=0), V, "batch_size"),
    "predict: batch_size=1.5": (classifier, lambda n: n.predict(X, batch_size=1.5), T, "batch_size"),
    "predict: out's shape": (classifier, lambda n: n.predict(X, out=np.empty((N, 4), "float32")), V, "out"),
    "predict: out's dtype": (classifier, lambda n: n.predict(X, out=np.empty((N, 3), "float64")), (V, T), "out"),
    "predict: out is a list": (classifier, lambda n: n.predict(X, out=[[0.0] * 3] * N), (V, T), "out"),
    "predict: out read-only": (
        classifier,
        lambda n: n.predict(X, out=np.broadcast_to(np.float32(0), (N, 3))),
        (V, T),
        "out",
    ),
    "predict: lengths": (classifier, lambda n: n.predict(X, lengths=[1]), V, "lengths"),
    "predict: verbose": (classifier, lambda n: n.predict(X, verbose=0), T, "verbose"),
    "predict: nothing": (classifier, lambda n: n.predict(), T, "X"),
    "classify: numbers": (regressor, lambda n: n.classify(X), V, "predict"),
    "classify: two outputs": (twins, lambda n: n.classify([X, X[:, :2]]), V, "predict"),
    "feedforward: many": (classifier, lambda n: n.feedforward(X), V, "one sample"),
    "feedforward: width": (classifier, lambda n: n.feedforward([1, 2, 3]), V, "x"),
    "gradients: rows": (classifier, lambda n: n.gradients(X, LABELS[:2]), V, "rows"),
    "gradients: NaN": (classifier, lambda n: n.gradients(with_value(np.nan), LABELS), V, "row 2"),
    "check_gradients: label": (classifier, lambda n: n.check_gradients(X, LABELS + 1), V, "label 3"),
    "forward: width": (classifier, lambda n: n.forward(X[:, 1:]), V, "(12, 3)"),
    "forward: nothing": (classifier, lambda n: n.forward(X[:0]), V, "no rows"),
    "activations: width": (classifier, lambda n: n.activations(X[:, 1:]), V, "(12, 3)"),
    "trace: many": (classifier, lambda n: n.trace(X, LABELS), V, "x"),
    "session: max_batch": (classifier, lambda n: n.session(max_batch=-1), V, "max_batch"),
    "session: too many rows": (classifier, lambda n: n.session(max_batch=2).run(X), V, "2"),
    "layer: unknown": (classifier, lambda n: n.layer("dense_9"), V, "dense_"),
    "layer: too far": (classifier, lambda n: n.layer(9), IndexError, "9"),
    "freeze: unknown": (classifier, lambda n: n.freeze(upto="conv_1"), V, "conv_1"),
    "set_parameters: unknown": (
        classifier,
        lambda n: n.set_parameters({**n.parameters, "dense_7.weight": 1}),
        V,
        "dense_7.weight",
    ),
    "set_parameters: missing": (
        classifier,
        lambda n: n.set_parameters({"dense_1.bias": np.zeros(5)}),
        V,
        "dense_1.weight",
    ),
    "set_parameters: shape": (
        classifier,
        lambda n: n.set_parameters({"dense_1.bias": np.zeros(6)}, strict=False),
        V,
        "(6,)",
    ),
    "set_parameters: text": (
        classifier,
        lambda n: n.set_parameters({"dense_1.bias": ["a"] * 5}, strict=False),
        (V, T),
        "dense_1.bias",
    ),
    "set_parameters: a list": (classifier, lambda n: n.set_parameters([np.zeros(5)]), T, "parameters"),
    "set_parameters: the last is wrong": (
        classifier,
        lambda n: n.set_parameters(
            {k: np.zeros(v.shape if k != "dense_2.bias" else 9) for k, v in n.parameters.items()}
        ),
        V,
        "dense_2.bias",
    ),
    "copy_from: another": (classifier, lambda n: n.copy_from(cnn.Network([4, 6, 3])), V, "differ"),
    "copy_from: a dict": (classifier, lambda n: n.copy_from({}), T, "Network"),
    "copy_from: tau": (classifier, lambda n: n.copy_from(n, tau=-0.1), V, "tau"),
    "weight: shape": (classifier, lambda n: setattr(n.layers[0], "weight", np.zeros((4, 5))), V, "(4, 5)"),
    "lr_scale": (classifier, lambda n: setattr(n.layers[0], "lr_scale", -1), V, "lr_scale"),
    "lr_scale: NaN": (classifier, lambda n: setattr(n.layers[0], "lr_scale", math.nan), V, "lr_scale"),
    "optimizer.lr": (classifier, lambda n: setattr(n.optimizer, "lr", -1), V, "lr"),
    "optimizer.lr: text": (classifier, lambda n: setattr(n.optimizer, "lr", "fast"), T, "lr"),
    "save: a folder": (classifier, lambda n: n.save(os.curdir), OSError, "."),
    "save: no folder": (classifier, lambda n: n.save("no/folder/a.cnn"), OSError, "no/folder/a.cnn"),
    "save: no path": (classifier, lambda n: n.save(None), T, "path"),
    "step: LBFGS": (classifier, lambda n: n.step("lbfgs"), (V, RuntimeError), "fit"),
    "backward: shape": (classifier, lambda n: (n.forward(X), n.backward(np.ones((N, 4)))), V, "(12, 4)"),
    "backward: rows": (classifier, lambda n: (n.forward(X), n.backward(np.ones((N - 1, 3)))), V, "(11, 3)"),
}


@pytest.mark.parametrize("case", CALLS)
def test_calls(case, tmp_path, monkeypatch, capsys):
    """The right kind of exception; a sentence; the network and its optimizer bit for bit as they were, and training goes on as if nothing
    had been."""
    monkeypatch.chdir(tmp_path)
    make, call, error, word = CALLS[case]
    net, other = make(), make()
    before = state(net)
    with warnings.catch_warnings(), pytest.raises(error) as caught:
        warnings.simplefilter("error")
        call(net)
    one_sentence(str(caught.value), word)
    assert state(net) == before
    assert os.listdir(tmp_path) == [] and capsys.readouterr().out == ""
    rest = ([X, X[:, :2]], [LABELS, NUMBERS]) if make is twins else (X, {3: ONE_HOT, 1: BITS}[net.output_shape[-1]])
    for n in (net, other):
        n.fit(*rest, epochs=1, batch_size=5, verbose=0)
    assert state(net) == state(other)


def test_zero_epochs_are_no_mistake():
    """What asks for nothing does nothing."""
    net = classifier()
    before = state(net)[0]
    assert net.fit(X, LABELS, epochs=0, verbose=0).history in ({}, {name: [] for name in net.history.history})
    assert net._arena() == before


def test_a_mistake_in_a_callback_is_the_callers():
    """Its own exception comes out as it is, after as many whole epochs as there were."""
    net = classifier()
    with pytest.raises(TypeError, match="on_epoch_end"):
        net.fit(X, LABELS, epochs=2, callbacks=[Fails()], verbose=0)
    net.fit(X, LABELS, epochs=1, verbose=0)


def test_a_new_network_is_as_it_was():
    """Of a network that was never trained: no choice of a failed first fit stays."""
    for name, (make, call, _, _) in CALLS.items():
        if make is not classifier or name.startswith(("step", "backward", "callbacks", "batches", "optimizer.lr")):
            continue
        net = cnn.Network([4, 5, 3], output="softmax", seed=0)
        before = net._arena()
        with pytest.raises(Exception):  # noqa: B017 which, is tested above
            call(net)
        assert net._arena() == before, name
        assert (net.loss, net.optimizer, net.metrics, net.history) == (None, None, None, None), name
