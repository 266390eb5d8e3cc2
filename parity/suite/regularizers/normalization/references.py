"""Normalization in torch: on moved axes, with its running statistics, and as plain formulas.

The formulas are for arguments that torch's own functions do not differentiate: running statistics,
momentum, eps and p.
"""
# pyright: basic

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


def _moved(function):
    """torch's function, for channels on another axis."""

    def on_moved(input, *args, channel_axis=1, axis_name: Any = None, **values):
        if channel_axis == 1:
            return function(input, *args, **values)
        result = function(input.movedim(channel_axis, 1).contiguous(), *args, **values)
        # Flattened, so that the gradient that flows back has this order too: torch 2.13 reads that
        # of instance_norm of a single image as if its channels came first (0.202 in place of 0.599
        # for an image of 3 channels, where finite differences give 0.599).
        return result.flatten().reshape(result.shape).movedim(1, channel_axis)

    return on_moved


batch_norm_moved = _moved(functional.batch_norm)
instance_norm_moved = _moved(functional.instance_norm)
group_norm_moved = _moved(functional.group_norm)


# ---------------------------------------------------------------------------------------- formulas


def batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    """The formula, differentiable in all arguments."""
    if training:
        running_var, running_mean = torch.var_mean(input, _all_but_channels(input), correction=0)
    mean, variance = _along(running_mean, input), _along(running_var, input)
    return _normal(input, mean, variance, eps, _along(weight, input), _along(bias, input))


def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """The formula, differentiable in all arguments."""
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, eps=eps)
    return group_norm(input, input.shape[1], weight, bias, eps)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """The formula, differentiable in all arguments, also twice without a weight."""
    axes = list(range(-len(normalized_shape), 0))
    variance, mean = torch.var_mean(input, axes, correction=0, keepdim=True)
    return _normal(input, mean, variance, eps, weight, bias)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """The formula, differentiable in all arguments."""
    groups = input.reshape(input.shape[0], num_groups, -1)
    result = layer_norm(groups, groups.shape[2:], eps=eps).reshape(input.shape)
    return _affine(result, _along(weight, input), _along(bias, input))


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """The formula, differentiable in all arguments; eps=None means the eps of float32."""
    eps = torch.finfo(torch.float32).eps if eps is None else eps
    axes = list(range(-len(normalized_shape), 0))
    return _affine(input / (input.square().mean(axes, keepdim=True) + eps).sqrt(), weight)


def _all_but_channels(x):
    return [axis for axis in range(x.ndim) if axis != 1]


def _along(parameter, input):
    return None if parameter is None else parameter.reshape(-1, *(1,) * (input.ndim - 2))


def _normal(input, mean, variance, eps, weight, bias):
    return _affine((input - mean) / (variance + eps).sqrt(), weight, bias)


def _affine(result, weight, bias=None):
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


# ------------------------------------------------------------------------------ running statistics


def batch_norm_stats(
    x,
    running_mean,
    running_var,
    momentum=0.1,
    *,
    num_batches_tracked: Any = None,
    channel_axis=1,
    axis_name: Any = None,
):
    """What torch writes into its buffers."""
    stats, x = (running_mean.clone(), running_var.clone()), x.movedim(channel_axis, 1)
    if momentum is None:
        return _tracked(torch.nn.BatchNorm1d, x, stats, num_batches_tracked - 1)
    functional.batch_norm(x, *stats, training=True, momentum=momentum)
    return stats


def instance_norm_stats(x, running_mean, running_var, momentum=0.1, *, channel_axis=1):
    """What torch writes into its buffers."""
    stats, x = (running_mean.clone(), running_var.clone()), x.movedim(channel_axis, 1)
    if momentum is None:
        return _tracked(torch.nn.InstanceNorm1d, x, stats)
    functional.instance_norm(x, *stats, momentum=momentum)
    return stats


def _tracked(layer, x, stats, before=0):
    """The buffers of a layer with momentum None, after the given number of batches and this one."""
    made = layer(x.shape[1], momentum=None, track_running_stats=True, dtype=x.dtype)
    made.running_mean, made.running_var = stats
    made.num_batches_tracked = torch.tensor(before)
    made(x)
    return made.running_mean, made.running_var


def batch_norm_stats_formula(
    x,
    running_mean,
    running_var,
    momentum=0.1,
    *,
    num_batches_tracked: Any = None,
    channel_axis=1,
    axis_name: Any = None,
):
    """The formula of the running statistics, differentiable in all arguments."""
    momentum = 1 / num_batches_tracked if momentum is None else momentum
    x = x.movedim(channel_axis, 1)
    variance, mean = torch.var_mean(x, _all_but_channels(x))
    return torch.lerp(running_mean, mean, momentum), torch.lerp(running_var, variance, momentum)


def instance_norm_stats_formula(x, running_mean, running_var, momentum=0.1, *, channel_axis=1):
    """The formula of the running statistics, differentiable in all arguments."""
    # torch passes 0 for None.
    momentum = 0.0 if momentum is None else momentum
    x = x.movedim(channel_axis, 1)
    variance, mean = (part.mean(0) for part in torch.var_mean(x, list(range(2, x.ndim))))
    return torch.lerp(running_mean, mean, momentum), torch.lerp(running_var, variance, momentum)


# ------------------------------------------------------------------------------------------- norms


def normalize(input, p, eps):
    """torch's normalize over axis 1, differentiable in p and eps."""
    lengths = input.abs().pow(p).sum(1, keepdim=True).pow(1 / p)
    return input / torch.where(lengths < eps, eps, lengths)


def local_response_norm(input, size, channel_axis=1, **values):
    """torch's local_response_norm with the channels on another axis."""
    if channel_axis == 1:
        return functional.local_response_norm(input, size, **values)
    moved = input.movedim(channel_axis, 1).contiguous()
    return functional.local_response_norm(moved, size, **values).movedim(1, channel_axis)
