"""The loss over alignments written out, for what torch's own has no answer to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Sums of products of probabilities, which short sequences in float64 do not underflow.

    No logarithm on the way: the digits do not depend on the size of the loss. Autograd gives minus
    the posterior, to which exp(log_probs) is added as in torch.
    """
    scores = log_probs if log_probs.ndim == 3 else log_probs[:, None]
    frames, lengths = _integers(input_lengths), _integers(target_lengths)
    if targets.ndim == 2:
        labels = [row[:length] for row, length in zip(targets, lengths, strict=True)]
    else:
        ends = np.cumsum(lengths).tolist()
        labels = [targets[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    rows = zip(scores.unbind(1), labels, frames, strict=True)
    losses = torch.stack([_loss(x[:count], label, blank) for x, label, count in rows])
    if zero_infinity:
        losses = torch.where(losses == torch.inf, 0, losses)
    if reduction == "mean":
        return (losses / target_lengths.clamp(min=1)).mean()
    if reduction == "sum":
        return losses.sum()
    return losses if log_probs.ndim == 3 else losses[0]


def ctc_loss_of_packed(
    log_probs: Tensor, targets: Tensor, *lengths: Tensor, **options: Any
) -> Tensor:
    """torch's, for targets one after another in memory.

    With a stride it places all but the first of them wrongly: (1, 2), (3), (1, 1) as every other
    number of a vector gave losses 6.07, 7.11, 5.81 for 6.07, 6.66, 5.81, longer ones a crash.
    """
    packed: Any = (log_probs, targets.contiguous(), *lengths)
    return functional.ctc_loss(*packed, **options)


def _integers(numbers: Tensor) -> list[int]:
    return [int(number) for number in numbers.flatten()]


def _loss(log_probs: Tensor, labels: Tensor, blank: int) -> Tensor:
    probabilities = log_probs.exp()
    states = [blank, *(state for label in _integers(labels) for state in (label, blank))]
    one, zero = log_probs.new_ones(()), log_probs.new_zeros(())
    # Before the first frame, all paths stand in front of the first blank.
    paths = [one, *[zero] * len(states)]
    for frame in probabilities:
        paths = [zero] + [
            (paths[s + 1] + paths[s] + (paths[s - 1] if _skips(states, s) else 0)) * frame[state]
            for s, state in enumerate(states)
        ]
    total = paths[-1] + (paths[-2] if len(labels) else 0)
    projection = probabilities.sum()
    return projection - projection.detach() - total.log()


def _skips(states: list[int], s: int) -> bool:
    """Whether a path may pass the blank before: to the first label, or from another label."""
    return s == 1 or (s > 1 and states[s] != states[s - 2])
