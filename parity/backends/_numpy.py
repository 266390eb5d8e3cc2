"""numpy: values of plain functions, and closed forms in float64."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.backends import Program, Run, import_path
from parity.compare import Trace
from parity.dtypes import Floats, widened
from parity.inputs import Problem
from parity.spec import Formula, Target, Values


class NumpyMath:
    """The elementary functions of a formula, on float64 arrays."""

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


class NumpyBackend:
    """Values only: numpy has no gradients."""

    def resolve(self, target: Target) -> Callable[..., Any]:
        """The function that the target names, with its options bound."""
        call = import_path(target.call, "numpy") if isinstance(target.call, str) else target.call
        return functools.partial(call, **target.options) if target.options else call

    def array(self, values: Any) -> Any:
        """A numpy array."""
        return np.asarray(values)

    def dtype(self, dtype: np.dtype[Any]) -> Any:
        """The framework's name for a numpy dtype."""
        return dtype

    def keyed(self, call: Callable[..., Any], seed: int) -> Callable[..., Any]:
        """The function with its random source fixed."""
        return functools.partial(call, rng=np.random.default_rng(seed))

    def program(
        self, call: Callable[..., Any], values: Values, mapped: bool, phases: tuple[str, ...]
    ) -> Program:
        """The function itself."""

        def run(problem: Problem) -> Run:
            try:
                out = call(*problem.arrays, **values, **problem.named, **problem.drawn)
            except Exception as error:
                return Run(failures=dict.fromkeys(phases, error))
            return Run({"out": np.asarray(out)})

        return run

    def variants(self, program: Program, problem: Problem) -> dict[str, Run]:
        """One layout."""
        return {"": program(problem)}


def formula_trace(formula: Formula, problem: Problem, values: Values) -> Trace:
    """Value and derivatives of a formula in float64, under the problem's cotangents."""
    x = widened(problem.arrays[0])
    cotangent = widened(problem.cotangent(x.shape))
    direction = widened(problem.directions()["0"])
    with np.errstate(all="ignore"):
        value = formula.value(NumpyMath, x, **values)
        slope = formula.slope(NumpyMath, x, **values)
        curvature = formula.curvature(NumpyMath, x, **values)
        return {
            "out": value,
            "vjp/0": cotangent * slope,
            "jvp/out": direction * slope,
            "second/0": cotangent * direction * curvature,
            "second/cotangent": direction * slope,
        }


BACKEND = NumpyBackend()
