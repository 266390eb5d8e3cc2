"""`python -m parity`: the command line over jaxact's rows."""

from parity.cli import main
from parity.suite import load

if __name__ == "__main__":
    main(load)
