"""Steps by the sign of the gradient alone."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import flag
from jaxact._elementary import sign
from jaxact._numbers import is_number
from jaxact._op import factory
from jaxact.errors import InvalidValueError
from jaxact.optim._hyperparameters import Scheduled, anything, rate, several
from jaxact.optim._transformation import Leaf, Numbers, Rule, Slots, Step, Tree, zeros

__all__ = ["RpropState", "rprop"]


class RpropState(NamedTuple):
    """State of `rprop`.

    Args:
        step: [], int32, the steps made.
        prev: as params, the gradient of the step before; 0 where it was left out.
        step_size: as params, the size of the last step.
    """

    step: Array
    prev: Tree
    step_size: Tree


def _etas(function: str, argument: str, value: Any) -> tuple[Any, ...]:
    etas = several(anything, anything)(function, argument, value)
    low, high = etas
    if not (not is_number(low) or 0 < low < 1) or not (not is_number(high) or high > 1):
        raise InvalidValueError(
            f"{function}: {argument} must be one number in (0, 1) and one above 1, got {value}"
        )
    return etas


@factory(
    checks={
        "lr": rate,
        "etas": _etas,
        "step_sizes": several(anything, anything),
        "maximize": flag,
    }
)
def rprop(
    lr: Scheduled = 1e-2,
    etas: tuple[ArrayLike, ArrayLike] = (0.5, 1.2),
    step_sizes: tuple[ArrayLike, ArrayLike] = (1e-6, 50.0),
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """rprop(lr): w - sign(g) s, s *= η+ where the sign of g stays, and s *= η- where it changes.

    Where it changes, there is no step, and the next one counts as without a predecessor. The first
    step is lr. optax.rprop makes no first step, and follows a step behind. torch looks at the sign
    of a product of two gradients, which is 0 for those below 1e-23 in float32: there s stays.

    Args:
        lr: [], unit of the weights: the first step's size; of a schedule the first value.
        etas: two of [], dimensionless: η- in (0, 1) and η+ above 1.
        step_sizes: two of [], unit of the weights: the smallest and the largest s.
        maximize: whether to go up instead of down.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is an
        `RpropState`.

    Raises:
        TypeError: if a hyperparameter is no number, etas or step_sizes are not two, or maximize is
            not True or False.
        ValueError: if lr is negative, or etas are on the wrong side of 1.

    Source:
        Riedmiller & Braun 1993; torch.optim.Rprop, torch 2.13.
    """

    def prepare(step: Step) -> Mapping[str, ArrayLike]:
        names = ("shrinking", "growing", "least", "most")
        numbers = dict(zip(names, (*etas, *step_sizes), strict=True))
        return {**numbers, "is_first": step.number == 1}

    def update(numbers: Numbers, leaf: Leaf, slots: Slots) -> tuple[Array, Slots]:
        # The product of the gradients themselves may underflow.
        turn = leaf.gradient * jnp.sign(slots["prev"])
        shrinking, growing = numbers["shrinking"], numbers["growing"]
        factor = jnp.where(turn < 0, shrinking, jnp.where(turn > 0, growing, 1))
        size = jnp.where(numbers["is_first"] != 0, numbers["lr"], slots["step_size"])
        size = _clamped(size * factor, numbers["least"], numbers["most"])
        gradient = jnp.where(turn < 0, 0, leaf.gradient)
        return -sign(gradient) * size, {"prev": gradient, "step_size": size}

    return Rule(
        name="rprop",
        state=RpropState,
        slots={"prev": zeros, "step_size": zeros},
        lr=lr,
        prepare=prepare,
        update=update,
        maximize=maximize,
    ).transformation()


def _clamped(size: Array, least: Array, most: Array) -> Array:
    """jnp.clip, in half the time on CPUs, where minima and maxima that keep nan are slow."""
    least = jnp.minimum(least, most)
    return jnp.where(size < least, least, jnp.where(size > most, most, size))
