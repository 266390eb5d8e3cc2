"""Importing parity and its rows loads no framework."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAMEWORKS = {"jax", "jaxlib", "torch", "mpmath", "scipy"}


def _loaded_by(code):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    return FRAMEWORKS & {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "code",
    [
        "import parity",
        "import parity.cli",
        "import parity.engine",
        "import parity.pytest_plugin",
        "from parity.suite import load; load()",
        "from parity.cases import cases; from parity.suite import load; cases(load())",
    ],
)
def test_nothing_is_loaded_until_a_row_runs(code):
    assert _loaded_by(code) == set()


@pytest.mark.parametrize(
    ("code", "framework"),
    [
        ("import parity.backends._jax", "jax"),
        ("import parity.backends._torch", "torch"),
        ("import parity.backends._mpmath", "mpmath"),
    ],
)
def test_the_search_finds_a_framework_that_is_loaded(code, framework):
    assert framework in _loaded_by(code)
