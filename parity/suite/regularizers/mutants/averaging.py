"""Averages of weights over a training: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.averaging import SPECS

MUTANTS = Mutants(SPECS)
