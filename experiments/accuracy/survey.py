"""The study itself: every row, dtype and side; the verdicts and the files."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from experiments.accuracy import errors, table
from experiments.accuracy.config import Config
from experiments.accuracy.errors import Errors
from experiments.accuracy.grid import grid
from experiments.accuracy.measurement import Measurement
from experiments.accuracy.sides import exact_results, side_of
from experiments.activation_rows import Row, selected_rows
from experiments.progress import Progress
from experiments.results import write_json, write_text
from experiments.study import Outcome, Verdict, findings

DTYPES = ("bfloat16", "float16", "float32")
QUANTITIES = ("value", "slope")


def measure_all(config: Config, out: Path, progress: Progress) -> Outcome:
    """Measures what the configuration selects, writes the results file and, if asked, the table."""
    rows = [row for row in selected_rows(config.function) if row.pointwise]
    measurements: list[Measurement] = []
    with progress.stages("accuracy", len(rows)) as advance:
        for row in rows:
            advance(row.label)
            measurements += measure_row(row, config.side, config.step)
    verdicts = judge(measurements)
    files = [write_json(out / "accuracy.json", _results(config, measurements, verdicts))]
    if config.table:
        files.append(write_text(Path(config.table), table.page(measurements, config.step)))
    return Outcome(verdicts=verdicts, files=files)


def measure_row(row: Row, sides: Iterable[str], step: int) -> list[Measurement]:
    """Both quantities in every dtype on every side."""
    found: list[Measurement] = []
    available = {name: side for name in sides if (side := side_of(row, name))}
    for dtype in (dtype for dtype in DTYPES if dtype in row.dtypes):
        x = grid(dtype, step)
        exact = exact_results(row, x)
        for name, side in available.items():
            for quantity, computed, wanted in zip(QUANTITIES, side(x), exact, strict=True):
                measured = errors.measure(x, computed, wanted, dtype)
                found.append(
                    Measurement(row=row, dtype=dtype, quantity=quantity, side=name, errors=measured)
                )
    return found


def judge(measurements: Iterable[Measurement]) -> list[Verdict]:
    """One claim a dtype, about jaxact's functions alone."""
    ours = [found for found in measurements if found.side == "jaxact"]
    return [_verdict(dtype, [m for m in ours if m.dtype == dtype]) for dtype in DTYPES]


def _verdict(dtype: str, measurements: list[Measurement]) -> Verdict:
    beyond = [found for found in measurements if not found.errors.within(dtype)]
    counted = sum(found.errors.points for found in measurements)
    claim = f"{dtype}: every value and slope within {errors.LIMITS[dtype]:g} ulp"
    if beyond:
        detail = "; ".join(f"{m.row.label} {m.quantity}: {_describe(m.errors)}" for m in beyond)
    elif counted:
        worst = max(measurements, key=lambda found: found.errors.ulp)
        detail = (
            f"at most {worst.errors.ulp:.2f}, {worst.quantity} of {worst.row.label}; "
            f"{counted:,} results"
        )
    else:
        detail = "nothing was measured"
    return Verdict(claim=claim, holds=counted > 0 and not beyond, detail=detail)


def _describe(found: Errors) -> str:
    parts = [f"{found.ulp:.3g} ulp at {found.input!r}"]
    if found.crossing is not None:
        parts.append(f"{found.crossing / errors.CROSSING_LIMIT:.3g} x 2^-22 around a crossing")
    if found.undefined:
        parts.append(f"{found.undefined} nan or infinite")
    if found.stray:
        parts.append(f"{found.stray} normal instead of nearly 0")
    return ", ".join(parts)


def _results(
    config: Config, measurements: list[Measurement], verdicts: list[Verdict]
) -> dict[str, Any]:
    return {
        **findings("accuracy", config, verdicts),
        "limits": {"ulp": errors.LIMITS, "crossing": errors.CROSSING_LIMIT},
        "measurements": [
            {
                "function": found.row.function,
                "setting": found.row.setting,
                "dtype": found.dtype,
                "quantity": found.quantity,
                "side": found.side,
                "within": found.errors.within(found.dtype),
                **dataclasses.asdict(found.errors),
            }
            for found in measurements
        ],
    }
