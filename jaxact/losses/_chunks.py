"""Losses of rows whose scores exist for one chunk of rows at a time, and their gradients."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero

from jaxact._numbers import compute_dtype, matmul_precision
from jaxact._rules import with_rule
from jaxact.errors import ArgumentValueError
from jaxact.losses._cross_entropy import (
    Indices,
    index_losses,
    probability_losses,
)

# The number of scores that exist at a time: 32 MiB of float32.
_SCORES = 2**23
# The least number of rows per chunk: with fewer, accumulating the weight's gradient takes longer
# than computing it.
_ROWS = 256
# The gradient of a weight with at least _LARGE elements is accumulated in this many parts, which
# needs less memory.
_PARTS = 4
_LARGE = 2**20


# ----------------------------------------------------------------------------------- rows in chunks


class Plan(NamedTuple):
    """The split of rows into chunks: row i of chunk k is row i * `chunks` + k of each shard.

    This covers the first `chunks` * `rows` rows of each shard; a last chunk takes the rest. A chunk
    therefore has rows from the whole batch: if each device holds one contiguous piece of the rows,
    every device works on every chunk, with rows that it already holds.

    Attributes:
        shards: the number of pieces that the rows are sharded into.
        chunks: the number of chunks of equal size.
        rows: the number of rows that a chunk has of each shard.
        rest: the number of rows of each shard that are left for the last chunk.
    """

    shards: int
    chunks: int
    rows: int
    rest: int


def plan_of(n: int, classes: int, chunk_size: int | None, shards: int) -> Plan:
    if n % shards:
        raise ArgumentValueError(
            f"linear_cross_entropy: batch_shards must divide the {n} rows of input, got {shards}"
        )
    most = chunk_size or max(_ROWS, _SCORES // max(classes, 1))
    n //= shards
    fewest = max(1, -(-n * shards // most))
    # Prefer a number of chunks without a rest, if one exists with chunks of at least half the size.
    candidates = [k for k in range(fewest, 2 * fewest + 1) if n % k == 0]
    # Prefer chunks with a multiple of 8 rows, which devices can share evenly.
    chunks = next((k for k in candidates if n // k % 8 == 0), (candidates or [fewest])[0])
    chunks = min(chunks, max(n, 1))
    return Plan(shards, chunks, n // chunks, n % chunks)


class Problem(NamedTuple):
    """The arguments of the loss; for a chunk, x and goal hold only the rows of the chunk.

    Attributes:
        x: [n, f].
        matrix: [c, ..., f].
        bias: [c, ...].
        goal: class indices [n, ...], or probabilities [n, c, ...].
        weights: [c].
        smoothing: [].
        divisor: [], divides the sum of the losses.
    """

    x: Array
    matrix: Array
    bias: Array | None
    goal: Indices | Array
    weights: Array | None
    smoothing: Array | None
    divisor: Array


_SCORED = ("goal", "weights", "smoothing")


def _of_rows(problem: Problem) -> tuple[Array, Indices | Array]:
    return problem.x, problem.goal


def _split(plan: Plan, rows: Array) -> Array:
    """The full chunks of an array of rows, [chunks, rows of all shards, ...]."""
    shards, tail = plan.shards, rows.shape[1:]
    split = _by_shard(plan, rows)[:, : plan.rows * plan.chunks]
    split = jnp.moveaxis(split.reshape(shards, plan.rows, plan.chunks, *tail), 2, 0)
    return split.reshape(plan.chunks, shards * plan.rows, *tail)


def _rest(plan: Plan, rows: Array) -> Array:
    """The last chunk."""
    rest = _by_shard(plan, rows)[:, plan.rows * plan.chunks :]
    return rest.reshape(plan.shards * plan.rest, *rows.shape[1:])


def _by_shard(plan: Plan, rows: Array) -> Array:
    return rows.reshape(plan.shards, plan.rows * plan.chunks + plan.rest, *rows.shape[1:])


def _joined(plan: Plan, chunks: Array, *rest: Array) -> Array:
    """The rows in their original order: the inverse of `_split` and `_rest`."""
    shards, tail = plan.shards, chunks.shape[2:]
    split = chunks.reshape(plan.chunks, shards, plan.rows, *tail)
    split = jnp.moveaxis(split, 0, 2).reshape(shards, plan.rows * plan.chunks, *tail)
    parts = [split, *(last.reshape(shards, plan.rest, *tail) for last in rest)]
    whole = jnp.concatenate(parts, 1)
    return whole.reshape(shards * whole.shape[1], *tail)


def _sweep(
    plan: Plan, step: Callable[[Any, Any], tuple[Any, Any]], start: Any, of_rows: Any
) -> tuple[Any, Any]:
    """lax.scan over the chunks of arrays of rows; its outputs have the rows in the original order.

    If the sweep itself is differentiated, each chunk is recomputed instead of kept as a residual.
    """
    step = cast(Any, jax.checkpoint)(step, prevent_cse=False)
    carry, out = lax.scan(step, start, jax.tree.map(functools.partial(_split, plan), of_rows))
    rest: list[Any] = []
    if plan.rest:
        carry, last = step(carry, jax.tree.map(functools.partial(_rest, plan), of_rows))
        rest = [last]
    return carry, jax.tree.map(functools.partial(_joined, plan), out, *rest)


# ---------------------------------------------------------------------------------- loss of a chunk


def _chunk(problem: Problem, of_rows: tuple[Array, Indices | Array]) -> Problem:
    x, goal = of_rows
    if isinstance(goal, Indices):
        # A nan in an ignored row would otherwise reach the gradient of the matrix.
        kept = jnp.any(goal.kept, tuple(range(1, goal.kept.ndim)))
        x = jnp.where(kept[:, None], x, 0)
    return problem._replace(x=x, goal=goal)


def _scores(chunk: Problem) -> Array:
    """[rows, c, ...]."""
    scores = _product(chunk.x, chunk.matrix)
    return scores if chunk.bias is None else scores + chunk.bias[None].astype(scores.dtype)


def _product(x: Array, matrix: Array) -> Array:
    """x matrixᵀ, summed in the compute dtype."""
    axes = (((1,), (matrix.ndim - 1,)), ((), ()))
    return _dot(x, matrix, axes)


def _dot(a: Array, b: Array, axes: Any) -> Array:
    """lax.dot_general with the precision of `jaxact.layers.linear`."""
    wide = compute_dtype(a.dtype)
    return lax.dot_general(a, b, axes, precision=matmul_precision(), preferred_element_type=wide)


def _scored(scores: Array, problem: Problem) -> Array:
    """The losses of the rows."""
    loss = index_losses if isinstance(problem.goal, Indices) else probability_losses
    return loss(scores, cast(Any, problem.goal), problem.weights, problem.smoothing, 1)


def _loss_dtype(problem: Problem) -> np.dtype:
    wide = compute_dtype(problem.x.dtype)
    goal = problem.goal
    return wide if isinstance(goal, Indices) else np.promote_types(wide, goal.dtype)


def _active(problem: Problem, tangents: Problem) -> dict[str, Array]:
    """The tangents that are not symbolic zeros, in the compute dtype."""
    active: dict[str, Array] = {}
    for name, primal, tangent in zip(Problem._fields, problem, tangents, strict=True):
        known = primal is None or isinstance(primal, Indices)
        if not known and not isinstance(tangent, SymbolicZero):
            active[name] = cast(Array, tangent).astype(compute_dtype(cast(Array, primal).dtype))
    return active


# ----------------------------------------------------------------------------- the mean of the rows


def _mean_rule(
    plan: Plan, primals: tuple[Problem], tangents: tuple[Problem]
) -> tuple[Array, Array]:
    (problem,) = primals
    active = _active(problem, tangents[0])
    mean, gradients = _mean_and_gradients(plan, problem, set(active) - {"divisor"})
    gradients["divisor"] = -mean / problem.divisor
    steps = [jnp.vdot(gradients[name], tangent) for name, tangent in active.items()]
    return mean, functools.reduce(jnp.add, steps).astype(mean.dtype)


# A JVP rule instead of a custom_vjp: multiplying tangents with the precomputed gradient works in
# both modes and can be differentiated again.
@with_rule(_mean_rule, static=(0,))
def mean_loss(plan: Plan, problem: Problem) -> Array:
    """The sum of the losses, divided by `divisor`."""

    def step(total: Array, of_rows: Any) -> tuple[Array, None]:
        chunk = _chunk(problem, of_rows)
        return total + jnp.sum(_scored(_scores(chunk), chunk)), None

    zero = jnp.zeros((), _loss_dtype(problem))
    return _sweep(plan, step, zero, _of_rows(problem))[0] / problem.divisor


def _mean_and_gradients(
    plan: Plan, problem: Problem, wanted: set[str]
) -> tuple[Array, dict[str, Array]]:
    def step(carry: Any, of_rows: Any) -> tuple[Any, Any]:
        total, sums = carry
        chunk = _chunk(problem, of_rows)
        scored = {name: getattr(chunk, name) for name in _SCORED if name in wanted}

        def loss(scores: Array, scored: dict[str, Array]) -> Array:
            return jnp.sum(_scored(scores, chunk._replace(**scored)))

        value, pull = cast(tuple[Array, Any], jax.vjp(loss, _scores(chunk), scored))
        # Divide the cotangent by the count, which is free, instead of the accumulated gradients.
        seed = (1 / problem.divisor).astype(value.dtype)
        by_scores, found = cast(tuple[Array, dict[str, Array]], pull(seed))
        if "x" in wanted:
            found["x"] = _back(by_scores, chunk.matrix)
        if "bias" in wanted:
            found["bias"] = jnp.sum(by_scores, 0)
        if "matrix" in wanted:
            found["matrix"] = _with_products(sums["matrix"], by_scores, chunk.x)
        added = {name: sums[name] + found[name] for name in sums if name != "matrix"}
        carried = {name: added.get(name, found[name]) for name in sums}
        return (total + value, carried), {name: found[name] for name in wanted - set(sums)}

    sums = {name: _zeros(plan, problem, name) for name in wanted - {"x", "goal"}}
    start = (jnp.zeros((), _loss_dtype(problem)), sums)
    (total, sums), of_rows = _sweep(plan, step, start, _of_rows(problem))
    if "matrix" in sums:
        sums["matrix"] = jnp.sum(sums["matrix"], 0)
    return total / problem.divisor, sums | of_rows


def _zeros(plan: Plan, problem: Problem, name: str) -> Array:
    """Zeros to accumulate the gradients of the chunks in; for the matrix, one per shard of rows."""
    array = getattr(problem, name)
    shape = (plan.shards, *array.shape) if name == "matrix" else array.shape
    return jnp.zeros(shape, compute_dtype(array.dtype))


def _back(by_scores: Array, matrix: Array) -> Array:
    """The gradient of x: by_scores times the matrix, summed over the scores of each row."""
    axes = tuple(range(1, by_scores.ndim)), tuple(range(matrix.ndim - 1))
    return _dot(by_scores, matrix.astype(by_scores.dtype), (axes, ((), ())))


def _with_products(total: Array, by_scores: Array, x: Array) -> Array:
    """`total`, [shards, c, ..., f], plus the gradient of the matrix from each shard's rows."""
    shards, features = total.shape[0], x.shape[1]
    rows = x.shape[0] // shards
    slopes = by_scores.reshape(shards, rows, *by_scores.shape[1:])
    wide = x.astype(by_scores.dtype).reshape(shards, rows, features)
    parts = math.gcd(features, _PARTS) if total.size // shards >= _LARGE else 1
    width = features // parts
    last = total.ndim - 1

    def add_part(i: Array, total: Array) -> Array:
        part = lax.dynamic_slice_in_dim(wide, i * width, width, 2)
        product = _dot(slopes, part, (((1,), (1,)), ((0,), (0,))))
        before = lax.dynamic_slice_in_dim(total, i * width, width, last)
        return lax.dynamic_update_slice_in_dim(total, before + product, i * width, last)

    # A loop, so that only one product exists at a time.
    return cast(Array, lax.fori_loop(0, parts, add_part, total))


# --------------------------------------------------------------------------- the losses of the rows


def _losses_rule(
    plan: Plan, primals: tuple[Problem], tangents: tuple[Problem]
) -> tuple[Array, Array]:
    (problem,) = primals
    active = _active(problem, tangents[0])
    constant = {name: t for name, t in active.items() if name not in ("x", "goal")}
    along_rows = {name: active[name] for name in active if name not in constant}

    def step(carry: None, of_rows: Any) -> tuple[None, Array]:
        chunk, steps = _chunk(problem, of_rows[0]), constant | of_rows[1]
        scores = _scores(chunk)
        wide = scores.dtype
        by_scores = jnp.zeros_like(scores)
        if "x" in steps:
            by_scores += _product(steps["x"], chunk.matrix.astype(wide))
        if "matrix" in steps:
            by_scores += _product(chunk.x.astype(wide), steps["matrix"])
        if "bias" in steps:
            by_scores += steps["bias"][None]
        scored = {name: getattr(chunk, name) for name in _SCORED if name in steps}

        def loss(scores: Array, scored: dict[str, Array]) -> Array:
            return _scored(scores, chunk._replace(**scored))

        directions = by_scores, {name: steps[name] for name in scored}
        return carry, jax.jvp(loss, (scores, scored), directions)[1]

    along = _sweep(plan, step, None, (_of_rows(problem), along_rows))[1]
    return row_losses(plan, problem), along


@with_rule(_losses_rule, static=(0,))
def row_losses(plan: Plan, problem: Problem) -> Array:
    """The losses, [n, ...]."""

    def step(carry: None, of_rows: Any) -> tuple[None, Array]:
        chunk = _chunk(problem, of_rows)
        return carry, _scored(_scores(chunk), chunk)

    return _sweep(plan, step, None, _of_rows(problem))[1]
