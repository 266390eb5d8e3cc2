"""The rows of random augmentation: what is done with the draw; its distribution is in the laws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from parity.spec import Budget, Drawn, Given, Params, Samples, Spec, on
from parity.suite.regularizers.augmentation import laws
from parity.suite.rows import FORWARD, SINGLE, Theme, each, few, setting, values_only

IMAGES = Samples(shape=(6, 3, 9, 11), center=0.5, scale=0.2)
# What is measured on images in float32 says nothing of float64.
MEASURED = ("float32", "bfloat16")
MOVED = (*MEASURED, "float64", "uint8")
FIELDS = {
    "inputs": (IMAGES,),
    # Mapped and compiled they are in the laws, with keys of their own.
    "checks": (*FORWARD, "shapes", "signature", "law"),
    "extra": ("key", "channel_axis"),
}
THEME = Theme("regularizers", "augmentation.random_transforms", FIELDS)


def _random(
    name: str, observe: Callable[..., Any], *settings: Params, dtypes: Any = MEASURED, **fields: Any
) -> Spec:
    """A row, whose reference gets what `observe` saw."""
    random = Drawn(seed=3, observe=observe, at=0)
    params = tuple(replace(setting, random=random) for setting in settings)
    return THEME.row_beyond(name, params=params, dtypes=dtypes, omitted=("drawn",), **fields)


def _measured(floor: float, reason: str) -> dict[Any, Budget]:
    half = "what was drawn is measured in half precision"
    return {
        **each(FORWARD, SINGLE, Budget(ulp=4, floor=floor, everywhere=True, reason=reason)),
        **each(FORWARD, ("bfloat16",), Budget(ulp=2, floor=1, everywhere=True, reason=half)),
    }


MAPS = _measured(512, "the map is measured on images that it moved, and rounded like them")
FACTORS = _measured(64, "the factor is measured on differences of pixels that it changed")
FLIPS = (setting(label="half"), values_only(label="often", p=0.9))

SPECS = (
    _random(
        "random_crop",
        laws.corners,
        setting(label="padded", size=8, padding=2),
        values_only(label="reflected", size=8, padding=4, padding_mode="reflect"),
        values_only(label="edges", size=(8, 10), padding=(3, 1), padding_mode="edge"),
        values_only(label="four_margins", size=(8, 10), padding=(0, 1, 2, 3)),
        values_only(label="inside", size=(5, 4)),
        laws=laws.CROP,
        dtypes=MOVED,
    ),
    _random("random_horizontal_flip", laws.flips, *FLIPS, laws=laws.FLIP, dtypes=MOVED),
    _random("random_vertical_flip", laws.flips, *FLIPS, laws=laws.FLIP, dtypes=MOVED),
    _random(
        "random_rotation",
        laws.matrices,
        setting(label="about", degrees=60.0),
        values_only(label="nearest", degrees=60.0, interpolation="nearest"),
        values_only(label="between", degrees=(30.0, 45.0), fill=0.5),
        laws=laws.ROTATION,
        budgets=MAPS,
    ),
    _random(
        "random_affine",
        laws.matrices,
        setting(
            label="all", degrees=20.0, translate=(0.2, 0.1), scale=(0.7, 1.2), shear=(0.0, 9.0)
        ),
        values_only(
            label="filled", degrees=(5.0, 20.0), shear=(0.0, 9.0, -9.0, 0.0), fill=(0.1, 0.2, 0.3)
        ),
        laws=laws.AFFINE,
        budgets=MAPS,
    ),
    _random(
        "color_jitter",
        laws.factors,
        setting(label="brightness", brightness=0.3),
        few(label="contrast", contrast=0.3),
        few(label="saturation", saturation=0.3),
        few(label="hue", hue=0.3),
        laws=laws.JITTER,
        budgets=FACTORS,
    ),
    _random(
        "random_erasing",
        laws.erased,
        setting(label="half"),
        values_only(label="value", p=0.9, value=0.25, scale=(0.1, 0.5)),
        values_only(label="color", p=0.9, value=(0.1, 0.2, 0.3), ratio=(0.5, 2.0)),
        laws=laws.ERASING,
        dtypes=MOVED,
    ),
    THEME.row_beyond(
        "compose",
        subject=on("jax", THEME.reference("composed").name),
        reference=on("jax", THEME.reference("by_hand").name),
        truth="reference",
        inputs=(Given(values=np.array([0, 5], np.uint32)), IMAGES),
        params=(setting(label="five"),),
        dtypes=SINGLE,
        checks=(*FORWARD, "vmap", "law"),
        laws=laws.COMPOSE,
    ),
)
