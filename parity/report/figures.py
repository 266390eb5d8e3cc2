"""The geometry of the report's plots, which the template draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

Curve = Mapping[str, Any]

HEIGHT = 230.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 10.0, 10.0, 24.0

SHAPE_WIDTH = 300.0
SHAPE_SPAN = 6.0

ERRORS_WIDTH = 400.0
# Smaller errors, in ulp, are drawn at this height; an error of 0 has its own level.
LEAST_ULP = 0.1
ZERO_LEVEL = math.log10(LEAST_ULP) - 0.75
# Smaller steps on paper are invisible, and left out of the file.
VISIBLE = 0.4

DUMBBELL_WIDTH = 190.0
DUMBBELL_MARGIN = 9.0


class Tick(NamedTuple):
    """A labelled position on an axis."""

    at: float
    label: str


class Scale(NamedTuple):
    """A linear map from data to paper."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The position of a value on paper."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line: `kind` is its class in the style sheet, `path` the data of an SVG path."""

    kind: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One plot.

    Args:
        title: the title of the plot.
        summary: what the plot shows, in words and numbers, for people who cannot see it.
        width, height: of the view box.
        x_ticks, y_ticks: in coordinates of the view box.
        lines: in drawing order, from back to front.
    """

    title: str
    summary: str
    width: float
    height: float
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line]
    left: float = LEFT
    right: float = RIGHT
    top: float = TOP
    bottom: float = BOTTOM


class Dot(NamedTuple):
    """The mark of one side on a dumbbell."""

    side: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The common scale of all dumbbells: ulp, in powers of ten from 0 to infinity."""

    greatest: int

    @property
    def ticks(self) -> list[Tick]:
        """0, some powers of ten, and infinity."""
        powers = [Tick(self._place(float(n)), _power(n)) for n in _powers(self.greatest)]
        return [Tick(self.place(0.0), "0"), *powers, Tick(self.place(math.inf), "∞")]

    def place(self, ulp: float) -> float:
        """The position of an error."""
        return self._place(_level(ulp, self.greatest))

    def dots(self, errors: Mapping[str, float]) -> list[Dot]:
        """The marks of the sides."""
        return [Dot(side, self.place(ulp)) for side, ulp in errors.items()]

    def _place(self, level: float) -> float:
        ends = DUMBBELL_MARGIN, DUMBBELL_WIDTH - DUMBBELL_MARGIN
        return Scale(ZERO_LEVEL, self.greatest + 1, *ends)(level)


def axis(errors: Sequence[float]) -> Axis:
    """A scale that holds all errors, in ulp."""
    return Axis(greatest=_greatest(errors))


def shape(curve: Curve) -> Figure | None:
    """The function and its slope around 0; None if no point lies there."""
    columns = zip(curve["x"], curve["value"], curve["slope"], strict=True)
    points = [(x, value, slope) for x, value, slope in _finite(columns) if abs(x) <= SHAPE_SPAN]
    if len(points) < 2:
        return None
    x_scale = Scale(-SHAPE_SPAN, SHAPE_SPAN, LEFT, SHAPE_WIDTH - RIGHT)
    heights = [height for _, *both in points for height in both]
    low, high = min(heights), max(heights)
    margin = 0.06 * (high - low) or 1.0
    y_scale = Scale(low - margin, high + margin, HEIGHT - BOTTOM, TOP)
    lines = [
        Line(kind=kind, path=_path([(x_scale(p[0]), y_scale(p[column])) for p in points]))
        for kind, column in (("slope", 2), ("value", 1))
    ]
    axes = [
        Line(kind="axis", path=f"M{x_scale(0):.1f},{TOP}V{HEIGHT - BOTTOM}"),
        Line(kind="axis", path=f"M{LEFT},{y_scale(0):.1f}H{SHAPE_WIDTH - RIGHT}"),
    ]
    inside = y_scale.low < 0 < y_scale.high
    return Figure(
        title="Function and slope",
        summary=f"function and slope for x from {points[0][0]:g} to {points[-1][0]:g}",
        width=SHAPE_WIDTH,
        height=HEIGHT,
        x_ticks=[Tick(x_scale(x), _minus(f"{x:g}")) for x in (-6, -4, -2, 0, 2, 4, 6)],
        y_ticks=[Tick(y_scale(y), _minus(f"{y:g}")) for y in _round_numbers(y_scale)],
        lines=[*(axes if inside else axes[:1]), *lines],
    )


def errors(
    curve: Curve, entry: str, title: str, sides: Mapping[str, str], budget: float | None
) -> Figure | None:
    """The worst error in each binade of either sign, for each side; None without any point.

    Args:
        curve: one entry of the results' curves.
        entry: "value" or "slope".
        title: of the figure.
        sides: maps a side's name in the results to its name in the report.
        budget: in ulp, drawn as a line.
    """
    worst = {side: _binades(curve, f"{entry}_ulp_{side}") for side in sides}
    exponents = [exponent for binades in worst.values() for _, exponent in binades]
    if not exponents:
        return None
    # Value and slope of a function share a scale, so that their errors can be compared.
    everything = [
        _number(error)
        for what in ("value", "slope")
        for side in sides
        for error in curve[f"{what}_ulp_{side}"]
    ]
    greatest = _greatest(everything)
    y_scale = Scale(ZERO_LEVEL, greatest + 1, HEIGHT - BOTTOM, TOP)
    x_scales = _two_sides(min(exponents), max(exponents))
    lines = [
        line
        for side in reversed(list(sides))
        for line in _sides(worst[side], side, y_scale, x_scales)
    ]
    centre = (x_scales[-1].end + x_scales[1].start) / 2
    rules = [Line(kind="axis", path=f"M{centre:.1f},{TOP}V{HEIGHT - BOTTOM}")]
    if budget:
        height = y_scale(_level(budget, greatest))
        rules.append(Line(kind="budget", path=f"M{LEFT},{height:.1f}H{ERRORS_WIDTH - RIGHT}"))
    said = [f"{name} at most {_said(worst[side])} ulp" for side, name in sides.items()]
    return Figure(
        title=title,
        summary=f"{title} over the whole exponent range: {', '.join(said)}",
        width=ERRORS_WIDTH,
        height=HEIGHT,
        x_ticks=_decades(x_scales),
        y_ticks=_levels(y_scale, greatest),
        lines=[*rules, *lines],
    )


Binades = dict[tuple[int, int], float]


def _binades(curve: Curve, column: str) -> Binades:
    """The worst error in each binade, by (sign, exponent)."""
    worst: Binades = {}
    for x, error in zip(map(_number, curve["x"]), map(_number, curve[column]), strict=True):
        if x == 0 or not math.isfinite(x):
            continue
        place = (1 if x > 0 else -1, math.frexp(x)[1])
        worst[place] = max(worst.get(place, 0.0), math.inf if math.isnan(error) else error)
    return worst


def _two_sides(least: int, greatest: int) -> dict[int, Scale]:
    """The scale of the exponents for either sign; on both, numbers grow to the right."""
    centre, gap = (LEFT + ERRORS_WIDTH - RIGHT) / 2, 4.0
    greatest = max(greatest, least + 1)
    return {
        -1: Scale(greatest, least, LEFT, centre - gap),
        1: Scale(least, greatest, centre + gap, ERRORS_WIDTH - RIGHT),
    }


def _sides(
    binades: Binades, side: str, y_scale: Scale, x_scales: Mapping[int, Scale]
) -> list[Line]:
    lines: list[Line] = []
    greatest = round(y_scale.high) - 1
    for sign, x_scale in x_scales.items():
        points = sorted(
            (x_scale(exponent), y_scale(_level(error, greatest)))
            for (of_sign, exponent), error in binades.items()
            if of_sign == sign
        )
        if not points:
            continue
        path = _path(points)
        ground = f"V{y_scale.start:g}H{points[0][0]:.1f}Z"
        lines += [
            Line(kind=f"{side} area", path=path + ground),
            Line(kind=side, path=path),
        ]
    return lines


def _level(ulp: float, greatest: int) -> float:
    """The height of an error on a logarithmic scale with extra levels for 0 and infinity."""
    if ulp == 0:
        return ZERO_LEVEL
    return min(math.log10(max(ulp, LEAST_ULP)), greatest + 1.0)


def _greatest(ulps: Sequence[float]) -> int:
    """The power of ten that no finite error exceeds; at least 10 ulp."""
    finite = [ulp for ulp in ulps if math.isfinite(ulp)]
    return math.ceil(math.log10(max([10.0, *finite])))


def _powers(greatest: int) -> range:
    """The powers of ten that get a label, few enough that the labels do not touch."""
    return range(0, greatest + 1, 1 + greatest // 6)


def _levels(y_scale: Scale, greatest: int) -> list[Tick]:
    powers = [Tick(y_scale(n), _power(n)) for n in _powers(greatest)]
    return [Tick(y_scale(ZERO_LEVEL), "0"), *powers, Tick(y_scale(greatest + 1), "∞")]


def _decades(x_scales: Mapping[int, Scale]) -> list[Tick]:
    """A far power of ten, 1 and a near power of ten on either side."""
    least, greatest = x_scales[1].low, x_scales[1].high
    reach = min(-least, greatest) * math.log10(2)
    far = int(reach * 0.85) // 10 * 10
    powers = [n for n in (-far, 0, far) if n or not far]
    powers = sorted({*powers, 0} if least < 0 < greatest else set())
    return [
        Tick(scale(n * math.log2(10) + 1), ("−" if sign < 0 else "") + _power(n))
        for sign, scale in x_scales.items()
        for n in powers
    ]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """The data of an SVG path; points at the same height as both neighbours are left out."""
    kept = [points[0]]
    for point, following in pairwise(points[1:]):
        level = abs(point[1] - kept[-1][1]) < VISIBLE and abs(point[1] - following[1]) < VISIBLE
        if not level:
            kept.append(point)
    kept += points[1:][-1:]
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in kept)


def _round_numbers(scale: Scale) -> list[float]:
    """Between four and ten multiples of 1, 2 or 5 times a power of ten."""
    step = 10.0 ** math.floor(math.log10(scale.high - scale.low))
    while (scale.high - scale.low) / step < 4:
        step /= 2 if f"{step:e}"[0] != "5" else 2.5
    first, last = math.ceil(scale.low / step), math.floor(scale.high / step)
    return [n * step for n in range(first, last + 1)]


def _finite(rows: Any) -> list[tuple[float, ...]]:
    numbers = [tuple(map(_number, row)) for row in rows]
    return [row for row in numbers if all(map(math.isfinite, row))]


def _number(value: Any) -> float:
    """A number of the results, where infinities and nan are text, since JSON lacks them."""
    return math.nan if value is None else float(value)


def _said(binades: Binades) -> str:
    return f"{max(binades.values(), default=0.0):.3g}"


def _power(n: int) -> str:
    if n in (0, 1):
        return str(10**n)
    return "10" + str(n).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _minus(text: str) -> str:
    return text.replace("-", "−")
