"""Layers that normalize: by channel over the batch, or within each sample."""

from typing import Any, ClassVar

import numpy as np

from .attributes import Settings
from .checks import number, whole
from .layer import Layer

__all__ = ["BatchNorm", "GroupNorm", "LayerNorm"]


def _momentum(value: Any) -> float:
    momentum = number("momentum", value, 0)
    if momentum > 1:
        raise ValueError(f"momentum is {value!r}; it must be 0 to 1: the share of the batch in the running statistics")
    return momentum


def _eps(value: Any) -> float:
    return number("eps", value, 0, above=True)


class BatchNorm(Layer):
    """``y = (x - mean) / sqrt(var + eps) * weight + bias`` by channel, axis 1 (Ioffe & Szegedy 2015).

    For (n, features), (n, channels, length) and (n, channels, height, width). In training mean and (biased) variance are those of the
    batch, over rows and positions, and each step moves the running ones: ``(1 - momentum) * old + momentum * new``, the new variance
    unbiased. In prediction they are the running ones; with ``trainable=False`` they are so in training too, and stay as they are.
    A step that is dropped leaves them, and so does ``net.forward(X, training=True)`` until `Network.backward` and `Network.step` follow:
    the step takes what all backward passes before it make of them, in order. LBFGS moves them once a step, by the weights before it.

    Parameters
    ----------
    momentum : float in [0, 1], default 0.1
        The share of the batch in the running statistics (1 less Keras's momentum).
    eps : float, default 1e-5
    name : str, optional
    trainable : bool, default True

    Raises
    ------
    ValueError
        In training, for a batch of one row with one position: it has no variance. From the network, where the number of channels is open.

    Notes
    -----
    Parameters `weight` (channels,), ones at first, and `bias` (channels,), zeros; buffers `running_mean` (channels,), zeros, and
    `running_var` (channels,), ones. All are of the network's dtype.
    """

    op = "batch_norm"
    _settings: ClassVar[Settings] = {"momentum": _momentum, "eps": _eps}

    def __init__(
        self, momentum: float = 0.1, eps: float = 1e-5, *, name: str | None = None, trainable: bool = True
    ) -> None:
        self.momentum, self.eps = momentum, eps
        self._common(name, trainable)

    @property
    def running_mean(self) -> np.ndarray:
        """A writable view (channels,)."""
        return self._parameter("running_mean")

    @property
    def running_var(self) -> np.ndarray:
        """A writable view (channels,)."""
        return self._parameter("running_var")

    def _attributes(self) -> dict[str, Any]:
        return _changed(self, momentum=0.1, eps=1e-5)

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "BatchNorm":
        return cls(attributes.get("momentum", 0.1), attributes.get("eps", 1e-5))

    _config = _attributes


class LayerNorm(Layer):
    """``y = (x - mean) / sqrt(var + eps) * weight + bias``, mean and (biased) variance of each sample (Ba, Kiros & Hinton 2016).

    Over the last axis, of (n, features) and of each step of (n, time, features); over all of (channels, height, width), of images. These
    are PyTorch's ``LayerNorm(features)`` and ``LayerNorm((channels, height, width))``. ``GroupNorm(1)`` normalizes an image by the same
    mean and variance, with a weight a channel, whatever the image's size.

    Parameters
    ----------
    eps : float, default 1e-5
    name : str, optional
    trainable : bool, default True

    Raises
    ------
    ValueError
        From the network, where a size that is normalized over is open, or there is but one number.

    Notes
    -----
    Parameters `weight`, ones at first, and `bias`, zeros: (features,), or (channels, height, width) of images; of the network's dtype.
    """

    op = "layer_norm"
    _settings: ClassVar[Settings] = {"eps": _eps}

    def __init__(self, eps: float = 1e-5, *, name: str | None = None, trainable: bool = True) -> None:
        self.eps = eps
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return _changed(self, eps=1e-5)

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "LayerNorm":
        return cls(attributes.get("eps", 1e-5))

    _config = _attributes


class GroupNorm(Layer):
    """``y = (x - mean) / sqrt(var + eps) * weight + bias``, by each sample's groups of channels, axis 1 (Wu & He 2018).

    For (n, channels), (n, channels, length) and (n, channels, height, width): mean and (biased) variance of `groups` equal runs of
    neighbouring channels, over all positions.

    Parameters
    ----------
    groups : int
        It divides the channels. 1 is a layer norm with a weight a channel; as many as channels are instance norm.
    eps : float, default 1e-5
    name : str, optional
    trainable : bool, default True

    Raises
    ------
    ValueError
        From the network, where groups does not divide the channels, or each group is one number.

    Notes
    -----
    Parameters `weight` (channels,), ones at first, and `bias` (channels,), zeros; of the network's dtype.
    """

    op = "group_norm"
    _settings: ClassVar[Settings] = {"groups": lambda v: whole("groups", v), "eps": _eps}

    def __init__(self, groups: int, eps: float = 1e-5, *, name: str | None = None, trainable: bool = True) -> None:
        self.groups, self.eps = groups, eps
        self._common(name, trainable)

    def _attributes(self) -> dict[str, Any]:
        return {"groups": self.groups, **_changed(self, eps=1e-5)}

    @classmethod
    def _from_attributes(cls, attributes: dict[str, Any]) -> "GroupNorm":
        return cls(attributes["groups"], attributes.get("eps", 1e-5))

    _config = _attributes


def _changed(layer: Layer, **defaults: float) -> dict[str, Any]:
    """The settings that are not the defaults."""
    return {name: getattr(layer, name) for name, value in defaults.items() if getattr(layer, name) != value}
