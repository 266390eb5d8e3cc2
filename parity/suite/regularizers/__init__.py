"""The regularizers' rows: each stands in the file of the theme that its function is defined in."""

from __future__ import annotations

from parity.suite.regularizers import (
    augmentation,
    averaging,
    clipping,
    dropout,
    dropout_variants,
    image_transforms,
    mixing,
    normalization,
    penalties,
    reparametrization,
    rescaling,
    stopping,
    weight_decay,
)

THEMES = (
    augmentation,
    averaging,
    clipping,
    dropout,
    dropout_variants,
    image_transforms,
    mixing,
    normalization,
    penalties,
    reparametrization,
    rescaling,
    stopping,
    weight_decay,
)
SPECS = tuple(spec for theme in THEMES for spec in theme.SPECS)
