"""Norms of vectors, free of overflow and with torch's gradients at 0."""

from jaxact._norms.euclidean import (
    Axes,
    norm,
    norm_of_all,
    unit_norms,
    unit_vectors,
    with_vectors_last,
)
from jaxact._norms.p_norms import Kind, kind_of, p_norm
from jaxact._norms.quotients import divided, quotient, shrinkage, shrunk_to
from jaxact._norms.scaling import least_sum_of_squares

__all__ = [
    "Axes",
    "Kind",
    "divided",
    "kind_of",
    "least_sum_of_squares",
    "norm",
    "norm_of_all",
    "p_norm",
    "quotient",
    "shrinkage",
    "shrunk_to",
    "unit_norms",
    "unit_vectors",
    "with_vectors_last",
]
