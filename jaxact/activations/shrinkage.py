"""Shrinkage: what is small becomes zero."""

import jax.numpy as jnp
from jax import Array

from jaxact._core import ArgumentValueError, elementwise, is_number, with_slope
from jaxact._elementary import (
    coefficients,
    constant,
    decay,
    decay_minus_one,
    magnitude,
    one_plus_squared,
    polynomial,
)

__all__ = ["hardshrink", "softshrink", "tanhshrink"]


def _outside(x: Array, lambd: Array | float) -> Array:
    """Whether |x| > lambd; a nan counts as outside."""
    return ~((x >= -lambd) & (x <= lambd))


def _hardshrink_slope(x: Array, lambd: Array) -> Array:
    return jnp.where((x > lambd) | (x < -lambd), jnp.ones_like(x), 0)


@elementwise(_hardshrink_slope)
def hardshrink(input: Array, lambd: Array | float = 0.5) -> Array:
    """hardshrink(x) = x if |x| > lambd else 0.

    The derivative at +-lambd is 0. A negative lambd makes it the identity.

    Args:
        input: [...], any unit; floating.
        lambd: [] or broadcastable to input, unit of input; 0.5 by default.

    Returns:
        [...], unit and dtype of input.

    Raises:
        TypeError: if input is no floating array (DtypeError).

    Source:
        Donoho & Johnstone 1994; torch.nn.functional.hardshrink, torch 2.13.
    """
    return jnp.where(_outside(input, lambd), input, 0)


def _check_softshrink(input: Array, lambd: Array | float = 0.5) -> None:
    if is_number(lambd) and not lambd >= 0:
        raise ArgumentValueError(f"softshrink: lambd must be at least 0, got {lambd}")


@elementwise(_hardshrink_slope, check=_check_softshrink)
def softshrink(input: Array, lambd: Array | float = 0.5) -> Array:
    """softshrink(x) = x - lambd if x > lambd, x + lambd if x < -lambd, else 0.

    The derivative at +-lambd is 0, also for lambd = 0.

    Args:
        input: [...], any unit; floating.
        lambd: [] or broadcastable to input, unit of input; 0.5 by default.

    Returns:
        [...], unit and dtype of input; nan where a traced lambd is negative.

    Raises:
        ArgumentValueError: if lambd is a number below 0 or nan.
        TypeError: if input is no floating array (DtypeError).

    Source:
        Donoho 1995; torch.nn.functional.softshrink, torch 2.13.
    """
    shrunk = jnp.where(input > lambd, input - lambd, jnp.where(input < -lambd, input + lambd, 0))
    return jnp.where((lambd >= 0) & (input == input), shrunk, jnp.nan)


def _complex_tanhshrink(x: Array) -> Array:
    return x - jnp.tanh(x)


def _tanhshrink_curvature(x: Array) -> Array:
    t = jnp.abs(x)
    e = decay(2 * t)
    part = decay_minus_one(2 * t) * e * -8 / (one_plus_squared(e) * (1 + e))
    return jnp.copysign(part, x)


@with_slope(_tanhshrink_curvature)
def _tanhshrink_slope(x: Array) -> Array:
    t = magnitude(x)
    small = t < 0.9
    square = x * x
    series = coefficients(t).tanhshrink
    e = decay(2 * t)
    top = jnp.where(small, square * polynomial(series.numerator, square), 4 * e)
    bottom = jnp.where(small, polynomial(series.denominator, square), one_plus_squared(e))
    # (x - tanh x) / x^3 for small x, else tanh^2
    part = jnp.where(small, constant(t, 1 / 3), 1) - top / bottom
    y = t - t * (square * part)
    return jnp.where(small, y * y, part)


@elementwise(_tanhshrink_slope, integers="promoted", complex_formula=_complex_tanhshrink)
def tanhshrink(input: Array) -> Array:
    """tanhshrink(x) = x - tanh(x).

    Exact to the last digits also where x and tanh(x) cancel (torch's float32 is 0 for |x| <
    3.5e-4).

    Args:
        input: [...], dimensionless; floating or complex; integer becomes float32.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is no array or is boolean (DtypeError).

    Source:
        torch.nn.functional.tanhshrink, torch 2.13.
    """
    t = jnp.abs(input)
    small = t < 1.5
    square = input * input
    series = coefficients(t).tanhshrink
    below = decay_minus_one(2 * t)
    top = jnp.where(small, square * polynomial(series.numerator, square), below)
    bottom = jnp.where(small, polynomial(series.denominator, square), 2 + below)
    # (x - tanh x) / x^3 for small x, else tanh |x|
    part = jnp.where(small, constant(t, 1 / 3), 0) - top / bottom
    out = jnp.where(small, input * (square * part), input - jnp.copysign(part, input))
    return jnp.where(out == 0, 0, out)  # torch's +0
