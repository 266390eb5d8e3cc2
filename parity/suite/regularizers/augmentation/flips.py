"""The rows of flips, random or not."""

from __future__ import annotations

from parity.suite.regularizers.augmentation import laws
from parity.suite.regularizers.augmentation.rows import (
    DRAWN_DTYPES,
    MOVED,
    by_pillow,
    drawn,
    transform,
)
from parity.suite.rows import setting, values_only

FLIPS = (setting(label="half"), values_only(label="often", p=0.9))
SPECS = (
    transform("horizontal_flip", setting(), by_pillow("mirror"), dtypes=MOVED),
    transform("vertical_flip", setting(), by_pillow("flip"), dtypes=MOVED),
    drawn("random_horizontal_flip", laws.flips, *FLIPS, laws=laws.FLIP, dtypes=DRAWN_DTYPES),
    drawn("random_vertical_flip", laws.flips, *FLIPS, laws=laws.FLIP, dtypes=DRAWN_DTYPES),
)
