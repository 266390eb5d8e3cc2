"""The rows of the rectifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import FLOATS, Budget, Params, Place, Points, Quirk, Samples, Values
from parity.suite.activations.laws import RRELU
from parity.suite.activations.rows import (
    INTEGERS,
    PAIR,
    SUMS,
    ZERO,
    X,
    activation,
    bad,
    drawn,
    swept,
)


def _with_the_weight_at_0(place: Place) -> Any:
    """What torch's first derivative says there: the slope is the weight, and constant."""
    weight = place.arguments[1].reshape(())
    return {
        "jvp/out": weight * place.directions["0"],
        "second/cotangent": weight * place.directions["0"],
        "second/0": place.cotangent * place.directions["weight"].reshape(()),
    }[place.entry]


def _slopes_of_rrelu(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """The slopes drawn for an input of this shape: the output at -1, with its sign turned."""
    return -np.asarray(subject(-np.ones(arrays[0].shape, np.float32), **values))


SPECS = (
    activation("relu", inputs=ZERO, dtypes=(*FLOATS, *INTEGERS), refuses=("bool", "complex64")),
    activation(
        "relu6",
        inputs=(Points(kinks=(0.0, 6.0)),),
        dtypes=(*FLOATS, *INTEGERS),
        refuses=("bool", "complex64"),
    ),
    activation(
        "threshold",
        params=(
            Params(
                values={"threshold": 0.5, "value": -2.0},
                inputs=(Points(kinks=(0.5,)),),
                dtypes=(*FLOATS, "int32"),
            ),
            Params(values={"threshold": -1.0, "value": 3.0}, inputs=(Points(kinks=(-1.0,)),)),
            swept("threshold", threshold=Points(span=(-2.0, 2.0)), value=Points(span=(-2.0, 2.0))),
        ),
        required=(0.0, 0.0),
        refuses=("bool", "complex64"),
    ),
    activation(
        "hardtanh",
        params=(
            Params(inputs=(Points(kinks=(-1.0, 1.0)),), dtypes=(*FLOATS, "int32")),
            Params(
                values={"min_val": -0.75, "max_val": 2.5},
                inputs=(Points(kinks=(-0.75, 2.5)),),
                dtypes=(*FLOATS, "int32"),
            ),
            Params(values={"min_val": 0.5, "max_val": 0.5}, inputs=(Points(kinks=(0.5,)),)),
            swept("hardtanh", min_val=Points(span=(-4.0, -0.5)), max_val=Points(span=(0.5, 4.0))),
        ),
        refuses=("bool", "complex64"),
        bad_calls=(
            bad("bounds_crossed", "min_val above max_val", min_val=2.0, max_val=1.0),
            bad("negative_bound_of_uint8", "a negative bound", np.zeros(3, np.uint8)),
        ),
    ),
    activation(
        "leaky_relu",
        inputs=ZERO,
        params=(
            Params(),
            Params(values={"negative_slope": 0.25}),
            Params(values={"negative_slope": 2.0}),
            swept("leaky_relu", negative_slope=Points(span=(-2.0, 2.0))),
        ),
        refuses=("int32", "bool", "complex64"),
    ),
    activation(
        "prelu",
        inputs=ZERO,
        params=(
            Params(arrays={"weight": Samples(shape=(1,), center=0.25, scale=0, axis=None)}),
            Params(
                label="weight=0-d",
                arrays={"weight": Samples(shape=(), center=-0.5, scale=0, axis=None)},
            ),
            Params(
                label="weight=per_channel",
                inputs=(Samples(shape=(8, 3, 5)),),
                arrays={"weight": Samples(shape=(3,), axis=None)},
            ),
            Params(
                label="weight=shared",
                inputs=(Samples(shape=(8, 3, 5)),),
                arrays={"weight": Samples(shape=(1,), axis=None)},
            ),
        ),
        quirks=(
            Quirk(
                reason="torch's double backward takes the slope 1 at 0, its backward the weight",
                source="prelu(0, weight=0.25): backward 0.25, double backward 1, torch 2.13",
                where=lambda arguments, values: arguments[0] == 0,
                instead=_with_the_weight_at_0,
                checks=("jvp", "second"),
                settings=("weight=array", "weight=0-d"),
            ),
        ),
        required=(np.array([0.25], np.float32),),
        bad_calls=(
            bad("weight_2d", "a weight of two axes", PAIR, PAIR),
            bad("weight_of_one_axis_input", "three weights for one channel", X, X),
            bad("channels_differ", "three weights for two channels", PAIR, X),
            bad("dtypes_differ", "dtypes that differ", X, np.ones(1, np.float16)),
        ),
        budgets={
            ("vjp", "float16"): Budget(ulp=1, floor=4, reason=SUMS),
            ("vjp", "bfloat16"): Budget(ulp=1, floor=4, reason=SUMS),
            ("second", "float16"): Budget(ulp=1, floor=4, reason=SUMS),
            ("second", "bfloat16"): Budget(ulp=1, floor=4, reason=SUMS),
        },
    ),
    activation(
        "rrelu",
        inputs=ZERO,
        params=(
            Params(),
            Params(values={"lower": 0.25, "upper": 0.5}),
            swept("rrelu_eval", lower=Points(span=(0.0, 0.5)), upper=Points(span=(0.5, 1.0))),
            drawn("rrelu_given_slopes", _slopes_of_rrelu, values={"training": True}),
            drawn(
                "rrelu_given_slopes",
                _slopes_of_rrelu,
                values={"training": True, "lower": 0.5, "upper": 2.0},
            ),
        ),
        extra=("key",),
        laws=RRELU,
        refuses=("int32", "bool", "complex64"),
        bad_calls=(
            bad("bounds_crossed", "lower above upper", lower=0.5, upper=0.25),
            bad("bound_infinite", "a bound that is not finite", upper=float("inf")),
            bad("bound_nan", "a bound that is not finite", lower=float("nan")),
        ),
    ),
)
