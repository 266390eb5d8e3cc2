"""Losses over so many classes that the scores of a batch do not fit in memory."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating, axis, known_reduction
from jaxact._numbers import compute_dtype, matmul_precision
from jaxact._op import op, program
from jaxact._rules import with_rule
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidTypeError
from jaxact.losses._cross_entropy import (
    Indices,
    check_indices,
    class_indices,
    class_weights,
    index_losses,
    index_shares,
    mean_over,
    probability_losses,
    smoothing_of,
    smoothing_or_none,
)
from jaxact.losses._reductions import Reduction

__all__ = ["linear_cross_entropy"]

_NAME = "linear_cross_entropy"
# The number of scores that exist at a time: 32 MiB of float32.
_SCORES = 2**23
# The least number of rows per chunk: with fewer, accumulating the weight's gradient takes longer
# than computing it.
_ROWS = 256
# The gradient of a weight with at least _LARGE elements is accumulated in this many parts, which
# needs less memory.
_PARTS = 4
_LARGE = 2**20


def _known_options(function: str, argument: str, options: Any) -> object:
    if options is not None and not isinstance(options, Mapping):
        kind = type(options).__name__
        raise InvalidTypeError(f"{_NAME}: options must be a dict, got {kind}")
    for name, value in cast(Mapping[str, object], options or {}).items():
        if name not in ("batch_chunk_size", "batch_shards"):
            raise InvalidTypeError(
                f"{_NAME}: options must be batch_chunk_size or batch_shards, got {name!r}"
            )
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise InvalidTypeError(f"{_NAME}: {name} must be an int, got {type(value).__name__}")
        if value < 1:
            raise ArgumentValueError(f"{_NAME}: {name} must be positive, got {value}")
    return cast(object, options)


@op(
    static=("reduction", "ignore_index", "options"),
    compiled=False,
    checks={
        "ignore_index": axis,
        "reduction": known_reduction,
        "options": _known_options,
    },
)
def linear_cross_entropy(
    input: ArrayLike,
    linear_weight: ArrayLike,
    target: ArrayLike,
    *,
    linear_bias: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    ignore_index: int | None = None,
    label_smoothing: ArrayLike = 0.0,
    options: Mapping[str, int] | None = None,
) -> Array:
    """linear_cross_entropy(x, W, q) = cross_entropy(x Wᵀ + b, q), without materializing x Wᵀ.

    The scores are computed for a chunk of rows at a time. For "mean" and "sum" the same sweep over
    the chunks computes the gradients of the differentiated arguments, and the backward pass only
    scales them; for "none" the backward pass recomputes the scores. Without differentiation no
    gradient is computed. Forward mode, vmap and higher derivatives work; higher derivatives
    recompute the scores of each chunk. Half precision is computed and summed in float32 and rounded
    once (torch's chunks sum a bfloat16 loss in bfloat16: 4.0 instead of 9.78 for 1024 rows, 16
    features and 16384 classes).

    Rows and classes may be sharded: only row sums and gradients move between devices, not scores.

    Args:
        input: [n, f] or [f], any unit.
        linear_weight: [c, f] or [c, ..., f], nats per unit of input; the dtype of input.
        target: class indices in [0, c), integers of shape [n], [n, ...] or []; or probabilities,
            floats of the scores' shape [n, c], [n, c, ...] or [c], dimensionless. As in
            `cross_entropy`.
        linear_bias: [c] or [c, ...], nats. None adds nothing.
        weight: [c], dimensionless, the weight of each class. None weights all equally.
        reduction: "mean", "sum" or "none", as in `cross_entropy`.
        ignore_index: rows with this target do not count, whatever their input. None is -100; with
            probabilities it must be None.
        label_smoothing: [], dimensionless, in [0, 1], as in `cross_entropy`. 0 smooths nothing.
        options: `{"batch_chunk_size": r}` computes the scores of r rows at a time; a number of
            chunks that divides n costs least. `{"batch_shards": d}` says that the rows are sharded
            over d devices, which then sum their gradients of linear_weight once instead of once per
            chunk; d must divide n. None chooses r for 32 MiB of scores, at least 256 rows, and
            assumes rows that are not sharded. torch's other options have no counterpart: sums are
            always accurate, and gradients may be used twice.

    Returns:
        [], or with "none" the shape of class indices, [...]; in nats; the dtype of input, promoted
        with the dtype of probabilities. A mean over no rows is nan, with gradient 0.

    Raises:
        TypeError: if an argument is of the wrong kind.
        DtypeError: if input is not floating.
        ValueError: if shapes do not match, or an option has an unknown value.
        IndexError: if a target is not a class, in a checked call.

    Source:
        Hsu et al., "Liger Kernel", 2024, for the gradients in the forward sweep;
        torch.nn.functional.linear_cross_entropy, torch 2.13.
    """
    chosen = options or {}
    return _linear_cross_entropy(
        input,
        linear_weight,
        target,
        linear_bias,
        weight,
        cast(Any, smoothing_or_none(_NAME, "label_smoothing", label_smoothing)),
        reduction,
        ignore_index,
        chosen.get("batch_chunk_size"),
        chosen.get("batch_shards", 1),
    )


@program(static=("reduction", "ignored", "chunk_size", "shards"))
def _linear_cross_entropy(
    input: ArrayLike,
    linear_weight: ArrayLike,
    target: ArrayLike,
    linear_bias: ArrayLike | None,
    weight: ArrayLike | None,
    label_smoothing: ArrayLike | None,
    reduction: Reduction,
    ignored: int | None,
    chunk_size: int | None,
    shards: int,
) -> Array:
    x, matrix, bias = _linear_arguments(input, linear_weight, linear_bias)
    labels = as_array(_NAME, "target", target)
    wide, classes = compute_dtype(x.dtype), matrix.shape[0]
    shape = (*x.shape[:-1], *matrix.shape[:-1])
    weights = class_weights(_NAME, weight, x.dtype, classes)
    smoothing = smoothing_of(_NAME, label_smoothing, wide)
    axis, dtype = len(shape) - matrix.ndim + 1, x.dtype
    if labels.shape == shape and ignored is not None:
        raise ArgumentValueError(
            f"{_NAME}: ignore_index must be left None with probabilities, got {ignored}"
        )
    if labels.shape == shape and jnp.issubdtype(labels.dtype, jnp.floating):
        dtype = jnp.promote_types(dtype, labels.dtype)
        goal = labels.astype(compute_dtype(labels.dtype))
        rows = shares = jnp.ones(shape[:axis] + shape[axis + 1 :], wide)
    else:
        if x.ndim == 1 and labels.shape == (1,):
            labels = labels.reshape(())
        check_indices(_NAME, shape, labels, axis, f", or probabilities of shape {shape}")
        goal = class_indices(_NAME, labels, classes, -100 if ignored is None else ignored, wide)
        rows, shares = goal.kept, index_shares(goal, weights, wide)
    if x.ndim == 1:
        x, goal = x[None], jax.tree.map(_as_row, goal)
    plan = _plan(x.shape[0], math.prod(matrix.shape[:-1]), chunk_size, shards)
    problem = _Problem(x, matrix, bias, goal, weights, smoothing, jnp.ones((), wide))
    if reduction == "none":
        return _losses(plan, problem).reshape(rows.shape).astype(dtype)
    if reduction == "sum":
        return _mean(plan, problem).astype(dtype)

    def mean(count: Array) -> Array:
        return _mean(plan, problem._replace(divisor=count))

    return mean_over(rows, shares, mean).astype(dtype)


def _as_row(a: Array) -> Array:
    return a[None]


def _linear_arguments(
    input: ArrayLike, linear_weight: ArrayLike, linear_bias: ArrayLike | None
) -> tuple[Array, Array, Array | None]:
    x = as_floating(_NAME, "input", input)
    matrix = as_array(_NAME, "linear_weight", linear_weight)
    bias = None if linear_bias is None else as_array(_NAME, "linear_bias", linear_bias)
    if x.ndim not in (1, 2):
        raise ArgumentValueError(f"{_NAME}: input must have 1 or 2 axes, got shape {x.shape}")
    if matrix.ndim < 2:
        raise ArgumentValueError(
            f"{_NAME}: linear_weight must have at least 2 axes, got shape {matrix.shape}"
        )
    if x.shape[-1] != matrix.shape[-1]:
        raise ArgumentValueError(
            f"{_NAME}: linear_weight must have the {x.shape[-1]} features of input as its last "
            f"axis, got shape {matrix.shape}"
        )
    if bias is not None and bias.shape != matrix.shape[:-1]:
        raise ArgumentValueError(
            f"{_NAME}: linear_bias must have shape {matrix.shape[:-1]}, got {bias.shape}"
        )
    if matrix.ndim > 2 and x.ndim == 1:
        raise ArgumentValueError(
            f"{_NAME}: input must have shape [n, f] for a linear_weight of shape {matrix.shape}, "
            f"got {x.shape}"
        )
    for argument, array in (("linear_weight", matrix), ("linear_bias", bias)):
        if array is not None and array.dtype != x.dtype:
            raise ArgumentTypeError(
                f"{_NAME}: {argument} must have the dtype of input, {x.dtype.name}, "
                f"got {array.dtype.name}"
            )
    return x, matrix, bias


# ----------------------------------------------------------------------------------- rows in chunks


class _Plan(NamedTuple):
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


def _plan(n: int, classes: int, chunk_size: int | None, shards: int) -> _Plan:
    if n % shards:
        raise ArgumentValueError(
            f"{_NAME}: batch_shards must divide the {n} rows of input, got {shards}"
        )
    most = chunk_size or max(_ROWS, _SCORES // max(classes, 1))
    n //= shards
    fewest = max(1, -(-n * shards // most))
    # Prefer a number of chunks without a rest, if one exists with chunks of at least half the size.
    candidates = [k for k in range(fewest, 2 * fewest + 1) if n % k == 0]
    # Prefer chunks with a multiple of 8 rows, which devices can share evenly.
    chunks = next((k for k in candidates if n // k % 8 == 0), (candidates or [fewest])[0])
    chunks = min(chunks, max(n, 1))
    return _Plan(shards, chunks, n // chunks, n % chunks)


class _Problem(NamedTuple):
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


def _of_rows(problem: _Problem) -> tuple[Array, Indices | Array]:
    return problem.x, problem.goal


def _split(plan: _Plan, rows: Array) -> Array:
    """The full chunks of an array of rows, [chunks, rows of all shards, ...]."""
    shards, tail = plan.shards, rows.shape[1:]
    split = _by_shard(plan, rows)[:, : plan.rows * plan.chunks]
    split = jnp.moveaxis(split.reshape(shards, plan.rows, plan.chunks, *tail), 2, 0)
    return split.reshape(plan.chunks, shards * plan.rows, *tail)


def _rest(plan: _Plan, rows: Array) -> Array:
    """The last chunk."""
    rest = _by_shard(plan, rows)[:, plan.rows * plan.chunks :]
    return rest.reshape(plan.shards * plan.rest, *rows.shape[1:])


def _by_shard(plan: _Plan, rows: Array) -> Array:
    return rows.reshape(plan.shards, plan.rows * plan.chunks + plan.rest, *rows.shape[1:])


def _joined(plan: _Plan, chunks: Array, *rest: Array) -> Array:
    """The rows in their original order: the inverse of `_split` and `_rest`."""
    shards, tail = plan.shards, chunks.shape[2:]
    split = chunks.reshape(plan.chunks, shards, plan.rows, *tail)
    split = jnp.moveaxis(split, 0, 2).reshape(shards, plan.rows * plan.chunks, *tail)
    parts = [split, *(last.reshape(shards, plan.rest, *tail) for last in rest)]
    whole = jnp.concatenate(parts, 1)
    return whole.reshape(shards * whole.shape[1], *tail)


def _sweep(
    plan: _Plan, step: Callable[[Any, Any], tuple[Any, Any]], start: Any, of_rows: Any
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


def _chunk(problem: _Problem, of_rows: tuple[Array, Indices | Array]) -> _Problem:
    x, goal = of_rows
    if isinstance(goal, Indices):
        # A nan in an ignored row would otherwise reach the gradient of the matrix.
        kept = jnp.any(goal.kept, tuple(range(1, goal.kept.ndim)))
        x = jnp.where(kept[:, None], x, 0)
    return problem._replace(x=x, goal=goal)


def _scores(chunk: _Problem) -> Array:
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


def _scored(scores: Array, problem: _Problem) -> Array:
    """The losses of the rows."""
    loss = index_losses if isinstance(problem.goal, Indices) else probability_losses
    return loss(scores, cast(Any, problem.goal), problem.weights, problem.smoothing, 1)


def _loss_dtype(problem: _Problem) -> np.dtype:
    wide = compute_dtype(problem.x.dtype)
    goal = problem.goal
    return wide if isinstance(goal, Indices) else np.promote_types(wide, goal.dtype)


def _active(problem: _Problem, tangents: _Problem) -> dict[str, Array]:
    """The tangents that are not symbolic zeros, in the compute dtype."""
    active: dict[str, Array] = {}
    for name, primal, tangent in zip(_Problem._fields, problem, tangents, strict=True):
        known = primal is None or isinstance(primal, Indices)
        if not known and not isinstance(tangent, SymbolicZero):
            active[name] = cast(Array, tangent).astype(compute_dtype(cast(Array, primal).dtype))
    return active


# ----------------------------------------------------------------------------- the mean of the rows


def _mean_rule(
    plan: _Plan, primals: tuple[_Problem], tangents: tuple[_Problem]
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
def _mean(plan: _Plan, problem: _Problem) -> Array:
    """The sum of the losses, divided by `divisor`."""

    def step(total: Array, of_rows: Any) -> tuple[Array, None]:
        chunk = _chunk(problem, of_rows)
        return total + jnp.sum(_scored(_scores(chunk), chunk)), None

    zero = jnp.zeros((), _loss_dtype(problem))
    return _sweep(plan, step, zero, _of_rows(problem))[0] / problem.divisor


def _mean_and_gradients(
    plan: _Plan, problem: _Problem, wanted: set[str]
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


def _zeros(plan: _Plan, problem: _Problem, name: str) -> Array:
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
    plan: _Plan, primals: tuple[_Problem], tangents: tuple[_Problem]
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
    return _losses(plan, problem), along


@with_rule(_losses_rule, static=(0,))
def _losses(plan: _Plan, problem: _Problem) -> Array:
    """The losses, [n, ...]."""

    def step(carry: None, of_rows: Any) -> tuple[None, Array]:
        chunk = _chunk(problem, of_rows)
        return carry, _scored(_scores(chunk), chunk)

    return _sweep(plan, step, None, _of_rows(problem))[1]
