"""Schedules that raise the learning rate and lower it again, with the momentum against it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import flag, integer, one_of
from jaxact._checking import nan_unless
from jaxact._op import factory
from jaxact.errors import InvalidDivisorError, InvalidValueError
from jaxact.optim._hyperparameters import anything, as_number, callback, or_none
from jaxact.optim.schedules._checks import count, period
from jaxact.optim.schedules._schedule import (
    Formula,
    Schedule,
    between,
    power,
    risen,
)

__all__ = ["cyclic_lr", "one_cycle_lr"]

_MODES = ("triangular", "triangular2", "exp_range")


def _known_mode(function: str, mode: Any, scale_fn: Any) -> None:
    if scale_fn is None:
        one_of(*_MODES)(function, "mode", mode)


@factory(
    checks={
        "base_lr": anything,
        "max_lr": anything,
        "step_size_up": period,
        "step_size_down": or_none(count),
        "gamma": anything,
        "scale_fn": or_none(callback),
        "scale_mode": one_of("cycle", "iterations"),
        "cycle_momentum": flag,
        "base_momentum": anything,
        "max_momentum": anything,
        ("mode", "scale_fn"): _known_mode,
    }
)
def cyclic_lr(
    base_lr: ArrayLike,
    max_lr: ArrayLike,
    step_size_up: int = 2000,
    step_size_down: int | None = None,
    mode: str = "triangular",
    gamma: ArrayLike = 1.0,
    scale_fn: Callable[[Array], ArrayLike] | None = None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum: ArrayLike = 0.8,
    max_momentum: ArrayLike = 0.9,
) -> Schedule:
    """cyclic_lr(a, b)(t) = a + (b - a) h c, where h goes from 0 up to 1 and down again.

    c is 1 for "triangular", 2^(1 - cycle) for "triangular2", γ^t for "exp_range", else scale_fn of
    the cycle, counted from 1, or of t. The schedule's `momentum` goes the other way; torch sets it
    in the optimizer, here it is given: sgd(lr=schedule, momentum=schedule.momentum).

    Args:
        base_lr: [], per step: the lowest learning rate.
        max_lr: [], per step: the highest one.
        step_size_up: steps upwards.
        step_size_down: steps downwards; None for as many.
        mode: "triangular", "triangular2" or "exp_range"; disregarded beside scale_fn.
        gamma: [], dimensionless, γ.
        scale_fn: cycle or step [...] -> c [...], dimensionless.
        scale_mode: whether scale_fn gets the "cycle" or the "iterations".
        cycle_momentum: whether there is a momentum.
        base_momentum: [], dimensionless: the lowest momentum.
        max_momentum: [], dimensionless: the highest one.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step; its attribute `momentum` is a
        function of the step as well, or None.

    Raises:
        TypeError: if a number is none, or a flag is not True or False.
        ValueError: if there is no such mode, or step_size_up is below 1.

    Source:
        Smith 2017; torch.optim.lr_scheduler.CyclicLR, torch 2.13.
    """
    down = step_size_up if step_size_down is None else step_size_down
    total = step_size_up + down

    def height(step: Array) -> Array:
        place = step % total
        dtype = jnp.result_type(float)
        rising = place.astype(dtype) / step_size_up
        falling = (total - place).astype(dtype) / max(down, 1)
        cycle = 1 + step // total
        if scale_fn is not None:
            scale = jnp.asarray(scale_fn(cycle if scale_mode == "cycle" else step))
        elif mode == "exp_range":
            scale = power(gamma, step)
        else:
            scale = power(0.5, cycle - 1) if mode == "triangular2" else jnp.asarray(1.0)
        return jnp.where(place <= step_size_up, rising, falling) * scale.astype(dtype)

    def momentum(step: Array) -> Array:
        return between(base_momentum, max_momentum, height(step))

    return Schedule(
        name="cyclic_lr",
        lr=base_lr,
        value=lambda step: between(max_lr, base_lr, height(step)),
        momentum_value=momentum if cycle_momentum else None,
    )


@dataclass(frozen=True)
class _Phase:
    """A part of a cycle: until which step, and from which to which rate and momentum."""

    end: float
    rates: tuple[int, int]
    momenta: tuple[int, int]


# Indices of rates: the initial one, the highest, the lowest; of momenta: the highest, the lowest.
_INITIAL, _HIGHEST, _LOWEST = 0, 1, 2
_HIGH, _LOW = 0, 1


def _phases(total: int, share: float, *, three: bool) -> tuple[_Phase, ...]:
    up = _Phase(share * total - 1, (_INITIAL, _HIGHEST), (_HIGH, _LOW))
    if not three:
        return up, _Phase(total - 1, (_HIGHEST, _LOWEST), (_LOW, _HIGH))
    down = _Phase(2 * share * total - 2, (_HIGHEST, _INITIAL), (_LOW, _HIGH))
    return up, down, _Phase(total - 1, (_INITIAL, _LOWEST), (_HIGH, _HIGH))


def _share_of_steps(function: str, argument: str, value: Any) -> float:
    if not isinstance(value, float) or not 0 <= value <= 1:
        raise InvalidValueError(f"{function}: {argument} must be a float in [0, 1], got {value!r}")
    return value


def _steps_are_known(function: str, total_steps: Any, epochs: Any, steps_per_epoch: Any) -> None:
    given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    if total_steps is not None:
        given = {"total_steps": total_steps}
    for argument, value in given.items():
        if value is None or integer(function, argument, value) < 1:
            raise InvalidValueError(
                f"{function}: total_steps, or epochs and steps_per_epoch, must be at least 1, got "
                f"{argument}={value}"
            )


@factory(
    checks={
        "max_lr": anything,
        ("total_steps", "epochs", "steps_per_epoch"): _steps_are_known,
        "pct_start": _share_of_steps,
        "anneal_strategy": one_of("cos", "linear"),
        "cycle_momentum": flag,
        "base_momentum": anything,
        "max_momentum": anything,
        "div_factor": anything,
        "final_div_factor": anything,
        "three_phase": flag,
    }
)
def one_cycle_lr(
    max_lr: ArrayLike,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum: ArrayLike = 0.85,
    max_momentum: ArrayLike = 0.95,
    div_factor: ArrayLike = 25.0,
    final_div_factor: ArrayLike = 1e4,
    three_phase: bool = False,
) -> Schedule:
    """one_cycle_lr(b, T)(t): from b / 25 up to b at pct_start T - 1, then down to b / 250000.

    With three_phase it comes down to b / 25 at 2 pct_start T - 2 first. There are T steps, from 0
    to T - 1, and a step after them is nan; torch allows one more, at which the rate jumps up. The
    schedule's `momentum` goes the other way; torch sets it in the optimizer, here it is given:
    sgd(lr=schedule, momentum=schedule.momentum).

    Args:
        max_lr: [], per step: the highest learning rate.
        total_steps: T; or None for epochs times steps_per_epoch.
        epochs: with steps_per_epoch in place of total_steps.
        steps_per_epoch: steps in an epoch.
        pct_start: the share of the steps upwards, in [0, 1], a float.
        anneal_strategy: "cos" or "linear": how the rate goes from one end of a phase to the other.
        cycle_momentum: whether there is a momentum.
        base_momentum: [], dimensionless: the lowest momentum.
        max_momentum: [], dimensionless: the highest one.
        div_factor: [], dimensionless: max_lr over the first learning rate.
        final_div_factor: [], dimensionless: the first learning rate over the last.
        three_phase: whether the way down has two parts.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step; its attribute `momentum` is a
        function of the step as well, or None.

    Raises:
        TypeError: if a number is none, or a flag is not True or False.
        ValueError: if there is no such strategy, pct_start is no float in [0, 1], the number of
            steps is not given or below 1, or a phase would end at step 0; in `jaxact.checking`, if
            a step is T or more.

    Source:
        Smith & Topin 2018; torch.optim.lr_scheduler.OneCycleLR, torch 2.13.
    """
    total = total_steps if total_steps is not None else (epochs or 1) * (steps_per_epoch or 1)
    phases = _phases(total, pct_start, three=three_phase)
    starts = (0.0, *(phase.end for phase in phases[:-1]))
    if any(start == phase.end == 0 for start, phase in zip(starts, phases, strict=True)):
        raise InvalidDivisorError(
            f"one_cycle_lr: pct_start times the number of steps must not be 1, got {pct_start} and "
            f"{total}: torch divides by the 0 steps upwards"
        )
    highest = as_number(max_lr)
    initial = highest / div_factor
    rates = (initial, highest, initial / final_div_factor)
    momenta = (as_number(max_momentum), as_number(base_momentum))

    def value_of(numbers: tuple[Array, ...], ends: Callable[[_Phase], tuple[int, int]]) -> Formula:
        def value(step: Array) -> Array:
            count = step.astype(jnp.result_type(float))
            found = jnp.zeros_like(count)
            for start, phase in reversed([*zip(starts, phases, strict=True)]):
                left = (phase.end - count) / (phase.end - start or 1.0)
                first, last = (numbers[i] for i in ends(phase))
                here = between(first, last, risen(left) if anneal_strategy == "cos" else left)
                found = here if phase is phases[-1] else jnp.where(count <= phase.end, here, found)
            message = f"one_cycle_lr: step must be below {total}, got {{value}}"
            return nan_unless(found, step < total, InvalidValueError, message, step)

        return value

    momentum = value_of(momenta, lambda phase: phase.momenta) if cycle_momentum else None
    return Schedule(
        name="one_cycle_lr",
        lr=initial,
        value=value_of(rates, lambda phase: phase.rates),
        momentum_value=momentum,
    )
