"""The studies and benchmarks that the command line offers: a new one is one row here."""

from experiments.accuracy.study import STUDY as ACCURACY
from experiments.bench.studies import BENCHMARKS as BENCHMARKS
from experiments.descent.study import STUDY as DESCENT
from experiments.overfitting.study import STUDY as OVERFITTING
from experiments.signal_propagation.study import STUDY as SIGNAL_PROPAGATION
from experiments.study import Study
from experiments.training_parity.study import STUDY as TRAINING_PARITY

STUDIES: tuple[Study, ...] = (TRAINING_PARITY, ACCURACY, SIGNAL_PROPAGATION, OVERFITTING, DESCENT)
