"""Negative log-likelihoods of distributions, and the divergence of two distributions."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_real, flag, known_reduction, one_of, real_number
from jaxact._checking import nan_unless
from jaxact._numbers import is_number
from jaxact._op import op
from jaxact._rules import with_partials
from jaxact._warnings import warn
from jaxact.errors import ArgumentTypeError, InvalidTypeError, InvalidValueError
from jaxact.losses._elementwise import broadcast, number, promoted, refuse_booleans, widened
from jaxact.losses._reductions import Reduction, apply_reduction

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]

# exp(x) is infinite in every dtype for x above this number.
_OVERFLOWS = 1024.0
_LOG_2_PI = math.log(2 * math.pi)


@op(
    static=("log_input", "full", "reduction"),
    checks={
        "reduction": known_reduction,
        "log_input": flag,
        "full": flag,
        "eps": real_number,
    },
)
def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    eps: ArrayLike = 1e-8,
    reduction: Reduction = "mean",
) -> Array:
    """poisson_nll_loss(x, t) = e^x - t x, or x - t log(x + eps) without log_input.

    With full, Stirling's term t log t - t + log(2 π t) / 2 is added where t > 1. If rate and target
    are close, the sum is computed from the deviance, so large counts keep their digits. Where
    t <= 1, the gradient is that of the other terms alone (torch: nan where t <= 0).

    Args:
        input: [...], x, the rate, or its logarithm in nats; dimensionless.
        target: [...], t, counts, dimensionless; broadcastable with input.
        log_input: whether input is the logarithm.
        full: whether to add Stirling's term.
        eps: [], dimensionless; keeps the logarithm of a rate of 0 finite, 1e-8 by default. A rate
            below -eps gives nan.
        reduction: "mean" divides by the number of elements; "sum"; "none".

    Returns:
        [], or with "none" the broadcast shape, [...]; in nats; the dtype that input and target
        promote to, float32 for integers.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if shapes do not broadcast (ArgumentValueError), or reduction is unknown.

    Source:
        torch.nn.functional.poisson_nll_loss, torch 2.13.
    """
    name = "poisson_nll_loss"
    x, t = as_real(name, "input", input), as_real(name, "target", target)
    dtype = promoted(x, t)
    if dtype == jnp.bool_ or full:
        refuse_booleans(name, target=t)
    if not log_input:
        refuse_booleans(name, input=x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        # torch's exponential, or its sum with eps, of other numbers is of float32.
        dtype = jnp.promote_types(dtype, jnp.float32)
    dtype = _floating(dtype)
    x, t = widened(dtype, *broadcast(name, input=x, target=t))
    losses = {
        (True, False): _of_logarithm,
        (False, False): _of_rate,
        (True, True): _of_logarithm_in_full,
        (False, True): _of_rate_in_full,
    }
    chosen = losses[bool(log_input), bool(full)]
    return apply_reduction(chosen(x, t, number(name, "eps", eps, dtype)), reduction, dtype)


def _of_logarithm_along_rate(x: Array, t: Array, eps: Array) -> Array:
    return jnp.exp(x) - t


def _of_logarithm_along_target(x: Array, t: Array, eps: Array) -> Array:
    return -x


def _of_logarithm_along_eps(x: Array, t: Array, eps: Array) -> Array:
    return jnp.zeros_like(x)


@with_partials(_of_logarithm_along_rate, _of_logarithm_along_target, _of_logarithm_along_eps)
def _of_logarithm(x: Array, t: Array, eps: Array) -> Array:
    # Where the exponential overflows, it dominates; the other term must stay finite there.
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
    """rate - t + t log(t / rate), for t > 1; avoids the cancellation of its terms near rate = t."""
    count = _counted(t)
    excess = (rate - count) / count
    near = (excess > -0.75) & (excess < 8)
    ratio = jnp.where(near, jnp.log1p(jnp.where(near, excess, 0)), log_rate - jnp.log(count))
    return count * (excess - ratio)


def _half_logarithm(t: Array) -> Array:
    return (jnp.log(_counted(t)) + _LOG_2_PI) / 2


def _counted(t: Array) -> Array:
    """t, but 1 where there is no Stirling term, so that the term's derivatives are not nan."""
    return jnp.where(t > 1, t, 1)


def _floating_variance(function: str, argument: str, var: object) -> object:
    if isinstance(var, bool | int | str):
        raise InvalidTypeError(
            f"{function}: {argument} must be a float or an array, got {type(var).__name__}"
        )
    if is_number(var) and var < 0:
        raise InvalidValueError(f"{function}: {argument} must not be negative, got {var}")
    return var


@op(
    static=("full", "reduction"),
    checks={
        "reduction": known_reduction,
        "full": flag,
        "eps": real_number,
        "var": _floating_variance,
    },
)
def gaussian_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    full: bool = False,
    eps: ArrayLike = 1e-6,
    reduction: Reduction = "mean",
) -> Array:
    """gaussian_nll_loss(x, t, v) = (log v + (x - t)^2 / v) / 2, where v = max(var, eps).

    The derivative in var is that in v, even where var < eps; the derivative in eps is 0. The square
    overflows only if the quotient does.

    Args:
        input: [...], x, the mean, any unit.
        target: [...], t, unit of input; broadcastable with input.
        var: shape of input, [...], or that shape without its last axis, or with one length replaced
            by 1; or a number, [], for all elements. Unit of input squared (any unit), floating. A
            negative variance gives nan.
        full: whether to add log(2 π) / 2.
        eps: [], unit of var; the least variance, 1e-6 by default.
        reduction: "mean" divides by the number of elements; "sum"; "none".

    Returns:
        [], or with "none" the broadcast shape, [...]; in nats; the dtype that the arguments promote
        to.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if shapes do not match, reduction is unknown, or var is a negative number; in
            checked calls also if an array contains a negative variance.

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
    # torch makes an array like input of a Python number, which is weakly typed, and expands an
    # array without axes beside an input with some.
    of_var = _floating(x.dtype) if v.weak_type else v.dtype
    difference = jax.ShapeDtypeStruct((1,) * max(x.ndim, t.ndim), promoted(x, t))
    dtype = promoted(difference, jax.ShapeDtypeStruct((1,) * max(v.ndim, x.ndim), of_var))
    x, t, v = widened(dtype, *broadcast(name, input=x, target=t), _aligned(v, x))
    losses = nan_unless(
        _gaussian(x, t, v, number(name, "eps", eps, dtype)),
        ~(v < 0),
        InvalidValueError,
        f"{name}: var must not be negative, got {{value}}",
        v,
    )
    return apply_reduction(losses + _LOG_2_PI / 2 if full else losses, reduction, dtype)


def _aligned(var: Array, x: Array) -> Array:
    """The variances with the rank of x, or 0-d.

    Raises:
        ValueError: if torch does not accept the shape.
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
    raise InvalidValueError(
        f"gaussian_nll_loss: var must have input's shape {x.shape}, or lack its last axis, or have "
        f"a 1 in place of one, got {var.shape}"
    )


@jax.custom_jvp
def _at_least(var: Array, eps: Array) -> Array:
    """max(var, eps), with derivative 1 in var everywhere, as in torch."""
    # A maximum may drop nan: XLA's do in long sums (jax 0.10.2 on CPUs).
    return jnp.where(var < eps, eps, var)


@_at_least.defjvp
def _(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    return _at_least(*primals), tangents[0]


def _gaussian_grad(x: Array, t: Array, var: Array, eps: Array) -> Array:
    return (x - t) / _at_least(var, eps)


def _gaussian_along_target(x: Array, t: Array, var: Array, eps: Array) -> Array:
    return (t - x) / _at_least(var, eps)


def _gaussian_along_variance(x: Array, t: Array, var: Array, eps: Array) -> Array:
    d, v = x - t, _at_least(var, eps)
    return (1 - d / v * d) / (2 * v)


def _gaussian_along_eps(x: Array, t: Array, var: Array, eps: Array) -> Array:
    return jnp.zeros_like(x)


@with_partials(
    _gaussian_grad, _gaussian_along_target, _gaussian_along_variance, _gaussian_along_eps
)
def _gaussian(x: Array, t: Array, var: Array, eps: Array) -> Array:
    d, v = x - t, _at_least(var, eps)
    # Divide before multiplying: d * d may overflow.
    return (jnp.log(v) + d / v * d) / 2


def _warn_of_mean(function: str, reduction: str) -> None:
    if reduction == "mean":
        warn(
            f"{function}: reduction 'mean' divides by the number of elements; the divergence of "
            "distributions is 'batchmean'"
        )


@op(
    static=("reduction", "log_target"),
    checks={
        "reduction": one_of("none", "mean", "sum", "batchmean"),
        "log_target": flag,
        ("reduction",): _warn_of_mean,
    },
)
def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    reduction: Literal["none", "mean", "sum", "batchmean"] = "mean",
    log_target: bool = False,
) -> Array:
    """kl_div(x, t) = t (log t - x), or e^t (t - x) with log_target.

    Where the target's probability is 0 (t = 0, or t = -inf with log_target), the loss and the
    derivative in x are 0, even at x = -inf, because 0 log 0 = 0; torch gives nan at x = -inf. The
    derivative in t at t = 0 is its limit, -inf; torch gives nan.

    Args:
        input: [...], x, log-probabilities in nats; floating.
        target: [...], t, probabilities, dimensionless, or their logarithms in nats; floating;
            broadcastable with input. Negative probabilities give nan.
        reduction: "mean" divides by the number of elements, with a UserWarning; "batchmean" divides
            by the length of input's first axis, which gives the divergence of distributions; "sum";
            "none".
        log_target: whether target holds logarithms.

    Returns:
        [], or with "none" the broadcast shape, [...]; in nats; the dtype that input and target
        promote to.

    Raises:
        TypeError: if an argument is of the wrong kind or not floating (ArgumentTypeError).
        ValueError: if shapes do not broadcast (ArgumentValueError), or reduction is unknown.

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
        return apply_reduction(losses, reduction, dtype)
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
