"""The rows of colour changes, random or not."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.domains import Either, Number, OneOf, Tensor
from parity.spec import BadCall, Budget, Choices, Samples, Setting, Spec
from parity.suite.regularizers.augmentation import laws
from parity.suite.regularizers.augmentation.rows import (
    COLOR,
    CURVED,
    LENGTHS_OF_MEASURED,
    LEVELS,
    PHOTOGRAPHS,
    PLACES,
    SHAPE,
    THEME,
    X,
    by,
    by_pillow,
    domain_of,
    drawn,
    each_of,
    measured,
    of_levels,
    sums,
    transform,
    with_arrays,
)
from parity.suite.rows import few, setting, values_only

GREY = Samples(shape=(3, 1, 5, 7), center=0.5, scale=0.25)
TIES = Choices(values=(0.0, 0.25, 0.5, 1.0), shape=SHAPE)
TWO_CHANNELS = THEME.bad("two_channels", "images of two channels", X[:, :2], 0.25)
QUOTIENT = Budget(
    ulp=4, floor=8, everywhere=True, reason="hue is computed by a quotient, and converted back"
)


def _around_of(color: str) -> Callable[[Any, tuple[int, ...]], Any]:
    """Factors near those of the settings."""
    center, scale = (0.0, 0.11) if color == "hue" else (1.0, 0.25)
    return lambda random, shape: center + scale * np.clip(random.standard_normal(shape), -3, 3)


def _color(
    color: str,
    *parts: Setting | BadCall,
    around: Samples,
    others: tuple[float, ...] = (1, 1.75),
    **fields: Any,
) -> Spec:
    """A row of a function of images and of one number for each image."""
    number = f"{color}_factor"
    each = each_of(_around_of(color))
    # torch's formula differentiates where pixels leave [0, 1], a numeric derivative does not.
    # Turned by 0, a quarter or half a circle, primary colours are at kinks.
    one = Tensor(axes=("",), low=0.05, high=0.46)
    kinds = Either(number=OneOf(0.375, 0, *others), one=one, each=each)
    # At equal channels a hue has several gradients; the settings compare some.
    pixels = Tensor(axes=PLACES, low=0.0, high=1.0, differentiated=color != "hue")
    factor: dict[str, Any] = {"images": pixels, number: kinds}
    return transform(
        f"adjust_{color}",
        with_arrays("each", **{number: around}),
        values_only(**{number: 0.375}),
        values_only(**{number: 0.0}),
        values_only(GREY, label="grey", **{number: 0.375}),
        few(TIES, label="ties", arrays={number: around}),
        THEME.bad("two_numbers", "two numbers for three images", X, np.ones(2, "f4") / 4),
        THEME.bad("complex", "images of complex numbers", X.astype(np.complex64), 0.25),
        *parts,
        required=(0.25,),
        budgets={**sums(16), **fields.pop("budgets", {})},
        domain=domain_of(**factor),
        **fields,
    )


def _blended(color: str, *parts: Setting | BadCall) -> Spec:
    """A row of brightness, contrast or saturation."""
    return _color(
        color,
        values_only(**{f"{color}_factor": 1.75}),
        THEME.bad("negative", "a negative factor", X, -0.5),
        THEME.bad("nan", "a factor that is nan", X, float("nan")),
        *parts,
        around=Samples(shape=(3,), center=1, scale=0.25, axis=None),
        checks=CURVED,
    )


STRENGTHS = {
    **dict.fromkeys(("brightness", "contrast", "saturation"), ("0.3", "(0.5, 1.2)")),
    "hue": ("0.3", "(-0.2, 0.1)"),
}
FACTORS = measured(64, "the factor is measured on differences of pixels that it changed")
SPECS = (
    transform(
        "normalize_image",
        with_arrays("arrays", mean=COLOR, std=Samples(shape=(3,), center=2, scale=0.25, axis=None)),
        setting(label="tuples", mean=(0.49, 0.48, 0.45), std=(0.25, 0.24, 0.26)),
        setting(label="numbers", mean=0.5, std=0.25),
        THEME.bad("std_0", "a standard deviation of 0", X, 0.5, 0.0),
        THEME.bad("one_std_0", "a standard deviation of 0", X, 0.5, (1.0, 0.0, 1.0)),
        THEME.bad("two_means", "two means for three channels", X, (0.5, 0.5), 1.0),
        THEME.bad("levels", "images of integers", LEVELS, 0.5, 0.25),
        checks=CURVED,
        required=(0.5, 0.25),
        domain=domain_of(
            mean=Either(number=Number(0.5, 0), colors=Tensor(axes=("c",))),
            std=Either(number=Number(0.25, 2), colors=Tensor(axes=("c",), low=0.5, high=2.0)),
        ),
    ),
    _blended(
        "brightness",
        by_pillow("brightness", brightness_factor=1.4),
        of_levels("brightness", "adjust_brightness", brightness_factor=0.7003),
    ),
    _blended(
        "contrast",
        by_pillow("contrast", levels=2, contrast_factor=0.6),
        of_levels("contrast", "adjust_contrast", contrast_factor=1.3),
        TWO_CHANNELS,
    ),
    _blended(
        "saturation",
        by("saturation_by_weights", "saturation_by_weights", saturation_factor=1.5),
        by_pillow("saturation", levels=2, saturation_factor=0.6),
        of_levels("saturation", "adjust_saturation", saturation_factor=1.3),
        TWO_CHANNELS,
    ),
    _color(
        "hue",
        values_only(hue_factor=0.5),
        values_only(hue_factor=-0.3),
        by("hue_by_colorsys", "hue_by_colorsys", hue_factor=0.4),
        by("hue_by_colorsys", "colorsys_at_ties", PHOTOGRAPHS, hue_factor=-0.11),
        of_levels("hue", "adjust_hue", hue_factor=-0.2),
        TWO_CHANNELS,
        THEME.bad("too_far", "more than half a circle", X, 0.6),
        THEME.bad("too_far_back", "more than half a circle", X, -0.6),
        around=Samples(shape=(3,), scale=0.11, axis=None),
        others=(0.5, -0.3),
        budgets={("forward", "float64"): QUOTIENT},
    ),
    drawn(
        "color_jitter",
        laws.factors,
        setting(label="brightness", brightness=0.3),
        few(label="contrast", contrast=0.3),
        few(label="saturation", saturation=0.3),
        few(label="hue", hue=0.3),
        laws=laws.JITTER,
        # The draw of one of them is observed at a time.
        domain=domain_of(
            lengths=LENGTHS_OF_MEASURED,
            brightness=OneOf(0.0, 0.3, (0.5, 1.2)),
            contrast=OneOf(0.0, 0.3, (0.5, 1.2)),
            saturation=OneOf(0.0, 0.3, (0.5, 1.2)),
            hue=OneOf(0.0, 0.3, (-0.2, 0.1)),
            impossible=tuple(
                {one: STRENGTHS[one], other: STRENGTHS[other]}
                for one, other in itertools.combinations(STRENGTHS, 2)
            ),
        ),
        budgets=FACTORS,
    ),
)
