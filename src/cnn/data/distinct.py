"""The different texts of a column and which of them each row has: words of 8 bytes are compared, not strings."""

from collections.abc import Sequence

import numpy as np

_SAMPLE = 512
_MANY = 256  # different texts; beyond it there is nothing to gain
_LONGEST = 64  # bytes of a text
_PAD = _LONGEST


def of_texts(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """(the different texts, the place of each row's among them)."""
    places = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    return list(places), np.fromiter(map(places.__getitem__, texts), np.int64, len(texts))


def words_of(block: bytes) -> np.ndarray:
    """For `of_fields`: the 8 bytes from each place on."""
    padded = b"\0" * _PAD + block
    return np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))


def of_fields(words: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """(a row for each of the different fields, the place of each row's among them); None for many or long ones.

    Parameters
    ----------
    words : ndarray
        `words_of` the bytes, none of which is 0.
    starts, ends : ndarray of int64
        Of at least one field.
    """
    lengths = ends - starts
    longest = int(lengths.max())
    if longest > _LONGEST:
        return None
    found = _places(_last_bytes(words, ends, np.minimum(lengths, 8)))
    for behind in range(8, longest, 8):
        if found is None:
            return None
        more = _places(_last_bytes(words, ends - behind, np.clip(lengths - behind, 0, 8)))
        if more is None:
            return None
        found = _places((found[1] * more[0] + more[1]).astype(np.uint64))
    if found is None:
        return None
    count, places = found
    rows = np.empty(count, np.int64)
    rows[places] = np.arange(len(places))
    return rows, places


def _last_bytes(words: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    w = words[ends + (_PAD - 8)]
    half = ((8 - lengths) << 2).astype(np.uint64)  # in two steps, as a shift by 64 is none
    w >>= half
    w >>= half
    w <<= half
    w <<= half
    return w


def _places(keys: np.ndarray) -> tuple[int, np.ndarray] | None:
    """(how many different keys, the place of each); None for many."""
    known = np.unique(keys[:_SAMPLE])
    if len(known) > _MANY:
        return None
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    missing = known[places] != keys
    if missing.any():
        known = np.union1d(known, keys[missing])
        if len(known) > _MANY:
            return None
        places = np.searchsorted(known, keys)
    return len(known), places
