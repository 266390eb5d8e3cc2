"""Dtypes to compute in, and what is known of a number while Python runs."""

from typing import Any, TypeGuard, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax


def compute_dtype(dtype: np.dtype) -> np.dtype:
    """float32 for half precision, else the dtype itself."""
    return np.promote_types(dtype, np.float32) if dtype.itemsize > 2 else np.dtype(np.float32)


def wide_integers(integers: Array) -> Array:
    """The integers in at least 32 bits: sums, and numbers of classes, are beyond fewer."""
    return integers if integers.dtype.itemsize >= 4 else integers.astype(jnp.int32)


def matmul_precision() -> str | lax.Precision:
    """Of a product of matrices: what the user asked for, else the whole precision of the dtype.

    Left alone, float32 is multiplied with fewer digits than it has on some devices.
    """
    # The attribute is made when jax is imported: a type checker does not see it.
    return cast(Any, jax.config).jax_default_matmul_precision or lax.Precision.HIGHEST


# Not a union of types, which is four times as slow to look at: each eager call does.
_NUMBERS = (int, float, np.generic)


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is known while Python runs: a number, not an array that may be traced."""
    return isinstance(value, _NUMBERS)


def is_known(parameter: object) -> TypeGuard[float | None]:
    """Whether a parameter is a constant of a formula: a number or None."""
    return parameter is None or is_number(parameter)
