"""Calls of a domain: contexts, calls just outside, numeric derivatives, code to reproduce one."""

import contextlib
import dataclasses
import io
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity import compiled
from parity.backends import WAYS
from parity.backends.contexts import CONTEXTS, Context
from parity.cases import Coverage, cases
from parity.covering import CHOICES, PAIRS
from parity.domains import Domain, Made, Number, OneOf, Tensor
from parity.engine import run
from parity.engine.agreement import unlike
from parity.engine.calling import difference
from parity.engine.draws import Call, factors_of
from parity.engine.reproduction import reproduction
from parity.spec import Spec, on
from parity.verdict import Outcome

INPUT = Tensor(axes=("n m", "n"))
LEAKY = Domain(arguments={"input": INPUT, "negative_slope": Number(0.01, 0.5)}, refusals=False)


def _leaky(input, negative_slope=0.01):
    return jnp.where(input > 0, input, input * jnp.asarray(negative_slope).astype(input.dtype))


def _row(subject=_leaky, domain=LEAKY, **fields):
    torchs = {"reference": on("torch", "nn.functional.leaky_relu"), "checks": ()}
    return Spec(
        family="mine", name="leaky", subject=on("jax", subject), domain=domain, **torchs | fields
    )


def _call(row, **levels):
    simplest = {f.name: f.levels[0] for f in factors_of(row, row.domain)}
    return Call(spec=row, levels=simplest | {n.replace("__", "."): v for n, v in levels.items()})


def _result(row, **coverage):
    (result,) = run(cases([row], Coverage(**coverage)))
    return result


# ----------------------------------------------------------------------------------------- contexts


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", CONTEXTS)
def test_a_context_computes_the_same_argument_in_numpy_and_in_jax(name, dtype):
    context = Context(name, dtype)
    x = np.linspace(-2, 2, 12).reshape(3, 4).astype(jnp.dtype(dtype))
    outer = context.outer(x)
    inner = context.inner(outer)
    assert (inner.shape, inner.dtype) == (x.shape, x.dtype)
    np.testing.assert_array_equal(np.asarray(context.inner(jnp.asarray(outer))), inner)


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("eager", "numpy")])
def test_a_right_function_is_right_in_every_context(context, way):
    assert difference(_call(_row(), way=way, context=context)) == ""


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_wrong_gradient_is_found_in_every_context(context):
    @jax.custom_jvp
    def wrong(input, negative_slope=0.01):
        return _leaky(input, negative_slope)

    @wrong.defjvp
    def _(primals, tangents):
        return wrong(*primals), 1.1 * tangents[0] * jnp.where(primals[0] > 0, 1, 0.01)

    message = difference(_call(_row(lambda input, **_: wrong(input)), way="compiled"))
    assert message.startswith("vjp/0")
    call = _call(_row(lambda input, **_: wrong(input)), way="compiled", context=context)
    assert difference(call).startswith("vjp/0")


# ------------------------------------------------------------------------------ numeric derivatives


def test_the_gradient_of_a_hyperparameter_that_is_an_array_is_compared():
    def stopped(input, negative_slope=0.01):
        return _leaky(input, jax.lax.stop_gradient(jnp.asarray(negative_slope)))

    for levels in ({}, {"precision": "float16"}, {"way": "mapped"}):
        levels |= {"negative_slope__type": "array", "negative_slope": "0.5"}
        assert difference(_call(_row(), **levels)) == ""
        assert "numeric derivative" in difference(_call(_row(stopped), **levels))


def test_the_gradient_of_weights_of_which_the_reference_has_none_is_compared():
    def scaled(input, weight):
        return input * weight

    def stopped(input, weight):
        return input * jax.lax.stop_gradient(weight)

    weight = Tensor(like="input", low=0.5, high=2.0, numeric=True)
    domain = Domain(arguments={"input": INPUT, "weight": weight}, refusals=False)
    fields = {"domain": domain, "reference": on("torch", "mul")}
    assert difference(_call(_row(scaled, **fields))) == ""
    assert difference(_call(_row(stopped, **fields))).startswith("vjp/1")


# ------------------------------------------------------------------------------------- just outside

STRICT = Domain(arguments={"input": INPUT, "negative_slope": Number(0.01, 0.5)})


def _strict(input, negative_slope=0.01):
    if not isinstance(input, jax.Array | np.ndarray) or not isinstance(negative_slope, float):
        numbers = (jax.Array, np.generic, np.ndarray)
        if not isinstance(negative_slope, numbers):
            raise TypeError("no number")
    if isinstance(input, list):
        raise TypeError("a list")
    if not jnp.issubdtype(input.dtype, jnp.floating):
        raise NotImplementedError("not floating")
    return _leaky(input, negative_slope)


def test_a_function_that_refuses_what_the_reference_refuses_passes():
    result = _result(_row(_strict, STRICT))
    assert result.outcome is Outcome.WITHIN, result.message


def test_a_function_that_accepts_anything_is_found():
    def lax(input, negative_slope=0.01):
        return _leaky(jnp.asarray(input), 0.01 if negative_slope is None else negative_slope)

    result = _result(_row(lax, STRICT))
    assert result.outcome is Outcome.MISMATCH
    assert "outside=" in result.message
    assert "nothing is raised" in result.message


def test_a_decision_is_declared_and_has_to_be_observed():
    def only_matrices(input, negative_slope=0.01):
        if isinstance(input, jax.Array) and input.ndim > 2:
            raise ValueError("two axes at most")
        return _strict(input, negative_slope)

    reason = {"input:more_axes": "two axes at most"}
    declared = dataclasses.replace(STRICT, decisions=reason)
    assert _result(_row(only_matrices, STRICT), meeting=PAIRS).outcome is Outcome.MISMATCH
    assert _result(_row(only_matrices, declared), meeting=PAIRS).outcome is Outcome.WITHIN
    assert _result(_row(_strict, declared), meeting=PAIRS).outcome is Outcome.STALE


# ------------------------------------------------------------------------- what rounding decides


def _relu_of_a_sum(input):
    """In another order than torch's, so that rounding may decide on which side a sum of 0 is."""
    return jnp.maximum((input[..., 2] + input[..., 1]) + input[..., 0], 0)


def _flat_below_one(input):
    total = _relu_of_a_sum(input)
    return jnp.where(total < 1, 0, total)


def _nearly_zero(draw):
    """Rows of which every hundredth has a sum that is rounding alone."""
    x = draw.random("input").standard_normal((1000, 3)).astype(np.float32)
    x[::100, 2] = -(x[::100, 0] + x[::100, 1])
    return x


def test_a_side_of_a_kink_that_rounding_decides_is_either():
    domain = Domain(arguments={"input": Made(_nearly_zero, ("n",))}, refusals=False)
    torchs = on("torch", lambda input: torch.relu(input.sum(-1)))
    call = _call(_row(_relu_of_a_sum, domain, reference=torchs))
    x = call.draws[0].made["input"]
    theirs = torch.tensor(x, requires_grad=True)
    torch.relu(theirs.sum(-1)).sum().backward()
    ours = jax.grad(lambda x: _relu_of_a_sum(x).sum())(x)
    assert (np.asarray(ours) != theirs.grad.numpy()).any()
    assert difference(call) == ""
    assert difference(_call(_row(_flat_below_one, domain, reference=torchs))) != ""


def test_rounding_decides_few_numbers_and_by_no_more_than_it_changes():
    expected = {"out": np.eye(1, 100, dtype=np.float32)[0]}
    jump = {"out": np.where(np.arange(100) == 5, 0.5, expected["out"]).astype(np.float32)}
    jumps = {"out": np.where(np.arange(100) > 5, 0.5, expected["out"]).astype(np.float32)}

    def message(found, shaken):
        return unlike(found, expected, [lambda: expected], "float32", shaken=lambda: [shaken])

    assert message(jump, jump) == ""
    assert message(jumps, jumps).startswith("out[6]: 0.5")
    assert message(jump, {"out": expected["out"] + np.float32(1e-5)}).startswith("out[5]: 0.5")


def test_a_result_is_as_accurate_as_its_dtype_where_the_reference_is():
    expected = {"out": np.asarray([1.0], np.float32)}
    found = {"out": np.asarray([1.001], np.float32)}

    def message(true):
        return unlike(found, expected, [lambda: {"out": np.asarray([true])}], "bfloat16")

    assert message(1.0).startswith("out[0]: 1.001")
    # The reference is itself no more accurate than half precision.
    assert message(1.002) == ""


def test_the_largest_rounding_of_the_reference_is_allowed_everywhere_in_a_result():
    true = np.asarray([1.0, 1.0, 1.0])
    rounded = np.asarray([1.0, 1.0, 1.0002], np.float32)
    wrong = np.asarray([1.0, 1.0, 1.5], np.float32)

    def message(error, reference):
        found = {"out": np.asarray([1.0 + error, 1.0, 1.0], np.float32)}
        return unlike(found, {"out": reference}, [lambda: {"out": true}], "float32")

    assert message(1e-3, rounded) == ""
    assert message(4e-3, rounded).startswith("out[0]: 1.00")
    # A reference that is wrong in one place excuses nothing in others.
    assert message(1e-3, wrong).startswith("out[0]: 1.00")


def test_a_state_is_as_accurate_as_those_before_it():
    values = {"a": (1.0, 1e-3), "b": (1e-3, 1.0), "n": (500, 1000)}
    expected = {
        f"step/{i}/state/{name}": np.asarray([numbers[i]], np.int32 if name == "n" else np.float32)
        for name, numbers in values.items()
        for i in range(2)
    }

    def message(entry, error):
        found = {**expected, entry: expected[entry] + np.float32(error)}
        return unlike(found, expected, [lambda: expected], "float32", values_only=True)

    # The error of 1.0 before it stays in it; neither later steps nor other states excuse one.
    assert message("step/1/state/a", 1e-5) == ""
    assert message("step/1/state/a", 1e-3) != ""
    assert message("step/0/state/b", 1e-5) != ""


# ------------------------------------------------------------------------------- what is visited


def _picky(input, mode="a"):
    if mode == "b" and input.ndim == 1:
        raise ValueError("vectors have no mode b")
    return input * 2


def test_a_pair_that_the_reference_refuses_is_not_visited_but_refused():
    domain = Domain(arguments={"input": INPUT, "mode": OneOf("a", "b")}, refusals=False)
    row = _row(_picky, domain, reference=on("torch", _picky))
    visited = _result(row, meeting=PAIRS).visited
    assert visited.refused >= 1
    assert visited.pairs[0] == visited.pairs[1]


def test_a_choice_that_the_reference_refuses_does_not_belong_to_the_domain():
    def refuses_b(input, mode="a"):
        if mode == "b":
            raise ValueError("there is no mode b")
        return input * 2

    domain = Domain(arguments={"input": INPUT, "mode": OneOf("a", "b")}, refusals=False)
    for meeting in (CHOICES, PAIRS):
        result = _result(_row(refuses_b, domain, reference=on("torch", refuses_b)), meeting=meeting)
        assert result.outcome is Outcome.MISMATCH
        assert "the reference gives no result with mode=b" in result.message


def test_the_argument_that_is_mapped_first_is_the_same_for_all_that_ask():
    def chosen(classes, share):
        return jax.nn.one_hot(classes, 3) * jnp.asarray(share, jnp.float32)

    def torchs(classes, share):
        return torch.nn.functional.one_hot(classes, 3).float() * share

    labels = Made(lambda draw: draw.random("labels").integers(0, 3, 5), ("n",))
    domain = Domain(arguments={"classes": labels, "share": Number(0.5)}, refusals=False)
    row = _row(chosen, domain, reference=on("torch", torchs))
    for way in ("mapped", "mapped_first", "mapped_others"):
        for context in CONTEXTS:
            call = _call(row, way=way, context=context, share__type="array")
            assert difference(call) == "", call.name


def test_empty_results_stand_for_their_length_only():
    def wrong_for_b(input, mode="a"):
        return input * (3 if mode == "b" else 2)

    domain = Domain(
        arguments={"input": Tensor(axes=("n",)), "mode": OneOf("a", "b")}, refusals=False
    )
    right = on("torch", lambda input, mode="a": input * 2)
    result = _result(_row(wrong_for_b, domain, reference=right), meeting=CHOICES)
    assert result.outcome is Outcome.MISMATCH


def test_an_argument_cannot_have_the_name_of_a_choice_of_every_call():
    domain = Domain(arguments={"input": INPUT, "way": OneOf(1, 2)})
    with pytest.raises(ValueError, match="cannot be called way"):
        factors_of(_row(domain=domain), domain)


# ------------------------------------------------------------------------- code that reproduces one

NAMED = dataclasses.replace(_row(), subject=on("jax", "jaxact.functional.leaky_relu"))


@pytest.mark.parametrize("message", ["", "vjp/0: 1.0, reference 2.0"])
@pytest.mark.parametrize(
    "levels",
    [
        {},
        {"way": "compiled", "negative_slope__type": "array"},
        {"way": "numpy", "precision": "bfloat16"},
        {"lengths": "n=0"},
        {"negative_slope": "0.5", "negative_slope__type": "numpy"},
    ],
)
def test_the_code_runs_without_parity_and_prints_both_results(levels, message):
    code = reproduction(_call(NAMED, **levels), message)
    assert "parity" not in code
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert "tensor" in printed.getvalue()


def test_a_function_without_a_name_has_no_code():
    assert reproduction(_call(_row(lambda input, **_: input)), "") == ""


# -------------------------------------------------------------------------------- compiled programs


def test_compiled_programs_are_kept_where_the_user_says(monkeypatch):
    monkeypatch.setenv(compiled.FOLDER, "/somewhere")
    assert str(compiled.keep()) == "/somewhere"


def test_compiled_programs_are_kept_in_a_folder_of_the_user_for_this_jax(monkeypatch):
    for name in (compiled.FOLDER, *compiled.LIMITS):
        monkeypatch.delenv(name, raising=False)
    folder = compiled.keep()
    assert f"jax-{jax.lib.__version__}" in folder.name
    assert os.environ[compiled.FOLDER] == str(folder)
    monkeypatch.delenv(compiled.FOLDER)
