"""How a row of this family is written: what both sides fill after the same seed, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from parity.spec import FLOATS, BadCall, Budget, Params, Spec, Template, factory
from parity.suite.rows import Theme, torch_stream

SAME_BITS = Budget(ulp=0, reason="the same stream gives the same bits")
_KERNELS = "bit for bit with AVX2; other processors run another kernel of torch"
NORMAL_BITS: dict[Any, Budget] = {
    **{("forward", dtype): Budget(ulp=2, reason=_KERNELS) for dtype in FLOATS[:2]},
    **{("forward", dtype): Budget(ulp=1, reason=_KERNELS) for dtype in FLOATS[2:]},
}
# The second is drawn in full blocks of 16, the first is too small for one, the third has a rest.
SMALL, EVEN, ODD = (3, 5), (16, 33), (7, 11)
KERNEL, FLAX_KERNEL = (8, 6, 3, 3), (3, 3, 6, 8)
SEEDS = (0, 1, 42, 2**32 + 5, -1)
THEME = Theme("initializers")


def filled(shape: tuple[int, ...], *, label: str, seed: int = 0, **fields: Any) -> Params:
    """A setting for a shape; `values` are the initializer's arguments."""
    random = fields.pop("random", torch_stream(seed))
    return Params(label=label, inputs=(Template(shape=shape),), random=random, **fields)


def random_settings(arguments: Sequence[dict[str, Any]], **options: Any) -> tuple[Params, ...]:
    """Every seed, several shapes, both layouts, the place of the stream, then other arguments.

    Args:
        arguments: of the initializer; the first are used for all shapes.
        **options: shapes without kernels, `kernels=False`.
    """
    first, *others = arguments
    kernels = options.get("kernels", True)
    shape, flax_shape = (KERNEL, FLAX_KERNEL) if kernels else ((40, 24), (24, 40))
    dtypes = options.get("dtypes", FLOATS)

    def setting(label: str, shape: tuple[int, ...], **values: Any) -> Params:
        return filled(shape, label=label, seed=42, values={**first, **values}, dtypes=dtypes)

    return (
        setting("kernel" if kernels else "matrix", shape),
        setting("small", SMALL),
        setting("blocks", EVEN),
        setting("rest", ODD),
        setting("flax", flax_shape, layout="flax"),
        *(
            filled(EVEN, label=f"seed={seed}", seed=seed, values=first, dtypes=("float32",))
            for seed in SEEDS
        ),
        *(
            filled(ODD, label=f"after,{dtype}", seed=1, values=first, dtypes=(dtype,))
            for dtype in dtypes
        ),
        *(
            filled(
                shape, label=",".join(f"{k}={v}" for k, v in values.items()),
                seed=7, values=values,
                dtypes=("float32",),
            )
            for values in others
        ),
    )  # fmt: skip


def initializer(name: str, **fields: Any) -> Spec:
    """A row of this family: jaxact.initializers against torch.nn.init, which has an underscore."""
    return THEME.row(
        name,
        **{
            "subject": factory("jax", f"jaxact.initializers.{name}"),
            "reference": factory("torch", f"nn.init.{name}_"),
            "checks": ("forward", "error", "signature", "law"),
            "extra": ("layout",),
            "budgets": {"forward": SAME_BITS},
            **fields,
        },
    )


def bad(
    name: str, reason: str, shape: tuple[int, ...] = (4, 4), dtype: str = "float32", **values: Any
) -> BadCall:
    """A call to refuse, with a template of that shape and dtype."""
    return THEME.bad(name, reason, np.zeros(shape, dtype), **values)


INTEGERS = bad("integers", "an integer dtype", dtype="int32")
BOOLEANS = bad("booleans", "a boolean dtype", dtype="bool")
ONE_AXIS = bad("one_axis", "a shape without fans", shape=(3,))
NO_AXIS = bad("no_axis", "a shape without fans", shape=())
