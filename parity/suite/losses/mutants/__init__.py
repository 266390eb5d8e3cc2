"""Wrong losses: see `parity.suite.mutation`."""

from __future__ import annotations

from parity.suite.losses.mutants import (
    alignment,
    binary,
    classification,
    distances,
    large_vocabulary,
    likelihood,
    margin,
    regression,
)

MUTANTS = (
    *alignment.MUTANTS,
    *binary.MUTANTS,
    *classification.MUTANTS,
    *distances.MUTANTS,
    *large_vocabulary.MUTANTS,
    *likelihood.MUTANTS,
    *margin.MUTANTS,
    *regression.MUTANTS,
)
