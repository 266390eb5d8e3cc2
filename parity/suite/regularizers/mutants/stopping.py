"""Early stopping: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.stopping import SPECS

MUTANTS = Mutants(SPECS)
