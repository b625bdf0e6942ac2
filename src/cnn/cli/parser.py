"""What may stand on the command line."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .console import Usage

__all__ = ["COMMANDS", "parse"]

COMMANDS = {
    "demo": "train on real handwritten digits, in a second or two",
    "train": "train a network on a CSV, NPZ or IDX file, or on a folder of pictures",
    "predict": "what a saved network says about new data",
    "evaluate": "how well a saved network does on data with known answers",
    "info": "a model file, or this installation",
    "bench": "how fast the engine is on this machine",
    "config": "what a C compiler needs to use the library",
}
# Other tools' words for an option, and ours.
_OTHERS = {
    "--learning-rate": "--lr",
    "--learn-rate": "--lr",
    "--max-iter": "--epochs",
    "--n-epochs": "--epochs",
    "--num-epochs": "--epochs",
    "--random-state": "--seed",
    "--hidden-layer-sizes": "--hidden",
    "--layers": "--hidden",
    "--label": "--target",
    "--labels": "--target",
    "--y": "--target",
    "--output": "--out",
    "--features": "--inputs",
    "--columns": "--inputs",
    "--alpha": "--l2",
    "--weight-decay": "--l2",
    "--regression": "--regress",
    "--classification": "--classify",
    "--test-data": "--validation-data",
    "--validation-split": "--validation",
    "--early-stopping": "--patience",
    "--trials": "--search",
    "--proba": "--probabilities",
    "--verbose": "nothing: without --quiet it tells what it does",
}
_EPILOG = """exit codes: 0 good, 1 failed (a bad file, bad data, training that diverged: nothing is saved),
2 a call that makes no sense; a network no better than a constant answer is saved, with a note, and the code is 0

examples:
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        usage = Usage(message)
        usage.add_note(self.prog)
        raise usage


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of one call; `.command` is which.

    Raises
    ------
    Usage
        With the nearest name, where one is not known.
    SystemExit
        After --help and --version.
    """
    parser, commands = _build()
    if not arguments:
        parser.error(f"say what to do: cnn {' | '.join(COMMANDS)}")
    first = arguments[0]
    if not first.startswith("-") and first not in COMMANDS:
        parser.error(f"there is no command {first!r}; {_near(first, COMMANDS) or 'there are ' + ', '.join(COMMANDS)}")
    if first in COMMANDS:
        _check_options(commands[first], arguments[1:])
    return parser.parse_args(arguments)


def _check_options(parser: _Parser, arguments: Sequence[str]) -> None:
    """Before argparse sees them: to it an unknown option is a missing one, or a file too many."""
    known = parser._option_string_actions
    for argument in arguments:
        if argument == "--":
            return
        name = argument.partition("=")[0]
        if name.startswith("--") and name not in known:
            ours = _OTHERS.get(name.replace("_", "-"), "")
            dashed = name.replace("_", "-")
            ours = ours if ours in known or ours.startswith("nothing") else dashed if dashed in known else ""
            hint = f"write {ours}" if ours else _near(name, known) or f"see {parser.prog} --help"
            parser.error(f"there is no option {name}; {hint}")


def _near(given: str, known: Any) -> str:
    from difflib import SequenceMatcher, get_close_matches

    near = get_close_matches(given, [k for k in known if not k.startswith("-") or k.startswith("--")], 2, 0.6)
    likeness = [SequenceMatcher(None, one, given).ratio() for one in near]
    near = [one for one, how in zip(near, likeness, strict=True) if how > 0.85 * likeness[0]]
    return f"did you mean {' or '.join(near)}?" if near else ""


# ---- Values


def _whole(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is too small; it must be at least {least}")
        return value

    return read


def _number(least: float, below: float = float("inf"), *, above: bool = False) -> Callable[[str], float]:
    def read(text: str) -> float:
        from math import isinf

        from ..checks import number

        try:
            if isinf(float(text)):
                raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
            return number("the value", float(text), least, below, above=above)
        except ValueError as error:
            wrong = str(error) if str(error).startswith("the value is") else f"{text!r} is not a number"
            raise argparse.ArgumentTypeError(wrong) from None

    return read


def _sizes(text: str) -> tuple[int, ...]:
    if text.strip().lower() in ("", "0", "none"):
        return ()
    return tuple(_whole(1)(part.strip()) for part in text.split(","))


def _size(text: str) -> tuple[int, int]:
    parts = [_whole(1)(part.strip()) for part in text.lower().split("x")]
    if len(parts) > 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write one number, or height and width as in 24x32")
    return parts[0], parts[-1]


def _mode(text: str) -> str:
    from ..data.images import mode_of

    try:
        return str(mode_of(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _names(text: str) -> list[str]:
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise argparse.ArgumentTypeError("no name is given; write them with commas between, as in age,height")
    return names


def _known(what: str) -> Callable[[str], str]:
    """A name of the engine's vocabulary: an activation, an optimizer, a loss."""

    def read(text: str) -> str:
        from .. import _core
        from ..names import lookup
        from ..weighted import ACTIVATION_ALIASES

        known = {"activation": _core.ACTIVATIONS, "optimizer": _core.OPTIMIZERS, "loss": _core.LOSSES}[what]
        try:
            return lookup(what, text, known, ACTIVATION_ALIASES if what == "activation" else None)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


# ---- Commands


def _build() -> tuple[_Parser, dict[str, _Parser]]:
    from .. import __version__

    form = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="cnn",
        description="Small neural networks at C speed.",
        epilog=_EPILOG + "  cnn demo\n  cnn train iris.csv --target species\n  cnn predict model.cnn new.csv",
        formatter_class=form,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"cnn {__version__}")
    places = parser.add_subparsers(dest="command", metavar="command", title="commands")
    commands: dict[str, _Parser] = {}
    for name, text in COMMANDS.items():
        examples = "".join(f"  {line}\n" for line in _EXAMPLES[name])
        one = places.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=_EPILOG + examples,
            formatter_class=form,
            allow_abbrev=False,
        )
        globals()[f"_{name}"](one)
        if name != "config":
            one.add_argument("--json", action="store_true", help="one JSON object on stdout, for machines")
        commands[name] = one
    return parser, commands


_EXAMPLES = {
    "demo": ["cnn demo", "cnn demo --out digits.cnn --seed 3"],
    "train": [
        "cnn train iris.csv --target species",
        "cnn train houses.csv --target price --hidden 128,64 --dropout 0.1 --plot curve.png",
        "cnn train houses.csv --target price --drop id,address --search 30",
        "cnn train train-images-idx3-ubyte.gz --hidden 128 --epochs 20",
        "cnn train data.npz --inputs X --target y --out model.cnn",
        "cnn train --image pictures --size 32 --augment flip=horizontal,crop=4",
    ],
    "predict": [
        "cnn predict model.cnn new.csv",
        "cnn predict model.cnn new.csv --probabilities --out said.csv",
        "cat new.csv | cnn predict model.cnn -",
        "cnn predict model.cnn picture.png",
    ],
    "evaluate": ["cnn evaluate model.cnn test.csv", "cnn evaluate model.cnn test.npz --target y"],
    "info": ["cnn info", "cnn info model.cnn"],
    "bench": ["cnn bench", "cnn bench --json"],
    "config": ["cc main.c $(cnn config --cflags --libs)", "cnn config --include"],
}


def _demo(p: _Parser) -> None:
    p.add_argument("--out", metavar="FILE", default="digits.cnn", help="the model file to write (%(default)s)")
    p.add_argument("--seed", type=_whole(0), default=0, help="of all random numbers (%(default)s)")
    p.add_argument("--quiet", action="store_true", help="only the result")


def _train(p: _Parser) -> None:
    from .. import _core
    from .trial import CLASS_LOSSES, NUMBER_LOSSES

    activations, optimizers = ", ".join(_core.ACTIVATIONS), ", ".join(_core.OPTIMIZERS)
    p.add_argument(
        "data",
        metavar="DATA",
        help="CSV (also .gz, .tsv) with a header; NPZ; IDX images, gzipped or not; - reads stdin; or a folder with a folder of pictures"
        " for each class",
    )
    g = p.add_argument_group("what to learn")
    g.add_argument(
        "--target",
        metavar="COL",
        type=_names,
        help="the column (or columns) to predict; an NPZ key; an IDX labels file",
    )
    g.add_argument("--inputs", metavar="A,B", type=_names, help="the columns to predict from (all others); an NPZ key")
    g.add_argument("--drop", metavar="A,B", type=_names, default=[], help="columns to leave out")
    task = g.add_mutually_exclusive_group()
    task.add_argument(
        "--classify", dest="task", action="store_const", const="classification", help="the target is a class"
    )
    task.add_argument("--regress", dest="task", action="store_const", const="regression", help="the target is a number")
    g.add_argument(
        "--skip-blank-targets", action="store_true", help="leave out the rows whose target is blank, and tell how many"
    )
    g = p.add_argument_group("images")
    g.add_argument(
        "--image",
        action="store_true",
        help="DATA is images, for a convolutional network; a folder of pictures always is",
    )
    g.add_argument(
        "--size", metavar="HxW", type=_size, help="bring the pictures of a folder to this size, as in 32 or 24x32"
    )
    g.add_argument("--mode", type=_mode, metavar="L|RGB", help="gray, or colours (gray where all the pictures are)")
    g.add_argument(
        "--augment",
        metavar="SPEC",
        help="change the images of training batches at random, as in flip=horizontal,crop=4,rotate=10; of shift, flip, rotate,"
        " crop, scale, noise, fill (none)",
    )
    g = p.add_argument_group("the network")
    g.add_argument(
        "--hidden",
        metavar="64,32",
        type=_sizes,
        help="sizes of the hidden layers; none: a linear model (64,32; of images a convolutional network)",
    )
    g.add_argument(
        "--activation", metavar="NAME", type=_known("activation"), help=f"of the hidden layers (relu): {activations}"
    )
    g.add_argument(
        "--dropout", metavar="R", type=_number(0, 1), help="after each hidden layer (0; of images 0.2, before the last)"
    )
    g.add_argument(
        "--l2", metavar="X", type=_number(0), help="penalty of the weights (10 / rows, at most 0.02; of images 0.001)"
    )
    g.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="%(default)s")
    g = p.add_argument_group("training")
    g.add_argument(
        "--loss",
        metavar="NAME",
        type=_known("loss"),
        help=f"of classes {', '.join(CLASS_LOSSES)}; of numbers {', '.join(NUMBER_LOSSES)} (cross_entropy; mse)",
    )
    g.add_argument(
        "--optimizer", metavar="NAME", type=_known("optimizer"), default="adam", help=f"(%(default)s): {optimizers}"
    )
    g.add_argument(
        "--lr",
        metavar="X",
        type=_number(0, above=True),
        help="learning rate (adam, adamw, rmsprop: 3e-3 below 10,000 rows, else 1e-3; others: "
        + ", ".join(f"{name} {rate:g}" for name, rate in _rates().items())
        + ")",
    )
    g.add_argument(
        "--batch-size",
        metavar="N",
        type=_whole(1),
        help="rows a step (16 below 500 rows, 32 below 5,000, 64 below 20,000, else 256)",
    )
    g.add_argument(
        "--epochs", metavar="N", type=_whole(1), help="at most so many passes (200; of images 20, from 20,000 on 10)"
    )
    g.add_argument(
        "--patience",
        metavar="N",
        type=_whole(1),
        help="stop after so many epochs without progress (20; of images never)",
    )
    g.add_argument("--class-weight", metavar="W", help="balanced, or yes=3,no=1")
    held = g.add_mutually_exclusive_group()
    held.add_argument(
        "--validation",
        metavar="SHARE",
        type=_number(0, 1),
        default=0.2,
        help="share of the rows to hold out (%(default)s)",
    )
    held.add_argument("--validation-data", metavar="FILE", help="rows to hold out, in a file of their own")
    g.add_argument("--seed", metavar="N", type=_whole(0), default=0, help="of all random numbers (%(default)s)")
    g.add_argument(
        "--search",
        metavar="N",
        type=_whole(1),
        help="try N networks at random and keep the best; run again with more to go on",
    )
    g = p.add_argument_group("what comes out")
    g.add_argument("--out", metavar="FILE", default="model.cnn", help="the model file to write (%(default)s)")
    g.add_argument("--plot", metavar="FILE", help="the learning curve as a picture (needs matplotlib)")
    g.add_argument("--quiet", action="store_true", help="only the result")


def _rates() -> dict[str, float]:
    """Learning rates of the optimizers that take their own."""
    from .. import optimizers

    made = {name: optimizers.resolve(name) for name in ("sgd", "adagrad", "rprop", "lbfgs")}
    return {name: float(one.rate) for name, one in made.items()}


def _predict(p: _Parser) -> None:
    p.add_argument("model", metavar="MODEL", help="a file that cnn train has written")
    p.add_argument(
        "data",
        metavar="DATA",
        help="CSV, NPZ or IDX like those it was trained on; - reads stdin; a picture, or a folder of them",
    )
    p.add_argument("--out", metavar="FILE", help="write the CSV there, not to stdout")
    p.add_argument("--probabilities", action="store_true", help="a column for each class, too")
    p.add_argument("--inputs", metavar="KEY", type=_names, help="the NPZ key of the inputs")


def _evaluate(p: _Parser) -> None:
    p.add_argument("model", metavar="MODEL", help="a file that cnn train has written")
    p.add_argument(
        "data",
        metavar="DATA",
        help="CSV, NPZ or IDX like those it was trained on, with the answers; - reads stdin; a folder of pictures a class",
    )
    p.add_argument(
        "--target",
        metavar="COL",
        type=_names,
        help="the column of the answers (as in training); an NPZ key; an IDX labels file",
    )
    p.add_argument("--inputs", metavar="KEY", type=_names, help="the NPZ key of the inputs")


def _info(p: _Parser) -> None:
    p.add_argument("model", metavar="MODEL", nargs="?", help="a model file; without it, this installation")


def _bench(p: _Parser) -> None:
    p.add_argument(
        "--seconds",
        metavar="X",
        type=_number(0, 600, above=True),
        default=5.0,
        help="about how long to take (%(default)g)",
    )
    p.add_argument("--quiet", action="store_true", help="no progress")


def _config(p: _Parser) -> None:
    p.add_argument("--cflags", action="store_true", help="for the compiler: where cnn/cnn.h is")
    p.add_argument("--libs", action="store_true", help="for the linker: the library and what it needs")
    p.add_argument("--include", action="store_true", help="the folder of cnn/cnn.h")
    p.add_argument("--library", action="store_true", help="the file libcnn.a")
    p.add_argument("--version", action="store_true", help="of the package")
