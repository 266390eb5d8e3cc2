"""torch's averages of weights as functions of all the weights that they saw."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import swa_utils


class _Model(nn.Module):
    """Weights and a buffer."""

    def __init__(self, row: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros_like(row))
        self.register_buffer("count", torch.tensor(0))


def _averaged(steps: Tensor, **functions: Any) -> Tensor:
    """[steps, weights + 1], what AveragedModel holds after each update."""
    model = _Model(steps[0])
    average: Any = swa_utils.AveragedModel(model, **functions)
    rows: list[Tensor] = []
    for i, row in enumerate(steps.detach()):
        model.weight.data = row
        model.get_buffer("count").fill_(10 * i)
        average.update_parameters(model)
        held = average.module
        rows.append(torch.cat([held.weight.detach(), held.count.to(steps.dtype).reshape(1)]))
    return torch.stack(rows)


def ema(steps: Tensor, decay: float = 0.999) -> Tensor:
    """AveragedModel with an exponential moving average."""
    return _averaged(steps, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(decay))


def swa(steps: Tensor) -> Tensor:
    """AveragedModel as it is."""
    return _averaged(steps)


def _in_formulas(steps: Tensor, shares: list[Tensor | float]) -> Tensor:
    """[steps, weights + 1], each average from the last one, with a share of the new row."""
    average, rows = steps[0], [steps[0]]
    for row, share in zip(steps[1:], shares, strict=True):
        average = (1 - share) * average + share * row
        rows.append(average)
    counts = 10.0 * torch.arange(len(rows), dtype=steps.dtype)
    return torch.cat([torch.stack(rows), counts[:, None]], dim=1)


def ema_formula(steps: Tensor, decay: Tensor) -> Tensor:
    """The same, differentiable."""
    return _in_formulas(steps, [1 - decay] * (len(steps) - 1))


def swa_formula(steps: Tensor) -> Tensor:
    """The same, differentiable: the mean of the rows so far."""
    return _in_formulas(steps, [1 / (n + 1) for n in range(1, len(steps))])
