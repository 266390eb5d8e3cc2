"""Laws of random augmentation, and functions that recover its draws.

Every statistical test has a fixed key; a correct function fails it with a probability of one in a
million (ALARM). The theme's mutants show which errors the tests detect. Draws are recovered from
the results for images in which the value of every pixel encodes its position. Distributions are
tested for a batch, and for single images over which the function is mapped.
"""

from __future__ import annotations

import colorsys
import functools
import importlib
import itertools
import math
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from parity.spec import Law, Values

Floats: TypeAlias = NDArray[np.float64]
Subject = Callable[..., Any]
Observer = Callable[[Subject, tuple[Any, ...], Values], Floats]

ALARM = 1e-6
COUNT = 1 << 14
# The quantiles at the false-alarm rate: of sqrt(n) D, where P(sqrt(n) D > z) = 2 exp(-2 z^2), and
# of a normal number, 4.9.
KOLMOGOROV = math.sqrt(math.log(2 / ALARM) / 2)
NORMAL_QUANTILE = 4.9


def _key(seed: int = 0) -> Any:
    import jax

    return jax.random.key(seed)


def _called(subject: Subject, images: Any, seed: int = 0, **values: Any) -> Any:
    return np.asarray(subject(_key(seed), images, **values))


def _drawn(observe: Observer, subject: Subject, *shape: int, **values: Any) -> Floats:
    """The draws for images of this shape."""
    images = np.empty(shape, np.float32)
    return observe(functools.partial(subject, _key()), (images,), values)


# ----------------------------------------------------------------------------------- observed draws


def _moved(shape: tuple[int, ...], values: Values) -> tuple[tuple[int, ...], dict[str, Any]]:
    """The shape with the channels on axis 1, and the other values."""
    others = dict(values)
    axes = list(shape)
    channels = axes.pop(others.pop("channel_axis", 1))
    return (axes[0], channels, *axes[1:]), others


def _numbered(shape: tuple[int, ...]) -> Any:
    """Images whose pixels are 1, 2, 3, ..."""
    pixels = 1 + np.arange(math.prod(shape[-2:]), dtype=np.float32)
    return np.broadcast_to(pixels.reshape(shape[-2:]), shape)


def corners(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n, 2], the upper left corners of the windows in the padded image."""
    shape, values = _moved(images[0].shape, values)
    out = np.asarray(subject(_numbered(shape), **values), np.float64)[:, 0]
    # Pixels whose neighbours are those of the image, unlike at mirrored and repeated pixels.
    right, down = np.diff(out, axis=2)[:, :-1], np.diff(out, axis=1)[:, :, :-1]
    inside = (right == 1) & (down == shape[-1])
    place = inside.reshape(len(out), -1).argmax(1)
    row, column = np.divmod(place, inside.shape[2])
    number = out[np.arange(len(out)), row, column] - 1
    margins: Any = values.get("padding", 0)
    left, top = (margins, margins) if isinstance(margins, int) else margins[:2]
    return np.stack([number // shape[-1] + top - row, number % shape[-1] + left - column], 1)


def flips(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n], 1 where the last row or column comes first."""
    shape, values = _moved(images[0].shape, values)
    out = np.asarray(subject(_numbered(shape), **values))[:, 0]
    first, beside, below = out[:, 0, 0], out[:, 0, -1], out[:, -1, 0]
    return ((beside < first) | (below < first)).astype(np.float64)


def matrices(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n, 2, 3], the positions from which the result's pixels are read, in half images."""
    (n, _, height, width), values = _moved(images[0].shape, values)
    y, x = np.indices((height, width), np.float64)
    places = np.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1, np.ones_like(x)])
    told = np.broadcast_to(places, (n, 3, height, width)).astype(np.float32)
    given = {**values, "fill": 0.0, "interpolation": "bilinear"}
    out = np.asarray(subject(told, **given), np.float64).reshape(n, 3, -1)
    pixels = places.reshape(3, -1)
    # A mean of four ones is not exactly 1.
    inside = np.abs(out[:, 2] - 1) < 1e-5
    lstsq: Any = functools.partial(np.linalg.lstsq, rcond=None)
    each = zip(out[:, :2], inside, strict=True)
    return np.stack([lstsq(pixels[:, i].T, image[:, i].T)[0].T for image, i in each])


def erased(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n, 1, h, w], 1 inside the erased rectangle."""
    shape, values = _moved(images[0].shape, values)
    ones = np.ones(shape, np.float32)
    out = np.asarray(subject(ones, **{**values, "value": 0.0}), np.float64)
    return (out[:, :1] == 0).astype(np.float64)


# Red, green and blue.
PROBES = {"brightness": (0.5, 0.0, 0.0), "hue": (0.75, 0.5, 0.25)}


def factors(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n], the factors, from the difference of red and green; for hue, the angles of rotation."""
    _, values = _moved(images[0].shape, values)
    changed = [name for name, strength in values.items() if strength]
    if not changed:
        return np.ones(len(images[0]))
    (name,) = changed
    probe = np.asarray(PROBES.get(name, (0.55, 0.45, 0.45)), np.float32)
    told = np.broadcast_to(probe[:, None, None], (len(images[0]), 3, 1, 1))
    out = np.asarray(subject(told, **values), np.float64)[:, :, 0, 0]
    if name != "hue":
        return (out[:, 0] - out[:, 1]) / (np.float64(probe[0]) - np.float64(probe[1]))
    hues = np.array([colorsys.rgb_to_hsv(*color)[0] for color in out.tolist()])
    return (hues - 1 / 12 + 0.5) % 1.0 - 0.5


# ------------------------------------------------------------------------------------------- tests


def _uniform(name: str, values: Floats, low: float, high: float, slack: float = 0.0) -> str | None:
    """The Kolmogorov-Smirnov test and `_unrelated`; rounding adds `slack` to the distance."""
    if values.min() < low - 1e-4 or values.max() > high + 1e-4:
        return f"{name}: from {values.min():.4g} to {values.max():.4g}, not {low:.4g} to {high:.4g}"
    place = (np.sort(values.ravel()) - low) / (high - low)
    rank = np.arange(values.size + 1) / values.size
    gap = float(max(np.abs(place - rank[1:]).max(), np.abs(place - rank[:-1]).max()))
    limit = KOLMOGOROV / math.sqrt(values.size) + slack
    if gap > limit:
        return f"{name}: not uniform: distance {gap:.3g} > {limit:.3g}"
    return _unrelated(name, values)


def _likely(name: str, counts: Any, expected: Any) -> str | None:
    """Compares Pearson's statistic with its quantile."""
    stats: Any = importlib.import_module("scipy.stats")
    statistic = float(((counts - expected) ** 2 / expected).sum())
    limit = float(stats.chi2.isf(ALARM, np.size(counts) - 1))
    return f"{name}: chi2 {statistic:.1f} > {limit:.1f}" if statistic > limit else None


def _rate(found: NDArray[Any], expected: float) -> str | None:
    """Tests how often something happens, by the normal approximation of the binomial."""
    error = math.sqrt(expected * (1 - expected) * found.size)
    off = (found.sum() - expected * found.size) / error
    return f"{found.mean():.4f}, not {expected}" if abs(off) > NORMAL_QUANTILE else None


def _unrelated(name: str, values: Any) -> str | None:
    """Tests the correlation of neighbours in a batch, and of one key's draw with the next one's."""
    if np.ptp(values) == 0:
        return f"{name}: all images have the same draw"
    centred = (values - values.mean()) / values.std()
    found = float((centred[1:] * centred[:-1]).sum()) / math.sqrt(values.size - 1)
    off = abs(found) > NORMAL_QUANTILE
    return f"{name}: neighbours agree: {found:.1f} standard errors" if off else None


# -------------------------------------------------------------------------------------------- laws


def _corners_are_uniform(subject: Subject) -> str | None:
    """All 7 times 5 windows of 4 by 6 pixels in 5 by 7 pixels padded by 2 and 1, as pairs."""
    found = _drawn(corners, subject, COUNT, 1, 6, 8, size=(4, 6), padding=(1, 2))
    rows, columns = found.astype(int).T
    if found.min() < 0 or rows.max() > 6 or columns.max() > 4:
        return f"corners up to {found.max(0)}, not (6, 4)"
    counts = np.bincount(rows * 5 + columns, minlength=35)
    after = np.bincount(rows[1:] * 7 + rows[:-1], minlength=49)
    return (
        _likely("windows", counts, COUNT / 35)
        or _likely("rows of neighbours", after, (COUNT - 1) / 49)
        or _unrelated("columns", columns)
    )


def _have_their_rate(subject: Subject) -> str | None:
    """A share of 0.3 for p=0.3, none for p=0 and all for p=1."""
    none, some, every = (_drawn(flips, subject, COUNT, 1, 2, 2, p=p) for p in (0.0, 0.3, 1.0))
    if none.any() or not every.all():
        return "not none at p=0 or not all at p=1"
    return _rate(some, 0.3) or _unrelated("flips", some)


def _maps(subject: Subject, **values: Any) -> Floats:
    return _drawn(matrices, subject, COUNT // 4, 3, 9, 9, **values)


def _angles_are_uniform(subject: Subject, sign: int = -1) -> str | None:
    """The angles are uniform, and counter-clockwise for rotations."""
    maps = [_maps(subject, degrees=degrees) for degrees in (40.0, (-10.0, 30.0))]
    about, between = (sign * np.degrees(np.arctan2(m[:, 0, 1], m[:, 0, 0])) for m in maps)
    return _uniform("one angle", about, -40, 40) or _uniform("two angles", between, -10, 30)


def _translations_are_whole_and_uniform(subject: Subject) -> str | None:
    """Shifts are up to 0.3 times 9 pixels along x and 0.1 times 9 along y, rounded."""
    found = -_maps(subject, degrees=0.0, translate=(0.3, 0.1))[:, :, 2] * 9 / 2
    if np.abs(found - np.rint(found)).max() > 1e-3:
        return "shifts are not whole pixels"
    for column, most in zip(np.rint(found).astype(int).T, (2.7, 0.9), strict=True):
        largest = round(most)
        if np.abs(column).max() > largest:
            return f"a shift of {np.abs(column).max()}, not up to {most}"
        share = np.full(2 * largest + 1, 1 / (2 * most))
        share[[0, -1]] = (most - largest + 0.5) / (2 * most)
        counts = np.bincount(column + largest, minlength=share.size)
        name = f"shifts of up to {most}"
        complaint = _likely(name, counts, share * len(column)) or _unrelated(name, column)
        if complaint:
            return complaint
    return None


def _scales_are_uniform(subject: Subject) -> str | None:
    found = 1 / _maps(subject, degrees=0.0, scale=(0.8, 1.3))[:, 0, 0]
    return _uniform("scales", found, 0.8, 1.3)


def _shears_are_uniform(subject: Subject) -> str | None:
    """The inverse of a shear by an angle is a shear by the opposite angle."""
    one = _maps(subject, degrees=0.0, shear=20.0)
    two = _maps(subject, degrees=0.0, shear=(0.0, 0.0, 5.0, 15.0))
    along_x, along_y = (np.degrees(np.arctan(found)) for found in (one[:, 0, 1], two[:, 1, 0]))
    return _uniform("x", along_x, -20, 20) or _uniform("y", along_y, 5, 15)


def _factors_are_uniform(subject: Subject) -> str | None:
    """Factors are between max(0, 1 - s) and 1 + s for a strength s; or between two numbers."""
    settings: tuple[tuple[str, Any, float, float], ...] = (
        ("brightness", 0.4, 0.6, 1.4),
        ("brightness", 1.5, 0.0, 2.5),
        ("contrast", 0.5, 0.5, 1.5),
        ("saturation", (0.25, 1.5), 0.25, 1.5),
        ("hue", 0.1, -0.1, 0.1),
        ("hue", (0.05, 0.25), 0.05, 0.25),
    )
    for name, value, low, high in settings:
        found = _drawn(factors, subject, COUNT, 3, 1, 1, **{name: value})
        # Colours are clipped at white: of the factors up to 2.5 only two thirds are visible.
        seen = found[found < 1.99]
        complaint = _uniform(f"{name}={value}", seen, low, min(high, 1.99))
        if complaint:
            return complaint
    return None


def _every_order_is_as_likely(subject: Subject) -> str | None:
    """With known factors the 24 orders give 24 different results, which tell the order."""
    known = {"brightness": 1.5, "contrast": 1.75, "saturation": 1.75, "hue": 0.25}
    image = np.random.default_rng(0).uniform(0.1, 0.9, (1, 3, 3, 3)).astype(np.float32)

    def changed(x: Any, *names: str) -> Any:
        return _called(subject, x, 0, **{name: (known[name], known[name]) for name in names})

    each = [functools.reduce(changed, order, image) for order in itertools.permutations(known)]
    found = changed(np.broadcast_to(image, (COUNT, *image.shape[1:])), *known)
    far = np.abs(found[:, None] - np.concatenate(each)).max((2, 3, 4))
    if far.min(1).max() > 1e-5:
        return "a result is that of no order"
    return _likely("orders", np.bincount(far.argmin(1), minlength=24), COUNT / 24)


def _rectangles(subject: Subject, side: int = 128, n: int = 2048, **values: Any) -> Floats:
    """[n, 4]: top, left, height and width."""
    images = np.ones((n, 1, side, side), np.uint8)
    inside = _called(subject, images, **values)[:, 0] == 0
    rows, columns = inside.any(2), inside.any(1)
    height, width = rows.sum(1), columns.sum(1)
    if not np.array_equal(inside.sum((1, 2)), height * width):
        raise ValueError("what is erased is no rectangle")
    return np.stack([rows.argmax(1), columns.argmax(1), height, width], 1).astype(np.float64)


def _areas_ratios_and_places_are_uniform(subject: Subject) -> str | None:
    """Sides are whole numbers of pixels, 20 to 90, so the distances may be slightly larger."""
    found = _rectangles(subject, p=1.0, scale=(0.05, 0.25), ratio=(0.5, 2.0))
    top, left, height, width = found.T
    if not (height > 0).all():
        return "nothing is erased at p=1"
    logs = np.clip(np.log2(height / width), -1, 1)
    area = np.clip(height * width / 128**2, 0.05, 0.25)
    down, right = (top + 0.5) / (129 - height), (left + 0.5) / (129 - width)
    return (
        _uniform("area", area, 0.05, 0.25, 0.02)
        or _uniform("logarithm of the ratio", logs, -1, 1, 0.02)
        or _uniform("rows", down, 0, 1, 0.02)
        or _uniform("columns", right, 0, 1, 0.02)
    )


def _erased_at_its_rate(subject: Subject) -> str | None:
    return _rate(_rectangles(subject, side=16, n=COUNT, p=0.3)[:, 2] > 0, 0.3)


def _what_does_not_fit_is_drawn_again(subject: Subject) -> str | None:
    """Half of the rectangles are too high; ten such draws in a row occur once in 1,000 images."""
    found = _rectangles(subject, side=64, p=1.0, scale=(0.4, 0.4), ratio=(1.0, 6.25))
    none = _rectangles(subject, side=64, p=1.0, scale=(0.4, 0.4), ratio=(3.0, 6.25))
    if none[:, 2].any():
        return "a rectangle as high as the image is erased"
    missing = int((found[:, 2] == 0).sum())
    # A Poisson variable with mean 2 exceeds 14 once in a million times.
    return f"{missing} of 2048 have no rectangle" if missing > 14 else None


def _noise_is_normal(subject: Subject) -> str | None:
    stats: Any = importlib.import_module("scipy.stats")
    images = np.full((256, 3, 16, 16), 9.0, np.float32)
    out = _called(subject, images, p=1.0, value=None).astype(np.float64)
    noise = out[out != 9.0]
    if np.unique(noise).size < 0.9 * noise.size:
        return "pixels have the same noise"
    return _uniform("normal numbers' probabilities", stats.norm.cdf(noise), 0, 1)


COLORFUL = np.random.default_rng(0).uniform(0.1, 0.9, (64, 3, 8, 8)).astype(np.float32)


def _follows_its_key(subject: Subject, **values: Any) -> str | None:
    first, again, other = (_called(subject, COLORFUL, seed, **values) for seed in (0, 0, 1))
    if not np.array_equal(first, again):
        return "the same key gives another result"
    if np.array_equal(first, other):
        return "another key gives the same result"
    same = _called(subject, np.broadcast_to(COLORFUL[:1], COLORFUL.shape), **values)
    return "every image of the batch has the same draw" if (same == same[:1]).all() else None


def _is_the_same_compiled_and_mapped(subject: Subject, **values: Any) -> str | None:
    import jax

    keys = jax.random.split(_key(), 4)
    apply: Any = functools.partial(subject, **values)
    single = np.stack([apply(k, x) for k, x in zip(keys, COLORFUL[:4], strict=True)])
    # Another program rounds differently: positions, and so the weights of pixels, by some ulp.
    mapped, compiled = cast(tuple[Any, Any], (jax.vmap(apply), jax.jit(apply)))
    if not np.allclose(mapped(keys, COLORFUL[:4]), single, atol=1e-5):
        return "mapped over keys and images the result is another one"
    same = np.allclose(compiled(_key(), COLORFUL), apply(_key(), COLORFUL), atol=1e-5)
    return None if same else "compiled the result is another one"


# ------------------------------------------------------------------------------------------- modes


def _mapped_over_single_images(subject: Subject) -> Subject:
    """The subject as one program, mapped over keys and images, whose channels are last."""
    import jax
    import jax.numpy as jnp

    # There is one program for each function and its hyperparameters.
    @functools.cache
    def compiled(**values: Any) -> Any:
        def of_one(key: Any, image: Any) -> Any:
            images = jnp.moveaxis(image, 0, -1)[None]
            return jnp.moveaxis(subject(key, images, channel_axis=-1, **values)[0], -1, 0)

        return jax.jit(jax.vmap(of_one))

    def call(key: Any, images: Any, **values: Any) -> Any:
        return compiled(**values)(jax.random.split(key, len(images)), images)

    return call


def _in_every_mode(law: Callable[..., str | None], **values: Any) -> Law:
    """The law of a batch, and of single images over which the subject is mapped."""

    def broken(subject: Subject) -> str | None:
        alone = law(subject, **values)
        mapped = alone or law(_mapped_over_single_images(subject), **values)
        return f"mapped: {mapped}" if mapped and not alone else alone

    return Law(name=law.__name__.strip("_"), violation=broken)


def _laws(*broken: Callable[..., str | None], **values: Any) -> tuple[Law, ...]:
    """The function's own laws, and with these arguments those of all functions."""
    return (
        *map(_in_every_mode, broken),
        *(
            Law(name=law.__name__.strip("_"), violation=functools.partial(law, **values))
            for law in _SHARED
        ),
    )


_SHARED = (_follows_its_key, _is_the_same_compiled_and_mapped)
MAP: Any = {"degrees": 50.0, "translate": (0.2, 0.2), "scale": (0.5, 1.5), "shear": 10.0}
STRENGTHS = {"brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "hue": 0.25}
CROP = _laws(_corners_are_uniform, size=6, padding=3)
FLIP = _laws(_have_their_rate)
ROTATION = _laws(_angles_are_uniform, degrees=50.0)
AFFINE = (
    _in_every_mode(_angles_are_uniform, sign=1),
    *_laws(_translations_are_whole_and_uniform, _scales_are_uniform, _shears_are_uniform, **MAP),
)
JITTER = _laws(_factors_are_uniform, _every_order_is_as_likely, **STRENGTHS)
ERASING = _laws(
    _areas_ratios_and_places_are_uniform,
    _erased_at_its_rate,
    _what_does_not_fit_is_drawn_again,
    _noise_is_normal,
    p=0.7,
)
COMPOSE = _laws()
