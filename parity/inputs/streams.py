"""Random numbers that depend on a key alone, on every machine and in every run."""

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

    A power of two adds no rounding of its own; the others show that a product was formed at all.
    None is above 1: a normal product then has normal factors, which nobody flushes to zero.
    """
    draw = stream(key)
    magnitude = np.where(
        draw.random(shape) < 0.5, 2.0 ** draw.integers(-2, 1, shape), draw.uniform(0.25, 1.0, shape)
    )
    values = rounded(np.where(draw.random(shape) < 0.5, -magnitude, magnitude), dtype)
    values.flags.writeable = False
    return values
