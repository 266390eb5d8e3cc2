"""A function's parameters and defaults, from its signature or from the text that stands for one."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any


def parameters_of(call: Callable[..., Any]) -> dict[str, Any]:
    """Parameter names in order, each with its default.

    Functions written in C have no signature; the first line of their docstring has it.

    Raises:
        ValueError: if there is neither.
    """
    try:
        signature = inspect.signature(call)
    except ValueError:
        return parameters_in((call.__doc__ or "").strip().partition("->")[0])
    return {name: parameter.default for name, parameter in signature.parameters.items()}


def parameters_in(text: str) -> dict[str, Any]:
    """The parameters of `name(a, b=1)` or `(a, b=1)`.

    Raises:
        ValueError: if the text is no signature.
    """
    try:
        tree = ast.parse(f"def f({text.partition('(')[2].strip()}: pass")
    except SyntaxError:
        raise ValueError(f"no signature: {text!r}") from None
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    names = [argument.arg for argument in definition.args.args]
    defaults = [ast.literal_eval(node) for node in definition.args.defaults]
    required = [inspect.Parameter.empty] * (len(names) - len(defaults))
    return dict(zip(names, [*required, *defaults], strict=True))
