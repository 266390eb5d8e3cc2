"""The measurements as a page of the documentation."""

import math
from collections.abc import Sequence

from experiments.accuracy.errors import CROSSING_LIMIT, Errors
from experiments.accuracy.measurement import Measurement
from experiments.markdown import table
from experiments.results import measured_on

PAGE = """\
# Accuracy

<!-- written by `make accuracy`: do not edit -->

The largest error of every element-wise activation against real arithmetic, in ulp, units in the
last place of the exact result: 0.5 is correctly rounded. bfloat16 and float16: every finite bit
pattern. float32: one in {step} of all bit patterns. Counted where the input and the exact result
are normal numbers. The slope is the gradient by reverse mode. Default hyperparameters; the other
settings of parity's rows are measured as well and held to the same promise.

jaxact promises at most 1 ulp in half precision and 4 in float32. Around a point other than 0 where
the exact result of float32 crosses zero, an ulp of the result says nothing: within 1/16 of it the
promise is an absolute error of at most 2^-22, and the column *crossing* has jaxact's, in that unit.

**Bold** is beyond the promise; *nan*, a result that is nan or infinite where the exact one is a
finite number of the dtype; *≠ 0*, a normal number where the exact result is 0 or smaller than every
normal number.

{versions}

{table}"""


def page(measurements: Sequence[Measurement], step: int) -> str:
    """The whole page."""
    packages = measured_on()["packages"]
    versions = ", ".join(f"{name} {packages[name]}" for name in ("jax", "torch", "numpy"))
    return PAGE.format(
        step=step,
        versions=f"Measured on a CPU with {versions}.",
        table=markdown([found for found in measurements if found.row.listed]),
    )


def markdown(measurements: Sequence[Measurement]) -> str:
    """A line for each quantity of each row; a column for each side in each dtype."""
    columns = list(dict.fromkeys((found.dtype, found.side) for found in measurements))
    lines = list(dict.fromkeys((found.row.label, found.quantity) for found in measurements))
    cells = {
        (found.row.label, found.quantity, found.dtype, found.side): found for found in measurements
    }
    header = ["function", "", *(f"{dtype} {side}" for dtype, side in columns), "crossing"]
    body = [
        [
            f"`{label}`",
            quantity,
            *(_cell(cells.get((label, quantity, *column))) for column in columns),
            _crossing(cells.get((label, quantity, "float32", "jaxact"))),
        ]
        for label, quantity in lines
    ]
    return table(header, body, words=2)


def _cell(found: "Measurement | None") -> str:
    if found is None:
        return "–"
    shown = _figure(found.errors)
    return shown if found.errors.within(found.dtype) else f"**{shown}**"


def _figure(errors: Errors) -> str:
    if errors.undefined or not math.isfinite(errors.ulp):
        return "nan"
    if errors.stray:
        return "≠ 0"
    # Rounded up: a figure never promises more than was measured.
    if errors.ulp < 1e4:
        return f"{math.ceil(errors.ulp * 100) / 100:.2f}"
    mantissa, exponent = f"{errors.ulp:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _crossing(found: "Measurement | None") -> str:
    if found is None or found.errors.crossing is None:
        return "–"
    return f"{found.errors.crossing / CROSSING_LIMIT:.2f}"
