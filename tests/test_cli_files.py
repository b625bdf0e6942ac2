"""The command line's files: none is lost, pipes are read, what is no data is named, and memory is bounded."""

import bz2
import io
import json
import lzma
import os
import re
import struct
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PRICES

import cnn
from cnn.cli import main

RANDOM = np.random.default_rng(3)
CNN = [sys.executable, "-m", "cnn"]


def contents():
    return {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}


def refused(capsys, code, *arguments):
    """The sentence of a call that has changed nothing."""
    before = contents()
    assert main(list(map(str, arguments))) == code
    captured = capsys.readouterr()
    assert contents() == before and captured.out == ""
    assert captured.err.startswith("cnn: error: ") and captured.err.count("\n") == (2 if code == 2 else 1)
    return captured.err.splitlines()[0]


# ---- What is there is not lost


@pytest.mark.skipif(sys.platform == "win32", reason="links there need a privilege")
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["train", "good.csv", "--target", "price", "--out", "good.csv"], "'good.csv' is the file of DATA"),
        (["train", "good.csv", "--target", "price", "--out", "./good.csv"], "DATA"),
        (["train", "good.csv", "--target", "price", "--out", "link"], "DATA"),
        (["train", "good.csv", "--target", "price", "--out", "hard"], "DATA"),
        (["train", "good.csv", "--target", "price", "--validation-data", "held.csv", "--out", "held.csv"], "--valid"),
        (["train", "good.csv", "--target", "price", "--out", "new.png", "--plot", "./new.png"], "file of --out"),
        (["train", "good.csv", "--target", "price", "--plot", "good.csv"], "DATA"),
        (["train", "good.csv", "--target", "price", "--plot", "second.cnn"], "--plot: 'second.cnn' is a model"),
        (["train", "good.csv", "--target", "price", "--out", "thesis.doc"], "no model file"),
        (["train", "good.csv", "--target", "price", "--out", "other.safetensors"], "no model file"),
        (["demo", "--out", "thesis.doc"], "no model file"),
        (["predict", "model.cnn", "good.csv", "--out", "good.csv"], "DATA"),
        (["predict", "model.cnn", "good.csv", "--out", "model.cnn"], "MODEL"),
        (["predict", "model.cnn", "good.csv", "--out", "second.cnn"], "is a model file"),
        (["predict", "model.cnn", "good.csv", "--out", os.devnull], "not an ordinary file"),
    ],
)
def test_no_file_is_lost(arguments, part, model, capsys):
    Path("held.csv").write_text(PRICES)
    Path("thesis.doc").write_text("years of work")
    header = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    Path("other.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    cnn.Network([2, 1], seed=0).save("second.cnn")
    os.link("good.csv", "hard")
    os.symlink("good.csv", "link")
    assert part in refused(capsys, 2, *arguments)


def test_labels_are_not_lost(folder, capsys):
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 2, 2))
    Path("a-images-idx3-ubyte").write_bytes(header + bytes(8))
    Path("answers").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]))
    said = refused(capsys, 2, "train", "a-images-idx3-ubyte", "--target", "answers", "--out", "answers")
    assert "the file of --target" in said


def test_a_model_takes_the_place_of_a_model(model, capsys):
    Path("empty").touch()
    before = Path("model.cnn").read_bytes()
    assert main(["train", "good.csv", "--target", "town", "--epochs", "2", "--quiet"]) == 0
    assert Path("model.cnn").read_bytes() != before
    assert main(["train", "good.csv", "--target", "town", "--epochs", "2", "--quiet", "--out", "empty"]) == 0
    assert cnn.load("empty").classes == ["Bonn", "Ulm"]
    Path("said.csv").write_text("old")
    assert main(["predict", "model.cnn", "good.csv", "--out", "said.csv"]) == 0
    assert Path("said.csv").read_text().startswith("prediction\n")


@pytest.mark.parametrize(("name", "part"), [("curve", "no ending"), ("curve.xyz", ".xyz"), ("curve.csv", "png")])
def test_a_picture_that_cannot_be_written(name, part, model, capsys):
    assert part in refused(capsys, 2, "train", "good.csv", "--target", "price", "--plot", name)


# ---- An answer that is no number


@pytest.fixture
def unfilled(folder):
    """A network without anything that fills blanks, one by names of columns and one without."""
    table = {"a": [1.0, 2.0, 3.0, 4.0], "b": [2.0, 1.0, 0.0, 5.0], "y": [0, 1, 0, 1]}
    for name, layers in {"named.cnn": True, "plain.cnn": False}.items():
        net = cnn.Network([2, 3, 1], seed=0)
        if layers:
            net.preprocessing = cnn.data.Preprocessing("y", task="regression").fit(table)
        net.save(name)
    Path("new.csv").write_text("a,b\n1,2\n" * 1 + "3,4\n" * 20_000 + "5,\n,6\n")
    Path("known.csv").write_text("a,b,y\n1,2,3\n3,,1\n")
    return folder


@pytest.mark.parametrize("name", ["named.cnn", "plain.cnn"])
def test_a_blank_that_nothing_fills(name, unfilled, capsys):
    Path("said.csv").write_text("as it was")
    for more in ([], ["--out", "said.csv"], ["--json"]):
        before = contents()
        assert main(["predict", name, "new.csv", *more]) == 1
        captured = capsys.readouterr()
        assert contents() == before and "prediction" not in captured.out
        assert "'new.csv', line 20003, column 'b': blank" in captured.err and "not a number" in captured.err
    assert main(["evaluate", name, "known.csv", "--target", "y"]) == 1
    assert "'known.csv', line 3, column 'b'" in capsys.readouterr().err


def test_an_array_with_a_blank_that_nothing_fills(unfilled, capsys):
    np.savez("new.npz", X=np.array([[1, 2], [3, np.nan]]))
    assert "'new.npz', row 1: NaN, blank" in refused(capsys, 1, "predict", "plain.cnn", "new.npz")


# ---- What is no data

PICTURE = ["np.savez", "(n, height, width)", "IDX"]
CLASSES = ["root/cat/1.png", *PICTURE]


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("x.png", b"\x89PNG\r\n\x1a\n" + bytes(50), ["PNG", *CLASSES]),
        ("x.jpg", b"\xff\xd8\xff\xe0" + bytes(50), ["JPEG", *CLASSES]),
        ("x.npy", None, ['np.savez("data.npz", X=X, y=y)']),
        ("x.json", b'[{"size": 3, "price": 4}]', ["JSON", "CSV"]),
        ("x.csv", b'{"size": [3], "price": [4]}', ["JSON", "CSV"]),
        ("x.csv.bz2", bz2.compress(PRICES.encode()), ["bzip2", "unpack"]),
        ("x.csv.xz", lzma.compress(PRICES.encode()), ["xz", "unpack"]),
        ("x.zip", "zip", ["ZIP", "good.csv"]),
        ("x", "xlsx", ["Excel", "CSV"]),
        ("x.pkl", b"\x80\x04\x95" + bytes(50), ["pickle", "np.savez"]),
        ("x.parquet", b"PAR1" + bytes(50), ["Parquet", "CSV"]),
        ("x.npz", b"PK\x03\x04" + bytes(50), ["damaged"]),
    ],
)
@pytest.mark.parametrize("command", ["train", "predict", "evaluate"])
def test_what_is_no_data(command, name, content, parts, model, capsys):
    if content is None:
        np.save(name, np.ones(3))
    elif isinstance(content, str):
        with zipfile.ZipFile(name, "w") as archive:
            archive.writestr("good.csv" if content == "zip" else "[Content_Types].xml", PRICES)
    else:
        Path(name).write_bytes(content)
    arguments = [name, "--target", "price"] if command == "train" else ["model.cnn", name]
    said = refused(capsys, 1, command, *arguments)
    if name != "x.npz" or command == "train":
        assert f"'{name}'" in said and all(part in said for part in parts), said


def test_a_folder(model, capsys):
    os.mkdir("pictures")
    said = refused(capsys, 1, "predict", "model.cnn", "pictures")
    assert "is a folder" in said and all(part in said for part in PICTURE)
    said = refused(capsys, 1, "train", "pictures")
    assert "'pictures' has no folders of pictures: expected a folder for each class, as in" in said


def test_ordinary_csv_files_are_not_taken_for_something_else(folder):
    from cnn.cli.kinds import kind_of

    for text in (
        "BMI,y\n1,2\n",
        "[a],y\n1,2\n",
        "GIF8,y\n1,2\n",
        "PAR1,x\n",
        "BZh,x\n",
        "P1\n1\n2\n",
        "{x},y\n1,2\n",
        "II,MM\n1,2\n",
        "",
        "a",
    ):
        Path("t.csv").write_text(text)
        assert kind_of("t.csv") == "csv", text


# ---- Pipes


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_pipes(model):
    """stdin by two names, and a named pipe, as the shell's <( ) is one, say what the file says."""

    def run(*arguments, stdin=""):
        done = subprocess.run([*CNN, *arguments], input=stdin, text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    expected = run("predict", "model.cnn", "good.csv")
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=(PRICES,))
    writer.start()
    assert run("predict", "model.cnn", "pipe") == expected
    writer.join()
    judged = run("evaluate", "model.cnn", "good.csv")
    said = run("train", "good.csv", "--target", "price", "--epochs", "2", "--out", "file.cnn", "--json")
    figures = json.loads(said)["figures"]
    for name in ("-", "/dev/stdin"):
        assert run("predict", "model.cnn", name, stdin=PRICES) == expected
        assert run("evaluate", "model.cnn", name, stdin=PRICES) == judged
        said = json.loads(
            run("train", name, "--target", "price", "--epochs", "2", "--out", "p.cnn", "--json", stdin=PRICES)
        )
        assert said["figures"] == figures and said["data"] == "stdin"
    model_bytes = Path("model.cnn").read_bytes()
    done = subprocess.run([*CNN, "predict", "-", "good.csv"], input=model_bytes, capture_output=True, timeout=60)
    assert done.stdout.decode() == expected
    done = subprocess.run([*CNN, "predict", "-", "-"], input=b"", capture_output=True, timeout=60)
    assert done.returncode == 2 and b"once" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_what_came_through_a_pipe_is_deleted(model):
    os.mkdir("temporary")
    for text in (PRICES, "no such column\n1\n"):
        environment = os.environ | {"TMPDIR": str(Path("temporary").resolve())}
        subprocess.run([*CNN, "predict", "model.cnn", "-"], input=text, text=True, capture_output=True, env=environment)
        assert os.listdir("temporary") == []


# ---- Memory

MEASURED = """
import sys, tracemalloc
from cnn.data import rows
from cnn.cli import main
rows.SPILL = 1 << 20
tracemalloc.start()
code = main(sys.argv[1:])
print('peak', tracemalloc.get_traced_memory()[1])
sys.exit(code)
"""


def test_memory_of_a_large_table(folder):
    """X is 64 MB, of which never more than a part is in memory; the network is that of the whole."""
    numbers = [[*(f"{x:.2f}" for x in row), str(i % 3)] for i, row in enumerate(RANDOM.random((1000, 199)))]
    block = "\n".join(map(",".join, numbers))
    with open("large.csv", "w") as file:
        file.write(",".join(f"c{i}" for i in range(199)) + ",y\n" + (block + "\n") * 80)
    arguments = ["train", "large.csv", "--target", "y", "--epochs", "1", "--hidden", "4", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments, "--out", "small.cnn"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(re.search(r"peak (\d+)", done.stdout)[1]) < 60e6
    assert main([*arguments, "--out", "whole.cnn"]) == 0
    assert Path("small.cnn").read_bytes() == Path("whole.cnn").read_bytes()


# ---- Training that came to nothing


def noise(n=200, seed=0):
    r = np.random.default_rng(seed)
    frame = pd.DataFrame(r.normal(size=(n, 3)), columns=["a", "b", "c"])
    frame["kind"] = r.choice(["yes", "no", "no", "no"], n)
    frame["price"] = r.normal(1000, 5, n)
    return frame


def in_json(capsys, *arguments):
    code = main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


@pytest.mark.parametrize("target", ["kind", "price"])
def test_no_better_than_a_constant(target, folder, capsys):
    noise().to_csv("noise.csv", index=False)
    base = ["train", "noise.csv", "--target", target, "--inputs", "a,b,c"]
    found = in_json(capsys, *base)
    figures = found["figures"]
    worse = figures["r2"] <= 0 if target == "price" else figures["accuracy"] <= found["baseline"]["accuracy"]
    assert worse == any("no better than always saying" in note for note in found["notes"])
    assert worse and Path("model.cnn").exists()
    assert main([*base, "--lr", "1", "--epochs", "5", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "note: this is no better than" in out and ("smaller --lr than 1" in out or target == "kind")
    assert main([*base, "--search", "2", "--epochs", "3", "--quiet", "--out", "s.cnn"]) == 0
    assert "no better than" in capsys.readouterr().out


@pytest.mark.parametrize(("target", "lr"), [("price", "1000"), ("kind", "100000")])
def test_training_that_diverged(target, lr, folder, capsys):
    noise().to_csv("noise.csv", index=False)
    base = ["train", "noise.csv", "--target", target, "--inputs", "a,b,c", "--lr", lr, "--epochs", "3", "--quiet"]
    said = refused(capsys, 1, *base)
    assert "nothing is saved" in said and f"a smaller --lr than {float(lr):g}" in said


def test_a_good_network_has_no_doubts(folder, capsys):
    frame = noise()
    frame["price"] = 1000 + 7 * frame["a"]
    frame.to_csv("good.csv", index=False)
    found = in_json(capsys, "train", "good.csv", "--target", "price", "--drop", "kind")
    assert found["figures"]["r2"] > 0.9 and not any("no better" in note for note in found["notes"])
    frame.to_csv("all.csv", index=False)
    in_json(capsys, "train", "good.csv", "--target", "price", "--drop", "kind", "--validation-data", "all.csv")
    told = json.loads(cnn.load("model.cnn").metadata["trained_with"])["figures"]
    judged = in_json(capsys, "evaluate", "model.cnn", "all.csv")
    assert all(judged[name] == pytest.approx(value, rel=1e-6) for name, value in told.items())  # as it is saved


# ---- Words


def test_few_rows(folder, capsys):
    frame = noise(150)
    frame["kind"] = np.where(np.arange(150) < 6, "rare", frame["kind"])
    frame.to_csv("rare.csv", index=False)
    notes = in_json(capsys, "train", "rare.csv", "--target", "kind", "--epochs", "1")["notes"]
    assert any("'rare' (6)" in note and "fewer than 10 rows" in note for note in notes)
    frame[:12].to_csv("few.csv", index=False)
    notes = in_json(capsys, "train", "few.csv", "--target", "price", "--regress", "--epochs", "1")["notes"]
    assert any("12 rows in all" in note for note in notes)


def test_singular_and_plural(folder, capsys):
    assert main(["train", "good.csv", "--target", "price", "--inputs", "size", "--epochs", "1"]) == 0
    out = capsys.readouterr().out
    assert "; 1 column; target" in out and "\n1 epoch in" in out
    assert "cnn evaluate model.cnn new.csv" in out and "cnn predict model.cnn new.csv" in out
    assert "--inputs has 'price', which is the target" in refused(
        capsys, 1, "train", "good.csv", "--target", "price", "--inputs", "price,size"
    )


def test_learning_rates_that_are_no_numbers(folder, capsys):
    for text in ("inf", "-inf", "1e999"):
        said = refused(capsys, 2, "train", "good.csv", "--target", "price", f"--lr={text}")
        assert f"--lr: '{text}' is not a finite number" in said


def test_help_of_train_lists_what_there_is(capsys):
    assert main(["train", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    names = [*cnn._core.ACTIVATIONS, *cnn._core.OPTIMIZERS, "cross_entropy", "binary_cross_entropy", "mse", "quantile"]
    assert all(re.search(rf"\b{name}\b", out) for name in names)
    assert "3e-3 below 10,000 rows, else 1e-3" in out and "16 below 500 rows" in out


# ---- Rows without a target


def test_rows_without_a_target(folder, capsys):
    frame = noise(60)
    frame["price"] = 3 * frame["a"] + 1
    frame.loc[[4, 9, 20], "price"] = None
    frame.to_csv("gaps.csv", index=False)
    base = ["train", "gaps.csv", "--target", "price", "--drop", "kind"]
    said = refused(capsys, 1, *base)
    assert "--skip-blank-targets" in said and "line 6" in said
    found = in_json(capsys, *base, "--skip-blank-targets", "--validation-data", "gaps.csv", "--epochs", "5")
    assert (found["rows"], found["validation_rows"]) == (57, 57)
    assert any("3 rows without a target are left out" in note for note in found["notes"])
    frame.dropna().to_csv("whole.csv", index=False)
    judged = in_json(capsys, "evaluate", "model.cnn", "whole.csv")
    assert judged["rows"] == 57 and judged["r2"] == pytest.approx(found["figures"]["r2"], abs=1e-6)
    X = frame[["a", "b", "c"]].to_numpy()
    np.savez("gaps.npz", X=X, y=frame["price"].to_numpy(float))
    found = in_json(capsys, "train", "gaps.npz", "--skip-blank-targets", "--epochs", "1")
    assert found["rows"] + found["validation_rows"] == 57
    assert any("3 rows without" in note for note in found["notes"])
    assert "row 4" in refused(capsys, 1, "train", "gaps.npz", "--epochs", "1")
    assert main(["predict", "model.cnn", "gaps.npz"]) == 0  # which needs no target
    said = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert len(said) == 60
