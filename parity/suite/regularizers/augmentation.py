"""The rows of random augmentation: what is done with the draw; its distribution is in the laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.spec import Budget, Drawn, Law, Params, Samples, Spec, on
from parity.suite.regularizers.augmentation_laws import (
    AFFINE,
    COMPOSE,
    CROP,
    ERASING,
    FLIP,
    JITTER,
    ROTATION,
    corners,
    erased,
    factors,
    flips,
    matrices,
)

HERE = "parity.suite.regularizers.augmentation"
IMAGES = (Samples(shape=(6, 3, 9, 11), center=0.5, scale=0.2),)
# Mapped and compiled they are in the laws, with keys of their own.
CHECKS = ("forward", "vjp", "shapes", "signature", "law")
# What is measured on images in float32 says nothing of float64.
DTYPES = ("float32", "bfloat16")

MEASURED = Budget(
    ulp=4,
    floor=512,
    everywhere=True,
    reason="the map is measured on images that it moved, and rounded like them",
)
FACTOR = Budget(
    ulp=4,
    floor=64,
    everywhere=True,
    reason="the factor is measured on differences of pixels that it changed",
)
HALF = Budget(
    ulp=2, floor=1, everywhere=True, reason="what was drawn is measured in half precision"
)


def _random(
    name: str,
    reference: Any,
    observe: Callable[..., Any],
    *settings: Params,
    laws: tuple[Law, ...],
    **fields: Any,
) -> Spec:
    """A row: the reference gets what `observe` saw."""
    fields.setdefault("dtypes", DTYPES)
    return Spec(
        family="regularizers",
        name=name,
        subject=on("jax", f"{HERE}_subjects.{name}"),
        reference=reference,
        inputs=IMAGES,
        params=tuple(_observed(setting, observe) for setting in settings),
        checks=CHECKS,
        laws=laws,
        **fields,
    )


def _observed(setting: Params, observe: Callable[..., Any]) -> Params:
    return Params(
        label=setting.label,
        values=setting.values,
        dtypes=setting.dtypes,
        checks=setting.checks,
        key=3,
        drawn=Drawn(observe=observe),
    )


def _torch(name: str, **options: Any) -> Any:
    return on("torch", f"{HERE}_references.{name}", **options)


def _set(label: str, dtypes: tuple[str, ...] | None = None, **values: Any) -> Params:
    return Params(label=label, values=values, dtypes=dtypes)


def _alone(label: str, **values: Any) -> Params:
    """Values of one dtype."""
    return Params(label=label, values=values, dtypes=("float32",), checks=("forward",))


MOVED = (*DTYPES, "float64", "uint8")
OPTIONS = ("interpolation", "fill", "channel_axis")
MAPS: dict[Any, Budget] = {
    **dict.fromkeys(("forward", "vjp"), MEASURED),
    **{(check, "bfloat16"): HALF for check in ("forward", "vjp")},
}

SPECS = (
    _random(
        "random_crop",
        _torch("cropped_at"),
        corners,
        _set("padded", size=8, padding=2),
        _alone("reflected", size=8, padding=4, padding_mode="reflect"),
        _alone("edges", size=(8, 10), padding=(3, 1), padding_mode="edge"),
        _alone("four_margins", size=(8, 10), padding=(0, 1, 2, 3)),
        _alone("inside", size=(5, 4)),
        laws=CROP,
        dtypes=MOVED,
        signature="(key, images, size)",
        extra=("padding", "padding_mode", "channel_axis"),
    ),
    _random(
        "random_horizontal_flip",
        _torch("flipped_where", axis=-1),
        flips,
        _set("half"),
        _alone("often", p=0.9),
        laws=FLIP,
        dtypes=MOVED,
        signature="(key, images, p=0.5)",
        extra=("channel_axis",),
    ),
    _random(
        "random_vertical_flip",
        _torch("flipped_where", axis=-2),
        flips,
        _set("half"),
        _alone("often", p=0.9),
        laws=FLIP,
        dtypes=MOVED,
        signature="(key, images, p=0.5)",
        extra=("channel_axis",),
    ),
    _random(
        "random_rotation",
        _torch("mapped_by"),
        matrices,
        _set("about", degrees=60.0),
        _alone("nearest", degrees=60.0, interpolation="nearest"),
        _alone("between", degrees=(30.0, 45.0), fill=0.5),
        laws=ROTATION,
        budgets=MAPS,
        signature="(key, images, degrees)",
        extra=OPTIONS,
    ),
    _random(
        "random_affine",
        _torch("mapped_by"),
        matrices,
        _set("all", degrees=20.0, translate=(0.2, 0.1), scale=(0.7, 1.2), shear=(0.0, 9.0)),
        _alone("filled", degrees=(5.0, 20.0), shear=(0.0, 9.0, -9.0, 0.0), fill=(0.1, 0.2, 0.3)),
        laws=AFFINE,
        budgets=MAPS,
        signature="(key, images, degrees, translate=None, scale=None, shear=None)",
        extra=OPTIONS,
    ),
    Spec(
        family="regularizers",
        name="color_jitter",
        subject=on("jax", f"{HERE}_subjects.color_jitter"),
        reference=on("torch", "parity.suite.regularizers.image_transforms_references.affine"),
        inputs=IMAGES,
        params=tuple(
            Params(
                label=name,
                values={name: 0.3},
                reference=_torch(f"changed_{name}"),
                key=3,
                drawn=Drawn(observe=factors),
                dtypes=DTYPES if name == "brightness" else ("float32",),
            )
            for name in ("brightness", "contrast", "saturation", "hue")
        ),
        checks=CHECKS,
        laws=JITTER,
        budgets={
            **dict.fromkeys(("forward", "vjp"), FACTOR),
            **{(check, "bfloat16"): HALF for check in ("forward", "vjp")},
        },
        signature="(key, images, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)",
        extra=("channel_axis",),
    ),
    _random(
        "random_erasing",
        _torch("erased_where"),
        erased,
        _set("half"),
        _alone("value", p=0.9, value=0.25, scale=(0.1, 0.5)),
        _alone("color", p=0.9, value=(0.1, 0.2, 0.3), ratio=(0.5, 2.0)),
        laws=ERASING,
        dtypes=MOVED,
        signature="(key, images, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0.0)",
        extra=("channel_axis",),
    ),
    Spec(
        family="regularizers",
        name="compose",
        subject=on("jax", f"{HERE}_subjects.compose"),
        reference=on("jax", f"{HERE}_references.by_hand"),
        truth="reference",
        inputs=IMAGES,
        params=(Params(label="five", key=5),),
        dtypes=("float32",),
        checks=("forward", "vjp", "vmap", "law"),
        laws=COMPOSE,
    ),
)
