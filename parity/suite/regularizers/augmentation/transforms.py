"""The rows of the transformations of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import FLOATS, Array, BadCall, Budget, Choices, Given, Params, Samples, Spec, on
from parity.suite.rows import HALVES, SINGLE, WIDE, Theme, each, few, setting, values_only

# Neither square nor of as many rows as channels: no axis stands for another.
SHAPE = (3, 3, 5, 7)
IMAGES = Samples(shape=SHAPE, center=0.5, scale=0.25)
CHECKS = ("forward", "vjp", "vmap", "jit", "shapes", "error", "signature")
# torch has no double backward of grid_sample, and of what is linear there is none.
CURVED = ("jvp", "second", *CHECKS)
MOVED = (*FLOATS, "int32", "uint8")
FIELDS = {"inputs": (IMAGES,), "checks": CHECKS, "extra": ("channel_axis",)}
THEME = Theme("regularizers", "augmentation.transforms", FIELDS)
X = np.full(SHAPE, 0.5, np.float32)
LEVELS = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
# Photographs have grey pixels, black and white.
LEVELS[:, :, 0, 0], LEVELS[:, :, 0, 1], LEVELS[:, :, 0, 2] = 128, 0, 255
PHOTOGRAPHS = Given(values=LEVELS / 255)

SUMS = "a sum over the pixels of an image"
PLACES = "the places are read from are rounded as well: they reach half the size of an image"
SLOPES = (
    "the gradient in a matrix is a sum over 105 pixels, each times its place, of up to 3.5 pixels, "
    "and the difference of two interpolated with rounded places: up to 8 ulp or 16 units"
)


def _sums(floor: float, ulp: float = 4, reason: str = SUMS) -> dict[Any, Budget]:
    """Budgets of gradients, and of the program with them."""
    floats = Budget(ulp=ulp, floor=floor, everywhere=True, reason=reason)
    halves = Budget(ulp=1, floor=1, everywhere=True, reason=SUMS)
    several = ("vjp", "vmap", ("jit", "float32"))
    return {**each(("vjp",), HALVES, halves), **dict.fromkeys(several, floats)}


def _resampled(floor: float) -> dict[Any, Budget]:
    places = Budget(ulp=4, floor=8, everywhere=True, reason=PLACES)
    return {**each(("forward",), WIDE, places), **_sums(floor, 8, SLOPES)}


def _transform(
    name: str, *parts: Params | BadCall, required: tuple[Any, ...] = (), **fields: Any
) -> Spec:
    """A row of settings and calls to refuse; `required` are the arguments besides images."""
    return THEME.row_beyond(
        name,
        params=tuple(part for part in parts if isinstance(part, Params)),
        bad_calls=(
            THEME.bad("a_list", "images that are a list", [1.0], *required),
            THEME.bad("two_axes", "images of two axes", X[0, 0], *required),
            *(part for part in parts if isinstance(part, BadCall)),
        ),
        **fields,
    )


def _with(label: str, **arguments: Any) -> Params:
    """A setting; its arguments that are lists or are described are arrays."""
    arrays: dict[str, Any] = {}
    for name in [n for n, v in arguments.items() if isinstance(v, Samples | list | np.ndarray)]:
        value = arguments.pop(name)
        arrays[name] = value if isinstance(value, Samples) else Given(values=value)
    return setting(label=label, arrays=arrays, **arguments)


def _by(function: str, label: str, *inputs: Array, **fields: Any) -> Params:
    """Values alone, against a numpy function; `of` is an option of it."""
    options = {"of": fields.pop("of")} if "of" in fields else {}
    target = on("numpy", THEME.reference(function).name, **options)
    return values_only(*inputs, label=f"by_{label}", reference=target, truth="reference", **fields)


def _pillow(of: str, levels: int = 1, **values: Any) -> Params:
    """As many levels of 256 may be lost."""
    reason = "Pillow rounds means and results to one of 256 levels, or cuts off what is between"
    floor = (levels + 0.01) / 255 / 2.0**-23
    budget = Budget(ulp=0, floor=floor, everywhere=True, reason=reason)
    return _by("by_pillow", f"pillow_{of}", PHOTOGRAPHS, of=of, budget=budget, **values)


def _levels(label: str, of: str, **values: Any) -> Params:
    images = Given(values=LEVELS)
    return _by("of_levels", f"{label}_of_levels", images, of=of, dtypes=("uint8",), **values)


# ---------------------------------------------------------------------------------------- geometry

BYTES = np.array([1, 0, 2], np.uint8)
BOX: Any = {"top": 1, "left": 2, "height": 2, "width": 3}
COLOR = Samples(shape=(3,), axis=None)
MATRIX = Samples(shape=(3, 2, 3), scale=0.5)
ANGLE = Samples(shape=(3,), center=20, scale=90)
TENS = Samples(shape=(8,), scale=10)
NUMBERS = {
    "scale": Samples(shape=(8,), center=1.5, scale=0.25),
    "angle": Samples(shape=(8,), scale=90),
    **dict.fromkeys(("translate", "shear"), (TENS, TENS)),
}
NEAREST: Any = {"interpolation": "nearest"}
EYE = np.eye(2, 3, dtype=np.float32)


# ----------------------------------------------------------------------------------------- colours

GREY = Samples(shape=(3, 1, 5, 7), center=0.5, scale=0.25)
TIES = Choices(values=(0.0, 0.25, 0.5, 1.0), shape=SHAPE)
TWO_CHANNELS = THEME.bad("two_channels", "images of two channels", X[:, :2], 0.25)
QUOTIENT = Budget(ulp=4, floor=8, everywhere=True, reason="torch's hue is a quotient, to and fro")


def _color(color: str, *parts: Params | BadCall, around: Samples, **fields: Any) -> Spec:
    """A row of a function of images and one number for each."""
    number = f"{color}_factor"
    return _transform(
        f"adjust_{color}",
        _with("each", **{number: around}),
        values_only(**{number: 0.375}),
        values_only(**{number: 0.0}),
        values_only(GREY, label="grey", **{number: 0.375}),
        few(TIES, label="ties", arrays={number: around}),
        THEME.bad("two_numbers", "two numbers for three images", X, np.ones(2, "f4") / 4),
        THEME.bad("complex", "images of complex numbers", X.astype(np.complex64), 0.25),
        *parts,
        required=(0.25,),
        budgets={**_sums(16), **fields.pop("budgets", {})},
        **fields,
    )


def _blended(color: str, *parts: Params | BadCall) -> Spec:
    """Brightness, contrast or saturation."""
    return _color(
        color,
        values_only(**{f"{color}_factor": 1.75}),
        THEME.bad("negative", "a negative factor", X, -0.5),
        THEME.bad("nan", "a factor that is nan", X, float("nan")),
        *parts,
        around=Samples(shape=(3,), center=1, scale=0.25, axis=None),
        checks=CURVED,
    )


SPECS = (
    _transform("horizontal_flip", setting(), _pillow("mirror"), dtypes=MOVED),
    _transform("vertical_flip", setting(), _pillow("flip"), dtypes=MOVED),
    _transform(
        "crop",
        _with("each", top=[-2, 3, 1], left=[4, -1, 9], height=4, width=6),
        setting(label="all", top=1, left=2, height=3, width=3),
        _with("bytes", top=BYTES, left=BYTES.astype("i2"), height=2, width=2, dtypes=SINGLE),
        setting(label="larger", top=-1, left=-2, height=8, width=12),
        setting(label="beyond", top=5, left=-9, height=2, width=2),
        THEME.bad("height_0", "a window of no height", X, 0, 0, 0, 2),
        dtypes=MOVED,
        required=(0, 0, 2, 2),
    ),
    _transform(
        "affine",
        _with("bilinear", matrix=MATRIX),
        _with("shared", matrix=Samples(shape=(2, 3), scale=0.5, axis=None), dtypes=SINGLE),
        _with("nearest", matrix=MATRIX, **NEAREST, dtypes=(*WIDE, "bfloat16")),
        _with("filled", matrix=MATRIX, fill=COLOR),
        _with("filled_nearest", matrix=MATRIX, fill=COLOR, **NEAREST, dtypes=SINGLE),
        THEME.bad("matrix_3_by_3", "a matrix of three rows", X, np.eye(3, dtype=np.float32)),
        THEME.bad("two_matrices", "two matrices for three images", X, np.stack([EYE, EYE])),
        THEME.bad("cubic", "no such interpolation", X, EYE, interpolation="x"),
        budgets=_resampled(16),
        required=(EYE,),
    ),
    _transform(
        "rotate",
        _with("each", angle=ANGLE),
        values_only(angle=-30.0),
        values_only(angle=3600.0 + 45.0),
        _with("nearest", angle=ANGLE, **NEAREST, fill=0.5),
        _pillow("rotate", angle=25.0, **NEAREST),
        _levels("rotation", "rotate", angle=25.0),
        budgets=_resampled(8),
        required=(30.0,),
    ),
    THEME.row_beyond(
        "affine_matrix",
        inputs=(),
        params=(setting(label="5_by_7", height=5, width=7, arrays=NUMBERS),),
        dtypes=WIDE,
        checks=("forward", "vjp", "jvp", "second", "vmap", "jit", "signature"),
        extra=(),
    ),
    _transform(
        "erase",
        _with("each", top=[0, 3, -1], left=[2, 6, -2], height=[2, 9, 3], width=[3, 1, 3]),
        _with("color", value=COLOR, **BOX),
        _with("images", value=Samples(shape=SHAPE), **BOX),
        setting(label="empty", **{**BOX, "height": 0}),
        _with("bytes", top=BYTES, height=255 - BYTES // 2, left=5, width=2**31 - 1, dtypes=SINGLE),
        THEME.bad("two_colors", "two colours of three", X, 0, 0, 1, 1, np.ones(2, np.float32)),
        dtypes=MOVED,
        required=(0, 0, 2, 2),
    ),
    _transform(
        "normalize_image",
        _with("arrays", mean=COLOR, std=Samples(shape=(3,), center=2, scale=0.25, axis=None)),
        setting(label="tuples", mean=(0.49, 0.48, 0.45), std=(0.25, 0.24, 0.26)),
        setting(label="numbers", mean=0.5, std=0.25),
        THEME.bad("std_0", "a standard deviation of 0", X, 0.5, 0.0),
        THEME.bad("one_std_0", "a standard deviation of 0", X, 0.5, (1.0, 0.0, 1.0)),
        THEME.bad("two_means", "two means for three channels", X, (0.5, 0.5), 1.0),
        THEME.bad("levels", "images of integers", LEVELS, 0.5, 0.25),
        checks=CURVED,
        required=(0.5, 0.25),
    ),
    _blended(
        "brightness",
        _pillow("brightness", brightness_factor=1.4),
        _levels("brightness", "adjust_brightness", brightness_factor=0.7003),
    ),
    _blended(
        "contrast",
        _pillow("contrast", levels=2, contrast_factor=0.6),
        _levels("contrast", "adjust_contrast", contrast_factor=1.3),
        TWO_CHANNELS,
    ),
    _blended(
        "saturation",
        _by("saturation_by_weights", "saturation_by_weights", saturation_factor=1.5),
        _pillow("saturation", levels=2, saturation_factor=0.6),
        _levels("saturation", "adjust_saturation", saturation_factor=1.3),
        TWO_CHANNELS,
    ),
    _color(
        "hue",
        values_only(hue_factor=0.5),
        values_only(hue_factor=-0.3),
        _by("hue_by_colorsys", "hue_by_colorsys", hue_factor=0.4),
        _by("hue_by_colorsys", "colorsys_at_ties", PHOTOGRAPHS, hue_factor=-0.11),
        _levels("hue", "adjust_hue", hue_factor=-0.2),
        TWO_CHANNELS,
        THEME.bad("too_far", "more than half a circle", X, 0.6),
        THEME.bad("too_far_back", "more than half a circle", X, -0.6),
        around=Samples(shape=(3,), scale=0.11, axis=None),
        budgets={("forward", "float64"): QUOTIENT},
    ),
)
