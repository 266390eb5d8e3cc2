"""The rows of the transformations of images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from parity.spec import FLOATS, Array, BadCall, Budget, Choices, Given, Params, Samples, Spec, on

HERE = "parity.suite.regularizers.image_transforms_references"
# Neither square nor of as many rows as channels: no axis stands for another.
SHAPE = (3, 3, 5, 7)
IMAGES = (Samples(shape=SHAPE, center=0.5, scale=0.25),)
CHECKS = ("forward", "vjp", "vmap", "jit", "shapes", "error", "signature")
# torch has no double backward of grid_sample, and of what is linear there is none.
CURVED = ("jvp", "second", *CHECKS)
EXTRA = ("channel_axis",)
MOVED = (*FLOATS, "int32", "uint8")
X = np.full(SHAPE, 0.5, np.float32)
LEVELS = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
# Photographs have grey pixels, black and white.
LEVELS[:, :, 0, 0], LEVELS[:, :, 0, 1], LEVELS[:, :, 0, 2] = 128, 0, 255
GIVEN = (Given(values=LEVELS / 255),)

PIXELS = "the places are read from are rounded as well: they reach half the size of an image"
SLOPES = (
    "the gradient in a matrix is a sum over 105 pixels, each times its place, of up to 3.5 pixels, "
    "and the difference of two interpolated with rounded places: up to 8 ulp or 16 units"
)
SUMS = "a sum over the pixels of an image"


def _reference(name: str) -> Any:
    return on("torch", f"{HERE}.{name}")


def _transform(name: str, **fields: Any) -> Spec:
    """A row: jaxact's function of that name against that of the references."""
    fields.setdefault("checks", CHECKS)
    bad_calls = fields.pop("bad_calls", ())
    required = fields.pop("required", ())
    refused = (
        BadCall(name="a_list", args=([1.0], *required), reason="images that are a list"),
        _bad("two_axes", "images of two axes", X[0, 0], *required),
    )
    return Spec(
        family="regularizers",
        name=name,
        subject=on("jax", f"jaxact.regularizers.{name}"),
        reference=_reference(name),
        inputs=IMAGES,
        extra=EXTRA,
        bad_calls=(*refused, *bad_calls),
        **fields,
    )


def _bad(name: str, reason: str, *args: Any, **values: Any) -> BadCall:
    return BadCall(name=name, args=args, values=values, reason=reason)


def _independent(name: str, values: dict[str, Any] | None = None, **fields: Any) -> Params:
    """Values alone, against a numpy function."""
    fields.setdefault("dtypes", ("float32",))
    return Params(
        label=f"by_{name}",
        values=values or {},
        reference=on("numpy", f"{HERE}.{name}"),
        truth="reference",
        checks=("forward",),
        **fields,
    )


EIGHT_BITS = Budget(
    ulp=0,
    floor=1.01 / 255 / 2.0**-23,
    everywhere=True,
    reason="Pillow rounds to one of 256 levels, or cuts off what is between them",
)
CONTRAST_OF_PILLOW = Budget(
    ulp=0,
    floor=2.01 / 255 / 2.0**-23,
    everywhere=True,
    reason="Pillow rounds the mean and the result to one of 256 levels each",
)


def _pillow(name: str, budget: Budget = EIGHT_BITS, **values: Any) -> Params:
    return _independent(f"pillow_{name}", values, inputs=GIVEN, budget=budget)


def _alone(number: str, value: float, **fields: Any) -> Params:
    """Values for one number for all images."""
    return Params(values={number: value}, dtypes=("float32",), checks=("forward",), **fields)


def _levels(name: str, **values: Any) -> Params:
    images = (Given(values=LEVELS),)
    return _independent(f"{name}_of_levels", values, inputs=images, dtypes=("uint8",))


# ---------------------------------------------------------------------------------------- geometry

BYTES = np.array([1, 0, 2], np.uint8)
TOP, LEFT = Given(values=np.array([-2, 3, 1])), Given(values=np.array([4, -1, 9]))
MATRICES = Samples(shape=(3, 2, 3), scale=0.5)
FILL = Samples(shape=(3,), axis=None)


def _resampled(*floors: float) -> dict[Any, Budget]:
    """Budgets of float32, float64 and of gradients of half precision."""
    forward, backward = floors
    budgets: dict[Any, Budget] = {}
    for dtype in ("float32", "float64"):
        budgets[("forward", dtype)] = Budget(ulp=4, floor=forward, everywhere=True, reason=PIXELS)
        budgets[("vjp", dtype)] = Budget(ulp=8, floor=backward, everywhere=True, reason=SLOPES)
    for check in ("vmap", "jit"):
        budgets[(check, "float32")] = Budget(ulp=8, floor=backward, everywhere=True, reason=SLOPES)
    for dtype in ("float16", "bfloat16"):
        budgets[("vjp", dtype)] = Budget(ulp=1, floor=1, everywhere=True, reason=SUMS)
    return budgets


GEOMETRY = (
    _transform("horizontal_flip", params=(Params(), _pillow("mirror")), dtypes=MOVED),
    _transform("vertical_flip", params=(Params(), _pillow("flip")), dtypes=MOVED),
    _transform(
        "crop",
        dtypes=MOVED,
        params=(
            Params(
                label="each",
                arrays={"top": TOP, "left": LEFT},
                values={"height": 4, "width": 6},
            ),
            Params(label="all", values={"top": 1, "left": 2, "height": 3, "width": 3}),
            Params(
                label="bytes",
                arrays={"top": Given(values=BYTES), "left": Given(values=BYTES.astype(np.int16))},
                values={"height": 2, "width": 2},
                dtypes=("float32",),
            ),
            Params(label="larger", values={"top": -1, "left": -2, "height": 8, "width": 12}),
            Params(label="beyond", values={"top": 5, "left": -9, "height": 2, "width": 2}),
        ),
        required=(0, 0, 2, 2),
        bad_calls=(_bad("height_0", "a window of no height", X, 0, 0, 0, 2),),
    ),
    _transform(
        "affine",
        params=(
            Params(label="bilinear", arrays={"matrix": MATRICES}),
            Params(
                label="shared",
                arrays={"matrix": Samples(shape=(2, 3), scale=0.5, axis=None)},
                dtypes=("float32",),
            ),
            Params(
                label="nearest",
                arrays={"matrix": MATRICES},
                values={"interpolation": "nearest"},
                dtypes=("float32", "float64", "bfloat16"),
            ),
            Params(label="filled", arrays={"matrix": MATRICES, "fill": FILL}),
            Params(
                label="filled_nearest",
                arrays={"matrix": MATRICES, "fill": FILL},
                values={"interpolation": "nearest"},
                dtypes=("float32",),
            ),
        ),
        budgets=_resampled(8, 16),
        required=(np.eye(2, 3, dtype=np.float32),),
        bad_calls=(
            _bad("matrix_3_by_3", "a matrix of three rows", X, np.eye(3, dtype=np.float32)),
            _bad("two_matrices", "two matrices for three images", X, np.ones((2, 2, 3), "f4")),
            _bad("cubic", "no such interpolation", X, np.eye(2, 3, dtype="f4"), interpolation="x"),
        ),
    ),
    _transform(
        "rotate",
        params=(
            Params(label="each", arrays={"angle": Samples(shape=(3,), center=20, scale=90)}),
            _alone("angle", -30.0),
            _alone("angle", 3600.0 + 45.0),
            Params(
                label="nearest",
                arrays={"angle": Samples(shape=(3,), center=20, scale=90)},
                values={"interpolation": "nearest", "fill": 0.5},
            ),
            _pillow("rotate", angle=25.0, interpolation="nearest"),
            _levels("rotation", angle=25.0),
        ),
        budgets=_resampled(8, 8),
        required=(30.0,),
    ),
    Spec(
        family="regularizers",
        name="affine_matrix",
        subject=on("jax", "parity.suite.regularizers.image_transforms_subjects.affine_matrix"),
        reference=_reference("affine_matrix"),
        inputs=(Samples(shape=(8, 6), scale=10),),
        params=(Params(label="5_by_7", values={"height": 5, "width": 7}),),
        dtypes=("float32", "float64"),
        checks=("forward", "vjp", "jvp", "second", "vmap", "jit"),
    ),
    _transform(
        "erase",
        dtypes=MOVED,
        params=(
            Params(
                label="each",
                arrays={
                    "top": Given(values=np.array([0, 3, -1])),
                    "left": Given(values=np.array([2, 6, -2])),
                    "height": Given(values=np.array([2, 9, 3])),
                    "width": Given(values=np.array([3, 1, 3])),
                },
            ),
            Params(
                label="color",
                values={"top": 1, "left": 2, "height": 2, "width": 3},
                arrays={"value": FILL},
            ),
            Params(
                label="images",
                values={"top": 1, "left": 2, "height": 2, "width": 3},
                arrays={"value": Samples(shape=SHAPE)},
            ),
            Params(label="empty", values={"top": 1, "left": 2, "height": 0, "width": 3}),
            Params(
                label="bytes",
                arrays={"top": Given(values=BYTES), "height": Given(values=255 - BYTES // 2)},
                values={"left": 5, "width": 2**31 - 1},
                dtypes=("float32",),
            ),
        ),
        required=(0, 0, 2, 2),
        bad_calls=(
            _bad("two_colors", "two colours of three", X, 0, 0, 1, 1, np.ones(2, np.float32)),
        ),
    ),
    _transform(
        "normalize_image",
        checks=CURVED,
        params=(
            Params(
                label="arrays",
                arrays={"mean": FILL, "std": Samples(shape=(3,), center=2, scale=0.25, axis=None)},
            ),
            Params(
                label="tuples",
                values={"mean": (0.49, 0.48, 0.45), "std": (0.25, 0.24, 0.26)},
            ),
            Params(label="numbers", values={"mean": 0.5, "std": 0.25}),
        ),
        required=(0.5, 0.25),
        bad_calls=(
            _bad("std_0", "a standard deviation of 0", X, 0.5, 0.0),
            _bad("one_std_0", "a standard deviation of 0", X, 0.5, (1.0, 0.0, 1.0)),
            _bad("two_means", "two means for three channels", X, (0.5, 0.5), 1.0),
            _bad("levels", "images of integers", LEVELS, 0.5, 0.25),
        ),
    ),
)


# ----------------------------------------------------------------------------------------- colours


def _color(name: str, number: str, *params: Params, each: Array, **fields: Any) -> Spec:
    """A row of a function of images and one number for each."""
    grey = (Samples(shape=(3, 1, 5, 7), center=0.5, scale=0.25),)
    return _transform(
        name,
        params=(
            Params(label="each", arrays={number: each}),
            _alone(number, 0.375),
            _alone(number, 0.0),
            _alone(number, 0.375, label="grey", inputs=grey),
            Params(
                label="ties",
                inputs=(Choices(values=(0.0, 0.25, 0.5, 1.0), shape=SHAPE),),
                arrays={number: each},
                dtypes=("float32",),
                checks=("forward", "vjp"),
            ),
            *params,
        ),
        required=(0.25,),
        bad_calls=(
            _bad("two_numbers", "two numbers for three images", X, np.ones(2, np.float32) / 4),
            _bad("complex", "images of complex numbers", X.astype(np.complex64), 0.25),
            *fields.pop("bad_calls", ()),
        ),
        **fields,
    )


def _blended(*params: Params, name: str, number: str, **fields: Any) -> Spec:
    """Brightness, contrast or saturation."""
    return _color(
        name,
        number,
        _alone(number, 1.75),
        *params,
        checks=CURVED,
        each=Samples(shape=(3,), center=1, scale=0.25, axis=None),
        budgets=BLENDS,
        bad_calls=(
            _bad("negative", "a negative factor", X, -0.5),
            _bad("nan", "a factor that is nan", X, float("nan")),
            *fields.pop("bad_calls", ()),
        ),
        **fields,
    )


TWO_CHANNELS = _bad("two_channels", "images of two channels", X[:, :2], 0.25)
BLENDS: dict[Any, Budget] = {
    ("vjp", "float32"): Budget(ulp=4, floor=16, everywhere=True, reason=SUMS),
    ("vjp", "float64"): Budget(ulp=4, floor=16, everywhere=True, reason=SUMS),
    ("vjp", "float16"): Budget(ulp=1, floor=1, everywhere=True, reason=SUMS),
    ("vjp", "bfloat16"): Budget(ulp=1, floor=1, everywhere=True, reason=SUMS),
    ("vmap", "float32"): Budget(ulp=4, floor=16, everywhere=True, reason=SUMS),
    ("jit", "float32"): Budget(ulp=4, floor=16, everywhere=True, reason=SUMS),
}

COLOURS = (
    _blended(
        _pillow("brightness", brightness_factor=1.4),
        _levels("brightness", brightness_factor=0.7003),
        name="adjust_brightness",
        number="brightness_factor",
    ),
    _blended(
        _pillow("contrast", CONTRAST_OF_PILLOW, contrast_factor=0.6),
        _levels("contrast", contrast_factor=1.3),
        name="adjust_contrast",
        number="contrast_factor",
        bad_calls=(TWO_CHANNELS,),
    ),
    _blended(
        _independent("saturation_by_weights", {"saturation_factor": 1.5}),
        _pillow("saturation", CONTRAST_OF_PILLOW, saturation_factor=0.6),
        _levels("saturation", saturation_factor=1.3),
        name="adjust_saturation",
        number="saturation_factor",
        bad_calls=(TWO_CHANNELS,),
    ),
    _color(
        "adjust_hue",
        "hue_factor",
        _alone("hue_factor", 0.5),
        _alone("hue_factor", -0.3),
        _independent("hue_by_colorsys", {"hue_factor": 0.4}),
        replace(
            _independent("hue_by_colorsys", {"hue_factor": -0.11}, inputs=GIVEN),
            label="by_colorsys_at_ties",
        ),
        _levels("hue", hue_factor=-0.2),
        each=Samples(shape=(3,), scale=0.11, axis=None),
        bad_calls=(
            TWO_CHANNELS,
            _bad("too_far", "more than half a circle", X, 0.6),
            _bad("too_far_back", "more than half a circle", X, -0.6),
        ),
        budgets={
            **BLENDS,
            ("forward", "float64"): Budget(
                ulp=4, floor=8, everywhere=True, reason="torch's hue is a quotient, to and fro"
            ),
        },
    ),
)

SPECS = (*GEOMETRY, *COLOURS)
