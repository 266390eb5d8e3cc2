"""torch's dropout family."""

from jax import Array
from jax.typing import ArrayLike

from jaxact._arguments import as_array
from jaxact._op import op
from jaxact._warnings import warn
from jaxact.errors import ArgumentValueError
from jaxact.regularizers.dropouts._factors import alpha_factors, check_probability
from jaxact.regularizers.dropouts._masks import Key, Shape, masked

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]


@op(static=("training",), compiled=False)
def dropout(
    input: ArrayLike, p: ArrayLike = 0.5, training: bool = True, *, key: Key | None = None
) -> Array:
    """dropout(x, p) = m x / (1 - p), with m = 0 with probability p, else 1, for each element.

    The gradient is m / (1 - p): the backward pass draws m again instead of keeping it. What is
    dropped is multiplied by 0, as in torch: nan stays nan, an infinity becomes nan, a negative
    number -0.0. Without training or for the number p = 0 the result is the input itself. The chance
    is a multiple of 2^-32, the nearest one to p. That torch draws the same m, the key has to be
    `jaxact.random.TorchGenerator(seed)`; it draws on the host, so that calls from compiled or
    mapped programs are refused. One is not seen: a constant input in jax.grad inside of jax.vmap,
    where all share one mask.

    Args:
        input: [...], any unit; floating. Of any dtype if p is the number 1 or without training.
        p: [], dimensionless; the chance to be dropped, 0.5 by default. An array is traced, and its
            derivative is that of 1 / (1 - p) for the m that was drawn.
        training: whether to drop anything, as by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is 0 or 1.

    Returns:
        [...], unit and dtype of input; nan if a traced p is outside [0, 1].

    Raises:
        ValueError: if p is outside [0, 1]; ArgumentValueError if it is nan or has axes.
        TypeError: if training without a key, if a TorchGenerator is used in a program, or if input
            is no floating array (DtypeError).

    Source:
        Srivastava et al. 2014; torch.nn.functional.dropout, torch 2.13.
    """
    return masked("dropout", input, p, training, key)


@op(static=("training",), compiled=False)
def dropout1d(
    input: ArrayLike, p: ArrayLike = 0.5, training: bool = True, *, key: Key | None = None
) -> Array:
    """dropout1d(x, p) = m x / (1 - p), with one m for each channel, as in `dropout`.

    Gradient, special values, keys and the array p are those of `dropout`.

    Args:
        input: [n, c, l] or [c, l], any unit; floating.
        p: [], dimensionless; the chance of a channel to be dropped, 0.5 by default.
        training: whether to drop anything, as by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is 0 or 1.

    Returns:
        [n, c, l] or [c, l], unit and dtype of input; nan if a traced p is outside [0, 1].

    Raises:
        ValueError: if p is outside [0, 1]; ArgumentValueError if it is nan or has axes, or if input
            has neither 2 nor 3 axes.
        TypeError: if training without a key, if a TorchGenerator is used in a program, or if input
            is no floating array (DtypeError).

    Source:
        Tompson et al. 2015; torch.nn.functional.dropout1d, torch 2.13.
    """
    axes = as_array("dropout1d", "input", input).ndim
    # torch looks at p first.
    check_probability("dropout1d", p)
    if axes not in (2, 3):
        raise ArgumentValueError(f"dropout1d: input must have 2 or 3 axes, got {axes}")
    drawn = _by_sample_and_channel if axes == 3 else _by_channel
    return masked("dropout1d", input, p, training, key, drawn=drawn)


@op(static=("training",), compiled=False)
def dropout2d(
    input: ArrayLike, p: ArrayLike = 0.5, training: bool = True, *, key: Key | None = None
) -> Array:
    """dropout2d(x, p) = m x / (1 - p), with one m for each sample and channel, as in `dropout`.

    Gradient, special values, keys and the array p are those of `dropout`. Three axes are read as
    [n, c, l], with a warning: not as one image. Two, or five and more, warn as well.

    Args:
        input: [n, c, h, w], any unit; floating. [n, c, ...] with a warning.
        p: [], dimensionless; the chance of a channel to be dropped, 0.5 by default.
        training: whether to drop anything, as by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is 0 or 1.

    Returns:
        [n, c, ...], unit and dtype of input; nan if a traced p is outside [0, 1].

    Raises:
        ValueError: if p is outside [0, 1]; ArgumentValueError if it is nan or has axes, or if input
            has fewer than 2 axes.
        TypeError: if training without a key, if a TorchGenerator is used in a program, or if input
            is no floating array (DtypeError).

    Source:
        Tompson et al. 2015; torch.nn.functional.dropout2d, torch 2.13.
    """
    axes = as_array("dropout2d", "input", input).ndim
    check_probability("dropout2d", p)
    if axes == 3:
        warn(
            "dropout2d: an input of 3 axes is read as [n, c, l], not as one image [c, h, w]; "
            "say dropout1d for that",
        )
    elif axes != 4:
        warn(_deprecated("dropout2d", axes, "[n, c, h, w]"))
    return masked("dropout2d", input, p, training, key, drawn=_by_sample_and_channel)


@op(static=("training",), compiled=False)
def dropout3d(
    input: ArrayLike, p: ArrayLike = 0.5, training: bool = True, *, key: Key | None = None
) -> Array:
    """dropout3d(x, p) = m x / (1 - p), with one m for each channel, as in `dropout`.

    Gradient, special values, keys and the array p are those of `dropout`. Any other number of axes
    than five is read as [c, ...], and warns unless it is four.

    Args:
        input: [n, c, d, h, w] or [c, d, h, w], any unit; floating. [c, ...] with a warning.
        p: [], dimensionless; the chance of a channel to be dropped, 0.5 by default.
        training: whether to drop anything, as by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is 0 or 1.

    Returns:
        [n, c, d, h, w] or [c, ...], unit and dtype of input; nan if a traced p is outside [0, 1].

    Raises:
        ValueError: if p is outside [0, 1]; ArgumentValueError if it is nan or has axes, or if input
            has no axis.
        TypeError: if training without a key, if a TorchGenerator is used in a program, or if input
            is no floating array (DtypeError).

    Source:
        Tompson et al. 2015; torch.nn.functional.dropout3d, torch 2.13.
    """
    axes = as_array("dropout3d", "input", input).ndim
    check_probability("dropout3d", p)
    if axes not in (4, 5):
        shapes = "[n, c, d, h, w] or [c, d, h, w]"
        warn(_deprecated("dropout3d", axes, shapes))
    drawn = _by_sample_and_channel if axes == 5 else _by_channel
    return masked("dropout3d", input, p, training, key, drawn=drawn)


@op(static=("training",), compiled=False)
def alpha_dropout(
    input: ArrayLike, p: ArrayLike = 0.5, training: bool = False, *, key: Key | None = None
) -> Array:
    """alpha_dropout(x, p) = a (x m - α (1 - m)) + a α p, a = 1 / sqrt((1 - p) (1 + p α²)).

    m is that of `dropout` and -α = -1.7580993... what selu approaches: mean 0 and variance 1 of the
    input stay, which other dropouts do not keep. The gradient is a m, drawn again in the backward
    pass. For p = 1 everything is multiplied by 0. Special values, keys and the array p are those
    of `dropout`. Half precision is computed in float32 and rounded once, where torch rounds each of
    four steps; with a TorchGenerator the result has torch's bits, roundings included.

    Args:
        input: [...], dimensionless; floating.
        p: [], dimensionless; the chance to be dropped, 0.5 by default.
        training: whether to drop anything; not by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is 0 or 1.

    Returns:
        [...], dimensionless, dtype of input; nan if a traced p is outside [0, 1].

    Raises:
        ValueError: if p is outside [0, 1]; ArgumentValueError if it is nan or has axes.
        TypeError: if training without a key, if a TorchGenerator is used in a program, or if input
            is no floating array (DtypeError).

    Source:
        Klambauer et al. 2017; torch.nn.functional.alpha_dropout, torch 2.13.
    """
    return masked("alpha_dropout", input, p, training, key, formula=alpha_factors)


@op(static=("training",), compiled=False)
def feature_alpha_dropout(
    input: ArrayLike, p: ArrayLike = 0.5, training: bool = False, *, key: Key | None = None
) -> Array:
    """feature_alpha_dropout(x, p) = a (x m - α (1 - m)) + a α p, one m for each sample and channel.

    The rest is that of `alpha_dropout`.

    Args:
        input: [n, c, ...], dimensionless; floating.
        p: [], dimensionless; the chance of a channel to be dropped, 0.5 by default.
        training: whether to drop anything; not by default.
        key: a JAX random key or a TorchGenerator, needed when training unless p is 0 or 1.

    Returns:
        [n, c, ...], dimensionless, dtype of input; nan if a traced p is outside [0, 1].

    Raises:
        ValueError: if p is outside [0, 1]; ArgumentValueError if it is nan or has axes, or if input
            has fewer than 2 axes.
        TypeError: if training without a key, if a TorchGenerator is used in a program, or if input
            is no floating array (DtypeError).

    Source:
        Klambauer et al. 2017; torch.nn.functional.feature_alpha_dropout, torch 2.13.
    """
    return masked(
        "feature_alpha_dropout",
        input,
        p,
        training,
        key,
        drawn=_by_sample_and_channel,
        formula=alpha_factors,
    )


def _by_sample_and_channel(function: str, shape: Shape) -> Shape:
    if len(shape) < 2:
        raise ArgumentValueError(f"{function}: input must have 2 axes or more, got {len(shape)}")
    return shape[:2] + (1,) * (len(shape) - 2)


def _by_channel(function: str, shape: Shape) -> Shape:
    if not shape:
        raise ArgumentValueError(f"{function}: input must have an axis, got none")
    return shape[:1] + (1,) * (len(shape) - 1)


def _deprecated(function: str, axes: int, shapes: str) -> str:
    return f"{function}: an input of {axes} axes is deprecated, it should be {shapes}; say dropout"
