"""Batch sizes as one loop, and the paths of optimizers over a surface."""
