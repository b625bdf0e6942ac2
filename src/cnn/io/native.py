"""Model files: valid safetensors files whose first tensor is the graph (docs/format.md)."""

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, losses, metrics, optimizers
from ..checks import whole
from ..history import History
from ..names import shown, unknown
from ..signatures import START, recognised

if TYPE_CHECKING:
    from ..base import NetworkBase
    from ..network import Network

# Kept as JSON in the file's metadata, beside what the user puts into net.metadata.
OURS = ("loss", "optimizer", "metrics", "history", "classes", "preprocessing", "training")
_STATE = "__state__."  # of the engine: before the names of what is saved beside the network


def save(network: "NetworkBase", path: str | os.PathLike[str], training_state: bool = False) -> None:
    """`Network.save`."""
    notes = _notes(network)
    old = network._metadata()
    for key in {**old, **notes}:
        if old.get(key) != notes.get(key):  # writing would disturb other threads, which may be predicting
            network._set_metadata(key, notes.get(key))
    place = _place(path, 'a path, as in net.save("model.cnn")')
    folder = os.path.dirname(place)
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(f"cannot write {os.fsdecode(place)!r}: there is no folder {os.fsdecode(folder)!r}")
    network._save(place, _extras(network) if training_state else None)


def _place(path: Any, expected: str) -> Any:
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"path is {shown(path)}; expected {expected}")
    return os.fspath(path)


def _extras(network: "NetworkBase") -> dict[str, Any] | None:
    state = network._pending if network._trainer is None else network._trainer.state()
    return state or None


def _notes(network: "NetworkBase") -> dict[str, str]:
    optimizer = network._optimizer
    classes = network.classes
    values = {
        "loss": losses.to_json(network.loss),
        "optimizer": None if optimizer is None else optimizer._to_json(),
        "metrics": metrics.to_json(network.metrics) if network.metrics is not None else None,
        "history": None if network.history is None else network.history._to_json(),
        "classes": None if classes is None else [c.item() if hasattr(c, "item") else c for c in classes],
        "preprocessing": network.preprocessing.to_json()
        if hasattr(network.preprocessing, "to_json")
        else network.preprocessing,
        "training": {"epochs": network._epochs, "optimizer_epoch": network._optimizer_epoch}
        if network._epochs
        else None,
    }
    notes: dict[str, str] = {}
    for key, value in values.items():
        if value is not None:
            try:
                notes[key] = json.dumps(value)
            except TypeError as error:
                raise TypeError(f"net.{key} cannot be saved as JSON: {error}") from None
    for key, value in network.metadata.items():
        if key in OURS:
            raise ValueError(f"net.metadata has the key {key!r}, which is cnn's own; choose another")
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"net.metadata has {key!r}: {value!r}; keys and values must be strings")
        notes[key] = value
    return notes


def load(path: str | os.PathLike[str], functions: dict[str, Any] | None = None) -> "Network":
    """A network from a file that `Network.save`, or the C library, has written.

    Parameters
    ----------
    path : path
    functions : dict, optional
        Layer name to `Function` layer, for networks with layers in NumPy: their code is not in the file.

    Raises
    ------
    OSError
        When it cannot be read.
    ModelFileError
        When it is not a model file, or damaged.
    """
    from ..network import Network

    place = _place(path, "the path of a file that net.save has written")
    network = Network.__new__(Network)
    network._begin()
    try:
        try:
            extras: dict[str, Any] = network._open(place)
        except _core.ModelFileError as error:
            if not getattr(error, "foreign", False):
                raise
            network = Network.__new__(Network)
            network._begin()
            extras = _open_rewritten(network, place, error)
        _take_notes(network)
    except _core.ModelFileError as error:
        raise _core.ModelFileError(f"{os.fsdecode(place)!r}: {_stranger(place) or error}") from None
    network._pending = extras or None
    if functions:
        _take_functions(network, functions)
    return network


# What people take for a network's file, where there is more to say of it than what it is.
_OTHERS = {
    "hdf5": "an HDF5 file, as Keras writes",
    "zip": "a zip file, as PyTorch, Keras and np.savez write",
    "array": "an array of NumPy: np.load reads it",
    "json": "JSON text",
}


def _stranger(path: Any) -> str | None:
    """What another library's file is; None where it looks like none of them."""
    try:
        with open(path, "rb") as file:
            begin = file.read(START)
    except OSError:
        return None
    ours = "cnn.load reads what net.save has written"
    if not begin:
        return f"the file is empty; {ours}"
    if os.fspath(path)[-5:] in (".onnx", b".onnx") and begin[0] == 8:
        return f"it is an ONNX model, which this version does not read; {ours}"
    family, kind = recognised(begin, os.fsdecode(path)) or ("", None)
    if family == "model":
        return None
    kind = _OTHERS.get(family, kind)
    if kind is None and b"\0" not in begin and b"," in begin and b"\n" in begin:
        kind = "text, perhaps a table: cnn.data reads those"
    if kind is None:
        return None
    return f"it is {kind}; {ours} (weights of another library: net.set_parameters)"


def _open_rewritten(network: "Network", path: str | os.PathLike[str], error: ValueError) -> dict[str, Any]:
    """A file that another tool has rewritten: the same tensors by name, in another layout. Gives the extras."""
    from . import safetensors

    tensors, metadata = safetensors.read(path)
    record = tensors.pop("__cnn__", None)
    if record is None:
        raise error
    network._open_parts(record, 8 * sum(t.size for t in tensors.values()))  # they may be narrower than its dtype
    for index, block in enumerate(network._block_table):
        name, shape = block["name"], tuple(block["shape"])
        if name not in tensors or tensors[name].shape != shape:
            found = f"has the shape {tensors[name].shape}" if name in tensors else "is missing"
            raise _core.ModelFileError(f"the tensor {name!r} {found}; the graph asks for {shape}")
        with np.errstate(all="ignore"):  # a number too large for the network's dtype becomes an infinity
            network._block(index)[...] = tensors.pop(name)
    for key, value in metadata.items():
        if key != "format" and not key.startswith("cnn."):
            try:
                network._set_metadata(key, value)
            except ValueError as fault:
                raise _core.ModelFileError(str(fault)) from None
    return {name.removeprefix(_STATE): t for name, t in tensors.items() if name.startswith(_STATE)}


def _take_notes(network: "Network") -> None:
    notes = network._metadata()
    network.metadata = {key: value for key, value in notes.items() if key not in OURS}
    for key in OURS:
        if key in notes:
            try:
                _take(network, key, json.loads(notes[key]))
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
                raise _core.ModelFileError(f"its metadata {key!r} are not what cnn writes") from None


def _take(network: "Network", key: str, value: Any) -> None:
    """One choice, checked as if it had been passed."""
    if key == "loss":
        network._resolve_losses(losses.from_json(value))
        network.loss = losses.from_json(value)
    elif key == "metrics":
        network._resolve_metrics(metrics.from_json(value))
        network.metrics = metrics.from_json(value)
    elif key == "optimizer":
        network._optimizer = optimizers.from_json(value)
    elif key == "history":
        network.history = History._from_json(value)
    elif key == "training":
        network._epochs = whole("epochs", value["epochs"], 0)
        network._optimizer_epoch = whole("optimizer_epoch", value["optimizer_epoch"], 0)
    elif key == "preprocessing" and isinstance(value, dict) and value.get("format") == "cnn.data.Preprocessing":
        from ..data import Preprocessing

        network.preprocessing = Preprocessing.from_json(value)
    elif key == "preprocessing" and isinstance(value, dict) and value.get("format") == "cnn.data.ImagePreprocessing":
        from ..data import ImagePreprocessing

        network.preprocessing = ImagePreprocessing.from_json(value)
    else:
        setattr(network, key, value)


def _take_functions(network: "Network", functions: dict[str, Any]) -> None:
    names = [node["name"].partition("@")[0] for node in network._nodes() if node["op"] == "function"]
    code = {}
    for name, function in functions.items():
        if name not in names:
            raise ValueError(unknown("functions: layer", str(name), names))
        if not hasattr(function, "forward"):
            raise TypeError(
                f"functions[{name!r}] is a {type(function).__name__}; expected a cnn.Function, or an object with forward and backward"
            )
        code[name] = (function.forward, getattr(function, "backward", None))
    network._set_functions(code)
