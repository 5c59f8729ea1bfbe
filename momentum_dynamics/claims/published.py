"""What sources report of their own machines: seen there, to stand beside ours, not reproduced."""

from __future__ import annotations

from dataclasses import dataclass

from momentum_dynamics.claims.evidence import Citation

__all__ = ["Reported", "list_reported", "reported"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reported:
    """A range that a source reports of runs on machines that are not here.

    Attributes
    ----------
    source : Citation
    quantity : str
    smallest, largest : float
        Equal for one number; infinite for "at least".
    unit : str
    """

    source: Citation
    quantity: str
    smallest: float
    largest: float
    unit: str

    def __str__(self) -> str:
        """The number, as one says it."""
        unit = f" {self.unit}" if self.unit else ""
        if self.largest == float("inf"):
            return f"at least {self.smallest:,g}{unit}"
        if self.largest == self.smallest:
            return f"about {self.smallest:,g}{unit}"
        return f"{self.smallest:,g} to {self.largest:,g}{unit}"


_KURTH, _HADJIS = Citation("kurth2017", "abstract", True), Citation("hadjis2016", "abstract", True)

_ROWS = (
    Reported(source=_KURTH, quantity="nodes", smallest=9600, largest=9600, unit="nodes"),
    Reported(
        source=_KURTH, quantity="speed of one node", smallest=2, largest=2, unit="TFLOP/s",
    ),
    Reported(
        source=_KURTH, quantity="sustained speed", smallest=11.41, largest=13.27, unit="PFLOP/s",
    ),
    Reported(source=_KURTH, quantity="peak speed", smallest=11.73, largest=15.07, unit="PFLOP/s"),
    Reported(
        source=_HADJIS, quantity="gain on one node", smallest=5.5, largest=float("inf"),
        unit="times",
    ),
    Reported(
        source=_HADJIS, quantity="gain over the fastest systems", smallest=1.9, largest=12,
        unit="times",
    ),
)  # fmt: skip


def list_reported(key: str) -> tuple[Reported, ...]:
    """What one source reports, by its key in the bibliography.

    Examples
    --------
    >>> [str(row) for row in list_reported("hadjis2016")]
    ['at least 5.5 times', '1.9 to 12 times']
    """
    return tuple(row for row in _ROWS if row.source.key == key)


def reported(key: str, quantity: str) -> Reported:
    """One of them.

    Raises
    ------
    UnknownNameError
        With the quantities that there are.

    Examples
    --------
    >>> found = reported("kurth2017", "sustained speed")
    >>> str(found), found.smallest
    ('11.41 to 13.27 PFLOP/s', 11.41)
    """
    from momentum_dynamics.catalogue import look_up

    return look_up("reported number", quantity, {row.quantity: row for row in list_reported(key)})
