"""What a user gets: the wheel, in an environment that has nothing but its dependencies."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Prints the value of mish(1), after making sure that nothing of torch could have helped.
USE_JAXACT = """
import importlib.util, jaxact
from jaxact import functional
for absent in ("torch", "mpmath", "matplotlib", "sklearn", "pytest"):
    assert importlib.util.find_spec(absent) is None, f"{absent} is installed"
import jax.numpy as jnp
print(jaxact.__file__)
print(float(functional.mish(jnp.float32(1.0))))
"""


def _run(*command: str | Path, cwd: Path) -> str:
    # No PYTHONPATH: the checkout must not stand in for what is installed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder,
        ROOT,
        cwd=ROOT,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_packages_their_type_markers_and_the_report_template(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {
        "jaxact",
        "parity",
        "experiments",
    }
    assert {"jaxact/py.typed", "parity/py.typed", "parity/suite/activations/gated.py"} <= names
    assert any(name.startswith("parity/report/templates/") for name in names)


def test_the_wheel_runs_in_an_empty_environment_without_torch(wheel: Path, tmp_path: Path):
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    _run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)

    where, value = _run(python, "-c", USE_JAXACT, cwd=tmp_path).split()

    assert Path(where).is_relative_to(environment)
    # mish(1) = tanh(log(1 + e)), to the last place of float32.
    assert float(value) == pytest.approx(0.865098388, rel=2**-23)
