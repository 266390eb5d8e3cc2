"""What may be called: for each argument of a function the choices that a caller has.

A domain is divided into factors, each with a few levels: whether `weight` is given, `reduction`,
the axes of `input`, the length of one axis, the dtype, the way of calling. A call takes one level
of each factor; its numbers come from a seed. The first level of a factor is the simplest one.

Just outside of a domain an argument is what it may not be: integers, another option, one axis more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from parity.domains.choices import (
    FLAG,
    Either,
    Indices,
    Made,
    Number,
    OneOf,
    Tensor,
    Trees,
    optional,
)
from parity.domains.draws import (
    DTYPE,
    EQUAL,
    EQUAL_LENGTH,
    LENGTHS,
    LENGTHS_OF_AXES,
    LONG,
    NAN,
    NO_AXES,
    NOTHING,
    OUTSIDE,
    PARAMETERS,
    SAME,
    SPECIAL,
    TIES,
    USUAL,
    WITHIN,
    ZEROS,
    Beyond,
    Choice,
    Draw,
    Factor,
    Levels,
    Together,
)

__all__ = [
    "DTYPE",
    "EQUAL",
    "FLAG",
    "LENGTHS",
    "LONG",
    "NAN",
    "NOTHING",
    "NO_AXES",
    "OUTSIDE",
    "PARAMETERS",
    "SPECIAL",
    "TIES",
    "USUAL",
    "WITHIN",
    "ZEROS",
    "Beyond",
    "Choice",
    "Domain",
    "Draw",
    "Either",
    "Factor",
    "Indices",
    "Levels",
    "Made",
    "Number",
    "OneOf",
    "Tensor",
    "Together",
    "Trees",
    "optional",
]


@dataclass(frozen=True, kw_only=True)
class Domain:
    """What may be called: what each argument may be.

    Args:
        arguments: by name, in the order in which they are made: an argument that depends on
            another one comes after it.
        parameters: the arguments that all have the dtype of the call, or all float32.
        lengths: the lengths of axes by name, the usual one first. By default the axes that an
            argument has first may also have length 0, 1 and a long one.
        impossible: levels that do not go together, each a mapping from factors to levels.
        refusals: whether calls just outside are made, in which the reference's exception decides;
            False where the reference is a formula that checks nothing.
        decisions: why the subject deliberately differs just outside, by argument and label:
            {"input:integers": "..."}. One that is not observed fails.
    """

    arguments: Mapping[str, Choice]
    parameters: tuple[str, ...] = ()
    lengths: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    impossible: tuple[Together, ...] = ()
    refusals: bool = True
    decisions: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def beyond(self) -> dict[str, Beyond]:
        """What is just outside, by argument and label."""
        found: dict[str, Beyond] = {}
        for name, choice in self.arguments.items() if self.refusals else ():
            found |= choice.beyond(name)
        return found

    @property
    def axes(self) -> dict[str, tuple[int, ...]]:
        """The lengths of each axis, by name; the first is the usual one."""
        shapes = [choice.shapes for choice in self.arguments.values()]
        names = dict.fromkeys(name for each in shapes for axes in each for name in axes.split())
        usual = dict(zip(names, LENGTHS_OF_AXES, strict=False))
        varied = {name for each in shapes if each for name in each[0].split()}
        return {
            name: self.lengths.get(name, (length, 1, 0, LONG) if name in varied else (length,))
            for name, length in usual.items()
        }

    def factors(self) -> Iterator[Factor]:
        """The choices of all arguments, and the lengths of axes: one is unusual, or all equal."""
        for name, choice in self.arguments.items():
            yield from choice.factors(name)
        if self.parameters:
            yield Factor(PARAMETERS, (SAME, "float32"))
        unusual = [f"{name}={n}" for name, lengths in self.axes.items() for n in lengths[1:]]
        unusual += [EQUAL] if len({*self.axes} - {*self.lengths}) > 1 else []
        if unusual:
            yield Factor(LENGTHS, (USUAL, *unusual))

    def call(self, levels: Levels, random: Callable[[str], np.random.Generator]) -> Draw:
        """The arguments of a call with these levels and the random numbers of each argument."""
        lengths = {name: lengths[0] for name, lengths in self.axes.items()}
        name, _, length = levels.get(LENGTHS, USUAL).partition("=")
        if length:
            lengths[name] = int(length)
        elif name == EQUAL:
            lengths |= dict.fromkeys({*lengths} - {*self.lengths}, EQUAL_LENGTH)
        dtypes = dict.fromkeys(self.parameters, levels.get(PARAMETERS, SAME))
        draw = Draw(random=random, levels=levels, lengths=lengths, dtypes=dtypes)
        for name, choice in self.arguments.items():
            draw.made[name] = choice.made(name, draw)
        outside = levels.get(OUTSIDE, WITHIN)
        if outside != WITHIN:
            name = outside.partition(":")[0].partition(".")[0]
            draw.made[name] = self.beyond[outside](draw.made[name])
        return draw
