"""The command line given what it cannot use: one sentence, the right exit code, and nothing half-written."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import PRICES

import cnn
from cnn.cli import main


def failing(capsys, *arguments, code=1):
    """The sentence."""
    assert main(list(map(str, arguments))) == code
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert lines[0].startswith("cnn: error: ") and "Traceback" not in captured.err
    assert len(lines) == (2 if code == 2 else 1)
    if code == 2:
        assert lines[1].startswith("see cnn") and lines[1].endswith("--help")
    assert main([*map(str, arguments), "--json"]) == code
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"error": captured.err.splitlines()[0].removeprefix("cnn: error: ")}
    return lines[0].removeprefix("cnn: error: ")


BAD = {
    "ragged": (PRICES + "1,Ulm\n", ["line 42", "2 values", "3 columns"]),
    "more values": (PRICES.replace("64,Ulm,140", "64,Ulm,140,9"), ["line 4", "4 values", "3 columns"]),
    "blank target": (PRICES.replace("57,Bonn,120", "57,Bonn,"), ["line 3", "'price'", "blank"]),
    "text in the target": (PRICES.replace("57,Bonn,120", "57,Bonn,dear"), ["line 3", "'price'", "'dear'"]),
    "an infinity": (PRICES.replace("57,Bonn", "inf,Bonn"), ["line 3", "'size'", "inf"]),
    "empty": ("", ["empty"]),
    "header only": ("size,town,price\n", ["no rows"]),
    "no header": (PRICES.partition("\n")[2], ["'price'", "not there"]),
    "twice the same name": (PRICES.replace("size,", "price,", 1), ["line 1", "'price'"]),
    "binary": (bytes(range(256)) * 8, ["line"]),
    "not UTF-8": (PRICES.replace("Bonn", "Köln").encode("cp1252"), ["line 3", "UTF-8"]),
    "NUL": (PRICES.replace("57,Bonn", "57,Bo\0nn").encode(), ["line 3", "NUL"]),
    "excel": (b"PK\x03\x04" + bytes(40), ["Excel"]),
    "gzip, cut off": (gzip.compress(PRICES.encode())[:60], ["damaged"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_to_train_on(kind, model, capsys):
    content, parts = BAD[kind]
    name = "bad.xlsx" if kind == "excel" else "bad.csv"
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before, files = Path("model.cnn").read_bytes(), sorted(os.listdir())
    sentence = failing(capsys, "train", name, "--target", "price", "--regress", "--validation", "0.2")
    assert name in sentence and all(part in sentence for part in parts), sentence
    assert "task=" not in sentence and "read_csv" not in sentence  # words of Python
    assert Path("model.cnn").read_bytes() == before and sorted(os.listdir()) == files


@pytest.mark.parametrize("kind", ["ragged", "an infinity", "empty", "header only", "binary", "NUL"])
def test_a_bad_file_to_predict(kind, model, capsys):
    content, parts = BAD[kind]
    Path("bad.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    Path("said.csv").write_text("as it was")
    files = sorted(os.listdir())
    if kind == "header only":
        assert main(["predict", "model.cnn", "bad.csv"]) == 0  # nothing in, nothing out
        assert capsys.readouterr().out == "prediction\n"
        return
    sentence = failing(capsys, "predict", "model.cnn", "bad.csv", "--out", "said.csv")
    assert all(part in sentence for part in parts), sentence
    assert Path("said.csv").read_text() == "as it was" and sorted(os.listdir()) == files


def test_a_category_that_training_has_not_seen(model, capsys):
    Path("new.csv").write_text("size,town\n60,Ulm\n70,Paris\n")
    sentence = failing(capsys, "predict", "model.cnn", "new.csv", "--out", "said.csv")
    assert "'new.csv', line 3, column 'town': 'Paris'" in sentence and "'Bonn', 'Ulm'" in sentence
    assert not Path("said.csv").exists()
    Path("new.csv").write_text("size,city\n60,Ulm\n")
    assert "'town' is not there" in failing(capsys, "predict", "model.cnn", "new.csv")
    Path("new.csv").write_text("size,town,price\n60,Ulm,3\n70,Paris,4\n")
    assert "line 3" in failing(capsys, "evaluate", "model.cnn", "new.csv")
    assert "line 3" in failing(capsys, "train", "good.csv", "--target", "price", "--validation-data", "new.csv")


def test_stdin_is_named(model):
    done = subprocess.run(
        [sys.executable, "-m", "cnn", "predict", "model.cnn", "-"],
        input="size,town\n60,Ulm\nx,Ulm\n",
        text=True,
        capture_output=True,
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("cnn: error: 'stdin', line 3, column 'size': 'x'")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "say what to do"),
        (["trian"], "did you mean train?"),
        (["train"], "DATA"),
        (["train", "good.csv"], "has size, town, price"),
        (["train", "good.csv", "--target", "price", "--out", "no/such/folder/m.cnn"], "does not exist"),
        (["train", "good.csv", "--target", "price", "--out", "."], "is a folder"),
        (["train", "good.csv", "--target", "price", "--plot", "none/x.png"], "--plot"),
        (["train", "good.csv", "--traget", "price"], "did you mean --target?"),
        (["train", "good.csv", "--target", "price", "--learning_rate", "3"], "write --lr"),
        (["train", "good.csv", "--target", "price", "--batch_size", "3"], "write --batch-size"),
        (["train", "good.csv", "--target", "price", "--hid", "3"], "--hidden"),
        (["train", "good.csv", "--target", "price", "--hidden", "3,x"], "'x' is not a whole number"),
        (["train", "good.csv", "--target", "price", "--hidden", "3,0"], "at least 1"),
        (["train", "good.csv", "--target", "price", "--lr", "0"], "above 0"),
        (["train", "good.csv", "--target", "price", "--lr", "nan"], "nan"),
        (["train", "good.csv", "--target", "price", "--dropout", "1"], "below 1"),
        (["train", "good.csv", "--target", "price", "--epochs", "many"], "'many' is not a whole number"),
        (["train", "good.csv", "--target", "price", "--activation", "rleu"], "did you mean 'relu'?"),
        (["train", "good.csv", "--target", "price", "--loss", "cross_entropy"], "is not for regression"),
        (["train", "good.csv", "--target", "town", "--loss", "mse"], "is not for classification"),
        (["train", "good.csv", "--target", "town", "--class-weight", "Paris=3"], "--class-weight"),
        (["train", "good.csv", "--target", "town", "--class-weight", "Ulm"], "Bonn=3,Ulm=1"),
        (["train", "good.csv", "--target", "price", "--class-weight", "balanced"], "regression"),
        (["train", "good.csv", "--target", "price", "--classify", "--regress"], "not allowed"),
        (
            ["train", "good.csv", "--target", "price", "--validation", "0.2", "--validation-data", "good.csv"],
            "not allowed",
        ),
        (["train", "good.csv", "--target", "price", "--optimizer", "lbfgs", "--batch-size", "3"], "lbfgs"),
        (["train", "good.csv", "--target", "price,size", "--classify"], "one"),
        (["train", "good.csv", "--target", "price", "--search", "2", "--plot", "x.png"], "--search"),
        (["predict", "model.cnn", "good.csv", "--probabilities"], "numbers, not classes"),
        (["predict", "model.cnn", "good.csv", "--out", "none/x.csv"], "does not exist"),
        (["demo", "--out", "none/digits.cnn"], "does not exist"),
        (["demo", "--seed", "-1"], "at least 0"),
        (["bench", "--seconds", "0"], "above 0"),
    ],
)
def test_calls_that_make_no_sense(arguments, part, model, capsys):
    before, files = Path("model.cnn").read_bytes(), sorted(os.listdir())
    sentence = failing(capsys, *arguments, code=2)
    assert part in sentence, sentence
    assert Path("model.cnn").read_bytes() == before and sorted(os.listdir()) == files


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["train", "nothing.csv", "--target", "price"], "'nothing.csv': there is no such file"),
        (["train", ".", "--target", "price"], "folder"),
        (["train", "good.csv", "--target", "prise"], "did you mean 'price'?"),
        (["train", "good.csv", "--target", "price", "--inputs", "sise"], "--inputs: column 'sise' is not there"),
        (["train", "good.csv", "--target", "price", "--drop", "sise"], "--drop: column 'sise' is not there"),
        (["train", "good.csv", "--target", "price", "--drop", "size,town"], "no column to learn from"),
        (["train", "good.csv", "--target", "town", "--regress"], "holds text"),
        (["train", "model.cnn", "--target", "town", "--out", "other.cnn"], "is a model file"),
        (["predict", "good.csv", "model.cnn"], "is no model file"),
        (["predict", "nothing.cnn", "good.csv"], "there is no such file"),
        (["predict", "model.cnn", "nothing.csv"], "there is no such file"),
        (["predict", "model.cnn", "arrays.npz"], "takes a table (CSV)"),
        (["evaluate", "model.cnn", "noprice.csv"], "'price' is not there"),
        (["info", "nothing.cnn"], "there is no such file"),
        (["info", "good.csv"], "is no model file"),
        (["train", "arrays.npz", "--target", "none"], "'none' is not there"),
        (["train", "odd.npz"], "it holds one (3,), two (3, 2)"),
        (["train", "short.npz"], "3 rows of inputs and 2 of targets"),
        (["train", "objects.npz"], "Python objects"),
        (
            ["train", "good.csv", "--target", "price", "--lr", "1e38", "--optimizer", "sgd", "--epochs", "3"],
            "smaller --lr",
        ),
    ],
)
def test_what_fails(arguments, part, model, capsys):
    Path("noprice.csv").write_text("size,town\n60,Ulm\n")
    np.savez("arrays.npz", x=np.ones((3, 2)), y=np.arange(3))
    np.savez("odd.npz", one=np.ones(3), two=np.ones((3, 2)))
    np.savez("short.npz", x=np.ones((3, 2)), y=np.arange(2))
    np.savez("objects.npz", x=np.array([None, {}]), y=np.arange(2))
    before, files = Path("model.cnn").read_bytes(), sorted(os.listdir())
    sentence = failing(capsys, *arguments)
    assert part in sentence, sentence
    assert Path("model.cnn").read_bytes() == before and sorted(os.listdir()) == files


def test_idx_errors(folder, capsys):
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 2, 2))
    Path("a-images-idx3-ubyte").write_bytes(header + bytes(8))
    assert "'a-labels-idx1-ubyte' is not beside it" in failing(capsys, "train", "a-images-idx3-ubyte", code=2)
    Path("b.idx").write_bytes(header + bytes(8))
    assert "say which file has the labels" in failing(capsys, "train", "b.idx", code=2)
    Path("a-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]))
    assert "2 rows of inputs and 3 of targets" in failing(capsys, "train", "a-images-idx3-ubyte")
    assert "holds labels" in failing(capsys, "train", "a-labels-idx1-ubyte")
    Path("a-images-idx3-ubyte").write_bytes(header + bytes(7))
    assert "bytes" in failing(capsys, "train", "a-images-idx3-ubyte")


def test_labels_that_training_has_not_seen(folder, capsys):
    x = np.random.default_rng(0).normal(size=(30, 2))
    np.savez("a.npz", x=x, y=np.arange(30) % 2)
    np.savez("b.npz", x=x, y=np.arange(30) % 3)
    assert main(["train", "a.npz", "--epochs", "1", "--quiet"]) == 0
    capsys.readouterr()
    assert "row 2: 2 is a class" in failing(capsys, "evaluate", "model.cnn", "b.npz")
    np.savez("wide.npz", x=np.ones((3, 5)), y=np.arange(3) % 2)
    assert "(n, 2)" in failing(capsys, "predict", "model.cnn", "wide.npz")


def test_a_network_of_several_inputs(folder, capsys):
    a, b = cnn.Input(2), cnn.Input(3)
    cnn.Network(inputs=[a, b], outputs=cnn.Dense(1)(cnn.Concat()([a, b])), seed=0).save("two.cnn")
    assert "2 inputs" in failing(capsys, "predict", "two.cnn", "good.csv")
    assert main(["info", "two.cnn"]) == 0


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid"), reason="permissions of POSIX")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(folder, capsys):
    os.mkdir("locked", 0o500)
    assert "no permission" in failing(capsys, "train", "good.csv", "--target", "price", "--out", "locked/m.cnn", code=2)
