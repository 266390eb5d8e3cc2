"""The dtypes that leaves are computed in, and that of all of them together."""

from collections.abc import Sequence
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxact._numbers import compute_dtype


def promoted(arrays: Sequence[Array]) -> np.dtype:
    """The real dtype that all arrays promote to, float32 if there are none."""
    parts = [real(x.dtype) for x in arrays]
    return np.dtype(jnp.result_type(*parts)) if parts else np.dtype(np.float32)


def real(dtype: np.dtype) -> np.dtype:
    """The dtype of absolute values: a complex dtype's real counterpart, else the dtype itself."""
    return np.dtype(cast(Any, jnp.finfo(dtype)).dtype)


def widened(arrays: Sequence[Array]) -> list[Array]:
    """Each array in the dtype that it is computed in: half precision in float32."""
    return [lax.convert_element_type(x, compute_dtype(x.dtype)) for x in arrays]
