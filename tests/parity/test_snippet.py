"""What a failure prints can be pasted and shows the difference without parity."""

import subprocess
import sys

import pytest

from parity.cases import cases
from parity.engine import run
from parity.report.console import Reporter, failure_text
from parity.report.snippet import snippet
from parity.report.summary import replay_by_id
from parity.spec import Setting, Spec, Sweep, on
from parity.verdict import Outcome

DEFAULTS = (Setting(),)


def _failure(check, params=DEFAULTS, subject="nn.relu6", reference="nn.functional.relu", kinks=()):
    spec = Spec(
        family="test",
        name="f",
        subject=on("jax", subject),
        reference=on("torch", reference),
        inputs=(Sweep(kinks=kinks),),
        settings=params,
        dtypes=("float32",),
        checks=(check,),
    )
    (result,) = run(cases([spec]))
    assert result.outcome is Outcome.MISMATCH
    return result


def _printed(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_value_is_reproduced():
    result = _failure("forward")
    ours, theirs = _printed(snippet(result))
    assert "parity" not in snippet(result)
    assert ours == "[6.]"
    assert theirs.startswith("tensor([")
    assert theirs != "tensor([6.])"


def test_a_gradient_is_reproduced_with_its_cotangent():
    result = _failure("vjp")
    ours, theirs = _printed(snippet(result))
    assert f"{result.worst.subject:.4g}"[:4] in ours or "0." in ours
    assert theirs.startswith("(tensor([")


def test_hyperparameters_are_part_of_it():
    params = (Setting(values={"negative_slope": 0.25}),)
    result = _failure(
        "vjp", params, subject="nn.leaky_relu", reference="nn.functional.leaky_relu", kinks=(0.0,)
    )
    assert snippet(result).count("negative_slope=0.25") == 2
    assert len(_printed(snippet(result))) == 2


def test_a_failure_names_the_command_that_replays_it():
    text = failure_text(_failure("forward"), replay_by_id(seed=4))
    assert "python -m parity replay test/f/float32/forward --seed 4" in text


def test_a_pipe_gets_plain_lines(capsys):
    result = _failure("forward")
    with Reporter(1, replay_by_id(), sys.stdout) as reporter:
        reporter(result)
        reporter.finish([result])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert printed.splitlines()[-1] == (
        "parity: 1 cases, 0 exact, 0 within, 0 closer, 0 quirks, 1 failed"
    )


@pytest.mark.parametrize("long", ["x" * 300])
def test_lines_are_not_wrapped_in_a_pipe(capsys, long):
    with Reporter(1, replay_by_id(), sys.stdout) as reporter:
        reporter.console.print(long)
    assert capsys.readouterr().out.strip() == long


def test_a_point_of_a_tree_has_no_snippet_and_is_reported_all_the_same():
    spec = Spec(
        family="test",
        name="f",
        subject=on("jax", lambda tree: tree["a"] + tree["b"]),
        reference=on("torch", lambda tree: tree["a"] - tree["b"]),
        inputs=({"a": Sweep(span=(1.0, 2.0)), "b": Sweep(span=(1.0, 2.0))},),
        dtypes=("float32",),
        checks=("vjp",),
    )
    (result,) = run(cases([spec]))
    assert result.outcome is Outcome.MISMATCH
    assert snippet(result) == ""
    assert failure_text(result, replay_by_id()).startswith("MISMATCH test/f/float32/vjp")
