"""Whether a training came to something: its figures beside those of a constant answer."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .text import count

if TYPE_CHECKING:
    from .trial import Problem, Trained

__all__ = ["baseline", "doubt", "few_rows", "judged", "lost"]

_LOST = 1000  # times the loss of a constant answer
_FEW, _FEW_OF_A_CLASS = 20, 10


def _rows(problem: "Problem") -> np.ndarray:
    """The targets of the rows that are judged."""
    return problem.y if problem.held_y is None else problem.held_y


def baseline(problem: "Problem") -> dict[str, Any]:
    """What saying the same for every row would reach on the rows that are judged."""
    y = _rows(problem)
    if problem.task == "classification":
        assert problem.classes is not None
        most = int(np.bincount(problem.y).argmax())
        return {"always": problem.classes[most], "accuracy": float(np.mean(y == most))}
    return {"always": problem.y.mean(axis=0).tolist(), "mae": float(np.abs(y - problem.y.mean(axis=0)).mean())}


def _constant_loss(problem: "Problem") -> float:
    """Cross-entropy of the classes' shares, or the mean square around the mean, both of the rows to train on."""
    y = _rows(problem)
    if problem.task == "classification":
        assert problem.classes is not None
        share = np.bincount(problem.y, minlength=len(problem.classes)) / len(problem.y)
        return float(-np.log(np.maximum(share, 1e-7))[y].mean())
    return float(np.square(y - problem.y.mean(axis=0)).mean())


def _loss(problem: "Problem", figures: dict[str, float]) -> float:
    """What compares with `_constant_loss`."""
    return figures["loss"] if problem.task == "classification" else figures["rmse"] ** 2


def lost(problem: "Problem", figures: dict[str, float]) -> str | None:
    """What is wrong with a network that is not worth a file: not finite, or 1000 times worse than a constant answer."""
    loss, constant = _loss(problem, figures), _constant_loss(problem)
    if math.isfinite(loss) and (loss <= _LOST * constant or not constant):
        return None
    name = "cross-entropy" if problem.task == "classification" else "mean square error"
    return f"training came to nothing, and nothing is saved: the {name} is {loss:.3g}, and {constant:.3g} of a constant answer"


def doubt(problem: "Problem", trained: "Trained") -> str | None:
    """The sentence for a network that is no better than a constant answer; None for a better one."""
    f, base = trained.figures, baseline(problem)
    if problem.task == "classification":
        if f["accuracy"] > base["accuracy"] or f["accuracy"] == 1:
            return None
        same = f"always saying {base['always']!r} ({base['accuracy']:.1%})"
    else:
        if f["r2"] > 0 or not math.isfinite(f["r2"]):
            return None
        same = "always saying the mean"
    history = trained.network.history
    losses = history.history["loss"] if history is not None else [0.0]
    optimizer = trained.network.optimizer
    if optimizer is not None and (losses[-1] > losses[0] or _loss(problem, f) > 2 * _constant_loss(problem)):
        return (
            f"this is no better than {same}, and the loss grew or is large: try a smaller --lr than {optimizer.rate:g}"
        )
    return (
        f"this is no better than {same}: the inputs may tell nothing of the target; try other columns, more rows or more"
        " --epochs"
    )


def judged(problem: "Problem", trained: "Trained") -> str:
    """One line: the figures, beside what a constant answer reaches."""
    rows = len(_rows(problem))
    where = (
        f"on the {count(rows, 'row')} it was trained on"
        if problem.held_X is None
        else f"on {count(rows, 'held-out row')}"
    )
    f, base = trained.figures, baseline(problem)
    if problem.task == "classification":
        return f"{where}: accuracy {f['accuracy']:.1%} (always {base['always']!r}: {base['accuracy']:.1%}), f1 {f['f1']:.3f}"
    return f"{where}: r2 {f['r2']:.3f}, mae {f['mae']:.4g} (always the mean: {base['mae']:.4g}), rmse {f['rmse']:.4g}"


def few_rows(y: np.ndarray, classes: list[Any] | None) -> list[str]:
    """Notes on data that are too few to judge by."""
    if len(y) < _FEW:
        return [f"{count(len(y), 'row')} in all: so few tell little, and the figures below may be chance"]
    if classes is None:
        return []
    times = np.bincount(y, minlength=len(classes))
    rare = [f"{classes[i]!r} ({times[i]})" for i in np.flatnonzero(times < _FEW_OF_A_CLASS)]
    if not rare:
        return []
    listed = ", ".join(rare[:5]) + (f" and {len(rare) - 5} more" if len(rare) > 5 else "")
    return [f"fewer than {_FEW_OF_A_CLASS} rows of {listed}: so few tell little of a class"]
