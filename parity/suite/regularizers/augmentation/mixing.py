"""The rows of soft and mixed labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.domains import LONG, Choice, Domain, Draw, Either, Indices, Made, Number, OneOf, Tensor
from parity.spec import Budget, Labels, ObservedDraw, Samples, Setting, Values
from parity.suite.choices import channel_axis
from parity.suite.regularizers.augmentation import mixing_laws
from parity.suite.regularizers.augmentation.rows import PLACES
from parity.suite.rows import WIDE, Theme, few, setting, values_only

CLASSES = 5
SOFT = Samples(shape=(6, CLASSES))
IMAGES = Samples(shape=(6, 2, 5, 7), axis=None)
TARGETS = Samples(shape=(6, CLASSES), axis=None)
HARD = Labels(shape=(6,), classes=CLASSES)
ALL = ("forward", "vjp", "jvp", "second")
ADDED = Budget(ulp=4, floor=2, everywhere=True, reason="a sum of two images of either sign")
ZEROS, LABELS = np.zeros((2, 3), np.float32), np.zeros(2, np.int64)
THEME = Theme("regularizers", "augmentation.mixing")


def _matrix(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """[n, n], the share of each image in each result, observed on one-hot images."""
    identity = _identity(arrays)
    return subject(identity, identity, alpha=values.get("alpha", 0.2))[0]


def _identity(arrays: Any) -> Any:
    """[n, n], the labels of which each is one image's; half precision is mixed in float32."""
    dtype = np.float64 if arrays[0].dtype == np.float64 else np.float32
    return np.eye(len(arrays[0]), dtype=dtype)


def _sources(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """[n, h, w], the image that each pixel is from, observed on images filled with their index."""
    shape: list[int] = np.delete(arrays[0].shape, values.get("channel_axis", 1)).tolist()
    count, *size = shape
    images = np.broadcast_to(np.arange(count)[:, None, None, None], (count, 1, *size))
    identity = _identity(arrays)
    return subject(images, identity, alpha=values.get("alpha", 1.0))[0][:, 0]


def _mixed(observe: Callable[..., Any], seed: int, *inputs: Any, **fields: Any) -> Setting:
    """A setting whose reference gets the observed mixture as an argument."""
    random = ObservedDraw(seed=seed, observe=observe, at=0)
    return few(*(inputs or (IMAGES, TARGETS)), random=random, **fields)


def _classes(draw: Draw) -> Any:
    """A class for each row."""
    return draw.random("classes").integers(0, draw.lengths["c"], draw.lengths["n"])


# Classes have no dtype of their own: their probabilities have that of the framework.
CLASSES_IN_FLOAT32 = (
    {"labels": "classes", "precision": ("float16", "bfloat16", "float64")},
    {"labels": "classes", "way": "wide"},
)


def _domain(images: Tensor, **others: Choice) -> Domain:
    """Images, and labels for k classes."""
    labels = Indices(like="images", without="c h w", below="k")
    return Domain(
        arguments={
            "images": images,
            "labels": Either(shares=Tensor(axes=("n k",)), classes=labels),
            "num_classes": Made(
                lambda draw: draw.lengths["k"] if draw.made["labels"].ndim < 2 else None
            ),
            **others,
        },
        lengths={"n": (6, 1), "c": (2, 1), "h": (5, 1), "w": (7, 1), "k": (4, 1)},
        impossible=CLASSES_IN_FLOAT32,
    )


MIXING: dict[str, Any] = {
    "budgets": dict.fromkeys(ALL, ADDED),
    "extra": ("key",),
    "omitted": ("drawn",),
}
SPECS = (
    THEME.row_beyond(
        "smooth_labels",
        budgets={(check, dtype): ADDED for check in ("forward", "jvp", "second") for dtype in WIDE},
        settings=(
            setting(SOFT, num_classes=CLASSES),
            *(
                values_only(
                    Labels(shape=(4, 6), classes=CLASSES),
                    label=f"classes,smoothing={smoothing}",
                    num_classes=CLASSES,
                    smoothing=smoothing,
                )
                for smoothing in (0.0, 0.1, 1.0)
            ),
            setting(
                SOFT,
                label="smoothing=array",
                num_classes=CLASSES,
                arrays={"smoothing": Samples(shape=(), center=0.5, scale=0.1, axis=None)},
                dtypes=WIDE,
                checks=("forward", "vjp", "second"),
            ),
        ),
        bad_calls=(
            THEME.bad("smoothing_2", "more than all", ZEROS, 3, smoothing=2.0),
            THEME.bad("negative_smoothing", "less than nothing", ZEROS, 3, smoothing=-0.5),
            THEME.bad("other_classes", "3 probabilities of 4 classes", ZEROS, 4),
            THEME.bad("no_classes", "no classes", LABELS, 0),
            THEME.bad("classes_of_a_float", "a number of classes that is not an int", LABELS, 3.0),
            THEME.bad("booleans", "labels that are not classes", LABELS.astype(bool), 3),
        ),
        laws=mixing_laws.SMOOTH_LABELS,
        domain=Domain(
            arguments={
                "labels": Either(
                    shares=Tensor(axes=("n c", "c", "n m c")), classes=Made(_classes, ("n c",))
                ),
                "num_classes": Made(lambda draw: draw.lengths["c"]),
                "smoothing": Number(0.1, 0, 1, 0.5),
            },
            lengths={"c": (3, 1, LONG)},
            impossible=CLASSES_IN_FLOAT32,
        ),
    ),
    THEME.row_beyond(
        "mixup",
        settings=(
            _mixed(_matrix, 4, alpha=1.0, checks=ALL),
            _mixed(_matrix, 5, Samples(shape=(6, 3), axis=None), TARGETS),
            _mixed(_matrix, 1, IMAGES, HARD, label="classes", alpha=4.0, num_classes=CLASSES),
        ),
        laws=mixing_laws.MIXUP,
        domain=_domain(Tensor(axes=("n c h w", "n c")), alpha=OneOf(0.2, 1.0, 4)),
        **MIXING,
    ),
    THEME.row_beyond(
        "cutmix",
        settings=(
            _mixed(_sources, 4, dtypes=WIDE, checks=ALL),
            _mixed(_sources, 2, label="alpha=4,channels_last", alpha=4.0, channel_axis=-1),
            _mixed(_sources, 1, IMAGES, HARD, label="classes", num_classes=CLASSES),
        ),
        laws=mixing_laws.CUTMIX,
        domain=_domain(
            Tensor(axes=PLACES), alpha=OneOf(1.0, 4, 0.2), channel_axis=channel_axis("images")
        ),
        **MIXING,
    ),
)
