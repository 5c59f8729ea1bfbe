"""A laboratory for momentum: prove it, simulate it, plot it, teach it, from one text.

A momentum method is a linear system closed in a loop by the gradient, and everything here is read
off that loop. Importing this package costs NumPy and nothing else; the rest comes on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "claims": ("claim", "list_claims"),
    "claims.bibliography": ("cite",),
    "delays": ("FixedDelay", "GeometricDelay", "NoDelay"),
    "dynamics.equivalence": ("equivalent_momentum",),
    "dynamics.loop": (
        "characteristic_polynomial",
        "loop_equation",
        "transfer_function",
        "transition_matrix",
    ),
    "dynamics.moments": ("second_moments", "stationary_covariance", "stationary_variance"),
    "dynamics.optimum": ("tune", "worst_rate"),
    "dynamics.radius": ("Regime", "eigenvalues", "is_stable", "regime", "spectral_radius"),
    "errors": (
        "DomainError",
        "MomentumDynamicsError",
        "NotTraceableError",
        "ShapeError",
        "UnknownNameError",
        "UnstableDynamicsError",
    ),
    "figures": ("figure", "list_figures", "plot"),
    "methods": (
        "Chebyshev",
        "ComplexMomentum",
        "Extragradient",
        "GradientDescent",
        "HeavyBall",
        "LinearMethod",
        "MarchenkoPastur",
        "Method",
        "Nesterov",
        "OptimisticGradient",
        "QuasiHyperbolic",
        "RobustMomentum",
        "StateSpace",
        "ThreeParameter",
        "TripleMomentum",
        "state_space",
    ),
    "notation": ("symbol",),
    "problems": ("BilinearGame", "LeastSquares", "Quadratic", "Ridge", "Rosenbrock", "read_data"),
    "scalars": ("expression",),
    "simulation": ("Outcome", "Trajectory", "simulate"),
    "analysis": ("analyze",),
}

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604

if TYPE_CHECKING:
    from momentum_dynamics.analysis import analyze as analyze
    from momentum_dynamics.claims import claim as claim
    from momentum_dynamics.claims import list_claims as list_claims
    from momentum_dynamics.delays import FixedDelay as FixedDelay


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted(__all__)
