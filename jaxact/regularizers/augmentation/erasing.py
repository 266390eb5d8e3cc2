"""Erased rectangles, at random or not."""

from collections.abc import Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import check_scalar
from jaxact._flat_draws import flat_normal
from jaxact._keys import check_key
from jaxact._op import op
from jaxact.errors import ArgumentValueError, DtypeError
from jaxact.regularizers.augmentation._draws import (
    nan_unless_probability,
    uniform_below,
    uniform_draws,
)
from jaxact.regularizers.augmentation._images import (
    Axes,
    as_batch,
    as_given,
    as_integers,
    as_pixels,
    axes_of,
    per_color,
    rectangles,
)
from jaxact.regularizers.augmentation._intervals import (
    TINY,
    Range,
    as_arrays,
    nan_unless_interval,
    parse_interval,
    two_numbers,
    uniform_between,
)
from jaxact.regularizers.augmentation._numbers import Numbers, as_tuple, check_bounds

__all__ = ["erase", "random_erasing"]


@op(static=("channel_axis",))
def erase(
    images: ArrayLike,
    top: ArrayLike,
    left: ArrayLike,
    height: ArrayLike,
    width: ArrayLike,
    value: Numbers = 0.0,
    *,
    channel_axis: int = 1,
) -> Array:
    """erase(x, top, left, height, width, value) = x with that rectangle set to the value.

    Rectangles may reach beyond the image, and be empty. What is erased has the gradient 0.

    Args:
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        top: [] or [n], dimensionless; the first row.
        left: [] or [n], dimensionless; the first column.
        height: [] or [n], dimensionless; rows.
        width: [] or [n], dimensionless; columns.
        value: [], [c] or the shape of images, unit of images; 0 by default. For uint8 it is
            clipped and rounded to the nearest level.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if the shape of images, of the rectangle or of value is another one.
        DtypeError: if the rectangle is not of integers.

    Source:
        Zhong et al. 2020; beyond torch.where, torch 2.13.
    """
    x, axes = as_batch("erase", images), axes_of("erase", channel_axis)
    rectangle = {"top": top, "left": left, "height": height, "width": width}
    first, beside, rows, columns = (
        as_integers("erase", name, number, x) for name, number in rectangle.items()
    )
    inside = rectangles(first, beside, rows, columns, axes.sizes(x))
    new = as_pixels(_replacement(value, x, axes), x)
    return as_given(jnp.where(axes.over_pixels(inside), new, x), images)


def _replacement(value: Numbers, x: Array, axes: Axes) -> Array:
    """What broadcasts with the batch: a number, a colour, or other images."""
    if as_tuple(value) is None and jnp.ndim(cast(ArrayLike, value)) > 1:
        new = as_batch("erase", cast(ArrayLike, value))
        if new.shape != x.shape:
            raise ArgumentValueError(
                f"erase: value must be [], [c] or as large as images, {x.shape}, got {new.shape}"
            )
        return new
    return per_color("erase", "value", value, x, axes)


def _check_erasing(
    function: str, key: Array, p: ArrayLike, scale: Sequence[ArrayLike], ratio: Sequence[ArrayLike]
) -> None:
    check_key("random_erasing", key)
    check_scalar("random_erasing", "p", p)
    check_bounds("random_erasing", "p", p, 0, 1)
    for argument, pair, bounds in (("scale", scale, (0.0, 1.0)), ("ratio", ratio, (TINY, np.inf))):
        two = two_numbers("random_erasing", argument, pair)
        parse_interval("random_erasing", argument, two, 0.0, *bounds)


# Rectangles that do not fit are drawn again, at most so many in all.
_ATTEMPTS = 10


@op(static=("channel_axis",), checks={("key", "p", "scale", "ratio"): _check_erasing})
def random_erasing(
    key: Array,
    images: ArrayLike,
    p: ArrayLike = 0.5,
    scale: Sequence[ArrayLike] = (0.02, 0.33),
    ratio: Sequence[ArrayLike] = (0.3, 3.3),
    value: Numbers | None = 0.0,
    *,
    channel_axis: int = 1,
) -> Array:
    """random_erasing(key, x, p)[i] = erase(x[i], t, l, h, w, value) with probability p, else x[i].

    The rectangle's area is a uniform share of the image's, its height over its width is uniform on
    a logarithmic scale, and its place is uniform. Of ten of them the first one that is lower and
    narrower than the image is taken; if there is none, nothing is erased. The gradient of what is
    erased is 0.

    Args:
        key: a JAX random key.
        images: [n, c, h, w] or [c, h, w], any unit; any dtype.
        p: [], dimensionless; the probability, 1/2 by default.
        scale: the smallest and the largest share of the area, each [], dimensionless; in [0, 1].
        ratio: the smallest and the largest height over width, each [], dimensionless; above 0.
        value: [] or [c], unit of images; 0 by default, or None for standard normal numbers, each
            pixel its own. For uint8 it is clipped and rounded to the nearest level.
        channel_axis: of a batch: 1, or -1 for [n, h, w, c].

    Returns:
        [n, c, h, w], unit and dtype of images.

    Raises:
        ArgumentValueError: if p, scale or ratio is out of bounds or crossed, or if a shape is
            another one.
        TypeError: if key is None, or if value is None and images is not floating (DtypeError).

    Source:
        Zhong et al. 2020; torchvision's RandomErasing; beyond torch.where, torch 2.13.
    """
    x, axes = as_batch("random_erasing", images), axes_of("random_erasing", channel_axis)
    drawing, noise = jax.random.split(key)
    chance, down, right, *shapes = uniform_draws(drawing, 3 + 2 * _ATTEMPTS, x)
    shares, ratios = (
        Range(low, high, (low, high)) for low, high in ((scale[0], scale[1]), (ratio[0], ratio[1]))
    )
    size = axes.sizes(x)
    ends = as_arrays(shares, chance.dtype), as_arrays(ratios, chance.dtype)
    height, width = _erased_size(jnp.stack(shapes), *ends, size)
    probability = jnp.asarray(p)
    height = jnp.where(chance < probability, height, 0)
    top, left = uniform_below(down, size[0] - height + 1), uniform_below(right, size[1] - width + 1)
    if value is None:
        new = _noise(noise, x, axes)
    else:
        new = as_pixels(per_color("random_erasing", "value", value, x, axes), x)
    inside = axes.over_pixels(rectangles(top, left, height, width, size))
    result = nan_unless_probability("random_erasing", jnp.where(inside, new, x), probability)
    result = nan_unless_interval("random_erasing", "scale", result, shares, 0.0, 1.0)
    result = nan_unless_interval("random_erasing", "ratio", result, ratios, TINY, np.inf)
    return as_given(result, images)


def _erased_size(
    draws: Array, shares: tuple[Array, Array], ratios: tuple[Array, Array], size: tuple[int, int]
) -> tuple[Array, Array]:
    """[n] heights and widths from [2 attempts, n] numbers, 0 where no rectangle fits."""
    first, second = jnp.split(draws, 2)
    share = uniform_between(first, shares)
    ratio = jnp.exp(uniform_between(second, (jnp.log(ratios[0]), jnp.log(ratios[1]))))
    area = share * (size[0] * size[1])
    sides = jnp.round(jnp.stack([jnp.sqrt(area * ratio), jnp.sqrt(area / ratio)]))
    fits = (sides[0] < size[0]) & (sides[1] < size[1])
    first_to_fit = jnp.argmax(fits, axis=0)[None, None]
    sides = jnp.where(fits, sides, 0).astype(np.int32)
    height, width = jnp.take_along_axis(sides, first_to_fit, axis=1)[:, 0]
    return height, width


def _noise(key: Array, x: Array, axes: Axes) -> Array:
    """Standard normal numbers, the same for the same pixel in either layout."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise DtypeError(
            f"random_erasing: images must have a floating dtype to be erased with normal numbers, "
            f"got {x.dtype.name}"
        )
    shape = (x.shape[0], x.shape[axes.channel], *axes.sizes(x))
    return jnp.moveaxis(flat_normal(key, shape, x.dtype), 1, axes.channel)
