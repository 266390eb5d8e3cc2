"""The rows of the gated units."""

from __future__ import annotations

import numpy as np

from parity.spec import Budget, Params, Points, Samples
from parity.suite.activations import truths
from parity.suite.activations.rows import CROSSES, PAIR, SUMS, X, activation, bad, swept, torch_form

SPECS = (
    activation(
        "silu",
        truth=truths.silu,
        refuses=("int32", "bool"),
    ),
    activation(
        "swish",
        truth=truths.swish,
        reference=torch_form("swish"),
        params=(
            Params(),
            Params(values={"beta": 1.5}),
            swept("swish", CROSSES, beta=Points(span=(-2.0, 2.0))),
            Params(
                label="beta=per_channel",
                inputs=(Samples(shape=(8, 3, 5)),),
                arrays={"beta": Samples(shape=(3,), axis=None)},
                truth=torch_form("stable_swish"),
                dtypes=("float32",),
            ),
        ),
        budgets={
            ("vjp", "float16"): Budget(ulp=1, floor=4, reason=SUMS),
            ("vjp", "bfloat16"): Budget(ulp=1, floor=4, reason=SUMS),
            ("second", "float16"): Budget(ulp=1, floor=4, reason=SUMS),
            ("second", "bfloat16"): Budget(ulp=1, floor=4, reason=SUMS),
        },
        signature="(input, beta=1.0)",
    ),
    activation(
        "hardswish",
        truth=truths.hardswish,
        inputs=(Points(kinks=(-3.0, 3.0)),),
        refuses=("int32", "bool", "complex64"),
    ),
    activation(
        "mish",
        truth=truths.mish,
        refuses=("int32", "bool", "complex64"),
    ),
    activation(
        "gelu",
        truth=truths.gelu,
        params=(Params(), Params(values={"approximate": "tanh"})),
        refuses=("int32", "bool", "complex64"),
        bad_calls=(bad("approximate_unknown", "an unknown form", approximate="erf"),),
    ),
    activation(
        "glu",
        truth=torch_form("stable_glu"),
        inputs=(Samples(shape=(512, 8), special=True),),
        params=(
            Params(),
            Params(values={"dim": 0}, inputs=(Samples(shape=(8, 64), axis=1, special=True),)),
            Params(values={"dim": 1}, inputs=(Samples(shape=(16, 4, 3), special=True),)),
        ),
        budgets={
            (check, dtype): Budget(ulp=4, reason="a product: no digits cancel, no floor is needed")
            for check in ("forward", "vjp")
            for dtype in ("float32", "float64")
        },
        refuses=("int32", "bool", "complex64"),
        bad_calls=(
            bad("odd_axis", "an axis of odd length", X),
            bad("no_axis", "an input without axes", np.array(1.0, np.float32)),
            bad("dim_out_of_range", "an axis that is not there", PAIR, dim=2),
            bad("dim_below_range", "an axis that is not there", PAIR, dim=-3),
        ),
    ),
)
