"""A laboratory for momentum: prove it, simulate it, plot it, teach it, from one text.

A momentum method is a linear system closed in a loop by the gradient, and everything here is read
off that loop. Importing this package costs NumPy and nothing else; the rest comes on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "analysis": ("Analysis", "AnalysisRow", "StalenessReport", "analyze", "staleness_report"),
    "claims": ("claim", "judge", "list_claims"),
    "claims.bibliography": ("cite",),
    "claims.numbers": ("list_numbers",),
    "delays": (
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
        "ServiceDelay",
        "ShiftedDelay",
        "ShiftedExponential",
        "SlowestOf",
        "UniformDelay",
    ),
    "dynamics.asynchrony.continuum": ("DelayEquation", "MemoryEquation"),
    "dynamics.asynchrony.comparison": ("compare_remedies", "remedy_limit", "usual_remedies"),
    "dynamics.asynchrony.limits": ("delay_stability_limit", "mean_square_limit"),
    "dynamics.asynchrony.moments": ("queue_moments", "stale_moments"),
    "dynamics.asynchrony.pipeline": (
        "pipeline_ages",
        "staged_matrix",
        "staged_path",
        "staged_radius",
    ),
    "dynamics.asynchrony.tuning": ("tune_queue",),
    "dynamics.asynchrony.sensing": ("momentum_at_target", "sensor_reading"),
    "dynamics.average": ("average_case",),
    "dynamics.certificates": ("certified_rate",),
    "dynamics.continuous": ("equation_of_motion", "time_limit"),
    "dynamics.conversion": ("convert", "convert_state"),
    "dynamics.cycles": ("cycle",),
    "dynamics.equivalence": ("equivalent_momentum",),
    "dynamics.escape": ("exit_time",),
    "dynamics.escape_modes": ("exit_from_saddle",),
    "dynamics.flows": ("flow",),
    "dynamics.fluctuations": ("autocorrelation", "power_spectrum"),
    "dynamics.loop": (
        "characteristic_polynomial",
        "loop_equation",
        "transfer_function",
        "transition_matrix",
    ),
    "dynamics.minibatch": ("mean_square_radius", "mini_batch_limit"),
    "dynamics.moments": ("second_moments",),
    "dynamics.optimum": ("tune", "worst_rate"),
    "dynamics.radius": ("Regime", "eigenvalues", "is_stable", "regime", "spectral_radius"),
    "dynamics.residual": ("residual_polynomial",),
    "dynamics.playing": ("stationary_radius",),
    "dynamics.rounds": ("game_operator", "round_matrix"),
    "dynamics.stationary": ("stationary_covariance", "stationary_variance"),
    "dynamics.risk": ("limit_risk_path", "ridge_path", "ridge_ratio", "risk_path"),
    "dynamics.sharpness": ("sharpness_limit",),
    "dynamics.modified": ("modified_loss",),
    "dynamics.switching": ("joint_spectral_radius",),
    "dynamics.transients": ("pseudospectrum", "transient_peak"),
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
        "TorchSGD",
        "QuasiHyperbolic",
        "RobustMomentum",
        "Scheduled",
        "StateSpace",
        "Sutskever",
        "ThreeParameter",
        "TripleMomentum",
        "state_space",
    ),
    "methods.averaging": ("Averaged",),
    "methods.remedies": (
        "DelayAdaptive",
        "DelayCompensated",
        "InverseStaleness",
        "ShiftedHeavyBall",
        "ShiftedMomentum",
        "StaleThreshold",
        "StalenessWeighted",
        "WorkerMomentum",
    ),
    "notation": ("record", "symbol"),
    "problems": (
        "Alternating",
        "Banana",
        "BilinearGame",
        "Consensus",
        "ConvexRosenbrock",
        "CovarianceGame",
        "CurvatureJump",
        "DigitsNetwork",
        "DiracGAN",
        "DoubleWell",
        "Game",
        "HamiltonianDescent",
        "LeastSquares",
        "LinearGame",
        "LogisticRegression",
        "MiniBatches",
        "MonkeySaddle",
        "PiecewiseQuadratic",
        "Polygon",
        "NamedData",
        "Proximal",
        "Quadratic",
        "QuadraticGame",
        "QuarticSaddle",
        "Ridge",
        "RingGAN",
        "Rosenbrock",
        "SaddleChain",
        "Simultaneous",
        "named_data",
        "read_data",
        "semicircle_saddle",
        "wishart_saddle",
    ),
    "scalars": ("expression",),
    "simulation": (
        "EnumeratedQueue",
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
    ),
    "simulation.exits": ("exit_steps",),
    "simulation.exponents": ("path_exponent",),
    "simulation.wells": ("simulate_well",),
    "training": (
        "AdaGrad",
        "Adam",
        "RMSProp",
        "Training",
        "Workload",
        "train",
        "workload",
    ),
    "tuning": (
        "ClosedLoopYellowFin",
        "FixedTarget",
        "Sensor",
        "SingleStep",
        "YellowFin",
        "fit_mean_dynamics",
        "measured_implicit_momentum",
        "simulate_closed_loop",
        "single_step",
        "total_momentum",
    ),
    "tuning.equivariant": ("EquivariantYellowFin",),
    "tuning.rules": ("exact_single_step", "queue_single_step"),
    "systems": (
        "Cluster",
        "Task",
        "best_groups",
        "halving_rule",
        "hardware_efficiency",
        "plan",
        "time_to_target",
    ),
}

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604

# The same names once more for type checkers and editors; a test holds the two together.
if TYPE_CHECKING:
    from momentum_dynamics.analysis import Analysis as Analysis
    from momentum_dynamics.analysis import AnalysisRow as AnalysisRow
    from momentum_dynamics.analysis import StalenessReport as StalenessReport
    from momentum_dynamics.analysis import analyze as analyze
    from momentum_dynamics.analysis import staleness_report as staleness_report
    from momentum_dynamics.claims import claim as claim
    from momentum_dynamics.claims import judge as judge
    from momentum_dynamics.claims import list_claims as list_claims
    from momentum_dynamics.claims.bibliography import cite as cite
    from momentum_dynamics.claims.numbers import list_numbers as list_numbers
    from momentum_dynamics.delays import Deterministic as Deterministic
    from momentum_dynamics.delays import Empirical as Empirical
    from momentum_dynamics.delays import EmpiricalDelay as EmpiricalDelay
    from momentum_dynamics.delays import Exponential as Exponential
    from momentum_dynamics.delays import FixedDelay as FixedDelay
    from momentum_dynamics.delays import Gamma as Gamma
    from momentum_dynamics.delays import GeometricDelay as GeometricDelay
    from momentum_dynamics.delays import Hyperexponential as Hyperexponential
    from momentum_dynamics.delays import LogNormal as LogNormal
    from momentum_dynamics.delays import MixtureDelay as MixtureDelay
    from momentum_dynamics.delays import NegativeBinomialDelay as NegativeBinomialDelay
    from momentum_dynamics.delays import NoDelay as NoDelay
    from momentum_dynamics.delays import Pareto as Pareto
    from momentum_dynamics.delays import ServiceDelay as ServiceDelay
    from momentum_dynamics.delays import ShiftedDelay as ShiftedDelay
    from momentum_dynamics.delays import ShiftedExponential as ShiftedExponential
    from momentum_dynamics.delays import SlowestOf as SlowestOf
    from momentum_dynamics.delays import UniformDelay as UniformDelay
    from momentum_dynamics.dynamics.asynchrony.comparison import (
        compare_remedies as compare_remedies,
    )
    from momentum_dynamics.dynamics.asynchrony.comparison import remedy_limit as remedy_limit
    from momentum_dynamics.dynamics.asynchrony.comparison import usual_remedies as usual_remedies
    from momentum_dynamics.dynamics.asynchrony.continuum import DelayEquation as DelayEquation
    from momentum_dynamics.dynamics.asynchrony.continuum import MemoryEquation as MemoryEquation
    from momentum_dynamics.dynamics.asynchrony.limits import (
        delay_stability_limit as delay_stability_limit,
    )
    from momentum_dynamics.dynamics.asynchrony.limits import mean_square_limit as mean_square_limit
    from momentum_dynamics.dynamics.asynchrony.moments import queue_moments as queue_moments
    from momentum_dynamics.dynamics.asynchrony.moments import stale_moments as stale_moments
    from momentum_dynamics.dynamics.asynchrony.pipeline import pipeline_ages as pipeline_ages
    from momentum_dynamics.dynamics.asynchrony.pipeline import staged_matrix as staged_matrix
    from momentum_dynamics.dynamics.asynchrony.pipeline import staged_path as staged_path
    from momentum_dynamics.dynamics.asynchrony.pipeline import staged_radius as staged_radius
    from momentum_dynamics.dynamics.asynchrony.sensing import (
        momentum_at_target as momentum_at_target,
    )
    from momentum_dynamics.dynamics.asynchrony.sensing import sensor_reading as sensor_reading
    from momentum_dynamics.dynamics.asynchrony.tuning import tune_queue as tune_queue
    from momentum_dynamics.dynamics.average import average_case as average_case
    from momentum_dynamics.dynamics.certificates import certified_rate as certified_rate
    from momentum_dynamics.dynamics.continuous import equation_of_motion as equation_of_motion
    from momentum_dynamics.dynamics.continuous import time_limit as time_limit
    from momentum_dynamics.dynamics.conversion import convert as convert
    from momentum_dynamics.dynamics.conversion import convert_state as convert_state
    from momentum_dynamics.dynamics.cycles import cycle as cycle
    from momentum_dynamics.dynamics.equivalence import equivalent_momentum as equivalent_momentum
    from momentum_dynamics.dynamics.escape import exit_time as exit_time
    from momentum_dynamics.dynamics.escape_modes import exit_from_saddle as exit_from_saddle
    from momentum_dynamics.dynamics.flows import flow as flow
    from momentum_dynamics.dynamics.fluctuations import autocorrelation as autocorrelation
    from momentum_dynamics.dynamics.fluctuations import power_spectrum as power_spectrum
    from momentum_dynamics.dynamics.loop import (
        characteristic_polynomial as characteristic_polynomial,
    )
    from momentum_dynamics.dynamics.loop import loop_equation as loop_equation
    from momentum_dynamics.dynamics.loop import transfer_function as transfer_function
    from momentum_dynamics.dynamics.loop import transition_matrix as transition_matrix
    from momentum_dynamics.dynamics.minibatch import mean_square_radius as mean_square_radius
    from momentum_dynamics.dynamics.minibatch import mini_batch_limit as mini_batch_limit
    from momentum_dynamics.dynamics.modified import modified_loss as modified_loss
    from momentum_dynamics.dynamics.moments import second_moments as second_moments
    from momentum_dynamics.dynamics.optimum import tune as tune
    from momentum_dynamics.dynamics.optimum import worst_rate as worst_rate
    from momentum_dynamics.dynamics.playing import stationary_radius as stationary_radius
    from momentum_dynamics.dynamics.radius import Regime as Regime
    from momentum_dynamics.dynamics.radius import eigenvalues as eigenvalues
    from momentum_dynamics.dynamics.radius import is_stable as is_stable
    from momentum_dynamics.dynamics.radius import regime as regime
    from momentum_dynamics.dynamics.radius import spectral_radius as spectral_radius
    from momentum_dynamics.dynamics.residual import residual_polynomial as residual_polynomial
    from momentum_dynamics.dynamics.risk import limit_risk_path as limit_risk_path
    from momentum_dynamics.dynamics.risk import ridge_path as ridge_path
    from momentum_dynamics.dynamics.risk import ridge_ratio as ridge_ratio
    from momentum_dynamics.dynamics.risk import risk_path as risk_path
    from momentum_dynamics.dynamics.rounds import game_operator as game_operator
    from momentum_dynamics.dynamics.rounds import round_matrix as round_matrix
    from momentum_dynamics.dynamics.sharpness import sharpness_limit as sharpness_limit
    from momentum_dynamics.dynamics.stationary import stationary_covariance as stationary_covariance
    from momentum_dynamics.dynamics.stationary import stationary_variance as stationary_variance
    from momentum_dynamics.dynamics.switching import joint_spectral_radius as joint_spectral_radius
    from momentum_dynamics.dynamics.transients import pseudospectrum as pseudospectrum
    from momentum_dynamics.dynamics.transients import transient_peak as transient_peak
    from momentum_dynamics.errors import DomainError as DomainError
    from momentum_dynamics.errors import MomentumDynamicsError as MomentumDynamicsError
    from momentum_dynamics.errors import NotTraceableError as NotTraceableError
    from momentum_dynamics.errors import ShapeError as ShapeError
    from momentum_dynamics.errors import UnknownNameError as UnknownNameError
    from momentum_dynamics.errors import UnstableDynamicsError as UnstableDynamicsError
    from momentum_dynamics.figures import figure as figure
    from momentum_dynamics.figures import list_figures as list_figures
    from momentum_dynamics.figures import plot as plot
    from momentum_dynamics.methods import Chebyshev as Chebyshev
    from momentum_dynamics.methods import ComplexMomentum as ComplexMomentum
    from momentum_dynamics.methods import ExponentialAverage as ExponentialAverage
    from momentum_dynamics.methods import Extragradient as Extragradient
    from momentum_dynamics.methods import GradientDescent as GradientDescent
    from momentum_dynamics.methods import GrowingNesterov as GrowingNesterov
    from momentum_dynamics.methods import HeavyBall as HeavyBall
    from momentum_dynamics.methods import KerasSGD as KerasSGD
    from momentum_dynamics.methods import LinearMethod as LinearMethod
    from momentum_dynamics.methods import MarchenkoPastur as MarchenkoPastur
    from momentum_dynamics.methods import Method as Method
    from momentum_dynamics.methods import Nesterov as Nesterov
    from momentum_dynamics.methods import OptimisticGradient as OptimisticGradient
    from momentum_dynamics.methods import QuasiHyperbolic as QuasiHyperbolic
    from momentum_dynamics.methods import RobustMomentum as RobustMomentum
    from momentum_dynamics.methods import Scheduled as Scheduled
    from momentum_dynamics.methods import StateSpace as StateSpace
    from momentum_dynamics.methods import Sutskever as Sutskever
    from momentum_dynamics.methods import ThreeParameter as ThreeParameter
    from momentum_dynamics.methods import TorchSGD as TorchSGD
    from momentum_dynamics.methods import TripleMomentum as TripleMomentum
    from momentum_dynamics.methods import state_space as state_space
    from momentum_dynamics.methods.averaging import Averaged as Averaged
    from momentum_dynamics.methods.remedies import DelayAdaptive as DelayAdaptive
    from momentum_dynamics.methods.remedies import DelayCompensated as DelayCompensated
    from momentum_dynamics.methods.remedies import InverseStaleness as InverseStaleness
    from momentum_dynamics.methods.remedies import ShiftedHeavyBall as ShiftedHeavyBall
    from momentum_dynamics.methods.remedies import ShiftedMomentum as ShiftedMomentum
    from momentum_dynamics.methods.remedies import StalenessWeighted as StalenessWeighted
    from momentum_dynamics.methods.remedies import StaleThreshold as StaleThreshold
    from momentum_dynamics.methods.remedies import WorkerMomentum as WorkerMomentum
    from momentum_dynamics.notation import record as record
    from momentum_dynamics.notation import symbol as symbol
    from momentum_dynamics.problems import Alternating as Alternating
    from momentum_dynamics.problems import Banana as Banana
    from momentum_dynamics.problems import BilinearGame as BilinearGame
    from momentum_dynamics.problems import Consensus as Consensus
    from momentum_dynamics.problems import ConvexRosenbrock as ConvexRosenbrock
    from momentum_dynamics.problems import CovarianceGame as CovarianceGame
    from momentum_dynamics.problems import CurvatureJump as CurvatureJump
    from momentum_dynamics.problems import DigitsNetwork as DigitsNetwork
    from momentum_dynamics.problems import DiracGAN as DiracGAN
    from momentum_dynamics.problems import DoubleWell as DoubleWell
    from momentum_dynamics.problems import Game as Game
    from momentum_dynamics.problems import HamiltonianDescent as HamiltonianDescent
    from momentum_dynamics.problems import LeastSquares as LeastSquares
    from momentum_dynamics.problems import LinearGame as LinearGame
    from momentum_dynamics.problems import LogisticRegression as LogisticRegression
    from momentum_dynamics.problems import MiniBatches as MiniBatches
    from momentum_dynamics.problems import MonkeySaddle as MonkeySaddle
    from momentum_dynamics.problems import NamedData as NamedData
    from momentum_dynamics.problems import PiecewiseQuadratic as PiecewiseQuadratic
    from momentum_dynamics.problems import Polygon as Polygon
    from momentum_dynamics.problems import Proximal as Proximal
    from momentum_dynamics.problems import Quadratic as Quadratic
    from momentum_dynamics.problems import QuadraticGame as QuadraticGame
    from momentum_dynamics.problems import QuarticSaddle as QuarticSaddle
    from momentum_dynamics.problems import Ridge as Ridge
    from momentum_dynamics.problems import RingGAN as RingGAN
    from momentum_dynamics.problems import Rosenbrock as Rosenbrock
    from momentum_dynamics.problems import SaddleChain as SaddleChain
    from momentum_dynamics.problems import Simultaneous as Simultaneous
    from momentum_dynamics.problems import named_data as named_data
    from momentum_dynamics.problems import read_data as read_data
    from momentum_dynamics.problems import semicircle_saddle as semicircle_saddle
    from momentum_dynamics.problems import wishart_saddle as wishart_saddle
    from momentum_dynamics.scalars import expression as expression
    from momentum_dynamics.simulation import EnumeratedQueue as EnumeratedQueue
    from momentum_dynamics.simulation import Outcome as Outcome
    from momentum_dynamics.simulation import QueueRun as QueueRun
    from momentum_dynamics.simulation import ServeRun as ServeRun
    from momentum_dynamics.simulation import StaleRun as StaleRun
    from momentum_dynamics.simulation import Trajectory as Trajectory
    from momentum_dynamics.simulation import enumerate_queue as enumerate_queue
    from momentum_dynamics.simulation import play as play
    from momentum_dynamics.simulation import serve as serve
    from momentum_dynamics.simulation import simulate as simulate
    from momentum_dynamics.simulation import simulate_queue as simulate_queue
    from momentum_dynamics.simulation import simulate_stale as simulate_stale
    from momentum_dynamics.simulation.exits import exit_steps as exit_steps
    from momentum_dynamics.simulation.exponents import path_exponent as path_exponent
    from momentum_dynamics.simulation.wells import simulate_well as simulate_well
    from momentum_dynamics.systems import Cluster as Cluster
    from momentum_dynamics.systems import Task as Task
    from momentum_dynamics.systems import best_groups as best_groups
    from momentum_dynamics.systems import halving_rule as halving_rule
    from momentum_dynamics.systems import hardware_efficiency as hardware_efficiency
    from momentum_dynamics.systems import plan as plan
    from momentum_dynamics.systems import time_to_target as time_to_target
    from momentum_dynamics.training import AdaGrad as AdaGrad
    from momentum_dynamics.training import Adam as Adam
    from momentum_dynamics.training import RMSProp as RMSProp
    from momentum_dynamics.training import Training as Training
    from momentum_dynamics.training import Workload as Workload
    from momentum_dynamics.training import train as train
    from momentum_dynamics.training import workload as workload
    from momentum_dynamics.tuning import ClosedLoopYellowFin as ClosedLoopYellowFin
    from momentum_dynamics.tuning import FixedTarget as FixedTarget
    from momentum_dynamics.tuning import Sensor as Sensor
    from momentum_dynamics.tuning import SingleStep as SingleStep
    from momentum_dynamics.tuning import YellowFin as YellowFin
    from momentum_dynamics.tuning import fit_mean_dynamics as fit_mean_dynamics
    from momentum_dynamics.tuning import measured_implicit_momentum as measured_implicit_momentum
    from momentum_dynamics.tuning import simulate_closed_loop as simulate_closed_loop
    from momentum_dynamics.tuning import single_step as single_step
    from momentum_dynamics.tuning import total_momentum as total_momentum
    from momentum_dynamics.tuning.equivariant import (
        EquivariantYellowFin as EquivariantYellowFin,
    )
    from momentum_dynamics.tuning.rules import exact_single_step as exact_single_step
    from momentum_dynamics.tuning.rules import queue_single_step as queue_single_step
else:

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
