"""Norms of all leaves of a tree together."""

import functools
from collections.abc import Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import check_scalar
from jaxact._checking import nan_unless
from jaxact._norms import Kind, kind_of, norm_of_all, p_norm
from jaxact.errors import ArgumentValueError, InvalidValueError
from jaxact.regularizers._dtypes import promoted
from jaxact.regularizers._leaves import Selection


def parse_norm_type(function: str, norm_type: ArrayLike | str) -> ArrayLike:
    """The order p of a norm, from a number or a string such as "inf".

    Raises:
        TypeError: if it is no number.
        ValueError: if it is another string.
    """
    p = norm_type
    if isinstance(p, str):
        try:
            p = float(p)
        except ValueError:
            raise InvalidValueError(
                f"{function}: norm_type must be a number or 'inf', got {norm_type!r}"
            ) from None
    check_scalar(function, "norm_type", p)
    return p


def check_norms(function: str, argument: str, leaves: Selection, p: ArrayLike) -> None:
    """Check that each leaf has a norm of order p.

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


def nan_unless_finite(function: str, total: Array) -> Array:
    """The total, nan if it is infinite; a checked call raises then."""
    message = (
        f"{function}: the total norm must be finite with error_if_nonfinite=True, got {{value}}"
    )
    return nan_unless(total, jnp.isfinite(total), ArgumentValueError, message, total)


def total_norm_of(arrays: Sequence[Array], p: ArrayLike, kind: Kind) -> Array:
    """The norm of all arrays, which are in the dtype to compute in."""
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
    # The derivative of the general formula: the Euclidean norm has none in p.
    general = functools.partial(_norm_of_norms, kind="traced")
    _, step = cast(tuple[Array, Array], jax.jvp(general, tuple(primals), tuple(tangents)))
    return _traced_norm(*primals), step


def _norm_of_norms(arrays: Sequence[Array], p: Array, kind: Kind) -> Array:
    dtype = promoted(arrays)

    def norm(x: Array) -> Array:
        return p_norm("get_total_norm", (x.ravel(),), p.astype(x.dtype), kind).astype(dtype)

    return norm(jnp.stack([norm(x) for x in arrays]))
