"""A search along a line for a point at which the objective has fallen and flattened enough."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

# Of the slope at the beginning: how much of it the objective has to fall by, and how much may stay.
_FALL, _SLOPE = 1e-4, 0.9
_GOES_ON, _BRACKETED, _FOUND = 0, 1, 2


class Point(NamedTuple):
    """A point on the line.

    Args:
        t: [], where it is.
        value: [], the objective.
        gradient: [n].
        slope: [], along the line.
    """

    t: Array
    value: Array
    gradient: Array
    slope: Array


class _Bracketing(NamedTuple):
    point: Point
    before: Point
    tries: Array
    status: Array


class _Zooming(NamedTuple):
    """Two points with a minimum between them; `low` is the index of the one with less."""

    points: Point
    low: Array
    tries: Array
    stuck: Array
    done: Array


def strong_wolfe(
    evaluated: Callable[[Array], tuple[Array, Array]],
    start: Point,
    t: Array,
    direction: Array,
    most: Array,
    tolerance: ArrayLike,
) -> tuple[Array, Array, Array, Array]:
    """Value, gradient and place of the point, and how often the objective was computed.

    Args:
        evaluated: place -> value and gradient.
        start: the beginning of the line.
        t: the first place to try.
        direction: [n], of the line.
        most: how many points are tried at most, after the first one.
        tolerance: the length of the bracket at which the search stops.
    """

    def point_at(t: Array) -> Point:
        value, gradient = evaluated(t)
        return Point(t, value, gradient, gradient @ direction)

    bracketing = _bracketed(point_at, start, t, most)
    points, low = _ends(bracketing, start)
    zooming = _Zooming(
        points,
        low,
        bracketing.tries,
        jnp.zeros((), bool),
        bracketing.status == _FOUND,
    )
    longest = jnp.abs(direction).max(initial=0)

    def goes_on(z: _Zooming) -> Array:
        width = jnp.abs(z.points.t[1] - z.points.t[0]) * longest
        return ~z.done & (z.tries < most) & ~(width < tolerance)

    ended = jax.lax.while_loop(goes_on, lambda z: _zoomed(z, point_at, start), zooming)
    found = _at(ended.points, ended.low)
    return found.value, found.gradient, found.t, ended.tries + 1


def _bracketed(
    point_at: Callable[[Array], Point], start: Point, t: Array, most: Array
) -> _Bracketing:
    """Tries farther and farther points until there is a minimum before one of them."""

    def looked(b: _Bracketing) -> _Bracketing:
        point, before = b.point, b.before
        rises = _is_high(point, start) | ((b.tries > 1) & (point.value >= before.value))
        flat = jnp.abs(point.slope) <= -_SLOPE * start.slope
        status = jnp.where(
            rises,
            _BRACKETED,
            jnp.where(flat, _FOUND, jnp.where(point.slope >= 0, _BRACKETED, _GOES_ON)),
        ).astype(jnp.int32)

        def farther(_: None) -> _Bracketing:
            least = point.t + 0.01 * (point.t - before.t)
            t = _interpolated(before, point, least, point.t * 10)
            return _Bracketing(point_at(t), point, b.tries + 1, status)

        def here(_: None) -> _Bracketing:
            return b._replace(status=status)

        return cast(_Bracketing, jax.lax.cond(status == _GOES_ON, farther, here, None))

    none = jnp.zeros((), jnp.int32)
    begun = _Bracketing(point_at(t), start, none, none)
    return jax.lax.while_loop(lambda b: (b.status == _GOES_ON) & (b.tries < most), looked, begun)


def _ends(b: _Bracketing, start: Point) -> tuple[Point, Array]:
    """The two points around the minimum, and which of them is lower."""
    # After too many points the bracket is the whole line; a point that is found stands alone.
    first = _chosen(b.status == _GOES_ON, start, _chosen(b.status == _FOUND, b.point, b.before))
    points = cast(Point, jax.tree.map(lambda *pair: jnp.stack(pair), first, b.point))
    return points, _lower(points)


def _zoomed(z: _Zooming, point_at: Callable[[Array], Point], start: Point) -> _Zooming:
    """The bracket after one more point."""
    first, second = _at(z.points, 0), _at(z.points, 1)
    least, most = jnp.minimum(first.t, second.t), jnp.maximum(first.t, second.t)
    t = _interpolated(first, second, least, most)
    margin = 0.1 * (most - least)
    close = jnp.minimum(most - t, t - least) < margin
    pushed = close & (z.stuck | (t >= most) | (t <= least))
    inner = jnp.where(jnp.abs(t - most) < jnp.abs(t - least), most - margin, least + margin)
    point = point_at(jnp.where(pushed, inner, t))
    low, high = _at(z.points, z.low), _at(z.points, 1 - z.low)
    worse = _is_high(point, start) | (point.value >= low.value)
    done = ~worse & (jnp.abs(point.slope) <= -_SLOPE * start.slope)
    turns = ~worse & ~done & (point.slope * (high.t - low.t) >= 0)
    # A worse point is the new high one; a better one the new low one, which may exchange them.
    new_high = _chosen(worse, point, _chosen(turns, low, high))
    new_low = _chosen(worse, low, point)
    is_first = z.low == 0
    pair = _chosen(is_first, new_low, new_high), _chosen(is_first, new_high, new_low)
    points = cast(Point, jax.tree.map(lambda *both: jnp.stack(both), *pair))
    lower = _lower(points)
    return _Zooming(points, jnp.where(worse, lower, z.low), z.tries + 1, close & ~pushed, done)


def _lower(points: Point) -> Array:
    """The index of the point with less."""
    return jnp.where(points.value[0] <= points.value[1], 0, 1).astype(jnp.int32)


def _is_high(point: Point, start: Point) -> Array:
    return point.value > start.value + _FALL * point.t * start.slope


def _interpolated(a: Point, b: Point, least: Array, most: Array) -> Array:
    """The minimum of the cubic through two points, within bounds; their middle if it has none."""
    a, b = _chosen(a.t <= b.t, a, b), _chosen(a.t <= b.t, b, a)
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    d2 = jnp.sqrt(jnp.where(square >= 0, square, 0))
    place = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return jnp.where(square >= 0, jnp.clip(place, least, most), (least + most) / 2)


def _at(points: Point, index: Any) -> Point:
    return Point(*(part[index] for part in points))


def _chosen(first: Array, a: Point, b: Point) -> Point:
    return Point(*(jnp.where(first, x, y) for x, y in zip(a, b, strict=True)))
