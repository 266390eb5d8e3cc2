"""The network trained by torch: modules of its own, its autograd, its optimizer."""

import contextlib
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch.nn import functional

from experiments.training_parity.config import Training
from experiments.training_parity.descents import torch_descent
from experiments.training_parity.problem import PARAMETERS, Problem, Trajectory
from parity.backends._torch_drivers import default_dtype

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
}


def train(problem: Problem, training: Training, dtype: DTypeLike) -> Trajectory:
    """Runs every step eagerly, as a torch user would."""
    wide = np.dtype(dtype) == np.float64
    # The numbers in the states of torch's optimizers then have the dtype of the parameters.
    with _one_thread(), default_dtype(torch.float64 if wide else torch.float32):
        return _train(problem, training, dtype)


def _train(problem: Problem, training: Training, dtype: DTypeLike) -> Trajectory:
    pixels = torch.tensor(problem.images.pixels.astype(dtype))
    labels = torch.tensor(problem.images.labels)
    parameters = [
        torch.tensor(np.ascontiguousarray(problem.weights[name], dtype), requires_grad=True)
        for name in PARAMETERS
    ]
    optimizer, after = torch_descent(
        parameters, training, problem.learning_rate, len(problem.batches)
    )
    activation = ACTIVATIONS[training.activation]
    losses: list[float] = []
    path: list[Any] = []
    for batch in torch.tensor(problem.batches):

        def closure(batch: torch.Tensor = batch) -> torch.Tensor:
            optimizer.zero_grad()
            loss = _loss(parameters, pixels[batch], labels[batch], activation)
            loss.backward()
            return loss

        # The loss before the step, as often as the optimizer asks for others.
        losses.append(optimizer.step(closure).item())
        after(losses[-1])
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
