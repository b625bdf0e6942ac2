"""Damaged, foreign and hostile model files: each is refused in one sentence, in proportion to its size, and none is a crash."""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_files import (
    HEAD,
    POSIX,
    WORD,
    every_layer,
    mend,
    parse,
    patched,
    refused,
    saved,
    sentence,
    small,
    small_file,
)

import cnn
from cnn import _core

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return small_file(tmp_path_factory.mktemp("model"))


def test_cut_short_at_every_byte(good, tmp_path):
    path = tmp_path / "cut.cnn"
    for n in range(len(good)):
        path.write_bytes(good[:n])
        refused(path)
    path.write_bytes(good + b"\0")
    refused(path)


def test_a_large_file_cut_short(tmp_path):
    net = cnn.Network([200, 300, 10], seed=0)
    file = saved(net, tmp_path / "a.cnn")
    for n in [*random.Random(0).sample(range(len(file)), 40), len(file) - 1]:
        (tmp_path / "cut.cnn").write_bytes(file[:n])
        refused(tmp_path / "cut.cnn")


def test_every_byte_counts(good, tmp_path):
    """No flipped byte goes unseen, wherever it is: C refuses all. Python reads what is still a valid file with another header."""
    path = tmp_path / "flipped.cnn"
    start = 8 + int.from_bytes(good[:8], "little")
    original = _core.Network.__new__(cnn.Network)
    original._begin()
    original._open_bytes(good)
    random_ = random.Random(1)
    loaded = 0
    for at in range(len(good)):
        file = bytearray(good)
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
def test_huge_counts(good, tmp_path, field):
    for value in HUGE:
        path = tmp_path / "huge.cnn"
        width = 8 if field in ("features", "length") else 4
        path.write_bytes(patched(good, {FIXED[field]: value.to_bytes(width, "little")}))
        refused(path)


@pytest.mark.parametrize(
    "length", [0, 1, 2, 9, 1 << 20, 10**8, 10**8 + 1, 1 << 31, 1 << 32, 1 << 62, (1 << 63) - 8, WORD]
)
def test_header_lengths(good, tmp_path, length):
    (tmp_path / "a.cnn").write_bytes(length.to_bytes(8, "little") + good[8:])
    refused(tmp_path / "a.cnn")
    (tmp_path / "b.cnn").write_bytes(length.to_bytes(8, "little") + b"{")
    refused(tmp_path / "b.cnn")


def test_wrong_checksums(good, tmp_path):
    path = tmp_path / "sum.cnn"
    record, _, _ = parse(good)
    for name, offset in (("record", record.length - 8), ("tensors", 32)):
        path.write_bytes(patched(good, {offset: b"\1\2\3\4\5\6\7\x08"}, repair=offset == 32))
        refused(path, match=f"checksum of its {name}")
    file = bytearray(good)
    file[-3] ^= 1
    path.write_bytes(file)
    refused(path, match="checksum of its tensors")


def test_newer_files(good, tmp_path):
    path = tmp_path / "new.cnn"
    for changes in ({8: b"\2"}, {16: b"\1"}, {16: bytes(7) + b"\x80"}):
        for repair in (True, False):
            path.write_bytes(patched(good, changes, repair))
            assert "newer" in str(refused(path))


def test_unknown_codes(good, tmp_path):
    """Of an op and an attribute: what is lacking is said."""
    record, _, _ = parse(good)
    first = HEAD.size + 4 * record.n_outputs
    path = tmp_path / "code.cnn"
    path.write_bytes(patched(good, {first: (999).to_bytes(4, "little")}))
    assert "999" in str(refused(path, match="newer"))
    name_key = first + 4 + 4 + 4 + 4
    path.write_bytes(patched(good, {name_key: (777).to_bytes(4, "little")}))
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
import test_model_file_damage as here
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
