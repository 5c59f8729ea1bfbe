"""The command line: `momentum-dynamics …`, each command a thin layer over one public function."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_dynamics import __version__
from momentum_dynamics.errors import DomainError, MomentumDynamicsError
from momentum_dynamics.terminal import (
    catalogue,
    evidence_text,
    filled,
    formula,
    json_text,
    settings,
    write_plainly,
)

if TYPE_CHECKING:
    from momentum_dynamics.problems import NamedData

__all__ = ["main"]

PROGRAM = "momentum-dynamics"
PICTURES = ("svg", "png", "pdf")


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
        options = _parser().parse_args(arguments)
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


# --- the commands ---------------------------------------------------------------------------------


def _analyze(options: argparse.Namespace) -> int:
    from momentum_dynamics.analysis import analyze

    picture = _picture_path(options.plot) if options.plot is not None else None
    found = analyze(_data(options), ridge=options.ridge, steps=options.steps)
    if options.json:
        print(json_text(found.to_dict()))
    else:
        print(found)
    _draw(found, picture)
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from momentum_dynamics.analysis.ready import require_scale
    from momentum_dynamics.analysis.trial import named_method, try_out
    from momentum_dynamics.delays import FixedDelay, GeometricDelay
    from momentum_dynamics.problems import Quadratic, Ridge, Rosenbrock

    picture = _picture_path(options.plot) if options.plot is not None else None
    problem: Any
    if options.spectrum is not None:
        problem = Quadratic(options.spectrum)
    elif options.problem is not None:
        problem = Rosenbrock()
    else:
        data = _data(options)
        problem = Ridge(data.X, data.y, ridge=options.ridge)
        require_scale(problem, data)
    delay: Any = None
    if options.workers is not None:
        delay = GeometricDelay(workers=options.workers)
    elif options.staleness is not None:
        delay = FixedDelay(staleness=options.staleness)
    found = try_out(
        named_method(options.method, settings(options.set), problem),
        problem,
        steps=options.steps,
        noise_variance=options.noise_variance,
        replicas=options.replicas,
        delay=delay,
        seed=options.seed,
    )
    if options.json:
        print(json_text(found.to_dict()))
    else:
        print(found)
    _draw(found.run, picture)
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    from momentum_dynamics.reproduce import write_gallery

    report = write_gallery(
        options.slugs,
        quick=options.quick,
        jobs=options.jobs,
        out=options.out,
        formats=options.format,
        progress=sys.stderr.isatty(),
    )
    print(report.summary())
    return report.exit_code


def _claims(options: argparse.Namespace) -> int:
    from momentum_dynamics.claims import list_claims

    claims = list_claims()
    if options.json:
        print(json_text([_about_claim(claim) for claim in claims]))
    else:
        print(
            catalogue(
                (claim.slug, f"{claim.title} [{claim.source}; expected: {claim.expected}]")
                for claim in claims
            )
        )
    return 0


def _claim(options: argparse.Namespace) -> int:
    from momentum_dynamics.claims import claim, judge

    subject = claim(options.slug)
    judgement = judge(subject)
    if options.json:
        print(json_text({**judgement.to_dict(), "statement": str(subject.statement())}))
        return 0 if judgement.as_expected else 1
    print(filled(subject.title))
    print(f"\n{formula(subject.statement(), sys.stdout.encoding)}\n")
    print(filled(f"{'source':<12}{subject.source}", hanging=12))
    surprise = "" if judgement.as_expected else f", but {subject.expected} was expected"
    print(f"{'verdict':<12}{judgement.verdict}{surprise}")
    for role, evidence in judgement.checks.items():
        print(filled(f"{role:<12}{evidence_text(role, evidence)}", hanging=12))
    if subject.remark:
        print(filled(f"{'remark':<12}{subject.remark}", hanging=12))
    return 0 if judgement.as_expected else 1


def _figures(options: argparse.Namespace) -> int:
    from momentum_dynamics.figures import list_figures

    figures = list_figures()
    if options.json:
        print(json_text([_about_figure(figure) for figure in figures]))
    else:
        print(catalogue((figure.slug, f"{figure.title} [{figure.source}]") for figure in figures))
    return 0


def _about_claim(subject: Any) -> dict[str, Any]:
    return {
        "slug": subject.slug,
        "title": subject.title,
        "source": str(subject.source),
        "kind": subject.kind.value,
        "expected": subject.expected.value,
        "live": subject.live,
        "seed": subject.seed,
        "figures": list(subject.figures),
        "remark": subject.remark,
    }


def _about_figure(subject: Any) -> dict[str, Any]:
    return {
        "slug": subject.slug,
        "title": subject.title,
        "source": str(subject.source),
        "claims": list(subject.claims),
        "parameters": {name: repr(value) for name, value in subject.parameters.items()},
        "remark": subject.remark,
    }


def _figure(options: argparse.Namespace) -> int:
    from momentum_dynamics.figures import figure
    from momentum_dynamics.figures.style import save

    subject = figure(options.slug)
    kind = options.format or "svg"
    path = _picture_path(options.out or f"{subject.slug}.{kind}")
    if options.format and path.suffix.lower() != f".{options.format}":
        raise DomainError(
            f"--out {path} is no {options.format} file; give one of --out and --format."
        )
    data = subject.data(**settings(options.set))
    save(subject.render(data), path, path.suffix.lower()[1:])
    print(filled(subject.caption(data)))
    print(f"\nDrawn to {path}")
    return 0


def _cite(options: argparse.Namespace) -> int:
    from momentum_dynamics.claims.bibliography import cite

    for key in options.keys:
        print(cite(key))
    return 0


# --- what the commands share ----------------------------------------------------------------------


def _data(options: argparse.Namespace) -> NamedData:
    """The user's file or a shipped data set, as the options name it."""
    from momentum_dynamics.problems import named_data, read_data

    if options.dataset is not None:
        if options.data is not None or options.target is not None or options.drop:
            raise DomainError(
                "--dataset brings its own columns; leave file, --target and --drop out."
            )
        data = named_data(options.dataset)
    elif options.data is None:
        raise DomainError("Name a data file with its --target, or a shipped --dataset.")
    else:
        data = read_data(options.data, options.target, drop=options.drop)
    return data.standardized() if options.standardize else data


def _picture_path(name: str) -> Path:
    """The path of a picture, checked before anything is computed for it."""
    path = Path(name)
    if path.suffix.lower()[1:] not in PICTURES:
        raise DomainError(
            f"{path} is no picture that can be drawn; end its name in .svg, .png or .pdf."
        )
    if not path.absolute().parent.is_dir():
        raise DomainError(f"{path}: the folder {path.parent} does not exist; make it first.")
    return path


def _draw(result: Any, path: Path | None) -> None:
    """Draw a result; say where, but not into the JSON."""
    if path is None:
        return
    from momentum_dynamics.figures import plot
    from momentum_dynamics.figures.style import save

    save(plot(result).figure, path, path.suffix.lower()[1:])
    print(f"Drawn to {path}", file=sys.stderr)


# --- the grammar ----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="A laboratory for momentum: prove it, simulate it, plot it.",
        epilog="Help on one command: momentum-dynamics COMMAND --help",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        made.set_defaults(run=run)
        return made

    def flag_json(made: argparse.ArgumentParser) -> None:
        made.add_argument("--json", action="store_true", help="print JSON instead of text")

    made = command(
        "analyze", _analyze, "Predict and measure how fast every tuned method fits your data."
    )
    _add_data(made, positional=True)
    made.add_argument(
        "--steps", type=int, metavar="N", help="length of each run; default: as needed"
    )
    made.add_argument("--plot", metavar="FILE", help="draw the rates: .svg, .png or .pdf")
    flag_json(made)

    made = command("simulate", _simulate, "Run one method on one problem.")
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
    flag_json(made)

    made = command(
        "reproduce", _reproduce, "Judge claims, draw figures, write gallery and scorecard."
    )
    made.add_argument("slugs", nargs="*", metavar="SLUG", help="claims or figures; default: all")
    made.add_argument(
        "--quick", action="store_true", help="coarse figures, in a folder of their own"
    )
    made.add_argument("--jobs", type=_positive, metavar="N", help="processes")
    made.add_argument("--out", metavar="DIR", help="folder of the gallery")
    made.add_argument(
        "--format",
        type=_words,
        default=("svg", "png"),
        metavar="svg,png,pdf",
        help="kinds of pictures; default: svg,png",
    )

    flag_json(command("claims", _claims, "List every claim."))
    made = command("claim", _claim, "Prove, test and judge one claim.")
    made.add_argument("slug", metavar="SLUG", help="see `momentum-dynamics claims`")
    flag_json(made)

    flag_json(command("figures", _figures, "List every figure."))
    made = command("figure", _figure, "Draw one figure.")
    made.add_argument("slug", metavar="SLUG", help="see `momentum-dynamics figures`")
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the figure, such as momentum=0.9 or momentum=[0,0.5]",
    )
    made.add_argument("--out", metavar="FILE", help="default: SLUG.svg in this folder")
    made.add_argument("--format", choices=PICTURES, help="default: svg")

    made = command("cite", _cite, "Print the BibTeX entry of a source.")
    made.add_argument("keys", nargs="+", metavar="KEY", help="such as polyak1964")
    return parser


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
