"""``cnn train --search N``: networks at random, the best of them kept; goes on where it was left."""

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from . import text
from .console import Console, Failed, Usage
from .sources import Source
from .text import count
from .trial import Problem, Settings, Trained, train, varied
from .verdict import doubt, judged

_SIZES = (16, 32, 64, 128, 256)
_COLUMNS = ("trial", "hidden", "activation", "dropout", "l2", "lr", "batch", "epoch", "loss")


def search(source: Source, problem: Problem, settings: Settings, options: argparse.Namespace, console: Console) -> int:
    """Trials up to --search N; trial 1 has the defaults, the others are functions of (seed, trial).

    What was given on the command line stays as it is. Results are lines of ``<out>.search.jsonl``.
    """
    from .train import record, save

    if options.plot is not None:
        raise Usage("--plot shows one training; leave it out with --search")

    journal = _Journal(Path(f"{options.out}.search.jsonl"), _identity(problem, settings, options))
    if journal.results:
        console.progress(
            f"{count(len(journal.results), 'trial')} done; {max(options.search - len(journal.results), 0)} to go"
        )
    stopped = False
    best: Trained | None = None
    try:
        for number in range(len(journal.results) + 1, options.search + 1):
            chosen = drawn(settings, options, number, len(problem.X))
            result, trained = _one(problem, chosen, number, console)
            if trained is not None and trained.stopped == "interrupted":
                raise KeyboardInterrupt
            if trained is not None and _better(result, journal.best()):
                save(source, problem, trained, chosen, options, trial=number, search=journal.identity)
                best = trained
            journal.add(result)
            console.progress(_line(result, options.search))
    except KeyboardInterrupt:
        stopped = True
    winner = journal.best()
    if winner is None:
        raise Failed(
            "stopped before the first trial was done; nothing is saved"
            if stopped
            else "no trial came to a result; try a smaller --lr"
        )
    chosen = drawn(settings, options, winner["trial"], len(problem.X))
    if best is None and not _is_there(options.out, journal.identity, winner["trial"]):
        console.progress(f"trial {winner['trial']} is trained again, as {options.out} does not hold it")
        best = train(problem, chosen, console, show=False)
        save(source, problem, best, chosen, options, trial=winner["trial"], search=journal.identity)
    if best is None:  # only its figures are asked for
        from ..io.native import load

        best = Trained(
            load(options.out), winner["figures"], winner["epoch"], winner["epochs"], None, 0.0, winner["loss"]
        )
    ranking = sorted((r for r in journal.results if r["loss"] is not None), key=lambda r: (r["loss"], r["trial"]))
    console.say(text.table(_header(problem), [_row(r, problem) for r in ranking[:5]], right=(0, 3, 4, 5, 6, 7, 8, 9)))
    if stopped:
        console.say(f"\nstopped after {count(len(journal.results), 'trial')}; the same call goes on", result=True)
    console.say(f"\nthe best of {len(journal.results)}, trial {winner['trial']}, {judged(problem, best)}", result=True)
    notes = [note] if (note := doubt(problem, best)) else []
    for note in notes:
        console.say(f"note: {note}", result=True)
    console.say(f"saved {options.out} (all results: {journal.path}; a larger --search goes on from there)", result=True)
    console.finish(
        {
            **record(source, problem, best, chosen, options),
            "model": options.out,
            "stopped": "interrupted" if stopped else None,
            "trials": journal.results,
            "best_trial": winner["trial"],
            "notes": source.notes + notes,
        }
    )
    return 0


def drawn(settings: Settings, options: argparse.Namespace, number: int, rows: int) -> Settings:
    """The settings of one trial: a function of (seed, trial) and of what was given."""
    if number == 1:
        return settings
    random = np.random.default_rng([settings.seed, number])
    sizes = [int(s) for s in random.choice(_SIZES, random.integers(1, 4))]
    batches = [b for b in (8, 16, 32, 64, 128, 256) if b <= max(rows // 8, 8)]
    low, high = {"sgd": (3e-3, 0.3), "adagrad": (3e-3, 0.3)}.get(settings.optimizer, (3e-4, 1e-2))
    found: dict[str, Any] = {
        "hidden": tuple(sorted(sizes, reverse=True)),
        "activation": str(random.choice(["relu", "tanh", "silu", "gelu"])),
        "dropout": float(random.choice([0.0, 0.0, 0.1, 0.2, 0.4])),
        "l2": _rounded(10 ** random.uniform(-6, -2)),
        "lr": _rounded(float(np.exp(random.uniform(np.log(low), np.log(high))))),
        "batch_size": int(random.choice(batches)),
    }
    if settings.optimizer == "lbfgs":
        del found["lr"], found["batch_size"]
    for name in list(found):
        if getattr(options, name) is not None:
            del found[name]
    return varied(settings, seed=int(random.integers(2**32)), **found)


def _rounded(x: float) -> float:
    return float(f"{x:.2g}")


def _one(problem: Problem, chosen: Settings, number: int, console: Console) -> tuple[dict[str, Any], Trained | None]:
    told = {
        "trial": number,
        **{
            k: v for k, v in chosen.told().items() if k in ("hidden", "activation", "dropout", "l2", "lr", "batch_size")
        },
    }
    try:
        trained = train(problem, chosen, console, show=False)
    except Failed as error:
        return {**told, "loss": None, "figures": {}, "epoch": 0, "epochs": 0, "failed": str(error)}, None
    done = {"loss": trained.score, "figures": trained.figures, "epoch": trained.best, "epochs": trained.epochs}
    return told | done, trained


def _better(result: dict[str, Any], best: dict[str, Any] | None) -> bool:
    return result["loss"] is not None and (best is None or result["loss"] < best["loss"])


# ---- The journal


class _Journal:
    """Results of trials in a file of JSON lines, the first of which says what they belong to."""

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.path, self.identity = path, identity
        self.results: list[dict[str, Any]] = []
        if not path.exists():
            path.write_text(json.dumps(identity) + "\n", encoding="utf-8")
            return
        text_ = path.read_text(encoding="utf-8", errors="replace")
        whole = text_[: text_.rfind("\n") + 1]  # a line that was cut off belongs to a trial that is done again
        try:
            lines = [json.loads(line) for line in whole.splitlines()]
            known = lines[0]
            assert isinstance(known, dict) and all(r["trial"] == i for i, r in enumerate(lines[1:], 1))
        except (ValueError, LookupError, TypeError, AssertionError):
            raise Failed(
                f"{str(path)!r} is not what cnn train --search writes; delete it, or choose another --out"
            ) from None
        if known != identity:
            differing = self._differing(known)
            what = f"other settings ({differing})" if differing else "other data"
            raise Failed(
                f"{str(path)!r} belongs to a search with {what}; go on with the same ones, delete it, or choose another --out"
            )
        self.results = lines[1:]
        if len(whole) < len(text_):
            path.write_text(whole, encoding="utf-8")

    def _differing(self, known: dict[str, Any]) -> str:
        old, new = known.get("settings") or {}, self.identity["settings"]
        return ", ".join(f"{k} was {old.get(k)!r}" for k in new if old.get(k) != new[k])

    def add(self, result: dict[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        self.results.append(result)

    def best(self) -> dict[str, Any] | None:
        done = [r for r in self.results if r["loss"] is not None]
        return min(done, key=lambda r: (r["loss"], r["trial"])) if done else None


def _identity(problem: Problem, settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """What must be the same for trials to be comparable."""
    digest = hashlib.blake2b(digest_size=16)
    for array in (problem.X, problem.y, problem.held_X, problem.held_y):
        if array is not None:
            digest.update(repr((array.shape, array.dtype.str)).encode())
            step = max(1, (1 << 24) // max(1, array[0].nbytes))
            for first in range(0, len(array), step):
                digest.update(np.ascontiguousarray(array[first : first + step]).tobytes())
    given = settings.told() | {"class_weight": options.class_weight}
    for name in ("hidden", "activation", "dropout", "l2", "lr", "batch_size"):
        asked = getattr(options, name)
        given[name] = list(asked) if isinstance(asked, tuple) else asked
    return {"search": 1, "data": digest.hexdigest(), "settings": given}


def _is_there(path: str, identity: dict[str, Any], trial: int) -> bool:
    """Whether the model file is that of this trial of this search."""
    if not os.path.exists(path):
        return False
    from ..io.native import load

    try:
        told = json.loads(load(path).metadata["trained_with"])
        return bool(told["search"] == identity and told["trial"] == trial)
    except (OSError, ValueError, LookupError, TypeError):
        return False


# ---- What is told


def _header(problem: Problem) -> list[str]:
    return [*_COLUMNS, "accuracy" if problem.task == "classification" else "r2"]


def _row(result: dict[str, Any], problem: Problem) -> list[str]:
    figure = result["figures"]["accuracy" if problem.task == "classification" else "r2"]
    return [
        str(result["trial"]),
        "-".join(map(str, result["hidden"])) or "none",
        result["activation"],
        f"{result['dropout']:g}",
        f"{result['l2']:.1e}",
        "-" if result["lr"] is None else f"{result['lr']:g}",
        str(result["batch_size"]),
        str(result["epoch"]),
        f"{result['loss']:.4f}",
        f"{figure:.4f}",
    ]


def _line(result: dict[str, Any], trials: int) -> str:
    what = f"{'-'.join(map(str, result['hidden'])) or 'none'} {result['activation']}"
    if result["loss"] is None:
        return f"trial {result['trial']}/{trials}  {what}: {result['failed']}"
    told = "  ".join(f"{k} {v:.4g}" for k, v in result["figures"].items() if k in ("accuracy", "r2", "mae"))
    return f"trial {result['trial']}/{trials}  {what}  loss {result['loss']:.4g}  {told}"
