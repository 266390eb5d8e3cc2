"""Adam and AdamW: steps of the first moment of the gradient over the root of the second."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import flag
from jaxact._op import Checks, factory
from jaxact.optim._hyperparameters import BETAS, Scheduled, at_least_0, rate
from jaxact.optim._moments import Moments, root
from jaxact.optim._transformation import (
    Decay,
    Leaf,
    Numbers,
    Rule,
    Slots,
    Step,
    Tree,
    zeros,
)

__all__ = ["AdamState", "adam", "adamw"]

_CHECKS: Checks = {
    "lr": rate,
    "betas": BETAS,
    "eps": at_least_0,
    "weight_decay": at_least_0,
    "amsgrad": flag,
    "maximize": flag,
}


class AdamState(NamedTuple):
    """State of `adam` and `adamw`.

    Args:
        step: [], int32, the steps made.
        exp_avg: as params, the moving average of gradients.
        exp_avg_sq: as params, that of their squares.
        max_exp_avg_sq: as params, the largest one so far; None without amsgrad.
    """

    step: Array
    exp_avg: Tree
    exp_avg_sq: Tree
    max_exp_avg_sq: Tree = None


@factory(checks={**_CHECKS, "decoupled_weight_decay": flag})
def adam(
    lr: Scheduled = 1e-3,
    betas: tuple[Scheduled, Scheduled] = (0.9, 0.999),
    eps: ArrayLike = 1e-8,
    weight_decay: ArrayLike = 0.0,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """adam(lr): w - lr m / (1 - β1^t) / (√v / √(1 - β2^t) + eps), v the average of g^2.

    amsgrad has in place of v the largest v so far, before its bias is corrected; optax.amsgrad
    takes the largest of the corrected ones. optax.adam in float32 computes 1 - β2^t with the
    rounding of β2, which changes the first steps by 7e-6 of their length.

    Args:
        lr: [], per step, or a schedule.
        betas: two of [], dimensionless, in [0, 1): the decay of both averages; or schedules.
        eps: [], unit of the gradients.
        weight_decay: [], dimensionless; times the weights it is added to the gradient.
        amsgrad: whether steps never become longer where gradients fade.
        maximize: whether to go up instead of down.
        decoupled_weight_decay: whether the decay, times lr, shrinks the weights instead.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is an
        `AdamState`.

    Raises:
        TypeError: if a hyperparameter is no number, betas are not two, or a flag is not True or
            False.
        ValueError: if lr, eps or weight_decay is negative, or a beta is not in [0, 1); by the
            update, if there is a weight decay and it gets no params.

    Source:
        Kingma & Ba 2015; Reddi et al. 2018; torch.optim.Adam, torch 2.13.
    """
    decay = Decay(rate=weight_decay, decoupled=decoupled_weight_decay)
    return _adam("adam", lr, betas, eps, decay, amsgrad=amsgrad, maximize=maximize)


@factory(checks=_CHECKS)
def adamw(
    lr: Scheduled = 1e-3,
    betas: tuple[Scheduled, Scheduled] = (0.9, 0.999),
    eps: ArrayLike = 1e-8,
    weight_decay: ArrayLike = 1e-2,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """adamw(lr) = `adam` of the weights w (1 - lr weight_decay).

    All weights decay, as in torch; optax.masked leaves some alone. optax.adamw
    decays by 1e-4, torch by 1e-2.

    Args:
        lr: [], per step, or a schedule.
        betas: two of [], dimensionless, in [0, 1): the decay of both averages; or schedules.
        eps: [], unit of the gradients.
        weight_decay: [], dimensionless; the weights shrink by lr times this.
        amsgrad: whether steps never become longer where gradients fade.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its update
        needs the params, its state is an `AdamState`.

    Raises:
        TypeError: if a hyperparameter is no number, betas are not two, or a flag is not True or
            False.
        ValueError: if lr, eps or weight_decay is negative, or a beta is not in [0, 1); by the
            update, if it gets no params.

    Source:
        Loshchilov & Hutter 2019; torch.optim.AdamW, torch 2.13.
    """
    decay = Decay(rate=weight_decay, decoupled=True)
    return _adam("adamw", lr, betas, eps, decay, amsgrad=amsgrad, maximize=maximize)


def _adam(
    name: str,
    lr: Scheduled,
    betas: tuple[Scheduled, Scheduled],
    eps: ArrayLike,
    decay: Decay,
    *,
    amsgrad: bool,
    maximize: bool,
) -> optax.GradientTransformationExtraArgs:
    moments = Moments(betas)

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        numbers = moments.numbers(step.number)
        length = step.lr / numbers["correction1"]
        scale = jnp.sqrt(numbers["correction2"])
        return {**numbers, "length": length, "scale": scale, "eps": eps}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        slots = slots | moments.updated(numbers, leaf.gradient, slots)
        square = slots["exp_avg_sq"]
        if amsgrad:
            square = slots["max_exp_avg_sq"] = jnp.maximum(slots["max_exp_avg_sq"], square)
        divisor = root(square) / numbers["scale"] + numbers["eps"]
        return -numbers["length"] * (slots["exp_avg"] / divisor), slots

    largest: dict[str, Any] = {"max_exp_avg_sq": zeros} if amsgrad else {}
    return Rule(
        name=name,
        state=AdamState,
        slots={"exp_avg": zeros, "exp_avg_sq": zeros, **largest},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=decay,
        maximize=maximize,
    ).transformation()
