"""Decimal numbers in bytes, many at a time: the values that `float` gives, in a tenth of its time.

A field is sign, whole part, point, fraction. Eight digits at a time are one 64-bit word, which three multiplications turn into their
value. At most 15 digits in all fit a float64 exactly, and so does the power of ten they are divided by: the quotient is rounded once,
as `float` does. Whatever is longer, or has an exponent, or is no number, is left to the caller.
"""

import numpy as np

_PAD = 16  # so that the 16 bytes that end with any field are there
_ZEROS = np.uint64(0x3030303030303030)
_OVER = np.uint64(0x7676767676767676)  # takes a byte above 9 to 128 or more
_HIGH = np.uint64(0x8080808080808080)
_POWERS = 10.0 ** np.arange(16)
_INT_POWERS = 10 ** np.arange(16, dtype=np.uint64)
_STEPS = (
    (np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(2561), np.uint64(8)),
    (np.uint64(0x00FF00FF00FF00FF), np.uint64(6553601), np.uint64(16)),
    (np.uint64(0x0000FFFF0000FFFF), np.uint64(42949672960001), np.uint64(32)),
)


def parse(block: bytes, starts: np.ndarray, ends: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers that fields are.

    Parameters
    ----------
    block : bytes
    starts, ends : ndarray of int64
        Where each field begins, and where the next byte is.
    points : ndarray of int64
        Where its decimal point is; `ends` without one, -1 for a field that is no number anyway.

    Returns
    -------
    values : ndarray of float64
        NaN for an empty field.
    known : ndarray of bool
        Where `values` holds; elsewhere the field must be read in another way.
    """
    padded = b"0" * _PAD + block + b"0"
    words = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
    sign = np.frombuffer(padded, np.uint8)[starts + _PAD]
    negative = sign == ord("-")
    whole = points - starts - (negative | (sign == ord("+")))
    fraction = np.maximum(ends - points - 1, 0)
    digits = whole + fraction
    known = (points >= 0) & (whole >= 0) & (digits > 0) & (digits <= 15)
    np.clip(whole, 0, 15, out=whole)
    np.clip(fraction, 0, 15, out=fraction)
    total = _part(words, points, whole, known)
    if fraction.any():
        total *= _INT_POWERS[fraction]
        total += _part(words, ends, fraction, known)
        values = total.astype(np.float64)
        values /= _POWERS[fraction]
    else:
        values = total.astype(np.float64)
    np.negative(values, out=values, where=negative)
    empty = ends == starts
    if empty.any():
        values[empty] = np.nan
        known |= empty
    return values, known


def _part(words: np.ndarray, ends: np.ndarray, digits: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The value of up to 16 digits that end at `ends`; `known` becomes False where there are other bytes."""
    low = _eight(words, ends, np.minimum(digits, 8), known)
    if digits.size and digits.max() > 8:
        low += _eight(words, ends - 8, np.maximum(digits - 8, 0), known) * np.uint64(10**8)
    return low


def _eight(words: np.ndarray, ends: np.ndarray, digits: np.ndarray, known: np.ndarray) -> np.ndarray:
    w = words[np.maximum(ends + (_PAD - 8), 0)]
    w ^= _ZEROS
    # The bytes before the field go; in two steps, as a shift by 64 is none.
    half = ((8 - digits) << 2).astype(np.uint64)
    w >>= half
    w >>= half
    w <<= half
    w <<= half
    known &= ((w + _OVER) | w) & _HIGH == 0
    for mask, factor, shift in _STEPS:
        w &= mask
        w *= factor
        w >>= shift
    return w
