# pyright: basic
"""Dropout beyond torch: mistakes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxact import regularizers
from parity.mutation import Mutants
from parity.suite.regularizers.dropouts.variants import SPECS
from tests.parity.mutants.regularizers.dropouts.standard import NEIGHBOURS, RATE, SHARED

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong
# The literals of the signatures are lost in parameters that have no annotation.
right: Any = regularizers


@_wrong("drop_path", SHARED)
def _drop_path_drops_elements(input, p=0.5, training=True, *, key: Any = None, mode="row"):
    return right.dropout(input, p, training, key=key)


@_wrong("drop_path", NEIGHBOURS)
def _drop_path_drops_the_whole_batch(input, p=0.5, training=True, *, key: Any = None, mode="row"):
    return right.drop_path(input, p, training, key=key, mode="batch")


@_wrong("drop_path", "default/float32/forward")
def _drop_path_is_not_rescaled(input, p=0.5, training=True, *, key: Any = None, mode="row"):
    return right.drop_path(input, p, training, key=key, mode=mode) * (1 - p)


@_wrong("drop_path", RATE)
def _drop_path_takes_the_rate_of_survival(
    input, p=0.5, training=True, *, key: Any = None, mode="row"
):
    return right.drop_path(input, 1 - p, training, key=key, mode=mode)


@_wrong("dropconnect", "default/float32/forward")
def _dropconnect_is_not_rescaled(weight, p=0.5, training=True, *, key: Any = None):
    return right.dropconnect(weight, p, training, key=key) * (1 - p)


@_wrong("dropconnect", NEIGHBOURS)
def _dropconnect_drops_whole_outputs(weight, p=0.5, training=True, *, key: Any = None):
    return right.drop_path(weight, p, training, key=key)


# -------------------------------------------------------------------------------- Gaussian dropout


@_wrong("gaussian_dropout", "factors_are_normal/any/law")
def _gaussian_dropout_takes_the_variance_for_its_root(
    input, p=0.5, training=True, *, key: Any = None
):
    return input * (1 + p / (1 - p) * jax.random.normal(key, input.shape))


@_wrong("gaussian_dropout", "factors_are_normal/any/law")
def _gaussian_dropout_adds_noise_of_variance_p(input, p=0.5, training=True, *, key: Any = None):
    return input * (1 + jnp.sqrt(p) * jax.random.normal(key, input.shape))


@_wrong("gaussian_dropout", "factors_are_independent/any/law")
def _gaussian_dropout_has_one_factor_a_row(input, p=0.5, training=True, *, key: Any = None):
    rows = (*input.shape[:-1], 1)
    return input * (1 + jnp.sqrt(p / (1 - p)) * jax.random.normal(key, rows))


# -------------------------------------------------------------------------------------- DropBlock


def _blocked(input, first, block_size, scale=None):
    """Blocks around the places that are True in `first`, of the input's shape."""
    window = (1, 1, block_size, block_size)
    inside = lax.reduce_window(first, False, lax.bitwise_or, window, (1,) * 4, "SAME")
    kept = ~inside
    return input * kept * (kept.size / kept.sum() if scale is None else scale)


def _gamma(input, p, block_size):
    height, width = input.shape[2:]
    inner = (height - block_size + 1) * (width - block_size + 1)
    return p * height * width / block_size**2 / inner


@_wrong("dropblock", "drops_whole_blocks/any/law")
def _dropblock_cuts_blocks_at_the_border(
    input, p=0.1, block_size=7, training=True, *, key: Any = None, channel_axis=1
):
    first = jax.random.bernoulli(key, _gamma(input, p, block_size), input.shape)
    return _blocked(input, first, block_size)


@_wrong("dropblock", "drops_the_share_of_the_paper/any/law")
def _dropblock_forgets_that_blocks_have_to_fit(
    input, p=0.1, block_size=7, training=True, *, key: Any = None, channel_axis=1
):
    smaller = p * _gamma(input, p, block_size) ** -1 * p / block_size**2
    return right.dropblock(input, smaller, block_size, training, key=key)


@_wrong("dropblock", "maps_are_independent/any/law")
def _dropblock_drops_the_same_places_of_all_channels(
    input, p=0.1, block_size=7, training=True, *, key: Any = None, channel_axis=1
):
    one = jnp.ones_like(input[:, :1])
    return input * right.dropblock(one, p, block_size, training, key=key)


@_wrong("dropblock", "p=0.3,block_size=3/float32/forward")
def _dropblock_is_scaled_by_what_is_expected(
    input, p=0.1, block_size=7, training=True, *, key: Any = None, channel_axis=1
):
    kept = right.dropblock(jnp.ones_like(input), p, block_size, training, key=key) > 0
    return input * kept / (1 - p)


@_wrong("dropblock", "channels_may_be_last/any/law")
def _dropblock_has_channels_on_axis_1_always(
    input, p=0.1, block_size=7, training=True, *, key: Any = None, channel_axis=1
):
    return right.dropblock(input, p, block_size, training, key=key)


@_wrong("dropblock", "5-d,p=0.25,block_size=3/float32/forward")
def _dropblock_divides_by_what_may_be_nothing(
    input, p=0.1, block_size=7, training=True, *, key: Any = None, channel_axis=1
):
    kept = right.dropblock(jnp.ones_like(input), p, block_size, training, key=key) > 0
    return input * kept * (kept.size / (kept.sum() + 1.0))
