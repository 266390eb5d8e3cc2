"""Masks of a dropout: their key, their random bits, and the input multiplied by them."""

import math
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer
from jax.extend.core import take_current_trace
from jax.typing import ArrayLike

from jaxact._arguments import as_array, as_floating
from jaxact._keys import check_key, missing_key
from jaxact._numbers import compute_dtype, is_number
from jaxact._op import program
from jaxact._rules import rematerialized
from jaxact.errors import InvalidTypeError
from jaxact.random import TorchGenerator
from jaxact.regularizers.dropouts._factors import (
    SATURATION,
    Formula,
    NoiseParams,
    check_probability,
    inverted_factors,
    is_random,
    known_probability,
    noise_params,
)

Key = Array | TorchGenerator
Shape = tuple[int, ...]


def checked_key(function: str, x: Array, key: Key | None) -> Key:
    """The key, checked.

    Raises:
        TypeError: if it is None or no key, or a generator inside a compiled or mapped program.
    """
    if key is None:
        raise missing_key(function)
    if isinstance(key, TorchGenerator):
        _check_outside_of_programs(function, x)
    else:
        check_key(function, key, "a JAX random key or a TorchGenerator")
    return key


def _check_outside_of_programs(function: str, x: Array) -> None:
    """Refuse a generator in a compiled or mapped program, where it would draw once, while tracing.

    Raises:
        TypeError: if x is, or the call stands, in such a program.
    """
    # A traced x also inside of gradients; the other two where x is a constant of the program.
    in_program = isinstance(lax.stop_gradient(x), Tracer) or isinstance(jnp.zeros(()), Tracer)
    if in_program or _is_mapped():
        raise InvalidTypeError(
            f"{function}: key must be a JAX key inside jit, vmap, scan and checkpoint, got a "
            "TorchGenerator, which would draw one mask while tracing"
        )


def _is_mapped() -> bool:
    """Whether the innermost transformation is a vmap.

    A gradient inside of vmap is not seen: jax.jacfwd is one too, and its function runs once.
    """
    # Its annotation has holes.
    with cast(Any, take_current_trace)() as trace:
        return type(trace).__name__ == "BatchTrace"


def random_bits(key: Array, shape: Shape) -> Array:
    """[...] of uint32, uniform, from a key of any implementation."""
    typed = key
    if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        typed = cast(Array, jax.random.wrap_key_data(key))
    if str(jax.random.key_impl(typed)) != "threefry2x32":
        return jax.random.bits(typed, shape, np.uint32)
    # threefry gives two words a call. jax.random.bits combines them into one; the data of split
    # keys are both, in half the time. One axis compiles several times faster than four.
    count = math.prod(shape)
    words = jax.random.key_data(jax.random.split(typed, -(-count // 2)))
    return words.reshape(-1)[:count].reshape(shape)


def each_element(function: str, shape: Shape) -> Shape:
    """A mask of the input's shape."""
    return shape


def masked(
    function: str,
    input: ArrayLike,
    p: ArrayLike,
    training: bool,
    key: Key | None,
    *,
    drawn: Callable[[str, Shape], Shape] = each_element,
    formula: Formula = inverted_factors,
    argument: str = "input",
) -> Array:
    """Apply a dropout to the input.

    Args:
        function: the public function's name, for errors.
        input: [...].
        p: [].
        training: whether to draw.
        key: to draw from.
        drawn: (function, input's shape) -> the mask's shape: 1 along axes that share a draw.
        formula: of the factors and shifts.
        argument: the input's name, for errors.
    """
    x = as_array(function, argument, input)
    check_probability(function, p)
    if not is_random(function, p, training):
        return x
    if not x.size or (is_number(p) and p == 1):
        return x * jnp.zeros((), x.dtype)
    x = as_floating(function, argument, x)
    shape = drawn(function, x.shape)
    drawn_from = checked_key(function, x, key)
    if isinstance(drawn_from, TorchGenerator):
        return _from_torch(x, drawn_from, known_probability(function, p), shape, formula)
    if is_number(p):
        return _noised(x, drawn_from, noise_params(function, p, x.dtype, formula), shape)
    return _noised_by_array(function, x, drawn_from, jnp.asarray(p), shape, formula)


@program(static=("shape",))
def _noised(x: Array, key: Array, params: NoiseParams, shape: Shape) -> Array:
    return _rematerialized(x, key, params, shape)


@program(static=("function", "shape", "formula"))
def _noised_by_array(
    function: str, x: Array, key: Array, p: Array, shape: Shape, formula: Formula
) -> Array:
    return _rematerialized(x, key, noise_params(function, p, x.dtype, formula), shape)


def _rematerialized(x: Array, key: Array, params: NoiseParams, shape: Shape) -> Array:
    """x factor + shift; the backward pass draws the mask again from the key."""

    def noised(x: Array, key: Array, params: NoiseParams) -> Array:
        dropped = random_bits(key, shape) < params.threshold
        result = x * jnp.where(dropped, params.factors[0], params.factors[1])
        if params.shifts is not None:
            result = result + jnp.where(dropped, params.shifts[0], params.shifts[1])
        return result.astype(x.dtype)

    return rematerialized(noised)(x, key, params)


def _from_torch(
    x: Array, generator: TorchGenerator, p: float, shape: Shape, formula: Formula
) -> Array:
    """torch's bits: the same draws, and the same operations and roundings in the same order."""
    if formula is inverted_factors:
        return x * jnp.asarray(generator.dropout_mask(shape, p, x.dtype))
    kept = generator.bernoulli(shape, 1 - p, x.dtype)
    a = 1 / math.sqrt((SATURATION**2 * p + 1) * (1 - p))
    # torch adds a number in the dtype and multiplies by it in float32.
    exact, rounded = compute_dtype(x.dtype).type, x.dtype.type
    # In float16 a may be infinite; torch then gives nan as well.
    with np.errstate(over="ignore", invalid="ignore"):
        middle = rounded(SATURATION * a * p)
        below = rounded(rounded(exact(-SATURATION * a)) + middle)
        factors = kept * rounded(exact(a))
    shift = jnp.where(jnp.asarray(kept) == 0, below, middle)
    return x * jnp.asarray(factors) + shift
