# pyright: basic
"""torch's dropout family: mistakes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.random import threefry_2x32

from jaxact import regularizers as right
from jaxact.random import TorchGenerator
from parity.mutation import Mutants
from parity.suite.regularizers.dropouts.standard import SPECS
from parity.verdict import Outcome

MUTANTS = Mutants(SPECS)
NEIGHBOURS = "neighbours_are_independent/any/law"
RATE = "drops_with_probability_p/any/law"
SHARED = "shares_one_draw/any/law"
_wrong = MUTANTS.wrong


def _dropped(input, p, training, key, shape=None, scale=None):
    """A dropout by the book, with a mask of that shape and the scale of what is kept."""
    if not training or (isinstance(p, float | int) and p == 0):
        return input
    kept = jax.random.bernoulli(key, 1 - jnp.asarray(p), shape or input.shape)
    scale = 1 / (1 - p) if scale is None else scale
    return input * jnp.where(kept, scale, 0).astype(input.dtype)


# ------------------------------------------------------------------------------------------- scale


@_wrong("dropout", "default/float32/forward")
def _dropout_is_not_rescaled(input, p=0.5, training=True, *, key: Any = None):
    return _dropped(input, p, training, key, scale=1.0)


@_wrong("dropout", "p=0.3/float32/forward")
def _dropout_is_rescaled_by_p(input, p=0.5, training=True, *, key: Any = None):
    return _dropped(input, p, training, key, scale=1 / p)


@_wrong("dropout", "p=1.0/float32/forward")
def _dropout_of_everything_divides_by_0(input, p=0.5, training=True, *, key: Any = None):
    return right.dropout(input, 0.5, training, key=key) * 0 / jnp.float32(1 - p)


@_wrong("dropout", "training=False/float32/forward")
def _dropout_scales_without_training(input, p=0.5, training=True, *, key: Any = None):
    return right.dropout(input, p, True, key=key) if training else input * (1 - p)


@_wrong("dropout", "default/float32/vjp")
def _dropout_does_not_scale_the_gradient(input, p=0.5, training=True, *, key: Any = None):
    scaled = right.dropout(input, p, training, key=key)
    plain = scaled * (1 - p)
    return plain + jax.lax.stop_gradient(scaled - plain)


# ---------------------------------------------------------------------------------- what is dropped


@_wrong("dropout", "default/float32/forward")
def _dropout_chooses_zero_like_flax(input, p=0.5, training=True, *, key: Any = None):
    kept = jax.random.bernoulli(key, 1 - p, input.shape)
    return jnp.where(kept, input / (1 - p), 0)


@_wrong("dropout", RATE)
def _dropout_takes_p_for_the_chance_to_be_kept(input, p=0.5, training=True, *, key: Any = None):
    return _dropped(input, 1 - p, training, key, scale=1 / (1 - p))


@_wrong("dropout", RATE)
def _dropout_draws_eight_bits(input, p=0.5, training=True, *, key: Any = None):
    bits = jax.random.bits(key, input.shape, jnp.uint8)
    return input * jnp.where(bits < jnp.round(256 * jnp.asarray(p)), 0, 1 / (1 - p))


@_wrong("dropout", NEIGHBOURS)
def _dropout_has_one_mask_for_all_samples(input, p=0.5, training=True, *, key: Any = None):
    return _dropped(input, p, training, key, input.shape[1:])


@_wrong("dropout", NEIGHBOURS)
def _dropout_uses_every_bit_twice(input, p=0.5, training=True, *, key: Any = None):
    *outer, last = input.shape
    bits = jax.random.bits(key, (*outer, (last + 1) // 2))
    bits = jnp.concatenate([bits, bits], axis=-1)[..., :last]
    return input * jnp.where(bits < jnp.uint32(p * 2.0**32), 0, 1 / (1 - p))


@_wrong("dropout", "keys_are_independent/any/law")
def _dropout_has_one_mask_for_all_keys(input, p=0.5, training=True, *, key: Any = None):
    return _dropped(input, p, training, jax.random.key(0))


@_wrong("dropout", "default/float32/vjp")
def _dropout_draws_another_mask_backwards(input, p=0.5, training=True, *, key: Any = None):
    @jax.custom_vjp
    def dropped(x):
        return _dropped(x, p, training, key)

    def backward(_, cotangent):
        return (_dropped(cotangent, p, training, jax.random.fold_in(key, 1)),)

    dropped.defvjp(lambda x: (dropped(x), None), backward)
    return dropped(input)


@_wrong("dropout", "any_kind_of_key_will_do/any/law", Outcome.ERROR)
def _dropout_knows_threefry_only(input, p=0.5, training=True, *, key: Any = None):
    places = jnp.arange(input.size, dtype=jnp.uint32)
    words = threefry_2x32(jax.random.key_data(key), places).reshape(input.shape)
    return input * jnp.where(words < jnp.uint32(p * 2.0**32), 0, 1 / (1 - p))


@_wrong("dropout", "is_the_input_itself/any/law")
def _dropout_copies_its_input(input, p=0.5, training=True, *, key: Any = None):
    return right.dropout(input + 0, p, training, key=key)


@_wrong("dropout", "training_needs_a_key/any/law")
def _dropout_has_a_key_of_its_own(input, p=0.5, training=True, *, key: Any = None):
    return right.dropout(input, p, training, key=jax.random.key(0) if key is None else key)


# ------------------------------------------------------------------------------------------ stream


@_wrong("dropout", "seed=42,p=0.3,shape=7x11/float32/forward")
def _dropout_draws_24_bits(input, p=0.5, training=True, *, key: Any = None):
    if isinstance(key, TorchGenerator):
        noise = key.rand(input.shape) < 1 - p
        return input * jnp.asarray(noise / (1 - p), input.dtype)
    return right.dropout(input, p, training, key=key)


@_wrong("dropout", "seed=42,p=0.3,shape=7x11/float32/forward")
def _dropout_keeps_the_other_end_of_the_stream(input, p=0.5, training=True, *, key: Any = None):
    if isinstance(key, TorchGenerator):
        dropped = key.bernoulli(input.shape, p, input.dtype)
        return input * ((1 - dropped) / (1 - p)).astype(input.dtype)
    return right.dropout(input, p, training, key=key)


@_wrong("alpha_dropout", "seed=42,p=0.999,shape=7x11/float16/forward")
def _alpha_dropout_rounds_once_where_torch_rounds_often(
    input, p=0.5, training=False, *, key: Any = None
):
    if isinstance(key, TorchGenerator) and 0 < p < 1:
        exact = right.alpha_dropout(input.astype("float32"), p, training, key=key)
        return exact.astype(input.dtype)
    return right.alpha_dropout(input, p, training, key=key)


# ---------------------------------------------------------------------------------------- channels


def _by(input, *axes):
    """A mask of the input's shape that varies along these axes only."""
    return tuple(n if axis in axes else 1 for axis, n in enumerate(input.shape))


@_wrong("dropout1d", "seed=42,p=0.3,shape=6x9/float32/forward")
def _dropout1d_takes_channels_for_samples(input, p=0.5, training=True, *, key: Any = None):
    return right.dropout2d(input, p, training, key=key)


@_wrong("dropout2d", SHARED)
def _dropout2d_drops_pixels(input, p=0.5, training=True, *, key: Any = None):
    return right.dropout(input, p, training, key=key)


@_wrong("dropout2d", SHARED)
def _dropout2d_has_channels_last(input, p=0.5, training=True, *, key: Any = None):
    return _dropped(input, p, training, key, _by(input, 0, input.ndim - 1))


@_wrong("dropout2d", NEIGHBOURS)
def _dropout2d_drops_the_same_channels_of_all_samples(
    input, p=0.5, training=True, *, key: Any = None
):
    return _dropped(input, p, training, key, _by(input, 1))


@_wrong("dropout2d", "seed=42,p=0.3,shape=6x5x7/float32/forward")
def _dropout2d_reads_three_axes_as_an_image(input, p=0.5, training=True, *, key: Any = None):
    if input.ndim == 3:
        return right.dropout2d(input[None], p, training, key=key)[0]
    return right.dropout2d(input, p, training, key=key)


@_wrong("dropout2d", "input_of_1_axes/any/error")
def _dropout2d_takes_any_number_of_axes(input, p=0.5, training=True, *, key: Any = None):
    if input.ndim < 2:
        return right.dropout(input, p, training, key=jax.random.key(0))
    return right.dropout2d(input, p, training, key=key)


@_wrong("dropout3d", "seed=42,p=0.3,shape=6x5x3x4/float32/forward")
def _dropout3d_reads_four_axes_as_a_batch(input, p=0.5, training=True, *, key: Any = None):
    if input.ndim == 4:
        return right.dropout2d(input, p, training, key=key)
    return right.dropout3d(input, p, training, key=key)


# ----------------------------------------------------------------------------------- alpha dropout


def _saturated(input, p, key, low, high=0.0, factor=1.0):
    kept = jax.random.bernoulli(key, 1 - p, input.shape)
    return input * jnp.where(kept, factor, 0) + jnp.where(kept, high, low)


@_wrong("alpha_dropout", "default/float32/forward")
def _alpha_dropout_drops_to_0(input, p=0.5, training=False, *, key: Any = None):
    return right.dropout(input, p, training, key=key)


@_wrong("alpha_dropout", "keeps_mean_and_variance/any/law")
def _alpha_dropout_is_not_scaled_and_shifted(input, p=0.5, training=False, *, key: Any = None):
    return _saturated(input, p, key, -1.7580993408473766)


@_wrong("alpha_dropout", "p=0.3/float32/forward")
def _alpha_dropout_has_a_rounded_constant(input, p=0.5, training=False, *, key: Any = None):
    alpha = 1.7581
    a = ((1 - p) * (1 + p * alpha**2)) ** -0.5
    return _saturated(input, p, key, a * alpha * (p - 1), a * alpha * p, a)


@_wrong("alpha_dropout", "any/signature")
def _alpha_dropout_trains_by_default(input, p=0.5, training=True, *, key: Any = None):
    return right.alpha_dropout(input, p, training, key=key)


@_wrong("feature_alpha_dropout", SHARED)
def _feature_alpha_dropout_drops_pixels(input, p=0.5, training=False, *, key: Any = None):
    return right.alpha_dropout(input, p, training, key=key)
