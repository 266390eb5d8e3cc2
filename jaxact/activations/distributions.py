"""The softmax family: probability distributions along one axis."""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike, DTypeLike

from jaxact._arguments import as_array, as_floating, axis, check_axis, dtype_or_none, flag, integer
from jaxact._flat_draws import flat_gumbel
from jaxact._keys import random_key
from jaxact._numbers import compute_dtype
from jaxact._op import op
from jaxact._rules import rematerialized, with_rule
from jaxact._warnings import warn
from jaxact.errors import DtypeError, InvalidIndexError, InvalidValueError

__all__ = ["gumbel_softmax", "log_softmax", "softmax", "softmax2d", "softmin"]

_AlongAxis = Callable[[Array, int], Array]


def _warn_without_axis(function: str, dim: object) -> None:
    if dim is None:
        warn(f"{function}: the implicit choice of dim is deprecated; say dim=0 or dim=1")


_along_one_axis = functools.partial(
    op,
    static=("dim", "dtype"),
    checks={"dim": axis, "dtype": dtype_or_none, ("dim",): _warn_without_axis},
)


def _argument(
    name: str, input: ArrayLike, dim: int | None, dtype: DTypeLike | None
) -> tuple[Array, int]:
    """The input, cast to `dtype` if that is given, and the axis, counted from the front."""
    x = as_array(name, "input", input)
    x = as_floating(name, "dtype" if dtype is not None else "input", _cast(x, dtype))
    implicit = 0 if x.ndim in (0, 1, 3) else 1
    return x, check_axis(name, implicit if dim is None else dim, x.ndim)


def _cast(x: Array, dtype: DTypeLike | None) -> Array:
    return x if dtype is None else x.astype(dtype)


def _widened(x: Array) -> Array:
    return x.astype(compute_dtype(x.dtype))


def _below_maximum(x: Array, axis: int) -> Array:
    """max(x) - x >= 0 along the axis; nan where x is nan, and at infinite maxima."""
    wide = _widened(x)
    top = jnp.max(wide, axis, keepdims=True, initial=-jnp.inf)
    # If x is itself a product, XLA may fuse the product and the subtraction and not round x first;
    # then x can exceed its maximum. The minimum prevents that. x comes second: of two operands
    # XLA's minimum may return the second if one is nan (jax 0.10.2, in long sums on CPUs).
    return top - jnp.minimum(top, wide)


def _softmax_rule(
    axis: int, primals: Sequence[Array], tangents: Sequence[Array]
) -> tuple[Array, Array]:
    def pushforward(y: Array, t: Array) -> Array:
        p, wide = _widened(y), _widened(t)
        return (p * (wide - jnp.sum(p * wide, axis, keepdims=True))).astype(y.dtype)

    y = _softmax(primals[0], axis)
    return y, rematerialized(pushforward)(y, tangents[0])


@with_rule(_softmax_rule, static=(1,))
def _softmax(x: Array, axis: int) -> Array:
    # XLA computes its own exponential once; it would fuse our formula into the sum a second time.
    e = jnp.exp(-_below_maximum(x, axis))
    return (e / jnp.sum(e, axis, keepdims=True)).astype(x.dtype)


def _log_softmax_rule(
    axis: int, primals: Sequence[Array], tangents: Sequence[Array]
) -> tuple[Array, Array]:
    def pushforward(x: Array, t: Array) -> Array:
        p, wide = _softmax(_widened(x), axis), _widened(t)
        return (wide - jnp.sum(p * wide, axis, keepdims=True)).astype(x.dtype)

    return _log_softmax(primals[0], axis), rematerialized(pushforward)(primals[0], tangents[0])


@with_rule(_log_softmax_rule, static=(1,))
def _log_softmax(x: Array, axis: int) -> Array:
    gap = _below_maximum(x, axis)
    # log(1 + s), where s is the sum without one maximum: confident rows keep the digits of s.
    e = jnp.exp(-gap)
    others = _total(jnp.where(e == 1, 0, e), axis)
    maxima = jnp.round(_total(e, axis) - others)
    return -(gap + jnp.log1p(others + (maxima - 1))).astype(x.dtype)


def _total(x: Array, axis: int) -> Array:
    """sum(x) as a matrix product, which XLA vectorizes on CPUs even if it fuses the inputs."""
    ones = jnp.ones(x.shape[axis], x.dtype)
    total = jnp.tensordot(x, ones, (axis, 0), precision=jax.lax.Precision.HIGHEST)
    return jnp.expand_dims(total, axis)


def _along(function: _AlongAxis, x: Array, axis: int) -> Array:
    """Applies the function along the axis; a 0-d array counts as a vector of one element."""
    return function(x.reshape(1), 0).reshape(()) if x.ndim == 0 else function(x, axis)


@_along_one_axis()
def softmax(
    input: ArrayLike,
    dim: int | None = None,
    dtype: DTypeLike | None = None,
) -> Array:
    """softmax(x)_i = e^x_i / sum_j e^x_j along dim.

    A row gives nan if it is all -inf or contains inf or nan. The only residual of the backward
    pass is the output.

    Args:
        input: [...], nats; floating, or of any dtype if `dtype` is given.
        dim: the axis; None warns and selects axis 0 for inputs of 0, 1 or 3 axes, else axis 1.
        dtype: the dtype that input is cast to first; None keeps input's dtype.

    Returns:
        [...], dimensionless, dtype of input or `dtype`; sums to 1 along dim.

    Raises:
        IndexError: if dim is out of range.
        TypeError: if input is not an array, or its dtype or `dtype` is not floating (DtypeError).

    Source:
        Bridle 1990; torch.nn.functional.softmax, torch 2.13.
    """
    return _along(_softmax, *_argument("softmax", input, dim, dtype))


@_along_one_axis()
def log_softmax(
    input: ArrayLike,
    dim: int | None = None,
    dtype: DTypeLike | None = None,
) -> Array:
    """log_softmax(x)_i = x_i - log sum_j e^x_j along dim.

    Confident rows keep their digits: for logits (20, 0) the first result is -2.06e-9; torch's
    float32 gives -0. A row gives nan if it is all -inf or contains inf or nan.

    Args:
        input: [...], nats; floating, or of any dtype if `dtype` is given.
        dim: the axis; None warns and selects axis 0 for inputs of 0, 1 or 3 axes, else axis 1.
        dtype: the dtype that input is cast to first; None keeps input's dtype.

    Returns:
        [...], nats, dtype of input or `dtype`.

    Raises:
        IndexError: if dim is out of range.
        TypeError: if input is not an array, or its dtype or `dtype` is not floating (DtypeError).

    Source:
        Bridle 1990; torch.nn.functional.log_softmax, torch 2.13.
    """
    return _along(_log_softmax, *_argument("log_softmax", input, dim, dtype))


@_along_one_axis()
def softmin(
    input: ArrayLike,
    dim: int | None = None,
    dtype: DTypeLike | None = None,
) -> Array:
    """softmin(x)_i = e^-x_i / sum_j e^-x_j along dim.

    If `dtype` is given, the input is cast before the negation (torch negates uint8 first, which
    wraps around).

    Args:
        input: [...], nats; floating, or of any numeric dtype if `dtype` is given.
        dim: the axis; None warns and selects axis 0 for inputs of 0, 1 or 3 axes, else axis 1.
        dtype: the dtype that input is cast to first; None keeps input's dtype.

    Returns:
        [...], dimensionless, dtype of input or `dtype`; sums to 1 along dim.

    Raises:
        IndexError: if dim is out of range.
        TypeError: if input is not an array, or is boolean, or its dtype or `dtype` is not floating
            (DtypeError).

    Source:
        torch.nn.functional.softmin, torch 2.13.
    """
    if as_array("softmin", "input", input).dtype == jnp.bool_:
        raise DtypeError("softmin: input must be a number to change its sign, got bool")
    x, axis = _argument("softmin", input, dim, dtype)
    return _along(_softmax, -x, axis)


@op()
def softmax2d(input: ArrayLike) -> Array:
    """softmax2d(x)_c = e^x_c / sum_k e^x_k over the channels, at each position.

    Args:
        input: [n, c, h, w] or [c, h, w], nats; floating.

    Returns:
        [n, c, h, w] or [c, h, w], dimensionless, dtype of input; sums to 1 along the channels.

    Raises:
        ValueError: if input does not have three or four axes.
        TypeError: if input is not a floating array (DtypeError).

    Source:
        torch.nn.Softmax2d, torch 2.13.
    """
    x = as_floating("softmax2d", "input", input)
    if x.ndim not in (3, 4):
        raise InvalidValueError(f"softmax2d: input must have 3 or 4 axes, got shape {x.shape}")
    return _softmax(x, x.ndim - 3)


def _warn_of_epsilon(function: str, eps: object) -> None:
    if eps != 1e-10:
        warn(f"{function}: eps has no effect")


@op(
    static=("hard", "eps", "dim"),
    checks={"hard": flag, "dim": integer, ("eps",): _warn_of_epsilon, "key": random_key},
)
def gumbel_softmax(
    logits: ArrayLike,
    tau: ArrayLike = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    key: Array,
) -> Array:
    """gumbel_softmax(x) = softmax((x + g) / tau), with g = -log(-log U) drawn for each element.

    The backward pass draws the same noise again instead of keeping it as a residual.

    Args:
        logits: [...], nats; floating.
        tau: [], dimensionless; the temperature, 1 by default; 0 gives nan.
        hard: whether to return the exact one-hot vector of the largest element, with the gradient
            of the soft result (straight-through).
        eps: has no effect; a value other than 1e-10 warns.
        dim: the axis, the last by default.
        key: a JAX random key.

    Returns:
        [...], dimensionless, dtype of logits; sums to 1 along dim.

    Raises:
        IndexError: if dim is out of range, or hard is True and dim has length 0.
        TypeError: if key is missing, or if logits is not a floating array (DtypeError).

    Source:
        Jang et al. 2017, Maddison et al. 2017; torch.nn.functional.gumbel_softmax, torch 2.13.
    """
    x = as_floating("gumbel_softmax", "logits", logits)
    axis = check_axis("gumbel_softmax", dim, x.ndim)
    if hard and x.ndim and not x.shape[axis]:
        raise InvalidIndexError(
            f"gumbel_softmax: logits must have elements along dim {dim} to choose one of, got "
            f"shape {x.shape}"
        )
    wide = compute_dtype(x.dtype)

    def relaxed(x: Array, tau: Array) -> Array:
        noise = flat_gumbel(key, x.shape, wide)
        scores = (x.astype(wide) + noise) / tau.astype(wide)
        return _along(_softmax, scores, axis).astype(x.dtype)

    soft = rematerialized(relaxed)(x, as_array("gumbel_softmax", "tau", tau))
    if hard:
        return _one_hot_of_largest(soft, axis) + (soft - jax.lax.stop_gradient(soft))
    return soft


def _one_hot_of_largest(soft: Array, axis: int) -> Array:
    if soft.ndim == 0:
        return jnp.ones_like(soft)
    index = jnp.argmax(soft, axis, keepdims=True)
    return (jax.lax.broadcasted_iota(index.dtype, soft.shape, axis) == index).astype(soft.dtype)
