"""Times of calls that take turns: what disturbs the machine disturbs all of them alike."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

# Runs to its end: nothing may be left to do when it returns.
Call = Callable[[], object]
Seconds = dict[str, list[float]]

VISITS = 3


def take_turns(
    groups: Mapping[str, Mapping[str, Call]],
    rounds: int,
    begin: Callable[[int], None],
    warm_up: int = 2,
) -> dict[str, Seconds]:
    """Seconds of each call in each of `rounds` rounds, after `warm_up` rounds that do not count.

    A round visits every group, each time beginning with another. Within a group every call is made
    `VISITS` times, all in an order of their own in every round, and the fastest counts: what runs
    in the wake of another framework's threads, or while the machine does something else, is slow
    for reasons that are not its own.

    Args:
        groups: calls that are compared with each other, by name.
        rounds: how many count.
        begin: told the number of each round as it begins, from 0, warm-up included.
        warm_up: rounds before those.
    """
    seconds = {group: {name: list[float]() for name in calls} for group, calls in groups.items()}
    shuffle = np.random.default_rng(0)
    names = list(groups)
    for turn in range(warm_up + rounds):
        begin(turn)
        start = turn % len(names)
        for group in names[start:] + names[:start]:
            order = shuffle.permutation(VISITS * list(groups[group])).tolist()
            for name, fastest in _fastest(groups[group], order).items():
                if turn >= warm_up:
                    seconds[group][name].append(fastest)
    return seconds


def _fastest(calls: Mapping[str, Call], order: Sequence[str]) -> dict[str, float]:
    fastest = dict.fromkeys(calls, math.inf)
    for name in order:
        fastest[name] = min(fastest[name], _timed(calls[name]))
    return fastest


def _timed(call: Call) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


@dataclasses.dataclass(frozen=True)
class Ratio:
    """One call's time over another's in the same rounds.

    Attributes:
        median: over the rounds.
        at_least: the lower 95 % confidence bound of the median. Two calls that are equally fast
            differ in any one run; that one is slower has to show beyond the scatter of the rounds.
    """

    median: float
    at_least: float


def ratio(seconds: Sequence[float], other: Sequence[float]) -> Ratio:
    """How the times of a call compare with those of another, round by round."""
    ratios = np.sort(np.asarray(seconds) / np.asarray(other))
    return Ratio(float(np.median(ratios)), float(ratios[_lower_bound_of_the_median(len(ratios))]))


def _lower_bound_of_the_median(rounds: int) -> int:
    """The place, from 0, of the largest of sorted values below the median with 95 % confidence.

    As many values lie below the median as heads fall in as many throws of a coin.
    """
    place, chance = 0, 0.5**rounds
    while chance + math.comb(rounds, place + 1) * 0.5**rounds <= 0.05:
        place += 1
        chance += math.comb(rounds, place) * 0.5**rounds
    return place


def repeated(call: Call, times: int) -> Call:
    """The call `times` times in a row: a short one is below what the clock resolves."""

    def repeat() -> None:
        for _ in range(times):
            call()

    return repeat
