"""The rows of the losses that compare scores with classes."""

from __future__ import annotations

import numpy as np

from parity.domains import LONG, Domain, Either, Number, OneOf, Tensor
from parity.spec import Budget, Choices, Fixed, Labels, Quirk, Samples, on
from parity.suite.choices import CLASS_WEIGHTS, REDUCTION, SOME_CLASSES, labels, shares
from parity.suite.rows import (
    FORWARD,
    HALVES,
    SINGLE,
    WIDE,
    Theme,
    as_formula,
    compiled_over_a_product,
    few,
    setting,
    values_only,
)

N, C = 64, 9
IGNORED = -100
SCORES, SPECIAL = Samples(shape=(N, C)), Samples(shape=(N, C), special=True)
# Approximately log-probabilities.
LOGS = Samples(shape=(N, C), center=-8.0)
LABELS = Labels(shape=(N,), classes=C, special=(IGNORED,))
KEPT = Labels(shape=(N,), classes=C)
SURE = (Samples(shape=(N, C), scale=8.0), KEPT)
# Two axes of positions.
PLACES = (Samples(shape=(8, C, 3, 2)), Labels(shape=(8, 3, 2), classes=C, special=(IGNORED,)))
# What a score may belong to: a row, a sequence, a volume.
CLASSES = ("n c", "c", "n c d", "n c d e f")
ONE = (Samples(shape=(C,), axis=None), Labels(shape=(), classes=C))
MANY = (Samples(shape=(1024, 4)), Labels(shape=(1024,), classes=4))
SOFT = (SCORES, Choices(values=(0.0, 0.125, 0.25, 0.5, 1.0), shape=(N, C)))
WEIGHTS = {"weight": Fixed(values=(0.5,) * 4 + (2.0,) * 5)}
LEARNED = {"weight": Choices(values=(0.25, 0.5, 1.0, 2.0), shape=(C,))}

ADDED = Budget(ulp=8, floor=4, everywhere=True, reason="a sum over the classes, then over the rows")
RELATIVE = Budget(ulp=64, reason="exponentials of differences of up to 60, even tiny ones")
CANCELS = Budget(ulp=256, floor=8, everywhere=True, reason="the rows' gradients cancel in a sum")
# The only class is the one to ignore: a mean over nothing is nan, and so are its derivatives.
ALL_IGNORED = {"ignore_index": "0", "lengths": "c=1", "order": "second"}
ALONG = Budget(ulp=16, floor=8, reason="one number, the sum of 576 terms of both signs")
# In half precision the result is rounded once, after all sums.
SUMS = {(check, dtype): ADDED for check in FORWARD for dtype in WIDE}

X, T = np.zeros((2, 3), np.float32), np.zeros(2, np.int64)
X3 = np.zeros((2, 3, 4), np.float32)
THEME = Theme(
    "losses", "classification", {"budgets": {"jvp": ALONG, "second": ALONG, **SUMS}}, (X, T)
)
EXACT, TORCH = THEME.reference("cross_entropy"), on("torch", "nn.functional.cross_entropy")
CHECKS = ("forward", "vjp", "jvp", "vmap", "jit", "error", "signature")

bad = THEME.bad
SETTINGS_OF_BOTH = (
    setting(reduction="sum", checks=FORWARD),
    values_only(reduction="elementwise_mean"),
    setting(label="weight", arrays=WEIGHTS, checks=FORWARD),
    few(*PLACES, label="places", reduction="none", arrays=WEIGHTS),
    few(*ONE, label="one_row"),
)
BAD_CALLS_OF_BOTH = (
    bad("input_is_a_list", "an input that is a list", [[1.0, 2.0]], np.zeros(1, np.int64)),
    bad("target_is_a_list", "a target that is a list", X, [0, 1]),
    bad("integers", "an input of integers", X.astype(np.int32), T),
    bad("no_axis", "an input without axes", np.zeros((), np.float32), np.zeros((), np.int64)),
    bad("batch_sizes", "another number of targets", X, np.zeros(3, np.int64)),
    bad("two_axes", "a target of two axes", X, np.zeros((2, 1), np.int64)),
    bad("positions", "targets for other positions", X3, np.zeros((2, 5), np.int64)),
    bad("too_few_axes", "no target for each position", X3, T),
    bad("boolean_target", "a target of booleans", X, np.zeros(2, np.bool_)),
    bad("floating_target", "a floating target of another shape", X, np.zeros(2, np.float32)),
    bad("weight_length", "one weight too many", weight=np.ones(4, np.float32)),
    bad("weight_axes", "weights of two axes", weight=np.ones((1, 3), np.float32)),
    bad("weight_dtype", "weights of another dtype", weight=np.ones(3, np.float16)),
    bad("reduction_men", "no such reduction", reduction="men"),
    bad("ignore_index_is_a_float", "an ignore_index that is a float", ignore_index=1.5),
    bad("ignore_index_is_a_bool", "an ignore_index that is a bool", ignore_index=True),
)

IGNORED_ROWS = Quirk(
    reason="an ignored row that is not finite has gradient 0; torch multiplies it by 0",
    source="torch 2.13: nan in the row",
    where=lambda x, _: np.outer(~np.isfinite(x[0]).all(1) & (x[1] == IGNORED), np.ones(C, bool)),
    instead=0.0,
    checks=("vjp",),
    settings=("special",),
)
WEIGHT_SHAPES = {
    "weight.given:more_axes": "torch takes any shape of as many numbers for places",
    "weight.given:fewer_axes": "torch takes a number for a single class",
}

SPECS = (
    THEME.row(
        "cross_entropy",
        truth=EXACT,
        inputs=(SCORES, LABELS),
        settings=(
            setting(),
            setting(reduction="none"),
            few(SPECIAL, LABELS, label="special", reduction="none", truth=TORCH),
            setting(*SURE, label="confident", reduction="none", checks=FORWARD, budget=RELATIVE),
            as_formula(
                EXACT,
                label="weight=learned,label_smoothing=0.25",
                label_smoothing=0.25,
                arrays=LEARNED,
                budget=CANCELS,
            ),
            as_formula(
                EXACT,
                label="label_smoothing=learned",
                arrays={"label_smoothing": Choices(values=(0.25,), shape=())},
                dtypes=SINGLE,
                checks=("forward", "vjp", "second"),
                budget=CANCELS,
            ),
            few(
                label="smoothed_weight",
                label_smoothing=0.125,
                reduction="none",
                arrays=WEIGHTS,
                dtypes=("float32", "bfloat16"),
            ),
            setting(SCORES, KEPT, ignore_index=2, checks=FORWARD),
            setting(*MANY, label="many_rows", dtypes=HALVES, checks=("forward",)),
            # torch tests whether it is above 0.
            few(label="label_smoothing=nan", label_smoothing=np.nan, truth=TORCH),
            setting(*SOFT, label="probabilities"),
            few(
                *SOFT,
                label="probabilities,weight,label_smoothing=0.25",
                label_smoothing=0.25,
                reduction="none",
                arrays=LEARNED,
            ),
            *SETTINGS_OF_BOTH,
        ),
        checks=(*CHECKS, "second", "law"),
        laws=(compiled_over_a_product((4, 7), np.arange(4), reduction="none"),),
        quirks=(IGNORED_ROWS,),
        bad_calls=(
            *BAD_CALLS_OF_BOTH,
            bad("indices_of_inputs_shape", "indices for each score", X, X.astype(np.int64)),
            bad("smoothing_above_1", "a smoothing above 1", label_smoothing=1.5),
            bad("smoothing_of_a_string", "a smoothing that is not a number", label_smoothing="a"),
            bad("ignored_class_of_probabilities", "a class to ignore", X, X, ignore_index=1),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=CLASSES),
                "ignore_index": OneOf(-100, 0, 2, -1),
                "target": Either(labels=labels(special="ignore_index"), shares=shares()),
                "weight": CLASS_WEIGHTS,
                "reduction": REDUCTION,
                "label_smoothing": Number(0.0, 0.25, 1.0, 1),
            },
            lengths=SOME_CLASSES,
            impossible=(
                {"target": "shares", "ignore_index": ("0", "2", "-1")},
                {"target.labels.special": "all", "order": "second"},
                # As with all rows ignored: a single one.
                {"target.labels.special": "some", "input.axes": "c", "order": "second"},
                {"ignore_index": ("0", "2"), "input.axes": "c", "order": "second"},
                ALL_IGNORED,
                # The sum is beyond the range.
                {"reduction": "sum", "lengths": f"n={LONG}", "precision": "float16"},
                # The only class's score less itself: a fused product leaves its rounding.
                {"lengths": "c=1", "context": "product"},
                {"lengths": "c=1", "order": "second"},
                # The gradient is 0 where all classes are as likely and as wanted: rounding is left.
                {
                    "input.numbers": "zeros",
                    "label_smoothing": ("1.0", "1"),
                    "precision": "float64",
                },
            ),
            decisions={
                **dict.fromkeys(
                    ("input:fewer_axes", "target.labels:longer", "target.labels:more_axes"),
                    "of one row an index of shape [1] counts as one of shape []; torch fails in a "
                    "sum of its own where it smooths",
                ),
                "target.shares:integers": "integers are class indices, of the wrong shape here",
                "target.shares:fewer_axes": "a target of the wrong kind is a TypeError",
                "weight.given:integers": "weights are floating",
                "weight.given:booleans": "weights are floating",
                **WEIGHT_SHAPES,
            },
        ),
    ),
    THEME.row(
        "nll_loss",
        inputs=(LOGS, LABELS),
        settings=(
            setting(),
            setting(SPECIAL, LABELS, reduction="none", dtypes=SINGLE),
            as_formula(
                THEME.reference("nll_loss"),
                label="weight=learned",
                arrays=LEARNED,
                dtypes=SINGLE,
                checks=FORWARD,
            ),
            setting(LOGS, KEPT, ignore_index=2, checks=FORWARD),
            *SETTINGS_OF_BOTH,
        ),
        checks=CHECKS,
        bad_calls=(
            *BAD_CALLS_OF_BOTH,
            bad("two_targets_for_one_row", "a row and two targets", X[0], T),
            bad("one_target_for_two_rows", "two rows and a target", X, np.zeros((), np.int64)),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=CLASSES),
                "ignore_index": OneOf(-100, 0, 2, -1),
                "target": labels(special="ignore_index"),
                "weight": CLASS_WEIGHTS,
                "reduction": REDUCTION,
            },
            lengths=SOME_CLASSES,
            impossible=({"target.special": "all", "order": "second"}, ALL_IGNORED),
            decisions=WEIGHT_SHAPES,
        ),
    ),
)
