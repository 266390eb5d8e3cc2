"""The rows of the gated units."""

from __future__ import annotations

import numpy as np

from parity.domains import Domain, Number, OneOf, Tensor
from parity.spec import Budget, Quirk, Samples
from parity.suite.activations import rows
from parity.suite.activations.rows import PAIR, THEME, activation, bad, kinks, swept
from parity.suite.choices import elementwise
from parity.suite.rows import SINGLE, WIDE, setting

PRODUCT = Budget(ulp=4, reason="a product: no digits cancel, no floor is needed")
PARABOLA_AT_NAN = Quirk(
    reason="nan is on neither side of the parabola, whose curvature it gets; torch's is 0",
    source="double backward of hardswish at nan, torch 2.13: 0",
    where=lambda arguments, values: np.isnan(arguments[0]),
    instead=lambda place: place.cotangent * place.directions["0"] / 3,
    checks=("second",),
)

SPECS = (
    activation(
        "silu",
        refuses=("int32", "bool"),
        domain=elementwise(),
    ),
    activation(
        "swish",
        setting(),
        setting(beta=1.5),
        swept("swish", floor=2, beta=(-2.0, 2.0)),
        setting(
            rows.SEQUENCES,
            label="beta=per_channel",
            arrays={"beta": Samples(shape=(3,), axis=None)},
            truth=THEME.reference("stable_swish"),
            dtypes=SINGLE,
        ),
        reference=THEME.reference("swish"),
        budgets=rows.SUMMED,
        refuses=(),
        domain=elementwise(beta=Number(1.0, 0.5, 2, 0.0, -1.0, 100.0)),
    ),
    activation(
        "hardswish",
        inputs=(kinks(-3.0, 3.0),),
        quirks=(PARABOLA_AT_NAN,),
        domain=elementwise(),
    ),
    activation(
        "mish",
        domain=elementwise(),
    ),
    activation(
        "gelu",
        setting(),
        setting(approximate="tanh"),
        quirks=(rows.FLAT_AT_INFINITY,),
        bad_calls=(
            bad("approximate_unknown", "an unknown form", approximate="erf"),
            bad("approximate_none", "a form that is not a string", approximate=None),
        ),
        domain=elementwise(approximate=OneOf("none", "tanh")),
    ),
    activation(
        "glu",
        setting(),
        setting(Samples(shape=(8, 64), axis=1, special=True), dim=0),
        setting(Samples(shape=(16, 4, 3), special=True), dim=1),
        truth=THEME.reference("stable_glu"),
        inputs=(Samples(shape=(512, 8), special=True),),
        budgets={(check, dtype): PRODUCT for check in ("forward", "vjp") for dtype in WIDE},
        bad_calls=(
            bad("odd_axis", "an axis of odd length"),
            bad("no_axis", "an input without axes", np.array(1.0, np.float32)),
            bad("dim_out_of_range", "an axis that does not exist", PAIR, dim=2),
            bad("dim_below_range", "an axis that does not exist", PAIR, dim=-3),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=("n m", "n", "n m k"), special=True),
                "dim": OneOf(-1, 0, 1, -2),
            },
            lengths={"n": (4, 2, 0, 1030, 5), "m": (6, 2, 0, 1030, 3), "k": (2,)},
        ),
    ),
)
