"""How many images one compiled call augments in a second."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.bench.large_vocabulary import temporary_bytes
from experiments.bench.timing import take_turns
from jaxact import regularizers

IMAGES, SHAPE = 50_000, (3, 32, 32)
ROUNDS = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmented:
    """What was measured of all images in one call.

    Attributes:
        transforms: what was done to them.
        images: their number.
        seconds: of the call, the median of the rounds.
        temporary: bytes that the program needs beside its arguments and results, in parts of the
            images' own.
    """

    transforms: str
    images: int
    seconds: float
    temporary: float


def measure(scale: float, advance: Callable[[str], None]) -> list[Augmented]:
    """Each transform alone, then all of them.

    Args:
        scale: the number of images, in parts of the full one.
        advance: told what begins.
    """
    images = jnp.asarray(
        np.random.default_rng(0).random((max(int(IMAGES * scale), 16), *SHAPE), np.float32)
    )
    single: dict[str, Callable[..., Any]] = {
        "random_crop": lambda key, x: regularizers.random_crop(key, x, (32, 32), padding=4),
        "random_horizontal_flip": regularizers.random_horizontal_flip,
        "color_jitter": lambda key, x: regularizers.color_jitter(key, x, 0.4, 0.4, 0.4, 0.1),
    }
    every = {**single, " + ".join(single): regularizers.compose(*single.values())}
    return [_measured(name, transform, images, advance) for name, transform in every.items()]


def _measured(
    name: str, transform: Callable[..., Any], images: jax.Array, advance: Callable[[str], None]
) -> Augmented:
    advance(f"augmenting: {name}")
    key = jax.random.key(0)
    program = jax.jit(transform).lower(key, images).compile()
    call = {"": lambda: jax.block_until_ready(program(key, images))}
    seconds = take_turns({"": call}, ROUNDS, lambda turn: None, 1)[""][""]
    return Augmented(
        transforms=name,
        images=len(images),
        seconds=float(np.median(seconds)),
        temporary=temporary_bytes(program) / images.nbytes,
    )
