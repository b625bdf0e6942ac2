"""What to say when a name is not known: the nearest of ours, or our spelling of another library's word."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

# Other libraries' words (Keras, PyTorch, scikit-learn) and what to write here.
VALUES: dict[str, str] = {
    "sparse_categorical_crossentropy": 'loss="cross_entropy" (it takes class indices and one-hot rows)',
    "categorical_crossentropy": 'loss="cross_entropy" (it takes class indices and one-hot rows)',
    "crossentropy": 'loss="cross_entropy"',
    "crossentropyloss": 'loss="cross_entropy"',
    "nll_loss": 'loss="cross_entropy"',
    "nllloss": 'loss="cross_entropy"',
    "log_loss": 'loss="cross_entropy" or "binary_cross_entropy"',
    "binary_crossentropy": 'loss="binary_cross_entropy"',
    "bce": 'loss="binary_cross_entropy"',
    "bceloss": 'loss="binary_cross_entropy"',
    "bcewithlogitsloss": 'loss="binary_cross_entropy" (it works on the logits by itself)',
    "mean_squared_error": '"mse"',
    "squared_error": '"mse"',
    "mseloss": '"mse"',
    "mean_absolute_error": '"mae"',
    "absolute_error": '"mae"',
    "l1loss": '"mae"',
    "l1_loss": '"mae"',
    "huberloss": '"huber", or losses.Huber(delta)',
    "smoothl1loss": '"huber", or losses.Huber(delta)',
    "pinball": '"quantile", or losses.Quantile(q)',
    "poissonnllloss": '"poisson"',
    "hinge_loss": '"hinge"',
    "categorical_accuracy": '"accuracy"',
    "sparse_categorical_accuracy": '"accuracy"',
    "binary_accuracy": '"accuracy"',
    "roc_auc": '"auc"',
    "roc_auc_score": '"auc"',
    "r2_score": '"r2"',
    "f1_score": '"f1"',
    "top_k_categorical_accuracy": '"top_k_accuracy"',
    "leakyrelu": '"leaky_relu"',
    "hardsigmoid": '"hard_sigmoid"',
    "hardswish": '"hard_swish"',
    "log_softmax": '"softmax" (cross_entropy works on the logits by itself)',
    "kaiming_uniform": '"he_uniform"',
    "kaiming_normal": '"he_normal"',
    "xavier_uniform": '"glorot_uniform"',
    "xavier_normal": '"glorot_normal"',
    "random_normal": '"normal"',
    "lecun_uniform": '"lecun_normal"',
    "nadam": '"adam"',
    "adamax": '"adam"',
    "l-bfgs": '"lbfgs"',
    "l_bfgs": '"lbfgs"',
    "sequential": "cnn.Network([...])",
    "model": "cnn.Network(inputs=..., outputs=...)",
}
ARGUMENTS: dict[str, str] = {
    "learning_rate": "lr",
    "learning_rate_init": "lr of the optimizer, as in optimizer=cnn.Adam(lr=0.001)",
    "alpha": "l2 of the layers, or weight_decay of the optimizer",
    "hidden_layer_sizes": "the sizes, as in cnn.Network([4, 100, 3])",
    "n_epochs": "epochs",
    "nb_epoch": "epochs",
    "num_epochs": "epochs",
    "max_iter": "epochs",
    "n_iter": "epochs",
    "batchsize": "batch_size",
    "units": "the sizes, or cnn.Dense(units)",
    "out_features": "units",
    "output_dim": "units",
    "use_bias": "bias",
    "kernel_initializer": "init",
    "weight_init": "init",
    "bias_initializer": "bias_init",
    "kernel_regularizer": "l2 (a number)",
    "kernel_constraint": "max_norm (a number)",
    "p": "rate",
    "stddev": "std",
    "random_state": "seed",
    "activation_fn": "activation",
    "criterion": "loss",
    "beta_1": "betas, as in betas=(0.9, 0.999)",
    "beta_2": "betas, as in betas=(0.9, 0.999)",
    "beta1": "betas, as in betas=(0.9, 0.999)",
    "beta2": "betas, as in betas=(0.9, 0.999)",
    "epsilon": "eps",
    "rho": "alpha",
    "decay": "weight_decay, or a schedule as lr",
    "clipnorm": "clip_norm",
    "global_clipnorm": "clip_norm",
    "clipvalue": "clip_value",
    "val_data": "validation_data",
    "validation_fraction": "validation_split",
    "eval_set": "validation_data",
    "sample_weights": "sample_weight",
    "class_weights": "class_weight",
    "early_stopping": "callbacks=[cnn.EarlyStopping()]",
    "inputs_shape": "input_shape",
    "min_lr": "lowest",
    "filepath": "path",
}


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
        raise TypeError(f"{what} is {given!r}; expected one of {', '.join(names)}")
    name = given.lower()
    name = (aliases or {}).get(name, name)
    if name in names:
        return name
    raise ValueError(unknown(what, given, [*names, *(aliases or {})]))


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """The sentence for a name that is not known."""
    names = list(known)
    if given.lower() in VALUES:
        return f"{what} {given!r} is not a name of cnn: write {VALUES[given.lower()]}"
    near = _nearest(given, names)
    listed = ", ".join(names)
    hint = f"did you mean {near}?" if near else f"known: {listed if len(listed) < 200 else listed[:160] + ', ...'}"
    return f"{what} {given!r} is not known; {hint}"


def _nearest(given: str, names: list[str]) -> str:
    from difflib import get_close_matches

    lower = {name.lower(): name for name in names}
    return " or ".join(repr(lower[match]) for match in get_close_matches(given.lower(), lower, 3, 0.6))


def keyword_sentence(function: str, given: str, allowed: Iterable[str]) -> str:
    """The sentence for a keyword argument that a function does not have."""
    names = [name for name in allowed if name != "self"]
    if given == "device":
        return f"{function} has no device=: cnn computes on the CPU (there are no GPUs in version 1)"
    if given in ARGUMENTS and given not in names:
        return f"{function} has no argument {given!r}: write {ARGUMENTS[given]}"
    near = _nearest(given, names)
    return f"{function} has no argument {given!r}; " + (
        f"did you mean {near}?" if near else f"it takes {', '.join(names)}"
    )


def explained(function: _F, title: str | None = None) -> _F:
    """`function`, whose TypeError for an unknown keyword says what to write. Costs nothing when the call is right."""
    from functools import wraps

    code = function.__code__
    allowed = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            for name in kwargs:
                if name not in allowed:
                    message = keyword_sentence(title or function.__qualname__, name, allowed)
                    raise TypeError(message) from None
            raise

    return call  # type: ignore[return-value]


class Spelled:
    """A class whose constructors explain unknown keywords."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__ and cls.__init__.__code__.co_flags & 0x08 == 0:  # not one with **keywords
            cls.__init__ = explained(cls.__init__, cls.__name__)  # type: ignore[method-assign]
