"""What is timed: every public function, on arguments made of its row's descriptions."""

import importlib
import inspect

import numpy as np
import pytest

from experiments.activation_rows import activation_rows
from experiments.bench.forms import FORMS, UNTIMED, Form
from experiments.bench.peers import PEERS
from experiments.bench.sizes import ELEMENTS, Sizes, drawn
from experiments.bench.workloads import workload, workloads
from parity.spec import Choices, Fixed, Labels, Samples, Spec, Sweep, SweepAround, on

FAMILIES = ("losses", "regularizers")


def _public(family):
    module = importlib.import_module(f"jaxact.{family}")
    return {name for name in module.__all__ if not inspect.isclass(getattr(module, name))}


def _timed(family):
    if family == "activations":
        return {row.function for row in activation_rows() if row.listed}
    return {work.function for work in workloads(family, (), 1e-4, blank=True)}


@pytest.mark.parametrize("family", ["activations", *FAMILIES])
def test_every_function_is_timed_or_says_why_not(family):
    timed, public = _timed(family), _public(family)
    assert timed | (set(UNTIMED) & public) == public
    assert not timed & set(UNTIMED)


def test_what_is_said_of_functions_is_said_of_ones_that_exist():
    public = set.union(*map(_public, FAMILIES))
    assert {*FORMS, *PEERS, *UNTIMED} <= public
    assert not set(FORMS) & set(UNTIMED)
    assert all(UNTIMED.values())


def _new(inputs, **fields):
    """A row of a function that no table mentions."""
    row = Spec(
        family="losses",
        name="new_loss",
        subject=on("jax", "jaxact.functional.mse_loss"),
        reference=on("torch", "nn.functional.mse_loss"),
        inputs=inputs,
    )
    return workload(row, Form(), 1.0, blank=True, **fields)


@pytest.mark.parametrize(
    ("inputs", "size"),
    [
        ((Sweep(), SweepAround()), str(ELEMENTS)),
        ((Samples(shape=(48, 5)),) * 2, "4096 x 1000"),
        ((Samples(shape=(2, 3, 4, 5)), Samples(shape=(2, 3, 4, 5))), "64 x 64 x 32 x 32"),
    ],
)
def test_a_new_function_is_timed_at_a_size_of_its_own(inputs, size):
    work = _new(inputs)
    assert work.size == size
    first, second = work.jaxact.arguments
    assert first.shape == second.shape
    assert set(work.sides) == {"jaxact", "torch"}


def test_a_new_function_runs_on_both_sides():
    work = _new((Samples(shape=(4, 3)), Samples(shape=(4, 3))))
    for side in work.sides.values():
        side.timed()()


SIZES = Sizes(scale=0.5, old=(48, 7), new=(400, 30), named={5: 11})


@pytest.mark.parametrize(
    ("described", "shape"),
    [
        (Samples(shape=(48, 7)), (200, 30)),
        (Samples(shape=(7,)), (30,)),
        (Samples(shape=(48, 1)), (200, 1)),
        (Samples(shape=(5, 3)), (11, 3)),
        (Samples(shape=(), axis=None), ()),
        (Choices(values=(0.0, 1.0), shape=(48,)), (200,)),
        (Fixed(values=[0.5, 2.0, 1.0, 0.0, 3.0, 1.0, 2.0]), (30,)),
        (Labels(shape=(48,), classes=7), (200,)),
    ],
)
def test_arguments_have_the_sizes_of_the_first_one(described, shape):
    for source in (None, np.random.default_rng(0)):
        assert drawn(described, SIZES, source).shape == shape


def test_ordinary_numbers_are_drawn_as_described():
    source = np.random.default_rng(0)
    points = drawn(Sweep(span=(-2.0, 3.0)), SIZES, source)
    assert points.min() >= -2
    assert points.max() <= 3
    assert np.ptp(points) > 4.9
    labels = drawn(Labels(shape=(48,), classes=7, special=(-100,)), SIZES, source)
    assert labels.min() >= 0
    assert labels.max() == 29
    chosen = drawn(Choices(values=(-1.0, 1.0), shape=(48, 7)), SIZES, source)
    assert set(np.unique(chosen)) == {-1.0, 1.0}
    samples = drawn(Samples(shape=(48, 7), center=5.0, scale=0.1, special=True), SIZES, source)
    assert abs(samples.mean() - 5) < 0.01
    given = drawn(Fixed(values=(1, -1)), SIZES, source)
    assert given.dtype.kind == "i"
