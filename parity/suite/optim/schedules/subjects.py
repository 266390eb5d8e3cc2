"""jaxact's schedules as functions of the steps, and of a metric at each step."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import Array

from jaxact.optim import schedules
from jaxact.optim.schedules._schedule import Schedule


def _with_parameters_of(make: Callable[..., Any], *first: str) -> Callable[[Any], Any]:
    """Gives a function the parameters of a maker, after some of its own."""
    own = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in first]
    signature = inspect.signature(make)
    signature = signature.replace(parameters=[*own, *signature.parameters.values()])

    def decorate(function: Any) -> Any:
        function.__signature__ = signature
        return function

    return decorate


def of_steps(make: Callable[..., Schedule]) -> Callable[..., dict[str, Array]]:
    """A function of the steps, and of what the schedule is made of, to rates and momenta."""

    @_with_parameters_of(make, "steps")
    def values(steps: Array, *args: Any, **named: Any) -> dict[str, Array]:
        schedule = make(*args, **named)
        # One step after the other, as in training.
        parts = {"lr": schedule, "momentum": schedule.momentum}
        return {name: jax.lax.map(part, steps) for name, part in parts.items() if part is not None}

    return values


lambda_lr = of_steps(schedules.lambda_lr)
multiplicative_lr = of_steps(schedules.multiplicative_lr)
step_lr = of_steps(schedules.step_lr)
multi_step_lr = of_steps(schedules.multi_step_lr)
exponential_lr = of_steps(schedules.exponential_lr)
constant_lr = of_steps(schedules.constant_lr)
linear_lr = of_steps(schedules.linear_lr)
polynomial_lr = of_steps(schedules.polynomial_lr)
cosine_annealing_lr = of_steps(schedules.cosine_annealing_lr)
cosine_annealing_warm_restarts = of_steps(schedules.cosine_annealing_warm_restarts)
cyclic_lr = of_steps(schedules.cyclic_lr)
one_cycle_lr = of_steps(schedules.one_cycle_lr)

# The schedules of the same names in the references.
PARTS: dict[str, Callable[[Array], Schedule]] = {
    "warmup": lambda lr: schedules.linear_lr(lr, 0.25, 1.0, 4),
    "exponential": lambda lr: schedules.exponential_lr(lr, 0.9),
    "steps": lambda lr: schedules.step_lr(lr, 3, 0.5),
    "cosine": lambda lr: schedules.cosine_annealing_lr(lr, 5, 0.0625),
    "restarts": lambda lr: schedules.cosine_annealing_warm_restarts(lr, 4, 2),
    "inverse": lambda lr: schedules.lambda_lr(lr, lambda step: 1 / (1 + step)),
    "sequence": lambda lr: schedules.sequential_lr(
        [PARTS["warmup"](lr), PARTS["exponential"](lr)], [6]
    ),
}


def sequential_lr(
    steps: Array, lr: Array, schedulers: tuple[str, ...], milestones: Any
) -> dict[str, Array]:
    """sequential_lr of the parts of these names."""

    def make(lr: Array) -> Schedule:
        return schedules.sequential_lr([PARTS[name](lr) for name in schedulers], milestones)

    return of_steps(make)(steps, lr)


def chained_scheduler(steps: Array, lr: Array, schedulers: tuple[str, ...]) -> dict[str, Array]:
    """chained_scheduler of the parts of these names."""

    def make(lr: Array) -> Schedule:
        return schedules.chained_scheduler([PARTS[name](lr) for name in schedulers])

    return of_steps(make)(steps, lr)


class Plateau(NamedTuple):
    """The two functions of the steps driver."""

    init: Callable[[Any], Any]
    update: Callable[[Any, Array], Any]


def plateau(make: Callable[..., Any], **named: Any) -> Plateau:
    """The state after each metric, of a transformation that takes it."""
    transformation = make(**named)

    def update(state: Any, metric: Array) -> Any:
        return transformation.update({}, state, value=metric)[1]

    return Plateau(transformation.init, update)


@_with_parameters_of(schedules.reduce_lr_on_plateau)
def reduce_lr_on_plateau(**named: Any) -> Plateau:
    """The state after each metric."""
    return plateau(schedules.reduce_lr_on_plateau, **named)
