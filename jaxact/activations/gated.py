"""Activations that multiply their input by a gate: gelu, silu, swish, mish, hardswish, glu."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxact._arguments import (
    as_array,
    as_floating,
    check_axis,
    integer,
    is_complex,
    one_of,
    per_channel,
)
from jaxact._elementary import (
    coefficients,
    constant,
    exp_neg_scaled,
    exp_neg_split,
    factored,
    gate,
    half_square,
    in_one_loop,
    logistic,
    low_of_abs,
    magnitude,
    minimum_propagating_nan,
    mul_exp_neg,
    mul_exp_neg_scaled,
    near,
    one_plus_squared,
    polynomial,
    product,
    split,
    tail_polynomial,
    unscale,
)
from jaxact._numbers import compute_dtype
from jaxact._op import op
from jaxact._rules import rematerialized, with_derivative, with_partials
from jaxact.errors import ArgumentValueError, InvalidTypeError

__all__ = ["gelu", "glu", "hardswish", "mish", "silu", "swish"]


def _derivative(slope: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The element-wise derivative, by autodiff."""
    return lambda x: jax.jvp(slope, (x,), (jnp.ones_like(x),))[1]


# -------------------------------------------------------------------------------------------- silu


def _silu_grad2(x: Array, low: Array | None = None) -> Array:
    t = magnitude(x)
    wide = exp_neg_scaled(t)
    e = unscale(wide)
    return unscale(wide * (2 - t * (1 - e) / (1 + e)) / one_plus_squared(e))


@with_derivative(_silu_grad2)
def _silu_grad(x: Array, low: Array | None = None) -> Array:
    t, low = jnp.abs(x), low_of_abs(x, low)
    s, p = exp_neg_split(t, low)
    # Near its zero crossing, all sums in the bracket are exact except the last one.
    bracket = ((1 - t) + s) + (s * p if low is None else s * p - low)
    below = unscale(
        mul_exp_neg_scaled(bracket, t, low) / one_plus_squared(unscale(exp_neg_scaled(t, low)))
    )
    return jnp.where(x < 0, below, 1 - below)


def _complex_silu(x: Array) -> Array:
    return x * lax.logistic(x)


@with_derivative(_silu_grad)
def _silu(x: Array) -> Array:
    return _self_gated(x, x)


@op()
def silu(input: ArrayLike) -> Array:
    """silu(x) = x / (1 + e^-x).

    The value and the derivative keep their digits down to the smallest normal number (x = -91.8 in
    float32). As in torch, the value at -inf and the derivative at +-inf are nan.

    Args:
        input: [...], dimensionless; floating or complex.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not a floating or complex array (DtypeError).

    Source:
        Elfwing et al. 2018; torch.nn.functional.silu, torch 2.13.
    """
    x = as_floating("silu", "input", input)
    if is_complex(x):
        return _complex_silu(x)
    return _silu(x)


def _self_gated(x: Array, z: Array, low: Array | None = None) -> Array:
    """x / (1 + e^-z); z must grow with x, so that x 2^WIDE e^-|z| cannot overflow."""
    t, t_low = jnp.abs(z), low_of_abs(z, low)
    e = unscale(exp_neg_scaled(t, t_low))
    return in_one_loop(x, jnp.where(x < 0, unscale(mul_exp_neg_scaled(x, t, t_low)), x) / (1 + e))


def _swish_grad(x: Array, beta: Array | float) -> Array:
    z, low = product(x, beta)
    within = jnp.where(jnp.abs(x) < jnp.inf, jnp.clip(z, -4096, 4096), z)
    return _silu_grad(within, low)


@with_derivative(_swish_grad)
def _swish(x: Array, beta: Array | float) -> Array:
    return in_one_loop(x, gate(x, *product(x, beta)))


@op()
def swish(input: ArrayLike, beta: ArrayLike = 1.0) -> Array:
    """swish(x) = x / (1 + e^(-beta x)), with a learnable beta.

    Args:
        input: [...] or [n, c, ...], dimensionless; floating.
        beta: [] or [1], or [c] along axis 1, dimensionless; 1 (silu) by default.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        ArgumentValueError: if beta has more than one axis, or its length differs from input's
            axis 1.
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Ramachandran et al. 2017; torch has only the case beta = 1, torch.nn.functional.silu, torch
        2.13.
    """
    x = as_floating("swish", "input", input)
    return _swish(x, per_channel("swish", "beta", x, as_array("swish", "beta", beta)))


# -------------------------------------------------------------------------------------------- gelu

_CUBIC = 0.044715
_LINEAR = float(np.sqrt(8 / np.pi))


def _gelu_grad2(x: Array) -> Array:
    inner = minimum_propagating_nan(jnp.abs(x), 64)
    density = constant(x, 1 / np.sqrt(2 * np.pi))
    return unscale(mul_exp_neg_scaled(density * (2 - inner * inner), *half_square(inner)))


@with_derivative(_gelu_grad2)
def _gelu_grad(x: Array) -> Array:
    form, t = coefficients(x).gelu_slope, jnp.abs(x)
    inner = minimum_propagating_nan(t, 64)
    distance = constant(t, form.root) - t
    scaled = distance * tail_polynomial(form.quotient, inner) + constant(t, form.rest)
    below = unscale(mul_exp_neg_scaled(scaled, *half_square(inner)))
    return jnp.where(x < 0, below, 1 - below)


@with_derivative(_gelu_grad)
def _gelu(x: Array) -> Array:
    c, t = coefficients(x), jnp.abs(x)
    inner = minimum_propagating_nan(t, 64)
    body = t * polynomial(c.gaussian_body, t - 0.5)
    scaled = jnp.where(t < 1, body, tail_polynomial(c.gaussian_tail, inner))
    part = unscale(mul_exp_neg_scaled(scaled, *half_square(inner)))  # |x| Phi(-|x|)
    # Subtract part from x in halves: part by itself may underflow.
    out = jnp.where(x < 0, -part, x * 0.5 + (x * 0.5 - part))
    return jnp.where(x == -jnp.inf, jnp.nan, out)


def _cubic(t: Array) -> tuple[Array, Array]:
    """z(t) = sqrt(8/pi) (t + 0.044715 t^3) and its rounding error, for 0 <= t <= 24."""
    t_high, t_low = split(t)
    high, low = _cubic_factor(t)
    z = t * (constant(t, _LINEAR) + constant(t, _LINEAR * _CUBIC) * (t * t))
    return z, lax.stop_gradient((t_high * high - z) + (t_low * high + t * low))


def _cubic_grad(t: Array) -> tuple[Array, Array]:
    """z'(t) = 3 z / t - 2 sqrt(8/pi) in two parts; the first has half the digits."""
    linear_high, linear_low = coefficients(t).tanh_gelu_linear
    factor_high, factor_low = _cubic_factor(t)
    high, low = split(3 * factor_high - constant(t, 2 * linear_high))
    return high, low + (3 * factor_low - constant(t, 2 * linear_low))


def _cubic_factor(t: Array) -> tuple[Array, Array]:
    """z(t) / t in two parts; the first has half the digits."""
    linear, linear_rest = (constant(t, c) for c in coefficients(t).tanh_gelu_linear)
    cubic, cubic_rest = (constant(t, c) for c in coefficients(t).tanh_gelu_cubic)
    t_high, t_low = split(t)
    square = split(t_high * t_high)[0]
    square_rest = (t_high * t_high - square) + t_low * (t + t_high)
    high = split(constant(t, _LINEAR) + constant(t, _LINEAR * _CUBIC) * (t * t))[0]
    rest = linear_rest + (cubic * square_rest + cubic_rest * (t * t))
    return high, ((linear - high) + cubic * square) + rest


def _tanh_gelu_grad_smooth(x: Array) -> Array:
    t = magnitude(x)
    z, low = _cubic(t)
    e = unscale(exp_neg_scaled(z, low))
    steep = constant(t, _LINEAR) * (1 + constant(t, 3 * _CUBIC) * t * t)
    below = unscale(mul_exp_neg_scaled((1 + e) - t * steep, z, low) / one_plus_squared(e))
    return jnp.where(x < 0, below, 1 - below)


def _tanh_gelu_grad2(x: Array) -> Array:
    return _derivative(_tanh_gelu_grad_smooth)(jnp.clip(x, -24, 24))


@with_derivative(_tanh_gelu_grad2)
def _tanh_gelu_grad(x: Array) -> Array:
    t = jnp.abs(x)
    inner = minimum_propagating_nan(t, 24)
    z, low = _cubic(inner)
    s, p = exp_neg_split(z, low)
    # 1 + e - t z'(t); near its zero crossing all sums are exact except the last one.
    steep, steep_low = _cubic_grad(inner)
    high, rest = split(inner)
    bracket = ((1 - high * steep) + s) + (s * p - (rest * steep + inner * steep_low))
    below = unscale(
        mul_exp_neg_scaled(bracket, z, low) / one_plus_squared(unscale(exp_neg_scaled(z, low)))
    )
    return jnp.where(t < jnp.inf, jnp.where(x < 0, below, 1 - below), jnp.nan)


@with_derivative(_tanh_gelu_grad)
def _tanh_gelu(x: Array) -> Array:
    z, low = _cubic(minimum_propagating_nan(jnp.abs(x), 24))
    return _self_gated(x, jnp.copysign(z, x), low_of_abs(x, low))


@op(
    static=("approximate",),
    checks={
        "approximate": one_of("none", "tanh", error=ArgumentValueError, no_text=InvalidTypeError)
    },
)
def gelu(input: ArrayLike, approximate: Literal["none", "tanh"] = "none") -> Array:
    """gelu(x) = x Phi(x), or x / (1 + e^(-sqrt(8/pi) (x + 0.044715 x^3))) for "tanh".

    The value and the derivative keep their digits in the whole negative tail (torch's float32 has
    an error of 20 % at -5 and is 0 below -5.5). As in torch, the value at -inf and the derivative
    at +-inf are nan.

    Args:
        input: [...], dimensionless; floating.
        approximate: "none" uses the normal distribution function Phi, "tanh" its approximation.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        ArgumentValueError: if approximate is neither "none" nor "tanh".
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Hendrycks & Gimpel 2016; torch.nn.functional.gelu, torch 2.13.
    """
    formula = _gelu if approximate == "none" else _tanh_gelu
    return formula(as_floating("gelu", "input", input))


# -------------------------------------------------------------------------------------------- mish


def _mish_grad_smooth(x: Array) -> Array:
    return _mish_grad_of(x, lambda t, general: general)


def _mish_grad_of(x: Array, rescaled: Callable[[Array, Array], Array]) -> Array:
    """The derivative: e^x rescaled(-x) for x < 0, else 1 plus a quotient of polynomials in e^-x."""
    t = magnitude(x)
    u = unscale(exp_neg_scaled(t))
    left = x < 0
    numerator = jnp.where(
        left,
        -u * ((x + 0.5) * (1 + 2 * u) + u * u * ((x + 0.75) + u * (x + 1) / 4)),
        u * u * ((x - 0.5) + u * ((x - 1) - u)),
    )
    # Use the quotient only once: XLA would materialize an expensive value that has two uses.
    general = jnp.where(left, x + 1, 1) + 4 * numerator / _mish_denominator(left, u) ** 2
    return jnp.where(left, unscale(mul_exp_neg_scaled(rescaled(-x, general), t)), general)


def _mish_denominator(left: Array, u: Array) -> Array:
    return jnp.where(left, (u * u + 2 * u) + 2, (1 + 2 * u) + 2 * u * u)


@with_derivative(_derivative(_mish_grad_smooth))
def _mish_grad(x: Array) -> Array:
    form = coefficients(x).mish_slope
    return _mish_grad_of(x, lambda t, general: jnp.where(near(form, t), factored(form, t), general))


@with_derivative(_mish_grad)
def _mish(x: Array) -> Array:
    t = jnp.abs(x)
    u = unscale(exp_neg_scaled(t))
    left = x < 0
    correction = jnp.where(left, u + u * u, 2 * u * u) / _mish_denominator(left, u)
    return in_one_loop(x, jnp.where(left, unscale(mul_exp_neg_scaled(x, t)), x) * (1 - correction))


@op()
def mish(input: ArrayLike) -> Array:
    """mish(x) = x tanh(log(1 + e^x)).

    The computation needs no logarithm: tanh(log(1 + e^x)) = 1 - 2 / ((1 + e^x)^2 + 1). As in torch,
    the value at -inf and the derivative at +-inf are nan.

    Args:
        input: [...], dimensionless; floating.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Misra 2019; torch.nn.functional.mish, torch 2.13.
    """
    return _mish(as_floating("mish", "input", input))


# ------------------------------------------------------------------------------- hardswish and glu


def _hardswish_grad(x: Array) -> Array:
    return jnp.where(x <= -3, 0, jnp.where(x >= 3, 1, (2 * x + 3) / 6))


@with_derivative(_hardswish_grad)
def _hardswish(x: Array) -> Array:
    inside = x * (x + 3) / 6
    return jnp.where(x >= 3, x, jnp.where(x <= -3, x * 0, inside))


@op()
def hardswish(input: ArrayLike) -> Array:
    """hardswish(x) = x min(max(x + 3, 0), 6) / 6.

    The derivative is 0 at -3 and 1 at 3. As in torch, the value at -inf is nan.

    Args:
        input: [...], dimensionless; floating.

    Returns:
        [...], dimensionless, dtype of input.

    Raises:
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Howard et al. 2019; torch.nn.functional.hardswish, torch 2.13.
    """
    return _hardswish(as_floating("hardswish", "input", input))


def _gated_by_a(a: Array, b: Array) -> Array:
    return logistic(b)


def _gated_by_b(a: Array, b: Array) -> Array:
    t = magnitude(b)
    return mul_exp_neg(a, t, None) / one_plus_squared(unscale(exp_neg_scaled(t)))


@with_partials(_gated_by_a, _gated_by_b, summed=False)
def _gated(a: Array, b: Array) -> Array:
    return in_one_loop(b, gate(a, b))


@op(static=("dim",), checks={"dim": integer})
def glu(input: ArrayLike, dim: int = -1) -> Array:
    """glu(x) = a / (1 + e^-b), where a and b are the halves of x along dim.

    The only residual of the backward pass is x.

    Args:
        input: [..., 2 k, ...], dimensionless; floating.
        dim: the axis to halve, the last by default.

    Returns:
        [..., k, ...], dimensionless, dtype of input.

    Raises:
        IndexError: if dim is out of range.
        ArgumentValueError: if input is 0-d or has an odd length along dim.
        TypeError: if input is not a floating array (DtypeError).

    Source:
        Dauphin et al. 2017; torch.nn.functional.glu, torch 2.13.
    """
    x = as_floating("glu", "input", input)
    if x.ndim == 0:
        raise ArgumentValueError("glu: input must have at least one axis, got a 0-d array")
    axis = check_axis("glu", dim, x.ndim)
    if x.shape[axis] % 2:
        raise ArgumentValueError(
            f"glu: input must have an even length along dim {dim}, got shape {x.shape}"
        )

    def halves_gated(x: Array) -> Array:
        a, b = jnp.split(x.astype(compute_dtype(x.dtype)), 2, axis)
        return _gated(a, b).astype(x.dtype)

    return rematerialized(halves_gated)(x)
