"""What may stand around a function in one compiled program, with which XLA may fuse it.

A context computes the function's first argument from the program's, and the program's result from
the function's. It is written once, for arrays of numpy, with which the reference is called, and for
those of the subject's framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.dtypes import is_floating, numpy_dtype

ALONE, PRODUCT, CAST, SLICE, SCALED = "alone", "product", "cast", "slice", "scaled"
CONTEXTS = (ALONE, PRODUCT, CAST, SLICE, SCALED)
# XLA may keep the product of two numbers in half precision unrounded, which moves kinks: there the
# factor is a power of two. In the others no multiple of 1/2, such as those of `ties`, becomes
# another one by rounding, where a fused product would not be at the kink.
FACTORS = {"float16": 0.5, "bfloat16": 0.5, "float32": 0.29, "float64": 0.29}
# From which dtype the argument of a dtype is cast.
CAST_FROM = {
    "float16": "float32",
    "bfloat16": "float32",
    "float32": "bfloat16",
    "float64": "float32",
}


@dataclass(frozen=True)
class Context:
    """What stands around a function.

    Args:
        name: one of `CONTEXTS`. In "product" the argument is a product by `FACTOR`, in "cast" it
            comes from another dtype, in "slice" from an array with one more axis; in "scaled" the
            result is multiplied by it.
        dtype: of the function's argument.
    """

    name: str = ALONE
    dtype: str = "float32"

    def outer(self, x: Any) -> Any:
        """The program's argument from which about this argument of the function is computed."""
        if self.name == CAST:
            return x.astype(numpy_dtype(CAST_FROM[self.dtype]))
        return np.stack([x[::-1] if x.ndim else x, x]) if self.name == SLICE else x

    def inner(self, outer: Any) -> Any:
        """The function's argument."""
        match self.name:
            case "product":
                return self._multiplied(outer)
            case "cast":
                return outer.astype(numpy_dtype(self.dtype))
            case "slice":
                return outer[1]
            case _:
                return outer

    def result(self, out: Any) -> Any:
        """The program's result from the function's."""
        scaled = self.name == SCALED and is_floating(str(out.dtype))
        return self._multiplied(out) if scaled else out

    def slope(self, slope: Any, first: bool) -> Any:
        """The gradient with respect to an argument of the program from that of the function.

        Args:
            slope: the gradient of the function.
            first: whether it is the argument that the context computes.
        """
        if self.name == SCALED or (first and self.name == PRODUCT):
            return self._multiplied(slope)
        if first and self.name == CAST:
            return slope.astype(numpy_dtype(CAST_FROM[self.dtype]))
        return np.stack([np.zeros_like(slope), slope]) if first and self.name == SLICE else slope

    def _multiplied(self, array: Any) -> Any:
        # The factor in the array's dtype: numpy rounds a product of two dtypes in the wider one.
        return array * array.dtype.type(FACTORS[self.dtype])


NO_CONTEXT = Context()
