"""The table of `Network.summary`."""

from typing import TYPE_CHECKING

from .arrays import shape_text

if TYPE_CHECKING:
    from .base import NetworkBase

_SLOTS = {"sgd": 0, "rmsprop": 1, "adagrad": 1, "adam": 2, "adamw": 2, "rprop": 2, "lbfgs": 200}


def text(network: "NetworkBase", batch: int = 32) -> str:
    """Layers, shapes, parameters, totals, and about how much memory a training step of `batch` rows takes."""
    table = network._block_table
    rows = [("layer", "output", "parameters", "")]
    rows += [(f"{given.name} (Input)", shape_text(given.shape), "0", "") for given in network.inputs]
    total = trainable = 0
    for layer in network.layers:
        weights = [table[i] for i in layer._blocks if table[i]["kind"] == "weight"]
        count = sum(b["count"] for b in weights)
        total += count
        trainable += count if layer.trainable else 0
        kind = type(layer).__name__
        follows = layer._activation
        notes = [follows.activation] if follows is not None else []
        notes += [f"used {n} times"] if (n := _uses(network, layer)) > 1 else []
        notes += ["frozen"] if count and not layer.trainable else []
        rows.append((f"{layer.name} ({kind})", shape_text(layer.output_shape), f"{count:,}", ", ".join(notes)))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip() for a, b, c, d in rows]
    rule = "-" * max(map(len, lines))
    item = 8 if network.dtype == "float64" else 4
    slots = _SLOTS[network.optimizer.kind if network.optimizer is not None else "adam"]
    values = sum(_elements(shape) for _, shape in network._values())
    memory = item * (total * (2 + slots) + 2 * batch * values)
    lines = [lines[0], rule, *lines[1:], rule]
    lines.append(f"{total:,} parameters, {trainable:,} of them trainable; {network.dtype}: {_bytes(total * item)}")
    lines.append(f"a training step of {batch} rows: about {_bytes(memory)}")
    return "\n".join(lines)


def _uses(network: "NetworkBase", layer: object) -> int:
    nodes = network._nodes()
    return sum(not nodes[i]["name"].endswith(".activation") for i in layer._nodes)  # type: ignore[attr-defined]


def _elements(shape: tuple[int | None, ...]) -> int:
    """Of one row; an open size counts as 1."""
    n = 1
    for size in shape[1:]:
        n *= size or 1
    return n


def _bytes(n: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "bytes" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"
