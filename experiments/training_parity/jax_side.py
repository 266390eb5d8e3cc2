"""The network trained by jaxact: pure functions, every step inside one compiled scan."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import DTypeLike

from experiments.training_parity.config import Training
from experiments.training_parity.descents import jaxact_descent
from experiments.training_parity.problem import PARAMETERS, Problem, Trajectory
from jaxact.functional import cross_entropy, gelu, linear, relu, silu

Activation = Callable[[jax.Array], jax.Array]
Parameters = dict[str, jax.Array]

ACTIVATIONS: dict[str, Activation] = {"relu": relu, "gelu": gelu, "silu": silu}


def train(
    problem: Problem, training: Training, dtype: DTypeLike, activation: Activation | None = None
) -> Trajectory:
    """Runs every step in one program; with another activation, if one is given."""
    dtype = np.dtype(dtype)
    with jax.enable_x64(dtype == np.float64):
        descent = jaxact_descent(training, problem.learning_rate, len(problem.batches))
        losses, path = _scan(
            {name: jnp.asarray(problem.weights[name], dtype) for name in PARAMETERS},
            jnp.asarray(problem.images.pixels, dtype),
            jnp.asarray(problem.images.labels),
            jnp.asarray(problem.batches),
            activation=activation or ACTIVATIONS[training.activation],
            descent=descent,
        )
        flat = [np.asarray(path[name]).reshape(len(problem.batches), -1) for name in PARAMETERS]
        return Trajectory(
            losses=np.asarray(losses, np.float64), parameters=np.concatenate(flat, axis=1)
        )


@functools.partial(jax.jit, static_argnames=("activation", "descent"))
def _scan(
    parameters: Parameters,
    pixels: jax.Array,
    labels: jax.Array,
    batches: jax.Array,
    *,
    activation: Activation,
    descent: optax.GradientTransformationExtraArgs,
) -> tuple[jax.Array, Parameters]:
    def step(before: tuple[Parameters, Any], batch: jax.Array) -> tuple[Any, Any]:
        def loss_of(parameters: Parameters) -> jax.Array:
            return _loss(parameters, pixels[batch], labels[batch], activation)

        parameters, state = before
        loss, slopes = jax.value_and_grad(loss_of)(parameters)
        updates, state = descent.update(slopes, state, parameters, value=loss)
        moved = optax.apply_updates(parameters, updates)
        return (moved, state), (loss, moved)

    return jax.lax.scan(step, (parameters, descent.init(parameters)), batches)[1]


def _loss(
    parameters: Parameters, pixels: jax.Array, labels: jax.Array, activation: Activation
) -> jax.Array:
    hidden = activation(linear(pixels, parameters["hidden.weight"], parameters["hidden.bias"]))
    return cross_entropy(
        linear(hidden, parameters["output.weight"], parameters["output.bias"]), labels
    )
