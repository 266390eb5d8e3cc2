"""The measurements as a page of the documentation."""

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.markdown import claim
from experiments.markdown import table as markdown_table
from experiments.overfitting.config import IMAGES, Config
from experiments.overfitting.found import Found
from experiments.overfitting.problem import FIFTH, held_out
from experiments.overfitting.regularizers import Regularizer
from experiments.results import measured_on
from experiments.study import Verdict

PAGE = """\
# What regularizers do to a network that learns by heart

<!-- written by the study: do not edit -->

    .venv/bin/python -m experiments run overfitting --table docs/overfitting.md

{images} handwritten digits of 8 x 8 pixels to train on, {wrong} of their labels wrong on purpose;
the other {unseen} with their true labels are the test set. The network, 64-{width}-{width}-10 with
ReLU, has {steps} steps of plain gradient descent with batches of {batch}; without a regularizer it
learns every label, wrong ones too. Each regularizer meets the same {seeds} seeds: training digits,
wrong labels, initial weights and batches are those of the seed (but for the batches of early
stopping, which holds digits out). Every regularizer with every seed is one compiled program, one
call of `jax.jit`: `vmap` over seeds and strengths, `scan` over steps.

![Gains, labels learnt by heart, norms, courses of training and zeros](overfitting.png)

## Measured

*Strength*: the best in a sweep over the column *of*, on other seeds. *Train*: accuracy with the
labels given on the digits trained on: all {images}, but for early stopping, which holds {held} of
them out. *Gain*: test accuracy above that of the network of the same seed without a regularizer, in
points, with its standard error; **bold** beyond 2 of them. *Wrong*: the part of the wrong labels
trained on that the network has learnt. *Zeros*: the part of the weights that is exactly 0. *Norm*:
of all weights, Euclidean. Means over the seeds, by gain.

{table}
{versions}

## Claims

{verdicts}
## What one learns

- Penalties, decay, `max_norm` and noise have the same effect here: the network learns only a part
  of the wrong labels, less than half of them, and does better on unseen digits. Fewer of them is
  not always better: `group_lasso` learns more than twice as many as `l1_penalty` does, and gains
  no less.
- `proximal_l1` and `l1_penalty` minimize the same function and are as accurate, but only the
  proximal step makes weights 0: the subgradient steps to and fro around it.
- `proximal_group_lasso` and `group_lasso` likewise; what becomes 0 are whole units.
- Averages of weights (`ema`, `swa`) do little about wrong labels that nearly all of these weights
  have learnt.
- Early stopping gains nothing here: it gives up one in {fifth} digits, and decides by labels that
  are wrong as often as those it trains on.

## What it does not say

- It is a study of wrong labels, on one small data set. Where all labels are right (`--wrong 0`) the
  same network reaches 92 % without a regularizer, and with the same strengths the best of them gain
  about a point.
- Of so many regularizers one or another gets past 2 standard errors by chance: on the sweep's seeds
  `batch_norm` gained nothing.
- The strengths are those that did best on other seeds (`--sweep`), of the few that the table shows.
  Those seeds draw from the same {total} digits: a gain may be a little flattered, and more so for
  regularizers with a strength than for those without. Pixels are centred by their mean, and scaled
  by one number, over all {total} digits, those of the test set included: that is the same for every
  regularizer, and uses no label, but no network here has met digits from elsewhere.
- Three strengths are at an end of what was tried. `mixup` did best with the largest α and was
  still getting better: more might gain more. `smooth_labels` did best with the smallest ε, and
  with less might lose less. `swa` did best as the average from the first step on, and cannot
  begin earlier.
- The test sets of two seeds overlap as well;
  a standard error is that of another draw of seeds, not of other handwriting.
- Accuracy is all that is measured. Smoothed and mixed labels are about calibration, too.
- `random_crop` moves images of 8 pixels by a whole pixel, which is much for digits that small.
"""

HEAD = ("", "kind", "strength", "of", "train", "test", "gain", "wrong", "zeros", "norm")


def page(found: Mapping[str, Found], verdicts: Sequence[Verdict], config: Config) -> str:
    """The whole page."""
    where = measured_on()
    names = " and ".join(f"{name} {where['packages'][name]}" for name in ("jaxact", "jax"))
    return PAGE.format(
        images=config.images,
        unseen=IMAGES - config.images,
        total=IMAGES,
        wrong=f"{config.wrong:.0%}",
        width=config.width,
        steps=config.steps,
        batch=config.batch,
        seeds=config.seeds,
        fifth=FIFTH,
        held=np.count_nonzero(held_out(config)),
        table=table(list(found.values())),
        versions=f"Measured with {names}, {where['cpu']}, {where['date'][:10]}.",
        verdicts="".join(map(claim, verdicts)),
    )


def table(found: Sequence[Found]) -> str:
    """A line for each regularizer, those that gain most first."""
    body = [_cells(one) for one in sorted(found, key=lambda one: -one.gain)]
    return markdown_table(HEAD, body, words=4)


def strength_cells(row: Regularizer) -> tuple[str, str]:
    """The strength and all that were tried."""
    if not row.symbol:
        return "", ""
    return f"{row.symbol} = {row.strength:g}", ", ".join(f"{s:g}" for s in row.candidates)


def _cells(found: Found) -> tuple[str, ...]:
    run = found.run
    gain = f"{100 * found.gain:+.1f} ± {100 * found.error:.1f}"
    parts = (run.train[:, -1], run.test[:, -1])
    return (
        f"`{found.name}`",
        found.row.group,
        *strength_cells(found.row),
        *(f"{100 * np.mean(part):.1f} %" for part in parts),
        f"**{gain}**" if found.helps else gain,
        f"{100 * np.mean(run.wrong):.0f} %",
        f"{100 * np.mean(run.zeros):.1f} %",
        f"{np.mean(run.norm):.1f}",
    )
