"""PyTorch's optimizers as transformations of optax, with torch's names and defaults."""

from jaxact.optim.adam_family import AdamState, adam, adamw
from jaxact.optim.adam_variants import (
    AdamaxState,
    NadamState,
    RadamState,
    adamax,
    nadam,
    radam,
)
from jaxact.optim.curvature import LbfgsState, lbfgs
from jaxact.optim.gradient_descent import AsgdState, SgdState, asgd, sgd
from jaxact.optim.groups import param_groups
from jaxact.optim.matrices import AdafactorState, MuonState, adafactor, muon
from jaxact.optim.schedules import (
    PlateauState,
    chained_scheduler,
    constant_lr,
    cosine_annealing_lr,
    cosine_annealing_warm_restarts,
    cyclic_lr,
    exponential_lr,
    lambda_lr,
    linear_lr,
    multi_step_lr,
    multiplicative_lr,
    one_cycle_lr,
    polynomial_lr,
    reduce_lr_on_plateau,
    sequential_lr,
    step_lr,
)
from jaxact.optim.signs import RpropState, rprop
from jaxact.optim.sparse_gradients import SparseAdamState, sparse_adam
from jaxact.optim.squared_gradients import (
    AdadeltaState,
    AdagradState,
    RmspropState,
    adadelta,
    adagrad,
    rmsprop,
)
from jaxact.optim.torch_states import from_torch_state, to_torch_state

__all__ = [
    "AdadeltaState",
    "AdafactorState",
    "AdagradState",
    "AdamState",
    "AdamaxState",
    "AsgdState",
    "LbfgsState",
    "MuonState",
    "NadamState",
    "PlateauState",
    "RadamState",
    "RmspropState",
    "RpropState",
    "SgdState",
    "SparseAdamState",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "chained_scheduler",
    "constant_lr",
    "cosine_annealing_lr",
    "cosine_annealing_warm_restarts",
    "cyclic_lr",
    "exponential_lr",
    "from_torch_state",
    "lambda_lr",
    "lbfgs",
    "linear_lr",
    "multi_step_lr",
    "multiplicative_lr",
    "muon",
    "nadam",
    "one_cycle_lr",
    "param_groups",
    "polynomial_lr",
    "radam",
    "reduce_lr_on_plateau",
    "rmsprop",
    "rprop",
    "sequential_lr",
    "sgd",
    "sparse_adam",
    "step_lr",
    "to_torch_state",
]
