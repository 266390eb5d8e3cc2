"""Soft and mixed labels: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.mixing import SPECS

MUTANTS = Mutants(SPECS)
