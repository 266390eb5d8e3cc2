"""Arithmetic of colours on float batches: blending with grey, and turning the hue."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxact.errors import ArgumentValueError
from jaxact.regularizers.augmentation._images import Axes

# ITU-R BT.601 as torchvision rounds it: the sum is 0.9999.
GREY = (0.2989, 0.587, 0.114)
SECTORS = 6


def check_colors(function: str, x: Array, axes: Axes) -> None:
    """Grey is defined for one channel and for three.

    Raises:
        ArgumentValueError: if there is another number of channels.
    """
    channels = x.shape[axes.channel]
    if channels not in (1, 3):
        raise ArgumentValueError(
            f"{function}: images must have 1 or 3 channels, got {channels} in a batch of shape "
            f"{x.shape}"
        )


@jax.custom_jvp
def _clamped(x: Array, max_value: float) -> Array:
    """The slope on both bounds is 1, as torch.clamp's; that of lax.clamp is 0."""
    return lax.clamp(jnp.zeros((), x.dtype), x, jnp.asarray(max_value, x.dtype))


def _clamped_rule(
    primals: tuple[Array, float], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    (x, max_value), (step, _) = primals, tangents
    return _clamped(x, max_value), jnp.where((x >= 0) & (x <= max_value), step, 0)


_clamped.defjvp(_clamped_rule)


def blended(x: Array, base: Array | float, factor: Array | float, max_value: float) -> Array:
    """Linear interpolation from base (factor 0) to x (1) and beyond, clamped to [0, max_value]."""
    return _clamped(factor * x + (1 - factor) * base, max_value)


def grey(x: Array, axes: Axes) -> Array:
    """The brightness of every pixel, as one channel."""
    if x.shape[axes.channel] == 1:
        return x
    red, green, blue = axes.channels(x)
    return GREY[0] * red + GREY[1] * green + GREY[2] * blue


def mean_grey(x: Array, axes: Axes) -> Array:
    """[n, 1, 1, 1], the mean brightness of every image."""
    # Rows first: sums of a few hundred numbers each lose fewer digits than one long sum.
    rows = jnp.mean(x, axis=axes.width, keepdims=True)
    return grey(jnp.mean(rows, axis=axes.height, keepdims=True), axes)


def brightened(x: Array, factor: Array, axes: Axes, max_value: float) -> Array:
    """Blended with black."""
    return _clamped(factor * x, max_value)


def contrasted(x: Array, factor: Array, axes: Axes, max_value: float) -> Array:
    """Blended with the mean grey of each image."""
    return blended(x, mean_grey(x, axes), factor, max_value)


def saturated(x: Array, factor: Array, axes: Axes, max_value: float) -> Array:
    """Blended with its grey image; an image of one channel stays unchanged."""
    if x.shape[axes.channel] == 1:
        return x
    return blended(x, grey(x, axes), factor, max_value)


def hue_turned(x: Array, factor: Array, axes: Axes, max_value: float) -> Array:
    """The hue turned by a fraction of the circle; an image of one channel stays unchanged.

    Converting to HSV, turning and converting back gives V - C clip(min(k, 4 - k), 0, 1) with
    k = (n + hue) mod 6 and n = 5 for red, 3 for green, 1 for blue. Here C k is computed in place of
    k: without the division by the chroma C it loses no digits and is defined at C = 0. Where
    largest or smallest channels tie, the first one gets the gradient, as from torch.max.
    """
    if x.shape[axes.channel] == 1:
        return x
    red, green, blue = axes.channels(x)
    # Chosen once: XLA may round a channel in two ways, and then none is equal to the largest.
    red_leads, green_leads = ~(red < jnp.maximum(green, blue)), ~(green < blue)
    largest = jnp.where(red_leads, red, jnp.where(green_leads, green, blue))
    smallest = jnp.where(
        ~(red > jnp.minimum(green, blue)), red, jnp.where(~(green > blue), green, blue)
    )
    chroma = largest - smallest
    hue = jnp.where(red_leads, green - blue, jnp.where(green_leads, blue - red, red - green))
    sector = jnp.where(red_leads, 0, jnp.where(green_leads, 2, 4)).astype(x.dtype)
    return largest - _depth(chroma, hue, sector, SECTORS * factor, axes)


def _depth(chroma: Array, hue: Array, sector: Array, turn: Array, axes: Axes) -> Array:
    """C clip(min(k, 4 - k), 0, 1), with k = n + sector + turn + hue / C in whole turns of six.

    Integers are added first: where k is small, it then has the relative accuracy of a small number.
    """
    whole = axes.along_channels(jnp.asarray((5, 3, 1), sector.dtype)) + sector
    whole = jnp.where(whole >= SECTORS, whole - SECTORS, whole)
    place = (whole + turn) * chroma + hue
    whole = jnp.where(place >= 5 * chroma, whole - SECTORS, whole)
    whole = jnp.where(place < -chroma, whole + SECTORS, whole)
    rising, falling = (whole + turn) * chroma + hue, (4 - whole - turn) * chroma - hue
    depth = jnp.where(rising > falling, falling, rising)
    return jnp.where(depth <= 0, 0, jnp.where(depth >= chroma, chroma, depth))


def jittered(
    x: Array, factors: Mapping[str, Array], order: Array, axes: Axes, max_value: float
) -> Array:
    """Apply every step once to each image, in an order of its own.

    Each turn computes one blend, whose base is selected by image for brightness, contrast and
    saturation, and the hue, which only the images whose turn it is take.

    Args:
        x: a float batch.
        factors: by name, [n, 1, 1, 1] each.
        order: [k, n, 1, 1, 1], the numbers of the steps, counted along `factors`.
        axes: of x.
        max_value: of white.
    """
    for turn in order:
        chosen = {name: turn == i for i, name in enumerate(factors)}
        factor = _chosen(chosen, factors)
        bases: dict[str, Array | float] = {"brightness": 0.0}
        if "contrast" in factors:
            bases["contrast"] = mean_grey(x, axes)
        if "saturation" in factors:
            bases["saturation"] = grey(x, axes)
        used = {name: base for name, base in bases.items() if name in factors}
        result = blended(x, _chosen(chosen, used), factor, max_value) if used else x
        if "hue" in factors:
            result = jnp.where(
                chosen["hue"], hue_turned(x, factors["hue"], axes, max_value), result
            )
        x = result
    return x


def _chosen(chosen: Mapping[str, Array], values: Mapping[str, Array | float]) -> Array | float:
    """For each image the value of the step whose turn it is."""
    result, *others = values.items()
    selected = result[1]
    for name, value in others:
        selected = jnp.where(chosen[name], value, selected)
    return selected
