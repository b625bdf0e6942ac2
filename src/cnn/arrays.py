"""What people pass as X and y becomes NumPy arrays, without copies where there is a way."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .names import shown

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
    given = x
    if type(x) is not np.ndarray:
        if isinstance(x, str | bytes):
            raise TypeError(
                f"{name} is the text {shown(x)}; it must be numbers (cnn.data.Preprocessing makes numbers of a table in a file)"
            )
        if x is None:
            raise TypeError(f"{name} is None; it must be an array of numbers")
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
        x = _numbers(x, name, given)
    return x


def _numbers(x: np.ndarray, name: str, given: Any) -> np.ndarray:
    if x.dtype.kind in "Of":
        try:
            return x.astype(np.float64)
        except (TypeError, ValueError):
            numbers = int | float | np.number
            where, odd = next(((k, v) for k, v in np.ndenumerate(x) if not isinstance(v, numbers)), ((), x.dtype))
            columns = getattr(given, "columns", None)
            if columns is not None and len(where) == 2:
                raise TypeError(
                    f"{name} has {shown(odd)} in the column {list(columns)[where[1]]!r}, row {where[0]}, which is no number:"
                    " cnn.data.Preprocessing makes numbers of a table with text"
                ) from None
            raise TypeError(
                f"{name} holds {shown(odd)}, which is no number; encode text as numbers first, as cnn.data.Preprocessing does"
            ) from None
    kinds = {"U": "text", "S": "bytes", "c": "complex numbers", "M": "dates", "m": "time differences", "V": "records"}
    hint = ": cnn.data.Preprocessing makes numbers of a table with text" if x.dtype.kind in "US" else ""
    raise TypeError(f"{name} holds {kinds.get(x.dtype.kind, str(x.dtype))}; it must hold real numbers{hint}")


def shape_text(shape: Shape, batch: bool = True) -> str:
    """``(n, 784)``."""
    sizes = [*(["n"] if batch else []), *("?" if size is None else str(size) for size in shape)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def fits(shape: Sequence[int], wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(w is None or s == w for s, w in zip(shape, wanted, strict=True))


def one_sample(x: Any, shape: Shape) -> bool:
    """Whether x is a sample of that shape, without the axis of samples."""
    try:
        return fits(np.shape(x), shape)
    except ValueError:  # ragged
        return False


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
            if len(X) > 1:
                keys = shown(list(X), 80)
                raise ValueError(
                    f"{name} is a dict of {keys}; the network has one input, {names[0]}, and takes an array: cnn.data.Preprocessing"
                    " makes one of a table of columns"
                )
            X = by_output(X, names, name)[0]
        elif isinstance(X, list | tuple) and len(X) == 1 and is_array(X[0]) and np.ndim(X[0]) == len(shapes[0]) + 1:
            X = X[0]
        whole, parts, arrays = [name], [X], [as_array(X, name)]
    else:
        whole = [f"{name}[{key!r}]" for key in (names if isinstance(X, dict) else range(len(names)))]
        parts = by_output(X, names, name)
        arrays = [as_array(x, label) for x, label in zip(parts, whole, strict=True)]
    for i, array in enumerate(arrays):
        shape = shapes[i]
        label = name if len(names) == 1 else f"{name} for {names[i]!r}"
        if not fits(array.shape[1:], shape) or array.ndim == 0:
            call = whole[i] if type(parts[i]) is np.ndarray else f"np.asarray({whole[i]})"
            raise ValueError(_wrong_shape(array.shape, shape, label, names[i], call))
        if len(array) != len(arrays[0]):
            raise ValueError(f"{label} has {len(array)} rows and {name} for {names[0]!r} has {len(arrays[0])}")
    return arrays


def _wrong_shape(given: tuple[int, ...], shape: Shape, label: str, layer: str, array: str) -> str:
    """The sentence; `array` is how the data are written, for the call that mends them."""
    if not given:
        return f"{label} is a single number; {layer} takes {shape_text(shape)}"
    begin = f"{label} has the shape {given}"
    takes = f"{layer} takes {shape_text(shape)}"
    if fits(given, shape):
        text = f"{begin}, which is one sample without its axis: {takes}; pass {array}[None]"
        return f"{text}, or call net.feedforward({array})" if label == array else text
    call = mended(given[1:], shape, array)
    if call:
        return f"{begin}; {takes}: pass {call}"
    call = mended(given, shape, array, one=True)
    if call:
        return f"{begin}, which is one sample; {takes}: pass {call}"
    if len(shape) == 1 and len(given) == 2 and given[0] == shape[0] != given[1]:
        return f"{begin}; {takes}, a row for each sample: pass {array}.T"
    return f"{begin}; {takes}"


def mended(given: tuple[int, ...], shape: Shape, array: str, one: bool = False) -> str:
    """The NumPy call that brings samples of the shape `given` to `shape`, or "" where none is sure to keep their meaning.

    Parameters
    ----------
    given, shape : tuple
        Of one sample.
    array : str
        How the data are written.
    one : bool, default False
        Whether the data are one sample, without the axis of samples.
    """
    sizes = [size for size in shape if size is not None]
    if len(sizes) != len(shape):
        return ""
    if given == () and sizes == [1]:
        return "" if one else f"{array}[:, None]"
    if not given or math.prod(given) != math.prod(sizes) or 0 in given:
        return ""
    wanted = tuple(sizes)
    if len(wanted) > 1 and len(given) == len(wanted) and given == (*wanted[1:], wanted[0]):  # channels last
        axes = range(len(given))
        order = (axes[-1], *axes[:-1])
        return f"{array}.transpose{order}[None]" if one else f"{array}.transpose{(0, *(a + 1 for a in order))}"
    if len(wanted) == len(given) + 1 and wanted == (1, *given):
        return f"{array}[None, None]" if one else f"{array}[:, None]"
    if len(wanted) == 1 or len(given) == 1:
        rows = 1 if one else -1
        return f"{array}.reshape({', '.join(map(str, (rows, *wanted)))})"
    return ""
