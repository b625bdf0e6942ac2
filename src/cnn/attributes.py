"""What is set on a network or a layer takes effect, or is refused in a sentence: none of it is silently ignored.

Names that begin with "_" are ours and go through; a subclass of the user's may have attributes of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from .names import _Closed, _nearest, _say, _Word, shown, unknown

Check = Callable[[Any], Any]
Settings = Mapping[str, Check | None]


def _static(kind: type, name: str) -> Any:
    """What a class has under a name, without asking descriptors."""
    return next((vars(k)[name] for k in kind.__mro__ if name in vars(k)), None)


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "cnn"


def _refusal(kind: type, name: str, known: Iterable[str], otherwise: str) -> AttributeError:
    word = _static(kind, name)
    near = _nearest(name, [n for n in known if not n.startswith("_")])
    hint = _say(word.text) if isinstance(word, _Word) else f"did you mean {near}?" if near else otherwise
    begin = "Network" if hasattr(kind, "fit") else kind.__name__
    return AttributeError(f"{begin} has no {name!r}: {hint}", name=name)


# ---- Networks

_FREE = frozenset(("history", "metadata", "preprocessing", "stop_training"))
_READ_ONLY = {
    "layers": "a new network has other layers, as in cnn.Network(net.layers[:-1] + [cnn.Dense(5)])",
    "inputs": "a new network has other inputs, as in cnn.Network([cnn.Input(4), *net.layers])",
    "parameters": "write net.set_parameters({name: array})",
    "buffers": "write net.set_parameters({name: array}, strict=False)",
    "dtype": 'a new network has another, as in cnn.Network([4, 8, 3], dtype="float64")',
    "seed": "write net.reset(seed), or cnn.Network([4, 8, 3], seed=0)",
    "grads": "write the gradients to net.backward, or the values to net.set_parameters",
}


class GuardedNetwork:
    """A network's attributes: its choices are checked when they are set, and unknown names are refused."""

    def _checked(self, name: str, value: Any) -> Any:
        """`loss`, `metrics` or `classes`, as it is kept."""
        raise NotImplementedError

    if not TYPE_CHECKING:  # a type checker would then allow any name

        def __setattr__(self, name: str, value: Any) -> None:
            if name in ("loss", "metrics", "classes"):
                if value is not None and self._built:
                    value = self._checked(name, value)
            elif name[0] != "_" and name not in _FREE:
                _check_network(type(self), name, value)
            object.__setattr__(self, name, value)


def _check_network(kind: type, name: str, value: Any) -> None:
    found = _static(kind, name)
    if isinstance(found, property):
        if found.fset is None and _is_ours(kind):
            hint = _READ_ONLY.get(name, "it follows from the layers")
            raise AttributeError(f"net.{name} cannot be set: {hint}", name=name)
    elif isinstance(found, _Closed) or not _is_ours(kind):
        pass  # the one explains itself when it is set; the other is the user's own
    elif found is not None and not isinstance(found, _Word):
        if not callable(value):
            raise AttributeError(f"net.{name} is a method, and setting it does nothing: call it, net.{name}(...)")
    else:
        from .training import Training

        fit = Training.fit.__wrapped__.__code__  # type: ignore[attr-defined]
        if name in fit.co_varnames[1 : fit.co_argcount + fit.co_kwonlyargcount]:
            raise AttributeError(f"Network has no {name!r}: write net.fit(X, y, {name}=...)", name=name)
        known = [*_FREE, "loss", "metrics", "classes", "optimizer", *(n for k in kind.__mro__[:-1] for n in vars(k))]
        known = [n for n in known if not isinstance(_static(kind, n), _Word)]
        otherwise = "write net.metadata[key] = text for notes of your own, which are saved with it"
        raise _refusal(kind, name, known, otherwise)


# ---- Layers

_OF_SIZE = ("units", "shape", "classes", "axis", "dtype")


class GuardedLayer:
    """A layer's settings: checked when they are set before it is built, and refused once it belongs to a network."""

    _settings: ClassVar[Settings] = {}  # name to what checks a value; None: anything goes
    _sealed = False  # whether it is a network's, and read from it

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            if name[0] != "_" and (self._sealed or self._network is None):  # in between it is being read from a network
                value = _checked_setting(self, name, value)
            object.__setattr__(self, name, value)


def _checked_setting(layer: Any, name: str, value: Any) -> Any:
    kind = type(layer)
    if name == "name" or name in layer._settings:
        if layer._sealed:
            raise AttributeError(_sealed(layer, name, value), name=name)
        check = layer._settings.get(name)
        return value if check is None else check(value)
    found = _static(kind, name)
    if isinstance(found, property):
        if found.fset is None and _is_ours(kind):
            hint = "write layer.parameters[name][...] = values" if name == "parameters" else "it follows from the layer"
            raise AttributeError(f"layer.{name} cannot be set: {hint}", name=name)
        if name in ("weight", "bias") and layer._network is None:
            hint = f"cnn.Dense(8, bias={value})" if isinstance(value, bool) else f"net.layers[0].{name}[...] = values"
            raise AttributeError(f"{kind.__name__} has no {name} before it is in a network: write {hint}", name=name)
        return value
    if not _is_ours(kind):
        return value
    if name in ("mean", "std", "fill") and layer.op == "normalize":
        label = layer.name or "normalize_1"
        raise AttributeError(
            f"{name} of a Normalize is not set: write net.buffers['{label}.{name}'][...] = values", name=name
        )
    names = [*layer._settings, "name", "trainable", "lr_scale", "weight", "bias"]
    raise _refusal(kind, name, names, f"it has {', '.join(names)}")


def _sealed(layer: Any, name: str, value: Any) -> str:
    label = f"layer {layer.name!r}" if layer.name else f"this {type(layer).__name__}"
    begin = f"{label} belongs to a network, which fixes its {name}: make a new network with the layer changed, cnn.Network([...,"
    begin += f" cnn.{type(layer).__name__}(..., {name}={shown(value, 30)}), ...])"
    if name in _OF_SIZE:
        return f"{begin}, into which layers of net.layers bring their weights"
    return f"{begin}; the weights come along by name with new.set_parameters(net.parameters, strict=False)"


# ---- What a network gives of itself


class Layers(list[Any]):
    """A list of a network's layers, to be read: the network would not see what is changed in it."""

    def _fixed(self, *arguments: Any, **keywords: Any) -> NoReturn:
        raise TypeError(
            "a network keeps its layers, and its list of them cannot be changed: make a new network, as in"
            " cnn.Network(net.layers[:-1] + [cnn.Dense(5)]), into which they bring their weights"
        )

    def clear(self) -> NoReturn:
        self._fixed()

    def reverse(self) -> NoReturn:
        self._fixed()

    def sort(self, *, key: Any = None, reverse: bool = False) -> NoReturn:
        self._fixed()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)

    if not TYPE_CHECKING:
        append = extend = insert = pop = remove = _fixed
        __setitem__ = __delitem__ = __iadd__ = __imul__ = _fixed


class Views(dict[str, np.ndarray]):
    """Arrays by name, views of a network's numbers: what is set under a name is written into its array."""

    def _array(self, name: str, value: Any) -> np.ndarray:
        from .arrays import as_array

        if name not in self:
            raise ValueError(
                f"{unknown('parameter', str(name), self)} (a network's parameters are those of its layers)"
            )
        array, view = as_array(value, str(name)), self[name]
        if array.shape not in (view.shape, ()):
            raise ValueError(
                f"{name} has the shape {array.shape}; expected {view.shape}: what is set is written into the network, as with"
                f" net.parameters[{name!r}][...] = values or net.set_parameters"
            )
        return array

    def __setitem__(self, name: str, value: Any) -> None:
        array = self._array(name, value)
        if array is not self[name]:  # not after +=, which has written
            self[name][...] = array

    def setdefault(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else self._array(name, default)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)  # a copy is no longer the network's

    if not TYPE_CHECKING:

        def update(self, *given: Any, **named: Any) -> None:
            """All of them or none."""
            values = [(name, self._array(name, value)) for name, value in dict(*given, **named).items()]
            for name, array in values:
                self[name] = array

        def __ior__(self, other: Any) -> "Views":
            self.update(other)
            return self


class Named(Views):
    """The parameters, which are read without parentheses."""

    def __call__(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        raise TypeError(
            "net.parameters is a dict and is not called: write net.parameters (an optimizer is not given it: it goes to fit,"
            " as in net.fit(X, y, optimizer=cnn.Adam(lr=0.001)))"
        )
