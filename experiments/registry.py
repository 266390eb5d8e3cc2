"""The studies and benchmarks that the command line offers: a new one is one row here."""

from experiments import accuracy, overfitting, signal_propagation, training_parity
from experiments.bench import activations, compiling, losses, regularizers
from experiments.study import Study

STUDIES: tuple[Study, ...] = (
    training_parity.STUDY,
    accuracy.STUDY,
    signal_propagation.STUDY,
    overfitting.STUDY,
)

BENCHMARKS: tuple[Study, ...] = (
    activations.STUDY,
    losses.STUDY,
    regularizers.STUDY,
    compiling.STUDY,
)
