"""The command line: what it prints, what it writes, how it exits."""

import json
import os
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.spec import Spec, on

ROOT = Path(__file__).parents[2]


def _row(name, subject):
    return Spec(
        family="test",
        name=name,
        subject=on("numpy", subject),
        reference=on("numpy", np.abs),
        dtypes=("float32", "float64"),
        checks=("forward",),
    )


def wrong(x):
    return np.where(x == 1, 3, np.abs(x)).astype(x.dtype)


ROWS = (_row("right", np.abs), _row("wrong", wrong))


def _shell(*args, rows=ROWS):
    return CliRunner().invoke(app(lambda: rows), list(args))


def test_a_run_without_failures_exits_with_zero():
    done = _shell("run", "--select", "right")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == (
        "parity: 2 cases, 2 exact, 0 within, 0 closer, 0 quirks, 0 failed"
    )


def test_a_run_with_a_failure_exits_with_one_and_says_how_to_see_it():
    done = _shell("run", "--seed", "3")
    assert done.exit_code == 1
    assert "MISMATCH test/wrong/float32/forward" in done.stdout
    assert "python -m parity replay test/wrong/float32/forward --seed 3" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("2 exact, 0 within, 0 closer, 0 quirks, 2 failed")


def test_a_selection_of_nothing_is_a_usage_error():
    done = _shell("run", "--select", "nothing")
    assert done.exit_code == 2
    assert "no case matches --select nothing" in done.output


@pytest.mark.parametrize("command", ["run", "list"])
@pytest.mark.parametrize(
    ("option", "value", "choices"),
    [("--dtype", "float31", "float32, float64"), ("--check", "backward", "forward, vjp, jvp")],
)
def test_a_filter_that_does_not_exist_is_refused_with_the_choices(command, option, value, choices):
    done = _shell(command, option, value)
    assert done.exit_code == 2
    assert f"{option} must be one of {choices}" in done.output
    assert f"got '{value}'" in done.output


def test_the_version_is_that_of_the_package():
    assert _shell("--version").stdout == f"parity {metadata.version('jaxact')}\n"


def test_junit_has_a_test_for_each_case(tmp_path):
    path = tmp_path / "junit.xml"
    _shell("run", "--junit", str(path))
    suites = ElementTree.parse(path).getroot().findall("testsuite")
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in suites] == [
        ("test/right", "2", "0"),
        ("test/wrong", "2", "2"),
    ]
    failure = suites[1].find("testcase/failure")
    assert failure.get("message").startswith("out at 1.0: 3.0, reference 1.0")
    assert failure.text == "python -m parity replay test/wrong/float32/forward --seed 0"


def test_list_prints_ids():
    done = _shell("list", "--dtype", "float64")
    assert done.stdout.split() == ["test/right/float64/forward", "test/wrong/float64/forward"]


def test_show_describes_a_case_without_running_it():
    done = _shell("show", "test/wrong/float32/forward")
    assert done.exit_code == 0
    assert f"numpy: {__name__}:wrong" in done.stdout


@pytest.mark.parametrize("command", ["show", "replay"])
def test_an_unknown_case_is_a_usage_error(command):
    assert _shell(command, "no/such/case").exit_code == 2


def test_replay_runs_one_case_and_exits_like_it():
    right = _shell("replay", "test/right/float32/forward")
    assert (right.exit_code, "exact" in right.stdout) == (0, True)
    failing = _shell("replay", "test/wrong/float32/forward")
    assert failing.exit_code == 1
    assert "subject   3.0" in failing.stdout


def test_json_holds_every_case_and_the_environment(tmp_path):
    path = tmp_path / "new" / "results.json"
    _shell("run", "--json", str(path), "--seed", "5")
    data = json.loads(path.read_text())
    assert data["schema"] == 2
    assert data["summary"] == {
        "cases": 4,
        "exact": 2,
        "within": 0,
        "closer": 0,
        "quirk": 0,
        "failed": 2,
    }
    assert [case["id"] for case in data["cases"]] == [
        "test/right/float32/forward",
        "test/right/float64/forward",
        "test/wrong/float32/forward",
        "test/wrong/float64/forward",
    ]
    case = data["cases"][2]
    assert case["outcome"] == "mismatch"
    worst = {"input": [1.0], "subject": 3.0, "reference": 1.0, "truth": 1.0}
    assert {name: case["worst"][name] for name in worst} == worst
    assert (case["worst"]["entry"], case["replay"]) == (
        "out",
        "python -m parity replay test/wrong/float32/forward --seed 5",
    )
    assert case["budget"]["ulp"] == 4
    assert set(case["distance"]) == {
        "subject_reference",
        "subject_truth",
        "reference_truth",
        "spread",
    }
    environment = data["environment"]
    assert environment["seed"] == 5
    assert environment["packages"]["numpy"] == np.__version__
    assert environment["cpu"]


def test_numbers_that_json_lacks_are_written_as_text(tmp_path):
    path = tmp_path / "results.json"
    rows = (_row("infinite", lambda x: np.full_like(x, np.inf)),)
    _shell("run", "--json", str(path), rows=rows)
    (case, _) = json.loads(path.read_text())["cases"]
    assert case["distance"]["subject_truth"] == "inf"
    assert case["worst"]["subject"] == "inf"


def _check(*args):
    return _shell("check", *args)


def test_a_pair_of_other_peoples_functions_is_checked():
    same = _check("numpy:abs", "numpy:absolute", "--dtype", "float32", "--check", "forward")
    assert same.exit_code == 0
    wrong = _check("numpy:abs", "numpy:tanh", "--dtype", "float32", "--check", "forward")
    assert wrong.exit_code == 1


@pytest.mark.parametrize(
    "function", ["torch:nn.functional.gelu", "jax:jax.nn.gelu", "torch:nn.functional.hardsigmoid"]
)
def test_a_function_is_exactly_itself(function):
    done = _check(function, function, "--dtype", "float32")
    count = done.stdout.splitlines()[-1].split()[1]
    assert f"{count} cases, {count} exact, " in done.stdout.splitlines()[-1]


def test_a_function_with_several_results_is_exactly_itself(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def both(x):\n    return x + 1, {'twice': 2 * x}\n", encoding="utf-8")
    done = _check(f"jax:{file}:both", f"jax:{file}:both", "--dtype", "float32")
    assert "7 cases, 7 exact" in done.stdout, done.stdout


def test_what_a_framework_does_not_have_is_said():
    done = _check("numpy:numpy.tanh", "jax:jax.numpy.tanh", "--dtype", "float32")
    assert done.exit_code == 0, done.stdout
    for check in ("vjp", "jvp", "second"):
        assert f"not compared: tanh, {check}: numpy has no gradients" in done.stdout


def test_mpmath_is_a_side():
    pair = ("mpmath:mpmath.tanh", "jax:jax.numpy.tanh", "--dtype", "float32", "--check", "forward")
    assert _check(*pair).exit_code == 0


@pytest.mark.parametrize("backend", ["abs", "tf:abs", "numpy:"])
def test_a_function_without_a_backend_is_a_usage_error(backend):
    done = _check(backend, "numpy:abs")
    assert done.exit_code == 2
    assert "the backends are jax, torch, numpy, mpmath" in done.output


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nomod.mish", "there is no module nomod"),
        ("numpy.mush", "numpy has no mush"),
        ("no_such_file.py:f", "there is no file"),
    ],
)
def test_a_function_that_is_not_there_is_told_apart(path, reason):
    done = _check("numpy:abs", f"numpy:{path}")
    assert done.exit_code == 2
    assert reason in done.output


PRODUCT = ("torch:matmul", "jax:jax.numpy.matmul", "--dtype", "float32", "--check", "forward")
SHAPES = ("--input", "Samples(shape=(4, 5))", "--input", "Samples(shape=(5, 3))")


def test_arguments_can_be_described():
    assert _check(*PRODUCT, *SHAPES, "--ulp", "64").exit_code == 0
    done = _check(*PRODUCT, "--input", "Samples(4, 5)")
    assert done.exit_code == 2
    assert "--input must be a description such as 'Samples(shape=(8, 3))'" in done.output


def test_functions_of_other_numbers_of_arguments_are_told_what_to_write(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def added(a, b, c):\n    return a + b + c\n", encoding="utf-8")
    done = _check("torch:add", f"jax:{file}:added")
    assert done.exit_code == 2
    assert "added takes 3 (a, b, c)" in done.output
    assert "add takes 2 (input, other)" in done.output
    assert "--set NAME=VALUE" in done.output


def test_hyperparameters_may_have_other_names_on_the_two_sides():
    arguments = ("torch:softmax", "jax:jax.nn.softmax", "--input", "Samples(shape=(8, 5))")
    names = ("--set-reference", "dim=1", "--set-subject", "axis=1", "--rtol", "1e-5")
    done = _check(*arguments, *names, "--dtype", "float32", "--check", "forward")
    assert done.exit_code == 0, done.output


def test_a_sum_over_all_numbers_of_a_format_compares_nothing():
    done = _check(
        *("torch:nn.functional.mse_loss", "torch:nn.functional.mse_loss"),
        *("--dtype", "float32", "--check", "forward"),
    )
    assert done.exit_code == 1
    assert "the reference is nan everywhere" in done.stdout


def _off(folder):
    file = folder / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "def near(x):\n"
        "    return np.where(x > 3, np.nan, np.abs(x) * np.float32(1 - 1e-5) + 0.0 * x)\n"
        "def crashes(x):\n"
        "    raise KeyError('mine')\n",
        encoding="utf-8",
    )
    return f"numpy:{file}"


@pytest.mark.parametrize(
    ("tolerances", "status"),
    [
        ((), 1),
        (("--span", "-3,3"), 1),
        (("--span", "-3,3", "--rtol", "2e-5"), 0),
        (("--span", "-3,3", "--ulp", "200"), 0),
        (("--rtol", "2e-5", "--atol", "1e-30"), 1),
        (("--rtol", "2e-5", "--atol", "1e-30", "--no-nan", "--no-signs-of-zero"), 0),
    ],
)
def test_tolerances_decide(tmp_path, tolerances, status):
    pair = ("numpy:abs", f"{_off(tmp_path)}:near", "--dtype", "float32", "--check", "forward")
    assert _check(*pair, *tolerances).exit_code == status


def test_the_command_that_a_check_prints_works(tmp_path):
    pair = ("numpy:abs", f"{_off(tmp_path)}:near", "--span", "-3,3", "--dtype", "float32")
    done = _check(*pair, "--seed", "4")
    lines = [line.strip() for line in done.stdout.splitlines()]
    (command,) = [line for line in lines if line.endswith("--dtype float32 --check forward")]
    assert command.startswith("python -m parity check numpy:abs")
    again = _shell(*shlex.split(command)[3:])
    assert (again.exit_code, command in again.stdout) == (1, True)
    assert again.stdout.splitlines()[1] == done.stdout.splitlines()[1]


def test_an_exception_shows_the_traceback_of_the_users_code(tmp_path):
    done = _check("numpy:abs", f"{_off(tmp_path)}:crashes", "--dtype", "float32")
    assert "Traceback (most recent call last):" in done.stdout
    assert "mine.py" in done.stdout
    assert "raise KeyError('mine')" in done.stdout
    assert "parity/engine" not in done.stdout


def _command(*args):
    return subprocess.run(
        [sys.executable, "-m", "parity", *args],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_module_runs_jaxacts_rows_from_the_shell():
    done = _command("run", "--select", "relu", "--check", "signature")
    assert done.stdout.splitlines()[-1] == (
        "parity: 1 cases, 1 exact, 0 within, 0 closer, 0 quirks, 0 failed"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_modules_list_needs_no_framework():
    code = (
        "import sys; sys.argv = ['parity', 'list']\n"
        "from parity.__main__ import run\n"
        "try: run()\n"
        "except SystemExit: print(sorted({'jax', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
