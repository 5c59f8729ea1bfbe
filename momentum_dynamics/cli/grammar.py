"""Which commands there are and what they take."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from momentum_dynamics import __version__
from momentum_dynamics.cli import commands

__all__ = ["PROGRAM", "parser"]

PROGRAM = "momentum-dynamics"


def parser() -> argparse.ArgumentParser:
    """The grammar of the whole command line; `run` of what it reads is the command."""
    whole = argparse.ArgumentParser(
        prog=PROGRAM,
        description="A laboratory for momentum: prove it, simulate it, plot it.",
        epilog="Help on one command: momentum-dynamics COMMAND --help",
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    branches = whole.add_subparsers(metavar="COMMAND", required=True)

    def command(run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        text = run.__doc__
        made = branches.add_parser(run.__name__, help=text, description=text, allow_abbrev=False)
        made.set_defaults(run=run)
        return made

    made = command(commands.analyze)
    _add_data(made, positional=True)
    made.add_argument(
        "--steps", type=int, metavar="N", help="length of each run; default: as needed"
    )
    made.add_argument("--plot", metavar="FILE", help="draw the rates: .svg, .png or .pdf")
    _add_json(made)

    _add_simulation(command(commands.simulate))

    made = command(commands.convert)
    made.add_argument("method", metavar="METHOD", help="such as torch-sgd, keras-sgd, heavy-ball")
    made.add_argument(
        "set",
        nargs="+",
        metavar="NAME=VALUE",
        help="its parameters, such as learning_rate=0.1 momentum=0.9 nesterov=True",
    )
    _add_json(made)

    _add_plan(command(commands.plan))

    made = command(commands.reproduce)
    made.add_argument("slugs", nargs="*", metavar="SLUG", help="claims or figures; default: all")
    made.add_argument(
        "--quick", action="store_true", help="coarse figures, in a folder of their own"
    )
    made.add_argument(
        "--full",
        action="store_true",
        help="first run all that takes long again, over an hour; goes on where it was killed",
    )
    made.add_argument("--jobs", type=_positive, metavar="N", help="processes")
    made.add_argument("--out", metavar="DIR", help="folder of the gallery")
    made.add_argument(
        "--format",
        type=_words,
        metavar="svg,png,pdf",
        help="kinds of pictures; default: svg,png, with --quick png",
    )

    _add_json(command(commands.claims))
    made = command(commands.claim)
    made.add_argument("slug", metavar="SLUG", help="see `momentum-dynamics claims`")
    _add_json(made)

    _add_json(command(commands.numbers))

    _add_json(command(commands.figures))
    made = command(commands.figure)
    made.add_argument("slug", metavar="SLUG", help="see `momentum-dynamics figures`")
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the figure, such as momentum=0.9 or momentum=[0,0.5]",
    )
    made.add_argument("--out", metavar="FILE", help="default: SLUG.svg in this folder")
    made.add_argument("--format", choices=commands.PICTURES, help="default: svg")

    made = command(commands.cite)
    made.add_argument("keys", nargs="+", metavar="KEY", help="such as polyak1964")
    return whole


def _add_plan(made: argparse.ArgumentParser) -> None:
    made.add_argument("--nodes", type=int, required=True, metavar="N", help="machines")
    made.add_argument(
        "--service",
        required=True,
        metavar="LAW",
        help="seconds of one gradient on one node: exponential, deterministic, shifted:0.5, "
        "gamma:4, lognormal:1, pareto:3, hyperexponential:2, each with its mean behind if that is "
        "not 1, as in exponential:2 or gamma:4:0.3",
    )
    made.add_argument(
        "--communication",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="for one exchange of a model; default: 0",
    )
    made.add_argument(
        "--spectrum",
        type=_numbers,
        required=True,
        metavar="SMALLEST,LARGEST",
        help="curvatures of the loss; more than two may be given",
    )
    made.add_argument(
        "--noise", type=float, required=True, metavar="VARIANCE", help="of one node's gradient"
    )
    made.add_argument(
        "--target", type=float, required=True, metavar="LOSS", help="the loss to come down to"
    )
    made.add_argument(
        "--start",
        type=float,
        default=1.0,
        metavar="X",
        help="displacement at the start; default: 1",
    )
    made.add_argument(
        "--server",
        type=float,
        metavar="SECONDS",
        help="of the server for one update; default: as --communication",
    )
    made.add_argument(
        "--replicas",
        type=_whole,
        default=400,
        metavar="R",
        help="clusters that are simulated to verify it; default: 400; 0: none",
    )
    made.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    _add_json(made)


def _add_simulation(made: argparse.ArgumentParser) -> None:
    made.add_argument("--method", required=True, metavar="NAME", help="such as heavy-ball")
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the method; without any, it is tuned for the problem",
    )
    problem = made.add_mutually_exclusive_group(required=True)
    problem.add_argument(
        "--spectrum", type=_numbers, metavar="H,H,…", help="curvatures of a quadratic"
    )
    problem.add_argument("--problem", choices=["rosenbrock"], help="a problem with a name")
    problem.add_argument("--data", metavar="FILE", help="least squares on your data")
    problem.add_argument("--dataset", metavar="NAME", help=_DATASET)
    _add_data(made, positional=False)
    made.add_argument("--steps", type=int, default=200, metavar="N", help="default: 200")
    made.add_argument(
        "--noise-variance", type=float, default=0.0, metavar="V", help="of every gradient"
    )
    made.add_argument(
        "--replicas", type=_positive, default=1, metavar="R", help="independent copies"
    )
    stale = made.add_mutually_exclusive_group()
    stale.add_argument(
        "--workers", type=float, metavar="M", help="geometric staleness of mean M - 1"
    )
    stale.add_argument("--staleness", type=_whole, metavar="K", help="every gradient K updates old")
    made.add_argument(
        "--seed", type=int, metavar="S", help="default: a new one, which is not repeated"
    )
    made.add_argument("--plot", metavar="FILE", help="draw the path: .svg, .png or .pdf")
    _add_json(made)


_DATASET = "a data set that scikit-learn ships, standardized: diabetes, wine, breast-cancer"


def _add_data(made: argparse.ArgumentParser, *, positional: bool) -> None:
    if positional:
        made.add_argument(
            "data", nargs="?", metavar="DATA", help=".csv with a header, or .npz with X and y"
        )
        made.add_argument("--dataset", metavar="NAME", help=_DATASET)
    made.add_argument("--target", metavar="COLUMN", help="the column to predict")
    made.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="COLUMN",
        help="leave a column out; repeatable",
    )
    made.add_argument(
        "--standardize",
        action="store_true",
        help="bring columns and target to mean 0 and variance 1",
    )
    made.add_argument(
        "--ridge", type=float, default=0.0, metavar="R", help="added to every curvature"
    )


def _add_json(made: argparse.ArgumentParser) -> None:
    made.add_argument("--json", action="store_true", help="print JSON instead of text")


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 1,10") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _whole(text: str) -> int:
    return _at_least(text, 0)


def _positive(text: str) -> int:
    return _at_least(text, 1)


def _at_least(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least}")
    return value
