"""Group normalization: by mean and variance of neighbouring channels of an instance."""

import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_floating
from jaxact._numbers import compute_dtype
from jaxact._op import op
from jaxact.errors import ArgumentValueError, InvalidTypeError, InvalidValueError
from jaxact.regularizers.normalization._channels import (
    by_instance,
    for_channels,
    normalize_channels,
)
from jaxact.regularizers.normalization._parameters import check_parameters, eps_array

__all__ = ["group_norm"]


def _check_group_norm(function: str, num_groups: object) -> None:
    if not isinstance(num_groups, int | np.integer) or isinstance(num_groups, bool):
        raise InvalidTypeError(
            f"group_norm: num_groups must be an int, got {type(num_groups).__name__}"
        )
    if num_groups < 1:
        raise ArgumentValueError(f"group_norm: num_groups must be positive, got {num_groups}")


@op(static=("num_groups", "channel_axis"), checks={("num_groups",): _check_group_norm})
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
    layout = by_instance("group_norm", x, channel_axis)
    channels = layout.channels
    if channels % num_groups:
        raise ArgumentValueError(
            f"group_norm: num_groups must divide the {channels} channels, got {num_groups}"
        )
    arrays = check_parameters("group_norm", x, (channels,), weight=weight, bias=bias)
    if x.size == num_groups:
        raise InvalidValueError(
            "group_norm: input must have more than one value for a mean, "
            f"got shape {x.shape} and num_groups={num_groups}"
        )
    wide = compute_dtype(x.dtype)
    small = eps_array("group_norm", eps, wide)
    if not x.size:
        return x
    of = for_channels(arrays, layout, wide)
    return normalize_channels(
        x, layout.shape, layout.space, of, small, group=channels // num_groups
    )
