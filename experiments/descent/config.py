"""What descends, with which batch sizes and learning rates, and for how long."""

import dataclasses
import math
from typing import NamedTuple

from experiments.study import option

STOCHASTIC, MINI_BATCH, BATCH = "stochastic", "mini-batch", "batch"
SGD, MOMENTUM, NESTEROV = "sgd", "momentum", "nesterov"
OPTIMIZERS = (SGD, MOMENTUM, NESTEROV, "adagrad", "rmsprop", "adam", "adadelta", "rprop")
# Of the data; whatever is not trained on is tested on.
IMAGES = 1797


class Kind(NamedTuple):
    """One of the three descents.

    Attributes:
        name: what it is called.
        batch: images in a batch.
        learning_rate: per step.
    """

    name: str
    batch: int
    learning_rate: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What descends, with which batch sizes and learning rates, and for how long."""

    images: int = option(1440, "digits to train on; the others are the test set")
    mini_batch: int = option(32, "images in a mini-batch; must divide the images")
    epochs: int = option(100, "passes over the training digits, the same for every batch size")
    seeds: int = option(5, "networks with each batch size, each with training digits of its own")
    width: int = option(32, "units of the hidden layer")
    stochastic_rate: float = option(0.02, "learning rate with 1 image in a batch")
    mini_batch_rate: float = option(0.4, "learning rate with mini-batches")
    batch_rate: float = option(0.8, "learning rate with all images in a batch")
    target: float = option(0.1, "the training loss that every batch size has to reach")
    timings: int = option(5, "measurements of the time of each compiled program")
    optimizer: tuple[str, ...] = option(
        OPTIMIZERS, f"whose paths are drawn, of {', '.join(OPTIMIZERS)}; repeat for several"
    )
    path_steps: int = option(150, "steps of each path")
    seed: int = option(0, "of the training digits, weights and order of the images")
    table: str = option("", "also write the documentation's page to this file, with its figures")

    def __post_init__(self) -> None:
        """Refuses what cannot descend."""
        unknown = sorted(set(self.optimizer) - set(OPTIMIZERS))
        if unknown or not self.optimizer:
            raise ValueError(f"optimizer must be among {', '.join(OPTIMIZERS)}, got {unknown}")
        if self.seeds < 2:
            raise ValueError(f"seeds must be at least 2 for an interval, got {self.seeds}")
        for name in ("epochs", "width", "timings", "path_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("stochastic_rate", "mini_batch_rate", "batch_rate", "target"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be finite and above 0, got {getattr(self, name)}")
        if not 1 <= self.images < IMAGES:
            raise ValueError(f"images must be from 1 to {IMAGES - 1}, got {self.images}")
        if not 1 <= self.mini_batch <= self.images:
            raise ValueError(
                f"mini_batch must be from 1 to the {self.images} images, got {self.mini_batch}"
            )
        if self.images % self.mini_batch:
            raise ValueError(
                f"mini_batch must divide the {self.images} images, got {self.mini_batch}"
            )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The three descents: they differ in the size of the batch, and the rate that suits it."""
        return (
            Kind(STOCHASTIC, 1, self.stochastic_rate),
            Kind(MINI_BATCH, self.mini_batch, self.mini_batch_rate),
            Kind(BATCH, self.images, self.batch_rate),
        )

    def steps(self, kind: Kind) -> int:
        """Steps in all epochs."""
        return self.epochs * self.images // kind.batch
