"""Regression losses: functions of the difference between a prediction and its target."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_real, known_reduction, real_number_with
from jaxact._checking import nan_unless
from jaxact._elementary import sign
from jaxact._op import op
from jaxact._rules import with_derivative_in_difference
from jaxact._warnings import warn_of_broadcasting
from jaxact.errors import ArgumentTypeError, ArgumentValueError, DtypeError, InvalidValueError
from jaxact.losses._elementwise import broadcast, number, promoted, refuse_booleans, widened
from jaxact.losses._reductions import Reduction, apply_reduction

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


@op(
    static=("reduction",),
    checks={"reduction": known_reduction, ("input", "target"): warn_of_broadcasting},
)
def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: Reduction = "mean",
    weight: ArrayLike | None = None,
) -> Array:
    """l1_loss(x, t) = weight |x - t|.

    The derivative is 0 where x = t and where the difference is nan. Shapes that differ are
    broadcast with a UserWarning.

    Args:
        input: [...], any unit; floating, complex, or integer unless reduction is "mean".
        target: [...], unit of input; broadcastable with input.
        reduction: "mean" divides by the number of elements or, if weight is given, by the sum of
            the weights; "sum"; "none".
        weight: shape of input, [...], dimensionless. None weights all equally.

    Returns:
        [], or with "none" the broadcast shape, [...]; unit of input; the dtype that the arguments
        promote to, or its real counterpart if that is complex; float32 for a mean of integers.

    Raises:
        TypeError: if an argument is not an array or is boolean, or if the arguments are integers
            without a weight and reduction is "mean" (ArgumentTypeError).
        ValueError: if shapes do not broadcast, weight does not have input's shape, or reduction is
            unknown.

    Source:
        torch.nn.functional.l1_loss, torch 2.13.
    """
    x, t = as_array("l1_loss", "input", input), as_array("l1_loss", "target", target)
    refuse_booleans("l1_loss", input=x, target=t)
    # torch broadcasts before it promotes, so no 0-d array is left for the rule in `promoted`.
    dtype = jnp.promote_types(x.dtype, t.dtype)
    shape = x.shape
    x, t = broadcast("l1_loss", input=x, target=t)
    if jnp.issubdtype(dtype, jnp.integer):
        if reduction == "mean" and weight is None:
            raise ArgumentTypeError(
                f"l1_loss: reduction 'mean' needs floating arguments, got {dtype.name}"
            )
        losses = jnp.abs(x.astype(dtype) - t.astype(dtype))
    elif jnp.issubdtype(dtype, jnp.complexfloating):
        losses = jnp.abs(x - t)
        dtype = losses.dtype
    else:
        losses = _absolute(*widened(dtype, x, t))
    return _weighed_mean("l1_loss", losses, shape, weight, reduction, dtype)


def _absolute_grad(x: Array, t: Array) -> Array:
    return sign(x - t)


@with_derivative_in_difference(_absolute_grad)
def _absolute(x: Array, t: Array) -> Array:
    return jnp.abs(x - t)


@op(
    static=("reduction",),
    checks={"reduction": known_reduction, ("input", "target"): warn_of_broadcasting},
)
def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: Reduction = "mean",
    weight: ArrayLike | None = None,
) -> Array:
    """mse_loss(x, t) = weight (x - t)^2.

    Shapes that differ are broadcast with a UserWarning. optax.l2_loss is half of this loss.

    Args:
        input: [...], any unit; floating, or integer if target is floating or weight is given.
        target: [...], unit of input; broadcastable with input.
        reduction: "mean" divides by the number of elements or, if weight is given, by the sum of
            the weights; "sum"; "none".
        weight: shape of input, [...], dimensionless. None weights all equally.

    Returns:
        [], or with "none" the broadcast shape, [...]; unit of input squared (any unit); the dtype
        that the arguments promote to; float32 for a mean of integers.

    Raises:
        TypeError: if an argument is not an array, if one is boolean beside a weight, or if without
            a weight neither input nor target is floating (DtypeError).
        ValueError: if shapes do not broadcast, weight does not have input's shape, or reduction is
            unknown.

    Source:
        torch.nn.functional.mse_loss, torch 2.13.
    """
    if weight is not None:
        # Only torch's kernel without weights takes them; it does not take integers.
        arrays = {"input": input, "target": target}
        refuse_booleans("mse_loss", **{n: as_array("mse_loss", n, x) for n, x in arrays.items()})
    dtype, shape, (x, t) = _operands("mse_loss", input, target, integers=weight is not None)
    return _weighed_mean("mse_loss", jnp.square(x - t), shape, weight, reduction, dtype)


@op(
    static=("reduction",),
    checks={
        "reduction": known_reduction,
        "beta": real_number_with(lambda beta: beta >= 0, "not be negative"),
        ("input", "target"): warn_of_broadcasting,
    },
)
def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: Reduction = "mean",
    beta: ArrayLike = 1.0,
) -> Array:
    """smooth_l1_loss(x, t) = d^2 / (2 beta) where |d| < beta, else |d| - beta / 2; d = x - t.

    The derivative rises from -1 at d = -beta to 1 at d = beta. With beta = 0 this is l1_loss.
    Shapes that differ are broadcast with a UserWarning.

    Args:
        input: [...], any unit; floating, or integer if target is floating.
        target: [...], unit of input; broadcastable with input.
        reduction: "mean" divides by the number of elements; "sum"; "none".
        beta: [], unit of input; the |d| at which the parabola ends, 1 by default. A nan or negative
            traced beta gives nan.

    Returns:
        [], or with "none" the broadcast shape, [...]; unit of input; the dtype that input and
        target promote to.

    Raises:
        TypeError: if an argument is of the wrong kind, or neither input nor target is floating
            (DtypeError).
        ValueError: if shapes do not broadcast, beta is negative, or reduction is unknown.

    Source:
        Girshick, "Fast R-CNN", 2015; torch.nn.functional.smooth_l1_loss, torch 2.13.
    """
    dtype, _, (x, t) = _operands("smooth_l1_loss", input, target)
    width = number("smooth_l1_loss", "beta", beta, dtype)
    losses = nan_unless(
        _smooth(x, t, width),
        width >= 0,
        ArgumentValueError,
        "smooth_l1_loss: beta must not be negative, got {value}",
        width,
    )
    return apply_reduction(losses, reduction, dtype)


def _smooth_grad(x: Array, t: Array, beta: Array) -> Array:
    d = x - t
    # As in torch, a nan difference has the derivative nan if beta > 0; jnp.sign keeps the nan.
    outside = jnp.where(beta == 0, sign(d), jnp.sign(d))
    return jnp.where(jnp.abs(d) < beta, d / _divisor(beta), outside)


def _smooth_along_beta(x: Array, t: Array, beta: Array) -> Array:
    d = x - t
    return jnp.where(jnp.abs(d) < beta, jnp.square(d / _divisor(beta)), 1) / -2


@with_derivative_in_difference(_smooth_grad, _smooth_along_beta)
def _smooth(x: Array, t: Array, beta: Array) -> Array:
    # No select between two formulas: with one XLA would not vectorize a sum over the result. Divide
    # before squaring, because the square may overflow.
    a = jnp.abs(x - t)
    within = jnp.minimum(a, beta)
    return jnp.minimum(a / _divisor(beta), 1) * (a - within / 2)


def _divisor(beta: Array) -> Array:
    """beta, but the least normal number instead of 0: quotients exceed 1, except 0, never nan."""
    return jnp.where(beta == 0, np.finfo(beta.dtype).tiny, beta)


@op(
    static=("reduction",),
    checks={
        "reduction": known_reduction,
        "delta": real_number_with(lambda delta: delta > 0, "be positive"),
        ("input", "target"): warn_of_broadcasting,
    },
)
def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: Reduction = "mean",
    delta: ArrayLike = 1.0,
    weight: ArrayLike | None = None,
) -> Array:
    """huber_loss(x, t) = weight (d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2)).

    Here d = x - t. Where |d| = delta, the derivative is +-delta and the second derivative 0. This
    loss is delta times smooth_l1_loss. Shapes that differ are broadcast with a UserWarning.

    Args:
        input: [...], any unit; floating.
        target: [...], unit of input; broadcastable with input.
        reduction: "mean" divides by the number of elements, whatever their weights; "sum"; "none".
        delta: [], unit of input; the |d| at which the parabola ends, 1 by default. A traced delta
            that is not positive gives nan.
        weight: shape of input, [...], dimensionless. None weights all equally.

    Returns:
        [], or with "none" the broadcast shape, [...]; unit of input squared (any unit); the dtype
        of input, promoted with the dtype of weight, whatever the dtype of target.

    Raises:
        TypeError: if an argument is of the wrong kind, or input is not floating (DtypeError).
        ValueError: if shapes do not broadcast, weight does not have input's shape, delta is not
            positive, or reduction is unknown.

    Source:
        Huber, "Robust Estimation of a Location Parameter", 1964;
        torch.nn.functional.huber_loss, torch 2.13.
    """
    wide, shape, (x, t) = _operands("huber_loss", input, target)
    dtype = as_array("huber_loss", "input", input).dtype
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ArgumentTypeError(f"huber_loss: input must be floating, got {dtype.name}")
    width = number("huber_loss", "delta", delta, wide)
    losses = nan_unless(
        _huber(x, t, width),
        width > 0,
        ArgumentValueError,
        "huber_loss: delta must be positive, got {value}",
        width,
    )
    losses, dtype, _ = _weighed("huber_loss", losses, shape, weight, dtype)
    return apply_reduction(losses, reduction, dtype)


def _huber_grad(x: Array, t: Array, delta: Array) -> Array:
    d = x - t
    return jnp.where(jnp.abs(d) < delta, d, delta * jnp.sign(d))


def _huber_along_delta(x: Array, t: Array, delta: Array) -> Array:
    d = x - t
    return jnp.where(jnp.abs(d) < delta, 0, jnp.abs(d) - delta)


@with_derivative_in_difference(_huber_grad, _huber_along_delta)
def _huber(x: Array, t: Array, delta: Array) -> Array:
    a = jnp.abs(x - t)
    within = jnp.minimum(a, delta)
    return within * (a - within / 2)


# ----------------------------------------------------------------------------------------- shared


def _operands(
    function: str, input: ArrayLike, target: ArrayLike, *, integers: bool = False
) -> tuple[jnp.dtype, tuple[int, ...], list[Array]]:
    """The dtype that both promote to, input's shape, and both arrays, ready to be subtracted."""
    x, t = as_real(function, "input", input), as_real(function, "target", target)
    dtype = jnp.promote_types(x.dtype, t.dtype)
    if not (integers or jnp.issubdtype(dtype, jnp.floating)):
        raise DtypeError(f"{function}: input or target must be floating, got {dtype.name}")
    return dtype, x.shape, widened(dtype, *broadcast(function, input=x, target=t))


def _weighed(
    function: str,
    losses: Array,
    shape: tuple[int, ...],
    weight: ArrayLike | None,
    dtype: jnp.dtype,
) -> tuple[Array, jnp.dtype, Array | None]:
    """The losses times their weights, the dtype of the result, and the weights."""
    if weight is None:
        return losses, dtype, None
    w = as_real(function, "weight", weight)
    if w.shape != shape:
        raise InvalidValueError(
            f"{function}: weight must have input's shape {shape}, got {w.shape}"
        )
    dtype = promoted(losses.astype(dtype), w)
    losses, w = widened(dtype, losses, w)
    return losses * w, dtype, w


def _weighed_mean(
    function: str,
    losses: Array,
    shape: tuple[int, ...],
    weight: ArrayLike | None,
    reduction: Reduction,
    dtype: jnp.dtype,
) -> Array:
    """The reduced losses; "mean" divides by the sum of the weights if they are given."""
    losses, dtype, w = _weighed(function, losses, shape, weight, dtype)
    if w is None or reduction != "mean":
        return apply_reduction(losses, reduction, dtype)
    floating = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.float32
    return (jnp.sum(losses) / jnp.sum(w)).astype(floating)
