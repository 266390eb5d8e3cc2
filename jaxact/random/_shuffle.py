"""Shuffles with precomputed swaps, vectorized instead of one swap after another."""

import numpy as np
from numpy.typing import NDArray

_Indices = NDArray[np.int64]
_HALF = np.uint64(32)
_LOWER = np.uint64((1 << 32) - 1)


def swapped(places: _Indices) -> _Indices:
    """0 ... n-1 after swapping positions i and places[i] ≥ i, for i = 0, 1, ..., n-1 in turn.

    Position i ends up with the content of places[i] before step i. The last earlier step that chose
    the same position left that content there; it came from that step's own position, and so on.
    """
    before, last = _same_place(places)
    steps = np.arange(places.size)
    # A step that chooses its own position swaps nothing.
    origin = np.where(last == steps, before, last)
    origin = _root(np.where(origin < 0, steps, origin))
    return np.where(before < 0, places, origin[before])


def inserted(places: _Indices) -> _Indices:
    """0 ... n-1 inserted in turn: i goes to places[i] ≤ i, and the old content moves to i."""
    before, last = _same_place(places)
    steps = np.arange(places.size)
    ends = (places == steps) | (before >= 0)
    moved = np.where(before >= 0, before, steps)[_root(np.where(ends, steps, places))]
    return np.where(last > steps, last, moved)


def _same_place(places: _Indices) -> tuple[_Indices, _Indices]:
    """For each step the previous step with the same position; for each position its last step.

    -1 where there is no such step.
    """
    steps = np.arange(places.size, dtype=np.uint64)
    keys = np.sort(places.astype(np.uint64) << _HALF | steps)
    place, step = (keys >> _HALF).astype(np.int64), (keys & _LOWER).astype(np.int64)
    again = place[1:] == place[:-1]
    before = np.full(places.size, -1)
    before[step[1:][again]] = step[:-1][again]
    last = np.full(places.size, -1)
    final = np.append(~again, np.ones(min(places.size, 1), bool))
    last[place[final]] = step[final]
    return before, last


def _root(parents: _Indices) -> _Indices:
    """The root at the end of each chain of parents; a root is its own parent."""
    while True:
        further = parents[parents]
        if np.array_equal(further, parents):
            return parents
        parents = further
