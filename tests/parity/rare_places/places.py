# pyright: basic
"""Functions that are wrong at one rare place, where nobody thought of looking.

Each is jaxact's function everywhere else. The body of a mistake gets the call, `Place`, and gives
the wrong result if the call is at the rare place, and None otherwise.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import linear_call

from parity.backends import backend
from parity.spec import Spec, Target

Function = Callable[..., Any]

# The kinds of rare places.
TOGETHER = "two rare arguments together"
AXES = "an axis or a rank"
LENGTHS = "a length"
DTYPES = "a dtype"
NUMBERS = "a hyperparameter"
CALLING = "a way of calling"
DERIVATIVES = "one derivative"
SPECIAL = "special values with an option"
TREES = "a form of tree"
OUTSIDE = "just outside"
RANDOM = "randomness"
STEPS = "many steps"


class Place:
    """A call: its arguments, by name as attributes, and the right function."""

    def __init__(self, right: Function, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        self._right = right
        bound = _signature(right).bind(*args, **named)
        self._given = dict(bound.arguments)
        bound.apply_defaults()
        self._all = dict(bound.arguments)

    def __getattr__(self, name: str) -> Any:
        return self._all[name]

    def right(self, **changes: Any) -> Any:
        """The right result, of the call with some arguments replaced."""
        bound = _signature(self._right).bind(**{**self._given, **changes})
        return self._right(*bound.args, **bound.kwargs)


@functools.cache
def _signature(right: Function) -> inspect.Signature:
    return inspect.signature(right)


class Stopped(Exception):
    """A probe has seen enough."""


@dataclass
class Watch:
    """Whether the wrong code of a function is run.

    Args:
        reached: how many times it was.
        probing: whether only that is asked: the call is stopped at the rare place.
        last: whether an argument is one of the last call of the subject; it is stopped there too.
    """

    reached: int = 0
    probing: bool = False
    last: Callable[[Any], bool] = bool


@dataclass(kw_only=True)
class Rare:
    """A function that is wrong at one rare place.

    Args:
        mistake: what is wrong, in snake_case.
        kind: of the place.
        right, spec: the row, and the row with the wrong function as its subject.
        near: levels, "precision=bfloat16", of the calls that are tried first.
        watch: sees whether the wrong code is run.
    """

    mistake: str
    kind: str
    right: Spec
    spec: Spec
    near: tuple[str, ...]
    watch: Watch = field(default_factory=Watch)


class RarePlaces:
    """The wrong functions of a file, in the order of their definition.

    Args:
        specs: the rows.
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._found: list[Rare] = []

    def __iter__(self) -> Iterator[Rare]:
        return iter(self._found)

    def wrong(self, function: str, kind: str, near: str = "") -> Callable[[Function], Function]:
        """Registers the decorated body; its name is the mistake.

        Args:
            function: the row's name.
            kind: of the rare place.
            near: the levels of the calls that are tried first, separated by spaces; `@` stands
                for a space within a level.
        """

        def register(body: Callable[[Place], Any]) -> Function:
            watch = Watch()
            spec = _with_subject(self._specs[function], lambda right: _wrong(right, body, watch))
            self._found.append(
                Rare(
                    mistake=body.__name__.strip("_"),
                    kind=kind,
                    right=self._specs[function],
                    spec=spec,
                    near=tuple(level.replace("@", " ") for level in near.split()),
                    watch=watch,
                )
            )
            return body

        return register


def _wrong(right: Function, body: Callable[[Place], Any], watch: Watch) -> Function:
    @functools.wraps(right)
    def subject(*args: Any, **named: Any) -> Any:
        place = Place(right, args, named)
        wrong = body(place)
        watch.reached += wrong is not None
        if watch.probing:
            return _probed(place, wrong, watch, jax.tree.leaves((args, named)))
        return place.right() if wrong is None else wrong

    return subject


def _probed(place: Place, wrong: Any, watch: Watch, arguments: list[Any]) -> Any:
    """A result of the right shape, without computing it, until the probe has seen enough."""
    if wrong is not None or any(map(watch.last, arguments)):
        raise Stopped
    if any(map(traced, arguments)):
        return place.right()
    return jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(place.right))


def _with_subject(spec: Spec, wrong: Callable[[Function], Function]) -> Spec:
    """The row whose subject is wrong; also where the default setting has a subject of its own."""

    def of(target: Target) -> Target:
        plain = backend("jax").resolve(replace(target, options={}))
        return replace(target, call=wrong(plain))

    first, *others = spec.settings
    if first.subject is not None:
        first = replace(first, subject=of(first.subject))
    return replace(spec, subject=of(spec.subject), settings=(first, *others))


# -------------------------------------------------------------------------------- about an argument


def is_number(x: Any) -> bool:
    """Whether it is a number of Python."""
    return isinstance(x, int | float) and not isinstance(x, bool | np.generic)


def is_array(x: Any) -> bool:
    """Whether it is an array: of jax, of numpy, or traced; not a numpy scalar."""
    return isinstance(x, jax.Array | np.ndarray)


def traced(x: Any) -> bool:
    """Whether it is traced."""
    return isinstance(x, jax.core.Tracer)


def mapped(x: Any) -> bool:
    """Whether the call is mapped over it."""
    return type(x).__name__ == "BatchTracer"


def differentiated(x: Any) -> bool:
    """Whether it is traced in a call that is neither compiled nor mapped."""
    return traced(x) and type(x).__name__ != "DynamicJaxprTracer"


def known(x: Any) -> float:
    """The number; nan if it is traced or no number."""
    return float("nan") if x is None or isinstance(x, str) or traced(x) else float(x)


def wide() -> bool:
    """Whether 64-bit mode is on."""
    return bool(jax.config.jax_enable_x64)


def leaves(tree: Any) -> list[Any]:
    """The leaves of a tree."""
    return jax.tree.leaves(tree)


# ------------------------------------------------------------------------------------ what is wrong


def times(x: Any, factor: float) -> Any:
    """The floating arrays of a tree times a factor, in their dtypes."""
    return jax.tree.map(lambda a: (a * jnp.asarray(factor, a.dtype)).astype(a.dtype), x)


def with_slope(x: Any, factor: float) -> Any:
    """x, whose derivative is the factor, forward and backward."""

    @jax.custom_jvp
    def bent(x: Any) -> Any:
        return jnp.asarray(x)

    @bent.defjvp
    def _rule(primals: Any, tangents: Any) -> Any:
        return bent(*primals), times(tangents[0], factor)

    return jax.tree.map(bent, x)


def with_slope_backward(x: Any, factor: float) -> Any:
    """x, whose derivative is wrong only in reverse mode."""
    return _transposed(x, lambda _, t: t, lambda _, c: times(c, factor))


def with_slope_forward(x: Any, factor: float) -> Any:
    """x, whose derivative is wrong only in forward mode."""
    return _transposed(x, lambda _, t: times(t, factor), lambda _, c: c)


def _transposed(x: Any, forward: Function, backward: Function) -> Any:
    @jax.custom_jvp
    def bent(x: Any) -> Any:
        return jnp.asarray(x)

    @bent.defjvp
    def _rule(primals: Any, tangents: Any) -> Any:
        return bent(*primals), linear_call(forward, backward, (), tangents[0])

    return jax.tree.map(bent, x)


def with_curvature(x: Any) -> Any:
    """x, of slope 1, whose second derivative is wrong."""

    @jax.custom_jvp
    def bent(x: Any) -> Any:
        return jnp.asarray(x)

    @bent.defjvp
    def _rule(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        return bent(x), t * (1 + (x - jax.lax.stop_gradient(x)))

    return jax.tree.map(bent, x)


def in_dtype(x: Any, dtype: Any) -> Any:
    """x, rounded to another dtype and back."""
    return jax.tree.map(lambda a: a.astype(dtype).astype(a.dtype), x)
