"""Weight decay, projections and proximal steps: what is done beside the loss: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.weight_decay import SPECS

MUTANTS = Mutants(SPECS)
