"""The same network, from the same weights on the same batches, trained by torch and by jaxact."""
