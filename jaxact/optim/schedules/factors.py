"""Schedules that multiply the learning rate: by functions, in steps, exponentially."""

from collections.abc import Callable, Sequence
from typing import cast

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._op import factory
from jaxact.optim._hyperparameters import anything, as_number, callback
from jaxact.optim.schedules._checks import milestones, period
from jaxact.optim.schedules._schedule import Schedule, multiplying, power

__all__ = [
    "exponential_lr",
    "lambda_lr",
    "multi_step_lr",
    "multiplicative_lr",
    "step_lr",
]


@factory(checks={"lr": anything, "lr_lambda": callback})
def lambda_lr(lr: ArrayLike, lr_lambda: Callable[[Array], ArrayLike]) -> Schedule:
    """lambda_lr(lr, λ)(t) = lr λ(t).

    Args:
        lr: [], per step.
        lr_lambda: step [...], which may be traced, -> factor [...], dimensionless.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if lr is no number, or lr_lambda no function.

    Source:
        torch.optim.lr_scheduler.LambdaLR, torch 2.13.
    """
    return Schedule(
        name="lambda_lr",
        lr=lr,
        value=lambda step: as_number(lr) * as_number(lr_lambda(step)),
    )


@factory(checks={"lr": anything, "lr_lambda": callback})
def multiplicative_lr(lr: ArrayLike, lr_lambda: Callable[[Array], ArrayLike]) -> Schedule:
    """multiplicative_lr(lr, λ)(t) = lr λ(1) λ(2) ... λ(t).

    Each call multiplies t factors: `lambda_lr` with a product in closed form does not.

    Args:
        lr: [], per step.
        lr_lambda: step [...], which is traced, -> factor [...], dimensionless.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if lr is no number, or lr_lambda no function.

    Source:
        torch.optim.lr_scheduler.MultiplicativeLR, torch 2.13.
    """

    def factor(step: Array) -> Array:
        def times(i: Array, before: Array) -> Array:
            return jnp.where(
                i <= step, before * as_number(lr_lambda(i)).astype(before.dtype), before
            )

        start = jnp.ones(step.shape, jnp.result_type(float))
        last = step.max(initial=0)
        return cast(Array, jax.lax.fori_loop(1, last + 1, times, start))

    return multiplying("multiplicative_lr", lr, factor)


@factory(checks={"lr": anything, "step_size": period, "gamma": anything})
def step_lr(lr: ArrayLike, step_size: int, gamma: ArrayLike = 0.1) -> Schedule:
    """step_lr(lr, s, γ)(t) = lr γ^floor(t / s).

    Args:
        lr: [], per step.
        step_size: steps with one learning rate.
        gamma: [], dimensionless.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if lr or gamma is no number, or step_size no int.
        ValueError: if step_size is below 1.

    Source:
        torch.optim.lr_scheduler.StepLR, torch 2.13.
    """
    return multiplying("step_lr", lr, lambda step: power(gamma, step // step_size))


@factory(checks={"lr": anything, "milestones": milestones, "gamma": anything})
def multi_step_lr(lr: ArrayLike, milestones: Sequence[int], gamma: ArrayLike = 0.1) -> Schedule:
    """multi_step_lr(lr, m, γ)(t) = lr γ^n, n the number of milestones from 0 to t.

    A milestone that is there twice counts twice.

    Args:
        lr: [], per step.
        milestones: steps, in any order.
        gamma: [], dimensionless.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if lr or gamma is no number, or milestones are no list of ints.

    Source:
        torch.optim.lr_scheduler.MultiStepLR, torch 2.13.
    """
    reached = jnp.asarray([m for m in milestones if m >= 0], jnp.int32)

    def factor(step: Array) -> Array:
        return power(gamma, (reached <= step[..., None]).sum(-1))

    return multiplying("multi_step_lr", lr, factor)


@factory(checks={"lr": anything, "gamma": anything})
def exponential_lr(lr: ArrayLike, gamma: ArrayLike) -> Schedule:
    """exponential_lr(lr, γ)(t) = lr γ^t.

    Args:
        lr: [], per step.
        gamma: [], dimensionless.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if lr or gamma is no number.

    Source:
        torch.optim.lr_scheduler.ExponentialLR, torch 2.13.
    """
    return multiplying("exponential_lr", lr, lambda step: power(gamma, step))
