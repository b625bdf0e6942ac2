"""The table of `Network.summary`, as text and for notebooks, and what a training step takes in memory."""

from typing import TYPE_CHECKING, Any, NamedTuple

from .arrays import shape_text

if TYPE_CHECKING:
    from .base import NetworkBase
    from .layer import Layer

# How the engine places values (engine/plan.pxi): what works where its input lies, and what needs the whole batch at once.
_IN_PLACE = {"activation", "dropout", "flatten", "gaussian_noise", "normalize", "rescale", "reshape"}
_WHOLE_BATCH = {"batch_norm", "function"}
_KEEPS_OUTPUT = {"linear", "relu", "leaky_relu", "sigmoid", "tanh", "elu", "selu", "softmax"}
_TABLES, _TABLES_NODE = 8000, 2200  # bytes, measured
_TILE, _LEAST_ROWS, _MOST_ROWS, _MOST_PARTS = 512 << 10, 128, 2048, 4


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
    step = memory(network)
    parts = f"parameters {_bytes(step.parameters)}, gradients {_bytes(step.gradients)}"
    if step.optimizer:
        parts += f", optimizer {_bytes(step.optimizer)}"
    return [
        f"{count:,} parameters ({trainable}), {network.dtype}, {_bytes(count * _item(network))}",
        f"a training step of {step.rows} {'row' if step.rows == 1 else 'rows'} takes about {_bytes(step.total)}:"
        f" {parts}, workspace {_bytes(step.workspace)}",
    ]


def text(network: "NetworkBase") -> str:
    """Layers, shapes, parameters, totals, and about how much memory a training step takes."""
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
    """About what the engine holds for a training step: of the last fit's batch size, optimizer and threads, else 32 rows and Adam.

    The parameters; a gradient for each of up to four parts of the batch; the optimizer's slots; and as workspace a tile of values and their
    gradients for each thread, targets and predictions of the batch, tables. Packed copies of weights are left out.
    """
    from . import _core

    trainer = network._trainer
    batch = trainer.max_batch if trainer is not None else 32
    item = _item(network)
    arena = item * sum(b["count"] for b in network._block_table)
    tile, work = _tile(network, batch)
    coupled = any(node["op"] in _WHOLE_BATCH for node in network._nodes())
    parts = 1 if coupled else max(1, min(_MOST_PARTS, batch // 16, int(batch * work / 0.5e6)))
    # Of the whole batch: targets and predictions; losses and weights of samples or steps.
    held = batch * sum(2 * item * _elements(shape) + 16 * _elements(shape[:-1]) for shape in network._ends[3])
    return Memory(
        batch,
        arena,
        parts * arena,
        _slots(network.optimizer) * arena,
        min(parts, _core.pool_threads()) * tile + held + _TABLES + _TABLES_NODE * len(network._nodes()),
    )


def _tile(network: "NetworkBase", batch: int) -> tuple[int, float]:
    """(bytes of a tile's values and their gradients, multiply-adds of a row)."""
    nodes, values, table = network._nodes(), network._values(), network._block_table
    sizes = [_elements(shape[1:]) * _value_item(network, dtype) for dtype, shape in values]
    most = min(max(_TILE // (sum(sizes) + 1), _LEAST_ROWS), _MOST_ROWS)
    tile = batch if any(node["op"] in _WHOLE_BATCH for node in nodes) else min(batch, most)
    kept = work = 0.0
    gradients = [0]
    for node in nodes:
        size = sizes[node["output"]]
        alone = node["op"] not in _IN_PLACE or _keeps_input(node)
        kept += size if alone else 0
        if node["op"] != "input" and node["op"] not in _IN_PLACE:
            gradients.append(size)
        kept += _elements(values[node["output"]][1][1:]) if node["op"] == "dropout" else 0  # the mask, a byte each
        for block in (table[i] for i in node["blocks"]):
            if len(block["shape"]) > 1:
                work += block["count"] * _elements(values[node["output"]][1][1:]) / block["shape"][0]
    # Backward, a layer's gradient and that of the layer before are alive together; the rest share their memory.
    pair = max(map(sum, zip(gradients, [*gradients[1:], 0], strict=True)))
    return int(tile * (kept + pair)), work


def _keeps_input(node: dict[str, Any]) -> bool:
    from .layers import Activation

    return node["op"] == "normalize" or (
        node["op"] == "activation" and Activation._from_attributes(node["attributes"]).activation not in _KEEPS_OUTPUT
    )


def _slots(optimizer: Any) -> int:
    """Numbers a parameter that the optimizer keeps."""
    kind = optimizer.kind if optimizer is not None else "adam"
    if kind == "lbfgs":
        return 2 * int(optimizer.history_size) + 5
    if kind in ("sgd", "rmsprop"):
        momentum = int(optimizer.momentum > 0)
        return momentum if kind == "sgd" else 1 + momentum + int(optimizer.centered)
    return {"adagrad": 1}.get(kind, 2)


def _item(network: "NetworkBase") -> int:
    return 8 if network.dtype == "float64" else 4


def _value_item(network: "NetworkBase", dtype: str) -> int:
    return {"float32": _item(network), "int32": 4}.get(dtype, 8)


def _elements(shape: tuple[int | None, ...]) -> int:
    """Of one row; an open size counts as 1."""
    n = 1
    for size in shape:
        n *= size or 1
    return n


def _bytes(n: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if n < 999.5:
            return f"{n:.0f} {unit}" if unit == "bytes" or n >= 99.95 else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"
