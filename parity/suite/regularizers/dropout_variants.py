"""Dropout beyond torch: whole branches, blocks of pixels, weights, Gaussian noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import BadCall, Budget, Law, Params, Samples, Spec, Values, on
from parity.suite.regularizers.dropout import (
    BAD_CALLS,
    DRAWN,
    POINTS,
    SOME,
    bad,
    certain,
    channels,
    drawn,
    same_seed,
    seeded,
)
from parity.suite.regularizers.dropout_laws import (
    DROPBLOCK,
    GAUSSIAN,
    LINE,
    ROWS,
    random_mask,
)

MODULE = "dropout_variants"
SCALED = "dropout_references.scaled"
NORMALISED = f"{MODULE}_references.normalised"
MAPS, VOLUMES = (4, 3, 9, 11), (3, 2, 7, 8, 6)


def variant(
    name: str,
    *,
    inputs: Any,
    settings: tuple[Params, ...],
    laws: tuple[Law, ...],
    bad_calls: tuple[BadCall, ...] = BAD_CALLS,
    extra: tuple[str, ...] = ("key",),
    **fields: Any,
) -> Spec:
    """A row of this theme: jaxact's function against torch's formula of it."""
    return Spec(
        family="regularizers",
        name=name,
        subject=on("jax", f"parity.suite.regularizers.dropout_subjects.{name}"),
        reference=on("torch", f"parity.suite.regularizers.{MODULE}_references.{name}"),
        inputs=inputs,
        params=(
            *settings,
            certain(inputs, p=0.0),
            certain(inputs, training=False),
        ),
        checks=(*DRAWN, "error", "signature", "law"),
        extra=extra,
        bad_calls=bad_calls,
        laws=laws,
        **fields,
    )


def _factors(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """By what ones are multiplied."""
    return subject(np.ones(arrays[0].shape, np.float32), **values)


def _blocks(label: str, shape: tuple[int, ...], **values: Any) -> Params:
    checks = ("forward", "vjp")
    return drawn(NORMALISED, channels(*shape), label, dtypes=SOME, checks=checks, **values)


def _with_four_axes(call: BadCall) -> tuple[Any, ...]:
    """The arguments of a bad call, in a shape that goes."""
    array: Any = np.asarray(call.args[0])[..., None]
    return call.args if isinstance(call.args[0], list) else (array,)


FOUR_AXES = np.ones((2, 3, 4, 4), np.float32)
# Of the seeded settings: torchvision takes odd sizes only.
SEEDED_BLOCKS: dict[str, Any] = {"module": MODULE, "block_size": 3}

SPECS = (
    variant(
        "drop_path",
        inputs=channels(16, 3, 2),
        settings=(
            drawn(SCALED, channels(16, 3, 2)),
            drawn(SCALED, POINTS, "points", dtypes=SOME, p=0.3),
            drawn(SCALED, channels(4, 3, 2), dtypes=SOME, p=0.75, mode="batch"),
            certain(channels(16, 3, 2), p=1.0),
            *same_seed("drop_path", (16, 3, 2), (40,), module=MODULE),
            seeded("drop_path", (4, 3), module=MODULE, p=0.3, mode="batch"),
            seeded("drop_path", (), module=MODULE, p=0.3, mode="batch"),
        ),
        laws=random_mask(ROWS),
        extra=("key",),
        bad_calls=(
            *BAD_CALLS,
            bad("no_rows", "no axis of samples", np.ones((), np.float32)),
            bad("no_such_mode", "no such mode", mode="rows"),
        ),
    ),
    variant(
        "dropblock",
        inputs=channels(*MAPS),
        settings=(
            drawn(NORMALISED, channels(*MAPS), dtypes=("float32", "float16")),
            _blocks("", MAPS, p=0.3, block_size=3),
            _blocks("", MAPS, p=0.3, block_size=4),
            _blocks("", MAPS, p=0.3, block_size=1),
            _blocks("5-d", VOLUMES, p=0.25, block_size=3),
            _blocks("nothing_kept", (2, 1, 5, 5), p=1.0, block_size=9),
            seeded("dropblock", MAPS, p=0.3, **SEEDED_BLOCKS),
            seeded("dropblock", MAPS, p=0.3, gradient=True, **SEEDED_BLOCKS),
            seeded("dropblock", VOLUMES, p=0.3, dtypes=("float32",), **SEEDED_BLOCKS),
            seeded("dropblock", (2, 3, 5, 9), p=0.1, block_size=7, module=MODULE),
        ),
        laws=DROPBLOCK,
        bad_calls=(
            *(
                bad(call.name, call.reason, *_with_four_axes(call), **call.values)
                for call in BAD_CALLS
            ),
            bad("three_axes", "neither 4 nor 5 axes"),
            bad("six_axes", "neither 4 nor 5 axes", np.ones((1,) * 6, np.float32)),
            bad("block_size_0", "no block", FOUR_AXES, block_size=0),
            bad("block_size_is_a_float", "no integer", FOUR_AXES, block_size=3.0),
            bad("channels_are_samples", "the samples' axis", FOUR_AXES, channel_axis=0),
            bad("channels_beyond", "no such axis", FOUR_AXES, channel_axis=4),
        ),
    ),
    variant(
        "dropconnect",
        inputs=POINTS,
        settings=(
            drawn(SCALED, POINTS),
            drawn(SCALED, POINTS, dtypes=SOME, p=0.3),
            certain(POINTS, p=1.0),
            seeded("dropconnect", (6, 7), p=0.3, module=MODULE),
        ),
        laws=random_mask(LINE),
    ),
    variant(
        "gaussian_dropout",
        inputs=POINTS,
        settings=(
            drawn(
                f"{MODULE}_references.multiplied",
                POINTS,
                dtypes=("float32", "float16", "bfloat16"),
                observe=_factors,
                checks=("forward", "vjp", "jvp", "second", "vmap"),
            ),
            drawn(
                f"{MODULE}_references.multiplied",
                (Samples(shape=(5, 7), axis=None),),
                dtypes=("float32",),
                observe=_factors,
                p=0.125,
            ),
            seeded("gaussian_dropout", (40,), p=0.3, module=MODULE),
            seeded("gaussian_dropout", (40,), p=0.3, gradient=True, module=MODULE),
        ),
        budgets={
            ("jit", "float32"): Budget(ulp=4, floor=4, everywhere=True, reason="1 + s z cancels")
        },
        laws=GAUSSIAN,
        bad_calls=(*BAD_CALLS, bad("p_is_1", "no finite variance", p=1.0)),
    ),
)
