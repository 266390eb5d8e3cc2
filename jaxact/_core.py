# ruff: noqa
import functools
import jax
from jaxact._arguments import *
from jaxact._arguments import as_array, as_floating, check_axis, per_channel
from jaxact._numbers import *
from jaxact.errors import *
from jaxact._rules import rematerialized as recomputed
from jaxact._checking import raising


def op(*, static=(), check=None, by_value=False):
    def decorate(function):
        jitted = jax.jit(function, static_argnames=tuple(static))
        if by_value:
            jitted = raising(jitted)
        if check is None:
            return jitted

        @functools.wraps(function)
        def checked(*args, **kwargs):
            check(*args, **kwargs)
            return jitted(*args, **kwargs)

        return checked

    return decorate
