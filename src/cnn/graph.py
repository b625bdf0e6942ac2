"""From layers as people write them to the engine's graph, and back."""

import copy
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .layers import KINDS, Activation, Function, Input, Layer, Normalize, Tensor
from .names import no_layer, unknown
from .weighted import Weighted

if TYPE_CHECKING:
    from .base import NetworkBase


def sequence(items: Sequence[Any], input_shape: Any) -> tuple[list[Tensor], list[Tensor]]:
    """(inputs, outputs) of a list of layers, each applied to what stands before it."""
    layers = list(items)
    for item in layers:
        if not isinstance(item, Layer):
            raise TypeError(f"the list of layers has {no_layer(item)}")
    if not layers:
        raise ValueError("the list of layers is empty; a network needs at least one")
    if isinstance(layers[0], Input):
        first = layers.pop(0)
        if input_shape is not None and Input(input_shape).shape != first.shape:
            raise ValueError(f"input_shape is {input_shape} and the Input's shape {first.shape}; give one of them")
    elif input_shape is not None:
        first = Input(input_shape)
    else:
        first = _input_for(layers[0])
    if any(isinstance(layer, Input) for layer in layers):
        raise ValueError("an Input stands at the head of a list; for several inputs use Network(inputs=, outputs=)")
    tensor: Tensor = first
    for layer in layers:
        tensor = layer(tensor)
    return [first], [tensor]


def _input_for(layer: Layer) -> Input:
    """What a layer of a built network took there."""
    if layer._network is None:
        raise ValueError("the list of layers has no Input: put cnn.Input(shape) first, or pass input_shape=")
    dtype, shape = layer._network._values()[layer._network._nodes()[layer._nodes[0]]["inputs"][0]]
    return Input(shape[1:], dtype if dtype.startswith("int") else "float")


def order(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Tensor]:
    """Every tensor that the outputs need, after what it needs; the inputs first."""
    for what, tensors in (("inputs", inputs), ("outputs", outputs)):
        for t in tensors:
            if not isinstance(t, Tensor):
                raise TypeError(
                    f"{what} has a {type(t).__name__}; expected tensors, as in x = cnn.Input(2); y = cnn.Dense(1)(x)"
                )
    for t in inputs:
        if not isinstance(t, Input):
            raise ValueError(f"inputs has the output of {t.layer!r}; expected what cnn.Input(...) gives")
    done: dict[int, Tensor] = {id(t): t for t in inputs}
    used = set()
    for output in outputs:
        stack = [(output, False)]
        while stack:
            tensor, expanded = stack.pop()
            used.add(id(tensor))
            if id(tensor) in done:
                continue
            if isinstance(tensor, Input):
                raise ValueError(f"the outputs depend on {tensor!r}, which is not among inputs=")
            if expanded:
                done[id(tensor)] = tensor
            else:
                stack.append((tensor, True))
                stack.extend((t, False) for t in reversed(tensor.inputs))
    for t in inputs:
        if id(t) not in used:
            raise ValueError(f"no output depends on the input {t!r}")
    return list(done.values())


def names_for(tensors: Sequence[Tensor]) -> dict[int, str]:
    """Of each layer (by id) its name: the given one, or its kind and a number, in the order of the graph."""
    layers = list({id(t.layer): t.layer for t in tensors}.values())
    names: dict[int, str] = {}
    for layer in layers:
        if layer.name is None or (layer._network is not None and re.fullmatch(rf"{_prefix(layer)}_\d+", layer.name)):
            continue  # a number that was counted in another network is counted anew
        if layer.name in names.values():
            raise ValueError(f"two layers are called {layer.name!r}; names must be unique in a network")
        names[id(layer)] = layer.name
    counts: dict[str, int] = {}
    taken = set(names.values())
    for layer in layers:
        if id(layer) in names:
            continue
        while True:
            prefix = _prefix(layer)
            counts[prefix] = counts.get(prefix, 0) + 1
            name = f"{prefix}_{counts[prefix]}"
            if name not in taken:
                break
        names[id(layer)] = name
    return names


def _prefix(layer: Layer) -> str:
    return layer._prefix or layer.op


def build(
    network: "NetworkBase",
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    dtype: str,
    seed: int,
    init: str | None,
    bias_init: str,
) -> None:
    """Makes the network's graph, its first values, and copies what layers of other networks bring."""
    tensors = order(inputs, outputs)
    names = names_for(tensors)
    builder = _core.Builder()
    values: dict[int, int] = {}
    first_node: dict[int, int] = {}  # of each layer
    uses: dict[int, int] = {}
    nodes = 0
    for tensor in tensors:
        layer = tensor.layer
        key = id(layer)
        uses[key] = uses.get(key, 0) + 1
        name = names[key] if uses[key] == 1 else f"{names[key]}@{uses[key]}"
        attributes = {**layer._attributes(), **layer._common_attributes()}
        if isinstance(layer, Weighted) and layer._network is None:
            if init is not None:
                attributes.setdefault("init", _core.INITS[init])
            if bias_init != "zeros":
                attributes.setdefault("bias_init", _core.INITS[bias_init])
        if uses[key] > 1:
            attributes["share"] = first_node[key]
        else:
            first_node[key] = nodes
        value = builder.add(layer.op, [values[id(t)] for t in tensor.inputs], name=name, **attributes)
        nodes += 1
        follows = layer._activation
        if follows is not None:
            value = builder.add("activation", [value], name=f"{name}.activation", **follows._attributes())
            nodes += 1
        values[id(tensor)] = value
    network._build(builder, [values[id(t)] for t in outputs], dtype, seed)
    layers = {id(t.layer): t.layer for t in tensors}
    functions = {names[key]: layer for key, layer in layers.items() if isinstance(layer, Function)}
    network._set_functions({name: (layer.forward, layer.backward) for name, layer in functions.items()})
    for key, layer in layers.items():
        if isinstance(layer, Input):
            continue
        here = network.layer(names[key])
        if layer._network is not None:
            _bring(layer, here)
        elif isinstance(layer, Function | Normalize):
            carrier = copy.copy(layer)  # its given values are written through the bound one's blocks
            carrier._network, carrier._blocks, carrier.name = network, here._blocks, here.name
            carrier._start()


def _bring(layer: Layer, here: Layer) -> None:
    """Copies of the values of a layer of another network."""
    assert layer._network is not None
    for name, index in layer._named_blocks().items():
        value = np.array(layer._network._block(index))
        block = here._parameter(name)
        if block.shape != value.shape:
            raise ValueError(
                f"layer {layer.name!r} brings a {name} of the shape {value.shape}; here it would need {block.shape}"
            )
        block[...] = value


def read(network: "NetworkBase") -> tuple[list[Layer], list[Input]]:
    """(layers, inputs) of a graph: what `build` made of them, or a C program, or a file."""
    nodes = network._nodes()
    table = network._block_table
    layers: list[Layer] = []
    inputs: list[Input] = []
    of_node: dict[int, Layer] = {}
    producer = {node["output"]: i for i, node in enumerate(nodes)}
    for i, node in enumerate(nodes):
        name = node["name"]
        source = of_node.get(producer[node["inputs"][0]]) if node["inputs"] else None
        if (
            node["op"] == "activation"
            and source is not None
            and name == f"{nodes[source._nodes[-1]]['name']}.activation"
        ):
            follows = Activation._from_attributes(node["attributes"])
            source.activation = follows if follows.constants else follows.activation
            if len(source._nodes) == 1:
                source._output = node["output"]
            of_node[i] = source
            continue
        shared = of_node.get(node["shares"]) if node["shares"] >= 0 else None
        if shared is not None:
            shared._nodes = (*shared._nodes, i)
            of_node[i] = shared
            continue
        layer = KINDS[node["op"]]._from_attributes(node["attributes"])
        layer.name, layer._network, layer._nodes, layer._output = name, network, (i,), node["output"]
        layer._blocks = tuple(node["blocks"])
        weights = [table[b] for b in layer._blocks if table[b]["kind"] == "weight"]
        layer._trainable = bool(weights[0]["trainable"] if weights else node["attributes"].get("trainable", 1))
        layer._lr_scale = float(weights[0]["lr_scale"]) if weights else 1.0
        if isinstance(layer, Function) and name in network._functions:
            layer.forward, layer.backward = network._functions[name]
        of_node[i] = layer
        if isinstance(layer, Input):
            inputs.append(layer)
        else:
            layers.append(layer)
    return layers, inputs


def find(layers: Sequence[Layer], key: Any) -> int:
    """The place of a layer by name, number, or the layer itself."""
    if isinstance(key, Layer):
        key = key.name
    if isinstance(key, str):
        names = [str(layer.name) for layer in layers]
        if key not in names:
            raise ValueError(unknown("layer", key, names))
        return names.index(key)
    if not -len(layers) <= key < len(layers):
        raise IndexError(f"layer {key} of a network of {len(layers)} layers")
    return int(key) % len(layers)
