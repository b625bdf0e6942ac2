"""One step of backpropagation, number by number.

The numbers are the engine's: sums and outputs of the network itself, slopes of activations and losses of tiny networks made for the
purpose, and the gradients of backpropagation, which must be the products of the factors shown.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from . import losses
from .layers import Activation, Dense
from .optimizers import SGD

if TYPE_CHECKING:
    from .inspection import Inspection


class Trace:
    """What `Network.trace` printed.

    Attributes
    ----------
    loss : float
        Before the step.
    output : array
    layers : list of dict
        Of each layer, from first to last: ``name, inputs, sum, output, activation, dL_dout, dout_dsum, dL_dsum, weight, bias``, and
        their gradients and new values ``dL_dweight, dL_dbias, new_weight, new_bias``.
    new_parameters : dict of str to array
    """

    def __init__(
        self, loss: float, loss_name: str, target: Any, output: np.ndarray, layers: list[dict[str, Any]], lr: float
    ) -> None:
        self.loss, self.loss_name, self.target, self.output, self.layers, self.lr = (
            loss,
            loss_name,
            target,
            output,
            layers,
            lr,
        )

    @property
    def new_parameters(self) -> dict[str, np.ndarray]:
        pairs = {}
        for layer in self.layers:
            pairs[f"{layer['name']}.weight"] = layer["new_weight"]
            if layer["bias"] is not None:
                pairs[f"{layer['name']}.bias"] = layer["new_bias"]
        return pairs

    def __repr__(self) -> str:
        lines = ["forward"]
        for layer in self.layers:
            for j in range(len(layer["sum"])):
                products = _terms(layer["weight"][j], layer["inputs"])
                bias = "" if layer["bias"] is None else f" + {layer['bias'][j]:.6g}"
                lines.append(f"  {layer['name']}[{j}]: sum = {products}{bias} = {layer['sum'][j]:.9g}")
                lines.append(
                    f"  {' ' * len(layer['name'])}     output = {layer['activation']}(sum) = {layer['output'][j]:.9g}"
                )
        lines.append(f"loss: {self.loss_name} = {self.loss:.9g} (target {np.asarray(self.target).tolist()})")
        lines.append("backward")
        for k in reversed(range(len(self.layers))):
            layer = self.layers[k]
            after = self.layers[k + 1] if k + 1 < len(self.layers) else None
            for j in range(len(layer["sum"])):
                lines += self._slopes(layer, after, j)
                lines += self._updates(layer, j)
        return "\n".join(lines)

    def _slopes(self, layer: dict[str, Any], after: dict[str, Any] | None, j: int) -> list[str]:
        """How the loss changes with neuron j's output and with its sum."""
        start = f"  {layer['name']}[{j}]: "
        if layer["dL_dout"] is None:
            together = f"{layer['activation']} and {self.loss_name} together: p - t"
            return [f"{start}dL/dsum = {layer['dL_dsum'][j]:.9g} ({together})"]
        indent = " " * len(start)
        # Of a hidden neuron: over all neurons that it feeds, weight * dL/dsum.
        why = self._loss_slope(j) if after is None else _terms(after["weight"][:, j], after["dL_dsum"]) + " = "
        total = f"{indent}dL/dsum = "
        if layer["activation"] != "softmax":  # whose outputs depend on every sum: no single product
            total += f"dL/dout * dout/dsum = {layer['dL_dout'][j]:.6g} * {layer['dout_dsum'][j]:.6g} = "
        return [
            f"{start}dL/dout = {why}{layer['dL_dout'][j]:.9g}",
            f"{indent}dout/dsum = {layer['dout_dsum'][j]:.9g}",
            f"{total}{layer['dL_dsum'][j]:.9g}",
        ]

    def _loss_slope(self, j: int) -> str:
        """The formula of dL/dout with its numbers, for the two losses of tutorials."""
        target = np.asarray(self.target, np.float64).reshape(-1)
        if self.loss_name not in ("mse", "quadratic") or target.size != self.output.size:
            return ""
        error = f"({self.output[j]:.6g} - {target[j]:.6g})"
        if self.loss_name == "quadratic":
            return f"p - t = {error} = "
        share = "" if target.size == 1 else f" / {target.size}"
        return f"2 (p - t){share} = 2 {error}{share} = "

    def _updates(self, layer: dict[str, Any], j: int) -> list[str]:
        """The slope and the new value of each of neuron j's weights, and of its bias."""
        shown, left = _some(range(len(layer["inputs"])))
        lines = []
        for i in shown:
            slope = layer["dL_dweight"][j, i]
            lines.append(
                f"    weight[{j}, {i}]: dL/dw = dL/dsum * input = {layer['dL_dsum'][j]:.6g} * {layer['inputs'][i]:.6g} = {slope:.9g};"
                f" new = {layer['weight'][j, i]:.9g} - {self.lr:g} * {slope:.6g} = {layer['new_weight'][j, i]:.9g}"
            )
        if left:
            lines.append(f"    ... {left} more weights")
        if layer["bias"] is not None:
            slope = layer["dL_dbias"][j]
            lines.append(
                f"    bias[{j}]: dL/db = dL/dsum = {slope:.9g};"
                f" new = {layer['bias'][j]:.9g} - {self.lr:g} * {slope:.6g} = {layer['new_bias'][j]:.9g}"
            )
        return lines


def _some(places: range, most: int = 8) -> tuple[range, int]:
    """(those that are printed, how many are not): a line of hundreds of products helps nobody."""
    return (places, 0) if len(places) <= most else (places[:3], len(places) - 3)


def _terms(left: np.ndarray, right: np.ndarray) -> str:
    """``a*x + b*y + ...`` with numbers."""
    shown, rest = _some(range(len(left)))
    text = " + ".join(f"{left[i]:.6g}*{right[i]:.6g}" for i in shown)
    return f"{text} + ... ({rest} more)" if rest else text


def trace(network: "Inspection", x: Any, y: Any, loss: Any, lr: float) -> Trace:
    """One step of plain gradient descent on a copy; see `Network.trace`."""
    from .network import Network

    layers = network.layers
    nodes = network._nodes()
    before_each = [*network._inputs, *(layer._output for layer in layers)]
    chain = len(network._inputs) == len(network._outputs) == 1 and all(
        isinstance(layer, Dense)
        and len(layer.output_shape) == 1
        and len(layer._nodes) == 1
        and list(nodes[layer._nodes[0]]["inputs"]) == [before_each[k]]
        for k, layer in enumerate(layers)
    )
    if not chain:
        raise ValueError(
            "trace shows a chain of Dense layers, each with its activation=; this network has other layers"
        )
    copy = network.copy() if isinstance(network, Network) else network
    assert isinstance(copy, Network)
    X = np.asarray(x)[None]
    target = np.asarray(y)
    Y = target.reshape(1, *target.shape) if target.ndim else target.reshape(1)
    before = {name: np.array(value) for name, value in copy.parameters.items()}
    value, gradients = copy.gradients(X, Y, loss=loss)
    names = copy._ready_evaluator(1, copy._resolve_losses(loss)).losses
    optimizer = SGD(lr)
    copy.unfreeze()
    copy.partial_fit(X, Y, optimizer=optimizer, loss=loss)
    after = {name: np.array(value) for name, value in copy.parameters.items()}
    sums = network._run(network._input_arrays(X), [nodes[layer._nodes[0]]["output"] for layer in layers], False, None)
    outputs = network._run(network._input_arrays(X), [layer._output for layer in layers], False, None)
    rows: list[dict[str, Any]] = []
    inputs = X[0].astype(np.float64)
    for layer, total, out in zip(layers, sums, outputs, strict=True):
        name = str(layer.name)
        follows = layer._activation
        rows.append(
            {
                "name": name,
                "inputs": inputs,
                "sum": total[0],
                "output": out[0],
                "activation": follows.activation if follows is not None else "linear",
                "weight": before[f"{name}.weight"],
                "bias": before.get(f"{name}.bias"),
                "dL_dweight": gradients.get(f"{name}.weight", np.zeros_like(before[f"{name}.weight"])),
                "dL_dbias": gradients.get(f"{name}.bias"),
                "new_weight": after[f"{name}.weight"],
                "new_bias": after.get(f"{name}.bias"),
                "follows": follows,
            }
        )
        inputs = out[0]
    together = names[0] in ("cross_entropy", "binary_cross_entropy")
    chosen = copy._resolve_losses(loss)[0]
    slope = _loss_slope(chosen, names[0], rows[-1], Y, together)
    for k in range(len(rows) - 1, -1, -1):
        row = rows[k]
        if k == len(rows) - 1 and together:
            row["dL_dout"], row["dout_dsum"], row["dL_dsum"] = None, None, slope
        else:
            row["dL_dout"] = slope
            row["dout_dsum"], row["dL_dsum"] = _activation_slope(row.pop("follows"), row["sum"], slope)
        row.pop("follows", None)
        slope = row["weight"].T.astype(np.float64) @ row["dL_dsum"]
    return Trace(value, names[0], y, outputs[-1][0], rows, lr)


def _plain(layer: Activation) -> Activation:
    """The same, of no network."""
    return Activation._from_attributes(layer._attributes())


def _activation_slope(
    follows: Activation | None, total: np.ndarray, slope: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(dout/dsum, dL/dsum), by a network of this activation alone; of softmax dout/dsum is the diagonal."""
    from .network import Network

    if follows is None:
        return np.ones_like(slope), slope
    alone = Network([_plain(follows)], input_shape=total.size, dtype="float64", seed=0)
    alone.forward(total[None])
    back = alone.backward(np.asarray(slope)[None])[0]
    if follows.activation == "softmax":
        y = alone.predict(np.asarray(total[None], np.float64))[0]
        return y * (1 - y), back
    alone.forward(total[None])
    return alone.backward(np.ones((1, total.size)))[0], back


def _loss_slope(loss: Any, name: str, row: dict[str, Any], Y: np.ndarray, together: bool) -> np.ndarray:
    """dL/dout, or dL/dsum of a loss on logits: the gradient by the bias of a network that gives just this."""
    from .network import Network

    at = np.asarray(row["sum"] if together else row["output"], np.float64)
    alone = Network([Dense(at.size, init="zeros")], input_shape=1, dtype="float64", seed=0)
    alone.layers[0].bias = at
    chosen = loss if losses.spec(loss) is not None else name
    return alone.gradients(np.zeros((1, 1)), Y, loss=chosen)[1]["dense_1.bias"]
