"""torch's initializers and layers, where jaxact's functions take or return something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


def calculate_gain(nonlinearity: Any, param: Any = None) -> float:
    """torch's gain, which is an integer where it is 1."""
    return float(nn.init.calculate_gain(nonlinearity, param))


def in_flax_layout(tensor: Tensor, *, fill: str, layout: str, **values: Any) -> Tensor:
    """Fills a shape (*kernel, in, out) with a function of torch.nn.init, given by name."""
    *kernel, inputs, outputs = tensor.shape
    shaped = tensor.new_empty((outputs, inputs, *kernel))
    return _in_flax_layout(getattr(nn.init, fill)(shaped, **values))


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
