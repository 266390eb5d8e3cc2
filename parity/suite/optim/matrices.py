"""The rows of Adafactor and Muon."""

from __future__ import annotations

from parity.domains import FLAG, Number, OneOf
from parity.spec import Budget, Samples, steps
from parity.suite.optim.domains import LR, MATRICES, WEIGHT_DECAY, of_optimizer, warming
from parity.suite.optim.rows import STEPS, row
from parity.suite.rows import setting

WEIGHTS = {
    "wide": Samples(shape=(3, 5), axis=None, scale=1.0),
    "high": Samples(shape=(6, 2), axis=None, scale=1.0),
}
OF_STEPS = {
    "wide": Samples(shape=(STEPS, 3, 5), axis=None, scale=1.0),
    "high": Samples(shape=(STEPS, 6, 2), axis=None, scale=1.0),
}
ITERATED = Budget(
    ulp=64,
    floor=64,
    everywhere=True,
    per_step=1,
    reason="five iterations multiply a rounding of the small singular values by up to 3.4^5",
)
# torch's iterations have the digits of bfloat16.
EXACT = steps("torch", "parity.suite.optim.references.muon")
SPECS = (
    row(
        "matrices",
        "adafactor",
        "Adafactor",
        "row_var",
        "col_var",
        "variance",
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, beta2_decay=-0.5, eps=(0.25, 0.5), d=2.0, weight_decay=0.1),
            setting(lr=0.5, maximize=True),
        ),
        domain=of_optimizer(
            # torch divides by the number of elements.
            lengths={"n": (5, 1)},
            lr=LR,
            beta2_decay=Number(-0.8, -0.25, 0, -2, outside=(0.5,)),
            eps=OneOf((None, 1e-3), (0.25, 0.5), (1e-30, 0.0), outside=((-1.0, 0.5), (0.5, -1.0))),
            d=Number(1.0, 1.5, 3, outside=(0.5,)),
            weight_decay=WEIGHT_DECAY,
            maximize=FLAG,
        ),
    ),
    row(
        "matrices",
        "muon",
        "Muon",
        "momentum_buffer",
        inputs=(WEIGHTS, OF_STEPS),
        truth=EXACT,
        settings=(
            setting(lr=0.1),
            setting(lr=0.1, nesterov=False, momentum=0.5, weight_decay=0.0, ns_steps=3),
            setting(lr=0.1, adjust_lr_fn="match_rms_adamw", ns_coefficients=(2.0, -1.5, 0.5)),
        ),
        calls_reference=EXACT,
        budgets={"forward": ITERATED, "vmap": ITERATED},
        domain=of_optimizer(
            leaves=MATRICES,
            lr=LR,
            weight_decay=WEIGHT_DECAY,
            momentum=OneOf(0.95, 0.5, 0.0, warming, outside=(-0.5,)),
            nesterov=FLAG,
            ns_coefficients=OneOf((3.4445, -4.775, 2.0315), (2.0, -1.5, 0.5)),
            eps=Number(1e-7, 0.5),
            ns_steps=OneOf(5, 1, 0, outside=(100,)),
            adjust_lr_fn=OneOf(None, "original", "match_rms_adamw"),
        ),
    ),
)
