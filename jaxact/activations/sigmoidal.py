"""Bounded or one-sidedly bounded smooth units: sigmoid, tanh, softplus and their kin."""

import jax.numpy as jnp
from jax import Array, lax

from jaxact._core import elementwise, is_number, with_slope
from jaxact._elementary import (
    decay,
    decay_minus_one,
    directed,
    log1p_unit,
    logistic,
    logistic_slope,
    magnitude,
    narrow,
    one_plus_squared,
    product,
    wide_decay,
)

__all__ = ["hardsigmoid", "logsigmoid", "sigmoid", "softplus", "softsign", "tanh"]


@elementwise(logistic_slope, integers="promoted", booleans=True, complex_formula=lax.logistic)
def sigmoid(input: Array) -> Array:
    """sigmoid(x) = 1 / (1 + e^-x).

    Args:
        input: [...], dimensionless; floating or complex; integer and boolean become float32.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is no array.

    Source:
        torch.nn.functional.sigmoid, torch 2.13.
    """
    return logistic(input)


def _tanh_slope(x: Array) -> Array:
    wide = wide_decay(2 * magnitude(x))
    return narrow(4 * wide / one_plus_squared(narrow(wide)))


@elementwise(_tanh_slope, integers="promoted", booleans=True, complex_formula=lax.tanh)
def tanh(input: Array) -> Array:
    """tanh(x) = (e^x - e^-x) / (e^x + e^-x).

    Args:
        input: [...], dimensionless; floating or complex; integer and boolean become float32.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is no array.

    Source:
        torch.nn.functional.tanh, torch 2.13.
    """
    below = decay_minus_one(2 * jnp.abs(input))
    return jnp.copysign(below / (2 + below), input)


def _softplus_curvature(x: Array, beta: Array | float, threshold: Array | float) -> Array:
    z, low = product(x, beta)
    return jnp.where(z >= threshold, 0, beta * logistic_slope(z, low))


@with_slope(_softplus_curvature)
def _softplus_slope(x: Array, beta: Array, threshold: Array) -> Array:
    z, low = product(x, beta)
    return jnp.where(z > threshold, 1, logistic(z, low))


@elementwise(_softplus_slope)
def softplus(input: Array, beta: Array | float = 1.0, threshold: Array | float = 20.0) -> Array:
    """softplus(x) = log(1 + e^(beta x)) / beta, or x where beta x > threshold.

    The derivative beyond the threshold is exactly 1.

    Args:
        input: [...], dimensionless; floating.
        beta: [] or broadcastable to input, dimensionless; the sharpness, 1 by default.
        threshold: [] or broadcastable to input, dimensionless; 20 by default.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is no floating array (DtypeError).

    Source:
        Dugas et al. 2001; torch.nn.functional.softplus, torch 2.13.
    """
    z, low = product(input, beta)
    t, t_low = magnitude(z), directed(z, low)
    smooth = (jnp.where(z < 0, 0, z) + log1p_unit(decay(t, t_low))) / beta
    if not (is_number(beta) and beta == 1):
        # log(1 + e^z) may underflow where its quotient by beta does not
        smooth = jnp.where(z < -64, narrow(wide_decay(t, t_low) / beta), smooth)
    return jnp.where(z > threshold, input, smooth)


def _logsigmoid_slope(x: Array) -> Array:
    return logistic(-x)


@elementwise(_logsigmoid_slope)
def logsigmoid(input: Array) -> Array:
    """logsigmoid(x) = -log(1 + e^-x).

    Args:
        input: [...], dimensionless; floating.

    Returns:
        [...], nats, dtype of input.

    Raises:
        TypeError: if input is no floating array (DtypeError).

    Source:
        torch.nn.functional.logsigmoid, torch 2.13.
    """
    return jnp.where(input < 0, input, 0) - log1p_unit(decay(magnitude(input)))


def _complex_softsign(x: Array) -> Array:
    return x / (1 + jnp.abs(x))


def _softsign_curvature(x: Array) -> Array:
    root = 1 / (1 + jnp.abs(x))
    return -2 * jnp.sign(x) * root * root * root


@with_slope(_softsign_curvature)
def _softsign_slope(x: Array) -> Array:
    t = magnitude(x)
    return jnp.where(t < jnp.inf, 1 / (1 + t * (2 + t)), jnp.nan)


@elementwise(_softsign_slope, integers="promoted", complex_formula=_complex_softsign)
def softsign(input: Array) -> Array:
    """softsign(x) = x / (1 + |x|).

    The derivative at 0 is 1; at +-inf value and derivative are nan, as in torch.

    Args:
        input: [...], dimensionless; floating or complex; integer becomes float32.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is no array or is boolean (DtypeError).

    Source:
        Bergstra et al. 2009; torch.nn.functional.softsign, torch 2.13.
    """
    return input / (1 + jnp.abs(input))


def _hardsigmoid_slope(x: Array) -> Array:
    return jnp.where((x > -3) & (x < 3), jnp.full_like(x, 1 / 6), 0)


@elementwise(_hardsigmoid_slope)
def hardsigmoid(input: Array) -> Array:
    """hardsigmoid(x) = min(max(x + 3, 0), 6) / 6.

    The derivative at -3 and at 3 is 0. In float64 torch's derivative is float32(1/6); this one is
    1/6.

    Args:
        input: [...], dimensionless; floating.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is no floating array (DtypeError).

    Source:
        Courbariaux et al. 2015; torch.nn.functional.hardsigmoid, torch 2.13.
    """
    return jnp.where(input <= -3, 0, jnp.where(input >= 3, 1, (input + 3) / 6))
