"""Studies that use jaxact and parity on real data: config -> run -> results file -> figures."""
