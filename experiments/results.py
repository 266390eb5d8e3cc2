"""Files of results: written whole or not at all, with what they were measured on."""

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from parity.report.environment import environment


def measured_on() -> dict[str, Any]:
    """The date, the versions and the machine that a result holds for."""
    # The seed, where there is one, is part of a study's configuration.
    return {name: value for name, value in environment(seed=0).items() if name != "seed"}


def write_json(path: Path, content: Mapping[str, Any]) -> Path:
    """Writes `content` as strict JSON: a number that is not finite becomes null."""
    text = json.dumps(_finite(content), indent=1, allow_nan=False)
    return write_text(path, text + "\n")


def write_text(path: Path, text: str) -> Path:
    """Writes `text` in UTF-8, whole or not at all."""
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes `content` whole or not at all: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes files that only their owner reads; results are for everybody.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path


def _finite(content: Any) -> Any:
    if isinstance(content, np.ndarray):
        return _finite(content.tolist())
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
