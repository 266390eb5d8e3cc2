"""torch's dropouts after a seed, and their formulas for a mask that is known.

Rows name them by their path, so that torch is loaded when a row runs.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from parity.suite.regularizers.dropout_laws import numbers

# torch's random source is global.
_STREAM = threading.Lock()


class Seeded:
    """f(...) of known numbers after torch.manual_seed(seed); see `dropout_subjects.Seeded`.

    Args:
        function: of torch, or of `dropout_variants_references`.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = self.__qualname__ = function.__name__
        self.__signature__ = inspect.signature(function)

    def __call__(
        self, template: Tensor, *, seed: int, gradient: bool = False, **values: Any
    ) -> Tensor:
        """A tensor of the template's shape and dtype."""
        x = torch.from_numpy(numbers(template.shape)).to(template.dtype).requires_grad_()
        with _STREAM:
            torch.manual_seed(seed)
            y = self.function(x, **values)
        return torch.autograd.grad(y, x, x.detach())[0] if gradient else y


seeded_dropout = Seeded(F.dropout)
seeded_dropout1d = Seeded(F.dropout1d)
seeded_dropout2d = Seeded(F.dropout2d)
seeded_dropout3d = Seeded(F.dropout3d)
seeded_alpha_dropout = Seeded(F.alpha_dropout)
seeded_feature_alpha_dropout = Seeded(F.feature_alpha_dropout)


def scaled(input: Tensor, drawn: Tensor, p: float = 0.5, **ignored: Any) -> Tensor:
    """The input times a mask, 1 where it is kept, over 1 - p: as torch computes it."""
    return input * drawn.to(input.dtype).div(1 - p)


ALPHA = 1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def saturating(input: Tensor, drawn: Tensor, p: float = 0.5, **ignored: Any) -> Tensor:
    """-ALPHA where nothing is kept, then scaled and shifted to mean 0 and variance 1."""
    noise = drawn.to(input.dtype)
    # Of a number of mean 0 and variance 1: mean -ALPHA p, variance (1 - p) (1 + p ALPHA²).
    a = ((1 - p) * (1 + p * ALPHA**2)) ** -0.5
    return input * (noise * a) + ((noise - 1) * (ALPHA * a) + ALPHA * a * p)
