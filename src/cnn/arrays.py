"""What people pass as X and y becomes NumPy arrays, without copies where there is a way."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Shape = tuple[int | None, ...]

_ENGINE_KINDS = "fiub"


def is_array(x: Any) -> bool:
    """Whether `x` is data held whole: an array, a table, a tensor; lists are judged by the caller."""
    return (
        isinstance(x, np.ndarray)
        or hasattr(x, "__array__")
        or hasattr(x, "__dlpack__")
        or hasattr(x, "__array_interface__")
    )


def as_array(x: Any, name: str) -> np.ndarray:
    """`x` as an ndarray of numbers; any strides, byte order and dtype that the engine converts a batch at a time.

    Parameters
    ----------
    x : array, list, pandas or polars table, torch tensor, memory map, anything with ``__array__`` or DLPack
    name : str
        The argument, for messages.

    Raises
    ------
    TypeError
        For text, objects, complex numbers, dates, sparse matrices.
    ValueError
        For ragged lists.
    """
    if type(x) is not np.ndarray:
        if hasattr(x, "toarray") and hasattr(x, "nnz"):
            raise TypeError(f"{name} is a sparse matrix; pass {name}.toarray()")
        if hasattr(x, "requires_grad") and x.requires_grad:
            x = x.detach()
        try:
            alone = hasattr(x, "__dlpack__") and not hasattr(x, "__array__")
            x = np.from_dlpack(x) if alone else np.asarray(x)
        except ValueError as error:
            if "inhomogeneous" in str(error):
                raise ValueError(
                    f"{name} is ragged: its rows differ in length; each sample must have the same shape"
                ) from None
            raise
    if x.dtype.kind not in _ENGINE_KINDS or x.dtype.itemsize > 8:
        x = _numbers(x, name)
    return x


def _numbers(x: np.ndarray, name: str) -> np.ndarray:
    if x.dtype.kind in "Of":
        try:
            return x.astype(np.float64)
        except (TypeError, ValueError):
            odd = next((v for v in x.flat if not isinstance(v, int | float | np.number)), None)
            raise TypeError(f"{name} holds {odd!r}, which is no number; encode text as numbers first") from None
    kinds = {"U": "text", "S": "bytes", "c": "complex numbers", "M": "dates", "m": "time differences", "V": "records"}
    raise TypeError(f"{name} holds {kinds.get(x.dtype.kind, str(x.dtype))}; it must hold real numbers")


def shape_text(shape: Shape, batch: bool = True) -> str:
    """``(n, 784)``."""
    sizes = [*(["n"] if batch else []), *("?" if size is None else str(size) for size in shape)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def fits(shape: Sequence[int], wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(w is None or s == w for s, w in zip(shape, wanted, strict=True))


def by_output(values: Any, names: Sequence[str], argument: str) -> list[Any]:
    """A list with one entry a name, from a list of that length or a dict by name."""
    if isinstance(values, dict):
        from .names import unknown

        for key in values:
            if key not in names:
                raise ValueError(unknown(f"{argument}: layer", str(key), names))
        missing = [name for name in names if name not in values]
        if missing:
            raise ValueError(
                f"{argument} has nothing for {', '.join(missing)}; it needs an entry for each of {', '.join(names)}"
            )
        return [values[name] for name in names]
    if not isinstance(values, list | tuple):
        raise TypeError(
            f"{argument} is a {type(values).__name__}; a network with {len(names)} of them takes a list, or a dict by layer name"
        )
    if len(values) != len(names):
        raise ValueError(f"{argument} has {len(values)} entries; the network needs {len(names)}: {', '.join(names)}")
    return list(values)


def inputs_of(X: Any, names: Sequence[str], shapes: Sequence[Shape], *, name: str = "X") -> list[np.ndarray]:
    """X as one array an input layer, each with the right number of axes and sizes, all with the same number of rows.

    Raises
    ------
    ValueError
        For a wrong shape, in a sentence; one sample without its axis shows ``X[None]`` and ``feedforward``.
    """
    if len(names) == 1:
        if isinstance(X, dict):
            X = by_output(X, names, name)[0]
        elif isinstance(X, list | tuple) and len(X) == 1 and is_array(X[0]) and np.ndim(X[0]) == len(shapes[0]) + 1:
            X = X[0]
        arrays = [as_array(X, name)]
    else:
        arrays = [as_array(x, f"{name}[{i}]") for i, x in enumerate(by_output(X, names, name))]
    for i, array in enumerate(arrays):
        shape = shapes[i]
        label = name if len(names) == 1 else f"{name} for {names[i]!r}"
        if not fits(array.shape[1:], shape) or array.ndim == 0:
            raise ValueError(_wrong_shape(array, shape, label, names[i]))
        if len(array) != len(arrays[0]):
            raise ValueError(f"{label} has {len(array)} rows and {name} for {names[0]!r} has {len(arrays[0])}")
    return arrays


def _wrong_shape(array: np.ndarray, shape: Shape, label: str, layer: str) -> str:
    expected = f"{layer} takes {shape_text(shape)}"
    if fits(array.shape, shape):
        one = f"{label} has the shape {array.shape}, which is one sample without its axis: {expected}"
        return f"{one}; pass {label.split(' ')[0]}[None], or call net.feedforward({label.split(' ')[0]})"
    if array.ndim == 1 and shape == (1,):
        return f"{label} has the shape {array.shape}; {expected}: pass {label}[:, None]"
    return f"{label} has the shape {array.shape}; {expected}"
