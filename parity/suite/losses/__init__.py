"""The losses' rows: each stands in the file of the theme that its function is defined in."""

from __future__ import annotations

from parity.suite.losses import (
    alignment,
    binary,
    classification,
    distances,
    large_vocabulary,
    likelihood,
    margin,
    regression,
)

THEMES = (
    alignment,
    binary,
    classification,
    distances,
    large_vocabulary,
    likelihood,
    margin,
    regression,
)
SPECS = tuple(spec for theme in THEMES for spec in theme.SPECS)
