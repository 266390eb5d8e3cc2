"""Results as data: one dictionary, from which the HTML report is made as well."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from parity.cases import LeftOut
from parity.engine import Result
from parity.report.environment import environment
from parity.report.files import write_whole
from parity.report.snippet import snippet
from parity.report.summary import Replay, counts

# Raised when a program that reads the file would have to change; see docs/results_file.md.
SCHEMA = 2
DISTANCES = ("subject_reference", "subject_truth", "reference_truth", "spread")


def as_dict(
    results: Sequence[Result], seed: int, replay: Replay, missing: Sequence[LeftOut] = ()
) -> dict[str, Any]:
    """The results as plain data; numbers that JSON cannot express are strings."""
    data = {
        "schema": SCHEMA,
        "summary": counts(results),
        "environment": environment(seed),
        "cases": [{**_case(result), **_again(result, replay)} for result in results],
        "left_out": [asdict(out) for out in missing],
        "curves": [result.curve for result in results if result.curve is not None],
    }
    return _plain(data)


def write(path: Path, data: dict[str, Any]) -> None:
    """Writes the data as a JSON file."""
    write_whole(path, json.dumps(data, allow_nan=False) + "\n")


def _case(result: Result) -> dict[str, Any]:
    case, budget, worst = result.case, result.budget, result.worst
    setup = case.setup
    return {
        "id": case.id,
        "family": setup.family,
        "function": setup.name,
        "params": {**setup.values, **dict.fromkeys(setup.arrays, "array")},
        "dtype": case.dtype,
        "check": case.check,
        "outcome": result.outcome,
        "message": result.message,
        "traceback": result.traceback,
        "budget": budget and {"ulp": budget.ulp, "floor": budget.floor, "reason": budget.reason},
        "distance": {name: result.distance.get(name) for name in DISTANCES},
        "worst": worst
        and {
            "entry": worst.entry,
            "index": worst.index,
            "input": worst.input,
            "subject": worst.subject,
            "reference": worst.reference,
            "truth": worst.truth,
        },
        "quirks": [{"reason": q.reason, "source": q.source} for q in result.quirks],
        "visited": result.visited and asdict(result.visited),
        "tally": result.tally and asdict(result.tally),
        "seconds": round(result.seconds, 4),
    }


def _again(result: Result, replay: Replay) -> dict[str, str]:
    """How to reproduce the case: with parity and, if it failed, without."""
    alone = "" if result.outcome.succeeds else snippet(result)
    return {"replay": replay(result.case), "snippet": alone}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).items()
        return {key: _plain(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast(Sequence[Any], value)]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    # A function by its name: what it prints as says where it is in memory.
    return getattr(value, "__name__", str(value))
