"""Weights divided by a norm of theirs."""

from __future__ import annotations

from parity.spec import Spec

SPECS: tuple[Spec, ...] = ()
