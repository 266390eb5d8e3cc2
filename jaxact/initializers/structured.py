"""Structured matrices and kernels: identities, orthogonal and sparse matrices."""

import math
import operator
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact._arguments import check_scalar
from jaxact.errors import DtypeError, InvalidDivisorError, InvalidIndexError, InvalidValueError
from jaxact.initializers._draws import check_std, draw_normal
from jaxact.initializers._initializer import (
    Dtype,
    Initializer,
    Key,
    Layout,
    Number,
    Shape,
    initializer,
    initializer_factory,
)
from jaxact.random import TorchGenerator

__all__ = ["dirac", "eye", "orthogonal", "sparse"]


@initializer_factory()
def eye(*, layout: Layout = "torch") -> Initializer:
    """eye()(key, shape) = 1 on the diagonal, 0 elsewhere: passes on as many inputs as fit.

    Args:
        layout: has no effect here.

    Returns:
        An initializer, init(key, shape, dtype) -> [n, m] of any dtype, dimensionless. The key is
        not used.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'; when called, if shape does not have two
            axes.

    Source:
        torch.nn.init.eye_, torch 2.13.
    """

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        _check_matrix("eye", shape)
        return jnp.eye(*shape, dtype=dtype)

    return initializer("eye", draw, layout, random=False)


@initializer_factory()
def dirac(groups: int = 1, *, layout: Layout = "torch") -> Initializer:
    """dirac(groups)(key, shape) = 1 at the kernel's middle from input d to output d, 0 elsewhere.

    Each group of outputs passes on as many of its inputs as fit. The middle of an even kernel of
    length k is at index k / 2.

    Args:
        groups: dimensionless; the number of groups of the convolution, 1 by default.
        layout: 'torch' reads shapes as (out, in / groups, *kernel), 'flax' as (*kernel,
            in / groups, out).

    Returns:
        An initializer, init(key, shape, dtype) -> [out, in, ...] or [..., in, out] of any dtype,
        dimensionless. The key is not used.

    Raises:
        TypeError: if groups is not an integer.
        ValueError: if groups is negative or layout is neither 'torch' nor 'flax'; when called, if
            shape does not have three to five axes, or groups does not divide the number of outputs.
        ZeroDivisionError: if groups is 0.
        IndexError: if the initializer is called with a kernel of length 0.

    Source:
        torch.nn.init.dirac_, torch 2.13.
    """
    count = operator.index(groups)
    if count == 0:
        raise InvalidDivisorError("dirac: groups must be positive, got 0")
    if count < 0:
        raise InvalidValueError(f"dirac: groups must be positive, got {groups}")

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        if len(shape) not in (3, 4, 5):
            raise InvalidValueError(f"dirac: shape must have 3, 4 or 5 axes, got {shape}")
        outputs, inputs, *kernel = shape
        if outputs % count:
            raise InvalidValueError(
                f"dirac: groups must divide the {outputs} outputs, got {groups}"
            )
        passed = min(outputs // count, inputs)
        if passed and 0 in kernel:
            raise InvalidIndexError(f"dirac: the kernel must have a middle, got shape {shape}")
        first = np.arange(count)[:, None] * (outputs // count)
        place = np.arange(passed)
        middle = tuple(length // 2 for length in kernel)
        return jnp.zeros(shape, dtype).at[(first + place, place, *middle)].set(1)

    return initializer("dirac", draw, layout, random=False)


@initializer_factory()
def orthogonal(gain: Number = 1, *, layout: Layout = "torch") -> Initializer:
    """orthogonal(gain)(key, shape) = gain Q, with orthonormal rows or columns, whichever are fewer.

    Q is uniformly distributed over these matrices (Haar measure): it is the Q of the QR
    decomposition of a normal matrix, with signs that make the diagonal of R positive. Kernels count
    as matrices of shape (out, in * kernel).

    Args:
        gain: dimensionless; the value of all singular values, 1 by default.
        layout: 'torch' reads shapes as (out, in, *kernel), 'flax' as (*kernel, in, out).

    Returns:
        An initializer, init(key, shape, dtype) -> [out, in, ...] or [..., in, out] of float32 or
        float64, dimensionless. With a TorchGenerator the decomposition is computed in float64 and
        rounded; torch's float32 decomposition has errors of about 1e-6.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'; when called, if shape has fewer than
            two axes.
        DtypeError: if the initializer is called with a dtype other than float32 and float64.

    Source:
        A. Saxe et al., Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks, 2013. F. Mezzadri, How to generate random matrices from the classical compact
        groups, 2007. torch.nn.init.orthogonal_, torch 2.13.
    """

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        if len(shape) < 2:
            raise InvalidValueError(f"orthogonal: shape must have two axes or more, got {shape}")
        if dtype not in (jnp.float32, jnp.float64):
            raise DtypeError(f"orthogonal: dtype must be float32 or float64, got {dtype.name}")
        if 0 in shape:
            return jnp.zeros(shape, dtype)
        matrix = (shape[0], math.prod(shape[1:]))
        if isinstance(key, TorchGenerator):
            normal = key.normal(matrix, 0.0, 1.0, dtype).astype(np.float64)
            basis = jnp.asarray(_orthonormal(normal, np), dtype)
        else:
            basis = _compiled_orthonormal(draw_normal("orthogonal", key, matrix, 0.0, 1.0, dtype))
        return (basis * jnp.asarray(gain, dtype)).reshape(shape)

    return initializer("orthogonal", draw, layout)


@initializer_factory()
def sparse(sparsity: Number, std: Number = 0.01, *, layout: Layout = "torch") -> Initializer:
    """sparse(sparsity, std)(key, shape) = N(0, std²), with a fraction of each input's weights 0.

    Each input, a column in torch's (out, in) and a row in flax's (in, out), has
    ceil(sparsity * out) zeros at random positions.

    Args:
        sparsity: dimensionless, in [0, 1]; the fraction of zeros.
        std: unit of the result; the standard deviation of the nonzero weights.
        layout: 'torch' reads shapes as (out, in), 'flax' as (in, out).

    Returns:
        An initializer, init(key, shape, dtype) -> [out, in] or [in, out] of a floating dtype, unit
        of std.

    Raises:
        ValueError: if sparsity is outside [0, 1] (torch slices with it unchecked), or layout is
            neither 'torch' nor 'flax'; when called, if shape does not have two axes.
        ArgumentValueError: if std is negative.
        DtypeError: if the initializer is called with a dtype that is not floating.

    Source:
        J. Martens, Deep learning via Hessian-free optimization, 2010. torch.nn.init.sparse_, torch
        2.13, which ignores its argument `generator` when it places the zeros.
    """
    check_std("sparse", std)
    check_scalar("sparse", "sparsity", sparsity)
    if not 0 <= sparsity <= 1:
        raise InvalidValueError(f"sparse: sparsity must be in [0, 1], got {sparsity}")

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        _check_matrix("sparse", shape)
        zeros = math.ceil(sparsity * shape[0])
        if isinstance(key, TorchGenerator):
            values = draw_normal("sparse", key, shape, 0.0, std, dtype)
            return jnp.where(_torch_zeros(key, shape, zeros), 0, values)
        for_values, for_zeros = jax.random.split(key)
        values = draw_normal("sparse", for_values, shape, 0.0, std, dtype)
        return _compiled_with_zeros(for_zeros, values, zeros)

    return initializer("sparse", draw, layout)


def _check_matrix(function: str, shape: Shape) -> None:
    if len(shape) != 2:
        raise InvalidValueError(f"{function}: shape must have two axes, got {shape}")


def _orthonormal(normal: Any, library: Any) -> Any:
    """Q of shape [n, m], with R's diagonal positive; `library` is numpy or jax.numpy."""
    wide = normal.shape[0] < normal.shape[1]
    q, r = library.linalg.qr(normal.T if wide else normal)
    q = q * library.sign(library.diagonal(r))[None]
    return q.T if wide else q


def _orthonormal_on_device(normal: Array) -> Array:
    return _orthonormal(normal, jnp)


_compiled_orthonormal = cast(Callable[[Array], Array], jax.jit(_orthonormal_on_device))


def _torch_zeros(generator: TorchGenerator, shape: Shape, zeros: int) -> Array:
    """The mask of torch's zeros, from a permutation of the rows for each column."""
    rows, columns = shape
    mask = np.zeros(shape, bool)
    for column in range(columns):
        mask[generator.randperm(rows)[:zeros], column] = True
    return jnp.asarray(mask)


def _with_zeros(key: Array, values: Array, zeros: int) -> Array:
    """The values with `zeros` zeros at random positions in each column."""
    first = jnp.broadcast_to((jnp.arange(values.shape[0]) < zeros)[:, None], values.shape)
    return jnp.where(jax.random.permutation(key, first, axis=0, independent=True), 0, values)


_compiled_with_zeros = cast(
    Callable[[Array, Array, int], Array], jax.jit(_with_zeros, static_argnums=2)
)
