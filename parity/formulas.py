"""Closed forms in float64: a formula's value and derivatives as a trace."""

from __future__ import annotations

import numpy as np

from parity.compare import Trace
from parity.dtypes import Floats, widened
from parity.inputs import Problem
from parity.spec import Formula, Values


class NumpyMath:
    """The elementary functions that formulas use, on float64 arrays."""

    exp = np.exp
    expm1 = np.expm1
    log1p = np.log1p
    tanh = np.tanh
    sign = np.sign
    absolute = np.abs
    minimum = np.minimum
    maximum = np.maximum
    where = np.where

    @staticmethod
    def number(text: str) -> float:
        """A constant, from as many digits as are known."""
        return float(text)

    @staticmethod
    def normal_cdf(x: Floats) -> Floats:
        """The standard normal distribution function."""
        from scipy.special import ndtr  # pyright: ignore[reportMissingTypeStubs]

        return ndtr(x)

    @staticmethod
    def normal_pdf(x: Floats) -> Floats:
        """The standard normal density."""
        return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def formula_value(formula: Formula, x: Floats, values: Values) -> Floats:
    """The value of a formula in float64."""
    with np.errstate(all="ignore"):
        return formula.value(NumpyMath, x, **values)


def formula_trace(formula: Formula, problem: Problem, values: Values) -> Trace:
    """Value and derivatives of a formula in float64, under the problem's cotangents."""
    x = widened(problem.first)
    cotangent = widened(problem.cotangent(x.shape))
    direction = widened(problem.directions()["0"])
    value = formula_value(formula, x, values)
    with np.errstate(all="ignore"):
        slope = formula.slope(NumpyMath, x, **values)
        curvature = formula.curvature(NumpyMath, x, **values)
        return {
            "out": value,
            "vjp/0": cotangent * slope,
            "jvp/out": direction * slope,
            "second/0": cotangent * direction * curvature,
            "second/cotangent": direction * slope,
        }
