"""``cnn train``: from a file of data to a saved network."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..names import lookup
from ..summary import text as summary
from . import arrays, text
from .console import Console, Failed, Usage, encodes
from .files import spooled, writable
from .plot import check_plot, draw
from .sources import Source, open_source, option_words
from .text import count
from .trial import Problem, Settings, Trained, called_of, settings_of, train
from .verdict import baseline, doubt, few_rows, judged

NOTE = "trained_with"  # the key in a model's metadata


def run(options: argparse.Namespace, console: Console) -> int:
    """Read, train, tell, save."""
    inputs = {"DATA": options.data, "--validation-data": options.validation_data}
    if options.target is not None:
        inputs["--target"] = ",".join(options.target)  # with IDX, a file
    writable("--out", options.out, inputs, model=True)
    plot, notes = None, []
    if options.plot is not None:
        plot = writable("--plot", options.plot, inputs | {"--out": options.out})
        if (missing := check_plot(options.plot)) is not None:
            console.progress(missing)
            plot, notes = None, [missing]
    with spooled(options) as options:
        return _train(options, plot, notes, console)


def _train(options: argparse.Namespace, plot: Path | None, notes: list[str], console: Console) -> int:
    try:
        source = open_source(options)
        problem = _problem(source, options)
    except (ValueError, TypeError) as error:
        raise Failed(option_words(str(error))) from None
    settings = settings_of(options, source.task, len(source.classes or ()), len(problem.X), images=source.convolutional)
    if options.search is not None and source.convolutional:
        raise Usage("--search tries dense networks; of images say --hidden 64,32, which is where it begins")
    _tell_data(source, problem, console)
    if options.search is not None:
        from .search import search

        return search(source, problem, settings, options, console)
    try:
        trained = train(problem, settings, console)
    except KeyboardInterrupt:
        raise Failed("stopped before the first epoch was done; nothing is saved") from None
    save(source, problem, trained, settings, options)
    console.say(summary(trained.network))
    history = trained.network.history
    assert history is not None
    doubts = [sentence] if (sentence := doubt(problem, trained)) else []
    tell(problem, trained, doubts, console)
    if plot is not None:
        notes += draw(history, plot, trained, console)
    console.say(f"saved {options.out}", result=True)
    console.say(_next(source, options))
    console.finish(
        {
            **record(source, problem, trained, settings, options),
            "model": options.out,
            "stopped": trained.stopped,
            "seconds": trained.seconds,
            "baseline": baseline(problem),
            "notes": source.notes + notes + doubts,
            "history": history.history,
        }
    )
    return 0


def _problem(source: Source, options: argparse.Namespace) -> Problem:
    X, y = source.X, source.y
    classify = source.task == "classification"
    held_X: np.ndarray | None = None
    held_y: np.ndarray | None = None
    if options.validation_data is not None:
        rows = np.arange(len(X))
        held_X, held_y = source.like(options.validation_data)
        if held_X.shape[1:] != X.shape[1:]:
            raise Failed(
                f"{options.validation_data!r} has inputs of the shape {held_X.shape[1:]}, and {options.data!r} {X.shape[1:]}"
            )
    elif options.validation:
        rows, held = arrays.split(y, options.validation, options.seed, stratify=classify)
        held_X, held_y = arrays.rows_of(X, held), y[held]
    else:
        rows = np.arange(len(X))
    source.learn_from(rows)
    weight = None
    if options.class_weight is not None:
        if not classify:
            raise Usage("--class-weight is for classes, and this is a regression")
        weight = _class_weight(options.class_weight, source.classes or [])
    source.notes += few_rows(y, source.classes)
    source.let_go()
    return Problem(arrays.rows_of(X, rows), y[rows], held_X, held_y, source.front, source.task, source.classes, weight)


def _class_weight(given: str, classes: list[Any]) -> Any:
    if given == "balanced":
        return given
    names = [str(c) for c in classes]
    weights: dict[Any, float] = {}
    for part in given.split(","):
        name, equals, weight = part.rpartition("=")
        try:
            place = (
                names.index(lookup("class", name.strip(), names))
                if name.strip() not in names
                else names.index(name.strip())
            )
            weights[classes[place]] = float(weight)
        except ValueError as error:
            wrong = str(error) if equals and name.strip() not in names else f"{part!r} is not a class and a number"
            raise Usage(
                f"--class-weight: {wrong}; write balanced, or weights as in {names[0]}=3,{names[-1]}=1"
            ) from None
    return weights


# ---- What is told


def _tell_data(source: Source, problem: Problem, console: Console) -> None:
    held = 0 if problem.held_X is None else len(problem.held_X)
    shape = source.X.shape[1:]
    inputs = count(shape[0], "column") if len(shape) == 1 else f"inputs of {'x'.join(map(str, shape))}"
    goal = count(len(source.classes), "class") if source.classes is not None else "regression"
    name = ", ".join(source.targets)
    console.say(f"{count(len(problem.X), 'row')} to train on, {held:,} held out; {inputs}; target {name}: {goal}")
    for note in source.notes:
        console.say(f"note: {note}")
    console.say()


def tell(problem: Problem, trained: Trained, notes: Sequence[str], console: Console) -> None:
    """The learning curve and how well it does."""
    history = trained.network.history
    assert history is not None
    columns: dict[str, Any] = {name: history.history[name] for name in ("loss", "val_loss") if name in history.history}
    unicode = encodes(sys.stdout, "●○◉│└─┤")
    if len(history) > 1:
        console.say("\n" + text.curve(columns, unicode=unicode))
    how = {"early": ": no progress after that", "interrupted": f": stopped at epoch {trained.epochs}", None: ""}[
        trained.stopped
    ]
    console.say(
        f"\n{count(trained.epochs, 'epoch')} in {trained.seconds:.2f} s; the best was epoch {trained.best}{how}"
    )
    if trained.stopped == "interrupted":
        console.say(f"stopped at epoch {trained.epochs}; the best so far, epoch {trained.best}, is saved", result=True)
    console.say(judged(problem, trained), result=True)
    for note in notes:
        console.say(f"note: {note}", result=True)
    if problem.task == "classification":
        X, y = (problem.X, problem.y) if problem.held_X is None else (problem.held_X, problem.held_y)
        assert problem.classes is not None and y is not None
        k = len(problem.classes)
        called = called_of(trained.network.predict(X))
        console.say("\n" + text.confusion(text.counts(y, called, k), problem.classes) + "\n")


def _next(source: Source, options: argparse.Namespace) -> str:
    new = {"csv": "new.csv", "npz": "new.npz", "idx": "new-images-idx3-ubyte", "folder": "new.png"}[
        source.recipe["kind"]
    ]
    model = shlex.quote(options.out)
    lines = [
        f"next:  cnn predict {model} {new}",
        f"       cnn evaluate {model} {'folder' if source.recipe['kind'] == 'folder' else new}",
        f"       cnn info {model}",
    ]
    if source.prep is not None:
        lines.append(f'       python: cnn.load("{options.out}").predict(frame)')
    return "\n".join(lines)


# ---- What is kept


def record(
    source: Source, problem: Problem, trained: Trained, settings: Settings, options: argparse.Namespace
) -> dict[str, Any]:
    """How the network came to be, for its metadata and for --json."""
    return {
        "task": source.task,
        "target": source.targets,
        "classes": source.classes,
        "rows": len(problem.X),
        "validation_rows": 0 if problem.held_X is None else len(problem.held_X),
        "epochs": trained.epochs,
        "best_epoch": trained.best,
        "figures": trained.figures,
        "settings": settings.told(),
        "data": os.path.basename(os.path.abspath(options.data)),
        "read": source.recipe,
    }


def save(
    source: Source,
    problem: Problem,
    trained: Trained,
    settings: Settings,
    options: argparse.Namespace,
    **more: Any,
) -> None:
    """The network with what `cnn predict` and `cnn info` need to know."""
    net = trained.network
    net.preprocessing = source.pictures if source.prep is None else source.prep
    told = {"command": f"cnn train {__version__}", **record(source, problem, trained, settings, options), **more}
    net.metadata[NOTE] = json.dumps(told)
    net.save(options.out)
