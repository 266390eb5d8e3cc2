"""The functions of which another library of JAX has the same, as programs to be compiled."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping

from experiments.bench.stages import Program

JAXACT = "jaxact"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """One function with one setting, ours and another library's.

    Attributes:
        function: its name.
        label: the function with its setting.
        peer: the other library.
        programs: by library, makes the program.
    """

    function: str
    label: str
    peer: str
    programs: Mapping[str, Callable[[], Program]]


def pairs(functions: Collection[str], scale: float) -> Iterator[Pair]:
    """Every function that has a peer, or those named.

    Args:
        functions: names; all, if there is none.
        scale: size of the arrays, in parts of those that the other benchmarks use.
    """
    for pair in (*_activations(scale), *_losses(scale)):
        if not functions or pair.function in functions:
            yield pair


def _activations(scale: float) -> Iterator[Pair]:
    from experiments.activation_rows import activation_rows
    from experiments.bench.activation_speed import _input, _values
    from experiments.bench.programs import JaxFunction

    elements = max(int(2**22 * scale) // 2**16, 1) * 2**16
    for row in activation_rows():
        if row.listed and row.counterpart:
            x = _input(row.function, elements)
            ours = JaxFunction(row.subject, _values(row), row.key, x)
            theirs = JaxFunction(row.counterpart, {}, None, x)
            yield Pair(
                function=row.function,
                label=row.label,
                peer="jax.nn",
                programs={
                    JAXACT: lambda f=ours: Program(f, f.x),
                    "jax.nn": lambda f=theirs: Program(f, f.x),
                },
            )


def _losses(scale: float) -> Iterator[Pair]:
    from experiments.bench.loss_workloads import workloads

    for work in workloads(scale / 16):
        if work.optax is not None:
            yield Pair(
                function=work.function,
                label=work.function,
                peer="optax",
                programs={
                    JAXACT: lambda w=work: Program(w.jaxact, *w.arrays),
                    "optax": lambda w=work: Program(w.optax, *w.arrays),
                },
            )
