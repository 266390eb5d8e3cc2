"""Choices that the domains of many rows share."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from parity.domains import LONG, Choice, Domain, Draw, Indices, Made, OneOf, Tensor, Trees, optional
from parity.trees import mapped

# Any number of axes.
ANY = ("n m", "", "n", "n m k", "n m k l", "n m k l j")
ELEMENTS = Tensor(axes=ANY, special=True)
NUMBERS = Tensor(axes=ANY)
# What may stand beside an argument of another dtype, where torch promotes.
OTHER_DTYPES = ("float32", "bfloat16", "int32")
REDUCTION = OneOf("mean", "sum", "none")
# torch raises if an index is not below the number of classes; a compiled program cannot.
SOME_CLASSES = {"c": (3, 1, LONG)}
CLASS_WEIGHTS = optional(Tensor(axes=("c",), low=0.1, high=2.0, numeric=True))


def elementwise(**hyperparameters: Choice) -> Domain:
    """An element-wise function of `input`."""
    return Domain(arguments={"input": ELEMENTS, **hyperparameters})


def loss_of(first: str, second: str, **others: Choice) -> Domain:
    """A loss of two arrays that broadcast, with a reduction."""
    arguments: dict[str, Choice] = {
        first: NUMBERS,
        second: Tensor(like=first, broadcast=True, beside=OTHER_DTYPES),
        **others,
        "reduction": REDUCTION,
    }
    return Domain(arguments=arguments)


def factors(like: str = "input", *, broadcast: bool = False, numeric: bool = False) -> Choice:
    """No weights, or one for each element.

    Args:
        like: the argument whose axes they have.
        broadcast: whether some axes may be shorter.
        numeric: whether torch has no gradient with respect to them.
    """
    return optional(Tensor(like=like, low=0.0, high=2.0, broadcast=broadcast, numeric=numeric))


def shares(like: str = "input", *, broadcast: bool = False, beside: tuple[str, ...] = ()) -> Tensor:
    """Numbers between 0 and 1, both included.

    Args:
        like: the argument whose axes they have.
        broadcast: whether some axes may be shorter.
        beside: other dtypes that they may have.
    """
    return Tensor(like=like, low=0.0, high=1.0, broadcast=broadcast, beside=beside)


def signs(like: str, without: str = "") -> Tensor:
    """-1 or 1, of which no gradient is asked."""
    return Tensor(like=like, without=without, values=(-1.0, 1.0), differentiated=False)


def labels(like: str = "input", *, special: str | int | None = None) -> Indices:
    """The index of a class for each row."""
    return Indices(like=like, without="c", below="c", special=special)


# Affine parameters and statistics of channels.
CHANNELS = Tensor(axes=("c",))
VARIANCES = Tensor(axes=("c",), low=0.5, high=2.0, differentiated=False)
MEANS = Tensor(axes=("c",), differentiated=False)
BATCHES = Tensor(axes=("n c", "n c h w", "n c l", "n c d h w"))

# The same, and with the channels on the last axis.
CHANNELS_ANYWHERE = Tensor(
    axes=("n c", "n c h w", "n c l", "n c d h w", "n h w c", "n l c", "n d h w c")
)
# The same with at least one axis beside rows and channels.
SIGNALS_ANYWHERE = Tensor(axes=("n c l", "n c h w", "n c d h w", "n h w c", "n l c", "n d h w c"))
# A program on one device has no other axes that it could name.
AXIS_NAME = OneOf(None)


def channel_axis(like: str) -> Made:
    """Where an argument made before has its channels: -1 on the last axis."""

    def found(draw: Draw) -> int:
        axes = draw.axes[like].split()
        return -1 if axes[-1] == "c" else axes.index("c")

    return Made(found)


_MATRIX, _BIAS = Tensor(axes=("n m",)), Tensor(axes=("m",))
_SCALE, _KERNEL = Tensor(axes=("",)), Tensor(axes=("n m k l",))
_HALF, _VOLUME = Tensor(axes=("m",), dtype="bfloat16"), Tensor(axes=("n m k l j",))
LAYERS = Trees(
    layer={"weight": _MATRIX, "bias": _BIAS},
    layers=[{"weight": _MATRIX, "bias": _BIAS}, {"kernel": _KERNEL}],
    matrix={"weight": _MATRIX},
    scalar={"weight": _MATRIX, "scale": _SCALE},
    volume=[{"weight": _VOLUME, "bias": _BIAS}],
    mixed=[{"weight": _MATRIX}, {"weight": Tensor(axes=("n m",), dtype="bfloat16")}],
)


def no_kernels(path: str, leaf: Any) -> bool:
    """A selection of leaves by a function."""
    return leaf.ndim > 1 and not path.endswith("kernel")


_WEIGHTS = ("weights", "*weight", no_kernels)
ONLY_WEIGHTS = OneOf(*_WEIGHTS)
WHERE = OneOf(*_WEIGHTS, "all", ("*weight", "*"))


def another_tree(like: str) -> Made:
    """A tree of the same structure and shapes."""

    def made(draw: Draw) -> Any:
        random = draw.random(f"another {like}")

        def drawn(leaf: NDArray[Any]) -> NDArray[Any]:
            return random.standard_normal(leaf.shape).astype(leaf.dtype)

        return mapped(drawn, draw.made[like])

    return Made(made)


# The lengths of the axis of steps.
STEPS = {"t": (4, 1, 1000)}


def steps_of(like: str) -> Made:
    """A tree of the same structure for each step."""

    def made(draw: Draw) -> Any:
        random = draw.random(f"steps of {like}")

        def drawn(leaf: NDArray[Any]) -> NDArray[Any]:
            shape = (draw.lengths["t"], *leaf.shape)
            return random.standard_normal(shape).astype(leaf.dtype)

        return mapped(drawn, draw.made[like])

    return Made(made, shapes=("t",))


def trees() -> Trees:
    """Gradients: lists, dicts, one array, a number among them."""
    return Trees(
        two=[_MATRIX, _BIAS],
        named={"a": _MATRIX, "b": {"c": _KERNEL}},
        one=[_BIAS],
        number=[_SCALE, _MATRIX],
        mixed=[_MATRIX, _HALF],
        volume=[_VOLUME, _BIAS],
    )
