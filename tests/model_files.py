"""docs/format.md in Python, and networks of every kind to be saved: what the tests of the model file share."""

import json
import math
import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest

import cnn

POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX")

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


def small_file(folder):
    net = small()
    net.metadata["note"] = "äöü"
    return saved(net, folder / "small.cnn")


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
