"""torch's schedules in an optimizer, step by step."""
# pyright: basic

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import lr_scheduler

Named = dict[str, Any]


def _values(steps: Any, lr: Any, make: Callable[[Any], Any], *, momentum: bool = False) -> Named:
    """The learning rates, and momenta, that an optimizer has at these steps."""
    if lr.ndim:
        raise ValueError("a learning rate is one number")
    dtype = lr.dtype if lr.is_floating_point() else torch.get_default_dtype()
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=lr.item(), momentum=0.5)
    (group,) = optimizer.param_groups
    seen: dict[str, list[float]] = {"lr": [], "momentum": []}
    with warnings.catch_warnings():
        # torch warns of schedulers that do not follow a step of the optimizer.
        warnings.simplefilter("ignore")
        scheduler = make(optimizer)
        for step in range(int(steps.max()) + 1):
            if step:
                optimizer.step()
                scheduler.step()
            for name, numbers in seen.items():
                numbers.append(float(group[name]))
    names = ("lr", "momentum") if momentum else ("lr",)
    return {name: torch.tensor(seen[name], dtype=dtype)[steps.long()] for name in names}


def _of_one_rate(kind: Any) -> Callable[..., Named]:
    """Schedules of the learning rate that the optimizer has."""
    return lambda steps, lr, **named: _values(steps, lr, lambda o: kind(o, **named))


lambda_lr = _of_one_rate(lr_scheduler.LambdaLR)
multiplicative_lr = _of_one_rate(lr_scheduler.MultiplicativeLR)
step_lr = _of_one_rate(lr_scheduler.StepLR)
multi_step_lr = _of_one_rate(lr_scheduler.MultiStepLR)
exponential_lr = _of_one_rate(lr_scheduler.ExponentialLR)
constant_lr = _of_one_rate(lr_scheduler.ConstantLR)
linear_lr = _of_one_rate(lr_scheduler.LinearLR)
polynomial_lr = _of_one_rate(lr_scheduler.PolynomialLR)
cosine_annealing_lr = _of_one_rate(lr_scheduler.CosineAnnealingLR)
cosine_annealing_warm_restarts = _of_one_rate(lr_scheduler.CosineAnnealingWarmRestarts)


def _in_closed_form(kind: Any) -> Callable[..., Named]:
    """The formula of a schedule, whose recursion rounds in each step or divides by 0."""

    def values(steps: Any, lr: Any, **named: Any) -> Named:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=lr.item())
        scheduler, found = kind(optimizer, **named), []
        for step in steps.tolist():
            scheduler.last_epoch = step
            found.append(scheduler._get_closed_form_lr()[0])
        return {"lr": torch.tensor(found, dtype=lr.dtype)}

    return values


constant_lr_formula = _in_closed_form(lr_scheduler.ConstantLR)
cosine_annealing_lr_formula = _in_closed_form(lr_scheduler.CosineAnnealingLR)


def cyclic_lr(steps: Any, base_lr: Any, cycle_momentum: bool = True, **named: Any) -> Named:
    """CyclicLR, of which a tensor is the lowest learning rate."""
    named |= {"base_lr": base_lr.item(), "cycle_momentum": cycle_momentum}
    return _values(
        steps, base_lr, lambda o: lr_scheduler.CyclicLR(o, **named), momentum=cycle_momentum
    )


def one_cycle_lr(steps: Any, max_lr: Any, cycle_momentum: bool = True, **named: Any) -> Named:
    """OneCycleLR, of which a tensor is the highest learning rate."""
    named |= {"max_lr": max_lr.item(), "cycle_momentum": cycle_momentum}
    return _values(
        steps, max_lr, lambda o: lr_scheduler.OneCycleLR(o, **named), momentum=cycle_momentum
    )


# Schedules by name, for combinations: of an optimizer, and of a learning rate.
PARTS: dict[str, Callable[[Any], Any]] = {
    "warmup": lambda o: lr_scheduler.LinearLR(o, 0.25, 1.0, 4),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "steps": lambda o: lr_scheduler.StepLR(o, 3, 0.5),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 5, 0.0625),
    "restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2),
    "inverse": lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
    "sequence": lambda o: lr_scheduler.SequentialLR(
        o, [PARTS["warmup"](o), PARTS["exponential"](o)], [6]
    ),
}


def sequential_lr(steps: Any, lr: Any, schedulers: tuple[str, ...], milestones: Any) -> Named:
    """SequentialLR of the parts of these names."""

    def make(optimizer: Any) -> Any:
        parts = [PARTS[name](optimizer) for name in schedulers]
        return lr_scheduler.SequentialLR(optimizer, parts, list(milestones))

    return _values(steps, lr, make)


def chained_scheduler(steps: Any, lr: Any, schedulers: tuple[str, ...]) -> Named:
    """ChainedScheduler of the parts of these names."""

    def make(optimizer: Any) -> Any:
        return lr_scheduler.ChainedScheduler([PARTS[name](optimizer) for name in schedulers])

    return _values(steps, lr, make)


class Plateau:
    """Plain descent with ReduceLROnPlateau, which gets a metric after each step."""

    def __init__(self, params: Any, lr: float = 0.1, **named: Any) -> None:
        self.params = params
        self.optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=lr)
        self.scheduler = lr_scheduler.ReduceLROnPlateau(self.optimizer, **named)

    def step(self, metric: Any) -> Named:
        """The state after the metric."""
        self.scheduler.step(metric.item())
        own, dtype = self.scheduler, metric.dtype
        return {
            "state": {
                "lr": torch.tensor(self.optimizer.param_groups[0]["lr"], dtype=dtype),
                "best": torch.tensor(own.best, dtype=dtype),
                "num_bad_epochs": torch.tensor(own.num_bad_epochs, dtype=torch.int32),
                "cooldown_counter": torch.tensor(own.cooldown_counter, dtype=torch.int32),
            }
        }


def reduce_lr_on_plateau(params: Any, **named: Any) -> Plateau:
    """Plain descent with these hyperparameters."""
    return Plateau(params, **named)
