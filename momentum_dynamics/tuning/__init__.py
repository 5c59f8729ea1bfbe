"""Tuners: what sets the learning rate and the momentum, and what measures them on a run."""

from momentum_dynamics.tuning.closed_loop import ClosedLoopRun, simulate_closed_loop
from momentum_dynamics.tuning.closed_yellowfin import ClosedLoopState, ClosedLoopYellowFin
from momentum_dynamics.tuning.feedback import (
    Arrival,
    Feedback,
    FixedTarget,
    MovingTarget,
    Parameters,
    TargetTuner,
)
from momentum_dynamics.tuning.optimizer import Optimizer
from momentum_dynamics.tuning.pure_noise import reading_of_noise, step_of_noise
from momentum_dynamics.tuning.regression import MeanDynamics, fit_mean_dynamics
from momentum_dynamics.tuning.rule import SingleStep, single_step
from momentum_dynamics.tuning.sensors import (
    Sensor,
    measured_implicit_momentum,
    total_momentum,
)
from momentum_dynamics.tuning.yellowfin import YellowFin, YellowFinState

__all__ = [
    "Arrival",
    "ClosedLoopRun",
    "ClosedLoopState",
    "ClosedLoopYellowFin",
    "Feedback",
    "FixedTarget",
    "MeanDynamics",
    "MovingTarget",
    "Optimizer",
    "Parameters",
    "Sensor",
    "SingleStep",
    "TargetTuner",
    "YellowFin",
    "YellowFinState",
    "fit_mean_dynamics",
    "measured_implicit_momentum",
    "reading_of_noise",
    "simulate_closed_loop",
    "single_step",
    "step_of_noise",
    "total_momentum",
]
