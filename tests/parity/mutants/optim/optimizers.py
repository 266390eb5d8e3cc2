# pyright: basic
"""Optimizers: mistakes, each a change of a line of the library."""

from __future__ import annotations

from parity import suite
from parity.mutation import Mutants
from tests.parity.edits import edited

MUTANTS = Mutants(suite.family("optim"))
FILES = {
    "sgd": "gradient_descent",
    "asgd": "gradient_descent",
    "adam": "adam_family",
    "adamw": "adam_family",
    "adamax": "adam_variants",
    "nadam": "adam_variants",
    "radam": "adam_variants",
    "adagrad": "squared_gradients",
    "rmsprop": "squared_gradients",
    "adadelta": "squared_gradients",
    "rprop": "signs",
    "adafactor": "matrices",
    "muon": "matrices",
}
SHARED, MOMENTS = "optim._transformation", "optim._moments"


def _wrong(mistake: str, case: str, old: str, new: str, within: str = "") -> None:
    """The optimizer that the mistake's name begins with, wrong in the setting or in calls."""
    name = mistake.partition("_")[0]
    function = edited(f"optim.{FILES[name]}", name, old, new, within=within)
    function.__name__ = mistake
    MUTANTS.wrong(name, case if case.endswith("/calls") else f"{case}/float64/forward")(function)


# --------------------------------------------------------------------------------------------- SGD

MOMENTUM = "lr=0.1,momentum=0.9,dampening=0.25,weight_decay=0.1"
NESTEROV = "lr=0.1,momentum=0.9,nesterov=True,maximize=True"
_wrong(
    "sgd_dampens_the_first_step",
    MOMENTUM,
    "jnp.where(first, 1.0, 1.0 -",
    "jnp.where(first & False, 1.0, 1.0 -",
)
_wrong(
    "sgd_never_dampens",
    MOMENTUM,
    "1.0 - jnp.asarray(dampening)",
    "1.0 + 0 * jnp.asarray(dampening)",
)
_wrong(
    "sgd_has_the_rate_in_the_buffer",
    "lr=schedule;momentum.constant=0.9/calls",
    'buffer = numbers["kept"] * slots["momentum_buffer"] + numbers["share"] * leaf.gradient',
    'buffer = numbers["kept"] * slots["momentum_buffer"] + '
    '(numbers["share"] * numbers["lr"] / 0.1) * leaf.gradient',
)
_wrong(
    "sgd_looks_ahead_from_the_old_buffer",
    NESTEROV,
    'leaf.gradient + numbers["momentum"] * buffer if',
    'leaf.gradient + numbers["momentum"] * slots["momentum_buffer"] if',
)
_wrong(
    "sgd_never_looks_ahead",
    NESTEROV,
    "* buffer if nesterov else",
    "* buffer if nesterov and None else",
)
_wrong(
    "sgd_starts_with_a_dampened_buffer",
    MOMENTUM,
    '"kept": jnp.where(first, 0.0, mu)',
    '"kept": jnp.where(first, 0.0, mu) * (step.number != 2)',
)
_wrong("sgd_forgets_to_maximize", NESTEROV, "wide = -wide", "wide = wide", SHARED)
_wrong(
    "sgd_takes_the_momentum_of_the_next_step",
    "momentum=schedule/calls",
    "mu = number_at(momentum, step.number - 1)",
    "mu = number_at(momentum, step.number)",
)
_wrong(
    "sgd_takes_the_rate_of_the_next_step",
    "lr=schedule/calls",
    "number_at(self.lr, state.step)",
    "number_at(self.lr, count)",
    SHARED,
)
_wrong(
    "sgd_decays_before_it_maximizes",
    "weight_decay=0.25;maximize=True/calls",
    '        wide = wide + own["decay"]',
    '        wide = wide + (-1 if rule.maximize else 1) * own["decay"]',
    SHARED,
)
_wrong(
    "sgd_does_not_decay",
    MOMENTUM,
    "if self._decays and not self.decay.decoupled:",
    "if self._decays and self.decay.decoupled is None:",
    SHARED,
)
# -------------------------------------------------------------------------------------------- ASGD

AVERAGED = "lr=0.1,lambd=0.25,alpha=0.5,t0=10.0,weight_decay=0.1"
_wrong(
    "asgd_averages_from_one_step_later",
    AVERAGED,
    "jnp.maximum(1, count - jnp",
    "jnp.maximum(1, count - 1 - jnp",
)
_wrong("asgd_never_averages", AVERAGED, '"mu": weight}', '"mu": weight * 0 + 1}')
_wrong(
    "asgd_uses_the_next_step_size",
    AVERAGED,
    'jnp.where(step.number == 1, lr, step.carried["eta"])',
    "lr / (1 + lambd * lr * count) ** alpha",
)
_wrong(
    "asgd_forgets_the_exponent",
    AVERAGED,
    "** jnp.asarray(alpha).astype(lr.dtype)",
    "** jnp.asarray(1.0).astype(lr.dtype)",
)
_wrong("asgd_does_not_shrink", AVERAGED, '"shrinkage": shrunk * now', '"shrinkage": 0 * now')
_wrong(
    "asgd_averages_the_old_weights",
    "lr=0.1,t0=0.0,maximize=True",
    "weight = leaf.weight + step\n",
    "weight = leaf.weight\n",
)
_wrong(
    "asgd_shrinks_by_the_rate", AVERAGED, '"shrinkage": shrunk * now', '"shrinkage": shrunk * lr'
)

# -------------------------------------------------------------------------------------------- Adam

PLAIN, AMSGRAD = "lr=0.1", "lr=0.1,amsgrad=True,weight_decay=0.1"
LARGE_EPS = "lr=0.1,betas=(0.5, 0.75),eps=0.1,maximize=True"
DIVISOR = 'root(square) / numbers["scale"] + numbers["eps"]'
_wrong(
    "adam_has_eps_inside_the_root",
    LARGE_EPS,
    DIVISOR,
    'root(square + numbers["eps"]) / numbers["scale"]',
)
_wrong(
    "adam_adds_eps_before_the_correction",
    LARGE_EPS,
    DIVISOR,
    '(root(square) + numbers["eps"]) / numbers["scale"]',
)
_wrong("adam_does_not_correct_the_mean", PLAIN, 'lr / numbers["correction1"]', "lr")
_wrong(
    "adam_does_not_correct_the_squares",
    PLAIN,
    'scale = jnp.sqrt(numbers["correction2"])',
    'scale = 1 + 0 * numbers["correction2"]',
)
_wrong(
    "adam_corrects_by_a_step_more",
    PLAIN,
    "bias_correction(beta, step)",
    "bias_correction(beta, step + 1)",
    MOMENTS,
)
_wrong(
    "adam_forgets_the_largest_square",
    AMSGRAD,
    'jnp.maximum(slots["max_exp_avg_sq"], square)',
    "square",
)
_wrong(
    "adam_takes_the_largest_corrected_square",
    AMSGRAD,
    'jnp.maximum(slots["max_exp_avg_sq"], square)\n        divisor = ' + DIVISOR,
    'jnp.maximum(slots["max_exp_avg_sq"], square / numbers["correction2"])\n'
    '        divisor = root(square) + numbers["eps"]',
)
_wrong(
    "adam_decays_decoupled",
    AMSGRAD,
    "decay = Decay(rate=weight_decay, decoupled=decoupled_weight_decay)",
    "decay = Decay(rate=weight_decay, decoupled=True)",
)
_wrong(
    "adam_is_always_coupled",
    "weight_decay=0.1,decoupled_weight_decay=True",
    "decoupled=decoupled_weight_decay)",
    "decoupled=False)",
)
_wrong(
    "adam_ignores_amsgrad_beside_maximize",
    "amsgrad=True;maximize=True;grads.numbers=ordinary;lengths=t=12/calls",
    "        if amsgrad:\n",
    "        if amsgrad and not maximize:\n",
)
_wrong(
    "adam_exchanges_the_betas", PLAIN, "moments = Moments(betas)", "moments = Moments(betas[::-1])"
)
_wrong(
    "adam_has_a_scheduled_beta_a_step_late",
    "betas=(warming, 0.9)/calls",
    "return beta(step - 1) if",
    "return beta(step - 2) if",
    MOMENTS,
)
_wrong(
    "adam_has_no_gradient_by_eps",
    "eps=0.5;eps.type=array/calls",
    '"scale": scale, "eps": eps}',
    '"scale": scale, "eps": __import__("jax").lax.stop_gradient(jnp.asarray(eps))}',
)
_wrong(
    "adam_rounds_1_minus_beta",
    "lr=0.1",
    "jnp.asarray(1.0 - decay)",
    "1 - jnp.float32(decay)",
    MOMENTS,
)
_wrong(
    "adam_hides_nan",
    "grads.numbers=nan/calls",
    "    wide = gradient.astype(dtype)\n",
    "    wide = jnp.nan_to_num(gradient.astype(dtype))\n",
    SHARED,
)
_wrong(
    "adamw_decays_by_1e_minus_4",
    "lr=0.1",
    "weight_decay: ArrayLike = 1e-2",
    "weight_decay: ArrayLike = 1e-4",
)
_wrong(
    "adamw_does_not_multiply_the_decay_by_the_rate",
    "lr=0.1",
    'own["lr"] * own["decay"]',
    '0.001 * own["decay"]',
    SHARED,
)
_wrong(
    "adamw_decays_the_updated_weights",
    "lr=0.1",
    'new = new - own["lr"] * own["decay"] * cast(Array, weight)',
    'new = new - own["lr"] * own["decay"] * (cast(Array, weight) + new)',
    SHARED,
)

# ---------------------------------------------------------------------------------------- variants

_wrong(
    "adamax_adds_eps_to_the_maximum",
    "eps=0.5/calls",
    'jnp.maximum(numbers["beta2"] * slots["exp_inf"], size)',
    'jnp.maximum(numbers["beta2"] * slots["exp_inf"], jnp.abs(leaf.gradient)) + numbers["eps"]',
)
_wrong(
    "adamax_never_forgets",
    "lr=0.1,betas=(0.5, 0.75),weight_decay=0.1",
    'numbers["beta2"] * slots["exp_inf"]',
    'slots["exp_inf"]',
)
_wrong(
    "adamax_corrects_the_maximum",
    "lr=0.1",
    'numbers["length"] * (mean / largest)',
    'numbers["length"] * (mean / largest) * numbers["correction2"]',
)
_wrong(
    "nadam_has_a_constant_momentum",
    "lr=0.1",
    "(1 - 0.5 * power(0.96, at.astype(lr.dtype) * growth))",
    "(1 - 0.5 * power(0.96, 0 * at.astype(lr.dtype) * growth))",
)
_wrong(
    "nadam_corrects_by_the_power",
    "lr=0.1",
    'product = step.carried["mu_product"] * now',
    'product = 1 - numbers["correction1"]',
)
_wrong(
    "nadam_takes_this_momentum_for_the_next",
    "lr=0.1",
    "following = momentum(step.number), momentum(step.number + 1)",
    "following = momentum(step.number), momentum(step.number)",
)
_wrong(
    "nadam_ignores_its_decay",
    "lr=0.1,momentum_decay=0.5,weight_decay=0.1",
    "jnp.asarray(momentum_decay).astype",
    "jnp.asarray(4e-3).astype",
)
_wrong("radam_rectifies_from_4", "lr=0.1", "length > 5\n", "length > 4\n")
_wrong(
    "radam_adds_eps_to_the_corrected_root",
    "lr=0.1,betas=(0.5, 0.75),eps=0.1,weight_decay=0.1",
    '(root(slots["exp_avg_sq"]) + numbers["eps"])',
    '(root(slots["exp_avg_sq"]) + numbers["eps"] * jnp.sqrt(numbers["correction2"]))',
)
_wrong("radam_does_not_rectify", "lr=0.1", "plain * rectification *", "plain *")
_wrong(
    "radam_counts_a_step_more",
    "lr=0.1",
    "count = step.astype(half.dtype)",
    "count = step.astype(half.dtype) + 1",
    MOMENTS,
)

# ------------------------------------------------------------------------------- squared gradients

_wrong(
    "adagrad_has_eps_inside_the_root",
    "lr=0.1,eps=0.5,maximize=True",
    'root(total) + numbers["eps"]',
    'root(total + numbers["eps"])',
)
_wrong(
    "adagrad_decays_from_the_first_step",
    "lr=0.1,lr_decay=0.25,initial_accumulator_value=0.5,weight_decay=0.1",
    "before = (step.number - 1).astype",
    "before = step.number.astype",
)
_wrong(
    "adagrad_starts_at_0",
    "lr=0.1,lr_decay=0.25,initial_accumulator_value=0.5,weight_decay=0.1",
    "jnp.full_like(leaf, initial_accumulator_value)",
    "jnp.zeros_like(leaf)",
)
_wrong(
    "rmsprop_has_eps_inside_the_root",
    "lr=0.1,alpha=0.75,eps=0.25,centered=True,maximize=True",
    'root(variance) + numbers["eps"]',
    'root(variance + numbers["eps"])',
)
_wrong("rmsprop_decays_by_0_9", "lr=0.1", "alpha: ArrayLike = 0.99", "alpha: ArrayLike = 0.9")
_wrong(
    "rmsprop_centers_by_the_old_mean",
    "lr=0.1,alpha=0.75,eps=0.25,centered=True,maximize=True",
    "square - jnp.square(mean)",
    'square - jnp.square(slots["grad_avg"])',
)
_wrong(
    "rmsprop_has_the_rate_in_the_buffer",
    "lr=schedule;momentum.constant=0.9/calls",
    'numbers["momentum"] * slots["momentum_buffer"] + step',
    'numbers["momentum"] * slots["momentum_buffer"] + step * numbers["lr"] * 10',
)
_wrong(
    "rmsprop_has_no_momentum_when_centered",
    "centered=True;momentum.constant=0.9/calls",
    'step = numbers["momentum"] * slots["momentum_buffer"] + step',
    'step = (0 if centered else numbers["momentum"]) * slots["momentum_buffer"] + step',
)
_wrong(
    "adadelta_has_the_old_squares",
    "lr=0.5",
    "root(square + eps) * leaf",
    'root(slots["square_avg"] + eps) * leaf',
)
_wrong(
    "adadelta_averages_steps_with_the_rate",
    "lr=0.5",
    'average_of_squares(slots["acc_delta"], step,',
    'average_of_squares(slots["acc_delta"], numbers["lr"] * step,',
)
_wrong(
    "adadelta_has_eps_outside_the_roots",
    "rho=0.5,eps=0.25,weight_decay=0.1,maximize=True",
    'root(slots["acc_delta"] + eps) / root(square + eps)',
    '(root(slots["acc_delta"]) + eps) / (root(square) + eps)',
)

# ------------------------------------------------------------------------------ signs and matrices

_wrong(
    "rprop_makes_a_step_where_the_sign_changes",
    "lr=0.1",
    "gradient = jnp.where(turn < 0, 0, leaf.gradient)",
    "gradient = leaf.gradient",
)
_wrong(
    "rprop_remembers_the_gradient_it_left_out",
    "lr=0.1",
    '{"prev": gradient,',
    '{"prev": leaf.gradient,',
)
_wrong(
    "rprop_makes_no_first_step",
    "lr=0.1",
    "return -sign(gradient) * size, {",
    'return -sign(gradient) * size * (numbers["is_first"] == 0), {',
)
_wrong(
    "rprop_has_no_bounds",
    "lr=0.1,etas=(0.25, 1.5),step_sizes=(0.05, 0.5),maximize=True",
    '_clamped(size * factor, numbers["least"], numbers["most"])',
    "size * factor",
)
_wrong(
    "rprop_exchanges_the_factors",
    "lr=0.1",
    "factor = jnp.where(turn < 0, shrinking",
    "factor = jnp.where(turn > 0, shrinking",
)
_wrong(
    "adafactor_weighs_the_newest_square_by_a_constant",
    "lr=0.1",
    "share = count ** jnp.asarray(beta2_decay)",
    "share = count ** (0 * jnp.asarray(beta2_decay))",
)
_wrong(
    "adafactor_has_the_mean_of_the_columns",
    "lr=0.1",
    "jnp.maximum(rows.mean(-2, keepdims=True), eps1)",
    "jnp.maximum(columns.mean(-2, keepdims=True), eps1)",
)
_wrong(
    "adafactor_does_not_scale_by_the_weights",
    "lr=0.1",
    'size = jnp.where(size > numbers["eps2"], size, numbers["eps2"])',
    "size = jnp.ones_like(size)",
)
_wrong("adafactor_does_not_clip", "lr=0.1", "jnp.where(excess > 1, excess, 1)", "1")
_wrong(
    "adafactor_keeps_its_rate",
    "lr=0.5,maximize=True",
    "length = jnp.minimum(step.lr, 1 / jnp.sqrt(count))",
    "length = step.lr + 0 * count",
)
_wrong(
    "adafactor_does_not_square_eps1",
    "lr=0.1,beta2_decay=-0.5,eps=(0.25, 0.5),d=2.0,weight_decay=0.1",
    "eps1 * eps1",
    "eps1",
)
_wrong(
    "muon_multiplies_the_momentum",
    "lr=0.1",
    'average(slots["momentum_buffer"], leaf.gradient, numbers["complement"])',
    'numbers["momentum"] * slots["momentum_buffer"] + leaf.gradient',
)
_wrong(
    "muon_scales_decay_too",
    "lr=0.1",
    'length = numbers["lr"] * _scale(leaf.gradient.shape, adjust_lr_fn)',
    'length = numbers["lr"]',
)
_wrong(
    "muon_scales_by_columns",
    "lr=0.1",
    "max(1.0, rows / max(columns, 1))",
    "max(1.0, columns / max(rows, 1))",
)
_wrong("muon_makes_a_step_less", "lr=0.1", "for _ in range(steps):", "for _ in range(steps - 1):")
_wrong(
    "muon_has_the_spectral_norm",
    "lr=0.1",
    "norm = root(jnp.square(matrix).sum())",
    "norm = jnp.linalg.norm(matrix, 2)",
)
