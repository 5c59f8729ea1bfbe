"""Runs that anyone can regenerate: start, settings and a gradient for every step.

A gradient may depend on where the optimizer stands, so a run is a closed loop: an optimizer that
differs by more than rounding from the recorded one walks away from it. Noise comes from a seeded
NumPy generator; everything is float64 and elementwise, so that no library of linear algebra has a
say in the last digit.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Settings in the words of `YellowFin`, and the gradient of a noisy quadratic.

    `curvatures` hold one array for each tensor of parameters; the start is all ones. The gradient
    is ``scale[t] * loss_scale * keep * (h * x + noise * normal)``, where `keep` is a random mask
    of that density, drawn only where the density is below one.
    """

    name: str
    steps: int
    curvatures: tuple
    options: dict = field(default_factory=dict)
    noise: float = 0.0
    scale: dict = field(default_factory=dict)  # step → factor, or (begin, end) → factor
    loss_scale: float = 1.0
    density: float = 1.0
    constant: bool = False  # the gradient at the start, for ever
    seed: int = 0

    def start(self):
        """The parameters before the first step."""
        return [np.ones_like(curvature) for curvature in self.curvatures]

    def factor(self, step):
        """What the gradient of this step is multiplied by."""
        factor = self.loss_scale
        for when, value in self.scale.items():
            begin, end = when if isinstance(when, tuple) else (when, when + 1)
            if begin <= step < end:
                factor *= value
        return factor

    def gradients(self):
        """A generator: send it the parameters, and it yields the gradients there."""
        rng = np.random.default_rng(self.seed)
        points = yield
        start = self.start()
        for step in range(self.steps):
            at = start if self.constant else points
            gradients = []
            for h, x in zip(self.curvatures, at, strict=True):
                gradient = h * x + self.noise * rng.standard_normal(h.shape)
                if self.density < 1:
                    gradient = gradient * (rng.random(h.shape) < self.density)
                gradients.append(self.factor(step) * gradient)
            points = yield gradients


BOWL = (np.geomspace(0.1, 10, 10),)
SEVERAL = (
    np.geomspace(0.1, 10, 6).reshape(3, 2),
    np.array([0.5, 2.0, 0.3, 1.0]),
    np.array(0.7),
)
SPIKES = {60: 5.0, 61: 3.0, 100: 50.0, 140: 1e4, 180: 12.0}

SCENARIOS = [
    Scenario(name="noisy", steps=600, curvatures=BOWL, noise=1.0),
    Scenario(name="deterministic", steps=300, curvatures=(np.logspace(0, 3, 10),)),
    Scenario(name="spikes", steps=250, curvatures=BOWL, noise=1.0, scale=SPIKES, seed=1),
    Scenario(
        name="spikes-unclipped",
        steps=250,
        curvatures=BOWL,
        noise=1.0,
        scale={60: 5.0, 100: 50.0},
        seed=1,
        options={"adaptive_clip": False, "statistics_guard": None, "largest_move": None},
    ),
    Scenario(
        name="sparse",
        steps=250,
        curvatures=(np.geomspace(0.1, 10, 40),),
        noise=1.0,
        density=0.1,
        options={"sparsity_debias": True},
        seed=2,
    ),
    Scenario(
        name="zeros-for-a-while",
        steps=250,
        curvatures=BOWL,
        noise=1.0,
        scale={(40, 90): 0.0},
        seed=3,
    ),
    Scenario(
        name="zeros-at-first", steps=150, curvatures=BOWL, noise=1.0, scale={(0, 40): 0.0}, seed=3
    ),
    Scenario(name="zeros-for-ever", steps=50, curvatures=BOWL, scale={(0, 50): 0.0}),
    Scenario(
        name="weight-decay",
        steps=250,
        curvatures=BOWL,
        noise=1.0,
        options={"weight_decay": 1e-3},
        seed=4,
    ),
    Scenario(
        name="strong-weight-decay",
        steps=150,
        curvatures=BOWL,
        noise=1.0,
        options={"weight_decay": 0.3},
        scale=SPIKES,
        seed=4,
    ),
    Scenario(
        name="slower",
        steps=250,
        curvatures=BOWL,
        noise=1.0,
        options={"learning_rate_factor": 0.3},
        seed=5,
    ),
    Scenario(
        name="faster",
        steps=250,
        curvatures=BOWL,
        noise=1.0,
        options={"learning_rate_factor": 3.0},
        seed=5,
    ),
    Scenario(
        name="biased", steps=250, curvatures=BOWL, noise=1.0, options={"zero_debias": False}, seed=6
    ),
    Scenario(
        name="linear-smoothing",
        steps=250,
        curvatures=BOWL,
        noise=1.0,
        options={"log_smoothing": False},
        seed=7,
    ),
    Scenario(
        name="short-memory",
        steps=250,
        curvatures=BOWL,
        noise=1.0,
        options={"window": 5, "smoothing": 0.99},
        seed=8,
    ),
    Scenario(
        name="clip-norm",
        steps=250,
        curvatures=BOWL,
        noise=1.0,
        options={"clip_norm": 2.0},
        seed=9,
    ),
    Scenario(
        name="first-momentum",
        steps=150,
        curvatures=BOWL,
        noise=1.0,
        options={"initial_momentum": 0.5, "initial_learning_rate": 0.01},
        seed=10,
    ),
    Scenario(
        name="tiny-loss",
        steps=100,
        curvatures=(np.geomspace(0.01, 1, 10),),
        noise=1.0,
        loss_scale=1e-3,
        seed=11,
    ),
    Scenario(
        name="huge-moves",
        steps=100,
        curvatures=BOWL,
        noise=1.0,
        loss_scale=1e-3,
        options={"learning_rate_factor": 3000.0},
        seed=11,
    ),
    Scenario(name="several", steps=250, curvatures=SEVERAL, noise=0.5, seed=12),
    Scenario(name="scalar", steps=250, curvatures=(np.array(2.0),), noise=0.5, seed=13),
    Scenario(name="constant", steps=60, curvatures=BOWL, constant=True, loss_scale=1e3),
    Scenario(name="constant-huge", steps=30, curvatures=BOWL, constant=True, loss_scale=1e60),
    Scenario(
        name="not-a-number", steps=60, curvatures=BOWL, noise=1.0, scale={30: np.nan}, seed=14
    ),
]
