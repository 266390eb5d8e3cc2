"""Schedules made of others: one after the other, or all at once."""

import functools
import operator
from collections.abc import Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import Array

from jaxact._op import factory
from jaxact.errors import InvalidTypeError, InvalidValueError
from jaxact.optim._hyperparameters import as_number
from jaxact.optim.schedules._checks import milestones
from jaxact.optim.schedules._schedule import Schedule, known, multiplying

__all__ = ["chained_scheduler", "sequential_lr"]


def _schedules(function: str, argument: str, value: Any) -> tuple[Schedule, ...]:
    if not isinstance(value, tuple | list) or not value:
        error = InvalidValueError if value in ((), []) else InvalidTypeError
        raise error(f"{function}: {argument} must be a list of schedules, got {value!r}")
    for i, schedule in enumerate(cast(Sequence[object], value)):
        if not isinstance(schedule, Schedule):
            raise InvalidTypeError(
                f"{function}: {argument}[{i}] must be a schedule of jaxact, got {schedule!r}"
            )
    return tuple(cast(Sequence[Schedule], value))


def _one_between(function: str, schedulers: Any, milestones: Any) -> None:
    if len(milestones) != len(schedulers) - 1:
        raise InvalidValueError(
            f"{function}: milestones must be one fewer than schedulers, got {len(milestones)} for "
            f"{len(schedulers)}"
        )


@factory(
    checks={
        "schedulers": _schedules,
        "milestones": milestones,
        ("schedulers", "milestones"): _one_between,
    }
)
def sequential_lr(schedulers: Sequence[Schedule], milestones: Sequence[int]) -> Schedule:
    """sequential_lr(s, m)(t) = s_i(t - m_i), with i the number of milestones up to t.

    Each schedule begins at its step 0. torch's SequentialLR has an exception: in it a
    MultiplicativeLR goes on from the learning rate before it.

    Args:
        schedulers: schedules of this module.
        milestones: steps in ascending order, one fewer than schedules.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if schedulers are no schedules, or milestones no ints.
        ValueError: if there is no schedule, or the numbers do not fit.

    Source:
        torch.optim.lr_scheduler.SequentialLR, torch 2.13.
    """
    starts = (0, *milestones)

    def chosen(values: Sequence[Array], step: Array) -> Array:
        found = values[0]
        for start, value in zip(starts[1:], values[1:], strict=True):
            found = jnp.where(step >= start, value, found)
        return found

    def value(step: Array) -> Array:
        own = [jnp.maximum(step - start, 0) for start in starts]
        return chosen([s.value(t) for s, t in zip(schedulers, own, strict=True)], step)

    def follow(step: Array, before: Array) -> Array:
        found: list[Array] = []
        for i, (schedule, start) in enumerate(zip(schedulers, starts, strict=True)):
            own = jnp.maximum(step - start, 0)
            after = schedule.after(own, before)
            found.append(after if i == 0 else jnp.where(own == 0, schedule.value(own), after))
        return chosen(found, step)

    return Schedule(name="sequential_lr", lr=schedulers[0].lr, value=value, follow=follow)


def _of_one_rate(function: str, schedulers: Sequence[Schedule]) -> None:
    rates = {known(schedule.lr) for schedule in schedulers} - {None}
    if len(rates) > 1:
        raise InvalidValueError(
            f"{function}: schedulers must start from the same lr, got {sorted(rates)}"
        )


@factory(checks={"schedulers": _schedules, ("schedulers",): _of_one_rate})
def chained_scheduler(schedulers: Sequence[Schedule]) -> Schedule:
    """chained_scheduler(s): in each step every schedule changes the rate that the last one left.

    Schedules that multiply (`step_lr`, `exponential_lr`, `linear_lr`, ...) give lr times the
    product of their factors. One that disregards the rate before it (`lambda_lr`, `cyclic_lr`,
    warm restarts) replaces it. With `cosine_annealing_lr` or `sequential_lr` among them a call goes
    through all steps before its own, since the rate depends on each of them, and has derivatives in
    forward mode only.

    Args:
        schedulers: schedules of this module, which all start from the same learning rate.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if schedulers are no schedules.
        ValueError: if there is none, or they start from different rates.

    Source:
        torch.optim.lr_scheduler.ChainedScheduler, torch 2.13.
    """
    lr = schedulers[0].lr
    factors = [schedule.factor for schedule in schedulers if schedule.factor is not None]

    def product(step: Array) -> Array:
        return functools.reduce(operator.mul, (factor(step) for factor in factors))

    if len(factors) == len(schedulers):
        return multiplying("chained_scheduler", lr, product)

    def start(step: Array) -> Array:
        return jnp.full(step.shape, as_number(lr), jnp.result_type(float))

    def follow(step: Array, before: Array) -> Array:
        for schedule in schedulers:
            before = schedule.after(step, before)
        return before

    def recursive(step: Array) -> Array:
        def next_one(i: Array, before: Array) -> Array:
            after = follow(jnp.full_like(step, i), before).astype(before.dtype)
            return jnp.where(i <= step, after, before)

        last = step.max(initial=0) + 1
        return cast(Array, jax.lax.fori_loop(0, last, next_one, start(step)))

    sets = [i for i, s in enumerate(schedulers) if s.factor is None and s.follow is None]
    # What comes before the last schedule that disregards the rate does not matter.
    direct = sets and all(s.factor is not None for s in schedulers[sets[-1] + 1 :])
    return Schedule(
        name="chained_scheduler",
        lr=lr,
        value=(lambda step: follow(step, start(step))) if direct else recursive,
        follow=follow,
    )
