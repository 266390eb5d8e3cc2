"""Flips, at random or not."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import check_scalar
from jaxact._keys import check_key
from jaxact._op import op
from jaxact.regularizers.augmentation._draws import nan_unless_probability, uniform_draws
from jaxact.regularizers.augmentation._images import as_batch, as_given, axes_of
from jaxact.regularizers.augmentation._numbers import check_bounds

__all__ = ["horizontal_flip", "random_horizontal_flip", "random_vertical_flip", "vertical_flip"]


@op(static=("channel_axis",))
def horizontal_flip(images: ArrayLike, *, channel_axis: int = 1) -> Array:
    """horizontal_flip(x)[..., i, j] = x[..., i, w - 1 - j].

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if images has neither three axes nor four.
        TypeError: if images is no array.

    Source:
        torchvision's hflip; beyond torch.flip, torch 2.13.
    """
    axes = axes_of("horizontal_flip", channel_axis)
    return as_given(jnp.flip(as_batch("horizontal_flip", images), axes.width), images)


@op(static=("channel_axis",))
def vertical_flip(images: ArrayLike, *, channel_axis: int = 1) -> Array:
    """vertical_flip(x)[..., i, j] = x[..., h - 1 - i, j].

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if images has neither three axes nor four.
        TypeError: if images is no array.

    Source:
        torchvision's vflip; beyond torch.flip, torch 2.13.
    """
    axes = axes_of("vertical_flip", channel_axis)
    return as_given(jnp.flip(as_batch("vertical_flip", images), axes.height), images)


def _check_flip(function: str, key: Array, p: ArrayLike) -> None:
    check_key(function, key)
    check_scalar(function, "p", p)
    check_bounds(function, "p", p, 0, 1)


@op(static=("channel_axis",), checks={("key", "p"): _check_flip})
def random_horizontal_flip(
    key: Array, images: ArrayLike, p: ArrayLike = 0.5, *, channel_axis: int = 1
) -> Array:
    """random_horizontal_flip(key, x, p)[i] = horizontal_flip(x[i]) with probability p, else x[i].

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        p: [], dimensionless; the probability, 1/2 by default.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if p is outside of [0, 1], or images has neither three axes nor four.
        TypeError: if key is None or images is no array.

    Source:
        torchvision's RandomHorizontalFlip; beyond torch.flip, torch 2.13.
    """
    axes = axes_of("random_horizontal_flip", channel_axis)
    return _flipped("random_horizontal_flip", key, images, p, axes.width)


@op(static=("channel_axis",), checks={("key", "p"): _check_flip})
def random_vertical_flip(
    key: Array, images: ArrayLike, p: ArrayLike = 0.5, *, channel_axis: int = 1
) -> Array:
    """random_vertical_flip(key, x, p)[i] = vertical_flip(x[i]) with probability p, else x[i].

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        p: [], dimensionless; the probability, 1/2 by default.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if p is outside of [0, 1], or images has neither three axes nor four.
        TypeError: if key is None or images is no array.

    Source:
        torchvision's RandomVerticalFlip; beyond torch.flip, torch 2.13.
    """
    axes = axes_of("random_vertical_flip", channel_axis)
    return _flipped("random_vertical_flip", key, images, p, axes.height)


def _flipped(function: str, key: Array, images: ArrayLike, p: ArrayLike, axis: int) -> Array:
    x, probability = as_batch(function, images), jnp.asarray(p)
    chosen = uniform_draws(key, 1, x) < probability
    result = jnp.where(chosen.reshape(-1, 1, 1, 1), jnp.flip(x, axis), x)
    return as_given(nan_unless_probability(function, result, probability), images)
