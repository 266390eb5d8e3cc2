"""The row of sequences of transformations."""

from __future__ import annotations

import numpy as np

from parity.spec import Fixed, on
from parity.suite.regularizers.augmentation import laws
from parity.suite.regularizers.augmentation.rows import DRAWN_IMAGES, DRAWN_THEME
from parity.suite.rows import FORWARD, SINGLE, setting

SPECS = (
    DRAWN_THEME.row_beyond(
        "compose",
        subject=on("jax", DRAWN_THEME.reference("composed").name),
        reference=on("jax", DRAWN_THEME.reference("by_hand").name),
        truth="reference",
        inputs=(Fixed(values=np.array([0, 5], np.uint32)), DRAWN_IMAGES),
        settings=(setting(label="five"),),
        dtypes=SINGLE,
        checks=(*FORWARD, "vmap", "law"),
        laws=laws.COMPOSE,
    ),
)
