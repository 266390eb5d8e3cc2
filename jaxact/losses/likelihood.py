"""Negative log-likelihoods of distributions, and the divergence of two."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._checking import defined
from jaxact._core import ArgumentTypeError, as_array, is_number, op
from jaxact.losses._elementwise import (
    as_real,
    broadcast,
    check_flag,
    check_number,
    number,
    promoted,
    refuse_booleans,
    widened,
    with_partials,
)
from jaxact.losses._reductions import Reduction, check_reduction, reduce

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]

# Beyond this number exp(x) is infinite in every dtype.
_OVERFLOWS = 1024.0
_LOG_2_PI = math.log(2 * math.pi)


def _check_poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    log_input: object = True,
    full: object = False,
    eps: object = 1e-8,
    reduction: object = "mean",
) -> None:
    check_reduction("poisson_nll_loss", reduction)
    check_flag("poisson_nll_loss", "log_input", log_input)
    check_flag("poisson_nll_loss", "full", full)
    check_number("poisson_nll_loss", "eps", eps)


@op(static=("log_input", "full", "reduction"), check=_check_poisson_nll_loss)
def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    eps: ArrayLike = 1e-8,
    reduction: Reduction = "mean",
) -> Array:
    """poisson_nll_loss(x, t) = e^x - t x, or x - t log(x + eps) without log_input.

    With full, Stirling's t log t - t + log(2 π t) / 2 is added where t > 1. The sum is then taken
    by way of the deviance where rate and target are near each other, so that large counts keep
    their digits, and targets up to 1 have the gradient of the other terms, which is nan in torch
    where t <= 0.

    Args:
        input: [...], x, the rate, or its logarithm in nats; dimensionless.
        target: [...], t, counts, dimensionless; broadcastable with input.
        log_input: whether input is the logarithm.
        full: whether to add Stirling's term.
        eps: [], dimensionless; keeps the logarithm of a rate of 0 finite, 1e-8 by default. A
            smaller rate than -eps gives nan.
        reduction: "mean" divides by the number of elements; "sum"; "none".

    Returns:
        [], or with "none" the broadcast shape, [...]; in nats; the dtype that input and target
        promote to, float32 for integers.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if shapes do not broadcast (ArgumentValueError), or there is no such reduction.

    Source:
        torch.nn.functional.poisson_nll_loss, torch 2.13.
    """
    name = "poisson_nll_loss"
    x, t = as_real(name, "input", input), as_real(name, "target", target)
    dtype = promoted(x, t)
    if dtype == jnp.bool_ or full:
        refuse_booleans(name, target=t)
    dtype = _floating(dtype)
    x, t = widened(dtype, *broadcast(name, input=x, target=t))
    losses = {
        (True, False): _of_logarithm,
        (False, False): _of_rate,
        (True, True): _of_logarithm_in_full,
        (False, True): _of_rate_in_full,
    }
    chosen = losses[bool(log_input), bool(full)]
    return reduce(chosen(x, t, number(name, "eps", eps, dtype)), reduction, dtype)


def _of_logarithm_along_rate(x: Array, t: Array, eps: Array) -> Array:
    return jnp.exp(x) - t


def _of_logarithm_along_target(x: Array, t: Array, eps: Array) -> Array:
    return -x


def _of_logarithm_along_eps(x: Array, t: Array, eps: Array) -> Array:
    return jnp.zeros_like(x)


@with_partials(_of_logarithm_along_rate, _of_logarithm_along_target, _of_logarithm_along_eps)
def _of_logarithm(x: Array, t: Array, eps: Array) -> Array:
    # Where the exponential overflows it outgrows the rest, which must not be infinite as well.
    return jnp.exp(x) - t * jnp.minimum(x, _OVERFLOWS)


def _of_rate_along_rate(x: Array, t: Array, eps: Array) -> Array:
    return 1 - t / (x + eps)


def _of_rate_along_target(x: Array, t: Array, eps: Array) -> Array:
    return -jnp.log(x + eps)


def _of_rate_along_eps(x: Array, t: Array, eps: Array) -> Array:
    return -t / (x + eps)


@with_partials(_of_rate_along_rate, _of_rate_along_target, _of_rate_along_eps)
def _of_rate(x: Array, t: Array, eps: Array) -> Array:
    return x - t * jnp.log(x + eps)


def _in_full_along_target(loss_along_target: Callable[..., Array]) -> Callable[..., Array]:
    def along_target(x: Array, t: Array, eps: Array) -> Array:
        count = _counted(t)
        stirling = jnp.log(count) + 0.5 / count
        return loss_along_target(x, t, eps) + jnp.where(t > 1, stirling, 0)

    return along_target


@with_partials(
    _of_logarithm_along_rate,
    _in_full_along_target(_of_logarithm_along_target),
    _of_logarithm_along_eps,
)
def _of_logarithm_in_full(x: Array, t: Array, eps: Array) -> Array:
    full = _deviance(jnp.exp(x), x, t) + _half_logarithm(t)
    return jnp.where(t > 1, full, _of_logarithm(x, t, eps))


@with_partials(
    _of_rate_along_rate, _in_full_along_target(_of_rate_along_target), _of_rate_along_eps
)
def _of_rate_in_full(x: Array, t: Array, eps: Array) -> Array:
    rate = x + eps
    full = _deviance(rate, jnp.log(rate), t) - eps + _half_logarithm(t)
    return jnp.where(t > 1, full, _of_rate(x, t, eps))


def _deviance(rate: Array, log_rate: Array, t: Array) -> Array:
    """rate - t + t log(t / rate), where t > 1: small against its parts where rate is about t."""
    count = _counted(t)
    excess = (rate - count) / count
    near = (excess > -0.75) & (excess < 8)
    ratio = jnp.where(near, jnp.log1p(jnp.where(near, excess, 0)), log_rate - jnp.log(count))
    return count * (excess - ratio)


def _half_logarithm(t: Array) -> Array:
    return (jnp.log(_counted(t)) + _LOG_2_PI) / 2


def _counted(t: Array) -> Array:
    """t, and 1 where there is no Stirling term, so that no derivative of it is nan there."""
    return jnp.where(t > 1, t, 1)


def _check_gaussian_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    full: object = False,
    eps: object = 1e-6,
    reduction: object = "mean",
) -> None:
    check_reduction("gaussian_nll_loss", reduction)
    check_flag("gaussian_nll_loss", "full", full)
    check_number("gaussian_nll_loss", "eps", eps)
    if isinstance(var, bool | int | str):
        raise TypeError(
            f"gaussian_nll_loss: var must be a float or an array, got {type(var).__name__}"
        )
    if is_number(var) and var < 0:
        raise ValueError(f"gaussian_nll_loss: var must not be negative, got {var}")


@op(static=("full", "reduction"), check=_check_gaussian_nll_loss, by_value=True)
def gaussian_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    full: bool = False,
    eps: ArrayLike = 1e-6,
    reduction: Reduction = "mean",
) -> Array:
    """gaussian_nll_loss(x, t, v) = (log v + (x - t)^2 / v) / 2, where v = max(var, eps).

    The derivative in var is the one in v, also where var < eps; eps has none. The square cannot
    overflow where the quotient does not.

    Args:
        input: [...], x, the mean, any unit.
        target: [...], t, unit of input; broadcastable with input.
        var: shape of input, [...], or that without its last axis, or with a 1 in place of one; or
            a number, [], for all. Unit of input squared (any unit), floating. Negative ones give
            nan.
        full: whether to add log(2 π) / 2.
        eps: [], unit of var; the least variance, 1e-6 by default.
        reduction: "mean" divides by the number of elements; "sum"; "none".

    Returns:
        [], or with "none" the broadcast shape, [...]; in nats; the dtype that the arguments promote
        to.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if shapes do not fit, there is no such reduction, or var is a negative number;
            in checked calls if it is an array with one.

    Source:
        Nix and Weigend, "Estimating the mean and variance of the target probability distribution",
        1994; torch.nn.functional.gaussian_nll_loss, torch 2.13.
    """
    name = "gaussian_nll_loss"
    x, t = as_real(name, "input", input), as_real(name, "target", target)
    v = as_real(name, "var", var)
    refuse_booleans(name, input=x, target=t)
    if not jnp.issubdtype(v.dtype, jnp.floating):
        raise ArgumentTypeError(f"{name}: var must be floating, got {v.dtype.name}")
    # A number that Python knows has no dtype of its own.
    dtype = _floating(promoted(x, t) if v.weak_type else promoted(x, t, v))
    x, t, v = widened(dtype, *broadcast(name, input=x, target=t), _aligned(v, x))
    losses = defined(
        _gaussian(x, t, v, number(name, "eps", eps, dtype)),
        ~(v < 0),
        ValueError,
        f"{name}: var must not be negative, got {{value}}",
        v,
    )
    return reduce(losses + _LOG_2_PI / 2 if full else losses, reduction, dtype)


def _aligned(var: Array, x: Array) -> Array:
    """The variances with an axis for each of x.

    Raises:
        ValueError: if their shape is none of those that torch takes.
    """
    if var.ndim == 0 or var.shape == x.shape:
        return var
    if var.shape == x.shape[:-1]:
        return var[..., None]
    if var.ndim == x.ndim:
        differing = [
            of_var for of_x, of_var in zip(x.shape, var.shape, strict=True) if of_x != of_var
        ]
        if differing == [1]:
            return var
    raise ValueError(
        f"gaussian_nll_loss: var must have input's shape {x.shape}, or lack its last axis, or have "
        f"a 1 in place of one, got {var.shape}"
    )


@jax.custom_jvp
def _at_least(var: Array, eps: Array) -> Array:
    """max(var, eps), with derivative 1 in var everywhere, as in torch."""
    return jnp.maximum(var, eps)


@_at_least.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    return _at_least(*primals), tangents[0]


def _gaussian_slope(x: Array, t: Array, var: Array, eps: Array) -> Array:
    return (x - t) / _at_least(var, eps)


def _gaussian_along_target(x: Array, t: Array, var: Array, eps: Array) -> Array:
    return (t - x) / _at_least(var, eps)


def _gaussian_along_variance(x: Array, t: Array, var: Array, eps: Array) -> Array:
    d, v = x - t, _at_least(var, eps)
    return (1 - d / v * d) / (2 * v)


def _gaussian_along_eps(x: Array, t: Array, var: Array, eps: Array) -> Array:
    return jnp.zeros_like(x)


@with_partials(
    _gaussian_slope, _gaussian_along_target, _gaussian_along_variance, _gaussian_along_eps
)
def _gaussian(x: Array, t: Array, var: Array, eps: Array) -> Array:
    d, v = x - t, _at_least(var, eps)
    # Divided before it is multiplied again, for the square may overflow.
    return (jnp.log(v) + d / v * d) / 2


def _check_kl_div(
    input: ArrayLike, target: ArrayLike, reduction: object = "mean", log_target: object = False
) -> None:
    check_reduction("kl_div", reduction, "batchmean")
    check_flag("kl_div", "log_target", log_target)
    if reduction == "mean":
        warnings.warn(
            "kl_div: reduction 'mean' divides by the number of elements; the divergence of "
            "distributions is 'batchmean'",
            UserWarning,
            stacklevel=3,
        )


@op(static=("reduction", "log_target"), check=_check_kl_div)
def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    reduction: Literal["none", "mean", "sum", "batchmean"] = "mean",
    log_target: bool = False,
) -> Array:
    """kl_div(x, t) = t (log t - x), or e^t (t - x) with log_target.

    Where the target's probability is 0 (t = 0, its logarithm -inf) the loss is 0 and so is the
    derivative in x, even where x = -inf: 0 log 0 = 0. torch gives nan there. The derivative in t at
    t = 0 is the limit, -inf, for which torch gives nan as well.

    Args:
        input: [...], x, log-probabilities in nats; floating.
        target: [...], t, probabilities, dimensionless, or their logarithms in nats; floating;
            broadcastable with input. Negative probabilities give nan.
        reduction: "mean" divides by the number of elements, with a UserWarning; "batchmean", the
            divergence of distributions, by the length of input's first axis; "sum"; "none".
        log_target: whether target holds logarithms.

    Returns:
        [], or with "none" the broadcast shape, [...]; in nats; the dtype that input and target
        promote to.

    Raises:
        TypeError: if an argument is of the wrong kind, or not floating (ArgumentTypeError).
        ValueError: if shapes do not broadcast (ArgumentValueError), or there is no such reduction.

    Source:
        Kullback and Leibler, "On Information and Sufficiency", 1951;
        torch.nn.functional.kl_div, torch 2.13.
    """
    x, t = as_array("kl_div", "input", input), as_array("kl_div", "target", target)
    for argument, array in (("input", x), ("target", t)):
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise ArgumentTypeError(f"kl_div: {argument} must be floating, got {array.dtype.name}")
    batch = x.shape[0] if x.ndim else 1
    dtype = promoted(x, t)
    x, t = widened(dtype, *broadcast("kl_div", input=x, target=t))
    losses = _divergence_of_logarithms(x, t) if log_target else _divergence(x, t)
    if reduction != "batchmean":
        return reduce(losses, reduction, dtype)
    return (jnp.sum(losses) / batch).astype(dtype)


def _divergence_along_input(x: Array, t: Array) -> Array:
    return -t


def _divergence_along_target(x: Array, t: Array) -> Array:
    return jnp.log(t) - jnp.where((t == 0) & jnp.isinf(x), 0, x) + 1


@with_partials(_divergence_along_input, _divergence_along_target)
def _divergence(x: Array, t: Array) -> Array:
    impossible = t == 0
    losses = t * (jnp.log(jnp.where(impossible, 1, t)) - x)
    return jnp.where(impossible & ~jnp.isnan(x), 0, losses)


def _divergence_of_logarithms_along_input(x: Array, t: Array) -> Array:
    return -jnp.exp(t)


def _divergence_of_logarithms_along_target(x: Array, t: Array) -> Array:
    return _unless_impossible(x, t, jnp.exp(t) * (t - x + 1))


@with_partials(_divergence_of_logarithms_along_input, _divergence_of_logarithms_along_target)
def _divergence_of_logarithms(x: Array, t: Array) -> Array:
    return _unless_impossible(x, t, jnp.exp(t) * (t - x))


def _unless_impossible(x: Array, t: Array, values: Array) -> Array:
    return jnp.where((t == -jnp.inf) & ~jnp.isnan(x), 0, values)


def _floating(dtype: np.dtype) -> np.dtype:
    return dtype if jnp.issubdtype(dtype, jnp.floating) else np.dtype(np.float32)
