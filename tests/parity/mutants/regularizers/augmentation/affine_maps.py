# pyright: basic
"""Affine maps, at random or not: mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxact.regularizers import augmentation as right
from parity.mutation import Mutants
from parity.suite.regularizers.augmentation.affine_maps import SPECS

MUTANTS = Mutants(SPECS)
_wrong = MUTANTS.wrong


@_wrong("rotate", "each/float32/forward")
def _rotation_clockwise(images, angle, **options):
    return right.rotate(images, -angle, **options)


@_wrong("rotate", "each/float32/forward")
def _rotation_in_half_images(images, angle, **options):
    """Which is none where the image is not square."""
    turn = jnp.deg2rad(angle)
    cosine, sine, zero = jnp.cos(turn), jnp.sin(turn), jnp.zeros_like(turn)
    rows = [jnp.stack([cosine, -sine, zero], -1), jnp.stack([sine, cosine, zero], -1)]
    return right.affine(images, jnp.stack(rows, -2), **options)


@_wrong("rotate", "nearest/float32/forward")
def _rotation_that_cuts_off_places(images, angle, **options):
    return right.rotate(images, angle, **{**options, "interpolation": "bilinear"})


@_wrong("affine", "bilinear/float32/forward")
def _affine_with_aligned_corners(images, matrix, **options):
    """-1 and 1 are the centres of the outermost pixels."""
    height, width = images.shape[2:]
    scale = jnp.array([width - 1, height - 1]) / jnp.array([width, height])
    inside = matrix * scale[:, None] / jnp.append(scale, 1.0)
    return right.affine(images, inside, **options)


@_wrong("affine", "bilinear/float32/forward")
def _affine_that_repeats_the_border(images, matrix, *, interpolation="bilinear", fill=0.0):
    around = ((0, 0), (0, 0), (8, 8), (8, 8))
    height, width = images.shape[2:]
    sides = jnp.array([(width + 16) / width, (height + 16) / height])
    larger = matrix * jnp.append(sides, 1.0) / sides[:, None]
    padded = right.affine(jnp.pad(images, around, mode="edge"), larger)
    return padded[:, :, 8:-8, 8:-8]


@_wrong("affine", "bilinear/float32/vjp")
def _affine_without_a_slope_in_the_matrix(images, matrix, **options):
    return right.affine(images, jax.lax.stop_gradient(matrix), **options)


@_wrong("affine_matrix", "5_by_7/float32/forward")
def _matrix_of_the_inverse_map(height, width, *, angle, translate, scale, shear):
    (x, y), (along_x, along_y) = translate, shear
    return right.affine_matrix(
        height,
        width,
        angle=-angle,
        translate=(-x, -y),
        scale=1 / scale,
        shear=(-along_x, -along_y),
    )


@_wrong("random_rotation", "angles_are_uniform/any/law")
def _angles_one_way_only(key, images, degrees, **options):
    ends = degrees if isinstance(degrees, tuple) else (0.0, degrees)
    return right.random_rotation(key, images, ends, **options)


@_wrong("random_rotation", "angles_are_uniform/any/law")
def _angles_clockwise(key, images, degrees, **options):
    ends = (-degrees[1], -degrees[0]) if isinstance(degrees, tuple) else degrees
    return right.random_rotation(key, images, ends, **options)


@_wrong("random_affine", "scales_are_uniform/any/law")
def _scales_inverted(key, images, degrees, translate=None, scale=None, shear=None, **options):
    inverse = None if scale is None else (1 / scale[1], 1 / scale[0])
    return right.random_affine(key, images, degrees, translate, inverse, shear, **options)


@_wrong("random_affine", "translations_are_whole_and_uniform/any/law")
def _translations_in_half_images(
    key, images, degrees, translate=None, scale=None, shear=None, **options
):
    half = None if translate is None else tuple(share / 2 for share in translate)
    return right.random_affine(key, images, degrees, half, scale, shear, **options)
