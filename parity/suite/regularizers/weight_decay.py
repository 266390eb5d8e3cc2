"""Weight decay, projections and proximal steps: what is done beside the loss."""

from __future__ import annotations

from parity.spec import Spec

SPECS: tuple[Spec, ...] = ()
