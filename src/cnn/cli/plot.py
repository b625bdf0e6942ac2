"""`cnn train --plot`: the learning curve as a picture."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .console import Console, Usage
from .files import run_to_file

if TYPE_CHECKING:
    from ..history import History
    from .trial import Trained

__all__ = ["check_plot", "draw"]


def check_plot(path: str) -> str | None:
    """The sentence that says why there will be no picture; None when there will be one.

    Raises
    ------
    Usage
        For an ending that matplotlib cannot write.
    """
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        return "--plot: there will be no picture, as matplotlib is not installed: pip install cnn[plot]"
    known = FigureCanvasBase.get_supported_filetypes()
    ending = os.path.splitext(path)[1].removeprefix(".").lower()
    if ending not in known:
        said = f"the ending .{ending} is not one" if ending else "the name has no ending"
        raise Usage(
            f"--plot: {path!r}: {said} that says what picture it is; write .png, or one of {', '.join(sorted(known))}"
        )
    return None


def draw(history: "History", path: Path, trained: "Trained", console: Console) -> list[str]:
    """Write the picture; a list of the sentence that says why there is none, else an empty one."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    history.plot([name for name in ("loss", "val_loss") if name in history.history], ax=axes)
    axes.axvline(history.epoch[trained.best - 1], color="grey", linewidth=0.8)
    try:
        run_to_file(path, lambda temporary: figure.savefig(temporary, dpi=120))
    except (ValueError, RuntimeError, OSError) as error:  # the network is saved, and more worth than its picture
        note = f"--plot: {error}"
        console.progress(note)
        return [note]
    finally:
        pyplot.close(figure)
    console.say(f"saved {path}", result=True)
    return []
