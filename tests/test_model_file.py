"""The model file: read by a parser written from docs/format.md alone; files of other tools; damaged and hostile ones; crashes."""

import contextlib
import json
import math
import os
import pickle
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cnn
from cnn import _core

HERE = Path(__file__).resolve().parent
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX")
COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

# ---- docs/format.md in Python -------------------------------------------------------------------------------------

MAGIC = b"\x89cnn\r\n\x1a\n"
DTYPES = {0: "F32", 1: "F64", 2: "I32", 3: "I64", 4: "U8", 5: "I8", 6: "U16", 7: "I16", 8: "U32", 9: "U64", 10: "BOOL"}
NUMPY = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2"}
NUMPY |= {"U32": "<u4", "U64": "<u8", "BOOL": "?", "F16": "<f2"}
DTYPES[11] = "F16"
HEAD = struct.Struct("<8sIIQQQQQIIIIIIII")
FIELDS = "magic version kind features length data_sum fingerprint seed dtype writer n_outputs n_nodes n_blocks n_extras n_notes zero"
WORD = (1 << 64) - 1


def checksum(data, seed=0):
    p, q, r = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B, 0xD2E7470EE14C6C93

    def mixed(h, w):
        h ^= w
        return ((h << 29 | h >> 35) * p) & WORD

    n = len(data)
    lanes = [seed ^ (i + 1) for i in range(4)]
    data = bytes(data) + bytes(-n % 32)
    for at in range(0, len(data), 32):
        lanes = [mixed(h, w) for h, w in zip(lanes, struct.unpack_from("<4Q", data, at), strict=True)]
    h = n
    for lane in lanes:
        h = mixed(h, lane)
    h = ((h ^ h >> 32) * q) & WORD
    h = ((h ^ h >> 29) * r) & WORD
    return h ^ h >> 32


def lists():
    """The vocabulary of cnn.h: {"OP": {code: name}, ..., "ATTRIBUTE": {code: (name, type)}}"""
    text = (Path(cnn.get_include()) / "cnn" / "cnn.h").read_text(encoding="utf-8")
    found = {}
    for what, body in re.findall(r"#define CNN_(\w+)_LIST\(X\)((?:.*\\\n)*.*\n)", text):
        rows = re.findall(r"X\((\w+), (\d+), (\w+)(?:, (\w+))?\)", body)
        found[what] = {int(code): (name, kind) if kind else name for _, code, name, kind in rows}
    return found


LISTS = lists()


class Record:
    """The bytes of `__cnn__`, taken apart."""

    def __init__(self, data):
        self.data, self.at = data, HEAD.size
        for name, value in zip(FIELDS.split(), HEAD.unpack_from(data), strict=True):
            setattr(self, name, value)
        self.outputs = [self.take("i") for _ in range(self.n_outputs)]
        self.nodes = [self.node() for _ in range(self.n_nodes)]
        self.graph = data[HEAD.size : self.at]
        self.blocks = [self.block() for _ in range(self.n_blocks)]
        self.extras = [self.tensor() for _ in range(self.n_extras)]
        self.notes = [(self.text(), self.text()) for _ in range(self.n_notes)]
        self.rest = data[self.at : -8]

    def take(self, kind):
        (value,) = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize("<" + kind)
        return value

    def text(self):
        n = self.take("I")
        raw = self.data[self.at : self.at + n]
        self.at += n + 1
        assert self.data[self.at - 1] == 0 and b"\0" not in raw
        return raw.decode()

    def node(self):
        op, n_outputs, inputs = self.take("I"), self.take("I"), [self.take("i") for _ in range(self.take("I"))]
        attributes = {}
        for _ in range(self.take("I")):
            name, kind = LISTS["ATTRIBUTE"][self.take("I")]
            if kind == "list":
                attributes[name] = [self.take("q") for _ in range(self.take("I"))]
            else:
                attributes[name] = self.text() if kind == "text" else self.take("q" if kind == "integer" else "d")
        return {"op": LISTS["OP"][op], "inputs": inputs, "n_outputs": n_outputs, "attributes": attributes}

    def tensor(self):
        name, dtype = self.text(), DTYPES[self.take("I")]
        return {"name": name, "dtype": dtype, "shape": [self.take("Q") for _ in range(self.take("I"))]}

    def block(self):
        found = self.tensor()
        found |= {"kind": ("weight", "buffer", "constant")[self.take("I")], "trainable": bool(self.take("I"))}
        return found | {key: self.take("d") for key in ("lr_scale", "l1", "l2", "max_norm")}

    def architecture(self):
        if self.kind == 2:
            return "{}"
        value, nodes = 0, []
        for node in self.nodes:
            shown = {}
            for key, v in node["attributes"].items():
                names = {"activation": "ACTIVATION", "init": "INIT", "bias_init": "INIT"}.get(key)
                if key == "dtype":
                    v = ("float32", "float64", "int32", "int64")[v]
                elif names:
                    v = LISTS[names][v]
                elif isinstance(v, float):
                    v = str(v) if math.isinf(v) else Number(v)
                shown[key] = v
            outputs = list(range(value, value + node["n_outputs"]))
            value += node["n_outputs"]
            nodes.append({"op": node["op"], "inputs": node["inputs"], "outputs": outputs, "attributes": shown})
        parameters = [{key: b[key] for key in ("name", "kind", "trainable")} for b in self.blocks]
        dtype = ("float32", "float64")[self.dtype]
        return compact({"dtype": dtype, "nodes": nodes, "outputs": self.outputs, "parameters": parameters})

    def header(self):
        notes = {
            "format": "cnn",
            "cnn.version": ".".join(map(str, (self.writer >> 16, self.writer >> 8 & 255, self.writer & 255))),
        }
        entries = {"__metadata__": notes | {"cnn.architecture": self.architecture()} | dict(self.notes)}
        tensors = [{"name": "__cnn__", "dtype": "U8", "shape": [len(self.data)]}]
        for width in (8, 4, 2, 1):
            tensors += [t for t in self.blocks + self.extras if np.dtype(NUMPY[t["dtype"]]).itemsize == width]
        at = 0
        for t in tensors:
            end = at + math.prod(t["shape"]) * np.dtype(NUMPY[t["dtype"]]).itemsize
            entries[t["name"]] = {"dtype": t["dtype"], "shape": t["shape"], "data_offsets": [at, end]}
            at = end
        return compact(entries).encode(), entries


class Number(float):
    """Without a final .0."""

    def __repr__(self):
        return float.__repr__(self).removesuffix(".0")


def compact(value):
    """JSON without white space, escaped as the format says."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(k)}:{compact(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    if isinstance(value, str):
        escape = {"\\": "\\\\", '"': '\\"', **{chr(c): f"\\u{c:04x}" for c in range(32)}}
        return '"' + "".join(escape.get(c, c) for c in value) + '"'
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


def parse(file):
    """(record, {name: array}, metadata) of a file's bytes; asserts all that format.md promises of it."""
    n = int.from_bytes(file[:8], "little")
    header = file[8 : 8 + n]
    start = 8 + n
    assert start % 64 == 0
    entries = json.loads(header)
    begin, end = entries["__cnn__"]["data_offsets"]
    assert begin == 0 and entries["__cnn__"]["dtype"] == "U8" and list(entries)[:2] == ["__metadata__", "__cnn__"]
    record = Record(file[start : start + end])
    assert (record.magic, record.version, record.features, record.zero) == (MAGIC, 1, 0, 0)
    assert record.length == end == len(record.data) and end % 64 == 0
    assert len(record.rest) < 64 and not any(record.rest)
    assert int.from_bytes(record.data[-8:], "little") == checksum(record.data[:-8])
    if record.kind == 1:
        assert record.fingerprint == checksum(record.graph, record.dtype)
    expected, entries = record.header()
    assert header.rstrip(b" ") == expected and n - len(expected) < 64
    metadata = entries.pop("__metadata__")
    data = file[start:]
    assert entries[list(entries)[-1]]["data_offsets"][1] == len(data)
    arrays, total = {}, 0
    for t in record.blocks + record.extras:
        begin, end = entries[t["name"]]["data_offsets"]
        arrays[t["name"]] = np.frombuffer(data[begin:end], NUMPY[t["dtype"]]).reshape(t["shape"])
        total = checksum(data[begin:end], total)
    assert record.data_sum == total
    return record, arrays, metadata


def patched(file, changes, repair=True):
    """The file with bytes of its record changed ({offset: bytes}), and the record's checksums made right again."""
    file = bytearray(file)
    start = 8 + int.from_bytes(file[:8], "little")
    for offset, new in changes.items():
        file[start + offset : start + offset + len(new)] = new
    if repair:
        mend(file)
    return bytes(file)


def mend(file):
    """Both checksums of the record that stand in its head, as far as it can still be found."""
    start = 8 + int.from_bytes(file[:8], "little")
    if start + HEAD.size > len(file):
        return
    length = int.from_bytes(file[start + 24 : start + 32], "little")
    if not HEAD.size + 8 <= length <= len(file) - start:
        return
    try:
        graph = Record(bytes(file[start : start + length])).graph
    except Exception:
        graph = None
    if graph is not None:
        dtype = int.from_bytes(file[start + 56 : start + 60], "little")
        file[start + 40 : start + 48] = checksum(graph, dtype).to_bytes(8, "little")
    file[start + length - 8 : start + length] = checksum(file[start : start + length - 8]).to_bytes(8, "little")


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


# ---- Networks of every kind ---------------------------------------------------------------------------------------


def double(x):
    return 2 * x


def double_back(x, y, dy):
    return 2 * dy


def scaled(x, p):
    return x * p["gain"]


def scaled_back(x, y, dy, p):
    return dy * p["gain"], {"gain": (dy * x).sum(axis=0)}


def functions():
    return {
        "twice": cnn.Function(double, double_back, name="twice"),
        "gain": cnn.Function(scaled, scaled_back, parameters={"gain": np.arange(1.0, 4.0)}, name="gain"),
    }


def every_layer(dtype):
    x = cnn.Input((4, 3), name="picture")
    codes = cnn.Input((2,), dtype="int32", name="codes")
    shared = cnn.Dense(3, activation="tanh", l1=1e-3, l2=0.1, max_norm=2.5, name="shared")
    a = cnn.Normalize(mean=[1, 2, 3], std=[0.5, 1, 2], fill=0)(cnn.Rescale(1 / 255, offset=-0.5)(x))
    a = shared(shared(a))
    a = cnn.GaussianNoise(0.3)(cnn.Dropout(0.25)(a))
    made = functions()
    a = made["gain"](made["twice"](a))
    image = cnn.Conv2D(3, (2, 1), padding="same", groups=1, activation="relu", l2=0.1)(cnn.Reshape((1, 4, 3))(a))
    image = cnn.ConvTranspose2D(2, 2, stride=(2, 1), padding=((1, 0), (0, 1)), output_padding=(1, 0), bias=False)(image)
    a = cnn.Add()([a, cnn.Reshape((4, 3))(cnn.Conv2D(1, (3, 1), dilation=(2, 1))(image))])
    a = cnn.GroupNorm(2, eps=1e-3)(cnn.LayerNorm(eps=1e-4)(cnn.BatchNorm(momentum=0.3, eps=1e-2)(a)))
    a = cnn.Reshape((2, 6))(cnn.Flatten()(a))
    b = cnn.Activation("leaky_relu", negative_slope=0.3)(cnn.Dense(6, bias=False, init="orthogonal")(a))
    both = cnn.Multiply()([cnn.Add()([a, b]), a])
    both = cnn.PReLU(axis=1, slope=0.5)(cnn.AvgPool1D(2, 1, (0, 1), count_include_pad=False)(both))
    image = cnn.Pad(((1, 2), (0, 1)), "replicate")(cnn.MaxPool2D(2, 1, ceil_mode=True)(cnn.Reshape((2, 2, 3))(both)))
    image = cnn.Upsample2D((1, 2), "bilinear")(image)
    ends = [cnn.GlobalAvgPool2D()(image), cnn.GlobalMaxPool2D()(image)]
    flat = cnn.Concat()([cnn.Flatten()(both), cnn.OneHot([3, 2])(codes), *ends])
    first = cnn.Dense(2, activation="softmax", name="first")(flat)
    second = cnn.Dense(1, activation=cnn.Activation("softplus", beta=2.0, threshold=1e30), trainable=False)(flat)
    return cnn.Network(inputs=[x, codes], outputs=[first, second], dtype=dtype, seed=2**63 + 5)


def inputs_of_every_layer(n=5):
    random_ = np.random.default_rng(0)
    return [random_.normal(size=(n, 4, 3)), random_.integers(0, 2, (n, 2))]


def small(dtype="float32", **options):
    return cnn.Network([3, 4, 2], output="softmax", dtype=dtype, seed=1, **options)


def saved(net, path, **options):
    net.save(path, **options)
    return path.read_bytes()


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    net = small()
    net.metadata["note"] = "äöü"
    return saved(net, tmp_path_factory.mktemp("model") / "small.cnn")


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


# ---- Damaged, foreign and hostile files -----------------------------------------------------------------------------


def sentence(error, path):
    text = str(error)
    assert Path(path).name in text, f"the file is not named: {text}"
    assert "\n" not in text and 10 < len(text) < 400, text
    assert "Traceback" not in text and "object at 0x" not in text


def refused(path, match=None, errors=(cnn.ModelFileError,)):
    with pytest.raises(errors, match=match) as caught:
        cnn.load(path)
    sentence(caught.value, path)
    return caught.value


def test_cut_short_at_every_byte(small_file, tmp_path):
    path = tmp_path / "cut.cnn"
    for n in range(len(small_file)):
        path.write_bytes(small_file[:n])
        refused(path)
    path.write_bytes(small_file + b"\0")
    refused(path)


def test_a_large_file_cut_short(tmp_path):
    net = cnn.Network([200, 300, 10], seed=0)
    file = saved(net, tmp_path / "a.cnn")
    for n in [*random.Random(0).sample(range(len(file)), 40), len(file) - 1]:
        (tmp_path / "cut.cnn").write_bytes(file[:n])
        refused(tmp_path / "cut.cnn")


def test_every_byte_counts(small_file, tmp_path):
    """No flipped byte goes unseen, wherever it is: C refuses all. Python reads what is still a valid file with another header."""
    path = tmp_path / "flipped.cnn"
    start = 8 + int.from_bytes(small_file[:8], "little")
    original = _core.Network.__new__(cnn.Network)
    original._begin()
    original._open_bytes(small_file)
    random_ = random.Random(1)
    loaded = 0
    for at in range(len(small_file)):
        file = bytearray(small_file)
        file[at] ^= random_.randrange(1, 256)
        other = cnn.Network.__new__(cnn.Network)
        other._begin()
        with pytest.raises(cnn.ModelFileError):
            other._open_bytes(bytes(file))
        if at % 3:
            continue
        path.write_bytes(file)
        try:
            net = cnn.load(path)
        except cnn.ModelFileError as error:
            sentence(error, path)
        else:
            assert at < start, "data or record were damaged, and it loads"
            loaded += 1
            tensors = json.loads(bytes(file[8:start]))  # what was a float32 may now be said to be an int32
            kinds = {tensors[b["name"]]["dtype"] for b in net._blocks()}
            assert kinds != {"F32"} or net._arena() == original._arena()
    assert loaded < start / 3 / 2


FIXED = {"version": 8, "kind": 12, "features": 16, "length": 24, "dtype": 56, "outputs": 64, "nodes": 68, "blocks": 72}
FIXED |= {"extras": 76, "notes": 80, "zero": 84}
HUGE = [0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 16385, 4097, 1025, 1 << 20]


@pytest.mark.parametrize("field", sorted(FIXED))
def test_huge_counts(small_file, tmp_path, field):
    for value in HUGE:
        path = tmp_path / "huge.cnn"
        width = 8 if field in ("features", "length") else 4
        path.write_bytes(patched(small_file, {FIXED[field]: value.to_bytes(width, "little")}))
        refused(path)


@pytest.mark.parametrize(
    "length", [0, 1, 2, 9, 1 << 20, 10**8, 10**8 + 1, 1 << 31, 1 << 32, 1 << 62, (1 << 63) - 8, WORD]
)
def test_header_lengths(small_file, tmp_path, length):
    (tmp_path / "a.cnn").write_bytes(length.to_bytes(8, "little") + small_file[8:])
    refused(tmp_path / "a.cnn")
    (tmp_path / "b.cnn").write_bytes(length.to_bytes(8, "little") + b"{")
    refused(tmp_path / "b.cnn")


def test_wrong_checksums(small_file, tmp_path):
    path = tmp_path / "sum.cnn"
    record, _, _ = parse(small_file)
    for name, offset in (("record", record.length - 8), ("tensors", 32)):
        path.write_bytes(patched(small_file, {offset: b"\1\2\3\4\5\6\7\x08"}, repair=offset == 32))
        refused(path, match=f"checksum of its {name}")
    file = bytearray(small_file)
    file[-3] ^= 1
    path.write_bytes(file)
    refused(path, match="checksum of its tensors")


def test_newer_files(small_file, tmp_path):
    path = tmp_path / "new.cnn"
    for changes in ({8: b"\2"}, {16: b"\1"}, {16: bytes(7) + b"\x80"}):
        for repair in (True, False):
            path.write_bytes(patched(small_file, changes, repair))
            assert "newer" in str(refused(path))


def test_unknown_codes(small_file, tmp_path):
    """Of an op and an attribute: what is lacking is said."""
    record, _, _ = parse(small_file)
    first = HEAD.size + 4 * record.n_outputs
    path = tmp_path / "code.cnn"
    path.write_bytes(patched(small_file, {first: (999).to_bytes(4, "little")}))
    assert "999" in str(refused(path, match="newer"))
    name_key = first + 4 + 4 + 4 + 4
    path.write_bytes(patched(small_file, {name_key: (777).to_bytes(4, "little")}))
    refused(path)


def test_a_name_with_a_line_break(tmp_path):
    """A sentence stays one line, whatever a damaged file calls its tensors."""
    net = small()
    net.partial_fit(np.ones((2, 3)), [0, 1])
    file = saved(net, tmp_path / "a.cnn", training_state=True)
    record, _, _ = parse(file)
    at = record.data.index(b"__state__")
    for byte in b"\n\x1b\x7f":
        (tmp_path / "a.cnn").write_bytes(patched(file, {at + 1: bytes([byte])}))
        refused(tmp_path / "a.cnn", match=r"_\?state__")


@pytest.mark.parametrize(
    "name", ["png", "text", "json", "empty", "zeros", "npz", "pickle", "onnx", "a safetensors file"]
)
def test_foreign_files(tmp_path, name):
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    contents = {
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)),
        "text": b"Once upon a time there was a small neural network.\n" * 20,
        "json": b'{"format": "cnn"}',
        "empty": b"",
        "zeros": bytes(4096),
        "npz": b"PK\3\4" + bytes(100),
        "pickle": b"\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94\x8c\1a\x94K\1s.",
        "onnx": b"\x08\x08\x12\x07pytorch" + bytes(64),
        "a safetensors file": len(header).to_bytes(8, "little") + header + bytes(4),
    }
    path = tmp_path / "foreign.cnn"
    path.write_bytes(contents[name])
    refused(path)


def test_what_is_no_file(tmp_path):
    refused(tmp_path, errors=(OSError,))
    refused(tmp_path / "not there.cnn", errors=(FileNotFoundError,))
    if os.name != "nt":
        with pytest.raises(OSError, match=r"x{50}.*too long"):
            cnn.load(tmp_path / ("x" * 300))
    for wrong in (3, None, 1.5, [1]):
        with pytest.raises(TypeError) as caught:
            cnn.load(wrong)
        assert len(str(caught.value)) < 300


@POSIX
def test_devices_and_pipes(tmp_path):
    for name in ("/dev/zero", "/dev/null"):
        refused(name, match="regular file", errors=(OSError,))
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", match="regular file", errors=(OSError,))
    (tmp_path / "a.cnn").symlink_to(tmp_path / "a.cnn")
    refused(tmp_path / "a.cnn", errors=(OSError,))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("loss", "no json"),
        ("loss", "[["),
        ("loss", '{"name": "nothing", "constant": 1}'),
        ("loss", '"mean"'),
        ("loss", "3"),
        ("optimizer", '{"name": "nothing"}'),
        ("optimizer", "3"),
        ("optimizer", '{"name": "adam", "lr": {"schedule": "none"}}'),
        ("optimizer", '{"name": "adam", "lr": "fast"}'),
        ("optimizer", '{"name": "adam", "lr": -1}'),
        ("optimizer", '{"name": "adam", "__class__": 3}'),
        ("optimizer", '{"name": "adam", "betas": 3}'),
        ("metrics", '"accuracies"'),
        ("metrics", '{"top_k": "a"}'),
        ("history", "[1, 2]"),
        ("history", '{"loss": 3}'),
        ("training", "[]"),
        ("training", '{"epochs": "many"}'),
    ],
)
def test_choices_that_make_no_sense(tmp_path, key, text):
    """Metadata that anyone could have written: refused in a sentence, or left out; the network is never half made."""
    net = small()
    net._set_metadata(key, text)
    (tmp_path / "a.cnn").write_bytes(net._save_bytes(None))
    try:
        other = cnn.load(tmp_path / "a.cnn")
    except cnn.ModelFileError as error:
        sentence(error, tmp_path / "a.cnn")
    else:
        other.partial_fit(np.ones((2, 3)), [0, 1])
        other.save(tmp_path / "b.cnn")


# ---- Random damage, in a process with little memory -----------------------------------------------------------------

CHILD = """
import os, resource, sys
sys.path.insert(0, sys.argv[1])
import test_model_file as here
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() if os.path.exists("/proc/self") else 1 << 31
resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20),) * 2)
getattr(here, sys.argv[2])()
"""


def in_a_small_process(function, *, timeout=120):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(cnn.__file__).parent.parent), str(HERE)])}
    command = [sys.executable, "-c", CHILD, str(HERE), function]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr[-3000:]


def files_to_damage():
    base = small()
    base.metadata["note"] = "text"
    base.partial_fit(np.ones((2, 3)), [0, 1])
    path = Path(tempfile.gettempdir()) / f"cnn-base-{os.getpid()}.cnn"
    try:
        return [saved(base, path, training_state=True), saved(every_layer("float64"), path)]
    finally:
        path.unlink(missing_ok=True)


# What stands in counts, sizes and codes, and around their limits.
NUMBERS = st.sampled_from(
    [0, 1, 2, 3, 8, 9, 16, 17, 63, 64, 255, 4096, 65535, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]
)
EDIT = st.tuples(
    st.sampled_from(["byte", "u32", "u64", "cut", "insert", "repeat"]),
    st.floats(0, 1, exclude_max=True),
    NUMBERS,
    st.integers(0, 255),
)


def damaged(file, edits, record_only):
    file = bytearray(file)
    start = 8 + int.from_bytes(file[:8], "little")
    length = int.from_bytes(file[start + 24 : start + 32], "little")
    for kind, place, number, byte in edits:
        at = start + int(place * length) if record_only else int(place * len(file))
        if kind == "byte":
            file[at : at + 1] = bytes([byte])
        elif kind == "u32":
            file[at : at + 4] = number.to_bytes(4, "little")
        elif kind == "u64":
            file[at : at + 8] = (number << (byte % 33)).to_bytes(16, "little")[:8]
        elif kind == "cut":
            del file[at : at + number % 64]
        elif kind == "insert":
            file[at:at] = bytes([byte]) * (number % 64)
        else:
            file[at:at] = file[at : at + number % 256]
    return file


def tried(file, path):
    """Refused in a sentence, or a network that works."""
    path.write_bytes(file)
    try:
        net = cnn.load(path)
    except (cnn.ModelFileError, OSError) as error:
        sentence(error, path)
        return
    if (
        not any(None in shape for shape in net._ends[1])
        and len(net._ends[0]) == 1
        and max(net._ends[1][0], default=0) < 1000
    ):
        net.predict(np.zeros((2, *net._ends[1][0])))
    net.save(path)
    cnn.load(path)


def random_damage():
    bases = files_to_damage()
    path = Path(tempfile.gettempdir()) / f"cnn-damage-{os.getpid()}.cnn"
    quick = settings(max_examples=1500, deadline=None, database=None, suppress_health_check=list(HealthCheck))

    @quick
    @given(st.integers(0, 1), st.lists(EDIT, min_size=1, max_size=4), st.booleans(), st.booleans())
    def run(which, edits, record_only, repair):
        file = damaged(bases[which], edits, record_only)
        if repair:
            mend(file)
        tried(file, path)

    try:
        run()
    finally:
        path.unlink(missing_ok=True)


def random_headers():
    """Damage that stays JSON: what Python reads of rewritten files."""
    base = files_to_damage()[0]
    n = int.from_bytes(base[:8], "little")
    data = base[8 + n :]
    path = Path(tempfile.gettempdir()) / f"cnn-header-{os.getpid()}.cnn"
    odd = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(max_size=5),
        st.lists(st.integers(-1, 2**64), max_size=9),
    )

    @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(draw):
        header = json.loads(base[8 : 8 + n])
        for _ in range(draw.draw(st.integers(1, 3))):
            name = draw.draw(st.sampled_from(sorted(header)))
            key = (
                draw.draw(st.sampled_from(sorted(header[name])))
                if isinstance(header[name], dict) and header[name]
                else None
            )
            if key is None or draw.draw(st.integers(0, 4)) == 0:
                header[name] = draw.draw(odd)
            elif isinstance(header[name][key], list) and header[name][key] and draw.draw(st.booleans()):
                header[name][key][draw.draw(st.integers(0, len(header[name][key]) - 1))] = draw.draw(odd)
            else:
                header[name][key] = draw.draw(odd)
        text = json.dumps(header).encode()
        tried(len(text).to_bytes(8, "little") + text + data, path)

    try:
        run()
    finally:
        path.unlink(missing_ok=True)


@POSIX
@pytest.mark.parametrize("function", ["random_damage", "random_headers"])
def test_damage_at_random(function):
    in_a_small_process(function)


# ---- The same from C ------------------------------------------------------------------------------------------------

HOSTILE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "cnn/cnn.h"
/* Damages a file at random, as its bytes lie just before a page that cannot be read. argv: file, seed, times. */
static uint64_t state;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * UINT64_C(0x2545F4914F6CDD1D);
}
static uint64_t word(const unsigned char *p, size_t n) {
  uint64_t w = 0;
  for (size_t i = 0; i < n; i++) w |= (uint64_t)p[i] << 8 * i;
  return w;
}
static uint64_t mixed(uint64_t h, uint64_t w) { h ^= w; return (h << 29 | h >> 35) * UINT64_C(0x9E3779B97F4A7C15); }
static uint64_t checksum(const unsigned char *p, size_t n) {
  uint64_t lane[4] = {1, 2, 3, 4}, h = n;
  for (size_t at = 0; at < n; at += 32)
    for (int i = 0; i < 4; i++) {
      const size_t from = at + 8 * (size_t)i;
      lane[i] = mixed(lane[i], from < n ? word(p + from, n - from < 8 ? n - from : 8) : 0);
    }
  for (int i = 0; i < 4; i++) h = mixed(h, lane[i]);
  h = (h ^ h >> 32) * UINT64_C(0xBB67AE8584CAA73B);
  h = (h ^ h >> 29) * UINT64_C(0xD2E7470EE14C6C93);
  return h ^ h >> 32;
}
static size_t bytes_now;
static void *allocate(void *user, size_t n) {
  size_t *p;
  (void)user;
  if (n > (64u << 20)) { puts("a large allocation"); exit(1); }
  p = malloc(n + 16);
  bytes_now += n;
  if (p) *p = n, p += 2;
  return p;
}
static void release(void *user, void *block) { (void)user; if (block) { bytes_now -= ((size_t *)block)[-2]; free((size_t *)block - 2); } }
static int use(cnn_network *net, const cnn_options *options) {
  void *copy = NULL;
  size_t size = 0;
  cnn_session_options so = {sizeof so, options, 2, 4};
  cnn_session *s = NULL;
  cnn_tensor_info in = {sizeof in, NULL, CNN_FLOAT32, 0, {0}}, out = in;
  static float x[4096], y[4096];
  size_t n = 1, m = 1;
  if (cnn_network_save_memory(net, &copy, &size)) return 1;
  cnn_memory_free(copy);
  if (cnn_network_input_count(net) != 1 || cnn_network_output_count(net) != 1 || cnn_network_dtype(net) != CNN_FLOAT32) return 0;
  if (cnn_network_input(net, 0, &in) || cnn_network_output(net, 0, &out)) return 1;
  for (int i = 1; i < in.rank; i++) { if (in.dims[i] > 1000) return 0; n *= in.dims[i]; }
  for (int i = 1; i < out.rank; i++) { if (out.dims[i] > 1000) return 0; m *= out.dims[i]; }
  if (n > 2000 || m > 2000 || in.dtype != CNN_FLOAT32) return 0;
  if (cnn_session_create(net, &so, &s)) return 0;
  (void)cnn_session_run(s, x, 2, y);
  cnn_session_free(s);
  return 0;
}
int main(int argc, char **argv) {
  const cnn_allocator allocator = {sizeof allocator, NULL, allocate, release};
  cnn_error error = {sizeof error, CNN_OK, -1, ""};
  const cnn_options options = {sizeof options, &allocator, NULL, &error};
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = 16 * page;
  unsigned char *area = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), base[65536];
  long loaded = 0, times = argc > 3 ? atol(argv[3]) : 0;
  FILE *f = fopen(argv[1], "rb");
  const size_t size = f ? fread(base, 1, sizeof base, f) : 0;
  if (!size || size > 8 * page || area == MAP_FAILED || mprotect(area + room, page, PROT_NONE)) return 2;
  fclose(f);
  state = strtoull(argv[2], NULL, 10) * 2 + 1;
  for (long t = 0; t < times; t++) {
    size_t n = t % 8 == 0 ? (size_t)t / 8 % size : size;
    unsigned char *p = area + room - n;
    static const uint64_t numbers[] = {
      0, 1, 2, 8, 9, 63, 64, 255, 4096, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_C(1) << 62, ~UINT64_C(0)};
    memcpy(p, base, n);
    for (uint64_t k = next() % 4; k > 0 && n > 200; k--) {
      const size_t start = 8 + (size_t)word(p, 8) % (n - 8), left = n - start > 8 ? n - start - 8 : 1;
      const size_t at = next() % 2 ? next() % (n - 8) : start + next() % left;
      const uint64_t v = numbers[next() % 16];
      if (at + 8 > n) continue;
      if (next() % 3 == 0) p[at] = (unsigned char)next();
      else memcpy(p + at, &v, next() % 2 ? 4 : 8);
    }
    if (n > 8 && next() % 4) {
      const uint64_t start = 8 + word(p, 8), length = start < n && n - start > 96 ? word(p + start + 24, 8) : 0;
      if (length > 96 && length <= n - start) {
        const uint64_t sum = checksum(p + start, (size_t)length - 8);
        memcpy(p + start + length - 8, &sum, 8);
      }
    }
    for (int view = 0; view < 2; view++) {
      cnn_network *net = NULL;
      const cnn_status status = view ? cnn_network_view_memory(p, n, &options, &net) : cnn_network_open_memory(p, n, &options, &net);
      if (!status) {
        if (!net || use(net, &options)) { puts("a network that cannot be used"); return 1; }
        loaded += !view;
        cnn_network_free(net);
      } else if (net || !error.text[0] || strchr(error.text, '\n') || (status != CNN_E_FILE && !(view && status == CNN_E_ARGUMENT))) {
        printf("status %d, %s\n", (int)status, error.text);
        return 1;
      }
      if (bytes_now) { printf("%zu bytes were not given back\n", bytes_now); return 1; }
    }
  }
  printf("%ld loaded\n", loaded);
  return 0;
}
"""


def compiled(tmp_path, name, source, *flags):
    (tmp_path / f"{name}.c").write_text(source)
    command = [
        COMPILER,
        "-std=gnu99",
        "-O1",
        "-g",
        *flags,
        f"-I{cnn.get_include()}",
        str(tmp_path / f"{name}.c"),
        cnn.get_library(),
    ]
    return subprocess.run([*command, "-lm", "-pthread", "-o", str(tmp_path / name)], capture_output=True, text=True)


@POSIX
def test_damage_at_random_from_c(tmp_path, small_file):
    """With a page behind the bytes that cannot be touched; blocks of the engine are ASan's where it links; nothing leaks."""
    assert COMPILER, "a C compiler is needed"
    if compiled(tmp_path, "hostile", HOSTILE, "-fsanitize=address").returncode:
        assert compiled(tmp_path, "hostile", HOSTILE).returncode == 0
    bases = [small_file, *files_to_damage()]
    for i, base in enumerate(bases):
        (tmp_path / "base.cnn").write_bytes(base)
        command = [tmp_path / "hostile", tmp_path / "base.cnn", str(i + 1), "20000"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr[-3000:]


BORROWED = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "cnn/cnn.h"
#define CHECK(x) do { if (!(x)) { printf("line %d: %s: %s\n", __LINE__, #x, error.text); return 1; } } while (0)
int main(int argc, char **argv) {
  cnn_error error = {sizeof error, CNN_OK, -1, ""};
  const cnn_options options = {sizeof options, NULL, NULL, &error};
  static const float x[2][3] = {{1, 2, 3}, {-1, 0, 2}};
  float a[2][2], b[2][2];
  cnn_network *borrowed = NULL, *own = NULL;
  cnn_session *s = NULL;
  cnn_trainer *t = NULL;
  cnn_session_options so = {sizeof so, NULL, 2, 0};
  cnn_trainer_options to;
  void *bytes = NULL;
  size_t n = 0;
  unsigned char *area = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FILE *f = fopen(argv[1], "rb");
  const size_t size = f && area != MAP_FAILED ? fread(area, 1, 1 << 15, f) : 0;
  (void)argc;
  fclose(f);
  memset(&to, 0, sizeof to);
  to.size = sizeof to;
  memmove(area + (1 << 15) + 1, area, size);
  CHECK(cnn_network_view_memory(area + (1 << 15) + 1, size, &options, &borrowed) == CNN_E_ARGUMENT && !borrowed);
  CHECK(strstr(error.text, "multiple"));
  CHECK(!cnn_network_open_memory(area + (1 << 15) + 1, size, &options, &own)); /* copied: any alignment */
  CHECK(mprotect(area, 1 << 16, PROT_READ) == 0);
  CHECK(!cnn_network_view_memory(area, size, &options, &borrowed));
  CHECK(!cnn_session_create(borrowed, &so, &s) && !cnn_session_run(s, x[0], 2, a[0]));
  cnn_session_free(s);
  CHECK(!cnn_session_create(own, &so, &s) && !cnn_session_run(s, x[0], 2, b[0]));
  cnn_session_free(s);
  CHECK(memcmp(a, b, sizeof a) == 0);
  CHECK(!cnn_network_save_memory(borrowed, &bytes, &n) && n == size && memcmp(bytes, area, n) == 0);
  cnn_memory_free(bytes);
  const unsigned char *values = cnn_network_parameter_data(borrowed, 0);
  CHECK(values == NULL || (values >= area && values < area + size));
  CHECK(cnn_trainer_create(borrowed, &to, &t) != CNN_OK && !t && error.text[0]); /* read-only */
  puts(error.text);
  CHECK(!cnn_network_metadata(borrowed, "nothing") && !strcmp(cnn_network_metadata(borrowed, "note"), "\xc3\xa4\xc3\xb6\xc3\xbc"));
  CHECK(!cnn_trainer_create(own, &to, &t));
  cnn_trainer_free(t);
  cnn_network_free(borrowed);
  cnn_network_free(own);
  return 0;
}
"""


@POSIX
def test_borrowed_networks(tmp_path, small_file):
    """Bytes that cannot be written are used as they lie; a trainer is refused."""
    assert COMPILER, "a C compiler is needed"
    built = compiled(tmp_path, "borrowed", BORROWED)
    assert built.returncode == 0, built.stderr
    (tmp_path / "a.cnn").write_bytes(small_file)
    done = subprocess.run([str(tmp_path / "borrowed"), str(tmp_path / "a.cnn")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "read-only" in done.stdout or "borrowed" in done.stdout


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
