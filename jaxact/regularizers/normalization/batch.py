"""Normalization by mean and variance."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec
from jax.typing import ArrayLike

from jaxact._checking import defined, raising
from jaxact._core import (
    ArgumentTypeError,
    ArgumentValueError,
    as_array,
    as_floating,
    check_axis,
    compute_dtype,
    is_number,
    op,
)
from jaxact.regularizers.normalization._moments import (
    AxisName,
    Standard,
    count_of,
    inverse_rms,
    inverse_root,
    moments,
    normalized,
    rounded_once,
    sharded_by_xla,
    standard,
)

__all__ = [
    "batch_norm",
    "batch_norm_stats",
    "group_norm",
    "instance_norm",
    "instance_norm_stats",
    "layer_norm",
    "rms_norm",
]


class _Layout(NamedTuple):
    """The shape in which loops over the data are fast, from its own without a transposition.

    Args:
        shape: [n, before, c, behind] without the axes of length 1, with which XLA's fused sums on
            CPUs take 20 times as long.
        kinds: of its axes, "batch", "space" or "channel".
        channels: their number.
    """

    shape: tuple[int, ...]
    kinds: tuple[str, ...]
    channels: int

    @property
    def all_but_channels(self) -> tuple[int, ...]:
        return tuple(axis for axis, kind in enumerate(self.kinds) if kind != "channel")

    @property
    def space(self) -> tuple[int, ...]:
        return tuple(axis for axis, kind in enumerate(self.kinds) if kind == "space")

    @property
    def of_parameters(self) -> tuple[int, ...]:
        return tuple(self.channels if kind == "channel" else 1 for kind in self.kinds)


# ------------------------------------------------------------------------------------ batch_norm


def _check_batch_norm(
    input: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    training: object = False,
    momentum: ArrayLike | None = 0.1,
    eps: ArrayLike = 1e-5,
    *,
    channel_axis: int = 1,
    axis_name: AxisName = None,
) -> None:
    _check_flag("batch_norm", "training", training)
    if is_number(eps) and training and eps <= 0:
        raise ValueError(f"batch_norm: eps must be positive when training, got {eps}")
    if is_number(eps) and eps < 0:
        raise ValueError(f"batch_norm: eps must be at least 0, got {eps}")


@op(
    static=("training", "channel_axis", "axis_name"),
    check=_check_batch_norm,
    by_value=True,
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
        _check_both("batch_norm", running)
    _check_given("batch_norm", running, needed=not training)
    layout = _by_channel("batch_norm", x, channel_axis)
    arrays = _parameters("batch_norm", x, (layout.channels,), **running, weight=weight, bias=bias)
    if training:
        count = count_of(layout.shape, layout.all_but_channels, axis_name)
        _check_more_than_one("batch_norm", "channel", count)
    wide = compute_dtype(x.dtype)
    holds = _eps_holds(eps, wide, training)
    word = "positive when training" if training else "at least 0"
    message = f"batch_norm: eps must be {word}, got {{value}}"
    small = defined(jnp.asarray(eps, wide), holds, ValueError, message, jnp.asarray(eps, wide))
    if not x.size:
        return x
    of = _for_channels(arrays, layout, wide)
    axes = layout.all_but_channels if training else None
    return _per_channel(x, layout.shape, axes, of, small, axis_name)


def _eps_holds(eps: ArrayLike, dtype: np.dtype, training: bool) -> Array:
    # Torch's own test: a nan passes, and gives nan.
    value = as_array("batch_norm", "eps", eps).astype(dtype)
    return ~(value <= 0) if training else ~(value < 0)


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
            raise TypeError(
                "batch_norm_stats: num_batches_tracked must be given when momentum is None, "
                "got None"
            )
        if is_number(num_batches_tracked) and num_batches_tracked < 1:
            raise ValueError(
                "batch_norm_stats: num_batches_tracked must be at least 1, "
                f"got {num_batches_tracked}"
            )
    count = num_batches_tracked if momentum is None else None
    return _batch_norm_stats(x, running_mean, running_var, momentum, count, channel_axis, axis_name)


def _updated_by_batch(
    x: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    momentum: ArrayLike | None,
    batches: ArrayLike | None,
    channel_axis: int,
    axis_name: AxisName,
) -> tuple[Array, Array]:
    array = as_floating("batch_norm_stats", "x", x)
    layout = _by_channel("batch_norm_stats", array, channel_axis)
    mean, variance = _statistics("batch_norm_stats", array, layout, running_mean, running_var)
    count = count_of(layout.shape, layout.all_but_channels, axis_name)
    _check_more_than_one("batch_norm_stats", "channel", count)
    if not count or not array.size:
        return mean, variance

    def of_batch(x: Array) -> tuple[Array, Array]:
        found = moments(_seen(x, layout), layout.all_but_channels, axis_name)
        unbiased = found.variance * (count / (count - 1))
        return (found.high + found.low).ravel(), unbiased.ravel()

    new_mean, unbiased = sharded_by_xla(of_batch, PartitionSpec(), array)
    share = _share(momentum, batches, unbiased.dtype)
    return _averaged(mean, new_mean, share), _averaged(variance, unbiased, share)


_batch_norm_stats = cast(
    Callable[..., tuple[Array, Array]],
    raising(jax.jit(_updated_by_batch, static_argnames=("channel_axis", "axis_name"))),
)


def _share(momentum: ArrayLike | None, batches: ArrayLike | None, dtype: np.dtype) -> Array:
    if batches is None:
        assert momentum is not None
        return as_array("batch_norm_stats", "momentum", momentum).astype(dtype)
    number = as_array("batch_norm_stats", "num_batches_tracked", batches)
    message = "batch_norm_stats: num_batches_tracked must be at least 1, got {value}"
    return defined(1 / number.astype(dtype), number >= 1, ValueError, message, number)


def _averaged(old: Array, new: Array, share: Array) -> Array:
    """Both weighed, in the dtype computed in, rounded once."""
    return ((1 - share) * old.astype(share.dtype) + share * new).astype(old.dtype)


# --------------------------------------------------------------------------------- instance_norm


def _check_instance_norm(
    input: ArrayLike,
    running_mean: ArrayLike | None = None,
    running_var: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    use_input_stats: object = True,
    momentum: ArrayLike | None = 0.1,
    eps: ArrayLike = 1e-5,
    *,
    channel_axis: int = 1,
) -> None:
    _check_flag("instance_norm", "use_input_stats", use_input_stats)


@op(static=("use_input_stats", "channel_axis"), check=_check_instance_norm)
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
        eps: [], unit of input squared; 1e-5 by default; var + eps below 0 gives nan.
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
    _check_given("instance_norm", running, needed=not use_input_stats)
    _check_both("instance_norm", running)
    layout = _by_instance("instance_norm", x, channel_axis)
    channels = (layout.channels,)
    arrays = {
        **_parameters("instance_norm", x, channels, weight=weight, bias=bias),
        # Of any floating dtype, in torch too.
        **_parameters("instance_norm", None, channels, **running),
    }
    if use_input_stats:
        count = count_of(layout.shape, layout.space)
        _check_more_than_one("instance_norm", "channel of an instance", count)
    if not x.size:
        return x
    wide = compute_dtype(x.dtype)
    of = _for_channels(arrays, layout, wide)
    axes = layout.space if use_input_stats else None
    return _per_channel(x, layout.shape, axes, of, _eps("instance_norm", eps, wide))


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


def _updated_by_instances(
    x: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    momentum: ArrayLike | None,
    channel_axis: int,
) -> tuple[Array, Array]:
    array = as_floating("instance_norm_stats", "x", x)
    layout = _by_instance("instance_norm_stats", array, channel_axis)
    mean, variance = _statistics("instance_norm_stats", None, layout, running_mean, running_var)
    count = count_of(layout.shape, layout.space)
    _check_more_than_one("instance_norm_stats", "channel of an instance", count)
    if momentum is None:
        return mean, variance
    if not array.size:
        return jnp.full_like(mean, jnp.nan), jnp.full_like(variance, jnp.nan)

    def of_instances(x: Array) -> tuple[Array, Array]:
        found = moments(_seen(x, layout), layout.space)
        unbiased = found.variance * (count / (count - 1))
        new_mean = _over_instances(found.high + found.low, layout)
        return new_mean, _over_instances(unbiased, layout)

    new_mean, unbiased = sharded_by_xla(of_instances, PartitionSpec(), array)
    share = jnp.asarray(momentum, unbiased.dtype)
    return _averaged(mean, new_mean, share), _averaged(variance, unbiased, share)


def _over_instances(numbers: Array, layout: _Layout) -> Array:
    return jnp.mean(numbers.reshape(-1, layout.channels), axis=0)


_instance_norm_stats = cast(
    Callable[..., tuple[Array, Array]],
    jax.jit(_updated_by_instances, static_argnames=("channel_axis",)),
)


# --------------------------------------------------------------- layer_norm, group_norm, rms_norm


def layer_norm(
    input: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: ArrayLike = 1e-5,
) -> Array:
    """layer_norm(x) = (x - mean) / √(var + eps) weight + bias, over the last axes of x.

    The variance is the biased one. Mean and variance are taken in two passes, as sums of
    differences: numbers around 10⁶ keep their digits. The backward pass keeps x and a few numbers
    for each row. Where squares overflow, from 10¹⁹ in float32, the result is 0, as in torch, and
    nan where sums of x do.

    Args:
        input: [..., *normalized_shape], any unit; floating.
        normalized_shape: the shape of the last axes, over which the mean is taken; not empty.
        weight: [*normalized_shape], dimensionless. None is 1.
        bias: [*normalized_shape], unit of the result. None is 0.
        eps: [], unit of input squared; 1e-5 by default; var + eps below 0 gives nan.

    Returns:
        [..., *normalized_shape]; dimensionless, without a weight; the dtype of input.

    Raises:
        TypeError: if normalized_shape is no sequence of ints.
        ArgumentValueError: if shapes do not fit.
        ArgumentTypeError: if weight and bias have not both input's dtype; beside half precision
            they may be float32.
        DtypeError: if input is not floating.

    Source:
        Ba et al. 2016; torch.nn.functional.layer_norm, torch 2.13.
    """
    return _layer_norm(input, _shape("layer_norm", normalized_shape), weight, bias, eps)


@op(static=("normalized_shape",))
def _layer_norm(
    input: ArrayLike,
    normalized_shape: tuple[int, ...],
    weight: ArrayLike | None,
    bias: ArrayLike | None,
    eps: ArrayLike,
) -> Array:
    x = as_floating("layer_norm", "input", input)
    shape = _rows("layer_norm", x, normalized_shape)
    arrays = _parameters("layer_norm", x, normalized_shape, weight=weight, bias=bias)
    wide = compute_dtype(x.dtype)
    small = _eps("layer_norm", eps, wide)
    if not x.size:
        return x
    of = {name: _for_rows(array, shape, wide) for name, array in arrays.items()}

    def formula(x: Array, of: Mapping[str, Array | None], eps: Array) -> Array:
        rows = x.reshape(shape)
        found = standard(rows, eps, (len(shape) - 1,))
        result = normalized(rows, *found, of["weight"], of["bias"])
        return result.reshape(x.shape)

    return rounded_once(formula, x, of, small)


def _check_group_norm(
    input: ArrayLike,
    num_groups: object,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: ArrayLike = 1e-5,
    *,
    channel_axis: int = 1,
) -> None:
    if not isinstance(num_groups, int | np.integer) or isinstance(num_groups, bool):
        raise TypeError(f"group_norm: num_groups must be an int, got {type(num_groups).__name__}")
    if num_groups < 1:
        raise ArgumentValueError(f"group_norm: num_groups must be positive, got {num_groups}")


@op(static=("num_groups", "channel_axis"), check=_check_group_norm)
def group_norm(
    input: ArrayLike,
    num_groups: int,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: ArrayLike = 1e-5,
    *,
    channel_axis: int = 1,
) -> Array:
    """group_norm(x) = (x - mean_ng) / √(var_ng + eps) weight_c + bias_c, for groups g of channels.

    Mean and biased variance are those of the channels of one group, num_groups groups of
    neighbours, of one instance; see `layer_norm` for their digits.

    Args:
        input: [n, c, ...], any unit; floating.
        num_groups: into how many groups the channels are divided.
        weight: [c], dimensionless. None is 1.
        bias: [c], unit of the result. None is 0.
        eps: [], unit of input squared; 1e-5 by default; var + eps below 0 gives nan.
        channel_axis: 1 for [n, c, ...], -1 for [n, ..., c], which is not transposed for it; not 0.

    Returns:
        [n, c, ...], the shape of input; dimensionless, without a weight; the dtype of input.

    Raises:
        TypeError: if num_groups is no int.
        ValueError: if a single instance has one value for a mean.
        ArgumentValueError: if shapes do not fit, or num_groups does not divide the channels.
        ArgumentTypeError: if weight and bias have not both input's dtype; beside half precision
            they may be float32.
        DtypeError: if input is not floating.

    Source:
        Wu and He 2018; torch.nn.functional.group_norm, torch 2.13.
    """
    x = as_floating("group_norm", "input", input)
    layout = _by_instance("group_norm", x, channel_axis)
    channels = layout.channels
    if channels % num_groups:
        raise ArgumentValueError(
            f"group_norm: num_groups must divide the {channels} channels, got {num_groups}"
        )
    arrays = _parameters("group_norm", x, (channels,), weight=weight, bias=bias)
    if x.size == num_groups:
        raise ValueError(
            "group_norm: input must have more than one value for a mean, "
            f"got shape {x.shape} and num_groups={num_groups}"
        )
    wide = compute_dtype(x.dtype)
    small = _eps("group_norm", eps, wide)
    if not x.size:
        return x
    of = _for_channels(arrays, layout, wide)
    return _per_channel(x, layout.shape, layout.space, of, small, group=channels // num_groups)


def rms_norm(
    input: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    eps: ArrayLike | None = None,
) -> Array:
    """rms_norm(x) = x / √(mean x² + eps) weight, over the last axes of x.

    The gradient at a row of zeros is 1/√eps. Where squares overflow, from 10¹⁹ in float32, the
    result is 0, as in torch. Complex input, which torch takes, is rejected.

    Args:
        input: [..., *normalized_shape], any unit; floating.
        normalized_shape: the shape of the last axes, over which the mean is taken; not empty.
        weight: [*normalized_shape], dimensionless, of any floating dtype. None is 1.
        eps: [], unit of input squared; mean x² + eps below 0 gives nan. None, the default, stands
            for 2.2e-16 in float64, else, in half precision as well, for float32's 1.2e-7.

    Returns:
        [..., *normalized_shape]; dimensionless, without a weight; the dtype of input.

    Raises:
        TypeError: if normalized_shape is no sequence of ints.
        ArgumentValueError: if shapes do not fit.
        DtypeError: if an array is not floating.

    Source:
        Zhang and Sennrich 2019; torch.nn.functional.rms_norm, torch 2.13.
    """
    return _rms_norm(input, _shape("rms_norm", normalized_shape), weight, eps)


@op(static=("normalized_shape",))
def _rms_norm(
    input: ArrayLike,
    normalized_shape: tuple[int, ...],
    weight: ArrayLike | None,
    eps: ArrayLike | None,
) -> Array:
    x = as_floating("rms_norm", "input", input)
    shape = _rows("rms_norm", x, normalized_shape)
    arrays = _parameters("rms_norm", None, normalized_shape, weight=weight)
    wide = compute_dtype(x.dtype)
    small = _eps("rms_norm", float(np.finfo(wide).eps) if eps is None else eps, wide)
    if not x.size:
        return x

    def formula(x: Array, weight: Array | None, eps: Array) -> Array:
        rows = x.reshape(shape)
        scale = inverse_rms(rows, eps, (len(shape) - 1,))
        nothing = jnp.zeros_like(scale)
        return normalized(rows, nothing, nothing, scale, weight, None).reshape(x.shape)

    return rounded_once(formula, x, _for_rows(arrays["weight"], shape, wide), small)


# ------------------------------------------------------------------------------ what they share


def _per_channel(
    input: Array,
    shape: tuple[int, ...],
    axes: tuple[int, ...] | None,
    of: Mapping[str, Array | None],
    eps: Array,
    axis_name: AxisName = None,
    group: int | None = None,
) -> Array:
    """The input, normalized with a weight that is the same along all that one loop adds up.

    Args:
        input: in its own shape.
        shape: by channels, see `_by_channel`.
        axes: of the mean, in that shape. None: mean and variance are the running ones.
        of: the parameters, which broadcast to that shape.
        eps: added to the variance.
        axis_name: see `standard`.
        group: see `standard`.
    """

    def formula(x: Array, of: Mapping[str, Array | None], eps: Array) -> Array:
        data = x.reshape(shape)
        if axes is None:
            high, low, scale = _running(of, eps)
        else:
            high, low, scale = standard(data, eps, axes, axis_name, group)
        if (weight := of["weight"]) is not None:
            scale = scale * weight
        return normalized(data, high, low, scale, None, of["bias"]).reshape(x.shape)

    return rounded_once(formula, input, of, eps)


def _running(of: Mapping[str, Array | None], eps: Array) -> Standard:
    """The running statistics; that there are some has been checked."""
    mean, variance = of["running_mean"], of["running_var"]
    assert mean is not None
    assert variance is not None
    return Standard(mean, jnp.zeros_like(mean), inverse_root(variance + eps))


def _by_channel(function: str, x: Array, channel_axis: int) -> _Layout:
    """How x is seen; where the channels' axis is the first, there is no batch."""
    if x.ndim < 2:
        raise ArgumentValueError(f"{function}: input must have at least 2 dimensions, got {x.ndim}")
    axis = _channel_axis(function, channel_axis, x.ndim)
    axes = [
        (x.shape[0] if axis else 1, "batch"),
        (math.prod(x.shape[1:axis]), "space"),
        (x.shape[axis], "channel"),
        (math.prod(x.shape[axis + 1 :]), "space"),
    ]
    kept = [(length, kind) for length, kind in axes if length != 1]
    return _Layout(
        tuple(length for length, _ in kept), tuple(kind for _, kind in kept), x.shape[axis]
    )


def _by_instance(function: str, x: Array, channel_axis: int) -> _Layout:
    """The same, for means of each instance."""
    if x.ndim > 1 and not _channel_axis(function, channel_axis, x.ndim):
        raise ArgumentValueError(
            f"{function}: channel_axis must not be that of the instances, got {channel_axis}"
        )
    return _by_channel(function, x, channel_axis)


def _channel_axis(function: str, axis: object, ndim: int) -> int:
    if not isinstance(axis, int | np.integer) or isinstance(axis, bool):
        raise TypeError(f"{function}: channel_axis must be an int, got {type(axis).__name__}")
    return check_axis(function, cast(int, axis), ndim)


def _for_channels(
    arrays: Mapping[str, Array | None], layout: _Layout, dtype: np.dtype
) -> dict[str, Array | None]:
    return {
        name: None if array is None else array.astype(dtype).reshape(layout.of_parameters)
        for name, array in arrays.items()
    }


def _for_rows(parameter: Array | None, shape: tuple[int, ...], dtype: np.dtype) -> Array | None:
    if parameter is None:
        return None
    return parameter.astype(dtype).reshape((1,) * (len(shape) - 1) + shape[-1:])


def _eps(function: str, eps: ArrayLike, dtype: np.dtype) -> Array:
    return as_array(function, "eps", eps).astype(dtype)


def _parameters(
    function: str, x: Array | None, shape: tuple[int, ...], **given: ArrayLike | None
) -> dict[str, Array | None]:
    """The parameters that are not None as arrays of this shape.

    Args:
        function: whose parameters they are.
        x: whose dtype they all have to have, or float32 beside half precision. None: any.
        shape: of each.
        **given: them.
    """
    arrays: dict[str, Array | None] = {}
    dtypes: dict[str, np.dtype] = {}
    for name, value in given.items():
        arrays[name] = None
        if value is None:
            continue
        array = arrays[name] = as_floating(function, name, value)
        if array.shape != shape:
            raise ArgumentValueError(
                f"{function}: {name} must have shape {shape}, got {array.shape}"
            )
        if not array.weak_type:
            dtypes[name] = array.dtype
    if x is not None:
        _check_dtypes(function, x.dtype, dtypes)
    return arrays


def _check_dtypes(function: str, dtype: np.dtype, dtypes: Mapping[str, np.dtype]) -> None:
    allowed = {dtype, compute_dtype(dtype)}
    for name, other in dtypes.items():
        if other not in allowed:
            choice = " or ".join(sorted(d.name for d in allowed))
            raise ArgumentTypeError(
                f"{function}: {name} must have dtype {choice} for an input of {dtype.name}, "
                f"got {other.name}"
            )
    if len(set(dtypes.values())) > 1:
        found = ", ".join(f"{name} of {other.name}" for name, other in dtypes.items())
        raise ArgumentTypeError(f"{function}: parameters must have one dtype, got {found}")


def _seen(x: Array, layout: _Layout) -> Array:
    return x.reshape(layout.shape).astype(compute_dtype(x.dtype))


def _statistics(
    function: str, x: Array | None, layout: _Layout, mean: ArrayLike, variance: ArrayLike
) -> tuple[Array, Array]:
    given = {
        "running_mean": as_array(function, "running_mean", mean),
        "running_var": as_array(function, "running_var", variance),
    }
    _parameters(function, x, (layout.channels,), **given)
    return given["running_mean"], given["running_var"]


def _check_flag(function: str, name: str, value: object) -> None:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{function}: {name} must be a bool, got {type(value).__name__}")


def _check_both(function: str, running: Mapping[str, ArrayLike | None]) -> None:
    if len({value is None for value in running.values()}) > 1:
        raise ValueError(
            f"{function}: running_mean and running_var must both be None or both be given, "
            "got one of them"
        )


def _check_given(function: str, running: Mapping[str, ArrayLike | None], needed: bool) -> None:
    for name, value in running.items():
        if needed and value is None:
            raise ArgumentValueError(
                f"{function}: {name} must be given in evaluation mode, got None"
            )


def _check_more_than_one(function: str, part: str, count: int) -> None:
    if count == 1:
        raise ValueError(
            f"{function}: input must have more than one value for each {part} when training, got 1"
        )


def _shape(function: str, shape: Sequence[int]) -> tuple[int, ...]:
    lengths = cast(Sequence[object], shape)
    if not isinstance(lengths, tuple | list) or not all(
        isinstance(length, int | np.integer) for length in lengths
    ):
        raise TypeError(
            f"{function}: normalized_shape must be a tuple of ints, got {type(shape).__name__}"
        )
    return tuple(int(length) for length in shape)


def _rows(function: str, x: Array, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of x with the last axes as one, and without axes of length 1: see `_Layout`."""
    if not shape:
        raise ArgumentValueError(f"{function}: normalized_shape must not be empty, got ()")
    first = x.ndim - len(shape)
    if first < 0 or x.shape[first:] != shape:
        raise ArgumentValueError(
            f"{function}: input must end with the axes {shape}, got shape {x.shape}"
        )
    return (*(length for length in x.shape[:first] if length != 1), math.prod(shape))
