"""The best parameters of each kind of method for a spectrum."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from momentum_dynamics.dynamics.game_optimum import tune_game
from momentum_dynamics.dynamics.loop import gain
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.shaped_optimum import tune_spectrum
from momentum_dynamics.errors import DomainError, UnknownNameError
from momentum_dynamics.laws import optima
from momentum_dynamics.methods import (
    Chebyshev,
    GradientDescent,
    HeavyBall,
    Method,
    Nesterov,
    RobustMomentum,
    TripleMomentum,
)
from momentum_dynamics.methods.minimizing import require_order
from momentum_dynamics.methods.protocol import period_of, stage_of
from momentum_dynamics.notation import GLOSSARY, Scalar

__all__ = ["TUNED_KINDS", "tune", "worst_rate"]


def _gradient_descent(low: Scalar, high: Scalar) -> Method:
    return GradientDescent(learning_rate=optima.gradient_descent(low, high).learning_rate)


def _heavy_ball(low: Scalar, high: Scalar) -> Method:
    best = optima.heavy_ball(low, high)
    return HeavyBall(learning_rate=best.learning_rate, momentum=best.momentum)


def _nesterov(law: Callable[..., optima.MethodParameters]) -> Callable[[Scalar, Scalar], Method]:
    def tuned(low: Scalar, high: Scalar) -> Method:
        best = law(low, high)
        return Nesterov(learning_rate=best.learning_rate, momentum=best.momentum)

    return tuned


def _triple(low: Scalar, high: Scalar) -> Method:
    return TripleMomentum(smallest_curvature=low, largest_curvature=high)


def _robust(low: Scalar, high: Scalar) -> Method:
    return RobustMomentum(smallest_curvature=low, largest_curvature=high, robustness=_MIDDLE)


def _chebyshev(low: Scalar, high: Scalar) -> Method:
    return Chebyshev(smallest_curvature=low, largest_curvature=high)


_MIDDLE = 0.5
"""Robust momentum halfway between triple momentum and gradient descent."""

_TUNERS: dict[str, dict[str, Callable[[Scalar, Scalar], Method]]] = {
    "quadratic": {
        "gradient-descent": _gradient_descent,
        "heavy-ball": _heavy_ball,
        "nesterov": _nesterov(optima.nesterov_quadratic),
        "triple-momentum": _triple,
        "robust-momentum": _robust,
        "chebyshev": _chebyshev,
    },
    "smooth-convex": {
        "gradient-descent": _gradient_descent,
        "nesterov": _nesterov(optima.nesterov_smooth),
        "triple-momentum": _triple,
        "robust-momentum": _robust,
    },
}

TUNED_KINDS: tuple[str, ...] = tuple(_TUNERS["quadratic"])
"""Every kind `tune` knows for quadratics."""


def tune(
    kind: str | type | Sequence[str | type],
    *,
    smallest_curvature: Scalar = None,
    largest_curvature: Scalar = None,
    spectrum: Any = None,
    game: Any = None,
    play: Any = None,
    objective: str = "quadratic",
) -> Any:
    """The method of a kind with the best parameters for a spectrum, or for a game.

    Parameters
    ----------
    kind : str, class, or one for each player
        ``"gradient-descent"``, ``"heavy-ball"``, ``"nesterov"``, ``"triple-momentum"``,
        ``"robust-momentum"`` or ``"chebyshev"``, or the class of that name. For a complex spectrum
        or a game also ``"optimistic-gradient"``, ``"extragradient"`` and ``"complex-momentum"``,
        but not the last three. For a game also a tuple of kinds, one for each player, with at most
        four parameters together.
    smallest_curvature, largest_curvature : scalar
        Positive ends of a real spectrum; numbers, batches or symbols.
    spectrum : array, optional
        In place of the ends: the curvatures themselves, which may be complex.
    game : Game, optional
        In place of a spectrum: a game that all players play by the method, or each by its own.
    play : Play or {"alternating", "simultaneous"}, optional
        Of a game: who moves when; by default in turn.
    objective : {"quadratic", "smooth-convex"}
        The parameters for quadratics, or those with a guarantee for every smooth strongly convex
        function (which is what "smooth-convex" means here). Gradient descent, heavy ball, Nesterov
        and Chebyshev are the fastest of their kind on quadratics; triple and robust momentum have
        one set of parameters, made for smooth strongly convex functions. Heavy ball has no such
        guarantee: with its parameters for quadratics it can cycle there for ever.

    Returns
    -------
    Method or tuple of Method
        One, or of kinds in a tuple one for each player, with parameters of its own. In a bilinear
        game only the product of two learning rates counts: they are chosen equal there.

    Raises
    ------
    DomainError
        If an end is not positive or the ends are in the wrong order, if a spectrum touches the
        origin, if no method of the kind converges, or if kinds in a tuple are not for a game, not
        as many as its players, or have more than four parameters.
    UnknownNameError
        If there is no such kind for this objective.

    Notes
    -----
    For a real spectrum laws are exact; for complex ones gradient descent and heavy ball are found
    to rounding; else it is a search, whose rate is good to about 1e-5 where roots meet.

    References
    ----------
    [polyak1964]_, [lessard2016]_, [vanscoy2018]_, [cyrus2018]_

    Examples
    --------
    >>> tune("heavy-ball", smallest_curvature=1.0, largest_curvature=9.0)
    HeavyBall(learning_rate=0.25, momentum=0.25)

    A pair of complex curvatures asks for negative momentum:

    >>> best = tune(HeavyBall, spectrum=[0.6 + 0.8j, 0.6 - 0.8j])
    >>> round(best.learning_rate, 6), round(best.momentum, 6)
    (1.25, -0.25)

    One player with momentum against one without, in turn, where three roots meet at 1/2:

    >>> from momentum_dynamics import BilinearGame
    >>> ball, descent = tune((HeavyBall, GradientDescent), game=BilinearGame(1.0))
    >>> round(ball.momentum, 4), round(descent.learning_rate**2, 4)
    (-0.125, 3.375)
    """
    questions = [spectrum is not None, game is not None, smallest_curvature is not None]
    if sum(questions) != 1 or (largest_curvature is None) == questions[2]:
        raise DomainError(
            "tune asks for one of three: both ends of a real spectrum, spectrum=…, or game=…."
        )
    if play is not None and game is None:
        raise DomainError("An order of play is for a game; give game=…, or leave the order out.")
    if objective != "quadratic" and smallest_curvature is None:
        raise DomainError(
            f"objective is {objective!r}, but a game or a spectrum is linear; leave the objective "
            "out, or give both ends of a real spectrum."
        )
    if isinstance(kind, list | tuple):
        if game is None:
            raise DomainError(
                "Several kinds are for the players of a game; give game=…, or one kind."
            )
        return tune_game(tuple(map(_slug, kind)), game, play or "alternating")
    slug = _slug(kind)
    if game is not None:
        return tune_game(slug, game, play or "alternating")
    if spectrum is not None:
        return tune_spectrum(slug, spectrum)
    if objective not in _TUNERS:
        raise UnknownNameError.among("objective", objective, _TUNERS)
    if slug == "heavy-ball" and objective == "smooth-convex":
        raise DomainError(
            "Heavy ball has no parameters that converge at an accelerated rate on every smooth "
            "strongly convex function; ask for 'nesterov' or 'triple-momentum'."
        )
    if slug not in _TUNERS[objective]:
        raise UnknownNameError.among("tuned method", slug, _TUNERS[objective])
    GLOSSARY["smallest_curvature"].check(smallest_curvature)
    GLOSSARY["largest_curvature"].check(largest_curvature)
    smallest_curvature = gain(smallest_curvature, "smallest_curvature")
    largest_curvature = gain(largest_curvature, "largest_curvature")
    require_order(smallest_curvature, largest_curvature)
    return _TUNERS[objective][slug](smallest_curvature, largest_curvature)


def _slug(kind: Any) -> str:
    """The kind that a class is of: HeavyBall is "heavy-ball"."""
    name: str = kind.__name__ if isinstance(kind, type) else kind
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower() if isinstance(kind, type) else name


def worst_rate(method: Method, curvatures: Scalar) -> float:
    """The slowest contraction per gradient over a spectrum.

    Parameters
    ----------
    method : Method
        With plain numbers; a method whose coefficients never settle is read at its limit.
    curvatures : array
        The spectrum.

    Returns
    -------
    float
    """
    settled = method
    period = period_of(method)
    if period is None:
        settled, period = stage_of(method, _FAR), 1
    radius = np.max(spectral_radius(settled, curvatures))
    return float(radius ** (1 / period))


_FAR = 10**12
"""A step by which the scheduled methods have reached their limits to rounding: r²ᵗ is nothing for
every r below one that is not one to rounding."""
