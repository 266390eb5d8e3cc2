"""No module of the experiments imports, by whatever way, one that imports it."""

import ast
import graphlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _modules(package: Path) -> dict[str, Path]:
    """By name, every file of a package."""
    files = {}
    for path in sorted(package.rglob("*.py")):
        *parents, name = path.relative_to(package.parent).with_suffix("").parts
        files[".".join(parents if name == "__init__" else (*parents, name))] = path
    return files


def _imported(text: str) -> Iterator[str]:
    """What a file imports: also inside functions and for the type checker only."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _graph(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """By module, those that it imports, and the packages that it is in if they import any."""
    graph = {}
    for module, text in texts.items():
        found = set()
        for name in _imported(text):
            parts = name.split(".")
            found |= {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        # The __init__ of a package runs before what is inside; an empty one is no import.
        inside = {".".join(module.split(".")[:n]) for n in range(1, module.count(".") + 1)}
        graph[module] = {other for other in found if other in texts} - inside - {module}
        graph[module] |= {other for other in inside if list(_imported(texts[other]))}
    return graph


def _ordered(texts: Mapping[str, str]) -> list[str]:
    return list(graphlib.TopologicalSorter(_graph(texts)).static_order())


def test_no_module_imports_one_that_imports_it():
    modules = _modules(ROOT / "experiments")
    ordered = _ordered({name: path.read_text("utf-8") for name, path in modules.items()})
    assert sorted(ordered) == sorted(modules)


@pytest.mark.parametrize(
    "back",
    [
        "from a.config import Config",
        "def f():\n    from a import config",
        "import typing\nif typing.TYPE_CHECKING:\n    import a.config",
    ],
)
def test_a_circle_is_found_wherever_the_import_stands(back):
    with pytest.raises(graphlib.CycleError):
        _ordered({"a": "", "a.config": "from a import plot", "a.plot": back})


def test_a_circle_through_a_package_itself_is_found():
    with pytest.raises(graphlib.CycleError):
        _ordered(
            {"a": "from a.plot import draw", "a.plot": "from a.config import x", "a.config": ""}
        )
