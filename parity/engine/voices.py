"""Subject, reference and truth of one group of cases; each runs when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity import inputs
from parity.backends import Backend, Program, Run, backend
from parity.compare import Trace
from parity.dtypes import Floats, rounded, widened
from parity.spec import Array, Formula, Params, Points, Spec, Target, Values

NEIGHBOURHOOD = 2.0**-4
UNDERFLOWS_BEYOND = 16.0


@dataclass
class Voices:
    """Subject, reference and truth of one group; each runs when it is first asked for."""

    spec: Spec
    params: Params
    dtype: str
    seed: int
    phases: tuple[str, ...] = ("forward",)
    shape: tuple[int, ...] | None = None

    @property
    def key(self) -> str:
        """The randomness of the inputs."""
        parts = (self.spec.family, self.spec.name, self.params.name, self.dtype, str(self.seed))
        return "/".join(parts)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """Descriptions of the positional arguments."""
        return self.params.inputs or self.spec.inputs

    @property
    def pointwise(self) -> bool:
        """Whether every positional argument is visited point by point."""
        return self.shape is None and all(inputs.is_pointwise(a) for a in self.arrays)

    @property
    def reduced(self) -> bool:
        """Whether the result is a single number, however many there are in the arguments."""
        return self.reference.trace["out"].ndim == 0 < self.problem.arrays[0].ndim

    def numbers(self, key: str) -> inputs.Problem:
        """What the subject is given."""
        return inputs.problem(key, self.dtype, self.arrays, self.params.arrays, self.shape)

    @cached_property
    def problem(self) -> inputs.Problem:
        """What every side is given, the subject's own random draw included."""
        given = self.numbers(self.key)
        if self.params.drawn is None:
            return given
        native = tuple(self.subject_side.array(a) for a in given.arrays)
        observed = self.params.drawn.observe(self.subject_call, native, self.params.values)
        return replace(given, drawn={"drawn": np.asarray(observed)})

    @cached_property
    def given(self) -> tuple[Floats, ...]:
        """Every argument in float64: the positional ones, then those given by name."""
        return tuple(widened(array) for array in self.problem.arguments.values())

    @cached_property
    def finite_points(self) -> NDArray[np.bool_]:
        """Where every argument that is visited point by point is finite."""
        return np.logical_and.reduce([np.isfinite(x) for x in self._points()])

    @cached_property
    def near_points(self) -> NDArray[np.bool_]:
        """Where no argument is so far out that results underflow."""
        return np.logical_and.reduce([np.abs(x) <= UNDERFLOWS_BEYOND for x in self._points()])

    def _points(self) -> list[Floats]:
        return [x for x in self.given if x.shape == self.given[0].shape]

    @cached_property
    def subject_side(self) -> Backend:
        """The subject's framework."""
        return backend(self.spec.subject.backend)

    @cached_property
    def subject_call(self) -> Callable[..., Any]:
        """The subject, with its random key if it needs one."""
        call = self.subject_side.resolve(self.spec.subject)
        return call if self.params.key is None else self.subject_side.keyed(call, self.params.key)

    @cached_property
    def subject_program(self) -> Program:
        """The subject, compiled."""
        return self.subject_side.program(
            self.subject_call, self.params.values, self.params.mapped, self.phases
        )

    @cached_property
    def subject(self) -> Run:
        """The subject's run; it gets no draw, for it made that itself."""
        return self.subject_program(replace(self.problem, drawn={}))

    @property
    def reference_target(self) -> Target:
        """The function that the subject should agree with."""
        return self.params.reference or self.spec.reference

    @cached_property
    def references(self) -> dict[str, Run]:
        """The reference's runs, one for each of its own variants; the first is the usual one."""
        side = backend(self.reference_target.backend)
        program = side.program(
            side.resolve(self.reference_target), self.params.values, self.params.mapped, self.phases
        )
        return side.variants(program, self.problem)

    @property
    def reference(self) -> Run:
        """The reference's usual run."""
        return next(iter(self.references.values()))

    @property
    def formula(self) -> Formula | None:
        """The closed form of the truth."""
        truth = self.params.truth or self.spec.truth
        return truth if isinstance(truth, Formula) else None

    @cached_property
    def wide_reference(self) -> dict[str, Run]:
        """The truth as far as it is a function run in float64: by default the reference."""
        truth = self.params.truth or self.spec.truth
        if truth == "reference":
            return self.references
        target = truth if isinstance(truth, Target) else self.reference_target
        side = backend(target.backend)
        program = side.program(
            side.resolve(target), self.exact_values, self.params.mapped, self.phases
        )
        runs = side.variants(program, self.problem.in_dtype("float64"))
        if self.dtype == "float64" and target is not self.reference_target:
            # In float64 this is no better than the reference: either may be the one that is right.
            runs |= {f"reference {name}": run for name, run in self.references.items()}
        return runs

    @property
    def exact_values(self) -> Values:
        """The hyperparameters as the computation sees them: in float32 unless it is float64."""
        if self.dtype == "float64":
            return self.params.values
        return {
            name: float(np.float32(value)) if isinstance(value, float) else value
            for name, value in self.params.values.items()
        }

    @cached_property
    def closed_form(self) -> Trace:
        """The formula's trace in float64; empty without one."""
        from parity.backends._numpy import formula_trace

        if self.formula is None:
            return {}
        return formula_trace(self.formula, self.problem, self.exact_values)

    def truth(self, entry: str) -> list[Floats]:
        """What may count as true: a formula, else a run in float64 in any of its variants.

        Semantics are the reference's: at infinities, nan and kinks its float64 decides.
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
        """Where not the formula but the reference's semantics decides."""
        x = widened(self.problem.arrays[0])
        kinks = [k for array in self.arrays if isinstance(array, Points) for k in array.kinks]
        return ~np.isfinite(x) | np.isin(x, widened(rounded(kinks, self.dtype)))

    def crossings(self, entry: str) -> NDArray[np.bool_]:
        """Around the points, other than 0, where the true result changes its sign.

        Points of several arguments have no order in which it would.
        """
        x = self.given[0]
        if len(self.arrays) > 1:
            return np.zeros(x.shape, bool)
        result = self.truth(entry)[0] * self._sign_of_factor(entry)
        order = np.argsort(x)
        order = order[np.isfinite(x[order]) & np.isfinite(result[order]) & (result[order] != 0)]
        left, right = order[:-1], order[1:]
        changes = (np.sign(result[left]) != np.sign(result[right])) & (x[left] * x[right] > 0)
        near = np.zeros(x.shape, bool)
        for low, high in zip(x[left[changes]], x[right[changes]], strict=True):
            near |= (x >= low - NEIGHBOURHOOD) & (x <= high + NEIGHBOURHOOD)
        return near

    def _sign_of_factor(self, entry: str) -> Floats:
        cotangent = widened(self.problem.cotangent(self.problem.arrays[0].shape))
        direction = widened(self.problem.directions()["0"])
        factors = {"out": np.ones_like(cotangent), "vjp/0": cotangent, "jvp/out": direction}
        factors |= {"second/0": cotangent * direction, "second/cotangent": direction}
        return np.sign(factors.get(entry, cotangent))
