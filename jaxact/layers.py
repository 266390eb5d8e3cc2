"""Stateless layers that a model needs beside the other families."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array
from jaxact._numbers import matmul_precision
from jaxact._op import op
from jaxact.errors import ArgumentTypeError, ArgumentValueError, DtypeError

__all__ = ["linear"]


@op()
def linear(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Array:
    """linear(x, w, b) = x · wᵀ + b.

    Half precision is multiplied and summed in float32 and rounded once. float32 is multiplied in
    full float32 precision on every device, as in torch, unless `jax.default_matmul_precision` says
    otherwise.

    Args:
        input: [..., in], any unit.
        weight: [out, in], any unit; or [in] for a single output, which then has no output axis.
        bias: [out] or [], unit of output; or any shape that broadcasts to the output's without
            enlarging it. None adds nothing.

    Returns:
        [..., out], or [...] if weight is [in]; unit of input times unit of weight; dtype of input.

    Raises:
        TypeError: if an argument is not an array, or the dtypes differ.
        DtypeError: if the dtype is boolean.
        ArgumentValueError: if ranks or sizes do not match.

    Source:
        torch.nn.functional.linear, torch 2.13.
    """
    x, w = as_array("linear", "input", input), as_array("linear", "weight", weight)
    _check_operands(x, w)
    accumulator = _accumulator(x)
    product = jnp.matmul(x, w.T, precision=matmul_precision(), preferred_element_type=accumulator)
    if bias is None:
        return product.astype(x.dtype)
    b = as_array("linear", "bias", bias)
    _check_bias(b, w, product)
    b = b.reshape((1,) * (product.ndim - b.ndim) + b.shape)
    return (product + b.astype(accumulator)).astype(x.dtype)


def _accumulator(x: Array) -> jnp.dtype:
    """The dtype to sum in."""
    half = jnp.issubdtype(x.dtype, jnp.floating) and x.dtype.itemsize == 2
    return jnp.dtype(jnp.float32) if half else x.dtype


def _check_operands(x: Array, w: Array) -> None:
    if x.dtype != w.dtype:
        raise ArgumentTypeError(
            f"linear: weight must have the dtype of input, {x.dtype.name}, got {w.dtype.name}"
        )
    if x.dtype == jnp.bool_:
        raise DtypeError("linear: input must have a numeric dtype, got bool")
    if x.ndim == 0:
        raise ArgumentValueError("linear: input must have at least 1 dimension, got 0")
    if w.ndim not in (1, 2):
        raise ArgumentValueError(f"linear: weight must have 1 or 2 dimensions, got {w.ndim}")
    if x.shape[-1] != w.shape[-1]:
        raise ArgumentValueError(
            f"linear: the last axis of input must be that of weight, {w.shape[-1]}, "
            f"got {x.shape[-1]}"
        )


def _check_bias(b: Array, w: Array, product: Array) -> None:
    if b.dtype != w.dtype:
        raise ArgumentTypeError(
            f"linear: bias must have the dtype of input, {w.dtype.name}, got {b.dtype.name}"
        )
    # The output of a 1-d weight has no output axis, so only a scalar bias can be added.
    shape = product.shape if w.ndim == 2 else ()
    fits = b.ndim <= len(shape) and all(
        size in (1, expected) for size, expected in zip(b.shape[::-1], shape[::-1], strict=False)
    )
    if not fits:
        raise ArgumentValueError(f"linear: bias must broadcast to {shape}, got {b.shape}")
