"""Values that torch refuses: nan unless asked, torch's error when asked, wherever the call is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jax.experimental import checkify

import jaxact
from jaxact._checking import nan_unless
from jaxact._op import op

traces: list[str] = []


@op(static=("name",))
def root(input: Array, name: str = "root") -> Array:
    """root(x) = x^(1/2)."""
    traces.append(name)
    x = jnp.asarray(input)
    message = f"{name}: input must be at least 0, got {{value}}"
    return nan_unless(jnp.sqrt(jnp.abs(x) + 1), x >= 0, ValueError, message, x)


GOOD = jnp.array([0.0, 3.0, 8.0])
BAD = jnp.array([0.0, -3.0, 8.0])
REFUSED = pytest.raises(ValueError, match=r"^root: input must be at least 0, got -3\.0")


def total(x: Array) -> Array:
    return root(x).sum()


def scanned(x: Array) -> Array:
    return jax.lax.scan(lambda carry, one: (carry + root(one), None), jnp.zeros(()), x)[0]


COMPOSED = {
    "value": total,
    "grad": jax.grad(total),
    "vmap": jax.vmap(root),
    "vmap of grad": jax.vmap(jax.grad(root)),
    "scan": scanned,
    "grad of scan": jax.grad(scanned),
    "jit": jax.jit(total),
    "checkpoint": jax.grad(jax.checkpoint(total)),
}


def test_unchecked_the_bad_element_is_nan_and_so_is_its_gradient() -> None:
    np.testing.assert_array_equal(root(BAD), [1, np.nan, 3])
    np.testing.assert_array_equal(jnp.isnan(jax.grad(total)(BAD)), [False, True, False])


@pytest.mark.parametrize("name", COMPOSED)
def test_a_checked_function_raises_whatever_it_is_composed_of(name: str) -> None:
    checked = jaxact.checked(COMPOSED[name])
    with REFUSED:
        checked(BAD)
    np.testing.assert_array_equal(checked(GOOD), COMPOSED[name](GOOD))


@pytest.mark.parametrize("name", ["value", "grad", "vmap", "vmap of grad"])
def test_eager_calls_raise_while_checking(name: str) -> None:
    with jaxact.checking():
        COMPOSED[name](GOOD)
        with REFUSED:
            COMPOSED[name](BAD)
    assert jnp.isnan(COMPOSED[name](BAD)).any()


def test_what_was_compiled_before_is_checked_all_the_same() -> None:
    jitted = jax.jit(lambda x: root(x, name="before"))
    jitted(BAD)
    with pytest.raises(ValueError, match="before: "):
        jaxact.checked(jitted)(BAD)
    assert jnp.isnan(jitted(BAD)).any()


def test_a_checked_function_is_compiled_once() -> None:
    checked = jaxact.checked(lambda x: root(x, name="once"))
    for x in (GOOD, GOOD + 1, GOOD + 2):
        checked(x)
    assert traces.count("once") == 1


def test_a_checked_function_takes_the_options_of_jit() -> None:
    checked = jaxact.checked(root, static_argnames="name")
    with pytest.raises(ValueError, match="named: "):
        checked(BAD, name="named")


def test_a_checked_function_is_no_part_of_another_program() -> None:
    checked = jaxact.checked(total)
    for outer in (jax.jit(checked), jax.vmap(checked)):
        with pytest.raises(RuntimeError, match="outside of jit and vmap"):
            outer(BAD[None])


def test_it_composes_with_checks_of_the_users_own() -> None:
    def own(x: Array) -> Array:
        checkify.check(jnp.all(x < 5), "too large")
        return root(x)

    both = jaxact.checked(checkify.checkify(own))
    assert "too large" in both(GOOD)[0].get()
    with REFUSED:
        both(BAD)


def test_what_a_user_compiled_raises_at_the_end_of_the_context_at_the_latest() -> None:
    jitted = jax.jit(total)
    with REFUSED, jaxact.checking():
        jitted(BAD)


def test_an_error_of_the_past_is_not_raised_again() -> None:
    def stops() -> None:
        with jaxact.checking():
            jax.jit(total)(BAD)
            raise KeyError

    with pytest.raises(KeyError):
        stops()
    jaxact.checked(total)(GOOD)


def test_nothing_is_checked_in_an_empty_array() -> None:
    assert jaxact.checked(root)(jnp.zeros((0,))).shape == (0,)


def test_checks_end_with_the_context_even_after_an_error() -> None:
    with REFUSED, jaxact.checking():
        root(BAD)
    assert jnp.isnan(root(BAD)).any()


def test_a_checked_call_does_not_swallow_what_the_context_around_it_has_found() -> None:
    def both() -> None:
        with jaxact.checking():
            jax.jit(total)(BAD)
            jaxact.checked(total)(GOOD)

    with REFUSED:
        both()
