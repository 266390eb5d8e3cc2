"""The row of the loss over a large vocabulary."""

from __future__ import annotations

import numpy as np

from parity.domains import LONG, Domain, Either, Indices, Number, OneOf, Tensor, optional
from parity.spec import Budget, Choices, Fixed, Labels, Samples
from parity.suite.choices import CLASS_WEIGHTS, REDUCTION, SOME_CLASSES
from parity.suite.losses.classification import ALL_IGNORED
from parity.suite.losses.classification import THEME as CLASSES
from parity.suite.rows import FORWARD, WIDE, Theme, compiled_over_a_product, few, setting

N, C, F = 26, 7, 5
INPUT, MATRIX = Samples(shape=(N, F)), Samples(shape=(C, F), scale=1.0, axis=None)
LABELS = Labels(shape=(N,), classes=C, special=(-100,))
PROBABILITIES = Choices(values=(0.0, 0.125, 0.25, 0.5, 1.0), shape=(N, C))
MANY = (Samples(shape=(512, F)), MATRIX, Labels(shape=(512,), classes=C))
ONE = (Samples(shape=(F,), axis=None), MATRIX, Labels(shape=(), classes=C))
# Two positions in each row.
POSITIONS = Samples(shape=(C, 2, F), scale=1.0, axis=None)
PLACES = (INPUT, POSITIONS, Labels(shape=(N, 2), classes=C, special=(-100,)))
BIAS = {"linear_bias": Choices(values=(-0.5, 0.25, 1.0), shape=(C,))}
BIASES = {"linear_bias": Choices(values=(-0.5, 0.25, 1.0), shape=(C, 2))}
WEIGHTS = {"weight": Fixed(values=(0.5,) * 3 + (2.0,) * 4)}
LEARNED = {"weight": Choices(values=(0.25, 0.5, 1.0, 2.0), shape=(C,))}
WHOLE = CLASSES.reference("linear_cross_entropy")
# Three chunks of eight rows and a rest of two rows; torch's options have another form.
CHUNKS = {"options": {"batch_chunk_size": 8}, "reference": WHOLE}
SHARDS = {"options": {"batch_chunk_size": 4, "batch_shards": 2}, "reference": WHOLE}
PAIRS = {"options": {"batch_chunk_size": 2}, "reference": WHOLE}
ONCE_ROUNDED = ("float32", "bfloat16")

PRODUCTS = Budget(ulp=8, floor=8, reason="products summed over features, then over classes or rows")
# In half precision the result is rounded once, after all sums.
SUMS = {(check, dtype): PRODUCTS for check in FORWARD for dtype in WIDE}
ALONG = Budget(ulp=16, floor=16, reason="one number, the sum of terms of both signs")

# Only products, without a sum over features.
SCALES = np.asarray(((0.5,), (0.3,), (-0.4,)), np.float32)
X, W, T = np.zeros((2, 4), np.float32), np.zeros((3, 4), np.float32), np.zeros(2, np.int64)
W3, T3 = np.zeros((3, 5, 4), np.float32), np.zeros((2, 3), np.int64)
SOFT = (X, W, T3.astype(np.float32))
THEME = Theme("losses", "large_vocabulary", arguments=(X, W, T))
bad = THEME.bad

SPECS = (
    THEME.row(
        "linear_cross_entropy",
        truth=WHOLE,
        inputs=(INPUT, MATRIX, LABELS),
        settings=(
            setting(),
            setting(label="bias,reduction=none", reduction="none", arrays=BIAS),
            setting(label="chunks", arrays={**BIAS, **WEIGHTS}, dtypes=ONCE_ROUNDED, **CHUNKS),
            few(
                label="chunks,reduction=none",
                reduction="none",
                arrays=BIAS,
                dtypes=ONCE_ROUNDED,
                **CHUNKS,
            ),
            few(
                label="chunks,reduction=sum,label_smoothing=0.25",
                reduction="sum",
                label_smoothing=0.25,
                arrays=LEARNED,
                **CHUNKS,
            ),
            few(*MANY, label="many_chunks", dtypes=("bfloat16",), checks=("forward",), **PAIRS),
            few(label="shards", **SHARDS),
            few(INPUT, MATRIX, PROBABILITIES, label="probabilities"),
            few(*PLACES, label="places", arrays=BIASES),
            few(*ONE, label="one_row"),
            few(INPUT, MATRIX, Labels(shape=(N,), classes=C), ignore_index=2),
        ),
        checks=("forward", "vjp", "jvp", "second", "jit", "error", "signature", "law"),
        laws=(compiled_over_a_product((4, 1), SCALES, np.asarray((0, 1, 2, 0)), reduction="none"),),
        budgets={"jvp": ALONG, "second": ALONG, **SUMS},
        bad_calls=(
            bad("no_axis", "an input without axes", np.zeros((), np.float32), W, T),
            bad("three_axes", "an input of three axes", X[None], W, T),
            bad("matrix_axis", "a linear_weight of one axis", X, W[0], T),
            bad("features", "another number of features", X[:, 1:], W, T),
            bad("bias_shape", "one bias too many", linear_bias=np.zeros(4, np.float32)),
            bad("flat_bias", "no bias for each place", X, W3, T[:, None], linear_bias=np.zeros(15)),
            bad("positions_of_one_row", "positions alone", X[0], W3, np.zeros(5, np.int64)),
            bad("matrix_dtype", "a linear_weight of another dtype", X, W.astype(np.float16), T),
            bad("bias_dtype", "a bias of another dtype", linear_bias=np.zeros(3, np.float16)),
            bad("weight_dtype", "weights of another dtype", weight=np.zeros(3, np.float16)),
            bad("weight_length", "one weight too many", weight=np.zeros(4, np.float32)),
            bad("integers", "an input of integers", X.astype(np.int32), W.astype(np.int32), T),
            bad("batch_sizes", "another number of targets", X, W, np.zeros(3, np.int64)),
            bad("target_axes", "a target of two axes", X, W, T[:, None]),
            bad("indices_for_each_score", "indices of the scores' shape", X, W, T3),
            bad("floating_target", "a floating target of another shape", X, W, X[0, :2]),
            bad("ignore_index_of_probabilities", "no index at all", *SOFT, ignore_index=-100),
            bad("reduction_men", "no such reduction", reduction="men"),
            bad("smoothing_above_1", "a smoothing above 1", label_smoothing=1.5),
            bad("ignore_index_is_a_float", "an ignore_index that is a float", ignore_index=1.5),
            bad("options_is_a_number", "options that are a number", options=5),
            bad("bias_by_position", "a bias without its name", X, W, T, np.zeros(3, np.float32)),
        ),
        domain=Domain(
            arguments={
                "input": Tensor(axes=("n d", "d")),
                "linear_weight": Tensor(axes=("c d",)),
                "ignore_index": OneOf(None, 0, 2, -1),
                "target": Either(
                    labels=Indices(like="input", without="d", below="c", special="ignore_index"),
                    probabilities=Tensor(axes=("n c", "c"), low=0.0, high=1.0),
                ),
                "linear_bias": optional(Tensor(axes=("c",))),
                "weight": CLASS_WEIGHTS,
                "reduction": REDUCTION,
                "label_smoothing": Number(0.0, 0.25, 1.0, 1),
                "options": OneOf(None),
            },
            decisions={
                **dict.fromkeys(
                    ("input:fewer_axes", "target.labels:longer", "target.labels:more_axes"),
                    "a row may have its target on an axis, smoothed as well",
                ),
                "weight.given:integers": "weights are floating",
                "weight.given:booleans": "weights are floating",
            },
            lengths=SOME_CLASSES,
            impossible=(
                *(
                    {"target": "probabilities", "input.axes": x, "target.probabilities.axes": axes}
                    for x, axes in (("n d", "c"), ("d", "n c"))
                ),
                ALL_IGNORED,
                {"target.labels.special": "all", "order": "second"},
                # As with all rows ignored: a single one.
                {"ignore_index": ("0", "2"), "input.axes": "d", "order": "second"},
                # A single loss of scores in the hundreds is what rounding leaves of them.
                {"input.axes": "d", "lengths": f"d={LONG}"},
                # That of a likely class is log(1 + 3e-7) in torch, also where float64 is the truth.
                {"target": "labels", "input.axes": "d", "precision": "float64"},
                {"target": "labels", "lengths": "n=1", "precision": "float64"},
                # The gradient is 0 where all classes are as likely and as wanted: rounding is left.
                *(
                    {
                        f"{zeros}.numbers": "zeros",
                        "label_smoothing": ("1.0", "1"),
                        "precision": "float64",
                    }
                    for zeros in ("input", "linear_weight")
                ),
            ),
        ),
    ),
)
