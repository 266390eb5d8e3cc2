"""Schedules that lead from one learning rate to another: at once, linearly, by a power."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._op import factory
from jaxact.optim._hyperparameters import anything, as_number, within
from jaxact.optim.schedules._checks import count
from jaxact.optim.schedules._schedule import Schedule, between, multiplying

__all__ = ["constant_lr", "linear_lr", "polynomial_lr"]

_share = within(lambda value: (value >= 0) & (value <= 1), "be in [0, 1]")
_positive_share = within(lambda value: (value > 0) & (value <= 1), "be in (0, 1]")


def _left(step: Array, total: int) -> Array:
    """The share of the steps that are left; without any steps 1, for ever."""
    left = jnp.maximum(total - step, 0) if total else jnp.ones_like(step)
    return left.astype(jnp.result_type(float)) / max(total, 1)


@factory(checks={"lr": anything, "factor": _share, "total_iters": count})
def constant_lr(lr: ArrayLike, factor: ArrayLike = 1 / 3, total_iters: int = 5) -> Schedule:
    """constant_lr(lr, f, n)(t) = f lr for t < n, then lr.

    With n = 0 it is f lr for ever, as in torch. With f = 0 torch divides by 0 at step n.

    Args:
        lr: [], per step.
        factor: [], dimensionless, in [0, 1].
        total_iters: steps until the learning rate is lr.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if lr or factor is no number, or total_iters no int.
        ValueError: if factor is not in [0, 1], or total_iters is negative.

    Source:
        torch.optim.lr_scheduler.ConstantLR, torch 2.13.
    """

    def scale(step: Array) -> Array:
        return jnp.where((step < total_iters) | (total_iters == 0), as_number(factor), 1)

    return multiplying("constant_lr", lr, scale)


@factory(
    checks={
        "lr": anything,
        "start_factor": _positive_share,
        "end_factor": _share,
        "total_iters": count,
    }
)
def linear_lr(
    lr: ArrayLike,
    start_factor: ArrayLike = 1 / 3,
    end_factor: ArrayLike = 1.0,
    total_iters: int = 5,
) -> Schedule:
    """linear_lr(lr, s, e, n)(t) = lr (s + (e - s) min(t, n) / n).

    With n = 0 it is s lr for ever, as in torch.

    Args:
        lr: [], per step.
        start_factor: [], dimensionless, in (0, 1].
        end_factor: [], dimensionless, in [0, 1].
        total_iters: steps until the end.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if lr or a factor is no number, or total_iters no int.
        ValueError: if a factor is out of its range, or total_iters is negative.

    Source:
        torch.optim.lr_scheduler.LinearLR, torch 2.13.
    """
    return multiplying(
        "linear_lr", lr, lambda step: between(start_factor, end_factor, _left(step, total_iters))
    )


@factory(checks={"lr": anything, "total_iters": count, "power": anything})
def polynomial_lr(lr: ArrayLike, total_iters: int = 5, power: ArrayLike = 1.0) -> Schedule:
    """polynomial_lr(lr, n, p)(t) = lr (1 - min(t, n) / n)^p.

    With n = 0 it is lr for ever, as in torch.

    Args:
        lr: [], per step.
        total_iters: steps until the end.
        power: [], dimensionless.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if lr or power is no number, or total_iters no int.
        ValueError: if total_iters is negative.

    Source:
        torch.optim.lr_scheduler.PolynomialLR, torch 2.13.
    """
    return multiplying(
        "polynomial_lr", lr, lambda step: _left(step, total_iters) ** as_number(power)
    )
