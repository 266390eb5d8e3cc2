"""What is trained, and how."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experiments.study import option

ACTIVATIONS = ("relu", "gelu", "silu")
# Without those that such a network has no use for: `sparse_adam` needs sparse gradients, `muon`
# matrices alone, and torch computes its steps in bfloat16; `lbfgs` needs the same objective in all
# steps: with batches rounding alone moves torch's own losses in float64 by a third.
OPTIMIZERS = (
    *("sgd", "momentum", "adam", "adamw", "adamax", "nadam", "radam", "rmsprop", "rprop"),
    *("adagrad", "adadelta", "adafactor", "asgd"),
)
CONSTANT, PLATEAU = "constant", "reduce_lr_on_plateau"
SCHEDULES = (
    *(CONSTANT, "lambda_lr", "multiplicative_lr", "step_lr", "multi_step_lr", "constant_lr"),
    *("linear_lr", "exponential_lr", "polynomial_lr", "cosine_annealing_lr"),
    *("cosine_annealing_warm_restarts", "cyclic_lr", "one_cycle_lr", "sequential_lr"),
    *("chained_scheduler", PLATEAU),
)
# Their steps are no multiples of the learning rate, by which a plateau scales them.
NOT_SCALED = ("rprop", "adafactor", "asgd")
ALL = "all"
_DECAYS = {"weight_decay": 0.01}
_DECOUPLED = {**_DECAYS, "decoupled_weight_decay": True}
_BETAS, _EPS, _AMSGRAD = {"betas": (0.8, 0.95)}, {"eps": 1e-3}, {"amsgrad": True}
_OPTIONS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "sgd": (_DECAYS,),
    "momentum": ({"nesterov": False}, {"nesterov": False, "dampening": 0.5}, _DECAYS),
    "adam": (_AMSGRAD, _BETAS, _EPS, _DECAYS, _DECOUPLED),
    "adamw": (_AMSGRAD, _BETAS, _EPS, {"weight_decay": 0.1}),
    "adamax": (_BETAS, _EPS, _DECAYS),
    "nadam": ({"momentum_decay": 0.1}, _BETAS, _EPS, _DECAYS, _DECOUPLED),
    "radam": (_BETAS, _EPS, _DECAYS, _DECOUPLED),
    "rmsprop": (
        *({"alpha": 0.9}, {"momentum": 0.9}, {"centered": True}),
        *({"centered": True, "momentum": 0.9}, _EPS, _DECAYS),
    ),
    "rprop": ({"etas": (0.7, 1.1)},),
    "adagrad": ({"lr_decay": 0.01}, {"initial_accumulator_value": 0.1}, _EPS, _DECAYS),
    "adadelta": ({"rho": 0.95}, _EPS, _DECAYS),
    "adafactor": ({"beta2_decay": -0.5}, {"eps": (0.01, 0.1)}, {"d": 2.0}, _DECAYS),
    "asgd": ({"alpha": 0.5}, {"t0": 100}, _DECAYS),
}
# By optimizer, by name: options that change its steps. `maximize` would only make the loss grow.
OPTIONS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    optimizer: {", ".join(f"{n}={v}" for n, v in values.items()): values for values in every}
    for optimizer, every in _OPTIONS.items()
}


class Training(NamedTuple):
    """One training: what differs between those of a study."""

    activation: str
    optimizer: str = "sgd"
    schedule: str = CONSTANT
    option: str = ""

    def __str__(self) -> str:
        """Its name."""
        schedule = "" if self.schedule == CONSTANT else self.schedule
        return ", ".join(filter(None, (self.activation, self.optimizer, schedule, self.option)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is trained, and how."""

    activation: tuple[str, ...] = option(
        ACTIVATIONS, f"hidden activation, of {', '.join(ACTIVATIONS)}; repeat for several"
    )
    optimizer: tuple[str, ...] = option(
        ("sgd",), f"{', '.join(OPTIMIZERS)}, or all; repeat for several"
    )
    schedule: tuple[str, ...] = option(
        (CONSTANT,), f"of the learning rate: {', '.join(SCHEDULES)}, or all; repeat for several"
    )
    options: bool = option(False, "also train with each option that an optimizer has")
    steps: int = option(300, "steps of a training")
    batch: int = option(64, "images in a batch")
    hidden: int = option(128, "hidden units")
    learning_rate: float | None = option(
        None, "learning rate; by default one that suits each optimizer"
    )
    reorderings: int = option(4, "further float32 runs of torch that measure its drift")
    # From this seed no hidden unit comes within 1e-6 of the kink of ReLU in the 300 steps, where
    # float32's rounding could choose another slope than float64.
    seed: int = option(123, "of the initial weights and the batches")
    table: str = option("", "also write the documentation's page to this file, with its figure")

    def __post_init__(self) -> None:
        """Refuses what cannot be trained."""
        for name, known in (
            ("activation", ACTIVATIONS),
            ("optimizer", (*OPTIMIZERS, ALL)),
            ("schedule", (*SCHEDULES, ALL)),
        ):
            unknown = sorted(set(getattr(self, name)) - set(known))
            if unknown:
                raise ValueError(f"{name} must be among {', '.join(known)}, got {unknown}")
        for name in ("steps", "batch", "hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.trainings:
            raise ValueError(
                f"{PLATEAU} must have an optimizer whose steps are multiples of the learning rate, "
                f"got {', '.join(self.optimizer)}"
            )

    @property
    def trainings(self) -> list[Training]:
        """Every activation with every optimizer and every schedule, as far as they go together."""
        optimizers = OPTIMIZERS if ALL in self.optimizer else self.optimizer
        schedules = SCHEDULES if ALL in self.schedule else self.schedule
        return [
            Training(activation, optimizer, schedule, option)
            for activation, optimizer in itertools.product(self.activation, optimizers)
            for option in ("", *(OPTIONS[optimizer] if self.options else ()))
            for schedule in schedules
            if not (optimizer in NOT_SCALED and schedule == PLATEAU)
        ]
