"""Makers of the rows of normalization by mean and variance."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from parity.domains import Either, Made, Number, Tensor
from parity.spec import BadCall, Budget, Choices, Fixed, Samples, Setting, Spec
from parity.suite.rows import FORWARD, HALVES, WIDE, Theme, each, few, number, setting

SUMS = "differences from a mean, and their sums with both signs"
TWICE = "the derivative of a gradient is a sum of two parts, each rounded to half precision"
SUMMED: dict[str | tuple[str, str], Budget] = {
    **{
        (check, dtype): Budget(ulp=ulp, floor=floor, everywhere=True, reason=SUMS)
        for check, ulp in (("forward", 2), ("vjp", 4), ("jvp", 4), ("second", 16))
        for dtype, floor in (("float32", 4), ("float64", 8))
    },
    **each((*FORWARD, "jvp"), HALVES, Budget(ulp=1, floor=2.0**-11, everywhere=True, reason=SUMS)),
    **each(("second",), HALVES, Budget(ulp=2, floor=0.5, everywhere=True, reason=TWICE)),
}
C = 6
X = np.asarray([[[0.25, 0.5], [0.5, 0.125]], [[1.0, 2.0], [0.5, 0.75]]], np.float32)
# The last axis is normalized, or the last two.
ROWS_OF_FEATURES = Tensor(axes=("n d", "d", "n k d"))
FEATURES = Either(
    last=Made(lambda draw: draw.shape("normalized_shape", "d")),
    last_two=Made(lambda draw: draw.shape("normalized_shape", "k d")),
    list=Made(lambda draw: list(draw.shape("normalized_shape", "d"))),
)
OF_FEATURES = Tensor(like="normalized_shape")
# Where there are not two axes to normalize.
TOO_FEW_AXES = {"normalized_shape": "last_two", "input.axes": ("n d", "d")}

THEME = Theme("regularizers", "normalization.", {"budgets": SUMMED}, (X,))
CHECKS = (*FORWARD, "jvp", "second")
TRAINED: dict[str, Any] = {"running_mean": None, "running_var": None, "training": True}


def normal(*shape: int, axis: int | None = None, **fields: Any) -> Samples:
    """Normal numbers."""
    return Samples(shape=shape, axis=axis, **fields)


def learned(*shape: int) -> dict[str, Any]:
    """A weight and a bias."""
    return {"weight": normal(*shape, center=1.0, scale=0.5), "bias": normal(*shape)}


LEARNED = learned(C)
WEIGHT, BIAS = ({name: LEARNED[name]} for name in ("weight", "bias"))
EPS = {"eps": number(0.5, 0.1)}
# What eps may be in a domain; torch refuses 0 in some rows, and roots of negative numbers are nan.
EPSILONS = Number(1e-5, 0.5, 2, outside=(0.0, -0.3))
ONE_CHANNEL = {
    f"{name}.given:fewer_axes": "torch takes a number for a single channel"
    for name in ("weight", "bias")
}
ALL = {**LEARNED, **EPS}
MOMENTUM = {"momentum": number(0.3, 0.01)}
MEAN = Fixed(values=(0.5, -1.0, 0.25, 2.0, 0.0, -0.125))
VAR = Fixed(values=(1.5, 1.0, 0.25, 4.0, 2.0, 0.75))
NCHW, NHWC = normal(5, C, 4, 3), normal(5, 4, 3, C)
LEARNED_STATS = NCHW, normal(C), normal(C, center=2.0, scale=0.25)
ROWS, IMAGES = normal(24, C, axis=0), normal(5, C, 4, 3, axis=0)
# At a mean of 10⁴ float32 keeps only 3 digits of a deviation of 1, in the data and in the mean.
LARGE_MEAN = normal(5, C, 4, 3, center=1e4, scale=1.0)
CONSTANT = Choices(values=(5.1,), shape=(25, C, 40))


def spread(*shape: int, axis: int | None = None, **values: Any) -> tuple[Setting, ...]:
    """Settings with a very large and a very small standard deviation.

    The squares and inverses of these deviations are within the range of float32, the inverses of
    their cubes are not. The weights make the gradients large enough to be compared.
    """
    wide, close = (normal(*shape, axis=axis, scale=scale) for scale in (1e13, 1e-13))
    weight = normal(C, center=1e13, scale=2e12)
    return (
        few(wide, label="wide", arrays={"weight": weight}, **values),
        few(close, label="close", eps=1e-30, **values),
    )


def thorough(*inputs: Any, **fields: Any) -> Setting:
    """A setting that also compares second derivatives, in float32 and float64."""
    return setting(*inputs, **{"checks": CHECKS, "dtypes": WIDE, **fields})


def of_formula(name: str, *inputs: Any, **fields: Any) -> Setting:
    """A setting that torch's own function does not differentiate."""
    reference = THEME.reference(name)
    return thorough(*inputs, reference=reference, truth=reference, **fields)


def moved(name: str, *inputs: Any, **fields: Any) -> Setting:
    """A setting with the channels on the last axis."""
    return of_formula(f"{name}_moved", *inputs, channel_axis=-1, **fields)


bad = THEME.bad
ones = functools.partial(np.ones, dtype=np.float32)
TWO, THREE = ones(2), ones(3)
STATS = (TWO, TWO)
# The dtypes of input, weight and bias.
DTYPES = (
    ("float32", "float16", "float16"),
    ("float16", "float16", "float32"),
    ("float16", "float32", "float16"),
    *((dtype, "float32", "float32") for dtype in ("int32", "bool", "complex64")),
)


def mixed_dtypes(**values: Any) -> tuple[BadCall, ...]:
    """Calls whose input, weight and bias have incompatible dtypes."""

    def call(x: str, w: str, b: str) -> BadCall:
        parameters = {"weight": TWO.astype(w), "bias": TWO.astype(b)}
        name = f"{x}_with_{w}_and_{b}"
        return bad(name, "incompatible dtypes", X.astype(x), **parameters, **values)

    return tuple(call(*dtypes) for dtypes in DTYPES)


def wrong_lengths(*args: Any, names: tuple[str, ...] = ("weight", "bias")) -> tuple[BadCall, ...]:
    """Calls with a parameter that has one entry more than there are channels."""
    return tuple(bad(f"{name}_length", "one too many", *args, **{name: THREE}) for name in names)


def running_statistics(name: str, *bad_calls: BadCall, **fields: Any) -> Spec:
    """A row of running statistics, compared with torch's buffers."""
    return THEME.row_beyond(
        name,
        inputs=(NCHW, MEAN, VAR),
        checks=("forward", "error", "signature", "law"),
        bad_calls=(
            *bad_calls,
            bad("mean_length", "one mean too many", X, THREE, TWO),
            bad("variance_length", "one variance too many", X, TWO, THREE),
            bad("integers", "integers", X.astype(np.int32), *STATS),
        ),
        **fields,
    )
