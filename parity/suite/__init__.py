"""The rows for jaxact: the only place that knows both sides.

A family is a package whose files mirror the library's: the row of a function that
`jaxact/activations/gated.py` defines stands in `parity/suite/activations/gated.py`. Beside it
stand, where they are needed, `gated_references.py`, functions written with torch, `gated_laws.py`
and `gated_subjects.py`, what jaxact's functions make up; a file of one of these names alone serves
the whole family.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from parity.spec import Spec

FAMILIES = ("activations", "losses", "initializers", "regularizers")
# What a file without rows is called, or its name ends with.
WITHOUT_ROWS = ("references", "laws", "truths", "subjects", "rows")


@functools.cache
def load() -> tuple[Spec, ...]:
    """Every row of every family."""
    return tuple(spec for name in FAMILIES for spec in family(name))


def family(name: str) -> tuple[Spec, ...]:
    """The rows of a family, theme by theme."""
    package = importlib.import_module(f"{__name__}.{name}")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    themes = [name for name in names if name.rpartition("_")[2] not in WITHOUT_ROWS]
    modules = (importlib.import_module(f"{package.__name__}.{theme}") for theme in themes)
    return tuple(spec for module in modules for spec in module.SPECS)
