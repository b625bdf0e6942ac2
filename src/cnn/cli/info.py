"""``cnn info``: a model file, or this installation."""

import argparse
import os
from typing import Any

import cnn

from ..arrays import shape_text
from . import text
from .console import Console

_OPTIONAL = {
    "matplotlib": "pictures: cnn[plot]",
    "pillow": "pictures as data: cnn[images]",
    "tqdm": "progress bars: cnn[progress]",
    "pandas": "frames",
    "polars": "frames",
}


def run(options: argparse.Namespace, console: Console) -> int:
    """Tell what there is."""
    return _installation(console) if options.model is None else _model(options.model, console)


def _installation(console: Console) -> int:
    from importlib.metadata import PackageNotFoundError, version
    from platform import machine, python_version, system

    def of(name: str) -> str | None:
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    try:
        library: str | None = cnn.get_library()
    except FileNotFoundError:
        library = None
    found: dict[str, Any] = {
        "version": cnn.__version__,
        "python": python_version(),
        "system": f"{system()} {machine()}",
        "isa": cnn.cpu.current(),
        "available": cnn.cpu.available(),
        "threads": cnn.get_num_threads(),
        "include": cnn.get_include(),
        "library": library,
        "numpy": of("numpy"),
        "optional": {name: of(name) for name in _OPTIONAL},
    }
    rows = [
        ("cnn", found["version"]),
        ("python", f"{found['python']}, {found['system']}"),
        ("numpy", found["numpy"]),
        ("instructions", f"{found['isa']} (of {', '.join(found['available'])})"),
        ("threads", found["threads"]),
        ("include", found["include"]),
        ("library", library or "none in this installation"),
    ]
    rows += [(name, f"{found['optional'][name] or 'not installed'} ({what})") for name, what in _OPTIONAL.items()]
    for name, value in rows:
        console.say(f"{name:<13} {value}", result=True)
    console.finish(found)
    return 0


def _model(path: str, console: Console) -> int:
    from ..summary import text as summary
    from .models import Model

    size = os.path.getsize(path)
    model = Model(path)
    net, told = model.net, model.told
    columns = [] if model.prep is None else [_column(one) for one in model.prep.to_json()["columns"]]
    single = len(net._ends[0]) == len(net._ends[2]) == 1
    classes = model.classes if single and len(net.output_shape) == 1 else net.classes
    console.say(f"{path}: {size:,} bytes, {net.count_parameters():,} parameters, {net.dtype}\n")
    console.say(summary(net))
    if columns:
        console.say(
            "\n" + text.table(["input column", "kind", ""], [(c["name"], c["kind"], _told_column(c)) for c in columns])
        )
    else:
        console.say("\ninput  " + ", ".join(shape_text(shape) for shape in net._ends[1]))
    if model.pictures is not None:
        height, width = model.pictures.size
        kind = "gray" if model.pictures.mode == "L" else "colours"
        console.say(f"       pictures, {kind}; those of other sizes are brought to {width} x {height} pixels")
    if classes is not None:
        listed = ", ".join(str(c) for c in classes[:20]) + (f", ... ({len(classes)})" if len(classes) > 20 else "")
        console.say(f"\nclasses  {listed}")
    if told:
        figures = ", ".join(f"{k} {v:.4g}" for k, v in told["figures"].items())
        held = told["validation_rows"]
        console.say(f"\ntarget   {', '.join(told['target'])} ({told['task']})")
        console.say(
            f"trained  by {told['command']} on {told['rows']:,} rows of {told['data']}; epoch {told['best_epoch']} of {told['epochs']}"
        )
        console.say(f"reached  {figures} on {f'{held:,} rows held out' if held else 'the same rows'}")
        console.say("with     " + ", ".join(f"{k} {_plain(v)}" for k, v in told["settings"].items() if v is not None))
    console.finish(
        {
            "file": path,
            "bytes": size,
            "parameters": net.count_parameters(),
            "dtype": net.dtype,
            "inputs": dict(zip(net._ends[0], net._ends[1], strict=True)),
            "outputs": dict(zip(net._ends[2], net._ends[3], strict=True)),
            "layers": [{"name": x.name, "kind": type(x).__name__, "output": x.output_shape} for x in net.layers],
            "columns": columns,
            "classes": classes,
            "trained_with": told or net.metadata.get("trained_with"),
            "metadata": {k: v for k, v in net.metadata.items() if k != "trained_with"},
        }
    )
    return 0


def _column(told: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in told.items() if k in ("name", "kind", "mean", "std", "categories")}


def _told_column(column: dict[str, Any]) -> str:
    if column["kind"] == "number":
        return f"mean {column['mean']:.4g}, spread {column['std']:.4g}"
    shown = column["categories"][:8]
    return f"{len(column['categories'])}: " + ", ".join(shown) + (", ..." if len(column["categories"]) > 8 else "")


def _plain(value: Any) -> str:
    return "-".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
