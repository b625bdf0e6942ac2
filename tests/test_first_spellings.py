"""Keras's, PyTorch's and scikit-learn's spelling of each call: the message names ours, and ours works."""

import builtins
import inspect
import re

import numpy as np
import pytest

import cnn
from cnn import spellings

X = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
Y = np.arange(30) % 3


def scope():
    net = cnn.Network([4, 8, 3], output="softmax", seed=0)
    net.fit(X, Y, epochs=1, metrics=["accuracy"], verbose=0)
    net.save("a.cnn")
    return {
        "cnn": cnn,
        "net": net,
        "np": np,
        "X": X,
        "y": Y,
        "names": np.array(["a", "b", "c"])[Y],
        "layer": net.layers[0],
    } | {
        "batches": [(X, Y)],
        "path": "a.cnn",
        "other": net.copy(),
        "f": lambda epoch, logs: None,
        "nn": Torch,
        "optim": Torch,
    }


class Foreign:
    """What another library's constructors give."""

    def __init__(self, *args, **kwargs):
        pass

    def __repr__(self):
        return f"{type(self).__name__}()"

    def __call__(self, *args):
        return 0.0


class Torch:
    """Stands for torch.nn and torch.optim, as far as their objects' names and modules go."""

    CrossEntropyLoss, MSELoss, ReLU, Linear, Adam, BatchNorm1d, Conv2d = (
        type(name, (Foreign,), {"__module__": "torch.nn.modules"})
        for name in ("CrossEntropyLoss", "MSELoss", "ReLU", "Linear", "Adam", "BatchNorm1d", "Conv2d")
    )


def one_sentence(text):
    assert "\n" not in text and "object at 0x" not in text, text
    assert 10 < len(text) < 300 and not text.endswith("."), text


# theirs -> what its message says | what is run; without a bar the message's own words are, where they are a whole expression
SPELLINGS = """
# ---- Keras: making
cnn.Sequential([cnn.Dense(3)]) -> cnn.Network([4, 8, 3], output="softmax")
cnn.keras.Sequential() -> layers are names of cnn itself | cnn.Network([cnn.Input(4), cnn.Dense(3)])
cnn.Model(inputs=1, outputs=2) -> cnn.Network(inputs=x, outputs=y) | (lambda x: cnn.Network(inputs=x, outputs=cnn.Dense(3)(x)))(cnn.Input(4))
cnn.models.Sequential() -> cnn.Network([...])
cnn.InputLayer(4) -> cnn.Input | cnn.Input(4)
cnn.Normalization() -> cnn.Normalize | cnn.Normalize().adapt(X)
cnn.Rescaling(1 / 255) -> cnn.Rescale | cnn.Rescale(1 / 255)
cnn.Concatenate() -> cnn.Concat | cnn.Concat()
cnn.Lambda(abs) -> cnn.Function(forward, backward) | cnn.Function(np.abs)
cnn.to_categorical(y) -> cross_entropy takes them | net.fit(X, y, epochs=1, verbose=0)
cnn.Dense(3, input_shape=(4,)) -> cnn.Input(4) | cnn.Input(4)
cnn.Dense(3, input_dim=4) -> input_shape= of cnn.Network | cnn.Network([cnn.Dense(3)], input_shape=4)
cnn.Dense(3, use_bias=False) -> write bias | cnn.Dense(3, bias=False)
cnn.Dense(3, kernel_initializer="zeros") -> write init | cnn.Dense(3, init="zeros")
cnn.Dense(3, kernel_regularizer="l2") -> write l2 | cnn.Dense(3, l2=0.01)
cnn.Dense(3, kernel_constraint=1) -> write max_norm | cnn.Dense(3, max_norm=1)
cnn.Dropout(p=0.5) -> write rate | cnn.Dropout(rate=0.5)
cnn.GaussianNoise(stddev=0.5) -> write std | cnn.GaussianNoise(std=0.5)
cnn.MaxPooling2D(2) -> cnn.MaxPool2D | cnn.MaxPool2D(2)
cnn.MaxPool2D(pool_size=2) -> write size | cnn.MaxPool2D(size=2)
cnn.AvgPool1D(2, strides=1) -> write stride | cnn.AvgPool1D(2, stride=1)
cnn.AvgPool2D(kernel_size=2) -> write size | cnn.AvgPool2D(size=2)
cnn.MaxPool2D(2, data_format="channels_last") -> X.transpose(0, 3, 1, 2) | np.zeros((2, 4, 4, 3)).transpose(0, 3, 1, 2)
cnn.GlobalAveragePooling2D() -> cnn.GlobalAvgPool2D | cnn.GlobalAvgPool2D()
cnn.ZeroPadding2D(1) -> cnn.Pad | cnn.Pad(1)
cnn.UpSampling2D(2) -> cnn.Upsample2D | cnn.Upsample2D(2)
cnn.Upsample2D(scale_factor=2) -> write scale | cnn.Upsample2D(scale=2)
cnn.Upsample2D(2, interpolation="bilinear") -> write mode | cnn.Upsample2D(2, mode="bilinear")
cnn.PReLU(num_parameters=8) -> cnn.PReLU(axis=1) | cnn.PReLU(axis=1)
net.add(cnn.Dense(3)) -> cnn.Network([cnn.Input(4), cnn.Dense(3)])
net.pop() -> cnn.Network(net.layers[:-1])
net.build((None, 4)) -> nothing is needed
# ---- Keras: training
net.compile("adam", "mse") -> net.fit(X, y, optimizer=cnn.Adam(0.001), loss="cross_entropy", metrics=["accuracy"])
net.fit_generator(batches) -> net.fit(batches)
net.fit(X, y, learning_rate=0.1) -> optimizer=cnn.Adam(lr=0.001) | net.fit(X, y, optimizer=cnn.Adam(lr=0.001), verbose=0)
net.fit(X, y, nb_epoch=3) -> write epochs | net.fit(X, y, epochs=3, verbose=0)
net.fit(X, y, class_weights={0: 2}) -> write class_weight | net.fit(X, y, class_weight={0: 2}, verbose=0)
net.fit(X, y, initial_epoch=3) -> epochs count on
net.fit(X, y, workers=3) -> cnn.set_num_threads(n) | cnn.set_num_threads(cnn.get_num_threads())
net.train_on_batch(X, y) -> net.partial_fit(X, y)
net.test_on_batch(X, y) -> net.evaluate(X, y)
net.evaluate_generator(batches) -> net.evaluate(batches)
net.fit(X, y, loss="sparse_categorical_crossentropy") -> loss="cross_entropy" | net.fit(X, y, loss="cross_entropy", verbose=0)
net.fit(X, y, loss="categorical_crossentropy") -> loss="cross_entropy"
net.fit(X, y, metrics=["categorical_accuracy"]) -> "accuracy" | net.fit(X, y, metrics=["accuracy"], verbose=0)
net.fit(X, y, optimizer="nadam") -> "adam" | net.fit(X, y, optimizer="adam", verbose=0)
cnn.Adam(learning_rate=0.1) -> write lr | cnn.Adam(lr=0.1)
cnn.Adam(beta_1=0.9) -> betas=(0.9, 0.999) | cnn.Adam(betas=(0.9, 0.999))
cnn.Adam(epsilon=1e-7) -> write eps | cnn.Adam(eps=1e-7)
cnn.Adam(clipnorm=1.0) -> write clip_norm | cnn.Adam(clip_norm=1.0)
cnn.RMSprop(rho=0.9) -> write alpha | cnn.RMSprop(alpha=0.9)
cnn.optimizers.Nadam() -> write "adam" | cnn.optimizers.Adam()
cnn.losses.MeanSquaredError() -> write "mse" | net.evaluate(X, np.eye(3)[y], loss="mse")
cnn.losses.BinaryCrossentropy() -> loss="binary_cross_entropy"
cnn.losses.mse -> loss="mse"
cnn.ModelCheckpoint("a.cnn") -> cnn.Checkpoint | cnn.Checkpoint("a.cnn")
cnn.callbacks.ModelCheckpoint("a.cnn") -> cnn.callbacks.Checkpoint | cnn.callbacks.Checkpoint("a.cnn")
cnn.Checkpoint("a.cnn", save_best_only=True) -> monitor="val_loss" | cnn.Checkpoint("a.cnn", monitor="val_loss")
cnn.Checkpoint(filepath="a.cnn") -> write path | cnn.Checkpoint(path="a.cnn")
cnn.LearningRateScheduler(f) -> optimizer=cnn.Adam(lr=lambda epoch: 0.01 * 0.9**epoch) | net.fit(X, y, optimizer=cnn.Adam(lr=lambda epoch: 0.01 * 0.9**epoch), verbose=0)
cnn.callbacks.LearningRateScheduler(f) -> cnn.schedules | cnn.schedules.Step(0.1, every=1)
cnn.LambdaCallback(on_epoch_end=f) -> net.fit(X, y, callbacks=[f]) | net.fit(X, y, callbacks=[f], verbose=0)
cnn.TerminateOnNaN() -> net.fit(X, y, on_nan="stop") | net.fit(X, y, on_nan="stop", verbose=0)
cnn.ReduceLROnPlateau(min_lr=0.001) -> write lowest | cnn.ReduceLROnPlateau(lowest=0.001)
# ---- Keras: using
net(X) -> net.predict(X)
net.call(X) -> net.predict(X)
net.predict_on_batch(X) -> net.predict(X)
net.predict_classes(X) -> net.classify(X)
net.get_layer("dense_1") -> net.layer(name) | net.layer("dense_1")
net.get_weights() -> net.parameters
net.set_weights([]) -> net.set_parameters({name: array}) | net.set_parameters({name: array for name, array in net.parameters.items()})
net.weights -> net.parameters
net.trainable_variables -> net.parameters
net.save_weights("a.h5") -> net.save(path)
net.load_weights("a.h5") -> cnn.load(path) | [net.save(path), cnn.load(path)]
net.count_params() -> net.count_parameters()
net.to_json() -> net.save(path)
cnn.load_model(path) -> cnn.load | [net.save(path), cnn.load(path)]
setattr(net, "trainable", False) -> net.freeze()
setattr(net, "lr", 0.1) -> net.optimizer.lr
layer.get_weights() -> layer.weight
layer.kernel -> layer.weight
layer.count_params() -> sum(p.size for p in layer.parameters.values())
layer.output -> net.activations(X)[layer.name]
# ---- PyTorch
cnn.nn.Linear(4, 3) -> layers are names of cnn itself | cnn.Dense(3)
cnn.Linear(4, 3) -> cnn.Dense(4)
cnn.Dense(4, 3) -> Linear(3, 3) is Dense(3) | cnn.Dense(3)
cnn.Module() -> cnn.Network([...])
cnn.ReLU() -> cnn.Activation("relu")
cnn.Sigmoid() -> activation="sigmoid" | cnn.Dense(3, activation="sigmoid")
cnn.LeakyReLU() -> cnn.Activation("leaky_relu")
cnn.Softmax(dim=1) -> cnn.Activation("softmax")
cnn.relu(X) -> cnn.Activation("relu")
cnn.Identity() -> cnn.Activation("linear")
cnn.Network([cnn.Input(4), nn.Linear(4, 3)]) -> cnn.Dense(4)
cnn.Network([cnn.Input(4), nn.ReLU()]) -> cnn.Activation("relu")
cnn.Network([cnn.Input(4), "relu"]) -> cnn.Activation("relu")
cnn.Network([cnn.Input(4), cnn.Dense]) -> cnn.Dense(...)
cnn.Network([4, cnn.Dense(3)]) -> cnn.Input(4)
cnn.Network([cnn.Input(4), nn.Conv2d(1, 2, 3)]) -> write cnn.Conv2D(...)
cnn.Dense(3, activation=nn.ReLU()) -> activation="relu" | cnn.Dense(3, activation="relu")
cnn.Dense(3, activation=np.tanh) -> activation="tanh" | cnn.Dense(3, activation="tanh")
cnn.Dense(3, init="kaiming_uniform") -> "he_uniform" | cnn.Dense(3, init="he_uniform")
cnn.Dense(3, init="xavier_normal") -> "glorot_normal" | cnn.Dense(3, init="glorot_normal")
cnn.tensor([1.0]) -> np.asarray(data) | np.asarray([1.0])
cnn.from_numpy(X) -> NumPy arrays
cnn.DataLoader(X) -> net.fit(X, y, batch_size=32) | net.fit(X, y, batch_size=32, verbose=0)
cnn.TensorDataset(X, y) -> any iterable of batches (X, y)
cnn.manual_seed(0) -> cnn.Network([2, 8, 1], seed=0)
cnn.no_grad() -> predict keeps nothing
cnn.cuda.is_available() -> the CPU
cnn.optim.Adam(net.parameters) -> cnn.Adam | cnn.Adam()
cnn.Adam(net.parameters(), lr=0.001) -> net.fit(X, y, optimizer=cnn.Adam(lr=0.001)) | net.fit(X, y, optimizer=cnn.Adam(lr=0.001), verbose=0)
cnn.Adam(net.parameters) -> net.fit(X, y, optimizer=cnn.Adam(lr=0.001))
net.parameters() -> write net.parameters | net.parameters
net.fit(X, y, optimizer=optim.Adam()) -> cnn.Adam(lr=0.001)
net.fit(X, y, loss=nn.CrossEntropyLoss()) -> loss="cross_entropy" | net.fit(X, y, loss="cross_entropy", verbose=0)
net.fit(X, y, loss=nn.MSELoss()) -> "mse"
net.fit(X, y, criterion="mse") -> write loss
net.fit(X, y, loss="nll_loss") -> loss="cross_entropy"
net.named_parameters() -> net.parameters.items()
net.state_dict() -> net.parameters
net.load_state_dict({}) -> net.set_parameters({name: array})
net.eval() -> nothing is needed
net.train() -> net.train(data, y_trues)
net.train(False) -> dropout works in fit, not in predict
net.zero_grad() -> nothing is needed
net.to("cuda") -> there are no GPUs
net.cuda() -> there are no GPUs
net.half() -> dtype="float32"
net.double() -> dtype="float64" | cnn.Network([4, 3], dtype="float64")
net.requires_grad_(False) -> net.freeze()
net.modules() -> net.layers
net.register_forward_hook(f) -> net.activations(X)
cnn.Network([4, 3], device="cuda") -> no GPUs
net.fit(X, y, device="cuda") -> no GPUs
layer.in_features -> layer.weight.shape[1]
layer.requires_grad -> layer.trainable
cnn.StepLR(None) -> cnn.schedules | cnn.schedules.Step(0.1, every=1)
cnn.Adam(weight_decay=0.1, learning_rate=1) -> write lr
# ---- scikit-learn
cnn.MLPClassifier((100,)) -> cnn.Network([4, 100, 3], output="softmax")
cnn.MLPRegressor((100,)) -> cnn.Network([4, 100, 1])
cnn.NetworkClassifier() -> cnn.data.Preprocessing | cnn.data.Preprocessing("y")
cnn.Network(hidden_layer_sizes=(100,)) -> cnn.Network([4, 100, 3])
cnn.Network([4, 3], solver="adam") -> net.fit(X, y, optimizer=...)
cnn.Network([4, 3], learning_rate_init=0.1) -> net.fit(X, y, optimizer=cnn.Adam(lr=0.001)) | net.fit(X, y, optimizer=cnn.Adam(lr=0.001), verbose=0)
cnn.Network([4, 3], max_iter=10) -> net.fit(X, y, epochs=...)
cnn.Network([4, 3], alpha=0.1) -> l2= of cnn.Dense | cnn.Dense(3, l2=0.1)
cnn.Network([4, 3], random_state=0) -> write seed | cnn.Network([4, 3], seed=0)
cnn.Network([4, 3], early_stopping=True) -> net.fit(X, y, validation_split=0.2, callbacks=[cnn.EarlyStopping()])
cnn.Network([4, 3], loss="mse") -> net.fit(X, y, loss=...)
cnn.Network(4, 100, 3) -> cnn.Network([784, 128, 10])
net.fit(X, y, 10) -> net.fit(X, y, epochs=10, batch_size=32) | net.fit(X, y, epochs=10, batch_size=32, verbose=0)
net.fit(X, y, max_iter=10) -> write epochs
net.fit(X, y, validation_fraction=0.1) -> write validation_split
net.fit(X, y, early_stopping=True) -> callbacks=[cnn.EarlyStopping()] | net.fit(X, y, callbacks=[cnn.EarlyStopping()], validation_split=0.2, verbose=0)
net.fit(X, y, eval_set=(X, y)) -> write validation_data | net.fit(X, y, validation_data=(X, y), verbose=0)
net.predict_proba(X) -> net.predict(X)
net.predict_log_proba(X) -> np.log(net.predict(X))
net.decision_function(X) -> net.predict(X)
net.score(X, y) -> net.evaluate(X, y)["accuracy"]
net.coefs_ -> [layer.weight for layer in net.layers]
net.intercepts_ -> [layer.bias for layer in net.layers]
net.classes_ -> net.classes
net.loss_curve_ -> net.history.history["loss"]
net.n_iter_ -> len(net.history.epoch)
net.get_params() -> net.parameters
net.set_params(alpha=1) -> optimizer= and loss= go to net.fit
net.fit_predict(X, y) -> net.fit(X, y), then net.classify(X) | net.classify(X)
net.partial_fit(X, y, classes=[0, 1, 2]) -> net.classes
cnn.StandardScaler() -> cnn.Normalize().adapt(X)
cnn.LabelEncoder() -> np.unique(names, return_inverse=True)
cnn.OneHotEncoder() -> cnn.data.Preprocessing
cnn.train_test_split(X, y) -> net.fit(X, y, validation_split=0.2) | net.fit(X, y, validation_split=0.2, verbose=0)
cnn.dump(net, path) -> net.save(path)
net.fit(X, y, metrics=["roc_auc_score"]) -> "auc"
net.fit(X, y, loss="squared_error") -> "mse"
net.fit(X, y, test_size=0.2) -> write validation_split | net.fit(X, y, validation_split=0.2, verbose=0)
net.evaluate(X, y, verbose=0) -> returns a dict | net.evaluate(X, y)
net.evaluate(X, y, batch_size=32) -> in pieces by itself | net.evaluate(X, y)
cnn.set_seed(0) -> cnn.Network([2, 8, 1], seed=0)
cnn.seed(0) -> cnn.Network([2, 8, 1], seed=0)
cnn.random.seed(0) -> no global seed | cnn.Network([2, 8, 1], seed=0)
cnn.version -> cnn.__version__
cnn.read_csv("a.csv") -> cnn.data.read_csv
cnn.moons() -> cnn.datasets.moons
cnn.OneCycle(1, 2) -> cnn.schedules.OneCycle
cnn.confusion_matrix(y, y) -> cnn.metrics.confusion_matrix(y, net.classify(X)) | cnn.metrics.confusion_matrix(y, net.classify(X))
cnn.Pipeline([]) -> cnn.data.Preprocessing | cnn.data.Preprocessing("y")
cnn.GridSearchCV(net, {}) -> cnn train data.csv --target y --search 30
cnn.RandomizedSearchCV(net, {}) -> --search 30
cnn.data.train_test_split(X, y) -> net.fit(X, y, validation_split=0.2) | net.fit(X, y, validation_split=0.2, verbose=0)
cnn.datasets.load_digits() -> cnn.datasets.digits()
cnn.datasets.make_moons() -> cnn.datasets.moons()
cnn.datasets.mnist -> cnn.datasets.digits() | cnn.datasets.digits()
cnn.plots.history(net.history) -> history.plot() of the history
net.clone() -> net.copy() | net.copy()
net.coef_ -> net.layers[0].weight | net.layers[0].weight
net.loss_ -> net.history.history["loss"][-1]
net.n_features_in_ -> net.input_shape
net.metrics_names -> net.metrics | net.metrics
net.float() -> dtype="float32"
net.features(X) -> net.activations(X) | net.activations(X)
net.num_parameters() -> net.count_parameters()
net.to_onnx("a.onnx") -> ONNX is not in this version | net.save(path)
net.export("a.onnx") -> net.save(path) | net.save(path)
net.plot() -> net.summary() | net.summary()
net.history["loss"] -> history.history["loss"] | net.history.history["loss"]
net.history.losses -> history.history["loss"] | net.history.history["loss"]
net.history.epochs -> history.epoch | net.history.epoch
net.history.accuracy -> history.history["accuracy"] | net.history.history["accuracy"]
""".strip().splitlines()
SPELLINGS = [line for line in SPELLINGS if not line.startswith("#")]


@pytest.mark.parametrize("line", SPELLINGS)
def test_a_spelling(line, tmp_path, monkeypatch):
    """Theirs raises one sentence with ours in it, before anything has changed; ours, as it stands there, runs."""
    monkeypatch.chdir(tmp_path)
    theirs, _, rest = line.partition(" -> ")
    ours, _, run = rest.partition(" | ")
    here = scope()
    net = here["net"]
    before = net._arena(), net.loss, net.optimizer, net.metrics, net.history
    with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
        eval(theirs, here)
    message = str(caught.value)
    one_sentence(message)
    assert ours in message, message
    assert (net._arena(), net.loss, net.optimizer, net.metrics, net.history) == before
    if run or runs(ours, here):
        eval(run or ours, here)


def runs(code, here):
    """Whether it is a whole expression of things that are here, so that the message can be taken at its word."""
    try:
        names = compile(code, "", "eval").co_names
    except SyntaxError:
        return False
    return "..." not in code and all(
        hasattr(cnn, n) or n in here or hasattr(builtins, n) or f".{n}" in code for n in names
    )


def test_there_are_enough(tmp_path, monkeypatch):
    assert len(SPELLINGS) >= 140
    monkeypatch.chdir(tmp_path)
    here = scope()
    assert sum(" | " in line or runs(line.partition(" -> ")[2], here) for line in SPELLINGS) >= 100  # are run


LATER = "Conv1D Conv2D MaxPool2D GlobalAvgPool2D BatchNorm LayerNorm GroupNorm PReLU Embedding RNN LSTM GRU Bidirectional Pad TensorBoard"
THEIRS = {
    "Conv2d": "Conv2D",
    "Conv2DTranspose": "ConvTranspose2D",
    "MaxPooling2D": "MaxPool2D",
    "MaxPool1d": "MaxPool1D",
    "AdaptiveAvgPool2d": "GlobalAvgPool2D",
    "BatchNorm1d": "BatchNorm",
    "BatchNormalization": "BatchNorm",
    "SimpleRNN": "RNN",
    "ZeroPadding2D": "Pad",
}


@pytest.mark.parametrize("name", [*LATER.split(), *THEIRS])
def test_what_a_later_version_has(name):
    """It says that it is not in this version, and by which name it will come; where it is there by now, our name."""
    ours = THEIRS.get(name, name)
    if hasattr(cnn, name):
        return
    with pytest.raises(AttributeError) as caught:
        getattr(cnn, name)
    one_sentence(str(caught.value))
    if hasattr(cnn, ours):
        assert str(caught.value).endswith(f"write cnn.{ours}")
    else:
        assert "not in this version" in str(caught.value) and "unknown" not in str(caught.value)
        assert name == ours or f"cnn.{ours}" in str(caught.value)


@pytest.mark.parametrize("name", ["MultiHeadAttention", "Conv3D", "Transformer"])
def test_what_version_1_never_has(name):
    with pytest.raises(AttributeError, match="not in version 1"):
        getattr(cnn, name)


# ---- The tables themselves


@pytest.mark.parametrize("word", [*spellings.METHODS, *spellings.SETTABLE])
def test_a_word_of_a_network(word):
    net = cnn.Network([2, 1])
    assert not hasattr(net, word) and not hasattr(cnn.Network, word) and word not in dir(net)
    with pytest.raises(AttributeError) as caught:
        getattr(net, word)
    one_sentence(str(caught.value))
    assert str(caught.value).startswith(f"Network has no {word!r}: ")


@pytest.mark.parametrize("word", spellings.LAYER)
def test_a_word_of_a_layer(word):
    for layer in (cnn.Dense(3), *cnn.Network([cnn.Input(2), cnn.Dense(1), cnn.Flatten()]).layers):
        assert not hasattr(layer, word) and word not in dir(layer)
        with pytest.raises(AttributeError, match=re.escape(f"{type(layer).__name__} has no {word!r}: write ")):
            getattr(layer, word)


def test_no_word_hides_what_there_is():
    """A real attribute always wins, in a subclass too; and no table keeps a word that became one."""
    net = cnn.Network([2, 1])
    for word in [*spellings.METHODS, *spellings.SETTABLE]:
        holders = [kind for kind in type(net).__mro__ if word in vars(kind)]
        assert len(holders) == 1, word

    class Own(cnn.Network):
        def compile(self):
            return "compiled"

    own = Own([2, 1])
    assert own.compile() == "compiled"
    own.score = 3  # an attribute of the user's own class
    assert own.score == 3
    with pytest.raises(AttributeError, match=r"no 'score': write net\.evaluate"):
        net.score = 3
    for word in ("trainable", "lr", "learning_rate"):  # which would silently do nothing
        with pytest.raises(AttributeError, match=f"no {word!r}: write net"):
            setattr(net, word, False)
    assert not set(spellings.SAME) & set(cnn.__all__)
    assert not spellings.LATER & set(cnn.__all__) and not set(spellings.NAMES) & set(cnn.__all__)


def texts():
    tables = (
        spellings.VALUES,
        spellings.MEANWHILE,
        spellings.NAMES,
        spellings.METHODS,
        spellings.SETTABLE,
        spellings.LAYER,
    )
    tables += (spellings.ARGUMENTS, spellings.POSITIONAL, spellings.NEEDED, *spellings.OF_FUNCTION.values())
    return [(word, text) for table in tables for word, text in table.items()]


def test_what_the_tables_name_is_there(tmp_path, monkeypatch):
    """Every cnn.x, net.x and layer.x that a message may name."""
    monkeypatch.chdir(tmp_path)
    net = scope()["net"]
    things = {"cnn": cnn, "net": net, "layer": net.layers[0], "np": np, "losses": cnn.losses}
    named = 0
    for word, text in texts():
        for thing, path in re.findall(r"\b(cnn|net|layer|np|losses)((?:\.[A-Za-z_]\w*)+)", text):
            value = things[thing]
            for name in path.strip(".").split("."):
                if value is not np:
                    assert hasattr(value, name), (word, text)
                value = getattr(value, name)
                named += 1
    assert named > 150


def test_each_other_name_is_one_of_ours():
    for theirs, ours in spellings.SAME.items():
        assert ours in cnn.__all__ or ours in spellings.LATER, theirs
    names = {*cnn._core.LOSSES, *cnn._core.METRICS, *cnn._core.ACTIVATIONS, *cnn._core.INITS, *cnn._core.OPTIMIZERS}
    for word, text in spellings.VALUES.items():
        assert set(re.findall(r'"(\w+)"', text)) <= names, word


FUNCTIONS = {
    "net.fit": cnn.Network.fit,
    "net.evaluate": cnn.Network.evaluate,
    "net.partial_fit": cnn.Network.partial_fit,
    "Network": cnn.Network,
    **{
        kind.__name__: kind
        for kind in (
            cnn.Dense,
            cnn.Dropout,
            cnn.SGD,
            cnn.Adam,
            cnn.LBFGS,
            cnn.EarlyStopping,
            cnn.Checkpoint,
            cnn.ReduceLROnPlateau,
        )
    },
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_keyword_that_is_named_is_one(function):
    """Whatever another library's keyword: where the sentence is "write k", k is an argument of this very function."""
    allowed = list(inspect.signature(FUNCTIONS[function]).parameters)
    words = {*spellings.ARGUMENTS, *spellings.OF_FUNCTION.get(function, {})} - set(allowed)
    for word in words:
        with pytest.raises(TypeError) as caught:
            if function.startswith("net."):
                getattr(cnn.Network([4, 3]), function[4:])(X, Y, **{word: 1})
            else:
                FUNCTIONS[function](**{word: 1})
        message = str(caught.value)
        assert message.startswith(f"{function} has no argument {word!r}") and len(message) < 300
        plain = re.search(r": write (\w+)$", message)
        assert plain is None or plain[1] in allowed, message


@pytest.mark.parametrize("kind", ["loss", "metrics", "optimizer", "activation", "init"])
def test_case_and_signs_of_our_own_names(kind):
    """`Cross-Entropy` is ours in another hand: the message gives it as we write it."""
    odd = {
        "loss": "Cross-Entropy",
        "metrics": "Top K Accuracy",
        "optimizer": "L_BFGS",
        "activation": "LeakyReLU",
        "init": "HeNormal",
    }[kind]
    ours = {
        "loss": "cross_entropy",
        "metrics": "top_k_accuracy",
        "optimizer": "lbfgs",
        "activation": "leaky_relu",
        "init": "he_normal",
    }[kind]
    with pytest.raises(ValueError, match=f"write ['\"]{ours}"):
        if kind in ("activation", "init"):
            cnn.Dense(3, **{kind: odd})
        else:
            cnn.Network([4, 3], output="softmax").fit(X, Y, **{kind: odd})
