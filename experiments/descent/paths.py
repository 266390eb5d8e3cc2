"""Paths of optimizers over surfaces of two variables, from the same start."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from experiments.descent.config import MOMENTUM, NESTEROV, SGD, Config
from jaxact import optim

Values = NDArray[np.float64]
Range = tuple[float, float]

VALLEY, BEALE = "valley", "Beale's function"
ANGLE = math.pi / 8
ELONGATION = 20.0


def valley(point: jax.Array) -> jax.Array:
    """(u² + 20 v²) / 2 of [2, ...], with u and v turned by 22.5° against the axes."""
    x, y = point
    u = math.cos(ANGLE) * x + math.sin(ANGLE) * y
    v = math.cos(ANGLE) * y - math.sin(ANGLE) * x
    return (jnp.square(u) + ELONGATION * jnp.square(v)) / 2


def beale(point: jax.Array) -> jax.Array:
    """(1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)² of [2, ...] (Beale 1958)."""
    x, y = point
    return sum(
        jnp.square(offset - x + x * y**power)
        for power, offset in enumerate((1.5, 2.25, 2.625), start=1)
    )


class Surface(NamedTuple):
    """A function of two variables.

    Attributes:
        name: what it is called.
        function: from points, [2, ...], to values, [...].
        start: where every path begins.
        minimum: where the value is 0.
        x, y: the part that is drawn.
    """

    name: str
    function: Callable[[jax.Array], jax.Array]
    start: tuple[float, float]
    minimum: tuple[float, float]
    x: Range
    y: Range


class Optimizer(NamedTuple):
    """An optimizer with options that suit a surface.

    Attributes:
        function: its name in jaxact.optim.
        options: by name; the others have torch's defaults.
    """

    function: str
    options: Mapping[str, Any]

    def __str__(self) -> str:
        """The call."""
        options = ", ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.function}({options})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Path:
    """Where an optimizer went.

    Attributes:
        optimizer: its name in the configuration.
        call: what was called.
        points: [steps + 1, 2].
        values: [steps + 1], of the surface.
        distances: [steps + 1], from the minimum.
    """

    optimizer: str
    call: str
    points: Values
    values: Values
    distances: Values


SURFACES: tuple[Surface, ...] = (
    Surface(VALLEY, valley, (-4.0, 0.6), (0.0, 0.0), (-4.4, 0.9), (-2.9, 0.9)),
    Surface(BEALE, beale, (1.0, 1.5), (3.0, 0.5), (-0.1, 4.1), (-1.4, 1.7)),
)


def _optimizers(gradient_rate: float, rmsprop_rate: float, eps: float) -> dict[str, Optimizer]:
    """By name; the rates of the others suit both surfaces."""
    return {
        SGD: Optimizer("sgd", {"lr": gradient_rate}),
        MOMENTUM: Optimizer("sgd", {"lr": gradient_rate, "momentum": 0.8}),
        NESTEROV: Optimizer("sgd", {"lr": gradient_rate, "momentum": 0.8, "nesterov": True}),
        "adagrad": Optimizer("adagrad", {"lr": 1.0}),
        "rmsprop": Optimizer("rmsprop", {"lr": rmsprop_rate, "alpha": 0.9}),
        "adam": Optimizer("adam", {"lr": 0.15}),
        "adadelta": Optimizer("adadelta", {"lr": 1.0, "eps": eps}),
        "rprop": Optimizer("rprop", {"lr": 0.05, "step_sizes": (1e-6, 1.0)}),
    }


OPTIMIZERS: Mapping[str, Mapping[str, Optimizer]] = {
    VALLEY: _optimizers(0.03, 0.05, 1e-3),
    BEALE: _optimizers(0.005, 0.03, 1e-4),
}


def all_paths(config: Config) -> dict[str, list[Path]]:
    """By surface, the path of every optimizer of the configuration."""
    return {
        surface.name: [path(surface, name, config.path_steps) for name in config.optimizer]
        for surface in SURFACES
    }


def path(surface: Surface, name: str, steps: int) -> Path:
    """The path of one optimizer: one compiled scan."""
    optimizer = OPTIMIZERS[surface.name][name]
    descent = getattr(optim, optimizer.function)(**optimizer.options)
    start = jnp.asarray(surface.start, jnp.float32)
    points = _descend(start, function=surface.function, descent=descent, steps=steps)
    return Path(
        optimizer=name,
        call=str(optimizer),
        points=np.asarray(points, np.float64),
        values=np.asarray(surface.function(points.T), np.float64),
        distances=np.linalg.norm(np.asarray(points, np.float64) - surface.minimum, axis=1),
    )


@functools.partial(jax.jit, static_argnames=("function", "descent", "steps"))
def _descend(
    start: jax.Array,
    *,
    function: Callable[[jax.Array], jax.Array],
    descent: optax.GradientTransformationExtraArgs,
    steps: int,
) -> jax.Array:
    """[steps + 1, 2]."""

    def step(before: tuple[jax.Array, optax.OptState], _: None) -> tuple[Any, jax.Array]:
        point, state = before
        updates, state = descent.update(jax.grad(function)(point), state, point)
        moved = optax.apply_updates(point, updates)
        return (moved, state), moved

    _, points = jax.lax.scan(step, (start, descent.init(start)), length=steps)
    return jnp.concatenate([start[None], points])
