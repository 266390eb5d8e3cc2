"""A failing call as a few lines of Python that need neither parity nor the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.backends import FROM_PYTHON, MAPPINGS, NUMPY, WIDE, full_path
from parity.backends.contexts import ALONE
from parity.dtypes import is_floating, widened
from parity.engine.draws import CONTEXT, WAY, Call
from parity.spec import Call as PlainCall
from parity.trees import flat, mapped

# Beyond this many numbers nobody wants to read them.
READABLE = 256


def reproduction(call: Call, message: str) -> str:
    """Code that calls both functions with the arguments of the call, and prints what they return.

    Empty if a function has no name to import, draws random numbers or is not simply called, and if
    there are many numbers.

    Args:
        call: the call.
        message: what differs; where it is a gradient, the code prints the gradients.
    """
    setup, made = call.setup, call.draws[0].made
    sides = (setup.subject, setup.reference)
    plain = all(isinstance(side.driver, PlainCall) for side in sides)
    if setup.random or not plain or [side.backend for side in sides] != ["jax", "torch"]:
        return ""
    leaves = flat(list(made.values())).values()
    if sum(np.size(leaf) for leaf in leaves) > READABLE:
        return ""
    try:
        lines = [*_imports(call), *_arguments(call), *_function(call)]
    except ImportError:
        return ""
    shown = _gradients(call) if message.startswith("vjp/") else _values()
    return "\n".join(filter(None, [*lines, *shown]))


def _imports(call: Call) -> list[str]:
    ours = full_path(call.setup.subject.name, "jax")
    theirs = full_path(call.setup.reference.name, "torch")
    wide = call.dtype == "float64" or call.levels[WAY] == WIDE
    return [
        "import functools",
        "from math import inf, nan",
        "import jax, jax.numpy as jnp, numpy as np, torch",
        f"from {ours.rpartition('.')[0]} import {ours.rpartition('.')[2]} as subject",
        f"from {theirs.rpartition('.')[0]} import {theirs.rpartition('.')[2]} as reference",
        "jax.config.update('jax_enable_x64', True)" if wide else "",
    ]


def _arguments(call: Call) -> list[str]:
    """The arrays by position and by name, and everything else by name.

    Hyperparameters that are arrays in JAX are numbers in torch.
    """
    made = call.draws[0].made
    numbers = call.draws[0].numbers
    named = {n: v for n, v in made.items() if n not in call.positional and _has_arrays(v)}
    options = {n: v for n, v in made.items() if n not in call.positional and n not in named}
    args = ", ".join(_literal(made[name]) for name in call.positional)
    arrays = {name: value for name, value in named.items() if name not in numbers}
    return [
        f"def arguments(array): return [{args}], {_dict(arrays)}",
        f"numbers = {_dict({name: made[name].item() for name in numbers})}",
        f"options = {_dict(options)}",
    ]


def _function(call: Call) -> list[str]:
    way, context = call.levels[WAY], call.levels[CONTEXT]
    where = f"beside what {context!r} means in docs/parity.md" if context != ALONE else ""
    where = f"{way.replace('_', ' over ')}" if way in MAPPINGS else where
    compiled = way not in FROM_PYTHON and not call.outside
    function = "functools.partial(subject, **options)"
    array = "lambda x, dtype: np.array(x, jnp.dtype(dtype))" if way == NUMPY else "jnp.array"
    return [
        f"# It differs when it is called {where}." if where else "",
        f"f = jax.jit({function})" if compiled else f"f = {function}",
        f"args, named = arguments({array})",
        f"named |= {{n: jnp.array(x, {_dtype(call)!r}) for n, x in numbers.items()}}",
        "theirs, named_theirs = arguments(",
        "    lambda x, dtype: torch.tensor(x, dtype=getattr(torch, dtype)))",
    ]


def _values() -> list[str]:
    return [
        "print(f(*args, **named))",
        "print(reference(*theirs, **named_theirs, **numbers, **options))",
    ]


def _gradients(call: Call) -> list[str]:
    problem, _ = call.problem(call.draws[0])
    return [
        "out, pull = jax.vjp(lambda *args: f(*args, **named), *args)",
        f"weights = np.resize({_numbers(problem.cotangent((7,)))}, out.shape)",
        "print(pull(jnp.array(weights, out.dtype)))",
        "leaves = [x.requires_grad_() for x in theirs if torch.is_floating_point(x)]",
        "out = reference(*theirs, **named_theirs, **numbers, **options)",
        "print(torch.autograd.grad(out, leaves, torch.tensor(weights, dtype=out.dtype)))",
    ]


def _dtype(call: Call) -> str:
    return "float64" if call.dtype == "float64" else "float32"


def _has_arrays(value: Any) -> bool:
    return any(isinstance(leaf, np.ndarray) for leaf in flat(value).values())


def _literal(value: Any) -> str:
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({value.item()!r})"
    return repr(mapped(_code, value))


def _code(leaf: Any) -> Any:
    return _Code(leaf) if hasattr(leaf, "dtype") else leaf


class _Code:
    """An array, whose text is the call that makes it."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def __repr__(self) -> str:
        # Nested lists do not say how long the other axes of an empty array are.
        numbers = _numbers(self.array) if self.array.size else f"np.zeros({self.array.shape})"
        return f"array({numbers}, {self.array.dtype.name!r})"


def _numbers(array: NDArray[Any]) -> str:
    return repr((widened(array) if is_floating(array.dtype.name) else array).tolist())


def _dict(items: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{name!r}: {_literal(item)}" for name, item in items.items()) + "}"
