"""How torch calls a target: as a function, a factory, step by step, or as a module of torch.nn."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import threading
from collections.abc import Callable, Generator
from typing import Any, cast

import torch

from parity.backends import BUFFERS, OUT, STEP, Function
from parity.spec import Call, Driver, Factory, Module, Steps, Values
from parity.trees import flat, joined, mapped

# torch's random source is global: held from its seed to the last number. So is its default dtype.
GLOBAL = threading.RLock()


def driven(call: Callable[..., Any], driver: Driver) -> Function:
    """The function as the driver calls it."""
    match driver:
        case Call():
            return lambda args, named: {OUT: call(*args, **named)}
        case Factory():
            return lambda args, named: {OUT: call(torch.empty_like(args[0]), **named)}
        case Steps():
            return functools.partial(_stepped, call, driver)
        case Module():
            return functools.partial(_module, call, driver)


def _stepped(make: Any, driver: Steps, args: tuple[Any, ...], named: Values) -> dict[str, Any]:
    """The values of an optimizer, or of any object with a method `step`, after each step."""
    params, *others = args
    maker: Any = getattr(make, "func", make)
    optimizer = inspect.isclass(maker) and issubclass(maker, torch.optim.Optimizer)
    step: Any = _optimizer(make, driver, params, named) if optimizer else make(params, **named).step
    count = len(next(iter(flat(others).values())))
    # Indexing gives each step a gradient as large as all steps together; unbind one for all.
    each = mapped(lambda leaf: iter(leaf.unbind()), others)
    seen = [flat(step(*mapped(next, each))) for _ in range(count)]
    return {STEP: {path: torch.stack([entry[path] for entry in seen]) for path in seen[0]}}


def _optimizer(
    make: Callable[..., Any], driver: Steps, params: Any, named: Values
) -> Callable[[Any], Any]:
    """A function from gradients to parameters and state after the step."""
    leaves = {
        path: torch.nn.Parameter(leaf.detach().clone()) for path, leaf in flat(params).items()
    }
    # Numbers in the state, such as a step size, have torch's default dtype.
    dtype = max((leaf.dtype for leaf in leaves.values()), key=lambda d: d.itemsize)
    at, schedules = itertools.count(), _schedules(named)

    def numbers() -> dict[str, Any]:
        step = next(at)
        return {name: _at(step, value) for name, value in schedules.items()}

    with default_dtype(dtype):
        optimizer = make(list(leaves.values()), **{**named, **numbers()})
    at = itertools.count()

    def step(grads: Any) -> Any:
        for path, gradient in flat(grads).items():
            leaves[path].grad = gradient.detach().clone()
        for group in optimizer.param_groups:
            group.update(numbers())
        with default_dtype(dtype):
            optimizer.step()
        state = {
            joined("state", theirs, path): torch.as_tensor(optimizer.state[leaf][ours]).clone()
            for path, leaf in leaves.items()
            for ours, theirs in driver.state.items()
            if optimizer.state[leaf].get(ours) is not None
        }
        first = optimizer.state[next(iter(leaves.values()))]
        state |= {f"state/{theirs}": first[ours].clone() for ours, theirs in driver.numbers.items()}
        return {f"params/{path}": leaf.detach().clone() for path, leaf in leaves.items()} | state

    return step


def _schedules(named: Values) -> Values:
    """The hyperparameters that change from step to step: functions, and tuples of functions."""
    return {
        name: value
        for name, value in named.items()
        if callable(value) or (isinstance(value, tuple) and any(map(callable, _entries(value))))
    }


def _at(step: int, value: Any) -> Any:
    """The hyperparameter at a step, counted from 0."""
    if isinstance(value, tuple):
        return tuple(_at(step, entry) for entry in _entries(value))
    return float(cast(Any, value)(step)) if callable(value) else value


def _entries(value: Any) -> tuple[Any, ...]:
    return value


@contextlib.contextmanager
def default_dtype(dtype: torch.dtype) -> Generator[None]:
    """Within, torch's default dtype is float64 where that of the parameters is."""
    with GLOBAL:
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype if dtype == torch.float64 else before)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


def _module(
    kind: Callable[..., Any], driver: Module, args: tuple[Any, ...], named: Values
) -> dict[str, Any]:
    """A torch.nn module, constructed, loaded and called."""
    values = dict(named)
    params, buffers = values.pop("params", {}), values.pop("buffers", {})
    made = kind(**values).train(driver.train)
    # The module changes its buffers in place.
    changed = {path: buffer.detach().clone() for path, buffer in buffers.items()}
    loaded = {
        driver.names.get(path, path).replace("/", "."): leaf
        for path, leaf in {**params, **changed}.items()
    }
    out = torch.func.functional_call(made, loaded, args)
    return {OUT: out, BUFFERS: changed}
