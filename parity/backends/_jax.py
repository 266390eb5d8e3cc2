"""jax: value, gradients, tangents and double backward as one compiled program."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from parity.backends import (
    FROM_PYTHON,
    MAPPED,
    MAPPED_FIRST,
    MAPPED_OTHERS,
    MAPPINGS,
    NUMPY,
    STREAM,
    WAYS,
    WIDE,
    Backend,
    Function,
    ManyProgram,
    Program,
    Run,
    Task,
    Way,
    by_step,
    leaf_of,
    resolved,
    with_source,
)
from parity.backends._jax_drivers import driven
from parity.backends.contexts import ALONE, CONTEXTS, Context
from parity.compare import Trace
from parity.dtypes import is_floating
from parity.inputs import Problem
from parity.spec import (
    ObservedDraw,
    Randomness,
    SameSeed,
    Target,
    Values,
)
from parity.trees import joined

Leaves = dict[str, Any]
Compiled = Callable[..., dict[str, Any]]


def precision(dtype: str) -> contextlib.AbstractContextManager[None]:
    """64-bit mode if the arrays have 64 bits, for this thread only; else off, as users run."""
    return jax.enable_x64(dtype in ("float64", "int64"))


class JaxBackend(Backend):
    """jax on its default device."""

    def resolve(self, target: Target) -> Callable[..., Any]:
        """The function that the target names, with its options bound."""
        return resolved(target, "jax")

    def array(self, values: Any) -> Any:
        """A jax array."""
        return jnp.asarray(values)

    def precision(self, dtype: str) -> contextlib.AbstractContextManager[None]:
        """64-bit mode if the dtype has 64 bits, else off, as users run."""
        return precision(dtype)

    def forget(self) -> None:
        """Drops the compiled programs of this process."""
        jax.clear_caches()

    def dtype(self, dtype: np.dtype[Any]) -> Any:
        """The framework's name for a numpy dtype."""
        return dtype

    def sourced(self, target: Target, random: Randomness | None) -> Callable[..., Any]:
        """The target's function with its source of random numbers as an argument."""
        call = self.resolve(target)
        if random is None:
            return call
        return with_source(call, lambda: self._source(random), random.at)

    def _source(self, random: Randomness) -> Any:
        if isinstance(random, ObservedDraw):
            return jax.random.key(random.seed)
        return self.resolve(random.generator)(random.seed)

    def function(self, target: Target, random: Randomness | None) -> Function:
        """The target as its driver calls it."""
        call = self.resolve(target)
        if not isinstance(random, SameSeed):
            source = random and functools.partial(self._source, random)
            return driven(call, random, source, target.driver)

        def streamed(args: tuple[Any, ...], named: Values) -> dict[str, Any]:
            """Adds to the results the numbers that the stream gives after the call."""
            generator = self._source(random)
            if random.skip:
                generator.rand(random.skip, jax.tree.leaves(args)[0].dtype)
            roots = driven(call, random, lambda: generator, target.driver)(args, named)
            return {**roots, STREAM: jnp.asarray(generator.rand(4))} if random.place else roots

        return streamed

    def program(self, task: Task, phases: tuple[str, ...]) -> Program:
        """One compiled program for all phases; if that fails, one for each phase."""
        function = self._of_leaves(task)
        # A generator draws torch's stream outside of compiled programs; and a call without arrays
        # among its arguments is not compiled.
        eager = isinstance(task.random, SameSeed) or not task.form.leaves
        compiled = cast(Any, _as_it_is if eager else jax.jit)
        abstract = cast(Any, _called if eager else jax.eval_shape)
        together = compiled(_phases(function, phases))
        apart = {phase: compiled(_phases(function, (phase,))) for phase in phases}

        def run(problem: Problem) -> Run:
            with precision(problem.dtype):
                try:
                    return Run(_to_numpy(together(*_given(function, problem, abstract))))
                except Exception:
                    return _run_apart(apart, lambda: _given(function, problem, abstract))

        return run

    def _of_leaves(self, task: Task) -> Callable[[Leaves, Leaves], Leaves]:
        """A function from differentiated and constant leaves to entries of the trace, by path."""
        function = self.function(task.target, task.random)

        def entries(arguments: Leaves, constant: Leaves) -> Leaves:
            args, named = task.form.arguments({**arguments, **constant})
            return _by_path(function(args, {**task.values, **named}))

        return jax.vmap(entries) if task.mapped else entries

    def mapped_program(self, task: Task) -> Callable[[list[Problem]], list[Trace]]:
        """The traces, with gradients, of several problems mapped over a new leading axis."""
        function = self._of_leaves(task)
        return _mapped(_phases(function, ("forward", "vjp")), function, Way(name=MAPPED))

    def op_by_op(self, task: Task, phases: tuple[str, ...]) -> Program:
        """The phases with every operation compiled separately."""
        function = self._of_leaves(task)

        def run(problem: Problem) -> Run:
            with precision(problem.dtype), jax.disable_jit():
                return Run(_to_numpy(_phases(function, phases)(*_given(function, problem))))

        return run

    @property
    def ways(self) -> tuple[str, ...]:
        """All of them."""
        return WAYS

    @property
    def contexts(self) -> tuple[str, ...]:
        """All of them."""
        return CONTEXTS

    def called(self, way: Way, task: Task, phases: tuple[str, ...]) -> ManyProgram:
        """The traces of problems of one shape, called in one of the ways of `WAYS`.

        Called again for problems of the same shapes, nothing is compiled again. A function that
        draws torch's stream is not compiled.
        """
        function = _within(way.context, self._of_leaves(task), way.first)
        program = _phases(function, phases)
        if isinstance(task.random, SameSeed):
            return _each(program, function, as_numpy=way.name == NUMPY, abstract=_called)
        if way.name in FROM_PYTHON:
            return _each(program, function, as_numpy=way.name == NUMPY)
        if way.name in MAPPINGS:
            return _mapped(program, function, way)
        return _each(jax.jit(program), function, wide=way.name == WIDE)

    def variants(self, program: Program, problem: Problem) -> dict[str, Run]:
        """The one run: jax has one kernel for all layouts."""
        return {"": program(problem)}

    def dtypes(self, task: Task, problem: Problem, wide: bool) -> dict[str, str]:
        """The dtypes of the result, by entry, with 64-bit mode on or off."""
        with jax.enable_x64(wide):
            leaves: Any = jax.tree.map(_shape_of, _split(problem))
            found = jax.eval_shape(self._of_leaves(task), *leaves)
            return {key: str(entry.dtype) for key, entry in found.items()}


# -------------------------------------------------------------------------------- ways of calling


def _each(
    program: Compiled,
    function: Callable[[Leaves, Leaves], Leaves],
    as_numpy: bool = False,
    wide: bool = False,
    abstract: Callable[..., Any] = jax.eval_shape,
) -> ManyProgram:
    """One call at a time."""

    def run(problems: list[Problem]) -> list[Trace]:
        found: list[Trace] = []
        for problem in problems:
            with precision("float64" if wide else problem.dtype):
                given = _given(function, problem, abstract)
                if as_numpy:
                    given = (*_split(problem), *given[2:])
                found.append(_to_numpy(program(*given)))
        return found

    return run


def _mapped(
    program: Compiled, function: Callable[[Leaves, Leaves], Leaves], way: Way
) -> ManyProgram:
    """Mapped over a new leading axis of some arguments."""

    def axis_of(part: int, name: str) -> int | None:
        first = name.partition("/")[0] == way.first.partition("/")[0]
        kept = {MAPPED: False, MAPPED_FIRST: not first, MAPPED_OTHERS: first}[way.name]
        # Cotangents and directions come after the arguments and are mapped in any case.
        return None if part < 2 and kept else 0

    def run(problems: list[Problem]) -> list[Trace]:
        with precision(problems[0].dtype):
            each = [_given(function, problem) for problem in problems]
            axes = tuple(
                {name: axis_of(i, name) for name in part} for i, part in enumerate(each[0])
            )
            stacked: Any = tuple(
                {
                    name: leaf if axes[i][name] is None else np.stack([e[i][name] for e in each])
                    for name, leaf in part.items()
                }
                for i, part in enumerate(each[0])
            )
            return _apart(compiled(axes)(*stacked), len(problems))

    known: dict[str, Compiled] = {}

    def compiled(axes: tuple[dict[str, int | None], ...]) -> Compiled:
        key = repr(axes)
        if key not in known:
            known[key] = cast(Compiled, jax.jit(jax.vmap(program, in_axes=axes)))
        return known[key]

    return run


def _within(
    context: Context, function: Callable[[Leaves, Leaves], Leaves], first: str
) -> Callable[[Leaves, Leaves], Leaves]:
    """The function with what stands around it in one program."""

    def called(arguments: Leaves, constant: Leaves) -> Leaves:
        part = arguments if first in arguments else constant
        inner = {**part, first: context.inner(part[first])}
        given = (inner, constant) if part is arguments else (arguments, inner)
        return {key: context.result(entry) for key, entry in function(*given).items()}

    return called if first and context.name != ALONE else function


# ------------------------------------------------------------------------------------------ phases


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _called(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


def _shape_of(array: NDArray[Any]) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype)


def _to_jax(arrays: Any) -> Any:
    """Every array of the tree as a jax array; `jnp.asarray` would compile one program a shape."""
    return jax.tree.map(cast(Any, jax.device_put), arrays)


def _split(problem: Problem) -> tuple[Leaves, Leaves]:
    """The differentiated arguments, and the constant ones."""
    given = dict(problem.arguments)
    constant = {name: given.pop(name) for name in problem.constant}
    return given, constant


def _by_path(roots: dict[str, Any]) -> Leaves:
    """Every leaf of the result by its path."""
    leaves = cast(Any, jax.tree_util.tree_flatten_with_path(roots))[0]
    return {
        joined(*map(_name, keys)): leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
        for keys, leaf in leaves
    }


def _name(key: Any) -> str:
    """The name of a key, an index or a field of a tree."""
    for attribute in ("key", "idx", "name"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)


def _given(
    function: Callable[[Leaves, Leaves], Leaves],
    problem: Problem,
    abstract: Callable[..., Any] = jax.eval_shape,
) -> tuple[Any, ...]:
    """Differentiated arguments, constant arguments, cotangents by entry, and directions."""
    arguments, constant = _to_jax(_split(problem))
    if not is_floating(problem.dtype) or not arguments:
        return (arguments, constant, {}, {})
    found = abstract(function, arguments, constant)
    cotangents = {
        key: jax.device_put(problem.cotangent(entry.shape, leaf_of(key)).astype(entry.dtype))
        for key, entry in found.items()
        if jnp.issubdtype(entry.dtype, jnp.inexact)
    }
    return (arguments, constant, cotangents, _to_jax(problem.directions()))


def _phases(
    function: Callable[[Leaves, Leaves], Leaves], phases: tuple[str, ...]
) -> Callable[..., Leaves]:
    def program(
        arguments: Leaves, constant: Leaves, cotangents: Leaves, directions: Leaves
    ) -> Leaves:
        def of(arguments: Leaves) -> Leaves:
            """The entries that can be differentiated."""
            entries = function(arguments, constant)
            return {key: entries[key] for key in cotangents}

        trace: Leaves = {}
        if "forward" in phases:
            trace |= function(arguments, constant)
        if "vjp" in phases:
            trace |= _entries("vjp", _pull_back(of, arguments, cotangents))
        if "jvp" in phases:
            trace |= _entries("jvp", jax.jvp(of, (arguments,), (directions,))[1])
        if "second" in phases:
            trace |= _double_backward(of, arguments, cotangents, directions)
        return trace

    return program


def _pull_back(
    function: Callable[[Leaves], Leaves], arguments: Leaves, cotangents: Leaves
) -> Leaves:
    _, pull = cast(tuple[Any, Callable[[Any], tuple[Leaves]]], jax.vjp(function, arguments))
    return pull(cotangents)[0]


def _double_backward(
    function: Callable[[Leaves], Leaves],
    arguments: Leaves,
    cotangents: Leaves,
    directions: Leaves,
) -> Leaves:
    def gradients(arguments: Leaves, cotangents: Leaves) -> Leaves:
        return _pull_back(function, arguments, cotangents)

    pull = cast(Callable[[Any], tuple[Leaves, Any]], jax.vjp(gradients, arguments, cotangents)[1])
    by_arguments, by_cotangents = pull(directions)
    along = {joined("cotangent", leaf_of(key)): c for key, c in by_cotangents.items()}
    return _entries("second", {**by_arguments, **along})


def _entries(phase: str, arrays: Leaves) -> Leaves:
    return {f"{phase}/{name}": array for name, array in arrays.items()}


def _run_apart(apart: dict[str, Callable[..., Any]], given: Callable[[], tuple[Any, ...]]) -> Run:
    run = Run()
    for phase, program in apart.items():
        try:
            run.trace |= _to_numpy(program(*given()))
        except Exception as error:
            run.failures[phase] = error
    return run


def _apart(found: Leaves, count: int) -> list[Trace]:
    """The traces of mapped calls."""
    together = {key: np.asarray(array) for key, array in found.items()}
    return [by_step({key: array[i] for key, array in together.items()}) for i in range(count)]


def _to_numpy(trace: Leaves) -> Trace:
    return by_step({key: np.asarray(array) for key, array in trace.items()})


BACKEND = JaxBackend()
