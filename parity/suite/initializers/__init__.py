"""The initializers' rows: each stands in the file of the theme that its function is defined in."""

from __future__ import annotations

from parity.suite.initializers import (
    constants,
    distributions,
    layers,
    structured,
    variance_scaling,
)

THEMES = (constants, distributions, variance_scaling, structured, layers)
SPECS = tuple(spec for theme in THEMES for spec in theme.SPECS)
