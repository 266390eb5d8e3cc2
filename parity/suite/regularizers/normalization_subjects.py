"""The running statistics of the normalizations as one vector."""

from __future__ import annotations

from jaxact.regularizers import normalization
from parity.suite.regularizers.subjects import Joined

batch_norm_stats = Joined(normalization.batch_norm_stats)
instance_norm_stats = Joined(normalization.instance_norm_stats)
