"""The environment of a run: versions and hardware."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from parity.dtypes import SUBNORMALS

PACKAGES = ("jaxact", "jax", "jaxlib", "torch", "numpy", "scipy", "mpmath", "flax", "optax")


def environment(seed: int) -> dict[str, Any]:
    """Date, seed, versions and hardware."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu(),
        "gpu": _gpu(),
        "packages": {name: _version(name) for name in PACKAGES if _version(name)},
        "subnormals": SUBNORMALS,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    """The processor's name; the machine type if the system does not give a name."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpu() -> str | None:
    """The device that jax runs on; None if that is the CPU."""
    try:
        import jax
    except ImportError:
        return None
    device = cast(Any, jax.devices()[0])
    return None if device.platform == "cpu" else str(device.device_kind)
