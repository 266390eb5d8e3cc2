"""torch's own tests as calls: what they find in wrong functions, skip, and declare."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

from parity import torch_tests
from parity.cases import Coverage, Source, case_of_torch, cases, left_out
from parity.cli import app
from parity.engine import run
from parity.report.summary import tally_lines
from parity.spec import SampleQuirk, Spec, on
from parity.suite import load
from parity.verdict import Outcome

TORCH = Coverage(source=Source.TORCH)


def leaky_relu(input, negative_slope=0.01):
    return jnp.where(input > 0, input, input * jnp.asarray(negative_slope, input.dtype))


def l1_loss(input, target, weight=None, reduction="mean"):
    if input.ndim != target.ndim:
        jnp.broadcast_shapes(input.shape, target.shape)
    error = jnp.abs(input - target) * (1 if weight is None else weight)
    return error if reduction == "none" else getattr(error, reduction)()


def _row(subject, name="leaky_relu", **fields):
    return Spec(
        family="mine",
        name=name,
        subject=on("jax", subject),
        reference=on("torch", f"nn.functional.{name}"),
        omitted=("inplace", "size_average", "reduce"),
        dtypes=("float32",),
        **fields,
    )


def _result(subject, **fields):
    (result,) = run(cases([_row(subject, **fields)], TORCH))
    return result


def test_a_right_function_passes_and_the_calls_are_counted():
    result = _result(leaky_relu)
    assert result.case.id == "mine/leaky_relu/float32/torch_tests"
    assert result.outcome is Outcome.WITHIN, result.message
    assert result.tally.calls >= 5
    assert not result.tally.skipped


def _wrong_value_without_axes(input, negative_slope=0.01):
    return leaky_relu(input, negative_slope) + (0 if input.ndim else 1)


def _wrong_dtype(input, negative_slope=0.01):
    return leaky_relu(input, negative_slope).astype(jnp.float16)


def _wrong_gradient(input, negative_slope=0.01):
    return jax.lax.stop_gradient(leaky_relu(input, negative_slope))


def _wrong_slope(input, negative_slope=0.01):
    return leaky_relu(input)


@pytest.mark.parametrize(
    ("wrong", "difference"),
    [
        (_wrong_value_without_axes, "leaky_relu(float32[]"),
        (_wrong_dtype, "has dtype float16"),
        (_wrong_gradient, "vjp/0"),
        (_wrong_slope, "negative_slope="),
    ],
)
def test_a_wrong_function_is_caught_with_the_call_that_shows_it(wrong, difference):
    result = _result(wrong)
    assert result.outcome is Outcome.MISMATCH
    assert difference in result.message


def test_what_torch_refuses_has_to_be_refused():
    def gelu(input, approximate="none"):
        return jax.nn.gelu(input, approximate=approximate == "tanh")

    result = _result(gelu, name="gelu")
    assert result.outcome is Outcome.MISMATCH
    assert "1 calls differ" in result.message
    assert "nothing is raised; the reference raises RuntimeError" in result.message


def test_calls_that_cannot_be_made_are_counted_with_the_reason():
    result = _result(l1_loss, name="l1_loss")
    assert result.tally.skipped == {"complex numbers": 1}
    assert tally_lines([result]) == [
        f"torch's own tests: {result.tally.calls} calls, 1 skipped",
        "  1 skipped: complex numbers",
    ]


def test_random_calls_are_skipped_without_a_stream_of_torch():
    (rrelu,) = [row for row in load() if row.name == "rrelu"]
    training = [
        call
        for call in torch_tests.calls(rrelu, "float32")
        if isinstance(call, torch_tests.Sample) and call.values.get("training")
    ]
    row = dataclasses.replace(rrelu, dtypes=("float32",))
    (result,) = run(cases([row], TORCH))
    assert result.outcome is Outcome.WITHIN, result.message
    # Others are refused, or not random since the bounds are equal.
    (skipped,) = result.tally.skipped.values()
    assert 0 < skipped <= len(training)
    assert result.tally.calls


QUIRK = SampleQuirk(
    reason="mine adds 1", source="a test", samples="*", shows="leaky_relu(float32[]"
)


def test_a_declared_difference_is_a_quirk():
    result = _result(_wrong_value_without_axes, sample_quirks=(QUIRK,))
    assert result.outcome is Outcome.QUIRK
    assert [quirk.reason for quirk in result.quirks] == ["mine adds 1"]


def test_a_declared_difference_that_is_not_seen_is_stale():
    result = _result(leaky_relu, sample_quirks=(QUIRK,))
    assert result.outcome is Outcome.STALE
    assert "mine adds 1" in result.message


def test_a_declaration_covers_no_other_difference():
    other = dataclasses.replace(QUIRK, shows="has dtype")
    result = _result(_wrong_value_without_axes, sample_quirks=(other,))
    assert result.outcome is Outcome.MISMATCH


def test_a_single_call_is_run_by_its_id():
    rows = [_row(_wrong_value_without_axes)]
    (whole,) = run(cases(rows, TORCH))
    name = whole.message.splitlines()[1].partition(": ")[0]
    case = case_of_torch(rows, name)
    assert case.id == name
    (alone,) = run([case])
    assert alone.outcome is Outcome.MISMATCH
    assert alone.tally.calls == 1
    assert case_of_torch(rows, "mine/leaky_relu/float32/vjp") is None


def test_functions_that_torch_does_not_test_are_named():
    rows = [
        _row(leaky_relu, name="dropout1d"),
        dataclasses.replace(_row(leaky_relu), name="other", reference=on("numpy", np.abs)),
    ]
    assert cases(rows, TORCH) == []
    assert [(out.name, out.reason) for out in left_out(rows, TORCH)] == [
        ("dropout1d", "torch has no tests of it"),
        ("other", "torch has no such function"),
    ]


def test_modules_give_the_calls_that_they_make():
    (row,) = [row for row in load() if row.name == "layer_norm"]
    names = {call.name.partition("-")[0] for call in torch_tests.calls(row, "float32")}
    assert {"sample", "LayerNorm"} <= names
    (row,) = [row for row in load() if row.name == "xavier_uniform"]
    assert torch_tests.calls(row, "float32")


def test_calls_are_the_same_every_time():
    row = _row(l1_loss, name="l1_loss")
    first, again = (torch_tests.calls(row, "float32") for _ in range(2))
    assert [c.name for c in first] == [c.name for c in again]
    arrays = [c.problem.arguments for c in first if isinstance(c, torch_tests.Sample)]
    others = [c.problem.arguments for c in again if isinstance(c, torch_tests.Sample)]
    for one, other in zip(arrays, others, strict=True):
        assert all(np.array_equal(one[path], other[path]) for path in one)


def test_torch_s_functions_are_back_in_place_after_recording():
    import torch

    torch_tests.calls(_row(leaky_relu), "float32")
    assert not hasattr(torch.nn.functional.leaky_relu, "__wrapped__")


# ------------------------------------------------------------------------------- the command line


def _shell(*args, rows):
    return CliRunner().invoke(app(lambda: rows), list(args))


def test_run_and_list_take_the_source():
    rows = [_row(leaky_relu)]
    done = _shell("run", "--source", "torch", rows=rows)
    assert done.exit_code == 0, done.output
    assert "torch's own tests: " in done.stdout
    listed = _shell("list", "--source", "torch", rows=rows)
    assert listed.stdout.split() == ["mine/leaky_relu/float32/torch_tests"]


def test_another_source_is_a_usage_error():
    done = _shell("run", "--source", "numpy", rows=[_row(leaky_relu)])
    assert done.exit_code == 2
    assert "'rows'" in done.output
    assert "'torch'" in done.output
