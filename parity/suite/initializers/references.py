"""torch's initializers and layers, where jaxact's functions take or return something else."""

# pyright: basic

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def calculate_gain(nonlinearity: Any, param: Any = None) -> float:
    """torch's gain, which is an integer where it is 1."""
    return float(nn.init.calculate_gain(nonlinearity, param))


def filled(tensor: Tensor, *, fill: str, layout: str = "torch", **values: Any) -> Tensor:
    """Fills a tensor with a function of torch.nn.init, given by name.

    In flax's layout its shape is (*kernel, in, out).
    """
    function = getattr(nn.init, fill)
    if layout == "torch" or tensor.ndim < 2:
        return function(tensor, **values)
    return _in_flax_layout(function(tensor.new_empty(_torch_shape(tensor.shape)), **values))


def _torch_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """(*kernel, in, out) as (out, in, *kernel)."""
    *kernel, inputs, outputs = shape
    return (outputs, inputs, *kernel)


# ------------------------------------------------------------------- formulas of a known draw


def uniform(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, *, drawn: Tensor, **ignored: Any
) -> Tensor:
    """Of numbers between 0 and 1; what rounds to b becomes a."""
    return _below((a + (b - a) * drawn).to(tensor.dtype), a, b)


def _below(values: Tensor, a: float, b: float) -> Tensor:
    low, high = (torch.tensor(end, dtype=values.dtype) for end in (a, b))
    return torch.where(values == high, low, values)


def normal(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, drawn: Tensor, **ignored: Any
) -> Tensor:
    """Of standard normal numbers."""
    return (mean + std * drawn).to(tensor.dtype)


def trunc_normal(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    drawn: Tensor,
    **ignored: Any,
) -> Tensor:
    """Of standard normal numbers between -2 and 2; an interval above the mean is mirrored."""
    z, ends = drawn.double(), torch.tensor([-2.0, 2.0, (a - mean) / std, (b - mean) / std]).double()
    sign = -1 if ends[2] + ends[3] > 0 else 1
    low, high = sorted(ends[2:] * sign)
    before, most = torch.special.ndtr(ends[:2])
    share = (torch.special.ndtr(z) - before) / (most - before)
    first, last = torch.special.ndtr(low), torch.special.ndtr(high)
    found = mean + sign * std * torch.special.ndtri(first + share * (last - first))
    return found.clamp(a, b).to(tensor.dtype)


def times_gain(tensor: Tensor, gain: float = 1.0, *, drawn: Tensor, **ignored: Any) -> Tensor:
    """Of what is drawn with a gain of 1."""
    return (gain * drawn).to(tensor.dtype)


def sparse(
    tensor: Tensor, sparsity: float, std: float = 0.01, *, drawn: Tensor, **ignored: Any
) -> Tensor:
    """Of what is drawn with a standard deviation of 1."""
    return (std * drawn).to(tensor.dtype)


def xavier_uniform(
    tensor: Tensor, gain: float = 1.0, *, drawn: Tensor, layout: str = "torch"
) -> Tensor:
    """Of what is drawn with a gain of 1."""
    inputs, outputs = _fans(tensor, layout)
    return _between(gain * drawn, gain * (6 / (inputs + outputs)) ** 0.5, tensor)


def kaiming_normal(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: Any = "leaky_relu",
    *,
    drawn: Tensor,
    layout: str = "torch",
) -> Tensor:
    """Of what is drawn with a gain of 1 and fan_in."""
    inputs, outputs = _fans(tensor, layout)
    fan = inputs if mode.lower() == "fan_in" else outputs
    factor = calculate_gain(nonlinearity, a) * (inputs / max(fan, 1)) ** 0.5
    return (factor * drawn).to(tensor.dtype)


def kaiming_uniform(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: Any = "leaky_relu",
    *,
    drawn: Tensor,
    layout: str = "torch",
) -> Tensor:
    """Of what is drawn with a gain of 1 and fan_in."""
    inputs, outputs = _fans(tensor, layout)
    fan = inputs if mode.lower() == "fan_in" else outputs
    gain = calculate_gain(nonlinearity, a)
    factor = gain * (inputs / max(fan, 1)) ** 0.5
    return _between(factor * drawn, gain * (3 / max(fan, 1)) ** 0.5, tensor)


def _between(values: Tensor, bound: float, like: Tensor) -> Tensor:
    return _below(values.to(like.dtype), -bound, bound)


def _fans(tensor: Tensor, layout: str) -> tuple[int, int]:
    shape = tuple(tensor.shape) if layout == "torch" else _torch_shape(tensor.shape)
    outputs, inputs, *kernel = shape
    return inputs * math.prod(kernel), outputs * math.prod(kernel)


# ------------------------------------------------------------------------------------- layers


def weight_of_layer(
    tensor: Tensor,
    layer: str,
    *,
    hidden_size: int | None = None,
    padding_idx: int | None = None,
    layout: str = "torch",
) -> Tensor:
    """The weight of a new layer that has one of this shape."""
    table = layer.startswith("Embedding")
    in_torch = layout == "torch" or table or tensor.ndim < 2
    shape = tuple(tensor.shape) if in_torch else _torch_shape(tensor.shape)
    options = {"padding_idx": padding_idx} if table else {}
    parameter = {"GRUCell": "weight_ih", "LSTM": "weight_ih_l0", "RNN": "weight_ih_l0"}
    made = _constructed(layer, shape, hidden_size)
    weight = _parameter(tensor, layer, made, options, parameter.get(layer, "weight"))
    return weight if in_torch else _in_flax_layout(weight)


def _constructed(layer: str, shape: tuple[int, ...], hidden_size: int | None) -> tuple[Any, ...]:
    """The arguments of the constructor of a layer whose weight has this shape."""
    if hidden_size is not None:
        return (shape[1], hidden_size)
    if layer == "Bilinear":
        return (shape[1], shape[2], shape[0])
    if layer == "Linear":
        return (shape[1], shape[0])
    if layer.startswith("ConvTranspose"):
        return (shape[0], shape[1], shape[2:])
    return (shape[1], shape[0], shape[2:]) if layer.startswith("Conv") else shape


def bias_of_layer(
    tensor: Tensor,
    layer: str,
    *,
    weight_shape: tuple[int, ...] | None = None,
    hidden_size: int | None = None,
    layout: str = "torch",
) -> Tensor:
    """The formula: a new layer draws its weight first, from the same stream."""
    if hidden_size is not None:
        count = hidden_size
    elif weight_shape is None:
        return nn.init.zeros_(tensor)
    else:
        _, inputs, *kernel = weight_shape if layout == "torch" else _torch_shape(weight_shape)
        count = inputs if layer == "Bilinear" else inputs * math.prod(kernel)
    return nn.init.uniform_(tensor, -(count**-0.5), count**-0.5)


def default_weight(
    tensor: Tensor,
    layer: str,
    *,
    hidden_size: int | None = None,
    padding_idx: int | None = None,
    layout: str = "torch",
    **new: Any,
) -> Tensor:
    """A weight of a new layer; `new` also has the subject's arguments about the layer."""
    weight = _parameter(tensor, layer, **new)
    table = layer.startswith("Embedding")
    return weight if layout == "torch" or table else _in_flax_layout(weight)


def default_bias(
    tensor: Tensor,
    layer: str,
    *,
    weight_shape: tuple[int, ...] | None = None,
    hidden_size: int | None = None,
    layout: str = "torch",
    **new: Any,
) -> Tensor:
    """A bias of a new layer; `new` also has the subject's arguments about the layer."""
    return _parameter(tensor, layer, **new)


def _parameter(
    tensor: Tensor, layer: str, made: tuple[Any, ...], options: Mapping[str, Any], parameter: str
) -> Tensor:
    """The parameter of that name of a layer constructed with these arguments."""
    return getattr(nn, layer)(*made, **options, dtype=tensor.dtype).state_dict()[parameter]


def _in_flax_layout(tensor: Tensor) -> Tensor:
    return tensor.movedim((0, 1), (-1, -2))
