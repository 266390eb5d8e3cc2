"""Euclidean norms with the gradient 0 at 0, accurate even if squares overflow or underflow.

Usually one pass over the data is enough: the sum of squares itself shows, compared with
`least_sum_of_squares`, whether squares overflowed or too many underflowed. Only in that case a
slower path scales the numbers first. The variants differ in what counts as one vector:

- `norm`, `euclidean`: the last axis of an array or of a difference, which is not materialized;
- `unit_vectors`: any axes of an array, which is divided by the norm;
- `unit_norms`: any axes of each of many arrays. One branch serves all arrays: an accelerator
  would have to synchronize at each branch;
- `norm_of_all`: many arrays as one vector.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxact._norms.quotients import quotient, shortening
from jaxact._norms.scaling import all_hold, least_sum_of_squares, rescue
from jaxact._rules import traced_once


def norm(x: Array, squared: float = 0.0) -> Array:
    """[...], √(Σ x_i² + squared) over the last axis of x, [..., d]; a zero norm has gradient 0."""
    return euclidean(squared)(x)


@functools.cache
def euclidean(squared: float) -> Callable[..., Array]:
    """The function that gives the norm of `joined(*parts)`."""

    @jax.custom_jvp
    @traced_once()
    def value(*parts: Array) -> Array:
        x = joined(*parts)
        total = jnp.sum(x * x, axis=-1) + squared
        if not x.shape[-1]:
            # XLA on CPUs folds the branch below into nan for a single vector without components.
            return jnp.sqrt(total)
        least = least_sum_of_squares(x.dtype, x.shape[-1])
        plain = all_hold((total >= least) & (total < jnp.inf))

        # The branch recomputes the difference from its parts, because XLA materializes the
        # arguments of a branch.
        scaled = functools.partial(_scaled_difference_norm, parts, squared, total)
        return cast(Array, jax.lax.cond(plain, functools.partial(jnp.sqrt, total), scaled))

    @value.defjvp
    def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
        length = value(*primals)
        slope = quotient(joined(*primals), jnp.where(length == 0, 1, length)[..., None])
        return length, jnp.sum(slope * joined(*tangents), axis=-1)

    return value


def joined(x: Array, *others: Array) -> Array:
    """x if it is the only part, x1 - x2 + eps for three parts."""
    return x - others[0] + others[1] if others else x


def _scaled_difference_norm(parts: tuple[Array, ...], squared: float, total: Array) -> Array:
    """The norm whose square, `total`, overflowed or underflowed in some vectors."""
    x = joined(*parts)
    scale = rescue(total, least_sum_of_squares(x.dtype, x.shape[-1]))
    squares = jnp.sum(jnp.square(x * scale[..., None]), axis=-1)
    if squared:
        # Not for 0: XLA would make it 0 times the square of the scale, which is infinite.
        squares += jnp.square(math.sqrt(squared) * scale)
    return jnp.sqrt(squares) / scale


def unit_vectors(x: Array, least: Array, axes: Sequence[int]) -> Array:
    """[...], x / max(√(Σ x²), least), where the sum is over the axes.

    Where the norm is below `least`, the gradient is that of x / least. No intermediate overflows
    or underflows. Where both the norm and `least` are 0, the result is nan.
    """
    return _unit_along(tuple(axes))(x, least)[0]


def with_vectors_last(x: Array, axes: Sequence[int]) -> Array:
    """The array with the axes moved to the end and merged into one."""
    others = [i for i in range(x.ndim) if i not in axes]
    shape = (*(x.shape[i] for i in others), math.prod(x.shape[i] for i in axes))
    return jnp.transpose(x, (*others, *sorted(axes))).reshape(shape)


@functools.cache
def _unit_along(axes: tuple[int, ...]) -> Callable[[Array, Array], tuple[Array, Array, Array]]:
    """The function that returns the unit vectors, the divisors, and 1 where a divisor is the norm.

    First and second derivatives need only these three results, neither a square root nor x.
    """

    @jax.custom_jvp
    def unit(x: Array, least: Array) -> tuple[Array, Array, Array]:
        length, scale = _scaled_length(x, least, axes)
        # For a nan norm the comparison is False.
        below = length < least * scale
        divisor = jnp.where(below, least * scale, length)
        is_norm = jnp.where(below, 0, jnp.ones_like(divisor))
        return x * scale / divisor, divisor / scale, is_norm

    @unit.defjvp
    def _(
        primals: Sequence[Array], tangents: Sequence[Array]
    ) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
        y, divisor, is_norm = unit(*primals)
        x_dot, least_dot = tangents
        along = jnp.sum(y * x_dot, axis=axes, keepdims=True)
        divisor_dot = is_norm * along + (1 - is_norm) * least_dot
        y_dot = quotient(x_dot - y * divisor_dot, divisor)
        return (y, divisor, is_norm), (y_dot, divisor_dot, jnp.zeros_like(is_norm))

    return unit


def _scaled_length(x: Array, least: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """√(Σ (scale x)²) over the axes, kept with length 1, and the scale, which is 1 for most x."""
    total = jnp.sum(x * x, axis=axes, keepdims=True)
    small = least_sum_of_squares(x.dtype, x.size // max(total.size, 1))
    # An inaccurate norm does no harm if `least` exceeds it: then `least` is the divisor.
    right = (total < jnp.inf) & ((total >= small) | (least > 2 * math.sqrt(small)))
    ones = jnp.ones_like(total)

    def rescaled() -> tuple[Array, Array]:
        scale = jnp.where(right, 1, rescue(total, small))
        squares = jnp.sum(jnp.square(x * scale), axis=axes, keepdims=True)
        return jnp.sqrt(squares), scale

    def plain() -> tuple[Array, Array]:
        return jnp.sqrt(total), ones

    return cast(tuple[Array, Array], jax.lax.cond(all_hold(right), plain, rescaled))


Axes = tuple[tuple[int, ...], ...]
Norms = Callable[[Sequence[Array]], list[Array]]


def unit_norms(arrays: Sequence[Array], axes: Axes) -> list[Array]:
    """The norms of each array over its axes, kept with length 1; gradient 0 at 0.

    A unit whose squares all underflow (components below 1e-19 in float32) counts as zero.
    Distinguishing it from zero would cost one more pass over every array that contains zeros.

    Args:
        arrays: float32 or float64 arrays.
        axes: for each array, the axes that make up one unit.
    """
    return _unit_norms_over(axes)(list(arrays)) if arrays else []


@functools.cache
def _unit_norms_over(axes: Axes) -> Norms:
    @jax.custom_jvp
    def norms(arrays: Sequence[Array]) -> list[Array]:
        found = [_checked_total(x, a) for x, a in zip(arrays, axes, strict=True)]
        totals = [total for total, _ in found]

        def scaled() -> list[Array]:
            each = zip(arrays, axes, totals, strict=True)
            return [_rescaled_total(x, a, total) for x, a, total in each]

        plain = _all_of([fine for _, fine in found])
        squares = cast(list[Array], jax.lax.cond(plain, lambda: totals, scaled))
        each = zip(arrays, totals, squares, strict=True)
        return [_root(x, total, square) for x, total, square in each]

    @norms.defjvp
    def _(
        primals: tuple[Sequence[Array]], tangents: tuple[Sequence[Array]]
    ) -> tuple[list[Array], list[Array]]:
        (arrays,), (directions,) = primals, tangents
        lengths = norms(arrays)
        steps = [
            _step(x, d, length, a)
            for x, d, length, a in zip(arrays, directions, lengths, axes, strict=True)
        ]
        return lengths, steps

    return cast(Norms, norms)


@jax.custom_jvp
def norm_of_all(arrays: Sequence[Array]) -> Array:
    """[], the norm of all arrays taken as one vector; gradient 0 at the zero vector.

    Args:
        arrays: at least one float32 or float64 array.
    """
    dtype = np.dtype(jnp.result_type(*(x.dtype for x in arrays)))
    arrays = [lax.convert_element_type(x, dtype) for x in arrays]
    total = _sum([_sum_of_squares(x) for x in arrays])
    least = least_sum_of_squares(dtype, sum(x.size for x in arrays))
    plain = (total >= least) & (total < jnp.inf)

    def scaled() -> Array:
        scale = rescue(total, least)
        return jnp.sqrt(_sum([_sum_of_squares(lax.mul(x, scale)) for x in arrays])) / scale

    return cast(Array, jax.lax.cond(plain, lambda: jnp.sqrt(total), scaled))


@norm_of_all.defjvp
def _(primals: tuple[Sequence[Array]], tangents: tuple[Sequence[Array]]) -> tuple[Array, Array]:
    (arrays,), (directions,) = primals, tangents
    length = norm_of_all(arrays)
    # Once for all arrays of a dtype: they are many, and tracing takes time.
    inverses = {dtype: _inverse(length.astype(dtype)) for dtype in {x.dtype for x in arrays}}
    steps = [
        _total(_along(x, d, *inverses[x.dtype])) for x, d in zip(arrays, directions, strict=True)
    ]
    return length, _sum([lax.convert_element_type(step, length.dtype) for step in steps])


# The functions below are traced for each of many arrays. jax.numpy would trace several times as
# long: its promotion and its nested functions cost more than the operations.


def _sum(parts: Sequence[Array]) -> Array:
    return functools.reduce(lax.add, parts)


def _total(x: Array) -> Array:
    return lax.reduce_sum(x, tuple(range(x.ndim)))


def _sum_of_squares(x: Array) -> Array:
    return _total(lax.mul(x, x))


def _inverse(length: Array) -> tuple[Array, Array]:
    """A factor and a divisor, which make x / length of x; 0, with gradient 0, for a length of 0."""
    shorter = shortening(length, length > 0)
    divisor = jnp.where(length == 0, 1, length * shorter)
    return jnp.where(length == 0, 0, shorter), divisor


def _along(x: Array, direction: Array, factor: Array, divisor: Array) -> Array:
    return lax.mul(lax.div(lax.mul(x, factor), divisor), direction)


# The parts of `unit_norms`, for each of many arrays, of which most have one of a few shapes.


@traced_once(static=("axis",))
def _checked_total(x: Array, axis: tuple[int, ...]) -> tuple[Array, Array]:
    """The sums of squares; and whether each is 0, or neither overflowed nor lost squares."""
    total = jnp.sum(x * x, axis=axis, keepdims=True)
    fine = ((total >= _least(x, total)) | (total == 0)) & (total < jnp.inf)
    return total, fine


@traced_once(static=("axis",))
def _rescaled_total(x: Array, axis: tuple[int, ...], total: Array) -> Array:
    """The sums of squares of x times a factor: that which rescues the sums."""
    return jnp.sum(jnp.square(x * _rescue(x, total)), axis=axis, keepdims=True)


@traced_once()
def _root(x: Array, total: Array, squares: Array) -> Array:
    """The norm from the rescued sums of squares; 0 where the sum itself was 0."""
    return jnp.where(total == 0, 0, jnp.sqrt(squares) / _rescue(x, total))


def _rescue(x: Array, total: Array) -> Array:
    return rescue(total, _least(x, total))


@traced_once(static=("axis",))
def _step(x: Array, direction: Array, length: Array, axis: tuple[int, ...]) -> Array:
    """The norm's derivative along the direction: 0, with gradient 0, where the length is 0."""
    factor, divisor = _inverse(length)
    return jnp.sum(x * factor / divisor * direction, axis=axis, keepdims=True)


def _least(x: Array, total: Array) -> float:
    return least_sum_of_squares(total.dtype, x.size // max(total.size, 1))


def _all_of(conditions: Sequence[Array]) -> Array:
    """Whether all are True: one reduction for all arrays of one shape."""
    shapes = dict.fromkeys(condition.shape for condition in conditions)
    return _conjunction(
        [all_hold(_conjunction([c for c in conditions if c.shape == shape])) for shape in shapes]
    )


def _conjunction(conditions: Sequence[Array]) -> Array:
    return functools.reduce(lax.bitwise_and, conditions)
