# pyright: basic
"""Normalization by mean and variance: mistakes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxact.regularizers import normalization
from parity.mutation import Mutants
from parity.suite.regularizers.normalization import batch, group, instance, layer
from parity.suite.regularizers.normalization.batch_subjects import BatchNorm

MUTANTS = Mutants((*batch.SPECS, *instance.SPECS, *layer.SPECS, *group.SPECS))
# Not typed: what is optional is handed on.
right: Any = normalization
_wrong = MUTANTS.wrong


def _along(parameter, x):
    return parameter.reshape(-1, *(1,) * (x.ndim - 2))


def _normal(x, mean, variance, eps, weight=None, bias=None):
    result = (x - mean) * lax.rsqrt(variance + eps)
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


def _by_channel(x, mean, variance, eps, weight, bias):
    weight, bias = (None if p is None else _along(p, x) for p in (weight, bias))
    return _normal(x, mean, variance, eps, weight, bias)


def _moments(x, axes):
    return jnp.mean(x, axes, keepdims=True), jnp.var(x, axes, keepdims=True)


def _all_but_channels(x):
    return (0, *range(2, x.ndim))


# -------------------------------------------------------------------------------------- batch_norm


@_wrong("batch_norm", "training,large_mean/float32/forward")
def _batch_norm_subtracts_the_squared_mean(
    input, running_mean, running_var, weight=None, bias=None, training=False, eps=1e-5
):
    axes = _all_but_channels(input)
    mean = jnp.mean(input, axes, keepdims=True)
    variance = jnp.mean(input * input, axes, keepdims=True) - mean * mean
    return _by_channel(input, mean, jnp.maximum(variance, 0), eps, weight, bias)


@_wrong("batch_norm", "training,constant/float32/forward")
def _batch_norm_folds_the_mean_into_the_bias(
    input, running_mean, running_var, weight=None, bias=None, training=False, eps=1e-5
):
    mean, variance = _moments(input, _all_but_channels(input))
    scale = lax.rsqrt(variance + eps) * _along(weight, input)
    return input * scale + (_along(bias, input) - mean * scale)


@_wrong("batch_norm", "training/float32/vjp")
def _batch_norm_takes_statistics_as_constants(
    input, running_mean, running_var, weight=None, bias=None, training=False, eps=1e-5
):
    if not training:
        return right.batch_norm(input, running_mean, running_var, weight, bias, eps=eps)
    mean, variance = jax.lax.stop_gradient(_moments(input, _all_but_channels(input)))
    return _by_channel(input, mean, variance, eps, weight, bias)


@_wrong("batch_norm", "training,eps=0.5/float32/forward")
def _batch_norm_adds_eps_to_the_deviation(
    input, running_mean, running_var, weight=None, bias=None, training=False, eps=1e-5
):
    mean, variance = _moments(input, _all_but_channels(input))
    return _by_channel(input, mean, (jnp.sqrt(variance) + eps) ** 2, 0, weight, bias)


@_wrong("batch_norm", "evaluation/float32/forward")
def _batch_norm_uses_the_batch_in_evaluation(
    input, running_mean, running_var, weight=None, bias=None, training=False, eps=1e-5
):
    return right.batch_norm(input, None, None, weight, bias, True, eps=eps)


@_wrong("batch_norm", "training_3d/float32/forward")
def _batch_norm_normalizes_by_the_unbiased_variance(
    input, running_mean, running_var, weight=None, bias=None, training=False, eps=1e-5
):
    axes = _all_but_channels(input)
    variance = jnp.var(input, axes, keepdims=True, ddof=1)
    return _by_channel(input, jnp.mean(input, axes, keepdims=True), variance, eps, weight, bias)


@_wrong("batch_norm", "training,channel_axis=-1,4d/float32/vjp")
def _batch_norm_has_channels_on_axis_1_whatever_is_said(
    input, running_mean, running_var, weight=None, bias=None, training=False, channel_axis=1
):
    mean, variance = _moments(input, (0, *range(2, input.ndim)))
    return _normal(input, mean, variance, 1e-5, weight, bias)


@_wrong("batch_norm", "training/bfloat16/forward")
def _batch_norm_computes_in_half_precision(
    input, running_mean, running_var, weight=None, bias=None, training=False, eps=1e-5
):
    mean, variance = _moments(input, _all_but_channels(input))
    return _by_channel(input, mean, variance, jnp.asarray(eps, input.dtype), weight, bias)


@_wrong("batch_norm", "evaluation,running=learned/float32/vjp")
def _batch_norm_has_no_slope_along_the_running_statistics(
    input, running_mean, running_var, weight=None, bias=None, training=False, eps=1e-5
):
    mean, variance = jax.lax.stop_gradient((running_mean, running_var))
    return right.batch_norm(input, mean, variance, weight, bias, training, eps=eps)


# ---------------------------------------------------------------------------------- running values


def _blended(old_mean, old_variance, mean, variance, share):
    old = (old_mean, old_variance)
    return tuple((1 - share) * a + share * b for a, b in zip(old, (mean, variance), strict=True))


def _running(
    x, running_mean, running_var, momentum=0.1, *, num_batches_tracked=None, channel_axis=1
):
    return right.batch_norm_stats(
        x,
        running_mean,
        running_var,
        momentum,
        num_batches_tracked=num_batches_tracked,
        channel_axis=channel_axis,
    )


@_wrong("batch_norm_stats", "float32/forward")
def _running_variance_is_biased(x, running_mean, running_var, momentum=0.1):
    axes = _all_but_channels(x)
    return _blended(running_mean, running_var, x.mean(axes), x.var(axes), momentum)


@_wrong("batch_norm_stats", "momentum=0.3/float32/forward")
def _momentum_is_the_share_of_the_old(x, running_mean, running_var, momentum=0.1):
    return _running(x, running_mean, running_var, 1 - momentum)


@_wrong("batch_norm_stats", "momentum=None,num_batches_tracked=4/float32/forward")
def _momentum_none_is_a_tenth(
    x, running_mean, running_var, momentum=0.1, *, num_batches_tracked=None
):
    return _running(x, running_mean, running_var, 0.1)


@_wrong("batch_norm_stats", "momentum=None,num_batches_tracked=4/float32/forward")
def _batches_are_counted_before_this_one(
    x, running_mean, running_var, momentum=0.1, *, num_batches_tracked=1
):
    return _running(x, running_mean, running_var, 1 / (num_batches_tracked + 1))


@_wrong("batch_norm_stats", "follows_a_thousand_batches/any/law")
def _batches_are_counted_to_500(
    x, running_mean, running_var, momentum=0.1, *, num_batches_tracked=None
):
    counted = jnp.minimum(num_batches_tracked, 500)
    return _running(x, running_mean, running_var, momentum, num_batches_tracked=counted)


@_wrong("instance_norm_stats", "float32/forward")
def _instance_statistics_are_those_of_the_batch(x, running_mean, running_var, momentum=0.1):
    return _running(x, running_mean, running_var, momentum)


@_wrong("instance_norm_stats", "momentum=None/float32/forward")
def _instance_momentum_none_is_a_tenth(x, running_mean, running_var, momentum=0.1):
    return right.instance_norm_stats(x, running_mean, running_var, 0.1)


@_wrong("batch_norm", "module,training,momentum=None/float32/forward")
class _layer_counts_a_batch_after_its_average(BatchNorm):
    def __call__(self, input):
        count = self.num_batches_tracked.value
        self.num_batches_tracked.value = count - 1
        out = super().__call__(input)
        self.num_batches_tracked.value = count + 1
        return out


@_wrong("batch_norm", "module,evaluation/float32/forward")
class _layer_follows_the_batch_in_evaluation(BatchNorm):
    def __call__(self, input):
        out = super().__call__(input)
        stats = self.running_mean.value, self.running_var.value
        self.running_mean.value, self.running_var.value = _running(input, *stats)
        return out


# ------------------------------------------------------------------------------- the other families


@_wrong("instance_norm", "learned/float32/forward")
def _instance_norm_averages_over_the_batch(input, weight=None, bias=None):
    return right.batch_norm(input, None, None, weight, bias, True)


@_wrong("layer_norm", "two_axes/float32/forward")
def _layer_norm_averages_over_the_last_axis_alone(
    input, normalized_shape, weight=None, bias=None, eps=1e-5
):
    return _normal(input, *_moments(input, (-1,)), eps, weight, bias)


@_wrong("layer_norm", "large_mean/float32/forward")
def _layer_norm_subtracts_the_squared_mean(
    input, normalized_shape, weight=None, bias=None, eps=1e-5
):
    axes = tuple(range(-len(normalized_shape), 0))
    mean = jnp.mean(input, axes, keepdims=True)
    variance = jnp.mean(input * input, axes, keepdims=True) - mean * mean
    return _normal(input, mean, jnp.maximum(variance, 0), eps, weight, bias)


@_wrong("layer_norm", "learned/float32/vjp")
def _layer_norm_takes_the_variance_as_constant(
    input, normalized_shape, weight=None, bias=None, eps=1e-5
):
    mean, variance = _moments(input, (-1,))
    return _normal(input, mean, lax.stop_gradient(variance), eps, weight, bias)


@jax.custom_jvp
def _inverse(variance):
    return lax.rsqrt(variance)


@_inverse.defjvp
def _(primals, tangents):
    # One number, which is 0 for wide data.
    root = _inverse(*primals)
    return root, -0.5 * (root * root * root) * tangents[0]


@_wrong("layer_norm", "wide/float32/vjp")
def _layer_norm_has_a_slope_of_one_factor(
    input, normalized_shape, weight=None, bias=None, eps=1e-5
):
    mean, variance = _moments(input, (-1,))
    result = (input - mean) * _inverse(variance + eps)
    return result if weight is None else result * weight


@_wrong("rms_norm", "close/float32/vjp")
def _rms_norm_has_a_slope_of_one_factor(input, normalized_shape, weight=None, eps=1e-5):
    result = input * _inverse(jnp.mean(input * input, -1, keepdims=True) + eps)
    return result if weight is None else result * weight


@_wrong("group_norm", "num_groups=2/float32/forward")
def _group_norm_interleaves_the_groups(input, num_groups, weight=None, bias=None, eps=1e-5):
    n, c, *space = input.shape
    groups = input.reshape(n, c // num_groups, num_groups, *space)
    mean, variance = _moments(groups, (1, *range(3, groups.ndim)))
    result = _normal(groups, mean, variance, eps).reshape(input.shape)
    return result * _along(weight, input) + _along(bias, input)


@_wrong("group_norm", "2d/float32/forward")
def _group_norm_has_groups_of_num_groups_channels(
    input, num_groups, weight=None, bias=None, eps=1e-5
):
    return right.group_norm(input, input.shape[1] // num_groups, weight, bias, eps)


@_wrong("rms_norm", "learned/float32/forward")
def _rms_norm_subtracts_the_mean(input, normalized_shape, weight=None, eps=None):
    return right.layer_norm(input, normalized_shape, weight, None, 1.2e-7)


@_wrong("rms_norm", "small,float32/float32/forward")
def _rms_norm_has_flax_s_eps(input, normalized_shape, weight=None, eps=None):
    return right.rms_norm(input, normalized_shape, weight, 1e-6)


@_wrong("rms_norm", "small,float32/float16/forward")
def _rms_norm_has_the_eps_of_half_precision(input, normalized_shape, weight=None, eps=None):
    return right.rms_norm(input, normalized_shape, weight, float(jnp.finfo(input.dtype).eps))
