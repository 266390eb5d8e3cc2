"""Shuffles whose swaps are known beforehand, all at once instead of one after the other."""

import numpy as np
from numpy.typing import NDArray

_Indices = NDArray[np.int64]
_HALF = np.uint64(32)
_LOWER = np.uint64((1 << 32) - 1)


def swapped(places: _Indices) -> _Indices:
    """0 ... n-1 after the contents of places i and places[i] ≥ i change, for i = 0, 1, ..., n-1.

    What comes to rest at place i is what lay at places[i]: what the step before that chose the same
    place left there, which is what lay at that step's own place, and so on.
    """
    before, last = _same_place(places)
    steps = np.arange(places.size)
    # A step that chooses its own place moves nothing there.
    origin = np.where(last == steps, before, last)
    origin = _root(np.where(origin < 0, steps, origin))
    return np.where(before < 0, places, origin[before])


def inserted(places: _Indices) -> _Indices:
    """0 ... n-1 inserted one after the other: i comes to places[i] ≤ i, what was there to i."""
    before, last = _same_place(places)
    steps = np.arange(places.size)
    ends = (places == steps) | (before >= 0)
    moved = np.where(before >= 0, before, steps)[_root(np.where(ends, steps, places))]
    return np.where(last > steps, last, moved)


def _same_place(places: _Indices) -> tuple[_Indices, _Indices]:
    """For each step the one before it that chose the same place; for each place the last step.

    -1 where there is none.
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
    """Where each chain of parents ends; a root is its own parent."""
    while True:
        further = parents[parents]
        if np.array_equal(further, parents):
            return parents
        parents = further
