"""The study itself: one program, its verdicts, the files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.overfitting import page, plot, training
from experiments.overfitting.config import PLAIN, Config
from experiments.overfitting.found import ERRORS, Found, Values, standard_error
from experiments.overfitting.regularizers import NOISE, PENALTY, REGULARIZERS, STEP
from experiments.progress import Progress
from experiments.results import write_bytes, write_json, write_text
from experiments.study import Outcome, Verdict, findings

# Differences of accuracies, as fractions.
GAP = 0.05
LOSS = 0.01
# A fraction of the wrong labels.
MANY = 0.5
# Fractions of the weights.
SPARSE = 0.5
FEW = 1e-4
# Relative differences in float32.
ROUNDING = 1e-6

PROXIMAL = ("proximal_l1", "proximal_group_lasso")
SHRINKING = (*PROXIMAL, "decoupled_weight_decay")


def compare_all(config: Config, out: Path, progress: Progress) -> Outcome:
    """Trains all networks, writes the results file, the figure and, if wanted, the page."""
    found = train(config, progress)
    name = "overfitting_sweep" if config.sweep else "overfitting"
    verdicts = sweep_verdicts(found) if config.sweep else all_verdicts(found)
    results = {
        **findings("overfitting", config, verdicts),
        "regularizers": {one.name: _results(one) for one in found.values()},
    }
    files = [write_json(out / f"{name}.json", results)]
    if not config.sweep:
        files += plot.draw(found, config, out / name)
        if config.table:
            written = Path(config.table)
            figure = (out / f"{name}.png").read_bytes()
            files.append(write_text(written, page.page(found, verdicts, config)))
            files.append(write_bytes(written.with_suffix(".png"), figure))
    return Outcome(verdicts=verdicts, files=files)


def train(config: Config, progress: Progress) -> dict[str, Found]:
    """What was measured, by regularizer."""
    strengths = training.strengths(config)
    networks = config.seeds * sum(map(len, strengths.values()))
    with progress.stages("overfitting", 1) as advance:
        advance(f"training {networks} networks in one compiled program")
        runs = jax.tree.map(np.asarray, training.train_all(*training.given(config), config))
    plain = runs[PLAIN].test[0, :, -1]
    return {
        name: Found(
            name=name,
            strengths=tried,
            chosen=tried.index(REGULARIZERS[name].strength),
            runs=runs[name],
            plain=plain,
        )
        for name, tried in strengths.items()
    }


def _results(found: Found) -> dict[str, Any]:
    return {
        "group": found.row.group,
        "strength": found.strengths[found.chosen],
        "gain": {"mean": found.gain, "standard_error": found.error, "seeds": found.gains},
        "runs": [
            {"strength": strength, **{k: v[i] for k, v in found.runs._asdict().items()}}
            for i, strength in enumerate(found.strengths)
        ],
    }


def all_verdicts(found: Mapping[str, Found]) -> list[Verdict]:
    """Every claim about the regularizers that were run."""
    claims = {
        PLAIN: _overfits,
        "proximal_l1": _is_sparse_at_no_cost,
        "max_norm": _is_bounded,
        "early_stopping": _keeps_the_best,
    }
    verdicts = [v for name, claim in claims.items() if name in found for v in claim(found[name])]
    return [*verdicts, *_zeros(found), *_shrink(found), *_memorize_less(found), *_help(found)]


def _overfits(plain: Found) -> list[Verdict]:
    train, test = plain.run.train[:, -1], plain.run.test[:, -1]
    return [
        Verdict(
            claim="without a regularizer a network memorizes every label, wrong ones included, and "
            f"its test accuracy is at least {100 * GAP:g} points lower",
            holds=bool(np.all(train == 1) and np.all(test <= 1 - GAP)),
            detail=f"train at least {np.min(train):.1%}, test at most {np.max(test):.1%}",
        )
    ]


def _is_sparse_at_no_cost(proximal: Found) -> list[Verdict]:
    zeros = proximal.run.zeros
    return [
        Verdict(
            claim=f"proximal_l1 makes at least {SPARSE:.0%} of the weights exactly 0",
            holds=bool(np.all(zeros >= SPARSE)),
            detail=f"at least {np.min(zeros):.1%} with every seed",
        ),
        Verdict(
            claim=f"proximal_l1 loses less than {100 * LOSS:g} point of test accuracy",
            holds=proximal.gain - ERRORS * proximal.error > -LOSS,
            detail=f"gains {100 * proximal.gain:.1f} ± {100 * proximal.error:.1f} points",
        ),
    ]


def _is_bounded(found: Found) -> list[Verdict]:
    limit = found.strengths[found.chosen]
    largest = float(np.max(found.run.largest))
    return [
        Verdict(
            claim=f"max_norm bounds the norm of every unit by {limit:g}",
            holds=largest <= limit * (1 + ROUNDING),
            detail=f"largest {largest:.7f}",
        )
    ]


def _keeps_the_best(found: Found) -> list[Verdict]:
    patience = round(found.strengths[found.chosen])
    best = np.array([best_before_stop(losses, patience) for losses in found.run.validation])
    apart = float(np.max(np.abs(found.run.kept / best - 1)))
    return [
        Verdict(
            claim="early_stopping keeps the weights with the lowest validation loss before it "
            "stops",
            holds=apart <= ROUNDING,
            detail=f"their loss is within {apart:.1e} of it, relative",
        )
    ]


def best_before_stop(losses: Values, patience: int) -> float:
    """The least of the losses up to the `patience`-th in a row that is not less than it."""
    best = int(np.argmin(losses[:1]))
    for i, loss in enumerate(losses):
        if loss < losses[best]:
            best = i
        elif i - best >= patience:
            break
    return float(losses[best])


def _largest(values: Mapping[str, float]) -> str:
    """Whose value is the largest, or nan."""
    return list(values)[int(np.argmax(list(values.values())))]


def _zeros(found: Mapping[str, Found]) -> list[Verdict]:
    zeros = {n: float(np.max(f.runs.zeros)) for n, f in found.items() if n not in PROXIMAL}
    most = _largest(zeros)
    return [
        Verdict(
            claim=f"nothing but a proximal step makes more than {FEW:.2%} of the weights exactly 0",
            holds=zeros[most] <= FEW,
            detail=f"of {len(zeros)} at most {zeros[most]:.4%}"
            + (f", {most}" if zeros[most] else ""),
        )
    ]


def _shrink(found: Mapping[str, Found]) -> list[Verdict]:
    shrinking = [f for f in found.values() if f.row.group == PENALTY or f.name in SHRINKING]
    ratios = {f.name: float(np.max(f.run.norm / found[PLAIN].run.norm)) for f in shrinking}
    if not ratios:
        return []
    largest = _largest(ratios)
    return [
        Verdict(
            claim="penalties and decay make the norm of the weights smaller",
            holds=ratios[largest] < 1,
            detail=f"to at most {ratios[largest]:.0%}, {largest}, with every seed",
        )
    ]


def _memorize_less(found: Mapping[str, Found]) -> list[Verdict]:
    holding = [f for f in found.values() if f.row.group in (PENALTY, STEP, NOISE)]
    parts = {f.name: float(np.mean(f.run.wrong)) for f in holding}
    # Where no label is wrong there is nothing to memorize.
    if not parts or np.isnan(found[PLAIN].run.wrong).all():
        return []
    most = _largest(parts)
    return [
        Verdict(
            claim="with penalties, weight decay, projections and noise the network memorizes less "
            f"than {MANY:.0%} of the wrong labels",
            holds=parts[most] < MANY,
            detail=f"from {min(parts.values()):.0%} to {parts[most]:.0%}, {most}, means",
        )
    ]


def _help(found: Mapping[str, Found]) -> list[Verdict]:
    tried = [one for name, one in found.items() if name != PLAIN]
    if not tried:
        return []
    helping = [one for one in tried if one.helps]
    return [
        Verdict(
            claim=f"most regularizers raise test accuracy by more than {ERRORS:g} standard errors",
            holds=2 * len(helping) > len(tried),
            detail=f"{len(helping)} of {len(tried)}: "
            + ", ".join(one.name for one in sorted(helping, key=lambda one: -one.gain)),
        )
    ]


def sweep_verdicts(found: Mapping[str, Found]) -> list[Verdict]:
    """For each regularizer with a strength: whether another one is ahead by a standard error."""
    return [_well_chosen(one) for one in found.values() if len(one.strengths) > 1]


def _well_chosen(found: Found) -> Verdict:
    test = found.runs.test[:, :, -1]
    best = int(np.argmax(np.mean(test, axis=1)))
    ahead = test[best] - test[found.chosen]
    return Verdict(
        claim=f"no strength of {found.name} does better than {found.strengths[found.chosen]:g} "
        "by more than a standard error",
        holds=float(np.mean(ahead)) <= standard_error(ahead),
        detail=f"best {found.strengths[best]:g}, {100 * np.mean(ahead):.2f} points ahead",
    )
