"""Dtypes to compute in, and tests for numbers that are known while tracing."""

from typing import Any, TypeGuard, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax


def compute_dtype(dtype: np.dtype) -> np.dtype:
    """float32 for half precision, else the dtype itself."""
    return np.promote_types(dtype, np.float32) if dtype.itemsize > 2 else np.dtype(np.float32)


def broadcast_to(array: Array, shape: tuple[int, ...]) -> Array:
    """The array in this shape; its gradient, a sum, is added up in the compute dtype."""
    if array.shape == shape or not jnp.issubdtype(array.dtype, jnp.floating):
        return jnp.broadcast_to(array, shape)
    return jnp.broadcast_to(array.astype(compute_dtype(array.dtype)), shape).astype(array.dtype)


def wide_integers(integers: Array) -> Array:
    """The integers in at least 32 bits: narrower types cannot hold sums or class counts."""
    return integers if integers.dtype.itemsize >= 4 else integers.astype(jnp.int32)


def matmul_precision() -> str | lax.Precision:
    """The precision of matrix products: the user's setting, else the full precision of the dtype.

    By default some devices multiply float32 matrices with fewer digits than float32 has.
    """
    # jax creates the attribute on import, so type checkers do not see it.
    return cast(Any, jax.config).jax_default_matmul_precision or lax.Precision.HIGHEST


# A tuple: isinstance takes four times as long with a union, and every eager call asks.
_NUMBERS = (int, float, np.generic)


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a number known to Python, and not an array that may be traced."""
    return isinstance(value, _NUMBERS)


def is_known(parameter: object) -> TypeGuard[float | None]:
    """Whether a parameter is a constant of a formula: a number or None."""
    return parameter is None or is_number(parameter)
