"""The rows of crops, random or not."""

from __future__ import annotations

from parity.domains import Either, OneOf
from parity.suite.regularizers.augmentation import laws
from parity.suite.regularizers.augmentation.rows import (
    BYTES,
    DRAWN_DTYPES,
    LENGTHS_OF_MEASURED,
    MOVED,
    THEME,
    X,
    domain_of,
    drawn,
    integers,
    transform,
    with_arrays,
)
from parity.suite.rows import SINGLE, setting, values_only

SPECS = (
    transform(
        "crop",
        with_arrays("each", top=[-2, 3, 1], left=[4, -1, 9], height=4, width=6),
        setting(label="all", top=1, left=2, height=3, width=3),
        with_arrays("bytes", top=BYTES, left=BYTES.astype("i2"), height=2, width=2, dtypes=SINGLE),
        setting(label="larger", top=-1, left=-2, height=8, width=12),
        setting(label="beyond", top=5, left=-9, height=2, width=2),
        THEME.bad("height_0", "a window of no height", X, 0, 0, 0, 2),
        dtypes=MOVED,
        required=(0, 0, 2, 2),
        domain=domain_of(
            top=Either(number=OneOf(1, -2, 5), each=integers(-2, 6)),
            left=Either(number=OneOf(2, -9), each=integers(-9, 8)),
            height=OneOf(3, 1, 8),
            width=OneOf(3, 12),
        ),
    ),
    drawn(
        "random_crop",
        laws.corners,
        setting(label="padded", size=8, padding=2),
        values_only(label="reflected", size=8, padding=4, padding_mode="reflect"),
        values_only(label="edges", size=(8, 10), padding=(3, 1), padding_mode="edge"),
        values_only(label="four_margins", size=(8, 10), padding=(0, 1, 2, 3)),
        values_only(label="inside", size=(5, 4)),
        laws=laws.CROP,
        dtypes=DRAWN_DTYPES,
        domain=domain_of(
            lengths=LENGTHS_OF_MEASURED,
            size=OneOf(8, (8, 10), 5),
            padding=OneOf(0, 2, (3, 1), (0, 1, 2, 3)),
            padding_mode=OneOf("constant", "reflect", "edge"),
        ),
    ),
)
