"""Pictures with matplotlib (``pip install cnn[plot]``): confusion matrices, decision boundaries, predictions; curves are `History.plot`'s.

Every function draws into `ax`, or into a new figure of pyplot's, and returns the Axes: ``ax.figure.savefig("picture.png")``. Nothing is
shown by itself, and no screen is needed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .history import History

__all__ = ["confusion_matrix", "decision_boundary", "predictions"]

_MOST_NUMBERS = 25  # classes: beyond, the cells of a confusion matrix are too small for numbers


def _pyplot(what: str) -> Any:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError(f"{what} needs matplotlib: pip install cnn[plot]") from None
    return pyplot


def _axes(what: str, ax: Any, size: tuple[float, float]) -> Any:
    pyplot = _pyplot(what)
    return pyplot.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def curves(history: "History", names: Sequence[str] | str | None, ax: Any) -> Any:
    """`History.plot`."""
    from .history import panels
    from .names import unknown

    known = history.history
    given = [names] if isinstance(names, str) else list(names) if names is not None else [n for n in known if n != "lr"]
    for name in given:
        if name not in known:
            raise ValueError(unknown("name", name, known))
    if not history.epoch or not given:
        raise ValueError("the history has no epochs: there is nothing to plot")
    pyplot = _pyplot("History.plot")
    if ax is not None:
        _curves_into(ax, history, given)
        return ax
    groups = panels(given)
    columns = min(len(groups), 3)
    lines = -(-len(groups) // columns)
    figure, grid = pyplot.subplots(
        lines, columns, figsize=(4.5 * columns + 0.8, 3.4 * lines), squeeze=False, layout="constrained"
    )
    places = grid.ravel()
    for place, (title, members) in zip(places, groups.items(), strict=False):
        _curves_into(place, history, members)
        place.set_title(title)
    for place in places[len(groups) :]:
        figure.delaxes(place)
    return places[0] if len(groups) == 1 else places[: len(groups)]


def _curves_into(ax: Any, history: "History", names: list[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    colours: dict[str, str] = {}
    for name in names:
        base = name.removeprefix("val_")
        x, y = history._epochs_of(name), history.history[name]
        style = "--" if name.startswith("val_") else "-"
        marker = "o" if len(x) == 1 else None  # a line of one point cannot be seen
        (line,) = ax.plot(x, y, style, color=colours.get(base), label=name, marker=marker)
        colours[base] = line.get_color()
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)


# ---- Confusion matrix


def confusion_matrix(y_true: Any, y_pred: Any, classes: Any = None, ax: Any = None) -> Any:
    """Draw how often each class was taken for which: counts, shaded by their share of the true class.

    Parameters
    ----------
    y_true, y_pred : array-like (n,)
        Labels: integers or strings; ``net.classify(X)`` gives them.
    classes : sequence, optional
        As of `cnn.metrics.confusion_matrix`: the labels in the order wanted, or names for integer labels.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError, TypeError
        For labels that do not fit, naming the argument.
    """
    from .metrics import _confusion

    counts, labels = _confusion(y_true, y_pred, classes)
    k = len(labels)
    side = min(max(0.55 * k + 2.0, 3.6), 11.0)
    ax = _axes("plots.confusion_matrix", ax, (side + 0.6, side))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if k <= _MOST_NUMBERS:
        size = 11 if k <= 6 else 9 if k <= 12 else 7
        for i, j in np.ndindex(k, k):
            colour = "white" if shares[i, j] > 0.55 else "#b8c4d0" if counts[i, j] == 0 else "#08306b"
            ax.text(j, i, str(counts[i, j]), ha="center", va="center", color=colour, fontsize=size)
    names = [str(label) for label in labels]
    turned = max(map(len, names)) > (8 if k <= 6 else 3)
    step = max(1, -(-k // 30))
    ax.set_xticks(range(0, k, step), names[::step])
    if turned:
        for text in ax.get_xticklabels():
            text.set(rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(0, k, step), names[::step])
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    right, n = int(np.trace(counts)), int(counts.sum())
    ax.set_title(f"{right:,} of {n:,} right ({right / n:.1%})" if n else "no rows")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(image, ax=ax, label="share of the true class", shrink=0.85, format="{x:.0%}")
    return ax


# ---- Decision boundary


def decision_boundary(net: Any, X: Any, y: Any, ax: Any = None, resolution: int = 200) -> Any:
    """Draw what a network with two inputs gives for every point of the plane around X, and the points.

    Several classes: a region in the colour of each. One probability: its shading, with the line where it is one half. A number: its
    shading.

    Parameters
    ----------
    net : Network
        With one input of two numbers, and one output.
    X : array-like (n, 2)
    y : array-like (n,), or None
        Class labels (indices, names of ``net.classes``, or one-hot rows), or numbers; None draws the points without.
    ax : matplotlib Axes, optional
    resolution : int, default 200
        Points of the grid along each axis.

    Returns
    -------
    matplotlib Axes
        ``ax.images[0]`` holds the grid: class indices, probabilities or numbers.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError, TypeError
        For a network without two inputs and one output, and for X or y of another shape.
    """
    from .checks import whole

    kind, classes = _kind(net)
    resolution = whole("resolution", resolution, 2)
    points = _points(net, X)
    labels = None if y is None else _point_targets(net, y, len(points), kind, classes)
    ax = _axes("plots.decision_boundary", ax, (5.6, 4.4))
    seen = points[np.isfinite(points).all(axis=1)]
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = np.where(high > low, 0.1 * (high - low), 1.0)
    across, up = (np.linspace(low[i] - margin[i], high[i] + margin[i], resolution) for i in range(2))
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    z = np.asarray(net.predict(grid), np.float64).reshape(resolution, resolution, -1)
    half = (across[1] - across[0]) / 2, (up[1] - up[0]) / 2  # of a cell, whose middle is the grid's point
    box = (across[0] - half[0], across[-1] + half[0], up[0] - half[1], up[-1] + half[1])
    show = {"extent": box, "origin": "lower", "aspect": "auto", "interpolation": "nearest"}
    if kind == "classes":
        _draw_classes(ax, net, z, across, up, show, points, labels, classes)
    elif kind == "probability":
        _draw_probability(ax, net, z[..., 0], across, up, show, points, labels)
    else:
        _draw_numbers(ax, z[..., 0], show, points, labels)
    ax.set_xlim(box[0], box[1])
    ax.set_ylim(box[2], box[3])
    ax.set_xlabel("input 0")
    ax.set_ylabel("input 1")
    return ax


def _kind(net: Any) -> tuple[str, int]:
    """(what there is to draw, number of classes)."""
    ins, outs = getattr(net, "input_shape", None), getattr(net, "output_shape", None)
    if ins is None or outs is None:
        raise TypeError(f"net is a {type(net).__name__}; decision_boundary draws a cnn.Network")
    if ins != (2,):
        raise ValueError(f"net takes inputs of the shape {ins}; decision_boundary draws networks with two inputs, (2,)")
    if isinstance(outs, list) or len(outs) != 1:
        raise ValueError(
            f"net gives outputs of the shape {outs}; decision_boundary draws networks with one output layer"
        )
    width, last = int(outs[0]), net._output_activation()
    loss = net._loss_names()[0]
    if width > 1:
        if last == "softmax" or loss in ("cross_entropy", "hinge"):
            return "classes", width
        raise ValueError(
            f"net gives {width} numbers of their own ({last}, {loss}); decision_boundary draws one number or probability, or classes"
        )
    return ("probability", 2) if last == "sigmoid" else ("number", 0)


def _points(net: Any, X: Any) -> np.ndarray:
    points = np.asarray(net._input_arrays(X)[0], np.float64)
    if not np.isfinite(points).all(axis=1).any():
        raise ValueError("X has no rows of two finite numbers to draw")
    return points


def _point_targets(net: Any, y: Any, rows: int, kind: str, classes: int) -> np.ndarray:
    """Of each point its class index, or its number."""
    array = np.asarray(y)
    if array.ndim == 0 or len(array) != rows:
        raise ValueError(f"y has the shape {array.shape}; X has {rows} rows, and y needs a value for each")
    if kind == "classes" and array.shape == (rows, classes) and classes > 1 and array.dtype.kind in "iufb":
        return array.argmax(axis=1)
    if array.shape not in ((rows,), (rows, 1)):
        wanted = f"({rows},)" + (f" or one-hot ({rows}, {classes})" if kind == "classes" else "")
        raise ValueError(f"y has the shape {array.shape}; expected {wanted}")
    array = array.reshape(rows)
    if kind == "number":
        if array.dtype.kind not in "iufb":
            raise TypeError("y holds text; this network's output is a number")
        return array.astype(np.float64)
    if net.classes is not None and not (array.dtype.kind in "iub" and set(array.tolist()) <= set(range(classes))):
        place = {str(name): i for i, name in enumerate(net.classes)}
        odd = next((v for v in array.tolist() if str(v) not in place), None)
        if odd is not None:
            raise ValueError(f"y has {odd!r}; net.classes are {', '.join(map(repr, net.classes))}")
        return np.array([place[str(v)] for v in array.tolist()])
    if array.dtype.kind not in "iufb":
        raise TypeError("y holds text, and net.classes is not set: pass class indices, or set net.classes")
    codes = array.astype(np.int64)
    if (codes != array).any() or (codes < 0).any() or (codes >= classes).any():
        odd = array[(codes != array) | (codes < 0) | (codes >= classes)][0]
        raise ValueError(f"y has {odd}; the network has {classes} classes, labelled 0 to {classes - 1}")
    return codes


def _names(net: Any, classes: int) -> list[str]:
    return [str(name) for name in net.classes] if net.classes is not None else [str(i) for i in range(classes)]


def _class_colours(k: int) -> np.ndarray:
    """(k, 3): far apart; of few classes blue and orange first."""
    import matplotlib

    if k <= 10:
        return np.asarray(matplotlib.colormaps["tab10"](np.arange(k)))[:, :3]
    return np.asarray(matplotlib.colormaps["turbo"](np.linspace(0.05, 0.95, k)))[:, :3]


def _scatter(ax: Any, points: np.ndarray, **how: Any) -> Any:
    size = 60 if len(points) <= 30 else 26 if len(points) <= 300 else 14 if len(points) <= 2000 else 5
    return ax.scatter(
        points[:, 0], points[:, 1], s=size, edgecolors="white", linewidths=0.6 if size > 5 else 0.2, **how
    )


def _class_points(ax: Any, points: np.ndarray, labels: Any, colours: np.ndarray, names: list[str]) -> None:
    if labels is None:
        _scatter(ax, points, color="0.35")
        return
    for i in np.unique(labels):
        _scatter(ax, points[labels == i], color=colours[i : i + 1], label=names[i])
    # Above, where it covers no point.
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False, ncols=5, columnspacing=1, handletextpad=0.2)


def _draw_classes(
    ax: Any, net: Any, z: np.ndarray, across: Any, up: Any, show: dict[str, Any], points: Any, labels: Any, k: int
) -> None:
    from matplotlib.colors import ListedColormap

    colours = _class_colours(k)
    ax.imshow(z.argmax(axis=-1), cmap=ListedColormap(0.35 * colours + 0.65), vmin=-0.5, vmax=k - 0.5, **show)
    for i in range(k):  # where a class is as likely as the best of the others
        lead = z[..., i] - np.delete(z, i, axis=-1).max(axis=-1)
        if lead.min() < 0 < lead.max():
            ax.contour(across, up, lead, levels=[0], colors="white", linewidths=1.5)
    _class_points(ax, points, labels, colours, _names(net, k))


def _draw_probability(
    ax: Any, net: Any, p: np.ndarray, across: Any, up: Any, show: dict[str, Any], points: Any, labels: Any
) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colours, names = _class_colours(2), _names(net, 2)
    # From the one class's colour to the other's, through white where neither is likelier.
    shades = LinearSegmentedColormap.from_list("", [0.55 * colours[0] + 0.45, (1, 1, 1), 0.55 * colours[1] + 0.45])
    image = ax.imshow(p, cmap=shades, vmin=0, vmax=1, **show)
    if p.min() < 0.5 < p.max():
        ax.contour(across, up, p, levels=[0.5], colors="0.2", linewidths=1.2)
    _class_points(ax, points, labels, colours, names)
    ax.figure.colorbar(image, ax=ax, label=f"probability of {names[1]}" if net.classes else "probability of class 1")


def _draw_numbers(ax: Any, z: np.ndarray, show: dict[str, Any], points: Any, labels: Any) -> None:
    everything = z if labels is None else np.concatenate([z.ravel(), labels[np.isfinite(labels)]])
    low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
    image = ax.imshow(z, cmap="viridis", vmin=low, vmax=high, **show)
    if labels is None:
        _scatter(ax, points, color="0.35")
    else:
        _scatter(ax, points, c=labels, cmap="viridis", vmin=low, vmax=high)
    ax.figure.colorbar(image, ax=ax, label="output")


# ---- Predictions of numbers


def predictions(y_true: Any, y_pred: Any, ax: Any = None) -> Any:
    """Draw the predictions of a regression against the true numbers; on the diagonal they are equal.

    Parameters
    ----------
    y_true, y_pred : array-like (n,) or (n, k)
        Of one shape, (n,) and (n, 1) being the same; each of k outputs gets its colour.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        For shapes that differ.
    """
    from .metrics import _numbers, r2

    y, p = _numbers(y_true, y_pred)
    ax = _axes("plots.predictions", ax, (4.8, 4.4))
    for j in range(y.shape[1]):
        name = f"output {j}" if y.shape[1] > 1 else None
        _scatter(ax, np.c_[y[:, j], p[:, j]], color=f"C{j % 10}", alpha=0.8, label=name)
    both = np.concatenate([y.ravel(), p.ravel()])
    both = both[np.isfinite(both)]
    ends = (both.min(), both.max()) if both.size else (0.0, 1.0)
    ax.axline((ends[0], ends[0]), slope=1, color="0.4", linewidth=1, linestyle="--", zorder=0)
    ax.set_xlabel("true")
    ax.set_ylabel("predicted")
    ax.set_title(f"r2 = {r2(y, p):.4g}")
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    if y.shape[1] > 1:
        ax.legend(frameon=False)
    return ax


if not TYPE_CHECKING:  # a type checker would take any name for one of the module

    def __getattr__(name: str) -> Any:
        from .names import missing

        raise AttributeError(missing(name, __all__, "cnn.plots"), name=name)
