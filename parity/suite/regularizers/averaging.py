"""Averages of weights over a training."""

from __future__ import annotations

from parity.spec import Spec

SPECS: tuple[Spec, ...] = ()
