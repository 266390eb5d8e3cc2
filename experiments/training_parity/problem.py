"""What both frameworks are given: initial weights and batches, made once with numpy."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.datasets import Images, digits
from experiments.training_parity.config import Config

PARAMETERS = ("hidden.weight", "hidden.bias", "output.weight", "output.bias")
CLASSES = 10

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """Everything that decides a training run, but for what a `Training` names and the arithmetic.

    Attributes:
        images: the data, [n, features] and [n].
        weights: by name in `PARAMETERS`, [out, in] and [out]; float64 numbers that float32 holds
            exactly, so that both precisions start from the same point.
        batches: [steps, batch], rows of `images`.
        learning_rate: per step; None for one that suits the optimizer.
    """

    images: Images
    weights: dict[str, Array]
    batches: NDArray[np.int64]
    learning_rate: float | None

    @property
    def epoch(self) -> int:
        """Steps in an epoch."""
        return len(self.images.labels) // self.batches.shape[1]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trajectory:
    """What a training run went through.

    Attributes:
        losses: [steps], the loss of each batch before its update.
        parameters: [steps, all parameters], after each update, flat in the order of `PARAMETERS`.
    """

    losses: Array
    parameters: Array


def make_problem(config: Config) -> Problem:
    """The problem that a configuration describes."""
    generator = np.random.default_rng(config.seed)
    images = digits()
    features = images.pixels.shape[1]
    weights = {
        **_layer(generator, "hidden", config.hidden, features),
        **_layer(generator, "output", CLASSES, config.hidden),
    }
    return Problem(
        images=images,
        weights=weights,
        batches=_batches(generator, len(images.labels), config.batch, config.steps),
        learning_rate=config.learning_rate,
    )


def reordered(problem: Problem, seed: int) -> Problem:
    """The same problem in real arithmetic, with its sums in another order.

    Hidden units are renumbered and the images within each batch are shuffled. In floating point
    only the rounding differs, so two such runs show how much rounding alone moves a loss.
    """
    generator = np.random.default_rng(seed)
    units = generator.permutation(len(problem.weights["hidden.bias"]))
    weights = {
        "hidden.weight": problem.weights["hidden.weight"][units],
        "hidden.bias": problem.weights["hidden.bias"][units],
        "output.weight": problem.weights["output.weight"][:, units],
        "output.bias": problem.weights["output.bias"],
    }
    batches = generator.permuted(problem.batches, axis=1)
    return dataclasses.replace(problem, weights=weights, batches=batches)


def _layer(generator: np.random.Generator, name: str, out: int, features: int) -> dict[str, Array]:
    """torch.nn.Linear's default distribution: uniform within 1/sqrt(features)."""
    bound = features**-0.5
    return {
        f"{name}.weight": _exact(generator.uniform(-bound, bound, (out, features))),
        f"{name}.bias": _exact(generator.uniform(-bound, bound, out)),
    }


def _exact(values: Array) -> Array:
    return values.astype(np.float32).astype(np.float64)


def _batches(
    generator: np.random.Generator, images: int, batch: int, steps: int
) -> NDArray[np.int64]:
    """Whole epochs in a new order each, without the last incomplete batch."""
    per_epoch = images // batch
    if per_epoch == 0:
        raise ValueError(f"batch must be at most {images}, got {batch}")
    epochs = [
        generator.permutation(images)[: per_epoch * batch].reshape(per_epoch, batch)
        for _ in range(-(-steps // per_epoch))
    ]
    return np.concatenate(epochs)[:steps]
