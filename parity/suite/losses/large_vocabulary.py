"""The row of the loss over a large vocabulary."""

from __future__ import annotations

import numpy as np

from parity.spec import Budget, Choices, Given, Labels, Params, Samples, Spec, on
from parity.suite.losses.rows import bad

N, C, F = 26, 7, 5
INPUT, MATRIX = Samples(shape=(N, F)), Samples(shape=(C, F), scale=1.0, axis=None)
LABELS = Labels(shape=(N,), classes=C, special=(-100,))
BIAS = Choices(values=(-0.5, 0.25, 1.0), shape=(C,))
WEIGHTS = Given(values=(0.5,) * 3 + (2.0,) * 4)
PROBABILITIES = Choices(values=(0.0, 0.125, 0.25, 0.5, 1.0), shape=(N, C))
# Three chunks of eight rows and two rows that are left.
CHUNKS = {"batch_chunk_size": 8}
SUMMED = ("forward", "vjp")

REFERENCES = "parity.suite.losses.classification_references"
WHOLE = on("torch", f"{REFERENCES}.linear_cross_entropy")

PRODUCTS = Budget(ulp=8, floor=8, reason="products summed over features, then over classes or rows")
# Half precision is rounded once, whatever has been added up.
SUMS = {(check, dtype): PRODUCTS for check in SUMMED for dtype in ("float32", "float64")}
ALONG = Budget(ulp=16, floor=16, reason="one number, to which terms of both signs add up")


X, W, T = np.zeros((2, 4), np.float32), np.zeros((3, 4), np.float32), np.zeros(2, np.int64)
W3 = np.zeros((3, 5, 4), np.float32)
BAD_CALLS = (
    bad("no_axis", "an input without axes", np.zeros((), np.float32), W, T),
    bad("three_axes", "an input of three axes", X[None], W, T),
    bad("matrix_axis", "a linear_weight of one axis", X, W[0], T),
    bad("features", "another number of features", X[:, 1:], W, T),
    bad("bias_shape", "a bias too many", X, W, T, linear_bias=np.zeros(4, np.float32)),
    bad("flat_bias", "no bias for each position", X, W3, T[:, None], linear_bias=np.zeros(15)),
    bad("positions_of_one_row", "positions without a batch", X[0], W3, np.zeros(5, np.int64)),
    bad("matrix_dtype", "a linear_weight of another dtype", X, W.astype(np.float16), T),
    bad("bias_dtype", "a bias of another dtype", X, W, T, linear_bias=np.zeros(3, np.float16)),
    bad("weight_dtype", "weights of another dtype", X, W, T, weight=np.zeros(3, np.float16)),
    bad("weight_length", "a weight too many", X, W, T, weight=np.zeros(4, np.float32)),
    bad("integers", "an input of integers", X.astype(np.int32), W.astype(np.int32), T),
    bad("batch_sizes", "another number of targets", X, W, np.zeros(3, np.int64)),
    bad("target_axes", "a target of two axes", X, W, T[:, None]),
    bad("indices_for_each_score", "indices of the scores' shape", X, W, np.zeros((2, 3), np.int64)),
    bad("floating_target", "a floating target of another shape", X, W, np.zeros(2, np.float32)),
    bad(
        "ignore_index_of_probabilities",
        "an ignore_index for probabilities",
        X,
        W,
        np.zeros((2, 3), np.float32),
        ignore_index=-100,
    ),
    bad("reduction_men", "no such reduction", X, W, T, reduction="men"),
    bad("smoothing_above_1", "a smoothing above 1", X, W, T, label_smoothing=1.5),
    bad("ignore_index_is_a_float", "an ignore_index that is a float", X, W, T, ignore_index=1.5),
    bad("options_is_a_number", "options that are a number", X, W, T, options=5),
    bad("bias_by_position", "a bias without its name", X, W, T, np.zeros(3, np.float32)),
)

SPECS = (
    Spec(
        family="losses",
        name="linear_cross_entropy",
        subject=on("jax", "jaxact.functional.linear_cross_entropy"),
        reference=on("torch", "nn.functional.linear_cross_entropy"),
        truth=WHOLE,
        inputs=(INPUT, MATRIX, LABELS),
        params=(
            Params(),
            Params(
                label="bias,reduction=none",
                values={"reduction": "none"},
                arrays={"linear_bias": BIAS},
                dtypes=("float32", "float64"),
            ),
            Params(
                label="chunks",
                values={"options": CHUNKS},
                arrays={"linear_bias": BIAS, "weight": WEIGHTS},
                reference=WHOLE,
                dtypes=("float32", "bfloat16"),
            ),
            Params(
                label="chunks,reduction=none",
                values={"options": CHUNKS, "reduction": "none"},
                arrays={"linear_bias": BIAS},
                reference=WHOLE,
                dtypes=("float32", "bfloat16"),
                checks=SUMMED,
            ),
            Params(
                label="chunks,reduction=sum,label_smoothing=0.25",
                values={"options": CHUNKS, "reduction": "sum", "label_smoothing": 0.25},
                arrays={"weight": Choices(values=(0.25, 0.5, 1.0, 2.0), shape=(C,))},
                reference=WHOLE,
                dtypes=("float32",),
                checks=SUMMED,
            ),
            Params(
                label="many_chunks",
                values={"options": {"batch_chunk_size": 2}},
                inputs=(Samples(shape=(512, F)), MATRIX, Labels(shape=(512,), classes=C)),
                reference=WHOLE,
                dtypes=("bfloat16",),
                checks=("forward",),
            ),
            Params(
                label="shards",
                values={"options": {"batch_chunk_size": 4, "batch_shards": 2}},
                reference=WHOLE,
                dtypes=("float32",),
                checks=SUMMED,
            ),
            Params(
                label="probabilities",
                inputs=(INPUT, MATRIX, PROBABILITIES),
                dtypes=("float32",),
                checks=SUMMED,
            ),
            Params(
                label="places",
                inputs=(
                    INPUT,
                    Samples(shape=(C, 2, F), scale=1.0, axis=None),
                    Labels(shape=(N, 2), classes=C, special=(-100,)),
                ),
                arrays={"linear_bias": Choices(values=(-0.5, 0.25, 1.0), shape=(C, 2))},
                dtypes=("float32",),
                checks=SUMMED,
            ),
            Params(
                label="one_row",
                inputs=(Samples(shape=(F,), axis=None), MATRIX, Labels(shape=(), classes=C)),
                dtypes=("float32",),
                checks=SUMMED,
            ),
            Params(
                values={"ignore_index": 2},
                inputs=(INPUT, MATRIX, Labels(shape=(N,), classes=C)),
                dtypes=("float32",),
                checks=SUMMED,
            ),
        ),
        checks=("forward", "vjp", "jvp", "second", "jit", "error", "signature"),
        budgets={"jvp": ALONG, "second": ALONG, **SUMS},
        bad_calls=BAD_CALLS,
    ),
)
