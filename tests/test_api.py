"""The public names: modules list what they define, one namespace gathers all, rows prove them."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest

import jaxact
from jaxact import functional
from parity import suite
from parity.spec import Call, Spec

ROOT = Path(__file__).parents[1]

# Proven by tests of their own until their rows are written.
WITHOUT_ROWS = {"layers"}

ACTIVATIONS = {
    *("relu", "relu6", "threshold", "rrelu", "hardtanh", "hardsigmoid", "hardswish", "leaky_relu"),
    *("prelu", "elu", "celu", "selu", "softplus", "logsigmoid", "sigmoid", "tanh", "softsign"),
    *("tanhshrink", "hardshrink", "softshrink", "silu", "mish", "gelu", "glu", "swish"),
    *("softmax", "log_softmax", "softmin", "softmax2d", "gumbel_softmax"),
}
LOSSES = {
    *("l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "nll_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss"),
    *("gaussian_nll_loss", "hinge_embedding_loss", "margin_ranking_loss", "soft_margin_loss"),
    *("multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss"),
    *("cosine_embedding_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss"),
    *("ctc_loss", "linear_cross_entropy", "cosine_similarity", "pairwise_distance"),
}


def _public_modules() -> list[str]:
    walked = pkgutil.walk_packages(jaxact.__path__, "jaxact.")
    return [module.name for module in walked if "._" not in module.name]


MODULES = _public_modules()
# What has functions of arrays; the others are built over them.
ABOVE = {
    "jaxact.errors",
    "jaxact.functional",
    "jaxact.nn",
    "jaxact.convert",
    "jaxact.random",
}
FAMILIES = [name for name in MODULES if name.count(".") == 1 and name not in ABOVE]


# torch has them in another namespace than torch.nn.functional, but for these themes.
ELSEWHERE = {"jaxact.initializers", "jaxact.optim", "jaxact.regularizers"}
THEMES = [f"jaxact.regularizers.{theme}" for theme in ("dropouts.standard", "normalization")]


def _in_functional() -> list[ModuleType]:
    names = [name for name in FAMILIES if name not in ELSEWHERE]
    return [importlib.import_module(name) for name in (*names, *THEMES)]


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


def offered(module: ModuleType) -> set[str]:
    """The names that `from module import *` gives, submodules apart."""
    listed = getattr(module, "__all__", None)
    if listed is None:
        listed = [name for name in vars(module) if not isinstance(vars(module)[name], ModuleType)]
    return _public(set(listed))


def _defines(module: ModuleType) -> set[str]:
    assert module.__file__ is not None
    return defined_names(Path(module.__file__).read_text(encoding="utf-8"))


def _public(names: set[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", MODULES)
def test_all_lists_what_the_module_defines(name: str):
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", [])
    assert len(listed) == len(set(listed))
    if module is not functional and not _is_package(module):
        assert set(listed) == _public(_defines(module))


@pytest.mark.parametrize("name", [m for m in MODULES if _is_package(importlib.import_module(m))])
def test_a_package_offers_what_its_modules_offer_and_defines_nothing(name: str):
    package = importlib.import_module(name)
    assert _public(_defines(package)) == set()
    assert offered(package) == {public for part in _submodules(package) for public in offered(part)}


def test_a_name_that_all_forgets_is_found():
    source = "from a import b\n__all__ = ['f']\ndef f(): ...\ndef g(): ...\n_h = 1\nT: int = 2\n"
    assert _public(defined_names(source)) == {"f", "g", "T"}


def test_functional_offers_every_function_of_the_families_and_defines_none():
    assert _defines(functional) == set()
    assert offered(functional) == {name for part in _in_functional() for name in offered(part)}


def test_functional_hands_out_the_families_own_objects():
    for family in _in_functional():
        for name in offered(family):
            assert getattr(functional, name) is getattr(family, name)


def test_every_activation_and_loss_of_torch_is_there():
    assert offered(jaxact.activations) >= ACTIVATIONS
    assert offered(jaxact.losses) >= LOSSES


def without_row(family: str, names: set[str]) -> str:
    """A sentence for the names that no row of the family proves; empty if there are none."""
    path = f"parity/suite/{family}/"
    if family not in suite.FAMILIES:
        return f"{path} does not exist or is not in parity.suite.FAMILIES"
    rows = {spec.name for spec in suite.load() if spec.family == family}
    missing = ", ".join(sorted(names - rows))
    return f"add a row to the theme's file in {path} for {missing}" if missing else ""


@pytest.mark.parametrize("family", [name.split(".")[1] for name in FAMILIES])
def test_every_public_function_has_a_row(family: str):
    module = importlib.import_module(f"jaxact.{family}")
    functions = {name for name in offered(module) if not inspect.isclass(getattr(module, name))}
    complaint = without_row(family, functions)
    assert bool(complaint) == (family in WITHOUT_ROWS), complaint


@pytest.mark.parametrize("family", suite.FAMILIES)
def test_a_row_stands_in_the_file_of_the_same_name_as_its_function(family: str):
    functions = importlib.import_module(f"jaxact.{family}")
    for theme, specs in suite.themes(family).items():
        for spec in specs:
            defined_in = getattr(functions, spec.name).__module__
            assert defined_in == f"jaxact.{family}.{theme}", spec.name


def without_domain(spec: Spec, parameters: Iterable[str]) -> str:
    """A sentence for the parameters of which a row does not say what they may be; empty if none."""
    described = spec.domain.arguments if spec.domain else {}
    missing = ", ".join(sorted({*parameters} - {*described} - {"key"}))
    path = f"parity/suite/{spec.family}/"
    return f"{path}: {spec.name} has no domain for {missing}" if missing else ""


@pytest.mark.parametrize("family", suite.FAMILIES)
def test_every_parameter_has_a_domain(family: str):
    module = importlib.import_module(f"jaxact.{family}")
    for spec in suite.family(family):
        parameters = inspect.signature(getattr(module, spec.name)).parameters
        complaint = without_domain(spec, parameters)
        assert not complaint, complaint
        # What a function returns gets arrays that are no parameters: templates, gradients.
        if isinstance(spec.subject.driver, Call) and spec.subject.name.startswith("jaxact."):
            assert {*spec.domain.arguments} <= {*parameters}, spec.name


def test_a_parameter_without_a_domain_is_told_where_to_add_it():
    (mish,) = (spec for spec in suite.family("activations") if spec.name == "mish")
    assert without_domain(mish, ["input", "beta"]) == (
        "parity/suite/activations/: mish has no domain for beta"
    )


def test_a_function_without_a_row_is_told_where_to_add_it():
    assert without_row("activations", {"mish", "mosh"}) == (
        "add a row to the theme's file in parity/suite/activations/ for mosh"
    )
    assert "parity/suite/layers/" in without_row("layers", {"linear"})
