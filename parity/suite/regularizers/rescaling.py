"""Division by a norm of a vector or of neighbouring channels."""

from __future__ import annotations

from parity.spec import Spec

SPECS: tuple[Spec, ...] = ()
