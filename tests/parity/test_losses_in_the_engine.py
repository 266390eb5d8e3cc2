"""Functions of several arguments, labels and reductions: small rows of jax, torch and numpy."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn import functional

from parity.cases import cases
from parity.engine import run
from parity.report.snippet import snippet
from parity.spec import (
    Choices,
    Fixed,
    Labels,
    Quirk,
    Samples,
    Setting,
    Spec,
    Sweep,
    SweepAround,
    on,
)
from parity.verdict import Outcome

NUMBERS = ("forward", "vjp", "jvp", "second", "vmap", "jit", "shapes")


def _row(subject, reference, **fields):
    fields = {"checks": NUMBERS, "dtypes": ("float32",), **fields}
    return Spec(
        family="test",
        name="f",
        subject=on("jax", subject),
        reference=on("torch", reference),
        **fields,
    )


def _failures(row):
    results = run(cases([row]))
    assert results
    return {r.case.check: r.message for r in results if not r.outcome.succeeds}


def _huber(input, target, delta=1.0, reduction="none"):
    z = input - target
    a = jnp.abs(z)
    near = 0.5 * jnp.square(jnp.where(a <= delta, z, 0))
    losses = jnp.where(a <= delta, near, delta * (a - 0.5 * delta))
    return {"none": lambda x: x, "mean": jnp.mean, "sum": jnp.sum}[reduction](losses)


def _l1_with_slope_at_zero(slope):
    @jax.custom_jvp
    def distance(z):
        return jnp.abs(z)

    @distance.defjvp
    def _(primals, tangents):
        (z,), (along,) = primals, tangents
        sign = jnp.where(z == 0, slope, (z > 0).astype(z.dtype) - (z < 0))
        return distance(z), sign.astype(z.dtype) * along

    return lambda input, target: distance(input - target)


PAIR = (Sweep(), SweepAround(kinks=(-1.0, 0.0, 1.0)))
L1 = _row(
    _l1_with_slope_at_zero(0), lambda x, t: functional.l1_loss(x, t, reduction="none"), inputs=PAIR
)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_a_right_loss_of_two_arguments_passes(dtype):
    checks = tuple(check for check in NUMBERS if check != "second")
    assert _failures(replace(L1, dtypes=(dtype,), checks=checks)) == {}


def test_a_wrong_slope_where_two_arguments_are_equal_is_caught():
    wrong = replace(L1, subject=on("jax", _l1_with_slope_at_zero(1)), checks=("vjp",))
    assert "vjp" in _failures(wrong)


def _stepped(bound):
    return lambda x, t: (x - t <= np.float32(bound)).astype(x.dtype)


def _outcome_of_a_step_one_ulp_beside(kink, way, inputs):
    beside = np.nextafter(np.float32(kink), np.float32(way))
    row = Spec(
        family="test",
        name="f",
        subject=on("numpy", _stepped(beside)),
        reference=on("numpy", _stepped(kink)),
        inputs=inputs,
        dtypes=("float32",),
        checks=("forward",),
    )
    (result,) = run(cases([row]))
    return result.outcome


@pytest.mark.parametrize("kink", [-1.0, 1.35])
@pytest.mark.parametrize("way", [-np.inf, np.inf])
def test_a_kink_one_ulp_beside_is_caught(kink, way):
    inputs = (Sweep(), SweepAround(kinks=(kink,)))
    assert _outcome_of_a_step_one_ulp_beside(kink, way, inputs) is Outcome.MISMATCH


def test_a_kink_one_ulp_beside_is_not_met_by_chance():
    inputs = (Sweep(), Sweep())
    assert _outcome_of_a_step_one_ulp_beside(1.35, np.inf, inputs).succeeds


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_reduced_loss_passes_and_a_wrong_one_does_not(reduction):
    samples = (Samples(shape=(64, 5), special=False), Samples(shape=(64, 5)))
    values = {"reduction": reduction}
    row = _row(_huber, functional.huber_loss, inputs=samples, settings=(Setting(values=values),))
    checks = ("forward", "vjp", "jvp", "vmap", "jit")
    assert _failures(replace(row, checks=checks)) == {}
    other = on("jax", lambda input, target, reduction: _huber(input, target, 1.0001, reduction))
    assert _failures(replace(row, subject=other, checks=checks)).keys() >= {"forward", "vjp", "jvp"}


def _nll(scores, labels, weight, ignore_index=-100):
    kept = labels != ignore_index
    safe = jnp.where(kept, labels, 0)
    own = jnp.take_along_axis(scores, safe[:, None], 1)[:, 0]
    return jnp.where(kept, -own * weight[safe], 0)


def _torch_nll(scores, labels, weight, ignore_index=-100):
    return functional.nll_loss(scores, labels, weight, None, ignore_index, None, "none")


NLL = _row(
    _nll,
    _torch_nll,
    inputs=(
        Samples(shape=(40, 3), special=True),
        Labels(shape=(40,), classes=3, special=(-100,)),
        Fixed(values=(0.5, 1.0, 2.0)),
    ),
    dtypes=("float32", "float64"),
)


def test_a_loss_of_labels_passes():
    assert _failures(NLL) == {}


def test_an_ignored_label_that_counts_is_caught():
    def counting(scores, labels, weight):
        own = jnp.take_along_axis(scores, jnp.maximum(labels, 0)[:, None], 1)[:, 0]
        return -own * weight[jnp.maximum(labels, 0)]

    wrong = replace(NLL, subject=on("jax", counting))
    assert _failures(wrong).keys() >= {"forward", "vjp"}


def _soft_margin(input, target):
    return jax.nn.softplus(-target * input)


SOFT_MARGIN = _row(
    _soft_margin,
    lambda x, t: functional.soft_margin_loss(x, t, reduction="none"),
    truth=on("torch", lambda x, t: functional.softplus(-t * x, threshold=1000)),
    inputs=(Sweep(), Choices(values=(-1.0, 1.0), differentiated=False)),
    checks=("forward", "shapes"),
)


def test_an_argument_without_a_gradient_in_torch_is_left_alone():
    assert _failures(replace(SOFT_MARGIN, checks=("shapes",))) == {}
    differentiated = (Sweep(), Choices(values=(-1.0, 1.0)))
    failures = _failures(replace(SOFT_MARGIN, inputs=differentiated, checks=("vjp",)))
    assert "not differentiable with respect to argument 'target'" in failures["vjp"]


def _gated(x, t):
    return jnp.clip(x / 6 + 0.5, 0, 1) * t


def test_where_torch_has_no_answer_the_truth_alone_decides():
    row = _row(
        _gated,
        lambda x, t: functional.hardsigmoid(x) * t,
        truth=on("torch", lambda x, t: (x / 6 + 0.5) * t),
        inputs=(Sweep(span=(-2.0, 2.0)), Sweep(span=(-4.0, 4.0))),
        checks=("second",),
    )
    assert "not implemented" in _failures(row)["second"]
    quirk = Quirk(reason="none", source="a test", where=None, checks=("second",))
    declared = replace(row, quirks=(quirk,))
    assert [r.outcome for r in run(cases([declared]))] == [Outcome.QUIRK]
    other = on("jax", lambda x, t: _gated(x, t) + 0.01 * x * t)
    assert _failures(replace(declared, subject=other)).keys() == {"second"}


def test_a_quirk_sees_every_argument():
    def odd(x, t):
        return torch.where((x == 1) & (t == -1), x * 7, x * t)

    quirk = Quirk(
        reason="odd",
        source="a test",
        where=lambda arguments, values: (arguments[0] == 1) & (arguments[1] == -1),
        instead=-1.0,
        checks=("forward",),
    )
    row = _row(
        lambda x, t: x * t,
        odd,
        inputs=(Sweep(), Choices(values=(-1.0, 1.0))),
        checks=("forward",),
        quirks=(quirk,),
    )
    (result,) = run(cases([row]))
    assert result.outcome is Outcome.QUIRK
    assert result.worst.input == (1.0, -1.0)
    assert _failures(replace(row, quirks=())).keys() == {"forward"}


def test_a_snippet_has_every_argument_and_asks_torch_for_no_gradient_of_a_constant_one():
    row = _row(
        "jax.numpy.add",
        "mul",
        inputs=(Sweep(span=(1.0, 2.0)), Choices(values=(-1.0, 1.0), differentiated=False)),
        checks=("vjp",),
    )
    (result,) = run(cases([row]))
    text = snippet(result)
    assert "x1 = torch.tensor([float.fromhex(" in text
    assert text.count("requires_grad=True") == 1
    assert "torch.autograd.grad(out, (x,)," in text
