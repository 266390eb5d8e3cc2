"""The rows of the rectifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.domains import Domain, Number, OneOf, Tensor
from parity.spec import FLOATS, Fixed, Place, Quirk, Samples, Setting, Values
from parity.suite.activations.laws import RRELU
from parity.suite.activations.rows import (
    INTEGERS,
    PAIR,
    SEQUENCES,
    SUMMED,
    X,
    activation,
    bad,
    drawn,
    kinks,
    swept,
)
from parity.suite.choices import elementwise
from parity.suite.rows import few, setting, values_only

SIGNED = (*FLOATS, "int32")
UNORDERED = ("bool", "complex64")
BYTES = np.array([1, 100], np.int8)


def _with_the_weight_at_0(place: Place) -> Any:
    """The result at 0 according to torch's first derivative: the slope is constant, the weight."""
    weight = place.arguments[1].reshape(())
    if place.entry == "second/0":
        return place.cotangent * place.directions["weight"].reshape(())
    return weight * place.directions["0"]


ONE_AT_0 = Quirk(
    reason="torch's double backward takes the slope 1 at 0, its backward the weight",
    source="prelu(0, weight=0.25): backward 0.25, double backward 1, torch 2.13",
    where=lambda arguments, values: arguments[0] == 0,
    instead=_with_the_weight_at_0,
    checks=("jvp", "second"),
    settings=("weight=array", "weight=0-d"),
)


def _weighted(weight: Samples, *inputs: Samples, label: str = "") -> Setting:
    return setting(*inputs, arrays={"weight": weight}, label=label)


def _slopes_of_rrelu(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """The slopes drawn for an input of this shape: the negated output at -1."""
    return -np.asarray(subject(-np.ones(arrays[0].shape, np.float32), **values))


def _training(**bounds: float) -> Setting:
    return drawn("rrelu_given_slopes", _slopes_of_rrelu, training=True, **bounds)


SPECS = (
    activation(
        "relu",
        inputs=(kinks(0.0),),
        dtypes=(*FLOATS, *INTEGERS),
        refuses=UNORDERED,
        domain=elementwise(),
    ),
    activation(
        "relu6",
        inputs=(kinks(0.0, 6.0),),
        dtypes=(*FLOATS, *INTEGERS),
        refuses=UNORDERED,
        domain=elementwise(),
    ),
    activation(
        "threshold",
        setting(kinks(0.5), threshold=0.5, value=-2.0, dtypes=SIGNED),
        setting(kinks(-1.0), threshold=-1.0, value=3.0),
        swept("threshold", threshold=(-2.0, 2.0), value=(-2.0, 2.0)),
        required=(0.0, 0.0),
        refuses=UNORDERED,
        bad_calls=(
            bad("value_above_int8", "a value that the dtype cannot represent", BYTES, 3, 300),
            bad("value_infinite", "a value that integers cannot represent", BYTES, 3, np.inf),
            bad("threshold_infinite", "a threshold that integers lack", BYTES, -np.inf, 3),
        ),
        domain=elementwise(
            threshold=Number(0.0, 0.5, -1, np.inf), value=Number(0.0, -1.0, 2, np.inf)
        ),
    ),
    activation(
        "hardtanh",
        setting(kinks(-1.0, 1.0), dtypes=SIGNED),
        setting(kinks(-0.75, 2.5), min_val=-0.75, max_val=2.5, dtypes=SIGNED),
        setting(kinks(0.5), min_val=0.5, max_val=0.5),
        # A bound that is truncated to 0.
        values_only(min_val=-0.5, max_val=2.0, dtypes=("uint8",)),
        swept("hardtanh", min_val=(-4.0, -0.5), max_val=(0.5, 4.0)),
        refuses=UNORDERED,
        bad_calls=(
            bad("bounds_crossed", "min_val above max_val", min_val=2.0, max_val=1.0),
            bad("bound_above_int8", "a bound that the dtype cannot represent", BYTES, -1, 300),
            bad("bound_infinite", "a bound that integers cannot represent", BYTES, -np.inf, 3),
            bad("negative_bound_of_uint8", "a negative bound", np.zeros(3, np.uint8)),
        ),
        domain=elementwise(
            min_val=Number(-1.0, -2, -0.5, 0, 0.5, -np.inf), max_val=Number(1.0, 2, 0.5, 6, np.inf)
        ),
    ),
    activation(
        "leaky_relu",
        setting(),
        setting(negative_slope=0.25),
        setting(negative_slope=2.0),
        swept("leaky_relu", negative_slope=(-2.0, 2.0)),
        inputs=(kinks(0.0),),
        domain=elementwise(negative_slope=Number(0.01, 0.5, 0.0, -1.0, 2)),
    ),
    activation(
        "prelu",
        _weighted(Samples(shape=(1,), center=0.25, scale=0, axis=None)),
        _weighted(Samples(shape=(), center=-0.5, scale=0, axis=None), label="weight=0-d"),
        _weighted(Samples(shape=(3,), axis=None), SEQUENCES, label="weight=per_channel"),
        _weighted(Samples(shape=(1,), axis=None), SEQUENCES, label="weight=shared"),
        few(
            # +inf must not be multiplied by 0: the other inputs still give the weight a gradient.
            Fixed(values=(np.inf, -1.0, 0.5, -2.0)),
            label="infinite",
            arrays={"weight": Samples(shape=(1,), axis=None)},
        ),
        inputs=(kinks(0.0),),
        required=(np.array([0.25], np.float32),),
        refuses=(),
        quirks=(ONE_AT_0,),
        budgets=SUMMED,
        bad_calls=(
            bad("weight_2d", "a weight of two axes", PAIR, PAIR),
            bad("weight_of_one_axis_input", "three weights for one channel", X, X),
            bad("channels_differ", "three weights for two channels", PAIR, X),
            bad("dtypes_differ", "dtypes that differ", X, np.ones(1, np.float16)),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=("n m", "n m k", "n", "n m k l", ""), special=True),
                "weight": Tensor(axes=("one", "m", "")),
            },
            lengths={"one": (1,)},
            # At 0 torch's second derivatives contradict its first one; points show which.
            impossible=({"input.numbers": "ties", "order": "second"},),
        ),
    ),
    activation(
        "rrelu",
        setting(),
        setting(lower=0.25, upper=0.5),
        swept("rrelu_eval", lower=(0.0, 0.5), upper=(0.5, 1.0)),
        _training(),
        _training(lower=0.5, upper=2.0),
        inputs=(kinks(0.0),),
        extra=("key",),
        laws=RRELU,
        bad_calls=(
            bad("bounds_crossed", "lower above upper", lower=0.5, upper=0.25),
            bad("bound_infinite", "a bound that is not finite", upper=float("inf")),
            bad("bound_nan", "a bound that is not finite", lower=float("nan")),
        ),
        domain=elementwise(
            lower=Number(0.125, 0.0, 0.25, -1),
            upper=Number(1 / 3, 1, 0.5, 2.0),
            training=OneOf(False),
        ),
    ),
)
