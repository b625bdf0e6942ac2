"""The command line: in this process by `main`, and as a user runs it."""

import csv
import gzip
import io
import json
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnn
from cnn.cli import main, text

RANDOM = np.random.default_rng(7)


def process(*arguments, cwd, stdin=None, **more):
    """`python -m cnn ...` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cnn", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        **more,
    )


def in_json(capsys, *arguments):
    """The one object on stdout."""
    code = main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert captured.out.count("\n") == 1
    return json.loads(captured.out)


def houses(n=300, seed=0):
    """A table with text, blanks and a column that is left out; the price is known from the rest."""
    r = np.random.default_rng(seed)
    size, town, garden = r.uniform(40, 200, n), r.choice(["Ulm", "Bonn", "Köln"], n), r.choice(["yes", "no"], n)
    extra = np.select([town == "Ulm", town == "Bonn"], [20_000, 60_000], 0)
    frame = pd.DataFrame({"id": [f"h{i}" for i in range(n)], "size": size.round(1), "town": town, "garden": garden})
    frame["price"] = (3000 * size + extra + 15_000 * (garden == "yes")).round()
    frame.loc[3, "size"], frame.loc[5, "town"] = None, None
    return frame


def flowers(n=150, seed=0):
    r = np.random.default_rng(seed)
    kind = np.arange(n) % 3
    frame = pd.DataFrame(r.normal(kind[:, None] * [2.0, -1.0, 0.5], 0.5, (n, 3)), columns=["a", "b", "c"])
    frame["colour"] = np.where(r.random(n) < 0.9, np.array(["red", "blue", "white"])[kind], "red")
    frame["kind"] = np.array(["rose", "iris", "lily"])[kind]
    frame.loc[[2, 9], ["a", "colour"]] = None
    return frame


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flowers().to_csv("flowers.csv", index=False)
    houses().to_csv("houses.csv", index=False)
    return tmp_path


# ---- demo, info, bench, config


@pytest.mark.parametrize("seed", range(10))
def test_demo_reads_digits(seed, folder, capsys):
    found = in_json(capsys, "demo", "--seed", seed, "--out", "d.cnn")
    assert found["accuracy"] >= 0.97 and found["seconds"] < 5
    matrix = np.array(found["confusion_matrix"])
    assert matrix.sum() == found["test_rows"] == 360 and np.trace(matrix) / 360 == pytest.approx(found["accuracy"])
    X, y = cnn.datasets.digits()
    assert (cnn.load("d.cnn").classify(X) == y).mean() > 0.97  # raw pixels: the scaling is a layer


def test_demo_as_a_program(folder):
    done = process("demo", cwd=folder)
    assert done.returncode == 0 and (folder / "digits.cnn").exists()
    assert "epoch" in done.stderr and "epoch 1/" not in done.stdout
    for part in ("read rightly", "rows: what it is", "misread", "read as", "saved digits.cnn", "cnn info digits.cnn"):
        assert part in done.stdout
    quiet = process("demo", "--quiet", cwd=folder)
    assert quiet.returncode == 0 and quiet.stderr == "" and len(quiet.stdout.splitlines()) == 3


def test_script_and_module_are_the_same():
    place = Path(__file__).parent.parent / "pyproject.toml"
    if place.exists():
        assert tomllib.loads(place.read_text(encoding="utf-8"))["project"]["scripts"] == {"cnn": "cnn.cli:main"}
    assert process("--version", cwd=".").stdout == f"cnn {cnn.__version__}\n"


def test_help_has_examples(capsys):
    from cnn.cli.parser import COMMANDS

    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        out = capsys.readouterr().out
        assert "examples:" in out and f"cnn {name}" in out.partition("examples:")[2] and "exit codes" in out


def test_info_of_the_installation(capsys):
    found = in_json(capsys, "info")
    assert found["version"] == cnn.__version__ and found["isa"] == cnn.cpu.current()
    assert found["threads"] == cnn.get_num_threads() and found["include"] == cnn.get_include()
    assert found["optional"]["pandas"] == pd.__version__
    assert main(["info"]) == 0
    assert "instructions" in capsys.readouterr().out


def test_info_of_a_model(folder, capsys):
    assert main(["train", "flowers.csv", "--target", "kind", "--epochs", "3", "--quiet"]) == 0
    capsys.readouterr()
    found = in_json(capsys, "info", "model.cnn")
    assert found["bytes"] == os.path.getsize("model.cnn") and found["classes"] == ["iris", "lily", "rose"]
    assert [c["name"] for c in found["columns"]] == ["a", "b", "c", "colour"]
    assert found["columns"][3]["categories"] == ["blue", "red", "white"]
    assert found["parameters"] == cnn.load("model.cnn").count_parameters()
    assert found["trained_with"]["rows"] == 120 and found["trained_with"]["data"] == "flowers.csv"
    assert main(["info", "model.cnn"]) == 0
    out = capsys.readouterr().out
    assert "blue, red, white" in out and "target   kind (classification)" in out and "dense_3" in out
    plain = cnn.Network([3, 2], seed=0)  # one that the command line has not made
    plain.metadata["trained_with"] = '{"figures": 3}'
    plain.save("plain.cnn")
    assert in_json(capsys, "info", "plain.cnn")["trained_with"] == '{"figures": 3}'
    assert main(["info", "plain.cnn"]) == 0


def test_bench(capsys):
    found = in_json(capsys, "bench", "--seconds", "0.2", "--quiet")
    assert set(found["results"]) == {"xor_step", "predict_one_row", "digits_epoch", "matrix_product"}
    assert all(one["value"] > 0 and one["unit"] for one in found["results"].values())


def test_config(capsys):
    assert main(["config", "--cflags", "--libs"]) == 0
    out = capsys.readouterr().out.split()
    assert out[0] == f"-I{cnn.get_include()}" and cnn.get_library() in out
    for option, value in (
        ("--include", cnn.get_include()),
        ("--library", cnn.get_library()),
        ("--version", cnn.__version__),
    ):
        assert main(["config", option]) == 0
        assert capsys.readouterr().out == value + "\n"
    assert main(["config"]) == 2


# ---- train, predict, evaluate


def test_a_table_with_text_and_blanks(folder, capsys):
    """Trained here, used in a new process: the digits of Network.predict on the frame, and of the numeric form."""
    found = in_json(capsys, "train", "flowers.csv", "--target", "kind", "--quiet")
    assert found["figures"]["accuracy"] > 0.9 > 0.4 > found["baseline"]["accuracy"]
    assert found["rows"] + found["validation_rows"] == 150
    new = flowers(40, seed=1).drop(columns="kind")
    new.to_csv("new.csv", index=False)
    done = process("predict", "model.cnn", "new.csv", "--probabilities", cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    net = cnn.load("model.cnn")
    p = net.predict(new)
    names = ["iris", "lily", "rose"]
    said = np.array([[row[f"probability_{name}"] for name in names] for row in rows]).astype(np.float32)
    assert np.array_equal(said, p)  # to the bit
    assert [row["prediction"] for row in rows] == net.preprocessing.decode(p).tolist()
    assert np.array_equal(net.predict(net.preprocessing.transform(new)), p)
    piped = process("predict", "model.cnn", "-", "--probabilities", cwd=folder, stdin=(folder / "new.csv").read_text())
    assert piped.stdout == done.stdout
    as_json = in_json(capsys, "predict", "model.cnn", "new.csv", "--probabilities")
    assert np.array_equal(np.float32(as_json["probabilities"]), p) and as_json["classes"] == names


C_PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include "cnn/cnn.h"
int main(int argc, char **argv) {  /* model, rows, columns: float32 from stdin; one output a row to stdout */
  size_t rows = strtoul(argv[2], 0, 10), columns = strtoul(argv[3], 0, 10);
  float *x = malloc(4 * rows * columns), *y = malloc(4 * rows);
  cnn_network *net;
  cnn_session *session;
  cnn_session_options options = {.size = sizeof options, .max_batch = rows};
  if (argc != 4 || fread(x, 4, rows * columns, stdin) != rows * columns) return 1;
  if (cnn_network_open(argv[1], NULL, &net) || cnn_session_create(net, &options, &session)) return 2;
  if (cnn_session_run(session, x, rows, y)) return 3;
  return fwrite(y, 4, rows, stdout) != rows;
}
"""


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("cc") is None, reason="no cc here")
def test_c_says_the_same(folder, capsys):
    """On the numeric form of the table, through the flags of `cnn config`."""
    assert main(["train", "houses.csv", "--target", "price", "--epochs", "20", "--quiet"]) == 0
    (folder / "main.c").write_text(C_PROGRAM)
    capsys.readouterr()
    assert main(["config", "--cflags", "--libs"]) == 0
    flags = shlex.split(capsys.readouterr().out)
    subprocess.run(["cc", "main.c", *flags, "-o", "run"], check=True)
    net = cnn.load("model.cnn")
    frame = houses(50, seed=2)
    X = net.preprocessing.transform(frame)
    done = subprocess.run(
        ["./run", "model.cnn", *map(str, X.shape)], input=X.tobytes(), capture_output=True, check=True
    )
    assert np.array_equal(np.frombuffer(done.stdout, np.float32), net.predict(frame).ravel())


def test_regression_speaks_in_real_units(folder, capsys):
    found = in_json(capsys, "train", "houses.csv", "--target", "price", "--seed", "1", "--quiet")
    assert found["task"] == "regression" and found["figures"]["r2"] > 0.98
    assert any("'id'" in note and "left out" in note for note in found["notes"])
    new = houses(60, seed=5)
    p = cnn.load("model.cnn").predict(new).ravel()
    known = new["size"].notna() & new["town"].notna()
    error = np.abs(p - new["price"])[known]
    assert error.mean() < 0.1 * new["price"].std()
    assert main(["predict", "model.cnn", "houses.csv", "--out", "said.csv"]) == 0
    said = pd.read_csv("said.csv", dtype={"prediction": np.float32})["prediction"].to_numpy()
    frame = houses()
    assert np.array_equal(said, cnn.load("model.cnn").predict(frame).ravel())
    capsys.readouterr()
    judged = in_json(capsys, "evaluate", "model.cnn", "houses.csv")
    assert judged["mae"] == pytest.approx(np.abs(said - frame["price"]).mean(), rel=1e-5)
    assert judged["rmse"] == pytest.approx(np.sqrt(((said - frame["price"]) ** 2).mean()), rel=1e-5)
    assert judged["loss"] == pytest.approx(judged["rmse"] ** 2, rel=1e-4)


def test_evaluate_a_classifier(folder, capsys):
    assert main(["train", "flowers.csv", "--target", "kind", "--quiet"]) == 0
    flowers(80, seed=3).rename(columns={"kind": "true kind"}).to_csv("test.csv", index=False)
    capsys.readouterr()
    found = in_json(capsys, "evaluate", "model.cnn", "test.csv", "--target", "true kind")
    matrix = np.array(found["confusion_matrix"])
    assert matrix.sum() == 80 and found["accuracy"] == pytest.approx(np.trace(matrix) / 80)
    assert matrix.sum(axis=1).tolist() == [27, 26, 27]  # iris, lily, rose
    assert main(["evaluate", "model.cnn", "test.csv", "--target", "true kind"]) == 0
    assert "rows: what it is" in capsys.readouterr().out


def test_statistics_are_of_the_training_rows(folder, capsys):
    """What is held out is not known to the scaling; the same seed holds out the same rows of each class."""
    first = in_json(capsys, "train", "flowers.csv", "--target", "kind", "--epochs", "1", "--out", "a.cnn")
    in_json(capsys, "train", "flowers.csv", "--target", "kind", "--epochs", "1", "--out", "b.cnn")
    assert Path("a.cnn").read_bytes() == Path("b.cnn").read_bytes()
    from cnn.cli.arrays import split

    frame = flowers()
    prep = cnn.data.Preprocessing("kind").fit(frame)
    rows, held = split(prep.targets(frame), 0.2, 0, stratify=True)
    assert np.bincount(prep.targets(frame)[held]).tolist() == [10, 10, 10]
    net = cnn.load("a.cnn")
    numbers = frame[["a", "b", "c"]].iloc[rows]
    np.testing.assert_allclose(net.preprocessing.mean[:3], numbers.mean(), rtol=1e-6)
    np.testing.assert_allclose(net.preprocessing.std[:3], numbers.std(ddof=0), rtol=1e-6)
    np.testing.assert_allclose(net.buffers["normalize_1.mean"][:3], numbers.mean(), rtol=1e-5)
    assert net.evaluate(frame.iloc[held], metrics=["accuracy"])["accuracy"] == pytest.approx(
        first["figures"]["accuracy"]
    )


def test_validation_file_and_none(folder, capsys):
    flowers(50, seed=9).to_csv("held.csv", index=False)
    found = in_json(capsys, "train", "flowers.csv", "--target", "kind", "--validation-data", "held.csv")
    assert (found["rows"], found["validation_rows"]) == (150, 50) and "val_loss" in found["history"]
    found = in_json(capsys, "train", "flowers.csv", "--target", "kind", "--validation", "0", "--epochs", "2")
    assert found["validation_rows"] == 0 and "val_loss" not in found["history"] and found["epochs"] == 2


def test_choices_are_taken(folder, capsys):
    found = in_json(
        capsys, "train", "flowers.csv", "--target", "kind", "--inputs", "a,b,colour", "--drop", "b", "--hidden", "7,5",
        "--activation", "swish", "--dropout", "0.25", "--l2", "0.003", "--optimizer", "rmsprop", "--lr", "0.01", "--batch-size", "9",
        "--epochs", "2", "--dtype", "float64", "--class-weight", "rose=3,iris=0.5", "--seed", "4"
    )  # fmt: skip
    net = cnn.load("model.cnn")
    kinds = [type(layer).__name__ for layer in net.layers]
    assert kinds == ["Normalize", "OneHot", "Dense", "Dropout", "Dense", "Dropout", "Dense"]
    assert net.preprocessing.columns == ["a", "colour"] and net.dtype == "float64" and net.seed == 4
    assert net.layers[2].units == 7 and net.layers[2].activation == "silu" and net.layers[3].rate == 0.25
    assert net.optimizer.kind == "rmsprop" and net.optimizer.lr == 0.01 and net.layers[2].l2 == 0.003
    assert found["settings"]["batch_size"] == 9 and len(found["history"]["loss"]) == 2
    in_json(capsys, "train", "flowers.csv", "--target", "kind", "--hidden", "none", "--epochs", "2")
    assert [type(layer).__name__ for layer in cnn.load("model.cnn").layers].count("Dense") == 1


def test_two_targets_and_other_losses(folder, capsys):
    frame = houses().dropna()
    frame["rent"] = frame["price"] / 300
    frame.to_csv("two.csv", index=False)
    for loss in ("mse", "mae", "huber"):
        found = in_json(capsys, "train", "two.csv", "--target", "price,rent", "--drop", "id", "--loss", loss, "--quiet")
        assert found["figures"]["r2"] > 0.95
    assert main(["predict", "model.cnn", "two.csv"]) == 0
    said = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(said) == ["price", "rent"]
    assert (np.abs(said["rent"] - frame["rent"].to_numpy())).mean() < 0.2 * frame["rent"].std()
    frame["rooms"] = (frame["size"] // 20).astype(int)
    frame.to_csv("rooms.csv", index=False)
    found = in_json(
        capsys, "train", "rooms.csv", "--target", "rooms", "--drop", "id,price,rent", "--regress", "--loss", "poisson"
    )
    assert found["figures"]["r2"] > 0.8
    found = in_json(
        capsys,
        "train",
        "rooms.csv",
        "--target",
        "garden",
        "--drop",
        "id,rent,town",
        "--loss",
        "binary_cross_entropy",
        "--seed",
        "2",
    )
    assert cnn.load("model.cnn").output_shape == (1,) and found["classes"] == ["no", "yes"]
    assert main(["predict", "model.cnn", "rooms.csv", "--probabilities"]) == 0
    said = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert set(said["prediction"]) <= {"yes", "no"}
    np.testing.assert_allclose(said["probability_no"] + said["probability_yes"], 1, atol=1e-6)


def test_plot(folder, capsys):
    assert main(["train", "flowers.csv", "--target", "kind", "--epochs", "3", "--plot", "curve.png"]) == 0
    assert Path("curve.png").read_bytes()[:4] == b"\x89PNG"
    assert "saved curve.png" in capsys.readouterr().out
    hidden = "import sys; sys.modules['matplotlib'] = None; from cnn.cli import main; sys.exit(main())"
    arguments = ["train", "flowers.csv", "--target", "kind", "--epochs", "2", "--plot", "none.png", "--json"]
    done = subprocess.run([sys.executable, "-c", hidden, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and not Path("none.png").exists()
    assert "cnn[plot]" in done.stderr and any("cnn[plot]" in note for note in json.loads(done.stdout)["notes"])


def test_what_is_said(folder):
    done = process("train", "flowers.csv", "--target", "kind", cwd=folder)
    for part in (
        "120 rows to train on, 30 held out",
        "3 classes",
        "dense_1 (Dense)",
        "val_loss",
        "held-out rows: accuracy",
        "(always '",
        "saved model.cnn",
        "cnn predict model.cnn",
    ):
        assert part in done.stdout, part
    assert re.search(r"epoch 1/200 .*val_loss", done.stderr)
    ascii_only = process(
        "train", "flowers.csv", "--target", "kind", cwd=folder, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert ascii_only.returncode == 0 and ascii_only.stdout.isascii() and "* loss" in ascii_only.stdout
    quiet = process("train", "flowers.csv", "--target", "kind", "--quiet", cwd=folder)
    assert quiet.stderr == "" and len(quiet.stdout.splitlines()) == 2


# ---- NPZ and IDX


def idx(path, array):
    types = {np.uint8: 8, np.int32: 0x0C, np.float32: 0x0D}
    data = struct.pack(f">BBBB{array.ndim}I", 0, 0, types[array.dtype.type], array.ndim, *array.shape)
    data += array.astype(array.dtype.newbyteorder(">")).tobytes()
    opened = gzip.open(path, "wb") if str(path).endswith(".gz") else open(path, "wb")  # noqa: SIM115
    with opened as file:
        file.write(data)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx(folder, capsys, ending):
    images, labels = cnn.datasets.digits(flat=False)
    images = (images * 15).astype(np.uint8)
    idx(f"train-images-idx3-ubyte{ending}", images[:1500])
    idx(f"train-labels-idx1-ubyte{ending}", labels[:1500].astype(np.uint8))
    idx(f"t10k-images-idx3-ubyte{ending}", images[1500:])
    idx("other", labels[1500:].astype(np.uint8))
    found = in_json(capsys, "train", f"train-images-idx3-ubyte{ending}", "--epochs", "40")
    assert found["figures"]["accuracy"] > 0.93 and found["classes"] == list(range(10))
    net = cnn.load("model.cnn")
    assert net.input_shape == (8, 8) and net.layers[1].scale == pytest.approx(1 / 255)
    judged = in_json(capsys, "evaluate", "model.cnn", f"t10k-images-idx3-ubyte{ending}", "--target", "other")
    said = in_json(capsys, "predict", "model.cnn", f"t10k-images-idx3-ubyte{ending}")["predictions"]
    assert said == net.classify(images[1500:]).tolist()
    assert judged["accuracy"] == pytest.approx(np.mean(np.array(said) == labels[1500:]))


@pytest.mark.parametrize("names", [("X", "y"), ("images", "labels"), ("odd", "strange")])
def test_npz(folder, capsys, names):
    r = np.random.default_rng(0)
    X = r.normal(5, 3, (200, 4))
    X[3, 2] = np.nan
    y = np.where(np.nan_to_num(X[:, 0]) > 5, 70, -3)  # any whole numbers
    np.savez("data.npz", **{names[0]: X, names[1]: y})
    more = ["--inputs", names[0], "--target", names[1]] if names[0] == "odd" else []
    found = in_json(capsys, "train", "data.npz", *more)
    assert found["classes"] == [-3, 70] and found["figures"]["accuracy"] > 0.9
    said = in_json(capsys, "predict", "model.cnn", "data.npz")["predictions"]  # it knows the keys
    net = cnn.load("model.cnn")
    assert said == net.classify(X).tolist() and set(said) == {-3, 70}
    assert in_json(capsys, "evaluate", "model.cnn", "data.npz")["accuracy"] == pytest.approx(
        np.mean(np.array(said) == y)
    )


def test_npz_of_other_kinds(folder, capsys):
    r = np.random.default_rng(0)
    X = r.normal(0, 1, (300, 3)).astype(np.float32)
    np.savez("text.npz", x=X, labels=np.where(X[:, 0] > 0, "up", "down"))
    assert in_json(capsys, "train", "text.npz")["classes"] == ["down", "up"]
    np.savez("numbers.npz", x=X, y=1000 + 50 * X[:, :2])
    found = in_json(capsys, "train", "numbers.npz")
    assert found["task"] == "regression" and found["figures"]["r2"] > 0.95
    np.testing.assert_allclose(cnn.load("model.cnn").predict(X).mean(axis=0), 1000, atol=20)
    X8, y8 = cnn.datasets.digits()
    np.savez("digits.npz", data=X8, target=np.eye(10)[y8])
    found = in_json(capsys, "train", "digits.npz", "--epochs", "20")
    assert found["classes"] == list(range(10)) and cnn.load("model.cnn").layers[0].scale == pytest.approx(1 / 16)


def test_large_arrays_stay_on_disk(tmp_path, monkeypatch):
    """What the parts give of a memory map is what they give of the array."""
    from cnn.cli import arrays

    X = np.random.default_rng(0).normal(3, 2, (1000, 7)).astype(np.float32)
    X[5, 3] = np.nan
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=X.shape)
    mapped[:] = X
    monkeypatch.setattr(arrays.spill, "SPILL", 1000)
    monkeypatch.setattr(arrays, "_CHUNK", 100)
    rows, held = arrays.split(np.arange(1000) % 2, 0.3, 1, stratify=True)
    assert len(held) == 300 and not set(rows) & set(held) and len(rows) == 700
    part = arrays.rows_of(mapped, rows)
    assert isinstance(part, np.memmap) and np.array_equal(part, X[rows], equal_nan=True)
    mean, std = arrays.statistics(mapped, rows)
    expected = X[rows].astype(np.float64)
    np.testing.assert_allclose(mean, np.nanmean(expected, axis=0), rtol=1e-12)
    np.testing.assert_allclose(std, np.nanstd(expected, axis=0), rtol=1e-12)


# ---- Search


def told(found):
    return found["trials"], found["best_trial"], found["figures"], found["settings"]


def test_search_goes_on(folder, capsys):
    """Cut in the middle and called again: the same table, the same best, the same file."""
    base = ["train", "flowers.csv", "--target", "kind", "--epochs", "15", "--hidden", "9"]
    whole = in_json(capsys, *base, "--search", "6", "--out", "whole.cnn")
    assert [t["trial"] for t in whole["trials"]] == list(range(1, 7)) and all(
        t["hidden"] == [9] for t in whole["trials"]
    )
    assert len({t["lr"] for t in whole["trials"]}) > 3
    in_json(capsys, *base, "--search", "2", "--out", "parts.cnn")
    with open("parts.cnn.search.jsonl", "a") as file:
        file.write('{"trial": 3, "hid')  # as a process leaves it that is killed while it writes
    parts = in_json(capsys, *base, "--search", "6", "--out", "parts.cnn")
    assert told(parts) == told(whole)
    assert Path("parts.cnn.search.jsonl").read_bytes() == Path("whole.cnn.search.jsonl").read_bytes()
    assert min(t["loss"] for t in whole["trials"]) == whole["trials"][whole["best_trial"] - 1]["loss"]
    X = cnn.load("whole.cnn").preprocessing.transform("flowers.csv")
    expected = cnn.load("whole.cnn").predict(X)
    assert np.array_equal(cnn.load("parts.cnn").predict(X), expected)
    os.remove("parts.cnn")  # the best is made again
    assert told(in_json(capsys, *base, "--search", "6", "--out", "parts.cnn")) == told(whole)
    assert np.array_equal(cnn.load("parts.cnn").predict(X), expected)
    assert main([*base, "--search", "6", "--out", "parts.cnn"]) == 0
    out = capsys.readouterr().out
    assert "the best of 6" in out and len(re.findall(r"^ +\d  9 ", out, re.M)) == 5


def test_search_of_something_else_is_refused(folder, capsys):
    base = ["train", "flowers.csv", "--target", "kind", "--epochs", "2", "--search", "1"]
    assert main(base) == 0
    before = Path("model.cnn").read_bytes()
    assert main([*base, "--lr", "0.1"]) == 1
    assert "lr was None" in capsys.readouterr().err
    flowers(150, seed=8).to_csv("flowers.csv", index=False)
    assert main(base) == 1
    assert "other data" in capsys.readouterr().err
    Path("model.cnn.search.jsonl").write_text("what?\n")
    assert main(base) == 1
    assert "delete it" in capsys.readouterr().err
    assert Path("model.cnn").read_bytes() == before


# ---- Signals and pipes


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a process there")
@pytest.mark.parametrize("search", [False, True])
def test_interrupt_keeps_the_best(folder, search):
    # The table is large enough that no search ends by itself, and each trial is over soon.
    more = ["--search", "100000", "--epochs", "2"] if search else ["--epochs", "1000000", "--patience", "1000000"]
    command = [sys.executable, "-m", "cnn", "train", "flowers.csv", "--target", "kind", "--seed", "3", *more]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            for line in running.stderr:
                if line.startswith(("trial 3/", "epoch")):
                    break
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 0, err
    assert "Traceback" not in err and "saved model.cnn" in out
    net = cnn.load(folder / "model.cnn")
    if search:
        done = re.search(r"stopped after (\d+) trials", out)
        lines = (folder / "model.cnn.search.jsonl").read_text().splitlines()
        assert int(done[1]) == len(lines) - 1 >= 3
        return
    epoch = int(re.search(r"the best so far, epoch (\d+), is saved", out)[1])
    losses = net.history.history["val_loss"]
    assert int(np.argmin(losses)) == epoch - 1
    frame = pd.read_csv(folder / "flowers.csv")
    from cnn.cli.arrays import split

    held = split(net.preprocessing.targets(frame), 0.2, 3, stratify=True)[1]
    assert net.evaluate(frame.iloc[held])["loss"] == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.skipif(sys.platform == "win32", reason="no head there")
def test_a_closed_pipe_is_quiet(folder, capsys):
    assert main(["train", "flowers.csv", "--target", "kind", "--epochs", "1", "--quiet"]) == 0
    pd.concat([flowers()] * 400).to_csv("many.csv", index=False)
    command = [sys.executable, "-m", "cnn", "predict", "model.cnn", "many.csv", "--probabilities"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout.readline().startswith(b"prediction,")
        running.stdout.close()
        err = running.stderr.read()
    assert running.returncode == 0 and err == b""


# ---- Pictures in characters


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=200), st.booleans())
def test_any_curve_can_be_drawn(values, unicode):
    drawn = text.curve({"loss": values, "val_loss": values[::-1]}, width=40, height=8, unicode=unicode)
    if not np.isfinite(values).any():
        assert drawn == ""
        return
    lines = drawn.splitlines()
    assert len(lines) == 1 + 8 + 2 and (unicode or drawn.isascii())
    marks = sum(line.count(mark) for line in lines[1:9] for mark in "●○◉*o#")
    assert marks >= 1 and max(map(len, lines[1:])) <= 40 + 2 + max(len(line.split(" ")[0]) for line in lines) + 12


def test_curve_goes_where_it_should():
    lines = text.curve({"loss": [3.0, 2.0, 1.0]}, width=5, height=3).splitlines()
    places = {
        (r, c)
        for r, line in enumerate(lines[1:4])
        for c, sign in enumerate(re.split(r"[+|]", line, maxsplit=1)[1])
        if sign == "*"
    }
    assert {(0, 0), (1, 2), (2, 4)} <= places


def test_confusion_matrix():
    true, called = RANDOM.integers(0, 4, 200), RANDOM.integers(0, 4, 200)
    matrix = text.counts(true, called, 4)
    expected = pd.crosstab(pd.Series(true), pd.Series(called)).to_numpy()
    assert np.array_equal(matrix, expected)
    drawn = text.confusion(matrix, ["a", "b", "a long name that is cut", "d"])
    assert [int(x) for x in drawn.splitlines()[2].split()[1:]] == matrix[0].tolist()
    many = np.diag(np.full(30, 5))
    many[4, 7] = 3
    assert text.confusion(many, list(range(30))).splitlines()[2].split() == ["4", "7", "3", "8"]
