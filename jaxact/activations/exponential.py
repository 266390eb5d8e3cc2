"""Activations with an exponential negative side: elu, celu, selu."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_floating, held_by_input, real_parameter
from jaxact._elementary import (
    constant,
    exp_neg,
    exp_neg_scaled,
    expm1_neg,
    low_of_abs,
    magnitude,
    ratio,
    unscale,
)
from jaxact._numbers import is_number
from jaxact._op import op
from jaxact._rules import with_derivative

__all__ = ["celu", "elu", "selu"]

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _elu_grad2(x: Array, alpha: Array | float) -> Array:
    return jnp.where(x < 0, alpha * exp_neg(jnp.abs(x)), 0)


@with_derivative(_elu_grad2)
def _elu_grad(x: Array, alpha: Array | float) -> Array:
    return jnp.where(x > 0, 1, alpha * exp_neg(jnp.abs(x)))


@with_derivative(_elu_grad)
def _elu(x: Array, alpha: Array | float) -> Array:
    return jnp.where(x >= 0, x, alpha * expm1_neg(jnp.abs(x)))


@op(checks={("input", "alpha"): held_by_input("alpha", wide=True)})
def elu(input: ArrayLike, alpha: ArrayLike = 1.0) -> Array:
    """elu(x) = x if x > 0 else alpha (e^x - 1).

    The derivative at 0 is alpha.

    Args:
        input: [...], dimensionless; floating.
        alpha: [] or broadcastable to input, dimensionless; -alpha is the limit at -inf; 1 by
            default.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Clevert et al. 2016; torch.nn.functional.elu, torch 2.13.
    """
    return _elu(as_floating("elu", "input", input), alpha)


def _celu_exponential(x: Array, alpha: Array | float) -> Array:
    """e^(x / alpha) for x <= 0, else 1."""
    z, low = ratio(jnp.where(x > 0, 0, x), alpha)
    e = exp_neg(magnitude(z), low_of_abs(z, low))
    return e if _is_positive(alpha) else jnp.where(z > 0, 1 / e, e)


def _celu_grad2(x: Array, alpha: Array | float) -> Array:
    return jnp.where(x < 0, _celu_exponential(x, alpha) / alpha, 0)


@with_derivative(_celu_grad2)
def _celu_grad(x: Array, alpha: Array | float) -> Array:
    return jnp.where(x > 0, 1, _celu_exponential(x, alpha))


def _is_positive(alpha: Array | float) -> bool:
    """Whether alpha is known to be positive while tracing, so x / alpha < 0 for x < 0."""
    return is_number(alpha) and bool(alpha > 0)


@with_derivative(_celu_grad)
def _celu(x: Array, alpha: Array | float) -> Array:
    z, low = ratio(jnp.where(x > 0, 0, x), alpha)
    t, low = magnitude(z), low_of_abs(z, low)
    below = expm1_neg(t, low)
    if not _is_positive(alpha):
        # for z > 0: e^z - 1 = -(e^-z - 1) / e^-z
        below = -below / jnp.where(z > 0, exp_neg(t, low), -1)
        below = jnp.where(alpha == 0, jnp.nan, below)
    out = alpha * below
    if not (is_number(alpha) and alpha == 1):
        # x / alpha may underflow although x does not.
        out = jnp.where(t < constant(t, 2.0**-60), x, out)
    return jnp.where(x >= 0, x, out)


@op(
    checks={
        "alpha": real_parameter(lambda alpha: alpha != 0, "not be 0"),
        ("input", "alpha"): held_by_input("alpha", wide=True),
    }
)
def celu(input: ArrayLike, alpha: ArrayLike = 1.0) -> Array:
    """celu(x) = x if x > 0 else alpha (e^(x / alpha) - 1).

    The derivative at 0 is 1 for every alpha.

    Args:
        input: [...], dimensionless; floating.
        alpha: [] or broadcastable to input, dimensionless; -alpha is the limit at -inf; 1 by
            default.

    Returns:
        [...], dimensionless, dtype of input; nan below 0 where a traced alpha is 0.

    Raises:
        ArgumentValueError: if alpha is a number and is 0.
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Barron 2017; torch.nn.functional.celu, torch 2.13.
    """
    return _celu(as_floating("celu", "input", input), alpha)


def _selu_exponential(x: Array) -> Array:
    return unscale(_SELU_SCALE * _SELU_ALPHA * exp_neg_scaled(jnp.abs(x)))


def _selu_grad2(x: Array) -> Array:
    return jnp.where(x < 0, _selu_exponential(x), 0)


@with_derivative(_selu_grad2)
def _selu_grad(x: Array) -> Array:
    return jnp.where(x > 0, _SELU_SCALE, _selu_exponential(x))


@with_derivative(_selu_grad)
def _selu(x: Array) -> Array:
    negative = _SELU_SCALE * _SELU_ALPHA * expm1_neg(jnp.abs(x))
    return jnp.where(x >= 0, _SELU_SCALE * x, negative)


@op()
def selu(input: ArrayLike) -> Array:
    """selu(x) = s x if x > 0 else s a (e^x - 1).

    s = 1.0507009873554805 and a = 1.6732632423543772. The derivative at 0 is s a.

    Args:
        input: [...], dimensionless; floating.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Klambauer et al. 2017; torch.nn.functional.selu, torch 2.13.
    """
    return _selu(as_floating("selu", "input", input))
