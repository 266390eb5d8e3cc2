"""A learning rate that shrinks when a metric no longer improves."""

from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import integer, one_of
from jaxact._op import factory
from jaxact.optim._hyperparameters import anything, within

__all__ = ["PlateauState", "reduce_lr_on_plateau"]


class PlateauState(NamedTuple):
    """State of `reduce_lr_on_plateau`.

    Args:
        lr: [], per step: the learning rate of the next step.
        best: [], unit of the metric.
        num_bad_epochs: [], int32: metrics since the last improvement.
        cooldown_counter: [], int32: metrics that will not count as bad.
    """

    lr: Array
    best: Array
    num_bad_epochs: Array
    cooldown_counter: Array


@factory(
    checks={
        "lr": anything,
        "mode": one_of("min", "max"),
        "factor": within(lambda value: value < 1, "be below 1"),
        "patience": integer,
        "threshold": anything,
        "threshold_mode": one_of("rel", "abs"),
        "cooldown": integer,
        "min_lr": anything,
        "eps": anything,
    }
)
def reduce_lr_on_plateau(
    lr: ArrayLike,
    mode: str = "min",
    factor: ArrayLike = 0.1,
    patience: int = 10,
    threshold: ArrayLike = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_lr: ArrayLike = 0.0,
    eps: ArrayLike = 1e-8,
) -> optax.GradientTransformationExtraArgs:
    """reduce_lr_on_plateau(lr): the rate times factor at more than patience metrics without gain.

    The transformation multiplies updates by the current rate over lr, for a chain behind an
    optimizer of that lr: optax.chain(adam(lr), reduce_lr_on_plateau(lr)). Its update takes the
    metric as `value=`, after which the next step has the new rate; a step without one changes
    nothing. An optimizer whose steps are no multiple of lr (`asgd`, `rprop`, `adafactor`) takes
    the state's `lr` instead. nan never is an improvement. optax.contrib.reduce_on_plateau acts a
    metric earlier, and scales the step of the metric itself.

    Args:
        lr: [], per step: the learning rate at first.
        mode: "min" if the metric is to fall, "max" if it is to rise.
        factor: [], dimensionless, below 1.
        patience: how many metrics in a row may be without improvement.
        threshold: [], for "rel" dimensionless, for "abs" unit of the metric: the least improvement.
        threshold_mode: "rel": below best (1 - threshold), for "max" above best (1 + threshold);
            "abs": by more than the threshold.
        cooldown: metrics after a reduction that do not count.
        min_lr: [], per step: the lowest learning rate.
        eps: [], per step: the least reduction.

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit; its state is a
        `PlateauState`.

    Raises:
        TypeError: if a number is none, or patience or cooldown is no int.
        ValueError: if factor is not below 1, or there is no such mode.

    Source:
        torch.optim.lr_scheduler.ReduceLROnPlateau, torch 2.13.
    """

    def init(params: Any) -> PlateauState:
        dtype = jnp.result_type(float)
        none = jnp.zeros((), jnp.int32)
        worst = jnp.asarray(jnp.inf if mode == "min" else -jnp.inf, dtype)
        return PlateauState(jnp.asarray(lr).astype(dtype), worst, none, none)

    def update(
        updates: Any, state: PlateauState, params: Any = None, *, value: Any = None, **extra: Any
    ) -> tuple[Any, PlateauState]:
        del params, extra
        scale = state.lr / jnp.asarray(lr).astype(state.lr.dtype)

        def scaled(leaf: Array) -> Array:
            return (leaf * scale).astype(leaf.dtype)

        return jax.tree.map(scaled, updates), (
            state if value is None else after(state, jnp.asarray(value))
        )

    def after(state: PlateauState, metric: Array) -> PlateauState:
        metric = metric.astype(state.best.dtype)
        improved = is_better(metric, state.best)
        cooling = state.cooldown_counter > 0
        left = state.cooldown_counter - cooling.astype(jnp.int32)
        bad = jnp.where(improved | cooling, 0, state.num_bad_epochs + 1)
        reduces = bad > patience
        lower = jnp.maximum(state.lr * factor, min_lr).astype(state.lr.dtype)
        return PlateauState(
            lr=jnp.where(reduces & (state.lr - lower > eps), lower, state.lr),
            best=jnp.where(improved, metric, state.best),
            num_bad_epochs=jnp.where(reduces, 0, bad),
            cooldown_counter=jnp.where(reduces, cooldown, left),
        )

    def is_better(metric: Array, best: Array) -> Array:
        sign = 1 if mode == "max" else -1
        bound = (
            best * (1 + sign * threshold) if threshold_mode == "rel" else best + sign * threshold
        )
        return metric > bound if mode == "max" else metric < bound

    return optax.GradientTransformationExtraArgs(init, cast(Any, update))
