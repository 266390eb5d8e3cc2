"""torch's averages of weights, updated step by step, and their formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import swa_utils

from parity.trees import flat, placed


class _Model(nn.Module):
    """A weight and a buffer of integers."""

    def __init__(self, params: dict[str, Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(params["weight"].detach().clone())
        self.register_buffer("count", params["count"].clone())


class Averaged:
    """torch's AveragedModel, updated with the weights of every step."""

    def __init__(self, params: dict[str, Tensor], **functions: Any) -> None:
        self.model = _Model(params)
        self.average: Any = swa_utils.AveragedModel(self.model, **functions)

    def step(self, params: dict[str, Tensor]) -> dict[str, Any]:
        """The state after the update."""
        self.model.weight.data = params["weight"].detach()
        self.model.get_buffer("count").copy_(params["count"])
        self.average.update_parameters(self.model)
        averages = {
            name: x.detach().clone() for name, x in self.average.module.state_dict().items()
        }
        return {"state": {"params": averages, "n_averaged": self.average.n_averaged.clone()}}


class _Formula:
    """A differentiable average; the share of the new weights depends on the number of updates."""

    def __init__(self, share: Callable[[int], Any]) -> None:
        self.share = share
        self.count = 0
        self.averages: dict[str, Tensor] = {}

    def step(self, params: Any) -> dict[str, Any]:
        """The state after the update; the first average is a copy, integers are copied always."""
        new = flat(params)
        for path, leaf in new.items():
            if self.count and leaf.is_floating_point():
                share, average = self.share(self.count), self.averages[path]
                self.averages[path] = ((1 - share) * average + share * leaf).to(leaf.dtype)
            else:
                self.averages[path] = leaf.clone()
        self.count += 1
        averages = placed(params, dict(self.averages))
        return {"state": {"params": averages, "n_averaged": torch.tensor(self.count)}}


def ema(params: Any, decay: float = 0.999) -> Averaged:
    """AveragedModel with an exponential moving average."""
    return Averaged(params, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(decay))


def swa(params: Any) -> Averaged:
    """AveragedModel with its default, the mean."""
    return Averaged(params)


def ema_formula(params: Any, decay: Any) -> _Formula:
    """The moving average, differentiable in the decay."""
    return _Formula(lambda count: 1 - decay)


def swa_formula(params: Any) -> _Formula:
    """The mean of the weights so far."""
    return _Formula(lambda count: 1 / (count + 1))
