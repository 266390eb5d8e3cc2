"""Whether two traces agree: within many epsilons of the largest number of the result.

Points and settings prove the last digits; here it is proven that there is no wrong place.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from parity.backends import STEP
from parity.compare import Trace
from parity.dtypes import FORMATS, Floats, is_floating, widened
from parity.engine.numeric import structural_difference

# The allowed error in epsilons of the dtype, relative to the largest number of the result.
ALLOWED = {"float16": 8.0, "bfloat16": 8.0, "float32": 512.0, "float64": 4096.0}
# Where the reference itself is less accurate, this many times its own error there, or its largest
# one in the result that is rounding: below the root of epsilon of the largest number.
OF_REFERENCE = 8.0

# What a few roundings of the arguments change, this many times, is left to rounding.
OF_SHAKING = {"float16": 2.0, "bfloat16": 2.0, "float32": 32.0, "float64": 32.0}
# Where they change the result by more than the root of epsilon they decide between two branches,
# such as two sides of a kink. That happens to few numbers: at most one in so many.
JUMP_ONE_IN = 100

# Give the candidates for the true result when they are asked for: some are expensive.
Truths: TypeAlias = Sequence[Callable[[], Trace]]


def _nothing() -> list[Trace]:
    return []


def unlike(
    found: Trace,
    expected: Trace,
    truths: Truths,
    dtype: str,
    *,
    shaken: Callable[[], list[Trace]] = _nothing,
    values_only: bool = False,
    terms: float = 0.0,
) -> str:
    """How the traces differ; empty if they agree.

    Args:
        found: the subject's trace.
        expected: the reference's.
        truths: candidates for the true result; a number that is near one of them is right. The
            first one is shown.
        dtype: in which both compute; entries of a wider dtype are no more accurate, unless they
            are results and the reference's are.
        shaken: the reference's traces for arguments that differ by a few roundings.
        values_only: whether derivatives are left out.
        terms: how large the terms are that cancel in derivatives, if that is known.
    """
    structure = structural_difference(found, expected)
    if structure:
        return structure
    moved = functools.cache(shaken)
    scales = _scales(expected, terms)
    for entry, reference in expected.items():
        if values_only and _is_derivative(entry):
            continue
        message = _unlike_entry(entry, found[entry], reference, truths, dtype, scales[entry], moved)
        if message:
            return message
    return ""


def _is_derivative(entry: str) -> bool:
    return entry.partition("/")[0] in ("vjp", "jvp", "second")


def _scales(trace: Trace, terms: float) -> dict[str, float]:
    """By entry, how large the terms are that add up to it, as far as other entries show.

    Derivatives are differences of terms as large as the largest gradient. What rounding adds to a
    state in one step stays in the next ones.
    """
    steepest = max((largest(a) for e, a in trace.items() if e.startswith("vjp/")), default=0.0)
    steepest = max(steepest, terms)
    found: dict[str, float] = {}
    states: dict[str, float] = {}
    for entry, array in trace.items():
        root, _, rest = entry.partition("/")
        found[entry] = steepest if _is_derivative(entry) else 0.0
        if root == STEP:
            path = rest.partition("/")[2]
            found[entry] = states[path] = max(states.get(path, 0.0), largest(array))
    return found


def largest(array: NDArray[Any]) -> float:
    """The largest finite number."""
    numbers = _as_floats(array)
    return float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0))


def _unlike_entry(
    entry: str,
    found: NDArray[Any],
    reference: NDArray[Any],
    truths: Truths,
    dtype: str,
    beside: float,
    shaken: Callable[[], list[Trace]],
) -> str:
    if not is_floating(found.dtype.name) and found.dtype.kind != "c":
        return "" if np.array_equal(found, reference) else f"{entry}: {found}, not {reference}"
    ours, theirs = _as_floats(found), _as_floats(reference)
    fine = _format_of(found)
    coarse = max(dtype, fine, key=lambda name: FORMATS[name].epsilon)
    agree, shown = _same_special(ours, theirs), theirs
    for i, truth in enumerate(truths):
        candidate = truth().get(entry)
        if candidate is None or candidate.shape != reference.shape:
            continue
        true = _as_floats(candidate)
        shown = true if i == 0 else shown
        # A reference that computes in the wider dtype of its result shows that it can be done.
        if not _is_derivative(entry) and near(theirs, true, true, fine).all():
            coarse = fine
        agree |= near(ours, true, theirs, coarse, beside)
        if agree.all():
            return ""
    if not agree.all():
        candidates = [trace[entry] for trace in shaken() if entry in trace]
        agree |= _rounding_decides(ours, shown, [*map(_as_floats, candidates)], dtype)
    if agree.all():
        return ""
    at = tuple(int(i) for i in np.argwhere(~agree)[0])
    return (
        f"{entry}{list(at) if at else ''}: {float(ours[at])!r}, "
        f"reference {float(theirs[at])!r}, truth {float(shown[at])!r}; "
        f"{int((~agree).sum())} of {agree.size} differ"
    )


def _rounding_decides(
    ours: Floats, true: Floats, shaken: list[Floats], dtype: str
) -> NDArray[np.bool_]:
    """Where a result differs by no more than a few roundings of the arguments change it."""
    same = [other for other in shaken if other.shape == true.shape]
    if not same:
        return np.zeros(true.shape, bool)
    with np.errstate(invalid="ignore"):
        spread = np.max([np.abs(other - true) for other in same], axis=0)
        decided = np.abs(ours - true) <= OF_SHAKING[dtype] * spread
    scale = np.abs(true[np.isfinite(true)]).max(initial=1.0)
    jumps = spread > np.sqrt(FORMATS[dtype].epsilon) * scale
    few = int(jumps.sum()) * JUMP_ONE_IN <= jumps.size
    return decided & (~jumps | few)


def _as_floats(array: NDArray[Any]) -> Floats:
    """The numbers in float64; complex ones as two numbers along one more axis."""
    if array.dtype.kind != "c":
        return widened(array)
    return np.stack([np.real(array), np.imag(array)], axis=-1).astype(np.float64)


def _format_of(array: NDArray[Any]) -> str:
    if array.dtype.kind == "c":
        return "float32" if array.dtype.itemsize == 8 else "float64"
    return array.dtype.name


def near(
    ours: Floats, true: Floats, theirs: Floats, dtype: str, beside: float = 0.0
) -> NDArray[np.bool_]:
    """Whether numbers are near the truth, in units of the largest one or of `beside`."""
    limits = FORMATS[dtype]
    finite = np.abs(true[np.isfinite(true)])
    scale = np.minimum(finite.max(initial=beside), limits.largest)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(ours - true)
        allowed = ALLOWED[dtype] * (limits.epsilon * np.maximum(np.abs(true), scale) + limits.tiny)
        own = np.abs(theirs - true)
        own = np.maximum(own, own[own <= np.sqrt(limits.epsilon) * scale].max(initial=0.0))
        slack = OF_REFERENCE * own
        beyond = (np.abs(true) > limits.largest) & (ours == np.sign(true) * np.inf)
    slack = np.where(np.isfinite(slack), slack, 0.0)
    return (error <= allowed + slack) | _same_special(ours, true) | beyond


def _same_special(a: Floats, b: Floats) -> NDArray[np.bool_]:
    return (np.isnan(a) & np.isnan(b)) | (np.isinf(a) & (a == b))


def coarsest(*arguments: Any) -> str:
    """Of the dtypes of these arrays, and those of these names, the one with the largest epsilon.

    float32 if there is none.
    """
    names = [a if isinstance(a, str) else str(getattr(a, "dtype", "")) for a in arguments]
    known = [name for name in names if name in FORMATS]
    return max(known, key=lambda name: FORMATS[name].epsilon, default="float32")
