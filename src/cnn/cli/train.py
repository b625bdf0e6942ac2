"""``cnn train``: from a file of data to a saved network."""

import argparse
import json
import os
import sys
from typing import Any

import numpy as np

from .. import __version__
from ..names import lookup
from ..network import Network
from ..summary import text as summary
from . import arrays, text
from .console import Console, Failed, Usage, encodes, run_to_file, writable
from .sources import Source, open_source, option_words
from .trial import Problem, Settings, Trained, settings_of, train

NOTE = "trained_with"  # the key in a model's metadata


def run(options: argparse.Namespace, console: Console) -> int:
    """Read, train, tell, save."""
    writable("--out", options.out)
    plot = None if options.plot is None else writable("--plot", options.plot)
    try:
        source = open_source(options)
        problem = _problem(source, options)
    except (ValueError, TypeError) as error:
        raise Failed(option_words(str(error))) from None
    settings = settings_of(options, source.task, len(source.classes or ()), len(problem.X))
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
    tell(source, problem, trained, console)
    notes = [] if plot is None else _plot(history, plot, trained, console)
    console.say(f"saved {options.out}", result=True)
    console.say(_next(source, options))
    console.finish(
        {
            **record(source, problem, trained, settings, options),
            "model": options.out,
            "stopped": trained.stopped,
            "seconds": trained.seconds,
            "baseline": baseline(problem),
            "notes": source.notes + notes,
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
    inputs = f"{shape[0]} columns" if len(shape) == 1 else f"inputs of {'x'.join(map(str, shape))}"
    goal = f"{len(source.classes)} classes" if source.classes is not None else "regression"
    name = ", ".join(source.targets)
    console.say(f"{len(problem.X):,} rows to train on, {held:,} held out; {inputs}; target {name}: {goal}")
    for note in source.notes:
        console.say(f"note: {note}")
    console.say()


def baseline(problem: Problem) -> dict[str, Any]:
    """What saying the same for every row would reach on the rows that are judged."""
    y = problem.y if problem.held_y is None else problem.held_y
    if problem.task == "classification":
        assert problem.classes is not None
        most = int(np.bincount(problem.y).argmax())
        return {"always": problem.classes[most], "accuracy": float(np.mean(y == most))}
    return {"always": problem.y.mean(axis=0).tolist(), "mae": float(np.abs(y - problem.y.mean(axis=0)).mean())}


def tell(source: Source, problem: Problem, trained: Trained, console: Console) -> None:
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
    console.say(f"\n{trained.epochs} epochs in {trained.seconds:.2f} s; the best was epoch {trained.best}{how}")
    if trained.stopped == "interrupted":
        console.say(f"stopped at epoch {trained.epochs}; the best so far, epoch {trained.best}, is saved", result=True)
    console.say(judged(problem, trained), result=True)
    if problem.task == "classification":
        X, y = (problem.X, problem.y) if problem.held_X is None else (problem.held_X, problem.held_y)
        assert problem.classes is not None and y is not None
        k = len(problem.classes)
        called = called_of(trained.network, X)
        console.say("\n" + text.confusion(text.counts(y, called, k), problem.classes) + "\n")


def called_of(net: Network, X: Any) -> np.ndarray:
    """Which class each row is called, as a place in the list of classes."""
    p = net.predict(X)
    return np.asarray(p.argmax(axis=1) if p.shape[1] > 1 else (p[:, 0] > 0.5).astype(np.int64))


def judged(problem: Problem, trained: Trained) -> str:
    """One line: the figures, beside what a constant answer reaches."""
    rows = len(problem.X if problem.held_X is None else problem.held_X)
    where = f"on the {rows:,} rows it was trained on" if problem.held_X is None else f"on {rows:,} held-out rows"
    f, base = trained.figures, baseline(problem)
    if problem.task == "classification":
        return f"{where}: accuracy {f['accuracy']:.1%} (always {base['always']!r}: {base['accuracy']:.1%}), f1 {f['f1']:.3f}"
    return f"{where}: r2 {f['r2']:.3f}, mae {f['mae']:.4g} (always the mean: {base['mae']:.4g}), rmse {f['rmse']:.4g}"


def _plot(history: Any, path: Any, trained: Trained, console: Console) -> list[str]:
    """The picture, or the sentence that says why there is none."""
    try:
        import matplotlib
    except ImportError:
        note = "--plot: there is no picture, as matplotlib is not installed: pip install cnn[plot]"
        console.progress(note)
        return [note]
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    history.plot([name for name in ("loss", "val_loss") if name in history.history], ax=axes)
    axes.axvline(history.epoch[trained.best - 1], color="grey", linewidth=0.8)
    try:
        run_to_file(path, lambda temporary: figure.savefig(temporary, dpi=120))
    except ValueError as error:
        note = f"--plot: {error}"
        console.progress(note)
        return [note]
    finally:
        pyplot.close(figure)
    console.say(f"saved {path}", result=True)
    return []


def _next(source: Source, options: argparse.Namespace) -> str:
    new = {"csv": "new.csv", "npz": "new.npz", "idx": "new-images-idx3-ubyte"}[source.recipe["kind"]]
    lines = [
        f"next:  cnn predict {options.out} {new}",
        f"       cnn evaluate {options.out} {options.data if len(options.data) < 40 else new}",
        f"       cnn info {options.out}",
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
        "data": os.path.basename(options.data),
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
    net.preprocessing = source.prep
    told = {"command": f"cnn train {__version__}", **record(source, problem, trained, settings, options), **more}
    net.metadata[NOTE] = json.dumps(told)
    net.save(options.out)
