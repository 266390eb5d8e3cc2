"""The rows of the losses: each is in the file named like that of its function."""
