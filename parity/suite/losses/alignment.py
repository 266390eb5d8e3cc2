"""The row of the loss over alignments."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.backends import LAYOUTS, MAPPINGS
from parity.domains import FLAG, Domain, Draw, Either, Made, OneOf, Tensor
from parity.spec import BadCall, Budget, Choices, Fixed, Labels, Quirk, Samples, on
from parity.suite.choices import REDUCTION
from parity.suite.rows import SINGLE, WIDE, Theme, few, setting

T, N, C, S = 12, 6, 5, 4
# Targets with repetitions, which need a blank between them; an empty target; one as long as its
# frames.
FRAMES, LENGTHS = (12, 10, 12, 9, 12, 4), (4, 3, 0, 4, 1, 3)
TARGETS = ((1, 1, 2, 2), (3, 4, 1, 1), (2, 2, 2, 2), (4, 3, 4, 3), (1, 2, 3, 4), (2, 4, 4, 1))
PACKED = tuple(
    label for row, length in zip(TARGETS, LENGTHS, strict=True) for label in row[:length]
)

SCORES, ROWS = Samples(shape=(T, N, C), center=-2.0, axis=1), Fixed(values=TARGETS)
COUNTS = (Fixed(values=FRAMES), Fixed(values=LENGTHS))
LAST_BLANK = (SCORES, Labels(shape=(N, S), classes=C - 1), *COUNTS)
IN_ONE_ROW = (SCORES, Fixed(values=PACKED), *COUNTS)
IMPOSSIBLE = (SCORES, ROWS, Fixed(values=(12, 10, 12, 9, 12, 3)), COUNTS[1])
SPECIAL = (Samples(shape=(T, N, C), axis=1, special=True), ROWS, *COUNTS)
ONE = (
    Samples(shape=(T, C), center=-2.0, axis=None),
    *(Fixed(values=values) for values in ((3, 1, 1), (10,), (3,))),
)
# As many paths emit the label as a blank in two of the frames.
EVEN = (
    Choices(values=(0.0,), shape=(8, 2, C)),
    *(Fixed(values=values) for values in (((1,), (2,)), (8, 8), (1, 1))),
)
TORCH = on("torch", "nn.functional.ctc_loss")
THEME = Theme("losses", "alignment")

ONE_NUMBER = Budget(ulp=16, floor=8, reason="one number, the sum of 360 terms of both signs")

X, Y, F, L = np.zeros((T, N, C), np.float32), *map(np.asarray, (TARGETS, FRAMES, LENGTHS))


def _bad(
    name: str, reason: str, x: Any = X, y: Any = Y, frames: Any = F, lengths: Any = L, **values: Any
) -> BadCall:
    return THEME.bad(name, reason, x, y, frames, lengths, **values)


def _batch(draw: Draw) -> tuple[int, ...]:
    return (draw.lengths["n"],) if "n" in draw.axes["log_probs"].split() else ()


def _lengths(least: int) -> Made:
    """From so many to S labels for each sequence."""

    def made(draw: Draw) -> Any:
        return np.asarray(draw.random("target_lengths").integers(least, S + 1, _batch(draw)))

    return Made(made)


def _in_a_tuple(lengths: Made) -> Made:
    """Lengths as Python numbers."""
    return Made(lambda draw: tuple(lengths.of(draw).ravel().tolist()))


def _labels(draw: Draw) -> Any:
    """Labels other than the blank: of a single sequence as many as its length says."""
    lengths = np.asarray(draw.made["target_lengths"]).reshape(_batch(draw))
    shape = (*lengths.shape, S) if lengths.ndim else (int(lengths),)
    labels = draw.random("targets").integers(0, draw.lengths["c"] - 1, shape)
    return labels + (labels >= draw.made["blank"])


def _repeated(draw: Draw) -> Any:
    """One label in each sequence."""
    labels = _labels(draw)
    return np.repeat(labels[..., :1], labels.shape[-1], axis=-1)


def _packed(draw: Draw) -> Any:
    """All labels in one row."""
    labels, lengths = _labels(draw), np.asarray(draw.made["target_lengths"])
    return labels[np.arange(S) < lengths[:, None]] if labels.ndim == 2 else labels


def _frames(draw: Draw) -> Any:
    return np.full(_batch(draw), draw.lengths["t"])


def _some_frames(draw: Draw) -> Any:
    return draw.random("input_lengths").integers(1, draw.lengths["t"] + 1, _batch(draw))


SOME_LABELS, ALL_FRAMES = _lengths(1), Made(_frames)
DOMAIN = Domain(
    arguments={
        "log_probs": Tensor(axes=("t n c", "t c")),
        "blank": OneOf(0, 1),
        "target_lengths": Either(
            some=SOME_LABELS, perhaps_none=_lengths(0), tuple=_in_a_tuple(SOME_LABELS)
        ),
        "targets": Either(rows=Made(_labels), repeated=Made(_repeated), packed=Made(_packed)),
        "input_lengths": Either(
            all=ALL_FRAMES, some=Made(_some_frames), tuple=_in_a_tuple(ALL_FRAMES)
        ),
        "reduction": REDUCTION,
        "zero_infinity": FLAG,
    },
    lengths={"t": (2 * S, 1, 40), "n": (3, 1), "c": (5, 2)},
    impossible=(
        # torch misplaces packed targets that are strided, see the reference of packed ones.
        {"targets": "packed", "memory": LAYOUTS[1:]},
        # Python numbers, and the number of labels, are the same in all calls mapped together.
        {"target_lengths": "tuple", "way": MAPPINGS},
        {"targets": "packed", "way": MAPPINGS},
        {"log_probs.axes": "t c", "way": MAPPINGS},
        # torch takes two tuples or two arrays.
        {"target_lengths": "tuple", "input_lengths": ("all", "some")},
        {"target_lengths": ("some", "perhaps_none"), "input_lengths": "tuple"},
    ),
)

BAD_CALLS = (
    _bad("a_list", "log_probs that are a list", [1.0]),
    _bad("half_precision", "log_probs of float16", np.zeros((T, N, C), np.float16)),
    _bad("integers", "log_probs of int32", np.zeros((T, N, C), np.int32)),
    _bad("no_frames", "log_probs without frames", np.zeros((0, N, C), np.float32)),
    _bad("no_classes", "log_probs without classes", np.zeros((T, N, 0), np.float32)),
    _bad("one_axis", "log_probs of one axis", np.zeros(T, np.float32)),
    _bad("four_axes", "log_probs of four axes", np.zeros((1, T, N, C), np.float32)),
    _bad("target_rows", "targets for another batch", y=np.ones((N - 1, S), np.int64)),
    _bad("target_axes", "targets of three axes", y=np.ones((N, S, 1), np.int64)),
    _bad("length_count", "too few input_lengths", frames=np.full(N - 1, T)),
    _bad("target_length_count", "too few target_lengths", lengths=np.full(N - 1, 2)),
    _bad("float_lengths", "input_lengths that are floats", frames=np.full(N, 12.0, np.float32)),
    _bad("float_target_lengths", "target_lengths of floats", lengths=np.ones(N, np.float32)),
    _bad("long_input", "more than the frames", frames=(T + 1,) * N, lengths=LENGTHS),
    _bad("negative_input", "a negative length", frames=(-1,) * N, lengths=LENGTHS),
    _bad("long_target", "more than the targets", frames=FRAMES, lengths=(S + 1,) * N),
    _bad("negative_target", "a negative length", frames=FRAMES, lengths=(-1,) * N),
    _bad("target_sum", "another sum", y=np.ones(5, int), frames=FRAMES, lengths=LENGTHS),
    _bad("blank_above", "a blank that is not a class", blank=C),
    _bad("blank_below", "a negative blank", blank=-1),
    _bad("blank_float", "a blank that is a float", blank=1.0),
    _bad("zero_infinity_kind", "a zero_infinity that is a number", zero_infinity=1),
    _bad("reduction", "a reduction that does not exist", reduction="batchmean"),
)

FORWARD_MODE = Quirk(
    reason="torch has no forward mode for this loss; here it is a projection, as the gradient is",
    source="NotImplementedError of torch 2.13",
    where=None,
    checks=("jvp",),
)
# A single -inf; with many the sequence would have no alignment left.
ZERO = Quirk(
    reason="a class of probability 0 has gradient 0; torch subtracts infinities for it",
    source="torch 2.13: nan at each log_prob of -inf, even where the loss is finite",
    where=lambda x, _: np.isneginf(x[0]) & (np.isneginf(x[0]).sum((0, 2)) == 1)[:, None],
    instead=0.0,
    checks=("vjp",),
    settings=("special",),
)

SPECS = (
    THEME.row(
        "ctc_loss",
        truth=THEME.reference("ctc_loss"),
        inputs=(SCORES, ROWS, *COUNTS),
        dtypes=WIDE,
        checks=("forward", "vjp", "jvp", "vmap", "jit", "error", "signature"),
        settings=(
            setting(),
            setting(reduction="none"),
            setting(*LAST_BLANK, reduction="sum", blank=C - 1, dtypes=SINGLE),
            setting(
                *IN_ONE_ROW,
                label="packed",
                reduction="none",
                reference=THEME.reference("ctc_loss_of_packed"),
                dtypes=SINGLE,
            ),
            few(*ONE, label="one_sequence"),
            few(*EVEN, label="even"),
            few(*IMPOSSIBLE, label="impossible", reduction="none", truth=TORCH),
            few(
                *IMPOSSIBLE, label="impossible,zero_infinity=True", zero_infinity=True, truth=TORCH
            ),
            few(*SPECIAL, label="special", reduction="none", truth=TORCH),
        ),
        budgets={"jvp": ONE_NUMBER},
        quirks=(FORWARD_MODE, ZERO),
        domain=DOMAIN,
        bad_calls=BAD_CALLS,
    ),
)
