"""What a user gets: the wheel, in an environment that has nothing but its dependencies."""

import fcntl
import inspect
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from markdown_it import MarkdownIt

from jaxact import activations, errors, functional, initializers, losses, random, regularizers

ROOT = Path(__file__).parents[1]

# Prints the value of mish(1), after making sure that nothing of torch could have helped.
USE_JAXACT = """
import importlib.util, jaxact
from jaxact import functional
for absent in ("torch", "mpmath", "matplotlib", "sklearn", "pytest", "typer"):
    assert importlib.util.find_spec(absent) is None, f"{absent} is installed"
import jax.numpy as jnp
print(jaxact.__file__)
print(float(functional.mish(jnp.float32(1.0))))
"""


def _ended(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    # No PYTHONPATH: the checkout must not stand in for what is installed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )


def _run(*command: str | Path, cwd: Path) -> str:
    done = _ended(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--wheel", "--no-isolation", "--outdir")
    _run(sys.executable, "-m", "build", *options, folder, ROOT, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and its dependencies; installed once, also for several processes of pytest."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    installed = folder / "environment"
    with (folder / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (installed / "complete").exists():
            venv.create(installed, with_pip=True)
            pip = (installed / "bin" / "python", "-m", "pip", "install", "-q")
            _run(*pip, "-c", ROOT / "constraints.txt", wheel, cwd=folder)
            (installed / "complete").touch()
    return installed


def test_the_wheel_holds_two_packages_their_type_markers_and_the_report_template(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    folders = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert folders == {"jaxact", "parity"}
    assert {"jaxact/py.typed", "parity/py.typed", "parity/suite/activations/gated.py"} <= names
    assert any(name.startswith("parity/report/templates/") for name in names)


def test_the_wheel_says_where_the_project_is_and_its_description_leads_nowhere_else(wheel: Path):
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_bytes(archive.read(name))

    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL", []))
    assert set(urls) == {"Homepage", "Documentation", "Repository", "Issues", "Changelog"}
    assert metadata["Description-Content-Type"] == "text/markdown"
    description = str(metadata.get_payload())
    assert description.startswith("# jaxact\n")
    links = _links(description)
    assert len(links) > 10
    assert [link for link in links if not link.startswith("https://")] == []
    # What the links of the repository lead to is there.
    files = [link.partition("/blob/main/")[2] for link in (*links, *urls.values())]
    assert [file for file in files if file and not (ROOT / file).exists()] == []


def _links(markdown: str) -> list[str]:
    """Where links and images lead, anchors of the page itself apart."""
    blocks = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    inside = [token for block in blocks for token in block.children or ()]
    found = [str(token.attrs.get("href", token.attrs.get("src", ""))) for token in inside]
    return [link for link in found if link and not link.startswith("#")]


def test_the_wheel_runs_in_an_empty_environment_without_torch(environment: Path, tmp_path: Path):
    where, value = _run(environment / "bin" / "python", "-c", USE_JAXACT, cwd=tmp_path).split()

    assert Path(where).is_relative_to(environment)
    # mish(1) = tanh(log(1 + e)), to the last place of float32.
    assert float(value) == pytest.approx(0.865098388, rel=2**-23)


@pytest.mark.parametrize("command", [("python", "-m", "parity"), ("parity", "run")])
def test_the_tool_without_its_extra_says_what_to_install(
    command: tuple[str, ...], environment: Path, tmp_path: Path
):
    done = _ended(environment / "bin" / command[0], *command[1:], cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "pip install 'jaxact[parity]'" in line


# ------------------------------------------------------------------------------------------- types

NAMESPACES = (functional, activations, losses, initializers, regularizers, random, errors)
PREAMBLE = """# pyright: strict
from collections.abc import Callable
from typing import assert_type

import jax
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxact import activations, errors, functional, initializers, losses, random, regularizers

key = jax.random.key(0)
x = jax.random.normal(key, (2, 3))
n = np.ones((2, 3), np.float32)
tree = {"w": x}


def of_array(x: Array) -> Array:
    return x


def of_images(key: Array, images: Array) -> Array:
    return images
"""


class Name(NamedTuple):
    """A public name."""

    namespace: str
    name: str
    value: Any

    @property
    def path(self) -> str:
        return f"{self.namespace}.{self.name}"

    @property
    def parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.value).parameters.values())


NAMES = [
    Name(namespace.__name__.rpartition(".")[2], name, getattr(namespace, name))
    for namespace in NAMESPACES
    for name in namespace.__all__
]
FUNCTIONS = [name for name in NAMES if not inspect.isclass(name.value)]


def _call(function: Name, array: str, *more: str) -> str:
    """A call with all that has no default."""
    given = [_argument(p, array) for p in function.parameters if p.default is p.empty]
    return f"{function.path}({', '.join([*given, *more])})"


def _argument(parameter: inspect.Parameter, array: str) -> str:
    """What a user writes for a parameter."""
    text = _expression(parameter, array)
    return f"{parameter.name}={text}" if parameter.kind is parameter.KEYWORD_ONLY else text


def _expression(parameter: inspect.Parameter, array: str) -> str:
    annotation = inspect.formatannotation(parameter.annotation)
    if parameter.name == "key":
        return "key"
    if annotation.startswith("Literal["):
        return repr(get_args(parameter.annotation)[0])
    for pattern, text in (
        (r"Any|~_\w+", "tree"),
        (r"Callable\[\[[\w.]+\], .*", "of_array"),
        (r"Callable\[\[[\w.]+, [\w.]+\], .*", "of_images"),
        (r"(int \| )?(collections\.abc\.)?Sequence\[int\]", "(3,)"),
        (r"int", "3"),
        (r"float( \| [\w.]+Array)?", "0.5"),
        (r"str", '"Linear"'),
        (r".*\bndarray\b.*", array),
    ):
        if re.fullmatch(pattern, annotation.replace("collections.abc.Callable", "Callable")):
            return text
    raise AssertionError(f"say what a user passes for {parameter.name}: {annotation}")


def _use(function: Name, array: str) -> str:
    """A line that is right only if the checker knows the function's type and its result's."""
    call, returned = _call(function, array), inspect.signature(function.value).return_annotation
    if function.namespace == "initializers" and function.name != "calculate_gain":
        return f"assert_type({call}(key, (2, 3)), Array)"
    result = _annotation(returned)
    # optax comes without types.
    return call if result is None else f"assert_type({call}, {result})"


def _annotation(annotation: Any) -> str | None:
    """The type as a user writes it."""
    for name in NAMES:
        if name.value is annotation:
            return name.path
    text = inspect.formatannotation(annotation).replace("jax.jaxlib._jax.Array", "Array")
    text = text.replace("jaxlib._jax.Array", "Array").replace("collections.abc.", "")
    text = re.sub(r"~_\w+", "dict[str, Array]", text)
    text = re.sub(r"(typing\.)?Union\[Array, numpy[^\]]*\]", "ArrayLike", text)
    return None if "optax" in text else text


def _mistakes(name: Name) -> list[str]:
    """Lines that are wrong, each in one way."""
    if name not in FUNCTIONS:
        return [f"{name.path}x"]
    text = _call(name, '"text"')
    with_text = [text] if text != _call(name, "x") else []
    return [f"{name.path}x", _call(name, "x", "no_such_argument=1"), *with_text]


class Seen(NamedTuple):
    """What a type checker says: by file and line what it complains of, and the revealed types."""

    errors: dict[tuple[str, int], str]
    revealed: dict[tuple[str, int], str]


def _seen(output: str, error: str, revealed: str) -> Seen:
    found = []
    for pattern in (error, revealed):
        matches = re.finditer(rf"(\w+\.py):(\d+):.*{pattern}", output)
        found.append({(match[1], int(match[2])): match[3] for match in matches})
    return Seen(*found)


def _by_mypy(environment: Path, folder: Path) -> Seen:
    options = ("--strict", "--no-pretty", "--python-executable", environment / "bin" / "python")
    done = _ended(sys.executable, "-m", "mypy", *options, "right.py", "wrong.py", cwd=folder)
    return _seen(done.stdout, "error: (.*)", 'note: Revealed type is "(.*)"')


def _by_pyright(environment: Path, folder: Path) -> Seen:
    options = ("--pythonpath", environment / "bin" / "python")
    done = _ended(sys.executable, "-m", "pyright", *options, "right.py", "wrong.py", cwd=folder)
    return _seen(done.stdout, "error: (.*)", 'information: Type of ".*?" is "(.*)')


@pytest.mark.parametrize("checker", [_by_mypy, _by_pyright], ids=["mypy", "pyright"])
def test_a_type_checker_knows_every_name_and_finds_every_mistake(
    checker: Callable[[Path, Path], Seen], environment: Path, tmp_path: Path
):
    revealing = [f"reveal_type({name.path})" for name in NAMES]
    uses = {_use(name, array): name for name in FUNCTIONS for array in ("x", "n")}
    mistakes = {line: name for name in NAMES for line in _mistakes(name)}
    right = [*PREAMBLE.splitlines(), *revealing, *uses]
    wrong = [*PREAMBLE.splitlines(), *mistakes]
    (tmp_path / "right.py").write_text("\n".join(right), encoding="utf-8")
    (tmp_path / "wrong.py").write_text("\n".join(wrong), encoding="utf-8")

    seen = checker(environment, tmp_path)

    types = [seen.revealed.get(("right.py", i + 1), "Unknown") for i in range(len(right))]
    known = dict(zip(right, types, strict=True))
    without = {name.path for name, line in zip(NAMES, revealing, strict=True) if _hole(known[line])}
    assert without == set()
    complaints = {
        right[i - 1]: text for (file, i), text in seen.errors.items() if file == "right.py"
    }
    assert complaints == {}
    lines = {wrong[i - 1] for file, i in seen.errors if file == "wrong.py"}
    assert [line for line in mistakes if line not in lines] == []


def _hole(revealed: str) -> bool:
    """Whether a revealed type says nothing."""
    return revealed.strip('"') in ("Any", "Unknown") or "Unknown" in revealed
