"""A function with its arguments on one side, as calls to be timed."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from experiments.bench.timing import Call
from parity.trees import flat, mapped

Function = Callable[..., Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """What is timed of a function.

    Attributes:
        gradients: the arguments, by place, in which the gradient is taken besides the value; none
            for the value alone.
        mean: whether the mean of the result is differentiated, else the result under a cotangent.
            Of several results only the first is differentiated.
    """

    gradients: tuple[int, ...]
    mean: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class JaxSide:
    """A function of jax.

    Attributes:
        call: of the arguments, which are trees of arrays.
        arguments: numpy's arrays or jax's.
        measure: what is timed.
    """

    call: Function
    arguments: tuple[Any, ...]
    measure: Measure

    def function(self) -> Function:
        """What is compiled: value and gradients, of the arguments and a cotangent if need be."""
        gradients = self.measure.gradients
        if not gradients:
            return self.call
        if self.measure.mean:
            return jax.value_and_grad(lambda *a: jnp.mean(self.call(*a)), gradients)

        def both(cotangent: Any, *arguments: Any) -> Any:
            def chosen(*some: Any) -> Any:
                every = dict(enumerate(arguments)) | dict(zip(gradients, some, strict=True))
                return first_and_rest(self.call(*(every[i] for i in range(len(every)))))

            some = [arguments[i] for i in gradients]
            value, pull, rest = jax.vjp(chosen, *some, has_aux=True)
            return value, rest, pull(cotangent)

        return both

    def timed(self) -> Call:
        """One compiled program, on arrays that are there."""
        given = jax.tree.map(jnp.asarray, self.arguments)
        if self.measure.gradients and not self.measure.mean:
            value, _ = jax.eval_shape(lambda *a: first_and_rest(self.call(*a)), *given)
            given = (jnp.asarray(_cotangent(value.shape)), *given)
        program = jax.jit(self.function()).lower(*given).compile()
        return lambda: jax.block_until_ready(program(*given))


@dataclasses.dataclass(frozen=True, kw_only=True)
class TorchSide:
    """A function of torch.

    Attributes:
        prepare: from the arguments, trees of tensors, to a function without any that makes the call
            to be timed; the tensors are its own and may be changed.
        arguments: numpy's arrays.
        measure: what is timed.
    """

    prepare: Callable[..., Call]
    arguments: tuple[Any, ...]
    measure: Measure

    def timed(self) -> Call:
        """The call, with gradients if they are wanted."""
        given = [mapped(torch.tensor, argument) for argument in self.arguments]
        gradients = self.measure.gradients
        leaves = [leaf for i in gradients for leaf in flat(given[i]).values()]
        for leaf in leaves:
            leaf.requires_grad_()
        call = self.prepare(*given)
        if not leaves:
            return torch.no_grad()(call)
        if self.measure.mean:
            return lambda: torch.autograd.grad(call().mean(), leaves)
        cotangent = torch.tensor(_cotangent(tuple(first_and_rest(call())[0].shape)))
        return lambda: torch.autograd.grad(
            first_and_rest(call())[0], leaves, cotangent, materialize_grads=True
        )


def called(function: Function) -> Callable[..., Call]:
    """How a function of torch is prepared whose call is all there is to it."""
    return lambda *arguments: lambda: function(*arguments)


def first_and_rest(result: Any) -> tuple[Any, Any]:
    """The first of several results, and the others."""
    if isinstance(result, tuple | list):
        first, *rest = result
        return first, tuple(rest)
    return result, ()


def is_tree(argument: Any) -> bool:
    """Whether an argument or a result is a tree of weights."""
    return isinstance(argument, Mapping)


def abstract(array: Any) -> Any:
    """The shape and dtype that an array has in jax."""
    if isinstance(array, jax.Array):
        return jax.ShapeDtypeStruct(array.shape, array.dtype)
    return jax.ShapeDtypeStruct(np.shape(array), jax.dtypes.canonicalize_dtype(array.dtype))


def _cotangent(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(1).standard_normal(shape, np.float32)
