"""Wrong losses: see `parity.suite.mutation`."""

from __future__ import annotations

from parity.suite.losses.mutants import alignment

MUTANTS = (*alignment.MUTANTS,)
