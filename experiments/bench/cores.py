"""Measures in a separate process that may use a given number of cores.

How many threads jax and torch start is settled by the cores that they find when they start:
`python -m experiments.bench.cores` gives up the others before it loads them.
"""

import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from experiments.bench.timing import Seconds


def available() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def in_words(count: int) -> str:
    """The number of cores with its noun: 1 core, 2 cores."""
    return f"{count} {'core' if count == 1 else 'cores'}"


def measured(
    cores: int,
    batches: str,
    functions: Sequence[str],
    rounds: int,
    scale: float,
    advance: Callable[[str], None],
) -> dict[str, Seconds]:
    """Seconds of every call of several workloads, on so many cores.

    Args:
        cores: of those available.
        batches: "module:function" that is given functions, scale and advance, and yields groups of
            calls for `timing.take_turns`.
        functions: names of the workloads.
        rounds: how many count.
        scale: size of the workloads, in parts of the full ones.
        advance: told each stage of the process as it begins.
    """
    task = {
        "cores": cores,
        "batches": batches,
        "functions": list(functions),
        "rounds": rounds,
        "scale": scale,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.bench.cores", json.dumps(task)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    seconds: dict[str, Seconds] | None = None
    with process:
        for line in process.stdout:
            told = json.loads(line)
            if "stage" in told:
                advance(f"{told['stage']}, {in_words(cores)}")
            else:
                seconds = told["seconds"]
    if process.returncode or seconds is None:
        raise RuntimeError(f"bench: the process on {cores} cores failed, see above")
    return seconds


def _main(task: dict[str, Any]) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task["cores"]])
    import torch

    from experiments.bench.timing import take_turns

    torch.set_num_threads(task["cores"])

    def tell(**what: Any) -> None:
        print(json.dumps(what), flush=True)

    def advance(stage: str) -> None:
        tell(stage=stage)

    seconds: dict[str, Seconds] = {}
    batches = pkgutil.resolve_name(task["batches"])
    for groups in batches(task["functions"], task["scale"], advance):
        seconds |= take_turns(
            groups, task["rounds"], lambda turn: advance(f"round {turn + 1}"), warm_up=1
        )
    tell(seconds=seconds)


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
