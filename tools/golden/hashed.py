"""Numbers that every language computes alike, for inputs and weights of golden cases."""

import numpy as np


def hashed(count: int, stream: int) -> np.ndarray:
    """Returns `count` float64 values in [-1, 1): a 32-bit integer hash of (index, stream)."""
    mask = np.uint64(0xFFFFFFFF)
    h = (np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B1) + np.uint64((stream * 0x85EBCA77) & 0xFFFFFFFF)) & mask
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & mask
    h ^= h >> np.uint64(16)
    return h.astype(np.float64) / 2147483648.0 - 1.0
