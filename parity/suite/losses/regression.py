"""The rows of the losses of differences."""

from __future__ import annotations

import numpy as np

from parity.spec import BadCall, Beside, Budget, Params, Points, Quirk, Target, on
from parity.suite.losses.rows import (
    JVP,
    X,
    bad,
    each,
    loss,
    reduced,
    shapes,
    swept,
    weighed,
    wrong_kinds,
    wrong_reduction,
)

CANCELLING_TRUTH = Budget(
    ulp=2048,
    floor=16,
    everywhere=True,
    reason="the truth is torch's own float64: the difference of two products where it can cancel",
)
LARGEST = float(np.finfo(np.float32).max)
PAIRS = (Points(), Beside(kinks=(-1.0, 0.0, 1.0)))
WIDTHS = Points(span=(0.25, 4.0))
SETTINGS = (each(PAIRS), reduced("mean"), reduced("sum"))
WEIGHED = (weighed("none"), weighed("mean"), weighed("sum"))

UNFIT = shapes("shapes_do_not_broadcast", "shapes that do not broadcast", (2, 3), (2,))
GENERIC = (*wrong_reduction(), UNFIT)
WEIGHTS = (
    bad("weight_of_one_row", "a weight of another shape", X, X, weight=X[0]),
    bad("weight_of_more_axes", "a weight of another shape", X, X, weight=X[None]),
)
INTEGERS = wrong_kinds(("int32", "int32"), ("bool", "bool"))


def _references(name: str) -> Target:
    return on("torch", f"parity.suite.losses.regression_references.{name}")


def _width(name: str, **wrong: object) -> tuple[BadCall, ...]:
    return tuple(
        bad(f"{name}_{kind}", f"{name} is {kind}", X, X, **{name: value})
        for kind, value in wrong.items()
    )


SPECS = (
    loss(
        "l1_loss",
        "(input, target, reduction='mean', weight=None)",
        params=(*SETTINGS, *WEIGHED),
        bad_calls=(
            *GENERIC,
            *WEIGHTS,
            *wrong_kinds(("int32", "int32"), ("bool", "bool"), ("float32", "bool")),
        ),
    ),
    loss(
        "mse_loss",
        "(input, target, reduction='mean', weight=None)",
        budgets={
            **JVP,
            ("jvp", "float64"): CANCELLING_TRUTH,
            ("second", "float64"): CANCELLING_TRUTH,
        },
        params=(*SETTINGS, *WEIGHED),
        quirks=(
            Quirk(
                reason="twice the difference overflows, its product with the cotangent would not",
                source="torch's gradient is inf as well for 3.4e38 and 0",
                where=lambda arguments, _: np.abs(arguments[0] - arguments[1]) > LARGEST / 2,
                checks=("vjp", "jvp", "second"),
                dtypes=("float32", "bfloat16"),
                settings=("reduction=none",),
            ),
            Quirk(
                reason="a step of an infinite difference is the difference of both steps",
                source="the Jacobian of torch times the tangent is inf - inf",
                where=lambda arguments, _: ~np.isfinite(2.0 * (arguments[0] - arguments[1])),
                checks=("jvp",),
                settings=("reduction=none",),
            ),
            Quirk(
                reason="a step of a difference that overflows is the difference of both steps",
                source="torch's double backward is inf - inf",
                where=lambda arguments, _: ~np.isfinite(2.0 * (arguments[0] - arguments[1])),
                checks=("second",),
                dtypes=("float64",),
                settings=("reduction=none",),
            ),
        ),
        bad_calls=(*GENERIC, *WEIGHTS, *INTEGERS),
    ),
    loss(
        "smooth_l1_loss",
        "(input, target, reduction='mean', beta=1.0)",
        params=(
            *SETTINGS,
            Params(
                values={"reduction": "none", "beta": 0.5},
                inputs=(Points(), Beside(kinks=(-0.5, 0.0, 0.5))),
            ),
            Params(
                values={"reduction": "none", "beta": 0.0},
                inputs=PAIRS,
            ),
            swept(_references("smooth_l1_loss"), beta=WIDTHS),
        ),
        bad_calls=(
            *GENERIC,
            *INTEGERS,
            *_width("beta", negative=-1.0, nan=float("nan"), a_string="1", none=None),
        ),
    ),
    loss(
        "huber_loss",
        "(input, target, reduction='mean', delta=1.0, weight=None)",
        quirks=(
            Quirk(
                reason="the difference overflows, half of it would not",
                source="torch's float32 is inf as well for 3.4e38 and -3.4e38",
                where=lambda arguments, _: np.abs(arguments[0] - arguments[1]) > LARGEST,
                checks=("forward",),
                dtypes=("float32",),
                settings=("reduction=none,delta=0.5",),
            ),
        ),
        params=(
            *SETTINGS,
            *WEIGHED,
            Params(
                values={"reduction": "none", "delta": 0.5},
                inputs=(Points(), Beside(kinks=(-0.5, 0.0, 0.5))),
            ),
            swept(_references("huber_loss"), delta=WIDTHS),
        ),
        bad_calls=(
            *GENERIC,
            *WEIGHTS,
            *INTEGERS,
            bad(
                "int32_and_float32",
                "input is of integers",
                np.ones(3, np.int32),
                np.ones(3, np.float32),
            ),
            *_width("delta", zero=0.0, negative=-1.0, nan=float("nan"), a_string="1", none=None),
        ),
    ),
)
