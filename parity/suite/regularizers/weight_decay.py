"""Weight decay, projections and proximal steps: what is done beside the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import Budget, Given, Params, Points, Samples
from parity.suite.regularizers.penalties import HUGE, SHAPES, SPARSE, TREE, ZERO
from parity.suite.regularizers.rows import (
    BOTH,
    FORWARD,
    SINGLE,
    Theme,
    given,
    in_half_precision,
)

CHECKS = ("forward", "vjp", "jvp", "second", "vmap", "shapes", "error", "signature")
SUMS = Budget(
    ulp=4, floor=4, everywhere=True, reason="each gradient is less its part along the unit"
)
HALF = Budget(
    ulp=1, floor=2.0**-6, everywhere=True, reason="each gradient is less its part along the unit"
)
SCALED = Budget(ulp=4, reason="no floor: no small result is a difference of larger ones")
SHRUNK = Budget(ulp=4, floor=2, reason="the norm less the threshold cancels")
UNITS = {
    ("forward", "float32"): SCALED,
    ("forward", "float64"): SCALED,
    **{
        (check, dtype): HALF if dtype in ("float16", "bfloat16") else SUMS
        for check in ("vjp", "jvp")
        for dtype in ("float32", "float64", "float16", "bfloat16")
    },
}
X = tuple(
    np.linspace(-1, 2, int(np.prod(shape)), dtype=np.float32).reshape(shape) for shape in SHAPES
)
INTEGERS = tuple(x.astype(np.int32) for x in X)
# torch.renorm's gradient at a unit of zeros is right, its second derivative nan.
FINITE = ("forward", "vjp")


THEME = Theme("weight_decay", {"inputs": TREE, "checks": CHECKS}, X)


def _scalar(center: float) -> Samples:
    return Samples(shape=(), center=center, scale=0.0625, axis=None)


def _one(number: float) -> tuple[Any, ...]:
    """A number among the weights."""
    return (*TREE[:1], Given(values=((1.0, number), (2.0, -3.0))), *TREE[2:])


ALL = (0, 1, 2, 3, 4)
SPECS = (
    THEME.row(
        "coupled_weight_decay",
        signature="(grads, params, weight_decay)",
        extra=("where",),
        inputs=(*TREE, *TREE),
        dtypes=BOTH,
        params=(
            Params(values={"weight_decay": 0.125}),
            in_half_precision(weight_decay=0.125),
            Params(values={"weight_decay": 0.0}, dtypes=SINGLE, checks=FORWARD),
            given(
                "where=all",
                *TREE,
                *TREE,
                values={"weight_decay": 0.3, "where": "all"},
                reference=THEME.reference("coupled_weight_decay", places=ALL),
                truth=THEME.reference("coupled_weight_decay", places=ALL),
            ),
            given(
                "weight_decay=array",
                *TREE,
                *TREE,
                arrays={"weight_decay": _scalar(0.5)},
                checks=("forward", "vjp", "second"),
            ),
        ),
    ),
    THEME.row(
        "decoupled_weight_decay",
        signature="(params, lr, weight_decay)",
        extra=("where",),
        budgets=UNITS,
        params=(
            Params(values={"lr": 0.1, "weight_decay": 0.3}),
            given(
                "where=all",
                *TREE,
                values={"lr": 0.1, "weight_decay": 0.3, "where": "all"},
                reference=THEME.reference("decoupled_weight_decay", places=ALL),
                truth=THEME.reference("decoupled_weight_decay", places=ALL),
            ),
            given("nan", *_one(np.nan), values={"lr": 0.1, "weight_decay": 0.3}),
            given(
                "lr=array,weight_decay=array",
                *TREE,
                arrays={"lr": _scalar(0.25), "weight_decay": _scalar(0.5)},
                checks=("forward", "vjp", "second"),
            ),
        ),
    ),
    THEME.row(
        "max_norm",
        signature="(params, max_value)",
        extra=("p", "axis", "where"),
        budgets=UNITS,
        dtypes=BOTH,
        params=(
            Params(values={"max_value": 3.0}),
            in_half_precision(max_value=3.0),
            *(
                Params(values={"max_value": 3.0, **values}, dtypes=SINGLE, checks=FORWARD)
                for values in (
                    {"axis": 1},
                    {"axis": -1},
                    {"p": 1.0},
                    {"p": 3.0},
                    {"p": np.inf},
                )
            ),
            Params(values={"max_value": 0.0}, dtypes=SINGLE, checks=FORWARD),
            Params(values={"max_value": np.inf}, dtypes=SINGLE, checks=FORWARD),
            given("zeros", *ZERO, values={"max_value": 1.0}, checks=FINITE),
            given("units_of_zeros", *SPARSE, values={"max_value": 1.0, "axis": -1}, checks=FINITE),
            given("huge", *HUGE, values={"max_value": 1.0}, checks=("forward",)),
            *(
                given(str(v), *_one(v), values={"max_value": 1.0}, checks=("forward",))
                for v in (np.nan, np.inf)
            ),
            given(
                "max_value=array,p=array",
                *TREE,
                arrays={"max_value": _scalar(3.0), "p": _scalar(2.5)},
                reference=THEME.reference("max_norm_of_array"),
                truth=THEME.reference("max_norm_of_array"),
            ),
        ),
        bad_calls=(
            THEME.bad("negative_max_value", "a negative norm", max_value=-1.0),
            THEME.bad("max_value_nan", "no norm", max_value=float("nan")),
            THEME.bad("p_0", "no norm", max_value=1.0, p=0.0),
            THEME.bad("negative_p", "no norm", max_value=1.0, p=-1.0),
            THEME.bad("p_nan", "no norm", max_value=1.0, p=float("nan")),
            THEME.bad("no_such_axis", "no such axis", max_value=1.0, axis=2),
            THEME.bad("axis_of_a_float", "an axis that is no int", max_value=1.0, axis=1.0),
            THEME.bad("max_value_none", "no number", max_value=None),
        ),
    ),
    THEME.row(
        "proximal_l1",
        signature="(params, threshold)",
        extra=("where",),
        inputs=(Points(kinks=(-0.5, 0.5)),),
        params=(
            Params(values={"threshold": 0.5, "where": "all"}, label="default"),
            Params(values={"threshold": 0.0, "where": "all"}, dtypes=SINGLE, checks=FORWARD),
            Params(
                label="threshold=array",
                values={"where": "all"},
                inputs=(Points(kinks=(0.0,), span=(-8.0, 8.0)),),
                arrays={"threshold": Points(kinks=(0.0,), span=(0.0, 8.0))},
                mapped=True,
                reference=THEME.reference("proximal_l1_of_array"),
                truth=THEME.reference("proximal_l1_of_array"),
                dtypes=SINGLE,
                checks=FORWARD,
            ),
        ),
        bad_calls=(
            THEME.bad("negative_threshold", "a negative threshold", X[0], threshold=-1.0),
            THEME.bad("threshold_none", "no number", X[0], threshold=None),
        ),
    ),
    THEME.row(
        "proximal_group_lasso",
        signature="(params, threshold)",
        extra=("axis", "where"),
        budgets={**UNITS, ("forward", "float32"): SHRUNK, ("forward", "float64"): SHRUNK},
        dtypes=BOTH,
        params=(
            Params(values={"threshold": 1.5}),
            in_half_precision(threshold=1.5),
            Params(values={"threshold": 1.5, "axis": -1}, dtypes=SINGLE, checks=FORWARD),
            Params(values={"threshold": 0.0}, dtypes=SINGLE, checks=FORWARD),
            given("zeros", *ZERO, values={"threshold": 0.5}),
            given("groups_of_zeros", *SPARSE, values={"threshold": 0.125, "axis": -1}),
            given("threshold=array", *TREE, arrays={"threshold": _scalar(1.5)}),
            # Only the formula as it stands has no inf/inf.
            given(
                "inf",
                *_one(np.inf),
                values={"threshold": 0.125},
                checks=("forward",),
                reference=THEME.reference("proximal_group_lasso_of_infinity"),
                truth=THEME.reference("proximal_group_lasso_of_infinity"),
            ),
        ),
    ),
)
