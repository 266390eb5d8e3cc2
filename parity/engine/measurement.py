"""Distances between the sides of a group, for each entry, at each point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity import compare
from parity.backends import OUT, phase_of
from parity.dtypes import FORMATS, Floats, is_floating, widened
from parity.engine.results import Worst
from parity.engine.sides import Sides
from parity.spec import Budget, Samples
from parity.verdict import Gaps

# A closed form in float64 is itself off by some ulp, and by hundreds in a tail. So mpmath, with 60
# digits, decides where the closed form is doubtful, that is where the subject is more than SOUND
# ulp away from it, and at EXACT_EVEN evenly spaced samples. EXACT_MOST limits the doubtful points:
# a subject that is wrong everywhere need not be measured exactly everywhere.
SOUND = 3.0
EXACT_MOST, EXACT_EVEN = 4096, 8


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One entry of the subject's trace, compared with the other sides."""

    sides: Sides
    entry: str
    subject: NDArray[Any]

    @property
    def dtype(self) -> str:
        """The number format in which distances are counted: that of the result."""
        return str(self.subject.dtype)

    @property
    def references(self) -> list[NDArray[Any]]:
        """The reference's variants."""
        runs = self.sides.references.values()
        return [run.trace[self.entry] for run in runs if self.entry in run.trace]

    @property
    def truths(self) -> list[Floats]:
        """The candidates for the true result; the reference's results, if they are integers."""
        found = self.sides.truth(self.entry) if is_floating(self.dtype) else []
        return found or [widened(run) for run in self.references]

    @property
    def visits_points(self) -> bool:
        """Whether each number of the result belongs to one point of the input."""
        return self.sides.pointwise and self.subject.shape == self.sides.problem.first.shape

    def gaps(self, budget: Budget) -> Gaps:
        """The distances at each point, flattened."""
        measured = between(self.subject, self.references, self.truths, self.dtype)
        if not budget.nan:
            measured = measured.without(self._nan())
        if budget.signs_of_zero and self._signs_of_zero_matter():
            measured = replace(measured, zero_sign=self._zero_has_another_sign())
        if self.dtype == "float64" and self.entry in self.sides.closed_form:
            measured = self._with_exact_truth(measured)
        return measured

    def _nan(self) -> NDArray[np.bool_]:
        """Where the subject or the reference is nan."""
        found = [np.isnan(widened(array)) for array in (self.subject, *self.references)]
        return np.logical_or.reduce(found).ravel()

    def _signs_of_zero_matter(self) -> bool:
        """Signs count only if the reference is the row's own, not one that stands in for it."""
        setup = self.sides.setup
        # mpmath has no signed zero.
        signed = "mpmath" not in (setup.subject.backend, setup.reference.backend)
        own = setup.own_reference and signed
        return own and self.entry == OUT and self.visits_points and is_floating(self.dtype)

    def _zero_has_another_sign(self) -> NDArray[np.bool_]:
        """Where the truth is 0 and the subject's zero has another sign than all references.

        Far from the origin a zero is a result that has underflowed, in the truth as well: there the
        sign does not matter.
        """
        differ = [compare.signs_of_zero_differ(self.subject, run) for run in self.references]
        if not differ:
            return np.zeros(self.subject.size, bool)
        near = self.sides.near_points
        return (np.logical_and.reduce(differ) & (self.truths[0] == 0) & near).ravel()

    def _with_exact_truth(self, gaps: Gaps) -> Gaps:
        from parity.exact import exactly_at

        sides = self.sides
        formula = sides.formula
        assert formula is not None
        points = _asked(gaps.truth)
        points = points[~sides.semantic_points[points]]
        high, rest = exactly_at(formula, sides.problem, sides.exact_values, self.entry, points)

        def exact(array: NDArray[Any]) -> Floats:
            return compare.ulps_from_truth(array[points], high, "float64", rest)

        truth, reference_truth = gaps.truth.copy(), gaps.reference_truth.copy()
        truth[points] = exact(self.subject)
        if self.references:
            reference_truth[points] = np.min([exact(run) for run in self.references], axis=0)
        return replace(gaps, truth=truth, reference_truth=reference_truth)

    def floor(self, budget: Budget) -> Floats:
        """The absolute error that is always accepted, at each point."""
        return np.maximum(self._floor(budget), self._tolerance(budget))

    def _tolerance(self, budget: Budget) -> Floats:
        """The tolerance atol + rtol |reference|, as in numpy.isclose."""
        if not (budget.rtol or budget.atol) or not self.references:
            return np.zeros(self.subject.size)
        size = np.abs(widened(self.references[0])).ravel()
        return budget.atol + budget.rtol * np.where(np.isfinite(size), size, 0.0)

    def _floor(self, budget: Budget) -> Floats:
        size = self.subject.size
        if not budget.floor or self.dtype not in FORMATS:
            return np.zeros(size)
        amount = budget.floor * FORMATS[self.dtype].epsilon
        if not self.visits_points:
            return amount * self._scale().ravel()
        if budget.everywhere:
            return np.full(size, amount)
        return np.where(self.sides.crossings(self.entry), amount, 0.0)

    def _scale(self) -> Floats:
        """The size of the terms that add up to a result, given that cotangents are about 1."""
        sides = self.sides
        size = np.abs(self.truths[0])
        if sides.reduced:
            return np.full(size.shape, self._scale_of_a_sum(size))
        results = [a for key, a in sides.reference.trace.items() if phase_of(key) == "forward"]
        given = [sides.problem.arguments[path] for path in sides.positional_leaves]
        if size.shape not in {array.shape for array in (*given, *results)}:
            return np.full(size.shape, _norm(sides.problem.first) / np.sqrt(max(size.size, 1)))
        size = np.where(np.isfinite(size), np.maximum(size, 1.0), 1.0)
        axis = self._sample_axis()
        if axis is None or axis >= size.ndim:
            return np.full(size.shape, size.max(initial=0.0))
        others = tuple(i for i in range(size.ndim) if i != axis)
        return np.broadcast_to(size.max(axis=others, keepdims=True, initial=0.0), size.shape)

    def _scale_of_a_sum(self, size: Floats) -> float:
        """The same for a single number and its derivatives, whose terms may be far below 1.

        Those of a mean are.
        """
        if size.ndim or self.entry == OUT:
            return float(np.where(np.isfinite(size), size, 0.0).max(initial=0.0))
        # Terms of opposite sign cancel. The entries of the gradient have the size of the terms.
        names = self.sides.problem.differentiated
        slopes = [truths[0] for n in names if (truths := self.sides.truth(f"vjp/{n}"))]
        return float(np.sqrt(sum(_norm(slope) ** 2 for slope in slopes)))

    def _sample_axis(self) -> int | None:
        """The sample axis of the argument that the entry belongs to, else of the first argument."""
        leaves = self.sides.positional_leaves
        owner = self.entry.partition("/")[2]
        array = leaves.get(owner, next(iter(leaves.values()), None))
        return array.axis if isinstance(array, Samples) else None

    def worst(self, index: int) -> Worst | None:
        """The inputs and results at an index of the flattened result."""
        if index < 0:
            return None
        sides, references, truths = self.sides, self.references, self.truths
        given = sides.problem.arguments.values()
        cotangent, out = None, sides.reference.trace.get(OUT)
        # If the result is a tree, each leaf has its own cotangent, and there is no entry OUT.
        if self.visits_points and self.entry.startswith("vjp") and out is not None:
            pulled = sides.problem.cotangent(out.shape)
            cotangent = float(pulled if sides.reduced else pulled[index])
        return Worst(
            entry=self.entry,
            index=index,
            input=tuple(_at(a, index, self.subject.shape) for a in given)
            if self.visits_points
            else (),
            cotangent=cotangent,
            subject=self.subject.ravel()[index].item(),
            reference=references[0].ravel()[index].item() if references else None,
            truth=float(truths[0].ravel()[index]) if truths else None,
        )


def _at(array: NDArray[Any], index: int, shape: tuple[int, ...]) -> Any:
    return array[index].item() if array.shape == shape else array.tolist()


def _asked(gap: Floats) -> NDArray[np.intp]:
    """The points that are computed with 60 digits."""
    order = np.argsort(gap)[-EXACT_MOST:]
    farthest = order[gap[order] > SOUND]
    even = np.linspace(0, max(gap.size - 1, 0), min(EXACT_EVEN, gap.size)).astype(np.intp)
    return np.unique(np.concatenate([farthest, even]))


def _norm(array: NDArray[Any]) -> float:
    values = widened(array)
    return float(np.sqrt(np.sum(values[np.isfinite(values)] ** 2)))


def between(
    subject: NDArray[Any], references: list[NDArray[Any]], truths: list[Floats], dtype: str
) -> Gaps:
    """The distances between arrays of one shape, flattened.

    Of several references or truths the nearest counts.

    Args:
        subject: the subject's result, in the dtype.
        references: the reference's variants, in the dtype; the first is the usual one.
        truths: the candidates for the true result, in float64.
        dtype: distances are in its ulp; those of integers are 0 or infinite.
    """

    def to_truth(array: NDArray[Any]) -> Floats:
        if dtype not in FORMATS:
            return compare.ulps(array, truths[0].astype(array.dtype), dtype).ravel()
        return np.min([compare.ulps_from_truth(array, t, dtype) for t in truths], axis=0).ravel()

    def absolute(array: NDArray[Any]) -> Floats:
        return np.min([compare.absolute(array, truth) for truth in truths], axis=0).ravel()

    nothing = np.zeros(subject.size)
    near = [compare.ulps(subject, run, dtype).ravel() for run in references]
    apart = [compare.absolute(subject, run).ravel() for run in references]
    spread = [compare.ulps(references[0], run, dtype).ravel() for run in references[1:]]
    wrong = [to_truth(run) for run in references]
    wrong_absolute = [absolute(run) for run in references]
    return Gaps(
        reference=np.min(near, axis=0) if near else nothing,
        truth=to_truth(subject),
        reference_truth=np.min(wrong, axis=0) if wrong else nothing,
        spread=np.max(spread, axis=0) if spread else nothing,
        reference_absolute=np.min(apart, axis=0) if apart else nothing,
        truth_absolute=absolute(subject),
        reference_truth_absolute=np.min(wrong_absolute, axis=0) if wrong else nothing,
        zero_sign=np.zeros(subject.size, bool),
    )
