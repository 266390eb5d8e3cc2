"""A step of every optimizer, on every side: update and new weights as one compiled program."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from optax import contrib

from experiments.bench.speed import JAXACT
from experiments.bench.timing import Call
from jaxact import optim

OPTAX, FUSED, FOREACH, LOOP = "optax", "torch fused", "torch foreach", "torch loop"
LARGE, SMALL = "8 x 2^20", "60 small"
# Leaves of float32 numbers, as matrices: some optimizers treat rows and columns by themselves.
SHAPES: Mapping[str, tuple[int, tuple[int, int]]] = {LARGE: (8, (1024, 1024)), SMALL: (60, (16, 8))}
# A call on small leaves is short beside what the clock resolves.
TIMES = {LARGE: 1, SMALL: 20}
LR = 1e-3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimizer:
    """One optimizer with its options.

    Attributes:
        name: jaxact's.
        torch: torch's class.
        options: of both.
        optax: the same from optax, with its own defaults where they differ; None if it has none.
        fused: whether torch has a fused path on CPUs.
        foreach: whether torch has one over lists of tensors.
        large: whether it is timed on large leaves.
    """

    name: str
    torch: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    optax: Callable[[], Any] | None = None
    fused: bool = False
    foreach: bool = True
    large: bool = True

    @property
    def label(self) -> str:
        """The name, with options if there are any."""
        return " ".join([self.name, *self.options])


OPTIMIZERS = (
    Optimizer(name="sgd", torch="SGD", optax=lambda: optax.sgd(LR), fused=True),
    Optimizer(
        name="sgd",
        torch="SGD",
        options={"momentum": 0.9},
        optax=lambda: optax.sgd(LR, momentum=0.9),
        fused=True,
    ),
    Optimizer(name="adam", torch="Adam", optax=lambda: optax.adam(LR), fused=True),
    Optimizer(
        name="adam",
        torch="Adam",
        options={"amsgrad": True},
        optax=lambda: optax.amsgrad(LR),
        fused=True,
    ),
    Optimizer(name="adamw", torch="AdamW", optax=lambda: optax.adamw(LR), fused=True),
    Optimizer(name="adamax", torch="Adamax", optax=lambda: optax.adamax(LR)),
    Optimizer(name="nadam", torch="NAdam", optax=lambda: optax.nadam(LR)),
    Optimizer(name="radam", torch="RAdam", optax=lambda: optax.radam(LR)),
    Optimizer(name="adagrad", torch="Adagrad", optax=lambda: optax.adagrad(LR), fused=True),
    Optimizer(name="rmsprop", torch="RMSprop", optax=lambda: optax.rmsprop(LR)),
    Optimizer(
        name="rmsprop",
        torch="RMSprop",
        options={"momentum": 0.9, "centered": True},
        optax=lambda: optax.rmsprop(LR, momentum=0.9, centered=True),
    ),
    Optimizer(name="adadelta", torch="Adadelta", optax=lambda: optax.adadelta(LR)),
    Optimizer(name="rprop", torch="Rprop", optax=lambda: optax.rprop(LR)),
    Optimizer(name="asgd", torch="ASGD"),
    Optimizer(name="adafactor", torch="Adafactor", optax=lambda: optax.adafactor(LR)),
    # Products of matrices take 99 % of its time on large ones.
    Optimizer(
        name="muon", torch="Muon", optax=lambda: contrib.muon(LR), foreach=False, large=False
    ),
)
# By reason, what is not timed.
UNTIMED: Mapping[str, Sequence[str]] = {
    "its time is that of the objective, which it calls as often as torch": ("lbfgs",),
    "its time depends on how many rows a gradient has; torch has no compiled path": (
        "sparse_adam",
    ),
}


def chosen(functions: Sequence[str]) -> list[tuple[Optimizer, str]]:
    """The optimizers of these names, or all, each with the leaves that it is timed on."""
    return [
        (optimizer, leaves)
        for leaves in SHAPES
        for optimizer in OPTIMIZERS
        if (not functions or optimizer.name in functions) and (optimizer.large or leaves == SMALL)
    ]


def key(optimizer: Optimizer, leaves: str) -> str:
    """What is timed, in words."""
    return f"{optimizer.label}, {leaves}"


def batches(
    functions: Sequence[str], scale: float, advance: Callable[[str], None]
) -> Iterator[dict[str, dict[str, Call]]]:
    """For each optimizer the calls that take turns; only one has its arrays at a time.

    Args:
        functions: names; all, if there is none.
        scale: size of the large leaves, in parts of the full ones.
        advance: told what is compiled.
    """
    for optimizer, leaves in chosen(functions):
        name = key(optimizer, leaves)
        advance(f"compiling {name}")
        yield {name: calls(optimizer, leaves, scale)}


def calls(optimizer: Optimizer, leaves: str, scale: float) -> dict[str, Call]:
    """A call of each side that makes steps, each with weights and a state of its own."""
    times, drawn = TIMES[leaves], arrays(leaves, scale)
    made = {JAXACT: jax_step(ours(optimizer), drawn, times)}
    if optimizer.optax is not None:
        made[OPTAX] = jax_step(optimizer.optax(), drawn, times)
    if optimizer.fused:
        made[FUSED] = torch_step(optimizer, drawn, times, fused=True)
    if optimizer.foreach:
        made[FOREACH] = torch_step(optimizer, drawn, times, foreach=True)
    else:
        made[LOOP] = torch_step(optimizer, drawn, times)
    return made


def ours(optimizer: Optimizer) -> optax.GradientTransformation:
    """jaxact's."""
    return getattr(optim, optimizer.name)(LR, **optimizer.options)


def theirs(optimizer: Optimizer, weights: Sequence[Any], **how: bool) -> Any:
    """torch's."""
    return getattr(torch.optim, optimizer.torch)(weights, lr=LR, **optimizer.options, **how)


def arrays(leaves: str, scale: float) -> list[Any]:
    """Numbers for weights and for gradients."""
    count, (rows, columns) = SHAPES[leaves]
    shape = (max(int(rows * scale), 2) if leaves == LARGE else rows, columns)
    random = np.random.default_rng(0)
    return [random.standard_normal(shape, np.float32) for _ in range(count)]


def jax_step(transformation: Any, drawn: Sequence[Any], times: int) -> Call:
    """Steps on weights and a state that are given away, so that the new ones take their memory."""
    gradients = [jnp.asarray(array) for array in drawn]
    params = [jnp.array(array) for array in drawn]

    def step(params: Any, state: Any, gradients: Any) -> Any:
        updates, state = transformation.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    # Some states hold the weights themselves, which cannot be given away twice.
    kept = jax.tree.map(jnp.array, (params, transformation.init(params)))
    program = jax.jit(step, donate_argnums=(0, 1)).lower(*kept, gradients).compile()

    def run() -> None:
        nonlocal kept
        for _ in range(times):
            kept = program(*kept, gradients)
        jax.block_until_ready(kept)

    return run


def torch_step(optimizer: Optimizer, drawn: Sequence[Any], times: int, **how: bool) -> Call:
    """Steps of torch's optimizer, in place."""
    weights = [torch.nn.Parameter(torch.tensor(array)) for array in drawn]
    for weight in weights:
        weight.grad = weight.detach().clone()
    step = theirs(optimizer, weights, **how).step

    def run() -> None:
        for _ in range(times):
            step()

    return run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Memory:
    """What an optimizer keeps from step to step.

    Attributes:
        optimizer: its name and options.
        arrays: by side, numbers in arrays, per weight; counts and other single numbers left out.
    """

    optimizer: str
    arrays: Mapping[str, float]


def memory(optimizer: Optimizer) -> Memory:
    """The states of both, on matrices."""
    count, shape = SHAPES[SMALL]
    params = [jax.ShapeDtypeStruct(shape, jnp.float32)] * count
    state = jax.eval_shape(ours(optimizer).init, params)
    weights = [torch.nn.Parameter(torch.ones(shape)) for _ in range(count)]
    for weight in weights:
        weight.grad = torch.ones(shape)
    made = theirs(optimizer, weights)
    made.step()
    entries = [torch.as_tensor(entry) for own in made.state.values() for entry in own.values()]
    sizes = {
        JAXACT: [leaf.size for leaf in jax.tree.leaves(state) if leaf.ndim],
        "torch": [entry.numel() for entry in entries if entry.ndim],
    }
    total = count * shape[0] * shape[1]
    arrays = {side: sum(every) / total for side, every in sizes.items()}
    return Memory(optimizer=optimizer.label, arrays=arrays)
