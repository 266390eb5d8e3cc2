"""The frameworks that a side can run in: one protocol, looked up lazily.

A backend turns a function and a problem into a trace, a flat dict of arrays:

    out                the value
    vjp/0, vjp/weight  the gradient with respect to an argument, by position or name
    jvp/out            the derivative of the value along the problem's directions
    second/0, ...      the derivative of <gradients, directions> with respect to an argument
    second/cotangent   the same with respect to the cotangent
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from parity.compare import Trace
from parity.inputs import Problem
from parity.spec import Target, Values

PHASES = ("forward", "vjp", "jvp", "second")


@dataclass
class Run:
    """What a side gave: arrays, and for each phase that failed its exception."""

    trace: Trace = field(default_factory=Trace)
    failures: dict[str, Exception] = field(default_factory=dict[str, Exception])


Program = Callable[[Problem], Run]


class Backend(Protocol):
    """A framework."""

    def resolve(self, target: Target) -> Callable[..., Any]:
        """The function that the target names, with its options bound."""
        ...

    def program(
        self, call: Callable[..., Any], values: Values, mapped: bool, phases: tuple[str, ...]
    ) -> Program:
        """The function as something that turns problems of one shape into runs."""
        ...

    def variants(self, program: Program, problem: Problem) -> dict[str, Run]:
        """Runs in the memory layouts and lengths for which the framework has other kernels."""
        ...

    def array(self, values: Any) -> Any:
        """An array of the framework."""
        ...

    def dtype(self, dtype: np.dtype[Any]) -> Any:
        """The framework's name for a numpy dtype."""
        ...

    def keyed(self, call: Callable[..., Any], seed: int) -> Callable[..., Any]:
        """The function with its random source fixed."""
        ...


@runtime_checkable
class Transforming(Backend, Protocol):
    """A framework that maps and compiles functions."""

    def mapped_program(
        self, call: Callable[..., Any], values: Values, mapped: bool
    ) -> Callable[[list[Problem]], Run]:
        """Value and gradients of several problems, mapped over a new leading axis."""
        ...

    def op_by_op(
        self, call: Callable[..., Any], values: Values, mapped: bool, phases: tuple[str, ...]
    ) -> Program:
        """The phases with every operation compiled on its own."""
        ...

    def dtype_in_64_bit_mode(
        self, call: Callable[..., Any], values: Values, problem: Problem
    ) -> str:
        """The result's dtype when 64-bit mode is on and the input is what it is."""
        ...


def backend(name: str) -> Backend:
    """The backend of that name; its framework is loaded now."""
    return importlib.import_module(f"parity.backends._{name}").BACKEND


def phase_of(key: str) -> str:
    """The check that an entry of a trace belongs to."""
    first = key.partition("/")[0]
    return "forward" if first == "out" else first


def native(framework: Backend, values: Any) -> Any:
    """Numpy arrays and dtypes as the framework's own, everything else as it is."""
    if isinstance(values, Mapping):
        items = cast(Mapping[str, Any], values).items()
        return {key: native(framework, value) for key, value in items}
    if isinstance(values, np.dtype):
        return framework.dtype(cast(np.dtype[Any], values))
    return framework.array(values) if isinstance(values, np.ndarray) else values


def import_path(path: str, root: str | None = None) -> Any:
    """The object at a dotted path (or module:name), tried below `root` as well.

    Raises:
        ImportError: if there is nothing of that name.
    """
    return _find(full_path(path, root))


def full_path(path: str, root: str | None = None) -> str:
    """The dotted path under which there is an object: the one given, or that below `root`.

    Raises:
        ImportError: if there is nothing of that name.
    """
    dotted = path.replace(":", ".")
    for candidate in (dotted, f"{root}.{dotted}") if root else (dotted,):
        if _find(candidate) is not None:
            return candidate
    raise ImportError(f"nothing is called {path!r}")


def _find(path: str) -> Any:
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:cut])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as missing:
            if missing.name is not None and f"{module}.".startswith(f"{missing.name}."):
                continue
            raise
        for name in parts[cut:]:
            found = getattr(found, name, None)
        return found
    return None
