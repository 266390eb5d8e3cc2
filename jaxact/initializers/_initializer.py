"""Initializers: functions of key, shape and dtype, in torch's or flax's layout."""

import functools
import inspect
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Protocol, SupportsIndex, TypeVar, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from jaxact._arguments import Layout, as_dtype, known_layout
from jaxact._keys import check_key
from jaxact._op import Checks, factory
from jaxact.errors import ArgumentValueError, DtypeError, InvalidTypeError, InvalidValueError
from jaxact.random import TorchGenerator

Key = Array | TorchGenerator
Number = float | Array
Shape = tuple[int, ...]
Dtype = np.dtype[Any]
Draw = Callable[[Key, Shape, Dtype], Array]
F = TypeVar("F", bound=Callable[..., Any])


class Initializer(Protocol):
    """An initializer with the signature that flax and jax.nn use.

    With a JAX key it is pure: it can be compiled, mapped over keys and sharded. A TorchGenerator
    has a state that advances, so it must be used outside of compiled functions.
    """

    def __call__(
        self, key: Key, shape: Sequence[SupportsIndex], dtype: DTypeLike = jnp.float32
    ) -> Array:
        """Draws an array of this shape and dtype."""
        ...


def initializer(function: str, draw: Draw, layout: Layout, *, random: bool = True) -> Initializer:
    """An initializer that draws in torch's layout and returns the array in the given layout.

    Args:
        function: the factory's name, for errors.
        draw: (key, torch's shape, dtype) -> array of that shape and dtype.
        layout: the layout of the shapes that the initializer is called with.
        random: whether it draws; if not, its key may be anything.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'.
    """
    known_layout(function, "layout", layout)
    return _Initializer(function, draw, layout, random)


class _Initializer:
    """The callable that `initializer` returns."""

    def __init__(self, function: str, draw: Draw, layout: Layout, random: bool) -> None:
        self._function, self._draw, self._random = function, draw, random
        self._layout: Layout = layout
        self.made_by: tuple[Any, ...] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Array:
        """Draws an array of this shape and dtype; see `Initializer`."""
        try:
            bound = _CALL.bind(*args, **kwargs).arguments
        except TypeError as problem:
            name = self._function
            raise InvalidTypeError(
                f"{name}: {problem}; the call is {name}(...)(key, shape, dtype=float32)"
            ) from None
        sizes = in_torch_layout(checked_sizes(self._function, bound["shape"]), self._layout)
        dtype = as_dtype(self._function, "dtype", bound.get("dtype", jnp.float32))
        key = bound["key"]
        if self._random:
            key = _checked_key(self._function, key)
        array = self._draw(key, sizes, dtype)
        return array if self._layout == "torch" else _in_flax_layout(array)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the initializer as the factory call that made it."""
        assert self.made_by is not None
        return _remade, self.made_by


_CALL = inspect.signature(Initializer.__call__.__get__(object()))


def initializer_factory(*, checks: Checks | None = None) -> Callable[[F], F]:
    """Makes a public factory of initializers, which are pickled as the factory call."""

    def decorate(function: F) -> F:
        made = factory(checks=checks)(function)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Initializer:
            init = cast(_Initializer, made(*args, **kwargs))
            init.made_by = (call, args, kwargs)
            return init

        return cast(F, call)

    return decorate


def _remade(made_by: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return made_by(*args, **kwargs)


def in_torch_layout(sizes: Shape, layout: Layout) -> Shape:
    """The shape in torch's order, (out, in, *kernel); flax's order is (*kernel, in, out)."""
    if layout == "torch" or len(sizes) < 2:
        return sizes
    *kernel, inputs, outputs = sizes
    return (outputs, inputs, *kernel)


def _in_flax_layout(array: Array) -> Array:
    if array.ndim < 2:
        return array
    return jnp.transpose(array, (*range(2, array.ndim), 1, 0))


def checked_sizes(function: str, shape: Sequence[SupportsIndex]) -> Shape:
    """The shape as a tuple of ints.

    Raises:
        TypeError: if it is no sequence of integers.
        ArgumentValueError: if a length is negative.
    """
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError:
        raise InvalidTypeError(
            f"{function}: shape must be a sequence of integers, got {shape!r}"
        ) from None
    if any(size < 0 for size in sizes):
        raise ArgumentValueError(f"{function}: shape must have no negative length, got {sizes}")
    return sizes


def _checked_key(function: str, key: Key) -> Key:
    if isinstance(key, TorchGenerator):
        return key
    array = jnp.asarray(key) if hasattr(key, "__jax_array__") else key
    check_key(function, array, "a JAX random key or a TorchGenerator")
    return array


def check_floating(function: str, dtype: Dtype) -> None:
    """Checks that dtype is floating; torch draws no other numbers.

    Raises:
        DtypeError: if dtype is not floating.
    """
    if not jnp.issubdtype(dtype, jnp.floating):
        raise DtypeError(f"{function}: dtype must be floating, got {dtype.name}")


def largest(dtype: Dtype) -> float:
    """The greatest finite number of a floating dtype."""
    return float(cast(Any, jnp.finfo(dtype)).max)


def fans(function: str, shape: Shape) -> tuple[int, int]:
    """The number of inputs of each output, and the number of outputs of each input.

    Raises:
        ValueError: if the shape, in torch's layout, has fewer than two axes.
    """
    if len(shape) < 2:
        raise InvalidValueError(f"{function}: shape must have two axes or more, got {shape}")
    outputs, inputs, *kernel = shape
    return inputs * math.prod(kernel), outputs * math.prod(kernel)
