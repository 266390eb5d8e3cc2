"""The functions of which another library of JAX has the same, as programs to be compiled."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from experiments.activation_rows import selected_rows
from experiments.bench.activation_speed import arguments_of
from experiments.bench.programs import JaxFunction
from experiments.bench.sides import JaxSide
from experiments.bench.speed import JAX_NN, JAXACT
from experiments.bench.stages import Program
from experiments.bench.workloads import workloads


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """One function with one setting, ours and another library's.

    Attributes:
        label: the function with its setting.
        peer: the other library.
        programs: by library.
    """

    label: str
    peer: str
    programs: Mapping[str, Program]


def pairs(functions: Collection[str], scale: float) -> Iterator[Pair]:
    """Every function that has a peer, or those named.

    Args:
        functions: names; all, if there is none.
        scale: size of the arrays, in parts of those that the other benchmarks use.
    """
    yield from _activations(functions, scale)
    for family in ("losses", "regularizers"):
        for work in workloads(family, functions, scale, blank=True):
            for library, side in work.peers.items():
                programs = {JAXACT: _program(work.jaxact), library: _program(side)}
                yield Pair(label=work.function, peer=library, programs=programs)


def _activations(functions: Collection[str], scale: float) -> Iterator[Pair]:
    for row in selected_rows(functions):
        if row.listed and row.counterpart:
            values, x = arguments_of(row, scale)
            ours = JaxFunction(row.subject, values, row.key, x)
            theirs = JaxFunction(row.counterpart, {}, None, x)
            programs = {
                side: Program(function, x, gradients=(0,))
                for side, function in ((JAXACT, ours), (JAX_NN, theirs))
            }
            yield Pair(label=row.label, peer=JAX_NN, programs=programs)


def _program(side: JaxSide) -> Program:
    """With the gradients that are timed; else in everything that has one."""
    floating = tuple(i for i, tree in enumerate(side.arguments) if _floating(tree))
    gradients = side.measure.gradients or floating
    return Program(side.call, *side.arguments, gradients=gradients)


def _floating(tree: Any) -> bool:
    return all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(tree))
