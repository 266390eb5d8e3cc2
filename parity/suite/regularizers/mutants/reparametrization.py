"""Weights divided by a norm of theirs: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.reparametrization import SPECS

MUTANTS = Mutants(SPECS)
