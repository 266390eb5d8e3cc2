"""Distances and angles between vectors, and the losses that compare them."""

import functools
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import (
    as_array,
    as_real,
    check_axis,
    flag,
    integer,
    known_reduction,
    real_number,
    real_number_with,
)
from jaxact._checking import nan_unless
from jaxact._norms import Kind, kind_of, norm, p_norm
from jaxact._numbers import compute_dtype
from jaxact._op import op, program
from jaxact._rules import rematerialized
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidTypeError, InvalidValueError
from jaxact.losses._cosine import cosine
from jaxact.losses._elementwise import broadcast, refuse_booleans
from jaxact.losses._margins import hinge, promoted_float
from jaxact.losses._reductions import Reduction, apply_reduction

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "pairwise_distance",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

# The term that torch adds to the squared norms in cosine_embedding_loss: float32 in every dtype.
_EPSILON = float(np.float32(1e-12))


# -------------------------------------------------------------------------------------- cosines


@op(
    static=("dim",),
    checks={
        "eps": real_number_with(lambda eps: eps >= 0, "not be negative"),
        "dim": integer,
    },
)
def cosine_similarity(x1: ArrayLike, x2: ArrayLike, dim: int = 1, eps: ArrayLike = 1e-8) -> Array:
    """cosine_similarity(x1, x2) = Σ x1 x2 / (max(|x1|, eps) max(|x2|, eps)), over dim.

    The gradient is that of the norms even where eps replaces them, and the norm of a zero vector
    has gradient 0. No square overflows or underflows (torch's float32 gives 0 for vectors of 1e30).

    Args:
        x1: [...], any unit; floating, or integer if x2 is floating.
        x2: [...], any unit; broadcasts with x1.
        dim: the axis of the vectors in the broadcast shape of x1 and x2.
        eps: [], unit of x1; the least norm. If eps is 0, the cosine with a zero vector is nan.

    Returns:
        [...] without the axis dim, in [-1, 1] up to rounding, dimensionless; the dtype that x1 and
        x2 promote to.

    Raises:
        TypeError: if neither x1 nor x2 is floating, or one is complex (DtypeError) or not an array.
        IndexError: if dim is out of range.
        ValueError: if shapes do not broadcast, or eps is negative; in a checked call also if a
            traced eps is negative.

    Source:
        torch.nn.functional.cosine_similarity, torch 2.13.
    """
    named = {"x1": x1, "x2": x2}
    arrays = {name: as_real("cosine_similarity", name, x) for name, x in named.items()}
    if not any(jnp.issubdtype(x.dtype, jnp.floating) for x in arrays.values()):
        dtypes = ", ".join(x.dtype.name for x in arrays.values())
        raise ArgumentTypeError(f"cosine_similarity: x1 or x2 must be floating, got {dtypes}")
    shape = broadcast("cosine_similarity", **arrays)[0].shape
    axis = check_axis("cosine_similarity", dim, len(shape))
    dtype = jnp.promote_types(*(x.dtype for x in arrays.values()))
    first, second = (_vectors(x, shape, axis, compute_dtype(dtype)) for x in arrays.values())
    least = jnp.asarray(eps).astype(first.dtype)
    result = cosine(first, second, least=least)
    message = "cosine_similarity: eps must not be negative, got {value}"
    result = nan_unless(result, ~(least < 0), ArgumentValueError, message, least)
    return result.astype(dtype)


def _vectors(x: Array, shape: tuple[int, ...], axis: int, dtype: np.dtype) -> Array:
    """x with the rank of `shape` and the vectors along the last axis, broadcast to their length."""
    if not shape:
        return x.astype(dtype)[None]
    x = x.reshape((1,) * (len(shape) - x.ndim) + x.shape).astype(dtype)
    x = jnp.moveaxis(x, axis, -1)
    return jnp.broadcast_to(x, (*x.shape[:-1], shape[axis]))


@op(
    static=("reduction",),
    checks={"reduction": known_reduction, "margin": real_number},
)
def cosine_embedding_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: ArrayLike = 0.0,
    reduction: Reduction = "mean",
) -> Array:
    """cosine_embedding_loss(x1, x2, y) = 1 - c where y = 1, max(0, c - margin) where y = -1.

    c = Σ x1 x2 / √((|x1|² + 1e-12) (|x2|² + 1e-12)). Where y is neither 1 nor -1, the loss and its
    gradient are 0, even for vectors that contain nan. At the hinge, c = margin, the derivative is
    that of c. 1 - c is computed from the difference of the two unit vectors, so it keeps its digits
    for nearly parallel vectors (torch's float32 gives 0 for a loss of 2e-8). Nothing overflows or
    underflows (torch's float16 gives -inf for small vectors).

    Args:
        input1: [n, d] or [d], x1, any unit; floating or integer.
        input2: [n, d] or [d], x2, any unit; broadcasts with input1.
        target: [n] or [], y, dimensionless, 1 for similar and -1 for dissimilar vectors.
        margin: [], dimensionless, in [-1, 1]. With 0, dissimilar vectors have no loss at angles of
            90 degrees or more.
        reduction: "mean", "sum" or "none".

    Returns:
        [], or with "none" [n]; dimensionless; the dtype that the inputs promote to, float32 for
        integers. The mean of an empty batch is nan.

    Raises:
        TypeError: if an input is complex (DtypeError), or an argument is neither an array nor a
            number.
        ValueError: if shapes do not match, or reduction is unknown.

    Source:
        torch.nn.functional.cosine_embedding_loss, torch 2.13.
    """
    named = {"input1": input1, "input2": input2, "target": target}
    arrays = {name: as_real("cosine_embedding_loss", name, x) for name, x in named.items()}
    first, second, labels = arrays.values()
    if labels.ndim > 1:
        raise ArgumentValueError(
            f"cosine_embedding_loss: target must have shape [n] or [], got {labels.shape}"
        )
    if first.ndim != labels.ndim + 1 or second.ndim != labels.ndim + 1:
        raise ArgumentValueError(
            f"cosine_embedding_loss: input1 and input2 must have {labels.ndim + 1} dimensions for "
            f"a target of shape {labels.shape}, got shapes {first.shape} and {second.shape}"
        )
    try:
        jnp.broadcast_shapes(first.shape, second.shape, (*labels.shape, 1))
    except ValueError:
        raise ArgumentValueError(
            "cosine_embedding_loss: the vectors and target must broadcast, got input1 "
            f"{first.shape}, input2 {second.shape}, target {labels.shape}"
        ) from None
    # Unlike in other functions, integers count as float32 even beside half precision.
    dtype = jnp.promote_types(promoted_float(first), promoted_float(second))
    x1, x2 = (x.astype(compute_dtype(dtype)) for x in (first, second))
    if x1.shape[-1] == x2.shape[-1]:
        c = cosine(x1, x2, squared=_EPSILON, labels=labels)
        alike = c
    else:
        c = _cosine_of_broadcast(x1, x2)
        alike = 1 - c
    unlike = hinge(c - jnp.asarray(margin).astype(x1.dtype))
    losses = jnp.where(labels == 1, alike, jnp.where(labels == -1, unlike, 0))
    return apply_reduction(losses, reduction, dtype)


def _cosine_of_broadcast(x1: Array, x2: Array) -> Array:
    """c if one vector has length 1: torch broadcasts it in the product, but not in its norm."""
    u1, u2 = (x / norm(x, _EPSILON)[..., None] for x in (x1, x2))
    return jnp.sum(u1 * u2, axis=-1)


# ------------------------------------------------------------------------------------ distances


@op(
    static=("keepdim",),
    compiled=False,
    checks={"p": real_number, "eps": real_number, "keepdim": flag},
)
def pairwise_distance(
    x1: ArrayLike,
    x2: ArrayLike,
    p: ArrayLike = 2.0,
    eps: ArrayLike = 1e-6,
    keepdim: bool = False,
) -> Array:
    """pairwise_distance(x1, x2) = (Σ |x1 - x2 + eps|^p)^(1/p), over the last axis.

    For p = ∞ the distance is the largest |x1 - x2 + eps|, for p = -∞ the smallest, and for p = 0
    the number of nonzero components, with gradient 0. The gradient is 0 at the zero vector and at
    components that are 0; for p = ±∞ tied components share it. No power overflows or underflows
    (torch's float32 gives inf for differences of 1e20).

    Args:
        x1: [..., d], any unit; floating or integer.
        x2: [..., d], unit of x1; broadcasts with x1.
        p: [], dimensionless; 2, the default, is the Euclidean distance. A number selects one
            formula, with special ones for 0, 1, 2 and ±∞. An array is differentiable and evaluates
            all of them.
        eps: [], unit of x1, added to every difference, so that equal vectors have a distance with a
            nonzero gradient.
        keepdim: whether to keep the last axis, with length 1.

    Returns:
        [...], or [..., 1] with keepdim; unit of x1; the dtype that x1 and x2 promote to, float32
        for integers.

    Raises:
        TypeError: if x1 or x2 is boolean, complex (DtypeError), or not an array.
        ValueError: if shapes do not broadcast, or d is 0 and p is negative or infinite.

    Source:
        torch.nn.functional.pairwise_distance, torch 2.13.
    """
    return _pairwise_distance(x1, x2, p, eps, keepdim, kind_of(p))


@program(static=("keepdim", "kind"))
def _pairwise_distance(
    x1: ArrayLike, x2: ArrayLike, p: ArrayLike, eps: ArrayLike, keepdim: bool, kind: Kind
) -> Array:
    arrays = _subtracted("pairwise_distance", {"x1": x1, "x2": x2})
    dtype = promoted_float(*arrays)
    first, second = (x.astype(compute_dtype(dtype)) for x in arrays)
    result = _distance(first, second, p, eps, kind)
    kept = keepdim and any(x.ndim for x in arrays)
    return (result[..., None] if kept else result).astype(dtype)


def _subtracted(function: str, named: dict[str, ArrayLike]) -> list[Array]:
    """The arguments as arrays that can be subtracted from each other."""
    arrays = {name: as_real(function, name, x) for name, x in named.items()}
    refuse_booleans(function, **arrays)
    broadcast(function, **arrays)
    return list(arrays.values())


def _distance(x1: Array, x2: Array, p: ArrayLike, eps: ArrayLike, kind: Kind) -> Array:
    """The p-norm of x1 - x2 + eps over the last axis; a 0-d difference counts as one component."""

    def along(x1: Array, x2: Array, p: Array, eps: Array) -> Array:
        if not max(x1.ndim, x2.ndim):
            x1, x2 = x1[None], x2[None]
        return p_norm("pairwise_distance", (x1, x2, eps), p, kind)

    # The only residuals of the backward pass are the arguments, which exist anyway.
    p, eps = (jnp.asarray(number).astype(x1.dtype) for number in (p, eps))
    return rematerialized(along)(x1, x2, p, eps)


# -------------------------------------------------------------------------------------- triplets


_TRIPLET_CHECKS = {
    "reduction": known_reduction,
    "margin": real_number_with(lambda margin: margin > 0, "be positive", InvalidValueError),
    "swap": flag,
}


@op(
    static=("swap", "reduction"),
    compiled=False,
    checks={"p": real_number, "eps": real_number, **_TRIPLET_CHECKS},
)
def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: ArrayLike = 1.0,
    p: ArrayLike = 2.0,
    eps: ArrayLike = 1e-6,
    swap: bool = False,
    reduction: Reduction = "mean",
) -> Array:
    """triplet_margin_loss(a, p, n) = max(0, margin + D(a, p) - D(a, n)), D = pairwise_distance.

    At the hinge the derivative is that of margin + D(a, p) - D(a, n). With swap, the smaller of
    D(a, n) and D(p, n) replaces D(a, n); at a tie each gets half of the gradient.

    Args:
        anchor: [..., d], a, any unit; floating or integer.
        positive: [..., d], p, unit of anchor; of the same rank as anchor, broadcasts.
        negative: [..., d], n, unit of anchor; of the same rank as anchor, broadcasts.
        margin: [], unit of anchor, positive, 1 by default; a traced margin <= 0 gives nan.
        p: [], dimensionless; the p of the norm, see `pairwise_distance`.
        eps: [], unit of anchor, added to every difference.
        swap: whether to use D(p, n) where it is smaller than D(a, n).
        reduction: "mean", "sum" or "none".

    Returns:
        [], or with "none" the broadcast shape of the arguments without the last axis, [...]; unit
        of anchor; the dtype that the three promote to, float32 for integers. The mean of an empty
        batch is nan.

    Raises:
        TypeError: if an argument is boolean, complex (DtypeError), or neither an array nor a
            number.
        ValueError: if shapes do not match, or an option has an unknown value; in a checked call
            also if a traced margin is not positive.

    Source:
        Balntas et al. 2016; torch.nn.functional.triplet_margin_loss, torch 2.13.
    """
    return _triplet_margin_loss(
        anchor, positive, negative, margin, p, eps, swap, reduction, kind_of(p)
    )


@program(static=("swap", "reduction", "kind"))
def _triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: ArrayLike,
    p: ArrayLike,
    eps: ArrayLike,
    swap: bool,
    reduction: Reduction,
    kind: Kind,
) -> Array:
    named = {"anchor": anchor, "positive": positive, "negative": negative}
    triplet, dtype = _vectors_of("triplet_margin_loss", named)

    def distance(x1: Array, x2: Array) -> Array:
        return _distance(x1, x2, p, eps, kind)

    losses = _triplet_losses("triplet_margin_loss", triplet, distance, margin, swap)
    return apply_reduction(losses, reduction, dtype)


def _vectors_of(function: str, named: dict[str, ArrayLike]) -> tuple[list[Array], np.dtype]:
    """The triplet in the compute dtype, and the dtype of the result."""
    arrays = _subtracted(function, named)
    _check_axes(function, arrays)
    dtype = promoted_float(*arrays)
    return [x.astype(compute_dtype(dtype)) for x in arrays], dtype


def _check_axes(function: str, triplet: list[Array]) -> None:
    if len({x.ndim for x in triplet}) > 1:
        raise ArgumentValueError(
            f"{function}: anchor, positive and negative must have as many dimensions each, got "
            f"shapes {', '.join(str(x.shape) for x in triplet)}"
        )


def _triplet_losses(
    function: str,
    triplet: list[Array],
    distance: Callable[[Array, Array], Array],
    margin: ArrayLike,
    swap: bool,
) -> Array:
    """The losses, in the compute dtype."""
    anchor, positive, negative = triplet
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = jnp.minimum(far, distance(positive, negative))
    dtype = compute_dtype(jnp.promote_types(near.dtype, far.dtype))
    least = jnp.asarray(margin).astype(dtype)
    losses = hinge(least + near.astype(dtype) - far.astype(dtype))
    message = f"{function}: margin must be positive, got {{value}}"
    return nan_unless(losses, ~(least <= 0), InvalidValueError, message, least)


def _callable_or_none(function: str, argument: str, value: object) -> object:
    if value is not None and not callable(value):
        raise InvalidTypeError(
            f"{function}: {argument} must be callable or None, got {type(value).__name__}"
        )
    return value


@op(
    static=("distance_function", "swap", "reduction"),
    checks={**_TRIPLET_CHECKS, "distance_function": _callable_or_none},
)
def triplet_margin_with_distance_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: Callable[[Array, Array], Array] | None = None,
    margin: ArrayLike = 1.0,
    swap: bool = False,
    reduction: Reduction = "mean",
) -> Array:
    """triplet_margin_with_distance_loss(a, p, n) = max(0, margin + D(a, p) - D(a, n)).

    D is any function of two arrays. The hinge and swap have the derivatives of
    `triplet_margin_loss`.

    Args:
        anchor: [..., d], a, any unit.
        positive: [..., d], p, unit of anchor; of the same rank as anchor.
        negative: [..., d], n, unit of anchor; of the same rank as anchor.
        distance_function: D, called with two of the three arrays. It is static: another function
            object, such as a new lambda, recompiles. None is pairwise_distance, of which half
            precision is not rounded.
        margin: [], unit of D, positive, 1 by default; a traced margin <= 0 gives nan.
        swap: whether to use D(p, n) where it is smaller than D(a, n).
        reduction: "mean", "sum" or "none".

    Returns:
        [], or with "none" the shape of D's result, [...]; unit and dtype of D. The mean of an empty
        batch is nan.

    Raises:
        TypeError: if an argument is neither an array nor a number, or distance_function is not
            callable.
        ValueError: if the arrays have different numbers of axes, or an option has an unknown value;
            in a checked call also if a traced margin is not positive.

    Source:
        torch.nn.functional.triplet_margin_with_distance_loss, torch 2.13.
    """
    function = "triplet_margin_with_distance_loss"
    named = {"anchor": anchor, "positive": positive, "negative": negative}
    if distance_function is None:
        # Distances in half precision are not rounded before they are subtracted.
        triplet, dtype = _vectors_of(function, named)
        losses = _triplet_losses(function, triplet, pairwise_distance, margin, swap)
        return apply_reduction(losses, reduction, dtype)
    triplet = [as_array(function, name, x) for name, x in named.items()]
    _check_axes(function, triplet)
    results: list[np.dtype] = []

    def observed(x1: Array, x2: Array) -> Array:
        result = distance_function(x1, x2)
        results.append(result.dtype)
        return result

    losses = _triplet_losses(function, triplet, observed, margin, swap)
    return apply_reduction(losses, reduction, functools.reduce(jnp.promote_types, results))
