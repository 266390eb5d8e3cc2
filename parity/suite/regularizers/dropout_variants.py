"""Dropout beyond torch: whole branches, blocks of pixels, weights, Gaussian noise."""

from __future__ import annotations

from parity.spec import Spec

SPECS: tuple[Spec, ...] = ()
