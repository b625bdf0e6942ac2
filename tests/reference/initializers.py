"""Initial weights: fans and the distribution each name promises (torch.nn.init; normals are not truncated)."""

import math

import numpy as np


def fans(shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (out, in, *kernel): torch.nn.init._calculate_fan_in_and_fan_out."""
    receptive = math.prod(shape[2:])
    return shape[1] * receptive, shape[0] * receptive


def normal_std(name: str, shape) -> float | None:
    """The standard deviation of a normal initializer, None for the others."""
    fan_in, fan_out = fans(shape)
    return {
        "normal": 1.0,
        "glorot_normal": math.sqrt(2 / (fan_in + fan_out)),  # Glorot & Bengio 2010
        "he_normal": math.sqrt(2 / fan_in),  # He et al. 2015
        "lecun_normal": math.sqrt(1 / fan_in),  # LeCun et al. 1998
    }.get(name)


def uniform_bound(name: str, shape) -> float | None:
    """b of a uniform initializer on [-b, b), None for the others."""
    fan_in, fan_out = fans(shape)
    return {"glorot_uniform": math.sqrt(6 / (fan_in + fan_out)), "he_uniform": math.sqrt(6 / fan_in)}.get(name)


def expected_std(name: str, shape) -> float:
    """The standard deviation of one weight; uniform: b / sqrt 3; orthogonal (rows, columns): 1 / sqrt(max)."""
    if name == "zeros":
        return 0.0
    if name == "orthogonal":
        return 1 / math.sqrt(max(shape[0], math.prod(shape[1:])))
    bound = uniform_bound(name, shape)
    return bound / math.sqrt(3) if bound is not None else normal_std(name, shape)


def is_orthogonal(weight, tolerance=1e-6) -> bool:
    """The shorter side of the weight, as a matrix (out, everything else), is orthonormal."""
    w = np.asarray(weight, np.float64).reshape(len(weight), -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    return bool(np.abs(gram - np.eye(len(gram))).max() <= tolerance)


INITIALIZERS = (
    "normal",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_normal",
    "orthogonal",
    "zeros",
)
