"""Smooth activations with one or two bounds: sigmoid, tanh, softplus and similar functions."""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxact._arguments import as_floating, as_inexact, held_by_input, is_complex
from jaxact._elementary import (
    exp_neg,
    exp_neg_scaled,
    expm1_neg,
    in_one_loop,
    log1p_unit,
    logistic,
    logistic_grad,
    low_of_abs,
    magnitude,
    one_plus_squared,
    product,
    unscale,
)
from jaxact._numbers import is_number
from jaxact._op import op
from jaxact._rules import with_derivative

__all__ = ["hardsigmoid", "logsigmoid", "sigmoid", "softplus", "softsign", "tanh"]


@with_derivative(logistic_grad)
def _sigmoid(x: Array) -> Array:
    return in_one_loop(x, logistic(x))


@op()
def sigmoid(input: ArrayLike) -> Array:
    """sigmoid(x) = 1 / (1 + e^-x).

    Args:
        input: [...], dimensionless; floating or complex; integers and booleans become float32.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not an array.

    Source:
        torch.nn.functional.sigmoid, torch 2.13.
    """
    x = as_inexact("sigmoid", "input", input, booleans=True)
    if is_complex(x):
        return lax.logistic(x)
    return _sigmoid(x)


def _tanh_grad(x: Array) -> Array:
    wide = exp_neg_scaled(2 * magnitude(x))
    return unscale(4 * wide / one_plus_squared(unscale(wide)))


@with_derivative(_tanh_grad)
def _tanh(x: Array) -> Array:
    below = expm1_neg(2 * jnp.abs(x))
    return jnp.copysign(below / (2 + below), x)


@op()
def tanh(input: ArrayLike) -> Array:
    """tanh(x) = (e^x - e^-x) / (e^x + e^-x).

    Args:
        input: [...], dimensionless; floating or complex; integers and booleans become float32.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not an array.

    Source:
        torch.nn.functional.tanh, torch 2.13.
    """
    x = as_inexact("tanh", "input", input, booleans=True)
    if is_complex(x):
        return lax.tanh(x)
    return _tanh(x)


def _softplus_grad2(x: Array, beta: Array | float, threshold: Array | float) -> Array:
    z, low = product(x, beta)
    return jnp.where(z >= threshold, 0, beta * logistic_grad(z, low))


@with_derivative(_softplus_grad2)
def _softplus_grad(x: Array, beta: Array, threshold: Array) -> Array:
    z, low = product(x, beta)
    return jnp.where(z > threshold, 1, logistic(z, low))


@with_derivative(_softplus_grad)
def _softplus(x: Array, beta: Array | float, threshold: Array | float) -> Array:
    z, low = product(x, beta)
    t, t_low = magnitude(z), low_of_abs(z, low)
    smooth = (jnp.where(z < 0, 0, z) + log1p_unit(exp_neg(t, t_low))) / beta
    if not (is_number(beta) and beta == 1):
        # log(1 + e^z) may underflow although log(1 + e^z) / beta does not.
        smooth = jnp.where(z < -64, unscale(exp_neg_scaled(t, t_low) / beta), smooth)
    return jnp.where(z > threshold, x, smooth)


@op(
    checks={
        ("input", "beta", "threshold"): held_by_input("beta", "threshold", wide=True),
    }
)
def softplus(input: ArrayLike, beta: ArrayLike = 1.0, threshold: ArrayLike = 20.0) -> Array:
    """softplus(x) = log(1 + e^(beta x)) / beta, or x where beta x > threshold.

    Where beta x exceeds the threshold, the derivative is exactly 1.

    Args:
        input: [...], dimensionless; floating.
        beta: [] or broadcastable to input, dimensionless; the sharpness, 1 by default.
        threshold: [] or broadcastable to input, dimensionless; 20 by default.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Dugas et al. 2001; torch.nn.functional.softplus, torch 2.13.
    """
    return _softplus(as_floating("softplus", "input", input), beta, threshold)


def _logsigmoid_grad(x: Array) -> Array:
    return logistic(-x)


@with_derivative(_logsigmoid_grad)
def _logsigmoid(x: Array) -> Array:
    return in_one_loop(x, jnp.where(x < 0, x, 0) - log1p_unit(exp_neg(magnitude(x))))


@op()
def logsigmoid(input: ArrayLike) -> Array:
    """logsigmoid(x) = -log(1 + e^-x).

    Args:
        input: [...], dimensionless; floating.

    Returns:
        [...], nats, dtype of input.

    Raises:
        TypeError: if input is not a floating array (DtypeError).

    Source:
        torch.nn.functional.logsigmoid, torch 2.13.
    """
    return _logsigmoid(as_floating("logsigmoid", "input", input))


def _complex_softsign(x: Array) -> Array:
    return in_one_loop(x, x / (1 + jnp.abs(x)))


def _softsign_grad2(x: Array) -> Array:
    root = 1 / (1 + jnp.abs(x))
    return -2 * jnp.sign(x) * root * root * root


@with_derivative(_softsign_grad2)
def _softsign_grad(x: Array) -> Array:
    t = magnitude(x)
    return jnp.where(t < jnp.inf, 1 / (1 + t * (2 + t)), jnp.nan)


@with_derivative(_softsign_grad)
def _softsign(x: Array) -> Array:
    return in_one_loop(x, x / (1 + jnp.abs(x)))


@op()
def softsign(input: ArrayLike) -> Array:
    """softsign(x) = x / (1 + |x|).

    The derivative at 0 is 1. At +-inf the value and the derivative are nan, as in torch.

    Args:
        input: [...], dimensionless; floating or complex; integers become float32.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not an array, or is boolean (DtypeError).

    Source:
        Bergstra et al. 2009; torch.nn.functional.softsign, torch 2.13.
    """
    x = as_inexact("softsign", "input", input)
    if is_complex(x):
        return _complex_softsign(x)
    return _softsign(x)


def _hardsigmoid_grad(x: Array) -> Array:
    return jnp.where((x > -3) & (x < 3), jnp.full_like(x, 1 / 6), 0)


@with_derivative(_hardsigmoid_grad)
def _hardsigmoid(x: Array) -> Array:
    return jnp.where(x <= -3, 0, jnp.where(x >= 3, 1, (x + 3) / 6))


@op()
def hardsigmoid(input: ArrayLike) -> Array:
    """hardsigmoid(x) = min(max(x + 3, 0), 6) / 6.

    The derivative at -3 and at 3 is 0. Between them it is 1/6 in every dtype; torch's float64
    derivative is 1/6 rounded to float32.

    Args:
        input: [...], dimensionless; floating.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Courbariaux et al. 2015; torch.nn.functional.hardsigmoid, torch 2.13.
    """
    return _hardsigmoid(as_floating("hardsigmoid", "input", input))
