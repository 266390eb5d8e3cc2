"""Laws of mixup, cutmix and smooth_labels, each with one false alarm in a million."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from parity.suite.rows import laws

Floats: TypeAlias = NDArray[np.float64]
Subject = Callable[..., Any]

ALARM = 1e-6
DRAWS = 4096
ALPHAS = (0.2, 1.0, 4.0)
COUNT = 16
# Of images whose boxes are looked at.
HEIGHT, WIDTH = 9, 14


def _stats() -> Any:
    return importlib.import_module("scipy.stats")


@functools.lru_cache(maxsize=4)
def _mixup_labels(function: Subject) -> Floats:
    """[alphas, draws, n, n], the mixed one-hot labels of n images."""
    import jax
    import jax.numpy as jnp

    identity = jnp.eye(COUNT)

    def draw(alpha: Any, key: Any) -> Any:
        return function(key, identity, identity, alpha)[1]

    drawn: Any = jax.jit(jax.vmap(jax.vmap(draw, (None, 0)), (0, None)))
    keys = jax.random.split(jax.random.key(1), DRAWS)
    return np.asarray(drawn(np.asarray(ALPHAS, np.float32), keys), np.float64)


def _shares_are_beta(subject: Subject) -> str | None:
    """Compares λ with Beta(alpha, alpha), from images that are mixed with another image."""
    drawn = _mixup_labels(subject)
    # A permutation of this many images that moves none does not occur.
    shares = drawn.diagonal(axis1=2, axis2=3).min(axis=2)
    for alpha, share in zip(ALPHAS, shares, strict=True):
        found = _stats().ks_1samp(share, _stats().beta(alpha, alpha).cdf, method="asymp")
        if found.pvalue < ALARM:
            return f"alpha={alpha}: Kolmogorov and Smirnov's D = {found.statistic:.3g}"
    return None


def _partners_are_uniform(subject: Subject) -> str | None:
    """By Pearson's statistic of an image's partner; every image is a partner once."""
    drawn = _mixup_labels(subject)[-1]
    share = drawn.diagonal(axis1=1, axis2=2).min(axis=1)
    # In draws where the partner has the larger share, argmax finds the partner.
    partners = drawn[share < 0.49].argmax(axis=2)
    if not np.array_equal(np.sort(partners, axis=1), np.tile(np.arange(COUNT), (len(partners), 1))):
        return "partners are no permutation"
    for image in (0, 5):
        found = _stats().chisquare(np.bincount(partners[:, image], minlength=COUNT))
        if found.pvalue < ALARM:
            return f"partners of image {image} are not uniform: chi2 {found.statistic:.1f}"
    return None


def _mixed(subject: Subject, seed: int, alpha: float) -> tuple[Any, Any]:
    """The mixed images and labels for a key, and whether they are unchanged."""
    import jax

    x = np.random.default_rng(0).normal(size=(8, 1, 6, 6)).astype(np.float32)
    y = np.eye(8, dtype=np.float32)
    images, labels = subject(jax.random.key(seed), x, y, alpha)
    return np.asarray(images), np.array_equal(images, x) and np.array_equal(labels, y)


def _nothing_is_mixed_without_alpha(subject: Subject) -> str | None:
    for seed in range(8):
        if not _mixed(subject, seed, 0.0)[1]:
            return f"key {seed}: images or labels change"
    return None


def _follows_its_key(subject: Subject) -> str | None:
    draws = [_mixed(subject, seed, 1.0)[0] for seed in (5, 5, 6)]
    if not np.array_equal(draws[0], draws[1]):
        return "the same key gives other images"
    return "another key gives the same images" if np.array_equal(draws[0], draws[2]) else None


@functools.lru_cache(maxsize=4)
def _boxes(function: Subject, channel_axis: int) -> tuple[Floats, Floats]:
    """[draws, h, w], the image that each pixel is from, and the share of the image's own label.

    The first image is 0 and the second is 1.
    """
    import jax
    import jax.numpy as jnp

    images = jnp.broadcast_to(jnp.arange(2.0)[:, None, None], (2, HEIGHT, WIDTH))

    def draw(key: Any) -> Any:
        of_one_channel = jnp.expand_dims(images, channel_axis)
        mixed, labels = function(key, of_one_channel, jnp.eye(2), channel_axis=channel_axis)
        return jnp.squeeze(mixed, channel_axis)[0], labels[0, 0]

    drawn: Any = jax.jit(jax.vmap(draw))
    pixels, shares = drawn(jax.random.split(jax.random.key(2), DRAWS))
    return np.asarray(pixels, np.float64), np.asarray(shares, np.float64)


def _in_both_layouts(law: Callable[[Floats, Floats], str | None]) -> Callable[..., str | None]:
    """The law of boxes, from their pixels and shares, with channels on axis 1 and last."""

    @functools.wraps(law)
    def broken(subject: Subject) -> str | None:
        found = ((axis, law(*_boxes(subject, axis))) for axis in (1, -1))
        return next((f"channel_axis={axis}: {text}" for axis, text in found if text), None)

    return broken


@_in_both_layouts
def _labels_count_pixels(pixels: Floats, shares: Floats) -> str | None:
    off = np.abs(shares - (1 - pixels.mean(axis=(1, 2)))).max()
    return f"a label's share is off its pixels' by {off:.3g}" if off > 1e-6 else None


@_in_both_layouts
def _boxes_are_rectangles(pixels: Floats, shares: Floats) -> str | None:
    rows, columns = pixels.max(axis=2), pixels.max(axis=1)
    if not np.array_equal(pixels, rows[:, :, None] * columns[:, None, :]):
        return "a box is no rectangle"
    if max(_gaps(rows), _gaps(columns)):
        return "a box has a gap"
    return None


def _gaps(inside: Floats) -> int:
    """The number of draws in which the positions inside the box are not contiguous."""
    starts = np.diff(inside, axis=1, prepend=0.0) > 0
    return int((starts.sum(axis=1) > 1).sum())


@_in_both_layouts
def _boxes_have_their_distribution(pixels: Floats, shares: Floats) -> str | None:
    """Compares boxes' numbers of pixels with draws in numpy, half of which have no partner."""
    drawn, expected = pixels.sum(axis=(1, 2)), _areas(HEIGHT, WIDTH)
    found = _stats().ks_2samp(drawn[drawn > 0], expected[expected > 0], method="asymp")
    differ = f"sizes of boxes: Kolmogorov and Smirnov's D = {found.statistic:.3g}"
    return differ if found.pvalue < ALARM else None


@functools.cache
def _areas(height: int, width: int, draws: int = 1 << 18) -> Floats:
    """The numbers of pixels of boxes as drawn by Yun et al., with alpha = 1."""
    rng = np.random.default_rng(3)
    side = np.sqrt(1 - rng.uniform(size=draws))
    covered = np.ones(draws)
    for size in (height, width):
        center, reach = rng.integers(size, size=draws), (side * size / 2).astype(np.int64)
        low, high = np.maximum(center - reach, 0), np.minimum(center + reach, size)
        covered *= high - low
    return covered


def _makes_cross_entropy_smooth(subject: Subject) -> str | None:
    """Compares -Σ q log softmax with torch's cross_entropy(label_smoothing), in float64."""
    torch: Any = importlib.import_module("torch")
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(32, 7)), rng.integers(7, size=32)
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    for smoothing in (0.0, 0.1, 0.9, 1.0):
        found = -(np.asarray(subject(labels, 7, smoothing), np.float64) * logs).sum(1)
        expected = torch.nn.functional.cross_entropy(
            torch.tensor(scores), torch.tensor(labels), reduction="none", label_smoothing=smoothing
        ).numpy()
        if np.abs(found - expected).max() > 2e-6:
            return f"smoothing={smoothing}: off by {np.abs(found - expected).max():.3g}"
    return None


_MIXING = laws(_follows_its_key, _nothing_is_mixed_without_alpha)
MIXUP = (*_MIXING, *laws(_shares_are_beta, _partners_are_uniform))
CUTMIX = (
    *_MIXING,
    *laws(_labels_count_pixels, _boxes_are_rectangles, _boxes_have_their_distribution),
)
SMOOTH_LABELS = laws(_makes_cross_entropy_smooth)
