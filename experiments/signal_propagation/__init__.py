"""How initializers carry a signal, and its gradient, through fifty layers of real digits."""
