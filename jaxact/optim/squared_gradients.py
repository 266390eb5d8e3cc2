"""Steps over the root of summed or averaged squares of the gradient."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import flag
from jaxact._op import factory
from jaxact.optim._hyperparameters import (
    Scheduled,
    at_least_0,
    is_zero,
    number_at,
    rate,
    within,
)
from jaxact.optim._moments import average, average_of_squares, complement, root
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

__all__ = ["AdadeltaState", "AdagradState", "RmspropState", "adadelta", "adagrad", "rmsprop"]


class AdagradState(NamedTuple):
    """State of `adagrad`.

    Args:
        step: [], int32, the steps made.
        sum: as params, the sum of the squares of gradients.
    """

    step: Array
    sum: Tree


@factory(
    checks={
        "lr": rate,
        "lr_decay": at_least_0,
        "weight_decay": at_least_0,
        "initial_accumulator_value": at_least_0,
        "eps": at_least_0,
        "maximize": flag,
    }
)
def adagrad(
    lr: Scheduled = 1e-2,
    lr_decay: ArrayLike = 0.0,
    weight_decay: ArrayLike = 0.0,
    initial_accumulator_value: ArrayLike = 0.0,
    eps: ArrayLike = 1e-10,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """adagrad(lr): w - lr / (1 + (t - 1) lr_decay) g / (√s + eps), s the sum of all g^2.

    optax.adagrad adds eps under the root, and starts with sums of 0.1.

    Args:
        lr: [], per step, or a schedule.
        lr_decay: [], per step.
        weight_decay: [], dimensionless; times the weights it is added to the gradient.
        initial_accumulator_value: [], unit of the squares of gradients: s before the first step.
        eps: [], unit of the gradients.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is an
        `AdagradState`.

    Raises:
        TypeError: if a hyperparameter is no number, or maximize is not True or False.
        ValueError: if a hyperparameter is negative; by the update, if there is a weight decay and
            it gets no params.

    Source:
        Duchi et al. 2011; torch.optim.Adagrad, torch 2.13.
    """

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        before = (step.number - 1).astype(step.lr.dtype)
        length = step.lr / (1 + before * jnp.asarray(lr_decay).astype(step.lr.dtype))
        return {"length": length, "eps": eps}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        total = slots["sum"] + jnp.square(leaf.gradient)
        step = leaf.gradient / (root(total) + numbers["eps"])
        return -numbers["length"] * step, {"sum": total}

    def start(leaf: Array) -> Array:
        return jnp.full_like(leaf, initial_accumulator_value)

    return Rule(
        name="adagrad",
        state=AdagradState,
        slots={"sum": start},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay),
        maximize=maximize,
    ).transformation()


class RmspropState(NamedTuple):
    """State of `rmsprop`.

    Args:
        step: [], int32, the steps made.
        square_avg: as params, the moving average of the squares of gradients.
        momentum_buffer: as params; None without momentum.
        grad_avg: as params, the moving average of gradients; None unless centered.
    """

    step: Array
    square_avg: Tree
    momentum_buffer: Tree = None
    grad_avg: Tree = None


@factory(
    checks={
        "lr": rate,
        "alpha": at_least_0,
        "eps": at_least_0,
        "weight_decay": at_least_0,
        "momentum": rate,
        "centered": flag,
        "maximize": flag,
    }
)
def rmsprop(
    lr: Scheduled = 1e-2,
    alpha: ArrayLike = 0.99,
    eps: ArrayLike = 1e-8,
    weight_decay: ArrayLike = 0.0,
    momentum: Scheduled = 0.0,
    centered: bool = False,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """rmsprop(lr): w - lr b with b = μ b + g / (√v + eps), v the average of g^2 with decay alpha.

    centered subtracts the square of the average gradient from v, and what rounding makes negative
    counts as 0, where torch has nan. optax.rmsprop decays by 0.9, adds eps under the root, and has
    lr inside of b.

    Args:
        lr: [], per step, or a schedule.
        alpha: [], dimensionless: the decay of the averages.
        eps: [], unit of the gradients.
        weight_decay: [], dimensionless; times the weights it is added to the gradient.
        momentum: [], dimensionless, μ, or a schedule.
        centered: whether to divide by the standard deviation of the gradient.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is a
        `RmspropState`.

    Raises:
        TypeError: if a hyperparameter is no number, or a flag is not True or False.
        ValueError: if a hyperparameter is negative; by the update, if there is a weight decay and
            it gets no params.

    Source:
        Tieleman & Hinton 2012; Graves 2013; torch.optim.RMSprop, torch 2.13.
    """
    has_buffer = not is_zero(momentum)

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        return {
            "alpha": alpha,
            "complement": complement(alpha),
            "eps": eps,
            "momentum": number_at(momentum, step.number - 1),
        }

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        share, gradient = numbers["complement"], leaf.gradient
        square = average_of_squares(slots["square_avg"], gradient, numbers["alpha"], share)
        after, variance = {"square_avg": square}, square
        if centered:
            mean = after["grad_avg"] = average(slots["grad_avg"], gradient, share)
            variance = jnp.maximum(square - jnp.square(mean), 0)
        step = gradient / (root(variance) + numbers["eps"])
        if has_buffer:
            step = numbers["momentum"] * slots["momentum_buffer"] + step
            after["momentum_buffer"] = step
        return -numbers["lr"] * step, after

    names = ("square_avg", *["momentum_buffer"] * has_buffer, *["grad_avg"] * centered)
    return Rule(
        name="rmsprop",
        state=RmspropState,
        slots=dict.fromkeys(names, zeros),
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay),
        maximize=maximize,
    ).transformation()


class AdadeltaState(NamedTuple):
    """State of `adadelta`.

    Args:
        step: [], int32, the steps made.
        square_avg: as params, the moving average of the squares of gradients.
        acc_delta: as params, that of the squares of steps, before lr.
    """

    step: Array
    square_avg: Tree
    acc_delta: Tree


@factory(
    checks={
        "lr": rate,
        "rho": within(lambda value: (value >= 0) & (value <= 1), "be in [0, 1]"),
        "eps": at_least_0,
        "weight_decay": at_least_0,
        "maximize": flag,
    }
)
def adadelta(
    lr: Scheduled = 1.0,
    rho: ArrayLike = 0.9,
    eps: ArrayLike = 1e-6,
    weight_decay: ArrayLike = 0.0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """adadelta(lr): w - lr Δ with Δ = √(a + eps) / √(v + eps) g, a the average of Δ^2.

    Args:
        lr: [], dimensionless, or a schedule.
        rho: [], dimensionless, in [0, 1]: the decay of both averages.
        eps: [], unit of the squares of gradients, and of weights.
        weight_decay: [], dimensionless; times the weights it is added to the gradient.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is an
        `AdadeltaState`.

    Raises:
        TypeError: if a hyperparameter is no number, or maximize is not True or False.
        ValueError: if lr, eps or weight_decay is negative, or rho is not in [0, 1]; by the update,
            if there is a weight decay and it gets no params.

    Source:
        Zeiler 2012; torch.optim.Adadelta, torch 2.13.
    """

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        return {"rho": rho, "complement": complement(rho), "eps": eps}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        decay, share, eps = numbers["rho"], numbers["complement"], numbers["eps"]
        square = average_of_squares(slots["square_avg"], leaf.gradient, decay, share)
        step = root(slots["acc_delta"] + eps) / root(square + eps) * leaf.gradient
        moved = average_of_squares(slots["acc_delta"], step, decay, share)
        return -numbers["lr"] * step, {"square_avg": square, "acc_delta": moved}

    return Rule(
        name="adadelta",
        state=AdadeltaState,
        slots={"square_avg": zeros, "acc_delta": zeros},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay),
        maximize=maximize,
    ).transformation()
