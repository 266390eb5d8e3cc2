"""Binary losses: scores and probabilities against two-sided targets."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_floating, as_real, known_reduction
from jaxact._checking import nan_unless
from jaxact._elementary import exp_neg, logistic, logistic_grad, magnitude, product
from jaxact._op import op
from jaxact._rules import with_partials
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidIndexError
from jaxact.losses._elementwise import (
    broadcast,
    broadcast_into,
    check_same_shape,
    promoted,
    refuse_booleans,
    unshared,
    widened,
)
from jaxact.losses._reductions import Reduction, apply_reduction

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
]

# torch's bounds: on the logarithms, and on the denominator of the derivative. torch rounds the
# latter to float32 in every dtype.
_LOWEST_LOGARITHM = -100
_LOWEST_VARIANCE = float(np.float32(1e-12))


_reduced = op(static=("reduction",), checks={"reduction": known_reduction})


@_reduced
def binary_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Array:
    """binary_cross_entropy(x, t) = -weight (t max(log x, -100) + (1 - t) max(log(1 - x), -100)).

    The derivative in x is (x - t) / max(x (1 - x), 1e-12), even where a logarithm is clipped at
    -100. The derivative in t is log(1 - x) - log x, without clipping. Prefer
    binary_cross_entropy_with_logits: probabilities that round to 0 or 1 have lost their digits.

    Args:
        input: [...], probabilities in [0, 1], dimensionless; floating. Values outside give nan.
        target: shape and dtype of input, [...], in [0, 1], dimensionless. Values outside give nan.
        weight: broadcastable to input, [...], dimensionless. None weights all equally.
        reduction: "mean" divides by the number of elements, whatever their weights; "sum"; "none".

    Returns:
        [], or with "none" the shape of input, [...]; in nats; the dtype of input.

    Raises:
        TypeError: if input is not floating (DtypeError), or target has another dtype
            (ArgumentTypeError).
        ValueError: if shapes do not match, or reduction is unknown; in checked calls if input
            or target is outside [0, 1] (ArgumentValueError).

    Source:
        torch.nn.functional.binary_cross_entropy, torch 2.13.
    """
    name = "binary_cross_entropy"
    x, t = as_real(name, "input", input), as_real(name, "target", target)
    check_same_shape(name, x, t)
    if t.dtype != x.dtype:
        raise ArgumentTypeError(
            f"{name}: target must have the dtype of input, {x.dtype.name}, got {t.dtype.name}"
        )
    dtype = as_floating(name, "input", x).dtype
    x, t = widened(dtype, x, t)
    losses = _in_unit_interval(name, "target", _cross_entropy(x, t), t)
    losses = _in_unit_interval(name, "input", losses, x)
    return apply_reduction(_weighed(name, losses, weight), reduction, dtype)


def _in_unit_interval(function: str, argument: str, losses: Array, values: Array) -> Array:
    return nan_unless(
        losses,
        (values >= 0) & (values <= 1),
        ArgumentValueError,
        f"{function}: {argument} must be in [0, 1], got {{value}}",
        values,
    )


@jax.custom_jvp
def _cross_entropy_grad(x: Array, t: Array) -> Array:
    return (x - t) / jnp.maximum(x * (1 - x), _LOWEST_VARIANCE)


@_cross_entropy_grad.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    x, t = primals
    x_dot, t_dot = tangents
    variance = jnp.maximum(x * (1 - x), _LOWEST_VARIANCE)
    # As in torch, the second derivative leaves out the effect of the bound, which is 1e12 at
    # x = t = 0.
    curvature = (t * jnp.square(1 - x) + (1 - t) * jnp.square(x)) / jnp.square(variance)
    along_t = -1 / variance
    return _cross_entropy_grad(x, t), curvature * x_dot + along_t * t_dot


def _log_odds_grad(x: Array, t: Array) -> Array:
    return -1 / (x * (1 - x))


def _log_odds_along_target(x: Array, t: Array) -> Array:
    return jnp.zeros_like(x)


@with_partials(_log_odds_grad, _log_odds_along_target)
def _log_odds(x: Array, t: Array) -> Array:
    """log(1 - x) - log x, as a single logarithm: a difference of two cancels around 1/2."""
    surplus, rarer = 1 - 2 * x, jnp.abs(jnp.minimum(x, 1 - x))
    return jnp.sign(surplus) * jnp.log1p(jnp.abs(surplus) / rarer)


@with_partials(_cross_entropy_grad, _log_odds)
def _cross_entropy(x: Array, t: Array) -> Array:
    certain = jnp.maximum(jnp.log(x), _LOWEST_LOGARITHM)
    otherwise = jnp.maximum(_log_of_complement(x), _LOWEST_LOGARITHM)
    return (t - 1) * otherwise - t * certain


def _log_of_complement(x: Array) -> Array:
    """log(1 - x)."""
    if x.dtype != jnp.float64:
        return jnp.log1p(-x)
    # XLA's float64 log1p has an error of 120 ulp between -0.41 and -0.29.
    return jnp.where(x < 0.25, jnp.log1p(-x), jnp.log(1 - x))


@_reduced
def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    pos_weight: ArrayLike | None = None,
) -> Array:
    """binary_cross_entropy_with_logits(x, t) = -weight (p t log σ(x) + (1 - t) log σ(-x)).

    The value and the gradient keep all their digits for confident predictions. torch's float32
    value is 0 at x = -20, t = 0 (exact: 2.06e-9), and its gradient is 0 at x = 20, t = 1.

    Args:
        input: [...], x, log-odds in nats; floating. An infinite input whose target is certain of
            the same side gives nan, as in torch.
        target: shape of input, [...], probabilities, dimensionless; floating, of any value.
        weight: broadcastable to input, [...], dimensionless. None weights all equally.
        reduction: "mean" divides by the number of elements, whatever their weights; "sum"; "none".
        pos_weight: broadcastable to input, [...], p, dimensionless, the weight of the positive
            part. None is 1.

    Returns:
        [], or with "none" the shape of input, [...]; in nats; the dtype of target, as in torch.

    Raises:
        TypeError: if input or target is not floating (DtypeError, ArgumentTypeError).
        ValueError: if shapes do not match, or reduction is unknown.

    Source:
        torch.nn.functional.binary_cross_entropy_with_logits, torch 2.13.
    """
    name = "binary_cross_entropy_with_logits"
    x, t = as_floating(name, "input", input), as_real(name, "target", target)
    check_same_shape(name, x, t)
    if not jnp.issubdtype(t.dtype, jnp.floating):
        raise ArgumentTypeError(f"{name}: target must be floating, got {t.dtype.name}")
    dtype = t.dtype
    x, t = widened(jnp.promote_types(x.dtype, dtype), x, t)
    if pos_weight is None:
        losses = _logistic_loss(x, t)
    else:
        p = as_real(name, "pos_weight", pos_weight)
        refuse_booleans(name, pos_weight=p)
        broadcast_into(name, "pos_weight", p, x.shape)
        losses = _two_sided_loss(x, t, p.astype(x.dtype))
    return apply_reduction(_weighed(name, losses, weight), reduction, dtype)


def _logistic_grad2(x: Array, t: Array) -> Array:
    return logistic_grad(x)


def _minus_one(x: Array, t: Array) -> Array:
    return -jnp.ones_like(x)


@with_partials(_logistic_grad2, _minus_one)
def _logistic_loss_grad(x: Array, t: Array) -> Array:
    e = exp_neg(jnp.abs(x))
    return jnp.where(x < 0, (1 - t) * e - t, (1 - t) - t * e) / (1 + e)


def _minus_score(x: Array, t: Array) -> Array:
    return -x


@with_partials(_logistic_loss_grad, _minus_score)
def _logistic_loss(x: Array, t: Array) -> Array:
    """-t log σ(x) - (1 - t) log σ(-x)."""
    # Only the wrong side's logarithm has a linear part, so no two large numbers are subtracted.
    zero, one = unshared(x, 0, 1)
    return jnp.maximum(x, zero) * (one - t) + jnp.maximum(-x, zero) * t + _excess(x)


def _excess(x: Array) -> Array:
    """log(1 + e^-|x|)."""
    # Use jnp.exp, not the exponential of _elementary.py, and no selects around it: either would
    # prevent XLA from vectorizing a sum over the result.
    return jnp.log1p(jnp.exp(-jnp.abs(x)))


def _soft_plus(x: Array) -> Array:
    (zero,) = unshared(x, 0)
    return jnp.maximum(x, zero) + _excess(x)


def _two_sided_grad(x: Array, t: Array, p: Array) -> Array:
    # Differentiated again: at 0 the slope of |x| has to match the branch below.
    e = exp_neg(magnitude(x))
    return jnp.where(x < 0, (1 - t) * e - t * p, (1 - t) - t * p * e) / (1 + e)


def _two_sided_mixed(x: Array, t: Array, p: Array) -> Array:
    return -(p * logistic(-x) + logistic(x))


def _zero(x: Array, t: Array, p: Array) -> Array:
    return jnp.zeros_like(x)


def _right_side(x: Array, t: Array, p: Array) -> Array:
    return _soft_plus(-x)


# The derivatives are written down because autodiff of |x| has slope 0 at 0.
@with_partials(_two_sided_mixed, _zero, _right_side)
def _two_sided_along_target(x: Array, t: Array, p: Array) -> Array:
    return p * _soft_plus(-x) - _soft_plus(x)


def _weighted_grad(x: Array, t: Array, p: Array) -> Array:
    return -t * logistic(-x)


@with_partials(_weighted_grad, _right_side, _zero)
def _two_sided_along_weight(x: Array, t: Array, p: Array) -> Array:
    return t * _soft_plus(-x)


@with_partials(_two_sided_grad, _two_sided_along_target, _two_sided_along_weight)
def _two_sided_loss(x: Array, t: Array, p: Array) -> Array:
    """-p t log σ(x) - (1 - t) log σ(-x)."""
    zero, one = unshared(x, 0, 1)
    linear = jnp.maximum(x, zero) * (one - t) + jnp.maximum(-x, zero) * (p * t)
    return linear + (p * t + (one - t)) * _excess(x)


@_reduced
def soft_margin_loss(input: ArrayLike, target: ArrayLike, reduction: Reduction = "mean") -> Array:
    """soft_margin_loss(x, t) = log(1 + e^(-t x)).

    It does not overflow (for t x < -88.7 torch's float32 gives inf, with a nan gradient).

    Args:
        input: [...], scores in nats; floating.
        target: broadcastable to input, [...], dimensionless; usually 1 or -1, any number works.
        reduction: "mean" divides by the number of elements; "sum"; "none".

    Returns:
        [], or with "none" the shape of input, [...]; in nats; the dtype of input.

    Raises:
        TypeError: if an argument is not an array, or input is not floating (ArgumentTypeError).
        ValueError: if target does not broadcast to input's shape (ArgumentValueError), or
            reduction is unknown.

    Source:
        torch.nn.functional.soft_margin_loss, torch 2.13.
    """
    name = "soft_margin_loss"
    x, t = as_real(name, "input", input), as_real(name, "target", target)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ArgumentTypeError(f"{name}: input must be floating, got {x.dtype.name}")
    t = broadcast_into(name, "target", t, x.shape)
    dtype = x.dtype
    x, t = widened(promoted(x, t), x, t)
    return apply_reduction(_soft_margin(x, t), reduction, dtype)


def _probability_of_error(x: Array, t: Array) -> Array:
    z, low = product(x, t)
    return logistic(-z, None if low is None else -low)


def _soft_margin_grad(x: Array, t: Array) -> Array:
    return -t * _probability_of_error(x, t)


def _soft_margin_along_target(x: Array, t: Array) -> Array:
    return -x * _probability_of_error(x, t)


@with_partials(_soft_margin_grad, _soft_margin_along_target)
def _soft_margin(x: Array, t: Array) -> Array:
    return _soft_plus(-t * x)


@_reduced
def multilabel_soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Array:
    """multilabel_soft_margin_loss(x, t) = -Σ_c w_c (t_c log σ(x_c) + (1 - t_c) log σ(-x_c)) / C.

    The loss of a row is the mean of binary_cross_entropy_with_logits over its C classes, with the
    same accuracy; w is the weight.

    Args:
        input: [..., c], log-odds in nats; floating.
        target: [..., c], probabilities, dimensionless; broadcastable with input, not boolean.
        weight: broadcastable with input, [c] or [..., c], dimensionless. None weights all equally.
        reduction: "mean" divides by the number of rows; "sum"; "none".

    Returns:
        [], or with "none" the broadcast shape without input's last axis, [...]; in nats; the dtype
        that the arguments promote to.

    Raises:
        TypeError: if input is not floating (DtypeError), or target is boolean
            (ArgumentTypeError).
        ValueError: if shapes do not broadcast, or reduction is unknown.
        IndexError: if input is 0-d.

    Source:
        torch.nn.functional.multilabel_soft_margin_loss, torch 2.13.
    """
    name = "multilabel_soft_margin_loss"
    x, t = as_floating(name, "input", input), as_real(name, "target", target)
    refuse_booleans(name, target=t)
    if x.ndim == 0:
        raise InvalidIndexError(f"{name}: input must have at least 1 dimension, got 0")
    axis, classes = x.ndim - 1, x.shape[-1]
    w = None if weight is None else as_real(name, "weight", weight)
    operands = {"input": x, "target": t} | ({} if w is None else {"weight": w})
    dtype = promoted(*operands.values())
    x, t, *weights = widened(dtype, *broadcast(name, **operands))
    losses = _logistic_loss(x, t)
    for w in weights:
        losses = losses * w
    return apply_reduction(jnp.sum(losses, axis) / classes, reduction, dtype)


def _weighed(function: str, losses: Array, weight: ArrayLike | None) -> Array:
    """The losses times their weights, in the dtype of the losses."""
    if weight is None:
        return losses
    w = as_real(function, "weight", weight).astype(losses.dtype)
    return losses * broadcast_into(function, "weight", w, losses.shape)
