"""Every regularizer with every seed, trained in one compiled program."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.overfitting.config import RECORDS, Config
from experiments.overfitting.networks import Network, State
from experiments.overfitting.problem import (
    CLASSES,
    Data,
    batches,
    data,
    draw,
    held_out,
    is_wrong,
)
from experiments.overfitting.regularizers import REGULARIZERS, Parameters, Regularizer, Weights
from jaxact.functional import cross_entropy

Array = jax.Array
# Of these every strength is reported, to show what zeros cost.
PATHS = ("l1_penalty", "proximal_l1")


class Run(NamedTuple):
    """The results of a training; of many, with [strengths, seeds] in front of each shape.

    Attributes:
        train: [records], accuracy with the labels given on the digits trained on: without those
            that are held out.
        test: [records], accuracy on all other digits.
        wrong: [], share of the wrong labels trained on that the network predicts: those that it has
            memorized.
        zeros: [], share of the weights that are exactly 0.
        norm: [], Euclidean, of all weights.
        largest: [], the largest Euclidean norm of the weights of a unit.
        validation: [steps], loss of what is held out, after each step; [0] if nothing is.
        kept: [], the same of the parameters that are used; nan if nothing is held out.
    """

    train: Array
    test: Array
    wrong: Array
    zeros: Array
    norm: Array
    largest: Array
    validation: Array
    kept: Array


def make_keys(config: Config) -> Array:
    """[seeds], for the networks that are reported; other ones for those of the sweep."""
    purpose = jax.random.fold_in(jax.random.key(config.seed), int(config.sweep))
    return jax.random.split(purpose, config.seeds)


def strengths(config: Config) -> dict[str, tuple[float, ...]]:
    """By regularizer: the chosen one, or every candidate, in a sweep and of those of `PATHS`."""
    rows = {name: REGULARIZERS[name] for name in config.names}
    return {
        name: row.candidates if config.sweep or name in PATHS else (row.strength,)
        for name, row in rows.items()
    }


def given(config: Config) -> tuple[Array, dict[str, Array], Data]:
    """The arrays that the program takes."""
    tried = {name: jnp.asarray(some, jnp.float32) for name, some in strengths(config).items()}
    return make_keys(config), tried, data()


@functools.partial(jax.jit, static_argnames="config")
def train_all(
    keys: Array, strengths: Mapping[str, Array], everything: Data, config: Config
) -> dict[str, Run]:
    """By regularizer, every strength with every seed."""

    def mapped(regularizer: Regularizer, strengths: Array) -> Run:
        def one(strength: Array, key: Array) -> Run:
            return _train(key, strength, everything, regularizer, config)

        return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(strengths, keys)

    return {name: mapped(REGULARIZERS[name], strengths[name]) for name in config.names}


def _train(
    key: Array, strength: Array, everything: Data, regularizer: Regularizer, config: Config
) -> Run:
    # The networks of a seed start alike; without digits held out their batches are the same too.
    for_digits, for_weights, for_batches, for_noise = jax.random.split(key, 4)
    x, y, unseen = draw(for_digits, everything, config)
    validates = regularizer.keeping is not None and regularizer.keeping.validates
    aside = held_out(config) & validates
    network = Network(regularizer=regularizer, strength=strength)

    def validation(state: State, parameters: Parameters) -> Array:
        if not validates:
            return jnp.array(jnp.nan)
        return cross_entropy(network.logits(parameters, state.statistics, x[aside]), y[aside])

    def step(state: State, given: tuple[Array, ...]) -> tuple[State, Array]:
        key, batch, done = given
        rate = config.learning_rate * (1 - done)
        state = network.step(state, key, x[batch], y[batch], rate)
        loss = validation(state, state.parameters)
        return network.keep(state, loss, done), loss

    def right(state: State, x: Array, y: Array) -> Array:
        return jnp.argmax(network.logits(network.used(state), state.statistics, x), axis=1) == y

    def part(state: State, given: tuple[Array, ...]) -> tuple[State, tuple[Array, ...]]:
        state, losses = jax.lax.scan(step, state, given)
        train = jnp.mean(right(state, x, y), where=~aside)
        return state, (losses, train, jnp.mean(right(state, *unseen)))

    steps = (
        jax.random.split(for_noise, config.steps),
        batches(for_batches, np.flatnonzero(~aside), config),
        jnp.arange(config.steps) / config.steps,
    )
    parts = jax.tree.map(lambda a: a.reshape(RECORDS, -1, *a.shape[1:]), steps)
    start = network.init(for_weights, (x.shape[1], config.width, config.width, CLASSES))
    state, (losses, train, test) = jax.lax.scan(part, start, parts)
    return Run(
        train=train,
        test=test,
        wrong=jnp.mean(right(state, x, y), where=is_wrong(config) & ~aside),
        **_measures(network.used(state).weights),
        validation=losses.ravel() if validates else jnp.zeros(0),
        kept=validation(state, network.used(state)),
    )


def _measures(weights: Weights) -> dict[str, Any]:
    flat = jnp.concatenate([weight.ravel() for weight in weights])
    units = jnp.concatenate([jnp.linalg.norm(weight, axis=1) for weight in weights])
    return {
        "zeros": jnp.mean(flat == 0),
        "norm": jnp.linalg.norm(flat),
        "largest": jnp.max(units),
    }
