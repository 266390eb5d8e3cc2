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
# What regularizers do to a network that memorizes its training set

<!-- written by the study: do not edit -->

    .venv/bin/python -m experiments run overfitting --table docs/overfitting.md

{images} handwritten digits of 8 x 8 pixels to train on, {wrong} of them with a wrong label on
purpose; the other {unseen} with their true labels are the test set. The network,
64-{width}-{width}-10 with ReLU, is trained by {steps} steps of plain gradient descent with batches
of {batch}; without a regularizer it memorizes every label, wrong ones included. Each
regularizer is run with the same {seeds} seeds, which determine training digits, wrong labels,
initial weights and batches (except the batches of early stopping, which holds digits out). All
regularizers with all seeds are one
compiled program, one call of `jax.jit`: `vmap` over seeds and strengths, `scan` over steps.

![Gains, memorized labels, norms, accuracy during training, and zeros](overfitting.png)

## Measured

*Strength*: the best of those in the column *of*, found on other seeds. *Train*: accuracy on the
training digits with the labels given, wrong ones included: on all {images}, except for early
stopping, which holds {held} of them out. *Gain*: test accuracy minus that of the network of the
same seed without a regularizer, in percentage points, with its standard error; **bold** if it is
more than 2 standard errors. *Wrong*: the share of the wrong labels trained on that the network has
memorized. *Zeros*: the share of the weights that are exactly 0. *Norm*: the Euclidean norm of all
weights. All figures are means over the seeds; the lines are sorted by gain.

{table}
{versions}

## Claims

{verdicts}
## Findings

- Penalties, weight decay, `max_norm` and noise have the same effect here: the network memorizes
  less than half of the wrong labels and does better on unseen digits. Memorizing fewer of them is
  not always better: `group_lasso` memorizes more than twice as many as `l1_penalty`, and gains as
  much.
- `proximal_l1` and `l1_penalty` minimize the same function and are equally accurate, but only the
  proximal step makes weights exactly 0: subgradient steps jump back and forth across it.
- The same holds for `proximal_group_lasso` and `group_lasso`; here whole units become 0.
- Averages of weights (`ema`, `swa`) hardly help against wrong labels: nearly all of the weights
  averaged have memorized them already.
- Early stopping gains nothing here: it gives up one in {fifth} training digits, and it decides by
  validation labels that are wrong as often as the others.

## Limits

- This is a study of wrong labels on one small data set. If all labels are right (`--wrong 0`) the
  same network reaches 92 % without a regularizer, and the best regularizers, with the same
  strengths, gain about one point.
- With so many regularizers some gain exceeds 2 standard errors by chance: on the seeds of the
  sweep `batch_norm` gained nothing.
- The strengths are those that did best on other seeds (`--sweep`) among the few listed in the
  table. Those seeds draw from the same {total} digits, so gains may be slightly too high, and more
  so for regularizers with a strength than for those without. Pixels are centred by their mean and
  scaled by one number, both taken over all {total} digits, test digits included: that is the same
  for every regularizer and uses no labels, but no network here has been tested on digits from
  elsewhere.
- Three strengths are at an end of the range that was tried. `mixup` did best with the largest α,
  and was still improving. `smooth_labels` did best with the smallest ε, and might lose less with a
  smaller one. `swa` did best as the average from the first step on, and cannot begin earlier.
- The test sets of different seeds overlap; the standard error is about other random seeds, not
  about other handwriting.
- Only accuracy is measured; smoothed and mixed labels also affect calibration.
- `random_crop` moves images of 8 pixels by a whole pixel, a lot for digits of that size.
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
