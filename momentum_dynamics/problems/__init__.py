"""Vector fields to run methods on, with the spectrum that predicts how they run."""

from momentum_dynamics.problems.bilinear import BilinearGame
from momentum_dynamics.problems.chain import ConvexRosenbrock
from momentum_dynamics.problems.covariances import CovarianceGame
from momentum_dynamics.problems.data import NamedData, named_data, read_data
from momentum_dynamics.problems.dirac import DiracGAN
from momentum_dynamics.problems.games import Game, LinearGame, QuadraticGame
from momentum_dynamics.problems.least_squares import LeastSquares, Ridge
from momentum_dynamics.problems.logistic import LogisticRegression
from momentum_dynamics.problems.minibatches import MiniBatches
from momentum_dynamics.problems.network import DigitsNetwork
from momentum_dynamics.problems.nonquadratic import Banana, Rosenbrock
from momentum_dynamics.problems.plays import Alternating, Play, Simultaneous
from momentum_dynamics.problems.polygon import Polygon
from momentum_dynamics.problems.quadratic import LinearProblem, Problem, Quadratic
from momentum_dynamics.problems.rings import Coverage, RingGAN
from momentum_dynamics.problems.saddles import (
    MonkeySaddle,
    QuarticSaddle,
    SaddleChain,
    semicircle_saddle,
    wishart_saddle,
)
from momentum_dynamics.problems.toys import CurvatureJump, PiecewiseQuadratic
from momentum_dynamics.problems.transforms import Consensus, HamiltonianDescent, Proximal
from momentum_dynamics.problems.wells import DoubleWell

__all__ = [
    "Alternating",
    "Banana",
    "BilinearGame",
    "Consensus",
    "ConvexRosenbrock",
    "CovarianceGame",
    "Coverage",
    "CurvatureJump",
    "DigitsNetwork",
    "DiracGAN",
    "DoubleWell",
    "Game",
    "HamiltonianDescent",
    "LeastSquares",
    "LinearGame",
    "LinearProblem",
    "LogisticRegression",
    "MiniBatches",
    "MonkeySaddle",
    "NamedData",
    "PiecewiseQuadratic",
    "Play",
    "Polygon",
    "Problem",
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
]
