"""The rows of erased rectangles, random or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.domains import Either, Number, OneOf, Tensor
from parity.spec import Samples
from parity.suite.regularizers.augmentation import laws
from parity.suite.regularizers.augmentation.rows import (
    BYTES,
    COLOR,
    DRAWN_DTYPES,
    LENGTHS_OF_MEASURED,
    MOVED,
    PAINT,
    SHAPE,
    THEME,
    X,
    domain_of,
    drawn,
    integers,
    transform,
    with_arrays,
)
from parity.suite.rows import SINGLE, setting, values_only

BOX: Any = {"top": 1, "left": 2, "height": 2, "width": 3}
SPECS = (
    transform(
        "erase",
        with_arrays("each", top=[0, 3, -1], left=[2, 6, -2], height=[2, 9, 3], width=[3, 1, 3]),
        with_arrays("color", value=COLOR, **BOX),
        with_arrays("images", value=Samples(shape=SHAPE), **BOX),
        setting(label="empty", **{**BOX, "height": 0}),
        with_arrays(
            "bytes", top=BYTES, height=255 - BYTES // 2, left=5, width=2**31 - 1, dtypes=SINGLE
        ),
        THEME.bad("two_colors", "two colours of three", X, 0, 0, 1, 1, np.ones(2, np.float32)),
        dtypes=MOVED,
        required=(0, 0, 2, 2),
        domain=domain_of(
            top=Either(number=OneOf(1, -1, 3), each=integers(-1, 5)),
            left=Either(number=OneOf(2, -2), each=integers(-2, 7)),
            height=Either(number=OneOf(2, 0, 9), each=integers(0, 9)),
            width=OneOf(3, 2**31 - 1),
            value=Either(**PAINT.kinds, image=Tensor(like="images")),
        ),
    ),
    drawn(
        "random_erasing",
        laws.erased,
        setting(label="half"),
        values_only(label="value", p=0.9, value=0.25, scale=(0.1, 0.5)),
        values_only(label="color", p=0.9, value=(0.1, 0.2, 0.3), ratio=(0.5, 2.0)),
        laws=laws.ERASING,
        dtypes=DRAWN_DTYPES,
        # Without a value the rectangle is filled with noise: a law checks that.
        # The observed rectangles have the channels first.
        domain=domain_of(
            images=Tensor(axes=("n c h w",), low=0.0, high=1.0),
            lengths=LENGTHS_OF_MEASURED,
            p=Number(0.5, 0, 1),
            scale=OneOf((0.02, 0.33), (0.1, 0.5)),
            ratio=OneOf((0.3, 3.3), (0.5, 2.0)),
            value=OneOf(0.0, 0.25, (0.1, 0.2, 0.3)),
        ),
    ),
)
