"""The rows of the losses with a margin."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import LONG, Domain, Indices, Number, OneOf, Tensor
from parity.spec import (
    FLOATS,
    Budget,
    Choices,
    Fixed,
    Labels,
    Quirk,
    Samples,
    Sweep,
    SweepAround,
)
from parity.suite.choices import CLASS_WEIGHTS, NUMBERS, OTHER_DTYPES, REDUCTION, labels
from parity.suite.losses.rows import JVP, filled, swept
from parity.suite.rows import FORWARD, SINGLE, WIDE, Theme, as_formula, few, setting

X = np.asarray([[0.25, 0.5, 0.75], [0.5, 0.125, 1.0]], np.float32)
Y, LABELS = np.asarray([1, 0]), np.asarray([[1, -1, 0], [0, 2, -1]])
SIGNS = Choices(values=(-1.0, 1.0, 0.0))
# For an empty batch torch returns memory as it finds it.
NOT_EMPTY = {"n": (5, 1, LONG), "c": (3, 1, LONG)}
BRANCHES = (Sweep(kinks=(0.0, 1.0), span=(-4.0, 4.0)), SIGNS)
NEAR, APART = Sweep(span=(-4.0, 4.0)), (Sweep(), SweepAround(kinks=(-0.5, 0.5)), SIGNS)
PAIRS, PAIR_SIGNS = Samples(shape=(48, 5)), Choices(values=(-1.0, 1.0), shape=(48, 5))
MARGINS = Sweep(kinks=(0.0,), span=(-2.0, 2.0))
ROWS, SPECIAL = Samples(shape=(48, 7)), Samples(shape=(48, 7), special=True)
# Ties, and differences of exactly the margin.
TIED = Choices(values=(-0.5, 0.0, 0.5, 1.0), shape=(48, 7))
CLASSES = Labels(shape=(48,), classes=7)
WEIGHTS = {"weight": Fixed(values=(0.5, 2.0, 0.25, 1.0, 3.0, 0.0, 1.5))}
LEARNED = {
    "margin": Samples(shape=(), center=0.75, scale=0.125, axis=None),
    "weight": Samples(shape=(7,), center=1.5, scale=0.25, axis=None),
}
CANCELS = Budget(
    ulp=4, floor=1, everywhere=True, reason="margin and scores are rounded before they cancel"
)
ONE_SUM = Budget(ulp=16, reason="one number, the sum of 336 terms")

THEME = Theme("losses", "margin", arguments=(X, X))
# torch's kernels for classes have no half precision, forward mode or second derivatives.
CHECKS = ("forward", "vjp", "vmap", "jit", "error", "signature")
CLASSED = Theme("losses", "margin", {"dtypes": WIDE, "checks": CHECKS}, arguments=(X, Y))
bad = THEME.bad
# Where the target is neither 1 nor -1 torch adds x to margin - x: beside a large x only rounding is
# left of the margin, also in float64.
HINGE = THEME.reference("hinge_embedding_loss")
RANKING = THEME.reference("margin_ranking_loss")
WRONG_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("reduction_men", {"reduction": "men"}),
    ("margin_of_a_string", {"margin": "1"}),
    ("margin_of_none", {"margin": None}),
)
LARGEST = float(np.finfo(np.float32).max)


def _labels() -> Any:
    """Rows with few labels, many, all, none, repeated ones, and labels after the terminator."""
    generator = np.random.default_rng(3)
    labels = generator.integers(-1, 7, (48, 7))
    labels[:8] = np.asarray([generator.permutation(7) for _ in range(8)])
    labels[8:12] = generator.integers(0, 7, (4, 7))
    labels[12] = -1
    labels[13] = [4, 4, -1, 2, 2, 2, 2]
    return labels


CLASS_SETS = Fixed(values=_labels())
SPECS = (
    THEME.row(
        "hinge_embedding_loss",
        settings=(
            setting(Sweep(kinks=(1.0,)), SIGNS, reduction="none", truth=HINGE),
            setting(Sweep(kinks=(0.5,)), SIGNS, reduction="none", margin=0.5, truth=HINGE),
            swept(HINGE, *BRANCHES, margin=MARGINS, budget=CANCELS),
            setting(PAIRS, PAIR_SIGNS, checks=FORWARD, dtypes=FLOATS),
            few(PAIRS, PAIR_SIGNS, reduction="sum"),
        ),
        bad_calls=(
            *(bad(name, "no such option", **wrong) for name, wrong in WRONG_OPTIONS),
            bad("shapes_do_not_broadcast", "shapes that do not fit", *filled((2, 3), (2,))),
            bad("bool", "booleans have no difference", *filled((3,), (3,), dtype="bool")),
            bad("complex64", "a complex input", *filled((3,), (3,), dtype="complex64")),
            bad("mean_of_int32", "a mean of integers", *filled((3,), (3,), dtype="int32")),
        ),
        domain=Domain(
            arguments={
                "input": NUMBERS,
                "target": Tensor(like="input", low=-1.0, high=1.0, beside=OTHER_DTYPES),
                "margin": Number(1.0, 0.5, 0.0, -1.0, 2),
                "reduction": REDUCTION,
            }
        ),
    ),
    THEME.row(
        "margin_ranking_loss",
        budgets=JVP,
        quirks=(
            Quirk(
                reason="the difference overflows, as torch's does: 0 times it is nan, of slope 0",
                source="torch 2.13: nan for 3.4e38, -3.4e38 and the target 0 in float32, and "
                "the margin in float64",
                where=lambda x, _: (abs(x[0] - x[1]) > LARGEST) & (abs(x[0] - x[1]) < np.inf),
                instead=lambda place: np.nan if place.entry in ("out", "vjp/2") else 0.0,
                checks=("forward", "vjp", "jvp", "second"),
                dtypes=("float32", "bfloat16"),
                settings=("reduction=none", "reduction=none,margin=0.5"),
            ),
        ),
        settings=(
            setting(Sweep(), SweepAround(), SIGNS, reduction="none"),
            setting(*APART, reduction="none", margin=0.5, budget=CANCELS),
            swept(RANKING, NEAR, NEAR, SIGNS, margin=MARGINS, budget=CANCELS),
            setting(PAIRS, PAIRS, PAIR_SIGNS, checks=FORWARD, dtypes=FLOATS),
            few(PAIRS, PAIRS, PAIR_SIGNS, reduction="sum"),
        ),
        bad_calls=(
            *(bad(name, "no such option", X, X, X, **wrong) for name, wrong in WRONG_OPTIONS),
            bad("other_rank", "a target of fewer axes", *filled((2, 3), (2, 3), (3,))),
            bad("shapes_do_not_broadcast", "shapes", *filled((2, 3), (2, 3), (2, 2))),
            bad("bool", "booleans have no difference", *filled((3,), (3,), (3,), dtype="bool")),
            bad("bool_target", "a target that has no sign", X, X, X > 0.5),
            bad("complex64", "complex", *filled((3,), (3,), (3,), dtype="complex64")),
        ),
        domain=Domain(
            arguments={
                "input1": NUMBERS,
                "input2": Tensor(like="input1", broadcast=True, beside=OTHER_DTYPES),
                "target": Tensor(like="input1", low=-1.0, high=1.0, beside=OTHER_DTYPES),
                "margin": Number(0.0, 0.5, -1.0, 1, 100.0),
                "reduction": REDUCTION,
            },
            # torch asks for as many axes.
            impossible=({"input2.broadcast": "fewer"},),
        ),
    ),
    CLASSED.row(
        "multi_margin_loss",
        inputs=(ROWS, CLASSES),
        settings=(
            setting(),
            setting(SPECIAL, CLASSES, reduction="none"),
            setting(SPECIAL, CLASSES, reduction="none", p=2),
            setting(label="p=2,margin=0.5,weight=array", p=2, margin=0.5, arrays=WEIGHTS),
            setting(reduction="sum", dtypes=SINGLE),
            setting(TIED, CLASSES, label="kinks", reduction="none"),
            as_formula(
                THEME.reference("multi_margin_loss"),
                label="margin=array,weight=array",
                arrays=LEARNED,
                dtypes=SINGLE,
                checks=FORWARD,
                budget=ONE_SUM,
            ),
        ),
        bad_calls=(
            *(bad(name, "no such option", X, Y, **wrong) for name, wrong in WRONG_OPTIONS),
            *(bad(f"p_{p}", "no such p", X, Y, p=p) for p in (0, 3, 1.5)),
            bad("three_axes", "an input of three axes", X[None], Y),
            bad("no_classes", "an input without classes", np.ones((2, 0), np.float32), Y),
            bad("other_rows", "a target for other rows", X, np.asarray([0, 1, 1])),
            bad("target_of_two_axes", "a target of two axes", X, Y[:, None]),
            bad("float_target", "a target that is not an index", X, Y.astype(np.float32)),
            bad("bool_target", "a target that is not an index", X, Y > 0),
            bad("int32", "integer scores", X.astype(np.int32), Y),
            bad("weight_of_two_axes", "a weight of two axes", X, Y, weight=X[:1]),
            bad("weight_of_two_classes", "a weight for others", X, Y, weight=X[0, :2]),
            bad("int_weight", "a weight of integers", X, Y, weight=np.ones(3, np.int32)),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=("n c", "c")),
                "target": labels(),
                "p": OneOf(1, 2),
                "margin": Number(1.0, 0.5, 2, 0.0, -1.0),
                "weight": CLASS_WEIGHTS,
                "reduction": REDUCTION,
            },
            lengths=NOT_EMPTY,
        ),
    ),
    CLASSED.row(
        "multilabel_margin_loss",
        inputs=(ROWS, CLASS_SETS),
        settings=(
            setting(),
            setting(SPECIAL, CLASS_SETS, reduction="none"),
            setting(TIED, CLASS_SETS, label="kinks", reduction="none"),
            setting(reduction="sum", dtypes=SINGLE),
        ),
        bad_calls=(
            bad("reduction_men", "no such reduction", X, LABELS, reduction="men"),
            bad("three_axes", "an input of three axes", X[None], LABELS[None]),
            bad("no_classes", "no classes", np.ones((2, 0), np.float32), LABELS[:, :0]),
            bad("other_shape", "a target of another shape", X, LABELS[:, :2]),
            bad("target_of_one_row", "a target of another shape", X, LABELS[0]),
            bad("float_target", "a target that is not an index", X, LABELS.astype(np.float32)),
            bad("int32", "integer scores", X.astype(np.int32), LABELS),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=("n c", "c")),
                "target": Indices(like="input", below="c", special=-1),
                "reduction": REDUCTION,
            },
            lengths=NOT_EMPTY,
        ),
    ),
)
