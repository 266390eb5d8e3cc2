"""Gradient clipping: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.clipping import SPECS

MUTANTS = Mutants(SPECS)
