"""The rows of dropouts."""
