"""Networks and tables: trained on a CSV with text and blanks, the same digits everywhere; memory maps and batches."""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import cnn
from cnn.data import Preprocessing

COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
COLOURS = ["red", "green, light", 'the "blue" one', "köln"]


def write_csv(path, n=240, seed=0):
    """Text, blanks, quotes, a column that means nothing; the species follows from width and colour."""
    r = np.random.default_rng(seed)
    width, length = r.normal(3, 1, n).round(2), r.normal(50, 9, n).round(1)
    colour, wild = r.integers(0, 4, n), r.random(n) < 0.5
    species = np.where(width + (colour == 2) > 3.2, "setosa", np.where(wild, "virginica", "versicolor"))
    frame = pd.DataFrame(
        {
            "id": [f"plant-{i}" for i in range(n)],
            "width": width,
            "colour": [COLOURS[c] for c in colour],
            "wild": wild,
            "length": length,
            "species": species,
        }
    )
    frame.loc[r.choice(n, 20, replace=False), "width"] = np.nan
    frame.loc[r.choice(n, 20, replace=False), "colour"] = None
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def trained(tmp_path):
    path = write_csv(tmp_path / "plants.csv")
    prep = Preprocessing("species").fit(path)
    layers = [*prep.layers(), cnn.Dense(16, activation="relu"), cnn.Dense(3, activation="softmax")]
    net = cnn.Network(layers, seed=0)
    net.preprocessing = prep
    net.fit(path, epochs=40, optimizer=cnn.Adam(0.02), verbose=0)
    return net, path


OTHER_PROCESS = """
import sys, cnn
net = cnn.load(sys.argv[1])
y = net.predict(sys.argv[2])
sys.stdout.buffer.write(y.tobytes())
print(net.classify(sys.argv[2])[:3].tolist(), net.preprocessing.columns, file=sys.stderr)
"""

C_SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include "cnn/cnn.h"
int main(int argc, char **argv) {  /* model x.bin rows columns outputs */
    size_t n = (size_t)atol(argv[3]), m = (size_t)atol(argv[4]), k = (size_t)atol(argv[5]);
    cnn_network *net = NULL; cnn_session *session = NULL;
    cnn_session_options options = {0};
    float *x = malloc(n * m * sizeof *x), *y = malloc(n * k * sizeof *y);
    FILE *file = fopen(argv[2], "rb");
    (void)argc;
    options.size = sizeof options; options.max_batch = n;
    if (!file || fread(x, sizeof *x, n * m, file) != n * m) return 1;
    fclose(file);
    if (cnn_network_open(argv[1], NULL, &net) || cnn_session_create(net, &options, &session)) return 2;
    if (cnn_session_run(session, x, n, y)) return 3;
    fwrite(y, sizeof *y, n * k, stdout);
    cnn_session_free(session); cnn_network_free(net); free(x); free(y);
    return 0;
}
"""


def test_a_csv_trains_and_predicts_the_same_everywhere(trained, tmp_path):
    net, path = trained
    assert net.preprocessing.notes == ["column 'id' is left out: it has more than 100 different texts"]
    expected = net.predict(path)
    assert net.evaluate(path)["accuracy"] > 0.85
    frame = pd.read_csv(path)
    tables = {
        "pandas": frame,
        "pandas with its own types": frame.convert_dtypes(),
        "shuffled columns": frame[["species", "length", "wild", "colour", "width"]],
        "without the target": frame.drop(columns=["species", "id"]),
        "polars": pl.read_csv(path),
        "dict": {name: frame[name].tolist() for name in frame},
        "rows": frame.to_dict("records"),
        "read_csv": cnn.data.read_csv(path),
        "str": str(path),
    }
    for name, table in tables.items():
        assert net.predict(table).tobytes() == expected.tobytes(), name
    assert net.predict(net.preprocessing.transform(frame)).tobytes() == expected.tobytes()
    assert net.predict(frame, batch_size=7).shape == expected.shape
    assert net.predict(frame.iloc[[5]]).shape == (1, 3)

    model = tmp_path / "plants.cnn"
    net.save(model)
    done = subprocess.run([sys.executable, "-c", OTHER_PROCESS, model, path], capture_output=True, check=True)
    assert done.stdout == expected.tobytes()
    assert str(net.preprocessing.columns) in done.stderr.decode()
    assert cnn.load(model).preprocessing == net.preprocessing
    assert net.copy().predict(frame).tobytes() == expected.tobytes()

    net.preprocessing.transform(frame).tofile(tmp_path / "x.bin")
    if os.name != "nt":
        (tmp_path / "run.c").write_text(C_SOURCE)
        flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{cnn.get_include()}"]
        command = [COMPILER, *flags, tmp_path / "run.c", cnn.get_library(), "-lm", "-pthread", "-o", tmp_path / "run"]
        subprocess.run(command, check=True)
        sizes = [str(len(frame)), str(len(net.preprocessing.columns)), "3"]
        run = subprocess.run([tmp_path / "run", model, tmp_path / "x.bin", *sizes], capture_output=True, check=True)
        assert run.stdout == expected.tobytes()


def test_classes_come_from_the_table(trained):
    net, path = trained
    frame = pd.read_csv(path)
    assert net.classes == ["setosa", "versicolor", "virginica"]
    called = net.classify(frame)
    assert set(called) <= set(net.classes)
    assert (called == frame["species"]).mean() == pytest.approx(net.evaluate(path)["accuracy"])
    np.testing.assert_array_equal(called, net.preprocessing.decode(net.predict(frame)))


def make(path, prep=None, seed=0):
    prep = prep or Preprocessing("species").fit(path)
    net = cnn.Network([*prep.layers(), cnn.Dense(3, activation="softmax")], seed=seed)
    net.preprocessing = prep
    return net


def test_fit_on_every_form_is_fit_on_arrays(tmp_path):
    path = write_csv(tmp_path / "plants.csv")
    frame = pd.read_csv(path)
    prep = Preprocessing("species")
    X, y = prep.fit_transform(path)
    options = {"epochs": 3, "verbose": 0, "metrics": ["accuracy"]}

    def weights(*data, **more):
        net = make(path)
        history = net.fit(*data, **options, **more)
        return net.parameters["dense_1.weight"].tobytes(), history.history

    expected = weights(X, y)
    for data in [
        (path,),
        (frame,),
        (pl.read_csv(path),),
        (frame, frame["species"]),
        (frame, frame["species"].tolist()),
        (frame, frame["species"].astype("category")),
        (frame, pl.Series(frame["species"].tolist())),
        (frame, np.array(frame["species"].tolist())),
        (X, frame["species"].to_numpy(object)),
        (X, y),
    ]:
        assert weights(*data) == expected
    checked = weights(X, y, validation_data=(X[:50], y[:50]))
    first = frame.iloc[:50]
    for validation in (first, (first, None), (first, first["species"]), (first, y[:50]), (X[:50], first["species"])):
        assert weights(frame, validation_data=validation) == checked
    split = weights(X, y, validation_split=0.25, class_weight={"setosa": 2.0})
    assert weights(path, validation_split=0.25, class_weight={"setosa": 2.0}) == split
    assert weights(X, y, validation_split=0.25) != split
    batches = [(frame.iloc[i : i + 32], frame["species"].iloc[i : i + 32]) for i in range(0, len(frame), 32)]
    assert weights(batches) == weights([(X[i : i + 32], y[i : i + 32]) for i in range(0, len(frame), 32)])

    net = make(path)
    close = pytest.approx(net.evaluate(X, y), rel=1e-12)
    assert net.evaluate(path) == net.evaluate(frame, frame["species"]) == close
    loss, grads = net.gradients(frame, None)
    assert loss == net.gradients(X, y)[0]
    assert net.partial_fit(frame, None) == loss
    assert set(grads) == {"dense_1.weight", "dense_1.bias"}
    assert net.check_gradients(X[:5], y[:5]).max_relative_error < 1e-5
    np.testing.assert_array_equal(net.forward(frame), net.forward(X))
    assert list(net.activations(frame.iloc[:2])) == list(net.activations(X[:2]))


def test_regression_from_a_table(tmp_path):
    r = np.random.default_rng(0)
    table = {"a": r.normal(size=50), "b": r.choice(["x", "y"], 50).tolist()}
    table["price"] = table["a"] * 2 + (np.array(table["b"]) == "x")
    prep = Preprocessing("price").fit(table)
    net = cnn.Network([*prep.layers(), cnn.Dense(1)], seed=0)
    net.preprocessing = prep
    net.fit(table, epochs=200, optimizer=cnn.Adam(0.05), verbose=0)
    assert net.evaluate(table, metrics=["r2"])["r2"] > 0.99
    assert net.classes is None
    assert prep.decode(net.predict(table)).shape == (50, 1)
    net.save(tmp_path / "m.cnn")
    assert cnn.load(tmp_path / "m.cnn").preprocessing == prep
    json.dumps(prep.to_json())


def test_one_sigmoid_from_a_table():
    table = {"x": [0.0, 1, 2, 3] * 5, "y": ["no", "no", "yes", "yes"] * 5}
    prep = Preprocessing("y").fit(table)
    net = cnn.Network([*prep.layers(), cnn.Dense(1, activation="sigmoid")], seed=0)
    net.preprocessing = prep
    net.fit(table, epochs=200, optimizer=cnn.Adam(0.1), verbose=0)
    assert net.classify(table).tolist() == table["y"]
    assert net.classify([{"x": 3}]).tolist() == ["yes"]


README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize(("target", "task"), [("species", "classification"), ("price", "regression")])
def test_the_recipe_of_the_readme(target, task, tmp_path, monkeypatch):
    """It is run as it stands there, but for the target's name."""
    if not README.exists():
        pytest.skip("README.md is not here")
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    recipe = next(block for block in blocks if "prep.head()" in block)
    monkeypatch.chdir(tmp_path)
    frame = pd.read_csv(write_csv("all.csv", 400)).drop(columns="id")
    frame["price"] = 1e5 * (3 + frame["length"] / 9 + (frame["colour"] == "red"))
    frame = frame.drop(columns=["price" if target == "species" else "species"])
    frame.to_csv("passengers.csv", index=False)
    frame.iloc[:50].drop(columns=target).to_csv("new.csv", index=False)
    names = {"cnn": cnn}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(recipe.replace('"survived"', repr(target)), "README.md", "exec"), names)
    prep, net = names["prep"], names["net"]
    assert prep.task == task
    net.save("m.cnn")
    found = prep.decode(cnn.load("m.cnn").predict("new.csv")).ravel()
    if task == "classification":
        assert (found == frame[target][:50]).mean() > 0.8
    else:
        assert cnn.metrics.r2(frame[target].to_numpy(), net.predict("passengers.csv")) > 0.95


def test_targets_that_are_blank_in_some_rows(tmp_path):
    frame = pd.read_csv(write_csv(tmp_path / "plants.csv"))
    frame.loc[::5, "species"] = None
    prep = Preprocessing("species", skip_blank_targets=True).fit(frame)
    kept = frame.dropna(subset="species")

    def weights(table):
        net = make(frame, prep)
        net.fit(table, epochs=2, verbose=0)
        return net.parameters["dense_1.weight"].tobytes(), net.evaluate(table)

    assert weights(frame) == weights(kept)
    assert len(make(frame, prep).predict(frame)) == len(frame)


def test_what_is_no_target():
    table = {"x": [1.0, 2, 3, 4] * 5, "buys": ["ja", "nein"] * 10}
    frame = pd.DataFrame(table)
    prep = Preprocessing("buys").fit(table)
    net = cnn.Network([*prep.layers(), *prep.head()], seed=0)
    for one in (cnn.Network([1, 2], output="softmax"), net):
        for call in (one.fit, one.evaluate, one.partial_fit, one.gradients):
            with pytest.raises(TypeError, match=r"y is the text 'buys'; .*cnn.data.Preprocessing\(target='buys'\).fit"):
                call(frame, "buys")
    net.preprocessing = prep
    with pytest.raises(ValueError, match="y holds True and False, and the classes are 'ja', 'nein': pass their names"):
        net.fit(table, np.array([True, False] * 10))
    net.fit(table, verbose=0)
    assert prep.decode(net.classify(table)).tolist() == net.classify(table).tolist()
    net.fit(table, np.eye(2, dtype=bool)[[0, 1] * 10], verbose=0)  # one-hot rows say which is which
    words = Preprocessing("y").fit({"x": [1.5, 2.0], "y": ["True", "False"]})
    assert words.classes == ["False", "True"]
    net = cnn.Network([*words.layers(), *words.head()], seed=0)
    net.preprocessing = words
    assert net.evaluate({"x": [1.5, 2.0]}, [True, False]) == net.evaluate({"x": [1.5, 2.0]}, ["True", "False"])
    with pytest.raises(ValueError, match="classes has 1"):
        net.classes = ["a"]


def test_errors(tmp_path):
    path = write_csv(tmp_path / "plants.csv")
    net, frame = make(path), pd.read_csv(path)
    before = net.parameters["dense_1.weight"].copy()
    (tmp_path / "bad.csv").write_text("width,colour,wild,length,species\n1,red,true,2,setosa\n1,red,true,2,\n")
    for call, error, sentence in [
        (lambda: net.fit(frame, frame["species"].replace("setosa", "rose")), ValueError,
         r"y has the label 'rose' in row \d+; the classes are 'setosa', 'versicolor', 'virginica'$"),
        (lambda: net.fit(tmp_path / "bad.csv"), ValueError, "'bad.csv', column 'species': the target is blank in line 3"),
        (lambda: net.predict(frame.drop(columns="width")), ValueError, "the table: column 'width' is not there"),
        (lambda: net.predict(tmp_path / "none.csv"), FileNotFoundError, r"none\.csv"),
        (lambda: net.predict({"width": [1]}), ValueError, "column 'colour' is not there"),
        (lambda: cnn.Network([2, 1]).predict("x.csv"), TypeError,
         r"X is the path 'x.csv'; to read it, .* net.preprocessing = cnn.data.Preprocessing\(target\).fit\(path\)"),
        (lambda: cnn.Network([2, 1]).fit(path, [1]), TypeError, "X is the path"),
    ]:  # fmt: skip
        with pytest.raises(error, match=sentence):
            call()
    np.testing.assert_array_equal(net.parameters["dense_1.weight"], before)
    assert net.classes is None
    assert net.history is None
    no_target = make(path, Preprocessing(drop="species").fit(path))
    with pytest.raises(ValueError, match="y is missing"):
        no_target.fit(path)


def test_columns_go_by_name_whatever_their_order():
    frame = pd.DataFrame({"a": [1.0, 2], "b": [5.0, 9]}, dtype="float32")
    prep = Preprocessing().fit(frame)
    net = cnn.Network([*prep.layers(), cnn.Dense(1)], seed=0)
    net.preprocessing = prep
    expected = net.predict(frame.to_numpy())
    for other in (frame, frame[["b", "a"]], pl.DataFrame({"b": frame["b"].to_numpy(), "a": frame["a"].to_numpy()})):
        assert net.predict(other).tobytes() == expected.tobytes()
        assert net.predict(other, out=np.empty((2, 1), np.float32)).tobytes() == expected.tobytes()
        assert net.predict(other, batch_size=1).tobytes() == expected.tobytes()
    assert net.predict([{"b": 9, "a": 2}]).tobytes() == expected[1:].tobytes()


def test_named_labels_without_a_table():
    X = np.array([[0.0], [1], [2], [3]])
    net = cnn.Network([1, 4, 2], output="softmax", seed=0)
    net.classes = ["no", "yes"]
    names, codes = ["no", "no", "yes", "yes"], [0, 0, 1, 1]
    assert net.evaluate(X, names) == net.evaluate(X, codes)
    loss = net.gradients(X, codes)[0]
    assert net.partial_fit(X, np.array(names)) == loss
    for y in (np.array(["no", "yes", "maybe", "no"]), ["no", "yes", "maybe", "no"], ["no", None, "yes", "no"]):
        with pytest.raises(
            ValueError, match=r"y has the label ('maybe'|None) in row [12]; the classes are 'no', 'yes'"
        ):
            net.fit(X, y)
    with pytest.raises(TypeError, match="text"):
        cnn.Network([1, 2], output="softmax").fit(X, names)


def test_other_preprocessing_stays_what_it_is(tmp_path):
    for value in ({"mean": [1.5, 2]}, {"format": "my own"}, [1, 2], "text", 3):
        net = cnn.Network([2, 1], seed=0)
        net.preprocessing = value
        net.save(tmp_path / "m.cnn")
        again = cnn.load(tmp_path / "m.cnn")
        assert again.preprocessing == value
        x = pd.DataFrame({"a": [1.0, 2], "b": [3, 4.0]})
        np.testing.assert_array_equal(again.predict(x), net.predict(x.to_numpy()))


def test_a_damaged_preprocessing_is_said(tmp_path):
    net = cnn.Network([2, 1], seed=0)
    net.preprocessing = Preprocessing().fit({"a": [1, 2], "b": [3, 4]}).to_json() | {"columns": 7}
    net.save(tmp_path / "m.cnn")
    with pytest.raises(cnn.ModelFileError, match="metadata 'preprocessing' are not what cnn writes"):
        cnn.load(tmp_path / "m.cnn")


def test_arrays_and_layer_names_are_no_tables(tmp_path):
    path = write_csv(tmp_path / "plants.csv")
    net = make(path)
    X = net.preprocessing.transform(path)
    expected = net.predict(X)
    for x in (X, X.tolist(), {net.inputs[0].name: X}, [X], pl.from_numpy(X).to_numpy()):
        np.testing.assert_array_equal(net.predict(x), expected)


# ---- Memory maps and batches


@pytest.fixture
def numbers():
    r = np.random.default_rng(0)
    X = r.normal(size=(100, 4)).astype(np.float32)
    return X, (X[:, 0] > 0).astype(np.int64)


def steps(data, *, seed=0, **options):
    net = cnn.Network([4, 8, 2], output="softmax", seed=seed)
    net.fit(*data, epochs=3, optimizer=cnn.SGD(0.1), verbose=0, **options)
    return b"".join(value.tobytes() for value in net.parameters.values())


class Batches:
    """The rows in order, 16 at a time, as a generator each epoch."""

    def __init__(self, X, y):
        self.X, self.y = X, y

    def __iter__(self):
        return ((self.X[i : i + 16], self.y[i : i + 16]) for i in range(0, len(self.X), 16))


def test_memory_maps_train_like_arrays(numbers, tmp_path):
    X, y = numbers
    maps = []
    for name, array in (("x", X), ("y", y)):
        np.save(tmp_path / f"{name}.npy", array)
        maps.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    assert isinstance(maps[0], np.memmap)
    assert steps(maps) == steps((X, y))
    assert steps((Batches(*maps),)) == steps((X, y), shuffle=False, batch_size=16)


def test_batches_train_like_arrays_in_order(numbers):
    assert steps((Batches(*numbers),)) == steps(numbers, shuffle=False, batch_size=16)


def test_a_torch_loader_trains_like_arrays(numbers):
    torch = pytest.importorskip("torch")
    X, y = numbers
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
    loader = torch.utils.data.DataLoader(data, batch_size=16)
    assert steps((loader,)) == steps((X, y), shuffle=False, batch_size=16)
    net = cnn.Network([4, 2], output="softmax", seed=0)
    assert net.evaluate(loader)["loss"] == pytest.approx(net.evaluate(X, y)["loss"], rel=1e-6)
