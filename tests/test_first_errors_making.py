"""The first mistakes in making a network and what goes into it: each raises one sentence that names what is wrong."""

import decimal
import math
import os
import warnings

import numpy as np
import pytest
from test_first_errors import CALLS, T, V, X, one_sentence

import cnn


def layers(*items, shape=4):
    return cnn.Network([cnn.Input(shape), *items])


def graph(make, *shapes):
    inputs = [cnn.Input(shape) for shape in shapes]
    return cnn.Network(inputs=inputs, outputs=make(*inputs))


MAKING = {
    # ---- Network
    "sizes: one": (lambda: cnn.Network([3]), V, "sizes"),
    "sizes: none": (lambda: cnn.Network([]), V, "layers"),
    "sizes: zero": (lambda: cnn.Network([3, 0, 1]), V, "sizes[1]"),
    "sizes: negative": (lambda: cnn.Network([3, -2, 1]), V, "sizes[1]"),
    "sizes: a float": (lambda: cnn.Network([3, 2.0, 1]), T, "layers"),
    "sizes: text": (lambda: cnn.Network(["3", "1"]), T, "layers"),
    "sizes: a number": (lambda: cnn.Network(3), T, "layers"),
    "sizes: too many for memory": (lambda: cnn.Network([10**12, 10**12]), (V, MemoryError), "1000000000000"),
    "activation: misspelt": (lambda: cnn.Network([2, 2], activation="reul"), V, "'relu'"),
    "activation: PyTorch's": (lambda: cnn.Network([2, 2], output="log_softmax"), V, "softmax"),
    "activation: a number": (lambda: cnn.Network([2, 2], activation=1), T, "activation"),
    "activation: a function": (lambda: cnn.Network([2, 2], activation=np.tanh), T, "activation"),
    "init: PyTorch's": (lambda: cnn.Network([2, 2], init="kaiming_uniform"), V, "he_uniform"),
    "init: misspelt": (lambda: cnn.Network([2, 2], init="orthognal"), V, "'orthogonal'"),
    "bias_init": (lambda: cnn.Network([2, 2], bias_init="none"), V, "bias_init"),
    "dtype: float16": (lambda: cnn.Network([2, 2], dtype="float16"), V, "float16"),
    "dtype: int": (lambda: cnn.Network([2, 2], dtype=int), V, "int64"),
    "dtype: nonsense": (lambda: cnn.Network([2, 2], dtype="quadruple"), V, "quadruple"),
    "seed: negative": (lambda: cnn.Network([2, 2], seed=-1), V, "seed"),
    "seed: too large": (lambda: cnn.Network([2, 2], seed=2**64), V, "seed"),
    "seed: a float": (lambda: cnn.Network([2, 2], seed=1.5), T, "seed"),
    "seed: text": (lambda: cnn.Network([2, 2], seed="zero"), T, "seed"),
    "device": (lambda: cnn.Network([2, 2], device="cuda"), T, "CPU"),
    "random_state": (lambda: cnn.Network([2, 2], random_state=0), T, "seed"),
    "hidden_layer_sizes": (lambda: cnn.Network(hidden_layer_sizes=(3,)), T, "sizes"),
    "both ways": (lambda: cnn.Network([2, 1], inputs=cnn.Input(2), outputs=cnn.Input(2)), T, "inputs="),
    "inputs alone": (lambda: cnn.Network(inputs=cnn.Input(2)), T, "outputs="),
    "outputs that are layers": (lambda: cnn.Network(inputs=cnn.Input(2), outputs=cnn.Dense(1)), T, "outputs"),
    "an input that is not there": (
        lambda: cnn.Network(inputs=cnn.Input(2), outputs=cnn.Dense(1)(cnn.Input(3))),
        V,
        "inputs",
    ),
    "no Input": (lambda: cnn.Network([cnn.Dense(1)]), V, "cnn.Input"),
    "an Input in the middle": (lambda: layers(cnn.Dense(1), cnn.Input(1)), V, "Input"),
    "a class": (lambda: layers(cnn.Dense), T, "Dense"),
    "a number among layers": (lambda: layers(cnn.Dense(2), 3), T, "int"),
    "two of one name": (lambda: layers(cnn.Dense(1, name="a"), cnn.Dense(1, name="a")), V, "'a'"),
    "input_shape that differs": (lambda: cnn.Network([cnn.Input(3), cnn.Dense(1)], input_shape=4), V, "input_shape"),
    # ---- layers
    "Dense: units 0": (lambda: cnn.Dense(0), V, "units"),
    "Dense: units 1.5": (lambda: cnn.Dense(1.5), T, "units"),
    "Dense: units None": (lambda: cnn.Dense(None), T, "units"),
    "Dense: no units": (lambda: cnn.Dense(), T, "units"),
    "Dense: activation": (lambda: cnn.Dense(1, activation="sigmod"), V, "'sigmoid'"),
    "Dense: init": (lambda: cnn.Dense(1, init="xavier_normal"), V, "glorot_normal"),
    "Dense: l1": (lambda: cnn.Dense(1, l1=-0.1), V, "l1"),
    "Dense: l2": (lambda: cnn.Dense(1, l2=math.inf), V, "l2"),
    "Dense: l2 text": (lambda: cnn.Dense(1, l2="l2"), T, "l2"),
    "Dense: max_norm": (lambda: cnn.Dense(1, max_norm=0), V, "max_norm"),
    "Dense: name": (lambda: cnn.Dense(1, name="a.b"), V, "name"),
    "Dense: empty name": (lambda: cnn.Dense(1, name=""), V, "name"),
    "Dense: a name that is a number": (lambda: cnn.Dense(1, name=3), V, "name"),
    "Dense: a reserved name": (lambda: cnn.Dense(1, name="__cnn__"), V, "name"),
    "Dense: use_bias": (lambda: cnn.Dense(1, use_bias=False), T, "bias"),
    "Dense: out_features": (lambda: cnn.Dense(out_features=1), T, "units"),
    "Dense: kernel_initializer": (lambda: cnn.Dense(1, kernel_initializer="zeros"), T, "init"),
    "Dense: kernel_regularizer": (lambda: cnn.Dense(1, kernel_regularizer=0.1), T, "l2"),
    "Dense: of nothing": (lambda: cnn.Dense(1)([]), (V, T), "Dense"),
    "Dense: of two": (lambda: cnn.Dense(1)([cnn.Input(2), cnn.Input(2)]), V, "one input"),
    "Dense: of a layer": (lambda: cnn.Dense(1)(cnn.Dense(1)), T, "layer"),
    "Dense: of data": (lambda: cnn.Dense(1)(X), T, "ndarray"),
    "Input: shape 0": (lambda: cnn.Input(0), V, "shape"),
    "Input: negative": (lambda: cnn.Input((3, -2)), V, "shape"),
    "Input: a float": (lambda: cnn.Input(2.5), T, "shape"),
    "Input: text": (lambda: cnn.Input("abc"), T, "shape"),
    "Input: dtype": (lambda: cnn.Input(2, dtype="float16"), V, "dtype"),
    "Input: called": (lambda: cnn.Input(2)(cnn.Input(2)), T, "Input"),
    "Input: too many axes": (lambda: cnn.Network([cnn.Input((1,) * 9), cnn.Flatten()]), V, "input_1"),
    "Activation: unknown": (lambda: cnn.Activation("step"), V, "step"),
    "Activation: a constant of another": (lambda: cnn.Activation("relu", negative_slope=0.1), T, "negative_slope"),
    "Activation: no number": (lambda: cnn.Activation("elu", alpha="a"), T, "alpha"),
    "Activation: negative elu": (lambda: layers(cnn.Activation("elu", alpha=-1)), V, "elu"),
    "Dropout: 1": (lambda: cnn.Dropout(1), V, "rate"),
    "Dropout: -0.1": (lambda: cnn.Dropout(-0.1), V, "rate"),
    "Dropout: 50": (lambda: cnn.Dropout(50), V, "rate"),
    "Dropout: p=": (lambda: cnn.Dropout(p=0.5), T, "rate"),
    "GaussianNoise: negative": (lambda: cnn.GaussianNoise(-1), V, "std"),
    "GaussianNoise: stddev=": (lambda: cnn.GaussianNoise(stddev=1), T, "std"),
    "Rescale: NaN": (lambda: cnn.Rescale(math.nan), V, "scale"),
    "Rescale: text": (lambda: cnn.Rescale("1/255"), T, "scale"),
    "Normalize: std 0": (lambda: cnn.Normalize(mean=[0, 1], std=[1, 0]), V, "std"),
    "Normalize: NaN": (lambda: cnn.Normalize(mean=[0, math.nan], std=[1, 1]), V, "mean"),
    "Normalize: lengths differ": (lambda: layers(cnn.Normalize(mean=[1, 2, 3, 4], std=[1, 2])), V, "mean, std"),
    "Normalize: of another width": (lambda: layers(cnn.Normalize(mean=[1, 2, 3], std=[1, 2, 3])), V, "normalize_1"),
    "Normalize: adapt to one row": (lambda: cnn.Normalize().adapt([1, 2, 3]), V, "X"),
    "Normalize: adapt to nothing": (lambda: cnn.Normalize().adapt(np.zeros((0, 3))), V, "X"),
    "Normalize: adapt to NaN": (lambda: cnn.Normalize().adapt([[1, np.nan], [2, np.nan]]), V, "column 1"),
    "Normalize: adapt to text": (lambda: cnn.Normalize().adapt([["a"]]), T, "X"),
    "OneHot: 0": (lambda: cnn.OneHot(0), V, "classes"),
    "OneHot: -1": (lambda: cnn.OneHot([2, -1]), V, "classes"),
    "OneHot: text": (lambda: cnn.OneHot("abc"), T, "classes"),
    "OneHot: width": (lambda: layers(cnn.OneHot([2, 3])), V, "one_hot_1"),
    "Reshape: does not fit": (lambda: layers(cnn.Reshape((3, 2))), V, "reshape_1"),
    "Reshape: two open": (lambda: layers(cnn.Reshape((-1, -1))), V, "reshape_1"),
    "Reshape: 0": (lambda: cnn.Reshape((0, 4)), V, "shape"),
    "Reshape: text": (lambda: cnn.Reshape("a"), T, "shape"),
    "Add: one": (lambda: graph(lambda a: cnn.Add()([a]), 2), V, "add_1"),
    "Add: shapes": (lambda: graph(lambda a, b: cnn.Add()([a, b]), 2, 3), V, "add_1"),
    "Multiply: shapes": (lambda: graph(lambda a, b: cnn.Multiply()([a, b]), 2, (1, 2)), V, "multiply_1"),
    "Concat: ranks": (lambda: graph(lambda a, b: cnn.Concat()([a, b]), 2, (2, 2)), V, "concat_1"),
    "Concat: other sizes": (lambda: graph(lambda a, b: cnn.Concat()([a, b]), (2, 3), (3, 3)), V, "concat_1"),
    "Concat: the batch": (lambda: graph(lambda a, b: cnn.Concat(axis=0)([a, b]), 2, 2), V, "concat_1"),
    "Concat: axis 5": (lambda: graph(lambda a, b: cnn.Concat(axis=5)([a, b]), 2, 2), V, "concat_1"),
    "Concat: axis text": (lambda: cnn.Concat(axis="last"), (V, T), "axis"),
    "shared: another width": (
        lambda: graph(lambda a, b: (lambda d: cnn.Concat()([d(a), d(b)]))(cnn.Dense(2)), 2, 3),
        V,
        "dense_1",
    ),
    "Function: no function": (lambda: cnn.Function(3), T, "forward"),
    "Function: backward": (lambda: cnn.Function(np.sin, 3), T, "backward"),
    "Function: output_shape": (lambda: cnn.Function(np.sin, output_shape=(0,)), V, "output_shape"),
    "Function: parameters": (lambda: cnn.Function(np.sin, parameters=[1, 2]), T, "parameters"),
    # ---- optimizers, losses, metrics
    "SGD: lr": (lambda: cnn.SGD(-0.1), V, "lr"),
    "SGD: lr NaN": (lambda: cnn.SGD(math.nan), V, "lr"),
    "SGD: lr None": (lambda: cnn.SGD(None), T, "lr"),
    "SGD: momentum": (lambda: cnn.SGD(0.1, momentum=-1), V, "momentum"),
    "SGD: learning_rate": (lambda: cnn.SGD(learning_rate=0.1), T, "lr"),
    "SGD: decay": (lambda: cnn.SGD(decay=0.1), T, "weight_decay"),
    "Adam: betas": (lambda: cnn.Adam(betas=0.9), T, "betas"),
    "Adam: three betas": (lambda: cnn.Adam(betas=(0.9, 0.99, 0.999)), T, "betas"),
    "Adam: beta of 1": (lambda: cnn.Adam(betas=(1, 0.9)), V, "betas[0]"),
    "Adam: beta_1": (lambda: cnn.Adam(beta_1=0.9), T, "betas"),
    "Adam: eps": (lambda: cnn.Adam(eps=0), V, "eps"),
    "Adam: clip_norm": (lambda: cnn.Adam(clip_norm=0), V, "clip_norm"),
    "Adam: clipvalue": (lambda: cnn.Adam(clipvalue=1), T, "clip_value"),
    "RMSprop: rho": (lambda: cnn.RMSprop(rho=0.9), T, "alpha"),
    "RMSprop: alpha": (lambda: cnn.RMSprop(alpha=1), V, "alpha"),
    "Rprop: etas": (lambda: cnn.Rprop(etas=(1.2, 0.5)), V, "etas"),
    "Rprop: one eta": (lambda: cnn.Rprop(etas=0.5), T, "etas"),
    "Rprop: step_sizes": (lambda: cnn.Rprop(step_sizes=(1, 0.1)), V, "step_sizes"),
    "LBFGS: max_iter": (lambda: cnn.LBFGS(max_iter=0), V, "max_iter"),
    "Huber: delta": (lambda: cnn.losses.Huber(0), V, "delta"),
    "Quantile: q": (lambda: cnn.losses.Quantile(1.0), V, "q"),
    "CrossEntropy: label_smoothing": (lambda: cnn.losses.CrossEntropy(1.0), V, "label_smoothing"),
    "CrossEntropy: from_logits": (lambda: cnn.losses.CrossEntropy(from_logits=True), T, "from_logits"),
    "TopKAccuracy: k": (lambda: cnn.metrics.TopKAccuracy(0), V, "k"),
    "accuracy: lengths": (lambda: cnn.metrics.accuracy([0, 1], [0, 1, 1]), V, "y_true"),
    "accuracy: nothing": (lambda: cnn.metrics.accuracy([], []), V, "y_true"),
    "mse: shapes": (lambda: cnn.metrics.mse([[1, 2]], [[1, 2, 3]]), V, "y_true"),
    # ---- callbacks
    "EarlyStopping: patience": (lambda: cnn.EarlyStopping(patience=-1), V, "patience"),
    "EarlyStopping: mode": (lambda: cnn.EarlyStopping(mode="lowest"), V, "mode"),
    "EarlyStopping: min_delta": (lambda: cnn.EarlyStopping(min_delta=-1), V, "min_delta"),
    "Checkpoint: every": (lambda: cnn.Checkpoint("a.cnn", every=0), V, "every"),
    "Checkpoint: filepath": (lambda: cnn.Checkpoint(filepath="a.cnn"), T, "path"),
    "Checkpoint: path": (lambda: cnn.Checkpoint(3), T, "path"),
    "ReduceLROnPlateau: factor": (lambda: cnn.ReduceLROnPlateau(factor=1), V, "factor"),
    "ReduceLROnPlateau: min_lr": (lambda: cnn.ReduceLROnPlateau(min_lr=0.1), T, "lowest"),
    # ---- the rest
    "Neuron: bias": (lambda: cnn.Neuron([1, 2], [1, 2]), (V, T), "bias"),
    "Neuron: weights": (lambda: cnn.Neuron("ab", 1), (V, T), "weights"),
    "Neuron: activation": (lambda: cnn.Neuron([1], 1, activation="sigmod"), V, "'sigmoid'"),
    "set_num_threads: 0": (lambda: cnn.set_num_threads(0), V, "n is 0"),
    "set_num_threads: many": (lambda: cnn.set_num_threads(10**6), V, "256"),
    "set_num_threads: a float": (lambda: cnn.set_num_threads(2.0), T, "n is 2.0"),
    "cpu.use": (lambda: cnn.cpu.use("avx1024"), V, "instruction set"),
    "load: nothing there": (lambda: cnn.load("not there.cnn"), OSError, "not there.cnn"),
    "a name of cnn": (lambda: cnn.Sequential, AttributeError, "Sequential"),
    "a misspelt name of cnn": (lambda: cnn.Netwrk, AttributeError, "Network"),
    "decimals as a rate": (lambda: cnn.Dropout(decimal.Decimal("NaN")), V, "rate"),
}


@pytest.mark.parametrize("case", MAKING)
def test_making(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make, error, word = MAKING[case]
    threads, isa = cnn.get_num_threads(), cnn.cpu.current()
    with warnings.catch_warnings(), pytest.raises(error) as caught:
        warnings.simplefilter("error")
        make()
    one_sentence(str(caught.value), word)
    assert (cnn.get_num_threads(), cnn.cpu.current(), os.listdir(tmp_path)) == (threads, isa, [])


def test_the_table_is_broad():
    assert len(CALLS) + len(MAKING) >= 60
