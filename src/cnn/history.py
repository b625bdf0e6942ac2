"""What a fit returns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["History"]


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

    def _append(self, epoch: int, logs: dict[str, float]) -> None:
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def _extend(self, epochs: Iterable[int], columns: Mapping[str, Sequence[float]]) -> None:
        """Many epochs at once: a short one may take less time than a dict of its figures."""
        self.epoch.extend(epochs)
        for name, values in columns.items():
            self.history.setdefault(name, []).extend(values)

    def plot(self, names: Sequence[str] | None = None, *, ax: Any = None) -> Any:
        """Draw the curves; needs matplotlib.

        Parameters
        ----------
        names : list of str, optional
            Which; by default all but ``lr``.
        ax : matplotlib Axes, optional
            Where; by default a new figure.

        Returns
        -------
        The matplotlib Axes.

        Raises
        ------
        ImportError
            Without matplotlib: ``pip install cnn[plot]``.
        """
        if ax is None:
            try:
                from matplotlib import pyplot
            except ImportError:
                raise ImportError("History.plot needs matplotlib: pip install cnn[plot]") from None
            ax = pyplot.figure().add_subplot()
        for name in names if names is not None else [n for n in self.history if n != "lr"]:
            if name not in self.history:
                from .names import unknown

                raise ValueError(unknown("name", name, self.history))
            ax.plot(self.epoch, self.history[name], "--" if name.startswith("val_") else "-", label=name)
        ax.set_xlabel("epoch")
        ax.legend()
        return ax

    def _to_json(self) -> dict[str, Any]:
        """JSON has no NaN or infinity: they become strings."""
        import math

        def plain(x: float) -> Any:
            return x if math.isfinite(x) else repr(x)

        return {"epoch": self.epoch, "history": {k: [plain(x) for x in v] for k, v in self.history.items()}}

    @classmethod
    def _from_json(cls, data: dict[str, Any]) -> "History":
        return cls({k: [float(x) for x in v] for k, v in data["history"].items()}, data["epoch"])
