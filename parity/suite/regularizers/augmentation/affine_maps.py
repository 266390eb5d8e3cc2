"""The rows of affine maps, random or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import Domain, Either, Made, OneOf, Tensor, Trees
from parity.dtypes import rounded
from parity.spec import Budget, Samples
from parity.suite.regularizers.augmentation import laws
from parity.suite.regularizers.augmentation.rows import (
    COLOR,
    INTERPOLATION,
    LENGTHS_OF_MEASURED,
    NEAREST,
    PAINT,
    THEME,
    X,
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
from parity.suite.rows import SINGLE, WIDE, each, setting, values_only

MATRIX = Samples(shape=(3, 2, 3), scale=0.5)
ANGLE = Samples(shape=(3,), center=20, scale=90)
TENS = Samples(shape=(8,), scale=10)
NUMBERS = {
    "scale": Samples(shape=(8,), center=1.5, scale=0.25),
    "angle": Samples(shape=(8,), scale=90),
    **dict.fromkeys(("translate", "shear"), (TENS, TENS)),
}
EYE = np.eye(2, 3, dtype=np.float32)
PLACES = "the positions to read from are rounded as well, and reach half the size of an image"
SLOPES = (
    "the gradient of a matrix sums 105 pixels times their positions, of up to 3.5 pixels, and "
    "differences of pixels interpolated at rounded positions: up to 8 ulp or 16 units"
)


def _resampled(floor: float) -> dict[Any, Budget]:
    places = Budget(ulp=4, floor=8, everywhere=True, reason=PLACES)
    return {**each(("forward",), WIDE, places), **sums(floor, 8, SLOPES)}


def _maps(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return 0.5 * random.standard_normal(shape)


def _angles(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Away from multiples of 30 degrees, which read halfway between pixels."""
    return 30.0 * random.integers(-6, 6, shape) + random.uniform(2, 28, shape)


MAPS = measured(512, "the map is measured on images that it moved, and rounded like them")
SPECS = (
    transform(
        "affine",
        with_arrays("bilinear", matrix=MATRIX),
        with_arrays("shared", matrix=Samples(shape=(2, 3), scale=0.5, axis=None), dtypes=SINGLE),
        with_arrays("nearest", matrix=MATRIX, **NEAREST, dtypes=(*WIDE, "bfloat16")),
        with_arrays("filled", matrix=MATRIX, fill=COLOR),
        with_arrays("filled_nearest", matrix=MATRIX, fill=COLOR, **NEAREST, dtypes=SINGLE),
        THEME.bad("matrix_3_by_3", "a matrix of three rows", X, np.eye(3, dtype=np.float32)),
        THEME.bad("two_matrices", "two matrices for three images", X, np.stack([EYE, EYE])),
        THEME.bad("cubic", "no such interpolation", X, EYE, interpolation="x"),
        budgets=_resampled(16),
        required=(EYE,),
        domain=domain_of(
            matrix=Either(
                each=each_of(_maps, 2, 3),
                shared=Made(lambda draw: rounded(_maps(draw.random("map"), (2, 3)), draw.dtype)),
            ),
            interpolation=INTERPOLATION,
            fill=PAINT,
        ),
    ),
    transform(
        "rotate",
        with_arrays("each", angle=ANGLE),
        values_only(angle=-30.0),
        values_only(angle=3600.0 + 45.0),
        with_arrays("nearest", angle=ANGLE, **NEAREST, fill=0.5),
        by_pillow("rotate", angle=25.0, **NEAREST),
        of_levels("rotation", "rotate", angle=25.0),
        budgets=_resampled(8),
        required=(30.0,),
        domain=domain_of(
            angle=Either(
                number=OneOf(31.0, -137.5, 3645),
                each=each_of(_angles),
            ),
            interpolation=INTERPOLATION,
            fill=PAINT,
        ),
    ),
    THEME.row_beyond(
        "affine_matrix",
        inputs=(),
        settings=(setting(label="5_by_7", height=5, width=7, arrays=NUMBERS),),
        dtypes=WIDE,
        checks=("forward", "vjp", "jvp", "second", "vmap", "jit", "signature"),
        extra=(),
        domain=Domain(
            arguments={
                "height": OneOf(5, 1),
                "width": OneOf(7, 4),
                "angle": Tensor(axes=("n", ""), low=-180.0, high=180.0),
                "translate": Either(
                    numbers=OneOf((0.0, 0.0), (2, -0.5)),
                    arrays=Trees(pair=(Tensor(axes=("n",)), Tensor(axes=("",)))),
                ),
                "scale": Either(
                    number=OneOf(1.0, 0.5, 2), each=Tensor(axes=("n",), low=0.5, high=2.0)
                ),
                "shear": Either(
                    numbers=OneOf((0.0, 0.0), (9.0, -5)),
                    arrays=Trees(pair=(Tensor(axes=("",)), Tensor(axes=("n",)))),
                ),
            },
            lengths={"n": (3, 1, 0, 33)},
        ),
    ),
    drawn(
        "random_rotation",
        laws.matrices,
        setting(label="about", degrees=60.0),
        values_only(label="nearest", degrees=60.0, interpolation="nearest"),
        values_only(label="between", degrees=(30.0, 45.0), fill=0.5),
        laws=laws.ROTATION,
        domain=domain_of(
            lengths=LENGTHS_OF_MEASURED,
            degrees=OneOf(60.0, (30.0, 45.0), 0),
            interpolation=INTERPOLATION,
            fill=OneOf(0.0, 0.5, (0.1, 0.2, 0.3)),
        ),
        budgets=MAPS,
    ),
    drawn(
        "random_affine",
        laws.matrices,
        setting(
            label="all", degrees=20.0, translate=(0.2, 0.1), scale=(0.7, 1.2), shear=(0.0, 9.0)
        ),
        values_only(
            label="filled", degrees=(5.0, 20.0), shear=(0.0, 9.0, -9.0, 0.0), fill=(0.1, 0.2, 0.3)
        ),
        laws=laws.AFFINE,
        domain=domain_of(
            lengths=LENGTHS_OF_MEASURED,
            degrees=OneOf(20.0, (5.0, 20.0), 0),
            translate=OneOf(None, (0.2, 0.1)),
            scale=OneOf(None, (0.7, 1.2)),
            shear=OneOf(None, 5.0, (0.0, 9.0), (0.0, 9.0, -9.0, 0.0)),
            interpolation=INTERPOLATION,
            fill=OneOf(0.0, 0.5, (0.1, 0.2, 0.3)),
        ),
        budgets=MAPS,
    ),
)
