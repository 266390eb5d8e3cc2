"""The frameworks that a side can run in: one protocol, looked up lazily.

A backend turns a function and a problem into a trace, a flat dict of arrays:

    out                the value
    step/17/...        the values after a step of a target that is run step by step
    buffers/...        the buffers of a module after the call
    stream             the numbers that a seeded stream gives after the call
    vjp/0, vjp/weight  the gradient with respect to an argument, by position or name
    jvp/out            the derivative of the value along the problem's directions
    second/0, ...      the derivative of <gradients, directions> with respect to an argument
    second/cotangent   the same with respect to the cotangent

Each leaf of a tree has its own entry, to which its path is added: out/running_mean, vjp/0/a/weight.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from parity.backends.contexts import ALONE, NO_CONTEXT, Context
from parity.compare import Trace
from parity.inputs import Form, Problem
from parity.spec import Call, Randomness, Target, Values
from parity.trees import joined

BACKENDS = ("jax", "torch", "numpy", "mpmath")
PHASES = ("forward", "vjp", "jvp", "second")
# The roots of the entries that a target can return.
OUT, STEP, BUFFERS, STREAM = "out", "step", "buffers", "stream"


@dataclass
class Run:
    """The results of a side: arrays, and the exception of each phase that failed."""

    trace: Trace = field(default_factory=Trace)
    failures: dict[str, Exception] = field(default_factory=dict[str, Exception])


Program = Callable[[Problem], Run]
ManyProgram = Callable[[list[Problem]], list[Trace]]
# The ways to call a function: from Python with arrays of the framework or of numpy; compiled;
# compiled in 64-bit mode; mapped over a new axis of all arguments, of the first one, or of all but
# the first one.
EAGER, NUMPY, COMPILED, WIDE = "eager", "numpy", "compiled", "wide"
MAPPED, MAPPED_FIRST, MAPPED_OTHERS = "mapped", "mapped_first", "mapped_others"
MAPPINGS = (MAPPED, MAPPED_FIRST, MAPPED_OTHERS)
WAYS = (EAGER, COMPILED, NUMPY, WIDE, *MAPPINGS)
# Those from Python, in which nothing is compiled with the function.
FROM_PYTHON = (EAGER, NUMPY)
LAYOUTS = ("contiguous", "strided", "transposed")
# From positional and named arguments to the roots of the trace.
Function = Callable[[tuple[Any, ...], Values], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a function is called.

    Args:
        name: one of `WAYS`.
        first: the path of the leaf that the context computes, or whose argument is mapped alone or
            not at all.
        context: what stands around the function in the same program.
    """

    name: str = EAGER
    first: str = ""
    context: Context = NO_CONTEXT


@dataclass(frozen=True, kw_only=True)
class Task:
    """The function that a side runs, with everything but the numbers.

    Args:
        target: the function, and how it is called.
        form: how the arguments are built from the leaves of a problem.
        values: its hyperparameters, the same for the whole call.
        mapped: whether the call is mapped over the leading axis of every argument.
        random: the source of its random numbers; None on a side that draws none.
    """

    target: Target
    form: Form
    values: Values = field(default_factory=dict[str, Any])
    mapped: bool = False
    random: Randomness | None = None


class Backend(Protocol):
    """A framework."""

    def resolve(self, target: Target) -> Callable[..., Any]:
        """The function that the target names, with its options bound."""
        ...

    def function(self, target: Target, random: Randomness | None) -> Function:
        """The target as its driver calls it.

        Its arguments and results are arrays of the framework.
        """
        ...

    def sourced(self, target: Target, random: Randomness | None) -> Callable[..., Any]:
        """The target's function with its source of random numbers as an argument."""
        ...

    def program(self, task: Task, phases: tuple[str, ...]) -> Program:
        """The task as a function from problems of one shape to runs."""
        ...

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways in which the framework can call a function."""
        return (EAGER,)

    @property
    def contexts(self) -> tuple[str, ...]:
        """What can stand around a function in one program; nothing where none is compiled."""
        return (ALONE,)

    def called(self, way: Way, task: Task, phases: tuple[str, ...]) -> ManyProgram:
        """The task, called in one of `ways`, for problems of one shape.

        Args:
            way: how it is called; by default one problem after the other.
            task: what is called.
            phases: what is computed.
        """
        program = self.program(task, phases)

        def run(problems: list[Problem]) -> list[Trace]:
            runs = [program(problem) for problem in problems]
            for failure in (error for run in runs for error in run.failures.values()):
                raise failure
            return [run.trace for run in runs]

        return run

    def laid_out(self, program: Program, layout: str) -> Program:
        """The program for arrays that lie in memory as one of `LAYOUTS` says, if it matters."""
        return program

    def variants(self, program: Program, problem: Problem) -> dict[str, Run]:
        """Runs in the memory layouts and lengths for which the framework has different kernels."""
        ...

    def array(self, values: Any) -> Any:
        """An array of the framework."""
        ...

    def precision(self, dtype: str) -> contextlib.AbstractContextManager[None]:
        """The mode in which the framework has arrays of the dtype."""
        return contextlib.nullcontext()

    def forget(self) -> None:
        """Frees the memory of compiled programs, which a long run would fill."""

    def as_numpy(self, array: Any) -> NDArray[Any]:
        """An array of the framework, or a number, as an array of numpy."""
        return np.asarray(array)

    def dtype(self, dtype: np.dtype[Any]) -> Any:
        """The framework's name for a numpy dtype."""
        ...


@runtime_checkable
class MappingBackend(Backend, Protocol):
    """A framework that maps functions."""

    def mapped_program(self, task: Task) -> Callable[[list[Problem]], list[Trace]]:
        """The traces, with gradients, of several problems mapped over a new leading axis."""
        ...


@runtime_checkable
class CompilingBackend(Backend, Protocol):
    """A framework that compiles functions."""

    def op_by_op(self, task: Task, phases: tuple[str, ...]) -> Program:
        """The phases with every operation compiled separately."""
        ...

    def dtypes(self, task: Task, problem: Problem, wide: bool) -> dict[str, str]:
        """The dtypes of the result, by entry, with 64-bit mode on or off."""
        ...


def backend(name: str) -> Backend:
    """The backend of that name, whose framework is loaded now.

    Raises:
        ValueError: if there is none.
    """
    if name not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {name!r}")
    return importlib.import_module(f"parity.backends._{name}").BACKEND


def phase_of(key: str) -> str:
    """The check that an entry of a trace belongs to."""
    first = key.partition("/")[0]
    return first if first in PHASES else "forward"


def leaf_of(key: str) -> str:
    """The path of the leaf of the result to which an entry belongs; empty without a tree."""
    root, _, rest = key.partition("/")
    return rest if root == OUT else key


def with_source(
    call: Callable[..., Any], source: Callable[[], Any], at: str | int
) -> Callable[..., Any]:
    """The function with a source of random numbers, new for each call, as the right argument."""

    def called(*args: Any, **named: Any) -> Any:
        if isinstance(at, str):
            return call(*args, **named, **{at: source()})
        return call(*args[:at], source(), *args[at:], **named)

    return called


def resolved(target: Target, root: str) -> Callable[..., Any]:
    """The function that the target names, looked up below `root` too, with its options bound."""
    call = import_path(target.call, root) if isinstance(target.call, str) else target.call
    return functools.partial(call, **target.options) if target.options else call


def only_called(target: Target, call: Callable[..., Any], framework: str) -> Function:
    """The function, for a framework whose only driver is a plain call.

    Raises:
        NotImplementedError: if the target has another driver.
    """
    if not isinstance(target.driver, Call):
        raise NotImplementedError(
            f"{target.name}: {framework} has calls only, got {type(target.driver).__name__}"
        )
    return lambda args, named: {OUT: call(*args, **named)}


def by_step(trace: Trace) -> Trace:
    """The trace with an entry for each step: step/params -> step/0/params, step/1/params, ..."""
    apart: Trace = {}
    for key, array in trace.items():
        root, _, rest = key.partition("/")
        if root == STEP:
            apart |= {joined(root, str(i), rest): entry for i, entry in enumerate(array)}
        else:
            apart[key] = array
    return apart


def native(framework: Backend, values: Any) -> Any:
    """The tree with numpy arrays and dtypes converted to the framework's own."""
    if isinstance(values, Mapping):
        items = cast(Mapping[str, Any], values).items()
        return {key: native(framework, value) for key, value in items}
    if isinstance(values, np.dtype):
        return framework.dtype(cast(np.dtype[Any], values))
    if isinstance(values, list | tuple):
        made = [native(framework, value) for value in cast("list[Any]", values)]
        return made if isinstance(values, list) else tuple(made)
    return framework.array(values) if isinstance(values, np.ndarray) else values


def import_path(path: str, root: str | None = None) -> Any:
    """The object at a dotted path, module:name or file.py:name; a path may leave out `root`.

    Raises:
        ImportError: if there is nothing of that name; it names the part that was not found.
    """
    if ".py:" in path:
        return _from_file(path)
    return _find(full_path(path, root))


@functools.cache
def full_path(path: str, root: str | None = None) -> str:
    """The dotted path that leads to an object: the given one, or the same below `root`.

    Raises:
        ImportError: if there is nothing of that name.
    """
    dotted = path.replace(":", ".")
    for candidate in (dotted, f"{root}.{dotted}") if root else (dotted,):
        if _find(candidate) is not None:
            return candidate
    raise ImportError(f"nothing is called {path!r}: {_missing(dotted)}")


def _find(path: str) -> Any:
    """The object at a path; None if there is nothing of that name."""
    module, names = _module_of(path)
    if module is None:
        return None
    found: Any = module
    for name in names:
        found = getattr(found, name, None)
    return found


INSTALL = "pip install 'jaxact[parity]'"
# What this extra installs, by the name that is imported.
_EXTRA = ("torch", "mpmath", "scipy")


def to_install(error: ImportError) -> str:
    """The end of a message: how to install what is missing, if it comes with the extra."""
    root = (error.name or "").partition(".")[0]
    return f"; {INSTALL}" if root in _EXTRA else ""


def _module_of(path: str) -> tuple[Any, list[str]]:
    """The longest part of the path that is a module, and the remaining names.

    The last name is always the object's, since a package may have a module of the same name.
    """
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:cut])
        try:
            return importlib.import_module(module), parts[cut:]
        except ModuleNotFoundError as missing:
            if missing.name is None or not f"{module}.".startswith(f"{missing.name}."):
                raise
    return None, parts


def _missing(path: str) -> str:
    """A message that says which part of a path does not exist."""
    found, names = _module_of(path)
    if found is None:
        return f"there is no module {names[0]}"
    owner = found.__name__
    for name in names:
        if not hasattr(found, name):
            return f"{owner} has no {name}"
        found, owner = getattr(found, name), f"{owner}.{name}"
    return f"{owner} is None"


@functools.cache
def _loaded(file: Path) -> Any:
    """The file as a module, which may import other files of its folder."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.exists():
        raise ImportError(f"there is no file {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    spec.loader.exec_module(module)
    return module


def _from_file(path: str) -> Any:
    file, _, name = path.rpartition(":")
    module = _loaded(Path(file).resolve())
    if not hasattr(module, name):
        raise ImportError(f"nothing is called {path!r}: {file} has no {name}")
    return getattr(module, name)
