"""Normalization of channels, on the data in a shape over which XLA's loops are fast."""

import math
from collections.abc import Mapping
from typing import NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact._arguments import check_axis
from jaxact._numbers import compute_dtype
from jaxact.errors import ArgumentValueError, InvalidTypeError
from jaxact.regularizers.normalization._moments import (
    AxisName,
    Standard,
    inverse_root,
    normalized,
    rounded_once,
    standard,
)


class Layout(NamedTuple):
    """A view of the data over which loops are fast, a reshape without a transposition.

    Args:
        shape: [n, before, c, behind] without axes of length 1, which make XLA's fused sums on CPUs
            20 times as slow.
        kinds: of the axes, "batch", "space" or "channel".
        channels: the number of channels.
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


def by_channel(function: str, x: Array, channel_axis: int) -> Layout:
    """The layout for means over batch and space; no batch if the channels are on axis 0."""
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
    return Layout(
        tuple(length for length, _ in kept), tuple(kind for _, kind in kept), x.shape[axis]
    )


def by_instance(function: str, x: Array, channel_axis: int) -> Layout:
    """The layout for means of each instance: axis 0 has to be the instances."""
    if x.ndim > 1 and not _channel_axis(function, channel_axis, x.ndim):
        raise ArgumentValueError(
            f"{function}: channel_axis must not be that of the instances, got {channel_axis}"
        )
    return by_channel(function, x, channel_axis)


def _channel_axis(function: str, axis: object, ndim: int) -> int:
    if not isinstance(axis, int | np.integer) or isinstance(axis, bool):
        raise InvalidTypeError(
            f"{function}: channel_axis must be an int, got {type(axis).__name__}"
        )
    return check_axis(function, cast(int, axis), ndim)


def for_channels(
    arrays: Mapping[str, Array | None], layout: Layout, dtype: np.dtype
) -> dict[str, Array | None]:
    """The parameters in this dtype and a shape that broadcasts along the channels."""
    return {
        name: None if array is None else array.astype(dtype).reshape(layout.of_parameters)
        for name, array in arrays.items()
    }


def in_layout(x: Array, layout: Layout) -> Array:
    """x in the layout's shape and the dtype to compute in."""
    return x.reshape(layout.shape).astype(compute_dtype(x.dtype))


def normalize_channels(
    input: Array,
    shape: tuple[int, ...],
    axes: tuple[int, ...] | None,
    of: Mapping[str, Array | None],
    eps: Array,
    axis_name: AxisName = None,
    group: int | None = None,
    constant_is_zero: bool = False,
) -> Array:
    """Normalize by the moments along some axes, or by the running ones, with a weight by channel.

    Args:
        input: the data in its own shape.
        shape: of the layout, see `by_channel`.
        axes: of the mean, in the layout. None: running mean and variance.
        of: the parameters, which broadcast to the layout's shape.
        eps: added to the variance.
        axis_name: see `standard`.
        group: see `standard`.
        constant_is_zero: see `standard`.
    """

    def formula(x: Array, of: Mapping[str, Array | None], eps: Array) -> Array:
        data = x.reshape(shape)
        if axes is None:
            high, low, scale = _running(of, eps)
        else:
            high, low, scale = standard(data, eps, axes, axis_name, group, constant_is_zero)
        if (weight := of["weight"]) is not None:
            scale = scale * weight
        return normalized(data, high, low, scale, None, of["bias"]).reshape(x.shape)

    return rounded_once(formula, input, of, eps)


def _running(of: Mapping[str, Array | None], eps: Array) -> Standard:
    """Running mean and scale; that they are given has been checked."""
    mean, variance = of["running_mean"], of["running_var"]
    assert mean is not None
    assert variance is not None
    return Standard(mean, jnp.zeros_like(mean), inverse_root(variance + eps))
