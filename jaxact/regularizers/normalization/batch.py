"""Batch normalization: by mean and variance of each channel."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating, flag
from jaxact._checking import nan_unless
from jaxact._numbers import compute_dtype, is_number
from jaxact._op import op, program
from jaxact.errors import InvalidTypeError, InvalidValueError
from jaxact.regularizers.normalization._channels import (
    by_channel,
    for_channels,
    in_layout,
    normalize_channels,
)
from jaxact.regularizers.normalization._moments import AxisName, count_of, moments, sharded_by_xla
from jaxact.regularizers.normalization._parameters import check_parameters
from jaxact.regularizers.normalization._running_statistics import (
    check_both_or_none,
    check_given,
    check_more_than_one,
    running_average,
    running_statistics,
)

__all__ = ["batch_norm", "batch_norm_stats"]


def _check_batch_norm(function: str, training: object, eps: ArrayLike) -> None:
    flag("batch_norm", "training", training)
    if is_number(eps) and training and eps <= 0:
        raise InvalidValueError(f"batch_norm: eps must be positive when training, got {eps}")
    if is_number(eps) and eps < 0:
        raise InvalidValueError(f"batch_norm: eps must be at least 0, got {eps}")


@op(
    static=("training", "channel_axis", "axis_name"),
    checks={("training", "eps"): _check_batch_norm},
)
def batch_norm(
    input: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    training: bool = False,
    momentum: ArrayLike | None = 0.1,
    eps: ArrayLike = 1e-5,
    *,
    channel_axis: int = 1,
    axis_name: AxisName = None,
) -> Array:
    """batch_norm(x) = (x - mean_c) / √(var_c + eps) weight_c + bias_c, for each channel c.

    Mean and biased variance are those of x when training, else the running ones, which
    `batch_norm_stats` updates: compiled together, the two compute them once. They are taken in two
    passes, as sums of differences, so that a constant gives exactly 0 (torch's float32: 1.7e-3 for
    5.1) and numbers around 10⁶ keep their digits. The backward pass keeps x and a few numbers for
    each channel. Where squares overflow, from 10¹⁹ in float32, the result is 0, as in torch, and
    nan where sums of x do. In evaluation, var_c + eps = 0 gives ±∞ (torch: nan), and nan where x is
    the mean. A float32 weight so small that weight / √(var + eps) underflows counts as 0.

    Args:
        input: [n, c, ...], any unit; floating. Or [c, n] and others, see channel_axis.
        running_mean: [c], unit of input, used if not training; differentiable. None needs training.
        running_var: [c], unit of input squared, biased or not; differentiable. None if, and only
            if, running_mean is None.
        weight: [c], dimensionless. None is 1.
        bias: [c], unit of the result. None is 0.
        training: whether mean and variance are those of input.
        momentum: [], dimensionless, not used: the running statistics are `batch_norm_stats`'s.
        eps: [], unit of input squared; 1e-5 by default. What Python does not know gives nan where
            it is not positive (not negative in evaluation), and raises in checked calls.
        channel_axis: 1 for [n, c, ...], -1 for [n, ..., c], which is not transposed for it.
        axis_name: of `jax.vmap`, `jax.shard_map` or `jax.pmap`, or several: mean and variance are
            those of all devices together, as in torch.nn.SyncBatchNorm. Arrays that one program
            shards by itself need none.

    Returns:
        [n, c, ...], the shape of input; dimensionless, without a weight; the dtype of input.

    Raises:
        ValueError: if there is one value for a channel when training, one of the running statistics
            without the other, or an eps out of range.
        ArgumentValueError: if shapes do not fit, or statistics are missing in evaluation.
        ArgumentTypeError: if the parameters have not all input's dtype; beside half precision they
            may all be float32.
        DtypeError: if input is not floating.

    Source:
        Ioffe and Szegedy 2015; torch.nn.functional.batch_norm, torch 2.13.
    """
    x = as_floating("batch_norm", "input", input)
    running = {"running_mean": running_mean, "running_var": running_var}
    if training:
        check_both_or_none("batch_norm", running)
    check_given("batch_norm", running, needed=not training)
    layout = by_channel("batch_norm", x, channel_axis)
    arrays = check_parameters(
        "batch_norm", x, (layout.channels,), **running, weight=weight, bias=bias
    )
    if training:
        count = count_of(layout.shape, layout.all_but_channels, axis_name)
        check_more_than_one("batch_norm", "channel", count)
    wide = compute_dtype(x.dtype)
    holds = _eps_holds(eps, wide, training)
    word = "positive when training" if training else "at least 0"
    message = f"batch_norm: eps must be {word}, got {{value}}"
    small = nan_unless(
        jnp.asarray(eps, wide), holds, InvalidValueError, message, jnp.asarray(eps, wide)
    )
    if not x.size:
        return x
    of = for_channels(arrays, layout, wide)
    axes = layout.all_but_channels if training else None
    return normalize_channels(x, layout.shape, axes, of, small, axis_name)


def _eps_holds(eps: ArrayLike, dtype: np.dtype, training: bool) -> Array:
    # Torch's own test: a nan passes, and gives nan.
    value = as_array("batch_norm", "eps", eps).astype(dtype)
    return ~(value <= 0) if training else ~(value < 0)


@op(static=("channel_axis", "axis_name"), compiled=False)
def batch_norm_stats(
    x: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    momentum: ArrayLike | None = 0.1,
    *,
    num_batches_tracked: ArrayLike | None = None,
    channel_axis: int = 1,
    axis_name: AxisName = None,
) -> tuple[Array, Array]:
    """batch_norm_stats(x, mean, var) = (1 - m) (mean, var) + m (mean, unbiased variance) of x.

    What torch's batch_norm writes into its running statistics when training. Compiled in one
    program with `batch_norm` of the same x, the moments of x are computed once for both.

    Args:
        x: [n, c, ...], any unit; floating; the input of `batch_norm`. Empty, it changes nothing.
        running_mean: [c], unit of x.
        running_var: [c], unit of x squared.
        momentum: [], m, dimensionless, the share of this batch; 0.1 by default. None is 1 /
            num_batches_tracked, the average over all batches so far with the same weight.
        num_batches_tracked: [], dimensionless, the number of batches with this one, as in
            torch.nn.BatchNorm2d, which counts before it averages: 1 for the first, which then
            replaces what was there. Used only if momentum is None, and needed then. Below 1 gives
            nan if traced.
        channel_axis: as in `batch_norm`.
        axis_name: as in `batch_norm`: statistics of all devices together.

    Returns:
        The new running_mean, [c], unit of x, and running_var, [c], unit of x squared; of the
        dtypes of the old ones.

    Raises:
        ValueError: if there is one value for a channel, or num_batches_tracked is below 1.
        TypeError: if momentum and num_batches_tracked are both None.
        ArgumentValueError: if shapes do not fit.
        ArgumentTypeError: if the statistics have not both x's dtype, see `batch_norm`.
        DtypeError: if x is not floating.

    Source:
        torch.nn.functional.batch_norm and torch.nn.BatchNorm2d, torch 2.13.
    """
    if momentum is None:
        if num_batches_tracked is None:
            raise InvalidTypeError(
                "batch_norm_stats: num_batches_tracked must be given when momentum is None, "
                "got None"
            )
        if is_number(num_batches_tracked) and num_batches_tracked < 1:
            raise InvalidValueError(
                "batch_norm_stats: num_batches_tracked must be at least 1, "
                f"got {num_batches_tracked}"
            )
    count = num_batches_tracked if momentum is None else None
    return _batch_norm_stats(x, running_mean, running_var, momentum, count, channel_axis, axis_name)


@program(static=("channel_axis", "axis_name"))
def _batch_norm_stats(
    x: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    momentum: ArrayLike | None,
    batches: ArrayLike | None,
    channel_axis: int,
    axis_name: AxisName,
) -> tuple[Array, Array]:
    array = as_floating("batch_norm_stats", "x", x)
    layout = by_channel("batch_norm_stats", array, channel_axis)
    mean, variance = running_statistics(
        "batch_norm_stats", array, layout, running_mean, running_var
    )
    count = count_of(layout.shape, layout.all_but_channels, axis_name)
    check_more_than_one("batch_norm_stats", "channel", count)
    if not count or not array.size:
        return mean, variance

    def of_batch(x: Array) -> tuple[Array, Array]:
        found = moments(in_layout(x, layout), layout.all_but_channels, axis_name)
        unbiased = found.variance * (count / (count - 1))
        return (found.high + found.low).ravel(), unbiased.ravel()

    new_mean, unbiased = sharded_by_xla(of_batch, PartitionSpec(), array)
    share = _share(momentum, batches, unbiased.dtype)
    return running_average(mean, new_mean, share), running_average(variance, unbiased, share)


def _share(momentum: ArrayLike | None, batches: ArrayLike | None, dtype: np.dtype) -> Array:
    if batches is None:
        assert momentum is not None
        return as_array("batch_norm_stats", "momentum", momentum).astype(dtype)
    number = as_array("batch_norm_stats", "num_batches_tracked", batches)
    message = "batch_norm_stats: num_batches_tracked must be at least 1, got {value}"
    return nan_unless(1 / number.astype(dtype), number >= 1, InvalidValueError, message, number)
