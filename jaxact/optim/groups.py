"""Groups of parameters with hyperparameters of their own."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import jax
import optax  # pyright: ignore[reportMissingTypeStubs]

from jaxact._op import factory
from jaxact.errors import InvalidTypeError, InvalidValueError
from jaxact.optim._hyperparameters import callback

__all__ = ["param_groups"]


def _mapping_of_options(function: str, argument: str, value: Any) -> Any:
    if not isinstance(value, Mapping) or not value:
        raise InvalidTypeError(
            f"{function}: {argument} must map names to hyperparameters, got {value!r}"
        )
    return cast(Any, value)


@factory(checks={"make": callback, "groups": _mapping_of_options, "group_of": callback})
def param_groups(
    make: Callable[..., optax.GradientTransformation],
    groups: Mapping[str, Mapping[str, Any]],
    group_of: Callable[[str, Any], str],
) -> optax.GradientTransformationExtraArgs:
    """param_groups(make, groups, group_of) = make(**groups[group_of(path, leaf)]) for each leaf.

    torch's list of parameter groups: param_groups(adamw, {"weights": {"lr": 0.1}, "others":
    {"lr": 0.1, "weight_decay": 0.0}}, lambda path, leaf: "weights" if leaf.ndim > 1 else "others").

    Args:
        make: an optimizer of this module, or any other function that returns a transformation.
        groups: by name, the keyword arguments of make.
        group_of: (path, leaf) -> name; a path is the keys to the leaf, "layers/0/weight".

    Returns:
        An optax.GradientTransformationExtraArgs of trees of arrays [...], any unit.

    Raises:
        TypeError: if make or group_of is no function, or groups no mapping.
        ValueError: by init, if group_of gives a name that groups do not have.

    Source:
        torch.optim.Optimizer's param_groups, torch 2.13.
    """

    def named(path: Any, leaf: Any) -> str:
        where = jax.tree_util.keystr(path, simple=True, separator="/")
        name = group_of(where, leaf)
        if name not in groups:
            raise InvalidValueError(
                f"param_groups: group_of must give one of {', '.join(map(repr, groups))}, got "
                f"{name!r} at {where!r}"
            )
        return name

    def labels(params: Any) -> Any:
        return jax.tree_util.tree_map_with_path(named, params)

    return cast(
        Any,
        optax.multi_transform({name: make(**own) for name, own in groups.items()}, labels),
    )
