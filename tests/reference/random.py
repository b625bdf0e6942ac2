"""Philox4x64-10 (Salmon et al.: Parallel random numbers: as easy as 1, 2, 3. SC11) in Python's integers."""

import numpy as np

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)  # golden ratio, sqrt(3) - 1
MASK = (1 << 64) - 1
ROUNDS = 10


def philox4x64(counter, key) -> tuple[int, int, int, int]:
    """Four 64-bit words from four words of counter and two of key (each least significant word first)."""
    c0, c1, c2, c3 = (int(c) for c in counter)
    k0, k1 = (int(k) for k in key)
    for _ in range(ROUNDS):
        product0, product1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (product1 >> 64) ^ c1 ^ k0, product1 & MASK, (product0 >> 64) ^ c3 ^ k1, product0 & MASK
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return c0, c1, c2, c3


def words(number: int, count: int) -> tuple[int, ...]:
    """An integer as `count` 64-bit words, least significant first."""
    return tuple((number >> (64 * i)) & MASK for i in range(count))


def stream(counter: int, key: int, n: int) -> np.ndarray:
    """The first n words of `np.random.Philox(counter=counter, key=key)`: it adds 1 to the counter before each block."""
    blocks = [philox4x64(words(counter + 1 + i, 4), words(key, 2)) for i in range((n + 3) // 4)]
    return np.array(blocks, np.uint64).reshape(-1)[:n]


def uniform(raw) -> np.ndarray:
    """[0, 1) in float64 from the upper 53 bits of each word, as in NumPy's Generator.random."""
    return (np.asarray(raw, np.uint64) >> np.uint64(11)).astype(np.float64) * 2.0**-53
