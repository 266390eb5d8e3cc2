# pyright: basic
"""Wrong functions made by a change of the library's source: one text in place of another."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import sys
from pathlib import Path
from typing import Any

import jaxact

LIBRARY = Path(jaxact.__file__).parent
_COUNT = itertools.count()


def edited(module: str, name: str, old: str, new: str, *, within: str = "") -> Any:
    """A function of a module of the library, after a change of its source.

    Args:
        module: "optim.adam_family", without the package's name.
        name: of the function.
        old: a text that occurs once.
        new: what is there instead.
        within: the module that is changed, if it is one that the first one imports from.

    Returns:
        A function with any parameters; the source is changed when it is called first.
    """

    @functools.cache
    def made() -> Any:
        changed = within or module
        source = _source(changed)
        assert source.count(old) == 1, f"{changed}: {old!r} occurs {source.count(old)} times"
        copy = _loaded(changed, source.replace(old, new))
        if within:
            whole = f"jaxact.{within} "
            copy = _loaded(module, _source(module).replace(whole, f"{copy.__name__} "))
        return getattr(copy, name)

    return lambda *args, **named: made()(*args, **named)


def _source(module: str) -> str:
    return LIBRARY.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")


def _loaded(module: str, source: str) -> Any:
    """A module of this source, beside the one of the library."""
    name = f"_edited_{next(_COUNT)}_{module.replace('.', '_')}"
    spec = importlib.util.spec_from_loader(name, loader=None)
    assert spec is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    exec(compile(source, name, "exec"), made.__dict__)
    return made
