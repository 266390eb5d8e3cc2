"""Losses over a mesh of devices: the same result, and what travels between the devices.

`python -m experiments.bench.devices` measures in a process of its own, for how many devices the
host pretends to be is settled when jax starts.
"""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

DEVICES = 8
ROWS, FEATURES, CLASSES = 1024, 64, 8192
COLLECTIVES = ("all-gather", "all-reduce", "all-to-all", "collective-permute", "reduce-scatter")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sharded:
    """One loss, value and gradients, with one axis divided among the devices.

    Attributes:
        function: the loss's name.
        axis: what is divided, "rows" or "vocabulary".
        difference: the largest error of value and gradients against one device, relative to the
            largest number of each.
        largest: elements of the largest array on any device.
        logits: elements of the logits of all rows and classes.
        travels: the largest number of elements in a collective, by its kind.
    """

    function: str
    axis: str
    difference: float
    largest: int
    logits: int
    travels: dict[str, int]


def measure() -> list[Sharded]:
    """Starts the process of many devices and reads what it found."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}"
    done = subprocess.run(
        [sys.executable, "-m", "experiments.bench.devices"],
        env={**os.environ, "XLA_FLAGS": flags.strip(), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"devices: the measuring process failed:\n{done.stderr}")
    return [Sharded(**found) for found in json.loads(done.stdout)]


def array_sizes(program: str) -> list[int]:
    """Elements of every array that a compiled program's text mentions."""
    shapes = re.findall(r"\b(?:f|bf|s|u|pred)\d*\[([\d,]+)\]", program)
    return [int(np.prod([int(size) for size in shape.split(",")])) for shape in shapes]


def travelling(program: str) -> dict[str, int]:
    """By kind of collective, the elements of its largest result."""
    calls = re.findall(rf"= (.+) ({'|'.join(COLLECTIVES)})(?:-start)?\(", program)
    found: dict[str, int] = {}
    for result, kind in calls:
        found[kind] = max(found.get(kind, 0), 1, *array_sizes(result))
    return found


def _measured() -> list[Sharded]:
    import jax
    import jax.numpy as jnp
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    from jaxact import functional

    mesh = Mesh(np.array(jax.devices()), ("devices",))
    draw = np.random.default_rng(0)
    target = jnp.asarray(draw.integers(0, CLASSES, ROWS))
    scores = jnp.asarray(draw.standard_normal((ROWS, CLASSES), np.float32))
    x = jnp.asarray(draw.standard_normal((ROWS, FEATURES), np.float32))
    weight = jnp.asarray(draw.standard_normal((CLASSES, FEATURES), np.float32))

    def on(array: Any, *axes: str | None) -> Any:
        return jax.device_put(array, NamedSharding(mesh, PartitionSpec(*axes)))

    def entropy(target: Any, scores: Any) -> Any:
        return functional.cross_entropy(scores, target)

    def linear(target: Any, x: Any, weight: Any) -> Any:
        return functional.linear_cross_entropy(x, weight, target)

    d = "devices"
    whole = {"cross_entropy": (target, scores), "linear_cross_entropy": (target, x, weight)}
    divided = {
        ("cross_entropy", "rows"): (on(target, d), on(scores, d)),
        ("cross_entropy", "vocabulary"): (on(target), on(scores, None, d)),
        ("linear_cross_entropy", "rows"): (on(target, d), on(x, d), on(weight)),
        ("linear_cross_entropy", "vocabulary"): (on(target), on(x), on(weight, d)),
    }
    losses = {"cross_entropy": entropy, "linear_cross_entropy": linear}
    return [
        _compared(name, axis, losses[name], arguments, whole[name])
        for (name, axis), arguments in divided.items()
    ]


def _compared(
    name: str, axis: str, loss: Callable[..., Any], divided: tuple[Any, ...], whole: tuple[Any, ...]
) -> Sharded:
    import jax

    both = jax.jit(jax.value_and_grad(loss, tuple(range(1, len(whole)))))
    program = both.lower(*divided).compile()
    found, expected = (jax.tree.leaves(side) for side in (program(*divided), both(*whole)))
    text = program.as_text()
    return Sharded(
        function=name,
        axis=axis,
        difference=max(
            float(np.max(np.abs(a - b)) / np.max(np.abs(b)))
            for a, b in zip(map(np.asarray, found), map(np.asarray, expected), strict=True)
        ),
        largest=max(array_sizes(text)),
        logits=ROWS * CLASSES,
        travels=travelling(text),
    )


if __name__ == "__main__":
    print(json.dumps([dataclasses.asdict(found) for found in _measured()]))
