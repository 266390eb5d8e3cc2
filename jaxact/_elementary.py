"""Elementary functions in float32 and float64: within about 1 ulp, vectorized, differentiable.

XLA's own exp, expm1, log1p, tanh and erfc cost three to nine memory passes on a CPU, and none of
them accepts an argument with more digits than the dtype has. The functions here share one argument
reduction and short polynomials (`_coefficients.py`), so a whole activation fuses into one pass.

All functions take arrays that are already float32 or float64. An argument named `low` is the low
part of the argument before it: the digits that the high part cannot hold. No function
differentiates with respect to `low`.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxact._coefficients import FLOAT32, FLOAT64, Coefficients, Factored

# Some functions carry 2^WIDE exp(-t), because exp(-t) can underflow although x exp(-t) does not.
WIDE = 32

_SPLIT_MASK = {"float32": 0xFFFFF000, "float64": 0xFFFFFFFFF8000000}


def coefficients(x: Array) -> Coefficients:
    """The constants of x's dtype."""
    return FLOAT64 if x.dtype == jnp.float64 else FLOAT32


def constant(x: Array, value: float) -> np.floating:
    """`value` in x's dtype, so that its precision does not depend on weak types or the x64 flag."""
    return x.dtype.type(value)


def sign(x: Array) -> Array:
    """1 or -1; 0 for 0 and, as in torch, for nan, where jnp.sign is nan."""
    return jnp.where(x > 0, jnp.ones_like(x), jnp.where(x < 0, -1, 0))


def in_one_loop(x: Array, result: Array) -> Array:
    """The result, which must be nan where x is nan, passed through a select.

    XLA on CPUs hands a sum of sums, products and quotients to a library, which makes an array of
    every operand: the sum of `logsigmoid` took 14 loops instead of 3. A select is not handed over.
    """
    return jnp.where(x == x, result, x)


def polynomial(c: Sequence[float], x: Array) -> Array:
    """sum_k c[k] x^k by Horner's rule."""
    total = jnp.full_like(x, c[-1])
    for a in reversed(c[:-1]):
        total = total * x + constant(x, a)
    return total


def factored(form: Factored, t: Array) -> Array:
    """A function that crosses zero, evaluated from the distance to its root.

    This keeps the relative accuracy near the root.
    """
    distance = constant(t, form.root) - t
    return distance * polynomial(form.quotient, distance) + constant(t, form.rest)


def near(form: Factored, t: Array) -> Array:
    """Where t is close enough to the root for `factored`."""
    return lax.abs(t - constant(t, form.root)) < constant(t, form.width)


@jax.custom_jvp
def magnitude(x: Array) -> Array:
    """|x|, with the derivative +1 at 0, matching the branches on `x < 0` below."""
    return lax.abs(x)


@magnitude.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return magnitude(x), jnp.where(x < 0, -t, t)


def split(x: Array) -> tuple[Array, Array]:
    """x = high + low, where high has half the bits.

    Bits are masked, because compilers contract the additions of the usual splitting.
    """
    word = jnp.uint64 if x.dtype == jnp.float64 else jnp.uint32
    bits = lax.bitcast_convert_type(x, word) & word(_SPLIT_MASK[x.dtype.name])
    high = lax.bitcast_convert_type(bits, x.dtype)
    return high, x - high


def _power_of_two(n: Array, offset: int) -> Array:
    """2^(n + offset) for an integral n, if the power is normal; 0 for the next lower exponent."""
    double = n.dtype == jnp.float64
    word, mantissa, bias = (jnp.uint64, 52, 1023) if double else (jnp.uint32, 23, 127)
    shifted = n + constant(n, 1.5 * 2.0**mantissa)  # moves n into the low bits
    bits = lax.bitcast_convert_type(shifted, word) + word(bias + offset)
    return lax.bitcast_convert_type(lax.shift_left(bits, word(mantissa)), n.dtype)


def _lowest_exponent(x: Array, offset: int) -> int:
    return (1023 if x.dtype == jnp.float64 else 127) + offset


def _reduce(t: Array, low: Array | None, offset: int) -> tuple[Array, Array]:
    """n, p with exp(-(t + low)) = 2^n (1 + p), t >= 0; n stops where 2^(n + offset) becomes 0."""
    c = coefficients(t)
    # Stop a quarter early: then p > 0 at the limit, and 0 keeps its sign in products with 1 + p.
    last = (_lowest_exponent(t, offset) - 0.25) * float(np.log(2))
    t = minimum_propagating_nan(t, last)
    n = lax.round(t * constant(t, -1 / np.log(2)), lax.RoundingMethod.TO_NEAREST_EVEN)
    rest = n * constant(t, c.ln2_low)
    r = (-t - n * constant(t, c.ln2_high)) - (rest if low is None else rest + low)
    return n, r + r * r * polynomial(c.exp, r)


def _exp_neg(t: Array, low: Array | None, offset: int) -> Array:
    n, p = _reduce(t, low, offset)
    return _power_of_two(n, offset) * (1 + p)


@jax.custom_jvp
def exp_neg(t: Array, low: Array | None = None) -> Array:
    """exp(-(t + low)) for t >= 0 and |low| < 2^-9 t; 0 where the result would be subnormal."""
    return _exp_neg(t, low, 0)


@jax.custom_jvp
def exp_neg_scaled(t: Array, low: Array | None = None) -> Array:
    """2^WIDE exp(-(t + low)), nonzero down to exp(-t) = 2^-158 in float32."""
    return _exp_neg(t, low, WIDE)


@jax.custom_jvp
def expm1_neg(t: Array, low: Array | None = None) -> Array:
    """expm1(-(t + low)) for t >= 0 and |low| < 2^-9 t."""
    n, p = _reduce(t, low, 0)
    scale = _power_of_two(n, 0)
    return scale * p + (scale - 1)


@exp_neg.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    e = exp_neg(*primals)
    return e, -e * tangents[0]


@exp_neg_scaled.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    e = exp_neg_scaled(*primals)
    return e, -e * tangents[0]


@expm1_neg.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    return expm1_neg(*primals), -exp_neg(*primals) * tangents[0]


@jax.custom_jvp
def mul_exp_neg_scaled(a: Array, t: Array, low: Array | None = None) -> Array:
    """2^WIDE a exp(-(t + low)), with one rounding less than a times `exp_neg_scaled`."""
    n, p = _reduce(t, low, WIDE)
    scaled = a * _power_of_two(n, WIDE)
    return scaled + scaled * p


@mul_exp_neg_scaled.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    a, t, low = primals
    out = mul_exp_neg_scaled(a, t, low)
    return out, mul_exp_neg_scaled(tangents[0], t, low) - out * tangents[1]


def exp_neg_split(t: Array, low: Array | None = None) -> tuple[Array, Array]:
    """s, p with exp(-(t + low)) = s + s p, for sums that need the exponential unrounded.

    Autodiff treats s as a constant: derivatives are correct only for expressions in s + s p.
    """
    n, p = _reduce(t, low, WIDE)
    return unscale(_power_of_two(n, WIDE)), p


def unscale(wide: Array) -> Array:
    """Removes the factor 2^WIDE."""
    return wide * constant(wide, 2.0**-WIDE)


def product(x: Array, factor: Array | float) -> tuple[Array, Array | None]:
    """x factor = high + low; low serves as the low part of an exponent, 0 where |high| >= 2^10."""
    high = x * factor
    if _is_power_of_two(factor):
        return high, None
    (x_high, x_low), (f_high, f_low) = split(x), split(jnp.asarray(factor, x.dtype))
    low = ((x_high * f_high - high) + x_high * f_low + x_low * f_high) + x_low * f_low
    return high, _exponent_low(high, low)


def ratio(x: Array, divisor: Array | float) -> tuple[Array, Array | None]:
    """x / divisor = high + low, with low as in `product`."""
    high = x / divisor
    if _is_power_of_two(divisor):
        return high, None
    (q_high, q_low), (d_high, d_low) = split(high), split(jnp.asarray(divisor, x.dtype))
    rest = ((x - q_high * d_high) - q_high * d_low - q_low * d_high) - q_low * d_low
    return high, _exponent_low(high, rest / divisor)


def _is_power_of_two(value: Array | float) -> bool:
    """Whether the value is a number known while tracing whose products are exact."""
    return isinstance(value, int | float) and abs(math.frexp(value)[0]) == 0.5


def _exponent_low(high: Array, low: Array) -> Array:
    return lax.stop_gradient(jnp.where(lax.abs(high) < 1024, low, 0))


@jax.custom_jvp
def log1p_unit(e: Array) -> Array:
    """log(1 + e) = 2 atanh(e / (2 + e)) for 0 <= e <= 1, arranged to be accurate near underflow."""
    s = e / (1 + e / 2)
    v = s * s / 4
    return s + s * (v * (polynomial(coefficients(e).log1p, v) / 2))


@log1p_unit.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    (e,), (t,) = primals, tangents
    return log1p_unit(e), t / (1 + e)


def one_plus_squared(e: Array) -> Array:
    """(1 + e)^2 for 0 <= e <= 1, with a single significant rounding."""
    return 1 + e * (2 + e)


def minimum_propagating_nan(t: Array, limit: float) -> Array:
    """min(t, limit), but nan stays nan."""
    return jnp.where(t > limit, constant(t, limit), t)


def half_square(t: Array) -> tuple[Array, Array]:
    """t^2 / 2 = high + low; rounding t^2 / 2 would cost exp(-t^2 / 2) 40 ulp in the tail."""
    high, low = split(t)
    square = t * t / 2
    return square, lax.stop_gradient((high * high / 2 - square) + low * (t + high) / 2)


def tail_polynomial(c: Sequence[float], t: Array) -> Array:
    """A polynomial in k / (t + k) - 1/4, for smooth functions of 0 <= t <= 64 that have a limit."""
    k = coefficients(t).tail_shift
    return polynomial(c, constant(t, k) / (t + constant(t, k)) - constant(t, 0.25))


# ------------------------------------------------------------------ the logistic function's family


@jax.custom_jvp
def logistic(x: Array, low: Array | None = None) -> Array:
    """1 / (1 + exp(-(x + low)))."""
    e = exp_neg(lax.abs(x), low_of_abs(x, low))
    return jnp.where(x < 0, e, 1) / (1 + e)


@logistic.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    return logistic(*primals), logistic_grad(*primals) * tangents[0]


def logistic_grad(x: Array, low: Array | None = None) -> Array:
    """The derivative of `logistic`, free of the cancellation in y (1 - y)."""
    e = exp_neg(magnitude(x), low_of_abs(x, low))
    return e / one_plus_squared(e)


@jax.custom_jvp
def gate(a: Array, z: Array, low: Array | None = None) -> Array:
    """a / (1 + exp(-(z + low))) for any a, also where the exponential by itself would underflow."""
    t, low = lax.abs(z), low_of_abs(z, low)
    return jnp.where(z < 0, mul_exp_neg(a, t, low), a) / (1 + unscale(exp_neg_scaled(t, low)))


@gate.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    a, z, low = primals
    t, t_low = magnitude(z), low_of_abs(z, low)
    slope = mul_exp_neg(a, t, t_low) / one_plus_squared(unscale(exp_neg_scaled(t, t_low)))
    return gate(a, z, low), logistic(z, low) * tangents[0] + slope * tangents[1]


def mul_exp_neg(a: Array, t: Array, low: Array | None) -> Array:
    """a exp(-(t + low)) for any a; applies the factor 2^WIDE only where it cannot overflow."""
    wide = exp_neg_scaled(t, low)
    far = t > 64
    scaled = a * jnp.where(far, wide, unscale(wide))
    return scaled * jnp.where(far, constant(t, 2.0**-WIDE), 1)


def low_of_abs(x: Array, low: Array | None) -> Array | None:
    """The low part of |x|, from the low part of x."""
    return None if low is None else jnp.where(x < 0, -low, low)
