"""numpy: values of plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.backends import (
    Backend,
    Function,
    Program,
    Run,
    Task,
    only_called,
    resolved,
    with_source,
)
from parity.inputs import Problem
from parity.spec import ObservedDraw, Randomness, Target
from parity.trees import flat


class NumpyBackend(Backend):
    """Values only: numpy has no gradients."""

    def resolve(self, target: Target) -> Callable[..., Any]:
        """The function that the target names, with its options bound."""
        return resolved(target, "numpy")

    def array(self, values: Any) -> Any:
        """A numpy array."""
        return np.asarray(values)

    def dtype(self, dtype: np.dtype[Any]) -> Any:
        """The framework's name for a numpy dtype."""
        return dtype

    def sourced(self, target: Target, random: Randomness | None) -> Callable[..., Any]:
        """The target's function with its source of random numbers as an argument."""
        call = self.resolve(target)
        if not isinstance(random, ObservedDraw):
            return call
        return with_source(call, lambda: np.random.default_rng(random.seed), random.at)

    def function(self, target: Target, random: Randomness | None) -> Function:
        """The target as its driver calls it."""
        return only_called(target, self.sourced(target, random), "numpy")

    def program(self, task: Task, phases: tuple[str, ...]) -> Program:
        """The function itself."""
        function = self.function(task.target, task.random)

        def run(problem: Problem) -> Run:
            try:
                args, named = task.form.arguments(problem.arguments)
                roots = function(args, {**task.values, **named, **problem.drawn})
            except Exception as error:
                return Run(failures=dict.fromkeys(phases, error))
            return Run({key: np.asarray(leaf) for key, leaf in flat(roots).items()})

        return run

    def variants(self, program: Program, problem: Problem) -> dict[str, Run]:
        """The one run: there is one layout."""
        return {"": program(problem)}


BACKEND = NumpyBackend()
