"""A run spread over processes gives what a run in one process gives."""

from dataclasses import replace

from parity.cases import cases, select
from parity.engine import run
from parity.engine.processes import run_in_processes
from parity.suite import load


def _without_times(results):
    return {
        result.case.id: replace(result, seconds=0.0, case=None, curve=None) for result in results
    }


def test_processes_and_threads_agree():
    chosen = select(cases(load()), "prelu", dtype="float32", check="second")
    chosen += select(cases(load()), "relu6", dtype="float16", check="forward")
    groups = [[case] for case in chosen]
    apart = list(run_in_processes(load, groups, seed=3, workers=2))
    together = run(chosen, seed=3)
    assert _without_times(apart) == _without_times(together)
    assert any(result.quirks for result in apart)
