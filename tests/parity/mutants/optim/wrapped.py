# pyright: basic
"""L-BFGS, SparseAdam and groups, which the rows call in a wrapper: mistakes of a line."""

from __future__ import annotations

from parity import suite
from parity.mutation import Mutants
from parity.suite.optim import subjects
from tests.parity.edits import edited

MUTANTS = Mutants(suite.family("optim"))
PLACES = {
    "lbfgs": ("lbfgs", "curvature", subjects.searching),
    "sparse": ("sparse_adam", "sparse_gradients", subjects.on_rows),
    "param": ("param_groups", "groups", subjects.grouped),
}
SEARCH = "optim._line_search"


def _wrong(mistake: str, case: str, old: str, new: str, within: str = "") -> None:
    """The function that the mistake's name begins with, wrong in the setting or in calls."""
    name, module, wrapped = PLACES[mistake.partition("_")[0]]
    function = wrapped(edited(f"optim.{module}", name, old, new, within=within))
    function.__name__ = mistake
    MUTANTS.wrong(name, case if case.endswith("/calls") else f"{case}/float64/forward")(function)


# ------------------------------------------------------------------------------------------ L-BFGS

DEFAULT = "default"
SHORT = "lr=0.1,max_iter=3,history_size=2"
SEARCHED = "max_iter=4,line_search_fn=strong_wolfe"
COUNTED = "max_iter=3,max_eval=5,history_size=2,line_search_fn=strong_wolfe"
_wrong("lbfgs_has_the_2_norm", SHORT, "jnp.abs(gradient).sum())", "jnp.linalg.norm(gradient))")
_wrong(
    "lbfgs_shortens_every_step", DEFAULT, "shortest * length, length)", "shortest * length, 0.1)"
)
_wrong("lbfgs_restarts_in_every_update", SHORT, "first = state.n_iter == 1", "first = made == 1")
_wrong(
    "lbfgs_counts_no_iterations",
    "lr=0.1,max_iter=3,max_eval=10",
    "search.gradient, search.made + 1",
    "search.gradient, search.made",
)
_wrong("lbfgs_keeps_few_pairs", SHORT, "product > 1e-10", "product > 0.1")
_wrong("lbfgs_keeps_no_pair", SHORT, "product > 1e-10", "product > jnp.inf")
_wrong("lbfgs_starts_from_the_identity", SHORT, "q * state.H_diag", "q")
_wrong("lbfgs_scales_by_the_step", SHORT, "change @ change, 1)", "step @ step, 1)")
_wrong("lbfgs_goes_forth_backwards", SHORT, "(pairs, shares))[0]", "(pairs, shares[::-1]))[0]")
_wrong("lbfgs_adds_the_share", SHORT, "r + (share - (change", "r + (share + (change")
_wrong(
    "lbfgs_stops_at_a_sum_of_gradients",
    "lr=0.5,tolerance_grad=0.5",
    "jnp.abs(gradient).max(initial=0)",
    "jnp.abs(gradient).sum()",
)
_wrong(
    "lbfgs_never_stops_at_small_changes",
    "tolerance_change=0.01",
    "| (jnp.abs(loss - search.loss) < tolerance_change)",
    "",
)
_wrong("lbfgs_counts_as_many_values_as_steps", SEARCHED, "max_iter * 5 // 4 if", "max_iter if")
_wrong("lbfgs_forgets_max_eval", COUNTED, "(total >= most)", "(total < 0)")
_wrong(
    "lbfgs_searches_for_a_fall_alone", SEARCHED, "_SLOPE = 1e-4, 0.9", "_SLOPE = 1e-4, 9", SEARCH
)
_wrong("lbfgs_searches_flatter", SEARCHED, "_SLOPE = 1e-4, 0.9", "_SLOPE = 1e-4, 0.1", SEARCH)
_wrong(
    "lbfgs_interpolates_by_halves",
    SEARCHED,
    "return jnp.where(square >= 0, jnp.clip(place, least, most)",
    "return jnp.where(square < 0, jnp.clip(place, least, most)",
    SEARCH,
)
_wrong(
    "lbfgs_tries_twice_as_far",
    "lr=0.01,max_iter=2,max_eval=20,line_search_fn=strong_wolfe",
    "point.t * 10",
    "point.t * 2",
    SEARCH,
)

# -------------------------------------------------------------------------------------- SparseAdam

PLAIN, LARGE_EPS = "lr=0.1", "lr=0.1,betas=(0.5, 0.75),eps=0.1,maximize=True"
_wrong(
    "sparse_adds_eps_to_the_unbiased_root",
    LARGE_EPS,
    '+ own["eps"]',
    '+ own["eps"] / jnp.sqrt(own["correction2"])',
)
_wrong("sparse_does_not_correct_the_squares", PLAIN, 'jnp.sqrt(numbers["correction2"]) /', "1 /")
_wrong("sparse_does_not_maximize", LARGE_EPS, "-values if maximize", "values if maximize")
_wrong(
    "sparse_takes_one_of_two_rows",
    PLAIN,
    "return tuple(summed.indices.T), summed.data",
    "return tuple(gradient.indices.T), wide",
)
_wrong(
    "sparse_lets_all_averages_decay",
    PLAIN,
    "return array.at[indices]",
    "return (0.9 * array).at[indices]",
)
_wrong(
    "sparse_drops_zeros",
    "grads.numbers=ties;lengths=t=12/calls",
    "remove_zeros=False",
    "remove_zeros=True",
)
_wrong(
    "sparse_takes_the_rate_of_the_next_step",
    "lr=schedule/calls",
    "number_at(lr, before)",
    "number_at(lr, count)",
)

# ------------------------------------------------------------------------------------------ Groups

_wrong(
    "param_groups_have_one_rate",
    "make=sgd,groups=rates,group_of=by_path",
    "make(**own)",
    "make(**next(iter(groups.values())))",
)
