"""Element-wise formulas, traced once per dtype and then replayed on arrays of any shape.

When jax traces a formula, it spends most of the time on the work that jax.numpy does around each
operation: promotion, broadcasting, a separate jitted function. A plan records only the operations,
found by tracing the formula for scalars; replaying it costs one call of `jax.lax` per operation.
Plans are cached for the life of the process, so every later program that uses the same formula
skips the tracing.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxact._numbers import is_known

Formula = Callable[..., Array]

# Stands in for an argument that is not a constant of the formula.
TRACED = object()


def constants(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """The arguments with TRACED in place of those that are not constants of the formula."""
    return tuple(a if is_known(a) else TRACED for a in arguments)


def evaluated(formula: Formula, known: Sequence[Any], arrays: Sequence[Array]) -> Array:
    """The formula of the constants, with the arrays in the places of TRACED, in their order."""
    remaining = iter(arrays)
    return formula(*(next(remaining) if k is TRACED else k for k in known))


def planned(formula: Formula, *arguments: Array | float | None) -> Array:
    """Evaluates formula(*arguments) from its plan.

    Args:
        formula: an element-wise function of scalars. The function object is the cache key: calls
            with the same function share one plan.
        *arguments: arrays of one floating dtype whose shapes broadcast, and constants of the
            formula, which are numbers or None.
    """
    arrays = cast(list[Array], [a for a in arguments if not is_known(a)])
    known = constants(arguments)
    plan = _plan(formula, arrays[0].dtype, known, cast(Any, jax.config).jax_enable_x64)
    return _repeated(plan, _aligned(arrays))


def _aligned(arrays: Sequence[Array]) -> tuple[list[Array], tuple[int, ...]]:
    """Broadcasts all arrays except 0-d ones to a common shape; returns the arrays and the shape."""
    if len({a.shape for a in arrays if a.ndim}) > 1:
        broadcast = iter(jnp.broadcast_arrays(*(a for a in arrays if a.ndim)))
        arrays = [next(broadcast) if a.ndim else a for a in arrays]
    return list(arrays), max((a.shape for a in arrays), key=len)


class _Step(NamedTuple):
    """One operation.

    Attributes:
        operation: a function of jax.lax.
        operands: the places of earlier results, or constants.
        options: keyword arguments of the operation.
    """

    operation: Callable[..., Any]
    operands: tuple[Any, ...]
    options: Mapping[str, Any]


class _Place(NamedTuple):
    """An index into the list of values: first the arguments, then the results of the steps."""

    at: int


class _Plan(NamedTuple):
    steps: tuple[_Step, ...]
    result: Any
    dtype: np.dtype[Any]


@functools.cache
def _plan(formula: Formula, dtype: np.dtype[Any], known: tuple[Any, ...], x64: bool) -> _Plan:
    def of_arrays(*arrays: Array) -> Array:
        return evaluated(formula, known, arrays)

    number = jax.ShapeDtypeStruct((), dtype)
    # Under a mesh of explicit axes a constant of the formula would be placed on the mesh.
    with jax.sharding.use_abstract_mesh(jax.sharding.AbstractMesh((), ())):
        closed = jax.make_jaxpr(of_arrays)(*[number for k in known if k is TRACED])
    builder = _Builder(len(closed.jaxpr.invars))
    (result,) = builder.added(closed, [_Place(i) for i in range(builder.count)])
    return _Plan(tuple(builder.steps), result, closed.out_avals[0].dtype)


class _Builder:
    """Collects the operations of a program and of all programs nested in it, each once."""

    def __init__(self, arguments: int) -> None:
        self.count = arguments
        self.steps: list[_Step] = []
        self._places: dict[object, _Place] = {}

    def added(self, closed: ClosedJaxpr, arguments: Sequence[Any]) -> list[Any]:
        """Appends the steps of a program and returns the places of its results."""
        jaxpr = closed.jaxpr
        where = dict(
            zip((*jaxpr.constvars, *jaxpr.invars), (*closed.consts, *arguments), strict=True)
        )

        def at(atom: Any) -> Any:
            if isinstance(cast(object, atom), Literal):
                # Keep the literal's own dtype: jax.lax gives a Python number the widest dtype.
                return np.asarray(atom.val, atom.aval.dtype)[()]
            return where[atom]

        for equation in jaxpr.eqns:
            operands = [at(atom) for atom in equation.invars]
            inner = _inner_program(equation.params)
            if inner is not None:
                results = self.added(inner, operands)
            elif equation.primitive.name in _IDENTITIES:
                results = operands[:1]
            elif equation.primitive.name == "optimization_barrier":
                results = [self._step("optimization_barrier", [each], {}) for each in operands]
            else:
                results = [self._shared(equation.primitive.name, operands, equation.params)]
            where.update(zip(equation.outvars, results, strict=True))
        return [at(atom) for atom in jaxpr.outvars]

    def _shared(self, name: str, operands: Sequence[Any], options: Mapping[str, Any]) -> _Place:
        """The place of this operation of these operands, which is added if it is new."""
        key = (name, *map(_identity, operands), *(options[o] for o in _OPTIONS.get(name, ())))
        if key not in self._places:
            self._places[key] = self._step(name, operands, options)
        return self._places[key]

    def _step(self, name: str, operands: Sequence[Any], options: Mapping[str, Any]) -> _Place:
        operation = _OPERATIONS.get(name) or getattr(lax, _LAX_NAMES.get(name, name))
        kept = {option: options[option] for option in _OPTIONS.get(name, ())}
        self.steps.append(_Step(operation, tuple(operands), kept))
        self.count += 1
        return _Place(self.count - 1)


def _identity(operand: Any) -> object:
    """Equal for the same operand only: a constant counts as its bits."""
    if isinstance(operand, _Place):
        return operand
    constant = np.asarray(operand)
    return constant.dtype.name, constant.shape, constant.tobytes()


def _inner_program(options: Mapping[str, Any]) -> ClosedJaxpr | None:
    """The program nested in an operation, or None; its derivative rules are dropped."""
    inner = options.get("call_jaxpr", options.get("jaxpr"))
    return ClosedJaxpr(inner, ()) if isinstance(inner, Jaxpr) else inner


def _repeated(plan: _Plan, aligned: tuple[list[Array], tuple[int, ...]]) -> Array:
    values, shape = aligned
    values = list(values)

    def at(operand: Any) -> Any:
        return values[operand.at] if isinstance(operand, _Place) else operand

    for step in plan.steps:
        values.append(step.operation(*map(at, step.operands), **step.options))
    result = at(plan.result)
    if jnp.shape(result) != shape:
        like = next(array for array in values if array.shape == shape)
        result = _filled(jnp.asarray(result, plan.dtype), like)
    return cast(Array, result)


def _select_n(which: Any, *cases: Any) -> Array:
    """jax.lax.select_n, which needs arguments of one shape, for a mix of arrays and scalars."""
    like = max((which, *cases), key=np.ndim)
    return lax.select_n(*(_filled(a, like) for a in (which, *cases)))


def _filled(value: Any, like: Any) -> Any:
    """Broadcasts a scalar to the shape and the sharding of an array."""
    if np.shape(value) == np.shape(like):
        return value
    return lax.broadcast(value, np.shape(like), out_sharding=jax.typeof(like).sharding)


def _clamp(low: Any, x: Any, high: Any) -> Array:
    return lax.clamp(low, _filled(x, max((low, x, high), key=np.ndim)), high)


_IDENTITIES = {"broadcast_in_dim", "copy", "copy_p", "stop_gradient", "reshape", "squeeze"}
_OPERATIONS: dict[str, Callable[..., Any]] = {"select_n": _select_n, "clamp": _clamp}
_LAX_NAMES = {
    "add_any": "add",
    "and": "bitwise_and",
    "not": "bitwise_not",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
}
_OPTIONS = {
    "bitcast_convert_type": ("new_dtype",),
    "convert_element_type": ("new_dtype",),
    "integer_pow": ("y",),
    "reduce_precision": ("exponent_bits", "mantissa_bits"),
    "round": ("rounding_method",),
}
