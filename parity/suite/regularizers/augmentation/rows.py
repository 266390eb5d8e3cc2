"""Makers of the rows of augmentation: transformations of images, random or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from parity.domains import Choice, Domain, Draw, Either, Made, Number, OneOf, Tensor, Together
from parity.dtypes import rounded
from parity.spec import (
    FLOATS,
    Array,
    BadCall,
    Budget,
    Fixed,
    ObservedDraw,
    Samples,
    Setting,
    Spec,
    on,
)
from parity.suite.choices import channel_axis
from parity.suite.rows import FORWARD, HALVES, SINGLE, Theme, each, setting, values_only

# Neither square nor with as many rows as channels, so that no axis can be taken for another.
SHAPE = (3, 3, 5, 7)
IMAGES = Samples(shape=SHAPE, center=0.5, scale=0.25)
CHECKS = ("forward", "vjp", "vmap", "jit", "shapes", "error", "signature")
# torch has no double backward of grid_sample; linear functions have none either.
CURVED = ("jvp", "second", *CHECKS)
MOVED = (*FLOATS, "int32", "uint8")
FIELDS = {"inputs": (IMAGES,), "checks": CHECKS, "extra": ("channel_axis",)}
THEME = Theme("regularizers", "augmentation.", FIELDS)
X = np.full(SHAPE, 0.5, np.float32)
LEVELS = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
# Like photographs, these images have grey, black and white pixels.
LEVELS[:, :, 0, 0], LEVELS[:, :, 0, 1], LEVELS[:, :, 0, 2] = 128, 0, 255
PHOTOGRAPHS = Fixed(values=LEVELS / 255)
BYTES = np.array([1, 0, 2], np.uint8)
COLOR = Samples(shape=(3,), axis=None)
NEAREST: Any = {"interpolation": "nearest"}
SUMS = "a sum over the pixels of an image"


def sums(floor: float, ulp: float = 4, reason: str = SUMS) -> dict[Any, Budget]:
    """Budgets for gradients, and for compiled and mapped calls, which compute them too."""
    floats = Budget(ulp=ulp, floor=floor, everywhere=True, reason=reason)
    halves = Budget(ulp=1, floor=1, everywhere=True, reason=SUMS)
    several = ("vjp", "vmap", ("jit", "float32"))
    return {**each(("vjp",), HALVES, halves), **dict.fromkeys(several, floats)}


def transform(
    name: str, *parts: Setting | BadCall, required: tuple[Any, ...] = (), **fields: Any
) -> Spec:
    """A row made of settings and calls to refuse; `required` are the arguments besides images."""
    return THEME.row_beyond(
        name,
        settings=tuple(part for part in parts if isinstance(part, Setting)),
        bad_calls=(
            THEME.bad("a_list", "images that are a list", [1.0], *required),
            THEME.bad("two_axes", "images of two axes", X[0, 0], *required),
            *(part for part in parts if isinstance(part, BadCall)),
        ),
        **fields,
    )


def with_arrays(label: str, **arguments: Any) -> Setting:
    """A setting; its arguments that are lists or descriptions become arrays."""
    arrays: dict[str, Any] = {}
    for name in [n for n, v in arguments.items() if isinstance(v, Samples | list | np.ndarray)]:
        value = arguments.pop(name)
        arrays[name] = value if isinstance(value, Samples) else Fixed(values=value)
    return setting(label=label, arrays=arrays, **arguments)


def by(function: str, label: str, *inputs: Array, **fields: Any) -> Setting:
    """A setting that compares only values, with a numpy function; `of` is an option of it."""
    options = {"of": fields.pop("of")} if "of" in fields else {}
    target = on("numpy", THEME.reference(function).name, **options)
    return values_only(*inputs, label=f"by_{label}", reference=target, truth="reference", **fields)


def by_pillow(of: str, levels: int = 1, **values: Any) -> Setting:
    """A comparison with Pillow; results may be off by this many of its 256 levels."""
    reason = "Pillow rounds or truncates means and results to one of 256 levels"
    floor = (levels + 0.01) / 255 / 2.0**-23
    budget = Budget(ulp=0, floor=floor, everywhere=True, reason=reason)
    return by("by_pillow", f"pillow_{of}", PHOTOGRAPHS, of=of, budget=budget, **values)


def of_levels(label: str, of: str, **values: Any) -> Setting:
    """A comparison of uint8 values with a numpy function, which rounds once."""
    images = Fixed(values=LEVELS)
    return by("of_levels", f"{label}_of_levels", images, of=of, dtypes=("uint8",), **values)


# ------------------------------------------------------------------------------------- domains

PLACES = ("n c h w", "n h w c")
# Small images: a long axis has no blocks of its own.
LENGTHS = {"n": (3, 1), "c": (3, 1), "h": (5, 1), "w": (7, 1, 5)}
# A map is measured on images of several rows and columns.
LENGTHS_OF_MEASURED = {"n": (6, 1), "c": (3,), "h": (9,), "w": (11,)}
PIXELS = Tensor(axes=PLACES, low=0.0, high=1.0)
INTERPOLATION = OneOf("bilinear", "nearest")
# One number, or one for each channel.
PAINT = Either(number=Number(0.0, 0.5), color=Tensor(axes=("c",)))


def domain_of(
    *,
    images: Choice = PIXELS,
    lengths: Mapping[str, tuple[int, ...]] = LENGTHS,
    impossible: tuple[Together, ...] = (),
    **arguments: Choice,
) -> Domain:
    """Images with the channels on axis 1 or on the last one, and other arguments."""
    return Domain(
        arguments={"images": images, **arguments, "channel_axis": channel_axis("images")},
        lengths=lengths,
        impossible=impossible,
    )


def each_of(draw_of: Callable[[Any, tuple[int, ...]], Any], *inner: int) -> Made:
    """An array for each image, [n, *inner]: numbers without ties, which are often kinks."""

    def made(draw: Draw) -> Any:
        return rounded(draw_of(draw.random("each"), (draw.lengths["n"], *inner)), draw.dtype)

    return Made(made)


def integers(low: int, high: int) -> Made:
    """An integer for each image."""
    return Made(lambda draw: draw.random(f"{low}").integers(low, high, draw.lengths["n"], np.int32))


# ------------------------------------------------------------------------------ random functions

# A draw that is measured on float32 images is not precise enough for float64.
MEASURED = ("float32", "bfloat16")
DRAWN_IMAGES = Samples(shape=(6, 3, 9, 11), center=0.5, scale=0.2)
DRAWN_DTYPES = (*MEASURED, "float64", "uint8")
DRAWN_FIELDS = {
    "inputs": (DRAWN_IMAGES,),
    # Laws check mapped and compiled calls, with their own keys.
    "checks": (*FORWARD, "shapes", "signature", "law"),
    "extra": ("key", "channel_axis"),
}
DRAWN_THEME = Theme("regularizers", "augmentation.", DRAWN_FIELDS)


def drawn(
    name: str,
    observe: Callable[..., Any],
    *settings: Setting,
    dtypes: Any = MEASURED,
    **fields: Any,
) -> Spec:
    """A row whose reference gets the draw that `observe` recovers."""
    random = ObservedDraw(seed=3, observe=observe, at=0)
    drawn_once = tuple(replace(setting, random=random) for setting in settings)
    fields |= {"settings": drawn_once, "dtypes": dtypes, "omitted": ("drawn",)}
    return DRAWN_THEME.row_beyond(name, **fields)


def measured(floor: float, reason: str) -> dict[Any, Budget]:
    """Budgets for results that depend on numbers measured on other results."""
    half = "what was drawn is measured in half precision"
    return {
        **each(FORWARD, SINGLE, Budget(ulp=4, floor=floor, everywhere=True, reason=reason)),
        **each(FORWARD, ("bfloat16",), Budget(ulp=2, floor=1, everywhere=True, reason=half)),
    }
