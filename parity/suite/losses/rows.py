"""Makers of the rows of losses: single elements, their reductions, hyperparameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.spec import FLOATS, Array, BadCall, Budget, Samples, Setting, Sweep, Target
from parity.suite.rows import FORWARD, HALVES, SINGLE, WIDE, Theme, as_formula, setting

# The checks of reductions, which only add a sum to what "none" computes.
SUMMED = ("forward", "vjp", "second")
DERIVATIVES = ("vjp", "jvp", "second")
NUMERIC = ("forward", *DERIVATIVES)
ROWS = (Samples(shape=(48, 5)), Samples(shape=(48, 5)))
WEIGHT = Samples(shape=(48, 5), center=1.5, scale=0.25)
# The checks of settings in which a hyperparameter has its own value at every point.
BRANCHES = (Sweep(kinks=(0.0,), span=(-8.0, 8.0)), Sweep(kinks=(0.0,), span=(-8.0, 8.0)))
X = np.array([[0.25, 0.5, 0.75], [0.5, 0.125, 1.0]], np.float32)


def budgets(
    checks: tuple[str, ...], dtypes: tuple[str, ...], ulp: float, floor: float, reason: str
) -> dict[Any, Budget]:
    """A budget for several checks and dtypes, whose floor applies everywhere."""
    budget = Budget(ulp=ulp, floor=floor, everywhere=True, reason=reason)
    return {(check, dtype): budget for check in checks for dtype in dtypes}


SUMS = "a sum of one term for each argument"
DIFFERS = "a difference: where it crosses zero depends on both arguments"
JVP = {**budgets(("jvp",), WIDE, 4, 2, SUMS), **budgets(("jvp",), HALVES, 1, 2, SUMS)}
# Where a gradient is a difference that crosses zero along a line of pairs of points.
CROSSES = {
    **JVP,
    **budgets(("vjp",), WIDE, 4, 2, DIFFERS),
    **budgets(("vjp",), HALVES, 1, 2.0**-10, DIFFERS),
    **budgets(("jit",), SINGLE, 4, 2, DIFFERS),
}
LARGER = "a difference of larger terms, which crosses zero along a line"
CANCELS = Budget(ulp=4, floor=64, everywhere=True, reason=LARGER)

THEME = Theme("losses", fields={"budgets": JVP}, arguments=(X, X))
loss, bad = THEME.row, THEME.bad
A_LIST = bad("a_list", "an input that is a list", [1.0, 2.0], X)


def each(*inputs: Array, **fields: Any) -> Setting:
    """The losses of single points."""
    return setting(*inputs, **{"reduction": "none", **fields})


def reduced(reduction: str, *inputs: Array, **fields: Any) -> Setting:
    """The mean of the losses, in all dtypes, or their sum."""
    dtypes = FLOATS if reduction == "mean" else SINGLE
    defaults = {"reduction": reduction, "checks": SUMMED, "dtypes": dtypes}
    return setting(*(inputs or ROWS), **{**defaults, **fields})


def weighed(reduction: str, *inputs: Array, **fields: Any) -> Setting:
    """A reduction with a weight, which is differentiated."""
    return reduced(reduction, *inputs, arrays={"weight": WEIGHT}, dtypes=WIDE, **fields)


def swept(reference: Target, *inputs: Array, **fields: Any) -> Setting:
    """Hyperparameters as differentiated arrays with a value for each point."""
    arrays = {name: array for name, array in fields.items() if isinstance(array, Sweep)}
    values = {name: value for name, value in fields.items() if name not in arrays}
    budget = values.pop("budget", CANCELS)
    return as_formula(
        reference,
        *(inputs or BRANCHES),
        label=",".join(f"{name}=array" for name in arrays),
        values={"reduction": "none", **values},
        arrays=arrays,
        mapped=True,
        dtypes=SINGLE,
        checks=FORWARD,
        budget=budget,
    )


def wrong_reduction(*args: Any) -> tuple[BadCall, ...]:
    """Calls with reductions that do not exist."""
    wrong = ("men", "batch_mean")
    return tuple(bad(f"reduction_{n}", "no such reduction", *args, reduction=n) for n in wrong)


def wrong_kinds(**kinds: str) -> tuple[BadCall, ...]:
    """Calls with dtypes that are refused: pairs of the input's and the target's."""
    pairs = [(x, t) for x, targets in kinds.items() for t in targets.split()]
    ones = {dtype: np.ones((2, 3), dtype) for pair in pairs for dtype in pair}
    return tuple(bad(f"{x}_and_{t}", "incompatible dtypes", ones[x], ones[t]) for x, t in pairs)


def wrong_values(name: str, *args: Any, **wrong: Any) -> tuple[BadCall, ...]:
    """Calls with values that a hyperparameter must not have, by a name of the value."""
    return tuple(bad(f"{name}_{w}", f"{name} is {w}", *args, **{name: v}) for w, v in wrong.items())


def filled(*shapes: tuple[int, ...], dtype: str = "float32") -> tuple[Any, ...]:
    """Arrays of ones."""
    return tuple(np.ones(shape, dtype) for shape in shapes)


def shapes(name: str, reason: str, first: tuple[int, ...], *others: tuple[int, ...]) -> BadCall:
    """A call with shapes that do not fit."""
    return bad(name, reason, *(np.full(shape, 0.5, np.float32) for shape in (first, *others)))
