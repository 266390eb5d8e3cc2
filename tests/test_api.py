"""The public names: modules list what they define, one namespace gathers all, rows prove them."""

import ast
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import jaxact
from jaxact import functional

ROOT = Path(__file__).parents[1]

# The families whose functions are proven row by row, in parity/suite/<family>.py.
FAMILIES_WITH_ROWS = ["activations"]

ACTIVATIONS = {
    *("relu", "relu6", "threshold", "rrelu", "hardtanh", "hardsigmoid", "hardswish", "leaky_relu"),
    *("prelu", "elu", "celu", "selu", "softplus", "logsigmoid", "sigmoid", "tanh", "softsign"),
    *("tanhshrink", "hardshrink", "softshrink", "silu", "mish", "gelu", "glu", "swish"),
    *("softmax", "log_softmax", "softmin", "softmax2d", "gumbel_softmax"),
}


def _public_modules() -> list[str]:
    walked = pkgutil.walk_packages(jaxact.__path__, "jaxact.")
    return [module.name for module in walked if not module.name.rpartition(".")[2].startswith("_")]


MODULES = _public_modules()


def _is_package(module: ModuleType) -> bool:
    return hasattr(module, "__path__")


def _submodules(package: ModuleType) -> list[ModuleType]:
    prefix = package.__name__ + "."
    depth = package.__name__.count(".") + 1
    names = [name for name in MODULES if name.startswith(prefix) and name.count(".") == depth]
    return [importlib.import_module(name) for name in names]


def defined_names(source: str) -> set[str]:
    """The names that a module's own statements bind at its top level, imports apart."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Assign():
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                pass
    return names - {"__all__"}


def _defines(module: ModuleType) -> set[str]:
    assert module.__file__ is not None
    return defined_names(Path(module.__file__).read_text(encoding="utf-8"))


def _public(names: set[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", MODULES)
def test_all_lists_what_the_module_offers_once(name: str):
    module = importlib.import_module(name)
    assert len(module.__all__) == len(set(module.__all__))
    if module is functional:
        return
    if _is_package(module):
        offered = {public for part in _submodules(module) for public in part.__all__}
        assert _public(_defines(module)) == set(), "a package re-exports and defines nothing"
    else:
        offered = _public(_defines(module))
    assert set(module.__all__) == offered


def test_a_name_that_all_forgets_is_found():
    source = "from a import b\n__all__ = ['f']\ndef f(): ...\ndef g(): ...\n_h = 1\nT: int = 2\n"
    assert _public(defined_names(source)) == {"f", "g", "T"}


def _families() -> list[ModuleType]:
    above = ("jaxact.functional", "jaxact.nn", "jaxact.convert", "jaxact.optim")
    return [part for part in _submodules(jaxact) if part.__name__ not in above]


def test_functional_offers_every_function_of_the_families_and_defines_none():
    assert _defines(functional) == set()
    assert set(functional.__all__) == {name for part in _families() for name in part.__all__}


def test_functional_hands_out_the_families_own_objects():
    for family in _families():
        for name in family.__all__:
            assert getattr(functional, name) is getattr(family, name)


def test_every_activation_of_torch_is_there():
    from jaxact import activations

    assert set(functional.__all__) >= ACTIVATIONS
    assert set(activations.__all__) == ACTIVATIONS
