"""Momentum methods as two pure functions of their state, and the linear system they are."""

from __future__ import annotations

from momentum_dynamics.methods.conventions import (
    ExponentialAverage,
    KerasSGD,
    Sutskever,
    TorchSGD,
)
from momentum_dynamics.methods.games import ComplexMomentum, Extragradient, OptimisticGradient
from momentum_dynamics.methods.linear import StateSpace, state_space
from momentum_dynamics.methods.matrices import LinearMethod
from momentum_dynamics.methods.minimizing import (
    GradientDescent,
    HeavyBall,
    Nesterov,
    QuasiHyperbolic,
    RobustMomentum,
    ThreeParameter,
    TripleMomentum,
)
from momentum_dynamics.methods.protocol import Method
from momentum_dynamics.methods.scheduled import (
    Chebyshev,
    GrowingNesterov,
    MarchenkoPastur,
    Scheduled,
)

__all__ = [
    "Chebyshev",
    "ComplexMomentum",
    "ExponentialAverage",
    "Extragradient",
    "GradientDescent",
    "GrowingNesterov",
    "HeavyBall",
    "KerasSGD",
    "LinearMethod",
    "MarchenkoPastur",
    "Method",
    "Nesterov",
    "OptimisticGradient",
    "QuasiHyperbolic",
    "RobustMomentum",
    "Scheduled",
    "StateSpace",
    "Sutskever",
    "ThreeParameter",
    "TorchSGD",
    "TripleMomentum",
    "state_space",
]
