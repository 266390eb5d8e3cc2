"""What random augmentation has to keep to, whatever it draws, and what it drew.

Every statistical test is at a fixed key, and a right function fails it once in a million times
(ALARM); what they can see is shown by the theme's mutants. Draws are read off from what comes of
images in which every pixel tells its own place.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from parity.spec import Law, Values

Floats: TypeAlias = NDArray[np.float64]
Subject = Callable[..., Any]

ALARM = 1e-6
COUNT = 1 << 14
# P(sqrt(n) D > z) = 2 exp(-2 z^2) at the false-alarm rate, and that of a normal number: 4.9.
KOLMOGOROV = math.sqrt(math.log(2 / ALARM) / 2)
NORMAL_QUANTILE = 4.9


def _key(seed: int = 0) -> Any:
    import jax

    return jax.random.key(seed)


def _called(subject: Subject, images: Any, seed: int = 0, **values: Any) -> Any:
    return np.asarray(subject(images, key=_key(seed), **values))


# ---------------------------------------------------------------------------------- what was drawn


def _numbered(shape: tuple[int, ...]) -> Any:
    """Images whose pixels are 1, 2, 3, ..."""
    height, width = shape[-2:]
    pixels = 1 + np.arange(height * width, dtype=np.float32).reshape(height, width)
    return np.broadcast_to(pixels, shape)


def corners(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n, 2], the upper left corners of the windows in the padded image."""
    shape = tuple(images[0].shape)
    out = np.asarray(subject(_numbered(shape), **values), np.float64)[:, 0]
    # Where the image goes on as it should; mirrored and repeated pixels do not.
    right, down = np.diff(out, axis=2)[:, :-1], np.diff(out, axis=1)[:, :, :-1]
    inside = (right == 1) & (down == shape[-1])
    place = inside.reshape(len(out), -1).argmax(1)
    row, column = np.divmod(place, inside.shape[2])
    number = out[np.arange(len(out)), row, column] - 1
    margins: Any = values.get("padding", 0)
    left, top = (margins, margins) if isinstance(margins, int) else (margins[0], margins[1])
    return np.stack([number // shape[-1] + top - row, number % shape[-1] + left - column], 1)


def flips(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n], 1 where the last row or column comes first."""
    out = np.asarray(subject(_numbered(tuple(images[0].shape)), **values), np.float64)
    beside, below = out[:, 0, 0, -1], out[:, 0, -1, 0]
    return ((beside < out[:, 0, 0, 0]) | (below < out[:, 0, 0, 0])).astype(np.float64)


def matrices(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n, 2, 3], where the pixels of the result are read from, in half images."""
    shape = tuple(images[0].shape)
    n, _, height, width = shape
    y, x = np.indices((height, width), np.float64)
    places = np.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1, np.ones((height, width))])
    told = np.broadcast_to(places, (n, 3, height, width)).astype(np.float32)
    given = {**values, "fill": 0.0, "interpolation": "bilinear"}
    out = np.asarray(subject(told, **given), np.float64).reshape(n, 3, -1)
    pixels = places.reshape(3, -1)
    found: list[Floats] = []
    for image in out:
        inside = np.abs(image[2] - 1) < 1e-5
        # The numbers are no longer 1 to the last digit where they are a mean of four.
        solved: Any = np.linalg.lstsq(pixels[:, inside].T, image[:2, inside].T, rcond=None)
        found.append(solved[0].T)
    return np.stack(found)


def erased(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n, 1, h, w], 1 where a rectangle is."""
    ones = np.ones(tuple(images[0].shape), np.float32)
    out = np.asarray(subject(ones, **{**values, "value": 0.0}), np.float64)
    return (out[:, :1] == 0).astype(np.float64)


PROBES = {
    "brightness": np.full((3, 1, 2), 0.5),
    "contrast": np.broadcast_to((0.45, 0.55), (3, 1, 2)),
    "saturation": np.broadcast_to(np.array([0.55, 0.45, 0.45]).reshape(3, 1, 1), (3, 1, 2)),
    "hue": np.broadcast_to(np.array([0.75, 0.5, 0.25]).reshape(3, 1, 1), (3, 1, 2)),
}


def factors(subject: Subject, images: tuple[Any, ...], values: Values) -> Floats:
    """[n], of the one colour that is changed."""
    (name,) = values
    probe = np.broadcast_to(PROBES[name], (len(images[0]), 3, 1, 2)).astype(np.float32)
    out = np.asarray(subject(probe, **values), np.float64)
    if name == "brightness":
        return out[:, 0, 0, 0] / 0.5
    if name == "contrast":
        return (out[:, 0, 0, 1] - out[:, 0, 0, 0]) / np.float64(
            probe[0, 0, 0, 1] - probe[0, 0, 0, 0]
        )
    if name == "saturation":
        return (out[:, 0, 0, 0] - out[:, 1, 0, 0]) / np.float64(
            probe[0, 0, 0, 0] - probe[0, 1, 0, 0]
        )
    return _hue_changes(out[:, :, 0, 0])


def _hue_changes(colors: Floats) -> Floats:
    """From the hue 1/12 of the probe."""
    import colorsys

    hues = np.array([colorsys.rgb_to_hsv(*color)[0] for color in colors.tolist()])
    return (hues - 1 / 12 + 0.5) % 1.0 - 0.5


# ------------------------------------------------------------------------------------------- tests


def _uniform(values: Floats, low: float, high: float, slack: float = 0.0) -> str | None:
    """Kolmogorov's and Smirnov's; `slack` is what rounding adds to the distance."""
    if values.min() < low - 1e-4 or values.max() > high + 1e-4:
        return f"between {values.min():.4g} and {values.max():.4g}, not {low:.4g} and {high:.4g}"
    place = (np.sort(values.ravel()) - low) / (high - low)
    rank = np.arange(values.size + 1) / values.size
    gap = float(max(np.abs(place - rank[1:]).max(), np.abs(place - rank[:-1]).max()))
    limit = KOLMOGOROV / math.sqrt(values.size) + slack
    return f"not uniform: distance {gap:.3g} > {limit:.3g}" if gap > limit else None


def _likely(counts: Any, expected: Any) -> str | None:
    """Pearson's statistic against its quantile."""
    stats: Any = importlib.import_module("scipy.stats")
    statistic = float(((counts - expected) ** 2 / expected).sum())
    limit = float(stats.chi2.isf(ALARM, np.size(counts) - 1))
    return f"chi2 {statistic:.1f} > {limit:.1f}" if statistic > limit else None


def _unrelated(values: Floats) -> str | None:
    """The correlation of neighbours in the batch, and that of one key's draw with the next's."""
    if np.ptp(values) == 0:
        return "all images have the same draw"
    centred = (values - values.mean()) / values.std()
    found = float((centred[1:] * centred[:-1]).sum()) / math.sqrt(values.size - 1)
    return (
        f"neighbours agree: {found:.1f} standard errors" if abs(found) > NORMAL_QUANTILE else None
    )


def _first(*complaints: tuple[str, str | None]) -> str | None:
    return next((f"{name}: {text}" for name, text in complaints if text), None)


# -------------------------------------------------------------------------------------------- laws


def _corners_are_uniform(subject: Subject) -> str | None:
    """All 7 times 5 windows of 4 by 6 pixels in 5 by 7 with 2 and 1 around; as pairs."""
    images = np.empty((COUNT, 1, 6, 8), np.float32)
    values = {"size": (4, 6), "padding": (1, 2)}
    found = corners(functools.partial(subject, key=_key()), (images,), values)
    rows, columns = found.astype(int).T
    if found.min() < 0 or rows.max() > 6 or columns.max() > 4:
        return f"corners up to {found.max(0)}, not (6, 4)"
    counts = np.bincount(rows * 5 + columns, minlength=35)
    after = np.bincount(rows[1:] * 7 + rows[:-1], minlength=49)
    return _first(
        ("windows", _likely(counts, COUNT / 35)),
        ("rows of neighbours", _likely(after, (COUNT - 1) / 49)),
        ("columns", _unrelated(found[:, 1])),
    )


def _flips_have_their_rate(subject: Subject) -> str | None:
    """0.3 of them; none and all at 0 and 1."""
    images = (np.empty((COUNT, 1, 2, 2), np.float32),)

    def flipped(p: float) -> Floats:
        return flips(functools.partial(subject, key=_key()), images, {"p": p})

    if flipped(0.0).any() or not flipped(1.0).all():
        return "not none at p=0 or not all at p=1"
    found = flipped(0.3)
    off = (found.sum() - 0.3 * COUNT) / math.sqrt(0.3 * 0.7 * COUNT)
    rate = f"{found.mean():.4f}" if abs(off) > NORMAL_QUANTILE else None
    return _first(("rate at p=0.3", rate), ("independence", _unrelated(found)))


IMAGES = np.empty((COUNT // 4, 3, 9, 9), np.float32)


def _maps(subject: Subject, **values: Any) -> Floats:
    return matrices(functools.partial(subject, key=_key()), (IMAGES,), values)


def _angles(found: Floats) -> Floats:
    """Clockwise, in degrees."""
    return np.degrees(np.arctan2(found[:, 0, 1], found[:, 0, 0]))


def _angles_are_uniform(subject: Subject, sign: int = -1) -> str | None:
    """Counter-clockwise for rotations."""
    about, between = (sign * _angles(_maps(subject, degrees=d)) for d in (40.0, (-10.0, 30.0)))
    return _first(
        ("up to 40 degrees", _uniform(about, -40, 40)),
        ("-10 to 30 degrees", _uniform(between, -10, 30)),
        ("independence", _unrelated(about)),
    )


def _affine_angles_are_uniform(subject: Subject) -> str | None:
    return _angles_are_uniform(subject, sign=1)


def _translations_are_whole_and_uniform(subject: Subject) -> str | None:
    """Up to 0.3 times 9 pixels along x and 0.1 times 9 along y, rounded."""
    found = -_maps(subject, degrees=0.0, translate=(0.3, 0.1))[:, :, 2] * 9 / 2
    if np.abs(found - np.rint(found)).max() > 1e-3:
        return "shifts are not whole pixels"
    numbers = np.rint(found).astype(int)
    complaints: list[tuple[str, str | None]] = []
    for name, column, most in (("x", numbers[:, 0], 2.7), ("y", numbers[:, 1], 0.9)):
        largest = round(most)
        if np.abs(column).max() > largest:
            return f"{name}: a shift of {np.abs(column).max()}"
        share = np.full(2 * largest + 1, 1 / (2 * most))
        share[[0, -1]] = (most - largest + 0.5) / (2 * most)
        counts = np.bincount(column + largest, minlength=share.size)
        complaints.append((name, _likely(counts, share * len(column))))
    return _first(*complaints, ("independence", _unrelated(found[:, 0])))


def _scales_are_uniform(subject: Subject) -> str | None:
    found = 1 / _maps(subject, degrees=0.0, scale=(0.8, 1.3))[:, 0, 0]
    return _first(("scales", _uniform(found, 0.8, 1.3)), ("independence", _unrelated(found)))


def _shears_are_uniform(subject: Subject) -> str | None:
    """The inverse of a shear by an angle is one by its opposite."""
    one = _maps(subject, degrees=0.0, shear=20.0)
    two = _maps(subject, degrees=0.0, shear=(0.0, 0.0, 5.0, 15.0))
    along_x, along_y = (np.degrees(np.arctan(found)) for found in (one[:, 0, 1], two[:, 1, 0]))
    return _first(("x", _uniform(along_x, -20, 20)), ("y", _uniform(along_y, 5, 15)))


def _factors_are_uniform(subject: Subject) -> str | None:
    """From 1 less the number, but not below 0, to 1 more; or between two numbers."""
    images = (np.empty((COUNT, 3, 1, 1), np.float32),)
    settings: tuple[tuple[str, Any, float, float], ...] = (
        ("brightness", 0.4, 0.6, 1.4),
        ("brightness", 1.5, 0.0, 2.5),
        ("contrast", 0.5, 0.5, 1.5),
        ("saturation", (0.25, 1.5), 0.25, 1.5),
        ("hue", 0.1, -0.1, 0.1),
        ("hue", (0.05, 0.25), 0.05, 0.25),
    )
    for name, value, low, high in settings:
        found = factors(functools.partial(subject, key=_key()), images, {name: value})
        # What is brighter than white is white: two thirds of what is drawn below 2.5 is seen.
        seen = found[found < 1.99]
        complaint = _first(
            (f"{name}={value}", _uniform(seen, low, min(high, 1.99))),
            (f"{name}={value}, independence", _unrelated(found)),
        )
        if complaint:
            return complaint
    return None


def _every_order_is_as_likely(subject: Subject) -> str | None:
    """With four factors known, one image has 24 results; that of each order is one of them."""
    import itertools

    known = {"brightness": 1.5, "contrast": 1.75, "saturation": 1.75, "hue": 0.25}
    image = np.random.default_rng(0).uniform(0.1, 0.9, (1, 3, 3, 3)).astype(np.float32)

    def changed(x: Any, **values: float) -> Any:
        return _called(subject, x, 0, **{name: (value, value) for name, value in values.items()})

    orders = np.stack(
        [
            functools.reduce(lambda x, name: changed(x, **{name: known[name]}), order, image)[0]
            for order in itertools.permutations(known)
        ]
    )
    found = changed(np.broadcast_to(image, (COUNT, *image.shape[1:])), **known)
    far = np.abs(found[:, None] - orders[None]).max((2, 3, 4))
    if far.min(1).max() > 1e-5:
        return "a result is that of no order"
    return _likely(np.bincount(far.argmin(1), minlength=24), COUNT / 24)


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
    """Sides are whole pixels, of 20 to 90: the distances may be a little larger."""
    found = _rectangles(subject, p=1.0, scale=(0.05, 0.25), ratio=(0.5, 2.0))
    top, left, height, width = found.T
    if not (height > 0).all():
        return "nothing is erased at p=1"
    logs = np.clip(np.log2(height / width), -1, 1)
    area = np.clip(height * width / 128**2, 0.05, 0.25)
    down, right = (top + 0.5) / (129 - height), (left + 0.5) / (129 - width)
    return _first(
        ("area", _uniform(area, 0.05, 0.25, 0.02)),
        ("logarithm of the ratio", _uniform(logs, -1, 1, 0.02)),
        ("rows", _uniform(down, 0, 1, 0.02)),
        ("columns", _uniform(right, 0, 1, 0.02)),
        ("independence", _unrelated(area)),
        ("independence of places", _unrelated(down)),
    )


def _erased_at_its_rate(subject: Subject) -> str | None:
    found = _rectangles(subject, side=16, n=COUNT, p=0.3)[:, 2] > 0
    off = (found.sum() - 0.3 * COUNT) / math.sqrt(0.3 * 0.7 * COUNT)
    return f"{found.mean():.4f}, not 0.3" if abs(off) > NORMAL_QUANTILE else None


def _what_does_not_fit_is_drawn_again(subject: Subject) -> str | None:
    """Too high are half of the rectangles: ten of them are once in a thousand images."""
    found = _rectangles(subject, side=64, p=1.0, scale=(0.4, 0.4), ratio=(1.0, 6.25))
    none = _rectangles(subject, side=64, p=1.0, scale=(0.4, 0.4), ratio=(3.0, 6.25))
    if none[:, 2].any():
        return "a rectangle as high as the image is erased"
    missing = int((found[:, 2] == 0).sum())
    # Poisson's distribution of mean 2 exceeds 14 once in a million times.
    return f"{missing} of 2048 have no rectangle" if missing > 14 else None


def _noise_is_normal(subject: Subject) -> str | None:
    stats: Any = importlib.import_module("scipy.stats")
    images = np.full((256, 3, 16, 16), 9.0, np.float32)
    out = _called(subject, images, p=1.0, value=None).astype(np.float64)
    noise = out[out != 9.0]
    gap = float(stats.kstest(noise, "norm").statistic) * math.sqrt(noise.size)
    if np.unique(noise).size < 0.9 * noise.size:
        return "pixels have the same noise"
    return f"not normal: sqrt(n) D = {gap:.3g}" if gap > KOLMOGOROV else None


def _follows_its_key(subject: Subject, **values: Any) -> str | None:
    images = np.random.default_rng(0).uniform(0.1, 0.9, (64, 3, 8, 8)).astype(np.float32)
    first, again, other = (_called(subject, images, seed, **values) for seed in (0, 0, 1))
    if not np.array_equal(first, again):
        return "the same key gives another result"
    if np.array_equal(first, other):
        return "another key gives the same result"
    same = _called(subject, np.broadcast_to(images[:1], images.shape), 0, **values)
    if (same == same[:1]).all():
        return "every image of the batch has the same draw"
    return None


def _is_the_same_compiled_and_mapped(subject: Subject, **values: Any) -> str | None:
    import jax

    images = np.random.default_rng(0).uniform(0.1, 0.9, (64, 3, 8, 8)).astype(np.float32)

    def apply(key: Any, x: Any) -> Any:
        return subject(x, key=key, **values)

    keys = jax.random.split(_key(), 4)
    single = [np.asarray(apply(k, x)) for k, x in zip(keys, images[:4], strict=True)]
    # Another program rounds differently: the weights of turned pixels by some ulp of their places.
    mapped = np.asarray(jax.vmap(apply)(keys, images[:4]))
    if not np.allclose(mapped, np.stack(single), atol=1e-5):
        return "mapped over keys and images the result is another one"
    compiled = cast(Any, jax.jit(apply))
    if not np.allclose(
        np.asarray(compiled(_key(), images)), _called(subject, images, **values), atol=1e-5
    ):
        return "compiled the result is another one"
    return None


def _random(*laws: tuple[str, Callable[[Subject], str | None]], **values: Any) -> tuple[Law, ...]:
    """The function's own laws, and those of all with these arguments."""
    shared = {
        "follows_its_key": _follows_its_key,
        "is_the_same_compiled_and_mapped": _is_the_same_compiled_and_mapped,
    }
    return (
        *(Law(name=name, broken=broken) for name, broken in laws),
        *(
            Law(name=name, broken=functools.partial(broken, **values))
            for name, broken in shared.items()
        ),
    )


CROP = _random(("corners_are_uniform", _corners_are_uniform), size=6, padding=3)
FLIP = _random(("have_their_rate", _flips_have_their_rate))
ROTATION = _random(("angles_are_uniform", _angles_are_uniform), degrees=50.0)
AFFINE = _random(
    ("angles_are_uniform", _affine_angles_are_uniform),
    ("translations_are_whole_and_uniform", _translations_are_whole_and_uniform),
    ("scales_are_uniform", _scales_are_uniform),
    ("shears_are_uniform", _shears_are_uniform),
    degrees=50.0,
    translate=(0.2, 0.2),
    scale=(0.5, 1.5),
    shear=10.0,
)
JITTER = _random(
    ("factors_are_uniform", _factors_are_uniform),
    ("every_order_is_as_likely", _every_order_is_as_likely),
    brightness=0.5,
    contrast=0.5,
    saturation=0.5,
    hue=0.25,
)
ERASING = _random(
    ("areas_ratios_and_places_are_uniform", _areas_ratios_and_places_are_uniform),
    ("erased_at_its_rate", _erased_at_its_rate),
    ("what_does_not_fit_is_drawn_again", _what_does_not_fit_is_drawn_again),
    ("noise_is_normal", _noise_is_normal),
    p=0.7,
)
COMPOSE = _random()
