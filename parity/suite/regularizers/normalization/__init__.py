"""The rows of normalization."""
