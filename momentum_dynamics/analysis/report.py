"""What an analysis found: one row for each method, as a table, as HTML and as JSON."""

from __future__ import annotations

import html
import math
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Analysis", "AnalysisRow", "plain"]


@dataclass(frozen=True, kw_only=True)
class AnalysisRow:
    """One method on one problem: what the spectrum predicts and what the run measured.

    Attributes
    ----------
    name : str
    kind, objective : str
        As `tune` takes them.
    parameters : dict
        What the method was given: learning rate and momentum, or the ends of the spectrum where
        its coefficients change with the step.
    predicted : float
        The spectral radius over the whole spectrum: the slowest rate per gradient in the long run.
    expected : float or None
        The same fit as `measured` on the exact path, mode by mode: the prediction for these steps
        from this start.
    measured : float or None
        Read off the run on the data; None where nothing was left to measure.
    uncertainty : float or None
        How far the rate in the long run may lie from the measured one.
    window : (int, int) or None
        The steps that were read.
    steps : int
        Steps of the run; each asks one gradient.
    outcome : str
        ``"converged"`` to rounding, ``"budget_spent"`` or ``"diverged"``.
    final_distance : float
        At the end, relative to the start.
    gradients_predicted : float
        To a thousandth of the distance at the predicted rate; may be infinite.
    gradients_measured : int or None
        After which the run stayed within a thousandth of the distance.
    """

    name: str
    kind: str
    objective: str
    parameters: dict[str, float]
    predicted: float
    expected: float | None
    measured: float | None
    uncertainty: float | None
    window: tuple[int, int] | None
    steps: int
    outcome: str
    final_distance: float
    gradients_predicted: float
    gradients_measured: int | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Analysis:
    """What a problem's spectrum predicts for every tuned method, beside what runs measured.

    Attributes
    ----------
    name : str
    samples : int or None
        None for a problem without data.
    features : int
    rank : int
        How many curvatures are above zero without the ridge.
    dropped : int
        How many curvatures are zero, ridge included, and were left out.
    smallest_curvature : float
        The smallest one above zero.
    largest_curvature : float
    condition_number : float
        The quotient of the two.
    ridge : float
    rows : tuple of AnalysisRow
    notes : tuple of str
        What a reader should know, one sentence each.
    """

    name: str
    samples: int | None
    features: int
    rank: int
    dropped: int
    smallest_curvature: float
    largest_curvature: float
    condition_number: float
    ridge: float
    rows: tuple[AnalysisRow, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything in JSON's types; what is not finite becomes None."""
        found: dict[str, Any] = plain(asdict(self))
        return found

    def __str__(self) -> str:
        """Two tables for the terminal, each within 80 columns: the parameters and the rates."""
        lines = [self._summary()]
        whole = [_HEADS[0], _HEADS[1], *(_cells(row) for row in self.rows)]
        for columns in (slice(1, 4), slice(4, None)):
            lines.extend(["", *_table([(line[0], *line[columns]) for line in whole])])
        lines.extend(["", textwrap.fill(_LEGEND, 80)])
        lines.extend(textwrap.fill(f"Note: {note}", 80) for note in self.notes)
        return "\n".join(lines)

    def __repr__(self) -> str:
        """One line."""
        return f"<Analysis of {self.name}: {len(self.rows)} methods; print it for the table>"

    def _repr_html_(self) -> str:
        def row(cells: tuple[str, ...], tag: str) -> str:
            return (
                "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
            )

        heads = tuple(f"{above} {below}".strip() for above, below in zip(*_HEADS, strict=True))
        body = "".join(row(_cells(entry), "td") for entry in self.rows)
        notes = "".join(f"<p>Note: {html.escape(note)}</p>" for note in self.notes)
        return (
            f"<p>{html.escape(self._summary())}</p><table><thead>{row(heads, 'th')}</thead>"
            f"<tbody>{body}</tbody></table><p>{html.escape(_LEGEND)}</p>{notes}"
        )

    def _summary(self) -> str:
        size = (
            f"{self.features} feature{'s' if self.features > 1 else ''}"
            if self.samples is not None
            else f"dimension {self.features}"
        )
        rows = f"{self.samples} samples, " if self.samples is not None else ""
        ridge = f", ridge {self.ridge:g}" if self.ridge else ""
        return (
            f"{self.name}: {rows}{size}, rank {self.rank}{ridge}\n"
            f"curvatures from {self.smallest_curvature:.4g} to {self.largest_curvature:.4g}, "
            f"condition number {self.condition_number:.4g}"
        )


_HEADS = (
    ("", "learning", "", "", "predicted", "in these", "measured", "gradients", "gradients"),
    (
        *("method", "rate", "momentum", "lookahead"),
        *("rate", "steps", "rate", "predicted", "measured"),
    ),
)


def _table(lines: list[tuple[str, ...]]) -> list[str]:
    """Names to the left, all other columns to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [
        [f"{name:<{widths[0]}}", *map(str.rjust, numbers, widths[1:])] for name, *numbers in lines
    ]
    return ["  ".join(line).rstrip() for line in padded]


_LEGEND = (
    "Rates are factors per gradient. Predicted: the spectral radius, in the long run; in these "
    "steps: exact for the steps that were read, from this start. Measured: the run on the data, ± "
    "what it cannot tell about the long run. Gradients: to a thousandth of the first distance."
)


def _cells(row: AnalysisRow) -> tuple[str, ...]:
    parameters = [
        _NOTHING
        if name not in row.parameters
        else f"{row.parameters[name]:.4g}"
        if name == "learning_rate"
        else f"{row.parameters[name]:.{_digits(row.parameters[name])}f}"
        for name in ("learning_rate", "momentum", "lookahead")
    ]
    digits = _digits(row.predicted)
    measured = _NOTHING
    if row.measured is not None:
        measured = f"{row.measured:.{digits}f} ± {row.uncertainty:.0e}"
    return (
        row.name,
        *(parameters if "learning_rate" in row.parameters else ["varies", "varies", _NOTHING]),
        f"{row.predicted:.{digits}f}",
        _NOTHING if row.expected is None else f"{row.expected:.{digits}f}",
        measured,
        _count(row.gradients_predicted),
        f"over {row.steps}" if row.gradients_measured is None else f"{row.gradients_measured}",
    )


_NOTHING = "–"


def _digits(value: float) -> int:
    """So many decimals that three digits of the gap to one are seen."""
    gap = abs(1 - value)
    return min(12, max(4, 2 - math.floor(math.log10(gap)))) if gap > 0 else 12


def _count(value: float) -> str:
    if not math.isfinite(value):
        return "no end"
    return f"{math.ceil(value)}" if value < 1e7 else f"{value:.2g}"


def plain(value: Any) -> Any:
    """Nested dicts and sequences in JSON's types; what is not finite becomes None."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
