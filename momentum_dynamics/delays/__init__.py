"""How stale gradients are: probabilities, generating function, sampler.

A delay multiplies the loop by q(1/z), where q(w) = Σ P(τ = k) wᵏ. Where q is rational, `rational`
gives it as polynomials in z, and everything that works on a method works on the method behind the
delay. Service laws say how long one gradient takes; `ServiceDelay` is the staleness they beget.
"""

from momentum_dynamics.delays.barriers import SlowestOf
from momentum_dynamics.delays.families import NegativeBinomialDelay, UniformDelay
from momentum_dynamics.delays.heavy_tails import Empirical, LogNormal, Pareto
from momentum_dynamics.delays.measured import EmpiricalDelay
from momentum_dynamics.delays.memoryless import (
    Deterministic,
    Exponential,
    Gamma,
    Hyperexponential,
    ShiftedExponential,
)
from momentum_dynamics.delays.mixtures import MixtureDelay
from momentum_dynamics.delays.queues import ServiceDelay
from momentum_dynamics.delays.services import Service
from momentum_dynamics.delays.shifted import ShiftedDelay
from momentum_dynamics.delays.staleness import Delay, FixedDelay, GeometricDelay, NoDelay

__all__ = [
    "Delay",
    "Deterministic",
    "Empirical",
    "EmpiricalDelay",
    "Exponential",
    "FixedDelay",
    "Gamma",
    "GeometricDelay",
    "Hyperexponential",
    "LogNormal",
    "MixtureDelay",
    "NegativeBinomialDelay",
    "NoDelay",
    "Pareto",
    "Service",
    "ServiceDelay",
    "ShiftedDelay",
    "ShiftedExponential",
    "SlowestOf",
    "UniformDelay",
]
