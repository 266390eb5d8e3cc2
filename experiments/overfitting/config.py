"""What is trained, on what, and for how long."""

import dataclasses

from experiments.study import option

PLAIN = "none"
REGULARIZERS = (
    PLAIN,
    "l1_penalty",
    "proximal_l1",
    "l2_penalty",
    "elastic_net",
    "group_lasso",
    "proximal_group_lasso",
    "decoupled_weight_decay",
    "max_norm",
    "dropout",
    "gaussian_dropout",
    "dropconnect",
    "smooth_labels",
    "mixup",
    "random_crop",
    "batch_norm",
    "layer_norm",
    "ema",
    "swa",
    "early_stopping",
)
# Of the data; whatever is not trained on is tested on.
IMAGES = 1797
# How often accuracy is measured during a training.
RECORDS = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is trained, on what, and for how long."""

    regularizer: tuple[str, ...] = option(REGULARIZERS, "beside none; repeat for several")
    seeds: int = option(10, "networks of each kind, each with training digits of its own")
    images: int = option(200, "digits to train on; the others are the test set")
    wrong: float = option(0.2, "part of the training labels that is wrong")
    steps: int = option(600, "steps of gradient descent")
    batch: int = option(50, "images in a batch")
    width: int = option(128, "units of each of the two hidden layers")
    learning_rate: float = option(0.1, "at the first step; falls to 0 in a straight line")
    seed: int = option(0, "of the training digits, wrong labels, weights, batches and noise")
    sweep: bool = option(False, "instead, try every strength on other seeds")
    table: str = option("", "also write the documentation's page to this file, with its figure")

    def __post_init__(self) -> None:
        """Refuses what cannot be trained."""
        unknown = set(self.regularizer) - set(REGULARIZERS)
        if unknown:
            raise ValueError(f"regularizer must be among {REGULARIZERS}, got {sorted(unknown)}")
        if self.seeds < 2:
            raise ValueError(f"seeds must be at least 2 for a standard error, got {self.seeds}")
        for name in ("width", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.steps < 1 or self.steps % RECORDS:
            raise ValueError(f"steps must be a multiple of {RECORDS}, got {self.steps}")
        if not 10 <= self.images < IMAGES:
            raise ValueError(f"images must be from 10 to {IMAGES - 1}, got {self.images}")
        # Early stopping holds a fifth of them out.
        if self.batch > self.images - self.images // 5:
            raise ValueError(f"batch must be at most 4/5 of the images, got {self.batch}")
        if not 0 <= self.wrong <= 1:
            raise ValueError(f"wrong must be from 0 to 1, got {self.wrong}")

    @property
    def names(self) -> tuple[str, ...]:
        """The regularizers, the unregularized network first."""
        return tuple(dict.fromkeys((PLAIN, *self.regularizer)))
