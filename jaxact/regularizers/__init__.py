"""Regularizers: dropout, normalization, penalties, clipping, augmentation, averages of weights."""

from jaxact.regularizers import (
    augmentation,
    averaging,
    clipping,
    dropout_variants,
    image_transforms,
    mixing,
    normalization,
    penalties,
    reparametrization,
    rescaling,
    stopping,
    weight_decay,
)
from jaxact.regularizers import dropout as dropouts
from jaxact.regularizers.augmentation import *  # noqa: F403
from jaxact.regularizers.averaging import *  # noqa: F403
from jaxact.regularizers.clipping import *  # noqa: F403
from jaxact.regularizers.dropout import *  # noqa: F403
from jaxact.regularizers.dropout_variants import *  # noqa: F403
from jaxact.regularizers.image_transforms import *  # noqa: F403
from jaxact.regularizers.mixing import *  # noqa: F403
from jaxact.regularizers.normalization import *  # noqa: F403
from jaxact.regularizers.penalties import *  # noqa: F403
from jaxact.regularizers.reparametrization import *  # noqa: F403
from jaxact.regularizers.rescaling import *  # noqa: F403
from jaxact.regularizers.stopping import *  # noqa: F403
from jaxact.regularizers.weight_decay import *  # noqa: F403

__all__: list[str] = []
__all__ += augmentation.__all__
__all__ += averaging.__all__
__all__ += clipping.__all__
__all__ += dropouts.__all__
__all__ += dropout_variants.__all__
__all__ += image_transforms.__all__
__all__ += mixing.__all__
__all__ += normalization.__all__
__all__ += penalties.__all__
__all__ += reparametrization.__all__
__all__ += rescaling.__all__
__all__ += stopping.__all__
__all__ += weight_decay.__all__
