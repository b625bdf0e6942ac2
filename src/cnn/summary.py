"""The table of `Network.summary`, as text and for notebooks, and what training and prediction take in memory."""

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from .arrays import shape_text

if TYPE_CHECKING:
    from .base import NetworkBase
    from .layer import Layer


class Row(NamedTuple):
    """A line of the table."""

    name: str
    kind: str
    shape: tuple[int | None, ...]
    parameters: int
    notes: list[str]


class Memory(NamedTuple):
    """Bytes of a training step."""

    rows: int
    parameters: int
    gradients: int
    optimizer: int
    workspace: int

    @property
    def total(self) -> int:
        return self.parameters + self.gradients + self.optimizer + self.workspace


class PredictionMemory(NamedTuple):
    """Bytes of a prediction."""

    parameters: int
    packed: int
    workspace: int

    @property
    def total(self) -> int:
        return self.parameters + self.packed + self.workspace


def rows(network: "NetworkBase") -> list[Row]:
    """Inputs and layers, in the order of the graph."""
    table, nodes = network._block_table, network._nodes()
    made_by = {node["output"] + k: _layer_name(node["name"]) for node in nodes for k in range(node["n_outputs"])}
    found = [Row(str(given.name), "Input", given.shape, 0, []) for given in network.inputs]
    for layer in network.layers:
        weights = [table[i] for i in layer._blocks if table[i]["kind"] == "weight"]
        count = sum(b["count"] for b in weights)
        uses = [node for node in (nodes[i] for i in layer._nodes) if not node["name"].endswith(".activation")]
        notes = _notes(layer, len(uses))
        frozen = sum(b["count"] for b in weights if not b["trainable"])
        if frozen:
            notes.append("frozen" if frozen == count else "partly frozen")
        sources = [made_by[value] for node in uses for value in node["inputs"]]
        if sources != [found[-1].name]:
            notes.append("after " + ", ".join(sources))
        found.append(Row(str(layer.name), type(layer).__name__, layer.output_shape, count, notes))
    return found


def _layer_name(node: str) -> str:
    return node.removesuffix(".activation").partition("@")[0]


def _notes(layer: "Layer", uses: int) -> list[str]:
    notes = [layer._activation.activation] if layer._activation is not None else []
    return notes + ([f"used {uses} times"] if uses > 1 else [])


def totals(network: "NetworkBase") -> list[str]:
    """The lines below the table."""
    weights = [b for b in network._block_table if b["kind"] == "weight"]
    count, fixed = sum(b["count"] for b in weights), sum(b["count"] for b in weights if not b["trainable"])
    trainable = "all trainable" if not fixed else f"{count - fixed:,} trainable, {fixed:,} frozen"
    head = f"{count:,} parameters ({trainable}), {network.dtype}, {_bytes(count * _item(network))}"
    try:
        step = memory(network)
        batch = f"{step.rows} {'row' if step.rows == 1 else 'rows'}"
        parts = {"gradients": step.gradients, "optimizer": step.optimizer}
        lines = [head, _takes(f"a training step of {batch}", step, parts)]
    except ValueError:
        return [head, "what a training step takes in memory depends on the open sizes"]
    with contextlib.suppress(ValueError):
        prediction = prediction_memory(network)
        lines.append(_takes("a prediction", prediction, {"packed weights": prediction.packed}))
    return lines


def _takes(what: str, memory: Memory | PredictionMemory, parts: dict[str, int]) -> str:
    parts = (
        {"parameters": memory.parameters}
        | {name: n for name, n in parts.items() if n}
        | {"workspace": memory.workspace}
    )
    return f"{what} takes {_bytes(memory.total)}: " + ", ".join(f"{name} {_bytes(n)}" for name, n in parts.items())


def text(network: "NetworkBase") -> str:
    """Layers, shapes, parameters, totals, and about how much memory a training step and a prediction take."""
    lines = [("layer", "output", "parameters", "")]
    for row in rows(network):
        lines.append((f"{row.name} ({row.kind})", shape_text(row.shape), f"{row.parameters:,}", ", ".join(row.notes)))
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    table = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip() for a, b, c, d in lines]
    rule = "-" * max(map(len, table))
    return "\n".join([table[0], rule, *table[1:], rule, *totals(network)])


def html(network: "NetworkBase") -> str:
    """The same for a notebook, light or dark: it brings no colours of its own."""
    from html import escape

    cell = "padding:.15em .8em;"
    left, right = f'style="{cell}text-align:left"', f'style="{cell}text-align:right"'
    head = "".join(
        f"<th {style}>{name}</th>"
        for name, style in (("layer", left), ("kind", left), ("output", left), ("parameters", right), ("", left))
    )
    body = "".join(
        f"<tr><td {left}>{escape(row.name)}</td><td {left}>{escape(row.kind)}</td>"
        f"<td {left}>{escape(shape_text(row.shape))}</td><td {right}>{row.parameters:,}</td>"
        f"<td {left}>{escape(', '.join(row.notes))}</td></tr>"
        for row in rows(network)
    )
    below = "<br>".join(map(escape, totals(network)))
    return (
        f'<div><table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f'<div style="{cell}font-size:90%;opacity:.8">{below}</div></div>'
    )


# ---- Memory


def memory(network: "NetworkBase") -> Memory:
    """What the engine holds for a training step: of the last fit's batch size, optimizer and threads, else 32 rows and Adam.

    The parameters; their gradients; the optimizer's slots; and as workspace the values of a tile of rows and their gradients, scratch,
    targets and predictions of the batch, tables.

    Raises
    ------
    ValueError
        When the network has open sizes and has not been trained: they decide.
    """
    from . import _core, losses

    trainer = network._trainer
    if trainer is None:
        optimizer = network.optimizer
        kind, options = ("adam", {}) if optimizer is None else (optimizer.kind, optimizer._options())
        specs = [losses.spec(loss) for loss in network._resolve_losses(None)]  # type: ignore[attr-defined]
        trainer = _core.Trainer(network, specs, kind, options, 32)
    gradients, slots, workspace = trainer.memory
    return Memory(trainer.max_batch, _arena(network), gradients, slots, workspace)


def prediction_memory(network: "NetworkBase") -> PredictionMemory:
    """What the engine holds for `predict`, of any number of rows, with the threads in use; as much again for each further thread of the
    program that predicts at the same time, but for the parameters.

    The parameters; the weights of convolutions in the order of the kernels, and turned for Winograd's algorithm, which stay from call to
    call; and as workspace the values of a tile of rows for each thread, scratch, tables.

    Raises
    ------
    ValueError
        When each call is another: with open sizes, or a `Function`.
    """
    return PredictionMemory(_arena(network), *network._prediction_memory())


def _arena(network: "NetworkBase") -> int:
    return _item(network) * sum(b["count"] for b in network._block_table)


def _item(network: "NetworkBase") -> int:
    return 8 if network.dtype == "float64" else 4


def _bytes(n: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if n < 999.5:
            return f"{n:.0f} {unit}" if unit == "bytes" or n >= 99.95 else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"
