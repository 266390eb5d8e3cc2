# pyright: basic
"""Schedules: mistakes, each a change of a line of the library."""

from __future__ import annotations

from parity import suite
from parity.mutation import Mutants
from tests.parity.edits import edited

MUTANTS = Mutants(suite.family("optim"))


def _wrong(
    name: str, mistake: str, case: str, old: str, new: str, *, file: str, within: str = ""
) -> None:
    """The schedule of that name, wrong in a setting or in calls."""
    made = edited(f"optim.schedules.{file}", name, old, new, within=within)

    def subject(*args, **named):
        from parity.suite.optim.schedules import subjects

        if name == "reduce_lr_on_plateau":
            return subjects.plateau(made, **named)
        return subjects.of_steps(made)(*args, **named)

    subject.__name__ = f"{name}_{mistake}"
    where = f"{case}/float64/forward".lstrip("/")
    MUTANTS.wrong(name, case if case.endswith("/calls") else where)(subject)


SHARED = "optim.schedules._schedule"
_wrong(
    "lambda_lr",
    "adds_the_factor",
    "lr_lambda=inverse",
    "as_number(lr) * as_number(lr_lambda(step))",
    "as_number(lr) + as_number(lr_lambda(step))",
    file="factors",
)
_wrong(
    "multiplicative_lr",
    "uses_the_first_factor",
    "lr_lambda=waning",
    "fori_loop(1, last + 1",
    "fori_loop(0, last + 1",
    file="factors",
)
_wrong(
    "multiplicative_lr",
    "leaves_out_the_last_factor",
    "lr_lambda=waning",
    "i <= step",
    "i < step",
    file="factors",
)
_wrong(
    "step_lr",
    "steps_one_later",
    "step_size=7",
    "step // step_size",
    "jnp.maximum(step - 1, 0) // step_size",
    file="factors",
)
_wrong(
    "multi_step_lr",
    "counts_a_milestone_once",
    "milestones=(30, 3, 3, 11)",
    "for m in milestones if",
    "for m in set(milestones) if",
    file="factors",
)
_wrong(
    "multi_step_lr",
    "acts_after_the_milestone",
    "milestones=(30, 3, 3, 11)",
    "reached <= step",
    "reached < step",
    file="factors",
)
_wrong(
    "multi_step_lr",
    "counts_negative_milestones",
    "milestones=(-2, 1)/calls",
    " if m >= 0]",
    "]",
    file="factors",
)
_wrong(
    "exponential_lr",
    "loses_the_sign",
    "gamma=-0.5",
    "jnp.where(exponent % 2 == 1, np.sign(base), 1)",
    "1",
    file="factors",
    within=SHARED,
)
_wrong(
    "exponential_lr",
    "rounds_gamma",
    "gamma=0.9",
    "np.log(np.abs(np.float64(base)))",
    "np.log(np.abs(np.float64(np.float32(base))))",
    file="factors",
    within=SHARED,
)
_wrong(
    "constant_lr",
    "ends_one_later",
    "",
    "step < total_iters",
    "step <= total_iters",
    file="ramps",
)
_wrong(
    "constant_lr",
    "ends_at_once_without_steps",
    "factor=0.9,total_iters=0",
    " | (total_iters == 0)",
    "",
    file="ramps",
)
_wrong(
    "linear_lr",
    "begins_one_earlier",
    "",
    "jnp.maximum(total - step, 0)",
    "jnp.maximum(total - 1 - step, 0)",
    file="ramps",
)
_wrong(
    "linear_lr",
    "exchanges_the_ends",
    "start_factor=0.25,end_factor=0.0,total_iters=13",
    "between(start_factor, end_factor,",
    "between(end_factor, start_factor,",
    file="ramps",
)
_wrong(
    "polynomial_lr",
    "forgets_the_power",
    "total_iters=30,power=2.5",
    " ** as_number(power)",
    "",
    file="ramps",
)
_wrong(
    "polynomial_lr",
    "is_0_without_steps",
    "total_iters=0",
    "if total else jnp.ones_like(step)",
    "if total else jnp.zeros_like(step)",
    file="ramps",
)
_wrong(
    "cosine_annealing_lr",
    "stays_at_the_bottom",
    "T_max=7",
    "half_wave(step, T_max)",
    "half_wave(jnp.minimum(step, T_max), T_max)",
    file="cosines",
)
_wrong(
    "cosine_annealing_lr",
    "forgets_the_lowest_rate",
    "T_max=13,eta_min=0.0625",
    "between(lr, eta_min, share(step))",
    "between(lr, 0.0, share(step))",
    file="cosines",
)
_wrong(
    "cosine_annealing_warm_restarts",
    "reaches_the_bottom",
    "T_0=7",
    "place, length = step % T_0",
    "place, length = step % (T_0 + 1)",
    file="cosines",
)
_wrong(
    "cosine_annealing_warm_restarts",
    "never_grows",
    "T_0=3,T_mult=2,eta_min=0.0625",
    "jnp.asarray(lengths)[index]",
    "jnp.asarray(lengths)[0]",
    file="cosines",
)
_wrong(
    "cyclic_lr",
    "halves_from_the_first_cycle",
    "max_lr=1.0,step_size_up=4,step_size_down=3,mode=triangular2",
    "power(0.5, cycle - 1)",
    "power(0.5, cycle)",
    file="cycles",
)
_wrong(
    "cyclic_lr",
    "goes_down_as_it_went_up",
    "max_lr=1.0,step_size_up=4,step_size_down=3,mode=triangular2",
    "step_size_up if step_size_down is None else step_size_down",
    "step_size_up",
    file="cycles",
)
_wrong(
    "cyclic_lr",
    "has_the_momentum_with_it",
    "max_lr=1.0,step_size_up=5",
    "between(base_momentum, max_momentum,",
    "between(max_momentum, base_momentum,",
    file="cycles",
)
_wrong(
    "cyclic_lr",
    "scales_by_the_step",
    "max_lr=1.0,step_size_up=3,scale_fn=halving,cycle_momentum=False",
    'cycle if scale_mode == "cycle" else step',
    "step",
    file="cycles",
)
_wrong(
    "one_cycle_lr",
    "peaks_one_later",
    "total_steps=41",
    "up = _Phase(share * total - 1,",
    "up = _Phase(share * total,",
    file="cycles",
)
_wrong(
    "one_cycle_lr",
    "ends_one_later",
    "total_steps=41",
    "_Phase(total - 1, (_HIGHEST, _LOWEST)",
    "_Phase(total, (_HIGHEST, _LOWEST)",
    file="cycles",
)
_wrong(
    "one_cycle_lr",
    "is_always_a_cosine",
    "epochs=8,steps_per_epoch=5,anneal_strategy=linear",
    'risen(left) if anneal_strategy == "cos" else left',
    "risen(left)",
    file="cycles",
)
_wrong(
    "one_cycle_lr",
    "has_two_phases",
    "total_steps=41,three_phase=True,pct_start=0.4",
    "    if not three:\n",
    "    if True:\n",
    file="cycles",
)
_wrong(
    "one_cycle_lr",
    "keeps_its_momentum_low",
    "total_steps=41",
    "(_HIGHEST, _LOWEST), (_LOW, _HIGH)",
    "(_HIGHEST, _LOWEST), (_LOW, _LOW)",
    file="cycles",
)
_wrong(
    "reduce_lr_on_plateau",
    "acts_a_metric_earlier",
    "lr=0.5,patience=2",
    "bad > patience",
    "bad >= patience",
    file="plateaus",
)
_wrong(
    "reduce_lr_on_plateau",
    "forgets_to_cool_down",
    "lr=0.5,patience=1,cooldown=3,mode=max,factor=0.5",
    "improved | cooling",
    "improved",
    file="plateaus",
)
_wrong(
    "reduce_lr_on_plateau",
    "takes_nan_for_an_improvement",
    "lr=0.5,patience=2",
    "metric < bound",
    "~(metric >= bound)",
    file="plateaus",
)
_wrong(
    "reduce_lr_on_plateau",
    "goes_below_the_lowest_rate",
    "lr=0.5,patience=0,threshold=0.25,threshold_mode=abs,min_lr=0.125",
    "jnp.maximum(state.lr * factor, min_lr)",
    "jnp.asarray(state.lr * factor)",
    file="plateaus",
)
_wrong(
    "reduce_lr_on_plateau",
    "makes_tiny_reductions",
    "lr=0.5,patience=2,threshold=0.5,mode=max,eps=0.3,factor=0.5",
    " & (state.lr - lower > eps)",
    "",
    file="plateaus",
)
