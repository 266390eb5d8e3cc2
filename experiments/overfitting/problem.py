"""What every network of a seed is given, whatever regularizes it: digits, labels and batches."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.datasets import digits
from experiments.overfitting.config import Config

CLASSES = 10
SIDE = 8
# Every fifth training digit is the validation set of a regularizer that needs one.
FIFTH = 5


class Data(NamedTuple):
    """All digits.

    Attributes:
        pixels: [n, 64], shifted and scaled so that their mean square is 1.
        labels: [n].
    """

    pixels: jax.Array
    labels: jax.Array


class Problem(NamedTuple):
    """What is drawn for one seed.

    Attributes:
        x, y: training digits and the labels given for them, the first of which are wrong.
        unseen: the digits to test on, with their true labels.
    """

    x: jax.Array
    y: jax.Array
    unseen: Data


def data() -> Data:
    """The digits that every seed draws from."""
    images = digits()
    centred = images.pixels - images.pixels.mean(axis=0)
    scaled = centred / np.sqrt(np.mean(np.square(centred)))
    return Data(jnp.asarray(scaled, jnp.float32), jnp.asarray(images.labels, jnp.int32))


def draw(key: jax.Array, everything: Data, config: Config) -> Problem:
    """Training digits, of whose labels a part is replaced by another class, and all the others."""
    for_order, for_labels = jax.random.split(key)
    order = jax.random.permutation(for_order, len(everything.labels))
    shuffled: Data = jax.tree.map(lambda leaf: leaf[order], everything)
    n = config.images
    others = (shuffled.labels[:n] + jax.random.randint(for_labels, (n,), 1, CLASSES)) % CLASSES
    given = jnp.where(is_wrong(config), others, shuffled.labels[:n])
    return Problem(shuffled.pixels[:n], given, jax.tree.map(lambda leaf: leaf[n:], shuffled))


def is_wrong(config: Config) -> np.ndarray:
    """[images], which training labels are wrong: the digits are in random order."""
    return np.arange(config.images) < round(config.wrong * config.images)


def held_out(config: Config) -> np.ndarray:
    """[images], which training digits validate, wrong labels among them as often as elsewhere."""
    return np.arange(config.images) % FIFTH == FIFTH - 1


def batches(key: jax.Array, rows: np.ndarray, config: Config) -> jax.Array:
    """[steps, batch] of these rows: whole epochs in a new order each, without the rest."""
    per_epoch = len(rows) // config.batch
    epochs = -(-config.steps // per_epoch)

    def epoch(key: jax.Array) -> jax.Array:
        shuffled = jax.random.permutation(key, jnp.asarray(rows))
        return shuffled[: per_epoch * config.batch].reshape(per_epoch, config.batch)

    every = jax.vmap(epoch)(jax.random.split(key, epochs))
    return every.reshape(-1, config.batch)[: config.steps]
