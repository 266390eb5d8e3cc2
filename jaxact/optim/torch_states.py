"""The state of an optimizer, from torch and to torch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxact._arguments import is_tensor
from jaxact._op import op
from jaxact.errors import InvalidTypeError, InvalidValueError
from jaxact.optim.gradient_descent import SgdState
from jaxact.optim.matrices import MuonState

__all__ = ["from_torch_state", "to_torch_state"]

_State = TypeVar("_State")
# Entries that are one number for all parameters.
_NUMBERS = ("mu_product", "eta", "mu")
# torch's optimizers of these do not count their steps.
_WITHOUT_STEP = (SgdState, MuonState)


def _state_of_optimizer(function: str, argument: str, value: Any) -> Any:
    if "step" not in getattr(value, "_fields", ()):
        raise InvalidTypeError(
            f"{function}: {argument} must be the state of an optimizer of jaxact.optim, got "
            f"{type(value).__name__}"
        )
    return value


@op(checks={"state": _state_of_optimizer}, compiled=False)
def from_torch_state(
    state: _State,
    state_dict: Mapping[str, Any],
    names: Sequence[str] | None = None,
    *,
    step: int | None = None,
) -> _State:
    """from_torch_state(state, optimizer.state_dict()) = the state with torch's numbers.

    The training goes on where torch stopped. Hyperparameters are not read: make the transformation
    with those of torch.

    Args:
        state: what init(params) gave; its trees have the structure of the parameters.
        state_dict: of torch's optimizer, of tensors or arrays.
        names: the parameters in the order in which torch's optimizer got them, as "layer.weight" or
            "layer/weight"; by default those of the state_dict, if it was given
            named_parameters, else the order of the leaves.
        step: the steps made; by default torch's count. SGD and Muon of torch have none: where a
            schedule needs it, it has to be given.

    Returns:
        A state of the same kind, with leaves [...] of the dtypes that state has.

    Raises:
        TypeError: if state is none of jaxact.optim.
        ValueError: if names or shapes do not fit, or the parameters have made different numbers of
            steps.

    Source:
        torch.optim.Optimizer.state_dict, torch 2.13.
    """
    kept: Mapping[Any, Mapping[str, Any]] = state_dict["state"]
    if not kept:
        return state
    ours = cast(Any, state)
    places = _places("from_torch_state", ours, names or _names_in(state_dict))
    if places:
        _check_number("from_torch_state", kept, places)
    found: dict[str, Any] = {"step": _steps_made(ours, kept, step)}
    for name in ours._fields[1:]:
        tree = getattr(ours, name)
        if tree is None:
            continue
        if name in _NUMBERS:
            found[name] = _fitting(name, kept[0][name], tree)
            continue
        leaves, structure = _flat(tree)
        new = [
            None if leaf is None else _fitting(name, kept[place].get(name), leaf)
            for leaf, place in zip(leaves, places, strict=True)
        ]
        found[name] = structure.unflatten(new)
    return ours._replace(**found)


@op(checks={"state": _state_of_optimizer}, compiled=False)
def to_torch_state(
    state: Any,
    names: Sequence[str] | None = None,
    *,
    tensor: Callable[[Any], Any] = np.asarray,
) -> dict[int, dict[str, Any]]:
    """to_torch_state(state, tensor=torch.tensor) = the entry "state" of torch's state_dict.

    The training goes on in torch: optimizer.load_state_dict({"state": to_torch_state(state,
    tensor=torch.tensor), "param_groups": optimizer.state_dict()["param_groups"]}).

    Args:
        state: of an optimizer of jaxact.optim.
        names: the parameters in the order in which torch's optimizer got them, as in
            `from_torch_state`; by default the order of the leaves.
        tensor: from a numpy array to what torch is to get.

    Returns:
        For each parameter, by its number, the entries of its state.

    Raises:
        TypeError: if state is none of jaxact.optim.
        ValueError: if names do not fit.

    Source:
        torch.optim.Optimizer.load_state_dict, torch 2.13.
    """
    places = _places("to_torch_state", state, names)
    found: dict[int, dict[str, Any]] = {place: {} for place in sorted(places)}
    if int(state.step) == 0:
        return {}
    for name in state._fields:
        value = getattr(state, name)
        if value is None or (name == "step" and isinstance(state, _WITHOUT_STEP)):
            continue
        same = name == "step" or name in _NUMBERS
        leaves = [value] * len(places) if same else _flat(value)[0]
        for place, leaf in zip(places, leaves, strict=True):
            if leaf is not None:
                array = np.asarray(leaf, np.float32 if name == "step" else None)
                found[place][name] = tensor(array)
    return found


def _flat(tree: Any) -> tuple[list[Any], Any]:
    """The leaves, with None where a parameter has no such entry, and the structure."""
    return cast(Any, jax.tree.flatten(tree, is_leaf=_is_none))


def _is_none(node: object) -> bool:
    return node is None


def _paths(state: Any) -> list[str]:
    """The paths of the parameters: those of the first tree that the state has."""
    trees = [getattr(state, name) for name in state._fields[1:] if name not in _NUMBERS]
    whole = next((tree for tree in trees if tree is not None), None)
    if whole is None:
        return []
    pairs = cast(Any, jax.tree_util.tree_flatten_with_path)(whole, is_leaf=_is_none)[0]
    return [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in pairs]


def _names_in(state_dict: Mapping[str, Any]) -> Sequence[str] | None:
    """The names that torch's optimizer was given, if it was."""
    groups = [group.get("param_names") for group in state_dict.get("param_groups", ())]
    return [name for group in groups for name in group] if groups and all(groups) else None


def _places(function: str, state: Any, names: Sequence[str] | None) -> list[int]:
    """For each leaf, in order, its number in torch's optimizer.

    Raises:
        InvalidValueError: if the names are not those of the leaves.
    """
    paths = _paths(state)
    if names is None or not paths:
        return [*range(len(paths))]
    given = [name.replace(".", "/") for name in names]
    if sorted(given) != sorted(paths):
        raise InvalidValueError(
            f"{function}: names must be those of the parameters, {', '.join(paths)}, got "
            f"{', '.join(given)}"
        )
    return [given.index(path) for path in paths]


def _check_number(function: str, kept: Mapping[Any, Any], places: Sequence[int]) -> None:
    missing = [place for place in places if place not in kept]
    if missing or len(kept) != len(places):
        raise InvalidValueError(
            f"{function}: state_dict must have the state of {len(places)} parameters, got that of "
            f"{len(kept)}"
        )


def _steps_made(state: Any, kept: Mapping[Any, Mapping[str, Any]], step: int | None) -> Array:
    """The number of steps; without a count it is 1: enough to know that there was a first one."""
    counts = {int(_array(entry["step"])) for entry in kept.values() if "step" in entry}
    if len(counts) > 1:
        raise InvalidValueError(
            "from_torch_state: all parameters must have made as many steps, got "
            f"{', '.join(map(str, sorted(counts)))}"
        )
    made = step if step is not None else max(counts, default=1)
    return jnp.asarray(made, state.step.dtype)


def _fitting(name: str, value: Any, like: Array) -> Array:
    """torch's array in the dtype of ours.

    Raises:
        InvalidValueError: if it is not there, or has another shape.
    """
    if value is None:
        raise InvalidValueError(
            f"from_torch_state: state_dict must have {name}: torch's optimizer has other options"
        )
    array = _array(value)
    if array.shape != like.shape:
        raise InvalidValueError(
            f"from_torch_state: {name} must have shape {like.shape}, got {array.shape}"
        )
    return jnp.asarray(array).astype(like.dtype)


def _array(value: Any) -> Any:
    """A tensor as a numpy array; bfloat16, which numpy lacks, in float32."""
    if not is_tensor(value):
        return np.asarray(value)
    tensor = value.detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
