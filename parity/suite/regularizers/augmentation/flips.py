"""The rows of flips, random or not."""

from __future__ import annotations

from parity.domains import Number, Tensor
from parity.suite.regularizers.augmentation import laws
from parity.suite.regularizers.augmentation.rows import (
    DRAWN_DTYPES,
    LENGTHS_OF_MEASURED,
    MOVED,
    PLACES,
    by_pillow,
    domain_of,
    drawn,
    transform,
)
from parity.suite.rows import setting, values_only

FLIPS = (setting(label="half"), values_only(label="often", p=0.9))
FLIPPED = domain_of(images=Tensor(axes=PLACES, special=True))
AT_RANDOM = domain_of(lengths=LENGTHS_OF_MEASURED, p=Number(0.5, 0.9, 0, 1))
SPECS = (
    transform("horizontal_flip", setting(), by_pillow("mirror"), dtypes=MOVED, domain=FLIPPED),
    transform("vertical_flip", setting(), by_pillow("flip"), dtypes=MOVED, domain=FLIPPED),
    *(
        drawn(name, laws.flips, *FLIPS, laws=laws.FLIP, dtypes=DRAWN_DTYPES, domain=AT_RANDOM)
        for name in ("random_horizontal_flip", "random_vertical_flip")
    ),
)
