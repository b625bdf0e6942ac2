"""The libraries. The first is ours."""

from __future__ import annotations

import importlib

from .base import CannotTakePart, Peer

__all__ = ["LIMIT", "NAMES", "NOT_PEERS", "OURS", "CannotTakePart", "Peer", "load"]

_PLACES = {
    "cnn": ("ours", "Library"),
    "cnn out=": ("ours", "WithOut"),
    "cnn session": ("ours", "WithSession"),
    "scikit-learn": ("sklearn_", "Library"),
    "torch": ("torch_eager", "Library"),
    "torch.compile": ("torch_compiled", "Library"),
    "jax": ("jax_scan", "Library"),
    "keras": ("keras_", "Library"),
    "onnxruntime": ("onnxruntime_", "Library"),
    "fann": ("fann", "Library"),
    "seed": ("seed", "Library"),
    "c-loop": ("c_loop", "Library"),
}
NAMES = tuple(_PLACES)
OURS, LIMIT = "cnn", "c-loop"
NOT_PEERS = ("cnn", "cnn out=", "cnn session", "c-loop")


def load(name: str) -> type[Peer]:
    """The class of a library."""
    module, kind = _PLACES[name]
    found: type[Peer] = getattr(importlib.import_module(f"peers.{module}"), kind)
    return found
