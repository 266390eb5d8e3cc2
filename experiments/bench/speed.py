"""What a benchmark measures of a function, and what the library promises about it."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.bench.timing import Ratio, Seconds, ratio
from experiments.study import Verdict

JAXACT = "jaxact"
ADDITION, JAX_NN, TORCH = OTHERS = ("x + 1", "jax.nn", "torch")
# Functions of which torch's own forward pass beats jax.nn's.
FASTER_THAN_TORCH = ("gelu", "softplus", "logsigmoid")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speed:
    """What was measured of one row.

    Attributes:
        function: the row's function.
        label: the function with its setting.
        elementwise: whether it is, in one array.
        forward, backward: time over that of the others in `OTHERS`, as far as they have the
            function; torch's backward pass is timed without the forward pass that it needs.
        eager: microseconds of a call on 16 elements.
        residuals: what the backward pass keeps, in arrays of the input's size.
        recompiled: programs compiled for a second value of each hyperparameter; None without any.
    """

    function: str
    label: str
    elementwise: bool
    forward: Mapping[str, Ratio]
    backward: Mapping[str, Ratio]
    eager: float
    residuals: float
    recompiled: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """One function's time compared with that of other libraries.

    Attributes:
        function: its name.
        size: of what it is given.
        ratios: our time over theirs, as far as they have it.
    """

    function: str
    size: str
    ratios: Mapping[str, Ratio]


def compared(function: str, size: str, seconds: Seconds) -> Comparison:
    """Our times over those of every other side in the same rounds."""
    ours = seconds[JAXACT]
    ratios = {other: ratio(ours, times) for other, times in seconds.items() if other != JAXACT}
    return Comparison(function=function, size=size, ratios=ratios)


def lower_bounds(comparisons: Mapping[str, Comparison], *others: str) -> dict[str, float]:
    """Of our times over those of the other sides that have the function, with 95 % confidence."""
    return {
        f"{name} / {other}": found.ratios[other].at_least
        for name, found in comparisons.items()
        for other in others
        if other in found.ratios
    }


def judge(speeds: Sequence[Speed]) -> list[Verdict]:
    """What the library promises; about ratios and what is kept, of element-wise functions only."""
    ours = [speed for speed in speeds if speed.elementwise]
    forward = {speed.label: speed.forward for speed in ours}
    backward = {speed.label: speed.backward for speed in ours}
    passes = {f"forward of {label}": ratios for label, ratios in forward.items()}
    passes |= {f"backward of {label}": ratios for label, ratios in backward.items()}
    middle = {
        f"the median {name}": float(np.median([ratios[ADDITION].median for ratios in of.values()]))
        for name, of in (("forward", forward), ("backward", backward))
        if of
    }
    return [
        at_most("each takes at most 3 times x + 1", _medians(passes), 3),
        at_most("the median takes at most 2 times x + 1", middle, 2),
        at_most(
            "none is significantly more than 5 % slower than jax.nn's",
            _bounds(passes, JAX_NN),
            1.05,
        ),
        at_most(
            "gelu, softplus and logsigmoid are not significantly slower than torch's",
            _bounds({name: forward[name] for name in FASTER_THAN_TORCH if name in forward}, TORCH),
            1,
        ),
        at_most(
            "an eager call on 16 elements takes at most 10 us",
            {speed.label: speed.eager for speed in speeds},
            10,
        ),
        at_most(
            "the backward pass keeps one array", {speed.label: speed.residuals for speed in ours}, 1
        ),
        at_most(
            "another value of a hyperparameter compiles nothing",
            {s.label: s.recompiled for s in speeds if s.recompiled is not None},
            0,
        ),
    ]


def _medians(passes: Mapping[str, Mapping[str, Ratio]]) -> dict[str, float]:
    return {name: ratios[ADDITION].median for name, ratios in passes.items()}


def _bounds(passes: Mapping[str, Mapping[str, Ratio]], other: str) -> dict[str, float]:
    return {name: ratios[other].at_least for name, ratios in passes.items() if other in ratios}


def at_most(claim: str, measured: Mapping[str, float], limit: float) -> Verdict:
    """Whether nothing that was measured exceeds the limit; what does is named."""
    beyond = [f"{name} {value:.3g}" for name, value in measured.items() if not value <= limit]
    if beyond:
        return Verdict(claim=claim, holds=False, detail=", ".join(beyond))
    if not measured:
        return Verdict(claim=claim, holds=True, detail="none of these was selected")
    name = max(measured, key=lambda label: measured[label])
    return Verdict(claim=claim, holds=True, detail=f"at most {measured[name]:.3g}, {name}")
