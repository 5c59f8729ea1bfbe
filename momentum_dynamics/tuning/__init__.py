"""Tuners: what sets the learning rate and the momentum, and what measures them on a run."""

from momentum_dynamics.tuning.closed_loop import ClosedLoopRun, simulate_closed_loop
from momentum_dynamics.tuning.feedback import (
    Arrival,
    Feedback,
    FixedTarget,
    MovingTarget,
    Parameters,
    TargetTuner,
)
from momentum_dynamics.tuning.regression import MeanDynamics, fit_mean_dynamics
from momentum_dynamics.tuning.sensors import (
    Sensor,
    measured_implicit_momentum,
    total_momentum,
)

__all__ = [
    "Arrival",
    "ClosedLoopRun",
    "Feedback",
    "FixedTarget",
    "MeanDynamics",
    "MovingTarget",
    "Parameters",
    "Sensor",
    "TargetTuner",
    "fit_mean_dynamics",
    "measured_implicit_momentum",
    "simulate_closed_loop",
    "total_momentum",
]
