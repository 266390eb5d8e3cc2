"""Piecewise linear units: relu and what became of it."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._core import (
    ArgumentTypeError,
    ArgumentValueError,
    as_array,
    as_floating,
    elementwise,
    is_number,
    op,
    per_channel,
    with_slope,
)

__all__ = ["hardtanh", "leaky_relu", "prelu", "relu", "relu6", "rrelu", "threshold"]


def _relu_slope(x: Array) -> Array:
    return jnp.where(x <= 0, 0, jnp.ones_like(x))


@elementwise(_relu_slope, integers="kept")
def relu(input: Array) -> Array:
    """relu(x) = max(x, 0).

    The derivative at 0 is 0; -0.0 stays -0.0, and nan has the derivative 1.

    Args:
        input: [...], any unit; floating or integer.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is no array or is boolean or complex (DtypeError).

    Source:
        Nair & Hinton 2010; torch.nn.functional.relu, torch 2.13.
    """
    return jnp.where(input < 0, 0, input)


def _relu6_slope(x: Array) -> Array:
    return jnp.where((x > 0) & (x < 6), jnp.ones_like(x), 0)


@elementwise(_relu6_slope, integers="kept")
def relu6(input: Array) -> Array:
    """relu6(x) = min(max(x, 0), 6).

    The derivative at 0 and at 6 is 0.

    Args:
        input: [...], any unit; floating or integer.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is no array or is boolean or complex (DtypeError).

    Source:
        Krizhevsky 2010; torch.nn.functional.relu6, torch 2.13.
    """
    return jnp.where(input < 0, 0, jnp.where(input > 6, 6, input))


def _threshold_slope(x: Array, threshold: Array, value: Array) -> Array:
    return jnp.where(x <= threshold, 0, jnp.ones_like(x))


@elementwise(_threshold_slope, integers="kept")
def threshold(input: Array, threshold: Array | float, value: Array | float) -> Array:
    """threshold(x) = x if x > threshold else value.

    The derivative at the threshold is 0. A nan input passes; a nan threshold lets everything pass.
    For an integer input both parameters are truncated toward zero.

    Args:
        input: [...], any unit; floating or integer.
        threshold: [] or broadcastable to input, unit of input.
        value: [] or broadcastable to input, unit of input; takes the place of what does not pass.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is no array or is boolean or complex (DtypeError).

    Source:
        torch.nn.functional.threshold, torch 2.13.
    """
    return jnp.where(input <= threshold, value, input)


def _check_hardtanh(
    input: Array, min_val: Array | float = -1.0, max_val: Array | float = 1.0
) -> None:
    if is_number(min_val) and is_number(max_val) and min_val > max_val:
        raise ValueError(
            f"hardtanh: min_val must not exceed max_val, got min_val={min_val}, max_val={max_val}"
        )
    dtype = getattr(input, "dtype", np.dtype(float))
    negative = (is_number(min_val) and min_val < 0) or (is_number(max_val) and max_val < 0)
    if negative and jnp.issubdtype(dtype, jnp.unsignedinteger):
        raise ArgumentValueError(
            f"hardtanh: min_val and max_val must not be negative for an input of dtype {dtype}, "
            f"got min_val={min_val}, max_val={max_val}"
        )


def _hardtanh_slope(x: Array, min_val: Array, max_val: Array) -> Array:
    inside = jnp.where((x > min_val) & (x < max_val), jnp.ones_like(x), 0)
    return jnp.where(min_val <= max_val, inside, jnp.nan)


@elementwise(_hardtanh_slope, integers="kept", check=_check_hardtanh)
def hardtanh(input: Array, min_val: Array | float = -1.0, max_val: Array | float = 1.0) -> Array:
    """hardtanh(x) = min(max(x, min_val), max_val).

    The derivative on both bounds is 0. For an integer input the bounds are truncated toward zero.

    Args:
        input: [...], any unit; floating or integer.
        min_val: [] or broadcastable to input, unit of input; the lower bound, -1 by default.
        max_val: [] or broadcastable to input, unit of input; the upper bound, 1 by default.

    Returns:
        [...], unit and dtype of input; nan where traced bounds have min_val > max_val.

    Raises:
        ValueError: if min_val > max_val, both being numbers.
        ArgumentValueError: if a bound is negative and input is unsigned.
        TypeError: if input is no array or is boolean or complex (DtypeError).

    Source:
        Collobert 2004; torch.nn.functional.hardtanh, torch 2.13.
    """
    clipped = jnp.where(input < min_val, min_val, jnp.where(input > max_val, max_val, input))
    if jnp.issubdtype(clipped.dtype, jnp.integer):
        return clipped
    return jnp.where(min_val <= max_val, clipped, jnp.nan)


def _leaky_relu_slope(x: Array, negative_slope: Array) -> Array:
    return jnp.where(x > 0, 1, negative_slope)


@elementwise(_leaky_relu_slope)
def leaky_relu(input: Array, negative_slope: Array | float = 0.01) -> Array:
    """leaky_relu(x) = x if x > 0 else negative_slope x.

    The derivative at 0 is negative_slope.

    Args:
        input: [...], any unit; floating.
        negative_slope: [] or broadcastable to input, dimensionless; 0.01 by default.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is no floating array (DtypeError).

    Source:
        Maas et al. 2013; torch.nn.functional.leaky_relu, torch 2.13.
    """
    return jnp.where(input > 0, input, negative_slope * input)


@op()
def prelu(input: Array, weight: ArrayLike) -> Array:
    """prelu(x) = x if x > 0 else weight x, one weight for all or one for each channel.

    The derivative at 0 is the weight; the weight's is the sum of x over x <= 0.

    Args:
        input: [...] or [n, c, ...], any unit; floating.
        weight: [] or [1], or [c] along axis 1, dimensionless; dtype of input.

    Returns:
        [...], unit and dtype of input.

    Raises:
        ArgumentValueError: if weight has more than one axis, or another length than input's axis 1.
        ArgumentTypeError: if the dtypes differ.
        TypeError: if input is no floating array (DtypeError).

    Source:
        He et al. 2015; torch.nn.functional.prelu, torch 2.13.
    """
    x = as_floating("prelu", "input", input)
    w = as_array("prelu", "weight", weight)
    if w.dtype != x.dtype and not w.weak_type:
        raise ArgumentTypeError(
            f"prelu: weight must have input's dtype {x.dtype.name}, got {w.dtype.name}"
        )
    return leaky_relu(x, per_channel("prelu", "weight", x, w))


def _check_rrelu(
    input: Array,
    lower: Array | float = 1 / 8,
    upper: Array | float = 1 / 3,
    training: bool = False,
    *,
    key: Array | None = None,
) -> None:
    if is_number(lower) and is_number(upper):
        if not (np.isfinite(lower) and np.isfinite(upper)):
            raise ArgumentValueError(
                f"rrelu: lower and upper must be finite, got lower={lower}, upper={upper}"
            )
        if lower > upper:
            raise ArgumentValueError(
                f"rrelu: lower must not exceed upper, got lower={lower}, upper={upper}"
            )
    if training and key is None:
        raise TypeError("rrelu: key must be given when training, got None")


def _drawn_slope(x: Array, key: Array, lower: Array, upper: Array) -> Array:
    return jax.random.uniform(key, x.shape, x.dtype, lower, upper)


def _rrelu_slope(x: Array, key: Array, lower: Array, upper: Array) -> Array:
    return jnp.where(x <= 0, _drawn_slope(x, key, lower, upper), 1)


@with_slope(_rrelu_slope)
def _random_leaky(x: Array, key: Array, lower: Array, upper: Array) -> Array:
    return jnp.where(x <= 0, _drawn_slope(x, key, lower, upper) * x, x)


@op(static=("training",), check=_check_rrelu)
def rrelu(
    input: Array,
    lower: Array | float = 1 / 8,
    upper: Array | float = 1 / 3,
    training: bool = False,
    *,
    key: Array | None = None,
) -> Array:
    """rrelu(x) = x if x > 0 else a x, with a drawn from U(lower, upper) or fixed at their mean.

    Each element draws its own a when training; the backward pass draws the same ones again instead
    of keeping them. The derivative at 0 is a.

    Args:
        input: [...], any unit; floating.
        lower: [], dimensionless; the smallest slope, 1/8 by default.
        upper: [], dimensionless; the largest slope, 1/3 by default.
        training: whether to draw; otherwise a = (lower + upper) / 2.
        key: a JAX random key, needed when training.

    Returns:
        [...], unit and dtype of input.

    Raises:
        ArgumentValueError: if lower > upper or one is not finite, both being numbers.
        TypeError: if training without a key, or if input is no floating array (DtypeError).

    Source:
        Xu et al. 2015; torch.nn.functional.rrelu, torch 2.13.
    """
    x = as_floating("rrelu", "input", input)
    low, high = jnp.asarray(lower), jnp.asarray(upper)
    if not training or key is None:
        return leaky_relu(x, (low + high) / 2)
    return _random_leaky(x, key, low, high)
