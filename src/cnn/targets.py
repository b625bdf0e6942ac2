"""What y must be for each loss, and the weights of samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import Shape, as_array, mended, shape_text
from .checks import number


def check_target(y: Any, rows: int, loss: str, shape: Shape, name: str, *, argument: str = "y") -> np.ndarray:
    """The targets of one output as the engine takes them.

    Parameters
    ----------
    y : array-like
    rows : int
        Of X.
    loss : str
        The resolved name; "custom" for a function.
    shape : tuple
        Of one sample of the output.
    name : str
        The output's layer.

    Raises
    ------
    ValueError, TypeError
        With the likely cause. Nothing is broadcast: `(n,)` and `(n, 1)` are the same for one output, all else must fit.
    """
    if y is None:
        raise ValueError(f"{argument} is missing: pass the targets, a row for each of the {rows} rows of X")
    array = _numeric(y, argument)
    written = (
        argument if type(y) is np.ndarray else f"np.asarray({argument})"
    )  # of lists and tensors, which lack NumPy's methods
    if array.ndim == 0:
        raise ValueError(f"{argument} is a single number; it must have a row for each of the {rows} rows of X")
    if len(array) != rows:
        hint = f": pass {written}.T" if array.ndim == 2 and array.shape[1] == rows else ""
        raise ValueError(f"{argument} has {len(array)} row{'s' * (len(array) != 1)} and X has {rows}{hint}")
    if loss == "custom":
        return array
    width = shape[-1] if shape else 1
    given, integer = array.shape[1:], array.dtype.kind in "iub"
    if loss == "cross_entropy":
        labels = given in (shape[:-1], (*shape[:-1], 1))
        if labels and array.dtype.kind == "f" and width != 1:
            whole = array.size == 0 or bool((array == np.floor(array)).all())
            hint = f"pass {written}.astype(int)" if whole else 'for numbers use loss="mse" and a linear output'
            raise TypeError(
                f"{argument} holds {array.dtype} numbers; cross_entropy takes class labels as integers from 0 to {(width or 1) - 1}: {hint}"
            )
        if not labels and not _same(given, shape):
            raise ValueError(
                f"{argument} has the shape {array.shape}; cross_entropy of {name!r} takes class labels of the shape"
                f" {shape_text(shape[:-1])} or one-hot rows of the shape {shape_text(shape)}"
            )
        if labels and not _same(given, shape) and array.size:
            _check_labels(array, int(width or 1), argument)
        elif not labels or _same(given, shape):
            _check_shares(array, argument)
        return array
    if not _same(given, shape):
        if integer and width not in (1, None) and given in (shape[:-1], (*shape[:-1], 1)):
            raise ValueError(
                f"{argument} has the shape {array.shape} and holds integers, and {loss} of {name!r} needs numbers of the shape"
                f" {shape_text(shape)}: for class labels end the network in output='softmax' (its loss is cross_entropy)"
            )
        call = (
            f"{written}[:, 1] of one-hot rows"
            if loss == "binary_cross_entropy" and given == (2,) and width == 1
            else ""
        )
        call = call or mended(given, shape, written)
        raise ValueError(
            f"{argument} has the shape {array.shape}; {loss} of {name!r} needs the shape {shape_text(shape)}"
            + (f": pass {call}" if call else "")
        )
    if loss == "binary_cross_entropy":
        _check_range(array, argument)
    if loss == "poisson" and array.size and array.min() < 0:
        raise ValueError(f"{argument} has {array.min():g}; poisson takes counts, which are not negative")
    return array


def _same(given: tuple[int, ...], shape: Shape) -> bool:
    """Of one shape, one output being (n,) or (n, 1)."""
    if len(given) == len(shape) and all(s is None or g == s for g, s in zip(given, shape, strict=True)):
        return True
    return given in ((), (1,)) and all(size == 1 for size in shape)


def _numeric(y: Any, argument: str) -> np.ndarray:
    try:
        array = np.asarray(y) if isinstance(y, list | tuple) or hasattr(y, "dtype") else y
    except ValueError:
        array = y
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    if kind == "O" and array.size:
        kind = "U" if isinstance(array.flat[0], str) else kind
    if kind in ("U", "S", "T"):
        raise TypeError(
            f"{argument} holds text; Network takes class labels as integers from 0: net.classes, {argument} ="
            f" np.unique({argument}, return_inverse=True), or cnn.data.Preprocessing for a table"
        )
    return as_array(array, argument)


def coded(y: Any, classes: Sequence[Any] | None, argument: str) -> Any:
    """y, its texts as places in `classes`; anything but text stays as it is.

    Raises
    ------
    ValueError
        For a text that is not among the classes, and for True and False where the classes have other names.
    """
    if classes is None or not any(isinstance(name, str) for name in classes):
        return y
    try:
        array = np.asarray(y)
    except (TypeError, ValueError):
        return y
    if array.dtype.kind == "b" and array.size and (array.ndim == 1 or array.shape[1:] == (1,)):
        _check_bools(classes, argument)
    if array.dtype.kind not in "UOT" or not array.size or not any(isinstance(label, str) for label in array.flat):
        return y
    places = {name: place for place, name in enumerate(classes)}
    codes = [places.get(label, -1) if label.__hash__ else -1 for label in array.ravel().tolist()]
    if -1 in codes:
        row = codes.index(-1) // max(array[0:1].size, 1)
        shown = ", ".join(repr(name) for name in list(classes)[:10]) + (", ..." if len(classes) > 10 else "")
        raise ValueError(
            f"{argument} has the label {array.ravel().tolist()[codes.index(-1)]!r} in row {row}; the classes are {shown}"
        )
    return np.array(codes, np.int64).reshape(array.shape)


def _check_bools(classes: Sequence[Any], argument: str) -> None:
    """True is the second class: a reader would not know which of 'ja' and 'nein' that is."""
    if [str(name).lower() for name in classes] != ["false", "true"]:
        shown = ", ".join(repr(name) for name in list(classes)[:10]) + (", ..." if len(classes) > 10 else "")
        raise ValueError(
            f"{argument} holds True and False, and the classes are {shown}: pass their names, or their places"
        )


def _check_labels(array: np.ndarray, classes: int, argument: str) -> None:
    wrong = (array < 0) | (array >= classes)
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        value = array[wrong].flat[0]
        hint = ": labels count from 0" if array.min() >= 1 and array.max() == classes else ""
        raise ValueError(
            f"{argument} has the label {value} in row {row}; the network has {classes} classes, labelled 0 to {classes - 1}{hint}"
        )


def _check_shares(array: np.ndarray, argument: str) -> None:
    """Of one-hot rows and distributions; a NaN is found by the engine, which names its place."""
    if array.dtype.kind in "if" and array.size and array.min() < 0:
        row = int(np.argwhere(array < 0)[0][0])
        raise ValueError(
            f"{argument} has {array[array < 0].flat[0]:g} in row {row}; one-hot rows and distributions are not negative"
        )


def _check_range(array: np.ndarray, argument: str) -> None:
    if array.dtype.kind == "b" or not array.size:
        return
    low, high = array.min(), array.max()
    if (low >= 0 and high <= 1) or low != low:  # a NaN is found by the engine, which names its place
        return
    row = int(np.argwhere((array < 0) | (array > 1))[0][0])
    hint = ""
    if array.dtype.kind in "iu" and low >= 0:
        hint = f"; for {high + 1} classes end the network in Dense({high + 1}, activation='softmax')"
    elif set(np.unique(array)) <= {-1, 1}:
        hint = f"; for -1 and 1 use loss='hinge', or pass {argument} > 0"
    raise ValueError(
        f"{argument} has {array[row].flat[0]:g} in row {row}; binary_cross_entropy takes values from 0 to 1{hint}"
    )


def classes_of(y: np.ndarray, loss: str, shape: Shape) -> np.ndarray | None:
    """The class of each row (or of each step) where there are classes, else None."""
    if loss == "cross_entropy":
        return (
            y.argmax(axis=-1)
            if _same(y.shape[1:], shape) and y.shape[1:] != shape[:-1]
            else y.reshape(len(y), *_steps(shape, y))
        )
    if loss in ("binary_cross_entropy", "hinge") and y[0:1].size == 1:
        flat = y.reshape(len(y))
        return flat if flat.dtype.kind in "iub" or bool((flat == np.floor(flat)).all()) else None
    return None


def _steps(shape: Shape, y: np.ndarray) -> tuple[int, ...]:
    return y.shape[1 : len(shape)]


def class_weights(
    class_weight: Any, y: Sequence[np.ndarray], losses: Sequence[str], shapes: Sequence[Shape], classes: Any
) -> np.ndarray:
    """Each row's (or step's) weight by its class.

    Raises
    ------
    ValueError
        Without classes, for an unknown label, or for weights that are negative or not finite.
    """
    if len(y) != 1:
        raise ValueError("class_weight needs a network with one output; use sample_weight")
    labels = classes_of(y[0], losses[0], shapes[0])
    if labels is None:
        raise ValueError(f"class_weight needs class labels, and the loss is {losses[0]}; use sample_weight")
    known, index = np.unique(labels, return_inverse=True)
    index = index.reshape(labels.shape)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f"class_weight is {class_weight!r}; expected 'balanced' or a dict {{label: weight}}")
        counts = np.bincount(index.ravel(), minlength=len(known))
        return np.asarray((labels.size / (len(known) * counts))[index])
    if not isinstance(class_weight, dict):
        raise TypeError(
            f"class_weight is a {type(class_weight).__name__}; expected 'balanced' or a dict {{label: weight}}"
        )
    names = list(classes) if classes is not None else None
    width = shapes[0][-1] if losses[0] == "cross_entropy" else 2
    table = np.ones(len(known))
    for label, weight in class_weight.items():
        code = names.index(label) if names is not None and label in names else label
        if isinstance(code, str) or not (losses[0] == "hinge" or 0 <= code < (width or 1)):
            raise ValueError(f"class_weight has the label {label!r}; the labels are 0 to {(width or 1) - 1}")
        table[known == code] = number(f"class_weight[{label!r}]", weight, 0)
    return np.asarray(table[index])


def check_weights(weight: Any, rows: int, shapes: Sequence[Shape]) -> np.ndarray | None:
    """sample_weight as float64 of the shape (n,) or (n, time).

    Raises
    ------
    ValueError
        For a wrong shape, and for negative, non-finite or all-zero weights.
    """
    if weight is None:
        return None
    array = np.ascontiguousarray(as_array(weight, "sample_weight"), dtype=np.float64)
    if array.shape == (rows, 1) and not (len(shapes[0]) > 1 and shapes[0][0] == 1):
        array = array.reshape(rows)
    if array.ndim not in (1, 2) or len(array) != rows:
        raise ValueError(f"sample_weight has the shape {array.shape}; expected ({rows},), a weight for each row of X")
    if array.ndim == 2 and not any(len(s) > 1 and s[0] in (None, array.shape[1]) for s in shapes):
        raise ValueError(
            f"sample_weight has the shape {array.shape}; the outputs have no axis of {array.shape[1]} steps: expected ({rows},)"
        )
    _check_values(array)
    return array


def _check_values(array: np.ndarray) -> None:
    wrong = ~(np.isfinite(array) & (array >= 0))
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        raise ValueError(
            f"sample_weight has {array[wrong].flat[0]:g} in row {row}; weights must be finite and not negative"
        )
    if array.size and not array.any():
        raise ValueError("sample_weight is zero everywhere; at least one row must count")


def combined(sample: np.ndarray | None, by_class: np.ndarray | None) -> np.ndarray | None:
    """sample_weight x class_weight, scaled to mean 1."""
    if sample is None and by_class is None:
        return None
    if sample is not None and by_class is not None and sample.ndim != by_class.ndim:
        sample, by_class = (s.reshape(s.shape + (1,) * (2 - s.ndim)) for s in (sample, by_class))
    product = (sample if sample is not None else 1.0) * (by_class if by_class is not None else 1.0)
    return scaled(np.asarray(product))


def scaled(weights: np.ndarray) -> np.ndarray:
    """Scaled to mean 1.

    Raises
    ------
    ValueError
        For negative, non-finite or all-zero weights.
    """
    _check_values(weights)
    if not weights.size:
        return weights
    # Brought near 1 first, by a power of two, which rounds nothing: so no sum of large ones, or share of small ones, overflows.
    near = np.ldexp(weights, -np.frexp(weights.max())[1])
    return np.ascontiguousarray(near * (near.size / near.sum()))
