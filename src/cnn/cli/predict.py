"""``cnn predict``: a CSV of what a network says."""

import argparse
import csv
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .console import Console, Failed, Usage
from .files import replacing, spooled, writable
from .models import Model
from .sources import option_words
from .text import count

_ROWS = 16384  # written at a time


def run(options: argparse.Namespace, console: Console) -> int:
    """All of the data is read, and found good, before anything is written."""
    out = None
    if options.out is not None:
        out = writable("--out", options.out, {"DATA": options.data, "MODEL": options.model})
    with spooled(options) as options:
        return _predict(options, out, console)


def _predict(options: argparse.Namespace, out: Path | None, console: Console) -> int:
    model = Model(options.model)
    model.check_one()
    if options.probabilities and model.task != "classification":
        raise Usage("--probabilities: this network predicts numbers, not classes")
    try:
        X = model.inputs(options.data, options.inputs)
    except (ValueError, TypeError) as error:
        raise Failed(option_words(str(error))) from None
    said = model.said(X, options.data)
    files = model.files(options.data)
    if console.as_json and out is None:
        console.finish(({"files": files} if files else {}) | _as_json(model, said, options.probabilities))
        return 0
    with nullcontext(_stdout()) if out is None else replacing(out) as file:
        assert file is not None
        writer = csv.writer(file, lineterminator="\n")
        header = ["file"] * bool(files) + _header(model, options.probabilities)
        writer.writerow(header)
        for first in range(0, len(said), _ROWS):
            columns = [files[first : first + _ROWS]] if files else []
            columns += _columns(model, said[first : first + _ROWS], options.probabilities)
            writer.writerows(zip(*columns, strict=True))
    if out is not None:
        console.progress(f"{count(len(X), 'prediction')} written to {options.out}")
        console.finish({"rows": len(X), "out": options.out, "columns": header})
    return 0


def _stdout() -> TextIO:
    if hasattr(sys.stdout, "reconfigure") and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # a file of data, whatever the terminal's language
    return sys.stdout


def _header(model: Model, probabilities: bool) -> list[str]:
    if model.task != "classification":
        return ["prediction"] if model.width == 1 else model.targets
    assert model.classes is not None
    return ["prediction", *(f"probability_{c}" for c in model.classes if probabilities)]


def _columns(model: Model, p: np.ndarray, probabilities: bool) -> list[list[Any]]:
    """Numbers as the shortest text that reads back to the same bits."""
    if model.task != "classification":
        return [column.astype(str).tolist() for column in p.T]
    assert model.classes is not None
    full = np.column_stack([1 - p, p]) if p.shape[1] == 1 else p
    called = p.argmax(axis=1) if p.shape[1] > 1 else (p[:, 0] > 0.5).astype(np.int64)
    names = [[model.classes[i] for i in called.tolist()]]
    return names + ([column.astype(str).tolist() for column in full.T] if probabilities else [])


def _as_json(model: Model, said: np.ndarray, probabilities: bool) -> dict[str, Any]:
    columns = _columns(model, said, probabilities)
    if model.task != "classification":
        numbers = [[float(v) for v in column] for column in columns]
        return {"rows": len(said), "predictions": numbers[0] if model.width == 1 else list(zip(*numbers, strict=True))}
    found = {"rows": len(said), "classes": model.classes, "predictions": columns[0]}
    if probabilities:
        found["probabilities"] = [list(map(float, row)) for row in zip(*columns[1:], strict=True)]
    return found
