"""The constants of the kernels are those that their fits give."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from jaxact import _coefficients as committed


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fitted() -> dict[str, object]:
    source = _load(Path(__file__).with_name("coefficient_fits.py")).module()
    namespace: dict[str, object] = {}
    exec(compile(source, "fitted", "exec"), namespace)
    return namespace


@pytest.mark.parametrize("table", ["FLOAT32", "FLOAT64"])
def test_the_committed_constants_are_the_fitted_ones(fitted: dict[str, object], table: str) -> None:
    assert getattr(committed, table) == fitted[table]
