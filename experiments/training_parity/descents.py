"""The optimizers and schedules to train with, on both sides."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import optax
import torch
from torch.optim import lr_scheduler

from experiments.training_parity.config import OPTIONS, PLATEAU, Training
from jaxact import optim


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimizer:
    """An optimizer with its options.

    Attributes:
        ours, theirs: its names in jaxact.optim and torch.optim.
        lr: a learning rate that suits the problem.
        options: others, of both.
    """

    ours: str
    theirs: str
    lr: float
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])


OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": Optimizer(ours="sgd", theirs="SGD", lr=0.1),
    "momentum": Optimizer(
        ours="sgd", theirs="SGD", lr=0.05, options={"momentum": 0.9, "nesterov": True}
    ),
    "adam": Optimizer(ours="adam", theirs="Adam", lr=0.003),
    "adamw": Optimizer(ours="adamw", theirs="AdamW", lr=0.003),
    "adamax": Optimizer(ours="adamax", theirs="Adamax", lr=0.005),
    "nadam": Optimizer(ours="nadam", theirs="NAdam", lr=0.003),
    "radam": Optimizer(ours="radam", theirs="RAdam", lr=0.003),
    "rmsprop": Optimizer(ours="rmsprop", theirs="RMSprop", lr=0.001),
    # Where steps grow without limit, weights do, gradients shrink to 1e-230, and torch takes the
    # product of two of them for 0.
    "rprop": Optimizer(
        ours="rprop", theirs="Rprop", lr=0.001, options={"step_sizes": (1e-6, 0.01)}
    ),
    "adagrad": Optimizer(ours="adagrad", theirs="Adagrad", lr=0.02),
    "adadelta": Optimizer(ours="adadelta", theirs="Adadelta", lr=1.0),
    "adafactor": Optimizer(ours="adafactor", theirs="Adafactor", lr=0.02),
    "asgd": Optimizer(ours="asgd", theirs="ASGD", lr=0.1, options={"lambd": 0.01}),
}

# Of a learning rate and the number of steps; torch's is given its optimizer first.
Ours = Callable[[float, int], Any]
Theirs = Callable[[Any, float, int], Any]


def _same(ours: Any, theirs: Any, options: Callable[[int], tuple[Any, ...]]) -> tuple[Ours, Theirs]:
    """A schedule whose options, by the number of steps, come after the rate and the optimizer."""
    return (
        lambda lr, n: ours(lr, *options(n)),
        lambda optimizer, lr, n: theirs(optimizer, *options(n)),
    )


def fading(step: Any) -> Any:
    """A factor by the step, a number or a traced one."""
    return 1 / (1 + step / 100)


def part(steps: int, parts: int) -> int:
    """One of so many parts of the steps."""
    return max(steps // parts, 1)


# By jaxact's name: its schedule, and torch's.
SCHEDULES: Mapping[str, tuple[Ours, Theirs]] = {
    "lambda_lr": _same(optim.lambda_lr, lr_scheduler.LambdaLR, lambda n: (fading,)),
    "multiplicative_lr": _same(
        optim.multiplicative_lr, lr_scheduler.MultiplicativeLR, lambda n: (lambda step: 0.995,)
    ),
    "step_lr": _same(optim.step_lr, lr_scheduler.StepLR, lambda n: (part(n, 5), 0.5)),
    "multi_step_lr": _same(
        optim.multi_step_lr, lr_scheduler.MultiStepLR, lambda n: ([part(n, 4), part(n, 2)], 0.3)
    ),
    "constant_lr": _same(optim.constant_lr, lr_scheduler.ConstantLR, lambda n: (0.2, part(n, 4))),
    "linear_lr": _same(optim.linear_lr, lr_scheduler.LinearLR, lambda n: (0.1, 1.0, part(n, 4))),
    "exponential_lr": _same(optim.exponential_lr, lr_scheduler.ExponentialLR, lambda n: (0.99,)),
    "polynomial_lr": _same(optim.polynomial_lr, lr_scheduler.PolynomialLR, lambda n: (n, 2.0)),
    "cosine_annealing_lr": _same(
        optim.cosine_annealing_lr, lr_scheduler.CosineAnnealingLR, lambda n: (part(n, 3),)
    ),
    "cosine_annealing_warm_restarts": _same(
        optim.cosine_annealing_warm_restarts,
        lr_scheduler.CosineAnnealingWarmRestarts,
        lambda n: (part(n, 6), 2),
    ),
    "cyclic_lr": (
        lambda lr, n: optim.cyclic_lr(lr / 10, lr, part(n, 6), cycle_momentum=False),
        lambda o, lr, n: lr_scheduler.CyclicLR(o, lr / 10, lr, part(n, 6), cycle_momentum=False),
    ),
    "one_cycle_lr": (
        lambda lr, n: optim.one_cycle_lr(lr, n, cycle_momentum=False),
        lambda o, lr, n: lr_scheduler.OneCycleLR(o, lr, n, cycle_momentum=False),
    ),
    "sequential_lr": (
        lambda lr, n: optim.sequential_lr(
            [optim.linear_lr(lr, 0.1, 1.0, part(n, 4)), optim.exponential_lr(lr, 0.98)],
            [part(n, 4)],
        ),
        lambda o, lr, n: lr_scheduler.SequentialLR(
            o,
            [
                lr_scheduler.LinearLR(o, 0.1, 1.0, part(n, 4)),
                lr_scheduler.ExponentialLR(o, 0.98),
            ],
            [part(n, 4)],
        ),
    ),
    "chained_scheduler": (
        lambda lr, n: optim.chained_scheduler(
            [optim.constant_lr(lr, 0.2, part(n, 4)), optim.exponential_lr(lr, 0.99)]
        ),
        lambda o, lr, n: lr_scheduler.ChainedScheduler(
            [
                lr_scheduler.ConstantLR(o, 0.2, part(n, 4)),
                lr_scheduler.ExponentialLR(o, 0.99),
            ]
        ),
    ),
}


def _options(training: Training) -> dict[str, Any]:
    chosen = OPTIONS[training.optimizer][training.option] if training.option else {}
    return {**OPTIMIZERS[training.optimizer].options, **chosen}


def jaxact_descent(
    training: Training, lr: float | None, steps: int
) -> optax.GradientTransformationExtraArgs:
    """The transformation; its update may be given the loss as `value`."""
    found, schedule = OPTIMIZERS[training.optimizer], training.schedule
    lr = found.lr if lr is None else lr
    options = _options(training)
    rate = SCHEDULES[schedule][0](lr, steps) if schedule in SCHEDULES else lr
    made = getattr(optim, found.ours)(rate, **options)
    if schedule != PLATEAU:
        return made
    return optax.chain(made, optim.reduce_lr_on_plateau(lr, factor=0.5, patience=part(steps, 30)))


def torch_descent(
    parameters: list[torch.Tensor], training: Training, lr: float | None, steps: int
) -> tuple[Any, Callable[[float], None]]:
    """torch's optimizer, and what is to be told the loss after each step."""
    found, schedule = OPTIMIZERS[training.optimizer], training.schedule
    lr = found.lr if lr is None else lr
    options = _options(training)
    made = getattr(torch.optim, found.theirs)(parameters, lr=lr, **options)
    if schedule == PLATEAU:
        return made, lr_scheduler.ReduceLROnPlateau(made, factor=0.5, patience=part(steps, 30)).step
    scheduler = SCHEDULES[schedule][1](made, lr, steps) if schedule in SCHEDULES else None

    def after(loss: float) -> None:
        if scheduler is not None:
            scheduler.step()

    return made, after
