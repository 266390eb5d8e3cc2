"""Random augmentation of images: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.augmentation import SPECS

MUTANTS = Mutants(SPECS)
