"""The rows of dropouts that torch lacks: whole branches, blocks of pixels, weights, noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.domains import Domain, Number, OneOf, Tensor
from parity.spec import Budget, Law, Samples, Setting, Spec, Values
from parity.suite.choices import ANY
from parity.suite.regularizers.dropouts.laws import DROPBLOCK, GAUSSIAN, LINE, ROWS, random_mask
from parity.suite.regularizers.dropouts.standard import (
    DRAWN,
    POINTS,
    SCALED,
    SOME,
    X,
    bad,
    certain,
    domain_of,
    drawn,
    maps,
    refused,
    same_seed,
    seeded,
)
from parity.suite.regularizers.dropouts.standard import THEME as DROPOUT
from parity.suite.rows import FORWARD, HALVES, SINGLE, Theme

THEME = Theme("regularizers", "dropouts.variants", DROPOUT.fields)
NORMALISED, MULTIPLIED = THEME.reference("normalised"), THEME.reference("multiplied")
NOISED = THEME.reference("noised")
PLANES, VOLUMES = (4, 3, 9, 11), (3, 2, 7, 8, 6)
FOUR_AXES = np.ones((2, 3, 4, 4), np.float32)


def variant(
    name: str, inputs: Any, settings: tuple[Setting, ...], laws: tuple[Law, ...], **fields: Any
) -> Spec:
    """A row of this theme, which compares jaxact's function with a formula in torch."""
    return THEME.row_beyond(
        name,
        inputs=(inputs,),
        settings=(*settings, certain(p=0.0), certain(training=False)),
        laws=laws,
        **{"bad_calls": refused(), **fields},
    )


def _factors(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """The factors, which are the result for an input of ones, in float32 or wider."""
    wide = np.promote_types(arrays[0].dtype, np.float32)
    return subject(np.ones(arrays[0].shape, wide), **values)


def _noise(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """z in the factor 1 + s z: for p = 0.5 s is 1."""
    factors = _factors(subject, arrays, {**values, "p": 0.5, "training": True})
    return np.asarray(factors, np.float64) - 1


def _blocks(label: str, shape: tuple[int, ...], **values: Any) -> Setting:
    return drawn(NORMALISED, maps(*shape), label=label, dtypes=SOME, checks=FORWARD, **values)


def _multiplied(*inputs: Any, **fields: Any) -> Setting:
    return drawn(MULTIPLIED, *inputs, observe=_factors, **fields)


BLOCKS = Domain(
    arguments={
        "input": Tensor(axes=("n c h w", "n c d h w"), special=True),
        "p": Number(0.1, 0.5, 0, 1),
        "block_size": OneOf(7, 3, 4, 1, 45),
        "training": OneOf(True, False),
        "channel_axis": OneOf(1, -1),
    },
    lengths={"n": (5, 1, 0), "c": (3, 1), "h": (9, 1, 43), "w": (7, 1), "d": (5,)},
    impossible=(
        {"random": "stream", "p.type": "array"},
        # torchvision takes odd sizes, and channels on axis 1.
        {"random": "stream", "block_size": "4"},
        {"random": "stream", "channel_axis": "-1"},
    ),
)

SPECS = (
    variant(
        "drop_path",
        maps(16, 3, 2),
        (
            drawn(SCALED),
            drawn(SCALED, POINTS, label="points", dtypes=SOME, p=0.3),
            drawn(SCALED, maps(4, 3, 2), dtypes=SOME, p=0.75, mode="batch"),
            certain(p=1.0),
            *same_seed((16, 3, 2), (40,)),
            seeded(4, 3, p=0.3, mode="batch"),
            seeded(p=0.3, mode="batch"),
        ),
        random_mask(ROWS),
        bad_calls=(
            *refused(),
            bad("no_rows", "no axis of samples", np.ones((), np.float32)),
            bad("no_such_mode", "no such mode", mode="rows"),
        ),
        domain=domain_of(
            "n m",
            "n",
            "n m k l",
            mode=OneOf("row", "batch"),
            # Nothing is drawn for an empty array, as in torch's dropouts; torchvision draws rows.
            impossible=({"random": "stream", "lengths": "m=0"},),
        ),
    ),
    variant(
        "dropblock",
        maps(*PLANES),
        (
            drawn(NORMALISED, dtypes=SOME),
            *(_blocks("", PLANES, p=0.3, block_size=size) for size in (3, 4, 1)),
            _blocks("5-d", VOLUMES, p=0.25, block_size=3),
            _blocks("nothing_kept", (2, 1, 5, 5), p=1.0, block_size=9),
            # torchvision takes only odd sizes.
            seeded(*PLANES, p=0.3, block_size=3),
            seeded(*VOLUMES, p=0.3, block_size=3, dtypes=SINGLE),
            seeded(2, 3, 5, 9, p=0.1, block_size=7),
        ),
        DROPBLOCK,
        bad_calls=(
            *refused(X[..., None]),
            bad("three_axes", "neither 4 nor 5 axes"),
            bad("six_axes", "neither 4 nor 5 axes", np.ones((1,) * 6, np.float32)),
            bad("block_size_0", "no block", FOUR_AXES, block_size=0),
            bad("block_size_is_a_float", "no integer", FOUR_AXES, block_size=3.0),
            bad("channels_are_samples", "the samples' axis", FOUR_AXES, channel_axis=0),
            bad("channels_beyond", "no such axis", FOUR_AXES, channel_axis=4),
        ),
        domain=BLOCKS,
    ),
    variant(
        "dropconnect",
        POINTS,
        (drawn(SCALED), drawn(SCALED, dtypes=SOME, p=0.3), certain(p=1.0), seeded(6, 7, p=0.3)),
        random_mask(LINE),
        domain=domain_of(*ANY, name="weight"),
    ),
    variant(
        "gaussian_dropout",
        POINTS,
        (
            drawn(NOISED, observe=_noise, dtypes=("float32", *HALVES), checks=DRAWN[:-1]),
            _multiplied(Samples(shape=(5, 7), axis=None), dtypes=SINGLE, p=0.125),
            seeded(40, p=0.3),
        ),
        GAUSSIAN,
        budgets={
            ("jit", "float32"): Budget(ulp=4, floor=4, everywhere=True, reason="1 + s z cancels")
        },
        bad_calls=(*refused(), bad("p_is_1", "no finite variance", p=1.0)),
        domain=Domain(
            arguments={
                "input": Tensor(axes=ANY, special=True),
                "p": Number(0.5, 0.3, 0),
                "training": OneOf(True, False),
            },
            impossible=({"random": "stream", "p.type": "array"},),
        ),
    ),
)
