"""Dropout beyond torch: whole branches, blocks of pixels, weights, Gaussian noise."""

import functools
from typing import Any, Literal, cast, get_args

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating, check_axis
from jaxact._checking import nan_unless
from jaxact._flat_draws import flat_normal
from jaxact._numbers import compute_dtype, is_number
from jaxact._op import op, program
from jaxact._rules import rematerialized
from jaxact.errors import ArgumentValueError, InvalidTypeError, InvalidValueError
from jaxact.random import TorchGenerator
from jaxact.regularizers.dropouts._factors import (
    check_probability,
    is_random,
    known_probability,
    threshold,
)
from jaxact.regularizers.dropouts._masks import Key, Shape, checked_key, masked, random_bits

__all__ = ["drop_path", "dropblock", "dropconnect", "gaussian_dropout"]

_Mode = Literal["row", "batch"]


@op(static=("training", "mode"), compiled=False)
def drop_path(
    input: ArrayLike,
    p: ArrayLike = 0.5,
    training: bool = True,
    *,
    key: Key | None = None,
    mode: _Mode = "row",
) -> Array:
    """drop_path(x, p) = m x / (1 - p), with m = 0 with probability p, else 1, for each sample.

    Stochastic depth, applied to the branch of a residual block: x + drop_path(f(x)). Gradient,
    special values, keys and the array p are those of `dropout`; a TorchGenerator gives what
    torchvision's stochastic_depth draws.

    Args:
        input: [n, ...], any unit; floating.
        p: [], dimensionless; the chance to be dropped, 0.5 by default.
        training: whether to drop anything, as by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is 0 or 1.
        mode: "row" for one m each along axis 0, or "batch" for a single one.

    Returns:
        [n, ...], unit and dtype of input; nan if a traced p is outside [0, 1].

    Raises:
        ValueError: if p is outside [0, 1], or mode is no such one; ArgumentValueError if p is nan
            or has axes, or if input has no axis for rows.
        TypeError: if training without a key, if a TorchGenerator is used in a program, or if input
            is no floating array (DtypeError).

    Source:
        Huang et al. 2016; beyond torch.nn.functional.dropout, torch 2.13.
    """
    if mode not in get_args(_Mode):
        raise InvalidValueError(f"drop_path: mode must be 'row' or 'batch', got {mode!r}")
    drawn = _each_row if mode == "row" else _all_at_once
    return masked("drop_path", input, p, training, key, drawn=drawn)


def _each_row(function: str, shape: Shape) -> Shape:
    if not shape:
        raise ArgumentValueError(f"{function}: input must have an axis of samples, got none")
    return shape[:1] + (1,) * (len(shape) - 1)


def _all_at_once(function: str, shape: Shape) -> Shape:
    return (1,) * len(shape)


@op(static=("training",), compiled=False)
def dropconnect(
    weight: ArrayLike, p: ArrayLike = 0.5, training: bool = True, *, key: Key | None = None
) -> Array:
    """dropconnect(w, p) = m w / (1 - p), with m = 0 with probability p, else 1, for each weight.

    What comes out is the weight for a layer: connections are dropped, and not activations, the same
    ones for all samples of the batch. Under `jax.vmap` over keys each sample has its own. Gradient,
    special values, keys and the array p are those of `dropout`. Without training the weight is that
    of the mean network; the paper draws from a normal distribution there.

    Args:
        weight: [...], any unit; floating.
        p: [], dimensionless; the chance to be dropped, 0.5 by default.
        training: whether to drop anything, as by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is 0 or 1.

    Returns:
        [...], unit and dtype of weight; nan if a traced p is outside [0, 1].

    Raises:
        ValueError: if p is outside [0, 1]; ArgumentValueError if it is nan or has axes.
        TypeError: if training without a key, if a TorchGenerator is used in a program, or if weight
            is no floating array (DtypeError).

    Source:
        Wan et al. 2013; beyond torch.nn.functional.dropout, torch 2.13.
    """
    return masked("dropconnect", weight, p, training, key, argument="weight")


# -------------------------------------------------------------------------------- Gaussian dropout


@op(static=("training",), compiled=False)
def gaussian_dropout(
    input: ArrayLike, p: ArrayLike = 0.5, training: bool = True, *, key: Key | None = None
) -> Array:
    """gaussian_dropout(x, p) = x (1 + s z), z from N(0, 1) for each element, s = sqrt(p / (1 - p)).

    The factor has the mean and the variance of that of `dropout`, and is never exactly 0. The
    gradient is the factor, drawn again in the backward pass. That of an array p is x z ds/dp, which
    is infinite at p = 0. Half precision is computed in float32 and rounded once.

    Args:
        input: [...], any unit; floating.
        p: [], dimensionless; in [0, 1), 0.5 by default: the dropout that this one stands for.
        training: whether to multiply by anything, as by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is the number 0.

    Returns:
        [...], unit and dtype of input; nan if a traced p is outside [0, 1).

    Raises:
        ValueError: if p is outside [0, 1); ArgumentValueError if it is nan or has axes.
        TypeError: if training without a key, if a TorchGenerator is used in a program, or if input
            is no floating array (DtypeError).

    Source:
        Srivastava et al. 2014, section 10; beyond torch.nn.functional.dropout, torch 2.13.
    """
    x = as_array("gaussian_dropout", "input", input)
    check_probability("gaussian_dropout", p)
    if is_number(p) and p == 1:
        raise InvalidValueError("gaussian_dropout: p must be in [0, 1), got 1")
    if not is_random("gaussian_dropout", p, training):
        return x
    x = as_floating("gaussian_dropout", "input", x)
    drawn_from = checked_key("gaussian_dropout", x, key)
    if isinstance(drawn_from, TorchGenerator):
        spread = _spread(np, known_probability("gaussian_dropout", p))
        return x * jnp.asarray(drawn_from.normal(x.shape, 1.0, float(spread), x.dtype))
    if is_number(p):
        return _multiplied(x, drawn_from, _spread(np, float(p)))
    return _multiplied_by_array(x, drawn_from, jnp.asarray(p))


def _spread(m: Any, p: Any) -> Any:
    """Of numpy for a number, which keeps the digits of 1 - p, and of jax for an array."""
    return m.sqrt(p / (1 - p))


@program()
def _multiplied(x: Array, key: Array, spread: Array) -> Array:
    wide = compute_dtype(x.dtype)

    def noised(x: Array, key: Array, spread: Array) -> Array:
        z = flat_normal(key, x.shape, wide)
        return (x * (1 + spread.astype(wide) * z)).astype(x.dtype)

    return rematerialized(noised)(x, key, spread)


@program()
def _multiplied_by_array(x: Array, key: Array, p: Array) -> Array:
    chance = p.astype(compute_dtype(x.dtype))
    message = "gaussian_dropout: p must be in [0, 1), got {value}"
    holds = (chance >= 0) & (chance < 1)
    return _multiplied(
        x, key, _spread(jnp, nan_unless(chance, holds, InvalidValueError, message, chance))
    )


# -------------------------------------------------------------------------------------- DropBlock


@op(static=("block_size", "training", "channel_axis"), compiled=False)
def dropblock(
    input: ArrayLike,
    p: ArrayLike = 0.1,
    block_size: int = 7,
    training: bool = True,
    *,
    key: Key | None = None,
    channel_axis: int = 1,
) -> Array:
    """dropblock(x, p) = m x count(m) / sum(m), m = 0 in blocks of b^d places of a channel, else 1.

    Every place where a whole block fits begins one with the probability
    γ = p Π l / (b^d Π (l - b + 1)), over the lengths l of the d spatial axes, for each sample and
    channel. p is the share that would be dropped if blocks did not overlap: a little less is. The
    sum is over the whole batch; if nothing is kept the result is 0. The gradient is the factor of
    x, drawn again in the backward pass; an array p has the derivative 0. Special values are those
    of `dropout`. A TorchGenerator gives the blocks of torchvision's drop_block2d and drop_block3d,
    which take odd sizes only.

    Args:
        input: [n, c, h, w] or [n, c, d, h, w], or with the channels on another axis, any unit;
            floating.
        p: [], dimensionless; 0.1 by default.
        block_size: b, the length of a block on each spatial axis, 7 by default; at most the
            shortest axis counts.
        training: whether to drop anything, as by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is the number 0.
        channel_axis: 1 by default, -1 for flax's layout; samples are on axis 0.

    Returns:
        [n, c, ...] like input, unit and dtype of input; nan if a traced p is outside [0, 1].

    Raises:
        ValueError: if p is outside [0, 1], or block_size below 1; ArgumentValueError if p is nan or
            has axes, if input has neither 4 nor 5 axes or channel_axis is that of the samples.
        IndexError: if channel_axis is out of range.
        TypeError: if training without a key, if a TorchGenerator is used in a program, if
            block_size is no integer, or if input is no floating array (DtypeError).

    Source:
        Ghiasi et al. 2018; beyond torch.nn.functional.dropout2d, torch 2.13.
    """
    x = as_array("dropblock", "input", input)
    check_probability("dropblock", p)
    axes = _spatial_axes(x, channel_axis)
    _check_block(block_size)
    if not is_random("dropblock", p, training):
        return x
    x = as_floating("dropblock", "input", x)
    drawn_from = checked_key("dropblock", x, key)
    if not x.size:
        return x
    size = min(block_size, *(x.shape[axis] for axis in axes))
    lengths = tuple(size if axis in axes else 1 for axis in range(x.ndim))
    if isinstance(drawn_from, TorchGenerator):
        chance = known_probability("dropblock", p) * _density(x.shape, lengths)
        first = drawn_from.bernoulli(_first_places(x.shape, lengths), chance, x.dtype)
        return _without_blocks(x, jnp.asarray(first) > 0, lengths)
    if is_number(p):
        return _dropped(x, drawn_from, threshold(p * _density(x.shape, lengths)), lengths)
    return _dropped_by_array(x, drawn_from, jnp.asarray(p), lengths)


def _spatial_axes(x: Array, channel_axis: int) -> tuple[int, ...]:
    if x.ndim not in (4, 5):
        raise ArgumentValueError(f"dropblock: input must have 4 or 5 axes, got {x.ndim}")
    channels = check_axis("dropblock", channel_axis, x.ndim)
    if not channels:
        raise ArgumentValueError("dropblock: channel_axis must not be axis 0, the samples'")
    return tuple(axis for axis in range(1, x.ndim) if axis != channels)


def _check_block(block_size: int) -> None:
    if not isinstance(cast(object, block_size), int | np.integer):
        raise InvalidTypeError(f"dropblock: block_size must be an integer, got {block_size!r}")
    if block_size < 1:
        raise InvalidValueError(f"dropblock: block_size must be at least 1, got {block_size}")


def _first_places(shape: Shape, block: Shape) -> Shape:
    """Where a block can begin."""
    return tuple(length - size + 1 for length, size in zip(shape, block, strict=True))


def _density(shape: Shape, block: Shape) -> float:
    """γ / p, which is at most 1."""
    pairs = zip(shape, block, strict=True)
    return float(np.prod([length / (size * (length - size + 1)) for length, size in pairs]))


@program(static=("block",))
def _dropped(x: Array, key: Array, limit: Array, block: Shape) -> Array:
    return _redrawn(x, key, limit, block)


@program(static=("block",))
def _dropped_by_array(x: Array, key: Array, p: Array, block: Shape) -> Array:
    limit = threshold(p * _density(x.shape, block))
    message = "dropblock: p must be in [0, 1], got {value}"
    result = _redrawn(x, key, limit, block)
    return nan_unless(result, (p >= 0) & (p <= 1), InvalidValueError, message, p)


def _redrawn(x: Array, key: Array, limit: Array, block: Shape) -> Array:
    def dropped(x: Array, key: Array, limit: Array) -> Array:
        return _without_blocks(x, random_bits(key, _first_places(x.shape, block)) < limit, block)

    return rematerialized(dropped)(x, key, limit)


def _without_blocks(x: Array, first: Array, block: Shape) -> Array:
    """X without the blocks that begin where `first` is True."""
    axes = (axis for axis, size in enumerate(block) if size > 1)
    inside = functools.reduce(functools.partial(_along, block=block), axes, first)
    kept = jnp.sum(~inside, dtype=jnp.uint32).astype(compute_dtype(x.dtype))
    scale = jnp.where(kept > 0, x.size / jnp.maximum(kept, 1), 0)
    return (x * jnp.where(inside, 0, scale)).astype(x.dtype)


def _along(first: Array, axis: int, block: Shape) -> Array:
    """From the first place of a block to all its places along the axis."""
    window = tuple(size if i == axis else 1 for i, size in enumerate(block))
    padding = [(size - 1, size - 1) for size in window]
    places = lax.reduce_window(
        first.astype(jnp.uint8), np.uint8(0), lax.max, window, (1,) * first.ndim, padding
    )
    return places > 0
