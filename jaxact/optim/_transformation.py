"""How an optimizer becomes an optax transformation: a rule for one leaf, applied to trees."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
        prepare: (step, lr, carried) -> (numbers, carried), once for all leaves; step counts from 1.
        carried: by name, numbers that the state has beside the slots, before the first step.
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
    prepare: Callable[[Array, Array, Numbers], tuple[Numbers, Numbers]]
    carried: Mapping[str, ArrayLike] | None = None
    decay: Decay = Decay()
    maximize: bool = False
    needs_params: bool = False
    check: Callable[[str, Array], None] | None = None


def transformation(rule: Rule) -> optax.GradientTransformationExtraArgs:
    """The rule as a transformation; it ignores extra arguments of its update."""

    def init(params: Tree) -> Any:
        leaves, structure = _flat(params)
        checked_leaves(rule.name, params, rule.check)
        kept = {n: structure.unflatten(map(start, leaves)) for n, start in rule.slots.items()}
        dtype = np.result_type(np.float32, *(compute_dtype(leaf.dtype) for leaf in leaves))
        carried = {n: jnp.asarray(value, dtype) for n, value in (rule.carried or {}).items()}
        return rule.state(step=jnp.zeros((), jnp.int32), **carried, **kept)

    def update(updates: Tree, state: Any, params: Tree | None = None, **extra: Any) -> Any:
        del extra
        decays = not is_zero(rule.decay.rate)
        if params is None and (decays or rule.needs_params):
            raise InvalidValueError(f"{rule.name}: params must be given to update, got None")
        step = cast(Array, optax.safe_increment(state.step))
        lr = number_at(rule.lr, state.step)
        before = {name: getattr(state, name).astype(lr.dtype) for name in rule.carried or {}}
        numbers, carried = rule.prepare(step, lr, before)
        carried = {n: new.astype(getattr(state, n).dtype) for n, new in carried.items()}
        numbers |= {"lr": lr, **({"decay": jnp.asarray(rule.decay.rate)} if decays else {})}
        gradients, structure = _flat(updates)
        slots = [structure.flatten_up_to(getattr(state, name)) for name in rule.slots]
        weights = structure.flatten_up_to(params) if params is not None else [None] * len(gradients)
        made = [
            _updated(rule, numbers, gradient, weight, dict(zip(rule.slots, own, strict=True)))
            for gradient, weight, *own in zip(gradients, weights, *slots, strict=True)
        ]
        trees = {n: structure.unflatten([kept.get(n) for _, kept in made]) for n in rule.slots}
        state = state._replace(step=step, **carried, **trees)
        return structure.unflatten([new for new, _ in made]), state

    return optax.GradientTransformationExtraArgs(init, cast(Any, update))


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


def _updated(
    rule: Rule, numbers: Numbers, gradient: Array, weight: Any, slots: dict[str, Any]
) -> tuple[Array, Slots]:
    """The update of one leaf and its slots, rounded once to the dtypes that they have."""
    dtype = compute_dtype(gradient.dtype)
    own = {name: number.astype(dtype) for name, number in numbers.items()}
    wide = gradient.astype(dtype)
    if rule.maximize:
        wide = -wide
    weight = None if weight is None else jnp.asarray(weight).astype(dtype)
    if "decay" in own and not rule.decay.decoupled:
        wide = wide + own["decay"] * cast(Array, weight)
    before = {name: slot.astype(dtype) for name, slot in slots.items() if slot is not None}
    new, after = rule.update(own, Leaf(wide, weight, gradient.dtype), before)
    if "decay" in own and rule.decay.decoupled:
        new = new - own["lr"] * own["decay"] * cast(Array, weight)
    return (
        new.astype(gradient.dtype),
        {name: slot.astype(slots[name].dtype) for name, slot in after.items()},
    )
