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

from parity.backends import Program, Run, import_path
from parity.compare import Trace
from parity.dtypes import is_floating
from parity.inputs import Problem
from parity.spec import Target, Values

Arguments = dict[str, Any]
Compiled = Callable[..., dict[str, Any]]


def precision(dtype: str) -> contextlib.AbstractContextManager[None]:
    """64-bit mode for 64-bit arrays only, for this thread only: users run without it."""
    return jax.enable_x64(dtype in ("float64", "int64"))


class JaxBackend:
    """jax on its default device."""

    def resolve(self, target: Target) -> Callable[..., Any]:
        """The function that the target names, with its options bound."""
        call = import_path(target.call, "jax") if isinstance(target.call, str) else target.call
        return functools.partial(call, **target.options) if target.options else call

    def array(self, values: Any) -> Any:
        """A jax array."""
        return jnp.asarray(values)

    def dtype(self, dtype: np.dtype[Any]) -> Any:
        """The framework's name for a numpy dtype."""
        return dtype

    def keyed(self, call: Callable[..., Any], seed: int) -> Callable[..., Any]:
        """The function with its random source fixed."""
        return functools.partial(call, key=jax.random.key(seed))

    def program(
        self, call: Callable[..., Any], values: Values, mapped: bool, phases: tuple[str, ...]
    ) -> Program:
        """One compiled program for all phases; if that fails, one for each phase."""
        function = _function(call, values, mapped)
        together = cast(Compiled, jax.jit(_phases(function, phases)))
        apart = {phase: jax.jit(_phases(function, (phase,))) for phase in phases}

        def run(problem: Problem) -> Run:
            with precision(problem.dtype):
                try:
                    arguments = _arguments(function, problem)
                    return Run(_to_numpy(together(*arguments)))
                except Exception:
                    return _run_apart(function, apart, problem)

        return run

    def mapped_program(
        self, call: Callable[..., Any], values: Values, mapped: bool
    ) -> Callable[[list[Problem]], Run]:
        """Value and gradients of several problems, mapped over a new leading axis."""
        function = _function(call, values, mapped)
        mapped_phases = jax.vmap(_phases(function, ("forward", "vjp")))
        together = cast(Compiled, jax.jit(mapped_phases))

        def run(problems: list[Problem]) -> Run:
            with precision(problems[0].dtype):
                each = [_arguments(function, problem) for problem in problems]
                stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
                return Run(_to_numpy(together(*stacked)))

        return run

    def op_by_op(
        self, call: Callable[..., Any], values: Values, mapped: bool, phases: tuple[str, ...]
    ) -> Program:
        """The phases with every operation compiled on its own."""
        function = _function(call, values, mapped)

        def run(problem: Problem) -> Run:
            with precision(problem.dtype), jax.disable_jit():
                arguments = _arguments(function, problem)
                return Run(_to_numpy(_phases(function, phases)(*arguments)))

        return run

    def variants(self, program: Program, problem: Problem) -> dict[str, Run]:
        """Jax has one kernel for all layouts."""
        return {"": program(problem)}

    def dtype_in_64_bit_mode(
        self, call: Callable[..., Any], values: Values, problem: Problem
    ) -> str:
        """The result's dtype when 64-bit mode is on and the input is what it is."""
        with jax.enable_x64(True):
            shapes: Any = jax.tree.map(_shape_of, _split(problem))
            return str(jax.eval_shape(_function(call, values, False), *shapes).dtype)


def _shape_of(array: NDArray[Any]) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype)


def _to_jax(arrays: Any) -> Any:
    """Every array of the tree as a jax array."""
    return jax.tree.map(cast(Any, jnp.asarray), arrays)


def _split(problem: Problem) -> tuple[Arguments, Arguments]:
    """The arguments that are differentiated, and the constant ones."""
    given = problem.arguments
    constant = {name: given.pop(name) for name in problem.constant}
    return given, constant


def _function(call: Callable[..., Any], values: Values, mapped: bool) -> Callable[..., Any]:
    """The function of its differentiated and its constant arguments, by position or name."""

    def function(arguments: Arguments, constant: Arguments) -> Any:
        given = {**arguments, **constant}
        positions = sorted(int(name) for name in given if name.isdigit())
        named = {name: array for name, array in given.items() if not name.isdigit()}
        return call(*(given[str(i)] for i in positions), **values, **named)

    return jax.vmap(function) if mapped else function


def _arguments(function: Callable[..., Any], problem: Problem) -> tuple[Any, ...]:
    arguments, constant = _to_jax(_split(problem))
    if not is_floating(problem.dtype):
        return (arguments, constant, None, None)
    shape = jax.eval_shape(function, arguments, constant).shape
    directions = _to_jax(problem.directions())
    return (arguments, constant, jnp.asarray(problem.cotangent(shape)), directions)


def _phases(function: Callable[..., Any], phases: tuple[str, ...]) -> Callable[..., Any]:
    def program(
        arguments: Arguments, constant: Arguments, cotangent: Any, directions: Arguments
    ) -> dict[str, Any]:
        def of(arguments: Arguments) -> Any:
            return function(arguments, constant)

        trace: dict[str, Any] = {}
        if "forward" in phases:
            trace["out"] = of(arguments)
        if "vjp" in phases:
            trace |= _entries("vjp", _pull_back(of, arguments, cotangent))
        if "jvp" in phases:
            trace["jvp/out"] = jax.jvp(of, (arguments,), (directions,))[1]
        if "second" in phases:
            trace |= _double_backward(of, arguments, cotangent, directions)
        return trace

    return program


def _pull_back(function: Callable[..., Any], arguments: Arguments, cotangent: Any) -> Arguments:
    out, pull = cast(tuple[Any, Callable[[Any], tuple[Arguments]]], jax.vjp(function, arguments))
    return pull(cotangent.astype(out.dtype))[0]


def _double_backward(
    function: Callable[..., Any], arguments: Arguments, cotangent: Any, directions: Arguments
) -> dict[str, Any]:
    def gradients(arguments: Arguments, cotangent: Any) -> Arguments:
        return _pull_back(function, arguments, cotangent)

    pull = cast(Callable[[Any], tuple[Arguments, Any]], jax.vjp(gradients, arguments, cotangent)[1])
    by_arguments, by_cotangent = pull(directions)
    return {**_entries("second", by_arguments), "second/cotangent": by_cotangent}


def _entries(phase: str, arrays: Arguments) -> dict[str, Any]:
    return {f"{phase}/{name}": array for name, array in arrays.items()}


def _run_apart(
    function: Callable[..., Any], apart: dict[str, Callable[..., Any]], problem: Problem
) -> Run:
    run = Run()
    for phase, program in apart.items():
        try:
            run.trace |= _to_numpy(program(*_arguments(function, problem)))
        except Exception as error:
            run.failures[phase] = error
    return run


def _to_numpy(trace: dict[str, Any]) -> Trace:
    return {key: np.asarray(array) for key, array in trace.items()}


BACKEND = JaxBackend()
