"""The row of the loss over alignments."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import BadCall, Budget, Given, Labels, Params, Quirk, Samples, Spec, on

T, N, C, S = 12, 6, 5, 4
# Repetitions, which need a blank between them; an empty target; one that fills its frames.
FRAMES, LENGTHS = (12, 10, 12, 9, 12, 4), (4, 3, 0, 4, 1, 3)
TARGETS = ((1, 1, 2, 2), (3, 4, 1, 1), (2, 2, 2, 2), (4, 3, 4, 3), (1, 2, 3, 4), (2, 4, 4, 1))
IMPOSSIBLE = (12, 10, 12, 9, 12, 3)
PACKED = tuple(
    label for row, length in zip(TARGETS, LENGTHS, strict=True) for label in row[:length]
)

REFERENCES = "parity.suite.losses.alignment_references"
TORCH = on("torch", "nn.functional.ctc_loss")
LOG_PROBS = Samples(shape=(T, N, C), center=-2.0, axis=1)
ARGUMENTS = (LOG_PROBS, Given(values=TARGETS), Given(values=FRAMES), Given(values=LENGTHS))

ONE_NUMBER = Budget(ulp=16, floor=8, reason="one number, to which 360 terms of both signs add up")


def _bad(name: str, reason: str, *replaced: Any, **values: Any) -> BadCall:
    good = (
        np.zeros((T, N, C), np.float32),
        np.asarray(TARGETS),
        np.asarray(FRAMES),
        np.asarray(LENGTHS),
    )
    changed = dict(zip(replaced[::2], replaced[1::2], strict=True))
    args = tuple(changed.get(place, value) for place, value in enumerate(good))
    return BadCall(name=name, args=args, values=values, reason=reason)


BAD_CALLS = (
    _bad("a_list", "log_probs that are a list", 0, [1.0]),
    _bad("half_precision", "log_probs of float16", 0, np.zeros((T, N, C), np.float16)),
    _bad("integers", "log_probs of int32", 0, np.zeros((T, N, C), np.int32)),
    _bad("no_frames", "log_probs without frames", 0, np.zeros((0, N, C), np.float32)),
    _bad("no_classes", "log_probs without classes", 0, np.zeros((T, N, 0), np.float32)),
    _bad("one_axis", "log_probs of one axis", 0, np.zeros(T, np.float32)),
    _bad("four_axes", "log_probs of four axes", 0, np.zeros((1, T, N, C), np.float32)),
    _bad("target_rows", "targets for another batch", 1, np.ones((N - 1, S), np.int64)),
    _bad("target_axes", "targets of three axes", 1, np.ones((N, S, 1), np.int64)),
    _bad("length_count", "too few input_lengths", 2, np.full(N - 1, T)),
    _bad("target_length_count", "too few target_lengths", 3, np.full(N - 1, 2)),
    _bad("float_lengths", "input_lengths that are floats", 2, np.full(N, 12.0, np.float32)),
    _bad("float_target_lengths", "target_lengths that are floats", 3, np.ones(N, np.float32)),
    _bad("long_input", "an input longer than the frames", 2, (T + 1,) * N, 3, LENGTHS),
    _bad("negative_input", "an input of negative length", 2, (-1,) * N, 3, LENGTHS),
    _bad("long_target", "a target longer than the targets", 2, FRAMES, 3, (S + 1,) * N),
    _bad("negative_target", "a target of negative length", 2, FRAMES, 3, (-1,) * N),
    _bad("target_sum", "lengths of another sum", 1, np.ones(5, np.int64), 2, FRAMES, 3, LENGTHS),
    _bad("blank_above", "a blank that is no class", blank=C),
    _bad("blank_below", "a negative blank", blank=-1),
    _bad("blank_float", "a blank that is a float", blank=1.0),
    _bad("zero_infinity_kind", "a zero_infinity that is a number", zero_infinity=1),
    _bad("reduction", "a reduction that does not exist", reduction="batchmean"),
)


SPECS = (
    Spec(
        family="losses",
        name="ctc_loss",
        subject=on("jax", "jaxact.functional.ctc_loss"),
        reference=TORCH,
        truth=on("torch", f"{REFERENCES}.ctc_loss"),
        inputs=ARGUMENTS,
        dtypes=("float32", "float64"),
        checks=("forward", "vjp", "jvp", "vmap", "jit", "error", "signature"),
        params=(
            Params(),
            Params(values={"reduction": "none"}),
            Params(
                values={"reduction": "sum", "blank": C - 1},
                inputs=(LOG_PROBS, Labels(shape=(N, S), classes=C - 1), *ARGUMENTS[2:]),
                dtypes=("float32",),
            ),
            Params(
                label="impossible",
                values={"reduction": "none"},
                inputs=(*ARGUMENTS[:2], Given(values=IMPOSSIBLE), ARGUMENTS[3]),
                truth=TORCH,
                checks=("forward", "vjp"),
                dtypes=("float32",),
            ),
            Params(
                label="impossible,zero_infinity=True",
                values={"zero_infinity": True},
                checks=("forward", "vjp"),
                inputs=(*ARGUMENTS[:2], Given(values=IMPOSSIBLE), ARGUMENTS[3]),
                truth=TORCH,
                dtypes=("float32",),
            ),
            Params(
                label="special",
                values={"reduction": "none"},
                inputs=(Samples(shape=(T, N, C), axis=1, special=True), *ARGUMENTS[1:]),
                truth=TORCH,
                checks=("forward", "vjp"),
                dtypes=("float32",),
            ),
            Params(
                label="one_sequence",
                inputs=(
                    Samples(shape=(T, C), center=-2.0, axis=None),
                    Given(values=(3, 1, 1)),
                    Given(values=(10,)),
                    Given(values=(3,)),
                ),
                checks=("forward", "vjp"),
                dtypes=("float32",),
            ),
            Params(
                label="packed",
                reference=on("torch", f"{REFERENCES}.ctc_loss_of_packed"),
                values={"reduction": "none"},
                inputs=(LOG_PROBS, Given(values=PACKED), *ARGUMENTS[2:]),
                dtypes=("float32",),
            ),
        ),
        budgets={"jvp": ONE_NUMBER},
        quirks=(
            Quirk(
                reason="torch has no forward mode for this loss; here it is the projection that "
                "the gradient is",
                source="NotImplementedError of torch 2.13",
                where=None,
                checks=("jvp",),
            ),
            Quirk(
                reason="a class of probability 0 has gradient 0; torch subtracts infinities for it",
                source="torch 2.13: nan at each log_prob of -inf, even where the loss is finite",
                where=lambda arguments, _: np.isneginf(arguments[0]),
                checks=("vjp",),
                dtypes=("float32",),
                settings=("special",),
            ),
        ),
        bad_calls=BAD_CALLS,
    ),
)
