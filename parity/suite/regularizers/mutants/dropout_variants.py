"""Dropout beyond torch: whole branches, blocks of pixels, weights, Gaussian noise: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.dropout_variants import SPECS

MUTANTS = Mutants(SPECS)
