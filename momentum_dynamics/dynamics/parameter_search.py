"""A search for the best parameters of a method, or of the methods of several players."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, UnknownNameError
from momentum_dynamics.methods import (
    ComplexMomentum,
    Extragradient,
    GradientDescent,
    HeavyBall,
    Method,
    Nesterov,
    OptimisticGradient,
)

__all__ = [
    "MOST_PARAMETERS",
    "SHAPED_KINDS",
    "count_parameters",
    "probe",
    "require_shaped",
    "search",
]

Array = NDArray[np.float64]

MOST_PARAMETERS = 4
"""How many parameters a search takes on together."""


class Span(NamedTuple):
    """Where a parameter is looked for first, and ends that no grid crosses."""

    center: float
    half: float
    low: float = -np.inf
    high: float = np.inf


_STEP = Span(float(np.log(0.03)), float(np.log(200.0)))
"""The logarithm of the learning rate times the scale of the curvatures."""
_OWN_STEP = _STEP._replace(half=float(np.log(2000.0)))
"""The same where each player has its own: one may be slow and the other fast."""
_MOMENTUM = Span(0.0, 0.98, -1.0, 1.0)
_MODULUS = Span(0.5, 0.5)
_PHASE = Span(np.pi / 2, np.pi / 2)


def _complex_momentum(learning_rate: Any, momentum: Any, phase: Any) -> Method:
    """Of all names of one momentum that with a modulus from 0 and a phase from 0 to π.

    Conjugate momenta move alike, since the point follows the real part.
    """
    share = momentum * np.exp(1j * np.asarray(phase))
    return ComplexMomentum(
        learning_rate=learning_rate,
        momentum=_plain(np.abs(share)),
        phase=_plain(np.abs(np.angle(share))),
    )


_KINDS: Mapping[str, tuple[Any, dict[str, Span]]] = {
    "gradient-descent": (GradientDescent, {}),
    "heavy-ball": (HeavyBall, {"momentum": _MOMENTUM}),
    "nesterov": (Nesterov, {"momentum": _MOMENTUM}),
    "optimistic-gradient": (OptimisticGradient, {}),
    "extragradient": (Extragradient, {}),
    "complex-momentum": (_complex_momentum, {"momentum": _MODULUS, "phase": _PHASE}),
}
"""How a kind is built, and what it has beside its learning rate."""

SHAPED_KINDS: tuple[str, ...] = tuple(_KINDS)
"""Every kind that is tuned for complex spectra and for games."""


def require_shaped(kind: str) -> None:
    """Refuse a kind that is not among `SHAPED_KINDS`.

    Raises
    ------
    UnknownNameError
    """
    if kind not in SHAPED_KINDS:
        raise UnknownNameError.among("method tuned for complex curvatures", kind, _KINDS)


def probe(kind: str) -> Method:
    """Some method of a kind of `SHAPED_KINDS`, to see how it moves."""
    build, spans = _KINDS[kind]
    fields = {name: span.center for name, span in spans.items()}
    found: Method = build(learning_rate=1.0, **fields)
    return found


def count_parameters(kinds: Sequence[str], *, tied: bool = False) -> int:
    """How many parameters a search over these kinds has.

    Parameters
    ----------
    kinds : sequence of str
        Of `SHAPED_KINDS`, one for each player.
    tied : bool
        Whether all learning rates are one.

    Examples
    --------
    >>> count_parameters(("heavy-ball", "gradient-descent"))
    3
    """
    return (1 if tied else len(kinds)) + sum(len(_KINDS[kind][1]) for kind in kinds)


def search(
    kinds: Sequence[str],
    worst: Callable[[tuple[Any, ...]], Any],
    scales: Sequence[float],
    *,
    tied: bool = False,
) -> tuple[Method, ...]:
    """The methods of these kinds whose worst rate is best.

    Parameters
    ----------
    kinds : sequence of str
        Of `SHAPED_KINDS`, with at most `MOST_PARAMETERS` parameters together.
    worst : callable
        From methods, one of each kind, with numbers or with one batch axis, to their worst rate.
    scales : sequence of float
        For each kind, about the largest curvature that it meets.
    tied : bool
        Whether all learning rates are one, times the scale.

    Raises
    ------
    DomainError
        If the best rate is not below one.

    Notes
    -----
    For one kind of one or two parameters grids drawn closer and closer, else differential evolution
    with the same draws each time; last, ever smaller simplices from the best.
    """

    def make(point: Any) -> tuple[Any, ...]:
        rest = iter(point)
        step = next(rest)
        made = []
        for place, (kind, scale) in enumerate(zip(kinds, scales, strict=True)):
            build, spans = _KINDS[kind]
            if place and not tied:
                step = next(rest)
            fields = {name: _plain(next(rest)) for name in spans}
            made.append(build(learning_rate=_plain(np.exp(step) / scale), **fields))
        return tuple(made)

    spans: list[Span] = []
    for place, kind in enumerate(kinds):
        if not (place and tied):
            spans.append(_STEP if tied or len(kinds) == 1 else _OWN_STEP)
        spans += _KINDS[kind][1].values()

    def rates(points: Array) -> Array:
        pieces = np.array_split(points, -(-len(points) // _PIECE))
        with np.errstate(all="ignore"):
            found = np.concatenate([worst(make(piece.T)) for piece in pieces])
        return np.where(np.isnan(found), np.inf, found)

    def objective(point: Array) -> float:
        with np.errstate(all="ignore"):
            return float(np.max(worst(make(point))))

    few = len(kinds) == 1 and len(spans) < 3
    point = _by_grids(rates, spans) if few else _by_crowd(rates, spans)
    for size in (1e-2, 1e-4, 1e-6):
        point = _by_simplex(objective, point, size)
    rate = objective(point)
    if not rate < 1 - _BARELY:
        raise DomainError(
            f"No {' against '.join(kinds)} converges here: the best radius found is {rate:.9g}; "
            "try the other order of play, a kind with momentum, or a game with a pull, as "
            "Consensus makes one."
        )
    return make(point)


def _plain(value: Any) -> Any:
    return value if np.ndim(value) else float(value)


_GRID, _CLOSER, _SHRINK = 41, 7, 3
"""Points along each parameter, how often the grid is drawn closer and how much."""
_CROWD, _GENERATIONS = 5, 300
"""Points in a crowd, times the cube of the number of parameters, and how often they move."""
_BARELY, _PIECE = 1e-9, 2048
"""What rounding may leave below one, and how many points are asked at once."""


def _by_grids(rates: Callable[[Array], Array], spans: Sequence[Span]) -> Array:
    center = np.array([span.center for span in spans])
    half = np.array([span.half for span in spans])
    for _ in range(_CLOSER):
        axes = [
            np.clip(np.linspace(middle - wide, middle + wide, _GRID), span.low, span.high)
            for middle, wide, span in zip(center, half, spans, strict=True)
        ]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(spans))
        center = points[int(np.argmin(rates(points)))]
        half = half / _SHRINK
    return center


def _by_crowd(rates: Callable[[Array], Array], spans: Sequence[Span]) -> Array:
    """Differential evolution: its steps are differences of points, so they follow narrow valleys.

    Where roots meet the radius has a sharp valley, oblique to the parameters, in which a closer
    grid or a simplex stops long before its floor.
    """
    from scipy.optimize import differential_evolution

    found = differential_evolution(
        lambda columns: rates(np.atleast_2d(columns.T)),
        [(span.center - span.half, span.center + span.half) for span in spans],
        strategy="currenttobest1bin", recombination=1, popsize=_CROWD * len(spans) ** 2,
        maxiter=_GENERATIONS, tol=0, atol=1e-12, polish=False, vectorized=True, updating="deferred",
        seed=np.random.default_rng(0),
    )  # fmt: skip
    best: Array = found.x
    return best


def _by_simplex(objective: Callable[[Array], float], start: Array, size: float) -> Array:
    from scipy.optimize import minimize

    corners = start + size * np.vstack([np.zeros(len(start)), np.eye(len(start))])
    found = minimize(
        objective, start, method="Nelder-Mead",
        options={"initial_simplex": corners, "xatol": 1e-14, "fatol": 1e-15, "maxfev": 250},
    )  # fmt: skip
    best: Array = found.x
    return best
