"""What YellowFin's signal is: half the gradient's signal-to-noise ratio, and half of the noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.laws import noisy_quadratic, tuning
from momentum_dynamics.notation import symbol
from momentum_dynamics.tuning.yellowfin import YellowFin

__all__: list[str] = []

VARIANCE, P = symbol("noise_variance"), symbol("signal_to_noise")


def _signal_proof() -> Evidence:
    """P with the tuner's own curvature and distance; ‖g‖² has mean ‖ḡ‖² + C.

    In many dimensions ‖g‖² hardly varies, so that E‖g‖ and E‖g‖² are those of a fixed length.
    """
    mean, length = sympy.symbols("m G", positive=True)  # ‖ḡ‖² and ‖g‖²
    told = tuning.signal_to_noise(sympy.sqrt(length) / length, length, VARIANCE)
    seen = told.subs(length, mean + VARIANCE)
    gap = tuning.cubic_root(P)
    least = tuning.cubic(1 - gap, P).subs(P, sympy.Rational(1, 2))
    return Evidence.exact(
        sympy.simplify(told - length / (2 * VARIANCE)),
        sympy.simplify(seen - (noisy_quadratic.tuner_signal(mean / (2 * VARIANCE)))),
        sympy.simplify(seen.subs(mean, 0) - sympy.Rational(1, 2)),
        abs(least.evalf(30)) < 1e-20,
        note="p = ‖g‖²/(2C) = (SNR + 1)/2, at least one half",
    )


def _signal_experiment(rng: np.random.Generator, *, noise_counts: bool) -> Evidence:
    """The signal that the tuner works with on a constant gradient in noise."""
    dimension, ratios, found = 2000, np.array([0.0, 0.5, 3.0]), []
    tuner = YellowFin(window=1, smoothing=0.99)
    for ratio in ratios:
        point, signals = np.zeros(dimension), []
        state = tuner.init(point)
        for step in range(600):
            gradient = np.sqrt(ratio) + rng.standard_normal(dimension)
            state, _, info = tuner.update(state, gradient, point)
            if step >= 400:
                signals.append(
                    tuning.signal_to_noise(info["distance"], info["h_min"], info["variance"])
                )
        found.append(np.mean(signals))
    predicted: Any = noisy_quadratic.tuner_signal(ratios / 2) if noise_counts else ratios / 2
    return Evidence.close(
        predicted, found, tolerance=0.03,
        note="p of the tuner at signal-to-noise ratios 0, ½ and 3, window 1, 2000 parameters",
    )  # fmt: skip


SIGNAL = Claim(
    slug="yellowfin-takes-noise-for-signal",
    title="With many parameters and a window of one step YellowFin's p is half the squared length "
    "of gradients over their noise, (SNR + 1)/2: the noise counts as signal, and p is at least ½.",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Eq(P, noisy_quadratic.tuner_signal(sympy.Symbol("SNR") / 2)),
    proof=_signal_proof,
    experiment=lambda rng: _signal_experiment(rng, noise_counts=True),
    control=lambda rng: _signal_experiment(rng, noise_counts=False),
    expected=Verdict.PROVED,
    remark="So the cubic alone never asks for a momentum above 0.168, and the learning rate does "
    "not fall when only noise is left: the tuner is an SNR-to-momentum map that saturates. A wider "
    "window takes the least of the last lengths for h_min, which lowers p. The control leaves the "
    "noise out, as the derivation means it.",
)
