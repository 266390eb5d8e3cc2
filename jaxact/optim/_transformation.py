"""How an optimizer becomes an optax transformation: a rule for one leaf, applied to trees."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax import Array
from jax.typing import ArrayLike

from jaxact._numbers import compute_dtype
from jaxact.errors import DtypeError, InvalidValueError
from jaxact.optim._hyperparameters import Scheduled, is_zero, number_at

Tree: TypeAlias = Any
# By name: hyperparameters and what follows from them at a step; what is kept for one leaf.
Numbers: TypeAlias = dict[str, Array]
Slots: TypeAlias = dict[str, Array]


def zeros(leaf: Array) -> Array:
    """What an average is before the first step."""
    return cast(Any, jnp.zeros_like)(leaf)


class Step(NamedTuple):
    """What is known of a step before its leaves, in the widest float dtype.

    Args:
        number: [], from 1.
        lr: [], the learning rate.
        carried: by name, the numbers that the step before left.
    """

    number: Array
    lr: Array
    carried: Numbers


class Leaf(NamedTuple):
    """One leaf at a step, in the dtype that is computed in.

    Args:
        gradient: of what is minimized, with the coupled weight decay.
        weight: the parameters before the step; None if they were not given.
        dtype: that of the gradient as it was given.
    """

    gradient: Array
    weight: Array | None
    dtype: Any


@dataclass(frozen=True, kw_only=True)
class Decay:
    """Weight decay: coupled it is part of the gradient, decoupled it shrinks the parameters."""

    rate: ArrayLike = 0.0
    decoupled: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What an optimizer keeps and does.

    Args:
        name: of the public function, for errors.
        state: a named tuple of `step`, of the carried numbers and of a tree for each slot.
        slots: by name, the initial value for a leaf; a slot that is left out is None.
        update: (numbers, leaf, slots) -> (update, slots), for one leaf.
        lr: the learning rate.
        prepare: step -> numbers, once for all leaves; the update gets them with `lr`.
        carried: by name, numbers of `prepare` that the state keeps, before the first step.
        decay: of the weights.
        maximize: whether the sign of the gradient is changed.
        needs_params: whether the rule uses the parameters; with a weight decay it always gets them.
        check: raises if a leaf cannot be optimized: (path, leaf).
    """

    name: str
    state: Callable[..., Any]
    slots: Mapping[str, Callable[[Array], Array | None]]
    update: Callable[[Numbers, Leaf, Slots], tuple[Array, Slots]]
    lr: Scheduled
    prepare: Callable[[Step], Mapping[str, ArrayLike]] = lambda step: {}
    carried: Mapping[str, ArrayLike] = field(default_factory=dict[str, ArrayLike])
    decay: Decay = Decay()
    maximize: bool = False
    needs_params: bool = False
    check: Callable[[str, Array], None] | None = None

    def transformation(self) -> optax.GradientTransformationExtraArgs:
        """The rule for trees; extra arguments of the update are ignored."""

        def init(params: Tree) -> Any:
            return self._init(params)

        def update(updates: Tree, state: Any, params: Tree | None = None, **extra: Any) -> Any:
            del extra
            return self._update(updates, state, params)

        return optax.GradientTransformationExtraArgs(init, cast(Any, update))

    def _init(self, params: Tree) -> Any:
        checked_leaves(self.name, params, self.check)
        leaves, structure = _flat(params)
        kept = {n: structure.unflatten(map(start, leaves)) for n, start in self.slots.items()}
        dtype = np.result_type(np.float32, *(compute_dtype(leaf.dtype) for leaf in leaves))
        carried = {n: jnp.asarray(value, dtype) for n, value in self.carried.items()}
        return self.state(step=jnp.zeros((), jnp.int32), **carried, **kept)

    def _update(self, updates: Tree, state: Any, params: Tree | None) -> Any:
        if params is None and (self._decays or self.needs_params):
            raise InvalidValueError(f"{self.name}: params must be given to update, got None")
        count = cast(Array, optax.safe_increment(state.step))
        numbers = self._numbers(count, state)
        carried = {n: numbers[n].astype(getattr(state, n).dtype) for n in self.carried}
        gradients, structure = _flat(updates)
        slots = [structure.flatten_up_to(getattr(state, name)) for name in self.slots]
        weights = structure.flatten_up_to(params) if params is not None else [None] * len(gradients)
        made = [
            self._updated(numbers, gradient, weight, dict(zip(self.slots, own, strict=True)))
            for gradient, weight, *own in zip(gradients, weights, *slots, strict=True)
        ]
        trees = {n: structure.unflatten([kept.get(n) for _, kept in made]) for n in self.slots}
        state = state._replace(step=count, **carried, **trees)
        return structure.unflatten([new for new, _ in made]), state

    @property
    def _decays(self) -> bool:
        return not is_zero(self.decay.rate)

    def _numbers(self, count: Array, state: Any) -> Numbers:
        """What all leaves need in a step; it counts from 1."""
        lr = number_at(self.lr, state.step)
        before = {name: getattr(state, name).astype(lr.dtype) for name in self.carried}
        prepared = {"lr": lr, **self.prepare(Step(count, lr, before))}
        prepared |= {"decay": self.decay.rate} if self._decays else {}
        return {name: jnp.asarray(number) for name, number in prepared.items()}

    def _updated(
        self, numbers: Numbers, gradient: Array, weight: Any, slots: dict[str, Any]
    ) -> tuple[Array, Slots]:
        """The update of one leaf and its slots, rounded once to the dtypes that they have."""
        dtype = compute_dtype(gradient.dtype)
        own = {name: number.astype(dtype) for name, number in numbers.items()}
        wide = gradient.astype(dtype)
        if self.maximize:
            wide = -wide
        weight = None if weight is None else jnp.asarray(weight).astype(dtype)
        if self._decays and not self.decay.decoupled:
            wide = wide + own["decay"] * cast(Array, weight)
        before = {name: slot.astype(dtype) for name, slot in slots.items() if slot is not None}
        new, after = self.update(own, Leaf(wide, weight, gradient.dtype), before)
        if self._decays and self.decay.decoupled:
            new = new - own["lr"] * own["decay"] * cast(Array, weight)
        return (
            new.astype(gradient.dtype),
            {name: slot.astype(slots[name].dtype) for name, slot in after.items()},
        )


def _flat(tree: Tree) -> tuple[list[Array], Any]:
    """The leaves as arrays, and the structure."""
    leaves, structure = cast(Any, jax.tree.flatten(tree))
    return [jnp.asarray(leaf) for leaf in leaves], structure


def checked_leaves(
    name: str, params: Tree, check: Callable[[str, Array], None] | None = None
) -> None:
    """Checks of parameters.

    Args:
        name: of the optimizer, for errors.
        params: a tree of arrays.
        check: raises for another reason: (path, leaf).

    Raises:
        DtypeError: if a leaf is not floating.
    """
    pairs = cast("list[tuple[Any, Any]]", jax.tree_util.tree_flatten_with_path(params)[0])
    for keys, value in pairs:
        path, leaf = jax.tree_util.keystr(keys, simple=True, separator="/"), jnp.asarray(value)
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise DtypeError(
                f"{name}: the leaves of params must have a floating dtype, got {leaf.dtype.name} "
                f"at {path!r}; optax.masked leaves others alone"
            )
        if check:
            check(path, leaf)
