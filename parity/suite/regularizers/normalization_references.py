"""Normalization in torch: on moved axes, with its running statistics, and as plain formulas.

The formulas are for what torch's own functions do not differentiate: running statistics, momentum
and eps.
"""
# pyright: basic

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional


def _moved(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of torch, for channels that are another axis."""

    def on_moved(input: Any, *args: Any, channel_axis: int = 1, **values: Any) -> Any:
        result = function(input.movedim(channel_axis, 1).contiguous(), *args, **values)
        return result.movedim(1, channel_axis)

    return on_moved


batch_norm_moved = _moved(functional.batch_norm)
instance_norm_moved = _moved(functional.instance_norm)
group_norm_moved = _moved(functional.group_norm)


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: Any = 1e-5,
) -> Any:
    """The formula, of which everything is differentiated."""
    axes = [axis for axis in range(input.ndim) if axis != 1]
    if training:
        running_var, running_mean = torch.var_mean(input, axes, correction=0)
    return _affine(
        input, _along(running_mean, input), _along(running_var, input), weight, bias, eps
    )


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: Any = 1e-5,
) -> Any:
    """The formula, of which everything is differentiated."""
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, eps=eps)
    axes = list(range(2, input.ndim))
    variance, mean = torch.var_mean(input, axes, correction=0, keepdim=True)
    return _affine(input, mean, variance, weight, bias, eps)


def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5
) -> Any:
    """The formula, of which everything is differentiated, also twice without a weight."""
    axes = list(range(-len(normalized_shape), 0))
    variance, mean = torch.var_mean(input, axes, correction=0, keepdim=True)
    result = (input - mean) / (variance + eps).sqrt()
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: Any = 1e-5
) -> Any:
    """The formula, of which everything is differentiated."""
    groups = input.reshape(input.shape[0], num_groups, -1)
    result = layer_norm(groups, groups.shape[2:], eps=eps).reshape(input.shape)
    result = result if weight is None else result * _along(weight, input)
    return result if bias is None else result + _along(bias, input)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: Any = None) -> Any:
    """The formula, of which everything is differentiated; eps None is that of all but float64."""
    eps = torch.finfo(torch.float32).eps if eps is None else eps
    axes = list(range(-len(normalized_shape), 0))
    result = input / (input.square().mean(axes, keepdim=True) + eps).sqrt()
    return result if weight is None else result * weight


def _along(parameter: Any, input: Any) -> Any:
    return parameter.reshape(-1, *(1,) * (input.ndim - 2))


def _affine(input: Any, mean: Any, variance: Any, weight: Any, bias: Any, eps: Any) -> Any:
    result = (input - mean) / (variance + eps).sqrt()
    result = result if weight is None else result * _along(weight, input)
    return result if bias is None else result + _along(bias, input)


# ---------------------------------------------------------------------------- running statistics


def batch_norm_stats(
    x: Any,
    running_mean: Any,
    running_var: Any,
    momentum: Any = 0.1,
    *,
    num_batches_tracked: Any = None,
    channel_axis: int = 1,
) -> Any:
    """What torch writes into its buffers."""
    mean, variance = running_mean.detach().clone(), running_var.detach().clone()
    x = x.movedim(channel_axis, 1)
    if momentum is None:
        module: Any = torch.nn.BatchNorm1d(x.shape[1], momentum=None, dtype=x.dtype)
        module.running_mean, module.running_var = mean, variance
        module.num_batches_tracked = torch.tensor(num_batches_tracked - 1)
        module(x)
        mean, variance = module.running_mean, module.running_var
    else:
        functional.batch_norm(x, mean, variance, training=True, momentum=momentum)
    return torch.cat([mean, variance])


def batch_norm_stats_formula(
    x: Any, running_mean: Any, running_var: Any, momentum: Any = 0.1
) -> Any:
    """The same, differentiated."""
    axes = [axis for axis in range(x.ndim) if axis != 1]
    variance, mean = torch.var_mean(x, axes, correction=1)
    return _blended(running_mean, running_var, mean, variance, momentum)


def instance_norm_stats(
    x: Any, running_mean: Any, running_var: Any, momentum: Any = 0.1, *, channel_axis: int = 1
) -> Any:
    """What torch writes into its buffers."""
    mean, variance = running_mean.detach().clone(), running_var.detach().clone()
    x = x.movedim(channel_axis, 1)
    if momentum is None:
        options: Any = {"momentum": None}
        module: Any = torch.nn.InstanceNorm1d(
            x.shape[1], **options, track_running_stats=True, dtype=x.dtype
        )
        module.running_mean, module.running_var = mean, variance
        module(x)
        mean, variance = module.running_mean, module.running_var
    else:
        functional.instance_norm(x, mean, variance, momentum=momentum)
    return torch.cat([mean, variance])


def instance_norm_stats_formula(
    x: Any, running_mean: Any, running_var: Any, momentum: Any = 0.1
) -> Any:
    """The same, differentiated."""
    variance, mean = torch.var_mean(x, list(range(2, x.ndim)), correction=1)
    return _blended(running_mean, running_var, mean.mean(0), variance.mean(0), momentum)


def _blended(old_mean: Any, old_variance: Any, mean: Any, variance: Any, share: Any) -> Any:
    return torch.cat(
        [(1 - share) * old_mean + share * mean, (1 - share) * old_variance + share * variance]
    )
