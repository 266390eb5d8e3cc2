"""Wrong regularizers: see `parity.suite.mutation`."""

from __future__ import annotations

from parity.suite.regularizers.mutants import (
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
MUTANTS = tuple(mutant for theme in THEMES for mutant in theme.MUTANTS)
