"""The network: two hidden layers of relu units, wherever its regularizer lets it be that."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from experiments.overfitting.problem import CLASSES
from experiments.overfitting.regularizers import Parameters, Regularizer
from jaxact import initializers
from jaxact.functional import cross_entropy, linear, relu

Array = jax.Array
INIT = initializers.kaiming_normal(nonlinearity="relu")


class State(NamedTuple):
    """What changes in training.

    Attributes:
        parameters: of the network.
        statistics: of the normalization, for each hidden layer.
        kept: what averages and early stopping remember.
    """

    parameters: Parameters
    statistics: tuple[Any, ...]
    kept: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """A network with its regularizer.

    Attributes:
        regularizer: where it acts.
        strength: [], how strongly.
    """

    regularizer: Regularizer
    strength: Array

    def init(self, key: Array, sizes: tuple[int, ...]) -> State:
        """Before the first step; `sizes` are those of all layers from the input on."""
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        drawn = zip(jax.random.split(key, len(shapes)), shapes, strict=True)
        parameters = Parameters(
            weights=tuple(INIT(k, shape, jnp.float32) for k, shape in drawn),
            biases=tuple(jnp.zeros(units) for units in sizes[1:]),
        )
        normalization, keeping = self.regularizer.normalization, self.regularizer.keeping
        return State(
            parameters=parameters,
            statistics=tuple(normalization.init(n) if normalization else () for n in sizes[1:-1]),
            kept=keeping.init(parameters) if keeping else (),
        )

    def step(self, state: State, key: Array, x: Array, y: Array, rate: Array) -> State:
        """One step of gradient descent on a batch, and what the regularizer does after it."""
        slopes, statistics = jax.grad(self._training_loss, has_aux=True)(
            state.parameters, state.statistics, key, x, y
        )
        moved = jax.tree.map(lambda p, slope: p - rate * slope, state.parameters, slopes)
        if self.regularizer.step:
            moved = self.regularizer.step(moved, rate, self.strength)
        return state._replace(parameters=moved, statistics=statistics)

    def keep(self, state: State, validation: Array, done: Array) -> State:
        """Notes the parameters of this step for the choice of those to use."""
        keeping = self.regularizer.keeping
        if keeping is None:
            return state
        kept = keeping.update(state.kept, state.parameters, validation, done, self.strength)
        return state._replace(kept=kept)

    def used(self, state: State) -> Parameters:
        """The parameters to use: the last ones, unless the regularizer chooses others."""
        return state.kept.params if self.regularizer.keeping else state.parameters

    def logits(self, parameters: Parameters, statistics: tuple[Any, ...], x: Array) -> Array:
        """[n, classes] of a trained network."""
        normalization = self.regularizer.normalization
        *hidden, (weight, bias) = zip(*parameters, strict=True)
        for layer, collected in zip(hidden, statistics, strict=True):
            x = linear(x, *layer)
            x = relu(normalization.evaluate(x, collected) if normalization else x)
        return linear(x, weight, bias)

    def _training_loss(
        self, parameters: Parameters, statistics: tuple[Any, ...], key: Array, x: Array, y: Array
    ) -> tuple[Array, tuple[Any, ...]]:
        regularizer, s = self.regularizer, self.strength
        for_digits, for_weights, for_units = jax.random.split(key, 3)
        weights, targets = parameters.weights, jax.nn.one_hot(y, CLASSES)
        if regularizer.digits:
            x, targets = regularizer.digits(for_digits, x, targets, s)
        if regularizer.weights:
            weights = regularizer.weights(for_weights, weights, s)
        logits, statistics = self._training_logits(
            parameters._replace(weights=weights), statistics, for_units, x
        )
        penalty = regularizer.penalty(parameters, s) if regularizer.penalty else 0
        return cross_entropy(logits, targets) + penalty, statistics

    def _training_logits(
        self, parameters: Parameters, statistics: tuple[Any, ...], key: Array, x: Array
    ) -> tuple[Array, tuple[Any, ...]]:
        normalization, collected = self.regularizer.normalization, list(statistics)
        *hidden, (weight, bias) = zip(*parameters, strict=True)
        for i, layer in enumerate(hidden):
            x = linear(x, *layer)
            if normalization:
                x, collected[i] = normalization.train(x, statistics[i])
            x = relu(x)
            if self.regularizer.units:
                x = self.regularizer.units(jax.random.fold_in(key, i), x, self.strength)
        return linear(x, weight, bias), tuple(collected)
