"""What optax and flax offer for the same work as a loss or a regularizer.

What jax.nn offers for an activation is in `experiments.activation_rows`.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.bench.sides import Function

OPTAX, FLAX = "optax", "flax"


def _as_they_are(*arguments: Any) -> tuple[Any, ...]:
    return arguments


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peer:
    """A function of another library.

    Attributes:
        call: of the arguments, those of ours in the same order.
        arguments: ours in the form that it wants them in.
    """

    call: Function
    arguments: Callable[..., tuple[Any, ...]] = _as_they_are


def _of_optax(call: Function) -> Mapping[str, Peer]:
    return {OPTAX: Peer(call=call)}


# ---------------------------------------------------------------------------------------- losses


def _ctc_loss(scores: jax.Array, targets: jax.Array, *lengths: jax.Array) -> jax.Array:
    """It takes the batch first, and where there is padding instead of lengths."""
    steps, batch, _ = scores.shape
    frames, labels = jnp.zeros((batch, steps)), jnp.zeros(targets.shape)
    losses = optax.ctc_loss(jnp.swapaxes(scores, 0, 1), frames, targets, labels)
    return losses / lengths[1]


LOSSES: Mapping[str, Mapping[str, Peer]] = {
    "mse_loss": _of_optax(optax.squared_error),
    "huber_loss": _of_optax(optax.huber_loss),
    "binary_cross_entropy_with_logits": _of_optax(optax.sigmoid_binary_cross_entropy),
    "cross_entropy": _of_optax(optax.softmax_cross_entropy_with_integer_labels),
    "kl_div": _of_optax(optax.kl_divergence),
    "cosine_similarity": _of_optax(lambda a, b: optax.cosine_similarity(a, b, epsilon=1e-8)),
    "triplet_margin_loss": _of_optax(optax.losses.triplet_margin_loss),
    "ctc_loss": _of_optax(_ctc_loss),
}


# ---------------------------------------------------------------------------------- regularizers


def _dropout(*shared: int) -> Mapping[str, Peer]:
    """With one draw for all places of some axes."""
    module = flax.linen.Dropout(0.3, broadcast_dims=shared, deterministic=False)
    return {FLAX: Peer(call=lambda x, key: module.apply({}, x, rngs={"dropout": key}))}


def _channels_last(images: Any, *others: Any) -> tuple[Any, ...]:
    return np.ascontiguousarray(np.moveaxis(images, 1, -1)), *others


def _norm(module: Any, *, channels_last: bool = True) -> Mapping[str, Peer]:
    """A module as a function of x and its parameters."""

    def call(x: jax.Array, *parameters: jax.Array) -> Any:
        named = dict(zip(("scale", "bias"), parameters, strict=False))
        return module.apply({"params": named}, x)

    return {FLAX: Peer(call=call, arguments=_channels_last if channels_last else _as_they_are)}


def _batch_norm(x: Any, mean: Any, var: Any, weight: Any, bias: Any) -> Any:
    """A training step's: the new running statistics besides."""
    module = flax.linen.BatchNorm(use_running_average=False, momentum=0.9)
    statistics = {"mean": mean, "var": var}
    variables = {"params": {"scale": weight, "bias": bias}, "batch_stats": statistics}
    return module.apply(variables, x, mutable=["batch_stats"])


def _squares(tree: Mapping[str, jax.Array]) -> Any:
    return optax.tree.norm([leaf for leaf in tree.values() if leaf.ndim > 1], squared=True)


def _weight_decay(grads: Any, params: Any) -> Any:
    decay = optax.add_decayed_weights(
        0.125, mask=lambda tree: jax.tree.map(lambda leaf: leaf.ndim > 1, tree)
    )
    return decay.update(grads, decay.init(params), params)[0]


def _transformed(transformation: optax.GradientTransformation) -> Mapping[str, Peer]:
    def update(grads: Any, params: Any = None) -> Any:
        return transformation.update(grads, transformation.init(grads), params)[0]

    return _of_optax(update)


def _smooth_labels(labels: jax.Array) -> jax.Array:
    return optax.smooth_labels(jax.nn.one_hot(labels, 1000), 0.1)


REGULARIZERS: Mapping[str, Mapping[str, Peer]] = {
    "dropout": _dropout(),
    "dropout1d": _dropout(2),
    "dropout2d": _dropout(2, 3),
    "dropout3d": _dropout(2, 3, 4),
    "drop_path": _dropout(1, 2, 3),
    "dropconnect": _dropout(),
    "batch_norm": {FLAX: Peer(call=_batch_norm, arguments=_channels_last)},
    "layer_norm": _norm(flax.linen.LayerNorm(epsilon=1e-5), channels_last=False),
    "rms_norm": _norm(flax.linen.RMSNorm(), channels_last=False),
    "group_norm": _norm(flax.linen.GroupNorm(8, epsilon=1e-5)),
    "instance_norm": _norm(flax.linen.InstanceNorm(epsilon=1e-5)),
    "l2_penalty": _of_optax(_squares),
    "coupled_weight_decay": _of_optax(_weight_decay),
    "clip_grad_norm": _transformed(optax.clip_by_global_norm(1.0)),
    "get_total_norm": _of_optax(optax.tree.norm),
    "clip_grad_value": _transformed(optax.clip(0.5)),
    "adaptive_grad_clip": _transformed(optax.adaptive_grad_clip(0.01)),
    "ema": _of_optax(lambda mean, tree: optax.incremental_update(tree, mean, 1e-3)),
    "smooth_labels": _of_optax(_smooth_labels),
}

PEERS: Mapping[str, Mapping[str, Peer]] = {**LOSSES, **REGULARIZERS}
