"""The loss over alignments written out, for calls that torch's own does not support."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def ctc_loss(
    log_probs: Tensor, targets: Tensor, *lengths: Tensor, blank: int = 0, reduction: str = "mean"
) -> Tensor:
    """The loss by sums of products of probabilities, which do not underflow for short sequences.

    No logarithm is taken before the end, so that the digits do not depend on the size of the loss.
    Autograd gives minus the posterior, to which exp(log_probs) is added as in torch.
    """
    scores = log_probs if log_probs.ndim == 3 else log_probs[:, None]
    frames, counts = ([int(n) for n in length.flatten()] for length in lengths)
    if targets.ndim == 2:
        targets = torch.cat([row[:n] for row, n in zip(targets, counts, strict=True)])
    labels: tuple[Tensor, ...] = torch.split(targets, counts)
    rows = zip(scores.unbind(1), labels, frames, strict=True)
    losses = torch.stack(
        [_loss(x[:count], [int(n) for n in label], blank) for x, label, count in rows]
    )
    if reduction == "mean":
        return (losses / lengths[1].clamp(min=1)).mean()
    return losses.sum() if reduction == "sum" else losses


def ctc_loss_of_packed(
    log_probs: Tensor, targets: Tensor, *lengths: Tensor, **options: Any
) -> Tensor:
    """torch's own, with packed targets copied to contiguous memory.

    torch misplaces all targets but the first if the vector is strided: (1, 2), (3), (1, 1) as every
    other number of a vector gave losses 6.07, 7.11, 5.81 instead of 6.07, 6.66, 5.81, and longer
    targets a crash.
    """
    packed: Any = (log_probs, targets.contiguous(), *lengths)
    return functional.ctc_loss(*packed, **options)


def _loss(log_probs: Tensor, labels: list[int], blank: int) -> Tensor:
    probabilities = log_probs.exp()
    states = [blank, *(state for label in labels for state in (label, blank))]
    one, zero = log_probs.new_ones(()), log_probs.new_zeros(())
    # Before the first frame, all paths are in front of the first blank.
    paths = [one, *[zero] * len(states)]
    for frame in probabilities:
        paths = [zero] + [
            (paths[s + 1] + paths[s] + (paths[s - 1] if _skips(states, s) else 0)) * frame[state]
            for s, state in enumerate(states)
        ]
    total = paths[-1] + (paths[-2] if labels else 0)
    projection = probabilities.sum()
    return projection - projection.detach() - total.log()


def _skips(states: list[int], s: int) -> bool:
    """Whether a path may skip the blank before a label: the first one, or after another label."""
    return s == 1 or (s > 1 and states[s] != states[s - 2])
