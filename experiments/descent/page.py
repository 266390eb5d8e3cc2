"""The measurements as a page of the documentation."""

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.bench.cores import available
from experiments.descent.config import IMAGES, Config
from experiments.descent.found import Found, Values, interval
from experiments.descent.paths import SURFACES, Path, Surface
from experiments.descent.training import POINTS
from experiments.markdown import claim
from experiments.markdown import table as markdown_table
from experiments.results import measured_on
from experiments.study import Verdict

PAGE = """\
# Batch, mini-batch and stochastic descent are one loop

<!-- written by the study: do not edit -->

    .venv/bin/python -m experiments run descent --table docs/descent.md

## One loop with a batch size

`order` holds the numbers of the training images, shuffled anew for every pass. Cut into pieces of
1 it gives stochastic descent, into pieces of {mini_batch} mini-batch descent, into pieces of
{images}, which are all images, batch descent. Nothing else in the program changes:

```python
descent = optim.sgd(learning_rate)


def step(before, rows):
    parameters, state = before
    slopes = jax.grad(loss)(parameters, x[rows], y[rows])
    updates, state = descent.update(slopes, state, parameters)
    return (optax.apply_updates(parameters, updates), state), None


batches = order.reshape(-1, batch)
end, _ = jax.lax.scan(step, (parameters, descent.init(parameters)), batches)
```

A network, 64-{width}-10 with ReLU, learns {images} of scikit-learn's {total} handwritten digits;
the other {unseen} are the test set. With every batch size it sees every training image {epochs}
times. There are {seeds} networks with each batch size, one for each seed. The seed decides training
digits, initial weights and `order`, so the networks of a seed differ in nothing but batch size and
learning rate. The networks of all seeds are trained side by side, by `vmap`: one compiled program
for each batch size.

![Loss on the training set by steps and by seconds, for the three batch sizes](descent.png)

Both axes are logarithmic. The mean is therefore the geometric one, and the band is its 95 %
confidence interval over the seeds. The dotted line is a loss of {target}.

### Measured

± is the 95 % confidence interval of the mean over the {seeds} seeds (Student's t). *Passes* and
*seconds* to {target}: until the loss on the whole training set is first at most {target}. It is
measured after each of the first {epochs} steps, and then at steps about {spacing:.0%} apart.
*Rises*: the part of the first {epochs} steps after which that loss is higher than before.

{batches}
Seconds are those of the compiled program that trains all {seeds} networks, without compiling it,
without shuffling and without measuring losses: the median of {timings} runs, in which the three
programs take turns, and in brackets the fastest and the slowest. The ± of the seconds to {target}
comes from the passes alone.

{times}
{versions}

### What it shows

- A step with more images is a better one: by steps, batch descent is ahead. But it makes only one
  step in a pass, and so needs many more passes, and more time, than the other two.
- With {mini_batch} images a step takes longer than with one, but not {mini_batch} times as long.
  Here that makes up for the passes that mini-batches need in addition: by time, they and single
  images are close.
- With all images the loss falls at every step. With fewer the gradient is that of other images than
  the loss, which then rises now and then. Single images make it rise less often than mini-batches
  do because their learning rate is so small: with 0.04 in place of 0.02 it rises in 35 % of the
  steps, on `--seed 1`.

## Paths of the optimizers

Each path is one compiled scan of {path_steps} steps; all paths over a surface have the same start.
The valley is (u² + 20 v²) / 2, with u and v turned by 22.5° against x and y. Beale's function is
(1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)². Both are 0 at their minimum. Nothing here
is random.

![Paths of the optimizers over the contour lines of both surfaces](descent_paths.png)

Large dots mark where the paths end.

{paths}
## Claims

{verdicts}
## Limits

- The learning rates follow one rule: half of the largest rate with which no network diverged, among
  rates that double from one to the next, on other seeds (`--seed 1` and `--seed 2`). They decide
  the comparison: with that largest rate itself, on `--seed 1`, mini-batches need 0.90 passes to 0.1
  and single images 0.89.
- It is one small network on one small data set. It can fit every training image, so the loss goes
  to 0 with any batch size. Where it cannot, stochastic descent with a constant learning rate stays
  above the minimum; that is not shown here.
- Seconds depend on the machine, so no claim is made about them. Hardware that computes with many
  images at once favours large batches; that is not measured here.
- The test sets of different seeds overlap; the intervals are about other random seeds, not about
  other handwriting.
- The paths are an illustration, not a ranking: the options were chosen by hand so that every path
  can be seen, and other options or other surfaces give another order.
"""

HEAD = (
    *("", "images in a batch", "learning rate", "steps", "passes", "passes to {target:g}"),
    *("rises, %", "final training loss", "final test accuracy, %"),
)
TIMES = ("", "seconds to {target:g}", "seconds for all steps", "microseconds a step")
ENDS = ("", "call", "value at the end", "distance from the minimum")


def page(
    found: Mapping[str, Found],
    paths: Mapping[str, Sequence[Path]],
    verdicts: Sequence[Verdict],
    config: Config,
) -> str:
    """The whole page."""
    where = measured_on()
    names = " and ".join(f"{name} {where['packages'][name]}" for name in ("jaxact", "jax"))
    cores = f"{available()} core{'s' if available() > 1 else ''}"
    return PAGE.format(
        images=config.images,
        unseen=IMAGES - config.images,
        total=IMAGES,
        mini_batch=config.mini_batch,
        width=config.width,
        epochs=config.epochs,
        seeds=config.seeds,
        target=f"{config.target:g}",
        timings=config.timings,
        spacing=(config.epochs * config.images) ** (1 / (POINTS - 1)) - 1,
        path_steps=config.path_steps,
        batches=batch_table(found, config),
        times=time_table(found, config),
        versions=f"Measured with {names}, {cores} of {where['cpu']}, {where['date'][:10]}.",
        paths="\n".join(_ends(s, paths[s.name]) for s in SURFACES if s.name in paths),
        verdicts="".join(map(claim, verdicts)),
    )


def batch_table(found: Mapping[str, Found], config: Config) -> str:
    """A line for each batch size, with what was measured of losses and accuracies."""
    head = [cell.format(target=config.target) for cell in HEAD]
    return markdown_table(head, [_cells(one, config) for one in found.values()])


def time_table(found: Mapping[str, Found], config: Config) -> str:
    """A line for each batch size, with the seconds."""
    head = [cell.format(target=config.target) for cell in TIMES]
    return markdown_table(head, [_times(one, config) for one in found.values()])


def until(values: Values) -> str:
    """Passes or seconds, [seeds], to a loss."""
    return interval(values).text() if np.all(np.isfinite(values)) else "not reached"


def _cells(found: Found, config: Config) -> tuple[str, ...]:
    kind = found.kind
    return (
        kind.name,
        f"{kind.batch}",
        f"{kind.learning_rate:g}",
        f"{found.steps[-1]}",
        f"{found.passes[-1]:g}",
        until(found.passes_to(config.target)),
        interval(found.rises(config.epochs)).text(100),
        interval(found.losses[:, -1]).text(),
        interval(found.accuracies[:, -1]).text(100),
    )


def _times(found: Found, config: Config) -> tuple[str, ...]:
    seconds, fastest, slowest = (f(found.seconds) for f in (np.median, np.min, np.max))
    return (
        found.kind.name,
        until(found.seconds_to(config.target)),
        f"{seconds:.2f} ({fastest:.2f} to {slowest:.2f})",
        f"{1e6 * seconds / found.steps[-1]:.1f}",
    )


def _ends(surface: Surface, paths: Sequence[Path]) -> str:
    """What the surface is, and a line for each optimizer."""
    start, minimum = ("({:g}, {:g})".format(*point) for point in (surface.start, surface.minimum))
    name = surface.name[0].upper() + surface.name[1:]
    intro = (
        f"{name}: from {start}, where it is {paths[0].values[0]:.3g}, to the minimum at {minimum}, "
        f"at first {paths[0].distances[0]:.3g} away.\n\n"
    )
    rows = [
        (f"`{p.optimizer}`", f"`{p.call}`", f"{p.values[-1]:.2g}", f"{p.distances[-1]:.2g}")
        for p in paths
    ]
    return intro + markdown_table(ENDS, rows, words=2)
