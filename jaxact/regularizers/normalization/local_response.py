"""Local response normalization: division by a power of neighbouring channels."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating, check_axis
from jaxact._norms import least_sum_of_squares
from jaxact._numbers import compute_dtype, is_number
from jaxact._op import op, program
from jaxact._rules import rematerialized
from jaxact.errors import ArgumentValueError, InvalidTypeError, InvalidValueError
from jaxact.regularizers.normalization._parameters import check_numbers

__all__ = ["local_response_norm"]


@op(static=("size", "channel_axis"), compiled=False)
def local_response_norm(
    input: ArrayLike,
    size: int,
    alpha: ArrayLike = 1e-4,
    beta: ArrayLike = 0.75,
    k: ArrayLike = 1.0,
    *,
    channel_axis: int = 1,
) -> Array:
    """local_response_norm(x)_c = x_c / (k + alpha / size Σ_j x_j²)^beta, j near c.

    j runs from c - size // 2 to c + (size - 1) // 2 over the channels that exist; the sum is
    divided by size also at the borders. It is a sum of sums of 1, 2, 4, ... channels: a long window
    costs no more than a few short ones, and nothing cancels. No square overflows (in float32 torch
    gives 0 for x = 1e20, in float16 for x = 300).

    Args:
        input: [n, c, ...], x, any unit; floating, of 3 dimensions or more.
        size: how many channels a window has.
        alpha: [], unit of 1 / input²: dimensionless for dimensionless input.
        beta: [], dimensionless; the exponent, 0.75 by default.
        k: [], dimensionless; what the sum is added to. At 0, windows of zeros give nan.
        channel_axis: the axis of the channels.

    Returns:
        [n, c, ...], unit and dtype of input; nan where the sum is negative and beta is no integer.

    Raises:
        ValueError: if input has fewer than 3 dimensions or size is not positive.
        TypeError: if input is no floating array (DtypeError), size no int, or alpha, beta or k no
            number.
        IndexError: if there is no channel_axis.

    Source:
        Krizhevsky et al. 2012; torch.nn.functional.local_response_norm, torch 2.13.
    """
    _check_size(size, input)
    check_numbers("local_response_norm", alpha=alpha, beta=beta, k=k)
    return _local_response_norm(input, size, alpha, beta, k, channel_axis, _root_of(beta))


def _check_size(size: object, input: ArrayLike) -> None:
    if isinstance(size, bool) or not isinstance(size, int | np.integer):
        raise InvalidTypeError(
            f"local_response_norm: size must be an int, got {type(size).__name__}"
        )
    if size < 1 and np.size(input):
        raise ArgumentValueError(f"local_response_norm: size must be positive, got {size}")


@program(static=("size", "channel_axis", "exponent"))
def _local_response_norm(
    input: ArrayLike,
    size: int,
    alpha: ArrayLike,
    beta: ArrayLike,
    k: ArrayLike,
    channel_axis: int,
    exponent: float | None,
) -> Array:
    x = as_array("local_response_norm", "input", input)
    if x.ndim < 3:
        raise InvalidValueError(
            f"local_response_norm: input must have at least 3 dimensions, got {x.ndim}"
        )
    axis = check_axis("local_response_norm", channel_axis, x.ndim)
    if not x.size:
        return x
    x = as_floating("local_response_norm", "input", x)
    wide = compute_dtype(x.dtype)
    numbers = [jnp.asarray(number).astype(wide) for number in (alpha, beta, k)]

    def normalized(x: Array, alpha: Array, beta: Array, k: Array) -> Array:
        wider = x.astype(wide)
        window, power = _window(wider, size, axis), _inverse_power(exponent)
        return _normalized(wider, alpha / size, beta, k, window, power).astype(x.dtype)

    return rematerialized(normalized)(x, *numbers)


def _window(x: Array, size: int, axis: int) -> Callable[[Array], Array]:
    """A function that sums over each channel's window."""
    channels = x.shape[axis]
    before, after = min(size // 2, channels - 1), min((size - 1) // 2, channels - 1)
    padding = [(0, 0)] * x.ndim
    padding[axis] = (before, after)

    def part(array: Array, start: int, length: int) -> Array:
        return lax.slice_in_dim(array, start, start + length, axis=axis)

    def summed(terms: Array) -> Array:
        sums, width = jnp.pad(terms, padding), 1
        total, covered = None, 0
        remaining = before + after + 1
        while remaining:
            if remaining & width:
                piece = part(sums, covered, channels)
                total = piece if total is None else total + piece
                covered, remaining = covered + width, remaining - width
            if remaining:
                length = sums.shape[axis] - width
                sums, width = part(sums, 0, length) + part(sums, width, length), 2 * width
        assert total is not None
        return total

    return summed


def _normalized(
    x: Array,
    alpha: Array,
    beta: Array,
    k: Array,
    window: Callable[[Array], Array],
    power: Callable[[Array, Array], Array],
) -> Array:
    """x / (k + alpha Σ x²)^beta."""
    squares = window(x * x)
    half = np.finfo(x.dtype).maxexp // 2
    middle, large = 2.0**half, 2.0 ** (half + half // 2)
    # Below it, squares that underflow would be missed.
    least = least_sum_of_squares(x.dtype, x.size)

    def plain(x: Array, squares: Array) -> Array:
        return x * power(k + alpha * squares, beta)

    def scaled(x: Array, squares: Array) -> Array:
        # Neither a square that is no number, nor a slope in the sum that vanishes.
        small = k + alpha * squares < least
        there = (squares < large) | ((squares < jnp.inf) & (alpha * squares < middle))
        there &= ~small
        # What is not chosen is computed from numbers that give it no nan gradient.
        near = plain(jnp.where(there, x, 0), jnp.where(there, squares, 0))
        # Large numbers are scaled down; where there are none, small ones are scaled up.
        upwards = jnp.all(squares < large)
        unit = jnp.where(upwards, 1 / middle, middle)
        chosen = jnp.where(upwards & (jnp.abs(x) >= 1), 0, x)
        least_k = jnp.where(upwards & ~small, 0, k)
        # The barrier keeps XLA from squaring the unit alone, which gives 0 times infinity.
        part, k_part = lax.optimization_barrier((chosen / unit, least_k / unit))
        terms = k_part / unit + alpha * window(part * part)
        root = unit * jnp.sqrt(jnp.where(there, 1, terms))
        return jnp.where(there, near, x * _inverse_power(None)(root, 2 * beta))

    fits = jnp.all((squares < large) & (k + alpha * squares >= least))
    # Recomputed, or what the one branch keeps for its gradient the other has to fill with zeros.
    return cast(Array, lax.cond(fits, rematerialized(plain), rematerialized(scaled), x, squares))


@functools.cache
def _inverse_power(exponent: float | None) -> Callable[[Array, Array], Array]:
    """A function that gives base^-exponent, with one power for the value and the slope.

    Args:
        exponent: if Python knows it and roots give the power: they are several times faster.
    """

    @jax.custom_jvp
    def value(base: Array, power: Array) -> Array:
        match exponent:
            case 0.5:
                return 1 / jnp.sqrt(base)
            case 0.75:
                root = jnp.sqrt(base)
                return 1 / (root * jnp.sqrt(root))
            case _:
                return jnp.power(base, -power)

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
        base, power = primals
        base_dot, power_dot = tangents
        found = value(base, power)
        slopes: list[Array] = []
        if not isinstance(base_dot, SymbolicZero):
            # In this order: found / base may be too small for a number.
            slopes.append(found * (power / base * base_dot))
        if not isinstance(power_dot, SymbolicZero):
            slopes.append(found * jnp.log(base) * power_dot)
        return found, -functools.reduce(jnp.add, slopes)

    value.defjvp(rule, symbolic_zeros=True)
    return value


def _root_of(beta: object) -> float | None:
    """The exponent if it is known and has code of its own."""
    return float(beta) if is_number(beta) and beta in (0.5, 0.75) else None
