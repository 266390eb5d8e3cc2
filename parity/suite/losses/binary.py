"""The rows of the losses against two-sided targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from parity.spec import BadCall, Budget, Choices, Floats, Params, Points, Quirk, Samples, Target, on
from parity.suite.losses.rows import (
    CROSSES,
    X,
    bad,
    each,
    loss,
    reduced,
    shapes,
    weighed,
    wrong_kinds,
    wrong_reduction,
)

ADDED = "float64, input 1 - 1.1e-16, target 0: 4.99944e11 times the cotangent, not 5e11"
LOGITS = Points(kinks=(0.0,))
UNIT = Points(kinks=(0.0, 1.0), span=(0.0, 1.0))
ROWS = (Samples(shape=(48, 5), scale=4.0), Choices(values=(0.0, 0.25, 1.0), shape=(48, 5)))
SHORES = (Samples(shape=(48, 5), scale=4.0), Choices(values=(-1.0, 1.0), shape=(48, 5)))
CHANCES = (
    Choices(values=(0.0, 1e-30, 1e-3, 0.25, 0.75, 0.999, 1.0), shape=(48, 5)),
    Choices(values=(0.0, 0.25, 1.0), shape=(48, 5)),
)
CLASSES = Samples(shape=(5,), center=1.5, scale=0.25)


def _reference(name: str) -> Target:
    return on("torch", f"parity.suite.losses.binary_references.{name}")


def _variance(x: Floats) -> Floats:
    return x * (1 - x)


def _probability(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def _cancels(x: Floats, t: Floats) -> NDArray[np.bool_]:
    return (np.abs(_probability(x) - t) < 0.15) & (t > 1e-4) & (t < 1 - 1e-4)


def _unfit(name: str) -> tuple[BadCall, ...]:
    return (
        *wrong_reduction(),
        shapes("target_of_one_row", "shapes that differ", (2, 3), (3,)),
        shapes("target_of_one_column", "shapes that differ", (2, 3), (2, 1)),
        bad(f"{name}_of_four", "a weight that does not fit", X, X, weight=np.ones(4, np.float32)),
        bad(f"{name}_of_more_axes", "a weight that enlarges", X, X, weight=X[None]),
    )


SPECS = (
    loss(
        "binary_cross_entropy",
        "(input, target, weight=None, reduction='mean')",
        budgets={
            **CROSSES,
            **{
                (check, dtype): Budget(
                    ulp=16,
                    floor=256,
                    everywhere=True,
                    reason="a sum of terms up to 1/x^2 that cancel",
                )
                for check in ("jvp", "second")
                for dtype in ("float32", "float64")
            },
        },
        quirks=(
            Quirk(
                reason="torch's double backward adds 1e-12 to what its backward bounds by it",
                source=ADDED,
                where=lambda arguments, _: _variance(arguments[0]) < 1e-4,
                checks=("second",),
                dtypes=("float64",),
                settings=("reduction=none", "reduction=mean"),
            ),
        ),
        params=(
            replace(each((UNIT, UNIT)), truth=_reference("each_binary_cross_entropy")),
            reduced("mean", CHANCES),
            reduced("sum", CHANCES, checks=("forward", "vjp")),
            weighed(
                "mean",
                CHANCES,
                reference=_reference("binary_cross_entropy"),
                checks=("forward", "vjp"),
            ),
        ),
        bad_calls=(
            *_unfit("weight"),
            *wrong_kinds(
                ("float32", "float16"),
                ("float32", "int32"),
                ("int32", "int32"),
                ("bool", "bool"),
                ("complex64", "complex64"),
            ),
        ),
    ),
    loss(
        "binary_cross_entropy_with_logits",
        "(input, target, weight=None, reduction='mean', pos_weight=None)",
        truth=_reference("binary_cross_entropy_with_logits"),
        budgets={key: budget for key, budget in CROSSES.items() if key[0] != "vjp"},
        quirks=(
            Quirk(
                reason="a difference that cancels where the probability is the target's",
                source="as far off in torch's float32, 2e-5 of it for logit -1.063, target 0.257",
                where=lambda arguments, _: _cancels(*arguments),
                checks=("vjp",),
                dtypes=("float32", "float64", "bfloat16"),
                settings=("reduction=none",),
            ),
        ),
        params=(
            each((LOGITS, UNIT)),
            reduced("mean", ROWS),
            reduced("sum", ROWS, checks=("forward", "vjp")),
            weighed(
                "mean",
                ROWS,
                reference=_reference("binary_cross_entropy_with_logits"),
                checks=("forward", "vjp"),
            ),
            Params(
                values={"reduction": "none"},
                arrays={"pos_weight": CLASSES},
                inputs=ROWS,
                label="reduction=none,pos_weight=array",
                reference=_reference("binary_cross_entropy_with_logits"),
                checks=("forward", "vjp", "jvp", "second"),
            ),
        ),
        bad_calls=(
            *_unfit("weight"),
            bad("pos_weight_of_four", "does not fit", X, X, pos_weight=np.ones(4, np.float32)),
            bad("pos_weight_of_more_axes", "enlarges", X, X, pos_weight=X[None]),
            bad("boolean_pos_weight", "boolean", X, X, pos_weight=np.ones(3, bool)),
            *wrong_kinds(
                ("float32", "int32"), ("float32", "bool"), ("int32", "float32"), ("bool", "bool")
            ),
        ),
    ),
    loss(
        "soft_margin_loss",
        "(input, target, reduction='mean')",
        truth=_reference("soft_margin_loss"),
        params=(
            each((LOGITS, Choices(values=(-1.0, 1.0), differentiated=False))),
            reduced(
                "mean",
                (SHORES[0], Choices(values=(-1.0, 1.0), shape=(48, 5), differentiated=False)),
            ),
            Params(
                values={"reduction": "sum"},
                label="reduction=sum,target=differentiated",
                inputs=SHORES,
                reference=_reference("soft_margin_loss"),
                dtypes=("float32",),
                checks=("forward", "vjp", "second"),
            ),
        ),
        bad_calls=(
            *wrong_reduction(),
            bad("a_list", "an input that is a list", [1.0, 2.0], X),
            shapes("target_larger", "a target larger than the input", (3,), (2, 3)),
            shapes("target_unfit", "shapes that do not broadcast", (2, 3), (2,)),
            *wrong_kinds(("int32", "int32"), ("int32", "float32"), ("bool", "bool")),
        ),
    ),
    loss(
        "multilabel_soft_margin_loss",
        "(input, target, weight=None, reduction='mean')",
        truth=_reference("multilabel_soft_margin_loss"),
        params=(
            reduced("mean", ROWS),
            Params(
                values={"reduction": "none"}, inputs=ROWS, dtypes=("float32", "float64", "bfloat16")
            ),
            reduced("sum", ROWS, checks=("forward", "vjp")),
            Params(
                arrays={"weight": CLASSES},
                inputs=ROWS,
                label="weight=array",
                dtypes=("float32",),
                checks=("forward", "vjp", "second"),
            ),
        ),
        bad_calls=(
            *wrong_reduction(),
            bad("a_list", "an input that is a list", [1.0, 2.0], X),
            shapes("no_axis", "an input without axes", (), ()),
            shapes("target_unfit", "shapes that do not broadcast", (2, 3), (2,)),
            bad("weight_unfit", "a weight that does not fit", X, X, weight=np.ones(4, np.float32)),
            *wrong_kinds(("int32", "float32"), ("float32", "bool"), ("bool", "bool")),
        ),
    ),
)
