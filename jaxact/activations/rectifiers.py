"""Piecewise linear activations: relu and its variants."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import (
    as_array,
    as_floating,
    as_number,
    flag,
    held_by_input,
    is_integral,
    per_channel,
    truncated,
)
from jaxact._checking import nan_unless
from jaxact._flat_draws import flat_uniform
from jaxact._keys import missing_key, random_key
from jaxact._numbers import compute_dtype, is_number
from jaxact._op import op
from jaxact._rules import rematerialized, with_derivative
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidValueError

__all__ = ["hardtanh", "leaky_relu", "prelu", "relu", "relu6", "rrelu", "threshold"]


def _relu_grad(x: Array) -> Array:
    return jnp.where(x <= 0, 0, jnp.ones_like(x))


@with_derivative(_relu_grad)
def _relu(x: Array) -> Array:
    return jnp.where(x < 0, 0, x)


@op()
def relu(input: ArrayLike) -> Array:
    """relu(x) = max(x, 0).

    The derivative at 0 is 0 and at nan is 1; -0.0 stays -0.0.

    Args:
        input: [...], any unit; floating or integer.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is not an array, or is boolean or complex (DtypeError).

    Source:
        Nair & Hinton 2010; torch.nn.functional.relu, torch 2.13.
    """
    return _relu(as_number("relu", "input", input))


def _relu6_grad(x: Array) -> Array:
    return jnp.where((x > 0) & (x < 6), jnp.ones_like(x), 0)


@with_derivative(_relu6_grad)
def _relu6(x: Array) -> Array:
    return jnp.where(x < 0, 0, jnp.where(x > 6, 6, x))


@op()
def relu6(input: ArrayLike) -> Array:
    """relu6(x) = min(max(x, 0), 6).

    The derivative at 0 and at 6 is 0.

    Args:
        input: [...], any unit; floating or integer.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is not an array, or is boolean or complex (DtypeError).

    Source:
        Krizhevsky 2010; torch.nn.functional.relu6, torch 2.13.
    """
    return _relu6(as_number("relu6", "input", input))


def _threshold_grad(x: Array, threshold: Array, value: Array) -> Array:
    return jnp.where(x <= threshold, 0, jnp.ones_like(x))


@with_derivative(_threshold_grad)
def _threshold(x: Array, threshold: Array | float, value: Array | float) -> Array:
    return jnp.where(x <= threshold, value, x)


@op(
    checks={
        ("input", "value"): held_by_input("value"),
        ("input", "threshold"): held_by_input("threshold", wide=True),
    }
)
def threshold(input: ArrayLike, threshold: ArrayLike, value: ArrayLike) -> Array:
    """threshold(x) = x if x > threshold else value.

    The derivative at the threshold is 0. A nan input passes, and with a nan threshold every input
    passes. For an integer input both parameters are truncated toward zero.

    Args:
        input: [...], any unit; floating or integer.
        threshold: [] or broadcastable to input, unit of input.
        value: [] or broadcastable to input, unit of input; replaces the inputs that do not pass.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is not an array, or is boolean or complex (DtypeError).

    Source:
        torch.nn.functional.threshold, torch 2.13.
    """
    x = as_number("threshold", "input", input)
    if is_integral(x):
        threshold = truncated("threshold", "threshold", threshold, x.dtype)
        value = truncated("threshold", "value", value, x.dtype)
    return _threshold(x, threshold, value)


_check_held_bounds = held_by_input("min_val", "max_val")


def _check_bounds(function: str, input: object, min_val: object, max_val: object) -> None:
    if is_number(min_val) and is_number(max_val) and min_val > max_val:
        raise InvalidValueError(
            f"{function}: min_val must not exceed max_val, got min_val={min_val}, max_val={max_val}"
        )
    _check_held_bounds(function, input, min_val, max_val)
    dtype = getattr(input, "dtype", np.dtype(float))
    # Bounds are truncated first, so a bound above -1 becomes 0.
    if dtype.kind == "u" and any(is_number(b) and b <= -1 for b in (min_val, max_val)):
        raise ArgumentValueError(
            f"{function}: min_val and max_val must not be negative for an input of dtype {dtype}, "
            f"got min_val={min_val}, max_val={max_val}"
        )


def _hardtanh_grad(x: Array, min_val: Array, max_val: Array) -> Array:
    inside = jnp.where((x > min_val) & (x < max_val), jnp.ones_like(x), 0)
    return jnp.where(min_val <= max_val, inside, jnp.nan)


@with_derivative(_hardtanh_grad)
def _hardtanh(x: Array, min_val: Array | float, max_val: Array | float) -> Array:
    clipped = jnp.where(x < min_val, min_val, jnp.where(x > max_val, max_val, x))
    if jnp.issubdtype(clipped.dtype, jnp.integer):
        return clipped
    return jnp.where(min_val <= max_val, clipped, jnp.nan)


@op(
    checks={
        ("input", "min_val", "max_val"): _check_bounds,
    }
)
def hardtanh(input: ArrayLike, min_val: ArrayLike = -1.0, max_val: ArrayLike = 1.0) -> Array:
    """hardtanh(x) = min(max(x, min_val), max_val).

    The derivative at both bounds is 0. For an integer input the bounds are truncated toward zero.

    Args:
        input: [...], any unit; floating or integer.
        min_val: [] or broadcastable to input, unit of input; the lower bound, -1 by default.
        max_val: [] or broadcastable to input, unit of input; the upper bound, 1 by default.

    Returns:
        [...], unit and dtype of input; nan where traced bounds have min_val > max_val.

    Raises:
        ValueError: if both bounds are numbers and min_val > max_val.
        ArgumentValueError: if a bound is negative and input is unsigned.
        TypeError: if input is not an array, or is boolean or complex (DtypeError).

    Source:
        Collobert 2004; torch.nn.functional.hardtanh, torch 2.13.
    """
    x = as_number("hardtanh", "input", input)
    if is_integral(x):
        min_val = truncated("hardtanh", "min_val", min_val, x.dtype)
        max_val = truncated("hardtanh", "max_val", max_val, x.dtype)
    return _hardtanh(x, min_val, max_val)


def _leaky_relu_grad(x: Array, negative_slope: Array) -> Array:
    return jnp.where(x > 0, 1, negative_slope)


@with_derivative(_leaky_relu_grad)
def _leaky_relu(x: Array, negative_slope: Array | float) -> Array:
    return jnp.where(x > 0, x, negative_slope * x)


@op(checks={("input", "negative_slope"): held_by_input("negative_slope", wide=True)})
def leaky_relu(input: ArrayLike, negative_slope: ArrayLike = 0.01) -> Array:
    """leaky_relu(x) = x if x > 0 else negative_slope x.

    The derivative at 0 is negative_slope.

    Args:
        input: [...], any unit; floating.
        negative_slope: [] or broadcastable to input, dimensionless; 0.01 by default.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Maas et al. 2013; torch.nn.functional.leaky_relu, torch 2.13.
    """
    return _leaky_relu(as_floating("leaky_relu", "input", input), negative_slope)


@op()
def prelu(input: ArrayLike, weight: ArrayLike) -> Array:
    """prelu(x) = x if x > 0 else weight x, with one weight for all or one for each channel.

    The derivative at 0 is the weight. The gradient of the weight sums x over the inputs x <= 0.

    Args:
        input: [...] or [n, c, ...], any unit; floating.
        weight: [] or [1], or [c] along axis 1, dimensionless; dtype of input.

    Returns:
        [...], unit and dtype of input.

    Raises:
        ArgumentValueError: if weight has more than one axis, or its length differs from input's
            axis 1.
        ArgumentTypeError: if the dtypes differ.
        TypeError: if input is not a floating array (DtypeError).

    Source:
        He et al. 2015; torch.nn.functional.prelu, torch 2.13.
    """
    x = as_floating("prelu", "input", input)
    w = as_array("prelu", "weight", weight)
    if w.dtype != x.dtype and not w.weak_type:
        raise ArgumentTypeError(
            f"prelu: weight must have input's dtype {x.dtype.name}, got {w.dtype.name}"
        )
    return _leaky_relu(x, per_channel("prelu", "weight", x, w))


def _check_slopes(function: str, lower: object, upper: object, training: bool, key: object) -> None:
    if training and key is None and not (is_number(lower) and lower == upper):
        raise missing_key(function)
    if is_number(lower) and is_number(upper):
        if not (np.isfinite(lower) and np.isfinite(upper)):
            raise ArgumentValueError(
                f"{function}: lower and upper must be finite, got lower={lower}, upper={upper}"
            )
        if lower > upper:
            raise ArgumentValueError(
                f"{function}: lower must not exceed upper, got lower={lower}, upper={upper}"
            )


@rematerialized
def _random_leaky(x: Array, key: Array, lower: Array, upper: Array) -> Array:
    # Draw in the compute dtype: half precision would round the slopes.
    wide = compute_dtype(x.dtype)
    least, most = lower.astype(wide), upper.astype(wide)
    slopes = least + (most - least) * flat_uniform(key, x.shape, wide)
    # nan <= 0 is False, so a nan input keeps the slope 1.
    return _leaky_relu(x, jnp.where(x <= 0, slopes, 1))


@op(
    static=("training",),
    checks={
        "training": flag,
        ("lower", "upper", "training", "key"): _check_slopes,
        "key": random_key,
    },
)
def rrelu(
    input: ArrayLike,
    lower: ArrayLike = 1 / 8,
    upper: ArrayLike = 1 / 3,
    training: bool = False,
    *,
    key: Array | None = None,
) -> Array:
    """rrelu(x) = x if x > 0 else a x, with a drawn from U(lower, upper) or fixed at their mean.

    In training each element draws its own a. The backward pass draws the same values again instead
    of keeping them as residuals. The derivative at 0 is a.

    Args:
        input: [...], any unit; floating.
        lower: [], dimensionless; the smallest slope, 1/8 by default.
        upper: [], dimensionless; the largest slope, 1/3 by default.
        training: whether to draw a; otherwise a = (lower + upper) / 2.
        key: a JAX random key, needed in training unless lower and upper are the same number.

    Returns:
        [...], unit and dtype of input; nan where traced bounds have lower > upper.

    Raises:
        ArgumentValueError: if both bounds are numbers and lower > upper or one is not finite; in a
            checked call also if arrays have lower > upper.
        TypeError: if key is missing in training, or input is not a floating array (DtypeError).

    Source:
        Xu et al. 2015; torch.nn.functional.rrelu, torch 2.13.
    """
    x = as_floating("rrelu", "input", input)
    low, high = as_array("rrelu", "lower", lower), as_array("rrelu", "upper", upper)
    message = "rrelu: lower must not exceed upper, got lower={value}"
    low = nan_unless(low, low <= high, ArgumentValueError, message, low)
    if not training or key is None:
        return _leaky_relu(x, (low + high) / 2)
    return _random_leaky(x, key, low, high)
