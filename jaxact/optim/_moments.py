"""Moving averages of gradients and of their squares, and the corrections of their bias."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._numbers import is_number
from jaxact.optim._hyperparameters import Scheduled
from jaxact.optim._transformation import Numbers, Slots


def average(mean: Array, new: Array, complement: Array) -> Array:
    """mean + (1 - decay) (new - mean), from the nearer end, as torch.lerp has it."""
    change = new - mean
    return jnp.where(complement < 0.5, mean + complement * change, new - (1 - complement) * change)


def average_of_squares(mean: Array, gradient: Array, decay: Array, complement: Array) -> Array:
    """decay mean + (1 - decay) gradient^2, which overflows only where the result does."""
    return decay * mean + complement * gradient * gradient


def complement(decay: ArrayLike) -> Array:
    """1 - decay, with the digits that a number known to Python has."""
    return jnp.asarray(1.0 - decay).astype(jnp.result_type(float))


def bias_correction(decay: ArrayLike, step: Array) -> Array:
    """1 - decay^step, without cancellation and without the rounding of decay, if it is known."""
    return -jnp.expm1(step.astype(jnp.result_type(float)) * log(decay))


def power(base: ArrayLike, exponent: Array) -> Array:
    """base^exponent for 0 <= base <= 1, without the rounding of the base, if it is known."""
    return jnp.exp(exponent * log(base))


def log(decay: ArrayLike) -> Array:
    """log(decay) for decay in [0, 1], with the digits of a number known to Python."""
    dtype = jnp.result_type(float)
    if is_number(decay):
        with np.errstate(divide="ignore"):
            return jnp.asarray(np.log(np.float64(decay)), dtype)
    # Near 1 the difference is exact.
    decay = jnp.asarray(decay).astype(dtype)
    return jnp.where(decay > 0.5, jnp.log1p(decay - 1), jnp.log(decay))


@jax.custom_jvp
def root(square: Array) -> Array:
    """sqrt(square), with the slope 0 at 0: a weight that never had a gradient stays as it is."""
    return jnp.sqrt(square)


@root.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (square,), (tangent,) = primals, tangents
    value = root(square)
    positive = square != 0
    return value, jnp.where(positive, tangent / (2 * jnp.where(positive, value, 1)), 0)


# coth(y) - 1/y = c[0] y + c[1] y^3 + ...
_LANGEVIN = (
    1 / 3,
    -1 / 45,
    2 / 945,
    -1 / 4725,
    2 / 93555,
    -1382 / 638512875,
    4 / 18243225,
    -3617 / 162820783125,
    87734 / 38979295480125,
)


def _rest(y: Array) -> Array:
    """1 + 1/y - coth(y) for y >= 0, without cancellation."""
    small, large = jnp.minimum(y, 0.5), jnp.maximum(y, 0.5)
    series = small * jnp.polyval(jnp.asarray(_LANGEVIN[::-1], y.dtype), small * small)
    return jnp.where(y < 0.5, 1 - series, 1 / large - 2 / jnp.expm1(2 * large))


def rectified(decay: ArrayLike, step: Array) -> tuple[Array, Array]:
    """RAdam's ρ, the number of gradients in an average of squares, and r where ρ is above 5.

    With L = -log(decay), ρ∞ = coth(L / 2) and 2 t decay^t / (1 - decay^t) = t coth(t L / 2) - t.
    Their difference is computed without the part 2 / L that both have, which is large.
    """
    half = -0.5 * log(decay)
    count = step.astype(half.dtype)
    length = (1 - _rest(half)) + count * _rest(count * half)
    above = length > 5
    now = jnp.where(above, length, 6.0)
    limit = jnp.where(above, 1 / jnp.tanh(half), 6.0)
    share = (now - 4) * (now - 2) * limit / ((limit - 4) * (limit - 2) * now)
    return length, jnp.sqrt(share)


@dataclass(frozen=True)
class Moments:
    """The two moving averages of Adam and its kin.

    Args:
        betas: how much of them stays in a step; a schedule gets the steps made before.
    """

    betas: tuple[Scheduled, Scheduled]

    def numbers(self, step: Array) -> Numbers:
        """What a step needs of the decays; it counts from 1."""
        found: Numbers = {}
        for i in (1, 2):
            beta = self.beta(i, step)
            found[f"beta{i}"] = jnp.asarray(beta)
            found[f"complement{i}"] = complement(beta)
            found[f"correction{i}"] = bias_correction(beta, step)
        return found

    def beta(self, i: int, step: Array) -> ArrayLike:
        """β1 or β2 at a step that counts from 1; a number known to Python keeps its digits."""
        beta = self.betas[i - 1]
        return beta(step - 1) if callable(beta) else beta

    def updated(self, numbers: Numbers, gradient: Array, slots: Slots) -> Slots:
        """Both averages after a gradient."""
        mean, square = slots["exp_avg"], slots["exp_avg_sq"]
        return {
            "exp_avg": average(mean, gradient, numbers["complement1"]),
            "exp_avg_sq": average_of_squares(
                square, gradient, numbers["beta2"], numbers["complement2"]
            ),
        }
