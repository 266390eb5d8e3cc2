"""How a public function is made: checks first, then one compiled program."""

import difflib
import functools
import inspect
import itertools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact._arguments import Check, got_tensor, is_array_like, is_tensor
from jaxact._checking import raise_pending_errors
from jaxact.errors import InvalidTypeError, JaxactError

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])
# Maps an argument to its check, or several arguments to a function of their values, which raises
# or warns.
Checks = Mapping[str | tuple[str, ...], Check | Callable[..., None]]


class Op(Protocol[P, R_co]):
    """A public function, with the wrapped signature and a `lower` like that of jax.jit."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Calls the function."""
        ...

    def lower(self, *args: P.args, **kwargs: P.kwargs) -> jax.stages.Lowered:
        """Lowers the program for these arguments, as `jax.jit(f).lower` does."""
        ...


def op(
    *,
    static: Sequence[str] = (),
    checks: Checks | None = None,
    compiled: bool = True,
) -> Callable[[Callable[P, R]], Op[P, R]]:
    """Makes a public function, which checks its arguments and then runs as one compiled program.

    Args:
        static: parameters that select code; the others are traced, so that a new value does not
            recompile.
        checks: run in this order on every call, before tracing, on what Python knows of the
            arguments; defaults are not checked.
        compiled: False runs the function as plain Python, which may call compiled programs.
    """

    def decorate(function: Callable[P, R]) -> Op[P, R]:
        program = jax.jit(function, static_argnames=tuple(static))
        entry = _Entry(function, checks or {})
        return _Op(entry, program if compiled else function, program)

    return decorate


def factory(*, checks: Checks | None = None) -> Callable[[F], F]:
    """Makes a public function that returns a function, as initializers do; `checks` as in `op`."""

    def decorate(function: F) -> F:
        return cast(F, _Factory(_Entry(function, checks or {}), function))

    return decorate


def program(*, static: Sequence[str] = ()) -> Callable[[F], F]:
    """A compiled part of a public function, or of what a factory makes; `static` as in `op`."""

    def decorate(function: F) -> F:
        compiled: Any = jax.jit(function, static_argnames=tuple(static))

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            result = compiled(*args, **kwargs)
            # What a factory makes is called without an `op` around it.
            raise_pending_errors()
            return result

        cast(Any, call)._cache_size = compiled._cache_size
        return cast(F, call)

    return decorate


class _Public:
    """A public function.

    It is a class, not a function with attributes, because wrappers such as jax.jit copy attributes.
    """

    __slots__ = ("__dict__", "__weakref__", "_entry", "_run")

    def __init__(self, entry: "_Entry", run: Callable[..., Any]) -> None:
        self._entry, self._run = entry, run
        functools.update_wrapper(self, entry.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = self._entry.admitted(args, kwargs)
        try:
            result = self._run(*args, **kwargs)
        except TypeError as error:
            raise self._entry.explained(error, args, kwargs) from None
        raise_pending_errors()
        return result

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<function {self._entry.function.__module__}.{self._entry.name}>"

    def __reduce__(self) -> str:
        return self._entry.function.__qualname__

    def __copy__(self) -> "_Public":
        return self

    def __deepcopy__(self, memo: object) -> "_Public":
        return self


class _Op(_Public):
    """A public function that can be compiled, as `Op` describes it."""

    __slots__ = ("_program",)

    def __init__(self, entry: "_Entry", run: Callable[..., Any], program: Any) -> None:
        super().__init__(entry, run)
        self._program = program

    def lower(self, *args: Any, **kwargs: Any) -> jax.stages.Lowered:
        args, kwargs = self._entry.admitted(args, kwargs)
        return self._program.lower(*args, **kwargs)

    def _cache_size(self) -> int:
        return self._program._cache_size()


class _Factory(_Public):
    """A public function that returns a function, or several in a named tuple."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        made = super().__call__(*args, **kwargs)
        # Python's errors about arguments then name what the user called.
        call = f"{self._entry.name}(...)"
        if isinstance(made, types.FunctionType):
            made.__qualname__ = call
        for field in getattr(made, "_fields", ()):
            getattr(made, field).__qualname__ = f"{call}.{field}"
        return made


class _Entry:
    """Validates and converts the arguments of a public function before it runs."""

    def __init__(self, function: Callable[..., Any], checks: Checks) -> None:
        self.function, self.name = function, function.__name__
        self.signature = inspect.signature(function)
        self.parameters = self.signature.parameters
        places = self.places = [
            p.name
            for p in self.parameters.values()
            if p.kind not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        ]
        required = {
            p.name
            for p in self.parameters.values()
            if p.default is p.empty and p.kind is not p.VAR_POSITIONAL
        }
        # Indexed by the number of positional arguments: the keywords that may and must follow.
        self.allowed = [
            frozenset(self.parameters) - set(places[:n]) for n in range(len(places) + 1)
        ]
        self.needed = [required & allowed for allowed in self.allowed]
        # Only arguments annotated as arrays are converted with __jax_array__; trees keep their
        # leaves as they are.
        self.arrays = {p.name for p in self.parameters.values() if _is_of_arrays(p.annotation)}
        self.index = {name: i for i, name in enumerate(places)}
        self.defaults = {p.name: p.default for p in self.parameters.values()}
        every = (p.name for p in self.parameters.values() if p.kind is p.VAR_POSITIONAL)
        self.variadic = next(every, "")
        self.checks = list(checks.items())

    def admitted(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments after the signature check, the conversion to arrays and the checks."""
        given = len(args)
        if given >= len(self.allowed):
            if not self.variadic:
                raise self.misuse(args, kwargs)
            given = len(self.places)
        # Most calls pass positional arguments only.
        needed = self.needed[given]
        if not (needed <= kwargs.keys() <= self.allowed[given] if kwargs else not needed):
            raise self.misuse(args, kwargs)
        for value in args:
            if type(value) not in _PLAIN:
                names = itertools.chain(self.places, itertools.repeat(self.variadic))
                args = tuple(map(self._plain, names, args))
                break
        for name, value in kwargs.items():
            if type(value) not in _PLAIN:
                kwargs[name] = self._plain(name, value)
        return self.checked(args, kwargs) if self.checks else (args, kwargs)

    def checked(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments as the checks return them."""
        given = len(args)
        for names, check in self.checks:
            if isinstance(names, tuple):
                check(self.name, *(self._value(name, args, kwargs) for name in names))
            elif self.index.get(names, given) < given:
                index = self.index[names]
                value = check(self.name, names, args[index])
                if value is not args[index]:
                    args = (*args[:index], value, *args[index + 1 :])
            elif names in kwargs:
                kwargs[names] = check(self.name, names, kwargs[names])
        return args, kwargs

    def _value(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        index = self.index.get(name, len(args))
        return args[index] if index < len(args) else kwargs.get(name, self.defaults[name])

    def _plain(self, name: str, value: Any) -> Any:
        """Converts values with `__jax_array__`, such as flax variables, to arrays.

        Raises:
            InvalidTypeError: if the value is a torch tensor.
        """
        kind = cast(Any, type(value))
        if kind in _PLAIN:
            return value
        if is_tensor(value):
            raise InvalidTypeError(f"{self.name}: {name} must be an array, {got_tensor(value)}")
        if isinstance(value, Array) or not hasattr(kind, "__jax_array__"):
            _PLAIN.add(kind)
            return value
        return jnp.asarray(value) if name in self.arrays else value

    def explained(
        self, error: TypeError, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> TypeError:
        """The error, or one that names the argument that is no array."""
        if not isinstance(error, JaxactError):
            for name, value in (*zip(self.places, args, strict=False), *kwargs.items()):
                if name in self.arrays and not is_array_like(value):
                    return InvalidTypeError(
                        f"{self.name}: {name} must be an array, got {type(value).__name__}"
                    )
        return error

    def misuse(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> InvalidTypeError:
        """The error that describes a call that does not fit the signature."""
        places = self.places
        unknown = [name for name in kwargs if name not in self.parameters]
        twice = [name for name in places[: len(args)] if name in kwargs]
        missing = self.needed[min(len(args), len(places))] - kwargs.keys()
        if unknown:
            said = f"has no argument {unknown[0]!r}{self._instead(unknown[0])}"
        elif len(args) > len(places):
            said = f"takes {len(places)} positional arguments, got {len(args)}"
            if isinstance(args[-1], bool):
                said += f" (torch's inplace is none of them: {_INSTEAD['inplace']})"
        elif twice:
            said = f"got {twice[0]} twice"
        else:
            first = next(name for name in self.parameters if name in missing)
            said = f"{first} is missing{_MISSING.get(first, '')}"
        plain = [p.replace(annotation=p.empty) for p in self.parameters.values()]
        call = f"{self.name}{inspect.Signature(plain)}"
        return InvalidTypeError(f"{self.name}: {said}; the call is {call}")

    def _instead(self, name: str) -> str:
        for theirs, ours in _RENAMED:
            if name == theirs and ours in self.parameters:
                return f": write {ours}="
        near = difflib.get_close_matches(name, self.parameters, 1)
        return f": {_INSTEAD[name]}" if name in _INSTEAD else f": write {near[0]}=" if near else ""


def _is_of_arrays(annotation: object) -> bool:
    """Whether an argument may be an array; functions of arrays are none."""
    return "Array" in str(annotation) and "Callable" not in str(annotation)


# Argument types that need no conversion; types met at run time are added.
_PLAIN: set[type] = {type(None), bool, int, float, str, np.ndarray, list, tuple, dict}

# Argument names of torch or numpy, and their names here.
_RENAMED = (
    ("axis", "dim"),
    ("dim", "axis"),
    ("keepdims", "keepdim"),
    ("generator", "key"),
    ("rng", "key"),
    ("rngs", "key"),
)
_INSTEAD = {
    "inplace": "arrays do not change; leave it out and use the result",
    "out": "arrays do not change; leave it out and use the result",
    "size_average": "write reduction='mean' for True, reduction='sum' for False",
    "reduce": "write reduction='none' for False, and leave it out for True",
    "_stacklevel": "leave it out, the warning points at your line",
}
_MISSING = {"key": ": give a JAX random key, key=jax.random.key(seed)"}
