"""Warnings that point at the caller's line."""

import inspect
import warnings
from pathlib import Path

import numpy as np
from jax.typing import ArrayLike

_PACKAGE = str(Path(__file__).parent)


def warn(message: str) -> None:
    """Issues a UserWarning that points at the caller's line outside of this package."""
    depth, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=depth)


def warn_of_broadcasting(function: str, input: ArrayLike, target: ArrayLike) -> None:
    """Issues torch's warning if input and target differ in shape, which is rarely intended."""
    # Arrays first: np.shape takes as long as the rest of an eager call's checks.
    if getattr(input, "shape", ()) == getattr(target, "shape", ()):
        return
    if np.shape(input) != np.shape(target):
        warn(
            f"{function}: target's shape {np.shape(target)} differs from input's "
            f"{np.shape(input)}; they are broadcast, which is rarely meant"
        )
