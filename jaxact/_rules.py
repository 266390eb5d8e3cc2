"""Gradient rules: functions of arrays with custom derivatives.

Each rule provides forward mode, reverse mode and higher derivatives. The only residuals of the
backward pass are the arguments: everything else is recomputed from them.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero

from jaxact._numbers import compute_dtype, is_known
from jaxact._plans import TRACED, constants, evaluated, planned

Formula = Callable[..., Array]
F = TypeVar("F", bound=Formula)
P = ParamSpec("P")
T = TypeVar("T")


def rematerialized(function: Callable[P, T]) -> Callable[P, T]:
    """The function with only its arguments as residuals; the backward pass recomputes the rest."""
    return cast(Callable[P, T], jax.checkpoint(function, prevent_cse=False))


def traced_once(*, static: Sequence[str] = ()) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A part of a program that is traced and lowered once for all arguments of one shape.

    Args:
        static: parameters that select code.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        return cast(Callable[P, T], jax.jit(function, static_argnames=tuple(static)))

    return decorate


def with_rule(
    rule: Callable[..., tuple[Any, Any]], *, static: Sequence[int] = ()
) -> Callable[[F], F]:
    """Gives f the JVP rule(*static, primals, tangents) -> (value, its derivative along tangents).

    Args:
        rule: a function that is linear in the tangents. A tangent known to be 0 arrives as a
            SymbolicZero.
        static: positions of the arguments that select code.
    """

    def decorate(function: F) -> F:
        ruled = jax.custom_jvp(function, nondiff_argnums=tuple(static))
        ruled.defjvp(rule, symbolic_zeros=True)
        return cast(F, ruled)

    return decorate


# --------------------------------------------------------------------------- element-wise functions


def with_derivative(derivative: Formula) -> Callable[[Formula], Formula]:
    """Gives the element-wise f(x, *parameters) this derivative with respect to x.

    If x has half precision, f and the derivative are computed in float32 and the result is rounded
    once, to x's dtype. Derivatives with respect to the parameters come from autodiff of f; Python
    numbers and None are constants of f. An integer x has no derivative: f is called on it directly.
    """

    def decorate(function: Formula) -> Formula:
        return _function(_Form(function, (derivative,)))

    return decorate


def with_partials(*partials: Formula, summed: bool = True) -> Callable[[Formula], Formula]:
    """Gives the element-wise f the partial derivatives, one for each argument.

    Args:
        *partials: of the same arguments as f.
        summed: whether f is often summed: its gradient is then computed in a loop of its own.
    """

    def decorate(function: Formula) -> Formula:
        return _function(_Form(function, partials, summed=summed))

    return decorate


def with_derivative_in_difference(
    derivative: Formula, *partials: Formula
) -> Callable[[Formula], Formula]:
    """Gives f(x, t, *parameters), an element-wise function of x - t, its derivative in x - t.

    Forward mode first subtracts the tangents of x and t and then multiplies with the derivative.
    Subtracting two products instead would cancel digits.

    Args:
        derivative: the derivative with respect to x - t, a function of the arguments of f.
        *partials: the derivatives with respect to the parameters.
    """

    def decorate(function: Formula) -> Formula:
        every = (derivative, derivative, *partials)
        return _function(_Form(function, every, of_difference=True, summed=True))

    return decorate


class _Form(NamedTuple):
    """An element-wise formula and its derivatives.

    Attributes:
        value: the formula, a function of scalars.
        partials: the derivatives with respect to the first arguments; autodiff of the formula
            gives those with respect to the others.
        of_difference: whether the formula depends on its first two arguments only through their
            difference.
        summed: whether callers often sum the results.
    """

    value: Formula
    partials: tuple[Formula, ...] = ()
    of_difference: bool = False
    summed: bool = False

    def partial(self, i: int) -> Formula:
        """The derivative with respect to argument i, which has a gradient rule itself."""
        given = self.partials[i] if i < len(self.partials) else _derived(self.value, i)
        return given if hasattr(given, "form") else _ruled(given)


def _function(form: _Form) -> Formula:
    """The form as a function of arrays and of numbers, which are constants of the formula."""

    @functools.wraps(form.value)
    def function(*arguments: Array | float | None) -> Array:
        if jnp.issubdtype(jnp.result_type(arguments[0]), jnp.integer):
            return form.value(*arguments)
        known = constants(arguments)
        arrays = (a for a in arguments if not is_known(a))
        return _of_arrays(form, known)(
            *(a if isinstance(a, Array) else jnp.asarray(a) for a in arrays)
        )

    cast(Any, function).form = form
    return function


@functools.cache
def _ruled(formula: Formula) -> Formula:
    """The formula with the derivatives that autodiff finds."""
    return _function(_Form(formula))


@functools.cache
def _derived(formula: Formula, i: int) -> Formula:
    """The partial derivative with respect to argument i, by autodiff of the formula."""

    def derived(*arguments: Any) -> Array:
        def along(argument: Array) -> Array:
            return formula(*arguments[:i], argument, *arguments[i + 1 :])

        return jax.jvp(along, (arguments[i],), (jnp.ones_like(arguments[i]),))[1]

    return derived


@functools.cache
def _of_arrays(form: _Form, known: tuple[Any, ...]) -> Callable[..., Array]:
    """The form as a function of the arguments that are not constants."""
    places = [i for i, constant in enumerate(known) if constant is TRACED]

    @jax.custom_jvp
    def value(*arrays: Array) -> Array:
        plan = functools.partial(planned, form.value)
        return lax.convert_element_type(evaluated(plan, known, _widened(arrays)), arrays[0].dtype)

    @functools.cache
    def along(moving: tuple[int, ...]) -> Callable[..., Array]:
        """The derivative along tangents of the arguments at the positions `moving`."""

        def pushforward(arrays: Sequence[Array], directions: Sequence[Array]) -> Array:
            shape = jnp.broadcast_shapes(*(array.shape for array in arrays))
            steps = [
                _product(evaluated(form.partial(i), known, _widened(arrays)), direction, shape)
                for i, direction in zip(moving, directions, strict=True)
            ]
            return lax.convert_element_type(functools.reduce(lax.add, steps), arrays[0].dtype)

        return rematerialized(pushforward)

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
        directions = dict(zip(places, tangents, strict=True))
        if form.of_difference:
            directions[0], directions[1] = _difference(tangents[0], tangents[1]), None
        moving = {i: d for i, d in directions.items() if not _is_zero(d)}
        result, arrays = value(*primals), tuple(primals)
        if form.summed:
            # Without the barrier XLA fuses loss and gradient into one loop, and the reduction in
            # that loop prevents its vectorization: it takes 4 times as long as two loops.
            arrays = cast(tuple[Array, ...], lax.optimization_barrier(arrays))
        return result, along(tuple(moving))(arrays, tuple(moving.values()))

    value.defjvp(rule, symbolic_zeros=True)
    return value


def _is_zero(direction: Any) -> bool:
    return direction is None or isinstance(direction, SymbolicZero)


def _difference(x_dot: Any, t_dot: Any) -> Any:
    if isinstance(t_dot, SymbolicZero):
        return x_dot
    return -t_dot if isinstance(x_dot, SymbolicZero) else x_dot - t_dot


def _widened(arrays: Sequence[Array]) -> list[Array]:
    """The arrays, cast to the compute dtype of the first one."""
    dtype = compute_dtype(arrays[0].dtype)
    return [lax.convert_element_type(array, dtype) for array in arrays]


def _product(derivative: Array, direction: Array, shape: tuple[int, ...]) -> Array:
    """derivative * direction, broadcast to `shape`."""
    step = lax.convert_element_type(direction, derivative.dtype)
    if step.shape != shape:
        sharding = jax.typeof(derivative).sharding if derivative.shape == shape else None
        step = jnp.broadcast_to(step, shape, out_sharding=sharding)
    return lax.mul(derivative, step)
