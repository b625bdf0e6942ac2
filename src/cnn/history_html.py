"""A history in a notebook: a table of its figures, and its curves as SVG made by hand, so that nothing has to be installed."""

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from .history import panels

if TYPE_CHECKING:
    from .history import History

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 316, 150, 62, 22, 8, 20
_COLOURS = ("#4a90d9", "#e8833a", "#4caf7a", "#c45fa0", "#9a8cd8")  # seen on white and on black
_MOST_POINTS, _MOST_PANELS = 240, 3
_HIGHER = ("accuracy", "precision", "recall", "f1", "auc", "r2")


def html(history: "History") -> str:
    """A table of last and best figures beside the curves; text and axes take the notebook's colour, light or dark."""
    if not history.epoch:
        return "<div>History: no epochs</div>"
    groups = list(panels(n for n, values in history.history.items() if n != "lr" and values).items())[:_MOST_PANELS]
    charts = "".join(_chart(history, title, names) for title, names in groups)
    return f'<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">{_table(history)}{charts}</div>'


def _table(history: "History") -> str:
    cell = "padding:.15em .8em;"
    left, right = f'style="{cell}text-align:left"', f'style="{cell}text-align:right"'
    count = len(history)
    head = f"<th {left}>{count:,} {'epoch' if count == 1 else 'epochs'}</th>" + "".join(
        f"<th {right}>{name}</th>" for name in ("last", "best", "in epoch")
    )
    body = ""
    for name, values in sorted(history.history.items(), key=lambda item: item[0] == "lr"):
        if not values:
            continue
        best, where = ("", "") if name == "lr" else _best(history, name)
        cells = "".join(f"<td {right}>{text}</td>" for text in (f"{values[-1]:.4g}", best, where))
        body += f"<tr><td {left}>{escape(name)}</td>{cells}</tr>"
    return f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _best(history: "History", name: str) -> tuple[str, str]:
    """(value, its epoch), the first of equals; without a number, nothing."""
    found = [(v, e) for v, e in zip(history.history[name], history._epochs_of(name), strict=True) if not math.isnan(v)]
    if not found:
        return "", ""
    higher = any(word in name for word in _HIGHER)
    value, epoch = max(found, key=lambda one: one[0]) if higher else min(found, key=lambda one: one[0])
    return f"{value:.4g}", f"{epoch}"


def _chart(history: "History", title: str, names: Sequence[str]) -> str:
    seen = [v for name in names for v in history.history[name] if math.isfinite(v)]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    span = high / 2 - low / 2  # halves: the difference itself may be infinite
    flat = span <= 1e-12 * max(abs(high), abs(low))
    first, last = history.epoch[0], history.epoch[-1]
    wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def at(epoch: float, value: float) -> str:
        x = _LEFT + wide * ((epoch - first) / (last - first) if last > first else 0.5)
        return f"{x:.1f},{_TOP + tall * (0.5 if flat else (high / 2 - value / 2) / span):.1f}"

    colours: dict[str, str] = {}
    drawn, key = "", ""
    place = float(_WIDTH - _RIGHT)
    for name in names:
        base = name.removeprefix("val_")
        colour = colours.setdefault(base, _COLOURS[len(colours) % len(_COLOURS)])
        dash = ' stroke-dasharray="5 3"' if name.startswith("val_") else ""
        for piece in _pieces(history._epochs_of(name), history.history[name]):
            points = " ".join(at(e, v) for e, v in piece)
            if len(piece) == 1:
                x, y = points.split(",")
                drawn += f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>'
            else:
                drawn += f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'
    for name in reversed(names):  # the key, from the right
        base = name.removeprefix("val_")
        dash = ' stroke-dasharray="5 3"' if name.startswith("val_") else ""
        label = "val" if name != base and base == title else "train" if base == title else name
        place -= 6.2 * len(label)
        key += f'<text x="{place:.0f}" y="13">{escape(label)}</text>'
        key += f'<path d="M{place - 20:.0f} 9.5h16" stroke="{colours[base]}" stroke-width="1.6"{dash}/>'
        place -= 28
    base_line = _TOP + tall
    frame = f'<path d="M{_LEFT} {_TOP}V{base_line}H{_WIDTH - _RIGHT}" fill="none" stroke="currentColor" opacity=".45"/>'
    ticks = (
        f'<text x="{_LEFT - 5}" y="{_TOP + 8}" text-anchor="end">{high:.3g}</text>'
        f'<text x="{_LEFT - 5}" y="{base_line}" text-anchor="end">{low:.3g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{first}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{last}</text>'
        f'<text x="{_LEFT + wide / 2:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">epoch</text>'
    )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}" '
        'style="max-width:100%" font-family="sans-serif" font-size="11" fill="currentColor">'
        f'<text x="{_LEFT}" y="13" font-weight="bold">{escape(title)}</text>{key}{frame}{ticks}{drawn}</svg>'
    )


def _pieces(epochs: Sequence[int], values: Sequence[float]) -> list[list[tuple[int, float]]]:
    """The curve without what is no number, broken there; of a long one the least and the largest value of each stretch."""
    points = list(zip(epochs, values, strict=True))
    if len(points) > _MOST_POINTS:
        length = math.ceil(2 * len(points) / _MOST_POINTS)
        thinned = []
        for start in range(0, len(points), length):
            stretch = points[start : start + length]
            finite = [p for p in stretch if math.isfinite(p[1])]
            ends = {min(finite, key=lambda p: p[1]), max(finite, key=lambda p: p[1])} if finite else {stretch[0]}
            thinned += sorted(ends)
        points = thinned if thinned[-1] == points[-1] else [*thinned, points[-1]]
    pieces: list[list[tuple[int, float]]] = [[]]
    for epoch, value in points:
        if math.isfinite(value):
            pieces[-1].append((epoch, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]
