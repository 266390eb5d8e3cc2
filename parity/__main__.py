"""`parity` and `python -m parity`: the command line over jaxact's rows."""

import sys

USAGE_ERROR = 2


def run() -> None:
    """Runs the command line; if packages of the extra are missing, says how to install them."""
    try:
        from parity.cli import main
        from parity.suite import load
    except ModuleNotFoundError as error:
        if (error.name or "parity").partition(".")[0] in ("jaxact", "parity"):
            raise
        print(
            f"parity: {error.name} is not installed; pip install 'jaxact[parity]'", file=sys.stderr
        )
        sys.exit(USAGE_ERROR)
    main(load)


if __name__ == "__main__":
    run()
