"""Times of the stages of a compilation: tracing, lowering, compiling."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.bench.sides import abstract

STAGES = ("trace", "lower", "compile")
TOTAL = "total"

# By stage, and their sum: seconds in each round.
StageSeconds = dict[str, list[float]]


class Program:
    """Value and gradient of a function as one program that is compiled anew each time."""

    def __init__(
        self, function: Callable[..., Any], *arguments: Any, gradients: tuple[int, ...]
    ) -> None:
        """Takes a function and its arguments; only their shapes and dtypes matter.

        Args:
            function: its floating results are added up to one number.
            *arguments: trees of arrays.
            gradients: the arguments, by place, in which the gradient is taken; none for the value.
        """
        self.function = function
        self.arguments = jax.tree.map(abstract, arguments)
        self.gradients = gradients

    def stages(self) -> dict[str, float]:
        """Seconds of each stage, from caches as empty as in a new process."""

        def total(*arguments: Any) -> jax.Array:
            leaves = jax.tree.leaves(self.function(*arguments))
            return sum(jnp.sum(x) for x in leaves if jnp.issubdtype(x.dtype, jnp.inexact))

        both = jax.value_and_grad(total, self.gradients) if self.gradients else total
        program = jax.jit(both)
        jax.clear_caches()
        # What the caches held is freed now and not while the clock runs.
        gc.collect()
        begun = time.perf_counter()
        traced = program.trace(*self.arguments)
        after_trace = time.perf_counter()
        lowered = traced.lower()
        after_lower = time.perf_counter()
        lowered.compile()
        done = time.perf_counter()
        return {
            "trace": after_trace - begun,
            "lower": after_lower - after_trace,
            "compile": done - after_lower,
            TOTAL: done - begun,
        }


def take_turns(
    groups: Mapping[str, Mapping[str, Program]], rounds: int, begin: Callable[[int], None]
) -> dict[str, dict[str, StageSeconds]]:
    """Seconds of each stage of each program in each of `rounds` rounds, after one for warming up.

    A round visits every group, each time beginning with another, and its programs in an order of
    their own.

    Args:
        groups: programs that are compared with each other, by name.
        rounds: how many count.
        begin: told the number of each round as it begins, from 0, the warm-up included.
    """
    seconds = {
        group: {side: {stage: list[float]() for stage in (*STAGES, TOTAL)} for side in programs}
        for group, programs in groups.items()
    }
    shuffle = np.random.default_rng(0)
    for turn in range(1 + rounds):
        begin(turn)
        for group in _beginning_with(turn, list(groups)):
            for side in shuffle.permutation(list(groups[group])).tolist():
                for stage, found in groups[group][side].stages().items():
                    if turn:
                        seconds[group][side][stage].append(found)
    return seconds


def _beginning_with(turn: int, names: list[str]) -> Iterator[str]:
    start = turn % max(len(names), 1)
    yield from names[start:]
    yield from names[:start]
