"""``cnn evaluate``: how well a network does on data with known answers."""

import argparse
from typing import Any

from . import text
from .console import Console, Failed
from .models import Model
from .sources import option_words
from .train import called_of
from .trial import figures


def run(options: argparse.Namespace, console: Console) -> int:
    """Loss, accuracy, f1 and the confusion matrix; or mae, rmse and r2."""
    model = Model(options.model)
    model.check_one()
    try:
        y = model.answers(options.data, options.target, options.inputs)
        X = model.inputs(options.data, options.inputs, options.target[0] if options.target else None)
    except (ValueError, TypeError) as error:
        raise Failed(option_words(str(error))) from None
    if len(X) != len(y):
        raise Failed(f"{options.data!r} has {len(X)} rows of inputs and {len(y)} of answers")
    found = figures(model.net, X, y, model.task)
    console.say(f"{len(X):,} rows", result=True)
    for name, value in found.items():
        console.say(f"{name:<9} {value:.1%}" if name == "accuracy" else f"{name:<9} {value:.4g}", result=True)
    result: dict[str, Any] = {"rows": len(X), **found}
    if model.classes is not None:
        matrix = text.counts(y, called_of(model.net, X), len(model.classes))
        console.say("\n" + text.confusion(matrix, model.classes), result=True)
        result |= {"classes": model.classes, "confusion_matrix": matrix}
    console.finish(result)
    return 0
