"""The rows for jaxact: the only place that knows both sides."""

from __future__ import annotations

import importlib

from parity.spec import Spec

FAMILIES = ("activations",)


def load() -> tuple[Spec, ...]:
    """Every row of every family."""
    modules = (importlib.import_module(f"{__name__}.{family}") for family in FAMILIES)
    return tuple(spec for module in modules for spec in module.SPECS)
