"""The rows of the losses of differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from parity.domains import Number
from parity.spec import Floats, Place, Quirk, Sweep, SweepAround
from parity.suite.choices import factors, loss_of
from parity.suite.losses import rows
from parity.suite.rows import Theme

THEME = Theme("losses", "regression")
PRODUCTS = "the truth is torch's own float64: the difference of two products where it can cancel"
LARGEST = float(np.finfo(np.float32).max)
PAIRS = (Sweep(), SweepAround(kinks=(-1.0, 0.0, 1.0)))
NARROW_PAIRS = (Sweep(), SweepAround(kinks=(-0.5, 0.0, 0.5)))
WIDTHS = Sweep(span=(0.25, 4.0))
SETTINGS = (rows.each(*PAIRS), rows.reduced("mean"), rows.reduced("sum"))
WEIGHED = (rows.weighed("none"), rows.weighed("mean"), rows.weighed("sum"))

GENERIC = (
    *rows.wrong_reduction(),
    rows.shapes("shapes_do_not_broadcast", "shapes that do not broadcast", (2, 3), (2,)),
    *rows.wrong_kinds(int32="int32", bool="bool"),
)
WEIGHTS = (
    rows.bad("weight_of_one_row", "a weight of another shape", weight=rows.X[0]),
    rows.bad("weight_of_more_axes", "a weight of another shape", weight=rows.X[None]),
)
NO_WIDTHS = {"negative": -1.0, "nan": float("nan"), "a_string": "1", "none": None}


def _apart(arguments: tuple[Floats, ...]) -> Floats:
    return np.abs(arguments[0] - arguments[1])


def _infinite_slope(place: Place) -> Floats:
    """The infinite slope of the square, times the cotangent or the step of the difference."""
    step = place.directions["0"] - place.directions["1"]
    factor = {"vjp/0": place.cotangent, "vjp/1": -place.cotangent}.get(place.entry, step)
    return np.inf * np.sign(factor * (place.arguments[0] - place.arguments[1]))


SPECS = (
    rows.loss(
        "l1_loss",
        settings=(*SETTINGS, *WEIGHED),
        bad_calls=(*GENERIC, *WEIGHTS, *rows.wrong_kinds(float32="bool")),
        domain=loss_of("input", "target", weight=factors()),
    ),
    rows.loss(
        "mse_loss",
        budgets={**rows.JVP, **rows.budgets(("jvp", "second"), ("float64",), 2048, 16, PRODUCTS)},
        settings=(*SETTINGS, *WEIGHED),
        quirks=(
            Quirk(
                reason="twice the difference overflows, its product with a small factor would not",
                source="torch's gradient is inf as well for 3.4e38 and 0",
                where=lambda args, _: np.isfinite(_apart(args)) & (_apart(args) > LARGEST / 2),
                instead=_infinite_slope,
                checks=("vjp", "jvp", "second"),
                dtypes=("float32", "bfloat16"),
                settings=("reduction=none",),
            ),
            Quirk(
                reason="a step of an infinite difference is the difference of both steps",
                source="torch's Jacobian times the tangent, and its double backward, are inf - inf",
                where=lambda args, _: ~np.isfinite(2 * _apart(args)),
                instead=_infinite_slope,
                checks=("jvp", "second"),
                settings=("reduction=none",),
            ),
        ),
        bad_calls=(*GENERIC, *WEIGHTS),
        domain=loss_of("input", "target", weight=factors()),
    ),
    rows.loss(
        "smooth_l1_loss",
        settings=(
            *SETTINGS,
            rows.each(*NARROW_PAIRS, beta=0.5),
            rows.each(*PAIRS, beta=0.0),
            rows.swept(THEME.reference("smooth_l1_loss"), beta=WIDTHS),
        ),
        bad_calls=(*GENERIC, *rows.wrong_values("beta", **NO_WIDTHS)),
        domain=replace(
            loss_of("input", "target", beta=Number(1.0, 0.5, 2, 0.0, 100.0, outside=(-1.0,))),
            decisions={
                **dict.fromkeys(
                    ("input:booleans", "target:booleans"),
                    "the same for every beta; torch passes 0 on to its l1_loss, which takes none",
                ),
                "input:integers": "the same for every beta; torch passes 0 on to its l1_loss, "
                "which takes integers beside integers where it does not average",
            },
        ),
    ),
    rows.loss(
        "huber_loss",
        quirks=(
            Quirk(
                reason="the difference overflows, half of it would not",
                source="torch's float32 is inf as well for 3.4e38 and -3.4e38",
                where=lambda args, _: _apart(args) > LARGEST,
                instead=float("inf"),
                checks=("forward",),
                dtypes=("float32",),
                settings=("reduction=none,delta=0.5",),
            ),
        ),
        settings=(
            *SETTINGS,
            *WEIGHED,
            rows.each(*NARROW_PAIRS, delta=0.5),
            rows.swept(THEME.reference("huber_loss"), delta=WIDTHS),
        ),
        bad_calls=(
            *GENERIC,
            *WEIGHTS,
            *rows.wrong_kinds(int32="float32"),
            *rows.wrong_values("delta", zero=0.0, **NO_WIDTHS),
        ),
        domain=loss_of(
            "input",
            "target",
            delta=Number(1.0, 0.5, 2, 100.0, outside=(0.0, -1.0)),
            weight=factors(),
        ),
    ),
)
