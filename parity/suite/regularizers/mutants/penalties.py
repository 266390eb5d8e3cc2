"""Penalties: what is added to the loss: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.penalties import SPECS

MUTANTS = Mutants(SPECS)
