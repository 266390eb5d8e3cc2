"""Initializers whose variance keeps the scale of activations and gradients across layers."""

import math
from typing import Literal, cast

import jax.numpy as jnp
from jax import Array

from jaxact._op import factory
from jaxact._warnings import warn
from jaxact.errors import InvalidValueError
from jaxact.initializers._draws import draw_normal, draw_uniform
from jaxact.initializers._initializer import (
    Dtype,
    Initializer,
    Key,
    Layout,
    Number,
    Shape,
    check_floating,
    fans,
    initializer,
    initializer_factory,
)

__all__ = [
    "calculate_gain",
    "kaiming_normal",
    "kaiming_uniform",
    "xavier_normal",
    "xavier_uniform",
]

_Nonlinearity = Literal[
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "selu",
]

_GAINS: dict[str, float] = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "sigmoid"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1.0),
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}
# torch's default negative slope of leaky_relu.
_SLOPE = 0.01


@factory()
def calculate_gain(nonlinearity: _Nonlinearity, param: float | None = None) -> float:
    """calculate_gain(nonlinearity) = the gain that makes up for an activation's change of scale.

    The gain is 1 for the linear functions and sigmoid, 5/3 for tanh, sqrt 2 for relu, 3/4 for selu
    and sqrt(2 / (1 + param²)) for leaky_relu.

    Args:
        nonlinearity: the name of an activation or of a linear layer's function.
        param: dimensionless; the negative slope of leaky_relu; None is 0.01. Other nonlinearities
            ignore it.

    Returns:
        the gain, a Python number, [], dimensionless.

    Raises:
        ValueError: if torch recommends no gain for the function, or leaky_relu's param is not a
            Python number.

    Source:
        K. He et al., Delving deep into rectifiers, 2015. torch.nn.init.calculate_gain, torch 2.13.
    """
    return _gain("calculate_gain", nonlinearity, param)


def _gain(function: str, nonlinearity: _Nonlinearity, param: float | None) -> float:
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + _slope(param) ** 2))
    for known, gain in _GAINS.items():
        if nonlinearity == known:
            return gain
    known = ", ".join([*_GAINS, "leaky_relu"])
    raise InvalidValueError(
        f"{function}: nonlinearity must be one of {known}, got {nonlinearity!r}"
    )


def _python_number(function: str, argument: str, value: object) -> object:
    """Accepts what torch counts as a number: int, float and numpy's float64, but no boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValueError(f"{function}: {argument} must be a Python number, got {value!r}")
    return value


def _check_slope(function: str, nonlinearity: object, a: object) -> None:
    if nonlinearity == "leaky_relu":
        _python_number(function, "a", a)


@initializer_factory()
def xavier_uniform(gain: Number = 1.0, *, layout: Layout = "torch") -> Initializer:
    """xavier_uniform(gain)(key, shape) = U(-c, c), with c = gain sqrt(6 / (fan_in + fan_out)).

    Args:
        gain: dimensionless; see `calculate_gain`.
        layout: 'torch' reads shapes as (out, in, *kernel), 'flax' as (*kernel, in, out).

    Returns:
        An initializer, init(key, shape, dtype) -> [out, in, ...] or [..., in, out] of a floating
        dtype, dimensionless.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'; when called, if shape has fewer than
            two axes.
        ArgumentValueError: if the initializer is called and gain is negative.
        ZeroDivisionError: if the initializer is called with both fans 0.
        DtypeError: if the initializer is called with a dtype that is not floating.

    Source:
        X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural
        networks, 2010. torch.nn.init.xavier_uniform_, torch 2.13.
    """

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        bound = math.sqrt(3.0) * _xavier_std("xavier_uniform", shape, gain)
        return draw_uniform("xavier_uniform", key, shape, -bound, bound, dtype)

    return initializer("xavier_uniform", draw, layout)


@initializer_factory()
def xavier_normal(gain: Number = 1.0, *, layout: Layout = "torch") -> Initializer:
    """xavier_normal(gain)(key, shape) = N(0, s²), with s = gain sqrt(2 / (fan_in + fan_out)).

    The distribution is not truncated, unlike that of jax.nn.initializers.xavier_normal.

    Args:
        gain: dimensionless; see `calculate_gain`.
        layout: 'torch' reads shapes as (out, in, *kernel), 'flax' as (*kernel, in, out).

    Returns:
        An initializer, init(key, shape, dtype) -> [out, in, ...] or [..., in, out] of a floating
        dtype, dimensionless.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'; when called, if shape has fewer than
            two axes.
        ArgumentValueError: if the initializer is called and gain is negative.
        ZeroDivisionError: if the initializer is called with both fans 0.
        DtypeError: if the initializer is called with a dtype that is not floating.

    Source:
        X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural
        networks, 2010. torch.nn.init.xavier_normal_, torch 2.13.
    """

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        std = _xavier_std("xavier_normal", shape, gain)
        return draw_normal("xavier_normal", key, shape, 0.0, std, dtype)

    return initializer("xavier_normal", draw, layout)


@initializer_factory(checks={("nonlinearity", "a"): _check_slope})
def kaiming_uniform(
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: _Nonlinearity = "leaky_relu",
    *,
    layout: Layout = "torch",
) -> Initializer:
    """kaiming_uniform(a)(key, shape) = U(-c, c), with c = gain sqrt(3 / fan).

    The gain is `calculate_gain(nonlinearity, a)`, sqrt 2 by default.

    Args:
        a: dimensionless; the negative slope of leaky_relu; other nonlinearities ignore it.
        mode: 'fan_in' keeps the variance in the forward pass, 'fan_out' in the backward pass; upper
            case also works.
        nonlinearity: the name of the activation after the layer.
        layout: 'torch' reads shapes as (out, in, *kernel), 'flax' as (*kernel, in, out).

    Returns:
        An initializer, init(key, shape, dtype) -> [out, in, ...] or [..., in, out] of a floating
        dtype, dimensionless. For a shape without elements it warns and draws nothing.

    Raises:
        ValueError: if mode, nonlinearity or layout is unknown, or leaky_relu's a is not a Python
            number; when called, if shape has fewer than two axes.
        DtypeError: if the initializer is called with a dtype that is not floating.

    Source:
        K. He et al., Delving deep into rectifiers, 2015. torch.nn.init.kaiming_uniform_, torch
        2.13.
    """
    gain = _gain("kaiming_uniform", nonlinearity, a)
    fan = _fan_index("kaiming_uniform", mode)

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        if 0 in shape:
            return _nothing("kaiming_uniform", shape, dtype)
        bound = math.sqrt(3.0) * (gain / math.sqrt(fans("kaiming_uniform", shape)[fan]))
        return draw_uniform("kaiming_uniform", key, shape, -bound, bound, dtype)

    return initializer("kaiming_uniform", draw, layout)


@initializer_factory(checks={("nonlinearity", "a"): _check_slope})
def kaiming_normal(
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: _Nonlinearity = "leaky_relu",
    *,
    layout: Layout = "torch",
) -> Initializer:
    """kaiming_normal(a)(key, shape) = N(0, s²), with s = gain / sqrt(fan).

    The gain is `calculate_gain(nonlinearity, a)`, sqrt 2 by default. The distribution is not
    truncated, unlike that of jax.nn.initializers.he_normal.

    Args:
        a: dimensionless; the negative slope of leaky_relu; other nonlinearities ignore it.
        mode: 'fan_in' keeps the variance in the forward pass, 'fan_out' in the backward pass; upper
            case also works.
        nonlinearity: the name of the activation after the layer.
        layout: 'torch' reads shapes as (out, in, *kernel), 'flax' as (*kernel, in, out).

    Returns:
        An initializer, init(key, shape, dtype) -> [out, in, ...] or [..., in, out] of a floating
        dtype, dimensionless. For a shape without elements it warns and draws nothing.

    Raises:
        ValueError: if mode, nonlinearity or layout is unknown, or leaky_relu's a is not a Python
            number; when called, if shape has fewer than two axes.
        DtypeError: if the initializer is called with a dtype that is not floating.

    Source:
        K. He et al., Delving deep into rectifiers, 2015. torch.nn.init.kaiming_normal_, torch 2.13.
    """
    gain = _gain("kaiming_normal", nonlinearity, a)
    fan = _fan_index("kaiming_normal", mode)

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        if 0 in shape:
            return _nothing("kaiming_normal", shape, dtype)
        std = gain / math.sqrt(fans("kaiming_normal", shape)[fan])
        return draw_normal("kaiming_normal", key, shape, 0.0, std, dtype)

    return initializer("kaiming_normal", draw, layout)


def _slope(param: object) -> float:
    if param is None:
        return _SLOPE
    return cast(float, _python_number("calculate_gain", "param", param))


def _xavier_std(function: str, shape: Shape, gain: Number) -> Number:
    return gain * math.sqrt(2.0 / float(sum(fans(function, shape))))


def _fan_index(function: str, mode: str) -> int:
    modes = ("fan_in", "fan_out")
    if mode.lower() not in modes:
        raise InvalidValueError(f"{function}: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return modes.index(mode.lower())


def _nothing(function: str, shape: Shape, dtype: Dtype) -> Array:
    check_floating(function, dtype)
    warn(f"{function}: nothing is drawn for a shape without elements, {shape}")
    return jnp.zeros(shape, dtype)
