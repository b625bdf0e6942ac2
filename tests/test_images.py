"""Pictures: folders with a class each, what can be wrong with them, and the command line from pictures to answers."""

import csv
import io
import json
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

import cnn
from cnn.cli import main
from cnn.data import ImagePreprocessing, read_idx, read_images, read_npz
from cnn.data.images import ENDINGS

Image = pytest.importorskip("PIL.Image")
R = np.random.default_rng(5)
needs_convolutions = pytest.mark.skipif(not hasattr(cnn, "Conv2D"), reason="the default network is convolutional")


def save(path, pixels, **options):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)


def stripes(down, n=1, size=(10, 12), channels=3):
    """Pictures of one class: stripes that run down, or across, in some colours and noise."""
    y, x = np.mgrid[: size[0], : size[1]]
    wave = 110 + 90 * np.sign(np.sin((x if down else y) * 1.3 + R.uniform(0, 6, (n, 1, 1))))
    pixels = wave[..., None] * R.uniform(0.6, 1, (n, 1, 1, channels)) + R.normal(0, 12, (n, *size, channels))
    return np.clip(pixels, 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """root/{across,down}/NN.png, 40 of each."""
    monkeypatch.chdir(tmp_path)
    for name in ("down", "across"):
        for i, pixels in enumerate(stripes(name == "down", 40)):
            save(f"root/{name}/{i:02}.png", pixels)
    return Path("root")


# ---- Reading


def test_a_folder(folder):
    X, y, classes = read_images(folder)
    assert X.shape == (80, 3, 10, 12) and X.dtype == np.uint8 and classes == ["across", "down"]
    assert y.dtype == np.int64 and y.tolist() == [0] * 40 + [1] * 40
    for at, name in ((3, "across/03.png"), (79, "down/39.png")):
        np.testing.assert_array_equal(X[at], np.moveaxis(np.asarray(Image.open(folder / name)), -1, 0))


def test_what_is_left_alone_and_order(tmp_path):
    for name in ("b/2.png", "b/10.png", "b/sub/1.PNG", "a/x.bmp", ".hidden/1.png", "__MACOSX/1.png", "b/.1.png"):
        save(tmp_path / name, np.full((2, 3), len(name)))
    (tmp_path / "a/Thumbs.db").write_bytes(b"x")
    (tmp_path / "readme.txt").write_text("x")
    save(tmp_path / "sample.png", np.zeros((5, 5)))
    X, y, classes = read_images(tmp_path)
    assert classes == ["a", "b"] and y.tolist() == [0, 1, 1, 1]
    assert X[:, 0, 0, 0].tolist() == [len(n) for n in ("a/x.bmp", "b/10.png", "b/2.png", "b/sub/1.PNG")]


def test_modes(tmp_path):
    gray = R.integers(0, 256, (4, 6), np.uint8)
    colour = R.integers(0, 256, (4, 6, 3), np.uint8)
    save(tmp_path / "g/a/1.png", gray)
    Image.fromarray(gray).convert("1", dither=0).save(tmp_path / "g/a/2.png")
    Image.fromarray((gray.astype(np.uint16) << 8) | 7).save(tmp_path / "g/a/3.png")  # 16 bits
    palette = Image.fromarray(gray).convert("P")
    palette.save(tmp_path / "g/a/4.png")
    X = read_images(tmp_path / "g")[0]
    assert X.shape == (4, 1, 4, 6)
    for i in (0, 2, 3):
        np.testing.assert_array_equal(X[i, 0], gray)
    np.testing.assert_array_equal(X[1, 0], np.where(gray > 127, 255, 0))
    assert (read_images(tmp_path / "g", mode="RGB")[0] == X).all()  # three times the same
    save(tmp_path / "g/a/5.png", colour)
    Image.fromarray(np.dstack([colour, np.full((4, 6), 9, np.uint8)])).save(
        tmp_path / "g/a/6.png"
    )  # nearly transparent
    X = read_images(tmp_path / "g")[0]
    assert X.shape == (6, 3, 4, 6)
    for i in (4, 5):
        np.testing.assert_array_equal(X[i], np.moveaxis(colour, -1, 0))
    grayed = read_images(tmp_path / "g", mode="gray")[0][4, 0]
    assert np.abs(grayed - colour @ [0.299, 0.587, 0.114]).max() <= 1


def test_sizes(tmp_path):
    save(tmp_path / "a/1.png", np.full((8, 4), 200))
    save(tmp_path / "a/2.png", np.full((6, 6), 100))
    with pytest.raises(ValueError, match=r"2.png' is 6 x 6 pixels and .*1.png' 4 x 8: give size=\(height, width\)"):
        read_images(tmp_path)
    for size, wanted in ((5, (5, 5)), ((3, 7), (3, 7))):
        X = read_images(tmp_path, size=size)[0]
        assert X.shape == (2, 1, *wanted) and (X[0] == 200).all() and (X[1] == 100).all()
    ramp = np.linspace(0, 255, 64).astype(np.uint8)[None].repeat(8, axis=0)
    save(tmp_path / "b/1.png", ramp)
    small = read_images(tmp_path, size=(4, 8))[0][2, 0].astype(float)
    np.testing.assert_allclose(small[:, 1:-1], ramp.reshape(8, 8, 8).mean(axis=2)[:4, 1:-1], atol=2)


def test_many_pictures_are_a_memory_map(folder, monkeypatch):
    from cnn.data import images, rows

    X = read_images(folder)[0]
    monkeypatch.setattr(rows, "SPILL", 5000)
    monkeypatch.setattr(images, "_CHUNK", 1000)
    again = read_images(folder)[0]
    assert isinstance(again, np.memmap)
    np.testing.assert_array_equal(again, X)


def test_what_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    save("loose/1.png", np.zeros((2, 2)))
    save("loose/2.png", np.zeros((2, 2)))
    save("split/train/a/1.png", np.zeros((2, 2)))
    save("split/test/a/1.png", np.zeros((2, 2)))
    save("hollow/a/1.png", np.zeros((2, 2)))
    (tmp_path / "hollow/b").mkdir()
    save("texts/a/1.png", np.zeros((2, 2)))
    (tmp_path / "texts/b").mkdir()
    (tmp_path / "texts/b/1.txt").write_text("x")
    save("bad/a/1.png", R.integers(0, 256, (40, 40)))
    (tmp_path / "bad/a/2.png").write_bytes(b"no picture at all")
    save("cut/a/1.png", R.integers(0, 256, (40, 40)))
    whole = (tmp_path / "cut/a/1.png").read_bytes()
    (tmp_path / "cut/a/2.png").write_bytes(whole[: len(whole) // 2])
    save("cutjpg/a/1.jpg", R.integers(0, 256, (40, 40)))
    whole = (tmp_path / "cutjpg/a/1.jpg").read_bytes()
    (tmp_path / "cutjpg/a/1.jpg").write_bytes(whole[: len(whole) // 2])
    os.makedirs("deep/a")
    Image.fromarray(np.full((2, 2), 70000, np.int32)).save("deep/a/1.tif")
    Image.fromarray(np.full((2, 2), 0.5, np.float32)).save("deep/a/0.tif")
    cases = [
        ("nowhere", "cannot read 'nowhere': no such file or directory"),
        ("file", "it is a file; expected a folder with a folder for each class"),
        ("empty", "'empty' has no folders of pictures: expected a folder for each class, as in"),
        ("loose", "'loose' has 2 pictures, but no folders: expected a folder for each class"),
        ("split", "'split' has the folders test, train, which are no classes: give one of them"),
        ("hollow", r"hollow.b' has no pictures: each class needs some"),
        ("texts", r"texts.b' has no pictures \(of its 1 files none ends in .png"),
        ("bad", r"bad.a.2.png' is no picture, or a damaged one"),
        ("cut", r"cut.a.2.png' is a damaged picture"),
        ("cutjpg", r"cutjpg.a.1.jpg' is a damaged picture"),
        ("deep", r"deep.a.0.tif' holds fractions"),
    ]
    for name, sentence in cases:
        with pytest.raises((ValueError, OSError), match=sentence):
            read_images(name)
    os.remove("deep/a/0.tif")
    with pytest.raises(ValueError, match="holds numbers beyond 16 bits"):
        read_images("deep")
    for options, sentence in (
        ({"size": 0}, "size"),
        ({"size": (1, 2, 3)}, r"one number, or \(height, width\)"),
        ({"mode": "CMYK"}, "mode 'CMYK' is not known"),
    ):
        with pytest.raises(ValueError, match=sentence):
            read_images("cut", **options)


def test_without_pillow(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pictures need Pillow: pip install cnn\[images\]"):
        read_images(folder)


def test_an_axis_of_channels(tmp_path):
    images, labels = R.integers(0, 256, (5, 4, 3), np.uint8), np.arange(5, dtype=np.uint8)
    for array, name in ((images, "images"), (labels, "labels")):
        head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        (tmp_path / name).write_bytes(head + array.tobytes())
    found = read_idx(tmp_path / "images", channels=True)
    assert found.shape == (5, 1, 4, 3) and isinstance(found, np.memmap)
    np.testing.assert_array_equal(found[:, 0], images)
    with pytest.raises(ValueError, match=r"'labels' has the shape \(5,\); images are \(n, height, width\)"):
        read_idx(tmp_path / "labels", channels=True)
    np.savez(tmp_path / "a.npz", X=images, y=labels)
    stored = read_npz(tmp_path / "a.npz", channels=True)
    assert stored["X"].shape == (5, 1, 4, 3) and stored["y"].shape == (5,)
    assert read_npz(tmp_path / "a.npz")["X"].shape == (5, 4, 3)


# ---- A network that takes pictures


def network(shape=(3, 10, 12), classes=2):
    layers = [cnn.Input(shape), cnn.Rescale(1 / 255), cnn.Flatten(), cnn.Dense(16, activation="relu")]
    return cnn.Network([*layers, cnn.Dense(classes, activation="softmax")], seed=0)


def test_a_network_takes_pictures(folder, tmp_path):
    net = network()
    net.preprocessing = ImagePreprocessing((10, 12), "RGB", ["across", "down"])
    X, y, _ = read_images(folder)
    history = net.fit(folder, epochs=3, verbose=0, validation_data=str(folder))
    other = network()
    other.fit(X, y, epochs=3, verbose=0)
    np.testing.assert_array_equal(net.predict(folder), other.predict(X))
    assert len(history.history["val_loss"]) == 3
    assert net.evaluate(folder) == other.evaluate(X, y)
    net.save(tmp_path / "m.cnn")
    net = cnn.load(tmp_path / "m.cnn")
    assert net.preprocessing == ImagePreprocessing((10, 12), "RGB", ["across", "down"])
    paths = [folder / "down/01.png", folder / "across/02.png"]
    wanted = other.predict(X[[41, 2]])
    np.testing.assert_array_equal(net.predict(paths), wanted)
    np.testing.assert_array_equal(net.predict([Image.open(p) for p in paths]), wanted)
    np.testing.assert_allclose(net.predict(paths[0]), wanted[:1], rtol=1e-5)
    assert net.classify(paths).tolist() == [["across", "down"][i] for i in wanted.argmax(axis=1)]
    assert net.classify(str(paths[0])).tolist() == net.classify(Image.open(paths[0])).tolist()
    save("large.png", stripes(True, size=(100, 120))[0])
    assert net.predict("large.png").shape == (1, 2)
    np.testing.assert_array_equal(net.predict(X), other.predict(X))


def test_what_a_network_of_pictures_refuses(folder):
    net = network()
    net.preprocessing = ImagePreprocessing((10, 12), "RGB", ["across", "down"])
    save("new/none/1.png", np.zeros((10, 12, 3)))
    os.mkdir("void")
    for X, sentence in (
        ("nowhere.png", "cannot read 'nowhere.png': No such file"),
        ("void", "'void' has no pictures"),
    ):
        with pytest.raises((ValueError, OSError), match=sentence):
            net.predict(X)
    with pytest.raises(
        ValueError, match=r"new.none': 'none' is a class that the network does not know; known: 'across', 'down'"
    ):
        net.evaluate("new")
    with pytest.raises(ValueError, match="of pictures in a list no class is known; pass y"):
        net.fit(["root/down/01.png"], verbose=0)
    with pytest.raises(ValueError, match=r"this is not what ImagePreprocessing\.to_json gives"):
        ImagePreprocessing.from_json({"format": "cnn.data.ImagePreprocessing", "version": 1})
    with pytest.raises(TypeError, match="size and mode cannot be None"):
        ImagePreprocessing(None)


# ---- The command line


def in_json(capsys, *arguments):
    code = main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


def refused(capsys, code, *arguments):
    assert main([*map(str, arguments)]) == code
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("cnn: error: ")
    return captured.err


def test_from_a_folder_to_answers(folder, capsys):
    told = in_json(capsys, "train", folder, "--hidden", "32", "--epochs", 60, "--augment", "flip=both,shift=1,noise=5")
    assert told["classes"] == ["across", "down"] and told["rows"] == 64 and told["validation_rows"] == 16
    assert told["figures"]["accuracy"] >= 0.9, told["figures"]
    assert told["settings"]["augment"] == "flip=both,shift=1,noise=5" and told["data"] == "root"
    assert main(["predict", "model.cnn", "root/down/00.png"]) == 0
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        ["file", "prediction"],
        ["root/down/00.png", "down"],
    ]
    said = in_json(capsys, "predict", "model.cnn", folder, "--probabilities")
    assert said["rows"] == 80 and said["files"][41] == os.path.join("root", "down", "01.png")
    X, y, classes = read_images(folder)
    net = cnn.load("model.cnn")
    assert net.preprocessing == ImagePreprocessing((10, 12), "RGB", classes)
    np.testing.assert_allclose(said["probabilities"], net.predict(X), rtol=1e-6)
    assert said["predictions"] == net.classify(X).tolist() == net.classify(folder).tolist()
    assert in_json(capsys, "evaluate", "model.cnn", folder)["accuracy"] == np.mean(net.predict(X).argmax(axis=1) == y)
    assert main(["info", "model.cnn"]) == 0
    assert "pictures, colours; those of other sizes are brought to 12 x 10 pixels" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_single_picture_of_every_kind(ending, folder, capsys):
    net = network()
    net.preprocessing = ImagePreprocessing((10, 12), "RGB", ["across", "down"])
    net.save("model.cnn")
    picture = Image.fromarray(stripes(True)[0])
    picture.convert({".pgm": "L", ".pbm": "1"}.get(ending, "RGB")).save("one" + ending)
    said = in_json(capsys, "predict", "model.cnn", "one" + ending)
    assert said["predictions"] == net.classify("one" + ending).tolist()


def test_augmentation_is_that_of_fit(folder, capsys):
    options = ("train", folder, "--hidden", "8", "--epochs", 2, "--validation", 0)
    in_json(capsys, *options, "--augment", "shift=2,flip=horizontal,rotate=5,scale=0.9:1.1,fill=edge", "--out", "a.cnn")
    net = cnn.load("a.cnn")
    told = json.loads(net.metadata["trained_with"])["settings"]
    layers = [
        cnn.Input((3, 10, 12)),
        cnn.Rescale(1 / 255),
        cnn.Flatten(),
        cnn.Dense(8, activation="relu", l2=told["l2"]),
    ]
    mine = cnn.Network([*layers, cnn.Dense(2, activation="softmax", l2=told["l2"])], seed=0)
    X, y, _ = read_images(folder)
    augment = cnn.data.Augment(shift=2, flip="horizontal", rotate=5, scale=(0.9, 1.1), fill="edge")
    best = cnn.EarlyStopping("loss", restore_best_weights=True)
    mine.fit(
        X,
        y,
        epochs=2,
        batch_size=told["batch_size"],
        optimizer=cnn.Adam(told["lr"]),
        augment=augment,
        verbose=0,
        callbacks=[best],
    )
    for name, value in mine.parameters.items():
        np.testing.assert_array_equal(net.parameters[name], value)


def test_sizes_and_modes_of_a_folder(folder, capsys):
    save("root/down/odd.png", stripes(True, size=(20, 20))[0])
    assert "say --size HEIGHTxWIDTH" in refused(capsys, 1, "train", folder, "--hidden", 4)
    for given, mode, shape in (("8x6", "L", (1, 8, 6)), ("7", "rgb", (3, 7, 7))):
        in_json(capsys, "train", folder, "--size", given, "--mode", mode, "--hidden", 4, "--epochs", 1)
        assert cnn.load("model.cnn").input_shape == shape
    assert in_json(capsys, "evaluate", "model.cnn", folder)["rows"] == 81


def test_validation_data_in_a_folder(folder, capsys):
    for name in ("down", "across"):
        for i, pixels in enumerate(stripes(name == "down", 3)):
            save(f"held/{name}/{i}.png", pixels)
    told = in_json(capsys, "train", folder, "--hidden", 4, "--epochs", 1, "--validation-data", "held")
    assert told["rows"] == 80 and told["validation_rows"] == 6
    np.savez("held.npz", X=np.zeros((3, 3, 10, 12)), y=np.arange(3))
    said = refused(capsys, 1, "train", folder, "--hidden", 4, "--validation-data", "held.npz")
    assert "'held.npz' is an NPZ file, and the network was trained on a folder of pictures" in said


@pytest.mark.parametrize("layout", ["(n, h, w)", "(n, c, h, w)", "(n, h, w, c)"])
def test_images_of_arrays(layout, folder, capsys):
    X, y, _ = read_images(folder)
    one = layout == "(n, h, w)"
    stored = X[:, 0] if one else np.moveaxis(X, 1, -1) if layout == "(n, h, w, c)" else X
    np.savez("a.npz", X=stored, y=np.array(["across", "down"])[y])
    told = in_json(capsys, "train", "--image", "a.npz", "--hidden", "16", "--epochs", 30)
    net = cnn.load("model.cnn")
    shape = (1, 10, 12) if one else (3, 10, 12)
    assert net.input_shape == shape and told["classes"] == ["across", "down"]
    assert any("channels" in note for note in told["notes"]) == (layout == "(n, h, w, c)")
    wanted = net.predict(X[:, :1] if one else X)
    said = in_json(capsys, "predict", "model.cnn", "a.npz", "--probabilities")
    np.testing.assert_allclose(said["probabilities"], wanted, rtol=1e-6)
    assert in_json(capsys, "evaluate", "model.cnn", "a.npz")["accuracy"] == np.mean(wanted.argmax(axis=1) == y)
    assert in_json(capsys, "predict", "model.cnn", "root/down/00.png")["rows"] == 1


def test_images_of_idx_files(folder, capsys):
    X, y = cnn.datasets.digits(flat=False)
    for array, name in ((X, "train-images-idx3-ubyte"), (y.astype(np.uint8), "train-labels-idx1-ubyte")):
        Path(name).write_bytes(
            bytes([0, 0, 8, array.ndim])
            + struct.pack(f">{array.ndim}I", *array.shape)
            + array.astype(np.uint8).tobytes()
        )
    told = in_json(
        capsys, "train", "--image", "train-images-idx3-ubyte", "--hidden", "32", "--epochs", 15, "--augment", "shift=1"
    )
    assert told["figures"]["accuracy"] > 0.85
    assert cnn.load("model.cnn").input_shape == (1, 8, 8)
    # 0 to 16 is no picture's range: what a file's 0 to 255 would mean is not known
    assert cnn.load("model.cnn").preprocessing is None
    assert in_json(capsys, "evaluate", "model.cnn", "train-images-idx3-ubyte")["accuracy"] > 0.85
    assert "is a PNG picture" in refused(capsys, 1, "predict", "model.cnn", "root/down/00.png")


def test_what_the_command_line_refuses(folder, capsys):
    Path("a.csv").write_text("a,b\n1,2\n3,4\n")
    np.savez("flat.npz", X=np.zeros((20, 49), np.uint8), y=np.arange(20) % 2)
    save("one/a/1.png", np.zeros((4, 4)))
    cases = [
        (2, ["train", "--image", "a.csv", "--target", "b"], "--image goes with a folder of pictures"),
        (2, ["train", "a.csv", "--target", "b", "--augment", "shift=1"], "--augment goes with images; say --image"),
        (2, ["train", "a.csv", "--target", "b", "--size", "4"], "--size goes with a folder of pictures"),
        (2, ["train", "a.csv", "--target", "b", "--mode", "L"], "--mode goes with a folder of pictures"),
        (
            2,
            ["train", folder, "--target", "b"],
            "--target: 'root' is a folder of pictures, whose folders are the classes",
        ),
        (2, ["train", folder, "--regress"], "--regress: 'root' is a folder of pictures"),
        (2, ["train", folder, "--size", "4x5x6"], "'4x5x6' is no size"),
        (2, ["train", folder, "--mode", "CMYK"], "mode 'CMYK' is not known"),
        (2, ["train", folder, "--augment", "flip"], "--augment: 'flip' is no option and its value"),
        (2, ["train", folder, "--augment", "flip=up"], "--augment: flip 'up' is not known"),
        (2, ["train", folder, "--augment", "zoom=1"], "--augment: Augment has no argument 'zoom'"),
        (2, ["train", folder, "--search", "3"], "--search tries dense networks"),
        (1, ["train", "one"], "'one' has pictures of one class, 'a'"),
        (
            1,
            ["train", "--image", "flat.npz"],
            "images are (n, height, width) or (n, channels, height, width); where they are 7 x 7",
        ),
    ]
    for code, arguments, sentence in cases:
        assert sentence in refused(capsys, code, *arguments)
    assert main(["train", str(folder), "--hidden", "4", "--augment", "shift=20"]) == 1
    assert "shift and crop move images by up to 20 + 0 pixels down" in capsys.readouterr().err
    assert not os.path.exists("model.cnn")
    in_json(capsys, "train", folder, "--hidden", 4, "--epochs", 1)
    Path("root/down/01.png").write_bytes(b"x")
    assert "01.png' is no picture, or a damaged one" in refused(capsys, 1, "predict", "model.cnn", folder)
    assert "is one picture; give a folder" in refused(capsys, 1, "evaluate", "model.cnn", "root/down/00.png")
    in_json(capsys, "train", "a.csv", "--target", "b", "--out", "t.cnn", "--epochs", 1, "--validation", 0)
    assert "is a folder, and the network takes no pictures" in refused(capsys, 1, "predict", "t.cnn", folder)


# ---- The default network


@needs_convolutions
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 100, 60), (3, 7, 224)])
@pytest.mark.parametrize("rows", [100, 50_000])
def test_the_default_network_of_any_size(shape, rows):
    from cnn.cli.images import convolutional

    layers = convolutional(shape, rows, dropout=0.2)
    net = cnn.Network([cnn.Input(shape), cnn.Rescale(1 / 255), *layers, cnn.Dense(3, activation="softmax")], seed=0)
    assert net.predict(R.integers(0, 256, (2, *shape), np.uint8)).shape == (2, 3)
    assert net.count_parameters() < 1_000_000
    assert layers[0].filters == (16 if rows == 100 else 32)


@needs_convolutions
def test_a_convolutional_network_of_a_folder(folder, capsys):
    told = in_json(capsys, "train", "--image", folder, "--epochs", 12, "--augment", "crop=1")
    assert told["settings"]["network"] == "convolutional" and "hidden" not in told["settings"]
    assert told["settings"]["schedule"] == "one_cycle" and told["epochs"] == 12
    rates = told["history"]["lr"]
    assert max(rates) == pytest.approx(3e-3, rel=0.1) and rates[-1] < 3e-4 and rates[0] < 1e-3
    assert cnn.load("model.cnn").optimizer.lr == 3e-3
    assert told["figures"]["accuracy"] >= 0.9, told["figures"]
    assert in_json(capsys, "predict", "model.cnn", "root/down/00.png")["predictions"] == ["down"]
    assert in_json(capsys, "evaluate", "model.cnn", folder)["accuracy"] >= 0.9
