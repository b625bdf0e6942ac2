"""Activations: forward and derivative, PyTorch's definitions, constants and choices at kinks.

`ACTIVATIONS[name]` is an `Activation(forward, derivative, constants)`; `derivative` is d(output)/dz element by element,
and None for softmax, whose Jacobian is not diagonal: use `backward(name, z, dy)`, which serves all of them.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

SQRT_HALF = math.sqrt(0.5)
SELU_ALPHA = 1.6732632423543772848170429916717  # Klambauer et al. 2017; torch.nn.SELU
SELU_SCALE = 1.0507009873554804934193349852946
GELU_CUBIC = 0.044715  # Hendrycks & Gimpel 2016
GELU_SCALE = math.sqrt(2 / math.pi)

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


class Activation(NamedTuple):
    forward: Callable
    derivative: Callable | None
    constants: dict


def linear(z):
    return z.copy()


def linear_derivative(z):
    return np.ones_like(z)


def sigmoid(z):
    """1 / (1 + e^-z), without overflow: e^-|z| is at most 1."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_derivative(z):
    """s (1 - s), with 1 - s(z) = s(-z), which does not cancel."""
    return sigmoid(z) * sigmoid(-z)


def tanh(z):
    return np.tanh(z)


def tanh_derivative(z):
    """1 - tanh^2 = 1 / cosh^2 = 4 s(2z) s(-2z), which does not cancel."""
    return 4 * sigmoid_derivative(2 * z)


def relu(z):
    return np.maximum(z, 0.0)


def relu_derivative(z):
    """0 at 0, as in PyTorch."""
    return np.where(z > 0, 1.0, 0.0)


def leaky_relu(z, negative_slope=0.01):
    return np.where(z > 0, z, negative_slope * z)


def leaky_relu_derivative(z, negative_slope=0.01):
    return np.where(z > 0, 1.0, negative_slope)


def elu(z, alpha=1.0):
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_derivative(z, alpha=1.0):
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))


def selu(z):
    return SELU_SCALE * elu(z, SELU_ALPHA)


def selu_derivative(z):
    return SELU_SCALE * elu_derivative(z, SELU_ALPHA)


def normal_cdf(z):
    """Phi(z) = erfc(-z / sqrt 2) / 2."""
    return 0.5 * _erfc(-z * SQRT_HALF)


def gelu(z):
    """z Phi(z)."""
    return z * normal_cdf(z)


def gelu_derivative(z):
    """Phi(z) + z phi(z)."""
    return normal_cdf(z) + z * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def gelu_tanh(z):
    """z/2 (1 + tanh u), u = sqrt(2/pi) (z + 0.044715 z^3)."""
    return 0.5 * z * (1 + np.tanh(GELU_SCALE * (z + GELU_CUBIC * z**3)))


def gelu_tanh_derivative(z):
    """(1 + tanh u) / 2 + z/2 (1 - tanh^2 u) u'."""
    u = GELU_SCALE * (z + GELU_CUBIC * z**3)
    du = GELU_SCALE * (1 + 3 * GELU_CUBIC * z**2)
    return 0.5 * (1 + np.tanh(u)) + 0.5 * z * tanh_derivative(u) * du


def silu(z):
    return z * sigmoid(z)


def silu_derivative(z):
    """s + z s (1 - s)."""
    return sigmoid(z) + z * sigmoid_derivative(z)


def softplus(z, beta=1.0, threshold=20.0):
    """log(1 + e^(beta z)) / beta; z itself where beta z > threshold, as in torch.nn.Softplus."""
    small = np.minimum(beta * z, threshold)
    return np.where(beta * z > threshold, z, np.log1p(np.exp(small)) / beta)


def softplus_derivative(z, beta=1.0, threshold=20.0):
    return np.where(beta * z > threshold, 1.0, sigmoid(beta * z))


def class_axis(z) -> int:
    """Features: axis 1 of images (n, channels, height, width), else the last axis."""
    return 1 if np.ndim(z) == 4 else -1


def log_softmax(z):
    """z - log sum e^z, shifted by the largest z."""
    axis = class_axis(z)
    shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def softmax(z):
    """e^z / sum e^z, shifted by the largest z."""
    axis = class_axis(z)
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_backward(z, dy):
    """J^T dy with J = diag(p) - p p^T: p (dy - <p, dy>)."""
    p = softmax(z)
    return p * (dy - (p * dy).sum(axis=class_axis(z), keepdims=True))


def hard_sigmoid(z):
    """clip(z/6 + 1/2, 0, 1)."""
    return np.clip((z + 3) / 6, 0, 1)


def hard_sigmoid_derivative(z):
    return np.where((z > -3) & (z < 3), 1 / 6, 0.0)


def hard_swish(z):
    return z * hard_sigmoid(z)


def hard_swish_derivative(z):
    """0 up to -3, z/3 + 1/2 between, 1 from 3."""
    return np.where(z <= -3, 0.0, np.where(z < 3, z / 3 + 0.5, 1.0))


ACTIVATIONS = {
    "linear": Activation(linear, linear_derivative, {}),
    "sigmoid": Activation(sigmoid, sigmoid_derivative, {}),
    "tanh": Activation(tanh, tanh_derivative, {}),
    "relu": Activation(relu, relu_derivative, {}),
    "leaky_relu": Activation(leaky_relu, leaky_relu_derivative, {"negative_slope": 0.01}),
    "elu": Activation(elu, elu_derivative, {"alpha": 1.0}),
    "selu": Activation(selu, selu_derivative, {}),
    "gelu": Activation(gelu, gelu_derivative, {}),
    "gelu_tanh": Activation(gelu_tanh, gelu_tanh_derivative, {}),
    "silu": Activation(silu, silu_derivative, {}),
    "softplus": Activation(softplus, softplus_derivative, {"beta": 1.0, "threshold": 20.0}),
    "softmax": Activation(softmax, None, {}),
    "hard_sigmoid": Activation(hard_sigmoid, hard_sigmoid_derivative, {}),
    "hard_swish": Activation(hard_swish, hard_swish_derivative, {}),
}
ALIASES = {"swish": "silu", "logistic": "sigmoid", "identity": "linear"}
KINKS = {  # where the derivative (softplus: the value, by 2e-9) jumps
    "relu": (0,),
    "leaky_relu": (0,),
    "selu": (0,),
    "softplus": (20,),
    "hard_sigmoid": (-3, 3),
    "hard_swish": (-3, 3),
}


def forward(name: str, z, **constants):
    """The activation's output at z."""
    return ACTIVATIONS[ALIASES.get(name, name)].forward(np.asarray(z, np.float64), **constants)


def backward(name: str, z, dy, **constants):
    """dL/dz from dL/dy."""
    name, z = ALIASES.get(name, name), np.asarray(z, np.float64)
    if name == "softmax":
        return softmax_backward(z, dy)
    return dy * ACTIVATIONS[name].derivative(z, **constants)
