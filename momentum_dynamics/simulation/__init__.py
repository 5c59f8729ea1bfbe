"""Running methods: one path, or thousands of noisy replicas; divergence is an outcome."""

from momentum_dynamics.simulation.enumeration import EnumeratedQueue, enumerate_queue
from momentum_dynamics.simulation.games import play
from momentum_dynamics.simulation.outcome import EnsembleMoments, Outcome, Trajectory
from momentum_dynamics.simulation.queue import simulate_queue
from momentum_dynamics.simulation.queue_run import QueueRun
from momentum_dynamics.simulation.run import simulate
from momentum_dynamics.simulation.server import serve
from momentum_dynamics.simulation.server_run import Ending, Loss, LossKind, ServeRun
from momentum_dynamics.simulation.stale import simulate_stale
from momentum_dynamics.simulation.stale_run import StaleRun

__all__ = [
    "Ending",
    "EnsembleMoments",
    "EnumeratedQueue",
    "Loss",
    "LossKind",
    "Outcome",
    "QueueRun",
    "ServeRun",
    "StaleRun",
    "Trajectory",
    "enumerate_queue",
    "play",
    "serve",
    "simulate",
    "simulate_queue",
    "simulate_stale",
]
