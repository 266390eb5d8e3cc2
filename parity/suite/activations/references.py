"""Activations that torch does not have in this form, written with torch.

Their hyperparameters are tensors, or they get the random draw as an argument. Rows name them by
their path, so that torch is loaded only when a row runs.
"""
# pyright: basic

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


class _Expm1(torch.autograd.Function):
    """exp(x) - 1 with slope exp(x); torch computes the slope as the result + 1 and loses digits."""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return torch.expm1(input)

    @staticmethod
    def backward(ctx, cotangent):
        return cotangent * torch.exp(*ctx.saved_tensors)


def leaky_relu(input: Tensor, negative_slope: Tensor) -> Tensor:
    """x where it is positive, else slope times x."""
    return torch.where(input > 0, input, negative_slope * input)


def elu(input: Tensor, alpha: Tensor) -> Tensor:
    """x where it is positive, else alpha expm1(x)."""
    return torch.where(input > 0, input, alpha * _Expm1.apply(input.clamp(max=0)))


def celu(input: Tensor, alpha: Tensor) -> Tensor:
    """x where it is positive, else alpha expm1(x/alpha)."""
    return torch.where(input > 0, input, alpha * _Expm1.apply(input.clamp(max=0) / alpha))


def softplus(input: Tensor, beta: Tensor) -> Tensor:
    """log(1 + exp(beta x))/beta, without a threshold."""
    return -logsigmoid(-beta * input) / beta


def hardtanh(input: Tensor, min_val: Tensor, max_val: Tensor) -> Tensor:
    """x clipped to two bounds; at a bound the gradient goes to the bound."""
    return torch.where(input <= min_val, min_val, torch.where(input >= max_val, max_val, input))


def threshold(input: Tensor, threshold: Tensor, value: Tensor) -> Tensor:
    """x if it is above the threshold, else the value."""
    return torch.where(input > threshold, input, value)


def softshrink(input: Tensor, lambd: Tensor) -> Tensor:
    """x moved towards 0 by lambd; 0 if |x| is at most lambd."""
    return torch.where(input.abs() > lambd, input - torch.sign(input) * lambd, 0.0)


def rrelu_eval(input: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """x where it is positive, else x times the mean of the two slopes."""
    return leaky_relu(input, (lower + upper) / 2)


def rrelu_given_slopes(input: Tensor, drawn: Tensor, training: bool, **bounds: float) -> Tensor:
    """x where it is positive, else x times the drawn slope; the bounds are unused here."""
    return torch.where(input <= 0, drawn * input, input)


def swish(input: Tensor, beta: Tensor | float = 1.0) -> Tensor:
    """x sigmoid(beta x); a 1-d beta of more than one entry lies along axis 1."""
    wide = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
    return (wide * torch.sigmoid(_per_channel(wide, beta) * wide)).to(input.dtype)


def stable_swish(input: Tensor, beta: Tensor | float = 1.0) -> Tensor:
    """`swish`, whose derivatives use sigmoid(-z) for 1 - sigmoid(z)."""
    return input * torch.exp(logsigmoid(_per_channel(input, beta) * input))


def _per_channel(input: Tensor, parameter: Tensor | float) -> Tensor:
    parameter = torch.as_tensor(parameter, dtype=input.dtype)
    if parameter.ndim == 1 and parameter.shape != input.shape and parameter.numel() > 1:
        return parameter.reshape(-1, *[1] * (input.ndim - 2))
    return parameter


def stable_glu(input: Tensor, dim: int = -1) -> Tensor:
    """a sigmoid(b), computed so that small values keep their digits."""
    a, b = input.chunk(2, dim)
    return a * torch.exp(logsigmoid(b))


def stable_log_softmax(input: Tensor, dim: int | None = None, dtype: object = None) -> Tensor:
    """log_softmax from the sum of the other classes, so that results near 0 keep their digits.

    It is computed in the input's own dtype and ignores `dtype`, which would round the truth.
    """
    axis = dim if dim is not None else (0 if input.ndim in (0, 1, 3) else 1)
    row = input.reshape(1) if input.ndim == 0 else input
    peak, index = row.max(axis, keepdim=True)
    # a row without a finite maximum is nan, and so is its gradient
    defined = torch.where(torch.isfinite(peak.detach()), 1.0, torch.nan).to(row.dtype)
    gap = (row - peak) * defined
    others = torch.exp(gap).scatter(axis, index, 0.0).sum(axis, keepdim=True)
    return (gap - torch.log1p(others)).reshape(input.shape)


def softmax2d(input: Tensor) -> Tensor:
    """torch.nn.Softmax2d as a function."""
    return torch.nn.Softmax2d()(input)


def gumbel_softmax_given_noise(
    logits: Tensor,
    drawn: Tensor,
    tau: Tensor | float = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
) -> Tensor:
    """torch's formula, for noise that is known up to a constant in each row; eps has no effect."""
    soft = ((logits + drawn) / tau).softmax(dim).to(logits.dtype)
    if not hard:
        return soft
    one_hot = torch.zeros_like(logits).scatter_(dim, soft.argmax(dim, keepdim=True), 1.0)
    return one_hot - soft.detach() + soft
