"""Gradient clipping."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._checking import defined
from jaxact._core import ArgumentValueError, compute_dtype, op
from jaxact._norms import Kind, kind_of, p_norm
from jaxact.regularizers._leaves import (
    Layout,
    Touched,
    Tree,
    check_layout,
    check_number,
    every_leaf,
    every_place,
    paired,
    promoted,
    real,
    widened,
)
from jaxact.regularizers._unit_norms import norm_of_all, shrinkage, shrunk_to, unit_norms

__all__ = [
    "adaptive_grad_clip",
    "clip_adaptively",
    "clip_by_grad_norm",
    "clip_by_grad_value",
    "clip_grad_norm",
    "clip_grad_value",
    "clip_grads_with_norm",
    "get_total_norm",
]

_Tree = TypeVar("_Tree")


# ---------------------------------------------------------------------------------- total norms


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
    p = _norm_type("get_total_norm", norm_type)
    leaves = every_leaf("get_total_norm", "tensors", tensors)
    _check_norms("get_total_norm", "tensors", leaves, p)
    arrays = leaves.arrays
    return _get_total_norm(arrays, p, kind_of(p), bool(error_if_nonfinite))


@op(static=("kind", "finite"), by_value=True)
def _get_total_norm(arrays: Sequence[Array], p: ArrayLike, kind: Kind, finite: bool) -> Array:
    total = _total_norm(widened(arrays), p, kind).astype(promoted(arrays))
    return _finite("get_total_norm", total) if finite else total


def _norm_type(function: str, norm_type: ArrayLike | str) -> ArrayLike:
    p = norm_type
    if isinstance(p, str):
        try:
            p = float(p)
        except ValueError:
            raise ValueError(
                f"{function}: norm_type must be a number or 'inf', got {norm_type!r}"
            ) from None
    check_number(function, "norm_type", p)
    return p


def _check_norms(function: str, argument: str, leaves: Touched, p: ArrayLike) -> None:
    """That each leaf has a norm of that type.

    Raises:
        ArgumentValueError: if one is empty, and p is known to be negative or infinite.
    """
    if kind_of(p) not in ("largest", "smallest", "inverse"):
        return
    for i in leaves.places:
        if not jnp.size(leaves.leaves[i]):
            raise ArgumentValueError(
                f"{function}: the leaves of {argument} must not be empty for norm_type {p}, got "
                f"shape {jnp.shape(leaves.leaves[i])} at {leaves.paths[i]!r}"
            )


def _finite(function: str, total: Array) -> Array:
    message = (
        f"{function}: the total norm must be finite with error_if_nonfinite=True, got {{value}}"
    )
    return defined(total, jnp.isfinite(total), ArgumentValueError, message, total)


def _total_norm(arrays: Sequence[Array], p: ArrayLike, kind: Kind) -> Array:
    """The norm of arrays in the dtype that is computed in."""
    wide = [jnp.abs(x) if jnp.iscomplexobj(x) else x for x in arrays]
    if not wide:
        return jnp.zeros((), jnp.float32)
    if kind == "root":
        return norm_of_all(wide)
    if kind == "traced":
        return _traced_norm(wide, jnp.asarray(p).astype(jnp.result_type(float)))
    return _norm_of_norms(wide, jnp.asarray(p), kind)


@jax.custom_jvp
def _traced_norm(arrays: Sequence[Array], p: Array) -> Array:
    euclidean = functools.partial(norm_of_all, arrays)
    other = functools.partial(_norm_of_norms, arrays, p, "traced")
    return cast(Array, jax.lax.cond(p == 2, euclidean, other))


@_traced_norm.defjvp
def _(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Array, Array]:
    # That of the formula for every p: the Euclidean one has no derivative in p.
    general = functools.partial(_norm_of_norms, kind="traced")
    _, step = cast(tuple[Array, Array], jax.jvp(general, tuple(primals), tuple(tangents)))
    return _traced_norm(*primals), step


def _norm_of_norms(arrays: Sequence[Array], p: Array, kind: Kind) -> Array:
    dtype = promoted(arrays)

    def norm(x: Array) -> Array:
        return p_norm("get_total_norm", (x.ravel(),), p.astype(x.dtype), kind).astype(dtype)

    return norm(jnp.stack([norm(x) for x in arrays]))


# --------------------------------------------------------------------------------- by total norm


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
    check_number("clip_grads_with_norm", "max_norm", max_norm)
    check_number("clip_grads_with_norm", "total_norm", total_norm)
    leaves = every_leaf("clip_grads_with_norm", "grads", grads)
    return leaves.replaced(_clip_with_norm(leaves.arrays, max_norm, total_norm))


@op()
def _clip_with_norm(
    arrays: Sequence[Array], max_norm: ArrayLike, total_norm: ArrayLike
) -> list[Array]:
    total = jnp.asarray(total_norm)
    wide = _scaled_down(widened(arrays), max_norm, total.astype(compute_dtype(total.dtype)))
    return _rounded(wide, arrays)


def _rounded(wide: Sequence[Array], arrays: Sequence[Array]) -> list[Array]:
    return [w.astype(x.dtype) for w, x in zip(wide, arrays, strict=True)]


def _scaled_down(arrays: Sequence[Array], max_norm: ArrayLike, total: Array) -> list[Array]:
    limit, length = jnp.asarray(max_norm).astype(total.dtype), total + 1e-6
    over = ~(limit / length > 1)
    first, then = shrinkage(limit, length, over)
    return [x * first.astype(real(x.dtype)) * then.astype(real(x.dtype)) for x in arrays]


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
    check_number("clip_grad_norm", "max_norm", max_norm)
    p = _norm_type("clip_grad_norm", norm_type)
    leaves = every_leaf("clip_grad_norm", "grads", grads)
    _check_norms("clip_grad_norm", "grads", leaves, p)
    clipped, total = _clip_grad_norm(
        leaves.arrays, max_norm, p, kind_of(p), bool(error_if_nonfinite)
    )
    return leaves.replaced(clipped), total


@op(static=("kind", "finite"), by_value=True)
def _clip_grad_norm(
    arrays: Sequence[Array], max_norm: ArrayLike, p: ArrayLike, kind: Kind, finite: bool
) -> tuple[list[Array], Array]:
    # Widened once, for both: gradients of half precision are then added before they are rounded.
    wide = widened(arrays)
    total = _total_norm(wide, p, kind)
    total = _finite("clip_grad_norm", total) if finite else total
    clipped = _rounded(_scaled_down(wide, max_norm, total), arrays)
    return clipped, total.astype(promoted(arrays))


# -------------------------------------------------------------------------------------- by value


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
    check_number("clip_grad_value", "clip_value", clip_value)
    leaves = every_leaf("clip_grad_value", "grads", grads, complex_too=False)
    return leaves.replaced(_clip_value(leaves.arrays, clip_value))


@op()
def _clip_value(arrays: Sequence[Array], clip_value: ArrayLike) -> list[Array]:
    return [_clamped(x, jnp.asarray(clip_value).astype(x.dtype)) for x in arrays]


def _clamped(x: Array, bound: Array) -> Array:
    raised = jnp.where(x < -bound, -bound, x)
    clamped = jnp.where(raised > bound, bound, raised)
    return jnp.where(jnp.isnan(x) | jnp.isnan(bound), jnp.nan, clamped)


# -------------------------------------------------------------------------------------- adaptive


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
    check_number(name, "clip_factor", clip_factor)
    check_number(name, "eps", eps)
    check_layout(name, layout)
    pair = paired(name, grads, every_place(params))
    clipped = _clip_units(pair[0].arrays, pair[1].arrays, clip_factor, eps, layout)
    return pair[0].replaced(clipped)


@op(static=("layout",))
def _clip_units(
    grads: Sequence[Array],
    weights: Sequence[Array],
    clip_factor: ArrayLike,
    eps: ArrayLike,
    layout: Layout,
) -> list[Array]:
    wide = widened([*grads, *weights])
    norms = unit_norms(wide, tuple(_unit_axes(x, layout) for x in wide))

    def clipped(g: Array, g_norm: Array, w_norm: Array) -> Array:
        dtype = g_norm.dtype
        least = jnp.maximum(w_norm.astype(dtype), jnp.asarray(eps).astype(dtype))
        ratio = jnp.asarray(clip_factor).astype(dtype)
        limit = ratio * least
        over = g_norm > limit
        # A norm of nan is no larger than the limit, and makes its unit nan all the same.
        unknown = jnp.isnan(g_norm) | jnp.isnan(limit)
        # A ratio of infinity would make the slope of a limit nan that is not taken.
        taken = ratio * jnp.where(over, least, 1)
        return shrunk_to(g, taken, g_norm, over) * jnp.where(unknown, jnp.nan, 1)

    count = len(grads)
    each = zip(wide[:count], norms[:count], norms[count:], strict=True)
    return _rounded([clipped(*parts) for parts in each], grads)


def _unit_axes(x: Array, layout: Layout) -> tuple[int, ...]:
    if x.ndim < 2:
        return tuple(range(x.ndim))
    return tuple(range(1, x.ndim)) if layout == "torch" else tuple(range(x.ndim - 1))


# ------------------------------------------------------------------------ optax transformations


def _stateless(update: Callable[[Tree, Tree | None], Tree]) -> optax.GradientTransformation:
    def init(params: Tree) -> optax.EmptyState:
        return optax.EmptyState()

    def updated(
        updates: Tree, state: optax.EmptyState, params: Tree | None = None
    ) -> tuple[Tree, optax.EmptyState]:
        return update(updates, params), state

    return optax.GradientTransformation(init, cast(Any, updated))


def clip_by_grad_norm(
    max_norm: ArrayLike, norm_type: ArrayLike | str = 2.0
) -> optax.GradientTransformation:
    """clip_by_grad_norm(max_norm) = `clip_grad_norm` as an optax transformation.

    For optax.chain, before the optimizer. optax.clip_by_global_norm differs from it: it adds no
    1e-6 to the norm, and its float32 overflows.

    Args:
        max_norm: [], unit of the gradients; with optax.inject_hyperparams a schedule.
        norm_type: [], dimensionless, p; "inf" as well. Under optax.inject_hyperparams name it in
            static_args, or it is traced.

    Returns:
        An optax.GradientTransformation of trees of arrays [...], any unit; its state is empty.

    Raises:
        TypeError: if max_norm or norm_type is no number.
        ValueError: if norm_type is another string than a number.

    Source:
        Pascanu et al. 2013; torch.nn.utils.clip_grad_norm_, torch 2.13.
    """
    check_number("clip_by_grad_norm", "max_norm", max_norm)
    p = _norm_type("clip_by_grad_norm", norm_type)

    def update(updates: Tree, params: Tree | None) -> Tree:
        return clip_grad_norm(updates, max_norm, p)[0]

    return _stateless(update)


def clip_by_grad_value(clip_value: ArrayLike) -> optax.GradientTransformation:
    """clip_by_grad_value(clip_value) = `clip_grad_value` as an optax transformation.

    Args:
        clip_value: [], unit of the gradients; with optax.inject_hyperparams a schedule.

    Returns:
        An optax.GradientTransformation of trees of arrays [...], any unit; its state is empty.

    Raises:
        TypeError: if clip_value is no number.

    Source:
        torch.nn.utils.clip_grad_value_, torch 2.13.
    """
    check_number("clip_by_grad_value", "clip_value", clip_value)

    def update(updates: Tree, params: Tree | None) -> Tree:
        return clip_grad_value(updates, clip_value)

    return _stateless(update)


def clip_adaptively(
    clip_factor: ArrayLike = 0.01, eps: ArrayLike = 1e-3, *, layout: Layout = "torch"
) -> optax.GradientTransformation:
    """clip_adaptively(clip_factor) = `adaptive_grad_clip` as an optax transformation.

    Its update needs the parameters. The paper leaves the last layer alone: optax.masked does that.

    Args:
        clip_factor: [], unit of the gradients per unit of the parameters.
        eps: [], unit of the parameters: the least norm of a unit.
        layout: "torch" has the outputs on axis 0, "flax" on the last one.

    Returns:
        An optax.GradientTransformation of trees of arrays [...], any unit; its state is empty.

    Raises:
        TypeError: if clip_factor or eps is no number.
        ValueError: if there is no such layout; by the update, if it gets no parameters.

    Source:
        Brock et al. 2021; beyond torch.nn.utils.clip_grad_norm_, torch 2.13.
    """
    check_number("clip_adaptively", "clip_factor", clip_factor)
    check_number("clip_adaptively", "eps", eps)
    check_layout("clip_adaptively", layout)

    def update(updates: Tree, params: Tree | None) -> Tree:
        if params is None:
            raise ValueError("clip_adaptively: params must be given to update, got None")
        return adaptive_grad_clip(updates, params, clip_factor, eps, layout=layout)

    return _stateless(update)
