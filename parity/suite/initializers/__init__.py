"""The rows of the initializers: each is in the file named like that of its function."""
