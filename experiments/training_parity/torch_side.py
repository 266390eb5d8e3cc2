"""The network trained by torch: modules of its own, its autograd, its optimizer."""

import contextlib
from collections.abc import Callable, Generator

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch.nn import functional

from experiments.training_parity.problem import PARAMETERS, Problem, Trajectory

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
}


def train(problem: Problem, activation: str, dtype: DTypeLike) -> Trajectory:
    """Runs every step eagerly, as a torch user would."""
    with _one_thread():
        return _train(problem, activation, dtype)


def _train(problem: Problem, activation: str, dtype: DTypeLike) -> Trajectory:
    pixels = torch.tensor(problem.images.pixels.astype(dtype))
    labels = torch.tensor(problem.images.labels)
    parameters = [
        torch.tensor(problem.weights[name].astype(dtype), requires_grad=True) for name in PARAMETERS
    ]
    optimizer = torch.optim.SGD(parameters, lr=problem.learning_rate)
    losses, path = [], []
    for batch in torch.tensor(problem.batches):
        optimizer.zero_grad()
        loss = _loss(parameters, pixels[batch], labels[batch], ACTIVATIONS[activation])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        path.append(torch.cat([parameter.detach().flatten() for parameter in parameters]).numpy())
    return Trajectory(losses=np.array(losses), parameters=np.stack(path))


def _loss(
    parameters: list[torch.Tensor],
    pixels: torch.Tensor,
    labels: torch.Tensor,
    activation: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    hidden_weight, hidden_bias, output_weight, output_bias = parameters
    hidden = activation(functional.linear(pixels, hidden_weight, hidden_bias))
    return functional.cross_entropy(functional.linear(hidden, output_weight, output_bias), labels)


@contextlib.contextmanager
def _one_thread() -> Generator[None]:
    """Keeps torch to one thread inside."""
    # Others would spin while they wait: on a busy machine that takes hundreds of times as long as
    # these small products do.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
