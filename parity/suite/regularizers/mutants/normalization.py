"""Normalization by mean and variance: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.normalization import SPECS

MUTANTS = Mutants(SPECS)
