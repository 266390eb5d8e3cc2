"""The same run everywhere: on the CPU, from fixed seeds, with one thread a worker."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Read when jax and torch are first imported, which is after this file.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Two devices, for what is divided among several.
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")

import pytest
from hypothesis import settings

from parity import compiled

# Many tests compile the same programs, and so does the next run.
compiled.keep()

settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")

# Compiled programs pile up in a worker: all tests together compile 8 GB. Freed memory is not
# returned to the system but used again, so a large worker drops them every so many tests.
LARGE = 2**31
TESTS = 20
_since = {"tests": 0}


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(autouse=True)
def compiled_programs_do_not_pile_up() -> Iterator[None]:
    yield
    _since["tests"] += 1
    jax = sys.modules.get("jax")
    if jax is not None and _since["tests"] >= TESTS and _resident() > LARGE:
        jax.clear_caches()
        gc.collect()
        _since["tests"] = 0
