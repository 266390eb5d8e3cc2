"""The default initializers of torch's layers."""

import math
import operator
from collections.abc import Sequence
from typing import SupportsIndex

from jax import Array

from jaxact._arguments import known_layout
from jaxact.errors import InvalidIndexError, InvalidTypeError, InvalidValueError
from jaxact.initializers._draws import draw_normal, draw_uniform
from jaxact.initializers._initializer import (
    Dtype,
    Initializer,
    Key,
    Layout,
    Shape,
    checked_sizes,
    fans,
    in_torch_layout,
    initializer,
    initializer_factory,
)
from jaxact.initializers.constants import constant, ones, zeros
from jaxact.initializers.variance_scaling import kaiming_uniform, xavier_normal, xavier_uniform

__all__ = ["default_bias", "default_weight"]

# Maps a class in torch.nn to the number of axes of its weight.
_LINEAR = {
    "Linear": 2,
    **{f"Conv{n}d": n + 2 for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": n + 2 for n in (1, 2, 3)},
}
_RECURRENT = ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")
_TABLES = ("Embedding", "EmbeddingBag")
_NORMS = (
    *(f"BatchNorm{n}d" for n in (1, 2, 3)),
    *(f"InstanceNorm{n}d" for n in (1, 2, 3)),
    *("SyncBatchNorm", "LayerNorm", "GroupNorm"),
)
_WITHOUT_BIAS = (*_TABLES, "RMSNorm", "PReLU")
_LAYERS = (
    *(*_LINEAR, "Bilinear", *_RECURRENT, "MultiheadAttention"),
    *(*_NORMS, *_WITHOUT_BIAS),
)
_SLOPE = 0.25


@initializer_factory()
def default_weight(
    layer: str,
    *,
    hidden_size: int | None = None,
    padding_idx: int | None = None,
    layout: Layout = "torch",
) -> Initializer:
    """default_weight(layer)(key, shape) = the weight of a new torch.nn layer.

    Linear and the convolutions: U(-c, c) with c = 1 / sqrt(fan_in). Bilinear: U(-c, c) with
    c = 1 / sqrt(in1). Every weight of RNN, LSTM, GRU and their cells: U(-c, c) with
    c = 1 / sqrt(hidden_size). MultiheadAttention: xavier_uniform, for in_proj_weight or for each of
    q, k and v; its out_proj is a Linear. Embedding and EmbeddingBag: N(0, 1), and 0 in the row
    padding_idx. The norms: 1. PReLU: 0.25.

    The shape is that of the layer's weight and accounts for groups: (out, in / groups, *kernel).
    For a transposed convolution it is (in, out / groups, *kernel), so torch's fan_in is out /
    groups * kernel; flax has such a kernel in nnx.ConvTranspose(transpose_kernel=True).

    Args:
        layer: the name of the class in torch.nn.
        hidden_size: dimensionless; required for recurrent layers, not allowed for others.
        padding_idx: dimensionless; the row of an embedding that is 0; a negative index counts from
            the end. None: no row is 0.
        layout: 'torch' reads shapes as in torch, 'flax' with the axes (*kernel, in, out) instead
            of (out, in, *kernel). Embeddings are (rows, features) in both.

    Returns:
        An initializer, init(key, shape, dtype) -> [...] of a floating dtype, dimensionless.

    Raises:
        ValueError: if layer or layout is unknown, or hidden_size is not positive; when called, if
            the shape does not have the axes of the layer's weight, or Bilinear's in1 is 0.
        TypeError: if hidden_size is missing, or if hidden_size or padding_idx is given for a layer
            that does not take it.
        IndexError: if the initializer is called with fewer rows than padding_idx needs.
        DtypeError: if the initializer is called with a dtype that is not floating.

    Source:
        `reset_parameters` of the layers of torch.nn, torch 2.13.
    """
    name = "default_weight"
    _check_options(name, layer, hidden_size, layer in _RECURRENT)
    if padding_idx is not None and layer not in _TABLES:
        raise InvalidTypeError(f"{name}: padding_idx is an option of Embedding, not of {layer}")
    if layer in _LINEAR:
        return _of_axes(name, layer, kaiming_uniform(math.sqrt(5)), _LINEAR[layer], layout)
    if layer == "Bilinear":
        return _bilinear_weight(layout)
    if hidden_size is not None:
        return _recurrent(name, hidden_size, layout)
    if layer in _TABLES:
        return _table(layer, padding_idx, layout)
    if layer == "MultiheadAttention":
        return _of_axes(name, layer, xavier_uniform(), 2, layout)
    return constant(_SLOPE, layout=layout) if layer == "PReLU" else ones(layout=layout)


@initializer_factory()
def default_bias(
    layer: str,
    *,
    weight_shape: Sequence[SupportsIndex] | None = None,
    hidden_size: int | None = None,
    layout: Layout = "torch",
) -> Initializer:
    """default_bias(layer)(key, shape) = the bias of a new torch.nn layer.

    Linear, Bilinear and the convolutions: U(-c, c) with the c of the weight. Every bias of RNN,
    LSTM, GRU and their cells: U(-c, c) with c = 1 / sqrt(hidden_size). The norms and
    MultiheadAttention: 0, except xavier_normal for bias_k and bias_v, which have three axes.

    Args:
        layer: the name of the class in torch.nn.
        weight_shape: dimensionless; the shape of the layer's weight, which determines the number of
            inputs of an output. Required for linear, bilinear and convolutional layers, not allowed
            for others.
        hidden_size: dimensionless; required for recurrent layers, not allowed for others.
        layout: the layout of weight_shape, as in `default_weight`.

    Returns:
        An initializer, init(key, shape, dtype) -> [out] of a floating dtype, dimensionless.

    Raises:
        ValueError: if layer or layout is unknown, the layer has no bias, hidden_size is not
            positive, weight_shape does not have the axes of the layer's weight, or Bilinear's in1
            is 0.
        TypeError: if weight_shape or hidden_size is missing, or given for a layer that does not
            take it.
        DtypeError: if the initializer is called with a dtype that is not floating.

    Source:
        `reset_parameters` of the layers of torch.nn, torch 2.13.
    """
    name = "default_bias"
    _check_options(name, layer, hidden_size, layer in _RECURRENT)
    if layer in _WITHOUT_BIAS:
        raise InvalidValueError(f"{name}: {layer} has no bias")
    needs_weight = layer in _LINEAR or layer == "Bilinear"
    if needs_weight != (weight_shape is not None):
        raise InvalidTypeError(f"{name}: {_complaint('weight_shape', layer, needs_weight)}")
    if hidden_size is not None:
        return _recurrent(name, hidden_size, layout)
    if weight_shape is not None:
        return _bias_of_weight(
            layer, in_torch_layout(checked_sizes(name, weight_shape), layout), layout
        )
    return _attention_bias(layout) if layer == "MultiheadAttention" else zeros(layout=layout)


def _check_options(function: str, layer: str, hidden_size: int | None, needed: bool) -> None:
    if layer not in _LAYERS:
        raise InvalidValueError(
            f"{function}: layer must be one of {', '.join(_LAYERS)}, got {layer!r}"
        )
    if needed != (hidden_size is not None):
        raise InvalidTypeError(f"{function}: {_complaint('hidden_size', layer, needed)}")
    if hidden_size is not None and operator.index(hidden_size) <= 0:
        raise InvalidValueError(f"{function}: hidden_size must be positive, got {hidden_size}")


def _complaint(option: str, layer: str, needed: bool) -> str:
    return f"{layer} needs {option}" if needed else f"{option} is no option of {layer}"


def _of_axes(
    function: str, layer: str, init: Initializer, axes: int, layout: Layout
) -> Initializer:
    """`init`, which draws in torch's layout, with a check of the number of axes."""

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        _check_axes(function, layer, shape, axes)
        return init(key, shape, dtype)

    return initializer(function, draw, layout)


def _check_axes(function: str, layer: str, shape: Sequence[SupportsIndex], axes: int) -> None:
    if len(shape) != axes:
        raise InvalidValueError(f"{function}: the weight of {layer} has {axes} axes, got {shape}")


def _bilinear_weight(layout: Layout) -> Initializer:
    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        bound = _bilinear_bound("default_weight", shape)
        return draw_uniform("default_weight", key, shape, -bound, bound, dtype)

    return initializer("default_weight", draw, layout)


def _bilinear_bound(function: str, shape: Shape) -> float:
    _check_axes(function, "Bilinear", shape, 3)
    if not shape[1]:
        raise InvalidValueError(f"{function}: in1 of Bilinear must be positive, got shape {shape}")
    return 1 / math.sqrt(shape[1])


def _recurrent(function: str, hidden_size: int, layout: Layout) -> Initializer:
    bound = 1.0 / math.sqrt(hidden_size)

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        return draw_uniform(function, key, shape, -bound, bound, dtype)

    return initializer(function, draw, layout)


def _table(layer: str, padding_idx: int | None, layout: Layout) -> Initializer:
    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        _check_axes("default_weight", layer, shape, 2)
        rows = draw_normal("default_weight", key, shape, 0.0, 1.0, dtype)
        if padding_idx is None:
            return rows
        if not -shape[0] <= padding_idx < shape[0]:
            raise InvalidIndexError(
                f"default_weight: padding_idx must be in [{-shape[0]}, {shape[0]}), "
                f"got {padding_idx}"
            )
        return rows.at[padding_idx].set(0)

    known_layout("default_weight", "layout", layout)
    return initializer("default_weight", draw, "torch")


def _bias_of_weight(layer: str, weight: Shape, layout: Layout) -> Initializer:
    name = "default_bias"
    if layer == "Bilinear":
        bound = _bilinear_bound(name, weight)
    else:
        _check_axes(name, layer, weight, _LINEAR[layer])
        fan_in, _ = fans(name, weight)
        # If there are no inputs, torch still draws: from U(0, 0).
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        return draw_uniform(name, key, shape, -bound, bound, dtype)

    return initializer(name, draw, layout)


def _attention_bias(layout: Layout) -> Initializer:
    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        return (xavier_normal() if len(shape) == 3 else zeros())(key, shape, dtype)

    return initializer("default_bias", draw, layout, random=False)
