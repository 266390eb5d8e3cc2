"""Vectors divided by their norm."""

from collections.abc import Sequence
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_floating, check_axis
from jaxact._norms import Kind, divided, kind_of, p_norm, unit_vectors, with_vectors_last
from jaxact._numbers import compute_dtype
from jaxact._op import op, program
from jaxact._rules import rematerialized
from jaxact.errors import ArgumentValueError, InvalidTypeError
from jaxact.regularizers.normalization._parameters import check_numbers

__all__ = ["normalize"]


@op(static=("dim",), compiled=False)
def normalize(
    input: ArrayLike,
    p: ArrayLike = 2.0,
    dim: int | Sequence[int] | None = 1,
    eps: ArrayLike = 1e-12,
) -> Array:
    """normalize(x) = x / max(|x|_p, eps), |x|_p = (Σ |x_i|^p)^(1/p) over dim.

    Where the norm is below eps the derivative is 1 / eps, where it is eps that of the norm, whose
    own is 0 at components that are 0; components that tie for the largest share it for p = ∞. No
    power overflows (in float32, torch gives 0 for vectors of 1e20), and in float16 eps does not
    become 0 (torch gives nan for the zero vector).

    Args:
        input: [...], x, any unit; floating.
        p: [], dimensionless. 2 is the Euclidean norm. 0, 1, 2 and ±∞ have code of their own if p
            is a number; an array is differentiated and costs the time of all.
        dim: the axis, or the axes, along which the vectors lie; () or None for all.
        eps: [], unit of input; the least norm that is divided by. At 0 the zero vector gives nan.

    Returns:
        [...], dimensionless, the dtype of input.

    Raises:
        TypeError: if input is no floating array (DtypeError), p or eps no number, dim no int.
        IndexError: if there is no axis dim.
        ValueError: if an axis is named twice, or the vectors have no components for a p that is
            negative or infinite.

    Source:
        torch.nn.functional.normalize, torch 2.13.
    """
    check_numbers("normalize", p=p, eps=eps)
    return _normalize(input, p, _axes(dim), eps, kind_of(p))


def _axes(dim: object) -> tuple[int, ...]:
    """One axis or several as a tuple of ints, () for all."""
    if dim is None:
        return ()
    axes = cast(Sequence[Any], dim if isinstance(dim, tuple | list) else (dim,))
    for axis in axes:
        if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
            raise InvalidTypeError(
                f"normalize: dim must be an int or a tuple of ints, got {type(axis).__name__}"
            )
    return tuple(int(axis) for axis in axes)


@program(static=("axes", "kind"))
def _normalize(
    input: ArrayLike, p: ArrayLike, axes: tuple[int, ...], eps: ArrayLike, kind: Kind
) -> Array:
    x = as_floating("normalize", "input", input)
    found = [check_axis("normalize", axis, x.ndim) for axis in axes] or list(range(x.ndim))
    if len(set(found)) < len(found):
        raise ArgumentValueError(f"normalize: dim must name each axis once, got {axes}")
    wide = compute_dtype(x.dtype)
    power, least = (jnp.asarray(number).astype(wide) for number in (p, eps))

    vectors = x.astype(wide)
    if not x.ndim:
        return _normalized(vectors[None], power, least, [0], kind).reshape(()).astype(x.dtype)
    return _normalized(vectors, power, least, found, kind).astype(x.dtype)


def _normalized(x: Array, p: Array, least: Array, axes: Sequence[int], kind: Kind) -> Array:
    if kind == "root":
        return unit_vectors(x, least, axes)

    def length(x: Array, p: Array) -> Array:
        return p_norm("normalize", (with_vectors_last(x, axes),), p, kind)

    norm = rematerialized(length)(x, p)
    # A norm that is nan is below nothing.
    divisor = jnp.where(norm < least, least, norm)
    return divided(x, jnp.expand_dims(divisor, axes))
