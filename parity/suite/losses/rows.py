"""How the rows of losses are written: single elements, their reductions, hyperparameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import FLOATS, Array, BadCall, Budget, Params, Points, Samples, Target, Values
from parity.suite.rows import Theme

# Of the reductions, which add sums to what `none` shows.
SUMMED = ("forward", "vjp", "second")
ROWS = (Samples(shape=(48, 5)), Samples(shape=(48, 5)))
# Where a hyperparameter has a value of its own at every point.
BRANCHES = (Points(kinks=(0.0,), span=(-8.0, 8.0)), Points(kinks=(0.0,), span=(-8.0, 8.0)))

SUMS = "a sum of one term for each argument"
JVP = {
    ("jvp", dtype): Budget(ulp=ulp, floor=2, everywhere=True, reason=SUMS)
    for dtype, ulp in zip(FLOATS, (4, 4, 1, 1), strict=True)
}

# Where a gradient is a difference that crosses zero along a line of pairs of points.
CROSSES = {
    **JVP,
    **{
        ("vjp", dtype): Budget(
            ulp=ulp,
            floor=floor,
            everywhere=True,
            reason="a difference: where it crosses zero depends on both arguments",
        )
        for dtype, ulp, floor in zip(FLOATS, (4, 4, 1, 1), (2, 2, 2.0**-10, 2.0**-10), strict=True)
    },
    ("jit", "float32"): Budget(ulp=4, floor=2, everywhere=True, reason="a difference, as above"),
}

X = np.array([[0.25, 0.5, 0.75], [0.5, 0.125, 1.0]], np.float32)


THEME = Theme("losses", fields={"budgets": JVP}, arguments=(X, X))
loss, bad = THEME.row, THEME.bad


def each(inputs: tuple[Array, ...], **values: Any) -> Params:
    """The losses of single points."""
    return Params(values={"reduction": "none", **values}, inputs=inputs)


def reduced(reduction: str, inputs: tuple[Array, ...] = ROWS, **fields: Any) -> Params:
    """Their mean, in all dtypes, or another sum."""
    return Params(
        values={"reduction": reduction, **fields.pop("values", {})},
        inputs=inputs,
        checks=fields.pop("checks", SUMMED),
        dtypes=fields.pop("dtypes", FLOATS if reduction == "mean" else ("float32",)),
        **fields,
    )


def weighed(
    reduction: str, inputs: tuple[Array, ...] = ROWS, weight: Array | None = None, **fields: Any
) -> Params:
    """The same with a weight, which is differentiated unless it is Given."""
    return reduced(
        reduction,
        inputs,
        label=f"reduction={reduction},weight=array",
        arrays={"weight": weight or Samples(shape=(48, 5), center=1.5, scale=0.25)},
        dtypes=("float32", "float64"),
        **fields,
    )


CANCELS = Budget(
    ulp=4,
    floor=64,
    everywhere=True,
    reason="a difference of larger terms, which crosses zero along a line",
)


def swept(
    reference: Target,
    inputs: tuple[Array, ...] = BRANCHES,
    values: Values | None = None,
    **arrays: Array,
) -> Params:
    """Hyperparameters as arrays with a value for each point, differentiated."""
    return Params(
        values={"reduction": "none", **(values or {})},
        arrays=arrays,
        mapped=True,
        label=",".join(f"{name}=array" for name in arrays),
        inputs=inputs,
        reference=reference,
        truth=reference,
        dtypes=("float32",),
        checks=("forward", "vjp"),
        budget=CANCELS,
    )


def wrong_reduction(*args: Any) -> tuple[BadCall, ...]:
    """Calls with reductions that do not exist."""
    return tuple(
        bad(f"reduction_{name}", "no such reduction", *args, reduction=name)
        for name in ("men", "batch_mean")
    )


def wrong_kinds(*kinds: tuple[str, str]) -> tuple[BadCall, ...]:
    """Calls with dtypes that do not go, as (input's, target's)."""
    return tuple(
        bad(f"{x}_and_{t}", "dtypes that do not go", _ones(x), _ones(t), reduction="mean")
        for x, t in kinds
    )


def filled(*shapes: tuple[int, ...], dtype: str = "float32") -> tuple[Any, ...]:
    """Arrays of ones."""
    return tuple(np.ones(shape, dtype) for shape in shapes)


def _ones(dtype: str) -> Any:
    return np.ones((2, 3), dtype)


def shapes(name: str, reason: str, first: tuple[int, ...], *others: tuple[int, ...]) -> BadCall:
    """A call with shapes that do not fit."""
    return bad(name, reason, *(np.full(shape, 0.5, np.float32) for shape in (first, *others)))
