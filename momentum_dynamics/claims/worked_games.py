"""Worked numbers of games: derived or simulated apart from the package, beside its own."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from momentum_dynamics.claims.evidence import Citation
from momentum_dynamics.claims.monotone_games import monotone_corners
from momentum_dynamics.claims.monotone_turns import scalar_class
from momentum_dynamics.claims.numbers import WorkedNumber
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.rounds import game_operator
from momentum_dynamics.laws import games, shapes
from momentum_dynamics.methods import ComplexMomentum, GradientDescent, HeavyBall
from momentum_dynamics.problems import BilinearGame, QuadraticGame
from momentum_dynamics.simulation import play

__all__ = ["ROWS"]

OURS, GIDEL, LORRAINE = Citation(None), Citation("gidel2019"), Citation("lorraine2022")
ZHANG = Citation("zhang2021")


def _distance(order: str, step: float, momentum: float) -> float:
    """The distance after 200 rounds from (1, 1), over the first one."""
    ball = HeavyBall(learning_rate=step, momentum=momentum)
    distance = play(ball, BilinearGame(1.0), steps=200, play=order).distance
    return float(distance[-1] / distance[0])


def _ellipse(part: int, *axes: float) -> float:
    best = shapes.ellipse_optimum(*axes)
    return float((*best[:2], shapes.ellipse_rate(*axes))[part])


def _named(kind: str) -> float:
    game = QuadraticGame.named("gidel")
    method: Any = {
        "plain": GradientDescent(learning_rate=1.55),
        "negative": HeavyBall(learning_rate=1.55, momentum=-0.25),
    }.get(kind) or tune(kind, game=game, play="simultaneous")
    return float(spectral_radius(method, game, play="simultaneous"))


def _complex(modulus: float, phase: float, step: float) -> float:
    method = ComplexMomentum(learning_rate=step, momentum=modulus, phase=phase)
    return float(spectral_radius(method, BilinearGame(1.0), play="simultaneous"))


def _determinant() -> float:
    game = QuadraticGame(0.7, 0.9, 0.4)
    matrix = game_operator(GradientDescent(learning_rate=0.3), game, "alternating")
    return float(np.linalg.det(matrix))


def _slope() -> float:
    """By a central difference of the radius."""
    curvature, change = 0.4 + 0.6j, 1e-5
    squares = [
        float(spectral_radius(HeavyBall(learning_rate=(1 / curvature).real, momentum=momentum),
                              curvature)) ** 2
        for momentum in (change, -change)
    ]  # fmt: skip
    return (squares[0] - squares[1]) / (2 * change)


def _monotone(kappa: float) -> float:
    return _monotone_best(kappa)[1] * kappa**1.5


@cache
def _monotone_best(kappa: float) -> tuple[HeavyBall, float]:
    corners = monotone_corners(kappa, 300)
    best = tune("heavy-ball", spectrum=corners)
    return best, 1 - float(np.max(spectral_radius(best, corners)))


@cache
def _scalar_gap(kind: str, order: str) -> float:
    """Gap × κ of tuned methods over a grid of strongly monotone games of two numbers, κ = 100."""
    family = scalar_class(100.0)
    at_once = order == "simultaneous"
    best = (
        tune(kind, spectrum=family.spectrum()) if at_once else tune(kind, game=family, play=order)
    )
    return 100 * (1 - float(np.max(spectral_radius(best, family, play=order))))


def _single(kind: str) -> float:
    game = BilinearGame(1.0)
    return float(
        spectral_radius(tune(kind, game=game, play="simultaneous"), game, play="simultaneous")
    )


def _twice_as_steep(momentum: float | None) -> float:
    """On the curvatures 0.8 ± 0.6i, at the picture's step or at descent's best one."""
    pair = [0.8 + 0.6j]
    ball = HeavyBall(learning_rate=1.55, momentum=momentum or 0.0)
    best = ball if momentum else tune("gradient-descent", spectrum=pair)
    return float(np.max(spectral_radius(best, pair)))


def _at_once(momentum: float) -> float:
    """What a round adds to 1 for a small step at once, over (αs)²."""
    ball = HeavyBall(learning_rate=1e-3, momentum=momentum)
    return (float(spectral_radius(ball, BilinearGame(1.0), play="simultaneous")) - 1) * 1e6


def _gap(kind: str) -> float:
    game = BilinearGame(np.diag([1.0, 0.02]))
    best = tune(kind, game=game, play="simultaneous")
    return (1 - float(spectral_radius(best, game, play="simultaneous"))) * 50**2


_SHAPES = (
    ((1.0, 0.6, 0.3), (1.07852, 0.07852, 0.48533)),
    ((1.0, 0.3, 0.8), (0.89087, -0.10913, 0.48998)),
    ((1.0, 0.5, 0.5), (1.0, 0.0, 0.5)),
    ((1.0, 0.9, 0.0), (1.39286, 0.39286, 0.62679)),
    ((1.0, 0.0, 2.0), (0.61803, -0.38197, 0.61803)),
    ((2.0, 1.0, 3.0), (0.36603, -0.26795, 0.73205)),
)

_PLAYED = (
    ("simultaneous", 0.1, 0.0, 2.7048, 6e-5), ("alternating", 0.1, 0.0, 0.9592, 6e-5),
    ("alternating", 0.1, 0.1, 1.309, 6e-4), ("alternating", 0.1, -0.1, 0.847, 6e-4),
    ("alternating", 0.1, -0.5, 0.731, 6e-4), ("simultaneous", 0.2, 0.0, 50.5, 6e-2),
    ("alternating", 0.2, 0.0, 0.955, 6e-4), ("alternating", 0.2, 0.1, 2.89, 6e-3),
    ("alternating", 0.2, -0.1, 0.505, 6e-4), ("alternating", 0.2, -0.5, 0.285, 6e-4),
)  # fmt: skip

_NAMED = (("plain", 1.0046, 6e-5), ("negative", 0.6652, 6e-5), ("gradient-descent", 0.8321, 6e-5),
          ("heavy-ball", 0.5352, 6e-5))  # fmt: skip

_PHASES = ((0.68, 3 * np.pi / 8, 0.537, 0.9042, 1e-3), (0.70, np.pi / 2, 0.80, 0.9154, 1.6e-3),
           (0.83, np.pi / 8, 0.087, 0.9488, 1e-3))  # fmt: skip

ROWS: tuple[WorkedNumber, ...] = (
    *(
        WorkedNumber(
            source=OURS, quantity=f"{name} for the ellipse d, p, q = {axes}", published=value,
            compute=partial(_ellipse, part, *axes), tolerance=6e-6,
        )
        for axes, values in _SHAPES
        for part, (name, value) in enumerate(
            zip(("learning rate", "momentum", "rate"), values, strict=True)
        )
    ),
    *(
        WorkedNumber(
            source=GIDEL, quantity=f"distance after 200 rounds, {order}, α = {step:g}, "
            f"β = {momentum:g}", published=value, compute=partial(_distance, order, step, momentum),
            tolerance=tolerance, note="of the paper's game xy; the value is from a play run apart",
        )
        for order, step, momentum, value, tolerance in _PLAYED
    ),
    *(
        WorkedNumber(
            source=GIDEL, quantity=f"radius on the game 0.4 ± 0.6i, {kind}", published=value,
            compute=partial(_named, kind), tolerance=tolerance,
            note="the game found by elimination from the paper's picture",
        )
        for kind, value, tolerance in _NAMED
    ),
    *(
        WorkedNumber(
            source=LORRAINE, quantity=f"radius on h = i, |β| = {modulus:g}, argument {phase:.4g}",
            published=value, compute=partial(_complex, modulus, phase, step), tolerance=tolerance,
            note="a grid that was searched apart",
        )
        for modulus, phase, step, value, tolerance in _PHASES
    ),
    WorkedNumber(
        source=OURS, quantity="determinant of descent in turn, α = 0.3, a, b, c = 0.7, 0.9, 0.4",
        published=0.79 * 0.88, compute=_determinant, tolerance=1e-12,
    ),
    *(
        WorkedNumber(
            source=ZHANG, quantity=f"gap × κ^1.5 of momentum at once, κ = {kappa:g}",
            published=value, compute=partial(_monotone, kappa), tolerance=2e-4,
            note="measured apart; the limit is 4/(3√3)",
        )
        for kappa, value in ((100.0, 0.7708), (1000.0, 0.7699), (1e4, 0.7698))
    ),
    WorkedNumber(
        source=ZHANG, quantity="learning rate of momentum at once, κ = 10⁴, L = 1",
        published=0.02296, compute=lambda: float(_monotone_best(1e4)[0].learning_rate),
        tolerance=1e-4, note="measured apart; the limit is 4/√(3κ) = 0.0231",
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"gap × κ on strongly monotone pairs, κ = 100, {name}",
            published=value, compute=partial(_scalar_gap, kind, order), tolerance=tolerance,
            note="on a grid of games; the one apart has another",
        )
        for name, kind, order, value, tolerance in (
            ("descent in turn", "heavy-ball", "alternating", 0.9975, 1e-3),
            ("momentum at once", "heavy-ball", "simultaneous", 0.075, 3e-3),
            ("descent at once", "gradient-descent", "simultaneous", 0.0050, 1e-4),
        )
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"best rate on a pair of argument {angle:g}, {name}",
            published=value, compute=partial(lambda law, angle: float(law(angle)), law, angle),
            tolerance=6e-5,
        )
        for angle, values in ((1.0, (0.5463, 0.8415)), (1.5, (0.9316, 0.9975)))
        for name, law, value in zip(
            ("momentum", "descent"), (shapes.pair_rate, shapes.pair_descent_rate), values,
            strict=True,
        )
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"best radius on one singular value at once, {name}",
            published=value, compute=partial(_single, name.replace(" ", "-")), tolerance=1e-6,
        )
        for name, value in (
            ("optimistic gradient", 2**-0.5), ("extragradient", 3**0.5 / 2),
        )
    ),
    *(
        WorkedNumber(
            source=GIDEL, quantity=f"radius on the game 0.8 ± 0.6i, {name}", published=value,
            compute=partial(_twice_as_steep, momentum), tolerance=tolerance,
            note="the other reading of the paper's picture, which its caption excludes",
        )
        for name, momentum, value, tolerance in (
            ("negative", -0.25, 0.991, 6e-4), ("gradient-descent", None, 0.6, 1e-6),
        )
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"growth over (αs)² of small steps at once, β = {momentum:g}",
            published=value, compute=partial(_at_once, momentum), tolerance=tolerance,
        )
        for momentum, value, tolerance in ((-0.9, 0.0073, 6e-5), (0.0, 0.5, 1e-4))
    ),
    WorkedNumber(
        source=OURS, quantity="gap × κ² of extragradient, κ = 50", published=0.4995,
        compute=partial(_gap, "extragradient"), tolerance=6e-4,
    ),
    WorkedNumber(
        source=OURS, quantity="gap × κ² of the optimistic gradient, κ = 50", published=0.1664,
        compute=partial(_gap, "optimistic-gradient"), tolerance=4e-4,
    ),
    WorkedNumber(
        source=OURS, quantity="(αs)² of the fastest equal momenta in turn", published=3.3003,
        compute=lambda: float(games.best_alternating(1.0).learning_rate) ** 2, tolerance=6e-5,
    ),
    WorkedNumber(
        source=GIDEL, quantity="slope of the squared radius in momentum at 0, h = 0.4 + 0.6i",
        published=0.615385, compute=_slope, tolerance=1e-6, note="at the step Re(1/h)",
    ),
)  # fmt: skip
