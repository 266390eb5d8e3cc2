"""Constant initializers."""

from typing import Any, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._numbers import is_number
from jaxact.errors import ArgumentValueError
from jaxact.initializers._initializer import (
    Dtype,
    Initializer,
    Key,
    Layout,
    Shape,
    initializer,
    initializer_factory,
    largest,
)

__all__ = ["constant", "ones", "zeros"]


@initializer_factory()
def constant(val: ArrayLike, *, layout: Layout = "torch") -> Initializer:
    """constant(val)(key, shape) = val everywhere.

    Integer dtypes truncate towards zero. The key is not used.

    Args:
        val: [], any unit; may be complex only for complex dtypes.
        layout: has no effect here.

    Returns:
        An initializer, init(key, shape, dtype) -> [...] of any dtype, unit of val.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'.
        ArgumentValueError: if val is not a single number; when called, if dtype does not represent
            val.

    Source:
        torch.nn.init.constant_, torch 2.13.
    """
    if np.ndim(cast(Any, val)):
        raise ArgumentValueError(f"constant: val must be one number, got shape {np.shape(val)}")

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        if is_number(val) or isinstance(val, complex):
            _check_holds(dtype, val)
        return jnp.full(shape, _converted(val, dtype), dtype)

    return initializer("constant", draw, layout, random=False)


@initializer_factory()
def zeros(*, layout: Layout = "torch") -> Initializer:
    """zeros()(key, shape) = 0 everywhere.

    Args:
        layout: has no effect here.

    Returns:
        An initializer, init(key, shape, dtype) -> [...] of any dtype, dimensionless.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'.

    Source:
        torch.nn.init.zeros_, torch 2.13.
    """

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        return jnp.zeros(shape, dtype)

    return initializer("zeros", draw, layout, random=False)


@initializer_factory()
def ones(*, layout: Layout = "torch") -> Initializer:
    """ones()(key, shape) = 1 everywhere.

    Args:
        layout: has no effect here.

    Returns:
        An initializer, init(key, shape, dtype) -> [...] of any dtype, dimensionless.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'.

    Source:
        torch.nn.init.ones_, torch 2.13.
    """

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        return jnp.ones(shape, dtype)

    return initializer("ones", draw, layout, random=False)


def _check_holds(dtype: Dtype, val: complex) -> None:
    """Raises unless dtype represents val, by torch's rule.

    Floating dtypes accept inf and nan; unsigned dtypes accept negative integers, which wrap around.
    """
    if jnp.issubdtype(dtype, jnp.complexfloating) or dtype == jnp.bool_:
        return
    if isinstance(val, complex | np.complexfloating) and val.imag:
        raise _overflow(dtype, val)
    real = float(val.real)
    if jnp.issubdtype(dtype, jnp.floating):
        if abs(real) > largest(dtype) and not np.isinf(real):
            raise _overflow(dtype, val)
        return
    limits = jnp.iinfo(dtype)
    wraps = not limits.min and isinstance(val, int | np.integer)
    least = -int(limits.max) if wraps else int(limits.min)
    if not least <= val.real <= int(limits.max):
        raise _overflow(dtype, val)


def _overflow(dtype: Dtype, val: complex) -> ArgumentValueError:
    return ArgumentValueError(f"constant: val must be a value of {dtype.name}, got {val}")


def _converted(val: ArrayLike, dtype: Dtype) -> ArrayLike:
    """val, converted so that Python integers wrap around in unsigned dtypes, where jax raises."""
    if jnp.issubdtype(dtype, jnp.integer) and isinstance(val, int | float | np.generic):
        return np.array(int(cast(float, val))).astype(dtype)
    if isinstance(val, complex) and not jnp.issubdtype(dtype, jnp.complexfloating):
        return bool(val) if dtype == jnp.bool_ else val.real
    return val
