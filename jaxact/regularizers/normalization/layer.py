"""Layer and RMS normalization: over the last axes."""

import math
from collections.abc import Mapping, Sequence
from typing import cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_floating
from jaxact._numbers import compute_dtype
from jaxact._op import op, program
from jaxact.errors import ArgumentValueError, InvalidTypeError
from jaxact.regularizers.normalization._moments import (
    inverse_rms,
    normalized,
    rounded_once,
    standard,
)
from jaxact.regularizers.normalization._parameters import check_parameters, eps_array

__all__ = ["layer_norm", "rms_norm"]


@op(static=("normalized_shape",), compiled=False)
def layer_norm(
    input: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: ArrayLike = 1e-5,
) -> Array:
    """layer_norm(x) = (x - mean) / √(var + eps) weight + bias, over the last axes of x.

    The variance is the biased one. Mean and variance are taken in two passes, as sums of
    differences: numbers around 10⁶ keep their digits. The backward pass keeps x and a few numbers
    for each row. Where squares overflow, from 10¹⁹ in float32, the result is 0, as in torch, and
    nan where sums of x do.

    Args:
        input: [..., *normalized_shape], any unit; floating.
        normalized_shape: the shape of the last axes, over which the mean is taken; not empty.
        weight: [*normalized_shape], dimensionless. None is 1.
        bias: [*normalized_shape], unit of the result. None is 0.
        eps: [], unit of input squared; 1e-5 by default; var + eps below 0 gives nan.

    Returns:
        [..., *normalized_shape]; dimensionless, without a weight; the dtype of input.

    Raises:
        TypeError: if normalized_shape is no sequence of ints.
        ArgumentValueError: if shapes do not fit.
        ArgumentTypeError: if weight and bias have not both input's dtype; beside half precision
            they may be float32.
        DtypeError: if input is not floating.

    Source:
        Ba et al. 2016; torch.nn.functional.layer_norm, torch 2.13.
    """
    return _layer_norm(input, _shape("layer_norm", normalized_shape), weight, bias, eps)


@program(static=("normalized_shape",))
def _layer_norm(
    input: ArrayLike,
    normalized_shape: tuple[int, ...],
    weight: ArrayLike | None,
    bias: ArrayLike | None,
    eps: ArrayLike,
) -> Array:
    x = as_floating("layer_norm", "input", input)
    shape = _rows("layer_norm", x, normalized_shape)
    arrays = check_parameters("layer_norm", x, normalized_shape, weight=weight, bias=bias)
    wide = compute_dtype(x.dtype)
    small = eps_array("layer_norm", eps, wide)
    if not x.size:
        return x
    of = {name: _for_rows(array, shape, wide) for name, array in arrays.items()}

    def formula(x: Array, of: Mapping[str, Array | None], eps: Array) -> Array:
        rows = x.reshape(shape)
        found = standard(rows, eps, (len(shape) - 1,))
        result = normalized(rows, *found, of["weight"], of["bias"])
        return result.reshape(x.shape)

    return rounded_once(formula, x, of, small)


@op(static=("normalized_shape",), compiled=False)
def rms_norm(
    input: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    eps: ArrayLike | None = None,
) -> Array:
    """rms_norm(x) = x / √(mean x² + eps) weight, over the last axes of x.

    The gradient at a row of zeros is 1/√eps. Where squares overflow, from 10¹⁹ in float32, the
    result is 0, as in torch. Complex input, which torch takes, is rejected.

    Args:
        input: [..., *normalized_shape], any unit; floating.
        normalized_shape: the shape of the last axes, over which the mean is taken; not empty.
        weight: [*normalized_shape], dimensionless, of any floating dtype. None is 1.
        eps: [], unit of input squared; mean x² + eps below 0 gives nan. None, the default, stands
            for 2.2e-16 in float64, else, in half precision as well, for float32's 1.2e-7.

    Returns:
        [..., *normalized_shape]; dimensionless, without a weight; the dtype of input.

    Raises:
        TypeError: if normalized_shape is no sequence of ints.
        ArgumentValueError: if shapes do not fit.
        DtypeError: if an array is not floating.

    Source:
        Zhang and Sennrich 2019; torch.nn.functional.rms_norm, torch 2.13.
    """
    return _rms_norm(input, _shape("rms_norm", normalized_shape), weight, eps)


@program(static=("normalized_shape",))
def _rms_norm(
    input: ArrayLike,
    normalized_shape: tuple[int, ...],
    weight: ArrayLike | None,
    eps: ArrayLike | None,
) -> Array:
    x = as_floating("rms_norm", "input", input)
    shape = _rows("rms_norm", x, normalized_shape)
    arrays = check_parameters("rms_norm", None, normalized_shape, weight=weight)
    wide = compute_dtype(x.dtype)
    small = eps_array("rms_norm", float(np.finfo(wide).eps) if eps is None else eps, wide)
    if not x.size:
        return x

    def formula(x: Array, weight: Array | None, eps: Array) -> Array:
        rows = x.reshape(shape)
        scale = inverse_rms(rows, eps, (len(shape) - 1,))
        nothing = jnp.zeros_like(scale)
        return normalized(rows, nothing, nothing, scale, weight, None).reshape(x.shape)

    return rounded_once(formula, x, _for_rows(arrays["weight"], shape, wide), small)


def _for_rows(parameter: Array | None, shape: tuple[int, ...], dtype: np.dtype) -> Array | None:
    if parameter is None:
        return None
    return parameter.astype(dtype).reshape((1,) * (len(shape) - 1) + shape[-1:])


def _shape(function: str, shape: Sequence[int]) -> tuple[int, ...]:
    lengths = cast(Sequence[object], shape)
    if not isinstance(lengths, tuple | list) or not all(
        isinstance(length, int | np.integer) for length in lengths
    ):
        raise InvalidTypeError(
            f"{function}: normalized_shape must be a tuple of ints, got {type(shape).__name__}"
        )
    return tuple(int(length) for length in shape)


def _rows(function: str, x: Array, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of x with the last axes as one, and without axes of length 1: see `Layout`."""
    if not shape:
        raise ArgumentValueError(f"{function}: normalized_shape must not be empty, got ()")
    first = x.ndim - len(shape)
    if first < 0 or x.shape[first:] != shape:
        raise ArgumentValueError(
            f"{function}: input must end with the axes {shape}, got shape {x.shape}"
        )
    return (*(length for length in x.shape[:first] if length != 1), math.prod(shape))
