"""How the benchmarks are configured: what each of them accepts and refuses."""

import pytest

from experiments.bench.config import ActivationsConfig
from experiments.bench.studies import BENCHMARKS

CONFIGS = [study.config for study in BENCHMARKS]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize(
    "options",
    [{"rounds": 0}, {"scale": 0.0}, {"scale": 2.0}, {"function": ("gleu",)}],
    ids=lambda options: next(iter(options)),
)
def test_what_cannot_be_timed_is_refused(config, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        config(**options)


@pytest.mark.parametrize(
    ("study", "function"),
    [
        ("activations", "mse_loss"),
        ("losses", "dropout"),
        ("regularizers", "relu"),
        ("optim", "lbfgs"),
        ("compiling", "kaiming_normal"),
    ],
)
def test_a_function_of_another_family_is_refused(study, function):
    config = next(row.config for row in BENCHMARKS if row.name == study)
    with pytest.raises(ValueError, match=f"got {function}"):
        config(function=(function,))


@pytest.mark.parametrize("function", ["relu", "mse_loss", "dropout"])
def test_compiling_takes_functions_of_three_families(function):
    assert next(row.config for row in BENCHMARKS if row.name == "compiling")(function=(function,))


def test_activations_get_whole_rows_and_images_at_every_scale():
    assert ActivationsConfig().elements == 2**22
    for scale in (1e-9, 0.01, 0.3):
        elements = ActivationsConfig(scale=scale).elements
        assert elements > 0
        assert elements % 2**16 == 0
