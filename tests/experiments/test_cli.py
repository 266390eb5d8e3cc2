"""The command line: what it lists, runs and refuses, and with which exit status."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.cli import application
from experiments.registry import BENCHMARKS, STUDIES
from experiments.study import Outcome, Study, Verdict, option

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Config:
    name: tuple[str, ...] = option(("a", "b"), "names")
    steps: int = option(3, "steps")
    holds: bool = option(True, "what comes out")

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError("steps must be at least 1")


def _run(config, out, progress):
    (out / "seen.txt").write_text(repr(config))
    verdict = Verdict(claim="it holds", holds=config.holds, detail="1 of 1")
    return Outcome(verdicts=[verdict], files=[out / "seen.txt"])


STUDY = Study(name="small", summary="a small study", config=Config, run=_run)


def _invoke(*arguments):
    return CliRunner().invoke(application([STUDY], [STUDY]), list(arguments))


def test_list_names_every_study_and_benchmark():
    shown = CliRunner().invoke(application(), ["list"]).output
    for row in (*STUDIES, *BENCHMARKS):
        assert row.name in shown
        assert row.summary in shown


def test_fields_of_the_config_are_options(tmp_path):
    done = _invoke("run", "small", "--name", "x", "--steps", "7", "--out", str(tmp_path))
    assert done.exit_code == 0
    assert (tmp_path / "seen.txt").read_text() == "Config(name=('x',), steps=7, holds=True)"
    assert "it holds: 1 of 1" in done.output
    assert "seen.txt" in done.output


def test_without_options_the_config_has_its_defaults(tmp_path):
    assert _invoke("bench", "small", "--out", str(tmp_path)).exit_code == 0
    assert (tmp_path / "seen.txt").read_text() == repr(Config())


def test_the_exit_status_is_1_if_a_verdict_fails(tmp_path):
    done = _invoke("run", "small", "--no-holds", "--out", str(tmp_path))
    assert done.exit_code == 1
    assert "FAILED" in done.output


def test_a_benchmark_that_misses_a_limit_says_so_and_has_done_its_job(tmp_path):
    benchmark = dataclasses.replace(STUDY, decides=False)
    arguments = ["bench", "small", "--no-holds", "--out", str(tmp_path)]
    done = CliRunner().invoke(application([], [benchmark]), arguments)
    assert done.exit_code == 0
    assert "FAILED" in done.output


@pytest.mark.parametrize(
    "arguments", [["run", "unknown"], ["bench", "unknown"], ["run", "small", "--unknown", "1"]]
)
def test_unknown_names_and_options_have_exit_status_2(arguments):
    assert _invoke(*arguments).exit_code == 2


def test_a_config_that_is_refused_has_exit_status_2_and_says_why():
    done = _invoke("run", "small", "--steps", "0")
    assert done.exit_code == 2
    assert "steps must be at least 1" in done.output


def test_an_outcome_without_verdicts_does_not_hold():
    assert not Outcome(verdicts=[], files=[]).holds


@pytest.mark.parametrize("row", [*STUDIES, *BENCHMARKS], ids=lambda row: row.name)
def test_every_option_of_every_study_is_described(row):
    for field in dataclasses.fields(row.config):
        assert field.metadata["help"]


def test_listing_loads_neither_framework():
    code = (
        "import sys; from experiments.cli import application; "
        "print({'jax', 'torch', 'sklearn', 'matplotlib'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_the_module_runs():
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "list"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "training_parity" in done.stdout
