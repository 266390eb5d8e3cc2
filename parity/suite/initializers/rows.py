"""Makers of this family's rows, which compare draws after the same seed, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from parity.spec import (
    FLOATS,
    BadCall,
    Budget,
    ObservedDraw,
    Setting,
    Spec,
    Target,
    Template,
    Values,
    factory,
)
from parity.suite.initializers.laws import Shape
from parity.suite.rows import SINGLE, Theme, setting, torch_stream

SAME_BITS = {"forward": Budget(ulp=0, reason="the same stream gives the same bits")}
_KERNELS = "bit for bit with AVX2; other processors run another kernel of torch"
NORMAL_BITS: dict[Any, Budget] = {
    ("forward", dtype): Budget(ulp=2 if dtype in FLOATS[:2] else 1, reason=_KERNELS)
    for dtype in FLOATS
}
# EVEN is drawn in full blocks of 16, SMALL is smaller than a block, ODD leaves a remainder.
SMALL, EVEN, ODD = (3, 5), (16, 33), (7, 11)
KERNEL, MATRIX = (8, 6, 3, 3), (40, 24)
EXACT = (*FLOATS, "int32", "uint8", "bool")
SEEDS = (0, 1, 42, 2**32 + 5, -1)
CHECKS = ("forward", "error", "signature", "law")
THEME = Theme("initializers", fields={"checks": CHECKS, "budgets": SAME_BITS})


def filled(shape: Shape, *, seed: int = 0, **fields: Any) -> Setting:
    """A setting for a shape and a seed; other names are arguments of the initializer."""
    return setting(Template(shape=shape), **{"random": torch_stream(seed), **fields})


def random_settings(
    first: Values, *others: Values, shape: Shape = KERNEL, dtypes: tuple[str, ...] = FLOATS
) -> tuple[Setting, ...]:
    """Several shapes, both layouts, every seed, the stream's position; then other arguments."""
    outputs, inputs, *kernel = shape
    shapes = {"kernel" if kernel else "matrix": shape, "small": SMALL, "blocks": EVEN, "rest": ODD}
    in_flax = (*kernel, inputs, outputs)
    return (
        *(filled(s, label=label, seed=42, dtypes=dtypes, **first) for label, s in shapes.items()),
        filled(in_flax, label="flax", seed=42, dtypes=dtypes, layout="flax", **first),
        *(filled(EVEN, label=f"seed={s}", seed=s, dtypes=SINGLE, **first) for s in SEEDS),
        *(filled(ODD, label=f"after,{d}", seed=1, dtypes=(d,), **first) for d in dtypes),
        *(filled(shape, seed=7, dtypes=SINGLE, **values) for values in others),
    )


def initializer(name: str, settings: tuple[Setting, ...], **fields: Any) -> Spec:
    """The row of an initializer, whose name in torch.nn.init ends with an underscore."""
    in_any_layout = reference("filled", fill=f"{name}_")
    return THEME.row(
        name,
        subject=factory("jax", f"jaxact.initializers.{name}"),
        settings=tuple(
            replace(s, reference=in_any_layout)
            if s.reference is None and s.values.get("layout") == "flax"
            else s
            for s in settings
        ),
        **{
            "reference": factory("torch", f"nn.init.{name}_"),
            "calls_reference": None if "reference" in fields else in_any_layout,
            "extra": ("layout",),
            **fields,
        },
    )


def keyed(
    shape: Shape,
    formula: str = "",
    dtypes: tuple[str, ...] = FLOATS,
    given: Values = MappingProxyType({}),
    **standard: Any,
) -> Setting:
    """A setting with a JAX key.

    Args:
        shape: of the array.
        formula: the reference that gets, as the draw, what the initializer makes with the
            arguments `standard`; empty for one that draws nothing.
        dtypes: of the array.
        given: other arguments of the initializer.
        **standard: see there.
    """

    def drawn(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
        wide = np.promote_types(arrays[0].dtype, np.float32)
        return subject(np.zeros(arrays[0].shape, wide), **{**values, **standard})

    return filled(
        shape,
        label="key",
        random=ObservedDraw(seed=7, observe=drawn if formula else None),
        reference=reference(formula) if formula else None,
        # What rounds to the upper end becomes the lower one, which a run in float64 does not show.
        truth="reference",
        dtypes=dtypes,
        budget=Budget(ulp=4, floor=4, reason="the same draw, scaled in another order"),
        **given,
        **standard,
    )


def reference(name: str, **options: Any) -> Target:
    """A function from this family's references, which gets an empty tensor of the shape."""
    return factory("torch", THEME.reference(name).name, **options)


def bad(
    name: str, reason: str, shape: Shape = (4, 4), dtype: str = "float32", **values: Any
) -> BadCall:
    """A call to refuse, with a template of this shape and dtype."""
    return THEME.bad(name, reason, np.zeros(shape, dtype), **values)


NOT_FLOATING = (
    bad("integers", "an integer dtype", dtype="int32"),
    bad("booleans", "a boolean dtype", dtype="bool"),
)
WITHOUT_FANS = (
    bad("one_axis", "a shape without fans", shape=(3,)),
    bad("no_axis", "a shape without fans", shape=()),
)
