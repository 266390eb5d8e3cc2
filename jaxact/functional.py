"""The names of torch.nn.functional in one flat namespace; this module only re-exports."""

from typing import TYPE_CHECKING

from jaxact.activations import *  # noqa: F403
from jaxact.layers import *  # noqa: F403
from jaxact.losses import *  # noqa: F403
from jaxact.regularizers.dropouts.standard import *  # noqa: F403
from jaxact.regularizers.normalization import *  # noqa: F403

# Type checkers follow the star imports; hiding __getattr__ from them makes them report unknown
# names.
if not TYPE_CHECKING:
    from jaxact import activations, layers, losses
    from jaxact._torch_names import missing as _missing
    from jaxact.regularizers import normalization
    from jaxact.regularizers.dropouts import standard

    __all__ = [
        *activations.__all__,
        *layers.__all__,
        *losses.__all__,
        *standard.__all__,
        *normalization.__all__,
    ]

    def __dir__() -> list[str]:
        return __all__

    def __getattr__(name: str) -> object:
        raise _missing("functional", name)

    # torch.nn.functional has no names like those of these modules.
    del activations, layers, losses, normalization, standard
