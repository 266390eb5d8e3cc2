"""The activations' rows: each stands in the file of the theme that its function is defined in."""

from __future__ import annotations

from parity.suite.activations import (
    distributions,
    exponential,
    gated,
    rectifiers,
    shrinkage,
    sigmoidal,
)

THEMES = (rectifiers, exponential, sigmoidal, gated, shrinkage, distributions)
SPECS = tuple(spec for theme in THEMES for spec in theme.SPECS)
