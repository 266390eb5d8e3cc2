"""Penalties: what is added to the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import Budget, Choices, Given, Params, Samples
from parity.suite.regularizers.penalties_laws import LAWS
from parity.suite.regularizers.rows import (
    BOTH,
    FORWARD,
    HALVES,
    SINGLE,
    Theme,
    given,
    in_half_precision,
)

SHAPES = ((5,), (6, 4), (3,), (3, 2, 4), (3, 3))
TREE = tuple(Samples(shape=shape, axis=None) for shape in SHAPES)
# With groups of zeros on either axis.
SPARSE = tuple(Choices(values=(0.0,) * 7 + (1.0, -0.5), shape=shape) for shape in SHAPES)
ZERO = tuple(Choices(values=(0.0,), shape=shape) for shape in SHAPES)
HUGE = tuple(Samples(shape=shape, axis=None, scale=1e25) for shape in SHAPES)
TINY = tuple(Samples(shape=shape, axis=None, scale=1e-17) for shape in SHAPES)
NORMAL = tuple(Samples(shape=shape, axis=None, scale=0.5) for shape in SHAPES)
CHECKS = ("forward", "vjp", "jvp", "second", "vmap", "jit", "shapes", "signature", "law")
SUMS = Budget(ulp=4, floor=4, everywhere=True, reason="a sum of terms of either sign")
HALF = Budget(ulp=1, floor=2.0**-6, everywhere=True, reason="a sum of terms of either sign")
CANCELS = Budget(ulp=32, floor=4, everywhere=True, reason="two sums 25 times as large cancel")
BUDGETS = {
    ("jvp", "float32"): SUMS,
    ("jvp", "float64"): SUMS,
    ("jvp", "float16"): HALF,
    ("jvp", "bfloat16"): HALF,
}
# Three matrix products one after the other.
PRODUCTS = Budget(ulp=8, floor=8, everywhere=True, reason="products of matrices, which cancel")
HALF_PRODUCTS = Budget(
    ulp=2, floor=1, everywhere=True, reason="the network itself is computed in half precision"
)


THEME = Theme("penalties", {"inputs": TREE, "budgets": BUDGETS, "checks": CHECKS})


def _one(number: float) -> tuple[Any, ...]:
    """A number among the weights."""
    return (*TREE[:1], Given(values=((1.0, number), (2.0, -3.0))), *TREE[2:])


def _selected(name: str) -> tuple[Params, ...]:
    """The ways to select leaves that a row can hold; places are those of the leaves' order."""
    return tuple(
        given(
            f"where={where}",
            *TREE,
            values={"where": where},
            reference=THEME.reference(name, places=places),
            truth=THEME.reference(name, places=places),
        )
        for where, places in (
            ("all", (0, 1, 2, 3, 4)),
            ("b/*", (2, 3, 4)),
            (("*/bias", "b/scale"), (0, 2, 4)),
        )
    )


def _without(*checks: str) -> tuple[str, ...]:
    return tuple(check for check in CHECKS if check not in checks)


SPECS = (
    THEME.row(
        "l1_penalty",
        signature="(params)",
        extra=("where",),
        dtypes=BOTH,
        params=(
            Params(),
            in_half_precision(),
            *_selected("l1_penalty"),
            given("sparse", *SPARSE),
            *(given(str(v), *_one(v)) for v in (np.nan, np.inf, -np.inf)),
        ),
        # torch.sgn has no derivative of its own.
        checks=_without("second", "jit"),
    ),
    THEME.row(
        "l2_penalty",
        signature="(params)",
        extra=("where",),
        dtypes=BOTH,
        params=(
            Params(),
            in_half_precision(),
            *_selected("l2_penalty"),
            *(given(str(v), *_one(v)) for v in (np.nan, np.inf)),
        ),
    ),
    THEME.row(
        "elastic_net",
        signature="(params, l1_ratio=0.5)",
        extra=("where",),
        checks=_without("jit"),
        dtypes=BOTH,
        params=(
            Params(),
            in_half_precision(),
            Params(values={"l1_ratio": 0.0}, dtypes=SINGLE, checks=FORWARD),
            given("sparse", *SPARSE),
            given(
                "l1_ratio=array",
                *TREE,
                arrays={"l1_ratio": Samples(shape=(), center=0.25, scale=0.01, axis=None)},
                checks=("forward", "vjp", "second"),
                budget=CANCELS,
            ),
        ),
    ),
    THEME.row(
        "group_lasso",
        signature="(params)",
        extra=("axis", "where"),
        dtypes=BOTH,
        checks=_without("jit"),
        params=(
            Params(),
            in_half_precision(),
            Params(values={"axis": 1}, dtypes=SINGLE, checks=FORWARD),
            Params(values={"axis": -1}, dtypes=SINGLE, checks=FORWARD),
            given("zeros", *ZERO),
            given("groups_of_zeros", *SPARSE, values={"axis": -1}),
            given("huge", *HUGE),
            given("tiny", *TINY),
            *(given(str(v), *_one(v), checks=("forward",)) for v in (np.nan, np.inf)),
        ),
    ),
    THEME.row(
        "orthogonality_penalty",
        signature="(params)",
        extra=("where", "layout"),
        inputs=NORMAL,
        budgets={**BUDGETS, "second": PRODUCTS, ("vjp", "float32"): PRODUCTS},
        checks=_without("jit"),
        dtypes=BOTH,
        params=(
            Params(),
            in_half_precision(),
            Params(values={"layout": "flax"}, dtypes=SINGLE, checks=FORWARD),
            given(
                "orthogonal",
                *TREE[:1],
                Choices(values=(0.0,), shape=(6, 4)),
                TREE[2],
                Given(values=np.eye(4, 6).reshape(4, 3, 2)),
                TREE[4],
            ),
            *(given(str(v), *_one(v), checks=("forward",)) for v in (np.nan,)),
        ),
    ),
    THEME.row(
        "jacobian_penalty",
        signature="(f, x)",
        extra=("key", "num_projections"),
        inputs=(
            Samples(shape=(6, 3), scale=0.5),
            Samples(shape=(3, 5), axis=None, scale=0.5),
            Samples(shape=(5, 4), axis=None, scale=0.5),
        ),
        budgets={
            (check, dtype): PRODUCTS if dtype in ("float32", "float64") else HALF_PRODUCTS
            for check in ("forward", "vjp", "jvp", "second")
            for dtype in ("float32", "float64", "float16", "bfloat16")
        },
        params=(
            Params(values={"num_projections": None}),
            Params(
                label="half_precision",
                values={"num_projections": None},
                dtypes=HALVES,
                checks=("forward",),
            ),
            # A direction in one dimension is 1 or -1.
            given(
                "one_output",
                Samples(shape=(6, 3), scale=0.5),
                Samples(shape=(3, 5), axis=None, scale=0.5),
                Samples(shape=(5, 1), axis=None, scale=0.5),
                values={"num_projections": 2},
                key=3,
                checks=("forward", "vjp", "second"),
            ),
        ),
        checks=_without("shapes", "jit"),
        dtypes=BOTH,
        laws=LAWS,
    ),
)
