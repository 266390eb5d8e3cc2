"""Where each regularizer acts on a training, and how strongly."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from experiments.overfitting.config import PLAIN
from experiments.overfitting.problem import CLASSES, SIDE
from jaxact import functional, regularizers

Array = jax.Array
Weights = tuple[Array, ...]


class Parameters(NamedTuple):
    """Of all layers, the first one first.

    Attributes:
        weights: [out, in] each.
        biases: [out] each.
    """

    weights: Weights
    biases: tuple[Array, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Normalization:
    """What is done to the input of an activation, with statistics that training collects.

    Attributes:
        init: units -> statistics.
        train: (input, statistics) -> normalized input, new statistics.
        evaluate: (input, statistics) -> normalized input.
    """

    init: Callable[[int], Any]
    train: Callable[[Array, Any], tuple[Array, Any]]
    evaluate: Callable[[Array, Any], Array]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Keeping:
    """Which parameters are used in the end: not the last ones.

    Attributes:
        init: parameters -> state, which has the parameters to use as its field `params`.
        update: (state, parameters, validation loss, done, strength) -> state, after each step;
            done is the part of all steps.
        validates: whether a part of the training digits is held out for the validation loss.
    """

    init: Callable[[Parameters], Any]
    update: Callable[[Any, Parameters, Array, Array, Array], Any]
    validates: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Regularizer:
    """Where a regularizer acts; what is not said is left as it is. s is the strength.

    Attributes:
        group: what it is a kind of.
        symbol: what its strength is called; empty if it has none.
        strength: the one of the candidates that did best in the sweep.
        candidates: the strengths that were tried.
        digits: (key, x, y, s) -> a batch of digits and probabilities to train on.
        weights: (key, weights, s) -> weights to train with.
        units: (key, activations, s) -> activations to train with.
        normalization: before the activations.
        penalty: (parameters, s) -> what is added to the loss; of the weights only.
        step: (parameters, learning rate, s) -> parameters, after a step of gradient descent.
        keeping: which parameters are used.
    """

    group: str
    symbol: str = ""
    strength: float = 0.0
    candidates: tuple[float, ...] = (0.0,)
    digits: Callable[[Array, Array, Array, Array], tuple[Array, Array]] | None = None
    weights: Callable[[Array, Weights, Array], Weights] | None = None
    units: Callable[[Array, Array, Array], Array] | None = None
    normalization: Normalization | None = None
    penalty: Callable[[Parameters, Array], Array] | None = None
    step: Callable[[Parameters, Array, Array], Parameters] | None = None
    keeping: Keeping | None = None


PENALTY, STEP, NOISE = "penalty", "step beside the loss", "noise"
DIGITS, NORMALIZATION, KEEPING = "digits and labels", "normalization", "choice of weights"
GROUPS = (PENALTY, STEP, NOISE, DIGITS, NORMALIZATION, KEEPING)


def _connections(key: Array, weights: Weights, p: Array) -> Weights:
    keys = jax.random.split(key, len(weights))
    return tuple(
        regularizers.dropconnect(w, p, training=True, key=k)
        for k, w in zip(keys, weights, strict=True)
    )


def _moved(key: Array, x: Array, y: Array, padding: int) -> tuple[Array, Array]:
    images = x.reshape(-1, 1, SIDE, SIDE)
    return regularizers.random_crop(key, images, (SIDE, SIDE), padding=padding).reshape(x.shape), y


def _average(state: Any, parameters: Parameters, loss: Array, done: Array, s: Array) -> Any:
    """The mean from the part s of all steps on, until then the parameters themselves."""
    average = regularizers.swa()
    going, starting = average.update(state, parameters), average.init(parameters)
    return jax.tree.map(lambda a, b: jnp.where(done > s, a, b), going, starting)


BATCH_NORM = Normalization(
    init=lambda units: (jnp.zeros(units), jnp.ones(units)),
    train=lambda x, statistics: (
        functional.batch_norm(x, None, None, training=True),
        functional.batch_norm_stats(x, *statistics),
    ),
    evaluate=lambda x, statistics: functional.batch_norm(x, *statistics),
)
LAYER_NORM = Normalization(
    init=lambda units: (),
    train=lambda x, statistics: (functional.layer_norm(x, x.shape[-1:]), ()),
    evaluate=lambda x, statistics: functional.layer_norm(x, x.shape[-1:]),
)

REGULARIZERS: Mapping[str, Regularizer] = {
    PLAIN: Regularizer(group=PLAIN),
    "l1_penalty": Regularizer(
        group=PENALTY,
        symbol="λ",
        strength=8e-3,
        candidates=(1e-3, 2e-3, 4e-3, 8e-3, 1.2e-2, 1.6e-2),
        penalty=lambda w, s: s * regularizers.l1_penalty(w),
    ),
    "proximal_l1": Regularizer(
        group=STEP,
        symbol="λ",
        strength=8e-3,
        candidates=(1e-3, 2e-3, 4e-3, 8e-3, 1.2e-2, 1.6e-2),
        step=lambda w, rate, s: regularizers.proximal_l1(w, rate * s),
    ),
    "l2_penalty": Regularizer(
        group=PENALTY,
        symbol="λ",
        strength=4e-2,
        candidates=(5e-3, 1e-2, 2e-2, 4e-2, 8e-2),
        penalty=lambda w, s: s * regularizers.l2_penalty(w),
    ),
    "elastic_net": Regularizer(
        group=PENALTY,
        symbol="λ",
        strength=1.2e-2,
        candidates=(1e-3, 2e-3, 4e-3, 8e-3, 1.2e-2, 1.6e-2),
        penalty=lambda w, s: s * regularizers.elastic_net(w),
    ),
    "group_lasso": Regularizer(
        group=PENALTY,
        symbol="λ",
        strength=4e-3,
        candidates=(1e-3, 2e-3, 4e-3, 6e-3, 8e-3),
        penalty=lambda w, s: s * regularizers.group_lasso(w),
    ),
    "proximal_group_lasso": Regularizer(
        group=STEP,
        symbol="λ",
        strength=4e-3,
        candidates=(1e-3, 2e-3, 4e-3, 6e-3, 8e-3),
        step=lambda w, rate, s: regularizers.proximal_group_lasso(w, rate * s),
    ),
    "decoupled_weight_decay": Regularizer(
        group=STEP,
        symbol="λ",
        strength=8e-2,
        candidates=(1e-2, 2e-2, 4e-2, 8e-2, 1.6e-1),
        step=regularizers.decoupled_weight_decay,
    ),
    "max_norm": Regularizer(
        group=STEP,
        symbol="c",
        strength=0.5,
        candidates=(0.25, 0.35, 0.5, 0.7, 1.0),
        step=lambda w, rate, s: regularizers.max_norm(w, s),
    ),
    "dropout": Regularizer(
        group=NOISE,
        symbol="p",
        strength=0.6,
        candidates=(0.1, 0.3, 0.5, 0.6, 0.7),
        units=lambda key, x, p: functional.dropout(x, p, key=key),
    ),
    "gaussian_dropout": Regularizer(
        group=NOISE,
        symbol="p",
        strength=0.6,
        candidates=(0.1, 0.3, 0.5, 0.6, 0.7),
        units=lambda key, x, p: regularizers.gaussian_dropout(x, p, training=True, key=key),
    ),
    "dropconnect": Regularizer(
        group=NOISE,
        symbol="p",
        strength=0.5,
        candidates=(0.1, 0.3, 0.5, 0.6, 0.7),
        weights=_connections,
    ),
    "smooth_labels": Regularizer(
        group=DIGITS,
        symbol="ε",
        strength=0.02,
        candidates=(0.02, 0.05, 0.1, 0.2, 0.4),
        digits=lambda key, x, y, s: (x, regularizers.smooth_labels(y, CLASSES, s)),
    ),
    "mixup": Regularizer(
        group=DIGITS,
        symbol="α",
        strength=32.0,
        candidates=(0.2, 1.0, 2.0, 8.0, 32.0),
        digits=regularizers.mixup,
    ),
    "random_crop": Regularizer(
        group=DIGITS,
        digits=lambda key, x, y, s: _moved(key, x, y, padding=1),
    ),
    "batch_norm": Regularizer(group=NORMALIZATION, normalization=BATCH_NORM),
    "layer_norm": Regularizer(group=NORMALIZATION, normalization=LAYER_NORM),
    "ema": Regularizer(
        group=KEEPING,
        symbol="decay",
        strength=0.99,
        candidates=(0.9, 0.97, 0.99, 0.997),
        keeping=Keeping(
            init=regularizers.ema().init,
            update=lambda state, w, loss, done, s: regularizers.ema(s).update(state, w),
        ),
    ),
    "swa": Regularizer(
        group=KEEPING,
        symbol="from",
        strength=0.0,
        candidates=(0.0, 0.25, 0.5, 0.75),
        keeping=Keeping(init=regularizers.swa().init, update=_average),
    ),
    "early_stopping": Regularizer(
        group=KEEPING,
        symbol="patience",
        strength=10.0,
        candidates=(5.0, 10.0, 20.0, 50.0),
        keeping=Keeping(
            init=lambda parameters: regularizers.early_stopping().init(parameters),
            update=lambda state, w, loss, done, s: regularizers.early_stopping(patience=s).update(
                state, loss, w
            ),
            validates=True,
        ),
    ),
}
