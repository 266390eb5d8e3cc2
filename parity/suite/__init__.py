"""The rows for jaxact: the only place that knows both jaxact and torch.

A family is a package whose files mirror the library's: the row of a function that
`jaxact/activations/gated.py` defines is in `parity/suite/activations/gated.py`. Where they are
needed, there are `gated_references.py`, with functions written with torch, `gated_laws.py`, and
`gated_subjects.py`, with objects built from jaxact's functions. A file `references.py`, `laws.py`
or `subjects.py` belongs to the whole folder.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re

from parity.spec import Spec

FAMILIES = ("activations", "losses", "initializers", "regularizers", "optim")
# The names of files without rows, or the last parts of such names.
WITHOUT_ROWS = ("references", "laws", "truths", "subjects", "rows", "domains")


@functools.cache
def load() -> tuple[Spec, ...]:
    """Every row of every family."""
    return tuple(spec for name in FAMILIES for spec in family(name))


def family(name: str) -> tuple[Spec, ...]:
    """The rows of a family, theme by theme."""
    return tuple(spec for specs in themes(name).values() for spec in specs)


def themes(name: str) -> dict[str, tuple[Spec, ...]]:
    """The rows of a family by the file that contains them, "gated" or "training.clipping"."""
    package = importlib.import_module(f"{__name__}.{name}")
    prefix = f"{package.__name__}."
    found = pkgutil.walk_packages(package.__path__, prefix)
    files = sorted(module.name for module in found if not module.ispkg and _has_rows(module.name))
    return {file.removeprefix(prefix): importlib.import_module(file).SPECS for file in files}


def _has_rows(module: str) -> bool:
    return re.split(r"[._]", module)[-1] not in WITHOUT_ROWS
