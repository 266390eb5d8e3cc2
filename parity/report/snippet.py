"""A few lines of Python that show a difference without parity."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from parity.backends import full_path
from parity.engine import Result
from parity.inputs import is_constant
from parity.spec import Target


def snippet(result: Result) -> str:
    """Python code that calls both sides at the worst point.

    Empty if no single point decides, or if an argument is a tree.

    Args:
        result: of a case that compares numbers.
    """
    case, worst = result.case, result.worst
    if result.snippet:
        return result.snippet
    if case.bad_call is not None:
        values = _keywords(dict(case.bad_call.values))
        args = ", ".join(_describe(arg) for arg in case.bad_call.args)
        return f"# {case.setup.subject.name}({', '.join(filter(None, [args, values]))})"
    if worst is None or not worst.input or worst.entry.startswith(("second", "jvp")):
        return ""
    if len(worst.input) != len(case.setup.inputs) + len(case.setup.arrays):
        return ""
    try:
        lines = [*_side(case.setup.subject, result), *_side(case.setup.reference, result)]
    except ImportError:
        return ""  # a function inside a function has no name to import
    return "\n".join(line for line in lines if line)


def _side(target: Target, result: Result) -> list[str]:
    if target.backend == "jax":
        return _jax(target, result)
    if target.backend == "torch":
        return _torch(target, result)
    return []


def _jax(target: Target, result: Result) -> list[str]:
    case, worst = result.case, result.worst
    assert worst is not None
    line, name = _import_of(target, "jax")
    lines = [
        "import jax, jax.numpy as jnp",
        "jax.config.update('jax_enable_x64', True)" if case.dtype == "float64" else "",
        line,
        *(
            f"{variable} = jnp.array({_array(value)}{_jax_dtype(value, case.dtype)})"
            for variable, value in zip(_names(result), worst.input, strict=True)
        ),
        f"f = lambda {', '.join(_names(result))}: {_call(name, result)}",
    ]
    if worst.cotangent is None:
        return [*lines, f"print(f({', '.join(_names(result))}))"]
    cotangent = f"jnp.array([{_literal(worst.cotangent)}], jnp.{case.dtype})"
    return [*lines, f"print(jax.vjp(f, {', '.join(_names(result))})[1]({cotangent}))"]


def _torch(target: Target, result: Result) -> list[str]:
    case, worst = result.case, result.worst
    assert worst is not None
    line, name = _import_of(target, "torch")
    lines = [
        "import torch",
        line,
        *(
            f"{variable} = torch.tensor({_array(value)}{_torch_dtype(value, variable, result)})"
            for variable, value in zip(_names(result), worst.input, strict=True)
        ),
        f"out = {_call(name, result)}",
    ]
    if worst.cotangent is None:
        return [*lines, "print(out)"]
    cotangent = f"torch.tensor([{_literal(worst.cotangent)}], dtype=torch.{case.dtype})"
    leaves = ", ".join(_differentiated(result))
    return [*lines, f"print(torch.autograd.grad(out, ({leaves},), {cotangent}))"]


def _jax_dtype(value: Any, dtype: str) -> str:
    return f", jnp.{dtype}" if _is_floating(value) else ""


def _torch_dtype(value: Any, variable: str, result: Result) -> str:
    assert result.worst is not None
    learned = result.worst.cotangent is not None and variable in _differentiated(result)
    grad = ", requires_grad=True" if learned else ""
    return f", dtype=torch.{result.case.dtype}{grad}" if _is_floating(value) else ""


def _is_floating(value: Any) -> bool:
    return "f" in np.asarray(value).dtype.kind


def _differentiated(result: Result) -> list[str]:
    """The names of the arguments that are differentiated."""
    setup = result.case.setup
    described = [*setup.inputs, *setup.arrays.values()]
    return [
        name
        for name, array in zip(_names(result), described, strict=True)
        if not is_constant(array)
    ]


def _names(result: Result) -> list[str]:
    assert result.worst is not None
    named = list(result.case.setup.arrays)
    positional = len(result.worst.input) - len(named)
    return [*("x" if i == 0 else f"x{i}" for i in range(positional)), *named]


def _call(name: str, result: Result) -> str:
    positional = [n for n in _names(result) if n not in result.case.setup.arrays]
    named = [f"{n}={n}" for n in result.case.setup.arrays]
    return f"{name}({', '.join([*positional, *named, *_keywords_of(result)])})"


def _keywords_of(result: Result) -> list[str]:
    return [f"{key}={value!r}" for key, value in result.case.setup.values.items()]


def _keywords(values: dict[str, Any]) -> str:
    return ", ".join(f"{key}={_describe(value)}" for key, value in values.items())


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"zeros({shape}, {value.dtype})" if shape is not None else repr(value)


def _import_of(target: Target, root: str) -> tuple[str, str]:
    """The line that imports the function, and its name."""
    module, _, name = full_path(target.name, root).rpartition(".")
    return f"from {module} import {name}", name


def _array(value: Any) -> str:
    """A point as an array with one entry; an array that is not visited by point, as a whole."""
    return _literal(value) if isinstance(value, list) else f"[{_literal(value)}]"


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, cast('list[Any]', value)))}]"
    if isinstance(value, float):
        return f"float.fromhex('{value.hex()}')" if math.isfinite(value) else f"float('{value}')"
    return repr(value)
