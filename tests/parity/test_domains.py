"""Domains: which calls they have, how these are covered, and what is found in wrong functions."""

import dataclasses
from itertools import product

import jax.numpy as jnp
import numpy as np
import pytest

from parity.cases import Coverage, case_of_call, cases
from parity.covering import (
    CHOICES,
    NOTHING,
    PAIRS,
    cover,
    drawn,
    impossible,
    meetings,
    possible_pairs,
    rules_of,
    scattered,
)
from parity.domains import (
    LONG,
    Domain,
    Either,
    Factor,
    Indices,
    Number,
    OneOf,
    Tensor,
    Trees,
    optional,
)
from parity.engine import run
from parity.engine.calling import difference
from parity.engine.draws import Call, factors_of, rules_for
from parity.spec import Spec, on
from parity.verdict import Outcome

SCORES = Domain(
    arguments={
        "input": Tensor(axes=("n c", "c", "n c d")),
        "ignore_index": OneOf(-100, 2),
        "target": Either(
            labels=Indices(like="input", without="c", below="c", special="ignore_index"),
            shares=Tensor(like="input", low=0.0, high=1.0),
        ),
        "weight": optional(Tensor(axes=("c",), low=0.5, high=2.0)),
        "smoothing": Number(0.0, 0.25),
    },
    impossible=({"target": "shares", "ignore_index": "2"},),
)
FACTORS = list(SCORES.factors())
RULES = list(rules_of(SCORES, FACTORS))
SIMPLEST = {"precision": "float32", **{factor.name: factor.levels[0] for factor in FACTORS}}


def _arguments(domain=SCORES, **levels):
    named = {name.replace("__", "."): level for name, level in levels.items()}
    simplest = {"precision": "float32", **{f.name: f.levels[0] for f in domain.factors()}}
    return domain.call({**simplest, **named}, lambda name: np.random.default_rng(0)).made


# ------------------------------------------------------------------------------------------ domains


def test_the_simplest_call_takes_the_first_of_everything():
    made = _arguments()
    assert made["input"].shape == (5, 3)
    assert made["input"].dtype == np.float32
    assert made["target"].shape == (5,)
    assert made["target"].dtype == np.int64
    assert made["ignore_index"] == -100
    assert made["weight"] is None
    assert made["smoothing"] == 0.0


def test_arguments_follow_the_axes_and_lengths_of_others():
    made = _arguments(input__axes="n c d", lengths="c=1", weight="given")
    assert made["input"].shape == (5, 1, 4)
    assert made["target"].shape == (5, 4)
    assert made["weight"].shape == (1,)
    assert _arguments(lengths=f"n={LONG}")["input"].shape == (LONG, 3)
    assert _arguments(input__axes="c")["target"].shape == ()


def test_indices_are_classes_or_the_one_to_ignore():
    made = _arguments(lengths=f"n={LONG}", ignore_index="2", target__labels__special="some")
    assert set(made["target"]) == {0, 1, 2}
    every = _arguments(ignore_index="-100", target__labels__special="all")
    assert set(every["target"]) == {-100}
    assert _arguments(target__labels__dtype="int32")["target"].dtype == np.int32


def test_numbers_are_python_s_numpy_s_or_arrays():
    assert type(_arguments(smoothing="0.25")["smoothing"]) is float
    assert type(_arguments(smoothing="0.25", smoothing__type="numpy")["smoothing"]) is np.float64
    array = _arguments(smoothing="0.25", smoothing__type="array")["smoothing"]
    assert (array.shape, array.dtype) == ((), np.float32)


def test_tensors_have_ties_ends_and_special_numbers():
    domain = Domain(arguments={"x": Tensor(axes=("n",), special=True)})
    ties = _arguments(domain, x__numbers="ties", lengths=f"n={LONG}")["x"]
    assert (2 * ties == np.round(2 * ties)).all()
    special = _arguments(domain, x__numbers="special", lengths=f"n={LONG}")["x"]
    assert {np.inf, -np.inf, 0.0} <= set(special)
    assert np.isnan(_arguments(domain, x__numbers="nan")["x"]).any()
    ends = Domain(arguments={"x": Tensor(axes=("n",), low=0.0, high=1.0)})
    assert set(_arguments(ends, x__numbers="ends", lengths=f"n={LONG}")["x"]) == {0.0, 0.5, 1.0}


@pytest.mark.parametrize(
    ("how", "shape"),
    [("no", (5, 3)), ("first", (1, 3)), ("last", (5, 1)), ("all", (1, 1)), ("fewer", (3,))],
)
def test_an_argument_that_broadcasts_has_shorter_axes(how, shape):
    both = {"x": Tensor(axes=("n m",)), "y": Tensor(like="x", broadcast=True)}
    assert _arguments(Domain(arguments=both), y__broadcast=how)["y"].shape == shape


def test_an_argument_may_have_another_dtype_beside_the_call_s():
    arguments = {"x": Tensor(axes=("n",)), "y": Tensor(like="x", beside=("bfloat16", "int32"))}
    domain = Domain(arguments=arguments)
    for level, dtype in (("same", "float32"), ("bfloat16", "bfloat16"), ("int32", "int32")):
        made = _arguments(domain, y__dtype=level)
        assert (made["x"].dtype.name, made["y"].dtype.name) == ("float32", dtype)


def test_parameters_have_the_dtype_of_the_call_or_float32_together():
    arguments = {"x": Tensor(), "w": optional(Tensor()), "b": Tensor()}
    domain = Domain(arguments=arguments, parameters=("w", "b"))
    made = _arguments(domain, precision="float16", parameters="float32", w="given")
    assert [made[name].dtype.name for name in "xwb"] == ["float16", "float32", "float32"]


def test_all_axes_may_have_the_same_length():
    domain = Domain(arguments={"x": Tensor(axes=("n m k",))}, lengths={"k": (2,)})
    assert _arguments(domain, lengths="equal")["x"].shape == (3, 3, 2)


def test_few_special_numbers_are_not_zeros_only():
    domain = Domain(arguments={"x": Tensor(axes=("n",), special=True)})
    assert np.isinf(_arguments(domain, x__numbers="special")["x"]).any()


def test_trees_have_one_of_several_forms():
    one, two = Tensor(axes=("n",)), Tensor(axes=("n m",))
    domain = Domain(arguments={"params": Trees(one={"a": one}, two=[one, {"b": two}])})
    assert _arguments(domain)["params"]["a"].shape == (5,)
    made = _arguments(domain, params__form="two")["params"]
    assert [made[0].shape, made[1]["b"].shape] == [(5,), (5, 3)]


# ----------------------------------------------------------------------------------------- covering


@pytest.mark.parametrize("strength", [CHOICES, PAIRS])
def test_every_choice_or_pair_that_is_possible_is_visited(strength):
    calls = cover(FACTORS, RULES, strength)
    pairs = possible_pairs(FACTORS, RULES)
    choices = {(choice,) for pair in pairs for choice in pair}
    wanted = pairs if strength == PAIRS else choices
    assert meetings(calls, strength) == wanted
    assert wanted >= meetings([drawn(FACTORS, RULES, np.random.default_rng(1))], strength)
    assert all(rule.holds(levels) for rule in RULES for levels in calls)


@pytest.mark.parametrize("seed", range(20))
def test_the_possible_pairs_are_those_of_all_calls_that_keep_the_rules(seed):
    random = np.random.default_rng(seed)
    factors = [Factor(name, ("0", "1", "2")) for name in "abcdef"]
    forbidden = [
        {name: str(random.integers(3)) for name in random.choice(list("abcdef"), 3, replace=False)}
        for _ in range(60)
    ]
    rules = [impossible(together) for together in forbidden]
    every = [dict(zip("abcdef", levels, strict=True)) for levels in product("012", repeat=6)]
    allowed = [levels for levels in every if all(rule.holds(levels) for rule in rules)]
    assert possible_pairs(factors, rules) == meetings(allowed, PAIRS)


def test_calls_are_few_and_always_the_same():
    calls = cover(FACTORS, RULES, PAIRS)
    largest = sorted(len(factor.levels) for factor in FACTORS)[-2:]
    assert len(calls) <= 2 * largest[0] * largest[1]
    assert calls == cover(FACTORS, RULES, PAIRS)


def test_what_does_not_go_together_does_not_meet():
    met = meetings(cover(FACTORS, RULES, PAIRS), PAIRS)
    assert (("ignore_index", "2"), ("target", "shares")) not in met
    # A choice within another one is made only where the other one is.
    assert (("target", "labels"), ("target.shares.numbers", "ends")) not in met
    assert (("target", "shares"), ("target.shares.numbers", "ends")) in met
    # An axis has an unusual length only where there is such an axis.
    assert (("input.axes", "c"), ("lengths", "n=0")) not in met


@pytest.mark.parametrize("strength", [CHOICES, PAIRS])
def test_levels_that_are_dear_are_taken_only_where_they_have_to_meet_something(strength):
    dear = Factor("order", ("first", "second"), dear=True)
    factors = [*FACTORS, dear]
    calls = cover(factors, RULES, strength)
    found = scattered(calls, factors, RULES, strength, np.random.default_rng(0))
    assert meetings(found, strength) == meetings(calls, strength)
    before, often = (sum(c["order"] == "second" for c in some) for some in (calls, found))
    assert 1 <= often <= before
    # As many calls as the largest factor has levels let every pair with it meet, or a few more.
    assert often <= 2 * max(len(factor.levels) for factor in FACTORS)


def test_random_calls_keep_the_rules_and_reach_everything():
    random = np.random.default_rng(0)
    calls = [drawn(FACTORS, RULES, random) for _ in range(300)]
    assert all(rule.holds(levels) for rule in RULES for levels in calls)
    assert len(meetings(calls, CHOICES)) == len(meetings(cover(FACTORS, RULES, CHOICES), CHOICES))


# ------------------------------------------------------------------------------------------- engine

ELEMENTWISE = Domain(
    arguments={"input": Tensor(axes=("n m", "n")), "negative_slope": Number(0.01, 0.5)},
    refusals=False,
)


def _right(input, negative_slope=0.01):
    return jnp.where(input > 0, input, input * jnp.asarray(negative_slope).astype(input.dtype))


def _row(subject):
    return Spec(
        family="mine",
        name="leaky",
        subject=on("jax", subject),
        reference=on("torch", "nn.functional.leaky_relu"),
        domain=ELEMENTWISE,
        checks=(),
    )


def _result(subject, **coverage):
    (result,) = run(cases([_row(subject)], Coverage(**coverage)))
    return result


def test_a_right_function_passes_and_says_how_much_was_visited():
    result = _result(_right, meeting=PAIRS)
    assert result.outcome is Outcome.WITHIN, result.message
    assert result.visited.choices[0] == result.visited.choices[1]
    assert result.visited.pairs[0] == result.visited.pairs[1]


def _wrong_in_long_bfloat16(input, negative_slope=0.01):
    out = _right(input, negative_slope)
    return out * 2 if input.dtype == jnp.bfloat16 and input.size > 1000 else out


def _wrong_for_an_array(input, negative_slope=0.01):
    return _right(input, negative_slope) * (1 if isinstance(negative_slope, float) else 1.01)


def _wrong_dtype_for_numpy(input, negative_slope=0.01):
    return _right(input, negative_slope).astype(
        jnp.float32 if isinstance(negative_slope, np.float64) else input.dtype
    )


def _wrong_if_there_is_nothing(input, negative_slope=0.01):
    return _right(input, negative_slope) if input.size else jnp.ones(3, input.dtype)


@pytest.mark.parametrize(
    ("wrong", "levels"),
    [
        (_wrong_in_long_bfloat16, {"precision=bfloat16", "lengths=n=1031"}),
        (_wrong_for_an_array, {"negative_slope.type=array"}),
        (_wrong_dtype_for_numpy, {"precision=bfloat16", "negative_slope.type=numpy"}),
        (_wrong_if_there_is_nothing, {"lengths=n=0"}),
    ],
)
def test_a_wrong_function_is_caught_and_the_call_simplified(wrong, levels):
    result = _result(wrong, meeting=PAIRS)
    assert result.outcome is Outcome.MISMATCH
    named = [
        line.partition("/calls: ")[0].split("/")[-1] for line in result.message.splitlines()[1:]
    ]
    simplest = min(named, key=len).split(";")
    kinds = {level.partition("=")[0] for level in levels}
    assert {level.partition("=")[0] for level in simplest} == kinds


def test_a_failing_call_is_replayed_by_its_id():
    result = _result(_wrong_if_there_is_nothing)
    name = result.message.splitlines()[1].partition(": ")[0]
    case = case_of_call([_row(_wrong_if_there_is_nothing)], name)
    assert case.id == name
    (again,) = run([case])
    assert again.outcome is Outcome.MISMATCH
    assert again.message in result.message


def test_random_calls_are_made_besides():
    few, more = _result(_right), _result(_right, draws=5)
    assert more.visited.calls == few.visited.calls + 5
    assert _result(_right, meeting=NOTHING, draws=3).visited.calls == 3


def test_an_exception_has_to_be_the_reference_s():
    def refuses(input, negative_slope=0.01):
        raise ValueError("no")

    row = _row(refuses)
    levels = {f.name: f.levels[0] for f in factors_of(row, ELEMENTWISE)}
    assert "the reference gives a result" in difference(Call(spec=row, levels=levels))
    both = dataclasses.replace(row, reference=on("torch", refuses))
    assert not difference(Call(spec=both, levels=levels))


def test_rules_of_every_call_are_among_those_of_a_domain():
    row = dataclasses.replace(_row(_right), checks=("second",))
    factors = factors_of(row, ELEMENTWISE)
    rules = rules_for(ELEMENTWISE, factors)
    wrong = {f.name: f.levels[0] for f in factors} | {"context": "product", "order": "second"}
    assert not all(rule.holds(wrong) for rule in rules)
    assert Factor("order", ("first", "second"), dear=True) in factors
