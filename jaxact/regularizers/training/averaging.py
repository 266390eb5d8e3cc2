"""Averages of weights over a training."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import check_scalar, is_complex
from jaxact._checking import nan_unless
from jaxact._numbers import compute_dtype, is_number
from jaxact._op import factory, program
from jaxact._rules import traced_once, with_partials
from jaxact.errors import InvalidValueError
from jaxact.regularizers.training._snapshots import check_alike, copied

__all__ = ["AverageState", "WeightAverage", "ema", "swa"]


class AverageState(NamedTuple):
    """What an average of weights remembers.

    Args:
        n_averaged: [], how many trees were averaged, dimensionless.
        params: their average.
    """

    n_averaged: Array
    params: Any


class WeightAverage(NamedTuple):
    """An average of weights: pure functions that can be scanned, mapped and compiled.

    Args:
        init: params -> state.
        update: (state, params) -> state.
    """

    init: Callable[[Any], AverageState]
    update: Callable[[AverageState, Any], AverageState]


@factory()
def ema(decay: ArrayLike = 0.999) -> WeightAverage:
    """ema(decay).update(average, w) = decay average + (1 - decay) w, the first one a copy of w.

    Leaves that are not floating are copied; all others are averaged, as with torch's
    use_buffers=True. By default torch copies floating buffers as well: keep such leaves (running
    statistics) out of params to have that. The average has the dtype that `init` was given: in
    bfloat16 a step of less than half an ulp is lost, and with decay=0.999 the average of 1000
    weights of 2 that start at 1 stays 1 (the true one is 1.63), as in torch. Give `init` the
    weights in float32, and it follows those of half precision.

    Args:
        decay: [], dimensionless, in [0, 1]; the weight of the average so far. A traced one outside
            gives nan.

    Returns:
        init(params) -> state and update(state, params) -> state, for any tree of arrays [...]; the
        average, state.params, has the unit of params.

    Raises:
        ValueError: if decay is a number outside [0, 1]; in a checked call also a traced one.
        ArgumentValueError: if update gets another tree or other shapes than init did.

    Source:
        Polyak & Juditsky 1992; torch.optim.swa_utils.AveragedModel with
        torch.optim.swa_utils.get_ema_avg_fn, torch 2.13.

    Example:
        >>> average = ema(0.99)
        >>> state = average.init(params)
        >>> state = average.update(state, params)  # after each step
    """
    check_scalar("ema", "decay", decay)
    if is_number(decay) and (decay < 0 or decay > 1):
        raise InvalidValueError(f"ema: decay must be in [0, 1], got {decay}")
    # Of a number in float64: as float32 0.999 is off by 3e-5 of 1 - decay.
    rate = 1 - decay

    def init(params: Any) -> AverageState:
        return _initial("ema", params)

    def update(state: AverageState, params: Any) -> AverageState:
        check_alike("ema", state.params, params)
        return _updated_ema(state, params, rate)

    return WeightAverage(init, update)


@factory()
def swa() -> WeightAverage:
    """swa().update(average, w) = average + (w - average) / (n + 1): the mean of all w so far.

    The first average is a copy of w, and leaves that are not floating are copied always; half
    precision is rounded after each update. All floating leaves are averaged, as with torch's
    use_buffers=True; by default torch copies buffers: see `ema`.

    Batch normalization needs the statistics of the averaged weights, `torch.optim.swa_utils
    .update_bn`: start with running statistics of 0 and 1 and call `batch_norm_stats` for batch
    i = 0, 1, ... with momentum=1/(i + 1), which makes them the mean over the batches.

    Returns:
        init(params) -> state and update(state, params) -> state, for any tree of arrays [...]; the
        average, state.params, has the unit of params.

    Raises:
        ArgumentValueError: if update gets another tree or other shapes than init did.

    Source:
        Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018;
        torch.optim.swa_utils.AveragedModel, torch 2.13.
    """

    def init(params: Any) -> AverageState:
        return _initial("swa", params)

    def update(state: AverageState, params: Any) -> AverageState:
        check_alike("swa", state.params, params)
        return _updated_swa(state, params)

    return WeightAverage(init, update)


def _initial(function: str, params: Any) -> AverageState:
    return AverageState(jnp.zeros((), jnp.int32), copied(function, params))


@program()
def _updated_ema(state: AverageState, params: Any, rate: ArrayLike) -> AverageState:
    share = jnp.asarray(rate)
    message = "ema: decay must be in [0, 1], got {value}"
    share = nan_unless(share, ~((share < 0) | (share > 1)), InvalidValueError, message, 1 - share)

    return _updated(state, params, _between, share)


def _between(average: Array, leaf: Array, count: Array, share: Array) -> Array:
    r = share.astype(average.real.dtype)
    return _interpolated(average, leaf, r) if is_complex(average) else _moved(average, leaf, r)


def _share_of_average(average: Array, leaf: Array, r: Array) -> Array:
    return 1 - r


def _share_of_leaf(average: Array, leaf: Array, r: Array) -> Array:
    return r


def _apart(average: Array, leaf: Array, r: Array) -> Array:
    return leaf - average


def _interpolated(average: Array, leaf: Array, r: Array) -> Array:
    """average + r (leaf - average)."""
    # From the nearer end, as torch does: with decay=0 the result is the new weight itself.
    step = leaf - average
    nearer = jnp.where(r < 0.5, average + r * step, leaf - (1 - r) * step)
    # There is no nearer end if one is infinite, or if the difference overflows.
    return jnp.where(jnp.isfinite(step), nearer, (1 - r) * average + r * leaf)


# Autodiff of the choices would give one more loop over each leaf.
_moved = with_partials(_share_of_average, _share_of_leaf, _apart, summed=False)(_interpolated)


@program()
def _updated_swa(state: AverageState, params: Any) -> AverageState:
    return _updated(state, params, _mean)


def _mean(average: Array, leaf: Array, count: Array) -> Array:
    return average + (leaf - average) / (count + 1).astype(average.real.dtype)


def _updated(
    state: AverageState, params: Any, mean: Callable[..., Array], *numbers: Array
) -> AverageState:
    """The state after the average (average, leaf, count, *numbers) -> `mean` of each leaf."""

    def updated(average: ArrayLike, leaf: ArrayLike) -> Array:
        return _updated_leaf(mean, average, leaf, state.n_averaged, *numbers)

    return AverageState(state.n_averaged + 1, jax.tree.map(updated, state.params, params))


@traced_once(static=("mean",))
def _updated_leaf(
    mean: Callable[..., Array], average: ArrayLike, leaf: ArrayLike, count: Array, *numbers: Array
) -> Array:
    old, new = jnp.asarray(average), jnp.asarray(leaf)
    if not jnp.issubdtype(old.dtype, jnp.inexact):
        return new.astype(old.dtype)
    wide = compute_dtype(jnp.promote_types(old.dtype, new.dtype))
    averaged = mean(old.astype(wide), new.astype(wide), count, *numbers).astype(old.dtype)
    return jnp.where(count == 0, new.astype(old.dtype), averaged)
