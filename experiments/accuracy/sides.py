"""Value and slope of a row's function, as each side computes them, and as they should be."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from numpy.typing import NDArray

from experiments.activation_rows import Row
from parity.backends import backend
from parity.dtypes import Floats, widened
from parity.formulas import NumpyMath
from parity.spec import Target

Results = tuple[NDArray[Any], NDArray[Any]]
Side = Callable[[NDArray[Any]], Results]


def side_of(row: Row, name: str) -> Side | None:
    """The row's function on one side: input -> value and slope; None if that side has none."""
    if name == "jaxact":
        return jax_side(row.subject, row.values)
    if name == "torch":
        return torch_side(row.reference, row.values)
    # A counterpart is listed for a setting as a whole: it takes torch's hyperparameters by options.
    return jax_side(row.counterpart, {}) if row.counterpart else None


def jax_side(target: Target, values: Mapping[str, Any]) -> Side:
    """One compiled program; the slope by reverse mode."""
    call = backend("jax").resolve(target)

    @jax.jit
    def program(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        # Arrays among the hyperparameters take the input's dtype, as torch demands.
        given = {k: jnp.asarray(v, x.dtype) if _is_array(v) else v for k, v in values.items()}
        out, pullback = jax.vjp(lambda x: call(x, **given), x)
        return out, pullback(jnp.ones_like(out))[0]

    def side(x: NDArray[Any]) -> Results:
        value, slope = program(jnp.asarray(x))
        return np.asarray(value), np.asarray(slope)

    return side


def torch_side(target: Target, values: Mapping[str, Any]) -> Side:
    """Eager, the slope by autograd."""
    call = backend("torch").resolve(target)

    def side(x: NDArray[Any]) -> Results:
        tensor = backend("torch").array(x).requires_grad_()
        given = {
            k: torch.tensor(v, dtype=tensor.dtype) if _is_array(v) else v for k, v in values.items()
        }
        out = call(tensor, **given)
        (slope,) = torch.autograd.grad(out, tensor, torch.ones_like(out))
        # float64 holds the numbers of every dtype exactly, numpy lacks torch's bfloat16.
        return out.detach().double().numpy(), slope.double().numpy()

    return side


def exact_results(row: Row, x: NDArray[Any]) -> tuple[Floats, Floats]:
    """Value and slope in float64: of the closed form, else as torch computes them in float64."""
    values = {name: _as_seen(value) for name, value in row.values.items()}
    if row.formula is None:
        return torch_side(row.reference, values)(widened(x))
    point = widened(x)
    with np.errstate(all="ignore"):
        value = row.formula.value(NumpyMath, point, **values)
        slope = row.formula.slope(NumpyMath, point, **values)
    return np.broadcast_to(value, point.shape), np.broadcast_to(slope, point.shape)


def _as_seen(value: Any) -> Any:
    """A hyperparameter as float32 and half precision see it: both compute in float32."""
    return float(np.float32(value)) if isinstance(value, float) else value


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)
