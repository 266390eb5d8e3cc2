"""Subject, reference and truth of one group of cases; each runs when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity import inputs
from parity.backends import OUT, Backend, Program, Run, Task, backend
from parity.cases import Setup
from parity.compare import Trace
from parity.dtypes import Floats, rounded, widened
from parity.formulas import formula_trace
from parity.spec import (
    Array,
    Formula,
    ObservedDraw,
    Randomness,
    SameSeed,
    Sweep,
    Target,
    Values,
)
from parity.trees import mapped

NEIGHBOURHOOD = 2.0**-4
UNDERFLOWS_BEYOND = 16.0


def observed(
    subject: Target, random: Randomness | None, given: inputs.Problem, values: Values
) -> dict[str, NDArray[Any]]:
    """The draw that the subject makes for these arguments, as an argument of the reference."""
    if not isinstance(random, ObservedDraw) or random.observe is None:
        return {}
    side = backend(subject.backend)
    function = side.function(subject, random)

    def drawing(*args: Any, **values: Any) -> Any:
        return function(args, values)[OUT]

    with side.precision(given.dtype):
        arrays, named = mapped(side.array, given.form.arguments(given.arguments))
        draw = random.observe(drawing, arrays, {**values, **named})
    return {"drawn": np.asarray(draw)}


def in_float32(values: Values) -> Values:
    """Hyperparameters as a computation in float32 uses them."""
    return {
        name: float(np.float32(value)) if isinstance(value, float) else value
        for name, value in values.items()
    }


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Subject, reference and truth of one group; each runs when it is first asked for.

    Args:
        setup: what is run.
        seed: determines all random numbers.
        phases: the phases that every side runs.
        shape: of the arguments that are visited point by point, in place of one long vector.
    """

    setup: Setup
    seed: int
    phases: tuple[str, ...] = ("forward",)
    shape: tuple[int, ...] | None = None

    @property
    def key(self) -> str:
        """The key from which the inputs are drawn."""
        setup = self.setup
        return "/".join((setup.family, setup.name, setup.setting, setup.dtype, str(self.seed)))

    @cached_property
    def form(self) -> inputs.Form:
        """How the arguments are built from the leaves of a problem."""
        return inputs.Form(positional=self.setup.inputs, named=self.setup.arrays)

    @cached_property
    def positional_leaves(self) -> dict[str, Array]:
        """The descriptions of the positional arguments, by path."""
        return inputs.Form(positional=self.setup.inputs, named={}).leaves

    @cached_property
    def pointwise(self) -> bool:
        """Whether every positional argument is visited point by point."""
        leaves = self.positional_leaves.values()
        return self.shape is None and bool(leaves) and all(map(inputs.is_pointwise, leaves))

    @property
    def reduced(self) -> bool:
        """Whether the result is a single number although arguments are arrays."""
        out = self.reference.trace.get(OUT)
        return out is not None and out.ndim == 0 < self.problem.first.ndim

    def numbers(self, key: str, dtype: str = "") -> inputs.Problem:
        """The numbers that the subject gets."""
        setup = self.setup
        return inputs.problem(key, dtype or setup.dtype, setup.inputs, setup.arrays, self.shape)

    @cached_property
    def problem(self) -> inputs.Problem:
        """The numbers that every side gets, including the subject's random draw."""
        given, setup = self.numbers(self.key), self.setup
        return replace(given, drawn=observed(setup.subject, setup.random, given, setup.values))

    @cached_property
    def given(self) -> tuple[Floats, ...]:
        """Every argument in float64: the positional arguments, then those given by name."""
        return tuple(widened(array) for array in self.problem.arguments.values())

    @cached_property
    def near_points(self) -> NDArray[np.bool_]:
        """The points at which every argument is near enough to 0 that results do not underflow."""
        points = [x for x in self.given if x.shape == self.given[0].shape]
        return np.logical_and.reduce([np.abs(x) <= UNDERFLOWS_BEYOND for x in points])

    @cached_property
    def subject_side(self) -> Backend:
        """The subject's framework."""
        return backend(self.setup.subject.backend)

    @cached_property
    def reference_side(self) -> Backend:
        """The reference's framework."""
        return backend(self.setup.reference.backend)

    @property
    def subject_task(self) -> Task:
        """The task that the subject runs."""
        return self._task(self.setup.subject)

    @property
    def reference_task(self) -> Task:
        """The task that the reference runs."""
        return self._task(self.setup.reference)

    def _task(self, target: Target, values: Values | None = None) -> Task:
        """The task of one of the functions; in an observed draw only the subject draws."""
        random = self.setup.random
        own = target is self.setup.subject or isinstance(random, SameSeed)
        return Task(
            target=target,
            form=self.form,
            values=self.setup.values if values is None else values,
            mapped=self.setup.mapped,
            random=random if own else None,
        )

    @cached_property
    def subject_program(self) -> Program:
        """The subject, compiled."""
        return self.subject_side.program(self.subject_task, self.phases)

    @cached_property
    def subject(self) -> Run:
        """The subject's run, without the observed draw as an argument: it makes the draw itself."""
        return self.subject_program(replace(self.problem, drawn={}))

    @cached_property
    def references(self) -> dict[str, Run]:
        """The reference's runs, one for each of its variants; the first is the usual one."""
        program = self.reference_side.program(self.reference_task, self.phases)
        return self.reference_side.variants(program, self.problem)

    @property
    def reference(self) -> Run:
        """The reference's usual run."""
        return next(iter(self.references.values()))

    @property
    def formula(self) -> Formula | None:
        """The closed form of the truth, if it is one."""
        truth = self.setup.truth
        return truth if isinstance(truth, Formula) else None

    @cached_property
    def wide_reference(self) -> dict[str, Run]:
        """The runs of the truth's function in float64, which by default is the reference."""
        truth = self.setup.truth
        if truth == "reference":
            return self.references
        target = truth if isinstance(truth, Target) else self.setup.reference
        side = backend(target.backend)
        program = side.program(self._task(target, self.exact_values), self.phases)
        runs = side.variants(program, self.problem.in_dtype("float64"))
        if self.setup.dtype == "float64" and target is not self.setup.reference:
            # For float64 this run is no more precise than the reference: either may be right.
            runs |= {f"reference {name}": run for name, run in self.references.items()}
        return runs

    @property
    def exact_values(self) -> Values:
        """The hyperparameters as the computation uses them: in float32 or in float64."""
        return self.setup.values if self.setup.dtype == "float64" else in_float32(self.setup.values)

    @cached_property
    def closed_form(self) -> Trace:
        """The formula's trace in float64; empty if there is no formula."""
        if self.formula is None:
            return {}
        return formula_trace(self.formula, self.problem, self.exact_values)

    def truth(self, entry: str) -> list[Floats]:
        """The candidates for the true result: the formula, else each variant of the float64 run.

        The semantics are the reference's: at infinities, nan and kinks its float64 run decides.
        """
        runs = [widened(r.trace[entry]) for r in self.wide_reference.values() if entry in r.trace]
        closed = self.closed_form.get(entry)
        if closed is None:
            return runs
        if not runs:
            return [closed]
        return [np.where(self.semantic_points, run, closed) for run in runs]

    @cached_property
    def semantic_points(self) -> NDArray[np.bool_]:
        """The points where the reference's semantics decides, and not the formula."""
        x = widened(self.problem.first)
        described = self.positional_leaves.values()
        kinks = [k for array in described if isinstance(array, Sweep) for k in array.kinks]
        return ~np.isfinite(x) | np.isin(x, widened(rounded(kinks, self.setup.dtype)))

    def crossings(self, entry: str) -> NDArray[np.bool_]:
        """The points near an input, other than 0, at which the true result changes sign.

        There are none for several arguments, whose points have no order.
        """
        x = self.given[0]
        truths = self.truth(entry)
        if len(self.positional_leaves) > 1 or not truths:
            return np.zeros(x.shape, bool)
        result = truths[0] * self._sign_of_factor(entry)
        order = np.argsort(x)
        order = order[np.isfinite(x[order]) & np.isfinite(result[order]) & (result[order] != 0)]
        left, right = order[:-1], order[1:]
        changes = (np.sign(result[left]) != np.sign(result[right])) & (x[left] * x[right] > 0)
        near = np.zeros(x.shape, bool)
        for low, high in zip(x[left[changes]], x[right[changes]], strict=True):
            near |= (x >= low - NEIGHBOURHOOD) & (x <= high + NEIGHBOURHOOD)
        return near

    def _sign_of_factor(self, entry: str) -> Floats:
        cotangent = widened(self.problem.cotangent(self.problem.first.shape))
        direction = widened(self.problem.directions()["0"])
        factors = {"out": np.ones_like(cotangent), "vjp/0": cotangent, "jvp/out": direction}
        factors |= {"second/0": cotangent * direction, "second/cotangent": direction}
        return np.sign(factors.get(entry, cotangent))
