"""Worked numbers: what sources print, beside what the package computes.

Numbers of this project's own theory were derived or simulated apart from the package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from momentum_dynamics.claims.evidence import Citation

__all__ = ["WorkedNumber", "list_numbers"]


@dataclass(frozen=True, kw_only=True, eq=False)
class WorkedNumber:
    """One number of a source.

    Attributes
    ----------
    source : Citation
    quantity : str
    published : float
        As printed, or as the printed formula gives it.
    compute : callable
        The package's own number.
    tolerance : float
        What the printed digits admit.
    agrees : bool
        Whether the two are expected to agree.
    note : str
        Why not, or what else to know.
    """

    source: Citation
    quantity: str
    published: float
    compute: Callable[[], float]
    tolerance: float
    agrees: bool = True
    note: str = ""

    def __repr__(self) -> str:
        """One line."""
        return f"<WorkedNumber {self.source.key}: {self.quantity}>"

    def to_dict(self) -> dict[str, Any]:
        """The number's entry of the scorecard."""
        computed = float(self.compute())
        difference = computed - self.published
        return {
            "source": str(self.source),
            "quantity": self.quantity,
            "published": self.published,
            "computed": computed,
            "difference": difference,
            "tolerance": self.tolerance,
            "agrees": abs(difference) <= self.tolerance,
            "expected": self.agrees,
            "note": self.note,
        }


def list_numbers() -> tuple[WorkedNumber, ...]:
    """Every worked number, in the order of the table.

    Examples
    --------
    >>> first = list_numbers()[0].to_dict()
    >>> first["quantity"], first["agrees"]
    ('rate of gradient descent, κ = 100', True)
    """
    from momentum_dynamics.claims import (
        worked,
        worked_games,
        worked_gans,
        worked_generalization,
        worked_queues,
        worked_saddles,
        worked_tuner,
    )

    return (
        *worked.ROWS,
        *worked_games.ROWS,
        *worked_gans.ROWS,
        *worked_generalization.ROWS,
        *worked_queues.ROWS,
        *worked_saddles.ROWS,
        *worked_tuner.ROWS,
    )
