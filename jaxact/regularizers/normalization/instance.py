"""Instance normalization: by mean and variance of each channel of an instance."""

import jax.numpy as jnp
from jax import Array
from jax.sharding import PartitionSpec
from jax.typing import ArrayLike

from jaxact._arguments import as_floating, flag
from jaxact._numbers import compute_dtype
from jaxact._op import op, program
from jaxact.regularizers.normalization._channels import (
    Layout,
    by_instance,
    for_channels,
    in_layout,
    normalize_channels,
)
from jaxact.regularizers.normalization._moments import count_of, moments, sharded_by_xla
from jaxact.regularizers.normalization._parameters import check_parameters, eps_array
from jaxact.regularizers.normalization._running_statistics import (
    check_both_or_none,
    check_given,
    check_more_than_one,
    running_average,
    running_statistics,
)

__all__ = ["instance_norm", "instance_norm_stats"]


def _check_instance_norm(function: str, use_input_stats: object) -> None:
    flag("instance_norm", "use_input_stats", use_input_stats)


@op(static=("use_input_stats", "channel_axis"), checks={("use_input_stats",): _check_instance_norm})
def instance_norm(
    input: ArrayLike,
    running_mean: ArrayLike | None = None,
    running_var: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    use_input_stats: bool = True,
    momentum: ArrayLike | None = 0.1,
    eps: ArrayLike = 1e-5,
    *,
    channel_axis: int = 1,
) -> Array:
    """instance_norm(x) = (x - mean_nc) / √(var_nc + eps) weight_c + bias_c, for each n and c.

    Mean and biased variance are those of one channel of one instance, or the running ones.
    A constant gives exactly 0; see `batch_norm` for the digits and for what the backward pass
    keeps.

    Args:
        input: [n, c, ...], any unit; floating.
        running_mean: [c], unit of input, used without use_input_stats; differentiable.
        running_var: [c], unit of input squared, the same. Both are None, or neither.
        weight: [c], dimensionless. None is 1.
        bias: [c], unit of the result. None is 0.
        use_input_stats: whether mean and variance are those of input.
        momentum: [], dimensionless, not used: see `instance_norm_stats`.
        eps: [], unit of input squared; 1e-5 by default; var + eps below 0 gives nan. Where
            both are 0, the normalized number is 0.
        channel_axis: 1 for [n, c, ...], -1 for [n, ..., c], which is not transposed for it; not 0.

    Returns:
        [n, c, ...], the shape of input; dimensionless, without a weight; the dtype of input.

    Raises:
        ValueError: if there is one value for a mean, or one of the running statistics without the
            other.
        ArgumentValueError: if shapes do not fit, or statistics are missing.
        ArgumentTypeError: if weight and bias have not both input's dtype; beside half precision
            they may be float32.
        DtypeError: if input is not floating.

    Source:
        Ulyanov et al. 2016; torch.nn.functional.instance_norm, torch 2.13.
    """
    x = as_floating("instance_norm", "input", input)
    running = {"running_mean": running_mean, "running_var": running_var}
    check_given("instance_norm", running, needed=not use_input_stats)
    check_both_or_none("instance_norm", running)
    layout = by_instance("instance_norm", x, channel_axis)
    channels = (layout.channels,)
    arrays = {
        **check_parameters("instance_norm", x, channels, weight=weight, bias=bias),
        # Of any floating dtype, in torch too.
        **check_parameters("instance_norm", None, channels, **running),
    }
    if use_input_stats:
        count = count_of(layout.shape, layout.space)
        check_more_than_one("instance_norm", "channel of an instance", count)
    if not x.size:
        return x
    wide = compute_dtype(x.dtype)
    of = for_channels(arrays, layout, wide)
    axes = layout.space if use_input_stats else None
    eps = eps_array("instance_norm", eps, wide)
    return normalize_channels(x, layout.shape, axes, of, eps, constant_is_zero=True)


@op(static=("channel_axis",), compiled=False)
def instance_norm_stats(
    x: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    momentum: ArrayLike | None = 0.1,
    *,
    channel_axis: int = 1,
) -> tuple[Array, Array]:
    """instance_norm_stats(x, mean, var) = (1 - m) (mean, var) + m (mean_n of those of x).

    What torch's instance_norm writes into its running statistics: the average over the instances of
    their means and of their unbiased variances.

    Args:
        x: [n, c, ...], any unit; floating; the input of `instance_norm`.
        running_mean: [c], unit of x.
        running_var: [c], unit of x squared.
        momentum: [], m, dimensionless, the share of this batch; 0.1 by default. None changes
            nothing, as in torch.nn.InstanceNorm2d.
        channel_axis: as in `instance_norm`.

    Returns:
        The new running_mean, [c], unit of x, and running_var, [c], unit of x squared; of the
        dtypes of the old ones; nan if x has no instances.

    Raises:
        ValueError: if there is one value for a mean.
        ArgumentValueError: if shapes do not fit.
        DtypeError: if an array is not floating.

    Source:
        torch.nn.functional.instance_norm and torch.nn.InstanceNorm2d, torch 2.13.
    """
    return _instance_norm_stats(x, running_mean, running_var, momentum, channel_axis)


@program(static=("channel_axis",))
def _instance_norm_stats(
    x: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    momentum: ArrayLike | None,
    channel_axis: int,
) -> tuple[Array, Array]:
    array = as_floating("instance_norm_stats", "x", x)
    layout = by_instance("instance_norm_stats", array, channel_axis)
    mean, variance = running_statistics(
        "instance_norm_stats", None, layout, running_mean, running_var
    )
    count = count_of(layout.shape, layout.space)
    check_more_than_one("instance_norm_stats", "channel of an instance", count)
    if momentum is None:
        return mean, variance
    if not array.size:
        return jnp.full_like(mean, jnp.nan), jnp.full_like(variance, jnp.nan)

    def of_instances(x: Array) -> tuple[Array, Array]:
        found = moments(in_layout(x, layout), layout.space)
        unbiased = found.variance * (count / (count - 1))
        new_mean = _over_instances(found.high + found.low, layout)
        return new_mean, _over_instances(unbiased, layout)

    new_mean, unbiased = sharded_by_xla(of_instances, PartitionSpec(), array)
    share = jnp.asarray(momentum, unbiased.dtype)
    return running_average(mean, new_mean, share), running_average(variance, unbiased, share)


def _over_instances(numbers: Array, layout: Layout) -> Array:
    return jnp.mean(numbers.reshape(-1, layout.channels), axis=0)
