"""A run spread over processes gives what a run in one process gives."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

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


_PARENT = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from parity.engine.processes import begin

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=begin) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 100).result()
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads states from /proc")
def test_a_worker_ends_with_a_process_that_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        worker = int(parent.stdout.readline())
        parent.kill()
    end = time.monotonic() + 30
    while _runs(worker) and time.monotonic() < end:
        time.sleep(0.1)
    assert not _runs(worker)


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended may wait for a parent to notice.
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"
