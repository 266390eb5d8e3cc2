"""Uniform and normal initializers."""

from jax import Array

from jaxact._arguments import number_or_array
from jaxact._numbers import is_number
from jaxact._warnings import warn
from jaxact.errors import InvalidDivisorError
from jaxact.initializers._draws import (
    check_interval,
    check_std,
    draw_normal,
    draw_truncated,
    draw_uniform,
)
from jaxact.initializers._initializer import (
    Dtype,
    Initializer,
    Key,
    Layout,
    Number,
    Shape,
    initializer,
    initializer_factory,
)

__all__ = ["normal", "trunc_normal", "uniform"]


@initializer_factory(checks={"a": number_or_array, "b": number_or_array})
def uniform(a: Number = 0.0, b: Number = 1.0, *, layout: Layout = "torch") -> Initializer:
    """uniform(a, b)(key, shape) = a + (b - a) u, with u uniform on [0, 1).

    Half precision is drawn in float32 and rounded once. As in torch, a value that rounds to b
    becomes a.

    Args:
        a: any unit; the least value.
        b: unit of a; exceeds every value, unless b = a.
        layout: the layout of the shapes that the initializer is called with; a TorchGenerator draws
            in torch's order in both layouts.

    Returns:
        An initializer, init(key, shape, dtype) -> [...] of a floating dtype, unit of a.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'.
        ArgumentValueError: if a > b; when called, if a, b or b - a exceeds dtype's range.
        DtypeError: if the initializer is called with a dtype that is not floating (torch also fills
            complex tensors).

    Source:
        torch.nn.init.uniform_, torch 2.13. The default of jax.nn.initializers.uniform is 0.01.
    """
    check_interval("uniform", ("a", a), ("b", b))

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        return draw_uniform("uniform", key, shape, a, b, dtype)

    return initializer("uniform", draw, layout)


@initializer_factory(checks={"mean": number_or_array, "std": number_or_array})
def normal(mean: Number = 0.0, std: Number = 1.0, *, layout: Layout = "torch") -> Initializer:
    """normal(mean, std)(key, shape) = mean + std z, with z normal of mean 0 and variance 1.

    Args:
        mean: any unit.
        std: unit of mean; the standard deviation, not negative.
        layout: the layout of the shapes that the initializer is called with; a TorchGenerator draws
            in torch's order in both layouts.

    Returns:
        An initializer, init(key, shape, dtype) -> [...] of a floating dtype, unit of mean.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'.
        ArgumentValueError: if std is negative.
        DtypeError: if the initializer is called with a dtype that is not floating (torch also fills
            complex tensors).

    Source:
        torch.nn.init.normal_, torch 2.13. The default of jax.nn.initializers.normal is 0.01.
    """
    check_std("normal", std)

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        return draw_normal("normal", key, shape, mean, std, dtype)

    return initializer("normal", draw, layout)


@initializer_factory(checks=dict.fromkeys(("mean", "std", "a", "b"), number_or_array))
def trunc_normal(
    mean: Number = 0.0,
    std: Number = 1.0,
    a: Number = -2.0,
    b: Number = 2.0,
    *,
    layout: Layout = "torch",
) -> Initializer:
    """trunc_normal(mean, std, a, b)(key, shape) = mean + std z, conditioned to lie in [a, b].

    a and b are values, not multiples of std, and std is the standard deviation before truncation:
    trunc_normal(std=0.02) truncates almost nothing, while jax.nn.initializers.truncated_normal
    (0.02) truncates at ±0.04 and has a standard deviation of 0.0176. With a JAX key, intervals
    beyond ten standard deviations and infinite intervals are exact too; torch needs very many draws
    for them or gives up.

    Args:
        mean: any unit; the mean of the normal distribution before truncation.
        std: unit of mean; its standard deviation before truncation, positive.
        a: unit of mean; the least value.
        b: unit of mean; the greatest value.
        layout: the layout of the shapes that the initializer is called with; a TorchGenerator draws
            in torch's order in both layouts.

    Returns:
        An initializer, init(key, shape, dtype) -> [...] of a floating dtype, unit of mean.

    Raises:
        ValueError: if layout is neither 'torch' nor 'flax'.
        ArgumentValueError: if a > b, or std is negative.
        ZeroDivisionError: if std is 0.
        DtypeError: if the initializer is called with a dtype that is not floating.

    Source:
        torch.nn.init.trunc_normal_, torch 2.13.
    """
    check_std("trunc_normal", std)
    check_interval("trunc_normal", ("a", a), ("b", b))
    if is_number(std) and std == 0:
        raise InvalidDivisorError("trunc_normal: std must be positive, got 0")
    _warn_of_tails(mean, std, a, b)

    def draw(key: Key, shape: Shape, dtype: Dtype) -> Array:
        return draw_truncated("trunc_normal", key, shape, (mean, std), (a, b), dtype)

    return initializer("trunc_normal", draw, layout)


def _warn_of_tails(*numbers: Number) -> None:
    """Issues torch's warning for far tails; here the distribution is correct even there."""
    known = [number for number in numbers if is_number(number)]
    if len(known) < len(numbers):
        return
    mean, std, a, b = known
    if mean < a - 2 * std or mean > b + 2 * std:
        warn(
            f"trunc_normal: mean {mean} is more than 2 std from [{a}, {b}]; a and b are values, "
            "not standard deviations"
        )
