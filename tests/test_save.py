"""Files from Python: what was saved is what comes back, and training goes on."""

import json
import struct

import numpy as np
import pytest

import cnn

X = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def trained(**more):
    net = cnn.Network([4, 6, 3], output="softmax", seed=0, **more)
    net.fit(
        X,
        LABELS,
        epochs=2,
        optimizer=cnn.AdamW(cnn.schedules.Warmup(cnn.schedules.Cosine(0.01, 9), 2), clip_norm=1.0),
        loss=cnn.losses.CrossEntropy(0.1),
        metrics=["accuracy", cnn.metrics.TopKAccuracy(2)],
        verbose=0,
    )
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_comes_back(tmp_path, dtype):
    net = trained(dtype=dtype)
    net.classes = ["a", "b", "c"]
    net.metadata["author"] = "Ünal"
    net.preprocessing = {"columns": [1, 2]}
    net.layers[0].trainable = False
    net.save(tmp_path / "net.cnn")
    again = cnn.load(tmp_path / "net.cnn")
    assert np.array_equal(again.predict(X), net.predict(X)) and again.dtype == dtype and again.seed == net.seed
    assert again.history.history == net.history.history and again.history.epoch == [0, 1]
    assert again.loss == cnn.losses.CrossEntropy(0.1) and repr(again.optimizer) == repr(net.optimizer)
    assert again.metrics[0] == "accuracy" and again.metrics[1].k == 2
    assert again.classes == net.classes and again.metadata == net.metadata and again.preprocessing == net.preprocessing
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in net.layers]
    assert [layer.trainable for layer in again.layers] == [False, True]
    assert again.classify(X).tolist() == net.classify(X).tolist()
    assert again.evaluate(X, LABELS) == net.evaluate(X, LABELS)


def test_training_state(tmp_path):
    net = trained()
    net.save(tmp_path / "with.cnn", training_state=True)
    net.save(tmp_path / "without.cnn")
    goes_on, afresh = cnn.load(tmp_path / "with.cnn"), cnn.load(tmp_path / "without.cnn")
    for n in (net, goes_on, afresh):
        n.fit(X, LABELS, epochs=2, verbose=0)
    assert goes_on._arena() == net._arena() and goes_on.history.epoch == [2, 3]
    assert goes_on.history.history == net.history.history
    assert afresh._arena() != net._arena()


def test_metadata_is_replaced(tmp_path):
    net = cnn.Network([2, 1], seed=0)
    net.metadata = {"a": "1", "b": "2"}
    net.save(tmp_path / "x.cnn")
    del net.metadata["a"]
    net.save(tmp_path / "x.cnn")
    assert cnn.load(tmp_path / "x.cnn").metadata == {"b": "2"}
    for wrong, error in (({"loss": "mine"}, ValueError), ({"n": 3}, TypeError)):
        net.metadata = wrong
        with pytest.raises(error):
            net.save(tmp_path / "x.cnn")
    net.metadata, net.preprocessing = {}, object()
    with pytest.raises(TypeError, match="JSON"):
        net.save(tmp_path / "x.cnn")


def rewrite(path):
    """As a safetensors library would: the tensors sorted by name, the metadata kept, no padding."""
    data = path.read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + n]), data[8 + n :]
    metadata = header.pop("__metadata__")
    out, new = b"", {"__metadata__": metadata}
    for name in sorted(header, reverse=True):
        begin, end = header[name]["data_offsets"]
        new[name] = {**header[name], "data_offsets": [len(out), len(out) + end - begin]}
        out += body[begin:end]
    text = json.dumps(new).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + out)


def test_a_file_that_another_tool_has_rewritten(tmp_path):
    net = trained()
    net.metadata["author"] = "me"
    net.save(tmp_path / "net.cnn", training_state=True)
    rewrite(tmp_path / "net.cnn")
    again = cnn.load(tmp_path / "net.cnn")
    assert np.array_equal(again.predict(X), net.predict(X)) and again.metadata == {"author": "me"}
    assert again.history.history == net.history.history
    for n in (net, again):
        n.fit(X, LABELS, epochs=1, verbose=0)
    assert again._arena() == net._arena()


def test_function_layers_need_their_code(tmp_path):
    double = cnn.Function(lambda x: 2 * x, lambda x, y, dy: 2 * dy)
    net = cnn.Network([cnn.Input(4), double, cnn.Dense(1)], seed=0)
    net.save(tmp_path / "f.cnn")
    with pytest.raises(RuntimeError, match=r"functions="):
        cnn.load(tmp_path / "f.cnn").predict(X)
    again = cnn.load(tmp_path / "f.cnn", functions={"function_1": double})
    assert np.array_equal(again.predict(X), net.predict(X))
    again.fit(X, X[:, 0], epochs=1, verbose=0)
    with pytest.raises(ValueError, match="did you mean"):
        cnn.load(tmp_path / "f.cnn", functions={"function_2": double})


def test_bad_files(tmp_path):
    net = trained()
    with pytest.raises(FileNotFoundError):
        cnn.load(tmp_path / "none.cnn")
    with pytest.raises(OSError):
        net.save(tmp_path / "no" / "such.cnn")
    path = tmp_path / "x.cnn"
    net.save(path)
    whole = path.read_bytes()
    for cut in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(cnn.ModelFileError):
            cnn.load(path)
    path.write_bytes(b"PK\x03\x04" + whole)
    with pytest.raises(cnn.ModelFileError):
        cnn.load(path)


def test_resume_needs_a_state_of_this_network(tmp_path):
    net = trained()
    net.save(tmp_path / "without.cnn")
    with pytest.raises(ValueError, match="training_state"):
        net.fit(X, LABELS, resume=tmp_path / "without.cnn")
    net.save(tmp_path / "with.cnn", training_state=True)
    with pytest.raises(ValueError, match="another network"):
        cnn.Network([4, 7, 3], output="softmax").fit(X, LABELS, resume=tmp_path / "with.cnn")
