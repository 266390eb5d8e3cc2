"""Closed forms evaluated with 60 digits by mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
from numpy.typing import NDArray

from parity.dtypes import Floats, widened
from parity.inputs import Problem
from parity.spec import Formula, Values

DIGITS = 60
# A separate context: the precision of the global `mpmath.mp` is the user's, and threads share it.
CONTEXT: Any = mpmath.mp.clone()
CONTEXT.dps = DIGITS


class ExactMath:
    """The elementary functions that formulas use, on single numbers of 60 digits."""

    exp = CONTEXT.exp
    expm1 = CONTEXT.expm1
    log1p = CONTEXT.log1p
    tanh = CONTEXT.tanh
    sign = CONTEXT.sign
    absolute = CONTEXT.fabs
    minimum = staticmethod(min)
    maximum = staticmethod(max)
    normal_cdf = CONTEXT.ncdf
    normal_pdf = CONTEXT.npdf

    @staticmethod
    def where(condition: bool, then: Any, otherwise: Any) -> Any:
        """One of two numbers."""
        return then if condition else otherwise

    @staticmethod
    def number(text: str) -> Any:
        """A constant, from as many digits as are known."""
        return CONTEXT.mpf(text)


def exactly_at(
    formula: Formula, problem: Problem, values: Values, key: str, points: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """One entry of a formula's trace at some points, computed with 60 digits.

    Returns:
        The nearest float64 numbers, and the exact results less these.
    """
    part, factor = _part(formula, problem, key)
    exact: list[Any] = []
    x = widened(problem.first)
    constants = {name: _exact(value) for name, value in values.items()}
    for index in points:
        result = part(ExactMath, CONTEXT.mpf(float(x[index])), **constants)
        exact.append(result * CONTEXT.mpf(float(factor[index])))
    high = np.array([float(number) for number in exact])
    rest = np.array(
        [
            float(number - CONTEXT.mpf(h)) if np.isfinite(h) else 0.0
            for number, h in zip(exact, high.tolist(), strict=True)
        ]
    )
    return high, rest


def _part(formula: Formula, problem: Problem, key: str) -> tuple[Callable[..., Any], Floats]:
    shape = problem.first.shape
    cotangent = widened(problem.cotangent(shape))
    direction = widened(problem.directions()["0"])
    return {
        "out": (formula.value, np.ones(shape)),
        "vjp/0": (formula.slope, cotangent),
        "jvp/out": (formula.slope, direction),
        "second/0": (formula.curvature, cotangent * direction),
        "second/cotangent": (formula.slope, direction),
    }[key]


def _exact(value: Any) -> Any:
    return CONTEXT.mpf(value) if isinstance(value, float | int) else value
