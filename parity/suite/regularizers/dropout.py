"""torch's dropout family."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import (
    FLOATS,
    BadCall,
    Budget,
    Choices,
    Drawn,
    Law,
    Params,
    Points,
    Samples,
    Spec,
    Values,
    on,
)
from parity.suite.regularizers.dropout_laws import (
    LINE,
    Mask,
    keeps_mean_and_variance,
    random_mask,
)

SAME_BITS = Budget(ulp=0, reason="the same stream gives the same bits")
# What is kept crosses zero at x = -ALPHA p, which depends on p.
SHIFTED = {
    ("forward", dtype): Budget(ulp=4, floor=2, everywhere=True, reason="a x and a ALPHA p cancel")
    for dtype in FLOATS[:2]
}
POINTS = (Points(kinks=(0.0,)),)
X = np.ones((2, 3, 2), np.float32)
DRAWN = ("forward", "vjp", "jvp", "second", "vmap", "jit")
SOME = ("float32", "float16")
ANY_DTYPE = (*FLOATS, "int32", "uint8")
SEEDED = {0.5: FLOATS, 0.3: FLOATS, 0.999: FLOATS, 0.1: ("float32",), 1.0: ("float32",)}


def kept(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """1 where ones are kept, above 0, and 0 elsewhere."""
    ones = np.ones(arrays[0].shape, np.float32)
    return (np.asarray(subject(ones, **values)) > 0).astype(np.float32)


def drawn(
    reference: str,
    inputs: Any,
    label: str = "",
    *,
    dtypes: tuple[str, ...] = FLOATS,
    observe: Callable[..., Any] = kept,
    checks: tuple[str, ...] = DRAWN,
    **values: Any,
) -> Params:
    """A random setting: the reference is given what the subject drew from its key."""
    name = ",".join((label, *(f"{k}={v}" for k, v in values.items())))
    return Params(
        label=name.strip(",") or "default",
        values={"training": True, **values},
        inputs=inputs,
        key=7,
        reference=on("torch", f"parity.suite.regularizers.{reference}"),
        drawn=Drawn(observe=observe),
        dtypes=dtypes,
        checks=checks,
    )


def certain(inputs: Any, **values: Any) -> Params:
    """A setting that leaves nothing to chance."""
    name = ",".join(f"{k}={v}" for k, v in values.items())
    return Params(
        label=name,
        values={"training": True, **values},
        inputs=inputs,
        key=7,
        dtypes=ANY_DTYPE,
        checks=("forward", "vjp"),
    )


def seeded(
    name: str,
    shape: tuple[int, ...],
    *,
    dtypes: tuple[str, ...] = FLOATS,
    module: str = "dropout",
    **values: Any,
) -> Params:
    """A setting in which both sides draw from torch's stream, and have the same bits."""
    every = {"seed": 42, "training": True, **values}
    label = ",".join(f"{k}={v}" for k, v in every.items() if k != "training")
    return Params(
        label=f"{label},shape={'x'.join(map(str, shape)) or '0-d'}",
        values=every,
        inputs=(Choices(values=(0.0,), shape=shape, differentiated=False),),
        reference=on("torch", f"parity.suite.regularizers.{module}_references.seeded_{name}"),
        truth="reference",
        dtypes=dtypes,
        checks=("forward",),
        budget=SAME_BITS,
    )


def same_seed(
    name: str, *shapes: tuple[int, ...], module: str = "dropout", **values: Any
) -> tuple[Params, ...]:
    """Some p, gradients, other seeds and other shapes."""
    setting = functools.partial(seeded, name, module=module, **values)
    first, *others = shapes
    return (
        *(setting(first, p=p, dtypes=dtypes) for p, dtypes in SEEDED.items()),
        setting(first, p=0.3, gradient=True, seed=0),
        setting(first, p=0.3, gradient=True, seed=-1, dtypes=("float32",)),
        *(setting(shape, p=0.3, dtypes=("float32",)) for shape in others),
    )


def bad(name: str, reason: str, *args: Any, **values: Any) -> BadCall:
    """A call to refuse; without arguments of its own it gets X."""
    return BadCall(name=name, args=args or (X,), values={"training": True, **values}, reason=reason)


BAD_CALLS = (
    bad("p_below_0", "no probability", p=-0.1),
    bad("p_above_1", "no probability", p=1.1),
    bad("p_above_1_without_training", "no probability", p=1.1, training=False),
    bad("p_is_nan", "no probability", p=float("nan")),
    bad("p_is_nan_without_training", "no probability", p=float("nan"), training=False),
    bad("p_is_text", "no number", p="0.5"),
    bad("p_is_none", "no number", p=None),
    bad("input_is_a_list", "no array", [1.0, 2.0]),
    *(bad(f"input_is_{d}", "not floating", X.astype(d)) for d in ("int32", "bool", "complex64")),
)
NO_BOOLEANS = (
    bad("training_is_1", "no boolean", training=1),
    bad("training_is_text", "no boolean", training="no"),
)


def dropout(
    name: str, *, inputs: Any, seeds: tuple[Params, ...], laws: tuple[Law, ...], **fields: Any
) -> Spec:
    """A row of this theme: jaxact's function of that name against torch's.

    Args:
        name: in both namespaces.
        inputs: of the settings.
        seeds: the settings with torch's stream.
        laws: see there.
        **fields: `formula`, of the references; `rates`, p beside the default; `settings`, further
            ones; and fields of the row.
    """
    formula = f"dropout_references.{fields.pop('formula', 'scaled')}"
    rates = (drawn(formula, inputs, dtypes=SOME, p=p) for p in fields.pop("rates", (0.3,)))
    return Spec(
        family="regularizers",
        name=name,
        subject=on("jax", f"parity.suite.regularizers.dropout_subjects.{name}"),
        reference=on("torch", f"nn.functional.{name}"),
        inputs=inputs,
        params=(
            drawn(formula, inputs),
            *rates,
            *fields.pop("settings", ()),
            certain(inputs, p=1.0),
            certain(inputs, p=0.0),
            certain(inputs, training=False),
            *seeds,
        ),
        checks=(*DRAWN, "error", "signature", "law"),
        extra=("key",),
        bad_calls=(*BAD_CALLS, *NO_BOOLEANS, *fields.pop("bad_calls", ())),
        laws=laws,
        **fields,
    )


def channels(*shape: int) -> tuple[Samples]:
    """An input of feature maps, with infinities and nan among its numbers."""
    return (Samples(shape=shape, axis=None, special=True),)


def axes(name: str, *counts: int) -> tuple[BadCall, ...]:
    """Inputs with a number of axes that is refused."""
    return tuple(
        bad(
            f"input_of_{n}_axes", "a number of axes that does not go", np.ones((2,) * n, np.float32)
        )
        for n in counts
    )


OTHERS = ((33,), (), (0, 3), (3, 4, 5))
MAPS_1D, MAPS_2D, MAPS_3D = (6, 5, 7), (6, 5, 3, 4), (4, 5, 2, 3, 2)
BY_CHANNEL = Mask(shape=(1 << 10, 1 << 10, 2), shared=(2,))
BY_CHANNEL_2D = Mask(shape=(1 << 10, 1 << 10, 1, 2), shared=(2, 3))
BY_CHANNEL_3D = Mask(shape=(1 << 10, 1 << 10, 1, 2, 1), shared=(2, 3, 4))
ALPHA = Mask(shape=LINE.shape)

SPECS = (
    dropout(
        "dropout",
        inputs=POINTS,
        rates=(0.3, 0.875),
        seeds=(
            *same_seed("dropout", (7, 11), *OTHERS),
            # 1 / (1 - p) is infinite.
            seeded("dropout", (7, 11), p=0.99999, dtypes=("float16",)),
        ),
        laws=random_mask(LINE),
    ),
    dropout(
        "dropout1d",
        inputs=channels(*MAPS_1D),
        settings=(drawn("dropout_references.scaled", channels(6, 9), "unbatched", dtypes=SOME),),
        seeds=same_seed("dropout1d", MAPS_1D, (6, 9)),
        laws=random_mask(BY_CHANNEL),
        bad_calls=axes("dropout1d", 0, 1, 4),
    ),
    dropout(
        "dropout2d",
        inputs=channels(*MAPS_2D),
        seeds=same_seed("dropout2d", MAPS_2D, MAPS_1D, MAPS_3D, (6, 5)),
        laws=random_mask(BY_CHANNEL_2D),
        bad_calls=axes("dropout2d", 0, 1),
    ),
    dropout(
        "dropout3d",
        inputs=channels(*MAPS_3D),
        settings=(
            drawn("dropout_references.scaled", channels(*MAPS_2D), "unbatched", dtypes=SOME),
        ),
        seeds=same_seed("dropout3d", MAPS_3D, MAPS_2D, MAPS_1D, (9,), (2, 3, 2, 1, 2, 2)),
        laws=random_mask(BY_CHANNEL_3D),
        bad_calls=axes("dropout3d", 0),
    ),
    dropout(
        "alpha_dropout",
        formula="saturating",
        budgets=SHIFTED,
        inputs=POINTS,
        rates=(0.3, 0.875),
        seeds=same_seed("alpha_dropout", (7, 11), *OTHERS),
        laws=(*random_mask(ALPHA), keeps_mean_and_variance(ALPHA)),
    ),
    dropout(
        "feature_alpha_dropout",
        formula="saturating",
        budgets=SHIFTED,
        inputs=channels(*MAPS_2D),
        seeds=same_seed("feature_alpha_dropout", MAPS_2D, MAPS_1D, MAPS_3D, (6, 5)),
        laws=(*random_mask(BY_CHANNEL_2D), keeps_mean_and_variance(BY_CHANNEL_2D)),
        bad_calls=axes("feature_alpha_dropout", 0, 1),
    ),
)
