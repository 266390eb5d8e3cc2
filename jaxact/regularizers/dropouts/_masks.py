"""What dropouts share: who is dropped, by what the others are multiplied, from which source."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer
from jax.extend.core import take_current_trace
from jax.typing import ArrayLike

from jaxact._checking import defined
from jaxact._core import (
    ArgumentValueError,
    as_array,
    as_floating,
    compute_dtype,
    is_number,
    op,
    recomputed,
)
from jaxact.random import TorchGenerator

Key = Array | TorchGenerator
Shape = tuple[int, ...]

_RANGE = 2.0**32


class Law(NamedTuple):
    """How a dropout draws: dropped with the chance threshold / 2^32, then x factor + shift.

    Args:
        threshold: [] of uint32.
        factors: [2], of what is dropped and of what is kept.
        shifts: [2], likewise, or None for no shift.
    """

    threshold: Array
    factors: Array
    shifts: Array | None = None


Formula = Callable[[Any, Any, np.dtype[Any]], tuple[Any, Any]]


def scaled(m: Any, p: Any, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Factors 0 and 1/(1 - p), in x's dtype as torch has them; no shifts."""
    return _stacked(m, 0 * p, _inverse(m, 1 - p), dtype), None


def saturating(m: Any, p: Any, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Factors 0 and a, shifts -a α' (1 - p) and a α' p, which keep mean 0 and variance 1."""
    a = m.sqrt(_inverse(m, (1 - p) * (1 + p * SATURATION**2)))
    wide = compute_dtype(dtype)
    factors = _stacked(m, 0 * a, a, wide)
    return factors, _stacked(m, a * SATURATION * (p - 1), a * SATURATION * p, wide)


# What selu approaches far below 0, with its sign turned.
SATURATION = 1.7580993408473766


def _stacked(m: Any, dropped: Any, kept: Any, dtype: np.dtype[Any]) -> Any:
    # In float16 1 / (1 - p) may be infinite, as it is in torch.
    with np.errstate(over="ignore"):
        return m.stack([dropped, kept]).astype(dtype)


def _inverse(m: Any, chance: Any) -> Any:
    """1 / chance, and 0 where nothing is kept: torch multiplies by 0 there."""
    some = chance > 0
    return m.where(some, 1 / m.where(some, chance, 1), 0)


def threshold(p: ArrayLike) -> Array:
    """P 2^32, rounded to an integer below 2^32: random bits below it have the chance p.

    A number has the digits of float64, whatever jax computes in.
    """
    m, chance = _wide(p)
    # The greatest below 2^32 that the dtype holds; p = 1 shows in the factors.
    most = _RANGE * (1 - float(np.finfo(chance.dtype).epsneg))
    return cast(Array, m.minimum(m.round(chance * _RANGE), min(most, _RANGE - 1)).astype(np.uint32))


def _wide(p: ArrayLike) -> tuple[Any, Any]:
    """A namespace to compute in and p there: numpy for a number, jax for an array."""
    if is_number(p):
        return np, np.float64(p)
    array = jnp.asarray(p)
    return jnp, array.astype(compute_dtype(jnp.result_type(array, jnp.float16)))


def _law(function: str, p: ArrayLike, dtype: np.dtype[Any], formula: Formula) -> Law:
    m, chance = _wide(p)
    factors, shifts = formula(m, chance, dtype)
    if not is_number(p):
        factors = _defined(function, factors, chance)
    return Law(threshold(p), factors, shifts)


def _defined(function: str, values: Array, p: Array) -> Array:
    """The values, nan if p is no probability."""
    message = f"{function}: p must be in [0, 1], got {{value}}"
    return defined(values, (p >= 0) & (p <= 1), ValueError, message, p)


# ------------------------------------------------------------------------------------------ checks


def check_probability(function: str, p: ArrayLike) -> None:
    """What Python knows of p.

    Raises:
        TypeError: if p is neither a number nor an array.
        ValueError: if it is outside [0, 1].
        ArgumentValueError: if it is nan, or an array with axes.
    """
    if not is_number(p):
        if as_array(function, "p", p).ndim:
            raise ArgumentValueError(
                f"{function}: p must be a number or an array without axes, got {jnp.shape(p)}"
            )
        return
    if math.isnan(p):
        raise ArgumentValueError(f"{function}: p must be in [0, 1], got {p}")
    if not 0 <= p <= 1:
        raise ValueError(f"{function}: p must be in [0, 1], got {p}")


def is_random(function: str, p: ArrayLike, training: bool) -> bool:
    """Whether anything may be dropped; if not the result is the input itself.

    Raises:
        TypeError: if training is neither True nor False.
    """
    if not isinstance(cast(object, training), bool | np.bool_):
        raise TypeError(f"{function}: training must be a bool, got {type(training).__name__}")
    return bool(training) and not (is_number(p) and p == 0)


def source(function: str, x: Array, key: Key | None) -> Key:
    """The key to draw from.

    Raises:
        TypeError: if there is none, what is none, or a generator that cannot draw here.
    """
    if key is None:
        raise TypeError(f"{function}: key must be given when training, got None")
    if isinstance(key, TorchGenerator):
        _check_outside_of_programs(function, x)
    else:
        check_key(function, key, "a JAX random key or a TorchGenerator")
    return key


def check_key(function: str, key: object, expected: str = "a JAX random key") -> None:
    """What can be told of a key before it is used.

    Raises:
        TypeError: if it is none.
    """
    got = type(key).__name__
    if isinstance(key, Array | np.ndarray):
        dtype = cast(Any, key).dtype
        if jnp.issubdtype(dtype, jax.dtypes.prng_key):
            if not key.ndim:
                return
        elif dtype == np.uint32 and key.ndim == 1:
            try:
                jax.random.wrap_key_data(jnp.asarray(key))
                return
            except (TypeError, ValueError):
                pass  # Of another length than the default implementation's.
        got = f"{dtype.name} of shape {key.shape}"
    raise TypeError(f"{function}: key must be {expected}, got {got}")


def _check_outside_of_programs(function: str, x: Array) -> None:
    """A compiled or mapped program would have one mask of a generator, drawn while tracing.

    Raises:
        TypeError: if x is, or the call stands, in such a program.
    """
    # The first shows through gradients, the others where x is a constant of the program.
    in_program = isinstance(lax.stop_gradient(x), Tracer) or isinstance(jnp.zeros(()), Tracer)
    if in_program or _is_mapped():
        raise TypeError(
            f"{function}: key must be a JAX key inside jit, vmap, scan and checkpoint, got a "
            "TorchGenerator, which would draw one mask while tracing"
        )


def _is_mapped() -> bool:
    """Whether the call stands directly in a mapped function.

    Inside a gradient inside vmap it cannot be told: jax.jacfwd is such a one, and runs once.
    """
    # Its annotation has holes.
    with cast(Any, take_current_trace)() as trace:
        return type(trace).__name__ == "BatchTrace"


def known(function: str, p: ArrayLike) -> float:
    """P as torch's generator takes it.

    Raises:
        TypeError: if it is an array.
    """
    if not is_number(p):
        raise TypeError(
            f"{function}: p must be a number when key is a TorchGenerator, got an array"
        )
    return float(p)


# -------------------------------------------------------------------------------------------- bits


def random_bits(key: Array, shape: Shape) -> Array:
    """[...] of uint32, each bit 0 or 1 with chance 1/2, of any kind of key."""
    typed = key
    if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        typed = cast(Array, jax.random.wrap_key_data(key))
    if str(jax.random.key_impl(typed)) != "threefry2x32":
        return jax.random.bits(typed, shape)
    # threefry gives two words a call. jax.random.bits joins them into one; the data of split keys
    # are both of them, in half the time. One axis compiles several times faster than four.
    count = math.prod(shape)
    words = jax.random.key_data(jax.random.split(typed, -(-count // 2)))
    return words.reshape(-1)[:count].reshape(shape)


# ----------------------------------------------------------------------------------------- dropout


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
    formula: Formula = scaled,
    argument: str = "input",
) -> Array:
    """The input through a dropout.

    Args:
        function: the public function's name, for errors.
        input: [...].
        p: [].
        training: whether to draw.
        key: to draw from.
        drawn: (function, input's shape) -> the mask's, which has 1 for axes that share a draw.
        formula: of the factors and shifts.
        argument: the input's name, for errors.
    """
    x = as_array(function, argument, input)
    check_probability(function, p)
    if not is_random(function, p, training):
        return x
    if not x.size or (is_number(p) and p == 1):
        source(function, x, key)
        return x * jnp.zeros((), x.dtype)
    x = as_floating(function, argument, x)
    shape = drawn(function, x.shape)
    drawn_from = source(function, x, key)
    if isinstance(drawn_from, TorchGenerator):
        return _from_torch(x, drawn_from, known(function, p), shape, formula)
    if is_number(p):
        return _noised(x, drawn_from, _law(function, p, x.dtype, formula), shape)
    return _noised_by_array(function, x, drawn_from, jnp.asarray(p), shape, formula)


@op(static=("shape",))
def _noised(x: Array, key: Array, law: Law, shape: Shape) -> Array:
    return _recomputed(x, key, law, shape)


@op(static=("function", "shape", "formula"), by_value=True)
def _noised_by_array(
    function: str, x: Array, key: Array, p: Array, shape: Shape, formula: Formula
) -> Array:
    return _recomputed(x, key, _law(function, p, x.dtype, formula), shape)


def _recomputed(x: Array, key: Array, law: Law, shape: Shape) -> Array:
    """X factor + shift, whose backward pass keeps the key and draws again."""

    def noised(x: Array, key: Array, law: Law) -> Array:
        dropped = random_bits(key, shape) < law.threshold
        result = x * jnp.where(dropped, law.factors[0], law.factors[1])
        if law.shifts is not None:
            result = result + jnp.where(dropped, law.shifts[0], law.shifts[1])
        return result.astype(x.dtype)

    return recomputed(noised)(x, key, law)


def _from_torch(
    x: Array, generator: TorchGenerator, p: float, shape: Shape, formula: Formula
) -> Array:
    """The bits of torch: its draws, its order of operations and of roundings."""
    if formula is scaled:
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
