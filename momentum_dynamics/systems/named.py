"""Service laws by name, as a command line has them."""

from __future__ import annotations

from momentum_dynamics.delays import (
    Deterministic,
    Exponential,
    Gamma,
    Hyperexponential,
    LogNormal,
    Pareto,
    ShiftedExponential,
)
from momentum_dynamics.delays.services import Service
from momentum_dynamics.errors import DomainError, UnknownNameError

__all__ = ["named_service"]

_LAWS = {
    "deterministic": (Deterministic, None),
    "exponential": (Exponential, None),
    "gamma": (Gamma, "shape"),
    "hyperexponential": (Hyperexponential, "variation"),
    "lognormal": (LogNormal, "variation"),
    "pareto": (Pareto, "tail"),
    "shifted": (ShiftedExponential, "shift"),
}
"""Each law with the name of its parameter beside the mean."""


def named_service(text: str) -> Service:
    """A service law from text: its name, its parameter if it has one, and its mean if not 1.

    Parameters
    ----------
    text : str
        Such as ``"exponential"``, ``"exponential:2"``, ``"gamma:4"`` or ``"gamma:4:0.3"``.

    Returns
    -------
    Service

    Raises
    ------
    UnknownNameError
        If no law has this name.
    DomainError
        If the numbers behind it do not fit.

    Examples
    --------
    >>> named_service("gamma:4:0.3")
    Gamma(shape=4.0, mean=0.3)
    """
    name, *rest = text.strip().lower().split(":")
    if name not in _LAWS:
        raise UnknownNameError.among("service law", name, _LAWS)
    law, parameter = _LAWS[name]
    try:
        numbers = [float(part) for part in rest]
    except ValueError:
        numbers = []
        rest = [*rest, ""] * 3
    needed = 0 if parameter is None else 1
    if not needed <= len(rest) <= needed + 1:
        form = f"{name}:MEAN" if parameter is None else f"{name}:{parameter.upper()}:MEAN"
        raise DomainError(
            f"The service law {text!r} cannot be read; write {form} with numbers, where the mean "
            "may be left out."
        )
    fields = dict(zip((parameter, "mean") if parameter else ("mean",), numbers, strict=False))
    made: Service = law(**fields)
    return made
