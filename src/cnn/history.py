"""What a fit returns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["History"]

_SHARES = ("accuracy", "precision", "recall", "f1", "auc")  # between 0 and 1: one axes for all


class History:
    """The figures of each epoch of one fit.

    Attributes
    ----------
    history : dict of str to list of float
        ``loss`` (the data term, averaged over samples as trained), metric names, ``val_*``, ``lr``, and ``penalty`` where there is
        any (the L1 and L2 terms).
    epoch : list of int
        The numbers of the epochs; they count on from fit to fit.
    """

    def __init__(self, history: dict[str, list[float]] | None = None, epoch: Sequence[int] = ()) -> None:
        self.history: dict[str, list[float]] = history or {}
        self.epoch: list[int] = list(epoch)

    def __len__(self) -> int:
        return len(self.epoch)

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={values[-1]:.4g}" for name, values in self.history.items() if values)
        return f"History({len(self)} epochs: {last})" if last else "History(no epochs)"

    if not TYPE_CHECKING:  # a type checker would allow any name

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_") or name in ("history", "epoch"):  # of one that is being copied
                raise AttributeError(name, name=name)
            raise AttributeError(f"History has no {name!r}: {self._instead(name)}", name=name)

    def __getitem__(self, name: object) -> NoReturn:
        raise TypeError(f"a History is not indexed: {self._instead(name)}")

    def _instead(self, name: object) -> str:
        if name in ("epochs", "epoch"):
            return "write history.epoch, a list, or len(history) for how many"
        figure = {"losses": "loss", "val_losses": "val_loss", "acc": "accuracy", "val_acc": "val_accuracy"}.get(
            str(name), name
        )
        if isinstance(figure, str) and (figure in self.history or figure in ("loss", "val_loss")):
            return f'write history.history["{figure}"], a list with a number an epoch'
        has = ", ".join(self.history)
        return f'write history.history[name], as in history.history["loss"]{f" (it has {has})" if has else ""}'

    def _append(self, epoch: int, logs: dict[str, float]) -> None:
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def _extend(self, epochs: Iterable[int], columns: Mapping[str, Sequence[float]]) -> None:
        """Many epochs at once: a short one may take less time than a dict of its figures."""
        self.epoch.extend(epochs)
        for name, values in columns.items():
            self.history.setdefault(name, []).extend(values)

    # ---- Pictures

    def _epochs_of(self, name: str) -> list[int]:
        """Of a figure's values: one that a resumed fit has added belongs to the last epochs."""
        return self.epoch[len(self.epoch) - len(self.history[name]) :]

    def plot(self, names: Sequence[str] | str | None = None, *, ax: Any = None) -> Any:
        """Draw the curves: training solid, validation dashed in the same colour. Needs matplotlib; works without a screen.

        Parameters
        ----------
        names : list of str, or str, optional
            Which, of ``history``; by default all but ``lr``.
        ax : matplotlib Axes, optional
            Draw all of them there; by default a new figure, with one Axes for the loss and others for the metrics (those between 0 and 1
            share one).

        Returns
        -------
        matplotlib Axes, or array of them
            As `matplotlib.pyplot.subplots` gives: one Axes, or an array (k,) where there are several. ``.figure.savefig(path)`` of any of
            them writes the picture.

        Raises
        ------
        ImportError
            Without matplotlib: ``pip install cnn[plot]``.
        ValueError
            For an unknown name, and when there are no epochs.
        """
        from .plots import curves

        return curves(self, names, ax)

    def _repr_html_(self) -> str:
        from .history_html import html

        return html(self)

    # ---- Files

    def _to_json(self) -> dict[str, Any]:
        """JSON has no NaN or infinity: they become strings."""
        import math

        def plain(x: float) -> Any:
            return x if math.isfinite(x) else repr(x)

        return {"epoch": self.epoch, "history": {k: [plain(x) for x in v] for k, v in self.history.items()}}

    @classmethod
    def _from_json(cls, data: dict[str, Any]) -> "History":
        return cls({k: [float(x) for x in v] for k, v in data["history"].items()}, data["epoch"])


def panels(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by what they can share an axis with: the losses, the shares, each other metric and the learning rate alone.

    Returns
    -------
    dict of str to list of str
        Title to names.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        base = name.removeprefix("val_")
        if base in ("loss", "penalty"):
            title = "loss"
        elif base == "lr":
            title = "learning rate"
        else:
            title = "metrics" if any(base.endswith(share) for share in _SHARES) else base
        found.setdefault(title, []).append(name)
    shares = found.get("metrics", [])
    if len({name.removeprefix("val_") for name in shares}) == 1:  # the title says which
        found = {(shares[0].removeprefix("val_") if k == "metrics" else k): v for k, v in found.items()}
    return found
