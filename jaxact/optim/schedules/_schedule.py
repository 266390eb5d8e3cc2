"""What a schedule is: a function of the step that keeps torch's recursion, to be combined."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, is_integral
from jaxact._elementary import exp_neg, product
from jaxact._numbers import is_number
from jaxact.errors import DtypeError
from jaxact.optim._hyperparameters import as_number

# From a step to a number; from a step and the learning rate of the step before to its own.
Formula = Callable[[Array], Array]
Recursion = Callable[[Array, Array], Array]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """schedule(step) = the learning rate after that many steps; steps [...] give rates [...].

    Args:
        name: of the public function that made it.
        lr: what it starts from, [], per step.
        value: step -> learning rate.
        factor: step -> learning rate / lr, if it multiplies the rate of the step before.
        follow: torch's recursion, if it neither multiplies the rate before nor disregards it.
        momentum_value: step -> momentum, if the schedule has one.
        fractions: whether a step may be a fraction.
    """

    name: str
    lr: ArrayLike
    value: Formula
    factor: Formula | None = None
    follow: Recursion | None = None
    momentum_value: Formula | None = None
    fractions: bool = False

    def __call__(self, step: ArrayLike) -> Array:
        """The learning rate, [...], per step, in the dtype of lr.

        Args:
            step: [...], integers: the number of steps made so far.

        Raises:
            TypeError: if step holds no integers.
        """
        return self._rounded(self.value(self._checked(step)))

    @property
    def momentum(self) -> Callable[[ArrayLike], Array] | None:
        """The momentum by the step, [...] -> [...], dimensionless; None if there is none."""
        formula = self.momentum_value
        if formula is None:
            return None
        return lambda step: self._rounded(formula(self._checked(step)))

    def after(self, step: Array, before: Array) -> Array:
        """The learning rate at a step that follows one with another rate than the schedule's."""
        if self.follow is not None:
            return self.follow(step, before)
        if self.factor is None:
            return self.value(step)
        now, last = self.factor(step), self.factor(jnp.maximum(step - 1, 0))
        # What has become 0 stays 0.
        ratio = jnp.where(last == 0, 0, now / jnp.where(last == 0, 1, last))
        return before * jnp.where(step == 0, now, ratio)

    def _checked(self, step: ArrayLike) -> Array:
        array = as_array(self.name, "step", step)
        if is_integral(array):
            # Quotients of wide integers are wide.
            return array.astype(jnp.result_type(int))
        if self.fractions and jnp.issubdtype(array.dtype, jnp.floating):
            return array
        kind = "numbers" if self.fractions else "integers"
        raise DtypeError(f"{self.name}: step must hold {kind}, got {array.dtype.name}")

    def _rounded(self, rate: Array) -> Array:
        return rate.astype(as_number(self.lr).dtype)


def multiplying(name: str, lr: ArrayLike, factor: Formula) -> Schedule:
    """The schedule lr factor(step)."""
    return Schedule(
        name=name, lr=lr, value=lambda step: as_number(lr) * factor(step), factor=factor
    )


def power(base: ArrayLike, exponent: Array) -> Array:
    """base^exponent for whole exponents >= 0, without the rounding of a base known to Python."""
    if not is_number(base):
        return as_number(base) ** exponent
    dtype = jnp.result_type(float)
    count = exponent.astype(dtype)
    if base == 0 or not np.isfinite(base):
        return jnp.where(exponent == 0, 1.0, jnp.asarray(base, dtype))
    decay = -np.log(np.abs(np.float64(base)))
    high = np.asarray(abs(decay), dtype)
    total, low = product(count, jnp.asarray(high))
    rest = count * jnp.asarray(abs(decay) - np.float64(high), dtype)
    size = exp_neg(total, rest if low is None else low + rest)
    size = size if decay >= 0 else 1 / size
    return jnp.where(exponent % 2 == 1, np.sign(base), 1) * size


def half_wave(position: Array, period: Array | int) -> Array:
    """(1 + cos(pi position / period)) / 2, exactly 0 and 1 at the ends of each half wave.

    Args:
        position: whole numbers, or fractions.
        period: the length of half a wave, in the same unit.
    """
    period = jnp.asarray(period)
    place = position % (2 * period)
    left = period - jnp.minimum(place, 2 * period - place)
    dtype = jnp.result_type(float)
    return risen(left.astype(dtype) / period.astype(dtype))


def risen(share: Array) -> Array:
    """(1 - cos(pi share)) / 2, with all digits also where it is near 0."""
    return jnp.square(jnp.sin((0.5 * np.pi) * share))


def between(start: ArrayLike, end: ArrayLike, share: Array) -> Array:
    """start share + end (1 - share)."""
    low = as_number(end)
    return low + (as_number(start) - low) * share


def known(value: object) -> Any:
    """The value, if it is a number known to Python; else None."""
    return cast(Any, value) if is_number(value) else None
