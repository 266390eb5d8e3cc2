"""Wrong losses: see `parity.suite.mutation`."""

from __future__ import annotations

from parity.suite.losses.mutants import alignment, binary, likelihood, regression

MUTANTS = (
    *alignment.MUTANTS,
    *binary.MUTANTS,
    *likelihood.MUTANTS,
    *regression.MUTANTS,
)
