"""Optimizers of jaxact by name, with options that go together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax.experimental.sparse import BCOO

from jaxact import optim
from parity.suite.optim.domains import objective

# By name: jaxact's optimizer, torch's, and options.
OPTIMIZERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sgd": ("sgd", "SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5}),
    "sgd_plain": ("sgd", "SGD", {"lr": 0.05}),
    "adam": ("adam", "Adam", {"lr": 0.05}),
    "adam_amsgrad": ("adam", "Adam", {"lr": 0.05, "amsgrad": True}),
    "adamw": ("adamw", "AdamW", {"lr": 0.05}),
    "adamax": ("adamax", "Adamax", {"lr": 0.05}),
    "nadam": ("nadam", "NAdam", {"lr": 0.05}),
    "radam": ("radam", "RAdam", {"lr": 0.05}),
    "rmsprop": ("rmsprop", "RMSprop", {"lr": 0.05}),
    "rmsprop_all": ("rmsprop", "RMSprop", {"lr": 0.05, "momentum": 0.9, "centered": True}),
    "rprop": ("rprop", "Rprop", {"lr": 0.05}),
    "adagrad": ("adagrad", "Adagrad", {"lr": 0.05, "lr_decay": 0.5}),
    "adadelta": ("adadelta", "Adadelta", {"lr": 0.5}),
    "asgd": ("asgd", "ASGD", {"lr": 0.05, "t0": 2, "lambd": 0.1}),
    "adafactor": ("adafactor", "Adafactor", {"lr": 0.05}),
}
# By name: the group of a path and a leaf, and the options of each group.
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "rates": {"first": {"lr": 0.05}, "second": {"lr": 0.5}},
    "decays": {"first": {"lr": 0.05, "weight_decay": 0.5}, "second": {"lr": 0.05}},
}


def optimizer(state: str, **others: Any) -> optax.GradientTransformation:
    """The optimizer of a name; it makes all steps itself, whatever others say."""
    name, _, options = OPTIMIZERS[state]
    return getattr(optim, name)(**options)


def grouped(make_groups: Callable[..., Any]) -> Callable[..., Any]:
    """param_groups, of an optimizer and of groups by name."""

    def param_groups(make: str, groups: str, group_of: Any) -> optax.GradientTransformation:
        return make_groups(getattr(optim, OPTIMIZERS[make][0]), GROUPS[groups], group_of)

    return param_groups


def on_rows(make: Callable[..., Any]) -> Callable[..., Any]:
    """sparse_adam, which gets indices of rows and their gradients."""

    @functools.wraps(make)
    def sparse_adam(**options: Any) -> optax.GradientTransformation:
        transformation = make(**options)

        def update(updates: Any, state: Any, params: Any = None) -> Any:
            def sparse(leaf: Any, given: dict[str, Any]) -> BCOO:
                return BCOO((given["values"], given["rows"][:, None]), shape=leaf.shape)

            gradients: Any = cast(Any, jax.tree.map)(sparse, params, updates)
            return transformation.update(gradients, state, params)

        return optax.GradientTransformation(transformation.init, cast(Any, update))

    return sparse_adam


class Searched(NamedTuple):
    """The two functions of the steps driver."""

    init: Callable[[Any], Any]
    update: Callable[[Any, Any], Any]


def searching(make: Callable[..., Any]) -> Callable[..., Any]:
    """L-BFGS, with an objective that gets the targets of each step."""

    @functools.wraps(make)
    def lbfgs(**options: Any) -> Searched:
        transformation = make(**options)

        def init(params: Any) -> Any:
            return {"params": params, "own": transformation.init(params)}

        def update(state: Any, targets: Any) -> Any:
            def value(params: Any) -> Any:
                return objective(jax.tree.leaves(params), jax.tree.leaves(targets))

            params, own = state["params"], state["own"]
            slopes = cast("Callable[[Any], Any]", jax.grad(value))
            updates, own = transformation.update(slopes(params), own, params, value_fn=value)
            return {"params": optax.apply_updates(params, updates), "own": own}

        return Searched(init, update)

    return lbfgs


param_groups = grouped(optim.param_groups)
sparse_adam = on_rows(optim.sparse_adam)
lbfgs = searching(optim.lbfgs)
