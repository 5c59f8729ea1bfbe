"""Experiments on real data: small learning problems, optimizers side by side, and a protocol."""

from momentum_dynamics.training.loop import Training, staleness_of, train
from momentum_dynamics.training.optimizers import (
    AdaGrad,
    Adam,
    MethodOptimizer,
    RMSProp,
    momentum,
    nesterov,
    sgd,
)
from momentum_dynamics.training.workloads import WORKLOADS, Workload, workload

__all__ = [
    "WORKLOADS",
    "AdaGrad",
    "Adam",
    "MethodOptimizer",
    "RMSProp",
    "Training",
    "Workload",
    "momentum",
    "nesterov",
    "sgd",
    "staleness_of",
    "train",
    "workload",
]
