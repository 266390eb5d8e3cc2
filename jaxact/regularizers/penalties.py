"""Penalties: what is added to the loss."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import Layout, as_floating, check_scalar, known_layout
from jaxact._checking import nan_unless
from jaxact._elementary import sign
from jaxact._flat_draws import flat_normal
from jaxact._norms import Axes, unit_norms
from jaxact._numbers import compute_dtype, is_number, matmul_precision
from jaxact._op import op, program
from jaxact.errors import ArgumentValueError, InvalidTypeError
from jaxact.regularizers._dtypes import promoted, widened
from jaxact.regularizers._leaves import Tree, Where, selected
from jaxact.regularizers._units import other_axes

__all__ = [
    "elastic_net",
    "group_lasso",
    "jacobian_penalty",
    "l1_penalty",
    "l2_penalty",
    "orthogonality_penalty",
]


def _sum(arrays: Sequence[Array], parts: Sequence[Array]) -> Array:
    """The sum of what each array contributes, rounded once to the dtype of all together."""
    dtype = promoted(arrays)
    wide = compute_dtype(dtype)
    return functools.reduce(jnp.add, [p.astype(wide) for p in parts], jnp.zeros((), wide)).astype(
        dtype
    )


@jax.custom_jvp
def _size(x: Array) -> Array:
    """|x|, with the slope 0 at 0 and at nan, as torch's."""
    return jnp.abs(x)


@_size.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (direction,) = primals, tangents
    return _size(x), sign(x) * direction


@op(static=("where",), compiled=False)
def l1_penalty(params: Tree, *, where: Where = "weights") -> Array:
    """l1_penalty(w) = Σ |w|, over all elements of the leaves that `where` selects.

    The gradient is the sign of w, 0 at 0.

    Args:
        params: a tree of arrays [...], any unit.
        where: "weights" selects the leaves of at least 2 axes whose name is neither bias nor
            scale, "all" every floating leaf, any other string those whose path it matches as a
            glob, such as "encoder/*/kernel"; or several globs, a function (path, leaf) -> bool, or
            a tree of booleans.

    Returns:
        [], unit of params, in the dtype that the leaves promote to; 0 if there are none. Half
        precision is summed in float32 and rounded once.

    Raises:
        ValueError: if `where` matches nothing, or is a tree of another structure.
        TypeError: if `where` is something else, or a leaf is complex (DtypeError).

    Source:
        Tibshirani 1996; beyond torch.nn.L1Loss, torch 2.13.
    """
    return _l1_penalty(selected("l1_penalty", params, where).arrays)


@program()
def _l1_penalty(arrays: Sequence[Array]) -> Array:
    return _sum(arrays, [jnp.sum(_size(x)) for x in widened(arrays)])


@op(static=("where",), compiled=False)
def l2_penalty(params: Tree, *, where: Where = "weights") -> Array:
    """l2_penalty(w) = Σ w^2, over all elements of the leaves that `where` selects.

    There is no factor 1/2: added to a loss, weight_decay/2 times it has the gradient of torch's
    `weight_decay`, weight_decay w.

    Args:
        params: a tree of arrays [...], any unit.
        where: which leaves, see `l1_penalty`; "weights" leaves out biases and scales.

    Returns:
        [], the square of the unit of params, in the dtype that the leaves promote to; 0 if there
        are none. Half precision is summed in float32 and rounded once.

    Raises:
        ValueError: if `where` matches nothing, or is a tree of another structure.
        TypeError: if `where` is something else, or a leaf is complex (DtypeError).

    Source:
        Krogh & Hertz 1991; beyond torch.optim.SGD, torch 2.13.
    """
    return _l2_penalty(selected("l2_penalty", params, where).arrays)


@program()
def _l2_penalty(arrays: Sequence[Array]) -> Array:
    return _sum(arrays, [jnp.sum(jnp.square(x)) for x in widened(arrays)])


@op(static=("where",), compiled=False)
def elastic_net(params: Tree, l1_ratio: ArrayLike = 0.5, *, where: Where = "weights") -> Array:
    """elastic_net(w) = l1_ratio Σ |w| + (1 - l1_ratio)/2 Σ w^2.

    The formula of sklearn.linear_model.ElasticNet: the squares have the factor 1/2. The gradient of
    |w| at 0 is 0.

    Args:
        params: a tree of arrays [...], dimensionless.
        l1_ratio: [], dimensionless, in [0, 1]; 1 is `l1_penalty`, 0 half of `l2_penalty`.
        where: which leaves, see `l1_penalty`; "weights" leaves out biases and scales.

    Returns:
        [], dimensionless, in the dtype that the leaves promote to; 0 if there are none, nan if a
        traced l1_ratio is out of range.

    Raises:
        ValueError: if l1_ratio is out of range, in a checked call a traced one as well; if `where`
            matches nothing, or is a tree of another structure.
        TypeError: if `where` is something else, or a leaf is complex (DtypeError).

    Source:
        Zou & Hastie 2005; beyond torch.nn.L1Loss, torch 2.13.
    """
    check_scalar("elastic_net", "l1_ratio", l1_ratio)
    if is_number(l1_ratio) and not 0 <= l1_ratio <= 1:
        raise ArgumentValueError(f"elastic_net: l1_ratio must be in [0, 1], got {l1_ratio}")
    return _elastic_net(selected("elastic_net", params, where).arrays, l1_ratio)


@program()
def _elastic_net(arrays: Sequence[Array], l1_ratio: ArrayLike) -> Array:
    given = jnp.asarray(l1_ratio).astype(jnp.result_type(float))
    message = "elastic_net: l1_ratio must be in [0, 1], got {value}"
    ratio = nan_unless(given, (given >= 0) & (given <= 1), ArgumentValueError, message, given)

    def part(x: Array) -> Array:
        r = ratio.astype(x.dtype)
        return r * jnp.sum(_size(x)) + (1 - r) / 2 * jnp.sum(jnp.square(x))

    return _sum(arrays, [part(x) for x in widened(arrays)])


@op(static=("axis", "where"), compiled=False)
def group_lasso(params: Tree, *, axis: int = 0, where: Where = "weights") -> Array:
    """group_lasso(w) = Σ_g sqrt(n_g) |w_g|, over the groups g of n_g elements, |.| Euclidean.

    A group is what belongs to one index of `axis`. The gradient at a group of zeros is 0, as torch
    has it for its norm; no square overflows. A group whose squares all vanish, of numbers below
    1e-19 in float32, 1e-154 in float64, counts as zeros.

    Args:
        params: a tree of arrays [...], any unit.
        axis: of the groups. 0 groups the weights of each output in torch's layout, -1 in flax's; 1
            and -2 those of each input of a matrix.
        where: which leaves, see `l1_penalty`; "weights" leaves out biases and scales.

    Returns:
        [], unit of params, in the dtype that the leaves promote to; 0 if there are none.

    Raises:
        IndexError: if a leaf has no such axis.
        ValueError: if `where` matches nothing, or is a tree of another structure.
        TypeError: if `where` or axis is something else, or a leaf is complex (DtypeError).

    Source:
        Yuan & Lin 2006; Scardapane et al. 2017 for networks; beyond torch.linalg.vector_norm, torch
        2.13.
    """
    arrays = selected("group_lasso", params, where).arrays
    return _group_lasso(arrays, tuple(other_axes("group_lasso", x, axis) for x in arrays))


@program(static=("axes",))
def _group_lasso(arrays: Sequence[Array], axes: Axes) -> Array:
    norms = unit_norms(widened(arrays), axes)
    parts = [
        math.sqrt(math.prod(x.shape[i] for i in a)) * jnp.sum(n)
        for x, a, n in zip(arrays, axes, norms, strict=True)
    ]
    return _sum(arrays, parts)


@op(static=("layout", "where"), compiled=False)
def orthogonality_penalty(
    params: Tree, *, where: Where = "weights", layout: Layout = "torch"
) -> Array:
    """orthogonality_penalty(W) = Σ ||W W^T - I||_F^2, each leaf as a matrix of outputs by the rest.

    The product is taken of rows or of columns, whichever are fewer, as the others cannot be
    orthonormal: W^T W where there are more outputs than inputs.

    Args:
        params: a tree of arrays [...], dimensionless. Weights of several layers in one leaf count
            as one matrix; map the call over them with vmap.
        where: which leaves, see `l1_penalty`; "weights" leaves out biases and scales.
        layout: "torch" has the outputs on axis 0, "flax" on the last one.

    Returns:
        [], dimensionless, in the dtype that the leaves promote to; 0 if there are none. Half
        precision is computed in float32 and rounded once.

    Raises:
        ValueError: if there is no such layout; if `where` matches nothing, or is a tree of another
            structure.
        TypeError: if `where` is something else, or a leaf is complex (DtypeError).

    Source:
        Bansal et al. 2018 (soft orthogonality; Brock et al. 2017 add absolute values instead of
        squares); beyond torch.nn.utils.parametrizations.orthogonal, torch 2.13.
    """
    known_layout("orthogonality_penalty", "layout", layout)
    return _orthogonality_penalty(selected("orthogonality_penalty", params, where).arrays, layout)


@program(static=("layout",))
def _orthogonality_penalty(arrays: Sequence[Array], layout: Layout) -> Array:
    return _sum(arrays, [_gram_distance(x, layout) for x in widened(arrays)])


def _gram_distance(x: Array, layout: Layout) -> Array:
    """||W W^T - I||_F^2 of the smaller of the two products."""
    x = x.reshape(x.shape or (1,))
    axis = 0 if layout == "torch" else x.ndim - 1
    outputs = x.shape[axis]
    inputs = math.prod(x.shape) // max(outputs, 1)
    matrix = x.reshape((outputs, inputs) if axis == 0 else (inputs, outputs))
    summed = 1 if matrix.shape[0] <= matrix.shape[1] else 0
    gram = jax.lax.dot_general(
        matrix, matrix, (((summed,), (summed,)), ((), ())), precision=matmul_precision()
    )
    return jnp.sum(jnp.square(gram - jnp.eye(gram.shape[0], dtype=gram.dtype)))


@op(static=("f", "num_projections"), compiled=False)
def jacobian_penalty(
    f: Callable[[Array], Array],
    x: ArrayLike,
    *,
    key: Array | None = None,
    num_projections: int | None = 1,
) -> Array:
    """jacobian_penalty(f, x) = mean_i ||∂f(x)_i/∂x_i||_F^2, over the samples i of the batch.

    A random direction of length 1 in the space of the c outputs has, through the Jacobian, a
    squared length of ||J||_F^2 / c on average: the estimate needs one backward pass for each
    projection, has no bias, and a variance of the order ||J||_F^4 / num_projections. The same key
    draws the same directions. Differentiable in x and in what f closes over.

    Args:
        f: gives outputs [n, ...] for inputs [n, ...], each sample's from that sample alone.
        x: [n, ...], any unit.
        key: of the random directions.
        num_projections: how many of them for each sample. None takes each output once, which is
            exact and needs no key.

    Returns:
        [], dimensionless where f(x) has the unit of x, in the dtype of x; nan for an empty batch.

    Raises:
        TypeError: if key is not given but needed, or x or f(x) is no floating array (DtypeError).
        ValueError: if num_projections is less than 1, or f(x) has another number of samples.

    Source:
        Hoffman et al. 2019, algorithm 1; beyond torch.func.jacrev, torch 2.13.
    """
    if not callable(cast(object, f)):
        raise InvalidTypeError(f"jacobian_penalty: f must be a function, got {type(f).__name__}")
    inputs = as_floating("jacobian_penalty", "x", x)
    _check_projections(key, num_projections)
    outputs, pull = cast(tuple[Any, Any], jax.vjp(f, inputs))
    outputs = as_floating("jacobian_penalty", "f(x)", outputs)
    if not inputs.ndim or not outputs.ndim or inputs.shape[0] != outputs.shape[0]:
        raise ArgumentValueError(
            "jacobian_penalty: f(x) must have as many samples along axis 0 as x, got shape "
            f"{outputs.shape} for {inputs.shape}"
        )
    count = math.prod(outputs.shape[1:])
    if num_projections is None:
        directions, weight = _each_output(outputs, count), 1.0
    else:
        directions = _random_directions(outputs, count, cast(Array, key), num_projections)
        weight = count / num_projections

    def squared_length(direction: Array) -> Array:
        (pulled,) = cast(tuple[Array], pull(direction))
        return jnp.sum(jnp.square(pulled.astype(compute_dtype(pulled.dtype))))

    total = jnp.sum(jax.vmap(squared_length)(directions))
    samples = inputs.shape[0]
    return (total * weight / samples if samples else total * jnp.nan).astype(inputs.dtype)


def _check_projections(key: object, num_projections: object) -> None:
    if num_projections is None:
        return
    if isinstance(num_projections, bool) or not isinstance(num_projections, int | np.integer):
        raise InvalidTypeError(
            "jacobian_penalty: num_projections must be an int or None, got "
            f"{type(num_projections).__name__}"
        )
    if num_projections < 1:
        raise ArgumentValueError(
            f"jacobian_penalty: num_projections must be at least 1, got {num_projections}"
        )
    if key is None:
        raise InvalidTypeError(
            "jacobian_penalty: key must be given unless num_projections is None, got None"
        )


def _each_output(outputs: Array, count: int) -> Array:
    """[c, n, ...], for each output that one in every sample."""
    units = jnp.eye(count, dtype=outputs.dtype).reshape((count, 1, *outputs.shape[1:]))
    return jnp.broadcast_to(units, (count, *outputs.shape))


def _random_directions(outputs: Array, count: int, key: Array, projections: int) -> Array:
    """[projections, n, ...], of length 1 for each sample and independent of each other."""
    wide = compute_dtype(outputs.dtype)
    drawn = flat_normal(key, (projections, outputs.shape[0], count), wide)
    (length,) = unit_norms([drawn], ((2,),))
    unit = drawn / jnp.where(length == 0, 1, length)
    return unit.astype(outputs.dtype).reshape((projections, *outputs.shape))
