"""The rows of the optimizers and their schedules, file by file as the library's."""
