"""The rows of schedules: their learning rates, and momenta, against those in torch's optimizers."""
