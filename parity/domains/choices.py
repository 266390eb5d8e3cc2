"""The kinds of arguments: what each may be, and what it may not be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from parity.domains.draws import (
    NAN,
    NO_AXES,
    NOTHING,
    SAME,
    SPECIAL,
    TIES,
    ZEROS,
    Beyond,
    Choice,
    Draw,
    Factor,
)
from parity.dtypes import is_floating, rounded
from parity.trees import flat, mapped, placed

# Numbers that an eighth of a tensor, and at least a few, are replaced by. The largest is the root
# of float32's largest.
LEAST_PLACED = 3
_PLACED = {SPECIAL: (0.0, np.inf, -0.0, 2.0**64, -np.inf, -(2.0**64)), NAN: (np.nan,)}


@dataclass(frozen=True)
class OneOf:
    """One of a few values: an option, a flag, an index, a number that selects code, a function.

    OneOf(None) is an argument that a comparison cannot vary, such as the name of an axis of
    devices.
    """

    values: tuple[Any, ...]
    outside: tuple[Any, ...] = ()
    shapes: tuple[str, ...] = ()

    def __init__(self, *values: Any, outside: tuple[Any, ...] = ()) -> None:
        """The values, the usual one first, and some that it may not be."""
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "outside", outside)

    def factors(self, name: str) -> Iterator[Factor]:
        """The value."""
        yield Factor(name, self._labels)

    def made(self, name: str, draw: Draw) -> Any:
        """The value."""
        return self.values[self._labels.index(draw.levels[name])]

    @property
    def _labels(self) -> tuple[str, ...]:
        """The values as text."""
        return tuple(map(_label, self.values))

    def beyond(self, name: str) -> dict[str, Beyond]:
        """Other types, and the values of `outside`."""
        options = all(isinstance(value, str | bool) for value in self.values)
        others: tuple[Any, ...] = ("another", None, *((1,) if options else ()))
        wrong = [value for value in others if value is not None or None not in self.values]
        return {f"{name}:{value}": _always(value) for value in (*wrong, *self.outside)}


def _label(value: Any) -> str:
    """The value as text; a function by its name, for it has an address that varies."""
    entries = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else ()
    if any(map(callable, entries)):
        return f"({', '.join(map(_label, entries))})"
    return getattr(cast(Any, value), "__name__", str(cast(Any, value)))


FLAG = OneOf(False, True)


class Number(OneOf):
    """A hyperparameter: a Python number, a numpy scalar, or an array without axes.

    Its values are inside the range, at its ends, 0, negative, integers.
    """

    differentiated: bool = True

    def __init__(
        self, *values: Any, outside: tuple[Any, ...] = (), differentiated: bool = True
    ) -> None:
        """The values, some that it may not be, and whether there is a gradient."""
        super().__init__(*values, outside=outside)
        object.__setattr__(self, "differentiated", differentiated)

    def factors(self, name: str) -> Iterator[Factor]:
        """The value, and its type."""
        yield from super().factors(name)
        yield Factor(f"{name}.type", ("number", "numpy", "array"))

    def made(self, name: str, draw: Draw) -> Any:
        """The number."""
        value = super().made(name, draw)
        match draw.levels[f"{name}.type"]:
            case "number":
                return value
            case "numpy":
                return np.asarray(value)[()] if isinstance(value, int) else np.float64(value)
            case _:
                draw.numbers.add(name.partition(".")[0])
                if not self.differentiated:
                    draw.constant.add(name.partition(".")[0])
                return rounded(value, "float32" if draw.dtype != "float64" else "float64")


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A floating array.

    Args:
        axes: the axes that it may have, each a string of names: ("n c", "c", "n c d").
        like: the name of an argument made before, whose axes it has; without those in `without`.
        low, high: the range of its numbers, whose ends and middle are among them; by default they
            are normal, of standard deviation 2.
        values: the numbers that it may have, if they are few: (-1.0, 1.0).
        special: whether zeros, infinities, huge numbers and nan may be among them.
        broadcast: whether some of its axes may have length 1, or the first be missing.
        dtype: its own dtype; by default the one of the call.
        beside: other dtypes that it may have beside the dtype of the call, such as "int32".
        differentiated: whether the reference has a gradient with respect to it.
        numeric: whether the subject has one although the reference has none; it is compared with
            a numeric derivative.
    """

    axes: tuple[str, ...] = ("",)
    like: str = ""
    without: str = ""
    low: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()
    special: bool = False
    broadcast: bool = False
    dtype: str = ""
    beside: tuple[str, ...] = ()
    differentiated: bool = True
    numeric: bool = False

    @property
    def shapes(self) -> tuple[str, ...]:
        """The axes that it may have."""
        return () if self.like else self.axes

    def factors(self, name: str) -> Iterator[Factor]:
        """Its axes, its numbers and, if it is broadcast, which axes have length 1."""
        if len(self.shapes) > 1:
            yield Factor(f"{name}.axes", tuple(axes or NO_AXES for axes in self.axes))
        yield Factor(f"{name}.numbers", self._kinds, free=True)
        if self.broadcast:
            yield Factor(f"{name}.broadcast", ("no", "first", "last", "all", "fewer"))
        if self.beside:
            yield Factor(f"{name}.dtype", (SAME, *self.beside))

    @property
    def _kinds(self) -> tuple[str, ...]:
        if self.values:
            return ("ordinary",)
        equal = (TIES, ZEROS) if self.low is None else ("ends",)
        return ("ordinary", *equal, *((SPECIAL, NAN) if self.special else ()))

    def made(self, name: str, draw: Draw) -> NDArray[Any]:
        """The array."""
        shape = self._shape(name, draw)
        if self.numeric:
            draw.numeric.add(name.partition(".")[0])
        elif not self.differentiated:
            draw.constant.add(name.partition(".")[0])
        random = draw.random(name)
        kind = draw.levels[f"{name}.numbers"]
        numbers = self._numbers(random, shape, kind)
        if kind in _PLACED and numbers.size:
            flat = numbers.reshape(-1)
            places = random.permutation(flat.size)[: max(LEAST_PLACED, flat.size // 8)]
            placed = np.roll(_PLACED[kind], random.integers(len(_PLACED[kind])))
            flat[places] = np.resize(placed, len(places))
        dtype = self.dtype or draw.dtype_of(name)
        return rounded(numbers if is_floating(dtype) else np.rint(numbers), dtype)

    def beyond(self, name: str) -> dict[str, Beyond]:
        """Other dtypes, another number of axes, no array; beside another argument, longer ones."""
        beside = {"another_dtype": _another_dtype, "longer": _longer} if self._beside else {}
        found = {**_OTHER_DTYPES, **_OTHER_AXES, **beside, "list": _listed}
        return {f"{name}:{label}": beyond for label, beyond in found.items()}

    @property
    def _beside(self) -> bool:
        """Whether its axes are those of another argument."""
        return bool(self.like) or len(self.axes) == 1

    def _shape(self, name: str, draw: Draw) -> tuple[int, ...]:
        if self.like:
            axes = draw.axes_like(self.like, self.without)
        else:
            axes = draw.levels.get(f"{name}.axes", self.axes[0])
        shape = draw.shape(name, "" if axes == NO_AXES else axes)
        return _narrowed(shape, draw.levels.get(f"{name}.broadcast", "no"))

    def _numbers(
        self, random: np.random.Generator, shape: tuple[int, ...], kind: str
    ) -> NDArray[np.float64]:
        if self.values:
            return np.asarray(random.choice(self.values, shape))
        if self.low is None or self.high is None:
            numbers = 2.0 * random.standard_normal(shape)
            if kind == ZEROS:
                # Of both signs.
                return 0.0 * numbers
            # Multiples of 1/2: equal numbers, zeros of both signs and usual kinks.
            return np.round(2 * numbers) / 2 if kind == TIES else numbers
        numbers = random.uniform(self.low, self.high, shape)
        if kind == "ends":
            numbers = random.choice((self.low, (self.low + self.high) / 2, self.high), shape)
        return np.asarray(numbers)


def _another_dtype(array: NDArray[Any]) -> NDArray[Any]:
    return rounded(array, "float16" if array.dtype == np.float32 else "float32")


def _longer(array: NDArray[Any]) -> NDArray[Any]:
    """The array with one place more along its last axis."""
    last = array[..., -1:] if array.ndim and array.shape[-1] else np.ones_like(array)[..., None]
    return np.concatenate([array, last], axis=-1) if array.ndim else last


def _listed(array: NDArray[Any]) -> list[Any]:
    """The numbers as a list: of an array without axes, which alone would be a number, as well."""
    return array.tolist() if array.ndim else [array.item()]


def _always(value: Any) -> Beyond:
    return lambda _: value


_OTHER_DTYPES: dict[str, Beyond] = {
    "integers": lambda x: np.asarray(
        np.clip(np.nan_to_num(x.astype(np.float32)), -999, 999), np.int32
    ),
    "booleans": lambda x: np.asarray(x.astype(np.float32) > 0),
}
_OTHER_AXES: dict[str, Beyond] = {
    "more_axes": lambda x: x[..., None],
    "fewer_axes": lambda x: np.asarray(x[0] if x.ndim and len(x) else x),
}


def _narrowed(shape: tuple[int, ...], how: str) -> tuple[int, ...]:
    """The shape with some axes of length 1, or without its first axis."""
    match how:
        case "first":
            return (1, *shape[1:]) if shape else shape
        case "last":
            return (*shape[:-1], 1) if shape else shape
        case "all":
            return (1,) * len(shape)
        case "fewer":
            return shape[1:]
        case _:
            return shape


@dataclass(frozen=True, kw_only=True)
class Indices:
    """Class indices.

    Args:
        like, without: the argument made before whose axes they have, less some.
        below: the axis whose length the indices are below.
        special: another index that some or all of them may be, such as the one to ignore: a
            number, or the name of the argument made before that says which.
    """

    like: str
    without: str = ""
    below: str
    special: int | str | None = None
    shapes: tuple[str, ...] = ()

    def factors(self, name: str) -> Iterator[Factor]:
        """Their dtype, and whether special indices are among them."""
        yield Factor(f"{name}.dtype", ("int64", "int32"))
        if self.special is not None:
            yield Factor(f"{name}.special", ("none", "some", "all"), free=True)

    def made(self, name: str, draw: Draw) -> NDArray[Any]:
        """The indices."""
        shape = draw.shape(name, draw.axes_like(self.like, self.without))
        random = draw.random(name)
        found = random.integers(0, max(draw.lengths[self.below], 1), shape)
        share_of = {"none": 0.0, "some": 0.25, "all": 1.0}
        share = share_of[draw.levels.get(f"{name}.special", "none")]
        special = draw.made[self.special] if isinstance(self.special, str) else self.special
        if share and special is not None:
            found = np.where(random.random(shape) < share, np.asarray(special), found)
        draw.indices.add(name.partition(".")[0])
        return np.asarray(found, draw.levels.get(f"{name}.dtype", "int64"))

    def beyond(self, name: str) -> dict[str, Beyond]:
        """Other dtypes, another number of axes, other lengths, no array."""
        dtypes: dict[str, Beyond] = {
            "floats": lambda x: x.astype(np.float32),
            "booleans": lambda x: np.asarray(x > 0),
        }
        found = {**dtypes, **_OTHER_AXES, "longer": _longer, "list": _listed}
        return {f"{name}:{label}": beyond for label, beyond in found.items()}


@dataclass(frozen=True)
class Either:
    """One of several kinds of argument, by name: `Either(labels=Indices(...), shares=Tensor())`."""

    kinds: Mapping[str, Choice]

    def __init__(self, **kinds: Choice) -> None:
        """The kinds, the usual one first."""
        object.__setattr__(self, "kinds", kinds)

    @property
    def shapes(self) -> tuple[str, ...]:
        """The axes that any of the kinds may have."""
        return tuple(axes for kind in self.kinds.values() for axes in kind.shapes)

    def factors(self, name: str) -> Iterator[Factor]:
        """The kind, and the choices within it."""
        yield Factor(name, tuple(self.kinds))
        for label, kind in self.kinds.items():
            for inner in kind.factors(f"{name}.{label}"):
                yield replace(inner, needs={**inner.needs, name: (label,)})

    def made(self, name: str, draw: Draw) -> Any:
        """The argument of the chosen kind."""
        label = draw.levels[name]
        return self.kinds[label].made(f"{name}.{label}", draw)

    def beyond(self, name: str) -> dict[str, Beyond]:
        """What is outside of one of the kinds."""
        found: dict[str, Beyond] = {}
        for label, kind in self.kinds.items():
            found |= {} if label == NOTHING else kind.beyond(f"{name}.{label}")
        return found


def optional(kind: Choice) -> Either:
    """None, or what is given."""
    return Either(**{NOTHING: OneOf(None), "given": kind})


@dataclass(frozen=True)
class Made:
    """An argument that follows from those made before."""

    of: Callable[[Draw], Any]
    shapes: tuple[str, ...] = ()

    def factors(self, name: str) -> Iterator[Factor]:
        """None."""
        yield from ()

    def made(self, name: str, draw: Draw) -> Any:
        """The argument."""
        return self.of(draw)

    def beyond(self, name: str) -> dict[str, Beyond]:
        """Nothing: what it may be depends on the others."""
        return {}


@dataclass(frozen=True)
class Trees:
    """A tree of arrays, in one of several forms by name; the leaves are choices."""

    forms: Mapping[str, Any]

    def __init__(self, **forms: Any) -> None:
        """The forms, each a tree of `Tensor` and `Indices`; the usual one first."""
        object.__setattr__(self, "forms", forms)

    @property
    def shapes(self) -> tuple[str, ...]:
        """The axes of the leaves."""
        leaves = [leaf for form in self.forms.values() for leaf in flat(form).values()]
        return tuple(axes for leaf in leaves for axes in leaf.shapes)

    def factors(self, name: str) -> Iterator[Factor]:
        """The form, and the numbers of the leaves."""
        yield Factor(f"{name}.form", tuple(self.forms))
        yield Factor(f"{name}.numbers", ("ordinary", TIES), free=True)

    def made(self, name: str, draw: Draw) -> Any:
        """The tree."""
        form = self.forms[draw.levels[f"{name}.form"]]
        kinds = {f"{name}/{path}.numbers": draw.levels[f"{name}.numbers"] for path in flat(form)}
        inner = replace(draw, levels={**draw.levels, **kinds})
        return placed(form, {p: leaf.made(f"{name}/{p}", inner) for p, leaf in flat(form).items()})

    def beyond(self, name: str) -> dict[str, Beyond]:
        """Leaves of other dtypes."""
        return {
            f"{name}:{label}": lambda tree, change=change: mapped(change, tree)
            for label, change in _OTHER_DTYPES.items()
        }
