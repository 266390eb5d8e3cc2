"""The rows of the regularizers: each is in the file named like that of its function."""
