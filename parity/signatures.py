"""A function's parameters and defaults, from its signature or from text in its place."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

REQUIRED = inspect.Parameter.empty


def parameters_of(call: Callable[..., Any]) -> dict[str, Any]:
    """Parameter names in order, each with its default.

    Functions written in C have no signature; it is read from the first line of their docstring.

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
    required = [REQUIRED] * (len(names) - len(defaults))
    return dict(zip(names, [*required, *defaults], strict=True))


def required_of(call: Callable[..., Any], given: frozenset[str] = frozenset()) -> list[str] | None:
    """The parameters without a default that are not given; None without a signature."""
    if isinstance(count := getattr(call, "nin", None), int):
        return [f"x{i}" for i in range(count)]
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return _required_in_docstring(call, given)
    if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        return None
    return [
        name
        for name, p in signature.parameters.items()
        if p.default is REQUIRED and p.kind is not p.VAR_KEYWORD and name not in given
    ]


def _required_in_docstring(call: Callable[..., Any], given: frozenset[str]) -> list[str] | None:
    try:
        parameters = parameters_in((call.__doc__ or "").strip().partition("->")[0])
    except ValueError:
        return None
    return [
        name for name, default in parameters.items() if default is REQUIRED and name not in given
    ]
