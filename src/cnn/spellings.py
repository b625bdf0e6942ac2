"""Other libraries' words (Keras, PyTorch, scikit-learn), and what to write here. `names` makes sentences of them.

Keys of `VALUES` and `NAMES` are compared without case, ``_``, ``-`` and spaces.
"""

_CROSS = 'loss="cross_entropy" (it takes class indices and one-hot rows)'
_BINARY = 'loss="binary_cross_entropy"'
_MSE, _MAE, _HUBER = '"mse"', '"mae"', '"huber", or losses.Huber(delta)'

VALUES: dict[str, str] = {
    # ---- losses
    "sparse_categorical_crossentropy": _CROSS,
    "categorical_crossentropy": _CROSS,
    "softmax_cross_entropy": _CROSS,
    "crossentropy": 'loss="cross_entropy"',
    "crossentropyloss": 'loss="cross_entropy"',
    "ce": 'loss="cross_entropy"',
    "nll": 'loss="cross_entropy"',
    "nll_loss": 'loss="cross_entropy"',
    "log_loss": 'loss="cross_entropy" or "binary_cross_entropy"',
    "kl_div": 'loss="cross_entropy" (it takes distributions; the two differ by a constant)',
    "kl_divergence": 'loss="cross_entropy" (it takes distributions; the two differ by a constant)',
    "kldivloss": 'loss="cross_entropy" (it takes distributions; the two differ by a constant)',
    "binary_crossentropy": _BINARY,
    "bce": _BINARY,
    "bceloss": _BINARY,
    "bcewithlogitsloss": f"{_BINARY} (it works on the logits by itself)",
    "mean_squared_error": _MSE,
    "squared_error": _MSE,
    "mseloss": _MSE,
    "l2loss": _MSE,
    "rmse": '"mse" (and take its root)',
    "root_mean_squared_error": '"mse" (and take its root)',
    "mean_absolute_error": _MAE,
    "absolute_error": _MAE,
    "l1loss": _MAE,
    "huberloss": _HUBER,
    "smoothl1loss": _HUBER,
    "pinball": '"quantile", or losses.Quantile(q)',
    "poissonnllloss": '"poisson"',
    "hinge_loss": '"hinge"',
    # ---- metrics
    "categorical_accuracy": '"accuracy"',
    "sparse_categorical_accuracy": '"accuracy"',
    "binary_accuracy": '"accuracy"',
    "accuracy_score": '"accuracy"',
    "roc_auc": '"auc"',
    "roc_auc_score": '"auc"',
    "r2_score": '"r2"',
    "f1_score": '"f1"',
    "top_k_categorical_accuracy": '"top_k_accuracy"',
    # ---- activations
    "leakyrelu": '"leaky_relu"',
    "hardsigmoid": '"hard_sigmoid"',
    "hardswish": '"hard_swish"',
    "log_softmax": '"softmax" (cross_entropy works on the logits by itself)',
    # ---- initial weights
    "kaiming_uniform": '"he_uniform"',
    "kaiming_normal": '"he_normal"',
    "kaiming": '"he_normal" or "he_uniform"',
    "he": '"he_normal" or "he_uniform"',
    "xavier_uniform": '"glorot_uniform"',
    "xavier_normal": '"glorot_normal"',
    "xavier": '"glorot_uniform" or "glorot_normal"',
    "glorot": '"glorot_uniform" or "glorot_normal"',
    "random_normal": '"normal"',
    "random_uniform": '"glorot_uniform"',
    "lecun_uniform": '"lecun_normal"',
    # ---- optimizers
    "nadam": '"adam"',
    "adamax": '"adam"',
    "adadelta": '"rmsprop" or "adam"',
    "l-bfgs": '"lbfgs"',
    "momentum": "cnn.SGD(lr=0.01, momentum=0.9)",
    "nesterov": "cnn.SGD(lr=0.01, momentum=0.9, nesterov=True)",
}

# Our names that a later version will have.
_LATER = """
Conv1D Conv2D ConvTranspose2D MaxPool1D MaxPool2D AvgPool1D AvgPool2D GlobalAvgPool1D GlobalAvgPool2D GlobalMaxPool1D
GlobalMaxPool2D PReLU Embedding RNN LSTM GRU Bidirectional Pad Upsample2D TensorBoard
NetworkClassifier NetworkRegressor from_onnx
"""
LATER = frozenset(_LATER.split())
# Another library's name of one of ours; ours may be one of a later version.
SAME: dict[str, str] = {
    **dict.fromkeys(["Conv1d", "Convolution1D"], "Conv1D"),
    **dict.fromkeys(["Conv2d", "Convolution2D", "LazyConv2d"], "Conv2D"),
    **dict.fromkeys(["ConvTranspose2d", "Conv2DTranspose"], "ConvTranspose2D"),
    **dict.fromkeys(["MaxPool1d", "MaxPooling1D"], "MaxPool1D"),
    **dict.fromkeys(["MaxPool2d", "MaxPooling2D"], "MaxPool2D"),
    **dict.fromkeys(["AvgPool1d", "AveragePooling1D"], "AvgPool1D"),
    **dict.fromkeys(["AvgPool2d", "AveragePooling2D"], "AvgPool2D"),
    **dict.fromkeys(["GlobalAveragePooling1D", "AdaptiveAvgPool1d"], "GlobalAvgPool1D"),
    **dict.fromkeys(["GlobalAveragePooling2D", "AdaptiveAvgPool2d"], "GlobalAvgPool2D"),
    **dict.fromkeys(["GlobalMaxPooling1D", "AdaptiveMaxPool1d"], "GlobalMaxPool1D"),
    **dict.fromkeys(["GlobalMaxPooling2D", "AdaptiveMaxPool2d"], "GlobalMaxPool2D"),
    **dict.fromkeys(
        ["BatchNorm1d", "BatchNorm2d", "LazyBatchNorm1d", "LazyBatchNorm2d", "BatchNormalization"], "BatchNorm"
    ),
    "LayerNormalization": "LayerNorm",
    "GroupNormalization": "GroupNorm",
    "SimpleRNN": "RNN",
    "ZeroPadding2D": "Pad",
    "ZeroPad2d": "Pad",
    "UpSampling2D": "Upsample2D",
    "Upsample": "Upsample2D",
    "Concatenate": "Concat",
    "cat": "Concat",
    "Rescaling": "Rescale",
    "Normalization": "Normalize",
    "CategoryEncoding": "OneHot",
    "InputLayer": "Input",
    "Unflatten": "Reshape",
    "ModelCheckpoint": "Checkpoint",
    "BackupAndRestore": "Checkpoint",
    "load_model": "load",
    "ProgbarLogger": "Progress",
    "TQDMProgressBar": "Progress",
    "MLPClassifier": "NetworkClassifier",
    "KerasClassifier": "NetworkClassifier",
    "MLPRegressor": "NetworkRegressor",
    "KerasRegressor": "NetworkRegressor",
}
# What works today in place of a name of a later version.
MEANWHILE: dict[str, str] = {
    "NetworkClassifier": 'cnn.Network([4, 100, 3], output="softmax"), with cnn.data.Preprocessing for text and for labels',
    "NetworkRegressor": "cnn.Network([4, 100, 1])",
    "TensorBoard": "cnn.CSVLogger(path)",
}

_ARRAYS = "use NumPy arrays, as in np.asarray(data)"
_BATCHES = "net.fit(X, y, batch_size=32); fit also takes any iterable of batches (X, y), a torch DataLoader too"
_GRADIENTS = "net.gradients(X, y), or net.forward, net.backward and net.step; predict keeps nothing for gradients"
_CPU = "nothing: cnn computes on the CPU (there are no GPUs in version 1)"
_SEED = "use seed=, as in cnn.Network([2, 8, 1], seed=0)"
_SCHEDULE = "use the schedule as the rate, as in optimizer=cnn.Adam(lr=lambda epoch: 0.01 * 0.9**epoch), or one of cnn.schedules"
_SEARCH = "cnn train data.csv --target y --search 30 on the command line, or a loop over cnn.Network"
_LABELS = "classes, y = np.unique(names, return_inverse=True) and net.classes = classes, or cnn.data.Preprocessing"


def _activation(name: str) -> str:
    return f'cnn.Activation("{name}"), or activation="{name}" in a layer'


# Names of modules, classes and functions that are something else here.
NAMES: dict[str, str] = {
    "sequential": 'cnn.Network([4, 8, 3], output="softmax"), or cnn.Network([cnn.Input(4), cnn.Dense(3)])',
    "model": "cnn.Network(inputs=x, outputs=y), or cnn.Network([...])",
    "functional": "cnn.Network(inputs=x, outputs=y)",
    "module": "cnn.Network([...]); a layer of your own is cnn.Function(forward, backward)",
    "linear": "cnn.Dense(4) for Linear(3, 4): its inputs are those of the layer before",
    "lazylinear": "cnn.Dense(4)",
    "mlp": "cnn.Network([4, 100, 3])",
    "perceptron": "cnn.Network([4, 3]), or cnn.Neuron(weights, bias)",
    "kerastensor": "cnn.Input(4)",
    "nn": "use cnn.Dense, cnn.Network, ...: layers are names of cnn itself",
    "keras": "use cnn.Dense, cnn.Network, ...: layers are names of cnn itself",
    "layers": "use cnn.Dense, cnn.Dropout, ...: layers are names of cnn itself",
    "models": "cnn.Network([...])",
    "optim": "use cnn.Adam, cnn.SGD, ... or cnn.optimizers",
    "loss": "use cnn.losses, or a name, as in net.fit(X, y, loss='mse')",
    "utils": "use cnn.data for tables and files",
    "lambda": "cnn.Function(forward, backward)",
    "dataloader": _BATCHES,
    "dataset": _BATCHES,
    "tensordataset": _BATCHES,
    "imagedatagenerator": _BATCHES,
    "tensor": _ARRAYS,
    "fromnumpy": _ARRAYS,
    "astensor": _ARRAYS,
    "converttotensor": _ARRAYS,
    "variable": _ARRAYS,
    "array": _ARRAYS,
    "nograd": _GRADIENTS,
    "grad": _GRADIENTS,
    "autograd": _GRADIENTS,
    "gradienttape": _GRADIENTS,
    "cuda": _CPU,
    "device": _CPU,
    "gpu": _CPU,
    "mps": _CPU,
    "manualseed": _SEED,
    "setseed": _SEED,
    "seed": _SEED,
    "random": f"{_SEED}; there is no global seed",
    "version": "cnn.__version__",
    "pipeline": "use cnn.data.Preprocessing, whose layers() stand at the head of the network",
    "gridsearchcv": _SEARCH,
    "randomizedsearchcv": _SEARCH,
    "confusionmatrix": "cnn.metrics.confusion_matrix(y, net.classify(X)), or cnn.plots.confusion_matrix for a picture",
    "confusionmatrixdisplay": "cnn.plots.confusion_matrix(y, net.classify(X))",
    "loaddigits": "cnn.datasets.digits()",
    "makemoons": "cnn.datasets.moons()",
    "history": "history.plot() of the history = net.fit(X, y)",
    "plothistory": "history.plot() of the history = net.fit(X, y)",
    "setrandomseed": _SEED,
    "randomseed": _SEED,
    "setnumthreads": "cnn.set_num_threads(n)",
    "loadweights": "cnn.load(path)",
    "loadstatedict": "net.set_parameters({...}), or cnn.load(path)",
    "save": "net.save(path)",
    "savemodel": "net.save(path)",
    "dump": "net.save(path)",
    "fit": "net.fit(X, y) of a net = cnn.Network([...])",
    "train": "net.fit(X, y) of a net = cnn.Network([...])",
    "predict": "net.predict(X) of a net = cnn.Network([...])",
    "evaluate": "net.evaluate(X, y) of a net = cnn.Network([...])",
    "traintestsplit": "net.fit(X, y, validation_split=0.2)",
    "standardscaler": "use cnn.Normalize().adapt(X) after the cnn.Input",
    "minmaxscaler": "use cnn.Rescale(scale, offset) after the cnn.Input",
    "labelencoder": _LABELS,
    "tocategorical": "use the class indices as they are: cross_entropy takes them",
    "onehotencoder": "use cnn.OneHot(classes) after the cnn.Input, or cnn.data.Preprocessing for text",
    "relu": _activation("relu"),
    "sigmoid": _activation("sigmoid"),
    "tanh": _activation("tanh"),
    "softmax": _activation("softmax"),
    "leakyrelu": _activation("leaky_relu"),
    "elu": _activation("elu"),
    "selu": _activation("selu"),
    "gelu": _activation("gelu"),
    "silu": _activation("silu"),
    "swish": _activation("silu"),
    "softplus": _activation("softplus"),
    "hardsigmoid": _activation("hard_sigmoid"),
    "hardswish": _activation("hard_swish"),
    "identity": _activation("linear"),
    "learningratescheduler": _SCHEDULE,
    "steplr": _SCHEDULE,
    "exponentiallr": _SCHEDULE,
    "cosineannealinglr": _SCHEDULE,
    "lambdalr": _SCHEDULE,
    "lrscheduler": _SCHEDULE,
    "lambdacallback": "use a function f(epoch, logs), as in net.fit(X, y, callbacks=[f])",
    "terminateonnan": 'net.fit(X, y, on_nan="stop")',
    "l1": "use l1= of a layer, as in cnn.Dense(4, l1=0.001)",
    "l2": "use l2= of a layer, as in cnn.Dense(4, l2=0.001)",
    "regularizers": "use l1= and l2= of a layer, as in cnn.Dense(4, l2=0.001)",
    "initializers": 'use init= of a layer, as in cnn.Dense(4, init="he_normal")',
    "init": 'use init= of a layer, as in cnn.Dense(4, init="he_normal")',
    "activations": 'use a name, as in cnn.Dense(4, activation="relu")',
    "mnist": "cnn.datasets.digits(), which needs no download",
}
# Not in version 1 at all.
_NEVER = """
Conv3D Conv3d Attention MultiHeadAttention MultiheadAttention Transformer TransformerEncoder TransformerEncoderLayer
"""
NEVER = frozenset(_NEVER.split())

# Attributes of a network.
_PARAMETERS = 'net.parameters, a dict of arrays by name ("dense_1.weight")'
_SET = "net.set_parameters({name: array}), or net.copy_from(other)"
_CHOICE = "nothing: dropout and noise work in fit, and not in predict"
METHODS: dict[str, str] = {
    # ---- Keras
    "compile": 'net.fit(X, y, optimizer=cnn.Adam(0.001), loss="cross_entropy", metrics=["accuracy"])',
    "add": "use the whole list, as in cnn.Network([cnn.Input(4), cnn.Dense(3)])",
    "pop": "cnn.Network(net.layers[:-1]), a network of the layers without the last",
    "build": "nothing: a network is ready once it is made, as in cnn.Network([4, 8, 3])",
    "call": "net.predict(X)",
    "fit_generator": "net.fit(batches), with any iterable of (X, y)",
    "evaluate_generator": "net.evaluate(batches), with any iterable of (X, y)",
    "predict_generator": "net.predict(X, batch_size=...)",
    "train_on_batch": "net.partial_fit(X, y)",
    "test_on_batch": "net.evaluate(X, y)",
    "predict_on_batch": "net.predict(X)",
    "predict_classes": "net.classify(X)",
    "get_weights": _PARAMETERS,
    "set_weights": _SET,
    "weights": _PARAMETERS,
    "weight": f"net.layers[0].weight, or {_PARAMETERS}",
    "bias": f"net.layers[0].bias, or {_PARAMETERS}",
    "biases": _PARAMETERS,
    "variables": _PARAMETERS,
    "trainable_weights": _PARAMETERS,
    "trainable_variables": _PARAMETERS,
    "save_weights": "net.save(path)",
    "load_weights": "cnn.load(path), and net.copy_from(that) for this network",
    "load": "cnn.load(path)",
    "get_layer": "net.layer(name)",
    "get_config": "net.layers, or net.summary()",
    "to_json": "net.save(path)",
    "count_params": "net.count_parameters()",
    "outputs": "net.output_shape, or net.layers[-1]",
    "metrics_names": "list(net.evaluate(X, y)), or net.metrics",
    # ---- PyTorch
    "state_dict": "net.parameters (and net.buffers), dicts of arrays by name; net.save(path) for a file",
    "load_state_dict": "net.set_parameters({name: array}), or cnn.load(path)",
    "named_parameters": "net.parameters.items()",
    "modules": "net.layers",
    "children": "net.layers",
    "eval": _CHOICE,
    "zero_grad": "nothing: net.backward begins with zeros unless accumulate=True",
    "requires_grad_": "net.freeze() or net.unfreeze()",
    "to": _CPU,
    "cuda": _CPU,
    "cpu": _CPU,
    "device": _CPU,
    "half": 'use dtype="float32" or "float64" of cnn.Network: there is no float16 in version 1',
    "double": 'cnn.Network(..., dtype="float64")',
    "float": 'cnn.Network(..., dtype="float32")',
    "num_parameters": "net.count_parameters()",
    "features": "net.activations(X), the output of every layer",
    "to_onnx": "net.save(path): the C library reads that file, and ONNX is not in this version",
    "export": "net.save(path): the C library reads that file, and ONNX is not in this version",
    "plot": "net.history.plot() for the curves, or net.summary() for the layers",
    "apply": "use init= of the layers, or net.parameters, whose arrays can be written",
    "register_forward_hook": "net.activations(X), the output of every layer",
    # ---- scikit-learn
    "predict_proba": "net.predict(X), which gives probabilities after softmax or sigmoid",
    "predict_log_proba": "np.log(net.predict(X))",
    "decision_function": "net.predict(X)",
    "score": 'net.evaluate(X, y)["accuracy"], or metrics=["r2"] for numbers',
    "transform": "net.activations(X), the output of every layer",
    "fit_predict": "net.fit(X, y), then net.classify(X)",
    "get_params": "net.layers, net.optimizer and net.loss for the choices; net.parameters for the weights",
    "set_params": "use a new cnn.Network; optimizer= and loss= go to net.fit",
    "coefs_": "[layer.weight for layer in net.layers]: each (outputs, inputs), the transposed of scikit-learn's",
    "intercepts_": "[layer.bias for layer in net.layers]",
    "classes_": "net.classes",
    "clone": "net.copy(), or cnn.Network(net.layers)",
    "coef_": "net.layers[0].weight, which is (outputs, inputs)",
    "intercept_": "net.layers[0].bias",
    "loss_": 'net.history.history["loss"][-1]',
    "n_features_in_": "net.input_shape",
    "loss_curve_": 'net.history.history["loss"]',
    "n_iter_": "len(net.history.epoch)",
    "best_loss_": 'min(net.history.history["loss"])',
}
# These are set, too, in other libraries, and here that would do nothing.
_LR = "net.optimizer.lr; where there is none yet, net.optimizer = cnn.Adam(lr=0.001), or net.fit(X, y, optimizer=cnn.Adam(lr=0.001))"
SETTABLE: dict[str, str] = {
    "trainable": "net.freeze() or net.unfreeze(), or layer.trainable of each layer",
    "lr": _LR,
    "learning_rate": _LR,
}
_LAYER = "layer.weight and layer.bias, or the dict layer.parameters"
LAYER: dict[str, str] = {
    "weights": _LAYER,
    "get_weights": _LAYER,
    "set_weights": "layer.weight = array, or net.set_parameters({name: array})",
    "trainable_weights": _LAYER,
    "variables": _LAYER,
    "kernel": "layer.weight, which is (units, features), Keras's transposed",
    "W": "layer.weight",
    "b": "layer.bias",
    "coef_": "layer.weight",
    "intercept_": "layer.bias",
    "in_features": "layer.weight.shape[1]",
    "out_features": "layer.units",
    "state_dict": _LAYER,
    "output": "net.activations(X)[layer.name]",
    "requires_grad": "layer.trainable",
    "requires_grad_": "layer.trainable = False",
    "count_params": "sum(p.size for p in layer.parameters.values())",
}

# Keyword arguments.
_RATE = "optimizer=cnn.Adam(lr=0.001)"
_FIT = "it goes to fit, as in net.fit(X, y, {})"
_BEFORE = "use cnn.Input(4) before it in the list, or input_shape= of cnn.Network"
ARGUMENTS: dict[str, str] = {
    "learning_rate": "lr",
    "learning_rate_init": "use lr of the optimizer, as in optimizer=cnn.Adam(lr=0.001)",
    "alpha": "use l2 of the layers, or weight_decay of the optimizer",
    "hidden_layer_sizes": "use the sizes, as in cnn.Network([4, 100, 3])",
    "n_epochs": "epochs",
    "nb_epoch": "epochs",
    "num_epochs": "epochs",
    "max_iter": "epochs",
    "n_iter": "epochs",
    "batchsize": "batch_size",
    "units": "use the sizes, or cnn.Dense(units)",
    "out_features": "units",
    "output_dim": "units",
    "use_bias": "bias",
    "kernel_initializer": "init",
    "weight_init": "init",
    "bias_initializer": "bias_init",
    "kernel_regularizer": "l2 (a number)",
    "kernel_constraint": "max_norm (a number)",
    "p": "rate",
    "stddev": "std",
    "random_state": "seed",
    "activation_fn": "activation",
    "criterion": "loss",
    "loss_fn": "loss",
    "beta_1": "betas, as in betas=(0.9, 0.999)",
    "beta_2": "betas, as in betas=(0.9, 0.999)",
    "beta1": "betas, as in betas=(0.9, 0.999)",
    "beta2": "betas, as in betas=(0.9, 0.999)",
    "epsilon": "eps",
    "rho": "alpha",
    "decay": "weight_decay, or a schedule as lr",
    "clipnorm": "clip_norm",
    "global_clipnorm": "clip_norm",
    "clipvalue": "clip_value",
    "val_data": "validation_data",
    "validation_fraction": "validation_split",
    **dict.fromkeys(("test_size", "val_split", "valid_split", "validation_size"), "validation_split"),
    "eval_set": "validation_data",
    "sample_weights": "sample_weight",
    "class_weights": "class_weight",
    "early_stopping": "callbacks=[cnn.EarlyStopping()] and validation_split=0.2",
    "inputs_shape": "input_shape",
    "min_lr": "lowest",
    "filepath": "path",
    "save_best_only": 'monitor="val_loss"',
    "save_freq": "every",
    "period": "every",
    "tol": "min_delta",
    "n_iter_no_change": "patience",
}
_CHANNELS = "nothing: the channels are those of the layer before, on axis 1"
# What a word means in one function only, before `ARGUMENTS`.
OF_FUNCTION: dict[str, dict[str, str]] = {
    "net.fit": {
        **dict.fromkeys(("lr", "learning_rate", "learning_rate_init", "learn_rate"), _RATE),
        "momentum": "optimizer=cnn.SGD(lr=0.01, momentum=0.9)",
        "weight_decay": "optimizer=cnn.AdamW(weight_decay=0.01)",
        "solver": "optimizer",
        "patience": "callbacks=[cnn.EarlyStopping(patience=10)] and validation_split=0.2",
        "n_iter_no_change": "callbacks=[cnn.EarlyStopping(patience=10)] and validation_split=0.2",
        **dict.fromkeys(("seed", "random_state"), _SEED),
        "initial_epoch": "nothing: epochs count on from the last fit",
        **dict.fromkeys(
            ("workers", "use_multiprocessing", "max_queue_size"), "nothing, or cnn.set_num_threads(n) for threads"
        ),
        "dropout": "use cnn.Dropout(rate) among the layers",
        "generator": "net.fit(batches), with any iterable of (X, y)",
        "x": "X",
    },
    "net.evaluate": {
        "verbose": "nothing: evaluate prints nothing and returns a dict, as in print(net.evaluate(X, y))",
        "batch_size": "nothing: evaluate takes the rows in pieces by itself",
        "steps": "use an iterable of batches as X",
        "callbacks": "nothing: they are called by net.fit",
        "return_dict": "nothing: it returns a dict",
        "x": "X",
    },
    "net.partial_fit": {
        **dict.fromkeys(("lr", "learning_rate"), _RATE),
        "classes": "net.classes = [...] for their names; the last layer has an output a class",
    },
    "Network": {
        **{
            word: _FIT.format(f"{word}=...")
            for word in [
                "optimizer",
                "loss",
                "metrics",
                "epochs",
                "batch_size",
                "callbacks",
                "class_weight",
                "validation_split",
            ]
        },
        **dict.fromkeys(("lr", "learning_rate", "learning_rate_init"), f"net.fit(X, y, {_RATE})"),
        "solver": "net.fit(X, y, optimizer=...)",
        "max_iter": "net.fit(X, y, epochs=...)",
        "early_stopping": "net.fit(X, y, validation_split=0.2, callbacks=[cnn.EarlyStopping()])",
        **dict.fromkeys(
            ("hidden", "hidden_units", "hidden_size", "sizes", "n_hidden"),
            "use the sizes, as in cnn.Network([4, 100, 3])",
        ),
        **dict.fromkeys(
            ("input_dim", "input_size", "in_features", "n_inputs"), "input_shape, or cnn.Input(4) in the list"
        ),
        "output_activation": "output",
        "dropout": "use cnn.Dropout(rate) among the layers",
        "alpha": "l2= of cnn.Dense, or net.fit(X, y, optimizer=cnn.AdamW(weight_decay=0.01))",
    },
    "Dense": {
        **dict.fromkeys(("input_shape", "input_dim", "in_features", "batch_input_shape"), _BEFORE),
        "regularizer": "l2 (a number)",
        "bias_regularizer": "nothing: biases are not penalised",
    },
    "LBFGS": {"learning_rate": "lr"},
    "EarlyStopping": {"baseline": "nothing of that kind: it follows the best epoch", "verbose": "verbose= of net.fit"},
    "Checkpoint": {"save_weights_only": "training_state=False", "verbose": "verbose= of net.fit"},
    "ReduceLROnPlateau": {"threshold": "min_delta", "eps": "min_delta", "verbose": "verbose= of net.fit"},
    "BatchNorm": {
        **dict.fromkeys(("num_features", "features", "channels", "axis", "dim"), _CHANNELS),
        **dict.fromkeys(("affine", "center", "scale"), "nothing: weight and bias begin as ones and zeros"),
        "track_running_stats": "nothing: it keeps running statistics, in net.buffers",
    },
    "LayerNorm": {
        **dict.fromkeys(
            ("normalized_shape", "features", "axis", "dim"),
            "nothing: it goes over the last axis, and over all of an image; cnn.GroupNorm(1) has a weight a channel",
        ),
        **dict.fromkeys(("elementwise_affine", "center", "scale"), "nothing: weight and bias begin as ones and zeros"),
    },
    "GroupNorm": {
        "num_groups": "groups",
        **dict.fromkeys(("num_channels", "channels", "axis"), _CHANNELS),
        **dict.fromkeys(("affine", "center", "scale"), "nothing: weight and bias begin as ones and zeros"),
    },
}
# What to say of arguments without a name where there are too many.
POSITIONAL: dict[str, str] = {
    "Network": "put the sizes in a list, as in cnn.Network([784, 128, 10])",
    "net.fit": "name the rest, as in net.fit(X, y, epochs=10, batch_size=32)",
    "net.evaluate": "name the rest, as in net.evaluate(X, y, loss='mse')",
    "Dropout": "name the rest, as in cnn.Dropout(0.5, name='drop')",
}
# What to say where one is missing.
NEEDED: dict[str, str] = {
    "net.fit": "net.fit(X, y)",
    "net.evaluate": "net.evaluate(X, y)",
    "net.partial_fit": "net.partial_fit(X, y)",
    "net.gradients": "net.gradients(X, y)",
    "net.train": "net.train(data, y_trues), the tutorial's loop (there is no mode to switch: dropout works in fit, not in predict)",
    "Dense": "cnn.Dense(8)",
    "Input": "cnn.Input(4), the shape of one sample",
    "Activation": 'cnn.Activation("relu")',
    "Checkpoint": 'cnn.Checkpoint("model.cnn")',
    "CSVLogger": 'cnn.CSVLogger("log.csv")',
    "Rescale": "cnn.Rescale(1 / 255)",
    "Reshape": "cnn.Reshape((1, 28, 28))",
    "OneHot": "cnn.OneHot([0, 3])",
    "GroupNorm": "cnn.GroupNorm(8)",
}
# What to say where one is given by place and by name.
TWICE: dict[str, str] = dict.fromkeys(
    ("SGD", "RMSprop", "Adagrad", "Adam", "AdamW", "Rprop", "LBFGS"),
    "parameters are not passed to it, as in net.fit(X, y, optimizer=cnn.Adam(lr=0.001))",
)
