"""The covariance GAN: a game of matrices that converges where the bilinear game does."""

from __future__ import annotations

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.laws import games
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import CovarianceGame
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import play

__all__ = ["random_covariance"]

Array = NDArray[np.float64]


# Covariances -----------------------------------------------------------------------------------


def random_covariance(size: int, rng: np.random.Generator) -> Array:
    """AAᵀ + I/2 with normal A, as the worked numbers have it."""
    factor = rng.standard_normal((size, size))
    found: Array = factor @ factor.T + np.eye(size) / 2
    return found


def _covariance_proof() -> Evidence:
    """At VVᵀ = Σ and W = 0 the Jacobian is antisymmetric: a bilinear game to first order.

    ⟨W, Σ − VVᵀ⟩ is linear in W, and its second derivative in V is −(W + Wᵀ), which is 0 there. So a
    round splits into those of its singular values. What it leaves unmoved leads along equilibria
    only, since V has an inverse: a change VX of V moves VVᵀ by V(X + Xᵀ)Vᵀ, and one of W moves V by
    (W + Wᵀ)V. Where every other root lies inside the circle, runs that begin near an equilibrium
    therefore tend to one; where one lies outside, almost none does.
    """
    size = 2
    factor = sympy.Matrix(size, size, sympy.symbols("v:4", real=True))
    critic = sympy.Matrix(size, size, sympy.symbols("w:4", real=True))
    truth = sympy.Matrix(size, size, sympy.symbols("s:4", real=True))
    value = (critic.T * (truth - factor * factor.T)).trace()
    names = [*factor, *critic]
    field = [sympy.diff(value, name) for name in factor]
    field += [-sympy.diff(value, name) for name in critic]
    jacobian = sympy.Matrix(field).jacobian(names)
    flat = jacobian.subs(dict.fromkeys(critic, 0))
    rest = sympy.Matrix(field).subs(dict.fromkeys(critic, 0))
    gap = list(factor * factor.T - truth)
    turn = sympy.Matrix(size, size, sympy.symbols("x:4", real=True))
    moved = sympy.Matrix(gap).jacobian(list(factor)) * sympy.Matrix(list(factor * turn))
    pulled = flat[: size * size, size * size :] * sympy.Matrix(list(critic))
    along = sympy.Matrix(list(factor * (turn + turn.T) * factor.T))
    return Evidence.exact(
        (moved - along).expand() == sympy.zeros(size * size, 1),
        (pulled + sympy.Matrix(list((critic + critic.T) * factor))).expand()
        == sympy.zeros(size * size, 1),
        flat + flat.T == sympy.zeros(2 * size * size),
        [sympy.expand(entry) for entry in rest] == [0] * 4 + [sympy.expand(g) for g in gap],
        note="the Jacobian at every equilibrium with a flat critic is antisymmetric, and what "
        "it does not move are equilibria; 2×2 symbols",
    )


def _covariance_experiment(order: str) -> Evidence:
    """Whether every start comes within 1 %, against the law with the largest singular value."""
    learning_rate, momentum = 0.1, np.array([-0.7, -0.5, -0.3, -0.1, 0.0, 0.1])
    predicted, measured = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        game = CovarianceGame(random_covariance(3, rng))
        steepest = float(np.abs(game.spectrum()).max())
        predicted.append(games.is_stable_alternating(learning_rate, momentum, steepest))
        run = play(
            HeavyBall(learning_rate=learning_rate, momentum=momentum), game, steps=2000,
            play=order, start=game.starts(12, seed), replicas=12, stride=10,
        )  # fmt: skip
        with np.errstate(all="ignore"):
            error = game.error(run.outputs[-20:]).mean(axis=0)
        measured.append((error < 0.01).mean(axis=-1))
    return Evidence.close(
        np.ravel(predicted).astype(float), np.ravel(measured), tolerance=0,
        note="share of 12 starts that reach the covariance, 3 covariances, 6 momenta, against "
        "−1 < β < 0 and ασ < 2(1 + β)",
    )  # fmt: skip


COVARIANCE = Claim(
    slug="covariance-gan-converges-with-negative-momentum",
    title=(
        "From near by, a linear GAN learns a covariance exactly where the bilinear game converges: "
        "its players must alternate, with negative momentum."
    ),
    source=Citation("daskalakis2018"),
    kind=Kind.IDENTITY,
    statement=lambda: expression(games.is_stable_alternating),
    proof=_covariance_proof,
    experiment=lambda _: _covariance_experiment("alternating"),
    control=lambda _: _covariance_experiment("simultaneous"),
    expected=Verdict.PROVED,
    figures=("covariance-gan",),
    remark="The proof is local; that starts 0.3 away in every entry are near enough is what play "
    "shows. s is the largest singular value of the game at its equilibrium. The control moves at "
    "once.",
)
