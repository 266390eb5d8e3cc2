"""The rows of the activations: each is in the file named like that of its function."""
