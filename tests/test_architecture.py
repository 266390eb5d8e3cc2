"""The shape of the project: what lies where, what an import loads, what no file may say."""

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "constraints.txt",
    "docs",
    "experiments",
    "jaxact",
    "parity",
    "pyproject.toml",
    "tests",
}
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "misc", "common", "base"}
MACHINE_PATH = re.compile(r"/(?:work|root|tmp|home|Users)/\w")
# What the library is independent of: it may not load these in passing either.
FOREIGN_TO_JAXACT = {"torch", "matplotlib", "mpmath", "sklearn", "parity", "experiments"}

IMPORT_EVERY_MODULE = """
import importlib, pkgutil, {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    importlib.import_module(module.name)
"""


def _ignored(path: Path) -> bool:
    """Whether git does not look at the path: its own folder, and what .gitignore names."""
    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    anchored = f"/{path.relative_to(ROOT)}/"
    return path.name == ".git" or any(
        pattern == anchored if pattern.startswith("/") else fnmatch(f"{path.name}/", pattern)
        for pattern in patterns
    )


def project_files(folder: Path = ROOT) -> list[Path]:
    """Every file of the project, less what .gitignore names."""
    files: list[Path] = []
    for path in sorted(folder.iterdir()):
        if not _ignored(path):
            files += project_files(path) if path.is_dir() else [path]
    return files


def modules_loaded_by(code: str) -> set[str]:
    """Top-level names in `sys.modules` after a new interpreter has run `code`."""
    report = "\nimport sys; print('loaded:', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code + report],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_the_top_level_is_the_one_agreed_on():
    found = {path.relative_to(ROOT).parts[0] for path in project_files()}
    assert found == TOP_LEVEL


def test_no_file_or_folder_has_a_name_that_says_nothing():
    paths = [path.relative_to(ROOT) for path in project_files()]
    bad = [
        str(path)
        for path in paths
        if {part.partition(".")[0].strip("_") for part in path.parts} & NAMES_THAT_SAY_NOTHING
    ]
    assert bad == []


MOST_LINES = 450
LONGER = {
    "jaxact/random/generator.py": "one class; docstrings are two thirds of it",
    "parity/spec.py": "all that a person writes in a row; docstrings are half of it",
}


def test_no_module_is_long_without_a_reason():
    long = {
        str(path.relative_to(ROOT))
        for package in ("jaxact", "parity", "experiments")
        for path in (ROOT / package).rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert long == set(LONGER)


def test_no_file_names_a_path_of_one_machine():
    bad = []
    for path in project_files():
        if path.suffix in {".png", ".npz", ".pyc"}:
            continue
        text = path.read_text(encoding="utf-8")
        bad += [f"{path.relative_to(ROOT)}: {match[0]}" for match in MACHINE_PATH.finditer(text)]
    assert bad == []


@pytest.mark.parametrize("path", ["/ho" + "me/someone", "cd /ro" + "ot/x"])
def test_the_search_for_machine_paths_finds_one(path):
    assert MACHINE_PATH.search(path)


def test_importing_all_of_jaxact_loads_no_torch_no_plots_and_no_parity():
    loaded = modules_loaded_by(IMPORT_EVERY_MODULE.format(package="jaxact"))
    assert loaded & FOREIGN_TO_JAXACT == set()
    assert "jax" in loaded


def test_importing_parity_loads_neither_framework():
    loaded = modules_loaded_by("import parity")
    assert loaded & {"jax", "torch", "jaxact", "matplotlib"} == set()
    assert "parity" in loaded


def test_the_import_check_sees_what_an_import_loads():
    assert "torch" in modules_loaded_by("import torch")
    assert "parity" in modules_loaded_by("import parity.spec")
