"""Shrinkage functions, which set small inputs to zero."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import (
    as_array,
    as_floating,
    as_inexact,
    held_by_input,
    is_complex,
    real_parameter,
)
from jaxact._checking import nan_unless
from jaxact._elementary import (
    coefficients,
    constant,
    exp_neg,
    expm1_neg,
    magnitude,
    one_plus_squared,
    polynomial,
)
from jaxact._op import op
from jaxact._rules import with_derivative
from jaxact.errors import ArgumentValueError

__all__ = ["hardshrink", "softshrink", "tanhshrink"]


def _outside(x: Array, lambd: Array | float) -> Array:
    """Whether |x| > lambd; True for nan."""
    return ~((x >= -lambd) & (x <= lambd))


def _hardshrink_grad(x: Array, lambd: Array) -> Array:
    outside = (x > lambd) | (x < -lambd) | jnp.isnan(lambd)
    return jnp.where(outside, jnp.ones_like(x), 0)


@with_derivative(_hardshrink_grad)
def _hardshrink(x: Array, lambd: Array | float) -> Array:
    return jnp.where(_outside(x, lambd), x, 0)


@op(checks={("input", "lambd"): held_by_input("lambd")})
def hardshrink(input: ArrayLike, lambd: ArrayLike = 0.5) -> Array:
    """hardshrink(x) = x if |x| > lambd else 0.

    The derivative at +-lambd is 0. With a negative lambd the function is the identity.

    Args:
        input: [...], any unit; floating.
        lambd: [] or broadcastable to input, unit of input; 0.5 by default.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Donoho & Johnstone 1994; torch.nn.functional.hardshrink, torch 2.13.
    """
    return _hardshrink(as_floating("hardshrink", "input", input), lambd)


@with_derivative(_hardshrink_grad)
def _softshrink(x: Array, lambd: Array | float) -> Array:
    shrunk = jnp.where(x > lambd, x - lambd, jnp.where(x < -lambd, x + lambd, 0))
    return jnp.where(x == x, shrunk, jnp.nan)


@op(
    checks={
        "lambd": real_parameter(lambda lambd: 0 <= lambd < np.inf, "be finite and at least 0"),
        ("input", "lambd"): held_by_input("lambd"),
    }
)
def softshrink(input: ArrayLike, lambd: ArrayLike = 0.5) -> Array:
    """softshrink(x) = x - lambd if x > lambd, x + lambd if x < -lambd, else 0.

    The derivative at +-lambd is 0, even if lambd = 0.

    Args:
        input: [...], any unit; floating.
        lambd: [] or broadcastable to input, unit of input; 0.5 by default.

    Returns:
        [...], unit and dtype of input; nan, with a nan gradient, where lambd is an array and
        negative, infinite or nan.

    Raises:
        ArgumentValueError: if lambd is a number that is negative, infinite, nan or beyond the range
            of input's dtype; in a checked call, also if it is an array.
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Donoho 1995; torch.nn.functional.softshrink, torch 2.13.
    """
    shrunk = _softshrink(as_floating("softshrink", "input", input), lambd)
    bound = as_array("softshrink", "lambd", lambd)
    message = "softshrink: lambd must be finite and at least 0, got {value}"
    holds = (bound >= 0) & (bound < np.inf)
    return nan_unless(shrunk, holds, ArgumentValueError, message, bound)


def _complex_tanhshrink(x: Array) -> Array:
    return x - jnp.tanh(x)


def _tanhshrink_grad2(x: Array) -> Array:
    t = jnp.abs(x)
    e = exp_neg(2 * t)
    part = expm1_neg(2 * t) * e * -8 / (one_plus_squared(e) * (1 + e))
    return jnp.copysign(part, x)


@with_derivative(_tanhshrink_grad2)
def _tanhshrink_grad(x: Array) -> Array:
    t = magnitude(x)
    small = t < 0.9
    square = x * x
    series = coefficients(t).tanhshrink
    e = exp_neg(2 * t)
    top = jnp.where(small, square * polynomial(series.numerator, square), 4 * e)
    bottom = jnp.where(small, polynomial(series.denominator, square), one_plus_squared(e))
    # (x - tanh x) / x^3 for small x, else tanh^2
    part = jnp.where(small, constant(t, 1 / 3), 1) - top / bottom
    y = t - t * (square * part)
    return jnp.where(small, y * y, part)


@with_derivative(_tanhshrink_grad)
def _tanhshrink(x: Array) -> Array:
    t = jnp.abs(x)
    small = t < 1.5
    square = x * x
    series = coefficients(t).tanhshrink
    below = expm1_neg(2 * t)
    top = jnp.where(small, square * polynomial(series.numerator, square), below)
    bottom = jnp.where(small, polynomial(series.denominator, square), 2 + below)
    # (x - tanh x) / x^3 for small x, else tanh |x|
    part = jnp.where(small, constant(t, 1 / 3), 0) - top / bottom
    out = jnp.where(small, x * (square * part), x - jnp.copysign(part, x))
    return jnp.where(out == 0, 0, out)  # torch's +0


@op()
def tanhshrink(input: ArrayLike) -> Array:
    """tanhshrink(x) = x - tanh(x).

    The result keeps its digits where x and tanh(x) cancel (torch's float32 gives 0 for |x| <
    3.5e-4).

    Args:
        input: [...], dimensionless; floating or complex; integers become float32.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not an array, or is boolean (DtypeError).

    Source:
        torch.nn.functional.tanhshrink, torch 2.13.
    """
    x = as_inexact("tanhshrink", "input", input)
    if is_complex(x):
        return _complex_tanhshrink(x)
    return _tanhshrink(x)
