"""`parity` and `python -m parity`: the command line over jaxact's rows."""

from parity.cli import main
from parity.suite import load


def run() -> None:
    """Runs the command line."""
    main(load)


if __name__ == "__main__":
    run()
