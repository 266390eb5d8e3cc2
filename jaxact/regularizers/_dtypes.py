"""The dtypes that leaves are computed in, and that of all of them together."""

from collections.abc import Sequence
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact._core import compute_dtype


def promoted(arrays: Sequence[Array]) -> np.dtype:
    """The dtype of all of them together, float32 of nothing."""
    parts = [real(x.dtype) for x in arrays]
    return np.dtype(jnp.result_type(*parts)) if parts else np.dtype(np.float32)


def real(dtype: np.dtype) -> np.dtype:
    """Of the sizes of numbers of that dtype."""
    return np.dtype(cast(Any, jnp.finfo(dtype)).dtype)


def widened(arrays: Sequence[Array]) -> list[Array]:
    """Each in the dtype that it is computed in."""
    return [x.astype(compute_dtype(x.dtype)) for x in arrays]
