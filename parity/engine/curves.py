"""For plots: a function, its slope and the errors of both sides over the whole exponent range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity import compare, inputs
from parity.dtypes import Floats, widened
from parity.engine.results import Result
from parity.engine.voices import Voices

DTYPE = "float32"


def curves(results: Sequence[Result], seed: int) -> list[dict[str, Any]]:
    """One curve for each setting of a pointwise function that was compared in float32.

    Errors are in ulp from the truth. Each binade of either sign has one point, that of its worst
    error; between -10 and 10 the points of an even grid are added.
    """
    groups = {r.case.group: r for r in results if r.case.dtype == DTYPE and not _is_array(r)}
    wanted = {r.case.group for r in results if r.case.check == "vjp"}
    return [
        curve
        for group, result in groups.items()
        if group in wanted and (curve := _curve(result, seed)) is not None
    ]


def _is_array(result: Result) -> bool:
    return bool(result.case.params.arrays)


def _curve(result: Result, seed: int) -> dict[str, Any] | None:
    case = result.case
    voices = Voices(spec=case.spec, params=case.params, dtype=DTYPE, seed=seed)
    voices.phases = ("forward", "vjp")
    if not voices.pointwise or voices.subject.failures or voices.reference.failures:
        return None
    x = widened(voices.problem.arrays[0])
    cotangent = widened(voices.problem.cotangent(x.shape))
    value, slope = voices.truth("out")[0], voices.truth("vjp/0")[0] / cotangent
    errors = {
        f"{name}_ulp_{side}": _error(voices, entry, trace)
        for name, entry in (("value", "out"), ("slope", "vjp/0"))
        for side, trace in (
            ("subject", voices.subject.trace),
            ("reference", voices.reference.trace),
        )
    }
    kept = _points(x, errors.values())
    columns = {"x": x, "value": value, "slope": slope, **errors}
    return {
        "function": case.spec.name,
        "params": case.params.values,
        "dtype": DTYPE,
        **{name: column[kept].tolist() for name, column in columns.items()},
    }


def _error(voices: Voices, entry: str, trace: compare.Trace) -> Floats:
    truths = voices.truth(entry)
    found = [compare.ulps_from_truth(trace[entry], truth, DTYPE) for truth in truths]
    return np.min(found, axis=0)


def _points(x: Floats, errors: Iterable[Floats]) -> NDArray[np.intp]:
    """The grid's points, and for each error the worst point of each binade."""
    finite = np.isfinite(x) & (x != 0)
    kept = [np.flatnonzero(np.isin(x, widened(inputs.LINEAR_GRID.astype(DTYPE))))]
    candidates = np.flatnonzero(finite)
    _, exponent = np.frexp(x[candidates])
    binade = exponent * np.sign(x[candidates]).astype(np.int64) + 10_000 * (x[candidates] > 0)
    for error in errors:
        order = np.lexsort((error[candidates], binade))
        last = np.flatnonzero(np.diff(binade[order], append=np.inf))
        kept.append(candidates[order[last]])
    chosen = np.unique(np.concatenate(kept))
    return chosen[np.argsort(x[chosen])]
