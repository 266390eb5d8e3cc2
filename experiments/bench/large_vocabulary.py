"""linear_cross_entropy against the logits and cross_entropy that it replaces: memory and time."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.bench.timing import Ratio, Seconds, ratio, take_turns
from jaxact import functional

CHUNKED, PLAIN = "linear_cross_entropy", "linear + cross_entropy"
# The timed sizes: tokens, features and classes of a language model's last layer.
TOKENS, FEATURES, CLASSES = 8192, 512, 32_000
ROUNDS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class LargeVocabulary:
    """What was measured of value and gradients of input, weight and bias.

    Attributes:
        tokens, features, classes: the size.
        temporary: bytes that the compiled program needs beside its arguments and results, by side.
        time: of the chunked form over the plain one.
    """

    tokens: int
    features: int
    classes: int
    temporary: Mapping[str, int]
    time: Ratio

    @property
    def memory_ratio(self) -> float:
        """How many times the memory the plain composition needs."""
        return self.temporary[PLAIN] / self.temporary[CHUNKED]


def measure(scale: float, advance: Callable[[str], None]) -> LargeVocabulary:
    """Compiles, weighs and times both forms.

    Args:
        scale: tokens and classes, in parts of the full size.
        advance: told what begins.
    """
    tokens, classes = (max(int(whole * scale), 64) for whole in (TOKENS, CLASSES))
    arguments = _arguments(tokens, FEATURES, classes)
    advance("compiling both forms of the large vocabulary")
    programs = {name: _compiled(loss, arguments) for name, loss in FORMS.items()}
    calls = {
        name: lambda program=program: jax.block_until_ready(program(*arguments))
        for name, program in programs.items()
    }
    seconds: Seconds = take_turns(
        {"": calls}, ROUNDS, lambda turn: advance(f"large vocabulary, round {turn + 1}"), 1
    )[""]
    return LargeVocabulary(
        tokens=tokens,
        features=FEATURES,
        classes=classes,
        temporary={name: temporary_bytes(program) for name, program in programs.items()},
        time=ratio(seconds[CHUNKED], seconds[PLAIN]),
    )


def temporary_bytes(program: Any) -> int:
    """Memory that a compiled program needs besides its arguments and results."""
    return int(program.memory_analysis().temp_size_in_bytes)


def _plain(x: jax.Array, weight: jax.Array, bias: jax.Array, target: jax.Array) -> jax.Array:
    return functional.cross_entropy(functional.linear(x, weight, bias), target)


def _chunked(x: jax.Array, weight: jax.Array, bias: jax.Array, target: jax.Array) -> jax.Array:
    return functional.linear_cross_entropy(x, weight, target, linear_bias=bias)


FORMS = {CHUNKED: _chunked, PLAIN: _plain}


def _compiled(loss: Callable[..., jax.Array], arguments: tuple[jax.Array, ...]) -> Any:
    return jax.jit(jax.value_and_grad(loss, (0, 1, 2))).lower(*arguments).compile()


def _arguments(tokens: int, features: int, classes: int) -> tuple[jax.Array, ...]:
    draw = np.random.default_rng(0)
    x = draw.standard_normal((tokens, features), dtype=np.float32)
    weight = draw.standard_normal((classes, features), dtype=np.float32) / np.sqrt(features)
    return (
        jnp.asarray(x),
        jnp.asarray(weight, jnp.float32),
        jnp.zeros(classes),
        jnp.asarray(draw.integers(0, classes, tokens)),
    )
