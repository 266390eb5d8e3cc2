"""Normalization: by mean and variance, by norms of vectors and of neighbouring channels."""

from typing import TYPE_CHECKING

from jaxact.regularizers.normalization.batch import *  # noqa: F403
from jaxact.regularizers.normalization.group import *  # noqa: F403
from jaxact.regularizers.normalization.instance import *  # noqa: F403
from jaxact.regularizers.normalization.layer import *  # noqa: F403
from jaxact.regularizers.normalization.local_response import *  # noqa: F403
from jaxact.regularizers.normalization.vectors import *  # noqa: F403

# Type checkers follow the stars; mypy takes a computed __all__ for an empty one.
if not TYPE_CHECKING:
    from jaxact.regularizers.normalization import (
        batch,
        group,
        instance,
        layer,
        local_response,
        vectors,
    )

    __all__ = [
        *batch.__all__,
        *group.__all__,
        *instance.__all__,
        *layer.__all__,
        *local_response.__all__,
        *vectors.__all__,
    ]
