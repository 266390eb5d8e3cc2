"""The rows of projections and proximal steps."""

from __future__ import annotations

import numpy as np

from parity.domains import LONG, Domain, Number, OneOf
from parity.spec import Budget, Sweep
from parity.suite.choices import LAYERS, ONLY_WEIGHTS, WHERE
from parity.suite.regularizers.penalties import HUGE, SPARSE, TREE, ZERO, tree, with_one
from parity.suite.regularizers.training.weight_decay import CHECKS, SLOPES, UNITS, even
from parity.suite.rows import (
    FORWARD,
    WIDE,
    Theme,
    as_formula,
    each,
    few,
    in_half_precision,
    number,
    setting,
    values_only,
)

SHRUNK = Budget(ulp=4, floor=2, reason="the norm less the threshold cancels")
X = even((6, 4))
THEME = Theme(
    "regularizers", "training.projections", {"inputs": (TREE,), "checks": CHECKS}, (tree(even),)
)
OF_INFINITY = THEME.reference("proximal_group_lasso_of_infinity")

SPECS = (
    THEME.row_beyond(
        "max_norm",
        domain=Domain(
            arguments={
                "params": LAYERS,
                "max_value": Number(3.0, 0, 0.5, np.inf, 1),
                "p": Number(2.0, 1, 3, np.inf, 1.5, 0.5),
                "axis": OneOf(0, 1, -1, -2),
                "where": ONLY_WEIGHTS,
            },
            # The gradient of a unit of one number is 1e-7 of what cancels in it.
            lengths={"n": (5, LONG), "m": (3,)},
            # torch's second derivative is nan, also of a unit of zeros.
            impossible=(
                {"max_value": "inf", "order": "second"},
                {"params.numbers": "ties", "order": "second"},
            ),
        ),
        budgets=UNITS,
        dtypes=WIDE,
        settings=(
            setting(max_value=3.0),
            in_half_precision(max_value=3.0),
            *(few(max_value=3.0, axis=axis) for axis in (1, -1)),
            *(few(max_value=3.0, p=p) for p in (1.0, 3.0, np.inf)),
            *(few(max_value=most) for most in (0.0, np.inf)),
            # At a unit of zeros torch.renorm's gradient is right, its second derivative is nan.
            few(ZERO, label="zeros", max_value=1.0),
            few(SPARSE, label="units_of_zeros", max_value=1.0, axis=-1),
            values_only(HUGE, label="huge", max_value=1.0),
            *(values_only(with_one(v), label=str(v), max_value=1.0) for v in (np.nan, np.inf)),
            as_formula(
                THEME.reference("max_norm_of_array"),
                label="max_value=array,p=array",
                arrays={"max_value": number(3.0, 0.0625), "p": number(2.5, 0.0625)},
                dtypes=("float32",),
                checks=FORWARD,
            ),
        ),
        bad_calls=(
            THEME.bad("negative_max_value", "a negative norm", max_value=-1.0),
            THEME.bad("max_value_nan", "no norm", max_value=float("nan")),
            THEME.bad("p_0", "no norm", max_value=1.0, p=0.0),
            THEME.bad("negative_p", "no norm", max_value=1.0, p=-1.0),
            THEME.bad("p_nan", "no norm", max_value=1.0, p=float("nan")),
            THEME.bad("no_such_axis", "no such axis", max_value=1.0, axis=2),
            THEME.bad("axis_of_a_float", "an axis that is not an int", max_value=1.0, axis=1.0),
            THEME.bad("max_value_none", "no number", max_value=None),
        ),
    ),
    # A single array is a tree of one leaf, which is visited point by point.
    THEME.row_beyond(
        "proximal_l1",
        domain=Domain(
            arguments={
                "params": LAYERS,
                "threshold": Number(0.5, 0, 2, 10.0),
                "where": WHERE,
            },
            # Beside more numbers there are more kinks than a numeric derivative can miss.
            lengths={"n": (5, 1), "m": (3, 1)},
        ),
        inputs=(Sweep(kinks=(-0.5, 0.5)),),
        settings=(
            setting(label="default", threshold=0.5, where="all"),
            few(threshold=0.0, where="all"),
            few(
                Sweep(kinks=(0.0,), span=(-8.0, 8.0)),
                label="threshold=array",
                where="all",
                arrays={"threshold": Sweep(kinks=(0.0,), span=(0.0, 8.0))},
                mapped=True,
                reference=THEME.reference("proximal_l1_of_array"),
                truth=THEME.reference("proximal_l1_of_array"),
            ),
        ),
        bad_calls=(
            THEME.bad("negative_threshold", "a negative threshold", X, threshold=-1.0),
            THEME.bad("threshold_none", "no number", X, threshold=None),
        ),
    ),
    THEME.row_beyond(
        "proximal_group_lasso",
        domain=Domain(
            arguments={
                "params": LAYERS,
                "threshold": Number(1.5, 0, 0.25, 10.0),
                "axis": OneOf(0, 1, -1, -2),
                "where": ONLY_WEIGHTS,
            },
            lengths={"n": (5, 1, 33), "m": (3, 1)},
        ),
        budgets={**SLOPES, **each(("forward",), WIDE, SHRUNK)},
        dtypes=WIDE,
        settings=(
            setting(threshold=1.5),
            in_half_precision(threshold=1.5),
            few(threshold=1.5, axis=-1),
            few(threshold=0.0),
            few(ZERO, label="zeros", threshold=0.5),
            few(SPARSE, label="groups_of_zeros", threshold=0.125, axis=-1),
            few(label="threshold=array", arrays={"threshold": number(1.5, 0.0625)}),
            # This form of the formula has no inf/inf.
            values_only(
                with_one(np.inf),
                label="inf",
                threshold=0.125,
                reference=OF_INFINITY,
                truth=OF_INFINITY,
            ),
        ),
    ),
)
