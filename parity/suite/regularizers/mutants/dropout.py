"""torch's dropout family: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.dropout import SPECS

MUTANTS = Mutants(SPECS)
