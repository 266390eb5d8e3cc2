"""The network trained by jaxact: pure functions, every step inside one compiled scan."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import DTypeLike

from experiments.training_parity.problem import PARAMETERS, Problem, Trajectory
from jaxact.functional import cross_entropy, gelu, linear, relu, silu

Activation = Callable[[jax.Array], jax.Array]
Parameters = dict[str, jax.Array]

ACTIVATIONS: dict[str, Activation] = {"relu": relu, "gelu": gelu, "silu": silu}


def train(problem: Problem, activation: Activation, dtype: DTypeLike) -> Trajectory:
    """Runs every step in one program."""
    dtype = np.dtype(dtype)
    with jax.enable_x64(dtype == np.float64):
        losses, path = _scan(
            {name: jnp.asarray(problem.weights[name], dtype) for name in PARAMETERS},
            jnp.asarray(problem.images.pixels, dtype),
            jnp.asarray(problem.images.labels),
            jnp.asarray(problem.batches),
            problem.learning_rate,
            activation=activation,
        )
        flat = [np.asarray(path[name]).reshape(len(problem.batches), -1) for name in PARAMETERS]
        return Trajectory(
            losses=np.asarray(losses, np.float64), parameters=np.concatenate(flat, axis=1)
        )


@functools.partial(jax.jit, static_argnames="activation")
def _scan(
    parameters: Parameters,
    pixels: jax.Array,
    labels: jax.Array,
    batches: jax.Array,
    learning_rate: float,
    *,
    activation: Activation,
) -> tuple[jax.Array, Parameters]:
    def step(
        parameters: Parameters, batch: jax.Array
    ) -> tuple[Parameters, tuple[jax.Array, Parameters]]:
        loss, slopes = jax.value_and_grad(_loss)(
            parameters, pixels[batch], labels[batch], activation
        )
        moved = jax.tree.map(lambda p, slope: p - learning_rate * slope, parameters, slopes)
        return moved, (loss, moved)

    return jax.lax.scan(step, parameters, batches)[1]


def _loss(
    parameters: Parameters, pixels: jax.Array, labels: jax.Array, activation: Activation
) -> jax.Array:
    hidden = activation(linear(pixels, parameters["hidden.weight"], parameters["hidden.bias"]))
    return cross_entropy(
        linear(hidden, parameters["output.weight"], parameters["output.bias"]), labels
    )
