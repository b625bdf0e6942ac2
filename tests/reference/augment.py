"""Augmentation of images, from the definition: where each pixel of the result is looked for, in float64.

A row's draws are the first uniform numbers of its Philox stream: flip across, flip down, shift down and across, crop down and across,
angle, scale. Normal noise is by Box and Muller (1958) on pairs of uniform numbers.
"""

import numpy as np

from .random import philox4x64, uniform

PURPOSE = 5  # of the key's second word: augmentation


def uniforms(n, seed, node, epoch, step, row):
    """The first n numbers of a row's stream."""
    key = (seed, PURPOSE << 32 | node)
    words = [w for block in range((n + 3) // 4) for w in philox4x64((block, row, step, epoch), key)]
    return uniform(np.array(words[:n], np.uint64))


def normals(n, *place):
    u = uniforms(n + n % 2, *place)
    radius, angle = np.sqrt(-2 * np.log(1 - u[0::2])), 2 * np.pi * u[1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:n]


def draws(spec, seed, epoch, step, row):
    """What happens to a row: a dict of flips, whole pixels, parts of pixels, angle and factor."""
    u = uniforms(8, seed, 0, epoch, step, row)
    by, part = np.zeros(2, int), np.zeros(2)
    for axis in range(2):
        if spec["fractional"]:
            part[axis] = (2 * u[2 + axis] - 1) * spec["shift"][axis]
        else:
            most = int(spec["shift"][axis])
            by[axis] += int(np.floor(u[2 + axis] * (2 * most + 1))) - most
        most = spec["crop"][axis]
        by[axis] += int(np.floor(u[4 + axis] * (2 * most + 1))) - most
    low, high = spec["scale"]
    return {
        "flip_across": bool(spec["flip_horizontal"]) and u[0] < 0.5,
        "flip_down": bool(spec["flip_vertical"]) and u[1] < 0.5,
        "by": by,
        "part": part,
        "angle": np.radians((2 * u[6] - 1) * spec["rotate"]),
        "factor": low + u[7] * (high - low) if high else 1.0,
    }


def beyond(image, rows, columns, spec):
    """Pixels of (channels, height, width) at any whole places, also those beyond the border."""
    _, h, w = image.shape
    r, k = np.broadcast_arrays(rows, columns)
    if spec["fill"] == "edge":
        return image[:, np.clip(r, 0, h - 1), np.clip(k, 0, w - 1)]
    if spec["fill"] == "reflect":
        down = np.abs((r + h - 1) % max(2 * h - 2, 1) - (h - 1)) if h > 1 else 0 * r
        across = np.abs((k + w - 1) % max(2 * w - 2, 1) - (w - 1)) if w > 1 else 0 * k
        return image[:, down, across]
    inside = (r >= 0) & (r < h) & (k >= 0) & (k < w)
    return np.where(inside, image[:, np.clip(r, 0, h - 1), np.clip(k, 0, w - 1)], spec["fill_value"])


def augment(X, spec, seed=0, epoch=0, step=0, first_row=0, input=0):
    """(n, channels, height, width) as float64."""
    X = np.asarray(X, np.float64)
    n, c, h, w = X.shape
    out = np.empty_like(X)
    y, x = np.mgrid[:h, :w]
    between = spec["rotate"] > 0 or spec["scale"][1] > 0 or (spec["fractional"] and any(spec["shift"]))
    for i in range(n):
        row = first_row + i
        d = draws(spec, seed, epoch, step, row)
        image = X[i]
        if d["flip_down"]:
            image = image[:, ::-1]
        if d["flip_across"]:
            image = image[:, :, ::-1]
        if between:
            out[i] = turned(image, d, spec)
        else:
            out[i] = beyond(image, y - d["by"][0], x - d["by"][1], spec)
        if spec["noise"]:
            out[i] += spec["noise"] * normals(c * h * w, seed, 1 + input, epoch, step, row).reshape(c, h, w)
    return out


def turned(image, d, spec):
    """The inverse of: counterclockwise by angle and larger by factor about the centre, then moved; bilinear."""
    _, h, w = image.shape
    y, x = np.mgrid[:h, :w]
    middle = np.array([h - 1, w - 1]) / 2
    v, u = y - middle[0] - d["by"][0] - d["part"][0], x - middle[1] - d["by"][1] - d["part"][1]
    cos, sin = np.cos(d["angle"]) / d["factor"], np.sin(d["angle"]) / d["factor"]
    down, across = middle[0] + sin * u + cos * v, middle[1] + cos * u - sin * v
    r, k = np.floor(down).astype(int), np.floor(across).astype(int)
    a, b = down - r, across - k
    top = (1 - b) * beyond(image, r, k, spec) + b * beyond(image, r, k + 1, spec)
    bottom = (1 - b) * beyond(image, r + 1, k, spec) + b * beyond(image, r + 1, k + 1, spec)
    return (1 - a) * top + a * bottom
