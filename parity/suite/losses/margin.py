"""The rows of the losses with a margin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.spec import (
    FLOATS,
    BadCall,
    Beside,
    Budget,
    Choices,
    Floats,
    Given,
    Labels,
    Params,
    Points,
    Quirk,
    Samples,
    Target,
    Values,
    on,
)
from parity.suite.losses.rows import JVP, bad, filled, loss

X = np.asarray([[0.25, 0.5, 0.75], [0.5, 0.125, 1.0]], np.float32)
Y = np.asarray([1, 0])
LABELS = np.asarray([[1, -1, 0], [0, 2, -1]])
SIGNS = Choices(values=(-1.0, 1.0, 0.0))
SIGN_ROWS = Choices(values=(-1.0, 1.0), shape=(48, 5))
MARGINS = Points(kinks=(0.0,), span=(-2.0, 2.0))
# Of the reductions, which add sums to what "none" shows.
SUMMED = ("forward", "vjp")
# What torch's kernels of classes have: no forward mode and no second derivatives.
CLASSED = ("forward", "vjp", "vmap", "jit", "error", "signature")
ROWS = Samples(shape=(48, 7))
SPECIAL = Samples(shape=(48, 7), special=True)
# Ties, and differences of exactly the margin.
TIED = Choices(values=(-0.5, 0.0, 0.5, 1.0), shape=(48, 7))
CLASSES = Labels(shape=(48,), classes=7)


def _references(name: str) -> Target:
    return on("torch", f"parity.suite.losses.margin_references.{name}")


def _overflows(arguments: tuple[Floats, ...], values: Values) -> NDArray[np.bool_]:
    return np.abs(arguments[0] - arguments[1]) > float(np.finfo(np.float32).max)


CANCELS = Budget(
    ulp=4, floor=1, everywhere=True, reason="margin and scores are rounded before they cancel"
)


# Where the target is neither 1 nor -1 torch adds x to margin - x: what is left of the margin beside
# a large x is rounding, also in float64.
HINGE = _references("hinge_embedding_loss")


def _wrong_options(*args: Any) -> tuple[BadCall, ...]:
    return (
        bad("reduction_men", "no such reduction", *args, reduction="men"),
        bad("margin_of_a_string", "a margin that is no number", *args, margin="1"),
        bad("margin_of_none", "a margin that is no number", *args, margin=None),
    )


def _labels() -> Any:
    """Few labels, many, all, none, repeated ones, and others after the end."""
    generator = np.random.default_rng(3)
    labels = generator.integers(-1, 7, (48, 7))
    labels[:8] = np.asarray([generator.permutation(7) for _ in range(8)])
    labels[8:12] = generator.integers(0, 7, (4, 7))
    labels[12] = -1
    labels[13] = [4, 4, -1, 2, 2, 2, 2]
    return labels


SPECS = (
    loss(
        "hinge_embedding_loss",
        signature="(input, target, margin=1.0, reduction='mean')",
        budgets={},
        params=(
            Params(
                values={"reduction": "none"},
                inputs=(Points(kinks=(1.0,)), SIGNS),
                truth=HINGE,
            ),
            Params(
                values={"reduction": "none", "margin": 0.5},
                inputs=(Points(kinks=(0.5,)), SIGNS),
                truth=HINGE,
            ),
            Params(
                label="margin=array",
                values={"reduction": "none"},
                arrays={"margin": MARGINS},
                mapped=True,
                inputs=(Points(kinks=(0.0, 1.0), span=(-4.0, 4.0)), SIGNS),
                reference=HINGE,
                truth=HINGE,
                dtypes=("float32",),
                checks=("forward", "vjp"),
                budget=CANCELS,
            ),
            Params(inputs=(Samples(shape=(48, 5)), SIGN_ROWS), checks=SUMMED, dtypes=FLOATS),
            Params(
                values={"reduction": "sum"},
                inputs=(Samples(shape=(48, 5)), SIGN_ROWS),
                checks=SUMMED,
                dtypes=("float32",),
            ),
        ),
        bad_calls=(
            *_wrong_options(X, X),
            bad("shapes_do_not_broadcast", "shapes that do not fit", *filled((2, 3), (2,))),
            bad("bool", "booleans have no difference", *filled((3,), (3,), dtype="bool")),
            bad("complex64", "a complex input", *filled((3,), (3,), dtype="complex64")),
            bad("mean_of_int32", "a mean of integers", *filled((3,), (3,), dtype="int32")),
        ),
    ),
    loss(
        "margin_ranking_loss",
        signature="(input1, input2, target, margin=0, reduction='mean')",
        budgets={**JVP},
        quirks=(
            Quirk(
                reason="the difference overflows, as torch's does; 0 times it is nan",
                source="torch 2.13: nan for 3.4e38, -3.4e38 and the target 0 in float32, and "
                "the margin in float64",
                where=_overflows,
                checks=("forward", "vjp", "jvp"),
                dtypes=("float32", "bfloat16"),
                settings=("reduction=none", "reduction=none,margin=0.5"),
            ),
        ),
        params=(
            Params(values={"reduction": "none"}, inputs=(Points(), Beside(), SIGNS)),
            Params(
                values={"reduction": "none", "margin": 0.5},
                inputs=(Points(), Beside(kinks=(-0.5, 0.5)), SIGNS),
                budget=CANCELS,
            ),
            Params(
                label="margin=array",
                values={"reduction": "none"},
                arrays={"margin": MARGINS},
                mapped=True,
                inputs=(Points(span=(-4.0, 4.0)), Points(span=(-4.0, 4.0)), SIGNS),
                reference=_references("margin_ranking_loss"),
                truth=_references("margin_ranking_loss"),
                dtypes=("float32",),
                checks=("forward", "vjp"),
                budget=CANCELS,
            ),
            Params(
                inputs=(Samples(shape=(48, 5)), Samples(shape=(48, 5)), SIGN_ROWS),
                checks=SUMMED,
                dtypes=FLOATS,
            ),
            Params(
                values={"reduction": "sum"},
                inputs=(Samples(shape=(48, 5)), Samples(shape=(48, 5)), SIGN_ROWS),
                checks=SUMMED,
                dtypes=("float32",),
            ),
        ),
        bad_calls=(
            *_wrong_options(X, X, X),
            bad("other_rank", "a target of fewer axes", *filled((2, 3), (2, 3), (3,))),
            bad("shapes_do_not_broadcast", "shapes", *filled((2, 3), (2, 3), (2, 2))),
            bad("bool", "booleans have no difference", *filled((3,), (3,), (3,), dtype="bool")),
            bad("bool_target", "a target that has no sign", X, X, X > 0.5),
            bad("complex64", "complex", *filled((3,), (3,), (3,), dtype="complex64")),
        ),
    ),
    loss(
        "multi_margin_loss",
        signature="(input, target, p=1, margin=1.0, weight=None, reduction='mean')",
        dtypes=("float32", "float64"),
        checks=CLASSED,
        budgets={},
        params=(
            Params(inputs=(ROWS, CLASSES)),
            Params(values={"reduction": "none"}, inputs=(SPECIAL, CLASSES)),
            Params(values={"reduction": "none", "p": 2}, inputs=(SPECIAL, CLASSES)),
            Params(
                label="p=2,margin=0.5,weight=array",
                values={"p": 2, "margin": 0.5},
                arrays={"weight": Given(values=(0.5, 2.0, 0.25, 1.0, 3.0, 0.0, 1.5))},
                inputs=(ROWS, CLASSES),
            ),
            Params(values={"reduction": "sum"}, inputs=(ROWS, CLASSES), dtypes=("float32",)),
            Params(
                label="kinks",
                values={"reduction": "none"},
                inputs=(TIED, CLASSES),
            ),
            Params(
                label="margin=array,weight=array",
                arrays={
                    "margin": Samples(shape=(), center=0.75, scale=0.125, axis=None),
                    "weight": Samples(shape=(7,), center=1.5, scale=0.25, axis=None),
                },
                inputs=(ROWS, CLASSES),
                reference=_references("multi_margin_loss"),
                truth=_references("multi_margin_loss"),
                dtypes=("float32",),
                checks=("forward", "vjp"),
                budget=Budget(ulp=16, reason="one sum of 336 terms"),
            ),
        ),
        bad_calls=(
            *_wrong_options(X, Y),
            *(bad(f"p_{p}", "no such p", X, Y, p=p) for p in (0, 3, 1.5)),
            bad("three_axes", "an input of three axes", X[None], Y),
            bad("no_classes", "an input without classes", np.ones((2, 0), np.float32), Y),
            bad("other_rows", "a target for other rows", X, np.asarray([0, 1, 1])),
            bad("target_of_two_axes", "a target of two axes", X, Y[:, None]),
            bad("float_target", "a target that is no index", X, Y.astype(np.float32)),
            bad("bool_target", "a target that is no index", X, Y > 0),
            bad("int32", "integer scores", X.astype(np.int32), Y),
            bad("weight_of_two_axes", "a weight of two axes", X, Y, weight=X[:1]),
            bad("weight_of_two_classes", "a weight for others", X, Y, weight=X[0, :2]),
            bad("int_weight", "a weight of integers", X, Y, weight=np.ones(3, np.int32)),
        ),
    ),
    loss(
        "multilabel_margin_loss",
        signature="(input, target, reduction='mean')",
        dtypes=("float32", "float64"),
        checks=CLASSED,
        budgets={},
        params=(
            Params(inputs=(ROWS, Given(values=_labels()))),
            Params(values={"reduction": "none"}, inputs=(SPECIAL, Given(values=_labels()))),
            Params(
                label="kinks",
                values={"reduction": "none"},
                inputs=(
                    TIED,
                    Given(values=_labels()),
                ),
            ),
            Params(
                values={"reduction": "sum"},
                inputs=(ROWS, Given(values=_labels())),
                dtypes=("float32",),
            ),
        ),
        bad_calls=(
            bad("reduction_men", "no such reduction", X, LABELS, reduction="men"),
            bad("three_axes", "an input of three axes", X[None], LABELS[None]),
            bad("no_classes", "no classes", np.ones((2, 0), np.float32), LABELS[:, :0]),
            bad("other_shape", "a target of another shape", X, LABELS[:, :2]),
            bad("target_of_one_row", "a target of another shape", X, LABELS[0]),
            bad("float_target", "a target that is no index", X, LABELS.astype(np.float32)),
            bad("int32", "integer scores", X.astype(np.int32), LABELS),
        ),
    ),
)
