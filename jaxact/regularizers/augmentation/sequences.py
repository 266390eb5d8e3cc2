"""Sequences of transformations."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxact._keys import check_key
from jaxact._op import factory

__all__ = ["compose"]


@factory()
def compose(*transforms: Callable[[Array, Array], Array]) -> Callable[[Array, ArrayLike], Array]:
    """compose(f, g)(key, x) = g(k2, f(k1, x)), with k1, k2 = jax.random.split(key).

    Compiled, the whole sequence is one program: `jax.jit(compose(...))`. What needs no key goes in
    as `lambda key, x: ...`.

    Args:
        transforms: functions of a key and images, applied from left to right.

    Returns:
        A function of a key and images, [n, c, h, w] in any unit, that splits the key into one for
        each transform.

    Raises:
        TypeError: if the key that the function returned gets is None.

    Source:
        torchvision's Compose; beyond torch.nn.Sequential, torch 2.13.
    """

    def composed(key: Array, images: ArrayLike) -> Array:
        check_key("compose", key)
        x = jnp.asarray(images)
        for part, transform in zip(jax.random.split(key, len(transforms)), transforms, strict=True):
            x = transform(part, x)
        return x

    return composed
