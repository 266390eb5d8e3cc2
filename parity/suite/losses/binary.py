"""The rows of the losses with binary targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from parity.domains import Domain, Tensor, optional
from parity.spec import BadCall, Budget, Choices, Floats, Place, Quirk, Samples, Sweep, Values
from parity.suite.choices import ANY, NUMBERS, OTHER_DTYPES, REDUCTION, factors, shares, signs
from parity.suite.losses import rows
from parity.suite.rows import FORWARD, WIDE, Theme, few, setting

THEME = Theme("losses", "binary")
OF_WEIGHTS = THEME.reference("binary_cross_entropy")
WITH_LOGITS = THEME.reference("binary_cross_entropy_with_logits")
SOFT_MARGIN = THEME.reference("soft_margin_loss")
LOGITS = Sweep(kinks=(0.0,))
UNIT = Sweep(kinks=(0.0, 1.0), span=(0.0, 1.0))
SCORES = Samples(shape=(48, 5), scale=4.0)
ROWS = (SCORES, Choices(values=(0.0, 0.25, 1.0), shape=(48, 5)))
CHANCES = (Choices(values=(0.0, 1e-30, 1e-3, 0.25, 0.75, 0.999, 1.0), shape=(48, 5)), ROWS[1])
LEARNED = "reduction=sum,target=differentiated"
SIDES = Choices(values=(-1.0, 1.0), shape=(48, 5))
CLASSES = Samples(shape=(5,), center=1.5, scale=0.25)
# torch's 1e-12, in every dtype.
BOUND = float(np.float32(1e-12))
LARGER = "a sum of terms up to 1/x^2 that cancel"


def _bounded(place: Place) -> Floats:
    """The derivatives of (x - t) / max(x (1 - x), 1e-12), ignoring the bound to differentiate."""
    x, t = place.arguments
    along_x, along_t = place.directions["0"], place.directions["1"]
    variance = np.maximum(x * (1 - x), BOUND)
    if place.entry == "second/0":
        curvature = (t * (1 - x) ** 2 + (1 - t) * x**2) / variance**2
        slope = curvature * along_x - along_t / (x * (1 - x))
    else:
        slope = -along_x / variance
    return slope * place.cotangent / (x.size if place.values["reduction"] == "mean" else 1)


def _cancels(arguments: tuple[Floats, ...], values: Values) -> NDArray[np.bool_]:
    x, t = arguments
    return (np.abs(1 / (1 + np.exp(-x)) - t) < 0.15) & (t > 1e-4) & (t < 1 - 1e-4)


def _unfit(*weights: str) -> tuple[BadCall, ...]:
    wrong = (("of_four", np.ones(4, np.float32)), ("of_more_axes", rows.X[None]))
    return (
        *rows.wrong_reduction(),
        rows.shapes("target_of_one_row", "shapes that differ", (2, 3), (3,)),
        rows.shapes("target_of_one_column", "shapes that differ", (2, 3), (2, 1)),
        *(rows.bad(f"{n}_{w}", "does not fit", **{n: a}) for n in weights for w, a in wrong),
    )


SPECS = (
    rows.loss(
        "binary_cross_entropy",
        budgets={**rows.CROSSES, **rows.budgets(("jvp", "second"), WIDE, 16, 256, LARGER)},
        quirks=(
            Quirk(
                reason="torch's double backward adds 1e-12 to what its backward bounds by it",
                source="float64, input 1 - 1.1e-16, target 0: 4.9994e11 times the step, not 5e11",
                where=lambda arguments, _: arguments[0] * (1 - arguments[0]) < BOUND,
                instead=_bounded,
                checks=("second",),
                dtypes=("float64",),
                settings=("reduction=none", "reduction=mean"),
            ),
        ),
        settings=(
            rows.each(UNIT, UNIT, truth=THEME.reference("each_binary_cross_entropy")),
            rows.reduced("mean", *CHANCES),
            rows.reduced("sum", *CHANCES, checks=FORWARD),
            rows.weighed("mean", *CHANCES, reference=OF_WEIGHTS, checks=FORWARD),
        ),
        bad_calls=(
            *_unfit("weight"),
            *rows.wrong_kinds(float32="float16 int32", int32="int32"),
            *rows.wrong_kinds(bool="bool", complex64="complex64"),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=ANY, low=0.0, high=1.0),
                "target": shares(),
                "weight": factors(broadcast=True, numeric=True),
                "reduction": REDUCTION,
            },
            # torch's double backward adds 1e-12 to what its backward bounds by it.
            impossible=({"precision": "float64", "order": "second"},),
        ),
    ),
    rows.loss(
        "binary_cross_entropy_with_logits",
        truth=WITH_LOGITS,
        budgets={key: budget for key, budget in rows.CROSSES.items() if key[0] != "vjp"},
        quirks=tuple(
            Quirk(
                reason="a difference that cancels where the probability is the target's",
                source="as far off in torch's float32, 2e-5 of it for logit -1.063, target 0.257",
                where=_cancels,
                instead=Budget(ulp=4, floor=floor, everywhere=True, reason="rounding of the terms"),
                checks=("vjp",),
                dtypes=dtypes,
                settings=("reduction=none",),
            )
            for dtypes, floor in ((WIDE, 0.25), (("bfloat16",), 2.0**-20))
        ),
        settings=(
            rows.each(LOGITS, UNIT),
            rows.reduced("mean", *ROWS),
            rows.reduced("sum", *ROWS, checks=FORWARD),
            rows.weighed("mean", *ROWS, reference=WITH_LOGITS, checks=FORWARD),
            rows.each(
                *ROWS, arrays={"pos_weight": CLASSES}, reference=WITH_LOGITS, checks=rows.NUMERIC
            ),
        ),
        bad_calls=(
            *_unfit("weight", "pos_weight"),
            rows.bad("boolean_pos_weight", "boolean", pos_weight=np.ones(3, bool)),
            *rows.wrong_kinds(float32="int32 bool", int32="float32", bool="bool"),
        ),
        domain=Domain(
            arguments={
                "input": NUMBERS,
                "target": shares(beside=OTHER_DTYPES[:2]),
                "weight": factors(broadcast=True, numeric=True),
                "reduction": REDUCTION,
                "pos_weight": factors(broadcast=True, numeric=True),
            }
        ),
    ),
    rows.loss(
        "soft_margin_loss",
        truth=SOFT_MARGIN,
        settings=(
            rows.each(LOGITS, replace(SIDES, shape=None, differentiated=False)),
            rows.reduced("mean", SCORES, replace(SIDES, differentiated=False)),
            rows.reduced("sum", SCORES, SIDES, label=LEARNED, reference=SOFT_MARGIN),
        ),
        bad_calls=(
            *rows.wrong_reduction(),
            rows.A_LIST,
            rows.shapes("target_larger", "a target larger than the input", (3,), (2, 3)),
            rows.shapes("target_unfit", "shapes that do not broadcast", (2, 3), (2,)),
            *rows.wrong_kinds(int32="int32 float32", bool="bool"),
        ),
        domain=Domain(
            arguments={"input": NUMBERS, "target": signs("input"), "reduction": REDUCTION}
        ),
    ),
    rows.loss(
        "multilabel_soft_margin_loss",
        truth=THEME.reference("multilabel_soft_margin_loss"),
        inputs=ROWS,
        settings=(
            rows.reduced("mean", *ROWS),
            setting(reduction="none", dtypes=("float32", "float64", "bfloat16")),
            rows.reduced("sum", *ROWS, checks=FORWARD),
            few(arrays={"weight": CLASSES}, checks=rows.SUMMED),
        ),
        bad_calls=(
            *rows.wrong_reduction(),
            rows.A_LIST,
            rows.shapes("no_axis", "an input without axes", (), ()),
            rows.shapes("target_unfit", "shapes that do not broadcast", (2, 3), (2,)),
            rows.bad("weight_unfit", "does not fit", weight=np.ones(4, np.float32)),
            *rows.wrong_kinds(int32="float32", float32="bool", bool="bool"),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=("n c", "c", "n k c")),
                "target": shares(),
                "weight": optional(Tensor(axes=("c",), low=0.1, high=2.0)),
                "reduction": REDUCTION,
            }
        ),
    ),
)
