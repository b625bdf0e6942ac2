"""What to say when a name is not known: the nearest of ours, or our spelling of another library's word."""

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from .spellings import (
    ARGUMENTS,
    LATER,
    LAYER,
    MEANWHILE,
    METHODS,
    NAMES,
    NEEDED,
    NEVER,
    OF_FUNCTION,
    POSITIONAL,
    SAME,
    SETTABLE,
    TWICE,
    VALUES,
)

_F = TypeVar("_F", bound=Callable[..., Any])


def lookup(what: str, given: object, known: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """The name of ours that was meant.

    Parameters
    ----------
    what : str
        The argument it stands for: "loss", "activation", ...
    given : object
        What was given; letters count the same in both cases.
    known, aliases
        Our names, and other words that we take for one of them.

    Raises
    ------
    TypeError
        For anything but a string.
    ValueError
        For an unknown name: it says the nearest, or our spelling of another library's.
    """
    names = list(known)
    if not isinstance(given, str):
        raise TypeError(_no_name(what, given, names))
    name = given.lower()
    name = (aliases or {}).get(name, name)
    if name in names:
        return name
    raise ValueError(unknown(what, given, [*names, *(aliases or {})]))


def shown(value: Any, most: int = 60) -> str:
    """`value` as it is shown in a message: short, on one line, without an address."""
    name = getattr(value, "__name__", None)
    if isinstance(name, str) and (callable(value) or isinstance(value, ModuleType)):
        return f"the {'class' if isinstance(value, type) else 'function' if callable(value) else 'module'} {name}"
    text = " ".join(repr(value).split())
    if " object at 0x" in text or text.startswith("<function "):
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= most else f"{text[: most - 4]} ..."


def _no_name(what: str, given: object, names: list[str]) -> str:
    """The sentence for something that is not a string where a name belongs."""
    own = str(getattr(given, "__name__", None) or type(given).__name__)  # np.tanh, torch.nn.ReLU()
    ours = _ours(own, names)
    if ours is not None:
        return f'{what} is {shown(given)}; write {what}="{ours}"'
    text = _elsewhere(own, VALUES)
    if text is not None:
        return f"{what} is {shown(given)}; write {text}"
    if what == "activation" and isinstance(given, int) and not isinstance(given, bool):
        hint = f"a layer takes its outputs only: Linear(3, {given}) is Dense({given})"
        return f"activation is {given}; expected a name, as in 'relu' ({hint})"
    return f"{what} is {shown(given)}; expected one of {', '.join(names)}"


def foreign(value: object) -> str | None:
    """The name of something of another library (a class, an object of it, a function), None for all else."""
    named = value if hasattr(value, "__name__") else type(value)
    module = str(getattr(named, "__module__", "") or "").partition(".")[0]
    return str(getattr(named, "__name__", "")) if module in _LIBRARIES else None


def theirs(what: str, name: str, known: Iterable[str]) -> str:
    """What to write for another library's loss, metric, ... of that name."""
    names = list(known)
    ours = _ours(name, names)
    text = _elsewhere(name, VALUES)
    if ours is None and text is None:
        return f"expected a name: one of {', '.join(names)}"
    return f'write {what}="{ours}"' if ours is not None else f"write {text}"


def swapped(function: Any) -> bool:
    """Whether a loss or metric names its arguments (y_pred, y_true): it would be called the other way round, silently."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_argcount < 2:
        return False
    first, second = code.co_varnames[:2]
    predicted, true = ("pred", "yhat", "y_hat", "output", "logit"), ("true", "target", "label")
    return any(w in first for w in predicted) and any(w in second for w in true)


# Not scikit-learn: its metrics are functions of arrays, and serve as they are.
_LIBRARIES = ("torch", "torchmetrics", "keras", "tf_keras", "tensorflow", "optax")


def _ours(word: str, names: list[str]) -> str | None:
    plain = {_plain(name): name for name in names}
    return plain.get(_plain(word))


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "").replace(" ", "")


def _elsewhere(word: str, table: Mapping[str, str]) -> str | None:
    """What a table of another library's words says."""
    return {_plain(key): text for key, text in table.items()}.get(_plain(word))


def no_layer(item: object) -> str:
    """What to say of something that stands in a list of layers and is none."""
    from . import __all__ as ours

    if isinstance(item, int) and not isinstance(item, bool):
        return (
            f"the integer {item}; expected layers: write cnn.Dense({item}), or cnn.Input({item}) at the head, or nothing but sizes, as in"
            " [4, 8, 3]"
        )
    kind = item.__name__ if isinstance(item, type) else item if isinstance(item, str) else type(item).__name__
    target = SAME.get(kind, kind)
    if target in ours:
        said = f": write cnn.{target}(...)"
    elif target in LATER:
        said = f", and cnn.{target} is not in this version"
    else:
        text = _elsewhere(kind, NAMES)
        said = f": {_say(text)}" if text else ", as in [cnn.Input(2), cnn.Dense(3), cnn.Dense(1)]"
    return f"{shown(item)}; expected layers{said}"


def _say(text: str) -> str:
    if text.startswith("nothing"):
        return f"nothing is needed{text.removeprefix('nothing')}"
    return text if text.startswith(("it ", "use ")) else f"write {text}"


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """The sentence for a name that is not known."""
    names = list(known)
    ours = _ours(given, names)
    if ours is not None:
        return f"{what} {given!r} is not known; write {ours!r}"
    text = _elsewhere(given, VALUES) or (_elsewhere(given, NAMES) if what == "name" else None)
    if text is not None:
        return f"{what} {given!r} is not a name of cnn: {_say(text)}"
    near = _nearest(given, names)
    listed = ", ".join(names)
    hint = f"did you mean {near}?" if near else f"known: {listed if len(listed) < 200 else listed[:160] + ', ...'}"
    return f"{what} {given!r} is not known; {hint}"


def missing(name: str, known: Iterable[str], module: str = "cnn") -> str:
    """The sentence for a name that a module does not have."""
    begin = f"module {module!r} has no attribute {name!r}"
    return begin if name.startswith("_") else f"{begin}: {instead(name, known, module)}"


def instead(name: str, known: Iterable[str], module: str = "cnn") -> str:
    """What to write for a name: one of ours, or of a later version, or the nearest."""
    from importlib.machinery import PathFinder

    from . import __all__ as ours
    from . import __path__ as folder
    from ._core import LOSSES

    names = list(known)
    if module == "cnn" and PathFinder.find_spec(f"cnn.{name}", folder) is not None:  # asked by our own imports, too
        return f"import cnn.{name} first"
    target = SAME.get(name, name)
    if target in names:
        return f"write {module}.{target}"
    if target in ours:
        return f"write cnn.{target}"
    if target in LATER:
        text = "it is not in this version" + (f", and will be called cnn.{target}" if target != name else "")
        return text + (f"; meanwhile {_say(MEANWHILE[target])}" if target in MEANWHILE else "")
    if name in NEVER:
        return "it is not in version 1"
    text = _elsewhere(name, NAMES) or _elsewhere(name, VALUES) or ""
    if text:
        return _say(text)
    loss = _ours(name, list(LOSSES))
    if loss is not None:
        return f'a loss is a name, as in loss="{loss}"'
    place = _place(name) if module == "cnn" else None
    if place is not None:
        return f"write {place}.{name}"
    near = _nearest(name, names)
    listed = ", ".join(names)
    return f"did you mean {near}?" if near else f"it has {listed if len(listed) < 160 else listed[:130] + ', ...'}"


def _place(name: str) -> str | None:
    """The module of ours that has a name, of those that people import."""
    from importlib import import_module

    from . import _MODULES

    return next((f"cnn.{m}" for m in _MODULES if name in getattr(import_module(f"cnn.{m}"), "__all__", ())), None)


def _nearest(given: str, names: list[str]) -> str:
    from difflib import get_close_matches

    lower = {name.lower(): name for name in names}
    return " or ".join(repr(lower[match]) for match in get_close_matches(given.lower(), lower, 3, 0.6))


def keyword_sentence(function: str, given: str, allowed: Iterable[str]) -> str:
    """The sentence for a keyword argument that a function does not have."""
    names = [name for name in allowed if name != "self"]
    if given == "device":
        return f"{function} has no device=: cnn computes on the CPU (there are no GPUs in version 1)"
    here = OF_FUNCTION.get(function, {})
    text = here.get(given) or ARGUMENTS.get(given)
    if text is not None and text.isidentifier() and text not in names:  # ours, and of another function
        text = here.get(text)
    if text is not None and given not in names:
        return f"{function} has no argument {given!r}: " + _say(text)
    near = _nearest(given, names)
    return f"{function} has no argument {given!r}; " + (
        f"did you mean {near}?" if near else f"it takes {', '.join(names)}"
    )


def explained(function: _F, title: str | None = None) -> _F:
    """`function`, whose TypeError for a call that does not fit says what to write. Costs nothing when the call is right."""
    from functools import wraps

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            message = _misfit(function, title or f"net.{function.__name__}", args, kwargs)
            if message is None:
                raise
            raise TypeError(message) from None

    return call  # type: ignore[return-value]


def _misfit(function: Any, title: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """What is wrong with the arguments themselves; None where they fit, and the error came from within."""
    code = function.__code__
    free, allowed = code.co_argcount, code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for name in kwargs:
        if name not in allowed:
            return keyword_sentence(title, name, allowed)
    twice = next((name for name in allowed[: len(args)] if name in kwargs), None)
    if twice is not None:
        hint = f": {TWICE[title]}" if title in TWICE else ""
        return f"{title} was given {twice} twice, by its place and by its name{hint}"
    if len(args) > free:
        takes = ", ".join(allowed[1:free]) or "none"
        hint = POSITIONAL.get(title, "name the rest")
        return f"{title} takes {takes} without a name, and was given {len(args) - 1} arguments: {hint}"
    needed = allowed[len(args) : free - len(function.__defaults__ or ())]
    lacking = [name for name in needed if name not in kwargs]
    if lacking:
        hint = f": write {NEEDED[title]}" if title in NEEDED else ""
        return f"{title} needs {' and '.join(lacking)}{hint}"
    return None


class _Word:
    """An attribute of another library: reading it says what to write."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, thing: object, kind: type) -> Any:
        raise AttributeError(f"{kind.__name__} has no {self.name!r}: {_say(self.text)}", name=self.name)


class _Closed(_Word):
    """One whose setting would do nothing."""

    def __set__(self, thing: object, value: Any) -> None:
        self.__get__(thing, type(thing))


class _Worded:
    """A class with words: they are not listed by ``dir``."""

    def __dir__(self) -> list[str]:
        kinds = type(self).__mro__
        found = {name: next((vars(k)[name] for k in kinds if name in vars(k)), None) for name in object.__dir__(self)}
        return [name for name, value in found.items() if not isinstance(value, _Word)]


def _worded(words: Mapping[str, str], closed: Mapping[str, str]) -> type:
    made = {**{n: _Word(t) for n, t in words.items()}, **{n: _Closed(t) for n, t in closed.items()}}
    return type("_Words", (_Worded,), made)


if TYPE_CHECKING:

    class NetworkWords(_Worded):
        """A network's attributes of other libraries."""

    class LayerWords(_Worded):
        """A layer's attributes of other libraries."""

else:
    # Descriptors and no __getattr__, which would slow every attribute down, `predict` by a third.
    class NetworkWords(_worded(METHODS, SETTABLE)):
        """A network's attributes of other libraries."""

    class LayerWords(_worded(LAYER, {})):
        """A layer's attributes of other libraries."""


class Spelled:
    """A class whose constructors explain unknown keywords."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__ and cls.__init__.__code__.co_flags & 0x08 == 0:  # not one with **keywords
            cls.__init__ = explained(cls.__init__, cls.__name__)  # type: ignore[method-assign]
