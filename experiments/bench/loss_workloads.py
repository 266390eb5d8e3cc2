"""What every loss is timed on, and what torch and optax offer for the same work."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from numpy.typing import NDArray

from jaxact import functional

Numbers = NDArray[Any]
Loss = Callable[..., Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """One loss on arrays of one size, reduced to a number.

    Attributes:
        function: the loss's name.
        arrays: the positional arguments; the value's gradient is taken in the first one.
        jaxact, torch: the sides.
        optax: the same mathematics there, if it has it.
    """

    function: str
    arrays: tuple[Numbers, ...]
    jaxact: Loss
    torch: Loss
    optax: Loss | None = None

    @property
    def size(self) -> str:
        """The shape of the first argument."""
        return " x ".join(map(str, self.arrays[0].shape))


def workloads(scale: float) -> Iterator[Workload]:
    """Every loss, at sizes where the work dominates.

    Args:
        scale: the size, in parts of the full one.
    """
    draw = np.random.default_rng(0)
    yield from _elementwise(draw, _parts(2**22, scale))
    yield from _over_classes(draw, _parts(4096, scale))
    yield from _over_vectors(draw, _parts(8192, scale))
    yield _ctc(draw, _parts(300, scale))


def _parts(whole: int, scale: float) -> int:
    return max(int(whole * scale), 16)


def _normal(draw: np.random.Generator, *shape: int) -> Numbers:
    return draw.standard_normal(shape, dtype=np.float32)


def _same(
    name: str, arrays: tuple[Numbers, ...], optax: Loss | None = None, **options: Any
) -> Workload:
    """The function of one name in jaxact and in torch."""
    ours, theirs = getattr(functional, name), getattr(torch.nn.functional, name)
    return Workload(
        function=name,
        arrays=arrays,
        jaxact=lambda *a: ours(*a, **options),
        torch=lambda *a: theirs(*a, **options),
        optax=optax,
    )


def _averaged(name: str, arrays: tuple[Numbers, ...], optax: Loss | None = None) -> Workload:
    """A function that has no reduction of its own."""
    ours, theirs = getattr(functional, name), getattr(torch.nn.functional, name)
    return Workload(
        function=name,
        arrays=arrays,
        jaxact=lambda *a: jnp.mean(ours(*a)),
        torch=lambda *a: theirs(*a).mean(),
        optax=optax,
    )


def _elementwise(draw: np.random.Generator, n: int) -> Iterator[Workload]:
    x, y = _normal(draw, n), _normal(draw, n)
    p, q = draw.random((2, n), dtype=np.float32)
    sign = np.where(y > 0, 1, -1).astype(np.float32)
    count = draw.poisson(2.0, n).astype(np.float32)
    yield _same("l1_loss", (x, y))
    yield _same("mse_loss", (x, y), lambda a, b: jnp.mean(optax.squared_error(a, b)))
    yield _same("smooth_l1_loss", (x, y))
    yield _same("huber_loss", (x, y), lambda a, b: jnp.mean(optax.huber_loss(a, b)))
    yield _same("binary_cross_entropy", (p, q))
    yield _same(
        "binary_cross_entropy_with_logits",
        (x, q),
        lambda a, b: jnp.mean(optax.sigmoid_binary_cross_entropy(a, b)),
    )
    yield _same("poisson_nll_loss", (x, count))
    yield _same("gaussian_nll_loss", (x, y, p + 0.1))
    yield _same("soft_margin_loss", (x, sign))
    yield _same("hinge_embedding_loss", (x, sign))
    yield _same("margin_ranking_loss", (x, y, sign))


def _over_classes(draw: np.random.Generator, n: int) -> Iterator[Workload]:
    scores, classes = _normal(draw, n, 10_000), draw.integers(0, 10_000, n)
    yield _same(
        "cross_entropy",
        (scores, classes),
        lambda x, t: jnp.mean(optax.softmax_cross_entropy_with_integer_labels(x, t)),
    )
    yield _same("nll_loss", (scores, classes))
    probabilities = np.exp(_normal(draw, n, 1000))
    probabilities /= probabilities.sum(1, keepdims=True)
    logs = np.log(np.roll(probabilities, 1, 0))
    yield _same(
        "kl_div",
        (logs, probabilities),
        lambda x, t: jnp.mean(optax.kl_divergence(x, t)),
        reduction="batchmean",
    )
    yield _same("multi_margin_loss", (scores[:, :1000].copy(), classes % 1000))
    several = np.full((n // 4, 256), -1)
    several[:, :4] = draw.permuted(np.tile(np.arange(256), (n // 4, 1)), axis=1)[:, :4]
    yield _same("multilabel_margin_loss", (scores[: n // 4, :256].copy(), several))
    yield _same(
        "multilabel_soft_margin_loss",
        (scores[:, :1000].copy(), (probabilities > 1e-3).astype(np.float32)),
    )


def _over_vectors(draw: np.random.Generator, n: int) -> Iterator[Workload]:
    a, b, c = (_normal(draw, n, 512) for _ in range(3))
    sign = np.where(_normal(draw, n) > 0, 1, -1).astype(np.float32)
    yield _averaged(
        "cosine_similarity",
        (a, b),
        lambda a, b: jnp.mean(optax.cosine_similarity(a, b, epsilon=1e-8)),
    )
    yield _averaged("pairwise_distance", (a, b))
    yield _same("cosine_embedding_loss", (a, b, sign))
    yield _same(
        "triplet_margin_loss",
        (a, b, c),
        lambda a, b, c: jnp.mean(optax.losses.triplet_margin_loss(a, b, c)),
    )
    yield _same("triplet_margin_with_distance_loss", (a, b, c))


def _ctc(draw: np.random.Generator, steps: int) -> Workload:
    batch, classes, length = 32, 64, min(60, steps // 3)
    scores = _normal(draw, steps, batch, classes)
    targets = draw.integers(1, classes, (batch, length))
    steps_of, length_of = np.full(batch, steps), np.full(batch, length)

    def ours(scores: jax.Array, targets: jax.Array, *lengths: jax.Array) -> jax.Array:
        return functional.ctc_loss(functional.log_softmax(scores, 2), targets, *lengths)

    def theirs(scores: torch.Tensor, targets: torch.Tensor, *lengths: torch.Tensor) -> torch.Tensor:
        logs = torch.nn.functional.log_softmax(scores, 2)
        return torch.nn.functional.ctc_loss(logs, targets, *lengths)

    def of_optax(scores: jax.Array, targets: jax.Array, *lengths: jax.Array) -> jax.Array:
        # It takes the batch first, and where there is padding instead of lengths.
        nothing = jnp.zeros((batch, steps)), jnp.zeros((batch, length))
        losses = optax.ctc_loss(jnp.swapaxes(scores, 0, 1), nothing[0], targets, nothing[1])
        return jnp.mean(losses / lengths[1])

    return Workload(
        function="ctc_loss",
        arrays=(scores, targets, steps_of, length_of),
        jaxact=ours,
        torch=theirs,
        optax=of_optax,
    )
