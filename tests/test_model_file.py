"""The model file: read by a parser written from docs/format.md alone; files of other tools; writing, and what ends it."""

import contextlib
import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_files import (
    POSIX,
    checksum,
    every_layer,
    functions,
    inputs_of_every_layer,
    parse,
    refused,
    saved,
    sentence,
    small,
)

import cnn
from cnn import _core


@pytest.mark.parametrize(
    ("data", "seed", "expected"),
    [
        (b"", 0, 0x2D7390D4A8B433AB),
        (b"abc", 0, 0x0591D14781DBBE42),
        (b"abc", 1, 0x18DD154B1FB1D730),
        (bytes(range(100)), 7, 0x95B1E2FE80026989),
    ],
)
def test_the_checksum_of_this_test(data, seed, expected):
    assert checksum(data, seed) == expected


def same(a, b):
    assert list(a.parameters) == list(b.parameters) and list(a.buffers) == list(b.buffers)
    assert a._arena() == b._arena()
    assert (a.seed, a.dtype) == (b.seed, b.dtype)
    assert a._nodes() == b._nodes() and a._blocks() == b._blocks()


def test_the_network_of_these_tests_has_every_layer():
    assert {node["op"] for node in every_layer("float32")._nodes()} == set(_core.OPS)


def test_every_layer_survives(tmp_path, dtype, isa):
    net = every_layer(dtype)
    net.layer("first").lr_scale = 0.5
    file = saved(net, tmp_path / "a.cnn")
    other = cnn.load(tmp_path / "a.cnn", functions=functions())
    same(net, other)
    assert [repr(a) for a in net.layers][:3] == [repr(b) for b in other.layers][:3]
    x = inputs_of_every_layer()
    for a, b in zip(net.predict(x), other.predict(x), strict=True):
        np.testing.assert_array_equal(a, b)
    assert other.layer("shared").parameters["weight"] is not None
    assert saved(other, tmp_path / "b.cnn") == file


def test_an_independent_parser_agrees(tmp_path, dtype):
    net = every_layer(dtype)
    net.layer("first").lr_scale = 0.5
    net.metadata.update({"note": 'quotes " and \\ and \x01\n', "größe": "µ🙂\x7f", "empty": ""})
    record, arrays, metadata = parse(saved(net, tmp_path / "a.cnn"))
    assert (record.kind, record.seed, record.dtype) == (1, net.seed, int(dtype == "float64"))
    assert record.writer == _core.version()[0] << 16 | _core.version()[1] << 8 | _core.version()[2]
    assert {key: metadata[key] for key in net.metadata} == net.metadata
    for name, value in {**net.parameters, **net.buffers}.items():
        np.testing.assert_array_equal(arrays[name], value)
    blocks = {b["name"]: b for b in record.blocks}
    assert blocks["shared.weight"] | {"l1": 1e-3, "l2": 0.1, "max_norm": 2.5} == blocks["shared.weight"]
    assert blocks["first.weight"]["lr_scale"] == 0.5
    assert [n["op"] for n in record.nodes] == [n["op"] for n in net._nodes()]
    architecture = json.loads(metadata["cnn.architecture"])
    assert [n["attributes"]["name"] for n in architecture["nodes"]] == [n["name"] for n in net._nodes()]
    assert architecture["outputs"] == net._outputs


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_training_state_is_in_the_file(tmp_path, optimizer, dtype):
    net = small(dtype)
    options = {"momentum": 0.9} if optimizer == "SGD" else {}
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    net.fit(x, y, epochs=2, verbose=0, optimizer=getattr(cnn, optimizer)(**options))
    record, arrays, _ = parse(saved(net, tmp_path / "a.cnn", training_state=True))
    assert record.n_extras > 0 and all(e["name"].startswith("__") for e in record.extras)
    assert any(arrays[e["name"]].any() for e in record.extras)
    record, _, metadata = parse(saved(net, tmp_path / "b.cnn"))
    assert record.n_extras == 0
    assert json.loads(metadata["history"]) and json.loads(metadata["optimizer"])["name"] == optimizer.lower()


@pytest.mark.parametrize("way", ["file", "copy", "pickle", "larger batches", "threads"])
def test_steps_go_on_with_their_random_numbers(tmp_path, way):
    """Steps one by one, with dropout: what has been saved, copied, or made anew for larger batches draws the masks that would have come."""
    random_ = np.random.default_rng(0)
    x, y = random_.normal(size=(6, 9, 8)), random_.normal(size=(6, 9, 2))

    def begun():
        net = cnn.Network([cnn.Input((8,)), cnn.Dense(20), cnn.Dropout(0.5), cnn.Dense(2)], seed=3)
        for i in range(3):
            net.partial_fit(x[i], y[i], optimizer="adam" if i == 0 else None)
        return net

    whole = net = begun()
    if way == "file":
        net.save(tmp_path / "a.cnn", training_state=True)
        whole, net = begun(), cnn.load(tmp_path / "a.cnn")
    elif way in ("copy", "pickle"):
        net = net.copy() if way == "copy" else pickle.loads(pickle.dumps(net))
    else:
        whole, net = begun(), begun()
    if way == "larger batches":
        net.forward(np.zeros((200, 8)))
    for i in range(3, 6):
        whole.partial_fit(x[i], y[i])
    with cnn.threads(2) if way == "threads" else contextlib.nullcontext():
        for i in range(3, 6):
            net.partial_fit(x[i], y[i])
    assert whole._arena() == net._arena()


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
            lambda k: k != "format" and not k.startswith("cnn.") and k not in cnn.io.native.OURS
        ),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        max_size=6,
    )
)
def test_any_metadata_survive(notes):
    net = small()
    net.metadata = notes
    path = Path(tempfile.gettempdir()) / f"cnn-notes-{os.getpid()}.cnn"
    try:
        _, _, metadata = parse(saved(net, path))
        assert cnn.load(path).metadata == notes == {k: metadata[k] for k in notes}
    finally:
        path.unlink(missing_ok=True)


def test_choices_survive(tmp_path):
    net = small()
    net.classes = ["Katze", "犬"]
    net.preprocessing = {"columns": ["a", "b"], "scale": [0.1, 1e-300]}
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    chosen = {"loss": cnn.losses.CrossEntropy(0.1), "optimizer": cnn.Adam(cnn.schedules.Cosine(0.1, epochs=4))}
    net.fit(x, y, epochs=2, metrics=["accuracy", cnn.metrics.TopKAccuracy(2)], verbose=0, **chosen)
    net.save(tmp_path / "a.cnn")
    other = cnn.load(tmp_path / "a.cnn")
    for name in ("classes", "preprocessing", "loss", "metadata"):
        assert getattr(other, name) == getattr(net, name)
    assert repr(other.optimizer) == repr(net.optimizer) and repr(other.metrics) == repr(net.metrics)
    assert other.history.history == net.history.history
    assert other.evaluate(x, y) == net.evaluate(x, y)


@pytest.mark.parametrize(
    ("attribute", "value", "error"),
    [
        ("metadata", {"a": 1}, TypeError),
        ("metadata", {1: "a"}, TypeError),
        ("metadata", {"": "a"}, ValueError),
        ("metadata", {"format": "a"}, ValueError),
        ("metadata", {"cnn.x": "a"}, ValueError),
        ("metadata", {"a": "b\0c"}, ValueError),
        ("metadata", {"a\0": "b"}, ValueError),
        ("metadata", {"a": "\ud800"}, ValueError),
        ("metadata", {"loss": "a"}, ValueError),
        ("preprocessing", {1, 2}, TypeError),
    ],
)
def test_what_cannot_be_saved(tmp_path, attribute, value, error):
    net = small()
    old = saved(net, tmp_path / "a.cnn")
    setattr(net, attribute, value)
    with pytest.raises(error) as caught:
        net.save(tmp_path / "a.cnn")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert (tmp_path / "a.cnn").read_bytes() == old
    assert os.listdir(tmp_path) == ["a.cnn"]


def test_function_layers(tmp_path):
    net = every_layer("float64")
    x = inputs_of_every_layer()
    net.save(tmp_path / "a.cnn")
    other = cnn.load(tmp_path / "a.cnn")
    with pytest.raises((RuntimeError, ValueError), match="functions="):
        other.predict(x)
    same(net, other)
    with pytest.raises(ValueError, match="twicee"):
        cnn.load(tmp_path / "a.cnn", functions={"twicee": functions()["twice"]})
    both = cnn.load(tmp_path / "a.cnn", functions=functions())
    np.testing.assert_array_equal(both.layer("gain").parameters["gain"], [1, 2, 3])
    np.testing.assert_array_equal(both.predict(x)[0], net.predict(x)[0])


# ---- Other readers and writers of safetensors -----------------------------------------------------------------------


def test_safetensors_reads_it(tmp_path, dtype):
    safetensors = pytest.importorskip("safetensors")
    from safetensors.numpy import load_file

    net = every_layer(dtype)
    net.metadata["note"] = "größe"
    net.save(tmp_path / "a.cnn")
    tensors = load_file(tmp_path / "a.cnn")
    assert set(tensors) == {"__cnn__", *net.parameters, *net.buffers}
    for name, value in {**net.parameters, **net.buffers}.items():
        assert tensors[name].dtype == value.dtype
        np.testing.assert_array_equal(tensors[name], value)
    with safetensors.safe_open(tmp_path / "a.cnn", framework="numpy") as file:
        metadata = file.metadata()
    assert metadata["format"] == "cnn" and metadata["note"] == "größe"
    assert json.loads(metadata["cnn.architecture"])["dtype"] == dtype


def rewritten(source, path, change=lambda tensors: None):
    """By the safetensors library: another header, the tensors in another order."""
    safetensors = pytest.importorskip("safetensors")
    from safetensors.numpy import load_file, save_file

    with safetensors.safe_open(source, framework="numpy") as file:
        metadata = file.metadata()
    tensors = load_file(source)
    change(tensors)
    save_file(tensors, path, metadata=metadata)


def test_a_rewritten_file_loads(tmp_path, dtype):
    net = every_layer(dtype)
    net.metadata["note"] = "größe"
    net.classes = ["a", "b"]
    old = saved(net, tmp_path / "a.cnn")
    rewritten(tmp_path / "a.cnn", tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() != old
    other = cnn.load(tmp_path / "b.safetensors", functions=functions())
    same(net, other)
    assert (other.metadata, other.classes) == (net.metadata, net.classes)
    assert saved(other, tmp_path / "c.cnn") == old


def test_a_rewritten_file_with_other_values_and_state(tmp_path):
    net = small()
    net.partial_fit(np.ones((2, 3)), [0, 1], optimizer="adam")
    net.save(tmp_path / "a.cnn", training_state=True)

    def change(tensors):
        tensors["dense_1.bias"] = np.full(4, 7, np.float32)

    rewritten(tmp_path / "a.cnn", tmp_path / "b.cnn", change)
    other = cnn.load(tmp_path / "b.cnn")
    assert (other.parameters["dense_1.bias"] == 7).all()
    other.layer("dense_1").parameters["bias"][...] = net.parameters["dense_1.bias"]
    for n in (net, other):
        n.partial_fit(np.ones((2, 3)), [0, 1])
    same(net, other)


@pytest.mark.parametrize("name", ["dense_1.weight", "dense_2.bias"])
@pytest.mark.parametrize("what", ["missing", "shape", "record", "integers"])
def test_a_rewritten_file_that_does_not_fit(tmp_path, name, what):
    def change(tensors):
        if what == "record":
            del tensors["__cnn__"]
        elif what == "missing":
            del tensors[name]
        elif what == "shape":
            tensors[name] = np.zeros((1, 1), np.float32)
        else:
            tensors[name] = np.zeros(tensors[name].shape, np.complex64).real.astype(np.int8)

    small().save(tmp_path / "a.cnn")
    rewritten(tmp_path / "a.cnn", tmp_path / "b.cnn", change)
    if what == "integers":  # values are values
        assert not cnn.load(tmp_path / "b.cnn").parameters[name].any()
        return
    refused(tmp_path / "b.cnn", match="__cnn__" if what == "record" else re.escape(name))


# ---- Writing --------------------------------------------------------------------------------------------------------


def test_paths_that_cannot_be_written(tmp_path):
    net = small()
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text")
    cases = [
        (tmp_path / "folder", OSError),
        (tmp_path / "no folder" / "a.cnn", FileNotFoundError),
        (tmp_path / "file" / "a.cnn", OSError),
    ]
    for path, error in cases:
        with pytest.raises(error) as caught:
            net.save(path)
        sentence(caught.value, path)
    for wrong, error in ((3, TypeError), (None, TypeError), ("", (ValueError, OSError)), ("a\0b", ValueError)):
        with pytest.raises(error) as caught:
            net.save(wrong)
        assert len(str(caught.value)) < 300
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"] and not os.listdir(tmp_path / "folder")


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    net = small()
    (tmp_path / "locked").mkdir()
    old = saved(net, tmp_path / "locked" / "a.cnn")
    (tmp_path / "locked").chmod(0o500)
    try:
        with pytest.raises(PermissionError) as caught:
            net.save(tmp_path / "locked" / "a.cnn")
        sentence(caught.value, "a.cnn")
    finally:
        (tmp_path / "locked").chmod(0o700)
    assert (tmp_path / "locked" / "a.cnn").read_bytes() == old


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux")
def test_a_full_device(tmp_path):
    device = os.stat("/dev/full")
    (tmp_path / "link.cnn").symlink_to("/dev/full")
    for path in ("/dev/full", tmp_path / "link.cnn"):
        with pytest.raises(OSError, match="no space") as caught:
            small().save(path)
        sentence(caught.value, path)
    assert os.stat("/dev/full") == device or os.stat("/dev/full").st_rdev == device.st_rdev
    small().save("/dev/null")
    assert not Path("/dev/null").is_file()


FULL = """
import os, resource, sys
import cnn
folder = sys.argv[1]
path = os.path.join(folder, "a.cnn")
cnn.Network([3, 4, 2], seed=1).save(path)
old = open(path, "rb").read()
large = cnn.Network([200, 200, 2], seed=2)
for limit in (0, 10, 1000, 5000, 100_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        large.save(path)
    except OSError as error:
        assert "a.cnn" in str(error) and chr(10) not in str(error), error
    else:
        raise SystemExit("saved beyond the limit")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert open(path, "rb").read() == old
    assert os.listdir(folder) == ["a.cnn"], os.listdir(folder)
large.save(path)
assert cnn.load(path).count_parameters() == large.count_parameters()
"""


@POSIX
def test_no_room_for_the_file(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(cnn.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@POSIX
def test_permissions_and_links_stay(tmp_path):
    net = small()
    net.save(tmp_path / "a.cnn")
    (tmp_path / "a.cnn").chmod(0o640)
    net.save(tmp_path / "a.cnn")
    assert (tmp_path / "a.cnn").stat().st_mode & 0o777 == 0o640
    net.save(str(tmp_path / "ünï 🙂.cnn"))
    same(cnn.load(os.fsencode(tmp_path / "ünï 🙂.cnn")), net)
    assert sorted(os.listdir(tmp_path)) == ["a.cnn", "ünï 🙂.cnn"]


SAVING = """
import sys
import cnn
nets = [cnn.Network([30, size, 2], seed=size) for size in (50, 500)]
for i in range(10**9):
    nets[i % 2].save(sys.argv[1])
    if i == 1:
        print("saving", flush=True)
"""


@POSIX
def test_killed_while_saving(tmp_path):
    """Whenever it is killed, the old file or the new one is there."""
    path = tmp_path / "a.cnn"
    expected = {saved(cnn.Network([30, size, 2], seed=size), tmp_path / "expected.cnn") for size in (50, 500)}
    environment = {**os.environ, "PYTHONPATH": str(Path(cnn.__file__).parent.parent)}
    random_ = random.Random(0)
    for _ in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", SAVING, str(path)], env=environment, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout.readline() == b"saving\n"
            time.sleep(random_.uniform(0, 0.03))
            child.send_signal(signal.SIGKILL)
        assert path.read_bytes() in expected
        assert cnn.load(path).predict(np.zeros((1, 30))).shape == (1, 2)
