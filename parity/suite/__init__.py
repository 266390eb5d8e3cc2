"""The rows for jaxact: the only place that knows both sides.

A family is a package whose files mirror the library's: the row of a function that
`jaxact/activations/gated.py` defines stands in `parity/suite/activations/gated.py`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from parity.spec import Spec

if TYPE_CHECKING:
    from parity.suite.mutation import Mutant

FAMILIES = ("activations", "losses", "initializers", "regularizers")


def load() -> tuple[Spec, ...]:
    """Every row of every family."""
    modules = (importlib.import_module(f"{__name__}.{family}") for family in FAMILIES)
    return tuple(spec for module in modules for spec in module.SPECS)


def mutants() -> tuple[Mutant, ...]:
    """Every wrong function of every family: what shows that the rows see anything."""
    modules = (importlib.import_module(f"{__name__}.{family}.mutants") for family in FAMILIES)
    return tuple(mutant for module in modules for mutant in module.MUTANTS)
