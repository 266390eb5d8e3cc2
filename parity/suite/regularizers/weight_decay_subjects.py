"""jaxact's weight decay as functions of arrays."""

from __future__ import annotations

from jaxact.regularizers import weight_decay
from parity.suite.regularizers.clipping_subjects import Paired
from parity.suite.regularizers.penalties_subjects import NAMES
from parity.suite.regularizers.subjects import Joined

coupled_weight_decay = Paired(weight_decay.coupled_weight_decay, NAMES)
decoupled_weight_decay = Joined(weight_decay.decoupled_weight_decay, NAMES)
max_norm = Joined(weight_decay.max_norm, NAMES)
# One leaf of one axis, which is visited point by point.
proximal_l1 = Joined(weight_decay.proximal_l1, ("a",))
proximal_group_lasso = Joined(weight_decay.proximal_group_lasso, NAMES)
