"""Data for plots: a function, its slope, and the errors of both sides over all exponents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity import compare, inputs
from parity.dtypes import Floats, widened
from parity.engine.sides import Sides

DTYPE = "float32"


def curve(sides: Sides) -> dict[str, Any] | None:
    """The plot of one setting; None unless it was visited point by point in float32.

    Errors are in ulp from the truth. For each error, each binade of either sign has one point, the
    one with the largest error; between -10 and 10 the points of an even grid are added.
    """
    setup = sides.setup
    if setup.dtype != DTYPE or not sides.pointwise or len(sides.problem.arguments) > 1:
        return None
    x = widened(sides.problem.first)
    cotangent = widened(sides.problem.cotangent(x.shape))
    if not all(sides.truth(e) and e in sides.reference.trace for e in ("out", "vjp/0")):
        return None
    value, slope = sides.truth("out")[0], sides.truth("vjp/0")[0] / cotangent
    errors = {
        f"{name}_ulp_{side}": _error(sides, entry, trace)
        for name, entry in (("value", "out"), ("slope", "vjp/0"))
        for side, trace in (
            ("subject", sides.subject.trace),
            ("reference", sides.reference.trace),
        )
    }
    kept = _points(x, errors.values())
    columns = {"x": x, "value": value, "slope": slope, **errors}
    return {
        "function": setup.name,
        "params": dict(setup.values),
        "dtype": DTYPE,
        **{name: _short(column[kept], name) for name, column in columns.items()},
    }


def _short(column: Floats, name: str) -> list[float]:
    """The number with as many digits as a plot needs."""
    digits = 3 if "ulp" in name else 9
    return [float(f"{number:.{digits}g}") for number in column.tolist()]


def _error(sides: Sides, entry: str, trace: compare.Trace) -> Floats:
    truths = sides.truth(entry)
    found = [compare.ulps_from_truth(trace[entry], truth, DTYPE) for truth in truths]
    return np.min(found, axis=0)


def _points(x: Floats, errors: Iterable[Floats]) -> NDArray[np.intp]:
    """The grid's points, and for each error the worst point of each binade."""
    finite = np.isfinite(x) & (x != 0)
    kept = [np.flatnonzero(np.isin(x, widened(inputs.LINEAR_GRID.astype(DTYPE))))]
    candidates = np.flatnonzero(finite)
    _, exponent = np.frexp(x[candidates])
    binade = exponent * np.sign(x[candidates]).astype(np.int64) + 10_000 * (x[candidates] > 0)
    for error in errors:
        order = np.lexsort((error[candidates], binade))
        last = np.flatnonzero(np.diff(binade[order], append=np.inf))
        kept.append(candidates[order[last]])
    chosen = np.concatenate(kept)
    return chosen[np.unique(x[chosen], return_index=True)[1]]
