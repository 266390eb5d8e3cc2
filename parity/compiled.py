"""Compiled programs of jax, kept in the user's cache folder: a second run compiles little."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib import metadata
from pathlib import Path

import platformdirs

FOLDER = "JAX_COMPILATION_CACHE_DIR"
# Even the smallest program takes longer to compile than to read.
LIMITS = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def keep() -> Path:
    """Lets jax, in this process and those that it starts, keep what it compiles.

    jax reads the environment when it is imported, which must not have happened yet. A folder that
    the environment names already is used as it is.

    Returns:
        The folder.
    """
    os.environ.setdefault(FOLDER, str(folder()))
    for name, limit in LIMITS.items():
        os.environ.setdefault(name, limit)
    return Path(os.environ[FOLDER])


def folder() -> Path:
    """The folder for the installed jax on this processor: others cannot run its programs."""
    name = f"jax-{metadata.version('jaxlib')}-{_processor()}"
    return platformdirs.user_cache_path("parity") / name


def _processor() -> str:
    """A short name of the processor's instruction set, for which programs are compiled."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        known = sorted({line for line in lines if line.startswith(("model name", "flags"))})
    except OSError:
        known = []
    text = "\n".join([platform.machine(), platform.processor(), *known])
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
