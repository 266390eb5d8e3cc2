"""torch.nn.functional's names in one flat namespace; defines nothing."""

from jaxact.activations import *  # noqa: F403
from jaxact.layers import *  # noqa: F403
from jaxact.losses import *  # noqa: F403
from jaxact.regularizers.dropouts.standard import *  # noqa: F403
from jaxact.regularizers.normalization import *  # noqa: F403
