"""jaxact's transformations of images as rows call them."""

from __future__ import annotations

import jax

from jaxact.regularizers import image_transforms


def affine_matrix(numbers: jax.Array, *, height: int, width: int) -> jax.Array:
    """From [n, 6]: angle, x, y, scale less 1, shears along x and y."""
    angle, right, down, larger, along_x, along_y = numbers.T
    return image_transforms.affine_matrix(
        height,
        width,
        angle=angle,
        translate=(right, down),
        scale=1 + larger**2,
        shear=(along_x, along_y),
    )
