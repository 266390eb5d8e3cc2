"""The networks: weights from jaxact's initializers, signals and gradients of every layer."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn.initializers import Initializer

from experiments.datasets import digits
from experiments.signal_propagation.config import Config
from experiments.signal_propagation.signals import Curve, Signals
from jaxact import functional, initializers

Activation = Callable[[jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """How the weights of a layer are drawn.

    Attributes:
        init: the initializer.
        variance: (out, in) -> the variance of one weight.
    """

    init: Initializer
    variance: Callable[[int, int], float]


WEIGHTS: Mapping[str, Weights] = {
    "kaiming_normal": Weights(
        init=initializers.kaiming_normal(nonlinearity="relu"), variance=lambda out, into: 2 / into
    ),
    "xavier_uniform": Weights(
        init=initializers.xavier_uniform(), variance=lambda out, into: 2 / (out + into)
    ),
    "orthogonal": Weights(
        init=initializers.orthogonal(), variance=lambda out, into: 1 / max(out, into)
    ),
    "torch_linear": Weights(
        init=initializers.default_weight("Linear"), variance=lambda out, into: 1 / (3 * into)
    ),
    "normal_0.02": Weights(init=initializers.normal(std=0.02), variance=lambda out, into: 0.02**2),
}
ACTIVATIONS: Mapping[str, Activation] = {
    name: getattr(functional, name) for name in ("relu", "tanh", "gelu", "silu", "selu", "sigmoid")
}


def images(config: Config) -> jax.Array:
    """Digits, [images, 64], shifted and scaled so that their mean square is 1."""
    pixels = digits().pixels
    chosen = np.random.default_rng(config.seed).permutation(len(pixels))[: config.images]
    centred = pixels[chosen] - pixels.mean(axis=0)
    return jnp.asarray(centred / np.sqrt(np.mean(centred**2)), jnp.float32)


def propagate(config: Config, initializer: str, activation: str, x: jax.Array) -> Signals:
    """The signals of networks of one kind."""
    keys = jax.random.split(jax.random.key(config.seed), config.networks)
    init = WEIGHTS[initializer].init
    forward, backward = jax.lax.map(
        lambda key: _mean_squares(
            key, x, init, ACTIVATIONS[activation], config.depth, config.width
        ),
        keys,
    )
    return Signals(
        forward=np.mean(np.asarray(forward, np.float64), axis=0),
        backward=np.mean(np.asarray(backward, np.float64), axis=0),
    )


@functools.partial(jax.jit, static_argnames=("init", "activation", "depth", "width"))
def _mean_squares(
    key: jax.Array,
    x: jax.Array,
    init: Initializer,
    activation: Activation,
    depth: int,
    width: int,
) -> tuple[jax.Array, jax.Array]:
    """[depth] and [depth] of one network."""
    first_key, hidden_key, cotangent_key = jax.random.split(key, 3)
    first = init(first_key, (width, x.shape[1]), jnp.float32)
    hidden = jax.vmap(lambda k: init(k, (width, width), jnp.float32))(
        jax.random.split(hidden_key, depth - 1)
    )
    cotangent = jax.random.normal(cotangent_key, (x.shape[0], width))

    def projection(nudges: jax.Array) -> tuple[jax.Array, jax.Array]:
        """A projection of the last layer, whose gradient in the nudges is that in the layers."""

        def layer(z: jax.Array, of_layer: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, ...]:
            weight, nudge = of_layer
            following = functional.linear(activation(z), weight) + nudge
            return following, following

        start = functional.linear(x, first) + nudges[0]
        last, layers = jax.lax.scan(layer, start, (hidden, nudges[1:]))
        layers = jnp.concatenate([start[None], layers])
        return jnp.sum(last * cotangent), layers

    nudges = jnp.zeros((depth, x.shape[0], width))
    gradients, layers = jax.grad(projection, has_aux=True)(nudges)
    return _mean_square(layers), _mean_square(gradients)


def _mean_square(layers: jax.Array) -> jax.Array:
    # The squares of a vanishing signal would underflow long before it does.
    largest = jnp.max(jnp.abs(layers), axis=(1, 2))
    scale = jnp.where(largest > 0, largest, 1)
    scaled = layers / scale[:, None, None]
    return jnp.mean(jnp.square(scaled), axis=(1, 2)) * scale * scale


def input_variances(config: Config, initializer: str, x: jax.Array) -> Curve:
    """What theory expects of the first layer, for each image."""
    squares = np.sum(np.square(np.asarray(x, np.float64)), axis=1)
    return squares * WEIGHTS[initializer].variance(config.width, x.shape[1])


def hidden_gain(config: Config, initializer: str) -> float:
    """By how much a hidden layer multiplies the mean square of what the activation gives."""
    return config.width * WEIGHTS[initializer].variance(config.width, config.width)
