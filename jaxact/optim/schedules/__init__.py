"""PyTorch's schedules of learning rates as functions of the step, with torch's defaults."""

from jaxact.optim.schedules.combinations import chained_scheduler, sequential_lr
from jaxact.optim.schedules.cosines import cosine_annealing_lr, cosine_annealing_warm_restarts
from jaxact.optim.schedules.cycles import cyclic_lr, one_cycle_lr
from jaxact.optim.schedules.factors import (
    exponential_lr,
    lambda_lr,
    multi_step_lr,
    multiplicative_lr,
    step_lr,
)
from jaxact.optim.schedules.plateaus import PlateauState, reduce_lr_on_plateau
from jaxact.optim.schedules.ramps import constant_lr, linear_lr, polynomial_lr

__all__ = [
    "PlateauState",
    "chained_scheduler",
    "constant_lr",
    "cosine_annealing_lr",
    "cosine_annealing_warm_restarts",
    "cyclic_lr",
    "exponential_lr",
    "lambda_lr",
    "linear_lr",
    "multi_step_lr",
    "multiplicative_lr",
    "one_cycle_lr",
    "polynomial_lr",
    "reduce_lr_on_plateau",
    "sequential_lr",
    "step_lr",
]
