"""What jaxact's functions raise: one root class, and torch's and Python's kinds beside it.

Each class is also the builtin one that torch raises in the same place, so that code which catches
`ValueError` or torch's `RuntimeError` goes on working.
"""

__all__ = [
    "ArgumentTypeError",
    "ArgumentValueError",
    "DtypeError",
    "InvalidIndexError",
    "InvalidTypeError",
    "InvalidValueError",
    "JaxactError",
    "NotDifferentiableError",
]


class JaxactError(Exception):
    """Everything that jaxact raises on purpose."""


class InvalidValueError(JaxactError, ValueError):
    """A value, a shape or an option that the function does not take."""


class InvalidTypeError(JaxactError, TypeError):
    """An argument of the wrong kind, missing, or unknown to the function."""


class InvalidIndexError(JaxactError, IndexError):
    """An axis that the array has not, or a class that does not exist."""


class NotDifferentiableError(JaxactError, NotImplementedError):
    """A derivative that torch does not have either."""


class ArgumentValueError(InvalidValueError, RuntimeError):
    """A value out of range, for which torch raises a RuntimeError."""


class ArgumentTypeError(InvalidTypeError, RuntimeError):
    """An argument of the wrong kind, for which torch raises a RuntimeError."""


class DtypeError(InvalidTypeError, NotImplementedError):
    """A dtype for which torch says that the kernel is not implemented."""
