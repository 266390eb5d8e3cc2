"""What the optimizers may be given: trees of parameters, gradients, and numbers or schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.domains import (
    NAN,
    SPECIAL,
    TIES,
    ZEROS,
    Beyond,
    Choice,
    Domain,
    Draw,
    Either,
    Factor,
    Number,
    OneOf,
    Tensor,
    Together,
    Trees,
)
from parity.dtypes import FORMATS, rounded
from parity.trees import mapped

MATRIX, VECTOR, NUMBER = Tensor(axes=("n m",)), Tensor(axes=("m",)), Tensor(axes=("",))
VOLUME, HALF = Tensor(axes=("k n m",)), Tensor(axes=("m",), dtype="bfloat16")
LEAVES: Mapping[str, Any] = {
    "two": [MATRIX, VECTOR],
    "named": {"a": VECTOR, "b": {"c": VOLUME}},
    "one": [MATRIX],
    "number": {"weight": MATRIX, "scale": NUMBER},
}
MATRICES: Mapping[str, Any] = {
    "one": [MATRIX],
    "two": {"a": MATRIX, "b": Tensor(axes=("m n",))},
    "wide": [Tensor(axes=("m k",))],
}
# Powers of ten that float32 and float64 hold, of which it holds the squares, and does not.
LARGE = {"float32": (12.0, 25.0), "float64": (100.0, 200.0)}


class Parameters(Trees):
    """A tree of parameters; torch's optimizers have no gradient with respect to it."""

    def made(self, name: str, draw: Draw) -> Any:
        """The tree."""
        draw.numeric.add(name)
        return super().made(name, draw)


@dataclass(frozen=True)
class Gradients:
    """For each step a tree of the structure of the parameters, of gradients of some size.

    Args:
        like: the name of the parameters.
        kinds: of numbers, the usual one first.
    """

    like: str
    kinds: tuple[str, ...] = ("ordinary", TIES, ZEROS, "large", "small", SPECIAL, NAN)
    shapes: tuple[str, ...] = ("t",)

    def factors(self, name: str) -> Iterator[Factor]:
        """The kind of numbers."""
        yield Factor(f"{name}.numbers", self.kinds, free=True)

    def made(self, name: str, draw: Draw) -> Any:
        """The gradients."""
        draw.numeric.add(name)
        random, kind = draw.random(name), draw.levels[f"{name}.numbers"]

        def drawn(leaf: Any) -> Any:
            shape = (draw.lengths["t"], *leaf.shape)
            return rounded(_numbers(random, shape, kind, leaf.dtype.name), leaf.dtype.name)

        return mapped(drawn, draw.made[self.like])

    def beyond(self, name: str) -> dict[str, Beyond]:
        """Nothing: the parameters decide."""
        return {}


@dataclass(frozen=True)
class Rows(Gradients):
    """For each step and each parameter some of its rows, in any order and more than once."""

    kinds: tuple[str, ...] = ("ordinary", TIES, ZEROS, "small", SPECIAL, NAN)
    shapes: tuple[str, ...] = ("t r",)

    def made(self, name: str, draw: Draw) -> Any:
        """In place of each parameter the indices of rows, and their gradients."""
        draw.constant.add(name)
        random, kind = draw.random(name), draw.levels[f"{name}.numbers"]
        steps = draw.lengths["t"], draw.lengths["r"]

        def drawn(leaf: Any) -> Any:
            dtype = leaf.dtype.name
            values = rounded(_numbers(random, (*steps, *leaf.shape[1:]), kind, dtype), dtype)
            return {"rows": random.integers(leaf.shape[0], size=steps), "values": values}

        return mapped(drawn, draw.made[self.like])


@dataclass(frozen=True)
class Constant:
    """Another choice, of which no gradient is taken."""

    of: Choice

    @property
    def shapes(self) -> tuple[str, ...]:
        """The axes of the other choice."""
        return self.of.shapes

    def factors(self, name: str) -> Iterator[Factor]:
        """Those of the other choice."""
        yield from self.of.factors(name)

    def made(self, name: str, draw: Draw) -> Any:
        """What the other choice makes."""
        found = self.of.made(name, draw)
        draw.numeric.discard(name)
        draw.constant.add(name)
        return found

    def beyond(self, name: str) -> dict[str, Beyond]:
        """What is outside of the other choice."""
        return self.of.beyond(name)


def _numbers(random: np.random.Generator, shape: tuple[int, ...], kind: str, dtype: str) -> Any:
    numbers = random.standard_normal(shape)
    match kind:
        case "large":
            return numbers * 10.0 ** random.choice(LARGE.get(dtype, (4.0,)))
        case "small":
            return numbers * FORMATS[dtype].tiny ** 0.25
        case "zeros":
            return 0.0 * numbers
        case "ties":
            return np.round(numbers)
        case "special" | "nan":
            placed = (np.nan,) if kind == NAN else (np.inf, -np.inf, 0.0, -0.0)
            where = random.random(shape) < 0.2
            return np.where(where, random.choice(placed, shape), numbers)
        case _:
            return numbers


def decaying(step: Any) -> Any:
    """A learning rate by the step, counted from 0."""
    return 0.1 / (1 + step)


def warming(step: Any) -> Any:
    """A momentum by the step, counted from 0."""
    return 0.75 + 0.125 * (step > 1)


def by_axes(path: str, leaf: Any) -> str:
    """Matrices, and what has fewer or more axes."""
    return "first" if leaf.ndim == 2 else "second"


def by_path(path: str, leaf: Any) -> str:
    """The first leaf, and all others."""
    return "first" if path in ("0", "a", "weight") else "second"


def objective(weights: Any, targets: Any) -> Any:
    """A sum over all leaves that is convex, but not quadratic, in either framework."""
    pairs = zip(weights, targets, strict=True)
    return sum((((w - c) ** 2) * (1 + 0.25 * w**2)).sum() for w, c in pairs)


LR = Either(constant=Number(0.1, 0, 0.5, 1, outside=(-0.5, np.nan)), schedule=OneOf(decaying))
LR_ABOVE_0 = Either(
    constant=Number(0.1, 0.5, 1, outside=(0, -0.5, np.nan)), schedule=OneOf(decaying)
)
# No decay times a learning rate is 1, which would leave nothing of the parameters but rounding.
WEIGHT_DECAY = Number(0.0, 0.25, 0.75, outside=(-1.0, np.nan))
MOMENTUM = Either(
    constant=Number(0.0, 0.9, 0.5, 1.0, outside=(-0.5, np.nan)), schedule=OneOf(warming)
)
BETAS = OneOf(
    (0.9, 0.999),
    (0.0, 0.5),
    (0.5, 0.0),
    (0.8, 0.75),
    (warming, 0.9),
    outside=((1.0, 0.9), (0.9, -0.1), (0.9, 1.5), (0.9, 0.9, 0.9)),
)
EPS = Number(1e-8, 0.5, 0, outside=(-1e-8, np.nan))


# A decay that is an array is not known to be 0: times infinite parameters it is nan.
TRACED_0 = {"weight_decay": "0.0", "weight_decay.type": "array"}
NOT_FINITE = ({**TRACED_0, "grads.numbers": (SPECIAL, NAN)}, {**TRACED_0, "eps": "0"})


def of_optimizer(
    impossible: tuple[Together, ...] = (),
    *,
    leaves: Mapping[str, Any] = LEAVES,
    grads: Choice | None = None,
    lengths: Mapping[str, tuple[int, ...]] | None = None,
    **hyperparameters: Choice,
) -> Domain:
    """Parameters, gradients for some steps, and hyperparameters."""
    arguments: dict[str, Choice] = {
        "params": Parameters(**leaves),
        "grads": grads or Gradients("params"),
        **hyperparameters,
    }
    known = (rule for rule in NOT_FINITE if {"weight_decay", "eps"} & {*rule} <= {*arguments})
    return Domain(
        arguments=arguments,
        lengths={"t": (3, 1, 12), "n": (5, 1, 0), "m": (3, 1), "k": (2,), **(lengths or {})},
        impossible=(*impossible, *known),
    )
