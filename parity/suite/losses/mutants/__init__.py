"""Wrong losses: see `parity.suite.mutation`."""

from __future__ import annotations

from parity.suite.losses.mutants import (
    alignment,
    binary,
    distances,
    likelihood,
    margin,
    regression,
)

MUTANTS = (
    *alignment.MUTANTS,
    *binary.MUTANTS,
    *distances.MUTANTS,
    *likelihood.MUTANTS,
    *margin.MUTANTS,
    *regression.MUTANTS,
)
