"""``cnn evaluate``: how well a network does on data with known answers."""

import argparse
import os
from typing import Any

from . import text
from .console import Console, Failed
from .files import spooled
from .models import Model
from .sources import option_words
from .text import count
from .trial import called_of, figures


def run(options: argparse.Namespace, console: Console) -> int:
    """Loss, accuracy, f1 and the confusion matrix; or mae, rmse and r2."""
    with spooled(options) as options:
        return _evaluate(options, console)


def _evaluate(options: argparse.Namespace, console: Console) -> int:
    model = Model(options.model)
    model.check_one()
    try:
        X, y = model.pairs(options.data, options.target, options.inputs)
    except (ValueError, TypeError) as error:
        raise Failed(option_words(str(error))) from None
    if len(X) != len(y):
        raise Failed(f"{options.data!r} has {count(len(X), 'row')} of inputs and {len(y)} of answers")
    if not len(X):
        raise Failed(f"{os.path.basename(options.data)!r} has no rows")
    said = model.said(X, options.data, model.prep is not None and model.prep.skip_blank_targets)
    found = figures(model.net, X, y, model.task)
    console.say(count(len(X), "row"), result=True)
    for name, value in found.items():
        console.say(f"{name:<9} {value:.1%}" if name == "accuracy" else f"{name:<9} {value:.4g}", result=True)
    result: dict[str, Any] = {"rows": len(X), **found}
    if model.classes is not None:
        matrix = text.counts(y, called_of(said), len(model.classes))
        console.say("\n" + text.confusion(matrix, model.classes), result=True)
        result |= {"classes": model.classes, "confusion_matrix": matrix}
    console.finish(result)
    return 0
