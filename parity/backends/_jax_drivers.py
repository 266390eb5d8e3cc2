"""How jax calls a target: as a function, a factory, step by step, or as a module of flax.nnx."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import jax

from parity.backends import BUFFERS, OUT, STEP, Function, with_source
from parity.spec import Call, Driver, Factory, Module, Randomness, Steps, Values


def driven(
    call: Callable[..., Any], random: Randomness | None, source: Any, driver: Driver
) -> Function:
    """The function as the driver calls it."""
    match driver:
        case Call():
            drawing = call if random is None else with_source(call, source, random.at)
            return lambda args, named: {OUT: drawing(*args, **named)}
        case Factory():
            return lambda args, named: {
                OUT: call(**named)(source and source(), args[0].shape, args[0].dtype)
            }
        case Steps(updates=shown):
            return functools.partial(_stepped, call, shown)
        case Module():
            return functools.partial(_module, call, driver)


def _stepped(
    call: Callable[..., Any], shown: bool, args: tuple[Any, ...], named: Values
) -> dict[str, Any]:
    """The state after every step; of an optax transformation the parameters and updates too."""
    import optax  # pyright: ignore[reportMissingTypeStubs]

    maker = call(**named)
    params, *others = args
    if not isinstance(maker, optax.GradientTransformation):

        def update(state: Any, given: Any) -> tuple[Any, Any]:
            state = maker.update(state, *given)
            return state, {"state": state}

        return {STEP: jax.lax.scan(update, maker.init(params), tuple(others))[1]}

    def transform(before: Any, given: Any) -> tuple[Any, Any]:
        params, state = before
        updates, state = maker.update(given[0], state, params)
        params = optax.apply_updates(params, updates)
        entries = {"params": params, "updates": updates, "state": state}
        return (params, state), entries if shown else {"params": params, "state": state}

    return {STEP: jax.lax.scan(transform, (params, maker.init(params)), tuple(others))[1]}


def _module(
    kind: Callable[..., Any], driver: Module, args: tuple[Any, ...], named: Values
) -> dict[str, Any]:
    """A flax.nnx module, constructed, loaded and called."""
    from flax import nnx

    values = dict(named)
    params, buffers = values.pop("params", {}), values.pop("buffers", {})
    made = kind(**values, rngs=nnx.Rngs(0))
    loaded = {**params, **buffers}
    variables = {path: _attribute(made, driver.names.get(path, path)) for path in loaded}
    for path, array in loaded.items():
        variables[path].value = array
    (made.train if driver.train else made.eval)()
    out = made(*args)
    return {OUT: out, BUFFERS: {p: jax.lax.stop_gradient(variables[p].value) for p in buffers}}


def _attribute(owner: Any, path: str) -> Any:
    """The object at a path of attributes, keys and indices."""
    for name in path.split("/"):
        if isinstance(owner, dict):
            owner = cast("dict[str, Any]", owner)[name]
        else:
            owner = owner[int(name)] if name.isdigit() else getattr(owner, name)
    return owner
