"""Variants of Adam: by the largest gradient, with Nesterov's momentum, with rectified variance."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import flag
from jaxact._op import Checks, factory
from jaxact.optim._hyperparameters import BETAS, Scheduled, at_least_0, rate
from jaxact.optim._moments import Moments, average, power, rectified, root
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

__all__ = ["AdamaxState", "NadamState", "RadamState", "adamax", "nadam", "radam"]

_CHECKS: Checks = {
    "lr": rate,
    "betas": BETAS,
    "eps": at_least_0,
    "weight_decay": at_least_0,
    "maximize": flag,
}


class AdamaxState(NamedTuple):
    """State of `adamax`.

    Args:
        step: [], int32, the steps made.
        exp_avg: as params, the moving average of gradients.
        exp_inf: as params, the decaying maximum of their magnitudes.
    """

    step: Array
    exp_avg: Tree
    exp_inf: Tree


@factory(checks=_CHECKS)
def adamax(
    lr: Scheduled = 2e-3,
    betas: tuple[Scheduled, Scheduled] = (0.9, 0.999),
    eps: ArrayLike = 1e-8,
    weight_decay: ArrayLike = 0.0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """adamax(lr): w - lr m / ((1 - β1^t) u), with u = max(β2 u, |g| + eps).

    Args:
        lr: [], per step, or a schedule.
        betas: two of [], dimensionless, in [0, 1): the decay of m and u; or schedules.
        eps: [], unit of the gradients.
        weight_decay: [], dimensionless; times the weights it is added to the gradient.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is an
        `AdamaxState`.

    Raises:
        TypeError: if a hyperparameter is no number, betas are not two, or maximize is not True or
            False.
        ValueError: if lr, eps or weight_decay is negative, or a beta is not in [0, 1); by the
            update, if there is a weight decay and it gets no params.

    Source:
        Kingma & Ba 2015; torch.optim.Adamax, torch 2.13.
    """
    moments = Moments(betas)

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        numbers = moments.numbers(step.number)
        return {**numbers, "length": step.lr / numbers["correction1"], "eps": eps}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        mean = average(slots["exp_avg"], leaf.gradient, numbers["complement1"])
        size = jnp.abs(leaf.gradient) + numbers["eps"]
        largest = jnp.maximum(numbers["beta2"] * slots["exp_inf"], size)
        return -numbers["length"] * (mean / largest), {"exp_avg": mean, "exp_inf": largest}

    return Rule(
        name="adamax",
        state=AdamaxState,
        slots={"exp_avg": zeros, "exp_inf": zeros},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay),
        maximize=maximize,
    ).transformation()


class NadamState(NamedTuple):
    """State of `nadam`.

    Args:
        step: [], int32, the steps made.
        mu_product: [], dimensionless, the product of the momenta so far.
        exp_avg: as params, the moving average of gradients.
        exp_avg_sq: as params, that of their squares.
    """

    step: Array
    mu_product: Array
    exp_avg: Tree
    exp_avg_sq: Tree


@factory(checks={**_CHECKS, "momentum_decay": at_least_0, "decoupled_weight_decay": flag})
def nadam(
    lr: Scheduled = 2e-3,
    betas: tuple[Scheduled, Scheduled] = (0.9, 0.999),
    eps: ArrayLike = 1e-8,
    weight_decay: ArrayLike = 0.0,
    momentum_decay: ArrayLike = 4e-3,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """nadam(lr): w - lr ((1 - μ_t) g / (1 - Π_t) + μ_{t+1} m / (1 - Π_{t+1})) / (√v̂ + eps).

    μ_t = β1 (1 - 0.96^(t momentum_decay) / 2), and Π_t is the product of the first t of them; v̂ is
    the average of squares without its bias. optax.nadam has μ_t = β1. torch rounds the product to
    float32 also beside float64 parameters.

    Args:
        lr: [], per step, or a schedule.
        betas: two of [], dimensionless, in [0, 1): the decay of both averages; or schedules.
        eps: [], unit of the gradients.
        weight_decay: [], dimensionless; times the weights it is added to the gradient.
        momentum_decay: [], per step: how fast μ_t grows to β1.
        decoupled_weight_decay: whether the decay, times lr, shrinks the weights instead.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is a
        `NadamState`.

    Raises:
        TypeError: if a hyperparameter is no number, betas are not two, or a flag is not True or
            False.
        ValueError: if lr, eps, weight_decay or momentum_decay is negative, or a beta is not in
            [0, 1); by the update, if there is a weight decay and it gets no params.

    Source:
        Dozat 2016; torch.optim.NAdam, torch 2.13.
    """
    moments = Moments(betas)

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        numbers, lr = moments.numbers(step.number), step.lr
        growth = jnp.asarray(momentum_decay).astype(lr.dtype)

        def momentum(at: Array) -> Array:
            return numbers["beta1"] * (1 - 0.5 * power(0.96, at.astype(lr.dtype) * growth))

        now, following = momentum(step.number), momentum(step.number + 1)
        product = step.carried["mu_product"] * now
        numbers["of_gradient"] = lr * (1 - now) / (1 - product)
        numbers["of_mean"] = lr * following / (1 - product * following)
        return {**numbers, "mu_product": product, "eps": eps}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        slots = moments.updated(numbers, leaf.gradient, slots)
        divisor = root(slots["exp_avg_sq"] / numbers["correction2"]) + numbers["eps"]
        ahead = numbers["of_gradient"] * (leaf.gradient / divisor)
        return -ahead - numbers["of_mean"] * (slots["exp_avg"] / divisor), slots

    return Rule(
        name="nadam",
        state=NadamState,
        slots={"exp_avg": zeros, "exp_avg_sq": zeros},
        carried={"mu_product": 1.0},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay, decoupled=decoupled_weight_decay),
        maximize=maximize,
    ).transformation()


class RadamState(NamedTuple):
    """State of `radam`.

    Args:
        step: [], int32, the steps made.
        exp_avg: as params, the moving average of gradients.
        exp_avg_sq: as params, that of their squares.
    """

    step: Array
    exp_avg: Tree
    exp_avg_sq: Tree


@factory(checks={**_CHECKS, "decoupled_weight_decay": flag})
def radam(
    lr: Scheduled = 1e-3,
    betas: tuple[Scheduled, Scheduled] = (0.9, 0.999),
    eps: ArrayLike = 1e-8,
    weight_decay: ArrayLike = 0.0,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """radam(lr): w - lr m̂ r √(1 - β2^t) / (√v + eps) where ρ > 5, else w - lr m̂.

    m̂ = m / (1 - β1^t); ρ = ρ∞ - 2 t β2^t / (1 - β2^t) is the number of gradients in the average of
    squares, ρ∞ = 2 / (1 - β2) - 1; r^2 = (ρ - 4) (ρ - 2) ρ∞ / ((ρ∞ - 4) (ρ∞ - 2) ρ). eps is added
    to the root of the biased average, unlike in `adam` and optax.radam.

    Args:
        lr: [], per step, or a schedule.
        betas: two of [], dimensionless, in [0, 1): the decay of both averages; or schedules.
        eps: [], unit of the gradients.
        weight_decay: [], dimensionless; times the weights it is added to the gradient.
        decoupled_weight_decay: whether the decay, times lr, shrinks the weights instead.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is a
        `RadamState`.

    Raises:
        TypeError: if a hyperparameter is no number, betas are not two, or a flag is not True or
            False.
        ValueError: if lr, eps or weight_decay is negative, or a beta is not in [0, 1); by the
            update, if there is a weight decay and it gets no params.

    Source:
        Liu et al. 2020; torch.optim.RAdam, torch 2.13.
    """
    moments = Moments(betas)

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        numbers = moments.numbers(step.number)
        plain = step.lr / numbers["correction1"]
        length, rectification = rectified(moments.beta(2, step.number), step.number)
        numbers["is_rectified"] = length > 5
        numbers["plain"] = plain
        numbers["adaptive"] = plain * rectification * jnp.sqrt(numbers["correction2"])
        return {**numbers, "eps": eps}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        slots = moments.updated(numbers, leaf.gradient, slots)
        mean = slots["exp_avg"]
        adaptive = numbers["adaptive"] * (mean / (root(slots["exp_avg_sq"]) + numbers["eps"]))
        return -jnp.where(numbers["is_rectified"] != 0, adaptive, numbers["plain"] * mean), slots

    return Rule(
        name="radam",
        state=RadamState,
        slots={"exp_avg": zeros, "exp_avg_sq": zeros},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay, decoupled=decoupled_weight_decay),
        maximize=maximize,
    ).transformation()
