"""States that move wrongly between the frameworks fail in the rows of those that move them."""

import pytest

from jaxact import optim
from parity import suite
from parity.cases import cases, select
from parity.engine import run
from tests.parity.edits import edited

FROM = "from_torch_state/state={},state_dict=20,names={},step=None"
TO = "to_torch_state/state={},names={},tensor=20"
ADAM, ASGD = ("adam_amsgrad", False), ("asgd", True)
# What is wrong: the case that has to fail, a text of the library, and what is there instead.
WRONG = {
    "steps are not moved": (FROM, ADAM, '{"step": _steps_made(ours, kept, step)}', '{"step": 0}'),
    "the largest averages are not moved": (
        *(FROM, ADAM),
        *("if tree is None:", 'if tree is None or name.startswith("max"):'),
    ),
    "arrays are rounded": (
        *(FROM, ADAM),
        "jnp.asarray(array).astype(like.dtype)",
        'jnp.asarray(array).astype("bfloat16").astype(like.dtype)',
    ),
    "numbers are not moved": (FROM, ASGD, "_fitting(name, kept[0][name], tree)", "tree"),
    "names are not looked at": (FROM, ASGD, "names or _names_in(state_dict)", "names"),
    "steps are lost": (
        *(TO, ADAM),
        "array = np.asarray(leaf, np.float32",
        'array = np.asarray(leaf * (name != "step"), np.float32',
    ),
    "the largest averages are lost": (
        *(TO, ADAM),
        *("if value is None or (name", 'if value is None or name.startswith("max") or (name'),
    ),
    "names are ignored": (
        *(TO, ASGD),
        *('_places("to_torch_state", state, names)', '_places("to_torch_state", state, None)'),
    ),
}


def _results(case, optimizer, names):
    (found,) = select(
        cases(suite.family("optim")), f"optim/{case.format(optimizer, names)}/float64/forward"
    )
    return run([found])


@pytest.mark.parametrize("mistake", WRONG)
def test_a_state_that_moves_wrongly_is_noticed(mistake, monkeypatch):
    case, at, old, new = WRONG[mistake]
    function = case.partition("/")[0]
    monkeypatch.setattr(optim, function, edited("optim.torch_states", function, old, new))
    (result,) = _results(case, *at)
    assert not result.outcome.succeeds


@pytest.mark.parametrize("case", [FROM, TO])
@pytest.mark.parametrize("at", [ADAM, ASGD])
def test_the_right_ones_pass(case, at):
    (result,) = _results(case, *at)
    assert result.outcome.succeeds, result.message
