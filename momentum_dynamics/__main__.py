"""`python -m momentum_dynamics`: the command line."""

import sys

from momentum_dynamics.cli import main

if __name__ == "__main__":
    sys.exit(main())
