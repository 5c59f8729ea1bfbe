"""What each command does with its options; the docstrings are its help."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_dynamics.errors import DomainError
from momentum_dynamics.terminal import (
    catalogue,
    evidence_text,
    filled,
    formula,
    json_text,
    settings,
)

if TYPE_CHECKING:
    from momentum_dynamics.problems import NamedData

__all__ = [
    "PICTURES",
    "analyze",
    "cite",
    "claim",
    "claims",
    "convert",
    "figure",
    "figures",
    "numbers",
    "plan",
    "reproduce",
    "simulate",
]

PICTURES = ("svg", "png", "pdf")


def analyze(options: Namespace) -> int:
    """Predict and measure how fast every tuned method fits your data."""
    from momentum_dynamics.analysis import analyze

    picture = _picture_path(options.plot) if options.plot is not None else None
    found = analyze(_data(options), ridge=options.ridge, steps=options.steps)
    if options.json:
        print(json_text(found.to_dict()))
    else:
        print(found)
    _draw(found, picture)
    return 0


def simulate(options: Namespace) -> int:
    """Run one method on one problem."""
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
    if delay is not None and not options.set:
        found = found.noting(
            "the method is tuned for fresh gradients; with stale ones it may be slow or diverge: "
            "--set learning_rate=… tries another"
        )
    if options.json:
        print(json_text(found.to_dict()))
    else:
        print(found)
    _draw(found.run, picture)
    return 0


def convert(options: Namespace) -> int:
    """Say which momentum a method is in every convention."""
    from momentum_dynamics.analysis.conventions import conventions
    from momentum_dynamics.analysis.trial import built_method

    found = conventions(built_method(options.method, settings(options.set)))
    print(json_text(found.to_dict()) if options.json else found)
    return 0


def plan(options: Namespace) -> int:
    """Recommend groups, learning rate and momentum for a cluster, and verify it by simulation."""
    from momentum_dynamics.systems import plan
    from momentum_dynamics.systems.named import named_service

    found = plan(
        nodes=options.nodes,
        service=named_service(options.service),
        communication=options.communication,
        spectrum=options.spectrum,
        noise=options.noise,
        target=options.target,
        server=options.server,
        start=options.start,
    )
    checked = found.verify(options.seed, options.replicas) if options.replicas else None
    if options.json:
        verification = {"verification": None if checked is None else checked.to_dict()}
        print(json_text(found.to_dict() | verification))
    else:
        print(found)
        if checked is not None:
            print(f"\n{filled(str(checked))}")
    return 0 if checked is None or checked.holds else 1


def reproduce(options: Namespace) -> int:
    """Judge claims, draw figures, write gallery and scorecard."""
    from momentum_dynamics.reproduce import write_gallery

    report = write_gallery(
        options.slugs,
        quick=options.quick,
        full=options.full,
        jobs=options.jobs,
        out=options.out,
        formats=options.format,
        progress=sys.stderr.isatty(),
    )
    print(report.summary())
    return report.exit_code


def claims(options: Namespace) -> int:
    """List every claim."""
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


def claim(options: Namespace) -> int:
    """Prove, test and judge one claim."""
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
        print(filled(f"{role:<11} {evidence_text(role, evidence)}", hanging=12))
    if subject.remark:
        print(filled(f"{'remark':<12}{subject.remark}", hanging=12))
    return 0 if judgement.as_expected else 1


def numbers(options: Namespace) -> int:
    """Set what sources print beside what is computed here."""
    from momentum_dynamics.claims.numbers import list_numbers

    entries = [number.to_dict() for number in list_numbers()]
    if options.json:
        print(json_text(entries))
    else:
        print(catalogue((_number_line(entry), _about_number(entry)) for entry in entries))
    return 0 if all(entry["agrees"] == entry["expected"] for entry in entries) else 1


def _number_line(entry: dict[str, Any]) -> str:
    return f"{entry['published']:<14.8g} {entry['computed']:<14.8g} {entry['quantity']}"


def _about_number(entry: dict[str, Any]) -> str:
    verdict = "agrees" if entry["agrees"] else "differs"
    surprise = "" if entry["agrees"] == entry["expected"] else ", which was not expected"
    note = f"; {entry['note']}" if entry["note"] else ""
    return f"{verdict}{surprise}: off by {entry['difference']:.1e} [{entry['source']}{note}]"


def figures(options: Namespace) -> int:
    """List every figure."""
    from momentum_dynamics.figures import list_figures

    figures = list_figures()
    if options.json:
        print(json_text([_about_figure(figure) for figure in figures]))
    else:
        print(
            catalogue(
                (
                    figure.slug,
                    f"{figure.title} [{figure.source}; --set {', '.join(figure.parameters)}]",
                )
                for figure in figures
            )
        )
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


def figure(options: Namespace) -> int:
    """Draw one figure."""
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


def cite(options: Namespace) -> int:
    """Print the BibTeX entry of a source."""
    from momentum_dynamics.claims.bibliography import cite

    for key in options.keys:
        print(cite(key))
    return 0


# --- what the commands share ----------------------------------------------------------------------


def _data(options: Namespace) -> NamedData:
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
