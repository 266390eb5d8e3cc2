"""The exceptions that jaxact raises; all derive from JaxactError.

Each class also derives from the builtin exception that torch raises for the same mistake, so code
that catches `ValueError` or torch's `RuntimeError` keeps working.
"""

__all__ = [
    "ArgumentTypeError",
    "ArgumentValueError",
    "CompilationError",
    "DtypeError",
    "InvalidDivisorError",
    "InvalidIndexError",
    "InvalidTypeError",
    "InvalidValueError",
    "JaxactError",
    "NotDifferentiableError",
]


class JaxactError(Exception):
    """The base class of all exceptions that jaxact raises on purpose."""


class InvalidValueError(JaxactError, ValueError):
    """A value, a shape or an option that the function does not accept."""


class InvalidTypeError(JaxactError, TypeError):
    """An argument of the wrong kind, missing, or unknown to the function."""


class InvalidIndexError(JaxactError, IndexError):
    """An axis that the array does not have, or a class index out of range."""


class InvalidDivisorError(InvalidValueError, ZeroDivisionError):
    """A 0, by which torch divides."""


class CompilationError(JaxactError, RuntimeError):
    """A function that was called inside a compiled program, where it cannot work."""


class NotDifferentiableError(JaxactError, NotImplementedError):
    """A derivative that is not implemented here or in torch."""


class ArgumentValueError(InvalidValueError, RuntimeError):
    """A value out of range, for which torch raises a RuntimeError."""


class ArgumentTypeError(InvalidTypeError, RuntimeError):
    """An argument of the wrong kind, for which torch raises a RuntimeError."""


class DtypeError(InvalidTypeError, NotImplementedError):
    """A dtype for which torch has no kernel (its "not implemented" errors)."""
