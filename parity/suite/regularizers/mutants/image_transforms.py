"""Transformations of images, without chance: mistakes."""

from __future__ import annotations

from parity.suite.mutation import Mutants
from parity.suite.regularizers.image_transforms import SPECS

MUTANTS = Mutants(SPECS)
