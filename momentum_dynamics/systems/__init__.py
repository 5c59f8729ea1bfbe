"""From staleness to systems: clusters, how many groups they should form, and a plan to train by."""

from momentum_dynamics.systems.choice import (
    Choice,
    HalvingTrial,
    best_groups,
    group_task,
    halving_rule,
    time_to_target,
)
from momentum_dynamics.systems.cluster import Cluster, barrier_staleness
from momentum_dynamics.systems.hardware import (
    HardwareEfficiency,
    Scaling,
    group_staleness,
    hardware_efficiency,
    machine_repair_throughput,
    scaling,
)
from momentum_dynamics.systems.planning import Plan, Verification, plan
from momentum_dynamics.systems.search import statistical_efficiency, tune_for
from momentum_dynamics.systems.statistical import (
    Task,
    Tuned,
    fewest_updates,
    loss_path,
    updates_to_target,
)

__all__ = [
    "Choice",
    "Cluster",
    "HalvingTrial",
    "HardwareEfficiency",
    "Plan",
    "Scaling",
    "Task",
    "Tuned",
    "Verification",
    "barrier_staleness",
    "best_groups",
    "fewest_updates",
    "group_staleness",
    "group_task",
    "halving_rule",
    "hardware_efficiency",
    "loss_path",
    "machine_repair_throughput",
    "plan",
    "scaling",
    "statistical_efficiency",
    "time_to_target",
    "tune_for",
    "updates_to_target",
]
