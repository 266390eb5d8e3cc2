"""mpmath: functions of one number at a time, with 60 digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.backends import (
    OUT,
    Backend,
    Function,
    Program,
    Run,
    Task,
    only_called,
    resolved,
)
from parity.dtypes import rounded, widened
from parity.exact import CONTEXT
from parity.inputs import Problem
from parity.spec import Randomness, Target


class MpmathBackend(Backend):
    """Values only, one number at a time."""

    def resolve(self, target: Target) -> Callable[..., Any]:
        """The function that the target names, with its options bound."""
        return resolved(target, "mpmath")

    def array(self, values: Any) -> Any:
        """An array of mpmath numbers."""
        return np.vectorize(CONTEXT.mpf, otypes=[object])(widened(np.asarray(values)))

    def dtype(self, dtype: np.dtype[Any]) -> Any:
        """The framework's name for a numpy dtype."""
        return dtype

    def sourced(self, target: Target, random: Randomness | None) -> Callable[..., Any]:
        """The target's function; it draws no random numbers."""
        if random is not None:
            raise NotImplementedError("random functions of mpmath are not compared")
        return self.resolve(target)

    def function(self, target: Target, random: Randomness | None) -> Function:
        """The target as its driver calls it."""
        return only_called(target, self.sourced(target, random), "mpmath")

    def program(self, task: Task, phases: tuple[str, ...]) -> Program:
        """The function at each point, rounded to the dtype of the problem."""
        function = self.function(task.target, task.random)

        def run(problem: Problem) -> Run:
            try:
                columns = {name: self.array(a).ravel() for name, a in problem.arguments.items()}
                found = [
                    float(_at(function, task, {name: c[i] for name, c in columns.items()}))
                    for i in range(problem.first.size)
                ]
            except Exception as error:
                return Run(failures=dict.fromkeys(phases, error))
            return Run({OUT: rounded(np.array(found).reshape(problem.first.shape), problem.dtype)})

        return run

    def variants(self, program: Program, problem: Problem) -> dict[str, Run]:
        """The one run: there is one precision."""
        return {"": program(problem)}


def _at(function: Callable[..., Any], task: Task, numbers: dict[str, Any]) -> Any:
    args, named = task.form.arguments(numbers)
    return function(args, {**task.values, **named})[OUT]


BACKEND = MpmathBackend()
