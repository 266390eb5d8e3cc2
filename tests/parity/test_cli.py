"""The command line: what it prints, what it writes, how it exits."""

import json
import os
import subprocess
import sys
from pathlib import Path

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
    assert "python -m parity replay 'test/wrong/float32/forward' --seed 3" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("2 exact, 0 within, 0 closer, 0 quirks, 2 failed")


def test_a_selection_of_nothing_is_a_usage_error():
    done = _shell("run", "--select", "nothing")
    assert done.exit_code == 2
    assert "no case matches" in done.output


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
    assert data["schema"] == 1
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
    assert case["worst"] == {"input": [1.0], "subject": 3.0, "reference": 1.0, "truth": 1.0}
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


def test_a_pair_of_other_peoples_functions_is_checked():
    done = _shell(
        "check", "numpy:abs", "numpy:absolute", "--dtype", "float32", "--check", "forward"
    )
    assert done.exit_code == 0
    wrong = _shell("check", "numpy:abs", "numpy:tanh", "--dtype", "float32", "--check", "forward")
    assert wrong.exit_code == 1


def test_a_function_without_a_backend_is_a_usage_error():
    assert _shell("check", "abs", "numpy:abs").exit_code == 2


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
        "from parity.__main__ import main, load\n"
        "try: main(load)\n"
        "except SystemExit: print(sorted({'jax', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
