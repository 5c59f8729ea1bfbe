"""Worked numbers: what sources print, beside what the package computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from momentum_dynamics.claims.evidence import Citation
from momentum_dynamics.dynamics.average import average_case
from momentum_dynamics.dynamics.cycles import cycle
from momentum_dynamics.dynamics.optimum import tune, worst_rate
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.residual import residual_polynomial
from momentum_dynamics.laws import minibatch, optima, spectrum
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import ConvexRosenbrock

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


def _tuned(kind: str, kappa: float) -> Any:
    return tune(kind, smallest_curvature=1.0, largest_curvature=kappa)


def _rate(kind: str, kappa: float) -> float:
    return worst_rate(_tuned(kind, kappa), np.array([1.0, kappa]))


def _rosenbrock_optimum(name: str) -> float:
    """Polyak's optimum for the ends of the spectrum that the page's code prints."""
    best = optima.heavy_ball(4.641917, 996.358093)
    return float(getattr(best, name))


def _threshold(length: int) -> float:
    """The condition number at which tuned heavy ball begins to have a cycle of a length."""
    from scipy.optimize import brentq

    def margin(kappa: float) -> float:
        return cycle(_tuned("heavy-ball", kappa), 1.0, kappa, length).margin

    return float(brentq(margin, 3.0, 600.0, xtol=1e-10))


def _average(name: str) -> float:
    method = average_case(np.ones_like, smallest_curvature=1.0, largest_curvature=20.0, steps=120)
    return float(getattr(method.stages[-1], name))


def _worst_case() -> float:
    momentum = float(np.sqrt(0.95 * 0.5))
    ball = HeavyBall(learning_rate=0.5, momentum=momentum)
    return float(residual_polynomial(ball, 2)(0.1)) ** 2


def _cycle_contraction() -> float:
    """The squared norm of the eighth power of the map of errors near the three-cycle."""
    matrix = np.array([[-4 / 3, -4 / 9], [1, 0]])
    return float(np.linalg.norm(np.linalg.matrix_power(matrix, 8), 2) ** 2)


GOH, LESSARD, PEP = Citation("goh2017"), Citation("lessard2016"), Citation("goujaud2022")


@cache
def list_numbers() -> tuple[WorkedNumber, ...]:
    """Every worked number, in the order of the table.

    Examples
    --------
    >>> first = list_numbers()[0].to_dict()
    >>> first["quantity"], first["agrees"]
    ('rate of gradient descent, κ = 100', True)
    """
    golden = float((2 + np.sqrt(5)) ** 2)
    return (
        WorkedNumber(
            source=GOH, quantity="rate of gradient descent, κ = 100", published=99 / 101,
            compute=lambda: _rate("gradient-descent", 100.0), tolerance=1e-9,
        ),
        WorkedNumber(
            source=GOH, quantity="rate of momentum, κ = 100", published=9 / 11,
            compute=lambda: _rate("heavy-ball", 100.0), tolerance=1e-7,
        ),
        WorkedNumber(
            source=GOH, quantity="critical momentum, α = 10⁻⁴, λ = 100", published=0.81,
            compute=lambda: float(spectrum.critical_momentum(1e-4, 100.0)), tolerance=1e-12,
        ),
        WorkedNumber(
            source=GOH, quantity="learning rate preset for the convex Rosenbrock",
            published=0.0035749, compute=lambda: _rosenbrock_optimum("learning_rate"),
            tolerance=1e-7, agrees=False, note="the preset is near Polyak's optimum, not at it",
        ),
        WorkedNumber(
            source=GOH, quantity="momentum preset for the convex Rosenbrock", published=0.80952,
            compute=lambda: _rosenbrock_optimum("momentum"), tolerance=1e-5, agrees=False,
            note="as above",
        ),
        WorkedNumber(
            source=GOH, quantity="modulus of complex roots over √β", published=2.0,
            compute=lambda: float(
                spectral_radius(HeavyBall(learning_rate=1.0, momentum=0.64), 1.0) / 0.8
            ),
            tolerance=1e-9, agrees=False, note="a misprint: the modulus is √β",
        ),
        WorkedNumber(
            source=GOH, quantity="condition number of the chain, n = 200, κ = 50", published=50.0,
            compute=lambda: float(
                np.divide(*ConvexRosenbrock(dimension=200, condition_number=50.0)
                          .spectrum()[[-1, 0]])
            ),
            tolerance=0.1, note="reached in the limit of a long chain",
        ),
        WorkedNumber(
            source=LESSARD, quantity="learning rate for curvatures 1 and 25", published=1 / 9,
            compute=lambda: float(optima.heavy_ball(Fraction(1), Fraction(25)).learning_rate),
            tolerance=1e-12,
        ),
        WorkedNumber(
            source=LESSARD, quantity="squared norm of the eighth power near the cycle",
            published=0.46, compute=_cycle_contraction, tolerance=5e-3,
        ),
        WorkedNumber(
            source=LESSARD, quantity="rate of Nesterov's method tuned for quadratics, κ = 10",
            published=float(optima.nesterov_quadratic_rate(10.0)),
            compute=lambda: _rate("nesterov", 10.0), tolerance=1e-7,
        ),
        WorkedNumber(
            source=PEP, quantity="heavy ball, two steps, worst f₂/f₀", published=0.753493,
            compute=_worst_case, tolerance=1e-6, note="the worst case is a parabola",
        ),
        WorkedNumber(
            source=PEP, quantity="triple momentum, μ = 0.1, n = 4, bound", published=0.238925,
            compute=lambda: float(5 * optima.triple_momentum_rate(10.0) ** 8), tolerance=1e-6,
        ),
        WorkedNumber(
            source=PEP, quantity="the same bound with the printed exponent 2(n + 1)",
            published=0.238925,
            compute=lambda: float(5 * optima.triple_momentum_rate(10.0) ** 10), tolerance=1e-6,
            agrees=False, note="a misprint of the docstring: the exponent is 2n",
        ),
        WorkedNumber(
            source=PEP, quantity="robust momentum, κ = 10, λ = 0.2, squared rate",
            published=0.528555,
            compute=lambda: float(optima.robust_momentum_rate(10.0, 0.2)) ** 2, tolerance=1e-6,
        ),
        WorkedNumber(
            source=Citation("goujaud2023"), quantity="first κ with a three-cycle",
            published=golden, compute=lambda: _threshold(3), tolerance=1e-6,
        ),
        WorkedNumber(
            source=Citation("mohammadi2021"), quantity="noise amplification, κ = 100",
            published=11**4 / (8 * 10 * 101),
            compute=lambda: float(minibatch.amplification(100.0)), tolerance=1e-9,
        ),
        WorkedNumber(
            source=Citation("zhang2017"), quantity="plateau of the radius at momentum 0.3, h = 1",
            published=float(np.sqrt(0.3)),
            compute=lambda: float(
                spectral_radius(HeavyBall(learning_rate=1.0, momentum=0.3), 1.0)
            ),
            tolerance=1e-9,
        ),
        WorkedNumber(
            source=Citation("scieur2020"),
            quantity="learning rate of step 120, uniform density on [1, 20], against Polyak's",
            published=float(optima.heavy_ball(1.0, 20.0).learning_rate),
            compute=lambda: _average("learning_rate"), tolerance=1e-5,
        ),
        WorkedNumber(
            source=Citation("scieur2020"),
            quantity="momentum of step 120, uniform density on [1, 20], against Polyak's",
            published=float(optima.heavy_ball(1.0, 20.0).momentum),
            compute=lambda: _average("momentum"), tolerance=1e-4,
        ),
    )  # fmt: skip
