"""Small neural networks at C speed.

>>> import cnn
>>> net = cnn.Network([2, 8, 1], output="sigmoid", seed=0)

`Network`, `Neuron`, the layers, `load`; `losses optimizers schedules metrics callbacks data datasets plots cpu`; threads:
`set_num_threads`, `get_num_threads`, ``with threads(n):``. Other C-backed projects: `get_include`, `get_library`.
"""

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._core import BusyError, ModelFileError, environment_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from . import callbacks, cpu, data, datasets, losses, metrics, optimizers, plots, schedules
    from .callbacks import Callback, Checkpoint, CSVLogger, EarlyStopping, ReduceLROnPlateau
    from .history import History
    from .io.native import load
    from .layers import (
        Activation,
        Add,
        AvgPool1D,
        AvgPool2D,
        BatchNorm,
        Concat,
        Conv1D,
        Conv2D,
        ConvTranspose2D,
        Dense,
        Dropout,
        Flatten,
        Function,
        GaussianNoise,
        GlobalAvgPool1D,
        GlobalAvgPool2D,
        GlobalMaxPool1D,
        GlobalMaxPool2D,
        GroupNorm,
        Input,
        Layer,
        LayerNorm,
        MaxPool1D,
        MaxPool2D,
        Multiply,
        Normalize,
        OneHot,
        Pad,
        PReLU,
        Rescale,
        Reshape,
        Upsample2D,
    )
    from .network import Network
    from .neuron import Neuron
    from .optimizers import LBFGS, SGD, Adagrad, Adam, AdamW, RMSprop, Rprop
    from .progress import Progress

    __version__: str

# Where each public name is; a module is imported when a name of it is first used, so that `import cnn` costs little.
_MODULES = ("callbacks", "cpu", "data", "datasets", "losses", "metrics", "optimizers", "plots", "schedules")
_LAYERS = """
Activation Add AvgPool1D AvgPool2D BatchNorm Concat Conv1D Conv2D ConvTranspose2D Dense Dropout Flatten Function GaussianNoise
GlobalAvgPool1D GlobalAvgPool2D GlobalMaxPool1D GlobalMaxPool2D GroupNorm Input Layer LayerNorm MaxPool1D MaxPool2D Multiply Normalize
OneHot PReLU Pad Rescale Reshape Upsample2D
"""
_PLACES = {
    "Network": "network",
    "Neuron": "neuron",
    "History": "history",
    "load": "io.native",
    "Progress": "progress",
    **dict.fromkeys(_LAYERS.split(), "layers"),
    **dict.fromkeys(["LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "RMSprop", "Rprop"], "optimizers"),
    **dict.fromkeys(["CSVLogger", "Callback", "Checkpoint", "EarlyStopping", "ReduceLROnPlateau"], "callbacks"),
}

__all__ = [
    "LBFGS",
    "SGD",
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "Add",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNorm",
    "BusyError",
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "Concat",
    "Conv1D",
    "Conv2D",
    "ConvTranspose2D",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Flatten",
    "Function",
    "GaussianNoise",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GroupNorm",
    "History",
    "Input",
    "Layer",
    "LayerNorm",
    "MaxPool1D",
    "MaxPool2D",
    "ModelFileError",
    "Multiply",
    "Network",
    "Neuron",
    "Normalize",
    "OneHot",
    "PReLU",
    "Pad",
    "Progress",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rescale",
    "Reshape",
    "Rprop",
    "Upsample2D",
    "callbacks",
    "cpu",
    "data",
    "datasets",
    "get_include",
    "get_library",
    "get_num_threads",
    "load",
    "losses",
    "metrics",
    "optimizers",
    "plots",
    "schedules",
    "set_num_threads",
    "threads",
]


for _sentence in environment_errors():  # of CNN_ISA and CNN_NUM_THREADS; without them it goes on
    warnings.warn(_sentence, RuntimeWarning, stacklevel=2)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"cnn.{name}")
    if name in _PLACES:
        value = getattr(import_module(f"cnn.{_PLACES[name]}"), name)
    elif name == "__version__":
        value = _version()
    else:
        from .names import missing

        raise AttributeError(missing(name, __all__), name=name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def _version() -> str:
    """pyproject.toml's, as it was installed; of a source tree that is not installed, the engine's."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cnn")
    except PackageNotFoundError:
        from ._core import version as engine

        return ".".join(map(str, engine()))


def set_num_threads(n: int) -> None:
    """How many threads training and prediction may use, for the whole process. Results do not depend on it.

    These are at most: small work stays on one thread, and training goes on with one for as long as that measures faster, as where other
    processes keep the processors busy.

    Parameters
    ----------
    n : int
        From 1 to 256.
    """
    from . import _core
    from .checks import whole

    _core.pool_set_threads(whole("n", n))


def get_num_threads() -> int:
    """How many threads are used at most: at first as many as the process has processors, or ``CNN_NUM_THREADS``."""
    from . import _core

    return int(_core.pool_threads())


@contextmanager
def threads(n: int) -> "Iterator[None]":
    """``with cnn.threads(1): ...``: another number of threads for a while."""
    before = get_num_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)


def get_include() -> str:
    """The folder of ``cnn/cnn.h``, for the compiler's -I."""
    from pathlib import Path

    return str(Path(__file__).resolve().parent / "include")


def get_library() -> str:
    """The static library ``libcnn.a`` (``cnn.lib`` on Windows), for the linker.

    Raises
    ------
    FileNotFoundError
        When this installation has none.
    """
    from pathlib import Path

    folder = Path(__file__).resolve().parent / "lib"
    for name in ("libcnn.a", "cnn.lib"):
        if (folder / name).exists():
            return str(folder / name)
    raise FileNotFoundError(f"there is no libcnn in {str(folder)!r}; build it with make -C csrc")
