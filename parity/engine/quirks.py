"""Where a declared difference applies, and whether the subject has the declared result there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity import compare
from parity.backends import OUT
from parity.dtypes import rounded, widened
from parity.engine.measurement import Measurement
from parity.spec import Budget, Place, Quirk
from parity.verdict import Gaps


def explained(
    quirk: Quirk, measurement: Measurement, gaps: Gaps, budget: Budget
) -> NDArray[np.bool_]:
    """The points of an entry where the quirk applies and the subject has the declared result."""
    size = measurement.subject.size
    if quirk.where is None:
        return np.zeros(size, bool)
    sides = measurement.sides
    mask = np.asarray(quirk.where(sides.given, sides.setup.values))
    if mask.shape not in ((), measurement.subject.shape):
        return np.zeros(size, bool)
    concerned = np.broadcast_to(mask, measurement.subject.shape).ravel()
    return concerned & _as_declared(quirk, measurement, gaps, budget)


def _as_declared(
    quirk: Quirk, measurement: Measurement, gaps: Gaps, budget: Budget
) -> NDArray[np.bool_]:
    if isinstance(quirk.instead, Budget):
        floor = measurement.floor(quirk.instead)
        return (gaps.truth <= quirk.instead.ulp) | (gaps.truth_absolute <= floor)
    there: Any = quirk.instead
    if callable(there):
        there = there(_place(measurement))
    found = measurement.subject
    expected = rounded(np.broadcast_to(there, found.shape), str(found.dtype))
    return compare.ulps(found, expected, measurement.dtype).ravel() <= budget.ulp


def _place(measurement: Measurement) -> Place:
    sides = measurement.sides
    problem = sides.problem
    shape = sides.reference.trace[OUT].shape if OUT in sides.reference.trace else ()
    return Place(
        entry=measurement.entry,
        arguments=sides.given,
        values=sides.setup.values,
        cotangent=widened(problem.cotangent(shape)),
        directions={name: widened(a) for name, a in problem.directions().items()},
        truth=measurement.truths[0],
        reference=widened(measurement.references[0]),
    )
