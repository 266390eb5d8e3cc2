"""Gradient rules: functions of arrays with derivatives of their own.

Forward mode, reverse mode and further derivatives follow from each rule, and the backward pass
keeps the arguments alone: what it needs is computed from them again.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero

from jaxact._numbers import compute_dtype, is_known
from jaxact._plans import planned

Formula = Callable[..., Array]
F = TypeVar("F", bound=Formula)
P = ParamSpec("P")
T = TypeVar("T")


def rematerialized(function: Callable[P, T]) -> Callable[P, T]:
    """The function, for whose backward pass the arguments alone are kept, the rest recomputed."""
    return cast(Callable[P, T], jax.checkpoint(function, prevent_cse=False))


def with_rule(
    rule: Callable[..., tuple[Any, Any]], *, static: Sequence[int] = ()
) -> Callable[[F], F]:
    """Gives f the rule(*static, primals, tangents) -> (value, its derivative along the tangents).

    Args:
        rule: linear in the tangents. A tangent that is known to be 0 is a SymbolicZero.
        static: places of the arguments that select code.
    """

    def decorate(function: F) -> F:
        ruled = jax.custom_jvp(function, nondiff_argnums=tuple(static))
        ruled.defjvp(rule, symbolic_zeros=True)
        return cast(F, ruled)

    return decorate


# ------------------------------------------------------------------------------ of single elements


def with_derivative(derivative: Formula) -> Callable[[Formula], Formula]:
    """Gives the element-wise f(x, *parameters) the derivative in x.

    f and the derivative see float32 where x is of half precision; what comes out is rounded once,
    to x's dtype. Derivatives in the parameters are those of f's own formula; parameters that
    Python knows (numbers, None) are constants of it. An integer x has no derivative: it is put into
    the formula as it is.
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
    """Gives the element-wise f(x, t, *parameters), a function of x - t, its derivative in x - t.

    In forward mode the step of the difference is taken first, as a difference of two steps: not as
    one of two products, which would cancel.

    Args:
        derivative: of the same arguments as f.
        *partials: the derivatives in the parameters.
    """

    def decorate(function: Formula) -> Formula:
        every = (derivative, derivative, *partials)
        return _function(_Form(function, every, of_difference=True, summed=True))

    return decorate


class _Form(NamedTuple):
    """An element-wise formula and its derivatives.

    Attributes:
        value: of numbers.
        partials: in the first arguments; in the others they are those of the formula.
        of_difference: whether the first two arguments count by their difference alone.
        summed: whether the results are often summed.
    """

    value: Formula
    partials: tuple[Formula, ...] = ()
    of_difference: bool = False
    summed: bool = False

    def partial(self, i: int) -> Formula:
        """The derivative in argument i, with a rule of its own."""
        given = self.partials[i] if i < len(self.partials) else _derived(self.value, i)
        return given if hasattr(given, "form") else _ruled(given)


def _function(form: _Form) -> Formula:
    """The form as a function of arrays, and of numbers that are constants of the formula."""

    @functools.wraps(form.value)
    def function(*arguments: Array | float | None) -> Array:
        if jnp.issubdtype(jnp.result_type(arguments[0]), jnp.integer):
            return form.value(*arguments)
        known = tuple(a if is_known(a) else _TRACED for a in arguments)
        return _of_arrays(form, known)(*(jnp.asarray(a) for a in arguments if not is_known(a)))

    cast(Any, function).form = form
    return function


@functools.cache
def _ruled(formula: Formula) -> Formula:
    """The formula with the derivatives that jax derives from it."""
    return _function(_Form(formula))


@functools.cache
def _derived(formula: Formula, i: int) -> Formula:
    """The partial derivative in argument i that jax derives from the formula."""

    def derived(*arguments: Any) -> Array:
        def along(argument: Array) -> Array:
            return formula(*arguments[:i], argument, *arguments[i + 1 :])

        return jax.jvp(along, (arguments[i],), (jnp.ones_like(arguments[i]),))[1]

    return derived


# In the place of an argument that is no constant of the formula.
_TRACED = object()


@functools.cache
def _of_arrays(form: _Form, known: tuple[Any, ...]) -> Callable[..., Array]:
    """The form as a function of the arguments that are not known."""
    places = [i for i, constant in enumerate(known) if constant is _TRACED]

    def evaluated(formula: Formula, arrays: Sequence[Array]) -> Array:
        remaining = iter(_widened(arrays))
        return formula(*(next(remaining) if k is _TRACED else k for k in known))

    @jax.custom_jvp
    def value(*arrays: Array) -> Array:
        plan = functools.partial(planned, form.value)
        return evaluated(plan, arrays).astype(arrays[0].dtype)

    @functools.cache
    def along(moving: tuple[int, ...]) -> Callable[..., Array]:
        """The derivative along directions of the arguments in those places."""

        def pushforward(arrays: Sequence[Array], directions: Sequence[Array]) -> Array:
            shape = jnp.broadcast_shapes(*(array.shape for array in arrays))
            steps = [
                _product(evaluated(form.partial(i), arrays), direction, shape)
                for i, direction in zip(moving, directions, strict=True)
            ]
            return functools.reduce(lax.add, steps).astype(arrays[0].dtype)

        return rematerialized(pushforward)

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
        directions = dict(zip(places, tangents, strict=True))
        if form.of_difference:
            directions[0], directions[1] = _difference(tangents[0], tangents[1]), None
        moving = {i: d for i, d in directions.items() if not _is_zero(d)}
        result, arrays = value(*primals), tuple(primals)
        if form.summed:
            # Without the barrier XLA computes loss and gradient in one loop, whose sum keeps it
            # from being vectorized: 4 times the time of the two loops.
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
    """The arrays in the dtype that a result of the first one's is computed in."""
    dtype = compute_dtype(arrays[0].dtype)
    return [lax.convert_element_type(array, dtype) for array in arrays]


def _product(derivative: Array, direction: Array, shape: tuple[int, ...]) -> Array:
    """derivative x direction, of that shape."""
    step = lax.convert_element_type(direction, derivative.dtype)
    if step.shape != shape:
        sharding = jax.typeof(derivative).sharding if derivative.shape == shape else None
        step = jnp.broadcast_to(step, shape, out_sharding=sharding)
    return lax.mul(derivative, step)
