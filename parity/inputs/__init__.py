"""Turns the descriptions of a row's arguments into numbers."""

from __future__ import annotations

from parity.inputs.points import LINEAR_GRID
from parity.inputs.problem import Form, Problem, is_constant, is_pointwise, problem

__all__ = ["LINEAR_GRID", "Form", "Problem", "is_constant", "is_pointwise", "problem"]
