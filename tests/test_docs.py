"""The documentation tells the truth: docstrings, tables, commands, examples and links."""

import doctest
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from docs import generate
from jaxact import functional, initializers, regularizers
from parity import suite
from parity.cases import case_of_torch, cases
from parity.report import markdown

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMESPACES = (functional, initializers, regularizers)
FUNCTIONS = list(
    dict.fromkeys(
        f
        for namespace in NAMESPACES
        for name, f in sorted(vars(namespace).items())
        if callable(f) and not inspect.isclass(f) and name[0] != "_"
    )
)

SHAPE = re.compile(r"\[[^\]]*\]")
UNIT = re.compile(r"\b(dimensionless|nats|per step|any unit|unit (and dtype )?of \w+)\b")


def objections(function) -> list[str]:
    """What the function's docstring lacks."""
    parameters = inspect.signature(function).parameters
    doc = generate.parse(function.__doc__)
    found = []
    if not re.fullmatch(rf"{function.__name__}\(.*\S = \S.*\.", doc.summary):
        found.append("the first line is no formula, 'name(x) = ... .'")
    if list(doc.args) != list(parameters):
        found.append(f"Args lists {list(doc.args)}, the parameters are {list(parameters)}")
    for name, text in doc.args.items():
        found += [f"{name}: {lack}" for lack in _lacks(str(parameters[name].annotation), text)]
    returns = doc.sections.get("Returns", "")
    if not SHAPE.search(returns) or not UNIT.search(returns):
        found.append("Returns gives no shape or no unit")
    if not re.search(r"torch(\.\w+)+, torch \d+\.\d+", doc.sections.get("Source", "")):
        found.append("Source names no torch function with its version")
    if not re.search(r"\w+Error: if ", doc.sections.get("Raises", "")):
        found.append("Raises names no error with its condition")
    return found


def _lacks(annotation: str, text: str) -> list[str]:
    # A union that jax calls ArrayLike prints its members.
    if "ndarray" not in annotation and "ArrayLike" not in annotation:
        return [] if text else ["no description"]
    shape = [] if SHAPE.search(text) else ["no shape, [...] or [n, c, ...]"]
    return shape + ([] if UNIT.search(text) else ["no unit"])


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_the_docstring_has_formula_shapes_units_errors_and_source(function):
    assert objections(function) == []


def test_a_docstring_without_its_parts_is_objected_to():
    def f(input: "ArrayLike", alpha: "ArrayLike" = 1.0):  # noqa: F821
        """Does something.

        Args:
            input: what comes in.

        Returns:
            what comes out.
        """

    assert len(objections(f)) == 7


STALE = "run `make docs` and commit what it writes"


FAMILIES = pytest.mark.parametrize("family", suite.FAMILIES)


@FAMILIES
def test_the_committed_results_are_those_of_the_rows_of_today(family: str):
    recorded = [case["id"] for case in generate.load(family)["cases"]]
    rows = [spec for spec in suite.load() if spec.family == family]
    assert recorded == [case.id for case in cases(rows)], STALE


@FAMILIES
def test_every_committed_result_is_a_success(family: str):
    outcomes = {case["outcome"] for case in generate.load(family)["cases"]}
    assert outcomes <= set(markdown.SUCCESSES)


@FAMILIES
def test_the_page_of_a_family_shows_docstrings_rows_and_results(family: str):
    committed = generate.page_of(family).read_text(encoding="utf-8")
    assert generate.family_page(family) == committed, STALE


def test_the_readme_shows_the_committed_results():
    assert generate.readme() == generate.README.read_text(encoding="utf-8"), STALE


def _case(setting: str, outcome: str, subject: float | None, reference: float | str | None) -> dict:
    return {
        "function": "mish",
        "params": {"setting": setting},
        "dtype": "float32",
        "check": "forward",
        "outcome": outcome,
        "budget": {"ulp": 4},
        "distance": {"subject_truth": subject, "reference_truth": reference},
    }


def test_the_table_counts_outcomes_and_shows_the_largest_errors_of_the_default_setting():
    cases = [
        _case("default", "exact", 0.5, 2.0),
        _case("default", "closer", 1.25, "inf"),
        _case("default", "mismatch", None, None),
        _case("other", "within", 1.7e7, 1.7e7),
    ]
    header, _, mish, total = markdown.table({"cases": cases}).splitlines()
    assert header.split(" | ")[1:7] == ["cases", "exact", "within", "closer", "quirk", "failed"]
    assert mish == "| `mish` | 4 | 1 | 1 | 1 | 0 | 1 | 1.2 | ∞ | – | – |"
    assert total == "| **all** | 4 | 1 | 1 | 1 | 0 | 1 |  |  |  |  |"


def test_the_table_writes_large_errors_as_powers_of_ten():
    cases = [_case("default", "mismatch", 264.2, 1.7e7)]
    assert "| 264 | 1.7e7 |" in markdown.table({"cases": cases})


def test_the_table_stars_what_the_floor_of_a_budget_forgives():
    cases = [_case("default", "within", 173.2, 173.2)]
    assert r"| 173\* | 173 |" in markdown.table({"cases": cases})


def test_an_overview_counts_functions_and_outcomes():
    cases = [_case("default", "exact", 0.5, 2.0), _case("other", "mismatch", 9.0, 0.5)]
    header, _, line = markdown.overview({"activations": cases}).splitlines()
    assert header.split(" | ")[1:3] == ["functions", "cases"]
    assert line == "| activations | 1 | 2 | 1 | 0 | 0 | 0 | 1 |"


@pytest.mark.parametrize("page", ["README.md", "docs/checks.md", "docs/regularized_training.md"])
def test_the_examples_of_a_page_give_what_it_shows(page: str):
    failed, tried = doctest.testfile(str(ROOT / page), module_relative=False)
    assert tried > 0
    assert failed == 0


def test_the_guide_to_large_vocabularies_prints_what_it_shows(capsys: pytest.CaptureFixture[str]):
    guide = (ROOT / "docs" / "large_vocabulary.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (shown,) = re.findall(r"```\n(plain.*?)```", guide, re.DOTALL)
    exec(code, {})
    assert capsys.readouterr().out == shown


def _files_of(page: str) -> dict[str, str]:
    """The Python files that a page shows, by the name in their first line."""
    guide = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", guide, re.DOTALL)
    return dict(blocks)


def _printed(folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).splitlines()


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    """A folder with the files that the guide to parity shows."""
    for name, code in _files_of("parity.md").items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    return tmp_path


def test_the_guides_file_of_rows_runs(guide: Path):
    printed = _printed(guide, "rows.py", "run", "--dtype", "float32")
    assert printed[-1].startswith("parity: 4 cases, ")


def test_the_guides_drivers_find_the_one_difference(guide: Path):
    printed = _printed(guide, "drivers.py", "run")
    assert printed[-1].startswith("parity: 6 cases, ")
    assert printed[-1].endswith(" 1 failed")
    assert any("buffers/running_var" in line for line in printed)
    (replay,) = (line.strip() for line in printed if line.strip().startswith("python drivers.py"))
    again = _printed(guide, *shlex.split(replay)[1:])
    assert again[0] == "mine/batch_norm/training/float32/forward: mismatch"


def test_the_guides_domain_finds_the_wrong_place(guide: Path):
    printed = [line.strip() for line in _printed(guide, "domains.py", "run", "--pairs")]
    assert printed[-1].endswith(" 1 failed")
    (named,) = (line for line in printed if line.startswith("mine/leaky_relu/lengths=n="))
    assert named in (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
    name = named.partition(": ")[0]
    assert _printed(guide, "domains.py", "replay", name)[0] == f"{name}: mismatch"


def test_the_guides_tests_pass(guide: Path):
    printed = _printed(guide, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py")
    assert printed[-1].startswith("2 passed"), printed


def test_the_page_about_the_results_file_names_every_key(tmp_path: Path):
    file = tmp_path / "results.json"
    chosen = ("--select", "activations/prelu/*", "--check", "jvp", "--dtype", "float32")
    _printed(ROOT, "-m", "parity", "run", *chosen, "--json", str(file))
    results = json.loads(file.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "results_file.md").read_text(encoding="utf-8")
    halves = page.split("A case has:")
    first, second = (re.findall(r"^\| (`.*?`) \|", half, re.MULTILINE) for half in halves)
    assert {key for line in first for key in re.findall(r"`(\w+)`", line)} == set(results)
    case = results["cases"][0]
    assert {key for line in second for key in re.findall(r"`(\w+)`", line)} == set(case)
    described = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE))
    for part in ("summary", "environment"):
        assert set(re.findall(r"`(\w+)`", described[part])) == set(results[part])
    for part in ("budget", "distance", "worst"):
        assert set(re.findall(r"`(\w+)`", described[part])) == set(case[part])
    assert set(re.findall(r"`(\w+)`", described["quirks"])) == set(case["quirks"][0])
    assert f"is its version, {results['schema']} today" in page


def _commands() -> list[str]:
    """Whatever stands as code in a page and is a command of this project."""
    code: list[str] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        code += re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    commands = (part.split("#")[0].strip() for part in code)
    return sorted({line for line in commands if re.match(r"make |(\.venv/bin/)?python -m ", line)})


def test_every_make_target_in_the_pages_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    named = {command.split()[1] for command in _commands() if command.startswith("make ")}
    assert named >= {"parity", "test"}
    assert named <= targets


def test_the_readme_opens_with_the_two_commands():
    commands = re.findall(r"^    (\S.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands[:2] == ["make parity", "make test"]


@pytest.mark.parametrize("command", [c for c in _commands() if not c.startswith("make ")])
def test_every_python_command_in_the_pages_is_understood(command: str):
    _, *arguments = shlex.split(command)
    # --help is looked at after all options are parsed, so that an unknown one is an error.
    done = subprocess.run(
        [sys.executable, *arguments, "--help"],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_case_named_in_the_pages_exists():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    family = "|".join(suite.FAMILIES)
    named = set(re.findall(rf"\b(?:{family})/[\w=.,-]+(?:/[\w=.,-]+)*/\w+(?=['`\s])", text))
    assert len(named) >= 3
    of_rows = {case.id for case in cases(suite.load())}
    assert {name for name in named - of_rows if case_of_torch(suite.load(), name) is None} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path):
    text = re.sub(r"`[^`]*`", "", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []
