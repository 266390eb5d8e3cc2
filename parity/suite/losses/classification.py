"""The rows of the losses of scores against classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parity.spec import (
    BadCall,
    Budget,
    Choices,
    Floats,
    Given,
    Labels,
    Params,
    Quirk,
    Samples,
    Spec,
    Values,
    on,
)
from parity.suite.losses.rows import bad

N, C = 64, 9
IGNORED = -100
SCORES = Samples(shape=(N, C))
# Log-probabilities, nearly.
LOGS = Samples(shape=(N, C), center=-8.0)
SPECIAL = Samples(shape=(N, C), special=True)
LABELS = Labels(shape=(N,), classes=C, special=(IGNORED,))
ROWS = (SCORES, LABELS)
KEPT = Labels(shape=(N,), classes=C)
# Two axes of positions.
PLACES = (Samples(shape=(8, C, 3, 2)), Labels(shape=(8, 3, 2), classes=C, special=(IGNORED,)))
ONE = (Samples(shape=(C,), axis=None), Labels(shape=(), classes=C))
PROBABILITIES = Choices(values=(0.0, 0.125, 0.25, 0.5, 1.0), shape=(N, C))
WEIGHTS = Given(values=(0.5,) * 4 + (2.0,) * 5)
LEARNED = Choices(values=(0.25, 0.5, 1.0, 2.0), shape=(C,))
WIDE = ("float32", "float64")
SUMMED = ("forward", "vjp")

REFERENCES = "parity.suite.losses.classification_references"
EXACT = on("torch", f"{REFERENCES}.cross_entropy")
TORCH = on("torch", "nn.functional.cross_entropy")
NLL = on("torch", "nn.functional.nll_loss")
EXACT_NLL = on("torch", f"{REFERENCES}.nll_loss")

ADDED = Budget(
    ulp=8, floor=4, everywhere=True, reason="a sum over the classes, to which the rows add theirs"
)
RELATIVE = Budget(ulp=64, reason="exponentials of differences of up to 60, however small")
CANCELS = Budget(ulp=256, floor=8, everywhere=True, reason="the rows' gradients cancel in a sum")
# Half precision is rounded once, whatever has been added up.
SUMS = {(check, dtype): ADDED for check in SUMMED for dtype in WIDE}
ALONG = Budget(ulp=16, floor=8, reason="one number, to which 576 terms of both signs add up")


X, T = np.zeros((2, 3), np.float32), np.zeros(2, np.int64)
X3 = np.zeros((2, 3, 4), np.float32)


def _of_both() -> tuple[BadCall, ...]:
    return (
        bad("input_is_a_list", "an input that is a list", [[1.0, 2.0]], np.zeros(1, np.int64)),
        bad("target_is_a_list", "a target that is a list", X, [0, 1]),
        bad("integers", "an input of integers", X.astype(np.int32), T),
        bad("batch_sizes", "another number of targets", X, np.zeros(3, np.int64)),
        bad("two_axes", "a target of two axes", X, np.zeros((2, 1), np.int64)),
        bad("positions", "targets for other positions", X3, np.zeros((2, 5), np.int64)),
        bad("too_few_axes", "no target for each position", X3, T),
        bad("boolean_target", "a target of booleans", X, np.zeros(2, np.bool_)),
        bad("floating_target", "a floating target of another shape", X, np.zeros(2, np.float32)),
        bad("weight_length", "a weight too many", X, T, np.ones(4, np.float32)),
        bad("weight_axes", "weights of two axes", X, T, np.ones((1, 3), np.float32)),
        bad("weight_dtype", "weights of another dtype", X, T, np.ones(3, np.float16)),
        bad("reduction_men", "no such reduction", X, T, reduction="men"),
        bad("ignore_index_is_a_float", "an ignore_index that is a float", X, T, ignore_index=1.5),
        bad("ignore_index_is_a_bool", "an ignore_index that is a bool", X, T, ignore_index=True),
    )


def _ignored_and_not_finite(arguments: tuple[Floats, ...], _: Values) -> NDArray[np.bool_]:
    scores, target = arguments[:2]
    odd = ~np.isfinite(scores).all(1) & (target == IGNORED)
    return np.broadcast_to(odd[:, None], scores.shape)


SPECS = (
    Spec(
        family="losses",
        name="cross_entropy",
        subject=on("jax", "jaxact.functional.cross_entropy"),
        reference=TORCH,
        truth=EXACT,
        inputs=ROWS,
        params=(
            Params(),
            Params(values={"reduction": "none"}),
            Params(
                label="special",
                values={"reduction": "none"},
                inputs=(SPECIAL, LABELS),
                truth=TORCH,
                checks=SUMMED,
                dtypes=("float32",),
            ),
            Params(
                label="confident",
                values={"reduction": "none"},
                inputs=(Samples(shape=(N, C), scale=8.0), KEPT),
                dtypes=WIDE,
                checks=SUMMED,
                budget=RELATIVE,
            ),
            Params(values={"reduction": "sum"}, checks=SUMMED),
            Params(label="weight", arrays={"weight": WEIGHTS}, checks=SUMMED),
            Params(
                label="weight=learned,label_smoothing=0.25",
                values={"label_smoothing": 0.25},
                arrays={"weight": LEARNED},
                reference=EXACT,
                budget=CANCELS,
            ),
            Params(
                label="smoothed_weight",
                values={"label_smoothing": 0.125, "reduction": "none"},
                arrays={"weight": WEIGHTS},
                dtypes=("float32", "bfloat16"),
                checks=SUMMED,
            ),
            Params(
                label="label_smoothing=learned",
                arrays={"label_smoothing": Choices(values=(0.25,), shape=())},
                reference=EXACT,
                dtypes=("float32",),
                checks=("forward", "vjp", "second"),
                budget=CANCELS,
            ),
            Params(values={"ignore_index": 2}, inputs=(SCORES, KEPT), checks=SUMMED),
            Params(
                label="places",
                values={"reduction": "none"},
                arrays={"weight": WEIGHTS},
                inputs=PLACES,
                dtypes=("float32",),
                checks=SUMMED,
            ),
            Params(label="one_row", inputs=ONE, dtypes=("float32",), checks=SUMMED),
            Params(
                label="many_rows",
                inputs=(Samples(shape=(1024, 4)), Labels(shape=(1024,), classes=4)),
                dtypes=("float16", "bfloat16"),
                checks=("forward",),
            ),
            Params(label="probabilities", inputs=(SCORES, PROBABILITIES)),
            Params(
                label="probabilities,weight,label_smoothing=0.25",
                values={"reduction": "none", "label_smoothing": 0.25},
                arrays={"weight": LEARNED},
                inputs=(SCORES, PROBABILITIES),
                dtypes=("float32",),
                checks=SUMMED,
            ),
        ),
        checks=("forward", "vjp", "jvp", "second", "vmap", "jit", "error", "signature"),
        budgets={"jvp": ALONG, "second": ALONG, **SUMS},
        quirks=(
            Quirk(
                reason="an ignored row that is not finite has gradient 0; torch multiplies it by 0",
                source="torch 2.13: nan in the row",
                where=_ignored_and_not_finite,
                checks=("vjp",),
                dtypes=("float32",),
                settings=("special",),
            ),
        ),
        signature=(
            "(input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)"
        ),
        bad_calls=(
            *_of_both(),
            bad(
                "no_axis", "an input without axes", np.zeros((), np.float32), np.zeros((), np.int64)
            ),
            bad("indices_of_inputs_shape", "indices for each score", X, X.astype(np.int64)),
            bad("smoothing_above_1", "a smoothing above 1", X, T, label_smoothing=1.5),
            bad(
                "smoothing_of_a_string", "a smoothing that is no number", X, T, label_smoothing="a"
            ),
            bad("ignored_class_of_probabilities", "a class to ignore", X, X, ignore_index=1),
        ),
    ),
    Spec(
        family="losses",
        name="nll_loss",
        subject=on("jax", "jaxact.functional.nll_loss"),
        reference=NLL,
        inputs=(LOGS, LABELS),
        params=(
            Params(),
            Params(values={"reduction": "none"}, inputs=(SPECIAL, LABELS), dtypes=("float32",)),
            Params(values={"reduction": "sum"}, checks=SUMMED),
            Params(label="weight", arrays={"weight": WEIGHTS}, checks=SUMMED),
            Params(
                label="weight=learned",
                arrays={"weight": LEARNED},
                reference=EXACT_NLL,
                truth=EXACT_NLL,
                dtypes=("float32",),
                checks=SUMMED,
            ),
            Params(values={"ignore_index": 2}, inputs=(LOGS, KEPT), checks=SUMMED),
            Params(
                label="places",
                values={"reduction": "none"},
                arrays={"weight": WEIGHTS},
                inputs=PLACES,
                dtypes=("float32",),
                checks=SUMMED,
            ),
            Params(label="one_row", inputs=ONE, dtypes=("float32",), checks=SUMMED),
        ),
        checks=("forward", "vjp", "jvp", "vmap", "jit", "error", "signature"),
        budgets={"jvp": ALONG, **SUMS},
        signature="(input, target, weight=None, ignore_index=-100, reduction='mean')",
        bad_calls=(
            *_of_both(),
            bad(
                "no_axis", "an input without axes", np.zeros((), np.float32), np.zeros((), np.int64)
            ),
            bad("two_targets_for_one_row", "a row and two targets", X[0], T),
            bad("one_target_for_two_rows", "two rows and a target", X, np.zeros((), np.int64)),
        ),
    ),
)
