"""Random numbers that depend only on a key, on every machine and in every run."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.dtypes import rounded


def stream(key: str) -> np.random.Generator:
    """The random stream of a key."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


@functools.lru_cache(maxsize=64)
def signed(key: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Random numbers of both signs and of magnitude 1/4 to 1, half of them powers of two.

    Multiplying by a power of two adds no rounding error; the other factors show whether a product
    was computed at all. None is above 1: if a product is normal, so is its other factor, and no
    side flushes it to zero.
    """
    draw = stream(key)
    magnitude = np.where(
        draw.random(shape) < 0.5, 2.0 ** draw.integers(-2, 1, shape), draw.uniform(0.25, 1.0, shape)
    )
    values = rounded(np.where(draw.random(shape) < 0.5, -magnitude, magnitude), dtype)
    values.flags.writeable = False
    return values
