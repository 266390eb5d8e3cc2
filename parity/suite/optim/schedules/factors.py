"""The rows of schedules that multiply the learning rate."""

from __future__ import annotations

from typing import Any

from parity.domains import Number, OneOf
from parity.suite.optim.schedules.rows import of_schedule, row
from parity.suite.rows import setting


def inverse(step: Any) -> Any:
    """A factor of the step."""
    return 1 / (1 + step)


def waning(step: Any) -> Any:
    """A factor of the step."""
    return 1 - 0.5 / (1 + step)


LAMBDAS = OneOf(waning, inverse)
GAMMA = Number(0.5, 0.9, 1, 0.1)

SPECS = (
    row(
        "factors",
        "lambda_lr",
        "LambdaLR",
        settings=(setting(lr_lambda=inverse),),
        domain=of_schedule(lr_lambda=LAMBDAS),
    ),
    row(
        "factors",
        "multiplicative_lr",
        "MultiplicativeLR",
        settings=(setting(lr_lambda=waning),),
        domain=of_schedule(lr_lambda=LAMBDAS),
    ),
    row(
        "factors",
        "step_lr",
        "StepLR",
        settings=(setting(step_size=7), setting(step_size=3, gamma=0.9)),
        domain=of_schedule(step_size=OneOf(3, 1, 7, outside=(0,)), gamma=GAMMA),
    ),
    row(
        "factors",
        "multi_step_lr",
        "MultiStepLR",
        settings=(setting(milestones=(30, 3, 3, 11)), setting(milestones=(0,), gamma=0.9)),
        domain=of_schedule(
            milestones=OneOf((3, 7), (5,), (), (0, 2, 2), (-2, 1), (9, 4)), gamma=GAMMA
        ),
    ),
    row(
        "factors",
        "exponential_lr",
        "ExponentialLR",
        settings=(setting(gamma=0.9), setting(gamma=1.01), setting(gamma=-0.5), setting(gamma=0)),
        domain=of_schedule(gamma=Number(0.9, 1, 1.05, 0.5)),
    ),
)
