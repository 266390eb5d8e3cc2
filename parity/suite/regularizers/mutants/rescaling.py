"""Division by a norm of a vector or of neighbouring channels: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.rescaling import SPECS

MUTANTS = Mutants(SPECS)
