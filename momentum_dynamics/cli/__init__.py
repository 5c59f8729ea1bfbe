"""The command line: `momentum-dynamics …`, each command a thin layer over one public function."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from momentum_dynamics.cli.grammar import PROGRAM, parser
from momentum_dynamics.errors import MomentumDynamicsError
from momentum_dynamics.terminal import write_plainly

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the process.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 if all is well, 1 if a verdict is not the expected one, 2 for anything that cannot be
        done (one sentence on the standard error output), 130 after an interrupt.
    """
    for stream in (sys.stdout, sys.stderr):
        write_plainly(stream)
    try:
        options = parser().parse_args(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
    except MomentumDynamicsError as error:
        return _refuse(error)
    except BrokenPipeError:
        # Whoever read our output has left (`| head`); nothing may be flushed into the pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        return _refuse(f"{error.filename or 'A file'}: {error.strerror or error}.")
    except MemoryError:
        return _refuse("This does not fit into memory; ask for fewer steps or replicas.")
    except KeyboardInterrupt:
        return 130
    return code


def _refuse(reason: object) -> int:
    print(f"{PROGRAM}: {reason}", file=sys.stderr)
    return 2
