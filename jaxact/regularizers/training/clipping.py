"""Gradient clipping."""

from collections.abc import Sequence
from typing import TypeVar

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxact._arguments import Layout, check_scalar, held_by_input, known_layout
from jaxact._norms import Kind, kind_of, shrinkage, shrunk_to, unit_norms
from jaxact._numbers import compute_dtype
from jaxact._op import op, program
from jaxact._rules import traced_once
from jaxact.regularizers._dtypes import promoted, real, widened
from jaxact.regularizers._leaves import Tree, all_leaves, inexact_leaves, paired
from jaxact.regularizers.training._total_norms import (
    check_norms,
    nan_unless_finite,
    parse_norm_type,
    total_norm_of,
)

__all__ = [
    "adaptive_grad_clip",
    "clip_grad_norm",
    "clip_grad_value",
    "clip_grads_with_norm",
    "get_total_norm",
]


_Tree = TypeVar("_Tree")


@op(static=("norm_type", "error_if_nonfinite"), compiled=False)
def get_total_norm(
    tensors: Tree, norm_type: ArrayLike | str = 2.0, error_if_nonfinite: bool = False
) -> Array:
    """get_total_norm(g) = |(|g_1|_p, |g_2|_p, ...)|_p, over the leaves g_i, p = norm_type.

    That of all elements as one vector, but for p = 0: the number of leaves that are not 0. The
    Euclidean norm is right also where squares overflow or vanish, torch's float32 being inf for
    elements of 1e20; of 4 million normal numbers it is off by 3e-8, torch's by 9e-5. The gradient
    at zeros is 0.

    Args:
        tensors: a tree of arrays [...], any unit; None leaves count for nothing.
        norm_type: [], dimensionless, p; "inf" as well. Traced it costs more passes over the leaves
            unless it is 2.
        error_if_nonfinite: whether a norm of nan or infinity raises in a checked call, and is nan
            in others.

    Returns:
        [], unit of tensors, in the dtype that the leaves promote to; float32 0 if there are none.

    Raises:
        RuntimeError: if the norm is not finite, in a checked call with error_if_nonfinite; if a
            leaf is an integer, or an empty one has no norm of that type.
        TypeError: if norm_type is no number.
        ValueError: if norm_type is another string than a number.

    Source:
        torch.nn.utils.get_total_norm, torch 2.13.
    """
    p = parse_norm_type("get_total_norm", norm_type)
    leaves = inexact_leaves("get_total_norm", "tensors", tensors)
    check_norms("get_total_norm", "tensors", leaves, p)
    arrays = leaves.arrays
    return _get_total_norm(arrays, p, kind_of(p), bool(error_if_nonfinite))


@program(static=("kind", "finite"))
def _get_total_norm(arrays: Sequence[Array], p: ArrayLike, kind: Kind, finite: bool) -> Array:
    total = total_norm_of(widened(arrays), p, kind).astype(promoted(arrays))
    return nan_unless_finite("get_total_norm", total) if finite else total


@op(compiled=False)
def clip_grads_with_norm(grads: _Tree, max_norm: ArrayLike, total_norm: ArrayLike) -> _Tree:
    """clip_grads_with_norm(g) = g min(1, max_norm / (total_norm + 1e-6)).

    A total of max_norm still shrinks. An infinite total makes finite gradients 0 and infinite ones
    nan, a total of nan makes all nan. The gradient at a quotient of 1 is that of the quotient.

    Args:
        grads: a tree of arrays [...], any unit.
        max_norm: [], unit of grads. A negative one turns the gradients around, as torch's does.
        total_norm: [], unit of grads, from `get_total_norm`.

    Returns:
        The tree of grads, [...], unit and dtype of grads. Half precision is computed in float32 and
        rounded once.

    Raises:
        TypeError: if max_norm or total_norm is no number, or a leaf is no floating array.
        ValueError: if max_norm or total_norm has axes.

    Source:
        torch.nn.utils.clip_grads_with_norm_, torch 2.13.
    """
    check_scalar("clip_grads_with_norm", "max_norm", max_norm)
    check_scalar("clip_grads_with_norm", "total_norm", total_norm)
    leaves = inexact_leaves("clip_grads_with_norm", "grads", grads)
    return leaves.replaced(_clip_with_norm(leaves.arrays, max_norm, total_norm))


@program()
def _clip_with_norm(
    arrays: Sequence[Array], max_norm: ArrayLike, total_norm: ArrayLike
) -> list[Array]:
    total = jnp.asarray(total_norm)
    wide = _scaled_down(widened(arrays), max_norm, total.astype(compute_dtype(total.dtype)))
    return _rounded(wide, arrays)


def _rounded(wide: Sequence[Array], arrays: Sequence[Array]) -> list[Array]:
    return [lax.convert_element_type(w, x.dtype) for w, x in zip(wide, arrays, strict=True)]


def _scaled_down(arrays: Sequence[Array], max_norm: ArrayLike, total: Array) -> list[Array]:
    limit, length = jnp.asarray(max_norm).astype(total.dtype), total + 1e-6
    over = ~(limit / length > 1)
    first, then = shrinkage(limit, length, over)
    return [x * first.astype(real(x.dtype)) * then.astype(real(x.dtype)) for x in arrays]


@op(static=("norm_type", "error_if_nonfinite"), compiled=False)
def clip_grad_norm(
    grads: _Tree,
    max_norm: ArrayLike,
    norm_type: ArrayLike | str = 2.0,
    error_if_nonfinite: bool = False,
) -> tuple[_Tree, Array]:
    """clip_grad_norm(g) = (g min(1, max_norm / (|g|_p + 1e-6)), |g|_p), |.| of all leaves together.

    `get_total_norm`, then `clip_grads_with_norm`. Of gradients in half precision the norm is not
    rounded in between: torch's float16 makes gradients 0 whose norm is above 65504.

    Args:
        grads: a tree of arrays [...], any unit; None leaves stay.
        max_norm: [], unit of grads. A negative one turns the gradients around, as torch's does.
        norm_type: [], dimensionless, p; "inf" as well. See `get_total_norm`.
        error_if_nonfinite: whether a norm of nan or infinity raises in a checked call, and makes
            everything nan in others.

    Returns:
        The tree of grads, [...], unit and dtype of grads; and the norm before clipping, [], unit of
        grads, in the dtype that the leaves promote to.

    Raises:
        RuntimeError: if the norm is not finite, in a checked call with error_if_nonfinite; if a
            leaf is an integer, or an empty one has no norm of that type.
        TypeError: if max_norm or norm_type is no number.
        ValueError: if norm_type is another string than a number.

    Source:
        Pascanu et al. 2013; torch.nn.utils.clip_grad_norm_, torch 2.13.
    """
    check_scalar("clip_grad_norm", "max_norm", max_norm)
    p = parse_norm_type("clip_grad_norm", norm_type)
    leaves = inexact_leaves("clip_grad_norm", "grads", grads)
    check_norms("clip_grad_norm", "grads", leaves, p)
    clipped, total = _clip_grad_norm(
        leaves.arrays, max_norm, p, kind_of(p), bool(error_if_nonfinite)
    )
    return leaves.replaced(clipped), total


@program(static=("kind", "finite"))
def _clip_grad_norm(
    arrays: Sequence[Array], max_norm: ArrayLike, p: ArrayLike, kind: Kind, finite: bool
) -> tuple[list[Array], Array]:
    # Widened once, for both: gradients of half precision are then added before they are rounded.
    wide = widened(arrays)
    total = total_norm_of(wide, p, kind)
    total = nan_unless_finite("clip_grad_norm", total) if finite else total
    clipped = _rounded(_scaled_down(wide, max_norm, total), arrays)
    return clipped, total.astype(promoted(arrays))


@op(compiled=False)
def clip_grad_value(grads: _Tree, clip_value: ArrayLike) -> _Tree:
    """clip_grad_value(g) = min(max(g, -clip_value), clip_value), element by element.

    A nan stays, with the gradient 0. The gradient on the bounds is 1, as that of torch.clamp.

    Args:
        grads: a tree of arrays [...], any unit; None leaves stay.
        clip_value: [], unit of grads. A negative one takes the place of everything, as torch's.

    Returns:
        The tree of grads, [...], unit and dtype of grads.

    Raises:
        TypeError: if clip_value is no number, or a leaf is no floating array.
        ValueError: if clip_value has axes.

    Source:
        torch.nn.utils.clip_grad_value_, torch 2.13.
    """
    check_scalar("clip_grad_value", "clip_value", clip_value)
    leaves = inexact_leaves("clip_grad_value", "grads", grads, complex_too=False)
    for array in leaves.arrays:
        _check_held("clip_grad_value", array, clip_value)
    return leaves.replaced(_clip_value(leaves.arrays, clip_value))


_check_held = held_by_input("clip_value")


@program()
def _clip_value(arrays: Sequence[Array], clip_value: ArrayLike) -> list[Array]:
    return [_clamped(x, clip_value) for x in arrays]


@traced_once()
def _clamped(x: Array, clip_value: ArrayLike) -> Array:
    # Widened, because the gradient of the bound is a sum over the elements.
    wide = x.astype(compute_dtype(x.dtype))
    bound = jnp.asarray(clip_value).astype(x.dtype).astype(wide.dtype)
    raised = jnp.where(wide < -bound, -bound, wide)
    clamped = jnp.where(raised > bound, bound, raised)
    return jnp.where(jnp.isnan(wide) | jnp.isnan(bound), jnp.nan, clamped).astype(x.dtype)


@op(static=("layout",), compiled=False)
def adaptive_grad_clip(
    grads: _Tree,
    params: _Tree,
    clip_factor: ArrayLike = 0.01,
    eps: ArrayLike = 1e-3,
    *,
    layout: Layout = "torch",
) -> _Tree:
    """adaptive_grad_clip(g, w) = g_u min(1, clip_factor max(|w_u|, eps) / |g_u|), for each unit u.

    A unit is all that leads into one output; a leaf of one axis or none is one unit. No square
    overflows; a unit of gradients whose squares all vanish, below 1e-19 in float32, stays.
    optax.adaptive_grad_clip is that for matrices and convolutions in flax's layout, but takes only
    axis 0 together in arrays of three axes, and a matrix of one row as one unit.

    Args:
        grads: a tree of arrays [...], of the structure of params; unit of loss per unit of params.
        params: a tree of arrays [...], any unit.
        clip_factor: [], unit of grads per unit of params: the largest ratio of the two norms.
        eps: [], unit of params: the least norm of a unit, so that zeros can learn.
        layout: "torch" has the outputs on axis 0, "flax" on the last one.

    Returns:
        The tree of grads, [...], unit and dtype of grads. Half precision is computed in float32 and
        rounded once.

    Raises:
        ValueError: if there is no such layout, or the trees do not fit.
        TypeError: if clip_factor or eps is no number, or a leaf is an integer or complex
            (DtypeError); integers whose gradients are None or float0 stay.

    Source:
        Brock et al. 2021; beyond torch.nn.utils.clip_grad_norm_, torch 2.13.
    """
    name = "adaptive_grad_clip"
    check_scalar(name, "clip_factor", clip_factor)
    check_scalar(name, "eps", eps)
    known_layout(name, "layout", layout)
    pair = paired(name, grads, all_leaves(name, params))
    clipped = _clip_units(pair[0].arrays, pair[1].arrays, clip_factor, eps, layout)
    return pair[0].replaced(clipped)


@program(static=("layout",))
def _clip_units(
    grads: Sequence[Array],
    weights: Sequence[Array],
    clip_factor: ArrayLike,
    eps: ArrayLike,
    layout: Layout,
) -> list[Array]:
    wide = widened([*grads, *weights])
    norms = unit_norms(wide, tuple(_unit_axes(x, layout) for x in wide))

    count = len(grads)
    each = zip(wide[:count], norms[:count], norms[count:], strict=True)
    return _rounded([_clipped_units(*parts, clip_factor, eps) for parts in each], grads)


@traced_once()
def _clipped_units(
    g: Array, g_norm: Array, w_norm: Array, clip_factor: ArrayLike, eps: ArrayLike
) -> Array:
    dtype = g_norm.dtype
    length, bound = w_norm.astype(dtype), jnp.asarray(eps).astype(dtype)
    # No maximum: at a tie the slope is the length's, as torch's clamp has it.
    least = jnp.where(length < bound, bound, length)
    ratio = jnp.asarray(clip_factor).astype(dtype)
    limit = ratio * least
    # At the limit the slope is that of a gradient that is shortened to it, as in timm.
    over = (g_norm >= limit) & (g_norm > 0)
    # A norm of nan is no larger than the limit, and makes its unit nan all the same.
    unknown = jnp.isnan(g_norm) | jnp.isnan(limit)
    # A ratio of infinity would make the slope of a limit nan that is not taken.
    taken = ratio * jnp.where(over, least, 1)
    return shrunk_to(g, taken, g_norm, over) * jnp.where(unknown, jnp.nan, 1)


def _unit_axes(x: Array, layout: Layout) -> tuple[int, ...]:
    if x.ndim < 2:
        return tuple(range(x.ndim))
    return tuple(range(1, x.ndim)) if layout == "torch" else tuple(range(x.ndim - 1))
