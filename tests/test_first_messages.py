"""Wrong calls that a newcomer makes, read as a person reads them: what was given, what was expected, and the way out."""

import os
import re

import numpy as np
import pytest

import cnn

RNG = np.random.default_rng(0)
N = 12
X = RNG.normal(size=(N, 4))
Y = np.arange(N) % 3
NUMBERS = RNG.normal(size=N)
BITS = (Y > 0).astype(int)
V, T, A = ValueError, TypeError, AttributeError


def sparse():
    class Sparse:
        nnz, shape = 3, (N, 4)

        def toarray(self):
            return X

    return Sparse()


def classifier():
    return cnn.Network([4, 5, 3], output="softmax", seed=0)


def regressor():
    return cnn.Network([4, 5, 1], seed=0)


def binary():
    return cnn.Network([4, 5, 1], output="sigmoid", seed=0)


def with_nan(of=X):
    bad = np.array(of, float)
    bad.flat[6] = np.nan
    return bad


# (call, exception, the whole message or its telling part)
MESSAGES = {
    # ---- X
    "None": (lambda: classifier().fit(None, Y), T, "X is None; it must be an array of numbers"),
    "None to predict": (lambda: classifier().predict(None), T, "X is None; it must be an array of numbers"),
    "a number": (lambda: classifier().predict(3), V, "X is a single number; input_1 takes (n, 4)"),
    "an empty list": (lambda: classifier().predict([]), V, "X has the shape (0,); input_1 takes (n, 4)"),
    "three features": (lambda: classifier().predict(X[:, :3]), V, "X has the shape (12, 3); input_1 takes (n, 4)"),
    "one sample": (lambda: classifier().predict(X[0]), V, "pass X[None], or call net.feedforward(X)"),
    "one sample, a list": (lambda: classifier().predict([1, 2, 3, 4]), V, "pass np.asarray(X)[None]"),
    "transposed": (lambda: classifier().fit(X.T, Y), V, "a row for each sample: pass X.T"),
    "text": (lambda: classifier().predict([["1", "2", "3", "4"]]), T, "X holds text; it must hold real numbers: cnn.data"),
    "text among numbers": (
        lambda: classifier().predict(np.array([[1, "red", 2, 3]], object)),
        T,
        "X holds 'red', which is no number; encode text as numbers first, as cnn.data.Preprocessing does",
    ),
    "None among numbers": (lambda: classifier().predict([[1, {}, 2, 3]]), T, "X holds {}, which is no number"),
    "ragged": (lambda: classifier().fit([[1, 2, 3, 4], [1, 2]], [0, 1]), V, "X is ragged: its rows differ in length"),
    "sparse": (lambda: classifier().fit(sparse(), Y), T, "X is a sparse matrix; pass X.toarray()"),
    "a dict of columns": (
        lambda: classifier().fit({"a": X[:, 0], "b": X[:, 1]}, Y),
        V,
        "X is a dict of ['a', 'b']; the network has one input, input_1, and takes an array: cnn.data.Preprocessing makes one",
    ),
    "a dict of another input": (lambda: classifier().predict({"a": X}), V, "layer 'a' is not known; known: input_1"),
    "a list for one input": (lambda: classifier().predict([X, X]), V, "X has the shape (2, 12, 4)"),
    "NaN": (lambda: classifier().fit(with_nan(), Y), V, "X has a NaN or an infinity in row 1, column 2"),
    "complex": (lambda: classifier().predict(X + 1j), T, "X holds complex numbers; it must hold real numbers"),
    "dates": (lambda: classifier().predict(X.astype("M8[s]")), T, "X holds dates"),
    "feedforward of three": (lambda: classifier().feedforward([1, 2, 3]), V, "x has the shape (3,); feedforward takes one"),
    "feedforward of text": (lambda: classifier().feedforward("a"), T, "x is the text 'a'; it must be numbers"),
    "feedforward of many": (lambda: classifier().feedforward(X), V, "(predict takes many)"),
    # ---- y
    "y missing": (lambda: classifier().fit(X), V, "y is missing: fit takes X and y"),
    "y missing in evaluate": (lambda: classifier().evaluate(X), V, "y is missing: pass the targets, a row for each of the 12"),
    "y a name": (lambda: classifier().fit(X, "species"), T, "y is the text 'species'"),
    "y strings": (lambda: classifier().fit(X, ["a", "b", "c"] * 4), T, "net.classes, y = np.unique(y, return_inverse=True)"),
    "y strings and a sigmoid": (lambda: binary().fit(X, ["yes", "no"] * 6), T, "cnn.data.Preprocessing"),
    "y from 1": (lambda: classifier().fit(X, Y + 1), V, "y has the label 3 in row 2; the network has 3 classes, labelled 0 to 2: labels count from 0"),
    "y floats": (lambda: classifier().fit(X, Y.astype(float)), T, "pass y.astype(int)"),
    "y a list of floats": (lambda: classifier().fit(X, Y.astype(float).tolist()), T, "pass np.asarray(y).astype(int)"),
    "y shorter": (lambda: classifier().fit(X, Y[:1]), V, "y has 1 row and X has 12"),
    "y a row": (lambda: regressor().fit(X, NUMBERS[None]), V, "y has 1 row and X has 12: pass y.T"),
    "y an axis more": (lambda: regressor().fit(X, NUMBERS[:, None, None]), V, "pass y.reshape(-1, 1)"),
    "y of two columns and a sigmoid": (lambda: binary().fit(X, np.eye(2)[BITS]), V, "pass y[:, 1] of one-hot rows"),
    "y three classes and a sigmoid": (lambda: binary().fit(X, Y), V, "for 3 classes end the network in Dense(3, activation='softmax')"),
    "y -1 and 1": (lambda: binary().fit(X, 2 * BITS - 1), V, "for -1 and 1 use loss='hinge', or pass y > 0"),
    "y labels for a linear output": (lambda: cnn.Network([4, 3]).fit(X, Y), V, "end the network in output='softmax'"),
    "y NaN": (lambda: regressor().fit(X, with_nan(NUMBERS)), V, "y has a NaN or an infinity in row 6"),
    "y ragged": (lambda: classifier().fit(X, [[0], [1, 2], [1]] * 4), V, "y is ragged"),
    "y dates": (lambda: regressor().fit(X, NUMBERS.astype("M8[s]")), T, "y holds dates"),
    "y None in it": (lambda: classifier().fit(X, [None] * N), (V, T), "y "),
    # ---- fit's other arguments
    "epochs=1.5": (lambda: classifier().fit(X, Y, epochs=1.5), T, "epochs is 1.5; it must be an integer"),
    "epochs=1e3": (lambda: classifier().fit(X, Y, epochs=1e3), T, "epochs is 1000.0; it must be an integer: write 1000"),
    "epochs=-1": (lambda: classifier().fit(X, Y, epochs=-1), V, "epochs is -1; it must be at least 0"),
    "batch_size=0": (lambda: classifier().fit(X, Y, batch_size=0), V, "batch_size is 0; it must be at least 1"),
    "validation_split=1": (lambda: classifier().fit(X, Y, validation_split=1), V, "at least 0 and below 1"),
    "lr=0.1": (lambda: classifier().fit(X, Y, lr=0.1), T, "net.fit has no argument 'lr': write optimizer=cnn.Adam(lr=0.001)"),
    "epochs by place": (lambda: classifier().fit(X, Y, 10), T, "net.fit takes X, y without a name, and was given 3 arguments: name the rest"),
    "pairs of samples": (lambda: classifier().fit(list(zip(X, Y, strict=True))), V, "pass arrays, as in X, y = map(np.array, zip(*pairs))"),
    "an iterator of pairs": (lambda: classifier().fit(zip(X, Y, strict=True)), V, "X gave pairs (x, y) of one sample"),
    "a pair": (lambda: classifier().fit((X, Y)), V, "X is a pair: pass X and y apart, as in net.fit(*pair)"),
    "validation of X alone": (
        lambda: classifier().fit(X, Y, validation_data=X),
        T,
        "validation_data is of the type ndarray; expected (X, y), (X, y, weights)",
    ),
    "nothing at all": (lambda: classifier().fit(), T, "net.fit needs X: write net.fit(X, y)"),
    "partial_fit without y": (lambda: classifier().partial_fit(X), T, "net.partial_fit needs y: write net.partial_fit(X, y)"),
    "train without data": (lambda: classifier().train(), T, "net.train needs data and y_trues"),
    "metrics misspelt": (lambda: classifier().fit(X, Y, metrics="accurcy"), V, "metric 'accurcy' is not known; did you mean 'accuracy'"),
    "a metric that is a loss": (lambda: classifier().fit(X, Y, metrics=["rmse"]), V, 'write "mse" (and take its root)'),
    "loss in another hand": (lambda: classifier().fit(X, Y, loss="cross entropy"), V, "write 'cross_entropy'"),
    "loss a module": (lambda: classifier().fit(X, Y, loss=cnn.losses), T, "loss is the module cnn.losses; expected a name"),
    "optimizer a class": (lambda: classifier().fit(X, Y, optimizer=cnn.Adam), T, "write optimizer=cnn.Adam()"),
    "optimizer a number": (lambda: classifier().fit(X, Y, optimizer=0.1), T, "optimizer is of the type float; expected a name"),
    "callbacks a class": (lambda: classifier().fit(X, Y, callbacks=cnn.EarlyStopping), T, "write EarlyStopping()"),
    "callbacks a name": (lambda: classifier().fit(X, Y, callbacks="tqdm"), T, "as in callbacks=[cnn.EarlyStopping()]"),
    "early stopping blind": (lambda: classifier().fit(X, Y, callbacks=[cnn.EarlyStopping()]), V, "pass validation_data= or validation_split="),
    "verbose='no'": (lambda: classifier().fit(X, Y, verbose="no"), V, "expected 'auto', 0 (silent), 1 (a bar) or 2"),
    "class_weight='auto'": (lambda: classifier().fit(X, Y, class_weight="auto"), V, "expected 'balanced' or a dict"),
    # ---- making
    "sizes not in a list": (lambda: cnn.Network(784, 128, 10), T, "put the sizes in a list, as in cnn.Network([784, 128, 10])"),
    "no layer at all": (lambda: cnn.Network(), T, "as in Network([2, 8, 1])"),
    "only one size": (lambda: cnn.Network([784]), V, "needs at least two: inputs and outputs"),
    "sizes and names": (lambda: cnn.Network([784, "relu", 10]), T, "the integer 784; expected layers"),
    "a function as activation": (lambda: cnn.Network([4, 3], activation=np.tanh), T, 'activation is the function tanh; write activation="tanh"'),
    "activations in a list": (lambda: cnn.Network([4, 3], activation=["relu"]), T, "activation is ['relu']; expected one of linear"),
    "Dense(3, 4)": (lambda: cnn.Dense(3, 4), T, "a layer takes its outputs only: Linear(3, 4) is Dense(4)"),
    "Dense()": (lambda: cnn.Dense(), T, "Dense needs units: write cnn.Dense(8)"),
    "Dense(3.0)": (lambda: cnn.Dense(3.0), T, "units is 3.0; it must be an integer: write 3"),
    "Dense of data": (lambda: cnn.Dense(3)(X), T, "Dense was called on ndarray; layers are called on cnn.Input(...)"),
    "Input()": (lambda: cnn.Input(), T, "Input needs shape: write cnn.Input(4), the shape of one sample"),
    "Dropout(50)": (lambda: cnn.Dropout(50), V, "rate is 50; it must be at least 0 and below 1"),
    "lr negative": (lambda: cnn.Adam(-1), V, "lr is -1; it must be at least 0"),
    "lr text": (lambda: cnn.Adam("fast"), T, "lr is 'fast'; it must be a number"),
    "lr an iterator": (lambda: cnn.Adam(iter([X])), T, "parameters are not passed, and the optimizer goes to fit"),
    "lr twice": (lambda: cnn.Adam([X], lr=0.1), T, "Adam was given lr twice, by its place and by its name"),
    "weight before a network": (lambda: cnn.Dense(3).weight, A, "Dense.weight exists once the layer is in a network"),
    "a huge value": (lambda: cnn.Dropout({i: i for i in range(999)}), T, "rate is {0: 0, 1: 1"),
    "a misspelt layer": (lambda: classifier().layer("dense1"), V, "layer 'dense1' is not known; write 'dense_1'"),
    "a misspelt name": (lambda: cnn.Netwrk, A, "did you mean 'Network'?"),
    "calling": (lambda: classifier()(X), T, "a network is not called: write net.predict(X)"),
    "classify numbers": (lambda: regressor().classify(X), V, "this network's output is linear and its loss mse; use predict"),
    # ---- files
    "load nothing": (lambda: cnn.load("not there.cnn"), OSError, "cannot read 'not there.cnn': no such file"),
    "load a number": (lambda: cnn.load(3), T, "path is 3; expected the path of a file that net.save has written"),
    "save to no folder": (lambda: classifier().save("no/such/a.cnn"), OSError, "there is no folder 'no/such'"),
    "save nowhere": (lambda: classifier().save(None), T, 'path is None; expected a path, as in net.save("model.cnn")'),
}  # fmt: skip


@pytest.mark.parametrize("case", MESSAGES)
def test_a_message(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, error, text = MESSAGES[case]
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert text in message, message
    assert (
        "\n" not in message
        and " at 0x" not in message
        and "/" not in message.replace("no/such/a.cnn", "").replace("no/such", "")
    ), message
    assert 10 < len(message) < 300 and not message.endswith("."), message
    assert os.listdir(tmp_path) == []


def test_what_is_no_mistake(tmp_path):
    """It looks odd, and works."""
    net = classifier()
    assert net.predict(X).shape == (N, 3)  # before fit
    assert net.predict(X.astype("int8")).shape == net.predict(X.tolist()).shape == net.predict([X]).shape == (N, 3)
    assert len(net.fit(X, Y, epochs=0, verbose=0)) == 0
    net.fit(X, Y, epochs=1, batch_size=1000, metrics="acc", optimizer="Adam", verbose=0)
    assert set(net.history.history) == {"loss", "accuracy", "lr"}
    net.fit(X, Y[:, None], epochs=1, callbacks=cnn.CSVLogger(tmp_path / "log.csv"), verbose=True)
    assert np.isnan(net.predict(with_nan())).any()
    net.save(tmp_path / "a.h5")  # whatever it is called
    assert cnn.load(tmp_path / "a.h5").predict(X).tobytes() == net.predict(X).tobytes()


# ---- A table with text


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("call", ["fit", "predict", "evaluate"])
def test_a_frame_with_text_names_the_column_and_the_way(library, call):
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({"a": [1.0, 2.0, 3.0], "town": ["Bern", "Rome", "Oslo"], "c": [1, 2, 3], "d": [0, 1, 0]})
    net, more = classifier(), () if call == "predict" else ([0, 1, 2],)
    with pytest.raises(TypeError) as caught:
        getattr(net, call)(frame, *more)
    assert str(caught.value) == (
        "X has 'Bern' in the column 'town', row 0, which is no number: cnn.data.Preprocessing makes numbers of a table with text"
    )
    prep = cnn.data.Preprocessing("d").fit(frame)  # the way
    net = cnn.Network([*prep.layers(), cnn.Dense(2, activation="softmax")])
    net.preprocessing = prep
    assert net.predict(frame).shape == (3, 2)


# ---- Files of other kinds

OTHERS = {
    "model.h5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file, as Keras writes"),
    "model.keras": (b"PK\x03\x04" + bytes(99), "a zip file, as PyTorch, Keras and np.savez write"),
    "model.pt": (b"PK\x03\x04" + bytes(99), "a zip file, as PyTorch"),
    "model.pkl": (b"\x80\x05\x95" + bytes(99), "a pickle, which may run any code"),
    "model.onnx": (b"\x08\x07\x12\x07pytorch" + bytes(99), "an ONNX model, which this version does not read"),
    "model.json": (b'{"a": 1}' * 9, "JSON text"),
    "table.csv": (b"a,b,c\n1,2,3\n" * 9, "text, perhaps a table: cnn.data reads those"),
    "X.npy": (b"\x93NUMPY\x01\x00v" + bytes(99), "an array of NumPy: np.load reads it"),
    "model.cnn.gz": (b"\x1f\x8b\x08\x00" + bytes(99), "compressed by gzip"),
    "empty.cnn": (b"", "the file is empty"),
    "text.cnn": (b"hello world, this is no network at all" * 3, "not a safetensors file"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_kind(name, tmp_path):
    """It says what the file is, and what cnn.load reads; nothing in it is run."""
    data, text = OTHERS[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(cnn.ModelFileError) as caught:
        cnn.load(tmp_path / name)
    message = str(caught.value).replace(str(tmp_path), "")
    assert text in message and name in message and "\n" not in message and len(message) < 300
    assert name == "text.cnn" or "cnn.load reads what net.save has written" in message


def test_a_true_file_cut_short_is_not_taken_for_another(tmp_path):
    classifier().save(tmp_path / "a.cnn")
    whole = (tmp_path / "a.cnn").read_bytes()
    for size in (9, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "b.cnn").write_bytes(whole[:size])
        with pytest.raises(cnn.ModelFileError) as caught:
            cnn.load(tmp_path / "b.cnn")
        assert "net.save" not in str(caught.value)


# ---- Monitors


@pytest.mark.parametrize(
    ("monitor", "metrics", "text"),
    [
        ("val_acc", None, 'pass metrics=["accuracy"]'),
        ("val_accuracy", None, 'pass metrics=["accuracy"]'),
        ("val_acc", ["accuracy"], "write 'val_accuracy'"),
        ("acc", ["accuracy"], "write 'accuracy'"),
        ("val_los", None, "did you mean 'val_loss'"),
    ],
)
def test_a_monitor_that_is_not_there(monitor, metrics, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        classifier().fit(X, Y, metrics=metrics, validation_split=0.3, callbacks=[cnn.EarlyStopping(monitor)], verbose=0)
    assert repr(monitor) in str(caught.value)


# ---- Other libraries' objects


def made(module, name, *bases):
    return type(
        name,
        bases,
        {"__module__": module, "__call__": lambda self, *a: 0.0, "on_epoch_end": lambda self, e, logs: None},
    )


@pytest.mark.parametrize(
    ("argument", "value", "text"),
    [
        ("loss", made("torch.nn.modules.loss", "CrossEntropyLoss")(), 'write loss="cross_entropy"'),
        ("loss", made("torch.nn.modules.loss", "BCELoss"), 'write loss="binary_cross_entropy"'),
        ("loss", made("keras.src.losses", "Huber")(), 'write loss="huber"'),
        ("metrics", [made("keras.src.metrics", "AUC")()], 'write metric="auc"'),
        ("metrics", [made("torchmetrics", "F1Score")()], 'write "f1"'),
        (
            "optimizer",
            made("torch.optim.sgd", "SGD")(),
            "torch.SGD; expected a name or an object of cnn.optimizers, as in cnn.SGD(",
        ),
        ("optimizer", made("torch.optim.adam", "Adam"), "the class torch.Adam; expected"),
        (
            "callbacks",
            [made("keras.src.callbacks", "ModelCheckpoint")()],
            "ModelCheckpoint of another library: write cnn.Checkpoint",
        ),
        ("callbacks", [made("keras.src.callbacks", "TensorBoard")()], "not in this version"),
        ("callbacks", made("keras.src.callbacks", "LearningRateScheduler")(), "optimizer=cnn.Adam(lr=lambda epoch"),
    ],
)
def test_an_object_of_another_library(argument, value, text):
    net = classifier()
    before = net._arena()
    with pytest.raises(TypeError, match=re.escape(text)) as caught:
        net.fit(X, Y, **{argument: value})
    assert " at 0x" not in str(caught.value) and len(str(caught.value)) < 300
    assert net._arena() == before and net.optimizer is None


def test_a_subclass_of_ones_own_of_another_librarys_callback_is_heard():
    heard = []
    theirs = made("keras.src.callbacks", "Callback")

    class Mine(theirs):
        def on_epoch_end(self, epoch, logs):
            heard.append((epoch, sorted(logs)))

    classifier().fit(X, Y, epochs=2, callbacks=[Mine()], verbose=0)
    assert heard == [(0, ["loss", "lr"]), (1, ["loss", "lr"])]


def test_parameters_are_a_dict_that_is_not_called():
    net = classifier()
    assert isinstance(net.parameters, dict) and list(net.parameters) == [
        f"dense_{i}.{p}" for i in (1, 2) for p in ("weight", "bias")
    ]
    net.set_parameters({name: value + 1 for name, value in net.parameters.items()})
    with pytest.raises(TypeError, match=r"net\.parameters is a dict and is not called: write net\.parameters"):
        net.parameters()


def test_there_are_enough():
    assert len(MESSAGES) >= 60
