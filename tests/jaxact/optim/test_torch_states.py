"""States of torch that do not fit, and groups that do not exist; the rows prove those that do."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxact import errors, optim

# In the order of torch, which is not that of the leaves of a dict.
NAMES = ("weight", "bias")


def _start() -> dict[str, Any]:
    return {"weight": jnp.ones((3, 4)), "bias": jnp.ones(3)}


def _after_two_steps(make: Any, **options: Any) -> Any:
    weights = {n: torch.nn.Parameter(torch.tensor(np.asarray(w))) for n, w in _start().items()}
    optimizer = make([weights[name] for name in NAMES], **options)
    for _ in range(2):
        for weight in weights.values():
            weight.grad = torch.ones_like(weight)
        optimizer.step()
    return optimizer.state_dict()


def test_what_does_not_fit_is_named() -> None:
    state_dict = _after_two_steps(torch.optim.Adam)
    state = optim.adam().init(_start())
    with pytest.raises(errors.InvalidValueError, match=r"exp_avg must have shape \(3,\)"):
        optim.from_torch_state(state, state_dict)
    with pytest.raises(errors.InvalidValueError, match="names must be those of the parameters"):
        optim.from_torch_state(state, state_dict, ["weight", "scale"])
    amsgrad = optim.adam(amsgrad=True).init(_start())
    with pytest.raises(errors.InvalidValueError, match="must have max_exp_avg_sq"):
        optim.from_torch_state(amsgrad, state_dict, NAMES)
    with pytest.raises(errors.InvalidTypeError, match="must be the state of an optimizer"):
        optim.from_torch_state((), state_dict)
    one = optim.adam().init({"weight": jnp.ones((3, 4))})
    with pytest.raises(errors.InvalidValueError, match="must have the state of 1 parameters"):
        optim.from_torch_state(one, state_dict)


def test_steps_that_differ_are_named() -> None:
    state_dict = _after_two_steps(torch.optim.Adam)
    state_dict["state"][1]["step"] = torch.tensor(7.0)
    with pytest.raises(errors.InvalidValueError, match="made as many steps, got 2, 7"):
        optim.from_torch_state(optim.adam().init(_start()), state_dict, NAMES)


def test_a_count_that_torch_lacks_can_be_given() -> None:
    state_dict = _after_two_steps(torch.optim.SGD, momentum=0.9)
    state = optim.sgd(momentum=0.9).init(_start())
    assert int(optim.from_torch_state(state, state_dict, NAMES).step) == 1
    assert int(optim.from_torch_state(state, state_dict, NAMES, step=2).step) == 2


def test_a_group_that_does_not_exist_is_named() -> None:
    made = optim.param_groups(optim.sgd, {"all": {"lr": 0.1}}, lambda path, leaf: "others")
    with pytest.raises(errors.InvalidValueError, match="one of 'all', got 'others' at 'bias'"):
        made.init(_start())
