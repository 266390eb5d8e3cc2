"""torch's side where a row's reference is no measure: in place, or in one call for many groups.

Each function gets tensors of its own and gives the call to be timed.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, max_pool2d, pad
from torch.optim import swa_utils

Call = Callable[[], Any]
Tree = Mapping[str, Tensor]


def ctc_loss(scores: Tensor, *others: Tensor) -> Call:
    """The loss of scores that are no log-probabilities yet."""
    return lambda: torch.nn.functional.ctc_loss(log_softmax(scores, 2), *others)


def dropblock(x: Tensor, p: float = 0.3, size: int = 7) -> Call:
    """In float32."""
    *_, height, width = x.shape
    seeds = height - size + 1, width - size + 1
    gamma = p * height * width / (size**2 * seeds[0] * seeds[1])

    def call() -> Tensor:
        noise = torch.empty(*x.shape[:2], *seeds).bernoulli_(gamma)
        kept = 1 - max_pool2d(pad(noise, [size // 2] * 4), size, 1, size // 2)
        return x * kept * (kept.numel() / kept.sum())

    return call


def _weights(tree: Tree) -> list[Tensor]:
    return [leaf for leaf in tree.values() if leaf.ndim > 1]


def group_lasso(tree: Tree) -> Call:
    """All groups of a matrix at once."""
    weights = _weights(tree)

    def call() -> Tensor:
        return torch.stack([w.norm(dim=1).sum() * w.shape[1] ** 0.5 for w in weights]).sum()

    return call


def orthogonality_penalty(tree: Tree) -> Call:
    """By products of matrices."""
    weights = _weights(tree)

    def gram(w: Tensor) -> Tensor:
        return (w @ w.T - torch.eye(len(w))).square().sum()

    return lambda: torch.stack([gram(w) for w in weights]).sum()


def proximal_group_lasso(tree: Tree, threshold: float = 1.5) -> Call:
    """All groups of a matrix at once."""
    weights = _weights(tree)

    def shrunk(w: Tensor) -> Tensor:
        norm = w.norm(dim=1, keepdim=True)
        return w * (1 - threshold * w.shape[1] ** 0.5 / norm).clamp_min(0)

    return lambda: [shrunk(w) for w in weights]


def _with_gradients(tree: Tree) -> list[Tensor]:
    """The tensors, each its own gradient."""
    for tensor in tree.values():
        tensor.grad = tensor.clone()
    return list(tree.values())


def clip_grad_norm(tree: Tree) -> Call:
    """In place."""
    tensors = _with_gradients(tree)
    return lambda: torch.nn.utils.clip_grad_norm_(tensors, 1.0)


def clip_grad_value(tree: Tree) -> Call:
    """In place."""
    tensors = _with_gradients(tree)
    return lambda: torch.nn.utils.clip_grad_value_(tensors, 0.5)


def clip_grads_with_norm(tree: Tree, total_norm: Tensor) -> Call:
    """In place."""
    tensors = _with_gradients(tree)
    return lambda: torch.nn.utils.clip_grads_with_norm_(tensors, 1.0, total_norm)


def adaptive_grad_clip(tree: Tree, _: Tree) -> Call:
    """In place, of gradients that are as large as the weights."""
    tensors = _with_gradients(tree)

    def call() -> None:
        for tensor in tensors:
            grad = tensor.grad
            assert grad is not None
            axes = tuple(range(1, tensor.ndim)) or None
            most = torch.linalg.vector_norm(tensor, dim=axes, keepdim=True).clamp_min(1e-3) * 0.01
            norm = torch.linalg.vector_norm(grad, dim=axes, keepdim=True)
            grad.mul_((most / norm.clamp_min(1e-6)).clamp_max(1))

    return call


def ema(tree: Tree, _: Tree) -> Call:
    """An update of all averages, in place."""
    return _averaged(tree, swa_utils.get_ema_multi_avg_fn())


def swa(tree: Tree, _: Tree) -> Call:
    """An update of all averages, in place."""
    return _averaged(tree, swa_utils.get_swa_multi_avg_fn())


def _averaged(tree: Tree, update: Any) -> Call:
    # Not the first update, which copies.
    means, tensors, n = [x.clone() for x in tree.values()], list(tree.values()), torch.tensor(1)
    return lambda: update(means, tensors, n)
