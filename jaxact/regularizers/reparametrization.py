"""Weights divided by a norm of theirs."""

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating, check_axis
from jaxact._keys import check_key
from jaxact._norms import divided, unit_vectors
from jaxact._numbers import compute_dtype, matmul_precision
from jaxact._op import op, program
from jaxact.errors import ArgumentTypeError, ArgumentValueError, InvalidIndexError, InvalidTypeError
from jaxact.random import TorchGenerator

__all__ = ["spectral_norm", "spectral_norm_init", "weight_norm"]

# Of the power method, before the first step of a training.
_INITIAL_ITERATIONS = 15


# ----------------------------------------------------------------------------------- weight_norm


def _check_weight_norm(function: str, dim: object) -> None:
    if dim is not None:
        _check_int("weight_norm", "dim", dim)


def _check_int(function: str, argument: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidTypeError(f"{function}: {argument} must be an int, got {type(value).__name__}")


@op(static=("dim",), checks={("dim",): _check_weight_norm})
def weight_norm(v: ArrayLike, g: ArrayLike, dim: int | None = 0) -> Array:
    """weight_norm(v, g) = g v / √(Σ v²), the sum over all axes but dim.

    No square overflows or vanishes (in float32, torch gives 0 for v = 1e20 and inf for 1e-30).
    Where v is 0 the result and both gradients are nan: 0 has no direction. The second derivative
    in v is that of the formula; torch's fails its own gradgradcheck.

    Args:
        v: [...], any unit; floating. Only its direction counts.
        g: [c], the lengths, unit of the result, for the axis dim of v, of length c; also with
            v's other axes of length 1, as torch has it. For dim=None one number, [].
        dim: the axis along which each entry has a length of its own, the output axis by default.
            With None the whole of v has one; -1 is None, as in torch, and not the last axis.

    Returns:
        [...], the shape of v, unit of g, the dtype of v.

    Raises:
        TypeError: if v is not floating (DtypeError), or g has another dtype (ArgumentTypeError).
        IndexError: if there is no axis dim, or v has no axes.
        ValueError: if g has another shape (torch then reads beyond its memory).

    Source:
        Salimans & Kingma, "Weight Normalization", 2016;
        torch.nn.utils.parametrizations.weight_norm, torch 2.13.
    """
    x = as_floating("weight_norm", "v", v)
    lengths = as_array("weight_norm", "g", g)
    if lengths.dtype != x.dtype and not lengths.weak_type:
        raise ArgumentTypeError(
            f"weight_norm: g must have v's dtype {x.dtype.name}, got {lengths.dtype.name}"
        )
    if not x.ndim:
        raise InvalidIndexError("weight_norm: v must have at least 1 dimension, got 0")
    axis = None if dim is None or dim == -1 else check_axis("weight_norm", dim, x.ndim)
    kept = tuple(n if i == axis else 1 for i, n in enumerate(x.shape))
    if lengths.shape not in {kept, () if axis is None else (x.shape[axis],)}:
        raise ArgumentValueError(
            f"weight_norm: g must have one number for each entry along dim={dim} of a v of shape "
            f"{x.shape}, got shape {lengths.shape}"
        )
    wide = compute_dtype(x.dtype)
    axes = [i for i in range(x.ndim) if i != axis]
    units = unit_vectors(x.astype(wide), jnp.zeros((), wide), axes)
    return (lengths.astype(wide).reshape(kept) * units).astype(x.dtype)


# --------------------------------------------------------------------------------- spectral_norm


def _check_spectral_norm(function: str, n_power_iterations: object, dim: object) -> None:
    _check_int("spectral_norm", "dim", dim)
    _check_int("spectral_norm", "n_power_iterations", n_power_iterations)
    if cast(int, n_power_iterations) < 0:
        raise ArgumentValueError(
            f"spectral_norm: n_power_iterations must not be negative, got {n_power_iterations}"
        )


@op(
    static=("n_power_iterations", "dim"),
    checks={("n_power_iterations", "dim"): _check_spectral_norm},
)
def spectral_norm(
    weight: ArrayLike,
    u: ArrayLike | None,
    v: ArrayLike | None,
    n_power_iterations: int = 1,
    eps: ArrayLike = 1e-12,
    dim: int = 0,
) -> tuple[Array, Array | None, Array | None]:
    """spectral_norm(W, u, v) = W / σ, σ = uᵀ W v, near the largest singular value, and new u, v.

    Before that u = W v / max(|W v|, eps) and v = Wᵀ u / max(|Wᵀ u|, eps) are taken
    n_power_iterations times; keep the new ones for the next call. The gradient goes through W in σ,
    and through u and v nowhere: they are constants. A weight of 1 axis is divided by its own norm.
    W v, Wᵀ u and σ have to be numbers: the weight is not scaled. On an explicit mesh u and v stay
    distributed as they are.

    Args:
        weight: [...], W, any unit; floating. Its axis dim is that of the rows, all others together
            are the columns.
        u: [h], dimensionless, for the h rows, of length 1; see `spectral_norm_init`. None for a
            weight of 1 axis.
        v: [w], dimensionless, for the w columns, of length 1. None for a weight of 1 axis.
        n_power_iterations: how many; 0 in evaluation, which leaves u and v as they are.
        eps: [], unit of W; the least norm that is divided by.
        dim: the output axis: 0, and 1 for transposed convolutions.

    Returns:
        (W / σ, u, v): [...], [h] and [w], dimensionless, each of its argument's dtype. A weight
        of 0 gives nan.

    Raises:
        TypeError: if weight, u or v is not floating (DtypeError) or missing.
        IndexError: if there is no axis dim.
        ValueError: if n_power_iterations is negative, or u or v has another shape.

    Source:
        Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018;
        torch.nn.utils.parametrizations.spectral_norm, torch 2.13.
    """
    x = as_floating("spectral_norm", "weight", weight)
    matrix = _matrix("spectral_norm", x, dim)
    least = as_array("spectral_norm", "eps", eps).astype(matrix.dtype)
    if u is None or v is None:
        if x.ndim > 1:
            raise ArgumentTypeError("spectral_norm: u and v must be given for a matrix, got None")
        return unit_vectors(matrix, least, [0]).astype(x.dtype), None, None
    rows, columns = (as_floating("spectral_norm", n, a) for n, a in (("u", u), ("v", v)))
    if (*rows.shape, *columns.shape) != matrix.shape or rows.ndim != 1:
        raise ArgumentValueError(
            f"spectral_norm: u and v must have the shapes ({matrix.shape[0]},) and "
            f"({matrix.shape[-1]},), got {rows.shape} and {columns.shape}"
        )
    left, right = _power_method(matrix, rows, columns, n_power_iterations, least)
    largest = _times(left, _times(matrix, right, left), least)
    normalized = divided(x.astype(matrix.dtype), largest).astype(x.dtype)
    return normalized, left.astype(rows.dtype), right.astype(columns.dtype)


def _matrix(function: str, weight: Array, dim: int) -> Array:
    """The weight with the axis dim first and the others as one, in what is computed in."""
    if not weight.ndim:
        raise InvalidIndexError(f"{function}: weight must have at least 1 dimension, got 0")
    axis = check_axis(function, dim, weight.ndim)
    turned = jnp.moveaxis(weight, axis, 0).astype(compute_dtype(weight.dtype))
    columns = int(np.prod(turned.shape[1:]))
    return turned if weight.ndim == 1 else turned.reshape(turned.shape[0], columns)


def _times(left: Array, right: Array, like: Array) -> Array:
    """The product, on an explicit mesh distributed as `like`: of sums it could be either way."""
    *others, spec = (jax.typeof(array).sharding.spec for array in (left, right, like))
    explicit = any(axis is not None for each in (*others, spec) for axis in each)
    return jnp.matmul(
        left,
        right,
        precision=matmul_precision(),
        out_sharding=spec if explicit else None,
    )


def _power_method(
    matrix: Array, u: Array, v: Array, iterations: int, least: Array
) -> tuple[Array, Array]:
    """The two vectors after so many steps, as constants."""
    constant, eps = jax.lax.stop_gradient((matrix, least))
    wide = matrix.dtype

    left, right = (jax.lax.stop_gradient(x).astype(wide) for x in (u, v))
    # No loop of jax's: in a mapped program its vectors would first have to vary as the matrix does.
    for _ in range(iterations):
        left = unit_vectors(_times(constant, right, left), eps, [0])
        right = unit_vectors(_times(constant.T, left, right), eps, [0])
    return left, right


@op(static=("dim",), compiled=False)
def spectral_norm_init(
    key: Array | TorchGenerator, weight: ArrayLike, eps: ArrayLike = 1e-12, dim: int = 0
) -> tuple[Array | None, Array | None]:
    """spectral_norm_init(key, W) = u and v after 15 power iterations, from normal numbers.

    With a `jaxact.random.TorchGenerator` they start from the numbers that torch draws. Registering
    the parametrization, torch then calls it once, as `spectral_norm(W, u, v)` does.

    Args:
        key: a JAX random key, or a TorchGenerator.
        weight: [...], W, any unit; floating.
        eps: [], unit of W; the least norm that is divided by.
        dim: the output axis: 0, and 1 for transposed convolutions.

    Returns:
        (u, v), [h] and [w], dimensionless, of length 1 and the dtype of weight; (None, None) for a
        weight of 1 axis.

    Raises:
        TypeError: if weight is not floating (DtypeError), or key is no key.
        IndexError: if there is no axis dim.

    Source:
        torch.nn.utils.parametrizations.spectral_norm, torch 2.13, when it is called.
    """
    _check_int("spectral_norm_init", "dim", dim)
    x = as_floating("spectral_norm_init", "weight", weight)
    matrix = _matrix("spectral_norm_init", x, dim)
    if matrix.ndim == 1:
        return None, None
    if isinstance(key, TorchGenerator):
        u, v = (jnp.asarray(key.randn((n,), x.dtype)) for n in matrix.shape)
    else:
        check_key("spectral_norm_init", key, "a JAX random key or a TorchGenerator")
        keys = jax.random.split(key)
        u, v = (
            jax.random.normal(k, (n,), x.dtype) for k, n in zip(keys, matrix.shape, strict=True)
        )
    return _iterated(matrix, u, v, eps)


@program()
def _iterated(matrix: Array, u: Array, v: Array, eps: ArrayLike) -> tuple[Array, Array]:
    least = as_array("spectral_norm_init", "eps", eps).astype(matrix.dtype)
    left, right = (unit_vectors(x.astype(matrix.dtype), least, [0]) for x in (u, v))
    left, right = _power_method(matrix, left, right, _INITIAL_ITERATIONS, least)
    return left.astype(u.dtype), right.astype(v.dtype)
