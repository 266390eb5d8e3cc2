"""Steps along the gradient: plain, with momentum, and averaged."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import flag
from jaxact._numbers import is_number
from jaxact._op import factory
from jaxact.errors import InvalidValueError
from jaxact.optim._hyperparameters import (
    Scheduled,
    anything,
    at_least_0,
    is_zero,
    number_at,
    rate,
)
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

__all__ = ["AsgdState", "SgdState", "asgd", "sgd"]


class SgdState(NamedTuple):
    """State of `sgd`.

    Args:
        step: [], int32, the steps made.
        momentum_buffer: as params; None without momentum.
    """

    step: Array
    momentum_buffer: Tree = None


def _nesterov_with_momentum(
    function: str, nesterov: bool, momentum: Scheduled, dampening: ArrayLike
) -> None:
    without = is_number(momentum) and momentum <= 0
    dampened = is_number(dampening) and dampening != 0
    if nesterov and (without or dampened):
        raise InvalidValueError(
            f"{function}: nesterov must have a momentum above 0 and no dampening, got "
            f"momentum={momentum}, dampening={dampening}"
        )


@factory(
    checks={
        "lr": rate,
        "momentum": rate,
        "dampening": anything,
        "weight_decay": at_least_0,
        "nesterov": flag,
        "maximize": flag,
        ("nesterov", "momentum", "dampening"): _nesterov_with_momentum,
    }
)
def sgd(
    lr: Scheduled = 1e-3,
    momentum: Scheduled = 0.0,
    dampening: ArrayLike = 0.0,
    weight_decay: ArrayLike = 0.0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """sgd(lr, μ): w - lr b with b = μ b + (1 - dampening) g; with nesterov w - lr (g + μ b).

    In the first step b = g, which is not dampened. The learning rate is outside of b, so that a new
    one acts at once. A momentum that is not known to be 0, but is 0 in some step, still changes b;
    torch then leaves b alone, and does not dampen.

    Args:
        lr: [], per step, or a schedule.
        momentum: [], dimensionless, μ, or a schedule.
        dampening: [], dimensionless.
        weight_decay: [], dimensionless; times the weights it is added to the gradient.
        nesterov: whether the step looks ahead along b.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is an
        `SgdState`.

    Raises:
        TypeError: if a hyperparameter is no number, or a flag is not True or False.
        ValueError: if lr, momentum or weight_decay is negative; if nesterov has no momentum, or a
            dampening; by the update, if there is a weight decay and it gets no params.

    Source:
        Sutskever et al. 2013; torch.optim.SGD, torch 2.13.
    """
    has_buffer = not is_zero(momentum)

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        mu = number_at(momentum, step.number - 1)
        first = step.number == 1
        share = jnp.where(first, 1.0, 1.0 - jnp.asarray(dampening))
        return {"momentum": mu, "kept": jnp.where(first, 0.0, mu), "share": share}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        if not has_buffer:
            return -numbers["lr"] * leaf.gradient, slots
        buffer = numbers["kept"] * slots["momentum_buffer"] + numbers["share"] * leaf.gradient
        direction = leaf.gradient + numbers["momentum"] * buffer if nesterov else buffer
        return -numbers["lr"] * direction, {"momentum_buffer": buffer}

    return Rule(
        name="sgd",
        state=SgdState,
        slots={"momentum_buffer": zeros} if has_buffer else {},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay),
        maximize=maximize,
    ).transformation()


class AsgdState(NamedTuple):
    """State of `asgd`.

    Args:
        step: [], int32, the steps made.
        eta: [], the size of the next step, per step.
        mu: [], the weight of the next parameters in the average, dimensionless.
        ax: as params, the average of the parameters: what to evaluate.
    """

    step: Array
    eta: Array
    mu: Array
    ax: Tree


@factory(
    checks={
        "lr": rate,
        "lambd": anything,
        "alpha": anything,
        "t0": anything,
        "weight_decay": at_least_0,
        "maximize": flag,
    }
)
def asgd(
    lr: Scheduled = 1e-2,
    lambd: ArrayLike = 1e-4,
    alpha: ArrayLike = 0.75,
    t0: ArrayLike = 1e6,
    weight_decay: ArrayLike = 0.0,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """asgd(lr): w (1 - lambd η) - η g, with η = lr / (1 + lambd lr t)^alpha after t steps.

    The average `ax` of the state is w itself until step t0, and from then on the mean of all w.
    torch rounds η and the average's weight to float32 also beside float64 parameters.

    Args:
        lr: [], per step, or a schedule, which acts a step later, as in torch.
        lambd: [], dimensionless: how fast η and the weights shrink.
        alpha: [], dimensionless: the exponent of η.
        t0: [], steps: when the average begins.
        weight_decay: [], dimensionless; times the weights it is added to the gradient.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its update
        needs the params, its state is an `AsgdState`.

    Raises:
        TypeError: if a hyperparameter is no number, or maximize is not True or False.
        ValueError: if lr or weight_decay is negative; by the update, if it gets no params.

    Source:
        Polyak & Juditsky 1992; torch.optim.ASGD, torch 2.13.
    """

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        lr, count = step.lr, step.number.astype(step.lr.dtype)
        # The state has no step size before the first step, which a schedule may determine.
        now = jnp.where(step.number == 1, lr, step.carried["eta"])
        shrunk = jnp.asarray(lambd).astype(lr.dtype)
        following = lr / (1 + shrunk * lr * count) ** jnp.asarray(alpha).astype(lr.dtype)
        weight = 1 / jnp.maximum(1, count - jnp.asarray(t0).astype(lr.dtype))
        used = {"length": now, "shrinkage": shrunk * now, "share": step.carried["mu"]}
        return {**used, "eta": following, "mu": weight}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        assert leaf.weight is not None
        step = -numbers["shrinkage"] * leaf.weight - numbers["length"] * leaf.gradient
        weight = leaf.weight + step
        averaged = slots["ax"] + (weight - slots["ax"]) * numbers["share"]
        return step, {"ax": jnp.where(numbers["share"] == 1, weight, averaged)}

    return Rule(
        name="asgd",
        state=AsgdState,
        slots={"ax": zeros},
        carried={"eta": 0.0, "mu": 1.0},
        lr=lr,
        prepare=prepare,
        update=update,
        decay=Decay(rate=weight_decay),
        maximize=maximize,
        needs_params=True,
    ).transformation()
