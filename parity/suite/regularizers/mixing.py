"""The rows of soft and mixed labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.spec import (
    BadCall,
    Budget,
    Drawn,
    Labels,
    Params,
    Samples,
    Spec,
    Target,
    Values,
    on,
)
from parity.suite.regularizers import mixing_laws

BOTH = ("float32", "float64")
CLASSES = 5
SOFT = Samples(shape=(6, CLASSES))
IMAGES = Samples(shape=(6, 2, 5, 7), axis=None)
TARGETS = Samples(shape=(6, CLASSES), axis=None)
HARD = Labels(shape=(6,), classes=CLASSES)
ALL = ("forward", "vjp", "jvp", "second")
HALVES = Budget(ulp=4, floor=2, everywhere=True, reason="two images of either sign, added")


def _reference(name: str) -> Target:
    return on("torch", f"parity.suite.regularizers.mixing_references.{name}")


def _matrix(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """[n, n], how much of which image is in each: the images of the identity."""
    count = len(arrays[0])
    identity = np.eye(count, dtype=np.float32)
    alpha = values.get("alpha", 0.2)
    return np.asarray(subject(identity, identity, alpha=alpha))[: count**2].reshape(count, count)


def _sources(subject: Callable[..., Any], arrays: Any, values: Values) -> Any:
    """[n, h, w], which image each pixel is from: those of images that are their own number."""
    count = len(arrays[0])
    axes = tuple(i for i in (1, 2, 3) if i != values.get("channel_axis", 1) % 4)
    shape = tuple(arrays[0].shape[i] for i in axes)
    numbers = np.arange(count, dtype=np.float32)[:, None, None, None]
    images = np.broadcast_to(numbers, (count, 1, *shape)).copy()
    alpha = values.get("alpha", 1.0)
    mixed = np.asarray(subject(images, np.eye(count, dtype=np.float32), alpha=alpha))
    return mixed[: images.size].reshape(count, *shape)


def _drawn(observe: Callable[..., Any], key: int, **fields: Any) -> Params:
    fields.setdefault("inputs", (IMAGES, TARGETS))
    fields.setdefault("checks", ("forward", "vjp"))
    fields.setdefault("dtypes", ("float32",))
    return Params(key=key, drawn=Drawn(observe=observe), **fields)


SPECS: tuple[Spec, ...] = (
    Spec(
        family="regularizers",
        name="smooth_labels",
        subject=on("jax", "jaxact.regularizers.smooth_labels"),
        reference=_reference("smooth_labels"),
        signature="(labels, num_classes, smoothing=0.1)",
        budgets={
            (check, dtype): HALVES for check in ("forward", "jvp", "second") for dtype in BOTH
        },
        params=(
            Params(values={"num_classes": CLASSES}, inputs=(SOFT,)),
            *(
                Params(
                    label=f"classes,smoothing={smoothing}",
                    values={"num_classes": CLASSES, "smoothing": smoothing},
                    inputs=(Labels(shape=(4, 6), classes=CLASSES),),
                    dtypes=("float32",),
                    checks=("forward",),
                )
                for smoothing in (0.0, 0.1, 1.0)
            ),
            Params(
                label="smoothing=array",
                values={"num_classes": CLASSES},
                arrays={"smoothing": Samples(shape=(), center=0.5, scale=0.1, axis=None)},
                inputs=(SOFT,),
                dtypes=BOTH,
                checks=("forward", "vjp", "second"),
            ),
        ),
        bad_calls=tuple(
            BadCall(name=name, args=args, values=values, reason="no such value")
            for name, args, values in (
                ("smoothing_2", (np.zeros((2, 3), np.float32), 3), {"smoothing": 2.0}),
                ("negative_smoothing", (np.zeros((2, 3), np.float32), 3), {"smoothing": -0.5}),
                ("other_classes", (np.zeros((2, 3), np.float32), 4), {}),
                ("no_classes", (np.zeros(2, np.int64), 0), {}),
                ("classes_of_a_float", (np.zeros(2, np.int64), 3.0), {}),
                ("booleans", (np.zeros(2, bool), 3), {}),
            )
        ),
        laws=mixing_laws.SMOOTH_LABELS,
    ),
    Spec(
        family="regularizers",
        name="mixup",
        subject=on("jax", "parity.suite.regularizers.mixing_subjects.mixup"),
        reference=_reference("mixup"),
        signature="(key, images, labels, alpha=0.2)",
        extra=("num_classes",),
        budgets=dict.fromkeys(("forward", "vjp", "jvp", "second", "jit"), HALVES),
        params=(
            _drawn(_matrix, 4, values={"alpha": 1.0}, checks=ALL),
            _drawn(_matrix, 5, inputs=(Samples(shape=(6, 3), axis=None), TARGETS)),
            _drawn(
                _matrix,
                1,
                label="classes",
                values={"alpha": 4.0, "num_classes": CLASSES},
                inputs=(IMAGES, HARD),
            ),
        ),
        laws=mixing_laws.MIXUP,
    ),
    Spec(
        family="regularizers",
        name="cutmix",
        subject=on("jax", "parity.suite.regularizers.mixing_subjects.cutmix"),
        reference=_reference("cutmix"),
        signature="(key, images, labels, alpha=1.0)",
        extra=("num_classes", "channel_axis"),
        budgets=dict.fromkeys(("forward", "vjp", "jvp", "second", "jit"), HALVES),
        params=(
            _drawn(_sources, 4, dtypes=BOTH, checks=ALL),
            _drawn(
                _sources,
                2,
                label="alpha=4,channels_last",
                values={"alpha": 4.0, "channel_axis": -1},
            ),
            _drawn(
                _sources,
                1,
                label="classes",
                values={"num_classes": CLASSES},
                inputs=(IMAGES, HARD),
            ),
        ),
        laws=mixing_laws.CUTMIX,
    ),
)
