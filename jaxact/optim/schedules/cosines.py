"""Schedules that follow a cosine, on and on or with restarts."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._op import factory
from jaxact.optim._hyperparameters import anything, as_number
from jaxact.optim.schedules._checks import period
from jaxact.optim.schedules._schedule import Schedule, between, half_wave

__all__ = ["cosine_annealing_lr", "cosine_annealing_warm_restarts"]


@factory(checks={"lr": anything, "T_max": period, "eta_min": anything})
def cosine_annealing_lr(lr: ArrayLike, T_max: int, eta_min: ArrayLike = 0.0) -> Schedule:
    """cosine_annealing_lr(lr, T, m)(t) = m + (lr - m) (1 + cos(π t / T)) / 2.

    After T steps it rises again, and so on, as in torch; optax.cosine_decay_schedule stays at m.

    Args:
        lr: [], per step.
        T_max: steps from lr to eta_min.
        eta_min: [], per step: the lowest learning rate.

    Returns:
        A schedule: steps [...] -> learning rates [...], per step.

    Raises:
        TypeError: if lr or eta_min is no number, or T_max no int.
        ValueError: if T_max is below 1.

    Source:
        Loshchilov & Hutter 2017; torch.optim.lr_scheduler.CosineAnnealingLR, torch 2.13.
    """

    def share(step: Array) -> Array:
        return half_wave(step, T_max)

    def follow(step: Array, before: Array) -> Array:
        last = jnp.maximum(step - 1, 0)
        is_low = last % (2 * T_max) == T_max
        risen = before + (as_number(lr) - as_number(eta_min)) * share(step)
        ratio = share(step) / jnp.where(is_low, 1, share(last))
        return jnp.where(
            step == 0,
            before,
            jnp.where(is_low, risen, between(before, eta_min, ratio)),
        )

    return Schedule(
        name="cosine_annealing_lr",
        lr=lr,
        value=lambda step: between(lr, eta_min, share(step)),
        follow=follow,
    )


@factory(checks={"lr": anything, "T_0": period, "T_mult": period, "eta_min": anything})
def cosine_annealing_warm_restarts(
    lr: ArrayLike, T_0: int, T_mult: int = 1, eta_min: ArrayLike = 0.0
) -> Schedule:
    """cosine_annealing_warm_restarts(lr, T, k, m)(t) = m + (lr - m) (1 + cos(π s / S)) / 2.

    s is the number of steps since the last restart, and S = T k^i the length of the i-th period.
    The next period begins in place of the step that would reach m.

    Args:
        lr: [], per step.
        T_0: steps in the first period.
        T_mult: how many times longer each period is than the one before.
        eta_min: [], per step: the lowest learning rate.

    Returns:
        A schedule: steps [...], also fractions, -> learning rates [...], per step.

    Raises:
        TypeError: if lr or eta_min is no number, or T_0 or T_mult no int.
        ValueError: if T_0 or T_mult is below 1.

    Source:
        Loshchilov & Hutter 2017; torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, torch 2.13.
    """
    # The periods that begin before the last step an int32 can count.
    starts, lengths = [0], [T_0]
    while T_mult > 1 and starts[-1] + lengths[-1] < np.iinfo(np.int32).max:
        starts.append(starts[-1] + lengths[-1])
        lengths.append(min(lengths[-1] * T_mult, np.iinfo(np.int32).max // 2))

    def value(step: Array) -> Array:
        if T_mult == 1:
            place, length = step % T_0, jnp.asarray(T_0)
        else:
            index = (jnp.asarray(starts) <= step[..., None]).sum(-1) - 1
            place, length = step - jnp.asarray(starts)[index], jnp.asarray(lengths)[index]
        return between(lr, eta_min, half_wave(place, length))

    return Schedule(name="cosine_annealing_warm_restarts", lr=lr, value=value, fractions=True)
