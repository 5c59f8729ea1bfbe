"""How stale gradients are: probabilities, generating function, sampler.

A delay multiplies the loop by q(1/z), where q(w) = Σ P(τ = k) wᵏ. Where q is rational, `rational`
gives it as polynomials in z, and everything that works on a method works on the method behind the
delay.
"""

from momentum_dynamics.delays.staleness import Delay, FixedDelay, GeometricDelay, NoDelay

__all__ = ["Delay", "FixedDelay", "GeometricDelay", "NoDelay"]
