"""The row of sequences of transformations."""

from __future__ import annotations

import numpy as np

from parity.domains import Domain, Made, OneOf, Tensor
from parity.spec import Fixed, on
from parity.suite.regularizers.augmentation import laws
from parity.suite.regularizers.augmentation.rows import (
    DRAWN_IMAGES,
    DRAWN_THEME,
    LENGTHS_OF_MEASURED,
)
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
        domain=Domain(
            arguments={
                "key": Made(lambda draw: np.array([0, 5], np.uint32)),
                "images": Tensor(axes=("n c h w",), low=0.0, high=1.0),
                "transforms": OneOf("five", "one", "two"),
            },
            lengths=LENGTHS_OF_MEASURED,
        ),
    ),
)
