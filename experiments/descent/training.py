"""The one loop: a scan over the batches, every seed at once, with whatever batch size."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from experiments.datasets import digits
from experiments.descent.config import Config, Kind
from jaxact import initializers, optim
from jaxact.functional import cross_entropy, linear, relu

Array = jax.Array
Layer = tuple[Array, Array]
Parameters = tuple[Layer, Layer]

CLASSES = 10
INIT = initializers.kaiming_normal(nonlinearity="relu")
# Steps after which the network is measured, beside the first ones: evenly spaced logarithms.
POINTS = 200


class Problem(NamedTuple):
    """What all descents of a seed share; of many, with [seeds] in front of each shape.

    Attributes:
        x, y: [images, 64] and [images], the training digits, centred, with a mean square of 1.
        unseen_x, unseen_y: the digits to test on, shifted and scaled like those.
        order: [epochs, images], in which the training digits come.
        start: weights [out, in] and biases [out] of both layers.
    """

    x: Array
    y: Array
    unseen_x: Array
    unseen_y: Array
    order: Array
    start: Parameters


class Course(NamedTuple):
    """What a training went through; of many, with [seeds] in front of each shape.

    Attributes:
        losses: [steps + 1], mean of all training digits, in nats, before the first step and
            after each; nan where it was not measured.
        accuracies: [steps + 1], on the unseen digits, likewise.
        end: the parameters after the last step.
    """

    losses: Array
    accuracies: Array
    end: Parameters


def make_problem(config: Config) -> Problem:
    """The problems of all seeds, [seeds, ...] each."""
    images = digits()
    keys = jax.random.split(jax.random.key(config.seed), config.seeds)
    return _draw(
        keys, jnp.asarray(images.pixels, jnp.float32), jnp.asarray(images.labels), config=config
    )


@functools.partial(jax.jit, static_argnames="config")
def _draw(keys: Array, pixels: Array, labels: Array, *, config: Config) -> Problem:
    n = config.images

    def draw(key: Array) -> Problem:
        for_digits, for_order, *for_layers = jax.random.split(key, 4)
        drawn = jax.random.permutation(for_digits, len(labels))
        x, y = pixels[drawn], labels[drawn]
        centred = x - jnp.mean(x[:n], axis=0)
        scaled = centred / jnp.sqrt(jnp.mean(jnp.square(centred[:n])))
        shuffle = functools.partial(jax.random.permutation, x=n)
        return Problem(
            x=scaled[:n],
            y=y[:n],
            unseen_x=scaled[n:],
            unseen_y=y[n:],
            order=jax.vmap(shuffle)(jax.random.split(for_order, config.epochs)),
            start=(
                _layer(for_layers[0], config.width, x.shape[1]),
                _layer(for_layers[1], CLASSES, config.width),
            ),
        )

    return jax.vmap(draw)(keys)


def _layer(key: Array, units: int, inputs: int) -> Layer:
    return INIT(key, (units, inputs), jnp.float32), jnp.zeros(units)


def loss(parameters: Parameters, x: Array, y: Array) -> Array:
    """[], the mean of the images, in nats."""
    return cross_entropy(logits(parameters, x), y)


def logits(parameters: Parameters, x: Array) -> Array:
    """[n, classes] of images [n, 64]."""
    hidden, output = parameters
    return linear(relu(linear(x, *hidden)), *output)


@functools.partial(jax.jit, static_argnames="batch")
def train(problem: Problem, measured: Array, learning_rate: Array, *, batch: int) -> Course:
    """Every seed at once, by gradient descent with batches of a size that divides the images.

    Args:
        problem: of all seeds.
        measured: [steps + 1], whether to measure before the first step and after each: the same
            program measures and, where all are false, only trains.
        learning_rate: [], per step.
        batch: images in a batch.
    """
    descent = optim.sgd(learning_rate)

    def one(given: Problem) -> Course:
        def measure(parameters: Parameters) -> tuple[Array, Array]:
            right = jnp.argmax(logits(parameters, given.unseen_x), axis=1) == given.unseen_y
            return loss(parameters, given.x, given.y), jnp.mean(right)

        def note(wanted: Array, parameters: Parameters) -> tuple[Array, Array]:
            nothing = jnp.array(jnp.nan), jnp.array(jnp.nan)
            return jax.lax.cond(wanted, measure, lambda _: nothing, parameters)

        def step(
            before: tuple[Parameters, optax.OptState], now: tuple[Array, Array]
        ) -> tuple[tuple[Parameters, optax.OptState], tuple[Array, Array]]:
            (parameters, state), (rows, wanted) = before, now
            slopes = jax.grad(loss)(parameters, given.x[rows], given.y[rows])
            updates, state = descent.update(slopes, state, parameters)
            moved = optax.apply_updates(parameters, updates)
            return (moved, state), note(wanted, moved)

        first = note(measured[0], given.start)
        batches = given.order.reshape(-1, batch)
        begun = given.start, descent.init(given.start)
        (end, _), noted = jax.lax.scan(step, begun, (batches, measured[1:]))
        losses, accuracies = jax.tree.map(lambda a, b: jnp.append(a, b), first, noted)
        return Course(losses=losses, accuracies=accuracies, end=end)

    return jax.vmap(one)(problem)


def records(config: Config, kind: Kind) -> NDArray[np.int64]:
    """The steps after which the network is measured: 0, as many as epochs one by one, the last."""
    steps = config.steps(kind)
    # No descent makes fewer steps than that with all images in a batch, one an epoch.
    spread = np.rint(np.geomspace(1, steps, POINTS)).astype(np.int64)
    return np.union1d(np.arange(config.epochs + 1), spread)
