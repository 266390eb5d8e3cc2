"""Soft and mixed labels."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating
from jaxact._checking import nan_unless, report_unless
from jaxact._keys import check_key
from jaxact._numbers import compute_dtype, is_number, wide_integers
from jaxact._op import op, program
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidIndexError, InvalidTypeError

__all__ = ["cutmix", "mixup", "smooth_labels"]


# ----------------------------------------------------------------------------------------- labels


def _check_smooth_labels(function: str, num_classes: object, smoothing: ArrayLike) -> None:
    _check_num_classes(function, num_classes)
    if is_number(smoothing) and not 0 <= smoothing <= 1:
        raise ArgumentValueError(f"{function}: smoothing must be in [0, 1], got {smoothing}")


def _check_num_classes(function: str, num_classes: object) -> None:
    if isinstance(num_classes, bool) or not isinstance(num_classes, int | np.integer):
        raise InvalidTypeError(
            f"{function}: num_classes must be an int, got {type(num_classes).__name__}"
        )
    if num_classes < 1:
        raise ArgumentValueError(f"{function}: num_classes must be positive, got {num_classes}")


@op(static=("num_classes",), checks={("num_classes", "smoothing"): _check_smooth_labels})
def smooth_labels(labels: ArrayLike, num_classes: int, smoothing: ArrayLike = 0.1) -> Array:
    """smooth_labels(y) = (1 - smoothing) y + smoothing / num_classes, y one-hot if it is a class.

    `cross_entropy(x, smooth_labels(y, c, s))` is torch's and jaxact's `cross_entropy(x, y,
    label_smoothing=s)`, for scores x of shape [n, c].

    Args:
        labels: [...], integers in [0, num_classes), dimensionless; or [..., num_classes],
            probabilities, floating, differentiable. A class that does not exist gives nan.
        num_classes: how many classes there are.
        smoothing: [], dimensionless, in [0, 1]; 0 smooths nothing, 1 gives every class the same. A
            traced one outside gives nan.

    Returns:
        [..., num_classes], probabilities, dimensionless; the dtype of floating labels, float32 (in
        64-bit mode float64) for integers.

    Raises:
        TypeError: if num_classes is no int, or labels are no array or boolean (DtypeError).
        ValueError: if num_classes or smoothing is out of range, or the last axis of probabilities
            has another length.
        IndexError: in a checked call, if a label is no class.

    Source:
        Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016;
        torch.nn.functional.cross_entropy, torch 2.13, for its label_smoothing.
    """
    soft = _soft("smooth_labels", as_array("smooth_labels", "labels", labels), num_classes)
    wide = compute_dtype(soft.dtype)
    share = jnp.asarray(smoothing, wide)
    smooth = (1 - share) * soft.astype(wide) + share / num_classes
    if is_number(smoothing):  # It has been checked.
        return smooth.astype(soft.dtype)
    message = "smooth_labels: smoothing must be in [0, 1], got {value}"
    holds = (share >= 0) & (share <= 1)
    return nan_unless(smooth, holds, ArgumentValueError, message, share).astype(soft.dtype)


def _soft(function: str, labels: Array, num_classes: int | None) -> Array:
    """Probabilities [..., c] of integer labels [...], or the labels if they are probabilities."""
    if jnp.issubdtype(labels.dtype, jnp.integer):
        if num_classes is None:
            raise ArgumentTypeError(f"{function}: num_classes must be given with integer labels")
        labels = wide_integers(labels)
        classes = jnp.arange(num_classes, dtype=labels.dtype).reshape((1,) * labels.ndim + (-1,))
        exists = ((labels >= 0) & (labels < num_classes))[..., None]
        message = f"{function}: labels must be in [0, {num_classes}), got {{value}}"
        report_unless(exists, InvalidIndexError, message, labels[..., None])
        # A choice: 0 and 1 times nan are 0 and nan to XLA.
        return jnp.where(exists, (labels[..., None] == classes).astype(float), jnp.nan)
    soft = as_floating(function, "labels", labels)
    if num_classes is not None and (not soft.ndim or soft.shape[-1] != num_classes):
        raise ArgumentValueError(
            f"{function}: labels must have {num_classes} probabilities along the last axis, "
            f"got shape {soft.shape}"
        )
    return soft


# ----------------------------------------------------------------------------------------- images


def _check_mixing(
    function: str, images: Array, labels: Array, alpha: ArrayLike, num_classes: int | None
) -> None:
    if num_classes is not None:
        _check_num_classes(function, num_classes)
    if is_number(alpha) and not 0 <= alpha < math.inf:
        raise ArgumentValueError(f"{function}: alpha must be finite and not negative, got {alpha}")
    rank = 1 if jnp.issubdtype(labels.dtype, jnp.integer) else 2
    if labels.ndim != rank or not images.ndim or labels.shape[0] != images.shape[0]:
        raise ArgumentValueError(
            f"{function}: labels must have shape [n] (classes) or [n, c] (probabilities) for "
            f"images [n, ...], got {labels.dtype.name} of shape {labels.shape} for {images.shape}"
        )


@op(static=("num_classes",), compiled=False)
def mixup(
    key: Array,
    images: ArrayLike,
    labels: ArrayLike,
    alpha: ArrayLike = 0.2,
    *,
    num_classes: int | None = None,
) -> tuple[Array, Array]:
    """mixup(key, x, y) = λ x + (1 - λ) x[π], λ y + (1 - λ) y[π], λ ~ Beta(alpha, alpha).

    One λ and one permutation π of the batch are drawn; map over keys and batches for more of them.
    The derivatives are those for what was drawn, λ's own in alpha included.

    Args:
        key: a JAX random key.
        images: [n, ...], x, any unit; floating.
        labels: [n], y, integers in [0, num_classes), dimensionless; or [n, c], probabilities,
            floating. A class that does not exist gives nan.
        alpha: [], dimensionless, not negative; 0 mixes nothing (λ = 1), 1 draws λ evenly from
            [0, 1]. A traced one below 0 gives nan.
        num_classes: how many classes there are; needed for integer labels.

    Returns:
        mixed images, [n, ...], unit and dtype of images, and their probabilities, [n, c],
        dimensionless, of the dtype of floating labels, float32 (in 64-bit mode float64) for
        integers.

    Raises:
        TypeError: if images are not floating (DtypeError), num_classes is missing or no int, or key
            is no key.
        ValueError: if labels do not fit images or num_classes, or alpha is negative or infinite.
        IndexError: in a checked call, if a label is no class.

    Source:
        Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018; as
        torchvision.transforms.v2.MixUp, which takes the next image in the batch for x[π]; beyond
        torch.distributions.Beta, torch 2.13.
    """
    x = as_floating("mixup", "images", images)
    y = as_array("mixup", "labels", labels)
    check_key("mixup", key)
    _check_mixing("mixup", x, y, alpha, num_classes)
    return _mixup(key, x, y, alpha, num_classes)


@program(static=("num_classes",))
def _mixup(
    key: Array, images: Array, labels: Array, alpha: ArrayLike, num_classes: int | None
) -> tuple[Array, Array]:
    for_share, for_order = jax.random.split(key)
    share = _drawn_share("mixup", for_share, alpha)
    order = jax.random.permutation(for_order, images.shape[0])
    soft = _soft("mixup", labels, num_classes)
    return _blend(images, order, share), _blend(soft, order, share)


def _drawn_share(function: str, key: Array, alpha: ArrayLike) -> Array:
    """λ, [], from Beta(alpha, alpha); 1 for alpha = 0."""
    a = jnp.asarray(alpha, jnp.float32)
    mixes = a > 0
    # What is not chosen is drawn from numbers that give it no nan gradient.
    some = jnp.where(mixes, a, 1)
    # Of two gamma variables the share of the first, from one draw of logarithms: half of what
    # jax.random.beta takes to compile.
    first, second = jax.random.loggamma(key, some, (2,), jnp.float32)
    share = jnp.where(mixes, jax.nn.sigmoid(first - second), 1)
    message = f"{function}: alpha must be finite and not negative, got {{value}}"
    return nan_unless(share, (a >= 0) & (a < jnp.inf), ArgumentValueError, message, a)


def _blend(x: Array, order: Array, share: Array) -> Array:
    """λ x + (1 - λ) x[order], along the first axis."""
    wide = compute_dtype(x.dtype)
    own = share.astype(wide)
    whole = x.astype(wide)
    mixed = own * whole + (1 - own) * _reordered(x, order).astype(wide)
    # Nothing times what is not finite would be nan.
    return jnp.where(own == 1, whole, mixed).astype(x.dtype)


def _reordered(x: Array, order: Array) -> Array:
    """x[order], on an explicit mesh distributed as x: it could be either way."""
    sharding = jax.typeof(x).sharding
    explicit = any(axis is not None for axis in sharding.spec)
    return x.at[order].get(out_sharding=sharding if explicit else None)


@op(static=("num_classes", "channel_axis"), compiled=False)
def cutmix(
    key: Array,
    images: ArrayLike,
    labels: ArrayLike,
    alpha: ArrayLike = 1.0,
    *,
    num_classes: int | None = None,
    channel_axis: int = 1,
) -> tuple[Array, Array]:
    """cutmix(key, x, y) = x with a box of x[π] in it, λ y + (1 - λ) y[π], λ the rest's area.

    The box has the sides √(1 - λ') h and √(1 - λ') w with λ' ~ Beta(alpha, alpha), its centre is
    anywhere, and what is outside the image is cut off: λ is what is left of the image's own pixels.
    One box and one permutation π of the batch are drawn; map over keys and batches for more of
    them. The derivatives are those for what was drawn; none in alpha, for pixels are whole.

    Args:
        key: a JAX random key.
        images: [n, c, h, w], x, any unit; of any dtype.
        labels: [n], y, integers in [0, num_classes), dimensionless; or [n, c], probabilities,
            floating. A class that does not exist gives nan.
        alpha: [], dimensionless, not negative; 0 mixes nothing, 1 draws λ' evenly from [0, 1]. A
            traced one below 0 gives nan probabilities.
        num_classes: how many classes there are; needed for integer labels.
        channel_axis: where c is: 1, or -1 for images [n, h, w, c].

    Returns:
        mixed images, [n, c, h, w], unit and dtype of images, and their probabilities, [n, c],
        dimensionless, of the dtype of floating labels, float32 (in 64-bit mode float64) for
        integers.

    Raises:
        TypeError: if images are no array, num_classes is missing or no int, or key is no key.
        ValueError: if images have not 4 dimensions, labels do not fit images or num_classes, or
            alpha is negative or infinite.
        IndexError: if there is no channel_axis; in a checked call, if a label is no class.

    Source:
        Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
        Features", 2019; as torchvision.transforms.v2.CutMix, which takes the next image in the
        batch for x[π]; beyond torch.distributions.Beta, torch 2.13.
    """
    x, y = as_array("cutmix", "images", images), as_array("cutmix", "labels", labels)
    if x.ndim != 4:
        raise ArgumentValueError(
            f"cutmix: images must have 4 dimensions, [n, c, h, w], got shape {x.shape}"
        )
    if not -4 <= channel_axis < 4 or channel_axis in (0, -4):
        raise InvalidIndexError(
            f"cutmix: channel_axis must be 1, 2, 3 or below 0, got {channel_axis}"
        )
    check_key("cutmix", key)
    _check_mixing("cutmix", x, y, alpha, num_classes)
    return _cutmix(key, x, y, alpha, num_classes, channel_axis % 4)


@program(static=("num_classes", "channel_axis"))
def _cutmix(
    key: Array,
    images: Array,
    labels: Array,
    alpha: ArrayLike,
    num_classes: int | None,
    channel_axis: int,
) -> tuple[Array, Array]:
    for_share, for_order, for_box = jax.random.split(key, 3)
    drawn = _drawn_share("cutmix", for_share, alpha)
    order = jax.random.permutation(for_order, images.shape[0])
    height, width = (n for i, n in enumerate(images.shape) if i not in (0, channel_axis))
    valid = ~jnp.isnan(drawn)
    inside = _box(for_box, jnp.where(valid, drawn, 1), height, width)
    mixed = jnp.where(jnp.expand_dims(inside, (0, channel_axis)), _reordered(images, order), images)
    pixels = max(height * width, 1)
    share = jnp.where(valid, (pixels - jnp.sum(inside)) / pixels, jnp.nan)
    return mixed, _blend(_soft("cutmix", labels, num_classes), order, share)


def _box(key: Array, share: Array, height: int, width: int) -> Array:
    """[h, w], True inside a box whose area is (1 - share) h w, less what lies outside the image."""
    half = 0.5 * jnp.sqrt(1 - share)
    sides: list[Array] = []
    for size, k in zip((height, width), jax.random.split(key), strict=True):
        # In 64-bit mode as well: one key gives one box.
        center = jax.random.randint(k, (), 0, max(size, 1), jnp.int32)
        reach = jnp.floor(half * size).astype(jnp.int32)
        place = jnp.arange(size)
        sides.append((place >= center - reach) & (place < center + reach))
    return sides[0][:, None] & sides[1][None, :]
