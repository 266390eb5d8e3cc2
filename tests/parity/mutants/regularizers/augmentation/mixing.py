# pyright: basic
"""Soft and mixed labels: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact import regularizers
from parity.mutation import Mutants
from parity.suite.regularizers.augmentation.mixing import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


@_wrong("smooth_labels", "classes,smoothing=0.1/float32/forward")
def _smooths_over_the_other_classes(labels, num_classes, smoothing=0.1):
    soft = labels if labels.ndim == 2 and labels.dtype.kind == "f" else None
    soft = jax.nn.one_hot(labels, num_classes) if soft is None else soft
    return soft * (1 - smoothing) + (1 - soft) * smoothing / (num_classes - 1)


@_wrong("smooth_labels", "makes_cross_entropy_smooth/any/law")
def _smoothing_is_not_taken_off(labels, num_classes, smoothing=0.1):
    return jax.nn.one_hot(labels, num_classes) + smoothing / num_classes


@_wrong("smooth_labels", "smoothing=array/float32/vjp")
def _smoothing_is_constant(labels, num_classes, smoothing=0.1):
    return regularizers.smooth_labels(labels, num_classes, jax.lax.stop_gradient(smoothing))


def _soft(labels, num_classes):
    return labels if num_classes is None else jax.nn.one_hot(labels, num_classes)


def _mixup(key, x, y, share, order, of_labels=None):
    def blend(x, share):
        return share * x + (1 - share) * x[order]

    return blend(x, share), blend(y, share if of_labels is None else of_labels)


def _draws(key, count, alpha):
    for_share, for_order = jax.random.split(key)
    share = jax.random.beta(for_share, alpha, alpha)
    return jnp.where(alpha == 0, 1, share), jax.random.permutation(for_order, count)


@_wrong("mixup", "alpha=1.0/float32/forward")
def _labels_get_the_other_share(key, images, labels, alpha=0.2, *, num_classes=None):
    share, order = _draws(key, len(images), alpha)
    y = _soft(labels, num_classes)
    return _mixup(key, images, y, share, order, 1 - share)


@_wrong("mixup", "partners_are_uniform/any/law")
def _partners_are_neighbours(key, images, labels, alpha=0.2, *, num_classes=None):
    share, _ = _draws(key, len(images), alpha)
    order = jnp.roll(jnp.arange(len(images)), 1)
    return _mixup(key, images, _soft(labels, num_classes), share, order)


@_wrong("mixup", "partners_are_uniform/any/law")
def _partners_are_drawn_with_repetition(key, images, labels, alpha=0.2, *, num_classes=None):
    share, _ = _draws(key, len(images), alpha)
    order = jax.random.randint(jax.random.fold_in(key, 3), (len(images),), 0, len(images))
    return _mixup(key, images, _soft(labels, num_classes), share, order)


@_wrong("mixup", "shares_are_beta/any/law")
def _shares_are_uniform(key, images, labels, alpha=0.2, *, num_classes=None):
    return regularizers.mixup(key, images, labels, alpha * 0 + 1.0, num_classes=num_classes)


@_wrong("mixup", "shares_are_beta/any/law")
def _the_larger_share_is_the_own_one(key, images, labels, alpha=0.2, *, num_classes=None):
    share, order = _draws(key, len(images), alpha)
    share = jnp.maximum(share, 1 - share)
    return _mixup(key, images, _soft(labels, num_classes), share, order)


@_wrong("mixup", "nothing_is_mixed_without_alpha/any/law")
def _alpha_of_0_is_tiny(key, images, labels, alpha=0.2, *, num_classes=None):
    share, order = _draws(key, len(images), jnp.maximum(alpha, 1e-3))
    return _mixup(key, images, _soft(labels, num_classes), share, order)


def _cutmix(key, images, y, share, corrected=True, square=False, labels_kept=False):
    """cutmix over [n, c, h, w] with some share of the own image."""
    for_order, for_y, for_x = jax.random.split(key, 3)
    order = jax.random.permutation(for_order, len(images))
    height, width = images.shape[2:]
    sides = jnp.sqrt(1 - share)
    if square:
        sides = (sides * min(height, width), sides * min(height, width))
    else:
        sides = (sides * height, sides * width)
    inside = []
    for k, size, side in zip((for_y, for_x), (height, width), sides, strict=True):
        center = jax.random.randint(k, (), 0, size)
        reach = jnp.floor(side / 2).astype(int)
        place = jnp.arange(size)
        inside.append((place >= center - reach) & (place < center + reach))
    box = inside[0][:, None] & inside[1]
    own = 1 - box.mean() if corrected else share
    return jnp.where(box, images[order], images), own * y + (1 - own) * y[order]


@_wrong("cutmix", "labels_count_pixels/any/law")
def _share_is_not_corrected_at_borders(
    key, images, labels, alpha=1.0, *, num_classes=None, channel_axis=1
):
    share = jax.random.beta(jax.random.fold_in(key, 7), alpha, alpha)
    return _cutmix(key, images, _soft(labels, num_classes), share, corrected=False)


@_wrong("cutmix", "boxes_have_their_distribution/any/law")
def _boxes_are_squares(key, images, labels, alpha=1.0, *, num_classes=None, channel_axis=1):
    share = jax.random.beta(jax.random.fold_in(key, 7), alpha, alpha)
    return _cutmix(key, images, _soft(labels, num_classes), share, square=True)


@_wrong("cutmix", "boxes_have_their_distribution/any/law")
def _boxes_are_squares_with_the_channels_last(
    key, images, labels, alpha=1.0, *, num_classes=None, channel_axis=1
):
    if channel_axis == 1:
        return regularizers.cutmix(key, images, labels, alpha, num_classes=num_classes)
    first = jnp.moveaxis(images, -1, 1)
    mixed, y = _boxes_are_squares(key, first, labels, alpha, num_classes=num_classes)
    return jnp.moveaxis(mixed, 1, -1), y


@_wrong("cutmix", "boxes_have_their_distribution/any/law")
def _the_box_has_the_area_of_the_own_share(
    key, images, labels, alpha=1.0, *, num_classes=None, channel_axis=1
):
    share = jax.random.beta(jax.random.fold_in(key, 7), alpha, alpha) ** 2
    return _cutmix(key, images, _soft(labels, num_classes), share)


@_wrong("cutmix", "float32/forward")
def _the_partners_label_is_not_the_partners_pixels(
    key, images, labels, alpha=1.0, *, num_classes=None, channel_axis=1
):
    mixed, y = regularizers.cutmix(key, images, labels, alpha, num_classes=num_classes)
    return mixed, jnp.roll(y, 1, axis=0)
